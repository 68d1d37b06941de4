"""What schedulers read from a parameter group, and write to it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from .. import Schedule
from .._answer import base_rates


def momentum_of(group: dict[str, Any], otherwise: float | None = None) -> float:
    """The momentum of a group, or its first beta.

    Raises:
        ValueError: When it has neither, and ``otherwise`` is not given.
    """
    if "betas" in group:
        return float(group["betas"][0])
    if "momentum" in group:
        return float(group["momentum"])
    if otherwise is not None:
        return otherwise
    raise ValueError("momentum= needs an optimizer with `momentum` or `betas` in its groups")


def set_momentum(group: dict[str, Any], value: float) -> None:
    """Sets the momentum of a group, or its first beta."""
    if "betas" in group:
        group["betas"] = (value, *group["betas"][1:])
    elif "momentum" in group:
        group["momentum"] = value


def scales_of(optimizer: Any) -> list[float]:
    """What multiplies the rate of each group each time that it is set: the ``lr_scale`` that timm and
    fine-tunes with a rate for each layer write into the groups, for their schedulers and loops. All
    are 1 where the rates of the groups have these ratios already.
    """
    scales = [float(group.get("lr_scale", 1.0)) for group in optimizer.param_groups]
    rates = base_rates(optimizer)
    scaled = all(math.isclose(rate * scales[0], rates[0] * scale) for rate, scale in zip(rates, scales, strict=True))
    return [1.0] * len(scales) if scaled and max(scales) > min(scales) else scales


@dataclasses.dataclass(frozen=True)
class Momenta:
    """The momentum of each parameter group over the steps of a run."""

    plans: Sequence[Schedule]
    steps: int

    def of(self, steps: int) -> Momenta:
        """The same in a run of ``steps``, as a trial compresses its schedule."""
        return Momenta([plan.compress(self.steps, steps) for plan in self.plans], steps)

    def put(self, optimizer: Any, step: int) -> None:
        """Sets the momenta of this step."""
        for group, plan in zip(optimizer.param_groups, self.plans, strict=True):
            set_momentum(group, plan(step))


@dataclasses.dataclass(frozen=True)
class Followed:
    """What trials follow of a scheduler beside the factors that its rate has now.

    Attributes:
        momenta: The momenta, where the scheduler moves them.
        plan_at: The schedule of a run with another base rate, where that is another one: an end of
            the decay that is given as a rate (``eta_min``) stays where it is.
        steps: Length of the run.
    """

    momenta: Momenta | None
    plan_at: Callable[[float], Schedule] | None
    steps: int

    def schedule(self, lr: float, steps: int) -> Schedule | None:
        """The schedule of a trial of ``steps`` at ``lr``, if it is not that of all trials."""
        return None if self.plan_at is None else self.plan_at(lr).compress(self.steps, steps)


def copied_rate(lr: float | Tensor) -> float | Tensor:
    """The rate; a copy where it is a tensor, which schedulers write to."""
    return lr.clone() if isinstance(lr, Tensor) else lr
