"""``find``, ``range_test`` and ``sensitivity`` on a compiled Keras model, on any backend. Import from ``stepsize.keras``.

Weights, seeds and statistics of the model, the optimizer's state and its rate, the metrics and the global generators are
afterwards as they were, bit for bit.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import keras
import numpy as np

from . import Estimate, Schedule, _data, _search

__all__ = ["find", "range_test", "sensitivity"]

VAL_BATCHES = 32  # as in PyTorch's adapter


class Arrays:
    """Mini-batches of arrays, shuffled anew in each pass."""

    def __init__(self, x: Any, y: Any, batch_size: int, draw: np.random.Generator | None) -> None:
        if len(x) != len(y) or len(x) == 0:
            raise ValueError(f"inputs and targets are as many, and at least one, not {len(x)} and {len(y)}")
        self.x, self.y, self.size, self.draw = x, y, batch_size, draw

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        order = np.arange(len(self.x)) if self.draw is None else self.draw.permutation(len(self.x))
        whole = len(order) - len(order) % self.size if self.draw is not None and len(order) >= self.size else len(order)
        for at in range(0, whole, self.size):
            chosen = order[at : at + self.size]
            yield self.x[chosen], self.y[chosen]


class Training:
    """``step``, ``save``, ``restore`` and ``evaluate`` of a training run. Arguments as those of ``find``."""

    def __init__(
        self, model: Any, data: Any, val_data: Any, batch_size: int, val_batches: int, also: Sequence[Any]
    ) -> None:
        if getattr(model, "optimizer", None) is None or not getattr(model, "compiled", False):
            raise ValueError("the model has no optimizer and loss yet: call model.compile(optimizer, loss) first")
        if batch_size < 1 or val_batches < 1:
            raise ValueError(f"batch_size and val_batches are at least 1, not {batch_size} and {val_batches}")
        self.model, self.optimizer, self.count = model, model.optimizer, val_batches
        if not hasattr(self.optimizer._learning_rate, "assign"):
            raise ValueError(
                "the optimizer's rate is a schedule, which cannot be set: compile the model with a number while you search, "
                "and give the shape as schedule="
            )
        self.draw = np.random.default_rng(0)
        self.also = [*also, self.draw]
        self.data = _batches(data, batch_size, self.draw)
        self.batches = _data.Batches(self.data, "data")
        self.held: Any = None if val_data is None else _data.reusable(_batches(val_data, batch_size, None), "val_data")
        self.training_data_judges = val_data is None
        if not model.built:
            restore = _keep_rng(self.also)
            model(_parts(self.batches.next())[0])
            self.batches.rewind()
            restore()
        if not self.optimizer.built:
            self.optimizer.build(model.trainable_variables)

    def step(self, lr: float) -> float:
        self.optimizer.learning_rate = lr
        self.model.reset_metrics()
        logs = self.model.train_on_batch(*_parts(self.batches.next()), return_dict=True)
        return float(logs["loss"])

    def save(self) -> Any:
        variables = {id(v): v for v in [*self.model.variables, *self.model.metrics_variables, *self.optimizer.variables]}
        kept = [(v, _value(v)) for v in variables.values()]
        return kept, _keep_rng(self.also)

    def restore(self, kept: Any) -> None:
        variables, generators = kept
        self.model.reset_metrics()  # those that were made since
        for variable, value in variables:
            variable.assign(value)
        generators()
        self.batches.rewind()

    def evaluate(self) -> float:
        if self.held is None:
            self.held = _data.held(self.data, self.count, self.also)
        kept = [(v, _value(v)) for v in self.model.metrics_variables]
        generators = _keep_rng(self.also)
        self.model.reset_metrics()
        logs: dict[str, Any] = {}
        try:
            for batch in itertools.islice(_data.begin(self.held), self.count):
                logs = self.model.test_on_batch(*_parts(batch), return_dict=True)  # the mean of all since the reset
        finally:
            generators()
            for variable, value in kept:
                variable.assign(value)
        if not logs:
            raise ValueError("val_data gives no batch")
        return float(logs["loss"])

    def reseed(self, seed: int) -> None:
        _data.reseed(seed, self.also)
        if keras.backend.backend() == "torch":
            import torch

            torch.manual_seed(seed)


def _keep_rng(also: Sequence[Any]) -> Callable[[], None]:
    """Global generators, with that of PyTorch where it is the backend: dropout draws from it."""
    numpy = _data.keep_rng(also)
    if keras.backend.backend() != "torch":
        return numpy
    from .torch.snapshot import keep_rng

    torch = keep_rng()

    def restore() -> None:
        numpy()
        torch()

    return restore


def _value(variable: Any) -> Any:
    return np.array(keras.ops.convert_to_numpy(variable.value))  # a copy, also where arrays share memory


def _batches(data: Any, batch_size: int, draw: np.random.Generator | None) -> Any:
    given: Any = data
    if isinstance(data, tuple) and len(data) == 2 and all(hasattr(part, "shape") for part in data):
        return Arrays(np.asarray(data[0]), np.asarray(data[1]), batch_size, draw)
    if hasattr(given, "__getitem__") and hasattr(given, "num_batches"):  # a PyDataset is indexed
        return lambda: (given[at] for at in range(given.num_batches))
    return given


def _parts(batch: Any) -> tuple[Any, ...]:
    """Inputs, targets and, where given, weights of the samples."""
    if not (isinstance(batch, (tuple, list)) and 2 <= len(batch) <= 3):
        raise ValueError(f"batches are (inputs, targets) or (inputs, targets, weights), not a {type(batch).__name__}")
    return tuple(batch)


def _task(training: Training) -> str:
    judged = "training" if training.training_data_judges else "validation"
    name, optimizer = type(training.model).__name__, type(training.optimizer).__name__
    return f"{name}, {training.model.count_params()} parameters, {optimizer}, judged on {judged} batches"


def find(
    model: Any,
    data: Any,
    val_data: Any = None,
    *,
    steps: int,
    schedule: str | Schedule = "constant",
    batch_size: int = 32,
    val_batches: int = VAL_BATCHES,
    also: Sequence[Any] = (),
    lr: float | None = None,
    max_cost: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Estimate:
    """Finds the base rate of a compiled model for a run of ``steps`` under ``schedule``, for about half of the run.

    The rate is not set: ``model.optimizer.learning_rate = estimate.lr`` does that.

    Args:
        model: Compiled. If it has no weights yet it gets them now, and keeps them.
        data: ``(x, y)`` arrays, a ``PyDataset``, any object that can be iterated over again and again, or a function that
            returns an iterator; batches of ``(inputs, targets)`` or ``(inputs, targets, weights)``.
        val_data: What trials are judged on, in the same forms. Without it training batches are, which shows no overfitting.
        steps: Optimizer steps of the full run.
        schedule: Shape of the rate over the full run.
        batch_size: Of batches made from arrays.
        val_batches: Most batches of an evaluation.
        also: ``numpy.random.Generator`` objects that the data is drawn with: put back, as the global ones are.
        lr, max_cost, seed, progress: As in ``stepsize.find``.

    Raises:
        ValueError: When the model is not compiled, its rate is a schedule, or the data is an iterator that cannot begin
            again.
    """
    training = Training(model, data, val_data, batch_size, val_batches, also)
    return _search.find(
        training.step, training.save, training.restore, evaluate=training.evaluate, steps=steps, schedule=schedule,
        lr=lr, max_cost=max_cost, seed=seed, task=_task(training), progress=progress,
    )  # fmt: skip


def range_test(
    model: Any,
    data: Any,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    iterations: int = 100,
    rule: str = "edge",
    linear: bool = False,
    batch_size: int = 32,
    also: Sequence[Any] = (),
    progress: bool | None = None,
) -> Estimate:
    """Smith's range test: see ``stepsize.range_test`` for its arguments, ``find`` for the others."""
    training = Training(model, data, None, batch_size, 1, also)
    return _search.range_test(
        training.step, training.save, training.restore, low=low, high=high, iterations=iterations, rule=rule,
        linear=linear, task=_task(training), progress=progress,
    )  # fmt: skip


def sensitivity(
    model: Any,
    data: Any,
    val_data: Any = None,
    *,
    steps: int,
    low: float,
    high: float,
    per_decade: int = 4,
    seeds: int = 1,
    trial_steps: int | None = None,
    schedule: str | Schedule = "constant",
    batch_size: int = 32,
    val_batches: int = VAL_BATCHES,
    also: Sequence[Any] = (),
    seed: int = 0,
    progress: bool | None = None,
) -> Estimate:
    """Loss over rates: see ``stepsize.sensitivity`` for its arguments, ``find`` for the others.

    Seeds change the order of the data, not the weights that a run starts from.
    """
    training = Training(model, data, val_data, batch_size, val_batches, also)
    return _search.sensitivity(
        training.step, training.save, training.restore, evaluate=training.evaluate, reseed=training.reseed,
        steps=steps, low=low, high=high, per_decade=per_decade, seeds=seeds, trial_steps=trial_steps, schedule=schedule,
        seed=seed, task=_task(training), progress=progress,
    )  # fmt: skip
