"""What the adapters share: data that every trial begins anew, and the generators that no framework owns."""

from __future__ import annotations

import copy
import itertools
import random
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any


def reusable(loader: Any, name: str) -> Any:
    """``loader``, unless it can be run through only once.

    Raises:
        ValueError: When it is an iterator.
    """
    if hasattr(loader, "__next__"):
        raise ValueError(
            f"{name} can be run through only once, and each trial needs its batches anew: "
            "give a loader, or a function that returns a new iterator"
        )
    return loader


def begin(loader: Any) -> Iterator[Any]:
    """Its batches from the start."""
    again: Iterable[Any] = loader if hasattr(loader, "__iter__") else loader()
    return iter(again)


class Batches:
    """Batches without an end: the loader is begun again whenever it is through."""

    def __init__(self, loader: Any, name: str = "loader") -> None:
        self._loader, self._name = reusable(loader, name), name
        self._running: Iterator[Any] = iter(())

    def rewind(self) -> None:
        """The next batch is the first one."""
        self._running = iter(())

    def next(self) -> Any:
        for batch in self._running:
            return batch
        self._running = begin(self._loader)
        for batch in self._running:
            return batch
        raise ValueError(f"the {self._name} gives no batch")


def keep_rng(also: Sequence[Any] = ()) -> Callable[[], None]:
    """The global generators of Python and NumPy (when imported), and the NumPy generators in ``also``; returns what puts
    them back.

    Raises:
        TypeError: When one of ``also`` is none.
    """
    python, numpy = random.getstate(), sys.modules.get("numpy")
    legacy = None if numpy is None else numpy.random.get_state()
    for one in also:
        if not hasattr(one, "bit_generator"):
            raise TypeError(f"a {type(one).__name__} cannot be put back: it is no numpy.random.Generator")
    bits = [(one, copy.deepcopy(one.bit_generator.state)) for one in also]

    def restore() -> None:
        random.setstate(python)
        if numpy is not None:
            numpy.random.set_state(legacy)
        for one, state in bits:
            one.bit_generator.state = copy.deepcopy(state)

    return restore


def reseed(seed: int, also: Sequence[Any] = ()) -> None:
    """Seeds the generators that ``keep_rng`` keeps."""
    random.seed(seed)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(seed % 2**32)
    for one in also:
        one.bit_generator.state = type(one.bit_generator)(seed).state


def held(loader: Any, count: int, also: Sequence[Any] = ()) -> list[Any]:
    """``count`` batches to judge on where there is no validation data: in another order than that of the trials."""
    restore = keep_rng(also)
    try:
        reseed(0x5E1D, also)
        return list(itertools.islice(begin(loader), count))
    finally:
        restore()
