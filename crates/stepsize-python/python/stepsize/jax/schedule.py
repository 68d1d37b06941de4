"""Stepsize for JAX: schedules that compile into a training step, and controllers as optax transformations.

A schedule is a formula in ``jax.numpy``: it traces, vmaps and differentiates like any other, and holds its last value
beyond its end. In 32 bits its factor is good to a few parts in a million, with ``jax_enable_x64`` to 64 bits.

A controller decides in the core, on the host, once a report. Its state is an array (JSON text, padded), so it is saved
and restored with the optimizer's state by any checkpointer, bit for bit, and the update stays a pure function.
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

__all__ = ["ControllerState", "controller", "schedule"]


def schedule(lr: Any, schedule: str | Schedule = "constant", steps: int | None = None) -> Callable[[Any], jax.Array]:
    """``lr x schedule(count)``: an optax schedule, for any optimizer's ``learning_rate``.

    Args:
        lr: The base rate; a number, or an array (of ``optax.inject_hyperparams``).
        schedule: Notation or a ``Schedule``.
        steps: Length of the run.

    Raises:
        ValueError: When the notation does not parse (``NotationError``, with the column).
    """
    factor = formula(Schedule(schedule, steps), jnp)

    def at(count: Any) -> jax.Array:
        count = jnp.asarray(count)
        if jnp.issubdtype(count.dtype, jnp.unsignedinteger):
            count = count.astype(jnp.int32)  # differences of steps may be negative
        return jnp.asarray(lr * factor(count))

    return at


class ControllerState(NamedTuple):
    """What an optax chain keeps of a controller."""

    factor: jax.Array
    """The factor on the updates."""
    stop: jax.Array
    """Whether the controller has said that the run should end."""
    refused: jax.Array
    """Reports that could not be used, for not being finite. They change nothing else."""
    total: jax.Array
    """Sum and number of the reports that wait to be averaged."""
    waiting: jax.Array
    core: jax.Array
    """The controller itself, as the JSON text of ``stepsize.Controller.to_json``."""

    def controller(self) -> Controller:
        """The controller in this state, to look at."""
        return Controller.from_json(bytes(np.asarray(self.core)).decode().rstrip())


def controller(
    notation: str, lr: float = 1.0, *, average: int = 1, capacity: int | None = None
) -> optax.GradientTransformationExtraArgs:
    """Scales updates by a controller's factor: chain it after an optimizer, as ``optax.contrib.reduce_on_plateau``.

    Report with ``update(..., value=loss)``; without ``value`` the updates are scaled and nothing is reported. The factor
    that a report leads to holds from that very update on.

    Args:
        notation: ``"plateau(patience=10)"`` and its kin.
        lr: The base rate, which modes with a floor as a rate need.
        average: Reports whose mean makes one; the host is called once for each mean.
        capacity: Bytes of the state's text; only for controllers with very long windows.
    """
    text = Controller(notation, lr).to_json()
    room = capacity or _capacity(text)

    def packed(text: str) -> np.ndarray[Any, np.dtype[np.uint8]]:
        if len(text) > room:
            raise RuntimeError(f"a state of {len(text)} bytes does not fit: give controller(..., capacity={2 * len(text)})")
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
        return ControllerState(jnp.ones((), jnp.float32), jnp.zeros((), bool), none, zero, none, jnp.asarray(packed(text)))

    def told(state: ControllerState) -> ControllerState:
        shapes = jax.eval_shape(lambda: (state.core, state.factor, state.stop, state.refused))
        mean = state.total / average
        core, factor, stop, refused = jax.pure_callback(observe, shapes, state.core, mean, vmap_method="sequential")
        return ControllerState(
            factor, state.stop | stop, state.refused + refused, jnp.zeros_like(mean), jnp.zeros_like(state.waiting), core
        )

    def update(
        updates: Any, state: ControllerState, params: Any = None, *, value: Any = None, **_: Any
    ) -> tuple[Any, ControllerState]:
        if value is not None:
            value = jnp.asarray(value, jnp.float32)
            if average == 1:
                state = told(state._replace(total=value))
            else:
                usable = jnp.isfinite(value)  # one broken report does not spoil the mean of many
                state = state._replace(
                    total=state.total + jnp.where(usable, value, 0.0),
                    waiting=state.waiting + usable,
                    refused=state.refused + ~usable,
                )
                state = jax.lax.cond(state.waiting >= average, told, lambda state: state, state)
        return jax.tree.map(lambda u: (state.factor * u).astype(u.dtype), updates), state

    # `value` by name is what optax documents and calls; its type of an update names no such argument
    return optax.GradientTransformationExtraArgs(init, update)  # pyright: ignore[reportArgumentType]


def _capacity(text: str) -> int:
    """Room for the two windows of a plateau after every doubling of its patience, and for what is shorter."""
    numbers = [int(number) for number in re.findall(r"=(\d+)[,)]", text)]
    undo = re.search(r"undo=(\d+)", text)
    return 2048 + 80 * (max(numbers, default=0) << (int(undo[1]) if undo else 0))
