"""What ``Estimate.require`` and ``Estimate.apply`` do, and ``RefusedError``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

from ._native import Estimate

__all__ = ["RefusedError", "apply", "base_rates", "counts", "require", "set_rates"]

_RATES = ("lr", "initial_lr", "max_lr", "min_lr")  # entries of a parameter group; OneCycleLR writes the last two
_KEPT = ("base_lrs", "max_lrs", "_last_lr", "base_values")  # lists of a scheduler; CyclicLR has max_lrs, timm base_values


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
    bases = base_rates(optimizer, schedulers)
    if bases[0] > 0.0:
        return set_rates(optimizer, [lr / bases[0]] * len(groups), schedulers)
    if max(bases) > 0.0:
        raise ValueError("the first parameter group has the rate 0, so the others have no ratio to it: give it a rate above 0")
    set_rates(optimizer, [math.nan] * len(groups), schedulers, [lr] * len(groups))


def base_rates(optimizer: Any, schedulers: Iterable[Any] = ()) -> list[float]:
    """The rate of each parameter group that the factors of its schedule multiply: the rate that
    schedulers started from; the highest rate of a cycle, which is its ``max_lr``.
    """
    groups = optimizer.param_groups
    bases = [float(group.get("max_lr", group.get("initial_lr", group["lr"]))) for group in groups]
    for one in _leaves(schedulers):  # CyclicLR does not write its highest rates into the groups
        highest = getattr(one, "max_lrs", None)
        if isinstance(highest, list) and len(highest) == len(groups):
            bases = [float(rate) for rate in highest]
    return bases


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
        if _inside(getattr(one, "optimizer", optimizer)) is not _inside(optimizer):
            raise ValueError(f"the {type(one).__name__} is not one of this optimizer: give the schedulers that were made for it")
    if not given and any("initial_lr" in group for group in optimizer.param_groups):
        raise ValueError(
            "the optimizer has a scheduler, which keeps the rates that it was made with and would undo this at its next step: "
            "give it too, estimate.apply(optimizer, scheduler), or apply before the scheduler is made"
        )

    def new(rate: Any, at: int) -> Any:
        return rate * factors[at] if values is None else values[at]

    warming = [one for one in given if counts(one) and getattr(one, "warmup_t", 0) > 0]
    for at, group in enumerate(optimizer.param_groups):
        begun_at = [one.warmup_lr_init * group.get("lr_scale", 1.0) for one in warming]  # the same at each rate
        for name in _RATES:
            if name not in group or name == "lr" and group[name] in begun_at:
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
    for one in warming:
        start, count = one.warmup_lr_init, one.warmup_t
        one.warmup_steps = [(new(start + rise * count, at) - start) / count for at, rise in enumerate(one.warmup_steps)]


def counts(scheduler: Any) -> bool:
    """Whether a scheduler is one of timm, which is told the count: of steps, or of epochs."""
    return hasattr(scheduler, "step_update") and hasattr(scheduler, "t_in_epochs")


def _inside(optimizer: Any) -> Any:
    """The optimizer in the wrapper of accelerate."""
    return getattr(optimizer, "optimizer", optimizer)


def _leaves(schedulers: Iterable[Any]) -> Iterable[Any]:
    """The schedulers, and those that are inside SequentialLR, ChainedScheduler and the wrapper of
    accelerate.
    """
    for one in schedulers:
        inside = getattr(one, "scheduler", None)
        if hasattr(inside, "step"):
            yield from _leaves([inside])
            continue
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
