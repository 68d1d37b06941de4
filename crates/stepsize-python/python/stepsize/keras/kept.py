"""What a search puts back in Keras beside values: the random generators, and what was not built."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import keras
import numpy as np
from keras.src.backend.common import global_state

from .. import _data

_GENERATOR = "global_seed_generator"
"""Name of the generator of Keras, which is made when something first draws without a seed."""

_FUNCTIONS = ("train_function", "test_function", "_jax_state")
"""Attributes of a model: what it has compiled for the things that were built, and the last weights
of the JAX backend.
"""


@contextlib.contextmanager
def unbuilt_again(model: Any) -> Iterator[None]:
    """Afterwards variables of the optimizer, metrics and losses that were not built are not built,
    and gradients are what they were.

    ``fit`` looks at a batch of the data before it builds them. Were they built, it would shuffle the
    data once less, and train in another order than without a search.
    """
    restores = [_keep(one) for one in _trained_with(model) if not getattr(one, "built", True)]
    functions = {name: value for name, value in getattr(model, "__dict__", {}).items() if name in _FUNCTIONS}
    gradients = {id(variable): _gradient(variable) for variable in getattr(model, "trainable_variables", ())}
    try:
        yield
    finally:
        for restore in restores:
            restore()
        if hasattr(model, "_jax_state"):
            model._jax_state = functions.pop("_jax_state", None)
        for name, function in functions.items() if restores else ():
            setattr(model, name, function)
        for variable in getattr(model, "trainable_variables", ()):
            if _gradient(variable) is not None:
                variable.value.grad = gradients.get(id(variable))


def keep_rng(also: Sequence[Any]) -> Callable[[], None]:
    """As ``_data.keep_rng``, with the generator of Keras, and those of PyTorch where it is the
    backend: its dropout draws from them.
    """
    others = [_data.keep_rng(also)]
    if keras.backend.backend() == "torch":
        from ..torch.snapshot import keep_rng as keep_torch

        others.append(keep_torch())
    generator = global_state.get_global_attribute(_GENERATOR)
    state = None if generator is None else value_of(generator.state)

    def restore() -> None:
        for other in others:
            other()
        global_state.set_global_attribute(_GENERATOR, generator)
        if generator is not None:
            generator.state.assign(state)

    return restore


def reseed(seed: int, also: Sequence[Any]) -> None:
    """Seeds the generators that ``keep_rng`` keeps."""
    _data.reseed(seed, also)
    global_state.set_global_attribute(_GENERATOR, None)  # the next is made from Python's generator
    if keras.backend.backend() == "torch":
        import torch

        torch.manual_seed(seed)


def value_of(variable: Any) -> Any:
    """A copy of the value of a variable, also where arrays share memory."""
    return np.array(keras.ops.convert_to_numpy(variable.value))


def _trained_with(model: Any) -> Iterator[Any]:
    optimizer = getattr(model, "optimizer", None)
    while optimizer is not None:
        yield optimizer
        optimizer = getattr(optimizer, "inner_optimizer", None)  # of one that scales the loss
    for name in ("_compile_loss", "_compile_metrics"):
        if getattr(model, name, None) is not None:
            yield getattr(model, name)


def _keep(one: Any) -> Callable[[], None]:
    """Keeps the attributes of an object, what its containers hold, and what its tracker knows of.

    Containers are filled by the functions of their plain types: those of Keras report to trackers.
    """
    attributes = dict(vars(one))
    kinds: tuple[Any, ...] = (list, dict, set)
    contents = [(value, kind, kind(value)) for value in attributes.values() for kind in kinds if isinstance(value, kind)]
    tracker = attributes.get("_tracker")
    known = {name: set(ids) for name, ids in getattr(tracker, "stored_ids", {}).items()}

    def restore() -> None:
        vars(one).clear()
        vars(one).update(attributes)
        for value, kind, content in contents:
            kind.clear(value)
            (list.extend if kind is list else kind.update)(value, content)
        if tracker is not None:
            tracker.stored_ids = {name: set(ids) for name, ids in known.items()}

    return restore


def _gradient(variable: Any) -> Any:
    """The gradient of a variable on the PyTorch backend; the others keep none."""
    return getattr(variable.value, "grad", None) if hasattr(variable, "value") else None
