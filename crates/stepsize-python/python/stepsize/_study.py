"""``Study``: a search whose trials an existing training function runs: here, in threads, in
processes or on a cluster.

The study is a log of events in a SQLite file, which the command line reads too (``stepsize show
NAME``). Every report is stored before it has an effect. After a kill, make the same ``Study``
again: trials that had ended do not run again.
"""

from __future__ import annotations

import concurrent.futures
import os
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from os import PathLike
from typing import Any, Literal

from . import _defaults
from ._given import checked_grid, checked_numbers, checked_seed, checked_steps, checked_text
from ._native import Estimate, Record, Schedule, Search
from ._renamed import find_names
from ._trial import Trial

__all__ = ["Study"]

_LOOK = 0.5  # seconds between checks that the threads of running trials are alive
_open: weakref.WeakSet[Study] = weakref.WeakSet()
_leaked: list[Any] = []  # objects that a forked child must not destroy


class Study:
    """A search for the rate of a full run, whose trials your own code runs.

    Args:
        name: Name of the study in ``db``; without a name it is not stored.
        steps: Optimizer steps of the full run.
        schedule: The schedule of the full run: notation or a ``Schedule``.
        db: A SQLite file of studies on a local disk. It is made if it does not exist.
        probe: ``"race"`` finds a rate for two thirds of the steps of a full run; ``"sweep"`` tries
            every rate of a grid from ``low`` to ``high``.
        task: What is trained, as text for people. It is part of the question: resume a study with
            the same text.
        metric: ``"val_loss"``, or ``"loss"`` to judge a trial by the mean of its last training
            losses.
        start, budget: For the probe ``"race"``: see ``find``.
        low, high, per_decade, seeds, trial_steps: For the probe ``"sweep"``: see ``sweep``.
        seed: Seed of the first trial.

    Raises:
        ValueError: When an argument is out of range, another process uses the study, or the study
            of this name asks another question.

    Example::

        with stepsize.Study("mine", steps=10_000, schedule="cosine", task="my model") as study:
            estimate = study.run(train)  # train(trial) reports to the trial
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
            raise ValueError(f"metric is {metric!r}; it must be val_loss or loss")
        if name is not None:
            checked_text(name, "name", ", under which the study is kept")
        checked_text(task, "task")
        if not isinstance(db, (str, os.PathLike)):
            raise TypeError(f"db is a {type(db).__name__}; it must be the path of a file")
        checked_steps(steps)
        checked_seed(seed)
        checked_numbers(start=start, budget=budget)
        checked_grid(low, high, per_decade, seeds, trial_steps)
        kept = None if name is None else (name, os.fspath(db), ["python", *sys.argv])
        if probe == "race":
            self._held: Search | None = Search.race(task, steps, schedule, seed, start, budget, kept)
        elif probe == "sweep":
            if low is None or high is None:
                raise ValueError("a sweep needs its lowest and highest rate: give for example low=1e-4, high=1.0")
            self._held = Search.grid(task, steps, schedule, seed, low, high, per_decade, seeds, trial_steps, kept)
        else:
            raise ValueError(f"probe is {probe!r}; it must be race or sweep")
        self.name, self.metric = name, metric
        self._process = os.getpid()
        self._running: dict[int, tuple[Trial, threading.Thread]] = {}
        self._changed = threading.Condition()
        _open.add(self)

    def __reduce__(self) -> Any:
        raise TypeError("a Study belongs to its process and cannot be pickled: send its trials, which can")

    @property
    def _search(self) -> Search:
        if self._process != os.getpid():
            raise RuntimeError(
                f"the study belongs to process {self._process}: send trials to other processes, not the study"
            )
        if self._held is None:
            raise RuntimeError("the study is closed: make it again to continue")
        return self._held

    def ask(self) -> Trial | None:
        """The next trial; ``None`` when the search is over. It waits for trials that other threads
        run.

        Raises:
            RuntimeError: When this thread must end a trial first, or the study is closed or belongs
                to another process.
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
        """All trials that can run now, in any order or at once; an empty list when the search is
        over.

        Trials can be pickled: send them to other processes, and give each to ``tell`` when it comes
        back.

        Raises:
            RuntimeError: When trials of an earlier batch must end first.
        """
        with self._changed:
            trials = []
            while (trial := self._next()) is not None:
                trials.append(trial)
            if not trials and not self._over:
                first = ", ".join(map(str, self._running))
                raise RuntimeError(f"end trial {first} first: what comes next depends on it")
            return trials

    def _next(self) -> Trial | None:
        self._over, asked = self._search.poll()
        if asked is None:
            return None
        trial = Trial(asked, self.metric, self)
        self._running[trial.id] = trial, threading.current_thread()
        return trial

    def __iter__(self) -> Iterator[Trial]:
        """Gives the trials one after the other. Several threads can iterate over the same study."""
        while (trial := self.ask()) is not None:
            try:
                yield trial
            except GeneratorExit:
                trial.leave()
                raise
            trial.finish()

    def tell(self, trial: Trial) -> str | None:
        """Takes back a trial that ran in another process.

        Returns:
            How the trial ended.

        Raises:
            ValueError: When the trial is of another study, or its last step was not reported.
        """
        if trial._study is self:
            return trial.finish()
        if not isinstance(trial._sink, Record):
            raise ValueError(f"trial {trial.id} belongs to another study: give it to that study")
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
        """Calls ``train(trial)`` for every trial and returns the answer.

        Args:
            train: Trains as the trial says, and reports to it.
            executor: Where trials run, several at once: threads, processes or any other; by default
                here, in order.

        Raises:
            Exception: Whatever ``train`` raises. Its trial is recorded as failed, and runs again
                when the study is resumed.
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
        """The answer from the trials that have ended. It can be called before the search is over.
        """
        return self._search.conclude()

    def to_optuna(self, study: Any = None, *, param: str = "lr", storage: Any = None, study_name: str | None = None) -> Any:
        """The trials that have ended as an Optuna study, and the answer as its next trial: see
        ``stepsize.optuna.to_optuna``.

        Raises:
            ImportError: When optuna is not installed.
        """
        from .optuna import to_optuna

        return to_optuna(self.estimate(), study, param=param, storage=storage, study_name=study_name)

    @classmethod
    def from_optuna(cls, study: Any, name: str | None = None, *, param: str = "lr", **options: Any) -> Study:
        """A new study that starts from the best rate of an Optuna study. The trials of the Optuna study
        are no evidence here: nobody knows that they trained as this one does.

        Args:
            study: The Optuna study.
            name: As in ``Study``. To resume, give the same Optuna study, with the same best trial.
            param: Name of the rate in the Optuna study.
            **options: The other arguments of ``Study``, but ``start``.

        Raises:
            ImportError: When optuna is not installed.
            ValueError: When no complete trial has the parameter ``param``.
        """
        from .optuna import best_rate

        return cls(name, start=best_rate(study, param), **options)

    def close(self) -> None:
        """Closes the study, so that another process can resume it. Running trials are given back.
        """
        for trial, _ in list(self._running.values()):
            trial.leave()
        self._held = None

    def __repr__(self) -> str:
        state = "closed" if self._held is None else f"{len(self._running)} running"
        return f"Study({self.name!r}, metric={self.metric!r}), {state}"

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
    """In a forked child: the studies stay with the parent, and running trials collect their reports
    here.
    """
    for study in list(_open):
        if study._held is None:
            continue
        study._held.forked()
        _leaked.append((study._held, study))
        for trial, _ in study._running.values():
            trial._sink, trial._study = Record(trial._asked), None


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
