"""Whether an exception in a step comes from a model that has diverged.

Some losses and distributions raise where they are given NaN, and some scripts do so themselves.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn

from .processes import several


def diverged(models: Iterable[nn.Module], again: Callable[[], Any]) -> bool:
    """Whether parameters are not finite, or a module gives NaN when ``again`` is called, which does
    again what has raised. Several processes, which wait for each other in a step, do not look.
    """
    if several():
        return False
    modules = {id(module): module for model in models for module in model.modules()}.values()
    if any(not bool(p.isfinite().all()) for module in modules for p in module.parameters(recurse=False)):
        return True
    seen: list[nn.Module] = []

    def look(module: nn.Module, inputs: Any, output: Any) -> None:
        if any(bool(tensor.isnan().any()) for tensor in _floats(output)):
            seen.append(module)

    hooks = [module.register_forward_hook(look) for module in modules]
    try:
        with contextlib.suppress(Exception, SystemExit):
            again()
    finally:
        for hook in hooks:
            hook.remove()
    return bool(seen)


def _floats(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        if torch.is_floating_point(output):
            yield output
    elif isinstance(output, Mapping):
        for part in output.values():
            yield from _floats(part)
    elif isinstance(output, (tuple, list)):
        for part in output:
            yield from _floats(part)
