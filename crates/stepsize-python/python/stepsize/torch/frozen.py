"""Frozen parameters in a snapshot: they are not copied, and yet put back if something writes to
them.

A search on a few trainable parameters of a large model (LoRA) must not copy the model. So of a
frozen parameter only the reference to its memory is kept. Some training code writes to frozen
parameters all the same: the moving average of a teacher or of a target network. ``Watch`` sees such
writes in the first step, and copies the parameter just before the first of them.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from .kept import copied, local, put

SMALL = 4 * 2**20
"""Bytes of frozen parameters that are copied without further thought."""


class Frozen:
    """The frozen parameters of a model, by name."""

    def __init__(self, named: dict[str, Tensor], where: str | None) -> None:
        self.named, self.where = named, where
        self._memory = {name: local(tensor.data) for name, tensor in named.items()}
        self._version = {name: tensor._version for name, tensor in named.items()}
        self._copies: dict[str, Tensor] = {}
        self._by_storage: dict[int, list[str]] = {}
        for name, memory in self._memory.items():
            self._by_storage.setdefault(_storage(memory), []).append(name)
        self._by_storage.pop(0, None)  # without memory: quantized or on the meta device
        if sum(memory.numel() * memory.element_size() for memory in self._memory.values()) <= SMALL:
            self.copy(named)

    def copy(self, names: Any) -> None:
        """Copies the named parameters, as they are now."""
        for name in names:
            if name not in self._copies:
                self._copies[name] = copied(self.named[name], self.where)

    def restore(self) -> None:
        """Puts the copies back, and the memory of parameters that got another one."""
        for name, tensor in self.named.items():
            memory = self._memory[name]
            if local(tensor.data).data_ptr() != memory.data_ptr():
                tensor.data = memory
            if name in self._copies:
                put(tensor, self._copies[name])

    def changed(self) -> list[str]:
        """Names of parameters that were written to and not copied."""
        watched = (name for name in self.named if name not in self._copies)
        return [name for name in watched if self.named[name]._version != self._version[name]]

    def watch(self) -> Any:
        """A context in which writes to parameters that were not copied copy them first."""
        return Watch(self)

    def written(self, storage: int) -> None:
        """Something is about to write to this memory."""
        self.copy(self._by_storage.get(storage, ()))

    @property
    def is_watched(self) -> bool:
        """Whether there is a parameter that was not copied."""
        return len(self._copies) < len(self.named)


class Watch(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Sees every operation that writes to a tensor."""

    def __init__(self, frozen: Frozen) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._frozen = frozen

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        if func._schema.is_mutable:
            for tensor in _targets(func._schema, args, kwargs):
                self._frozen.written(_storage(tensor))
        return func(*args, **kwargs)


def _targets(schema: Any, args: Any, kwargs: Any) -> Iterator[Tensor]:
    for at, argument in enumerate(schema.arguments):
        if argument.alias_info is None or not argument.alias_info.is_write:
            continue
        given = args[at] if at < len(args) else kwargs.get(argument.name)
        for one in given if isinstance(given, (list, tuple)) else [given]:
            if isinstance(one, Tensor):
                yield one


def _storage(tensor: Tensor) -> int:
    try:
        return local(tensor).untyped_storage().data_ptr()
    except (NotImplementedError, RuntimeError):  # tensors without memory of their own
        return 0


def is_trained(tensor: Tensor, owned: set[int]) -> bool:
    """Whether training may change a parameter: it needs a gradient, has one, or an optimizer holds
    it.
    """
    return tensor.requires_grad or tensor.grad is not None or id(tensor) in owned
