"""Schedules that compile into a training step, and controllers as optax transformations. Import
from ``stepsize.optax``.

A schedule is a formula in ``jax.numpy``: it can be traced, vmapped and differentiated, and holds
its last value beyond its end. Its factor is right to a few parts in a million in 32 bits, and to 64
bits with ``jax_enable_x64``.

A controller decides in the core, on the host, once for each report. Its state is an array (JSON
text, padded), so any checkpointer saves and restores it bit for bit with the state of the
optimizer, and the update stays a pure function.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from .. import Controller, Schedule
from .._formula import formula
from .._given import checked_rate

__all__ = ["ControllerState", "controller", "schedule"]


def schedule(lr: Any, schedule: str | Schedule = "constant", steps: int | None = None) -> Callable[[Any], jax.Array]:
    """An optax schedule, ``lr x schedule(count)``, for the ``learning_rate`` of any optimizer.

    Args:
        lr: The base rate: a number, or an array (with ``optax.inject_hyperparams``).
        schedule: Notation or a ``stepsize.Schedule``.
        steps: Length of the run in optimizer steps.

    Returns:
        A function from a count of steps, a scalar or an array, to the rate at each.

    Raises:
        NotationError: When the notation does not parse.
        TypeError: When ``lr`` is not a rate.

    Example::

        optimizer = optax.adamw(stepsize.optax.schedule(1e-3, "warmup(5%) then cosine", steps=10_000))
    """
    checked_rate(lr)
    factor = formula(Schedule(schedule, steps), jnp)

    def at(count: Any) -> jax.Array:
        count = jnp.asarray(count)
        if jnp.issubdtype(count.dtype, jnp.unsignedinteger):
            count = count.astype(jnp.int32)  # differences of steps may be negative
        return jnp.asarray(lr * factor(count))

    return at


class ControllerState(NamedTuple):
    """The state of a controller in an optax chain."""

    factor: jax.Array
    """The factor on the updates."""
    stop: jax.Array
    """Whether a report has led the controller to end the run."""
    refused: jax.Array
    """Number of reports that were not finite. They change nothing else."""
    total: jax.Array
    """Sum of the reports that are not yet averaged."""
    waiting: jax.Array
    """Number of the reports in ``total``."""
    core: jax.Array
    """The controller itself, as the JSON text of ``stepsize.Controller.to_json``."""

    def controller(self) -> Controller:
        """A controller in this state, to read."""
        return Controller.from_json(bytes(np.asarray(self.core)).decode().rstrip())


def controller(
    notation: str, lr: float = 1.0, *, average: int = 1, capacity: int | None = None
) -> optax.GradientTransformationExtraArgs:
    """A transformation that scales updates by the factor of a controller. Chain it after an
    optimizer.

    Report with ``update(..., value=loss)``. The factor after a report holds from the same update
    on. Without ``value`` nothing is reported and the updates are scaled.

    Args:
        notation: The controller as text, such as ``"plateau(patience=10)"``.
        lr: The base rate. Controllers whose floor is a rate need it.
        average: Number of losses whose mean is one report. The host is called once for each report.
        capacity: Size of the state in bytes; needed only for controllers with very long windows.

    Raises:
        NotationError: When the notation does not parse.
        RuntimeError: In an update, when the state does not fit into ``capacity``.

    Example::

        optimizer = optax.chain(optax.adamw(1e-3), stepsize.optax.controller("plateau(patience=10)", average=100))
        updates, state = optimizer.update(gradients, state, params, value=loss)
    """
    text = Controller(notation, lr).to_json()
    room = capacity or _capacity(text)

    def packed(text: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
        if len(text) > room:
            raise RuntimeError(
                f"the state of the controller has {len(text)} bytes, and its array {room}: "
                f"give capacity={2 * len(text)}"
            )
        return np.frombuffer(text.ljust(room).encode(), np.uint8)

    def observe(core: Any, value: Any) -> tuple[Any, ...]:
        live = Controller.from_json(bytes(np.asarray(core)).decode().rstrip())
        try:
            stop, refused = live.observe(float(value)) is not None, 0
        except ValueError:
            stop, refused = False, 1
        return packed(live.to_json()), np.float32(live.factor), np.bool_(stop), np.int32(refused)

    def init(params: Any) -> ControllerState:
        none = jnp.zeros((), jnp.int32)
        zero = jnp.zeros((), jnp.float32)
        one, go = jnp.ones((), jnp.float32), jnp.zeros((), bool)
        return ControllerState(one, go, none, zero, none, jnp.asarray(packed(text)))

    def report(state: ControllerState) -> ControllerState:
        shapes = jax.eval_shape(lambda: (state.core, state.factor, state.stop, state.refused))
        mean = state.total / average
        core, factor, stop, refused = jax.pure_callback(observe, shapes, state.core, mean, vmap_method="sequential")
        none, zero = jnp.zeros_like(state.waiting), jnp.zeros_like(mean)
        return ControllerState(factor, state.stop | stop, state.refused + refused, zero, none, core)

    def update(
        updates: Any, state: ControllerState, params: Any = None, *, value: Any = None, **_: Any
    ) -> tuple[Any, ControllerState]:
        if value is not None:
            value = jnp.asarray(value, jnp.float32)
            if average == 1:
                state = report(state._replace(total=value))
            else:
                usable = jnp.isfinite(value)  # leaves a loss that is not finite out of the mean
                state = state._replace(
                    total=state.total + jnp.where(usable, value, 0.0),
                    waiting=state.waiting + usable,
                    refused=state.refused + ~usable,
                )
                state = jax.lax.cond(state.waiting >= average, report, lambda state: state, state)
        return jax.tree.map(lambda u: (state.factor * u).astype(u.dtype), updates), state

    # optax documents and passes `value=`, but its type of an update function does not have it
    return optax.GradientTransformationExtraArgs(init, update)  # pyright: ignore[reportArgumentType]


def _capacity(text: str) -> int:
    """Bytes for the two windows of a plateau after all doublings of its patience. Other controllers
    need less.
    """
    numbers = [int(number) for number in re.findall(r"=(\d+)[,)]", text)]
    undo = re.search(r"undo=(\d+)", text)
    return 2048 + 80 * (max(numbers, default=0) << (int(undo[1]) if undo else 0))
