"""What a caller's functions, loaders and data sets lead to, so that a search can put it back: random
generators of their own, counters, and whatever else a framework looks for.
"""

from __future__ import annotations

import contextlib
import copy
import dis
import functools
import random
import sys
import sysconfig
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

__all__ = ["is_generator", "keep_generator", "keep_names", "reached", "seed_generator"]

_DEEP = 6
_MANY = 20_000
"""Objects that are looked at. A large data set must not be walked through."""
_LONG = 100
"""Longer containers are data."""
_PLAIN = (type(None), bool, int, float, complex, str, bytes, type, types.ModuleType, types.CodeType)
_RUNNING = ("torch.utils.data.distributed", "torch.utils.data.sampler", "torch.optim.lr_scheduler", "gymnasium", "gym")
"""Packages and modules whose objects hold where a run is, as those of classes that build on theirs
do: the epoch of a sampler, the step of a scheduler, the state of an environment.
"""
_INSTALLED = tuple({sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")})


def reached(roots: Iterable[Any], stop: Callable[[Any], bool] = lambda one: False) -> Iterator[Any]:
    """Every object that ``roots`` lead to, each once: what functions of the caller refer to, and what
    objects and short containers hold.

    Args:
        roots: Functions, loaders and other objects.
        stop: Says of an object that what is inside it is of no interest.
    """
    waiting = deque((root, 0) for root in roots)
    seen: dict[int, Any] = {}  # the objects too: an id belongs to one object while that lives
    while waiting and len(seen) < _MANY:
        one, depth = waiting.popleft()
        if isinstance(one, _PLAIN) or id(one) in seen:
            continue
        seen[id(one)] = one
        yield one
        if depth < _DEEP and not stop(one):
            further = depth if _runs(type(one)) else depth + 1  # environments are wrapped in each other, as often as one likes
            waiting.extend((part, further) for part in _parts(one))


def keep_names(objects: Iterable[Any]) -> Callable[[], None]:
    """Keeps what names refer to: the attributes of the caller's own objects, of samplers, schedulers
    and environments, the variables outside that functions assign, and the numbers in dictionaries.

    Returns:
        A function that puts them back. What a name refers to is not copied.
    """
    restores: list[Callable[[], None]] = []
    for one in objects:
        if isinstance(one, types.FunctionType):
            restores += _keep_variables(one)
        elif type(one) is dict and len(one) <= _LONG:
            restores.append(_keep_entries(one, {name: value for name, value in one.items() if isinstance(value, (int, float))}))
        elif isinstance(getattr(one, "__dict__", None), dict) and (_is_callers(type(one)) or _runs(type(one))):
            restores.append(_keep_entries(vars(one), dict(vars(one)), whole=True))

    def restore() -> None:
        for one in restores:
            one()

    return restore


def _keep_entries(now: dict[Any, Any], then: dict[Any, Any], whole: bool = False) -> Callable[[], None]:
    def restore() -> None:
        for name in [name for name in now if name not in then] if whole else []:
            del now[name]
        for name, value in then.items():
            if now.get(name, now) is not value:
                now[name] = value

    return restore


def _keep_variables(function: types.FunctionType) -> Iterator[Callable[[], None]]:
    if not _is_callers(function):
        return
    code = function.__code__
    stored = {(each.opname, each.argval) for each in dis.get_instructions(code)}
    names = [name for op, name in stored if op == "STORE_GLOBAL"]
    scope = function.__globals__
    if names:
        yield _keep_entries(scope, {name: scope[name] for name in names if name in scope})
    for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
        if ("STORE_DEREF", name) in stored and _is_filled(cell):
            yield functools.partial(setattr, cell, "cell_contents", cell.cell_contents)


def _is_filled(cell: types.CellType) -> bool:
    """Whether the variable in a cell is assigned already."""
    with contextlib.suppress(ValueError):
        return cell.cell_contents is not cell
    return False


def is_generator(one: Any) -> bool:
    """Whether an object is a random generator of PyTorch, NumPy or Python whose state can be put
    back.
    """
    if isinstance(one, random.Random):
        return not isinstance(one, random.SystemRandom)
    numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
    if numpy is not None and isinstance(one, (numpy.random.Generator, numpy.random.RandomState)):
        return True
    return torch is not None and isinstance(one, getattr(torch, "Generator", ()))


def keep_generator(one: Any) -> Callable[[], Any]:
    """Keeps the state of a random generator; returns what puts it back."""
    if isinstance(one, random.Random):
        return functools.partial(one.setstate, one.getstate())
    if hasattr(one, "bit_generator"):
        bits = copy.deepcopy(one.bit_generator.state)
        return lambda: setattr(one.bit_generator, "state", copy.deepcopy(bits))
    return functools.partial(one.set_state, one.get_state())


def seed_generator(one: Any, seed: int) -> None:
    """Seeds a random generator."""
    if hasattr(one, "manual_seed"):
        one.manual_seed(seed)
    elif hasattr(one, "bit_generator"):
        one.bit_generator.state = type(one.bit_generator)(seed).state
    else:
        one.seed(seed % 2**32)


def _parts(one: Any) -> Iterable[Any]:
    if isinstance(one, functools.partial):
        return (one.func, *one.args, *one.keywords.values())
    if isinstance(one, types.MethodType):
        return (one.__self__, one.__func__)
    if isinstance(one, types.FunctionType):
        return () if _is_ours(one) else _variables(one)
    if isinstance(one, Mapping):
        return list(one.values()) if type(one) is dict and len(one) <= _LONG else ()
    if isinstance(one, (list, tuple, set, frozenset, deque)):
        return list(one) if len(one) <= _LONG else ()
    inside = getattr(one, "__dict__", None)
    return list(inside.values()) if isinstance(inside, dict) and type(one).__module__ != "builtins" and not _is_ours(one) else ()


def _variables(function: types.FunctionType) -> list[Any]:
    """What the names in a function refer to, those of functions inside it too. Of a function that
    is installed, what it was made with.
    """
    names: set[str] = set()
    codes = [function.__code__] if _is_callers(function) else []
    while codes:
        code = codes.pop()
        names.update(code.co_names)
        codes += [one for one in code.co_consts if isinstance(one, types.CodeType)]
    scope = function.__globals__
    found = [scope[name] for name in names if name in scope]
    found += [cell.cell_contents for cell in function.__closure__ or () if _is_filled(cell)]
    return [*found, *(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()]


def _runs(kind: type) -> bool:
    return any(f"{base.__module__}.".startswith(f"{name}.") for base in kind.__mro__ for name in _RUNNING)


def _is_ours(one: Any) -> bool:
    return (getattr(one, "__module__", None) or "").partition(".")[0] == "stepsize"


def _is_callers(one: Any) -> bool:
    """Whether a function or a class is the caller's own: not of this package, nor of an installed
    one.
    """
    name = getattr(one, "__module__", None) or ""
    if name.partition(".")[0] == "stepsize" or name in sys.builtin_module_names:
        return False
    file = getattr(sys.modules.get(name), "__file__", None) or ""
    return not (file.startswith(_INSTALLED) or any(part in file for part in ("site-packages", "dist-packages")))
