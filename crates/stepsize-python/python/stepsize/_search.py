"""Searches over closures, for any training loop: ``find``, ``range_test``, ``sweep``.

Below them is the one road that every framework takes: an adapter makes a ``Task`` and gives it to
``run_find``, ``run_range_test`` or ``run_sweep``.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any, Literal, overload

from . import _defaults, _loop
from ._event import Callback
from ._native import Answer, Refusal, Schedule, Search
from ._given import checked_above_zero, checked_function, checked_grid, checked_numbers, checked_seed, checked_steps, checked_text
from ._renamed import find_names, range_test_names
from ._task import Closures, Task


@overload
def find(
    step: Callable[[float], Any], save: Callable[[], Any], restore: Callable[[Any], Any], *, steps: int,
    schedule: str | Schedule = ..., evaluate: Callable[[], Any] | None = ..., reseed: Callable[[int], Any] | None = ...,
    start: float | None = ..., budget: float | None = ..., max_seconds: float | None = ..., seed: int = ..., task: str = ...,
    progress: bool | None = ..., callback: Callback | None = ..., on_refusal: Literal["raise"],
) -> Answer: ...  # fmt: skip
@overload
def find(
    step: Callable[[float], Any], save: Callable[[], Any], restore: Callable[[Any], Any], *, steps: int,
    schedule: str | Schedule = ..., evaluate: Callable[[], Any] | None = ..., reseed: Callable[[int], Any] | None = ...,
    start: float | None = ..., budget: float | None = ..., max_seconds: float | None = ..., seed: int = ..., task: str = ...,
    progress: bool | None = ..., callback: Callback | None = ..., on_refusal: Literal["return", "raise"] = ...,
) -> Answer | Refusal: ...  # fmt: skip
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
    max_seconds: float | None = None,
    seed: int = 0,
    task: str = "a training loop",
    progress: bool | None = None,
    callback: Callback | None = None,
    on_refusal: Literal["return", "raise"] = "return",
) -> Answer | Refusal:
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
        reseed: Seeds the order of the data and whatever else is random, for a rate that is repeated
            with another seed. Without it such a trial first calls ``step(0.0)`` as often as it is
            long, to come to other data; these calls are part of the cost.
        start: First guess of the rate. The answer depends little on it.
        budget: The most to spend, in full runs, evaluations included; each of them counts as 1.25
            steps, or more where the clock says so; the same seed may then give another answer. By
            default 0.625, or 1 for short runs, and evaluations on top.
        max_seconds: The most time to spend, by the clock. A search that it ends is concluded from
            the trials that have ended; the same seed may then give another answer.
        seed: Seed of the search.
        task: What is trained, as text for people.
        progress: Whether to show a tqdm bar. By default it is shown in a terminal or a notebook.
            Without tqdm, lines on stderr say how each trial ended; the logger ``stepsize`` gets
            them in any case, at the level ``INFO``.
        callback: Called with a ``SearchEvent`` for each trial, step and evaluation. What it raises
            ends the search.
        on_refusal: ``"raise"`` raises a ``RefusedError`` instead of returning a ``Refusal``.

    Returns:
        An ``Answer``, which has a rate and is true, or a ``Refusal``, which is false and whose
        ``lr`` is ``None``; ``refused``, ``why`` and ``advice`` say the reason and what to do.

    Raises:
        ValueError: When an argument is out of range.
        RefusedError: With ``on_refusal="raise"``, when the evidence supports no answer.
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
    closures = Closures(task, step, save, restore, evaluate, reseed)
    return run_find(
        closures, steps=steps, schedule=schedule, start=start, budget=budget, seed=seed, progress=progress,
        callback=callback, max_seconds=max_seconds, on_refusal=on_refusal,
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
    callback: Callback | None = None,
) -> Answer | Refusal:
    """Smith's range test: one short run on a rising rate.

    It measures well where training breaks, and says little about the best rate.

    Args:
        step, save, restore, task, progress, callback: As in ``find``.
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
    closures = Closures(task, step, save, restore, evaluate)
    return run_range_test(
        closures, low=low, high=high, trial_steps=trial_steps, rule=rule, linear=linear, progress=progress,
        callback=callback,
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
    callback: Callback | None = None,
) -> Answer | Refusal:
    """Sensitivity analysis: trains at every rate of a grid and reports the loss of each.

    Args:
        step, save, restore, steps, schedule, evaluate, seed, task, progress, callback: As in
            ``find``.
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
    closures = Closures(task, step, save, restore, evaluate, reseed)
    return run_sweep(
        closures, steps=steps, schedule=schedule, low=low, high=high, per_decade=per_decade, seeds=seeds,
        trial_steps=trial_steps, seed=seed, progress=progress, callback=callback,
    )  # fmt: skip


sensitivity = sweep  # the older name


@overload
def run_find(
    task: Task, *, steps: int, schedule: str | Schedule = ..., start: float | None = ..., budget: float | None = ...,
    seed: int = ..., progress: bool | None = ..., callback: Callback | None = ..., max_seconds: float | None = ...,
    on_refusal: Literal["raise"],
) -> Answer: ...  # fmt: skip
@overload
def run_find(
    task: Task, *, steps: int, schedule: str | Schedule = ..., start: float | None = ..., budget: float | None = ...,
    seed: int = ..., progress: bool | None = ..., callback: Callback | None = ..., max_seconds: float | None = ...,
    on_refusal: Literal["return", "raise"] = ...,
) -> Answer | Refusal: ...  # fmt: skip
def run_find(
    task: Task,
    *,
    steps: int,
    schedule: str | Schedule = "constant",
    start: float | None = None,
    budget: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
    max_seconds: float | None = None,
    on_refusal: Literal["return", "raise"] = "return",
) -> Answer | Refusal:
    """``find`` on a task: every adapter ends here. The arguments are those of ``stepsize.find``."""
    checked_steps(steps)
    checked_seed(seed)
    checked_numbers(start=start, budget=budget, max_seconds=max_seconds)
    if on_refusal not in ("return", "raise"):
        raise ValueError(f"on_refusal is {on_refusal!r}; it must be 'return' or 'raise'")
    checked_function(callback, "callback=", "of a SearchEvent")

    race = functools.partial(Search.race, task.description, steps, schedule, seed, start)

    def make(share: float, beside: float, runs: float) -> Search:
        """A search whose steps leave room for the others, within the budget and the time."""
        own = race(budget)
        within = min(own.budget or runs, runs)
        if (budget is None or share + beside == 0.0) and within == own.budget:
            return own
        left = max((within - beside / steps) / (1.0 + share), 1e-9)
        try:
            return race(left)
        except ValueError:
            needed = _least(race) * (1 + share) + beside / steps + 0.005
            if within == budget:
                raise ValueError(
                    f"budget is {budget} full runs, of which evaluations take a share of {share / (1 + share):.0%}; what is left is "
                    f"too little for a search: give budget={needed:.2f} or more, or make evaluations cheaper (fewer validation data)"
                ) from None
            raise ValueError(
                f"max_seconds is {max_seconds}, enough for {within:.3f} full runs of {steps} steps at the pace of the first steps, and "
                f"the smallest search takes {needed:.2f}: give max_seconds={max_seconds * needed / within:.2g} or more"  # type: ignore[operator]
            ) from None

    estimate = _loop.run(
        make, task, steps=steps, seed=seed, planned=(race(budget).budget or 0.0) * steps, progress=progress, callback=callback,
        max_seconds=max_seconds, budget=budget, sparing=True,
    )  # fmt: skip
    if on_refusal == "raise":
        estimate.require()
    return estimate


def run_range_test(
    task: Task,
    *,
    low: float = _defaults.LOW,
    high: float = _defaults.HIGH,
    trial_steps: int = _defaults.RANGE_TEST_STEPS,
    rule: str = "edge",
    linear: bool = False,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Answer | Refusal:
    """``range_test`` on a task."""
    checked_steps(trial_steps, "trial_steps")
    checked_numbers(low=low, high=high)
    checked_text(rule, "rule", ', such as "edge"')

    def make(share: float, once: float, runs: float) -> Search:
        return Search.range_test(task.description, 0, low, high, trial_steps, rule, linear)

    return _loop.run(
        make, task, steps=trial_steps, seed=0, planned=trial_steps, progress=progress, callback=callback
    )  # fmt: skip


def run_sweep(
    task: Task,
    *,
    steps: int,
    schedule: str | Schedule = "constant",
    low: float,
    high: float,
    per_decade: int = _defaults.PER_DECADE,
    seeds: int = 1,
    trial_steps: int | None = None,
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Answer | Refusal:
    """``sweep`` on a task."""
    checked_steps(steps)
    checked_seed(seed)
    checked_grid(low, high, per_decade, seeds, trial_steps)
    if seeds > 1 and task.reseed is None:
        raise ValueError(f"seeds is {seeds}, and each needs data in an order of its own: give reseed=, a function of the seed")

    def make(share: float, once: float, runs: float) -> Search:
        return Search.grid(task.description, steps, schedule, seed, low, high, per_decade, seeds, trial_steps)

    rates = math.ceil(math.log10(high / low) * per_decade - 1e-9) + 1 if 0 < low < high else 1
    planned = rates * seeds * (trial_steps or steps)
    return _loop.run(make, task, steps=steps, seed=seed, planned=planned, progress=progress, callback=callback)


def _least(race: Callable[[float], Search]) -> float:
    """The smallest budget of a search, in hundredths of a run."""
    for part in range(1, 3100):
        try:
            race(part / 100)
        except ValueError:
            continue
        return part / 100
    return 31.0


def epoch_of(batches: int | None, accumulate: int = 1) -> int | None:
    """Optimizer steps of one pass over ``batches`` batches; ``None`` when their number is not known.
    """
    return None if batches is None else max(1, batches // max(1, accumulate))


def steps_of(steps: int | None, epochs: float | None, batches: int | None, accumulate: int = 1) -> int:
    """Optimizer steps of the full run: ``steps``, or ``epochs`` passes over ``batches`` batches of
    which ``accumulate`` make one step.

    Raises:
        ValueError: When both or neither are given, or the number of batches is not known.
        TypeError: When ``steps`` is not a whole number.
    """
    if (steps is None) == (epochs is None):
        raise ValueError(f"steps and epochs: {'neither' if steps is None else 'both'} given; give one of them")
    if steps is not None:
        checked_steps(steps)
        return steps
    checked_above_zero(epochs, "epochs")
    if epochs == math.inf:
        raise ValueError("epochs is inf; it must be a number of passes")
    if batches is None:
        raise ValueError("epochs= needs a loader that has a length, and this one has none: give steps=")
    return max(1, int(epochs * batches // accumulate))  # type: ignore[operator]
