"""``Trial``: one training run that a study asks for, and the reports about it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ._native import Record, Schedule, Search
from ._native import Trial as _Asked

if TYPE_CHECKING:
    from ._study import Study


class Trial:
    """A trial: one training run that a study asks for.

    Train a new model for ``steps`` steps, at ``rate(step)`` or by your own schedule with the base
    rate ``lr``, and call ``report``. A trial can be pickled. In another process it collects its
    reports; ``Study.tell`` takes it back with them.

    Example::

        for step, rate in trial:
            loss = train_one_step(rate)
            last = step + 1 == trial.steps
            trial.report(step, loss=loss, val_loss=validate() if last else None)
    """

    def __init__(self, asked: _Asked, metric: str, study: Study | None = None, record: Record | None = None) -> None:
        self._asked, self._metric, self._study = asked, metric, study
        self._sink: Search | Record = study._search if study is not None else record or Record(asked)
        self._taken, self._seen = 0, -1
        self._over: str | None = None
        self._losses: deque[float] = deque(maxlen=max(8, asked.steps // 10))
        self._begin = time.perf_counter()

    @property
    def id(self) -> int:
        """Number of the trial in the study, from 0."""
        return self._asked.id

    @property
    def lr(self) -> float:
        """The base rate."""
        return self._asked.lr

    @property
    def steps(self) -> int:
        """Optimizer steps to take. Most trials are shorter than the full run."""
        return self._asked.steps

    @property
    def seed(self) -> int:
        """Seed for the initial weights and the order of the data."""
        return self._asked.seed

    @property
    def schedule(self) -> Schedule:
        """The schedule of the full run, compressed to ``steps``."""
        return self._asked.schedule

    @property
    def evaluations(self) -> list[int]:
        """Counts of steps after which an evaluation helps the search. The last is ``steps``; only
        that one is needed.
        """
        return self._asked.evaluations

    @property
    def over(self) -> str | None:
        """How it ended: ``"finished"``, ``"diverged"``, ``"pruned"``, ``"stopped"`` or
        ``"failed"``; ``None`` while it runs.
        """
        return self._over

    def rate(self, step: int) -> float:
        """The rate to apply at zero-based ``step``."""
        return self._asked.rate(step)

    def __iter__(self) -> Iterator[tuple[int, float]]:
        """Gives ``(step, rate)`` for each step until the trial is over."""
        for step in range(self.steps):
            if self._over is not None:
                return
            yield step, self.rate(step)

    def untrained(self, val_loss: float, score: float | None = None) -> str | None:
        """Reports an evaluation before the first step: how much a rate has learned is measured from
        there.

        Returns:
            How the trial ended, if it is over; ``None`` to continue.
        """
        self._going("report")
        return self._told(self._sink.evaluate(self.id, 0, self.rate(0), _number(val_loss), score))

    def report(
        self, step: int, loss: float | None = None, val_loss: float | None = None, score: float | None = None
    ) -> str | None:
        """Reports a step that was taken.

        Args:
            step: Zero-based number of the step that was just taken. Steps may be left out, but not
                the last one.
            loss: Training loss of the batch of that step, before the update.
            val_loss: Validation loss after that step.
            score: Score of the same evaluation, such as the accuracy: more is better.

        Returns:
            How the trial ended, if it is over: stop training. ``None`` to continue.

        Raises:
            ValueError: When the trial is over, has no such step, or a later step was already
                reported.
        """
        self._going("report")
        if not self._seen <= step < self.steps or step < 0:
            raise ValueError(
                f"step {step} was reported; trial {self.id} has steps 0 to {self.steps - 1} and is at "
                f"{max(self._seen, 0)}: report each step once, in order"
            )
        self._seen, self._taken = step, step + 1
        lr, end = self.rate(step), None
        if loss is not None:
            loss = _number(loss)
            if self._metric == "loss" and not self._losses:
                end = self._sink.evaluate(self.id, 0, self.rate(0), loss)
            self._losses.append(loss)
            end = end or self._sink.step(self.id, step, lr, loss)
        if val_loss is not None and end is None:
            end = self._sink.evaluate(self.id, step + 1, lr, _number(val_loss), score)
            if end is None and self._taken == self.steps:
                end = self._sink.finish(self.id, self.steps, time.perf_counter() - self._begin)
        return self._told(end)

    def finish(self) -> str | None:
        """Ends the trial after its last report. ``Study`` calls this for you. Does nothing when the
        trial is over.

        Returns:
            How the trial ended.

        Raises:
            ValueError: When the last step, or the validation loss after it, was not reported. The
                trial then failed.
        """
        if self._over is not None:
            return self._over
        missing = ""
        if self._taken < self.steps:
            missing = f"its last report was of {self._taken} of {self.steps} steps: report step={self.steps - 1} too"
        elif self._metric != "loss":
            missing = "no val_loss was reported after its last step; Study(metric='loss') judges by training losses"
        elif not self._losses:
            missing = "no loss was reported"
        if missing:
            why = f"trial {self.id} was left before its end: {missing}"
            self.leave(why)
            raise ValueError(why)
        mean = sum(self._losses) / len(self._losses)
        end = self._sink.evaluate(self.id, self.steps, self.rate(self.steps - 1), mean)
        return self._told(end or self._sink.finish(self.id, self.steps, time.perf_counter() - self._begin))

    def leave(self, why: str | None = None) -> None:
        """Gives the trial back before its end; the study will ask for it again. With ``why`` it is
        recorded as failed.
        """
        if self._over is None:
            self._told(self._sink.leave(self.id, self._taken, why))

    def _going(self, what: str) -> None:
        if self._over is not None:
            raise ValueError(f"trial {self.id} is over ({self._over}), with nothing to {what}: ask for the next trial")

    def _told(self, end: str | None) -> str | None:
        if end is not None:
            self._over = end
            if self._study is not None:
                self._sink = Record(self._asked)  # drops the reference to the study
                self._study._ended(self)
        return end

    def __reduce__(self) -> tuple[Any, ...]:
        record = self._sink.to_json() if isinstance(self._sink, Record) else "[]"
        return _sent, (self._asked.to_json(), self._metric, record, self._over, self._taken, list(self._losses))

    def __repr__(self) -> str:
        return f"Trial({self.id}, lr={self.lr!r}, steps={self.steps}{', ' + self._over if self._over else ''})"


def _number(loss: Any) -> float:
    """A loss as a number. PyTorch warns about tensors that need a gradient."""
    return float(loss.detach() if hasattr(loss, "detach") else loss)


def _sent(asked: str, metric: str, record: str, over: str | None, taken: int, losses: list[float]) -> Trial:
    trial = _Asked.from_json(asked)
    sent = Trial(trial, metric, None, Record.from_json(trial, record))
    sent._over, sent._taken, sent._seen = over, taken, taken - 1
    sent._losses.extend(losses)
    return sent
