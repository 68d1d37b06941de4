"""``guard``: goes back to the last good state when the loss breaks, with a cut rate, and logs what it did.

When a loss is broken, and what is cut, the core's controller ``rewind`` decides (back some steps and past the batches that
broke the run, as was done by hand for PaLM, arXiv 2204.02311, section 5.1). Here are the states that it goes back to, and the
cut of every rate.
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
from .find import mean_of_all
from .snapshot import Snapshot

__all__ = ["Act", "BrokenRun", "Guard", "guard"]

_logger = logging.getLogger("stepsize")
_KEPT = 2  # the newest state may be too near to the break
_RATES = ("lr", "initial_lr", "max_lr", "min_lr")  # of a group; OneCycleLR keeps the last two there


class BrokenRun(RuntimeError):
    """The loss is broken and nothing is left to try. Model and optimizer are in the last good state, if there is one."""


@dataclasses.dataclass(frozen=True)
class Act:
    """One return to an earlier state: what ``Guard.log`` holds."""

    step: int
    """Zero-based step whose loss was broken; it was not taken."""
    to: int
    """Step that comes next: the one before which the state was kept."""
    loss: float
    why: str
    factor: float
    """On every rate from now on."""


class Guard:
    """Watches a training loop: see ``guard``, which makes it."""

    def __init__(
        self, model: nn.Module, optimizer: Any, schedulers: Sequence[Any], also: Sequence[Any], every: int, attempts: int,
        rule: Controller,
    ) -> None:  # fmt: skip
        if not schedulers and hasattr(optimizer.step, "_wrapped_by_lr_sched"):
            raise ValueError("the optimizer has a scheduler, which would set the rate as if it were not cut: give scheduler=")
        self.steps = 0
        """Steps that count: a return takes it back."""
        self.log: list[Act] = []
        """What was done, oldest first."""
        self._model, self._optimizer, self._schedulers = model, optimizer, schedulers
        self._also = [*schedulers, *also]
        self._every, self._attempts, self._rule, self._applied = every, attempts, rule, rule.factor
        self._kept: deque[tuple[int, float, Snapshot]] = deque(maxlen=_KEPT)

    @property
    def factor(self) -> float:
        """On every rate, from the cuts so far."""
        return self._rule.factor

    def ok(self, loss: Tensor | float) -> bool:
        """Takes in the loss of a step before that step is taken: call it before ``optimizer.step()``.

        Returns:
            True: take the step. False: all was put back; skip this batch and go on with the next one.

        Raises:
            BrokenRun: When the loss is not finite and the attempts are used up, or it is the first one.
        """
        value = mean_of_all(float(loss.detach()) if isinstance(loss, Tensor) else float(loss), 1.0)
        if not math.isfinite(value) and (not self._kept or self._rule.state_dict()["attempts"] >= self._attempts):
            done = f"after {len(self.log)} returns" if self._go_back() is not None else "and there is no good state yet"
            raise BrokenRun(f"the loss of step {self.steps} is {value} {done}")
        why = self._rule.observe(value)
        if why is None:
            self._keep()
            self._apply(self._applied)
            self.steps += 1
            return True
        to = self._go_back()
        if to is None:
            raise BrokenRun(f"the loss of step {self.steps} is {value} and there is no good state yet")
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
            kept = Snapshot(self._model, self._optimizer, self._also, rng=False, gradients=False)
            self._kept.append((self.steps, self._applied, kept))

    def _go_back(self) -> int | None:
        """To the newest state of at least half an interval ago, or the oldest that is kept."""
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
        """Puts the rule's factor in the place of ``applied``: on all rates of the optimizer, and on those that its schedulers
        start from."""
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
        """For a checkpoint, beside those of the optimizer and the schedulers, which hold the rates. Plain numbers and text."""
        return {"steps": self.steps, "rule": self._rule.state_dict(), "log": [dataclasses.asdict(act) for act in self.log]}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Goes on after a resume. States to go back to are kept anew, from the next loss on."""
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
    """With the parts of those that are made of others, and what a wrapper (accelerate's) holds."""
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
    """A guard against spikes and NaN.

    ::

        with stepsize.torch.guard(model, optimizer, scheduler) as g:
            for batch in loader:
                optimizer.zero_grad()
                loss = loss_of(model, batch)
                loss.backward()
                if not g.ok(loss):
                    continue
                optimizer.step()
                scheduler.step()

    On a broken loss the model, the optimizer, the schedulers and ``also`` go back at least ``every / 2`` steps, all rates are
    multiplied by ``cut``, and training goes on with the batches that follow: neither data nor random generators go back,
    or the same would happen again. Each return is in ``g.log`` and a warning of the logger ``stepsize``. Under
    ``torch.distributed`` every process calls ``ok``; losses are averaged and all do the same.

    Args:
        model: In training.
        optimizer: Its groups' rates are cut alike.
        scheduler: The scheduler, or a list of them, if there are any.
        also: What else goes back: see ``Snapshot``. A gradient scaler, an average of weights.
        every: Steps between states that are kept, at most two of them: each is a copy of model and optimizer.
        cut: Factor on the rates at each return.
        attempts: Returns in all. Later spikes pass; a loss that is not finite then raises ``BrokenRun``.
        spike: Mean deviations above the average loss that count as broken.
        run: Losses in a row that must be so.
        recover: Good steps over which the rates climb back, for a first break may be the data's fault; 0: they stay cut.

    Raises:
        ValueError: When an argument is out of range, or the optimizer has a scheduler that was not given.
    """
    schedulers = [] if scheduler is None else list(scheduler) if isinstance(scheduler, (list, tuple)) else [scheduler]
    rule = f"rewind(cut={cut!r}, spike={spike!r}, run={run}, every={every}, attempts={attempts}, recover={recover})"
    return Guard(model, optimizer, schedulers, also, every, attempts, Controller(rule))
