"""Checks of single arguments: each message names the argument and says what it must be."""

from __future__ import annotations

import math
from typing import Any

_SEEDS = 2**64


def checked_steps(value: Any, name: str = "steps") -> None:
    """Raises when ``value`` is not a count of optimizer steps."""
    checked_count(value, name, of=" of optimizer steps")


def checked_count(value: Any, name: str, of: str = "") -> None:
    """Raises when ``value`` is not a whole number from 1 on."""
    _checked_whole(value, name, of)
    if value < 1:
        raise ValueError(f"{name} is {value}; it must be at least 1")


def checked_seed(value: Any) -> None:
    """Raises when ``value`` is not a seed."""
    _checked_whole(value, "seed")
    if not 0 <= value < _SEEDS:
        raise ValueError(f"seed is {value}; it must be a whole number from 0 to 2^64 - 1")


def checked_above_zero(value: Any, name: str) -> None:
    """Raises when ``value`` is given and not a number above 0."""
    if value is None:
        return
    if isinstance(value, (bool, str, bytes)) or not hasattr(value, "__float__"):
        raise TypeError(f"{name} is {_shown(value)}; it must be a number above 0")
    if not float(value) > 0.0:
        raise ValueError(f"{name} is {value}; it must be above 0")


def checked_rate(value: Any) -> None:
    """Raises when ``value`` is not a rate; arrays and what a framework traces are not looked at."""
    if value is None:
        raise TypeError("lr is None; it must be a number: after a search that refused there is no rate, and estimate.require() says why")
    if isinstance(value, (bool, str, bytes)):
        raise TypeError(f"lr is {_shown(value)}; it must be a number")


def checked_text(value: Any, name: str, what: str = "") -> None:
    """Raises when ``value`` is not a text."""
    if not isinstance(value, str):
        raise TypeError(f"{name} is {_shown(value)}; it must be text{what}")


def checked_numbers(**given: Any) -> None:
    """Raises when one of the arguments is given and not a number above 0."""
    for name, value in given.items():
        checked_above_zero(value, name)


def checked_grid(low: Any, high: Any, per_decade: Any, seeds: Any, trial_steps: Any) -> None:
    """Raises for what is wrong with the arguments of a sweep, each by itself."""
    checked_numbers(low=low, high=high)
    checked_count(per_decade, "per_decade")
    checked_count(seeds, "seeds")
    if trial_steps is not None:
        checked_steps(trial_steps, "trial_steps")


def checked_function(value: Any, name: str, call: str) -> None:
    """Raises when ``value`` is given and cannot be called."""
    if value is not None and not callable(value):
        raise TypeError(f"{name} is a {type(value).__name__}; it must be a function {call}")


def number(value: Any, name: str, what: str) -> float:
    """What the function ``name`` gave, as a float.

    Raises:
        TypeError: When it is not one number.
    """
    value = value.detach() if hasattr(value, "detach") else value  # PyTorch warns of a number with a gradient
    shape = getattr(value, "shape", ())
    if isinstance(shape, tuple) and math.prod(shape) != 1:
        raise TypeError(f"{name} gives an array of shape {tuple(shape)}; it must return {what}, one number: take its mean()")
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} gives {_shown(value)}; it must return {what}, one number") from None


def _checked_whole(value: Any, name: str, of: str = "") -> None:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError(f"{name} is {_shown(value)}; it must be a whole number{of}")


def _shown(value: Any) -> str:
    """A number or a text as it is, else the name of the type: the rest may be long."""
    return repr(value) if value is None or isinstance(value, (int, float, str, bytes)) else f"a {type(value).__name__}"
