"""What ``Estimate.require`` and ``Estimate.apply`` do, and ``RefusedError``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ._native import Estimate

__all__ = ["RefusedError", "apply", "require", "set_rates"]

_RATES = ("lr", "initial_lr", "max_lr", "min_lr")  # entries of a parameter group; OneCycleLR writes the last two
_KEPT = ("base_lrs", "max_lrs", "_last_lr")  # lists of a scheduler; CyclicLR has max_lrs


class RefusedError(RuntimeError):
    """A search refused to answer, and a rate was required. ``estimate`` is the ``Refusal``."""

    def __init__(self, estimate: Estimate) -> None:
        super().__init__(estimate)
        self.estimate = estimate

    def __str__(self) -> str:
        return f"the search gave no rate ({self.estimate.refused}): {self.estimate.why}; {self.estimate.advice}"


def require(estimate: Estimate) -> float:
    """The rate of ``estimate``.

    Raises:
        RefusedError: When it has none.
    """
    if estimate.lr is None:
        raise RefusedError(estimate)
    return estimate.lr


def apply(estimate: Estimate, optimizer: Any, schedulers: Sequence[Any] = ()) -> None:
    """``Estimate.apply``."""
    lr = require(estimate)
    groups = getattr(optimizer, "param_groups", None)
    if groups is None:
        return _apply_to_keras(lr, optimizer)
    first = float(groups[0].get("initial_lr", groups[0]["lr"]))
    if first > 0.0:
        return set_rates(optimizer, [lr / first] * len(groups), schedulers)
    if any(float(group.get("initial_lr", group["lr"])) > 0.0 for group in groups):
        raise ValueError("the first parameter group has the rate 0, so the others have no ratio to it: give it a rate above 0")
    set_rates(optimizer, [math.nan] * len(groups), schedulers, [lr] * len(groups))


def set_rates(
    optimizer: Any, factors: Sequence[float], schedulers: Iterable[Any] = (), values: Sequence[float] | None = None
) -> None:
    """Multiplies the rates of each group of ``optimizer``, and what ``schedulers`` keep of them, by
    the factor of the group; with ``values`` sets them to these instead.

    Raises:
        ValueError: When the optimizer has a scheduler and none is given.
    """
    given = list(_leaves(schedulers))
    for one in given:
        if getattr(one, "optimizer", optimizer) is not optimizer:
            raise ValueError(f"the {type(one).__name__} is not one of this optimizer: give the schedulers that were made for it")
    if not given and any("initial_lr" in group for group in optimizer.param_groups):
        raise ValueError(
            "the optimizer has a scheduler, which keeps the rates that it was made with and would undo this at its next step: "
            "give it too, estimate.apply(optimizer, scheduler), or apply before the scheduler is made"
        )

    def new(rate: Any, at: int) -> Any:
        return rate * factors[at] if values is None else values[at]

    for at, group in enumerate(optimizer.param_groups):
        for name in _RATES:
            if name not in group:
                continue
            if hasattr(group[name], "fill_"):  # a tensor, which a captured graph may hold
                group[name].fill_(float(new(group[name], at)))
            else:
                group[name] = float(new(group[name], at))
    for one in given:
        for name in _KEPT:
            kept = getattr(one, name, None)
            is_stored = not isinstance(getattr(type(one), name, None), property) or name == "base_lrs"
            if isinstance(kept, list) and len(kept) == len(factors) and is_stored:
                setattr(one, name, [new(rate, at) for at, rate in enumerate(kept)])


def _leaves(schedulers: Iterable[Any]) -> Iterable[Any]:
    """The schedulers, and those that are inside SequentialLR and ChainedScheduler."""
    for one in schedulers:
        yield one
        yield from _leaves(getattr(one, "_schedulers", ()))


def _apply_to_keras(lr: float, optimizer: Any) -> None:
    rate = getattr(optimizer, "_learning_rate", None)
    if hasattr(rate, "assign"):
        optimizer.learning_rate = lr
    elif rate is not None:
        raise TypeError(
            "the rate of the optimizer is a schedule: compile the model with stepsize.keras.Schedule(estimate.lr, ...) instead"
        )
    else:
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}, whose rate cannot be set: give an optimizer of PyTorch or Keras; "
            "elsewhere use estimate.require()"
        )
