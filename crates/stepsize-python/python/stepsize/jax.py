"""``find``, ``range_test`` and ``sensitivity`` on a loss of JAX parameters and an optax optimizer.

JAX arrays do not change, so nothing of the caller's does; what is put back are the generators that the data is drawn with.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from . import Estimate, Schedule, _data, _search

__all__ = ["find", "range_test", "sensitivity"]

VAL_BATCHES = 32  # as in PyTorch's adapter

_Loader = Iterable[Any] | Callable[[], Iterable[Any]]


class Training:
    """``step``, ``save``, ``restore`` and ``evaluate`` of a training run. Arguments as those of ``find``."""

    def __init__(
        self,
        loss_fn: Callable[..., Any],
        params: Any,
        loader: _Loader,
        optimizer: Callable[[Any], optax.GradientTransformation] | optax.GradientTransformation,
        val_loader: _Loader | None,
        *,
        state: Any,
        opt_state: Any,
        key: Any,
        val_fn: Callable[..., Any] | None,
        val_batches: int,
        also: Sequence[Any],
    ) -> None:
        if val_batches < 1:
            raise ValueError(f"val_batches is at least 1, not {val_batches}")
        self.batches = _data.Batches(loader)
        self.loader, self.count, self.also = loader, val_batches, also
        self.held: Any = None if val_loader is None else _data.reusable(val_loader, "val_loader")
        has_state, has_key = state is not None, key is not None

        def loss_of(params: Any, state: Any, batch: Any, key: Any) -> tuple[Any, Any]:
            given = loss_fn(params, *((state,) if has_state else ()), batch, **({"key": key} if has_key else {}))
            return given if has_state else (given, None)

        if isinstance(optimizer, optax.GradientTransformation):
            made = optimizer
            first = made.init(params) if opt_state is None else opt_state
            try:
                _rated(first, 1.0)
            except KeyError:
                raise ValueError(
                    "the optimizer's rate cannot be set: give a function of the rate, `optax.adamw`, or make it with "
                    "optax.inject_hyperparams and the name learning_rate"
                ) from None
            with_rate: Any = lambda lr: made  # noqa: E731
        else:
            with_rate = optimizer
            first = with_rate(1.0).init(params) if opt_state is None else opt_state

        def step(params: Any, state: Any, opt_state: Any, key: Any, batch: Any, lr: Any) -> tuple[Any, ...]:
            now, later = jax.random.split(key) if has_key else (None, None)
            (loss, state), gradient = jax.value_and_grad(loss_of, has_aux=True)(params, state, batch, now)
            if isinstance(optimizer, optax.GradientTransformation):
                opt_state = _rated(opt_state, lr)
            updates, opt_state = with_rate(lr).update(gradient, opt_state, params)
            return loss, optax.apply_updates(params, updates), state, opt_state, later

        def evaluate(params: Any, state: Any, batch: Any, key: Any) -> Any:
            if val_fn is None:
                return loss_of(params, state, batch, key)[0]
            return val_fn(params, *((state,) if has_state else ()), batch)

        self._step, self._evaluate = jax.jit(step), jax.jit(evaluate)
        self._all: tuple[Any, ...] = (params, state, first, key)

    def step(self, lr: float) -> float:
        batch = self.batches.next()
        loss, *then = self._step(*self._all, batch, jnp.asarray(lr, dtype=jnp.float32))
        self._all = tuple(then)
        return float(loss)

    def save(self) -> Any:
        return self._all, _data.keep_rng(self.also)

    def restore(self, kept: Any) -> None:
        self._all, generators = kept
        generators()
        self.batches.rewind()

    def evaluate(self) -> float:
        params, state, _, key = self._all
        if self.held is None:
            self.held = _data.held(self.loader, self.count, self.also)
        generators = _data.keep_rng(self.also)
        total, weight = 0.0, 0.0
        try:
            for batch in itertools.islice(_data.begin(self.held), self.count):
                size = _size(batch)
                total += float(self._evaluate(params, state, batch, key)) * size
                weight += size
        finally:
            generators()
        if weight == 0.0:
            raise ValueError("val_loader gives no batch")
        return total / weight

    def reseed(self, seed: int) -> None:
        _data.reseed(seed, self.also)
        params, state, opt_state, key = self._all
        self._all = (params, state, opt_state, None if key is None else jax.random.fold_in(key, seed))


def _rated(opt_state: Any, lr: Any) -> Any:
    return optax.tree_utils.tree_set(opt_state, learning_rate=lr)


def _size(batch: Any) -> float:
    leaves: list[Any] = jax.tree_util.tree_leaves(batch)
    return float(leaves[0].shape[0]) if leaves and np.ndim(leaves[0]) else 1.0


def _task(params: Any, val_loader: Any) -> str:
    count = sum(getattr(leaf, "size", 1) for leaf in jax.tree_util.tree_leaves(params))
    return f"a JAX model, {count} parameters, judged on {'training' if val_loader is None else 'validation'} batches"


def find(
    loss_fn: Callable[..., Any],
    params: Any,
    loader: _Loader,
    optimizer: Callable[[Any], optax.GradientTransformation] | optax.GradientTransformation,
    val_loader: _Loader | None = None,
    *,
    steps: int,
    schedule: str | Schedule = "constant",
    state: Any = None,
    opt_state: Any = None,
    key: Any = None,
    val_fn: Callable[..., Any] | None = None,
    val_batches: int = VAL_BATCHES,
    also: Sequence[Any] = (),
    lr: float | None = None,
    max_cost: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Estimate:
    """Finds the base rate for a run of ``steps`` under ``schedule``, from ``params`` as they are, for about half of the run.

    Args:
        loss_fn: ``loss_fn(params, batch) -> loss``, jittable. With ``state`` it is ``loss_fn(params, state, batch)`` and
            returns ``(loss, state)``; with ``key`` it takes a fresh one in each step, as ``key=``.
        params: Pytree of arrays.
        loader: Batches: an object that can be iterated over again and again, or a function that returns an iterator.
        optimizer: A function of the rate, ``optax.adamw`` or ``lambda lr: optax.chain(...)``; or a transformation made
            with ``optax.inject_hyperparams`` whose ``learning_rate`` can be set. It is compiled once for all rates.
        val_loader: What trials are judged on. Without it training batches are, which shows no overfitting.
        steps: Optimizer steps of the full run.
        schedule: Shape of the rate over the full run.
        state: What else the model carries from step to step (batch statistics).
        opt_state: The optimizer's state in mid-training; by default a new one.
        key: For dropout and the like.
        val_fn: ``val_fn(params, [state,] batch) -> loss`` where evaluation differs from training.
        val_batches: Most batches of an evaluation.
        also: ``numpy.random.Generator`` objects that the loader draws with: put back, as the global ones are.
        lr, max_cost, seed, progress: As in ``stepsize.find``.

    Raises:
        ValueError: When the optimizer's rate cannot be set, or a loader is an iterator that cannot begin again.
    """
    training = Training(
        loss_fn, params, loader, optimizer, val_loader,
        state=state, opt_state=opt_state, key=key, val_fn=val_fn, val_batches=val_batches, also=also,
    )  # fmt: skip
    return _search.find(
        training.step, training.save, training.restore, evaluate=training.evaluate, steps=steps, schedule=schedule,
        lr=lr, max_cost=max_cost, seed=seed, task=_task(params, val_loader), progress=progress,
    )  # fmt: skip


def range_test(
    loss_fn: Callable[..., Any],
    params: Any,
    loader: _Loader,
    optimizer: Callable[[Any], optax.GradientTransformation] | optax.GradientTransformation,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    iterations: int = 100,
    rule: str = "edge",
    linear: bool = False,
    state: Any = None,
    opt_state: Any = None,
    key: Any = None,
    also: Sequence[Any] = (),
    progress: bool | None = None,
) -> Estimate:
    """Smith's range test: see ``stepsize.range_test`` for its arguments, ``find`` for the others."""
    training = Training(
        loss_fn, params, loader, optimizer, None,
        state=state, opt_state=opt_state, key=key, val_fn=None, val_batches=1, also=also,
    )  # fmt: skip
    return _search.range_test(
        training.step, training.save, training.restore, low=low, high=high, iterations=iterations, rule=rule,
        linear=linear, task=_task(params, None), progress=progress,
    )  # fmt: skip


def sensitivity(
    loss_fn: Callable[..., Any],
    params: Any,
    loader: _Loader,
    optimizer: Callable[[Any], optax.GradientTransformation] | optax.GradientTransformation,
    val_loader: _Loader | None = None,
    *,
    steps: int,
    low: float,
    high: float,
    per_decade: int = 4,
    seeds: int = 1,
    trial_steps: int | None = None,
    schedule: str | Schedule = "constant",
    state: Any = None,
    opt_state: Any = None,
    key: Any = None,
    val_fn: Callable[..., Any] | None = None,
    val_batches: int = VAL_BATCHES,
    also: Sequence[Any] = (),
    seed: int = 0,
    progress: bool | None = None,
) -> Estimate:
    """Loss over rates: see ``stepsize.sensitivity`` for its arguments, ``find`` for the others.

    Seeds change ``key``, the generators in ``also`` and the global ones, not the parameters that a run starts from.
    """
    training = Training(
        loss_fn, params, loader, optimizer, val_loader,
        state=state, opt_state=opt_state, key=key, val_fn=val_fn, val_batches=val_batches, also=also,
    )  # fmt: skip
    return _search.sensitivity(
        training.step, training.save, training.restore, evaluate=training.evaluate, reseed=training.reseed,
        steps=steps, low=low, high=high, per_decade=per_decade, seeds=seeds, trial_steps=trial_steps, schedule=schedule,
        seed=seed, task=_task(params, val_loader), progress=progress,
    )  # fmt: skip
