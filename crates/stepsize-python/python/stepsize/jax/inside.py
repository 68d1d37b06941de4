"""What is inside the parameters and the state of an optimizer: what is trained, rates and schedules."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax


def scheduled(opt_state: Any) -> list[Any]:
    """The counts of the schedules in an optimizer: of ``optax.adam(schedule)``."""
    return [one for one in jax.tree_util.tree_leaves(opt_state, is_leaf=_is_schedule) if _is_schedule(one)]


def _is_schedule(one: Any) -> bool:
    return isinstance(one, optax.ScaleByScheduleState)


def placed(opt_state: Any, first: Any, at: Any) -> Any:
    """The state with its schedules ``at`` so many steps after ``first``."""

    def moved(one: Any, begin: Any) -> Any:
        return begin._replace(count=begin.count + at.astype(begin.count.dtype)) if _is_schedule(one) else one

    return jax.tree_util.tree_map(moved, opt_state, first, is_leaf=_is_schedule)


def driven(opt_state: Any) -> set[str]:
    """Names of the hyperparameters that ``optax.inject_hyperparams`` sets by a schedule."""

    def drives(one: Any) -> bool:
        return hasattr(one, "hyperparams_states")

    return {name for one in jax.tree_util.tree_leaves(opt_state, is_leaf=drives) if drives(one) for name in one.hyperparams_states}


def needs_a_number(optimizer: Callable[[Any], Any]) -> bool:
    """Whether a function of the rate cannot be traced."""
    try:
        jax.eval_shape(lambda lr: (optimizer(lr), lr)[1], jax.ShapeDtypeStruct((), jnp.float32))
    except jax.errors.ConcretizationTypeError:
        return True
    return False


def check_trained(leaves: list[Any]) -> None:
    """Raises for what has no gradient: a state of training or a whole module, in the place of its
    parameters.
    """
    for leaf in leaves:
        if not isinstance(leaf, float) and not jnp.issubdtype(getattr(leaf, "dtype", bool), jnp.inexact):
            what = f"an array of {leaf.dtype}" if hasattr(leaf, "dtype") else f"a {type(leaf).__name__}"
            raise TypeError(
                f"params holds {what}, which has no gradient; it must be a pytree of the arrays that are trained: state.params of a "
                "TrainState, nnx.split(module, nnx.Param, ...)[1] of Flax NNX, eqx.partition(module, eqx.is_inexact_array)[0] of Equinox"
            )


def rated(opt_state: Any, lr: Any) -> Any:
    return optax.tree_utils.tree_set(opt_state, learning_rate=lr)
