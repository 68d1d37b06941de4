"""``Snapshot``: everything that a training step changes, kept and put back bit for bit.

Tensors keep their identity: values are copied into the same parameters, buffers and optimizer state
that the caller holds. ``load_state_dict`` is not used for the optimizer, because it casts the state
to the type of the parameter.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .. import _data
from .._reached import is_generator, keep_generator
from .frozen import Frozen, is_trained
from .kept import Restore, copied, keep, package_of, plain, put, same

__all__ = ["Snapshot", "generators", "keep_rng"]


class Snapshot:
    """The state of a model, an optimizer and other objects, as it is when the snapshot is made.

    A snapshot takes as much memory as what is trained, its gradients and the state of the
    optimizer. Frozen parameters of ``model`` are not copied if they are larger than 4 MiB together.

    Args:
        model: Its parameters, buffers (also those that are not saved), gradients, which are frozen,
            the mode of every module, and the plain attributes of your own modules (numbers, text, lists, tensors,
            random generators, small objects from the same package) are kept.
        optimizer: Its state and its groups are kept, with the plain attributes of one that is not
            PyTorch's own, and the parameters in the groups, with their gradients, also those that
            ``model`` does not have.
        also: Other objects to keep: modules, optimizers, objects with ``state_dict`` and ``load_state_dict``
            (gradient scalers, schedulers, averages of weights, stateful loaders), and random
            generators of PyTorch, NumPy and Python.
        rng: Whether to keep the global random generators of Python, NumPy, PyTorch and its devices.
        gradients: Whether to keep gradients. Without it, ``restore`` does not change them.
        attributes: Whether to keep the plain attributes of modules.
        frozen: Whether to copy frozen parameters too.
        watched: More modules to keep, whose frozen parameters are not copied either.
        device: Where the copies are: ``"cpu"`` spares the memory of an accelerator. By default each
            is on the device of its tensor.

    Raises:
        TypeError: When the state of an object in ``also`` cannot be kept.

    Example::

        snapshot = stepsize.torch.Snapshot(model, optimizer, also=[scaler])
        ...  # train
        snapshot.restore()
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Any,
        also: Sequence[Any] = (),
        *,
        rng: bool = True,
        gradients: bool = True,
        attributes: bool = True,
        frozen: bool = False,
        device: str | None = None,
        watched: Sequence[nn.Module] = (),
    ) -> None:
        reshard(model)
        self._model = model
        self._tensors = len({id(one) for one in [*model.parameters(), *model.buffers()]})
        modules = [model, *watched, *(one for one in also if isinstance(one, nn.Module))]
        others = [one for one in also if isinstance(one, torch.optim.Optimizer)]
        held = [tensor for one in (optimizer, *others) for group in one.param_groups for tensor in group["params"]]
        self._frozen = Frozen(_frozen([model, *watched], held), device)
        if frozen:
            self._frozen.copy(self._frozen.named)
        self._parts: list[Restore] = [
            _tensors(modules, held, self._frozen, gradients, device),
            _modes(modules),
            *([_attributes(modules, device)] if attributes else []),
            *(_optimizer(one, device) for one in (optimizer, *others)),
            *(_other(one, device) for one in also if not isinstance(one, (nn.Module, torch.optim.Optimizer))),
            *([keep_rng()] if rng else []),
        ]

    def __repr__(self) -> str:
        return f"Snapshot({type(self._model).__name__}, {self._tensors} tensors)"

    def restore(self) -> None:
        """Puts everything back. It can be called any number of times."""
        reshard(self._model)
        for part in self._parts:
            part()

    def watch(self) -> Any:
        """A context around a first step: frozen parameters that it writes to are copied before.
        ``None`` when there is nothing to watch.
        """
        return self._frozen.watch() if self._frozen.is_watched else None

    def changed(self) -> list[str]:
        """Names of frozen parameters that were written to and cannot be put back."""
        return self._frozen.changed()


def reshard(model: nn.Module) -> None:
    """Frees what FSDP2 gathered for an evaluation: a module then holds its sharded parameters
    again, which are those of the optimizer.
    """
    for module in model.modules():
        free: Any = getattr(module, "reshard", None)
        if callable(free) and hasattr(module, "set_reshard_after_backward"):
            free()


def _frozen(modules: Sequence[nn.Module], held: Sequence[Tensor]) -> dict[str, Tensor]:
    """Parameters that training does not change as a rule."""
    owned = {id(tensor) for tensor in held}
    named = {
        (f"{type(module).__name__}." if at > 0 else "") + name: tensor
        for at, module in enumerate(modules)
        for name, tensor in module.named_parameters()
    }
    return {name: tensor for name, tensor in named.items() if not is_trained(tensor, owned)}


def _tensors(
    modules: Sequence[nn.Module], held: Sequence[Tensor], frozen: Frozen, with_gradients: bool, where: str | None
) -> Restore:
    aside = {id(tensor) for tensor in frozen.named.values()}
    places: list[tuple[Any, Any]] = [
        (store, store.copy())
        for module in (part for one in modules for part in one.modules())
        for store in (module._parameters, module._buffers, module._modules, module._non_persistent_buffers_set)
    ]
    known = [one for store, _ in places if isinstance(store, dict) for one in store.values() if isinstance(one, Tensor)]
    each = {id(tensor): tensor for tensor in [*known, *held]}
    values = [(tensor, copied(tensor, where)) for key, tensor in each.items() if key not in aside]
    gradients: list[tuple[Tensor, Tensor | None, Tensor | None]] = []
    if with_gradients:
        for tensor in each.values():
            gradient = tensor.grad
            gradients.append((tensor, gradient, None if gradient is None else copied(gradient, where)))

    leaves = [(tensor, tensor.requires_grad) for tensor in each.values() if tensor.is_leaf]

    def restore() -> None:
        for store, held in places:  # a step may register more, or other ones
            if store != held if isinstance(store, set) else _differ(store, held):
                store.clear()
                store.update(held)
        for tensor, flag in leaves:  # a step may freeze and unfreeze
            if tensor.requires_grad != flag:
                tensor.requires_grad_(flag)
        for tensor, value in values:
            put(tensor, value)
        frozen.restore()
        for tensor, gradient, kept in gradients:
            if gradient is not None and kept is not None:
                put(gradient, kept)
            tensor.grad = gradient

    return restore


def _differ(now: dict[str, Any], then: dict[str, Any]) -> bool:
    return list(now) != list(then) or any(now[name] is not then[name] for name in then)


def _modes(modules: Sequence[nn.Module]) -> Restore:
    modes = [(part, part.training) for module in modules for part in module.modules()]

    def restore() -> None:
        for part, training in modes:
            part.training = training

    return restore


_LAYERS = "torch.nn.modules."
"""PyTorch's own modules that may carry an attribute of the caller. Wrappers such as
DistributedDataParallel have attributes of their own that must go on.
"""
_TRAINERS = ("torch", "lightning", "pytorch_lightning")
"""Packages whose objects run the search."""
_OF_EVERY_MODULE = frozenset(vars(nn.Module()))
_OF_EVERY_OPTIMIZER = frozenset({*vars(torch.optim.SGD([torch.zeros(1)], lr=0.0)), "step", "_opt_called"})
"""Attributes of an optimizer that are kept otherwise, or that are no state of a run."""


def _attributes(modules: Sequence[nn.Module], where: str | None) -> Restore:
    """Keeps the plain attributes of modules: flags, counters, lists, and those of objects from the
    package of their module. Other objects are put back where they were, but what is inside them is
    not.
    """
    kept: list[tuple[dict[str, Any], dict[str, Restore]]] = []
    for part in (part for module in modules for part in module.modules()):
        package = package_of(part)
        if package != "torch" or type(part).__module__.startswith(_LAYERS):
            of_objects = None if package in _TRAINERS else package
            own = {name: value for name, value in vars(part).items() if name not in _OF_EVERY_MODULE}
            kept.append((vars(part), {name: keep(value, where, same, of_objects) for name, value in own.items()}))

    def restore() -> None:
        for now, then in kept:
            for name in [name for name in now if name not in then and name not in _OF_EVERY_MODULE]:
                del now[name]
            now.update({name: value() for name, value in then.items()})

    return restore


def _optimizer(optimizer: Any, where: str | None, seen: frozenset[int] = frozenset()) -> Restore:
    state = {key: keep(value, where, plain) for key, value in optimizer.state.items()}
    groups = [
        {key: keep(value, where, plain) for key, value in group.items() if key != "params"}
        for group in optimizer.param_groups
    ]
    called = optimizer.__dict__.get("_opt_called")
    more = _of_optimizers(optimizer, where, seen)

    def restore() -> None:
        more()
        for key in [key for key in optimizer.state if key not in state]:
            del optimizer.state[key]
        for key, value in state.items():
            optimizer.state[key] = value()
        for group, kept in zip(optimizer.param_groups, groups, strict=True):
            for key in [key for key in group if key != "params" and key not in kept]:
                del group[key]
            group.update({key: value() for key, value in kept.items()})
        if called is None:
            optimizer.__dict__.pop("_opt_called", None)
        else:
            optimizer._opt_called = called

    return restore


def _of_optimizers(optimizer: Any, where: str | None, seen: frozenset[int]) -> Restore:
    """Keeps the plain attributes of an optimizer that is not PyTorch's own, such as counters and
    caches, and all of an optimizer inside it, as a lookahead has one.
    """
    package, seen = package_of(optimizer), seen | {id(optimizer)}
    inner = [one for one in vars(optimizer).values() if isinstance(one, torch.optim.Optimizer) and id(one) not in seen]
    inside = [_optimizer(one, where, seen) for one in inner]
    counted = package not in (*_TRAINERS, "accelerate")
    own = {name: value for name, value in vars(optimizer).items() if counted and name not in _OF_EVERY_OPTIMIZER}
    kept = {name: keep(value, where, same, package) for name, value in own.items()}

    def restore() -> None:
        now = vars(optimizer)
        for name in [name for name in now if counted and name not in kept and name not in _OF_EVERY_OPTIMIZER]:
            del now[name]
        now.update({name: value() for name, value in kept.items()})
        for one in inside:
            one()

    return restore


def _other(one: Any, where: str | None) -> Restore:
    if is_generator(one):
        return keep_generator(one)
    if hasattr(one, "state_dict") and hasattr(one, "load_state_dict"):
        state = _copied(one.state_dict(), where)

        def restore() -> None:
            one.load_state_dict(_copied(state, None))
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
    others = _data.keep_rng()
    used = torch.cuda.is_available() and torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    cuda = torch.cuda.get_rng_state_all() if used else None
    mps = torch.mps.get_rng_state() if torch.backends.mps.is_available() else None

    def restore() -> None:
        others()
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


def _copied(value: Any, where: str | None) -> Any:
    """A copy that shares no tensor. ``deepcopy`` refuses tensors that are not leaves of a graph."""
    if isinstance(value, Tensor):
        return value.detach().clone() if where is None else value.detach().to(where, copy=True)
    if isinstance(value, dict):
        return {key: _copied(one, where) for key, one in value.items()}
    if isinstance(value, (list, tuple)) and not hasattr(value, "_fields"):
        return type(value)(_copied(one, where) for one in value)
    return plain(value)
