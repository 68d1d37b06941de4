"""What schedulers read from a parameter group."""

from __future__ import annotations

from typing import Any

from torch import Tensor


def momentum_of(group: dict[str, Any]) -> float:
    """The momentum of a group, or its first beta.

    Raises:
        ValueError: When it has neither.
    """
    if "betas" in group:
        return float(group["betas"][0])
    if "momentum" in group:
        return float(group["momentum"])
    raise ValueError("momentum= needs an optimizer with `momentum` or `betas` in its groups")


def copied_rate(lr: float | Tensor) -> float | Tensor:
    """The rate; a copy where it is a tensor, which schedulers write to."""
    return lr.clone() if isinstance(lr, Tensor) else lr
