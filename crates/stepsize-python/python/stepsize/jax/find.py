"""``find``, ``range_test`` and ``sweep`` on a loss of JAX parameters and an optax optimizer.

JAX arrays are immutable, so the caller's parameters do not change. The random generators that draw
the data are put back.
"""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Literal, TypeAlias, overload

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .. import _data, _defaults, _search
from .._event import Callback
from .._native import Answer, Refusal, Schedule, Trial
from .._reached import is_generator, keep_names, reached
from .._renamed import find_names, range_test_names
from .._task import Closures, TaskDefaults
from .inside import check_trained, driven, needs_a_number, placed, rated, scheduled

__all__ = ["find", "range_test", "sensitivity", "sweep"]

_Loader = Iterable[Any] | Callable[[], Iterable[Any]]
_Optimizer: TypeAlias = "Callable[[Any], optax.GradientTransformation] | optax.GradientTransformation"


class Training(TaskDefaults):
    """The task of a search, on a loss of parameters. The arguments are those of ``find``. With
    ``steps``, schedules in the optimizer are squeezed into each trial.
    """

    def __init__(
        self,
        loss_fn: Callable[..., Any],
        params: Any,
        loader: _Loader,
        optimizer: _Optimizer,
        val_loader: _Loader | None,
        *,
        state: Any,
        opt_state: Any,
        key: Any,
        val_fn: Callable[..., Any] | None,
        val_batches: int,
        also: Sequence[Any],
        steps: int = 0,
    ) -> None:
        if val_batches < 1:
            raise ValueError(f"val_batches must be at least 1, not {val_batches}")
        if not isinstance(optimizer, optax.GradientTransformation) and not callable(optimizer):
            raise TypeError(
                f"optimizer is a {type(optimizer).__name__}; it must be a function of the rate such as `optax.adamw`, or a "
                "transformation: the arguments are find(loss_fn, params, loader, optimizer, val_loader)"
            )
        if not callable(loss_fn):
            raise TypeError(f"loss_fn is a {type(loss_fn).__name__}; it must be a function loss_fn(params, batch)")
        leaves = jax.tree_util.tree_leaves(params)
        check_trained(leaves)
        count = sum(getattr(leaf, "size", 1) for leaf in leaves)
        judged = "training" if val_loader is None else "validation"
        self.description = f"a JAX model, {count} parameters, judged on {judged} batches"
        self.batches, self.loaders = _data.Batches(loader), (loader, val_loader)
        self._led_to = list(reached([loader, val_loader]))
        self.loader, self.count = loader, val_batches
        self.also = [*also, *filter(is_generator, self._led_to)]
        self.held: Any = None if val_loader is None else _data.reusable(val_loader, "val_loader")
        has_state, has_key = state is not None, key is not None

        def loss_of(params: Any, state: Any, batch: Any, key: Any) -> tuple[Any, Any]:
            # Objects that hold arrays, as the variables of Flax NNX, are made anew inside the
            # gradient, which else refuses that they change.
            state = jax.tree_util.tree_map(lambda leaf: leaf, state)
            given = loss_fn(params, *((state,) if has_state else ()), batch, **({"key": key} if has_key else {}))
            return given if has_state else (given, None)

        if isinstance(optimizer, optax.GradientTransformation):
            made = optimizer
            first = made.init(params) if opt_state is None else opt_state
            try:
                rated(first, 1.0)
            except KeyError:
                raise ValueError(
                    "the optimizer has no learning_rate that can be set: give a function of the rate such as "
                    "`optax.adamw`, or make the optimizer with optax.inject_hyperparams and an argument learning_rate"
                ) from None
            with_rate: Any = lambda lr: made  # noqa: E731
        else:
            with_rate = optimizer
            first = with_rate(1.0).init(params) if opt_state is None else opt_state

        if "learning_rate" in driven(first):
            raise ValueError(
                "the optimizer has a schedule as its learning_rate, which would undo the rate of each trial: make it with a number, and "
                "give the schedule as schedule="
            )
        self.length, self._squeezes = steps, bool(scheduled(first)) and steps > 0
        self._taken, self._of = 0, steps

        def step(params: Any, state: Any, opt_state: Any, key: Any, batch: Any, lr: Any, at: Any) -> tuple[Any, ...]:
            now, later = jax.random.split(key) if has_key else (None, None)
            (loss, state), gradient = jax.value_and_grad(loss_of, has_aux=True)(params, state, batch, now)
            if isinstance(optimizer, optax.GradientTransformation):
                opt_state = rated(opt_state, lr)
            if self._squeezes:
                opt_state = placed(opt_state, first, at)
            updates, opt_state = with_rate(lr).update(gradient, opt_state, params)
            return loss, optax.apply_updates(params, updates), state, opt_state, later

        def evaluate(params: Any, state: Any, batch: Any, key: Any) -> Any:
            if val_fn is None:
                return loss_of(params, state, batch, key)[0]
            return val_fn(params, *((state,) if has_state else ()), batch)

        self._step, self._evaluate = jax.jit(step), jax.jit(evaluate)
        self._of_rate: Any = None if isinstance(optimizer, optax.GradientTransformation) else optimizer
        self._samples = 1.0
        self._on_cpu = jax.default_backend() == "cpu"
        self._all: tuple[Any, ...] = (params, state, first, key)

    def step(self, lr: float) -> float:
        batch = _arrays(self.batches.next())
        at = self._taken * self.length // self._of if self._squeezes else 0
        self._taken += 1
        loss, *then = self._step(*self._all, batch, jnp.asarray(lr, dtype=jnp.float32), jnp.asarray(at))
        self._all = tuple(then)
        return float(loss)

    def save(self) -> Any:
        return self._all, _data.keep_rng(self.also), keep_names(self._led_to)

    def restore(self, kept: Any) -> None:
        self._all, generators, names = kept
        generators()
        names()

    def begin(self, trial: Trial | None = None) -> None:
        self.batches.rewind()
        _data.end_workers(*self.loaders)
        self._taken, self._of = 0, self.length if trial is None else trial.steps

    def check(self) -> None:
        batch = _arrays(self.batches.next())
        self._samples = _size(batch)
        try:
            loss, *_ = self._step(*self._all, batch, jnp.asarray(0.0, dtype=jnp.float32), jnp.asarray(0))
        except jax.errors.ConcretizationTypeError as fault:
            if self._of_rate is None or not needs_a_number(self._of_rate):
                raise
            raise TypeError(
                "optimizer compares the rate that it is given, or makes a number of it, which a compiled step cannot: optax's "
                "warmup_cosine_decay_schedule does. Give a function of the rate alone, such as optax.adamw, and the schedule as schedule=, "
                'such as "warmup(5%) then cosine"'
            ) from fault
        except TypeError as fault:
            if "value_fn" in str(fault):
                raise TypeError(
                    "optimizer has a line search, which takes the place of a rate: give one that takes one gradient a step, such as "
                    "optax.adamw"
                ) from fault
            if "scalar-output" not in str(fault):
                raise
            raise ValueError(f"loss_fn must give one number: take the mean() of several losses, or the loss out of a dict ({fault})") from fault
        if not math.isfinite(float(loss)):
            raise ValueError(
                f"loss_fn gives {float(loss)} on the first batch, before any step, so no rate can help: look for values that are "
                "not finite in the batch, and for logarithms and divisions in the loss"
            )

    def clock(self) -> float:
        return time.process_time() if self._on_cpu else time.perf_counter()

    def thin(self, steps: float) -> float:
        restore = _data.keep_rng(self.also)
        try:
            self.held, price = _data.thinned(self._batches(), self.count, steps, self._samples, _size)
        finally:
            restore()
        return price

    def _batches(self) -> Any:
        if self.held is None:
            self.held = _data.held(self.loader, self.count, self.also)
        return self.held

    def evaluate(self) -> float:
        params, state, _, key = self._all
        self._batches()
        generators = _data.keep_rng(self.also)
        total, weight = 0.0, 0.0
        try:
            for batch in itertools.islice(_data.begin(self.held), self.count):
                size = _size(batch)
                total += float(self._evaluate(params, state, _arrays(batch), key)) * size
                weight += size
        finally:
            generators()
        if weight == 0.0:
            raise ValueError("val_loader gives no batch: it needs at least one")
        return total / weight

    def reseed(self, seed: int) -> None:
        _data.reseed(seed, self.also)
        params, state, opt_state, key = self._all
        self._all = (params, state, opt_state, None if key is None else jax.random.fold_in(key, seed))


def _arrays(batch: Any) -> Any:
    """A batch whose tensors, if it comes from a PyTorch loader, are arrays."""
    return jax.tree_util.tree_map(_data.as_array, batch)


def _size(batch: Any) -> float:
    leaves: list[Any] = jax.tree_util.tree_leaves(batch)
    return float(leaves[0].shape[0]) if leaves and np.ndim(leaves[0]) else 1.0


@overload
def find(
    loss_fn: Callable[..., Any], params: Any, loader: _Loader, optimizer: _Optimizer, val_loader: _Loader | None = ..., *,
    steps: int | None = ..., epochs: float | None = ..., schedule: str | Schedule = ..., state: Any = ..., opt_state: Any = ...,
    key: Any = ..., val_fn: Callable[..., Any] | None = ..., val_batches: int = ..., also: Sequence[Any] = ...,
    start: float | None = ..., budget: float | None = ..., max_seconds: float | None = ..., seed: int = ...,
    progress: bool | None = ..., callback: Callback | None = ..., on_refusal: Literal["raise"],
) -> Answer: ...  # fmt: skip
@overload
def find(
    loss_fn: Callable[..., Any], params: Any, loader: _Loader, optimizer: _Optimizer, val_loader: _Loader | None = ..., *,
    steps: int | None = ..., epochs: float | None = ..., schedule: str | Schedule = ..., state: Any = ..., opt_state: Any = ...,
    key: Any = ..., val_fn: Callable[..., Any] | None = ..., val_batches: int = ..., also: Sequence[Any] = ...,
    start: float | None = ..., budget: float | None = ..., max_seconds: float | None = ..., seed: int = ...,
    progress: bool | None = ..., callback: Callback | None = ..., on_refusal: Literal["return", "raise"] = ...,
) -> Answer | Refusal: ...  # fmt: skip
@find_names
def find(
    loss_fn: Callable[..., Any],
    params: Any,
    loader: _Loader,
    optimizer: _Optimizer,
    val_loader: _Loader | None = None,
    *,
    steps: int | None = None,
    epochs: float | None = None,
    schedule: str | Schedule = "constant",
    state: Any = None,
    opt_state: Any = None,
    key: Any = None,
    val_fn: Callable[..., Any] | None = None,
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
    """Finds the base rate for a full run of ``steps`` under ``schedule``, starting from ``params``.

    It takes about two thirds of the steps of one full run and evaluations on top, and compiles the
    step once for all rates.

    Args:
        loss_fn: ``loss_fn(params, batch) -> loss``, a scalar; it must be jittable. With ``state``
            it is ``loss_fn(params, state, batch) -> (loss, state)``; with ``key`` it also takes a
            fresh key as ``key=``.
        params: Pytree of arrays.
        loader: Training batches, each a pytree of arrays: an object that can be iterated over again
            and again, or a function that returns an iterator.
        optimizer: A function of the rate, such as ``optax.adamw`` or ``lambda lr:
            optax.chain(...)``; a schedule in it, as ``optax.adam(optax.cosine_decay_schedule(lr,
            steps))`` has one, is squeezed into each trial. Or a transformation made with
            ``optax.inject_hyperparams``, whose ``learning_rate`` can be set.
        val_loader: Batches to judge trials on, in the same forms as ``loader``. Without it, trials
            are judged on training batches in another order, which does not show overfitting.
        steps: Optimizer steps of the full run.
        epochs: The same in passes over ``loader``, if it has a length. Give one of the two.
        schedule: The schedule of the full run: notation or a ``Schedule``.
        state: Whatever else the model carries from step to step, such as batch statistics.
        opt_state: State of the optimizer, to start in mid-training; by default a new one.
        key: A key for dropout and the like, split at each step.
        val_fn: ``val_fn(params, [state,] batch) -> loss``, for evaluations that differ from
            training.
        val_batches: The most batches of one evaluation. Short trials are judged on fewer, so that
            evaluations take at most about a quarter of a trial.
        also: Random generators that the loader draws from. They are put back, as the global ones
            are, and those that the loader refers to.
        start, budget, max_seconds, seed, progress, callback, on_refusal: As in ``stepsize.find``;
            in the budget an evaluated sample counts as 0.42 of a trained one, or more where the
            clock says so.

    Raises:
        ValueError: When an argument is out of range, the loss of the first batch is not finite, the
            rate of the optimizer cannot be set, or a loader is an iterator, which cannot start
            again.
        TypeError: When ``also`` holds something that is not a random generator.

    Example::

        estimate = stepsize.jax.find(loss_fn, params, loader, optax.adamw, val_loader, steps=10_000, schedule="cosine")
        print(estimate)
        optimizer = optax.adamw(stepsize.optax.schedule(estimate.require(), "cosine", steps=10_000))
    """
    steps = _search.steps_of(steps, epochs, _data.length(loader))
    training = Training(
        loss_fn, params, loader, optimizer, val_loader,
        state=state, opt_state=opt_state, key=key, val_fn=val_fn, val_batches=val_batches, also=also, steps=steps,
    )  # fmt: skip
    return _search.run_find(
        training, steps=steps, schedule=schedule, start=start, budget=budget,
        max_seconds=max_seconds, seed=seed, progress=progress, callback=callback, on_refusal=on_refusal,
    )  # fmt: skip


@range_test_names
def range_test(
    loss_fn: Callable[..., Any],
    params: Any,
    loader: _Loader,
    optimizer: _Optimizer,
    *,
    low: float = _defaults.LOW,
    high: float = _defaults.HIGH,
    trial_steps: int = _defaults.RANGE_TEST_STEPS,
    rule: str = "edge",
    linear: bool = False,
    state: Any = None,
    opt_state: Any = None,
    key: Any = None,
    also: Sequence[Any] = (),
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Answer | Refusal:
    """Smith's range test: one short run on a rising rate.

    ``stepsize.range_test`` describes the arguments from ``low`` to ``linear``, ``find`` the others.
    """
    training = Training(
        loss_fn, params, loader, optimizer, None,
        state=state, opt_state=opt_state, key=key, val_fn=None, val_batches=1, also=also,
    )  # fmt: skip
    return _search.run_range_test(
        Closures.of_training_losses(training), low=low, high=high, trial_steps=trial_steps, rule=rule, linear=linear,
        progress=progress, callback=callback,
    )  # fmt: skip


def sweep(
    loss_fn: Callable[..., Any],
    params: Any,
    loader: _Loader,
    optimizer: _Optimizer,
    val_loader: _Loader | None = None,
    *,
    steps: int,
    low: float,
    high: float,
    per_decade: int = _defaults.PER_DECADE,
    seeds: int = 1,
    trial_steps: int | None = None,
    schedule: str | Schedule = "constant",
    state: Any = None,
    opt_state: Any = None,
    key: Any = None,
    val_fn: Callable[..., Any] | None = None,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Answer | Refusal:
    """Sensitivity analysis: trains at every rate of a grid and reports the loss of each.

    ``stepsize.sweep`` describes the arguments from ``low`` to ``trial_steps``, ``find`` the others.
    A seed changes ``key``, the generators in ``also`` and the global ones. It does not change the
    parameters that a trial starts from.
    """
    training = Training(
        loss_fn, params, loader, optimizer, val_loader,
        state=state, opt_state=opt_state, key=key, val_fn=val_fn, val_batches=val_batches, also=also, steps=steps,
    )  # fmt: skip
    return _search.run_sweep(
        training, steps=steps, schedule=schedule, low=low, high=high, per_decade=per_decade, seeds=seeds,
        trial_steps=trial_steps, seed=seed, progress=progress, callback=callback,
    )  # fmt: skip


sensitivity = sweep  # the older name
