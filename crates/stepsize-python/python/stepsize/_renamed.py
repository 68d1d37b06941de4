"""Old names of arguments: they still work, with a warning that gives the new name."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")


def renamed(**names: str) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Lets a function take arguments by old names: with ``renamed(lr="start")``, ``lr=0.1`` arrives
    as ``start=0.1``.

    ``help()`` and type checkers see the signature as it is written, which has the new names only.

    Args:
        names: The new name for each old name.
    """

    def wrap(function: Callable[_P, _R]) -> Callable[_P, _R]:
        @functools.wraps(function)
        def call(*args: _P.args, **kwargs: _P.kwargs) -> _R:
            for old in [name for name in names if name in kwargs]:
                new = names[old]
                if new in kwargs:
                    raise TypeError(f"{old}= and {new}= were both given: leave out {old}=, the old name of {new}=")
                warnings.warn(f"{old}= has a new name: give {new}=", DeprecationWarning, stacklevel=2)
                kwargs[new] = kwargs.pop(old)
            return function(*args, **kwargs)

        return call

    return wrap


find_names = renamed(lr="start", max_cost="budget")
"""For ``find`` of every framework, and for ``Study``."""
range_test_names = renamed(iterations="trial_steps")
"""For ``range_test`` of every framework."""
