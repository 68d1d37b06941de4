"""``Study``: a search whose trials an existing training function runs, here, in threads, in processes or on a cluster.

The study is a log in a SQLite file, the same that the command line reads (``stepsize show NAME``). Every report is stored
before it is acted on. After a kill, make the same ``Study`` again: trials that had ended are not run again.
"""

from __future__ import annotations

import concurrent.futures
import os
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from os import PathLike
from typing import Any, Literal

from . import _defaults
from ._native import Estimate, Record, Schedule, Search
from ._native import Trial as _Asked
from ._renamed import find_names

__all__ = ["Study", "Trial"]

_LOOK = 0.5  # seconds between looks whether the threads that run trials are alive
_open: weakref.WeakSet[Study] = weakref.WeakSet()
_leaked: list[Any] = []  # what a forked child must not drop


class Trial:
    """One training run that a study asks for.

    Train for ``steps`` steps from the start, at ``rate(step)`` or by your own schedule with the base rate ``lr``, and call
    ``report``. It pickles: sent to another process it collects its reports, and comes back with them (``Study.tell``).
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
        """Its number in the study, from 0."""
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
        """For initial weights and the order of the data."""
        return self._asked.seed

    @property
    def schedule(self) -> Schedule:
        """The schedule of the full run compressed to ``steps``."""
        return self._asked.schedule

    @property
    def evaluations(self) -> list[int]:
        """Counts of steps after which an evaluation helps the search, the last being ``steps``. Only that one is needed."""
        return self._asked.evaluations

    @property
    def over(self) -> str | None:
        """``"finished"``, ``"diverged"``, ``"pruned"``, ``"stopped"`` or ``"failed"``; ``None`` while it goes on."""
        return self._over

    def rate(self, step: int) -> float:
        """The rate to apply at zero-based ``step``."""
        return self._asked.rate(step)

    def __iter__(self) -> Iterator[tuple[int, float]]:
        """``(step, rate)`` of each step, until the trial is over."""
        for step in range(self.steps):
            if self._over is not None:
                return
            yield step, self.rate(step)

    def untrained(self, val_loss: float, score: float | None = None) -> str | None:
        """Reports an evaluation before the first step. It tells how much a rate has learned; worth its cost."""
        self._going("report")
        return self._told(self._sink.evaluate(self.id, 0, self.rate(0), float(val_loss), score))

    def report(
        self, step: int, loss: float | None = None, val_loss: float | None = None, score: float | None = None
    ) -> str | None:
        """Reports after a step was taken.

        Args:
            step: Zero-based number of the step that was just taken. Steps may be left out, the last may not.
            loss: Training loss of that step's batch, before the update.
            val_loss: Validation loss after that step.
            score: Accuracy, or whatever rises, of the same evaluation.

        Returns:
            How the trial ended, if it is over: stop training it. ``None`` to go on.

        Raises:
            ValueError: When the step is none of this trial's, or comes before one that was reported.
        """
        self._going("report")
        if not self._seen <= step < self.steps or step < 0:
            raise ValueError(f"trial {self.id} has steps 0 to {self.steps - 1} and is at {max(self._seen, 0)}; {step} was reported")
        self._seen, self._taken = step, step + 1
        lr, end = self.rate(step), None
        if loss is not None:
            if self._metric == "loss" and not self._losses:
                end = self._sink.evaluate(self.id, 0, self.rate(0), float(loss))
            self._losses.append(float(loss))
            end = end or self._sink.step(self.id, step, lr, float(loss))
        if val_loss is not None and end is None:
            end = self._sink.evaluate(self.id, step + 1, lr, float(val_loss), score)
            if end is None and self._taken == self.steps:
                end = self._sink.finish(self.id, self.steps, time.perf_counter() - self._begin)
        return self._told(end)

    def finish(self) -> str | None:
        """Ends it after its last report. Nothing happens when it is over; ``Study`` calls this for you.

        Raises:
            ValueError: When the last step, or the validation loss after it, was not reported. The trial is then left.
        """
        if self._over is not None:
            return self._over
        missing = ""
        if self._taken < self.steps:
            missing = f"its last report was of {self._taken} of {self.steps} steps (the last one is step={self.steps - 1})"
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
        """Gives it back before its end; the study asks for it again. With ``why`` it is recorded as failed."""
        if self._over is None:
            self._told(self._sink.leave(self.id, self._taken, why))

    def _going(self, what: str) -> None:
        if self._over is not None:
            raise ValueError(f"trial {self.id} is over ({self._over}): nothing to {what}")

    def _told(self, end: str | None) -> str | None:
        if end is not None:
            self._over = end
            if self._study is not None:
                self._sink = Record(self._asked)  # lets go of the study
                self._study._ended(self)
        return end

    def __reduce__(self) -> tuple[Any, ...]:
        record = self._sink.to_json() if isinstance(self._sink, Record) else "[]"
        return _sent, (self._asked.to_json(), self._metric, record, self._over, self._taken, list(self._losses))

    def __repr__(self) -> str:
        return f"Trial({self.id}, lr={self.lr!r}, steps={self.steps}{', ' + self._over if self._over else ''})"


def _sent(asked: str, metric: str, record: str, over: str | None, taken: int, losses: list[float]) -> Trial:
    trial = _Asked.from_json(asked)
    sent = Trial(trial, metric, None, Record.from_json(trial, record))
    sent._over, sent._taken, sent._seen = over, taken, taken - 1
    sent._losses.extend(losses)
    return sent


class Study:
    """A search for the rate of a full run, asked and told by your own loop.

    Args:
        name: Under which it is kept in ``db``; ``None`` keeps nothing.
        steps: Optimizer steps of the full run.
        schedule: Shape of the rate over the full run.
        db: A SQLite file of studies on a local disk, made if there is none.
        probe: ``"race"`` finds a rate for about half of a run; ``"sweep"`` runs every rate from ``low`` to ``high``.
        task: What is trained, for people. It is part of what is asked: a study is taken up again with the same.
        metric: ``"val_loss"``, or ``"loss"`` to judge a trial by the mean of its last training losses.
        start, budget: For ``race``, as in ``find``.
        low, high, per_decade, seeds, trial_steps: For ``sweep``, as in ``sweep``.
        seed: Of the first run.

    Raises:
        ValueError: When an argument is out of range, another process works on the study, or a study of this name asks
            another question.
    """

    @find_names
    def __init__(
        self,
        name: str | None = None,
        *,
        steps: int,
        schedule: str | Schedule = "constant",
        db: str | PathLike[str] = "stepsize.db",
        probe: Literal["race", "sweep"] = "race",
        task: str = "a training function",
        metric: Literal["val_loss", "loss"] = "val_loss",
        start: float | None = None,
        budget: float | None = None,
        low: float | None = None,
        high: float | None = None,
        per_decade: int = _defaults.PER_DECADE,
        seeds: int = 1,
        trial_steps: int | None = None,
        seed: int = 0,
    ) -> None:
        if metric not in ("val_loss", "loss"):
            raise ValueError(f"the metric is val_loss or loss, not {metric!r}")
        kept = None if name is None else (name, os.fspath(db), ["python", *sys.argv])
        if probe == "race":
            self._held: Search | None = Search.race(task, steps, schedule, seed, start, budget, kept)
        elif probe == "sweep":
            if low is None or high is None:
                raise ValueError("a sweep needs its lowest and highest rate: low=1e-4, high=1.0")
            self._held = Search.grid(task, steps, schedule, seed, low, high, per_decade, seeds, trial_steps, kept)
        else:
            raise ValueError(f"the probe is race or sweep, not {probe!r}")
        self.name, self.metric = name, metric
        self._process = os.getpid()
        self._running: dict[int, tuple[Trial, threading.Thread]] = {}
        self._changed = threading.Condition()
        _open.add(self)

    @property
    def _search(self) -> Search:
        if self._process != os.getpid():
            raise RuntimeError(f"the study belongs to process {self._process}; only its trials go to other processes")
        if self._held is None:
            raise RuntimeError("the study is closed")
        return self._held

    def ask(self) -> Trial | None:
        """The next trial; ``None`` when nothing more is worth its cost. Waits for trials that other threads run.

        Raises:
            RuntimeError: When this thread itself must end a trial first.
        """
        with self._changed:
            while (trial := self._next()) is None:
                if self._over:
                    return None
                mine = [str(id) for id, (_, thread) in self._running.items() if thread is threading.current_thread()]
                if len(mine) == len(self._running):
                    raise RuntimeError(f"end trial {', '.join(mine)} first: what comes next depends on it")
                self._changed.wait(_LOOK)
                for left, thread in list(self._running.values()):
                    if not thread.is_alive():
                        left.leave("its thread ended")
        return trial

    def batch(self) -> list[Trial]:
        """Every trial that can be run now, in any order or at once; empty when the search is over.

        Send them to other processes (they pickle), and ``tell`` each when it comes back.

        Raises:
            RuntimeError: When trials of an earlier batch have not ended.
        """
        with self._changed:
            trials = []
            while (trial := self._next()) is not None:
                trials.append(trial)
            if not trials and not self._over:
                raise RuntimeError(f"end trial {', '.join(map(str, self._running))} first: what comes next depends on it")
            return trials

    def _next(self) -> Trial | None:
        self._over, asked = self._search.poll()
        if asked is None:
            return None
        trial = Trial(asked, self.metric, self)
        self._running[trial.id] = trial, threading.current_thread()
        return trial

    def __iter__(self) -> Iterator[Trial]:
        """The trials, one after the other. Several threads may each iterate over the same study."""
        while (trial := self.ask()) is not None:
            try:
                yield trial
            except GeneratorExit:
                trial.leave()
                raise
            trial.finish()

    def tell(self, trial: Trial) -> str | None:
        """Takes in a trial that ran in another process. Returns how it ended."""
        if trial._study is self:
            return trial.finish()
        if not isinstance(trial._sink, Record):
            raise ValueError(f"trial {trial.id} is one of another study")
        if trial.over is None:
            trial.finish()
        end = self._search.replay(trial._sink)
        known = self._running.get(trial.id)
        if known is not None:
            known[0]._taken = trial._taken
            if end is None:
                known[0].leave(f"it came back {trial.over} without an end")
            known[0]._told(end)
        return end

    def run(self, train: Callable[[Trial], Any], executor: concurrent.futures.Executor | None = None) -> Estimate:
        """Calls ``train(trial)`` for every trial, here or on ``executor`` (threads, processes, any other), and concludes.

        What ``train`` raises passes through; its trial is recorded as failed, and runs again when the study is taken up.
        """
        if executor is None:
            for trial in self:
                try:
                    train(trial)
                except Exception as fault:
                    trial.leave(f"{type(fault).__name__}: {fault}")
                    raise
            return self.estimate()
        pending: dict[concurrent.futures.Future[Trial], Trial] = {}
        try:
            while True:
                with self._changed:
                    while (asked := self._next()) is not None:
                        pending[executor.submit(_work, train, asked)] = asked
                if not pending:
                    return self.estimate()
                done, _ = concurrent.futures.wait(pending, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    trial = pending.pop(future)
                    try:
                        result = future.result()
                    except Exception as fault:
                        trial.leave(f"{type(fault).__name__}: {fault}")
                        raise
                    if result is not trial:
                        self.tell(result)
        finally:
            for future, trial in pending.items():
                future.cancel()
                trial.leave()

    def estimate(self) -> Estimate:
        """The answer from the trials that have ended; also before the search is over."""
        return self._search.conclude()

    def close(self) -> None:
        """Lets go of the study, so that another process can take it up. Trials that run are left."""
        for trial, _ in list(self._running.values()):
            trial.leave()
        self._held = None

    def __enter__(self) -> Study:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def _ended(self, trial: Trial) -> None:
        with self._changed:
            self._running.pop(trial.id, None)
            self._changed.notify_all()


def _work(train: Callable[[Trial], Any], trial: Trial) -> Trial:
    train(trial)
    trial.finish()
    return trial


def _forked() -> None:
    """In a forked child: its parent's studies stay its parent's; trials under way collect their reports here."""
    for study in list(_open):
        if study._held is None:
            continue
        study._held.forked()
        _leaked.append((study._held, study))
        for trial, _ in study._running.values():
            trial._sink, trial._study = Record(trial._asked), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
