"""``Snapshot``: everything that a training step changes, kept and put back bit for bit.

Tensors keep their identity: values are copied into the same parameters, buffers and optimizer state
that the caller holds. ``load_state_dict`` is not used for the optimizer, because it casts the state
to the type of the parameter.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .. import _data

Restore = Callable[[], None]


class Snapshot:
    """The state of a model, an optimizer and other objects, as it is when the snapshot is made.

    A snapshot takes as much memory as the model, its gradients and the state of the optimizer, on
    the same device.

    Args:
        model: Its parameters, buffers (also those that are not saved), gradients, and the mode of
            every module are kept.
        optimizer: Its state and its groups are kept.
        also: Other objects to keep: objects with ``state_dict`` and ``load_state_dict`` (gradient
            scalers, schedulers, averages of weights, stateful loaders), ``torch.Generator`` and
            ``numpy.random.Generator``.
        rng: Whether to keep the global random generators of Python, NumPy, PyTorch and its devices.
        gradients: Whether to keep gradients. Without it, ``restore`` does not change them.

    Raises:
        TypeError: When the state of an object in ``also`` cannot be kept.

    Example::

        snapshot = stepsize.torch.Snapshot(model, optimizer, also=[scaler])
        ...  # train
        snapshot.restore()
    """

    def __init__(
        self, model: nn.Module, optimizer: Any, also: Sequence[Any] = (), *, rng: bool = True, gradients: bool = True
    ) -> None:
        parts = [_tensors(model, gradients), _modes(model), _optimizer(optimizer), *(_other(one) for one in also)]
        self._parts: list[Restore] = [*parts, *([keep_rng()] if rng else [])]

    def restore(self) -> None:
        """Puts everything back. It can be called any number of times."""
        for part in self._parts:
            part()


def _tensors(model: nn.Module, with_gradients: bool) -> Restore:
    kept: list[tuple[dict[str, Any], str, Tensor | None, Tensor | None]] = []
    gradients: list[tuple[Tensor, Tensor | None, Tensor | None]] = []
    seen: set[int] = set()
    for module in model.modules():
        for store in (module._parameters, module._buffers):
            for name, tensor in store.items():
                copied = None if tensor is None or id(tensor) in seen else tensor.detach().clone()
                kept.append((store, name, tensor, copied))
                if tensor is not None and id(tensor) not in seen:
                    seen.add(id(tensor))
                    if not with_gradients:
                        continue
                    gradient = tensor.grad
                    gradients.append((tensor, gradient, None if gradient is None else gradient.detach().clone()))

    def restore() -> None:
        with torch.no_grad():
            for store, name, tensor, copied in kept:
                store[name] = tensor
                if tensor is not None and copied is not None:
                    tensor.copy_(copied)
            for tensor, gradient, copied in gradients:
                if gradient is not None and copied is not None:
                    gradient.copy_(copied)
                tensor.grad = gradient

    return restore


def _modes(model: nn.Module) -> Restore:
    modes = [(module, module.training) for module in model.modules()]

    def restore() -> None:
        for module, training in modes:
            module.training = training

    return restore


def _optimizer(optimizer: Any) -> Restore:
    state = {key: _copied(value) for key, value in optimizer.state.items()}
    groups = [
        {key: _copied(value) for key, value in group.items() if key != "params"} for group in optimizer.param_groups
    ]
    # A rate that is a tensor may be held by a captured graph, so it must stay the same object.
    rates = [group["lr"] for group in optimizer.param_groups]
    called = optimizer.__dict__.get("_opt_called")

    def restore() -> None:
        for key in [key for key in optimizer.state if key not in state]:
            del optimizer.state[key]
        for key, value in state.items():
            optimizer.state[key] = _put(optimizer.state.get(key), value)
        for group, kept, rate in zip(optimizer.param_groups, groups, rates, strict=True):
            for key in [key for key in group if key != "params" and key not in kept]:
                del group[key]
            group.update({key: _copied(value) for key, value in kept.items()})
            if isinstance(rate, Tensor):
                group["lr"] = _put(rate, kept["lr"])
        if called is None:
            optimizer.__dict__.pop("_opt_called", None)
        else:
            optimizer._opt_called = called

    return restore


def _other(one: Any) -> Restore:
    if isinstance(one, torch.Generator):
        generator_state = one.get_state()
        return lambda: (one.set_state(generator_state), None)[1]
    if hasattr(one, "bit_generator"):
        bits = copy.deepcopy(one.bit_generator.state)
        return lambda: setattr(one.bit_generator, "state", copy.deepcopy(bits))
    if hasattr(one, "state_dict") and hasattr(one, "load_state_dict"):
        state = _copied(one.state_dict())

        def restore() -> None:
            one.load_state_dict(_copied(state))
            # A gradient scaler that was interrupted between unscale_ and update would refuse the
            # next unscale_.
            if hasattr(one, "_per_optimizer_states"):
                one._per_optimizer_states.clear()

        return restore
    raise TypeError(
        f"also= has a {type(one).__name__}, which cannot be put back: give objects with state_dict and "
        "load_state_dict, or random generators"
    )


def keep_rng() -> Restore:
    """Keeps the global generators of Python, NumPy (when imported), PyTorch and its devices;
    returns what restores them.
    """
    others, cpu = _data.keep_rng(), torch.get_rng_state()
    used = torch.cuda.is_available() and torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    cuda = torch.cuda.get_rng_state_all() if used else None
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None

    def restore() -> None:
        others()
        torch.set_rng_state(cpu)
        if cuda is not None:
            torch.cuda.set_rng_state_all(cuda)
        if mps is not None:
            torch.mps.set_rng_state(mps)

    return restore


def generators(loader: Any) -> Iterable[torch.Generator]:
    """The PyTorch generators that a loader draws its order from, each once."""
    sampler, batches = getattr(loader, "sampler", None), getattr(loader, "batch_sampler", None)
    holders = [loader, sampler, batches, getattr(batches, "sampler", None)]
    found = {id(g): g for h in holders if isinstance(g := getattr(h, "generator", None), torch.Generator)}
    return found.values()


def _copied(value: Any) -> Any:
    """A copy that shares no tensor. ``deepcopy`` refuses tensors that are not leaves of a graph."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, dict):
        return {key: _copied(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_copied(one) for one in value)
    return copy.deepcopy(value)


def _put(current: Any, kept: Any) -> Any:
    """Copies ``kept`` into the tensors of ``current`` where they fit, so that references stay
    valid; else returns a copy.
    """
    if isinstance(kept, Tensor):
        fits = isinstance(current, Tensor) and current.shape == kept.shape and current.dtype == kept.dtype
        if fits and current.device == kept.device:
            with torch.no_grad():
                current.copy_(kept)
            return current
        return kept.clone()
    if isinstance(kept, dict) and isinstance(current, dict):
        for key in [key for key in current if key not in kept]:
            del current[key]
        for key, value in kept.items():
            current[key] = _put(current.get(key), value)
        return current
    return _copied(kept)
