"""``groups="each"``: the rate of each parameter group, found one after the other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from .._answer import base_rates, require, set_rates
from .._native import Answer, Estimate, Refusal
from .training import Training, ratios_of


@dataclasses.dataclass(frozen=True)
class GroupEstimates:
    """What ``find(groups="each")`` returns: one estimate for each parameter group, in their order.

    The first is that of all groups together, at the ratios that the optimizer had. Each further one
    varies the rate of its group alone, while the others have the rates that were found so far. A
    group whose search refused keeps its ratio to the first group.

    Example::

        found = stepsize.torch.find(model, loss_fn, loader, optimizer, steps=10_000, groups="each")
        print(found.lrs, found.cost)
        found.apply(optimizer)
    """

    estimates: tuple[Answer | Refusal, ...]
    """One for each group; fewer when the first search refused."""
    ratios: tuple[float, ...]
    """Rate of each group over that of the first, as the optimizer had them."""

    @property
    def lrs(self) -> list[float] | None:
        """The rate of each group; ``None`` when the first search refused."""
        first = self.estimates[0].lr
        if first is None:
            return None
        found = [estimate.lr for estimate in self.estimates]
        return [first * ratio if lr is None else lr for lr, ratio in zip(found, self.ratios, strict=True)]

    @property
    def cost(self) -> float:
        """What all searches took, in full runs."""
        return sum(estimate.cost for estimate in self.estimates)

    def __bool__(self) -> bool:
        return bool(self.estimates[0])

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.estimates)

    def require(self) -> list[float]:
        """The rate of each group.

        Raises:
            RefusedError: When the first search refused.
        """
        first = require(self.estimates[0])
        return self.lrs or [first]

    def apply(self, optimizer: Any, *schedulers: Any) -> None:
        """Sets the rate of each group, and what schedulers keep of it: see ``Estimate.apply``.

        Raises:
            RefusedError: When the first search refused. Nothing is changed.
            ValueError: When the optimizer has other groups, or a scheduler that is not given.
        """
        lrs, groups = self.require(), optimizer.param_groups
        if len(lrs) != len(groups):
            raise ValueError(f"there are rates for {len(lrs)} groups, and the optimizer has {len(groups)}")
        bases = base_rates(optimizer, schedulers)
        if min(bases) > 0.0:
            set_rates(optimizer, [lr / base for lr, base in zip(lrs, bases, strict=True)], schedulers)
        else:
            set_rates(optimizer, lrs, schedulers, lrs)


def each_group(
    optimizer: Any,
    training: Callable[..., Training],
    search: Callable[..., Answer | Refusal],
    start: float | None,
    budget: float | None,
    max_seconds: float | None,
) -> GroupEstimates:
    """Runs the searches. ``budget`` and ``max_seconds`` are shared by all of them in equal parts.
    """
    ratios = tuple(ratios_of(optimizer))
    count = len(ratios)
    part = None if budget is None else budget / count
    seconds = None if max_seconds is None else max_seconds / count
    first = search(training(), start, part, seconds)
    if first.lr is None:
        return GroupEstimates((first,), ratios)
    found: list[Answer | Refusal] = [first]
    rates = [first.lr * ratio for ratio in ratios]
    for group in range(1, count):
        one = search(training(group=group, rates=rates), rates[group] or None, part, seconds, "return")
        rates[group] = rates[group] if one.lr is None else one.lr
        found.append(one)
    return GroupEstimates(tuple(found), ratios)
