"""``guard``: when the loss breaks, it returns to the last good state, cuts the rate, and logs what
it did.

The core's controller ``rewind`` decides when a loss is broken and what is cut. It goes back some
steps and skips the batches that broke the run, which was done by hand for PaLM (arXiv 2204.02311,
section 5.1). This file keeps the states to return to, and cuts the rates.
"""

from __future__ import annotations

import dataclasses
import logging
import math
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .. import Controller
from .processes import mean_of_all
from .snapshot import Snapshot

__all__ = ["Act", "BrokenRun", "Guard", "guard"]

_logger = logging.getLogger("stepsize")
_KEPT = 2  # states; the newest may be too close to the break
_RATES = ("lr", "initial_lr", "max_lr", "min_lr")  # entries of a parameter group; OneCycleLR writes the last two


class BrokenRun(RuntimeError):
    """The loss is broken and no attempt is left. Model and optimizer are in the last good state, if
    there is one.
    """


@dataclasses.dataclass(frozen=True)
class Act:
    """One return to an earlier state: an entry of ``Guard.log``."""

    step: int
    """Zero-based step whose loss was broken. The step was not taken."""
    to: int
    """Zero-based step that comes next: the state before it was restored."""
    loss: float
    """The broken loss."""
    why: str
    """Why the loss counts as broken, as a sentence."""
    factor: float
    """Factor on every rate from then on."""


class Guard:
    """Watches a training loop. Make one with ``guard``."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Any,
        schedulers: Sequence[Any],
        also: Sequence[Any],
        every: int,
        attempts: int,
        rule: Controller,
    ) -> None:
        if not schedulers and hasattr(optimizer.step, "_wrapped_by_lr_sched"):
            raise ValueError("the optimizer has a scheduler, which would undo every cut of the rate: give scheduler=")
        self.steps = 0
        """Steps taken so far. A return to an earlier state sets it back."""
        self.log: list[Act] = []
        """Every return so far, oldest first."""
        self._model, self._optimizer, self._schedulers = model, optimizer, schedulers
        self._also = [*schedulers, *also]
        self._every, self._attempts, self._rule, self._applied = every, attempts, rule, rule.factor
        self._kept: deque[tuple[int, float, Snapshot]] = deque(maxlen=_KEPT)

    def __repr__(self) -> str:
        return f"Guard(steps={self.steps}, factor={self.factor}, returns={len(self.log)})"

    @property
    def factor(self) -> float:
        """Factor on every rate, from all cuts so far."""
        return self._rule.factor

    def ok(self, loss: Tensor | float) -> bool:
        """Reports the loss of a step before the step is taken. Call it before ``optimizer.step()``.

        Args:
            loss: The training loss, a number or a tensor with one element.

        Returns:
            True to take the step. False when an earlier state was restored: skip this batch and
            continue with the next.

        Raises:
            BrokenRun: When the loss is not finite, and it is the first one or no attempt is left.
        """
        value = mean_of_all(float(loss.detach()) if isinstance(loss, Tensor) else float(loss), 1.0)
        if not math.isfinite(value) and (not self._kept or self._rule.state_dict()["attempts"] >= self._attempts):
            done = f"after {len(self.log)} returns" if self._go_back() is not None else "and there is no good state yet"
            raise BrokenRun(
                f"the loss of step {self.steps} is {value} {done}: look for a fault in the data, or "
                "start with a lower rate"
            )
        why = self._rule.observe(value)
        if why is None:
            self._keep()
            self._apply(self._applied)
            self.steps += 1
            return True
        to = self._go_back()
        if to is None:
            raise BrokenRun(
                f"the loss of step {self.steps} is {value} and there is no good state yet: start with a lower rate"
            )
        act = Act(self.steps, to, value, why, self.factor)
        self.log.append(act)
        _logger.warning("step %d: %s: back to step %d, rates x %.3g", act.step, why, to, act.factor)
        self.steps = to
        return False

    def _keep(self) -> None:
        if self.steps % self._every != 0 or (self._kept and self._kept[-1][0] >= self.steps):
            return
        seen = self._rule.state_dict()
        if seen["streak"] == seen["blown"] == 0:  # the loss is not suspect
            kept = Snapshot(
                self._model, self._optimizer, self._also, rng=False, gradients=False, attributes=False, frozen=True
            )
            self._kept.append((self.steps, self._applied, kept))

    def _go_back(self) -> int | None:
        """Restores the newest state that is at least half an interval old, or the oldest one;
        returns its step.
        """
        while len(self._kept) > 1 and self._kept[-1][0] > self.steps - self._every // 2:
            self._kept.pop()
        if not self._kept:
            return None
        step, applied, snapshot = self._kept[-1]
        snapshot.restore()
        self._optimizer.zero_grad(set_to_none=True)
        self._apply(applied)
        return step

    def _apply(self, applied: float) -> None:
        """Replaces the factor ``applied`` by that of the rule, in all rates of the optimizer and
        base rates of schedulers.
        """
        self._applied = self.factor
        if self._applied == applied:
            return
        by = self._applied / applied
        for group in self._optimizer.param_groups:
            for name in _RATES:
                if name in group:
                    group[name] = _times(group[name], by)
        for scheduler in _each(self._schedulers):
            for name in ("base_lrs", "max_lrs", "_last_lr"):
                if name == "base_lrs" and hasattr(scheduler, name) or name in scheduler.__dict__:
                    setattr(scheduler, name, [_times(rate, by) for rate in getattr(scheduler, name)])

    def state_dict(self) -> dict[str, Any]:
        """The state for a checkpoint, as numbers and text. The optimizer and the schedulers, which
        hold the rates, have their own.
        """
        log = [dataclasses.asdict(act) for act in self.log]
        return {"steps": self.steps, "rule": self._rule.state_dict(), "log": log}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continues from a state that ``state_dict`` returned. The next loss begins new states to
        return to.
        """
        self._rule.load_state_dict(state["rule"])
        self.steps, self.log = int(state["steps"]), [Act(**act) for act in state["log"]]
        self._applied = self._rule.factor
        self._kept.clear()

    def __enter__(self) -> Guard:
        return self

    def __exit__(self, *_: object) -> None:
        self._kept.clear()


def _times(rate: Any, by: float) -> Any:
    if isinstance(rate, Tensor):
        with torch.no_grad():
            return rate.mul_(by)
    return rate * by


def _each(schedulers: Sequence[Any]) -> Iterator[Any]:
    """The schedulers, with the parts of composed ones and the scheduler inside a wrapper (of
    accelerate).
    """
    for scheduler in schedulers:
        yield scheduler
        held = getattr(scheduler, "scheduler", None)
        yield from _each([*getattr(scheduler, "_schedulers", ()), *([held] if hasattr(held, "step") else [])])


def guard(
    model: nn.Module,
    optimizer: Any,
    scheduler: Any = None,
    *,
    also: Sequence[Any] = (),
    every: int = 100,
    cut: float = 0.5,
    attempts: int = 8,
    spike: float = 8.0,
    run: int = 3,
    recover: int = 0,
) -> Guard:
    """Guards a training loop against spikes of the loss and NaN.

    Example::

        with stepsize.torch.guard(model, optimizer, scheduler) as g:
            for batch in loader:
                optimizer.zero_grad()
                loss = loss_of(model, batch)
                loss.backward()
                if not g.ok(loss):
                    continue
                optimizer.step()
                scheduler.step()

    On a broken loss, the model, the optimizer, the schedulers and ``also`` return to a state at
    least ``every / 2`` steps ago, and all rates are multiplied by ``cut``. Training continues with
    the next batches: data and random generators do not go back, or the same batches would break the
    run again. Each return is an entry of ``g.log`` and a warning of the logger ``stepsize``. Under
    ``torch.distributed``, call ``ok`` in every process: losses are averaged, and all processes do
    the same.

    Args:
        model: The model in training.
        optimizer: Its optimizer; the rates of all groups are cut.
        scheduler: The scheduler of the optimizer, or a list of schedulers.
        also: Other objects to restore, such as a gradient scaler or an average of weights: see
            ``Snapshot``.
        every: Steps between kept states. At most two are kept, each a copy of model and optimizer.
        cut: Factor on the rates at each return.
        attempts: The most returns. After them spikes pass, and a loss that is not finite raises
            ``BrokenRun``.
        spike: A loss is a spike when it is this many mean deviations above the average loss.
        run: Spikes in a row that count as broken.
        recover: Good steps over which the rates rise back, since the first break may come from the
            data. With 0 they stay cut.

    Returns:
        The guard; use it in a ``with`` statement, which frees the kept states at its end.

    Raises:
        ValueError: When an argument is out of range, or the optimizer has a scheduler and
            ``scheduler`` is not given.
    """
    schedulers = [] if scheduler is None else list(scheduler) if isinstance(scheduler, (list, tuple)) else [scheduler]
    rule = f"rewind(cut={cut!r}, spike={spike!r}, run={run}, every={every}, attempts={attempts}, recover={recover})"
    return Guard(model, optimizer, schedulers, also, every, attempts, Controller(rule))
