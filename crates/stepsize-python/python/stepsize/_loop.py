"""The loop that runs the trials of a search: ask, train, tell, and put everything back.

The compiled core decides which rates to try. Here it is decided when a trial is evaluated, and that
a search ends when its time is over. Whatever happens (an exception, Ctrl-C), the first snapshot is
restored before the caller sees it.
"""

from __future__ import annotations

import contextlib
import math
import signal
import statistics
import threading
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from . import _data, _progress
from ._event import Callback, SearchEvent
from ._given import number
from ._meter import Meter
from ._native import Answer, Refusal, Search, Trial
from ._task import Closures, Task, TaskDefaults

__all__ = ["Closures", "Task", "TaskDefaults", "run"]

Make = Callable[[float, float, float], Search]
"""Makes a search. The arguments are the price of its evaluations as a share of the steps of a trial,
the steps that are spent beside trials, and the full runs that there is time for.
"""
_FEW = 5
"""Readings of a trial after its start. With fewer the search cannot tell their scatter, and repeats
rates instead, which costs more.
"""
_SHARE = 0.25
"""All evaluations are made where they cost no more than this share of a trial's steps ..."""
_TIMED = 5  # steps that are timed before a search with a limit of time; the first two may compile
_MOST = 0.5
"""... and the few where they cost no more than this. The one at the end is made at any price."""
_ROUNDING = 1e-6  # steps: of sums of prices
_CARE = 1.25  # a budget pays for evaluations so many times what they should cost
_DEARER = 1.5  # between two prices of an evaluation


def run(
    make: Make,
    task: Task,
    *,
    steps: int,
    seed: int,
    planned: float,
    progress: bool | None,
    callback: Callback | None = None,
    max_seconds: float | None = None,
    budget: float | None = None,
    sparing: bool = False,
) -> Answer | Refusal:
    """Runs every trial that a search asks for on ``task``, and returns the conclusion.

    Args:
        make: Makes the search.
        task: Runs the trials.
        steps: Length of the full run.
        seed: Seed of the state that ``task`` is in; a trial with another seed is reseeded.
        planned: Steps that the search will take at most, for the progress bar.
        progress, callback, max_seconds: As in ``stepsize.find``.
        budget: The most to spend, in full runs, where there is a limit.
        sparing: Whether evaluations become fewer and smaller where they would cost more than their
            share of a trial.

    Raises:
        ValueError: When ``task.check`` finds a fault, or a loss is not finite before the first
            step.
    """
    search = make(0.0, 0.0, math.inf)  # raises for what is wrong with the arguments, before anything runs
    own = search.budget or math.inf
    with _whole():
        origin = task.save()
    meter = Meter(steps, max_seconds, task.agree, task.clock)
    with _progress.shown(progress, planned) as shown, _data.own_workers(*task.loaders):
        try:
            task.check()
            price, share, once, runs = 0.0, 0.0, False, math.inf
            if max_seconds is not None:
                runs = _affordable_runs(task, meter, max_seconds)
                search = make(0.0, meter.steps, runs)
            if sparing and task.evaluate is not None and (first := search.ask()) is not None:
                price = task.thin(_SHARE * first.steps / _FEW)
                search, share, once = _affordable(make, first, price, meter.steps, runs)
            timed = meter.steps / steps
            if budget is None:
                purse = _Purse(meter, search.budget, steps, 0.0)
            else:
                purse = _Purse(meter, budget - timed, steps, price * _CARE)
            trials = _Trials(search, task, origin, seed, meter, _Teller(callback, meter, shown), purse, price, once)
            trials.tell("search", task=task.description, steps=steps, seed=seed)
            trials.run()
        finally:
            with _whole():
                task.restore(origin)
    by_time = max_seconds is not None and (trials.out_of_time or runs < own)
    limit = {
        "budget": budget, "share": share * max(1.0, purse.price / price if price else 1.0), "beside": price / steps + timed,
        "seconds": (max_seconds, runs) if by_time else None,
    }  # fmt: skip
    beside = meter.steps - trials.counted  # timed ones, and those before a trial that was ended early
    if trials.judges_nothing:
        warnings.warn(
            "every evaluation of every trial gave the same number, so what is judged does not depend on what is trained: does the "
            "evaluation use the model that is trained?",
            stacklevel=4,
        )
    estimate = search.conclude(task.agree(meter.evaluation_steps) + beside, trials.cut_short, limit)
    trials.tell("estimate", estimate=estimate)
    return estimate


def _affordable_runs(task: Task, meter: Meter, max_seconds: float) -> float:
    """Full runs that there is time for: a few steps at a rate of 0 are timed."""
    seconds = []
    for _ in range(_TIMED):
        begin = time.perf_counter()
        with meter.step():
            task.step(0.0)
        seconds.append(time.perf_counter() - begin)
    left, run = max_seconds - task.agree(meter.seconds), task.agree(statistics.median(seconds[2:])) * meter.length
    if left <= 0.0:
        raise ValueError(
            f"max_seconds is {max_seconds}, and {_TIMED} steps took longer: at their pace a run of {meter.length} steps takes {run:.2g} s, "
            "and a search about as long"
        )
    return left / run


def _affordable(make: Make, first: Trial, price: float, timed: int, runs: float) -> tuple[Search, float, bool]:
    """The search that the budget pays for beside evaluations and ``timed`` steps, the share of the
    evaluations, and whether each trial is then evaluated at its end only.
    """
    paid = price * _CARE
    share = len(_due(first, price)) * paid / first.steps
    try:
        return make(share, paid + timed, runs), share, False
    except ValueError:  # too little is left
        share = paid / first.steps
        return make(share, paid + timed, runs), share, True


def _due(trial: Trial, price: float) -> list[int]:
    """After how many steps to evaluate, when one evaluation costs ``price`` steps."""
    offered = [step for step in trial.evaluations if step > 0]
    few = {trial.steps * eighths // 8 for eighths in (1, 2, 4, 6, 8)}
    some = [step for step in offered if step in few]
    for due, share in ((offered, _SHARE), (some, _MOST), ([trial.steps // 2, trial.steps], _MOST)):
        if len(due) * price <= share * trial.steps:
            return due
    return [trial.steps]


class _Teller:
    """Tells the callback and the progress bar."""

    def __init__(self, callback: Callback | None, meter: Meter, shown: Callable[[SearchEvent], Any]) -> None:
        self._callback, self._meter, self._shown = callback, meter, shown

    def __call__(self, kind: Any, **fields: Any) -> None:
        event = SearchEvent(kind, self._meter.steps, self._meter.runs, **fields)
        self._shown(event)
        if self._callback is not None:
            self._callback(event)


class _Purse:
    """What may still be spent, in optimizer steps. A ``budget`` that the caller gave pays for
    evaluations too: at ``price`` steps each, or more where the clock says so. Prices are far apart,
    so that as a rule the same search pays the same again. The default budget pays for steps only.
    """

    def __init__(self, meter: Meter, budget: float | None, length: int, price: float) -> None:
        self._meter, self.price, self._least = meter, price, price
        self._limit = math.inf if budget is None else meter.steps + budget * length + _ROUNDING

    def pays(self, steps: int, evaluations: int) -> bool:
        """Whether it pays for so many more."""
        meter = self._meter
        if self._least > 0.0 and (price := meter.agreed_price) > self._least:
            self.price = self._least * _DEARER ** math.ceil(math.log(price / self._least, _DEARER))
        elif self._least > 0.0:
            self.price = self._least
        return meter.steps + steps + (meter.evaluations + evaluations) * self.price <= self._limit


class _Trials:
    """The trials of one search."""

    def __init__(
        self, search: Search, task: Task, origin: Any, seed: int, meter: Meter, tell: _Teller, purse: _Purse, price: float,
        once: bool,
    ) -> None:  # fmt: skip
        self.search, self.task, self.origin, self.seed = search, task, origin, seed
        self.meter, self.tell, self.purse, self.price, self.once = meter, tell, purse, price, once
        self.untrained: tuple[float, float | None] | None = None
        self.cut_short = self.out_of_time = False
        self.counted = 0  # steps that the search knows of
        self.judged: dict[float, set[float]] = {}  # what the evaluations of each rate gave

    def run(self) -> None:
        """Runs them all, or as many as budget and time allow."""
        while not self.cut_short and (trial := self._next()) is not None:
            skipped = trial.steps if trial.seed != self.seed and self.task.reseed is None else 0
            # The search knows the steps of its trials only, and takes each evaluation for a share
            # of them.
            if not self.purse.pays(trial.steps + skipped, len(self.due(trial)) + (self.untrained is None)):
                self.cut_short = True
                break
            with _whole(), self.meter.between():
                self.task.restore(self.origin)
            self.task.begin(trial)
            if trial.seed != self.seed and self.task.reseed is not None:
                self.task.reseed(trial.seed)
            if self._skip(skipped):
                self._train(trial, skipped)

    @property
    def judges_nothing(self) -> bool:
        """Whether trials of several rates were judged, and all evaluations gave the same number."""
        return len(self.judged) > 2 and len(set().union(*self.judged.values())) == 1

    def _next(self) -> Trial | None:
        with self.meter.between():
            return self.search.ask()

    def due(self, trial: Trial) -> list[int]:
        """After how many steps to evaluate a trial."""
        return [trial.steps] if self.once else _due(trial, 0.0 if self.task.evaluate is None else self.price)

    def _skip(self, count: int) -> bool:
        """Goes past the batches of the first seed, at a rate of 0, for a task that cannot be
        reseeded. Without that both seeds would see the same data, and the search would take noise
        for an effect.

        Returns whether there was time for it.
        """
        for _ in range(count):
            if self._is_over(evaluated=False):
                return False
            with self.meter.step():
                self.task.step(0.0)
        return True

    def _is_over(self, evaluated: bool) -> bool:
        self.out_of_time = self.cut_short = self.meter.is_out_of_time(evaluated)
        return self.out_of_time

    def _train(self, trial: Trial, skipped: int) -> None:
        begin = time.perf_counter()
        self.tell("trial", trial=trial.id, lr=trial.lr, steps=trial.steps, seed=trial.seed)
        judged = _Judged(self, trial)
        end, taken = None, 0
        for at in range(trial.steps):
            lr = self.task.rate(trial, at)
            if at == 0:
                end = judged.before_the_first_step(lr)
            if end is None:
                if self._is_over(self.task.evaluate is not None and taken + 1 in judged.due):
                    self.search.leave(trial.id, taken + skipped)
                    end, self.counted = "stopped", self.counted + skipped
                    break
                loss = self._step(lr)
                taken += 1
                if trial.id == 0 and at == 0 and not math.isfinite(loss):
                    self._check_at_rest(trial, loss)
                self.tell("step", trial=trial.id, step=at, lr=lr, loss=loss)
                end = judged.after_a_step(at, lr, loss) or self.search.step(trial.id, at, lr, loss)
            if end is None and taken in judged.due:
                end = judged.evaluate(taken, lr)
            if end is not None:
                break
        if trial.id == 0 and judged.only_zeros:
            raise ValueError(
                "every loss of the first trial is exactly 0, also before its first step, so there is nothing to learn: look at the "
                "function that gives the loss, and at the targets"
            )
        if end is None:
            end, self.counted = self.search.finish(trial.id, taken + skipped, time.perf_counter() - begin), self.counted + skipped
        self.counted += taken
        self.tell(
            "trial_end", trial=trial.id, lr=trial.lr, steps=taken, seed=trial.seed, end=end,
            val_loss=judged.val_loss, score=judged.score, seconds=time.perf_counter() - begin,
        )  # fmt: skip

    def _check_at_rest(self, trial: Trial, loss: float) -> None:
        """Raises where the very first loss is not finite at a rate of 0 either: no rate made it."""
        with _whole():
            self.task.restore(self.origin)
        self.task.begin(trial)
        if not math.isfinite(self._step(0.0)):
            raise ValueError(
                f"the first training loss is {loss}, at a rate of 0 too, so no rate can help: look for values that are not finite in "
                "the model and in the data"
            )

    def _step(self, lr: float) -> float:
        try:
            with self.meter.step():
                return number(self.task.step(lr), "step", "the training loss")
        except FloatingPointError:  # raised by NaN checks of frameworks: a diverged trial, not an error
            return float("nan")


class _Judged:
    """The evaluations of one trial: the task's own, or the mean of the last training losses, over a
    tenth of the trial and at least 8 steps.
    """

    def __init__(self, trials: _Trials, trial: Trial) -> None:
        self._trials, self._trial = trials, trial
        self._losses: deque[float] = deque(maxlen=max(8, trial.steps // 10))
        self._own = trials.task.evaluate
        self.due = set(trials.due(trial))
        self.only_zeros = True  # so far
        self.val_loss: float | None = None
        self.score: float | None = None

    def before_the_first_step(self, lr: float) -> str | None:
        """Reports the untrained model. It is the same in every trial, so it is evaluated once."""
        if self._own is None:
            return None
        if self._trials.untrained is None:
            self._trials.untrained = self._evaluated(self._own)
            if not math.isfinite(self._trials.untrained[0]):
                raise ValueError(
                    f"the validation loss is {self._trials.untrained[0]} before the first step, so no rate can be judged by "
                    "it: look for values that are not finite in the validation data, and for a loss that cannot take them"
                )
        return self._tell(0, lr, *self._trials.untrained)

    def after_a_step(self, at: int, lr: float, loss: float) -> str | None:
        """Keeps a training loss. The first one stands in for the untrained model."""
        self._losses.append(loss)
        self.only_zeros &= loss == 0.0
        return self._tell(0, lr, loss, None) if at == 0 and self._own is None else None

    def evaluate(self, taken: int, lr: float) -> str | None:
        """Evaluates after ``taken`` steps and reports it."""
        if self._own is None:
            return self._tell(taken, lr, sum(self._losses) / len(self._losses), None)
        loss, score = self._evaluated(self._own)
        self._trials.judged.setdefault(self._trial.lr, set()).add(loss)
        return self._tell(taken, lr, loss, score)

    def _evaluated(self, evaluate: Callable[[], Any]) -> tuple[float, float | None]:
        with self._trials.meter.evaluation():
            evaluation = evaluate()
        if isinstance(evaluation, tuple):
            loss, score = evaluation
            return number(loss, "evaluate", "the loss"), None if score is None else number(score, "evaluate", "the score")
        return number(evaluation, "evaluate", "the loss"), None

    def _tell(self, taken: int, lr: float, val_loss: float, score: float | None) -> str | None:
        self.val_loss, self.score = val_loss, score
        self.only_zeros &= val_loss == 0.0
        self._trials.tell("evaluation", trial=self._trial.id, step=taken, lr=lr, val_loss=val_loss, score=score)
        return self._trials.search.evaluate(self._trial.id, taken, lr, val_loss, score)


@contextlib.contextmanager
def _whole() -> Iterator[None]:
    """Delays Ctrl-C to the end of the block, so that nothing is left half saved or half restored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    waiting: list[tuple[int, Any]] = []
    previous = signal.getsignal(signal.SIGINT)
    if previous is None or not callable(previous):  # Python does not handle it
        yield
        return
    signal.signal(signal.SIGINT, lambda number, frame: waiting.append((number, frame)))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)
    if waiting:
        previous(*waiting[0])
