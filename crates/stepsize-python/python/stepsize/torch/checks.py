"""What can be known before the first step: arguments of the wrong kind, and what one batch shows.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .._data import reusable
from .processes import refuse_what_cannot_be_put_back

_NAMED = 5  # parameters that a message names


def check_arguments(model: Any, optimizer: Any, loaders: dict[str, Any], schedule: Any) -> None:
    """Raises for arguments that no search can work with.

    Raises:
        TypeError: When one is of another kind.
        ValueError: When the optimizer holds nothing of the model.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is a {type(model).__name__}; it must be a torch.nn.Module")
    kinds = {kind.__name__ for kind in type(model).__mro__}
    if "LightningModule" in kinds and isinstance(optimizer, dict):
        raise TypeError(
            "optimizer is a dict, which configure_optimizers gave: search with stepsize.lightning.find(trainer, module), which takes "
            "the module's own steps"
        )
    if isinstance(optimizer, (list, tuple, dict)):
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__} of {len(optimizer)}; a search takes one optimizer: put all parameters into "
            "groups of one, or use stepsize.find with a step= that steps all of them, and save= that gives a "
            "stepsize.torch.Snapshot(model, first, also=[second])"
        )
    if not (hasattr(optimizer, "param_groups") and hasattr(optimizer, "step") and hasattr(optimizer, "zero_grad")):
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}, not an optimizer of PyTorch: the arguments are find(model, loss_fn, loader, "
            "optimizer, val_loader)"
        )
    if any(kind.__name__ == "LBFGS" for kind in type(optimizer).__mro__):
        raise TypeError(
            "optimizer is LBFGS, which evaluates the loss several times in a step, and has a line search instead of a rate: give "
            "an optimizer that takes one gradient a step"
        )
    if any(group.get("lr", 0.0) is None for group in optimizer.param_groups):
        raise ValueError(
            f"the {type(optimizer).__name__} has no rate (lr is None): it makes its own from the step, and there is nothing to find; give it "
            "an lr, and turn its own off (relative_step=False)"
        )
    if _needs_a_closure(optimizer):
        raise TypeError(
            f"optimizer is a {type(optimizer).__name__}, whose step needs a closure, so only your own loop knows what a step is: use "
            "stepsize.find with that loop as step=, and save= that gives a stepsize.torch.Snapshot(model, optimizer)"
        )
    for name, loader in loaders.items():
        if loader is not None or name == "loader":
            reusable(loader, name)
    refuse_what_cannot_be_put_back(model, optimizer)
    mine = {id(one) for one in model.parameters()}
    held = [one for group in optimizer.param_groups for one in group["params"]]
    if not any(id(one) in mine for one in held):
        raise ValueError(
            f"the optimizer holds none of the model's parameters ({len(held)} others): it was made for another model, or before "
            "this one was moved, wrapped or built again; make it from model.parameters()"
        )
    if not any(one.requires_grad for one in held):
        raise ValueError("every parameter of the optimizer is frozen (requires_grad is False), so nothing would train")
    if any(isinstance(one, torch.nn.parameter.UninitializedParameter) for one in model.parameters()):
        raise ValueError("the model has lazy parameters without a shape yet: run it on one batch first")
    scheduled = any("initial_lr" in group for group in optimizer.param_groups)
    if scheduled and str(schedule) == "constant":
        warnings.warn(
            "the optimizer has a scheduler, and the search is for a constant rate: give the schedule of the run as schedule=, such "
            'as "warmup(5%) then cosine", or the scheduler itself as scheduler=',
            stacklevel=6,
        )


def _needs_a_closure(optimizer: Any) -> bool:
    try:
        # Of the class: a scheduler wraps the method of its optimizer.
        inspect.signature(type(optimizer).step).bind(optimizer)
    except TypeError:
        return True
    except ValueError:  # it has no signature
        return False
    return False


def scalar(loss: Any, name: str) -> Tensor:
    """The loss that ``name`` gave, if it is one number.

    Raises:
        TypeError: When it is not a tensor.
        ValueError: When it has several elements.
    """
    if not isinstance(loss, Tensor):
        what = {"dict": ': return its loss, such as output["loss"]', "NoneType": ": it has no return statement", "tuple": ": return the loss alone"}
        raise TypeError(
            f"{name} gives a {type(loss).__name__}; it must give a tensor of one number{what.get(type(loss).__name__, '')}"
        )
    if loss.numel() != 1:
        raise ValueError(f"{name} gives a tensor of shape {tuple(loss.shape)}; it must be one number: take its mean()")
    return loss.reshape(())


def check_first_batch(
    model: nn.Module, optimizer: Any, name: str, batch: Any, loss_of: Callable[[nn.Module, Any], Tensor]
) -> None:
    """Takes the gradient of one batch, without a step, and raises for what it shows.

    Raises:
        ValueError: When the loss is not finite, or does not depend on the parameters.
    """
    if torch.is_inference_mode_enabled():
        raise RuntimeError("the search was called within torch.inference_mode, where nothing can be trained: call it outside")
    loss = loss_of(model, batch)
    value = float(loss.detach())
    if not math.isfinite(value):
        raise ValueError(
            f"{name} gives {value} on the first batch, before any step, so no rate can help: look for values that are not finite in "
            "the batch, and for logarithms and divisions in the loss"
        )
    if not loss.requires_grad:
        raise ValueError(
            f"the loss that {name} gives does not depend on any parameter: leave out detach(), item() and no_grad() in it"
        )
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    _check_reached(model, optimizer)


def _check_reached(model: nn.Module, optimizer: Any) -> None:
    names = {id(one): name for name, one in model.named_parameters()}
    held = [(at, one) for at, group in enumerate(optimizer.param_groups) for one in group["params"] if one.requires_grad]
    missed = [(at, one) for at, one in held if one.grad is None]
    outside = [f"one of shape {tuple(one.shape)} in group {at}" for at, one in missed if id(one) not in names]
    inside = [names[id(one)] for _, one in missed if id(one) in names]
    if outside:
        raise ValueError(
            f"the loss does not reach {_listed(outside)} of the optimizer, which model does not have either: make the optimizer from "
            "the parameters that are trained, or use the other module in closure="
        )
    if len(inside) == len(held):
        raise ValueError(
            f"the loss reaches none of the optimizer's parameters ({_listed(inside)}): give the model that loss_fn or closure uses"
        )
    if inside:
        warnings.warn(
            f"the loss of the first batch does not reach {_listed(inside)}: they are in the optimizer, and no rate changes them",
            stacklevel=9,
        )


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
