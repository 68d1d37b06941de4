"""``find``, ``range_test`` and ``sweep`` on a compiled Keras model, on any backend.

Afterwards the weights, seeds and statistics of the model, the state and the rate of the optimizer,
the metrics and the global random generators are bit for bit as before.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal, overload

import keras
import numpy as np

from .. import _data, _defaults, _search
from .._event import Callback
from .._native import Answer, Refusal, Schedule, Trial
from .._reached import is_generator, keep_names, reached
from .._renamed import find_names, range_test_names
from .._task import Closures, TaskDefaults
from .kept import keep_rng, reseed, unbuilt_again, value_of

__all__ = ["find", "range_test", "sensitivity", "sweep"]

_ONE_BATCH = 4096  # samples that are evaluated in one call; more may not fit into memory


class Arrays:
    """Mini-batches of arrays, in a new order at each pass; without ``draw`` in the order of the
    arrays.

    A shuffled pass leaves out the last batch when it is not full.
    """

    def __init__(self, x: Any, y: Any, batch_size: int, draw: np.random.Generator | None) -> None:
        inputs, targets = ({len(part) for part in keras.tree.flatten(one)} for one in (x, y))
        if inputs != targets or len(targets) > 1 or 0 in targets:
            raise ValueError(
                f"there are {' and '.join(map(str, sorted(inputs)))} inputs and {' and '.join(map(str, sorted(targets)))} targets: give as "
                "many targets as inputs, and at least one"
            )
        self.x, self.y, self.size, self.draw, self.count = x, y, batch_size, draw, targets.pop()

    def at(self, rows: Any) -> tuple[Any, Any]:
        """The inputs and the targets of these rows."""
        inputs, targets = (keras.tree.map_structure(lambda part: part[rows], one) for one in (self.x, self.y))
        return inputs, targets

    def __iter__(self) -> Iterator[tuple[Any, Any]]:
        order = np.arange(self.count) if self.draw is None else self.draw.permutation(self.count)
        whole = len(order) - len(order) % self.size if self.draw is not None and len(order) >= self.size else len(order)
        for at in range(0, whole, self.size):
            yield self.at(order[at : at + self.size])

    def __len__(self) -> int:
        whole = self.count // self.size
        return whole if self.draw is not None and whole > 0 else -(-self.count // self.size)


class Training(TaskDefaults):
    """The task of a search, on a compiled model. The arguments are those of ``find``."""

    def __init__(
        self, model: Any, data: Any, val_data: Any, batch_size: int, val_batches: int, also: Sequence[Any]
    ) -> None:
        if getattr(model, "optimizer", None) is None or not getattr(model, "compiled", False):
            raise ValueError(
                "the model is not compiled, so it has no optimizer and no loss: call model.compile(optimizer, loss)"
            )
        if batch_size < 1 or val_batches < 1:
            raise ValueError(f"batch_size and val_batches must be at least 1, not {batch_size} and {val_batches}")
        self.model, self.optimizer, self.count = model, model.optimizer, val_batches
        self.loaders = data, val_data
        if not hasattr(self.optimizer._learning_rate, "assign"):
            raise ValueError(
                "the rate of the optimizer is a schedule, which a search cannot set: compile the model with a number "
                "as its rate, and give the schedule to the search as schedule="
            )
        self._samples = 1.0
        self._on_cpu = _on_cpu()
        self.draw = np.random.default_rng(0)
        self._led_to = list(reached([data, val_data]))
        self.also = [*also, self.draw, *filter(is_generator, self._led_to)]
        self.data = _batches(data, batch_size, self.draw)
        self.batches = _data.Batches(self.data, "data")
        self.held: Any = None if val_data is None else _data.reusable(_batches(val_data, batch_size, None), "val_data")
        self.judged = "training" if val_data is None else "validation"
        if not all(layer.built for layer in model._flatten_layers()):
            restore = keep_rng(self.also)
            model(_parts(self.batches.next())[0])
            self.batches.rewind()
            restore()
        if not self.optimizer.built:
            self.optimizer.build(model.trainable_variables)

    @property
    def description(self) -> str:
        name, optimizer = type(self.model).__name__, type(self.optimizer).__name__
        return f"{name}, {self.model.count_params()} parameters, {optimizer}, judged on {self.judged} batches"

    def step(self, lr: float) -> float:
        self.optimizer.learning_rate = lr
        self.model.reset_metrics()
        logs = self.model.train_on_batch(*_parts(self.batches.next()), return_dict=True)
        return float(logs["loss"])

    def save(self) -> Any:
        variables = [*self.model.variables, *self.model.metrics_variables, *self.optimizer.variables]
        kept = [(v, value_of(v)) for v in {id(v): v for v in variables}.values()]
        return kept, keep_rng(self.also), keep_names(self._led_to)

    def restore(self, kept: Any) -> None:
        variables, generators, names = kept
        self.model.reset_metrics()  # for metrics that were made after the snapshot
        for variable, value in variables:
            variable.assign(value)
        generators()
        names()

    def begin(self, trial: Trial | None = None) -> None:
        self.batches.rewind()
        _data.end_workers(*self.loaders)

    def check(self) -> None:
        self._samples = _size(_parts(self.batches.next()))

    def clock(self) -> float:
        return time.process_time() if self._on_cpu else time.perf_counter()

    def thin(self, steps: float) -> float:
        restore = keep_rng(self.also)
        try:
            self.held, price = _data.thinned(self._one_batch(steps), self.count, steps, self._samples, _size)
        finally:
            restore()
        return price

    def _one_batch(self, steps: float) -> Any:
        """Arrays as one batch of samples that are spread over them: each call costs as much as a
        small model does.
        """
        source, limit = self.held or self.data, int(max(steps * self._samples / _data.FORWARD, _data.LEAST))
        if not isinstance(source, Arrays) or min(limit, source.count) > _ONE_BATCH:
            return self._batches()
        return [source.at(np.unique(np.linspace(0, source.count - 1, min(limit, source.count)).astype(int)))]

    def _batches(self) -> Any:
        if self.held is None:
            self.held = _data.held(self.data, self.count, self.also)
        return self.held

    def evaluate(self) -> float:
        self._batches()
        kept = [(v, value_of(v)) for v in self.model.metrics_variables]
        generators = keep_rng(self.also)
        self.model.reset_metrics()
        logs: dict[str, Any] = {}
        try:
            for batch in itertools.islice(_data.begin(self.held), self.count):
                logs = self.model.test_on_batch(*_parts(batch), return_dict=True)  # the mean since reset_metrics
        finally:
            generators()
            for variable, value in kept:
                variable.assign(value)
        if not logs:
            raise ValueError("val_data gives no batch: it needs at least one")
        return float(logs["loss"])

    def reseed(self, seed: int) -> None:
        reseed(seed, self.also)


def _on_cpu() -> bool:
    if keras.backend.backend() == "jax":
        import jax

        return bool(jax.default_backend() == "cpu")
    if keras.backend.backend() == "torch":
        import torch

        return not torch.cuda.is_available()
    return False


def _batches(data: Any, batch_size: int, draw: np.random.Generator | None) -> Any:
    given: Any = data
    if isinstance(data, tuple) and len(data) == 2 and all(hasattr(part, "shape") for part in keras.tree.flatten(data)):
        x, y = data
        # Inputs and targets may be several. Two pairs are two batches.
        if hasattr(y, "shape") or isinstance(y, dict) or isinstance(y, list) and not isinstance(x, list):
            inputs, targets = (keras.tree.map_structure(np.asarray, one) for one in (x, y))
            return Arrays(inputs, targets, batch_size, draw)
    if hasattr(given, "__getitem__") and hasattr(given, "num_batches"):  # a PyDataset is indexed
        return _Indexed(given)
    return given


class _Indexed:
    """The batches of a PyDataset."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __len__(self) -> int:
        return int(self.data.num_batches)

    def __iter__(self) -> Iterator[Any]:
        return (self.data[at] for at in range(len(self)))


def _size(batch: Any) -> float:
    """Samples in a batch: the length of its first targets. Targets without one count as 1."""
    targets = keras.tree.flatten(batch[1])[0]
    return float(np.shape(targets)[0]) if np.ndim(targets) else 1.0


def _parts(batch: Any) -> tuple[Any, ...]:
    """Inputs, targets and, where the batch has them, weights of the samples."""
    if not (isinstance(batch, (tuple, list)) and 2 <= len(batch) <= 3):
        raise ValueError(
            f"a batch is a {type(batch).__name__}; it must be a tuple (inputs, targets) or (inputs, targets, weights)"
        )
    if keras.backend.backend() == "torch":
        return tuple(batch)
    return tuple(keras.tree.map_structure(_data.as_array, one) for one in batch)  # ``fit`` takes PyTorch loaders too


@overload
def find(
    model: Any, data: Any, val_data: Any = ..., *, steps: int | None = ..., epochs: float | None = ...,
    schedule: str | Schedule = ..., batch_size: int = ..., val_batches: int = ..., also: Sequence[Any] = ...,
    start: float | None = ..., budget: float | None = ..., max_seconds: float | None = ..., seed: int = ...,
    progress: bool | None = ..., callback: Callback | None = ..., on_refusal: Literal["raise"],
) -> Answer: ...  # fmt: skip
@overload
def find(
    model: Any, data: Any, val_data: Any = ..., *, steps: int | None = ..., epochs: float | None = ...,
    schedule: str | Schedule = ..., batch_size: int = ..., val_batches: int = ..., also: Sequence[Any] = ...,
    start: float | None = ..., budget: float | None = ..., max_seconds: float | None = ..., seed: int = ...,
    progress: bool | None = ..., callback: Callback | None = ..., on_refusal: Literal["return", "raise"] = ...,
) -> Answer | Refusal: ...  # fmt: skip
@find_names
def find(
    model: Any,
    data: Any,
    val_data: Any = None,
    *,
    steps: int | None = None,
    epochs: float | None = None,
    schedule: str | Schedule = "constant",
    batch_size: int = 32,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    start: float | None = None,
    budget: float | None = None,
    max_seconds: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
    on_refusal: Literal["return", "raise"] = "return",
) -> Answer | Refusal:
    """Finds the base rate of a compiled model for a full run of ``steps`` under ``schedule``.

    It takes about two thirds of the steps of one full run, and evaluations on top. It does not set
    the rate: ``estimate.apply(model.optimizer)`` does that.

    Afterwards a training has the losses, digit for digit, that it would have without the search:
    what Keras builds at the first step (variables of the optimizer, metrics) is not left built.

    Args:
        model: A compiled model. If it has no weights yet, it gets them now and keeps them.
        data: ``(x, y)`` arrays (each may be several, in a dict), a ``PyDataset``, any object that can
            be iterated over again and again, or a function that returns an iterator. Batches are
            ``(inputs, targets)`` or ``(inputs, targets, weights)``.
        val_data: Data to judge trials on, in the same forms as ``data``. Without it, trials are
            judged on training batches in another order, which does not show overfitting.
        steps: Optimizer steps of the full run.
        epochs: The same in passes over ``data``, if it has a length. Give one of the two.
        schedule: The schedule of the full run: notation or a ``stepsize.Schedule``.
        batch_size: Samples in each batch that is made from arrays.
        val_batches: The most batches of one evaluation. Short trials are judged on fewer, so that
            evaluations take at most about a quarter of a trial.
        also: Random generators that the data is drawn from. They are put back, as the global ones
            are, and those that the data object refers to.
        start, budget, max_seconds, seed, progress, callback, on_refusal: As in ``stepsize.find``;
            in the budget an evaluated sample counts as 0.42 of a trained one, or more where the
            clock says so.

    Raises:
        ValueError: When an argument is out of range, the model is not compiled, its rate is a
            schedule, or the data is an iterator, which cannot start again.
        TypeError: When ``also`` holds something that is not a random generator.

    Example::

        estimate = stepsize.keras.find(model, (x, y), (val_x, val_y), steps=10_000, schedule="cosine", batch_size=64)
        print(estimate)
        estimate.apply(model.optimizer)
    """
    with unbuilt_again(model):
        training = Training(model, data, val_data, batch_size, val_batches, also)
        return _search.run_find(
            training, steps=_search.steps_of(steps, epochs, _data.length(training.data)), schedule=schedule, start=start,
            budget=budget, max_seconds=max_seconds, seed=seed, progress=progress, callback=callback, on_refusal=on_refusal,
        )  # fmt: skip


@range_test_names
def range_test(
    model: Any,
    data: Any,
    *,
    low: float = _defaults.LOW,
    high: float = _defaults.HIGH,
    trial_steps: int = _defaults.RANGE_TEST_STEPS,
    rule: str = "edge",
    linear: bool = False,
    batch_size: int = 32,
    also: Sequence[Any] = (),
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Answer | Refusal:
    """Smith's range test: one short run on a rising rate.

    ``stepsize.range_test`` describes the arguments from ``low`` to ``linear``, ``find`` the others.
    """
    with unbuilt_again(model):
        training = Training(model, data, None, batch_size, 1, also)
        return _search.run_range_test(
            Closures.of_training_losses(training), low=low, high=high, trial_steps=trial_steps, rule=rule, linear=linear,
            progress=progress, callback=callback,
        )  # fmt: skip


def sweep(
    model: Any,
    data: Any,
    val_data: Any = None,
    *,
    steps: int,
    low: float,
    high: float,
    per_decade: int = _defaults.PER_DECADE,
    seeds: int = 1,
    trial_steps: int | None = None,
    schedule: str | Schedule = "constant",
    batch_size: int = 32,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Answer | Refusal:
    """Sensitivity analysis: trains at every rate of a grid and reports the loss of each.

    ``stepsize.sweep`` describes the arguments from ``low`` to ``trial_steps``, ``find`` the others.
    A seed changes the order of the data. It does not change the weights that a trial starts from.
    """
    with unbuilt_again(model):
        training = Training(model, data, val_data, batch_size, val_batches, also)
        return _search.run_sweep(
            training, steps=steps, schedule=schedule, low=low, high=high, per_decade=per_decade, seeds=seeds,
            trial_steps=trial_steps, seed=seed, progress=progress, callback=callback,
        )  # fmt: skip


sensitivity = sweep  # the older name
