"""The loop that runs the trials of a search: ask, train, tell, and put everything back.

The compiled core decides which rates to try; nothing is decided here. Whatever happens (an
exception, Ctrl-C), the first snapshot is restored before the caller sees it.
"""

from __future__ import annotations

import contextlib
import importlib
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from ._native import Estimate, Search, Trial


class Task(Protocol):
    """What a search needs of a training run. Each framework has one adapter that implements it."""

    @property
    def description(self) -> str:
        """What is trained, as text for people."""
        ...

    @property
    def step(self) -> Callable[[float], Any]:
        """Takes one optimizer step at the given rate and returns the training loss."""
        ...

    @property
    def save(self) -> Callable[[], Any]:
        """Returns a snapshot of everything that a trial changes."""
        ...

    @property
    def restore(self) -> Callable[[Any], Any]:
        """Puts a snapshot back."""
        ...

    @property
    def begin(self) -> Callable[[], Any]:
        """Called at the start of each trial, after ``restore``."""
        ...

    @property
    def evaluate(self) -> Callable[[], Any] | None:
        """Returns the validation loss, or ``(loss, score)``. Without it a trial is judged by its
        last training losses.
        """
        ...

    @property
    def reseed(self) -> Callable[[int], Any] | None:
        """Seeds the order of the data. A search with several seeds needs it."""
        ...


class Closures:
    """A task made of the user's functions."""

    def __init__(
        self,
        description: str,
        step: Callable[[float], Any],
        save: Callable[[], Any],
        restore: Callable[[Any], Any],
        evaluate: Callable[[], Any] | None = None,
        reseed: Callable[[int], Any] | None = None,
    ) -> None:
        self.description = description
        self.step, self.save, self.restore, self.evaluate, self.reseed = step, save, restore, evaluate, reseed

    def begin(self) -> None:
        """Does nothing: a trial starts from what was restored."""


def run(search: Search, task: Task, *, seed: int, planned: float, progress: bool | None) -> Estimate:
    """Runs every trial that ``search`` asks for on ``task``, and returns the conclusion.

    Args:
        search: Decides which trials to run.
        task: Runs them.
        seed: Seed of the state that ``task`` is in; a trial with another seed is reseeded.
        planned: Steps that the search will take at most, for the progress bar.
        progress: As in ``stepsize.find``.

    Raises:
        ValueError: When a trial has another seed and the task cannot be reseeded.
    """
    with _whole():
        origin = task.save()
    try:
        with _bar(progress, planned) as bar:
            while (trial := search.ask()) is not None:
                with _whole():
                    task.restore(origin)
                task.begin()
                if trial.seed != seed:
                    if task.reseed is None:
                        raise ValueError(
                            f"trial {trial.id} has seed {trial.seed}, and the search started with seed {seed}: "
                            "give reseed=, a function that seeds the order of the data"
                        )
                    task.reseed(trial.seed)
                _train(search, trial, task, bar)
    finally:
        with _whole():
            task.restore(origin)
    return search.conclude()


def _train(search: Search, trial: Trial, task: Task, bar: Any) -> None:
    begin, evaluations = time.perf_counter(), set(trial.evaluations)
    evaluate = task.evaluate or _Trailing(trial.steps)
    trailing = evaluate if isinstance(evaluate, _Trailing) else None
    end = None
    for at in range(trial.steps):
        lr = trial.rate(at)
        if at == 0 and trailing is None:
            end = search.evaluate(trial.id, 0, lr, *_pair(evaluate()))
        if end is None:
            try:
                loss = float(task.step(lr))
            except FloatingPointError:  # raised by NaN checks of frameworks: a diverged trial, not an error
                loss = float("nan")
            if trailing is not None:
                trailing.losses.append(loss)
                if at == 0:
                    end = search.evaluate(trial.id, 0, lr, loss)
            end = end or search.step(trial.id, at, lr, loss)
            bar(trial, loss)
        if end is None and at + 1 in evaluations:
            end = search.evaluate(trial.id, at + 1, lr, *_pair(evaluate()))
        if end is not None:
            return
    search.finish(trial.id, trial.steps, time.perf_counter() - begin)


class _Trailing:
    """Stands in for an evaluation: the mean of the last losses, over a tenth of the trial and at
    least 8 steps.
    """

    def __init__(self, steps: int) -> None:
        self.losses: deque[float] = deque(maxlen=max(8, steps // 10))

    def __call__(self) -> float:
        return sum(self.losses) / len(self.losses)


def _pair(evaluation: Any) -> tuple[float, float | None]:
    if isinstance(evaluation, tuple):
        loss, score = evaluation
        return float(loss), float(score)
    return float(evaluation), None


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


@contextlib.contextmanager
def _bar(progress: bool | None, planned: float) -> Iterator[Callable[[Trial, float], None]]:
    """A tqdm bar: by default where tqdm is installed and stderr is a terminal or a notebook."""
    tqdm: Any = None
    if progress or (progress is None and (sys.stderr.isatty() or "ipykernel" in sys.modules)):
        try:
            tqdm = importlib.import_module("tqdm.auto").tqdm
        except ImportError:
            if progress:
                raise ImportError("progress=True needs tqdm: pip install tqdm") from None
    if tqdm is None:
        yield lambda trial, loss: None
        return
    with tqdm(total=round(planned), unit="step", desc="stepsize") as bar:

        def show(trial: Trial, loss: float) -> None:
            bar.set_postfix(trial=trial.id, lr=f"{trial.lr:.3g}", loss=f"{loss:.4g}", refresh=False)
            bar.update()

        yield show
