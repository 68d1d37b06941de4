"""What the searches through a trainer share: the schedule that a PyTorch scheduler would follow,
and the attributes of objects, put back.
"""

from __future__ import annotations

import copy
import itertools
import math
import warnings
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from .. import Schedule

__all__ = ["keep_attributes", "schedule_of"]

_SAME = 1e-9
"""Factors of two schedules that differ by less are the same factor; both are computed in
doubles.
"""
_LONG = 10_000
"""Containers with more entries are data, not state, and are not looked into."""

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


def schedule_of(scheduler: Any, steps: int, *, every: int = 1, epoch: int | None = None) -> Schedule:
    """The schedule that a PyTorch scheduler would follow in a run of ``steps``.

    A copy of the scheduler is stepped; the scheduler and its optimizer do not change. Where the
    factors are those of a notation, the answer is that notation, else a table of factors.

    Args:
        scheduler: A scheduler at its start.
        steps: Optimizer steps of the run.
        every: Optimizer steps, or epochs with ``epoch``, between two calls of ``scheduler.step``.
        epoch: Optimizer steps of an epoch, for a scheduler that is stepped at the end of epochs.

    Raises:
        ValueError: When the scheduler needs a metric, or the parameter groups follow different
            schedules.
    """
    name = type(scheduler).__name__
    if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau) or name == "GreedyLR":
        raise ValueError(
            f"{name} follows a metric, so nobody knows its rates beforehand: give schedule=, the schedule without it, "
            'such as schedule="constant"'
        )
    if getattr(scheduler, "cycle_momentum", False):
        warnings.warn(
            f"{name} cycles the momentum too, and the trials of a search keep it as it is: their losses differ somewhat from those of the "
            "run",
            stacklevel=2,
        )
    optimizer = scheduler.optimizer
    shared = {id(p): p for group in optimizer.param_groups for p in group["params"]}
    shared.update({id(p): p for p in optimizer.state if isinstance(p, Tensor)})
    shared[id(optimizer.state)] = {}  # the copy takes no step
    copied = copy.deepcopy(scheduler, shared)
    groups = copied.optimizer.param_groups
    # The rate of a schedule that rises to a max_lr is that.
    bases = [float(group.get("max_lr", base)) for group, base in zip(groups, copied.base_lrs, strict=True)]
    used = [at for at, base in enumerate(bases) if base > 0.0]
    if not used:
        raise ValueError(f"the base rates of {name} are {bases}: one must be above 0")
    # A rate divided by its base may miss the factor by a rounding.
    lambdas = copied.lr_lambdas if type(copied) is torch.optim.lr_scheduler.LambdaLR else None
    factors = []
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
            if step % (every * (epoch or 1)) == 0:
                copied.step()
    return named(factors)


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
