"""``keep``: the value of an object as it is now, to be put back into the same object."""

from __future__ import annotations

import collections
import copy
import sys
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from .._reached import is_generator, keep_generator

Restore = Callable[[], Any]


_LARGE = 2**20
"""Bytes of a tensor or an array in an object; larger ones are data, not state."""
_LONG = 10_000
"""The same for the entries of a container."""
_DEEP = 3
"""Objects in objects that are looked into."""


def keep(value: Any, where: str | None, other: Callable[[Any], Any], own: str | None = None) -> Restore:
    """Keeps a value. Returns a function that gives it back, as often as it is called.

    Tensors, NumPy arrays, lists, dictionaries, sets and random generators stay the same objects:
    their content is put back.

    Args:
        value: The value.
        where: Device of the copies; ``None`` for that of the tensor.
        other: What makes a copy of a value of any other type: ``plain`` or ``same``.
        own: A package. The attributes of objects whose type it defines are put back as well, but
            large data in them.
    """
    return _Keeper(where, other, own).keep(value)


def package_of(value: Any) -> str:
    """The package that defines the type of a value."""
    return type(value).__module__.partition(".")[0]


def local(tensor: Tensor) -> Tensor:
    """The part of a tensor that this process holds: the tensor itself, unless it is sharded."""
    sharded: Any = tensor
    return sharded.to_local() if hasattr(tensor, "to_local") else tensor


def copied(tensor: Tensor, where: str | None) -> Tensor:
    """A copy of the local part of a tensor, on the device ``where``."""
    mine = local(tensor.detach())
    return mine.clone() if where is None else mine.to(where, copy=True)


def put(tensor: Tensor, kept: Tensor) -> None:
    """Copies what ``copied`` gave back into the tensor."""
    with torch.no_grad():
        local(tensor.detach()).copy_(kept)


class _Keeper:
    """One walk through nested containers."""

    def __init__(self, where: str | None, other: Callable[[Any], Any], own: str | None) -> None:
        self._where, self._other, self._own, self._depth = where, other, own, 0
        self._seen: dict[int, Restore] = {}

    def keep(self, value: Any) -> Restore:
        if id(value) not in self._seen:
            self._seen[id(value)] = lambda: value  # for containers that hold themselves
            self._seen[id(value)] = self._kept(value)
        return self._seen[id(value)]

    def _kept(self, value: Any) -> Restore:
        numpy = sys.modules.get("numpy")
        if self._depth > 0 and _is_data(value):
            return lambda: value
        if isinstance(value, Tensor):
            return self._tensor(value)
        if isinstance(value, (list, collections.deque)):
            return self._filled(value, [self.keep(one) for one in value])
        if type(value) is tuple:
            parts = [self.keep(one) for one in value]
            return lambda: ([part() for part in parts], value)[1]
        if isinstance(value, dict):
            return self._mapped(value, {key: self.keep(one) for key, one in value.items()})
        if isinstance(value, set):
            return self._united(value, set(value))
        if numpy is not None and isinstance(value, numpy.ndarray):
            return self._array(value, value.copy())
        if is_generator(value):
            generator = keep_generator(value)
            return lambda: (generator(), value)[1]
        if self._own == package_of(value) and hasattr(value, "__dict__") and not isinstance(value, nn.Module):
            return self._object(value)
        kept = self._other(value)
        return lambda: self._other(kept)

    def _object(self, value: Any) -> Restore:
        if self._depth == _DEEP:
            return lambda: value
        self._depth += 1
        then = {name: self.keep(one) for name, one in vars(value).items()}
        self._depth -= 1

        def restore() -> Any:
            attributes = vars(value)
            for name in [name for name in attributes if name not in then]:
                del attributes[name]
            attributes.update({name: one() for name, one in then.items()})
            return value

        return restore

    def _tensor(self, tensor: Tensor) -> Restore:
        # An expanded view cannot be written to, so nobody has. A parameter in an attribute is kept
        # with its module or with the optimizer.
        if 0 in tensor.stride() or isinstance(tensor, nn.Parameter) and self._other is same:
            return lambda: tensor
        value = copied(tensor, self._where)

        def restore() -> Tensor:
            put(tensor, value)
            return tensor

        return restore

    @staticmethod
    def _filled(value: Any, kept: list[Restore]) -> Restore:
        def restore() -> Any:
            then = [one() for one in kept]
            value.clear()
            value.extend(then)
            return value

        return restore

    @staticmethod
    def _mapped(value: Any, kept: dict[Any, Restore]) -> Restore:
        def restore() -> Any:
            then = {key: one() for key, one in kept.items()}
            value.clear()
            value.update(then)
            return value

        return restore

    @staticmethod
    def _united(value: set[Any], kept: set[Any]) -> Restore:
        def restore() -> set[Any]:
            value.clear()
            value.update(kept)
            return value

        return restore

    @staticmethod
    def _array(value: Any, kept: Any) -> Restore:
        def restore() -> Any:
            if value.flags.writeable:
                value[...] = kept
            return value

        return restore


def _is_data(value: Any) -> bool:
    if hasattr(value, "nbytes"):
        return int(value.nbytes) > _LARGE
    return isinstance(value, (list, tuple, dict, set, collections.deque)) and len(value) > _LONG


def plain(value: Any) -> Any:
    """A copy of a value that is not a tensor and may be changed in place."""
    return copy.deepcopy(value)


def same(value: Any) -> Any:
    """The value itself: for objects of unknown type, which cannot be put back."""
    return value
