"""``find`` with what ``Accelerator.prepare`` gave: a step is ``backward`` and ``clip_grad_norm_``
of the accelerator, with its mixed precision and accumulation, in one process or several.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from torch import Tensor, nn

from . import Answer, Refusal, Schedule, _data, _defaults, _search
from ._event import Callback
from ._given import checked_above_zero
from .torch.trainers import keep_attributes, planned
from .torch.training import Loader, Training

__all__ = ["find"]


def find(
    accelerator: Any,
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Tensor] | None,
    loader: Loader,
    optimizer: Any,
    val_loader: Loader | None = None,
    *,
    steps: int | None = None,
    epochs: float | None = None,
    schedule: str | Schedule | None = None,
    scheduler: Any = None,
    scheduler_interval: Literal["step", "epoch"] | None = None,
    closure: Callable[[nn.Module, Any], Tensor] | None = None,
    clip_grad_norm: float | None = None,
    val_fn: Callable[[nn.Module, Any], Any] | None = None,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    snapshots: str | None = None,
    start: float | None = None,
    budget: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
    max_seconds: float | None = None,
    on_refusal: Literal["return", "raise"] = "return",
) -> Answer | Refusal:
    """Finds the rate for a loop with ``accelerator.accumulate``, ``backward``, ``clip_grad_norm_``
    and ``step``, on prepared objects.

    A step of the search takes as many batches as the accelerator accumulates, fewer at the end of a
    pass where the accelerator does so. Under several processes, call it in every process; all get
    the same answer. Model, optimizer, accelerator and random generators are as before afterwards.

    Args:
        accelerator: The ``Accelerator`` that prepared the others.
        model, loader, optimizer, val_loader: What ``prepare`` gave.
        loss_fn, closure, clip_grad_norm, val_fn, val_batches, also, snapshots: As in
            ``stepsize.torch.find``.
        steps, epochs: Length of the full run, in optimizer steps or passes over ``loader``; give
            one.
        schedule: The schedule of the full run: notation or a ``Schedule``. By default that of
            ``scheduler``, else constant.
        scheduler: A scheduler at its start, that is stepped after each optimizer step; one that was
            prepared steps once for each process.
        scheduler_interval: ``"epoch"`` when it is stepped after each pass, as in
            ``stepsize.torch.find``.
        start, budget, seed, progress, callback, max_seconds, on_refusal: As in ``stepsize.find``.

    Raises:
        TypeError: When ``accelerator`` is something else, or it shards the model.
        ValueError: When an argument is out of range, or the scheduler follows a metric.
        RefusedError: With ``on_refusal="raise"``, when the search refused.

    Example::

        model, optimizer, loader = accelerator.prepare(model, optimizer, loader)
        estimate = stepsize.accelerate.find(accelerator, model, loss_fn, loader, optimizer, epochs=3)
        estimate.apply(optimizer)
    """
    for name in ("accumulate", "backward", "clip_grad_norm_", "gradient_state"):
        if not hasattr(accelerator, name):
            raise TypeError(
                f"accelerator is a {type(accelerator).__name__} without {name}: the arguments are find(accelerator, model, loss_fn, "
                "loader, optimizer, val_loader)"
            )
    kind = str(getattr(accelerator, "distributed_type", "")).rpartition(".")[2]
    if kind in ("DEEPSPEED", "FSDP", "MEGATRON_LM"):
        raise TypeError(
            f"accelerator trains with {kind}, whose shards of the model cannot be kept and put back: search with a plain "
            "accelerator, on one device"
        )
    checked_above_zero(clip_grad_norm, "clip_grad_norm")
    accumulate = int(accelerator.gradient_accumulation_steps)
    steps = _search.steps_of(steps, epochs, _data.length(loader), accumulate)
    epoch = _search.epoch_of(_data.length(loader), accumulate)
    plan, followed = planned(schedule, scheduler, steps, optimizer, accelerator, interval=scheduler_interval, epoch=epoch)
    wrapped = [optimizer] if hasattr(optimizer, "scaler") else []
    restore = keep_attributes(accelerator, accelerator.gradient_state, *wrapped)
    task = _Task(
        accelerator, clip_grad_norm, optimizer, model, loss_fn, loader, getattr(optimizer, "optimizer", optimizer), val_loader,
        closure=closure, accumulate=accumulate, val_fn=val_fn, val_batches=val_batches, schedule=plan, followed=followed,
        snapshots=snapshots, also=[*also, *([accelerator.scaler] if accelerator.scaler is not None else [])],
    )  # fmt: skip
    try:
        return _search.run_find(
            task, steps=steps, schedule=plan, start=start, budget=budget, seed=seed, progress=progress, callback=callback,
            max_seconds=max_seconds, on_refusal=on_refusal,
        )  # fmt: skip
    finally:
        restore()


class _Task(Training):
    def __init__(self, accelerator: Any, clip: float | None, stepper: Any, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.accelerator, self.norm, self.stepper = accelerator, clip, stepper
        self._outside = keep_attributes(accelerator.gradient_state)

    def _ready(self) -> None:
        super()._ready()
        self.accelerator.step = 0
        self._outside()  # the loader of the last trial is still open
        prepared: Any = self.loader
        if hasattr(prepared, "set_epoch"):  # a prepared loader counts its passes
            prepared.set_epoch(0)

    def evaluate(self) -> float | tuple[float, float]:
        inside = keep_attributes(self.accelerator.gradient_state)  # an open loader, perhaps at its end
        try:
            return super().evaluate()
        finally:
            inside()

    def _step(self) -> float:
        accelerator = self.accelerator
        losses: list[float] = []
        self.stepper.zero_grad()
        while not losses or not accelerator.sync_gradients:
            batch = self.batches.next()
            with accelerator.accumulate(self.model):
                loss = self.loss(self.model, batch)
                losses.append(float(loss.detach()))
                accelerator.backward(loss)
                if accelerator.sync_gradients and self.norm is not None:
                    accelerator.clip_grad_norm_(self.model.parameters(), self.norm)
                self.stepper.step()
        return sum(losses) / len(losses)
