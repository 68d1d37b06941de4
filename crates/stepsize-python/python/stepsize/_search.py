"""Searches over closures, in any framework: ``find``, ``range_test``, ``sensitivity``."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from . import _loop
from ._native import RACE_BUDGET, Estimate, Schedule, Search


def find(
    step: Callable[[float], Any],
    save: Callable[[], Any],
    restore: Callable[[Any], Any],
    *,
    steps: int,
    schedule: str | Schedule = "constant",
    evaluate: Callable[[], Any] | None = None,
    lr: float | None = None,
    max_cost: float | None = None,
    seed: int = 0,
    task: str = "a training loop",
    progress: bool | None = None,
) -> Estimate:
    """Finds the base rate for a run of ``steps`` under ``schedule``, for about half a run's steps.

    Args:
        step: Takes one optimizer step at the given rate and returns the loss.
        save: Returns a snapshot of everything that ``step`` changes; it must not change when training goes on.
        restore: Puts a snapshot back, as often as it is called with it.
        steps: Optimizer steps of the full run.
        schedule: Shape of the rate over the full run.
        evaluate: Returns the validation loss, or ``(loss, score)``. Without it a run is judged by the mean of its last
            training losses, which sees no overfitting.
        lr: A guess to start from. The answer depends little on it.
        max_cost: Most steps to spend, in full runs.
        seed: Of the search.
        task: What is trained, for people.
        progress: Whether to show a tqdm bar; by default in a terminal or notebook that has tqdm.

    Returns:
        An ``Estimate``: its ``lr`` is ``None`` when the evidence supports no answer; ``refused`` says why.

    Raises:
        ValueError: When an argument is out of range. What the closures raise passes through, after ``restore``;
            ``FloatingPointError`` alone counts as divergence.
    """
    search = Search.race(task, steps, schedule, seed, lr, max_cost)
    planned = (max_cost or RACE_BUDGET) * steps
    return _loop.run(search, _loop.Closures(step, save, restore, evaluate), seed=seed, planned=planned, progress=progress)


def range_test(
    step: Callable[[float], Any],
    save: Callable[[], Any],
    restore: Callable[[Any], Any],
    *,
    low: float = 1e-6,
    high: float = 10.0,
    iterations: int = 100,
    rule: str = "edge",
    linear: bool = False,
    evaluate: Callable[[], Any] | None = None,
    task: str = "a training loop",
    progress: bool | None = None,
) -> Estimate:
    """Smith's range test: one short run on a rising rate.

    What it measures well is where training breaks; ``rule="edge"`` answers a fourth of that. The rules
    ``fastai_valley``, ``fastai_slide``, ``fastai_minimum``, ``fastai_steep``, ``torch_lr_finder``, ``lightning`` and
    ``ignite`` read the curve as those tools do; ``accuracy`` reads the score that ``evaluate`` gives.
    """
    search = Search.range_test(task, 0, low, high, iterations, rule, linear)
    closures = _loop.Closures(step, save, restore, evaluate)
    return _loop.run(search, closures, seed=0, planned=iterations, progress=progress)


def sensitivity(
    step: Callable[[float], Any],
    save: Callable[[], Any],
    restore: Callable[[Any], Any],
    *,
    steps: int,
    schedule: str | Schedule = "constant",
    low: float,
    high: float,
    per_decade: int = 4,
    seeds: int = 1,
    trial_steps: int | None = None,
    reseed: Callable[[int], Any] | None = None,
    evaluate: Callable[[], Any] | None = None,
    seed: int = 0,
    task: str = "a training loop",
    progress: bool | None = None,
) -> Estimate:
    """Loss over rates: every rate of a log grid, each with ``seeds`` seeds, to the full length or ``trial_steps``."""
    search = Search.grid(task, steps, schedule, seed, low, high, per_decade, seeds, trial_steps)
    rates = math.ceil(math.log10(high / low) * per_decade - 1e-9) + 1
    planned = rates * seeds * (trial_steps or steps)
    closures = _loop.Closures(step, save, restore, evaluate, reseed)
    return _loop.run(search, closures, seed=seed, planned=planned, progress=progress)
