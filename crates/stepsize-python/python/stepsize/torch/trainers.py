"""What the searches through a trainer share: the plan that a PyTorch scheduler would follow, and the
attributes of objects, put back.
"""

from __future__ import annotations

import copy
import functools
import itertools
import math
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .. import Schedule
from .._answer import base_rates, counts, set_rates
from .rates import Followed, Momenta, momentum_of, scales_of

__all__ = ["keep_attributes", "plan_of", "planned", "stand_in"]

_SAME = 1e-9
"""Factors of two schedules that differ by less are the same factor; both are computed in
doubles.
"""
_LONG = 10_000
"""Containers with more entries are data, not state, and are not looked into."""

_LOOKS = 101
_LOW = 0.011
"""A schedule that is below this share of its top for half of the run was made for a shorter one."""

_OF_SCHEDULERS = ("initial_lr", "max_lr", "min_lr", "max_momentum", "base_momentum", "initial_momentum")
"""What schedulers write into parameter groups, beside the rate."""

_LEVELS = 12
"""A schedule of more levels than this is better read as a table."""


def keep_attributes(*objects: Any) -> Callable[[], None]:
    """Keeps which attributes ``objects`` have, and the contents of their plain lists, dictionaries
    and sets.

    Returns:
        A function that puts them back. What an attribute refers to is not copied.
    """
    attributes = [(one, dict(vars(one))) for one in objects]
    contents: dict[int, tuple[Any, Any]] = {}
    for _, kept in attributes:
        for value in kept.values():
            _contents(value, contents, depth=2)

    def restore() -> None:
        for one, kept in attributes:
            vars(one).clear()
            vars(one).update(kept)
        for holder, kept in contents.values():
            if isinstance(holder, list):
                holder[:] = kept
            else:
                holder.clear()
                holder.extend(kept) if isinstance(holder, deque) else holder.update(kept)

    return restore


def _contents(value: Any, found: dict[int, tuple[Any, Any]], depth: int) -> None:
    if not isinstance(value, (list, dict, set, deque)) or len(value) > _LONG or id(value) in found:
        return
    found[id(value)] = value, copy.copy(value)
    if depth > 0:
        for one in value.values() if isinstance(value, dict) else value:
            _contents(one, found, depth - 1)


def plan_of(
    scheduler: Any, steps: int, *, every: int = 1, epoch: int | None = None, calls: int = 1, make: Callable[[float], Any] | None = None
) -> tuple[Schedule, Followed | None]:
    """The schedule that a PyTorch scheduler would follow in a run of ``steps``, and what trials
    follow besides: the momentum if it changes that too, as OneCycleLR and CyclicLR do, and another
    schedule for another rate, if it has an end rate of its own.

    A copy of the scheduler is stepped; the scheduler and its optimizer do not change. Where the
    factors are those of a notation, the schedule is that notation, else a table of factors.

    Args:
        scheduler: A scheduler at its start.
        steps: Optimizer steps of the run.
        every: Optimizer steps, or epochs with ``epoch``, between two calls of ``scheduler.step``.
        epoch: Optimizer steps of an epoch, for a scheduler that is stepped at the end of epochs.
        calls: Calls of ``scheduler.step`` each time.
        make: Makes the scheduler of a run with another base rate; by default what ``Estimate.apply``
            makes of this one.

    Raises:
        ValueError: When the scheduler needs a metric, or the parameter groups follow different
            schedules.
    """
    name = type(scheduler).__name__
    if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau) or name in ("GreedyLR", "PlateauLRScheduler"):
        raise ValueError(
            f"{name} follows a metric, so nobody knows its rates beforehand: give schedule=, the schedule without it, "
            'such as schedule="constant"'
        )
    if not (hasattr(scheduler, "step") and hasattr(scheduler, "optimizer")):
        raise TypeError(f"scheduler is a {name}; it must be a scheduler of PyTorch, at its start")
    between = every * (epoch or 1), calls
    copied = _copy_of(scheduler)
    base = base_rates(copied.optimizer, [copied])[0]

    def factors_at(lr: float) -> list[float]:
        other = _copy_of(scheduler) if make is None else make(lr)
        if make is None:
            set_rates(other.optimizer, [lr / base] * len(other.optimizer.param_groups), [other])
        return _stepped(other, steps, *between)[0]

    factors, momenta = _stepped(copied, steps, *between)
    changes = any(now != momenta[0] for now in momenta)
    moved = Momenta([Schedule.table(list(one)) for one in zip(*momenta, strict=True)], steps) if changes else None
    plan_at = None
    if base > 0.0 and not _same(_or(factors_at, base / 10.0, factors), factors):
        plan_at = functools.cache(lambda lr: named(_or(factors_at, lr, factors)))
    return named(factors), Followed(moved, plan_at, steps) if moved or plan_at else None


def _or(factors_at: Callable[[float], list[float]], lr: float, otherwise: list[float]) -> list[float]:
    """The factors at a rate; ``otherwise`` if the scheduler cannot have that rate."""
    try:
        return factors_at(lr)
    except ValueError:
        return otherwise


def _same(one: Sequence[float], other: Sequence[float]) -> bool:
    return all(math.isclose(a, b, rel_tol=0.0, abs_tol=_SAME) for a, b in zip(one, other, strict=True))


def _copy_of(scheduler: Any) -> Any:
    """A copy with an optimizer of its own, which shares the parameters and takes no step."""
    optimizer = scheduler.optimizer
    shared = {id(p): p for group in optimizer.param_groups for p in group["params"]}
    shared.update({id(p): p for p in optimizer.state if isinstance(p, Tensor)})
    shared[id(optimizer.state)] = {}
    return copy.deepcopy(scheduler, shared)


def _stepped(copied: Any, steps: int, every: int, calls: int) -> tuple[list[float], list[list[float]]]:
    """The factors of a scheduler in a run of ``steps``, and the momenta of each group."""
    name, groups = type(copied).__name__, copied.optimizer.param_groups
    bases = base_rates(copied.optimizer, [copied])
    bases = [base * scale for base, scale in zip(bases, scales_of(copied.optimizer), strict=True)] if counts(copied) else bases
    used = [at for at, base in enumerate(bases) if base > 0.0]
    if not used:
        raise ValueError(f"the base rates of {name} are {bases}: one must be above 0")
    # A rate divided by its base may miss the factor by a rounding.
    lambdas = copied.lr_lambdas if type(copied) is torch.optim.lr_scheduler.LambdaLR else None
    factors, momenta = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that step() comes before the optimizer's, of which there is none
        for step in range(1, steps + 1):
            now = [lambdas[at](copied.last_epoch) if lambdas else float(groups[at]["lr"]) / bases[at] for at in used]
            if max(now) - min(now) > _SAME * max(1.0, max(now)):
                raise ValueError(
                    f"under {name} the parameter groups follow different schedules (factors {now} at step {step - 1}), "
                    "and the search has one: give schedule="
                )
            factors.append(now[0])
            momenta.append([momentum_of(group, 0.0) for group in groups])
            if step % every == 0:
                for _ in range(calls if step < steps else 0):
                    _step(copied, step, steps, every)
    return factors, momenta


def _step(scheduler: Any, step: int, steps: int, every: int) -> None:
    try:
        if counts(scheduler):
            (scheduler.step if scheduler.t_in_epochs else scheduler.step_update)(step // every)
        else:
            scheduler.step()
    except ValueError as fault:
        raise ValueError(
            f"{type(scheduler).__name__} ends after step {step} of {steps} ({fault}): give steps= the length that it was made for"
        ) from fault


def stand_in(optimizer: Any, lr: float | None = None) -> torch.optim.Optimizer:
    """An optimizer of single numbers with the groups of ``optimizer``, for a scheduler that is made
    only to be read: a scheduler changes the rates of its optimizer. With ``lr`` the first group has
    that base rate, and the others keep their ratios.
    """
    first = base_rates(optimizer)[0]
    scale = 1.0 if lr is None or first == 0.0 else lr / first
    groups = [
        {**{name: value for name, value in group.items() if name not in _OF_SCHEDULERS}, "params": [nn.Parameter(torch.zeros(1))], "lr": base * scale}
        for group, base in zip(optimizer.param_groups, base_rates(optimizer), strict=True)
    ]
    kind: Any = torch.optim.Adam if "betas" in groups[0] else torch.optim.SGD
    made: torch.optim.Optimizer = kind(groups, lr=groups[0]["lr"])
    return made


def planned(
    schedule: Any, scheduler: Any, steps: int, optimizer: Any, accelerator: Any = None, *, interval: str | None = None, epoch: int | None = None
) -> tuple[Any, Followed | None]:
    """The schedule of a run and what trials follow besides, from the arguments ``schedule=``,
    ``scheduler=`` and ``scheduler_interval=`` of a search, with ``epoch`` optimizer steps in a pass.
    Where only the notation is given, and a scheduler that cycles the momentum is attached to the
    optimizer, the momentum goes against the rate, as it does there.

    Raises:
        ValueError: When both are given, the scheduler follows a metric, or is stepped after passes
            whose length is not known.
        TypeError: When ``scheduler`` is something else.
    """
    if interval not in (None, "step", "epoch"):
        raise ValueError(f"scheduler_interval is {interval!r}; it must be 'step' or 'epoch'")
    if interval == "epoch" and scheduler is not None and epoch is None:
        raise ValueError("scheduler_interval is 'epoch', and the loader has no length, so nobody knows when an epoch ends: give schedule=")
    if hasattr(schedule, "step") and hasattr(schedule, "optimizer"):
        raise TypeError(f"schedule is a {type(schedule).__name__}, a scheduler of PyTorch: give it as scheduler=, or its notation here")
    if scheduler is None:
        given = "constant" if schedule is None else schedule
        momenta = _against(given, steps, optimizer)
        return given, None if momenta is None else Followed(momenta, None, steps)
    if schedule is not None:
        raise ValueError("schedule and scheduler: both given; the run has one of them")
    inside = getattr(scheduler, "scheduler", scheduler)
    if counts(inside):
        if interval not in (None, "epoch" if inside.t_in_epochs else "step"):
            raise ValueError(f"scheduler_interval is {interval!r}, and the {type(inside).__name__} has t_in_epochs={inside.t_in_epochs}")
        interval = "epoch" if inside.t_in_epochs else "step"
        if interval == "epoch" and epoch is None:
            raise ValueError("the scheduler counts epochs, and the loader has no length, so nobody knows when one ends: give schedule=")
    each = inside is not scheduler and not getattr(scheduler, "split_batches", False)  # once for each process
    calls = accelerator.num_processes if each and accelerator is not None else 1
    plan, followed = plan_of(inside, steps, calls=calls, epoch=epoch if interval == "epoch" else None)
    if interval is None and epoch is not None and 1 < epoch < steps and _ends_early(inside, plan, steps):
        warnings.warn(
            f"{type(inside).__name__} is taken to be stepped after each optimizer step, and then its rate is near 0 for most of the "
            f"{steps} steps, or swings: if the run steps it after each epoch, give scheduler_interval=\"epoch\", else \"step\"",
            stacklevel=4,
        )
    return plan, followed


def _ends_early(scheduler: Any, plan: Schedule, steps: int) -> bool:
    """Whether a scheduler looks as if it were made for epochs."""
    factors = sorted(plan(at * steps // _LOOKS) for at in range(min(_LOOKS, steps)))
    swings = isinstance(scheduler, torch.optim.lr_scheduler.CosineAnnealingLR) and 2 * scheduler.T_max <= steps
    return swings or factors[len(factors) // 2] <= _LOW * factors[-1]


def _against(schedule: Any, steps: int, optimizer: Any) -> Momenta | None:
    """The momenta of an attached OneCycleLR or CyclicLR: the highest where the rate begins and
    ends, the lowest at its top.
    """
    groups = getattr(optimizer, "param_groups", None) or [{}]
    if not all("max_momentum" in group and "base_momentum" in group for group in groups):
        return None
    if not isinstance(schedule, (str, Schedule)) or not isinstance(steps, int) or steps < 1:
        return None  # the search says what is wrong with it
    count = min(steps, _LONG)
    plan = Schedule(schedule, steps=steps)
    rates = [plan(at * steps // count) for at in range(count)]
    top = max(range(count), key=rates.__getitem__)

    def height(at: int) -> float:
        foot = rates[0] if at < top else rates[-1]
        return (rates[at] - foot) / (rates[top] - foot) if rates[top] > foot else 0.0

    heights = [min(1.0, max(0.0, height(at))) for at in range(count)]
    pairs = [(float(group["max_momentum"]), float(group["base_momentum"])) for group in groups]
    return Momenta([Schedule.table([high - (high - low) * one for one in heights]) for high, low in pairs], count)


def named(factors: Sequence[float]) -> Schedule:
    """The notation whose factors are ``factors``, or a table of them."""
    steps, warm = len(factors), 0
    while warm < steps - 1 and factors[warm] < 1.0 - _SAME:
        warm += 1
    texts = [f"warmup({warm}) then {after}" if warm else after for after in ("constant", "linear", "cosine")]
    levels = [(factor, len(list(run))) for factor, run in itertools.groupby(factors)]
    if len(levels) <= _LEVELS:
        texts.append(" then ".join(f"hold({factor!r}, {length})" for factor, length in levels))
    for text in [*texts, "one_cycle"]:
        known = Schedule(text, steps=steps)
        if all(math.isclose(known(at), factor, rel_tol=0.0, abs_tol=_SAME) for at, factor in enumerate(factors)):
            return known
    return Schedule.table(factors)
