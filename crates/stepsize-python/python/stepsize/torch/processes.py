"""Several processes: numbers that all of them share, and models that a search cannot put back."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn


def mean_of_all(total: float, weight: float) -> float:
    """``total / weight`` over all processes: the same number in each, so that all take the same
    decisions.
    """
    if not several():
        return total / weight
    both = torch.tensor([total, weight], dtype=torch.float64, device=_device())
    torch.distributed.all_reduce(both)
    total, weight = both.tolist()
    return total / weight


def largest_of_all(value: float) -> float:
    """The largest ``value`` over all processes."""
    if not several():
        return value
    one = torch.tensor([value], dtype=torch.float64, device=_device())
    torch.distributed.all_reduce(one, torch.distributed.ReduceOp.MAX)
    return float(one.item())


def several() -> bool:
    """Whether other processes run the same search."""
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def _device() -> str:
    return "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"


_REFUSED = {
    "DeepSpeedEngine": "a DeepSpeed engine, which takes its own steps on its own copy of the weights: search on the plain model "
    "and a plain optimizer before deepspeed.initialize, and write the rate into the configuration",
    "FullyShardedDataParallel": "an FSDP1 module, whose flat parameters a snapshot cannot follow: use fully_shard (FSDP2), or "
    "search on the plain model before it is wrapped",
    "DataParallel": "a DataParallel module, whose replicas are made anew in each step: give the module inside it, or use "
    "DistributedDataParallel",
}


def refuse_what_cannot_be_put_back(model: nn.Module, optimizer: Any) -> None:
    """Raises for wrappers whose state a search cannot restore, before anything runs.

    Raises:
        TypeError: It names the wrapper and what to do.
    """
    for one, argument in ((model, "model"), (optimizer, "optimizer")):
        for kind in type(one).__mro__:
            if kind.__name__ in _REFUSED and kind.__module__.partition(".")[0] in ("deepspeed", "torch"):
                raise TypeError(f"{argument} is {_REFUSED[kind.__name__]}")
            if kind.__module__.partition(".")[0] == "deepspeed":
                raise TypeError(f"{argument} is {_REFUSED['DeepSpeedEngine']}")
    for name, module in model.named_modules():
        if name and type(module).__name__ == "FullyShardedDataParallel":
            raise TypeError(f"model has {_REFUSED['FullyShardedDataParallel']} (it is {name})")
