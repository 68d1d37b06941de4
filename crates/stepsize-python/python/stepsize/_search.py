"""Searches over closures, for any training loop: ``find``, ``range_test``, ``sweep``.

Below them is the one road that every framework takes: an adapter makes a ``Task`` and gives it to
``run_find``, ``run_range_test`` or ``run_sweep``.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from . import _defaults, _loop
from ._native import Estimate, Schedule, Search
from ._renamed import find_names, range_test_names


@find_names
def find(
    step: Callable[[float], Any],
    save: Callable[[], Any],
    restore: Callable[[Any], Any],
    *,
    steps: int,
    schedule: str | Schedule = "constant",
    evaluate: Callable[[], Any] | None = None,
    reseed: Callable[[int], Any] | None = None,
    start: float | None = None,
    budget: float | None = None,
    seed: int = 0,
    task: str = "a training loop",
    progress: bool | None = None,
) -> Estimate:
    """Finds the base rate for a full run of ``steps`` under ``schedule``.

    The search runs short trials, for about two thirds of the steps of one full run, and then
    restores the first snapshot.

    Args:
        step: Takes one optimizer step at the given rate and returns the training loss, a number.
        save: Returns a snapshot of everything that ``step`` changes. Later steps must not change
            the snapshot.
        restore: Puts a snapshot back. It is called many times with the same snapshot.
        steps: Optimizer steps of the full run.
        schedule: The schedule of the full run: notation such as ``"warmup(5%) then cosine"``, or a
            ``Schedule``.
        evaluate: Returns the validation loss, or ``(loss, score)`` where more score is better.
            Without it a trial is judged by the mean of its last training losses, which does not
            show overfitting.
        reseed: Seeds the order of the data and whatever else is random. The search needs it when it
            repeats a rate with another seed.
        start: First guess of the rate. The answer depends little on it.
        budget: The most steps to spend, in full runs; 0.1 to 30; by default 0.625, or 1 for
            short runs.
        seed: Seed of the search.
        task: What is trained, as text for people.
        progress: Whether to show a tqdm bar. By default it is shown in a terminal or a notebook
            where tqdm is installed.

    Returns:
        The estimate. Its ``lr`` is ``None`` when the evidence supports no answer; ``refused`` and
        ``why`` say the reason.

    Raises:
        ValueError: When an argument is out of range, or the search needs ``reseed`` and has none.
        Exception: Whatever the closures raise, after ``restore``. Only ``FloatingPointError``
            counts as divergence.

    Example:
        >>> state = {"w": 1.0}
        >>> def step(lr):
        ...     loss = state["w"] ** 2 + 0.1
        ...     state["w"] -= lr * 2 * state["w"]
        ...     return loss
        >>> estimate = find(step, state.copy, state.update, steps=200)
        >>> estimate.cost < 1.0, state
        (True, {'w': 1.0})
    """
    closures = _loop.Closures(task, step, save, restore, evaluate, reseed)
    return run_find(
        closures, steps=steps, schedule=schedule, start=start, budget=budget, seed=seed, progress=progress
    )  # fmt: skip


@range_test_names
def range_test(
    step: Callable[[float], Any],
    save: Callable[[], Any],
    restore: Callable[[Any], Any],
    *,
    low: float = _defaults.LOW,
    high: float = _defaults.HIGH,
    trial_steps: int = _defaults.RANGE_TEST_STEPS,
    rule: str = "edge",
    linear: bool = False,
    evaluate: Callable[[], Any] | None = None,
    task: str = "a training loop",
    progress: bool | None = None,
) -> Estimate:
    """Smith's range test: one short run on a rising rate.

    It measures well where training breaks, and says little about the best rate.

    Args:
        step, save, restore, task, progress: As in ``find``.
        low, high: First and last rate of the run.
        trial_steps: Length of the run in optimizer steps.
        rule: How to read a rate off the curve. ``edge`` answers a quarter of the rate at which
            training breaks. The rules ``fastai_valley``, ``fastai_slide``, ``fastai_minimum``,
            ``fastai_steep``, ``torch_lr_finder``, ``lightning`` and ``ignite`` read the curve as
            those tools do. ``accuracy`` reads the score that ``evaluate`` returns.
        linear: Whether the rate rises by equal differences; by default it rises by equal factors.
        evaluate: As in ``find``; without it the training losses are read.

    Returns:
        The estimate; ``curve`` holds the rates and the smoothed losses.

    Raises:
        ValueError: When an argument is out of range, or there is no such rule.
    """
    closures = _loop.Closures(task, step, save, restore, evaluate)
    return run_range_test(
        closures, low=low, high=high, trial_steps=trial_steps, rule=rule, linear=linear, progress=progress
    )  # fmt: skip


def sweep(
    step: Callable[[float], Any],
    save: Callable[[], Any],
    restore: Callable[[Any], Any],
    *,
    steps: int,
    schedule: str | Schedule = "constant",
    low: float,
    high: float,
    per_decade: int = _defaults.PER_DECADE,
    seeds: int = 1,
    trial_steps: int | None = None,
    reseed: Callable[[int], Any] | None = None,
    evaluate: Callable[[], Any] | None = None,
    seed: int = 0,
    task: str = "a training loop",
    progress: bool | None = None,
) -> Estimate:
    """Sensitivity analysis: trains at every rate of a grid and reports the loss of each.

    Args:
        step, save, restore, steps, schedule, evaluate, seed, task, progress: As in ``find``.
        low, high: Lowest and highest rate of the grid, which is evenly spaced in the logarithm.
        per_decade: Rates between a rate and ten times that rate.
        seeds: Trials of each rate, each with a seed of its own.
        trial_steps: Length of each trial in optimizer steps, under the compressed schedule; by
            default the full run.
        reseed: Seeds the order of the data and whatever else is random; needed for more than one
            seed.

    Returns:
        The estimate; ``points`` holds one entry for each trial.

    Raises:
        ValueError: When an argument is out of range, or there are several seeds and no ``reseed``.
    """
    closures = _loop.Closures(task, step, save, restore, evaluate, reseed)
    return run_sweep(
        closures, steps=steps, schedule=schedule, low=low, high=high, per_decade=per_decade, seeds=seeds,
        trial_steps=trial_steps, seed=seed, progress=progress,
    )  # fmt: skip


sensitivity = sweep  # the older name


def run_find(
    task: _loop.Task,
    *,
    steps: int,
    schedule: str | Schedule,
    start: float | None,
    budget: float | None,
    seed: int,
    progress: bool | None,
) -> Estimate:
    """``find`` on a task."""
    search = Search.race(task.description, steps, schedule, seed, start, budget)
    planned = (_defaults.BUDGET if budget is None else budget) * steps
    return _loop.run(search, task, seed=seed, planned=planned, progress=progress)


def run_range_test(
    task: _loop.Task, *, low: float, high: float, trial_steps: int, rule: str, linear: bool, progress: bool | None
) -> Estimate:
    """``range_test`` on a task."""
    search = Search.range_test(task.description, 0, low, high, trial_steps, rule, linear)
    return _loop.run(search, task, seed=0, planned=trial_steps, progress=progress)


def run_sweep(
    task: _loop.Task,
    *,
    steps: int,
    schedule: str | Schedule,
    low: float,
    high: float,
    per_decade: int,
    seeds: int,
    trial_steps: int | None,
    seed: int,
    progress: bool | None,
) -> Estimate:
    """``sweep`` on a task."""
    search = Search.grid(task.description, steps, schedule, seed, low, high, per_decade, seeds, trial_steps)
    rates = math.ceil(math.log10(high / low) * per_decade - 1e-9) + 1
    planned = rates * seeds * (trial_steps or steps)
    return _loop.run(search, task, seed=seed, planned=planned, progress=progress)
