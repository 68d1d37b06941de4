"""``Outside``: what a training step changes beside the model and the optimizer that a search is given.

A loss with a buffer, a teacher with BatchNorm in the closure, an average of the weights in a hook of
the optimizer, a data set with a random generator of its own: what the functions and the loaders of
the caller lead to is found, so that it is put back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn

from .. import _reached

__all__ = ["Outside"]


class Outside:
    """What ``roots`` lead to, without ``model``, ``optimizer`` and the ``given`` objects.

    Attributes:
        modules: Modules that are not in the model, nor in each other.
        optimizers: Other optimizers.
        generators: Random generators.
    """

    def __init__(self, roots: Iterable[Any], model: nn.Module, optimizer: Any, given: Iterable[Any] = ()) -> None:
        every = list(_reached.reached([*roots, *_hooks(model, optimizer)], _is_kept_otherwise))
        known = [model, *(one for one in given if isinstance(one, nn.Module))]
        inside = {id(part) for one in known for part in one.modules()}
        modules = [one for one in every if isinstance(one, nn.Module) and not _leads_to(one, inside)]
        parts = {id(part) for one in modules for part in one.modules() if part is not one}
        self.modules = [one for one in modules if id(one) not in parts]
        mine = {id(one) for one in (optimizer, *_inner(optimizer))}
        self.optimizers = [one for one in every if isinstance(one, torch.optim.Optimizer) and id(one) not in mine]
        self.generators = [one for one in every if _reached.is_generator(one)]
        self._others = [one for one in every if not _is_kept_otherwise(one)]

    def keep_names(self) -> Callable[[], None]:
        """Keeps counters and other variables of the caller; returns what puts them back."""
        return _reached.keep_names(self._others)


def _is_kept_otherwise(one: Any) -> bool:
    return isinstance(one, (nn.Module, Tensor, torch.optim.Optimizer)) or hasattr(one, "param_groups")


def _leads_to(module: nn.Module, inside: set[int]) -> bool:
    """Whether a module is one of those inside, or a wrapper around one."""
    return any(id(part) in inside for part in module.modules())


def _inner(optimizer: Any) -> list[Any]:
    return [one for one in vars(optimizer).values() if isinstance(one, torch.optim.Optimizer)] if hasattr(optimizer, "__dict__") else []


def _hooks(model: nn.Module, optimizer: Any) -> list[Any]:
    """Functions that a step calls: hooks of the optimizer, of modules and of parameters."""
    names = ("_optimizer_step_pre_hooks", "_optimizer_step_post_hooks")
    stores = [getattr(optimizer, name, None) for name in names]
    for part in model.modules():
        stores += [part._forward_hooks, part._forward_pre_hooks, part._backward_hooks]
    stores += [getattr(one, "_post_accumulate_grad_hooks", None) for one in model.parameters()]
    return [hook for store in stores if store for hook in store.values()]
