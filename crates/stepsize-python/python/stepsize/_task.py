"""``Task``: what a search needs of a training run. Each framework has one adapter that implements
it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, Protocol

from ._given import checked_function, checked_text
from ._native import Trial


class Task(Protocol):
    """What a search needs of a training run."""

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
    def evaluate(self) -> Callable[[], Any] | None:
        """Returns the validation loss, or ``(loss, score)``. Without it a trial is judged by its
        last training losses.
        """
        ...

    @property
    def reseed(self) -> Callable[[int], Any] | None:
        """Seeds the order of the data. Without it, a trial with another seed first steps over the
        batches of the first one, at a rate of 0.
        """
        ...

    @property
    def check(self) -> Callable[[], Any]:
        """Called once, after the first ``save`` and before the first trial. Raises what can be
        known before any step is taken. What it changes is restored.
        """
        ...

    @property
    def loaders(self) -> tuple[Any, ...]:
        """The loaders, whose running workers are hidden from the search; ``begin`` ends its own."""
        ...

    @property
    def begin(self) -> Callable[[Trial], Any]:
        """Called at the start of each trial, after ``restore``."""
        ...

    @property
    def rate(self) -> Callable[[Trial, int], float]:
        """The rate of a step of a trial, counted from 0; called after ``begin``."""
        ...

    @property
    def thin(self) -> Callable[[float], float]:
        """Called once by ``find``, after ``check``: makes one evaluation cost about so many
        optimizer steps, if it costs more, and returns what it then costs in steps. It counts
        samples, not seconds: the same search must take the same decisions again.
        """
        ...

    @property
    def clock(self) -> Callable[[], float]:
        """Seconds that training and evaluation are timed by, for the cost. On a processor that
        others use too, those of this process say more than those on the wall.
        """
        ...

    @property
    def agree(self) -> Callable[[float], float]:
        """The largest of this value over all processes that run the same search."""
        ...


class TaskDefaults:
    """What an adapter need not say. ``evaluate`` and ``reseed`` are its own: ``None`` or a method.
    """

    loaders: tuple[Any, ...] = ()

    def check(self) -> None:
        """Knows nothing before the first step."""

    def begin(self, trial: Trial | None = None) -> None:
        """Does nothing: a trial starts from what was restored."""

    def rate(self, trial: Trial, at: int) -> float:
        """The rate by the schedule of the search."""
        return trial.rate(at)

    def thin(self, steps: float) -> float:
        """An evaluation of unknown size counts as one step."""
        return 1.0

    def clock(self) -> float:
        """The time on the wall."""
        return time.perf_counter()

    def agree(self, value: float) -> float:
        """There is one process."""
        return value


class Closures(TaskDefaults):
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
        for name, function, call in (("step", step, "step(lr)"), ("save", save, "save()"), ("restore", restore, "restore(saved)")):
            if function is None:
                raise TypeError(f"{name} is None; it must be a function {call}")
            checked_function(function, name, call)
        checked_text(description, "task")
        checked_function(evaluate, "evaluate=", "evaluate()")
        checked_function(reseed, "reseed=", "reseed(seed)")
        self.description = description
        self.step, self.save, self.restore, self.evaluate, self.reseed = step, save, restore, evaluate, reseed

    @classmethod
    def of_training_losses(cls, task: Any) -> Closures:
        """A task without its evaluations: a range test reads the training losses."""
        made = cls(task.description, task.step, task.save, task.restore)
        made.loaders = task.loaders
        return made
