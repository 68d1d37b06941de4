"""Shared by the adapters: data that every trial starts again, and the random generators that no
framework owns.
"""

from __future__ import annotations

import contextlib
import functools
import inspect
import itertools
import random
import sys
import types
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from ._reached import is_generator, keep_generator, seed_generator


def reusable(loader: Any, name: str) -> Any:
    """Returns ``loader`` when it can be iterated over more than once. ``name`` is the argument that
    holds it.

    Raises:
        TypeError: When it gives no batches.
        ValueError: When it is an iterator.
    """
    if not (hasattr(loader, "__iter__") or callable(loader)):
        samples = hasattr(loader, "__getitem__") and hasattr(loader, "__len__")
        raise TypeError(
            f"{name} is a {type(loader).__name__}, which gives "
            + ("single samples: give a loader that makes batches of them" if samples else "no batches: give a loader")
            + ", a list of batches, or a function that returns an iterator of them"
        )
    if hasattr(loader, "__next__"):
        raise ValueError(
            f"{name} is an iterator, which can be read only once, and each trial needs the batches from the start: "
            "give a loader, or a function that returns a new iterator"
        )
    return loader


def begin(loader: Any) -> Iterator[Any]:
    """The batches of ``loader`` from the start. A loader is an iterable, or a function that returns
    one.

    Raises:
        TypeError: When the function returns something else.
        ValueError: When the batches do not begin anew.
    """
    again: Any = loader if hasattr(loader, "__iter__") else loader()
    if not hasattr(again, "__iter__"):
        raise TypeError(f"the function that gives batches returns a {type(again).__name__}; it must return an iterator of them")
    batches: Iterator[Any] = iter(again)
    if isinstance(batches, types.GeneratorType) and inspect.getgeneratorstate(batches) != inspect.GEN_CREATED:
        raise ValueError(
            "a loader gives a generator that has begun already, which continues where it was, and each trial needs the batches from the "
            "start: make a new generator in __iter__, or in the function that gives the batches"
        )
    return batches


class Batches:
    """Batches without an end: the loader starts again whenever it is exhausted."""

    def __init__(self, loader: Any, name: str = "loader") -> None:
        self._loader, self._name = reusable(loader, name), name
        self._running: Iterator[Any] = iter(())

    def rewind(self) -> None:
        """Makes the first batch of the loader the next one."""
        self._running = iter(())

    def next(self) -> Any:
        """The next batch.

        Raises:
            ValueError: When the loader has no batch at all.
        """
        for batch in self._running:
            return batch
        self._running = begin(self._loader)
        for batch in self._running:
            return batch
        raise ValueError(f"the {self._name} gives no batch: it needs at least one")


@contextlib.contextmanager
def own_workers(*loaders: Any) -> Iterator[None]:
    """Hides the caller's iterators from a search: persistent workers of PyTorch serve one iterator at
    a time.
    """
    kept = [(loader, loader._iterator) for loader in _staying(loaders)]
    end_workers(*loaders)
    try:
        yield
    finally:
        for loader, iterator in kept:
            loader._iterator = iterator


def end_workers(*loaders: Any) -> None:
    """Ends persistent workers. Each holds a copy of the data set with the generators in it, which
    begin anew only with the worker.
    """
    for loader in _staying(loaders):
        loader._iterator = None


def _staying(loaders: Iterable[Any]) -> list[Any]:
    """The loaders with persistent workers, out of the wrappers of accelerate."""
    inside = [getattr(loader, "base_dataloader", loader) for loader in loaders]
    return [loader for loader in inside if getattr(loader, "persistent_workers", False)]


def as_array(part: Any) -> Any:
    """The tensor of a PyTorch loader as an array, for frameworks that take arrays; else ``part``."""
    is_tensor = type(part).__module__.partition(".")[0] == "torch" and hasattr(part, "detach")
    return part.detach().cpu().numpy() if is_tensor else part


def spread(
    batches: Iterable[Any], limit: float, size_of: Callable[[Any], float], cut: Callable[[Any, int], Any] | None = None
) -> list[Any]:
    """Batches of about ``limit`` samples, at least one batch, spread evenly over those that are
    given: the first ones may be of one class.

    Args:
        batches: The batches.
        limit: Samples.
        size_of: Samples in a batch.
        cut: Leaves so many samples of a batch, spread over it; without it a batch stays whole.
    """
    every = list(batches)
    total = sum(map(size_of, every))
    if not every or total <= limit:
        return every
    count = max(1, int(len(every) * limit / total))
    chosen = [every[(2 * at + 1) * len(every) // (2 * count)] for at in range(count)]
    if cut is not None and count == 1 and size_of(chosen[0]) > limit:
        return [cut(chosen[0], int(limit))]
    return chosen


FORWARD = 1 / 3
"""Price of a sample that is evaluated, in samples that are trained: a backward pass takes about
twice the time of a forward pass (Hobbhahn and Sevilla, "What's the backward-forward FLOP ratio for
neural networks?", 2021).
"""
LEAST = 200
"""Fewest samples of an evaluation, if there are so many."""


def price_of(batches: Iterable[Any], size_of: Callable[[Any], float], batch: float, step: float) -> float:
    """What evaluating ``batches`` costs, in optimizer steps of ``step`` samples. A batch smaller
    than the training batches, of ``batch`` samples, costs as much as one of them.
    """
    return sum(max(size_of(one), batch) for one in batches) * FORWARD / step


def thinned(held: Any, count: int, steps: float, samples: float, size_of: Callable[[Any], float]) -> tuple[Any, float]:
    """Evaluation batches whose price is about ``steps`` optimizer steps of ``samples`` samples, and
    that price: ``held`` itself where it is cheap enough, else some of its first ``count`` batches.
    """
    every = list(itertools.islice(begin(held), count))
    chosen = spread(every, max(steps * samples / FORWARD, LEAST), size_of)
    return chosen if len(chosen) < len(every) else held, price_of(chosen, size_of, samples, samples)


def length(loader: Any) -> int | None:
    """Batches of one pass; ``None`` when the loader does not know."""
    try:
        return len(loader)
    except TypeError:
        return None


def keep_rng(also: Sequence[Any] = ()) -> Callable[[], None]:
    """Keeps the state of the global generators of Python, NumPy and PyTorch (when imported), and of
    the random generators in ``also``.

    Returns:
        A function that puts these states back, as often as it is called.

    Raises:
        TypeError: When one of ``also`` is not a random generator.
    """
    for one in also:
        if not is_generator(one):
            raise TypeError(
                f"also= has a {type(one).__name__}, which cannot be put back: give random generators of NumPy, PyTorch or Python"
            )
    numpy, torch = sys.modules.get("numpy"), _torch()
    restores: list[Callable[[], Any]] = [functools.partial(random.setstate, random.getstate()), *map(keep_generator, also)]
    if numpy is not None:
        restores.append(functools.partial(numpy.random.set_state, numpy.random.get_state()))
    if torch is not None:
        restores.append(functools.partial(torch.set_rng_state, torch.get_rng_state()))

    def restore() -> None:
        for one in restores:
            one()

    return restore


def reseed(seed: int, also: Sequence[Any] = ()) -> None:
    """Seeds the generators that ``keep_rng`` keeps."""
    random.seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed % 2**32)
    if (torch := _torch()) is not None:
        torch.manual_seed(seed)
    for one in also:
        seed_generator(one, seed)


def _torch() -> Any:
    """PyTorch, if it is imported: its loaders draw from its generator in any framework."""
    torch = sys.modules.get("torch")
    return torch if hasattr(torch, "set_rng_state") else None


def held(loader: Any, count: int, also: Sequence[Any] = ()) -> list[Any]:
    """At most ``count`` training batches to judge on without validation data, in another order than
    the trials have.
    """
    restore = keep_rng(also)
    try:
        reseed(0x5E1D, also)
        return list(itertools.islice(begin(loader), count))
    finally:
        restore()
