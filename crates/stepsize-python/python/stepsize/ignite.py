"""``find`` and a handler for PyTorch-Ignite: the process function of a trainer takes the steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import ignite.engine
import torch
from torch import Tensor, nn

from . import Answer, Refusal, Schedule, _data, _defaults, _search
from ._event import Callback
from .torch.judge import size_of
from .torch.trainers import keep_attributes, planned
from .torch.training import Loader, Training

__all__ = ["LearningRateFinder", "find"]


def find(
    trainer: Any,
    model: nn.Module,
    loader: Loader,
    optimizer: Any,
    val_loader: Loader | None = None,
    *,
    steps: int | None = None,
    epochs: float | None = None,
    schedule: str | Schedule | None = None,
    scheduler: Any = None,
    scheduler_interval: Literal["step", "epoch"] | None = None,
    loss_fn: Callable[[Any, Any], Tensor] | None = None,
    val_fn: Callable[[nn.Module, Any], Any] | None = None,
    output_transform: Callable[[Any], Any] = lambda output: output,
    accumulate: int = 1,
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
    """Finds the rate for ``trainer.run(loader)``, of a trainer that
    ``create_supervised_trainer`` or your own process function makes.

    Only the process function is called; no handler is, and no event fires. Model, optimizer, the
    state of the trainer and the random generators are as before afterwards.

    Args:
        trainer: The ``Engine``. Its process function takes a batch, steps the optimizer, and
            returns what ``output_transform`` makes the loss of.
        model, loader, optimizer: What the process function trains with.
        val_loader: Batches to judge trials on. Without it, or without ``loss_fn`` and ``val_fn``,
            trials are judged by their last training losses, which does not show overfitting.
        steps, epochs: Length of the full run, in optimizer steps or passes over ``loader``; give
            one.
        schedule: The schedule of the full run, which a handler will follow: notation or a
            ``Schedule``. By default that of ``scheduler``, else constant.
        scheduler: A scheduler of PyTorch at its start, that is stepped after each optimizer step.
        scheduler_interval: ``"epoch"`` when it is stepped after each pass, as in
            ``stepsize.torch.find``.
        loss_fn: ``loss_fn(output, target)`` for validation batches of ``(input, target)``.
        val_fn: ``val_fn(model, batch)`` gives the loss of a validation batch, for other batches.
        output_transform: Makes the loss of what the process function returns.
        accumulate: Calls of the process function that make one optimizer step, as in
            ``create_supervised_trainer(gradient_accumulation_steps=...)``.
        val_batches, also, snapshots: As in ``stepsize.torch.find``. A gradient scaler belongs in
            ``also``.
        start, budget, seed, progress, callback, max_seconds, on_refusal: As in ``stepsize.find``.

    Raises:
        TypeError: When ``trainer`` is not an ``Engine``, or gives no loss.
        ValueError: When an argument is out of range.
        RefusedError: With ``on_refusal="raise"``, when the search refused.

    Example::

        trainer = create_supervised_trainer(model, optimizer, loss_fn)
        estimate = stepsize.ignite.find(trainer, model, loader, optimizer, val_loader, epochs=10, loss_fn=loss_fn)
        estimate.apply(optimizer)
    """
    if not isinstance(trainer, ignite.engine.Engine):
        raise TypeError(
            f"trainer is a {type(trainer).__name__}; it must be an ignite Engine: find(trainer, model, loader, optimizer, val_loader)"
        )
    if loss_fn is not None and val_fn is not None:
        raise ValueError("loss_fn and val_fn: both given; trials are judged by one of them")
    steps = _search.steps_of(steps, epochs, _data.length(loader), accumulate)
    epoch = _search.epoch_of(_data.length(loader), accumulate)
    plan, followed = planned(schedule, scheduler, steps, optimizer, interval=scheduler_interval, epoch=epoch)
    restore = keep_attributes(trainer, trainer.state)
    task = _Task(
        trainer, output_transform, model, loss_fn, loader, optimizer, val_loader,
        closure=None if loss_fn is not None else lambda model, batch: torch.empty(0), val_fn=val_fn, accumulate=accumulate,
        val_batches=val_batches, also=also, snapshots=snapshots, schedule=plan, followed=followed,
        reach=[trainer._process_function, loss_fn, val_fn, loader, val_loader],
    )  # fmt: skip
    try:
        return _search.run_find(
            task, steps=steps, schedule=plan, start=start, budget=budget, seed=seed, progress=progress, callback=callback,
            max_seconds=max_seconds, on_refusal=on_refusal,
        )  # fmt: skip
    finally:
        restore()


class LearningRateFinder:
    """A handler that searches when a trainer starts, and gives the rate to the optimizer.

    Args:
        model, optimizer: What the process function trains with.
        val_loader: As in ``find``.
        **options: The other arguments of ``find``, but the length of the run, which is the
            trainer's. A refusal raises, unless ``on_refusal`` is ``"return"``; the run then keeps
            its rate.

    Attributes:
        estimate: The answer, or ``None`` before the search.

    Example::

        finder = stepsize.ignite.LearningRateFinder(model, optimizer, val_loader, loss_fn=loss_fn)
        finder.attach(trainer)
        trainer.run(loader, max_epochs=10)
    """

    def __init__(self, model: nn.Module, optimizer: Any, val_loader: Loader | None = None, **options: Any) -> None:
        self.model, self.optimizer, self.val_loader, self.options = model, optimizer, val_loader, options
        self.estimate: Answer | Refusal | None = None

    def __repr__(self) -> str:
        return f"LearningRateFinder(estimate={self.estimate!r})"

    def attach(self, trainer: Any) -> None:
        """Searches at the start of the next ``trainer.run``, and sets the rate. Give a scheduler
        that there is already as ``scheduler=``, or make it in a later handler of that event:
        schedulers keep the rate that they find.
        """
        trainer.add_event_handler(ignite.engine.Events.STARTED, self)

    def __call__(self, trainer: Any) -> None:
        """For ignite: called at the start of a run. A run that resumes keeps its rate."""
        state = trainer.state
        if state.iteration > 0:
            return
        length = state.epoch_length or _data.length(state.dataloader)
        if length is None or state.max_epochs is None:
            raise ValueError("the trainer does not know how long the run is: give run() max_epochs and epoch_length")
        accumulate = int(self.options.get("accumulate", 1))
        options = {"on_refusal": "raise", **self.options, "steps": max(1, length * state.max_epochs // accumulate)}
        self.estimate = find(trainer, self.model, state.dataloader, self.optimizer, self.val_loader, **options)
        if self.estimate:
            given = self.options.get("scheduler")
            self.estimate.apply(self.optimizer, *([] if given is None else [given]))


class _Task(Training):
    def __init__(self, engine: Any, loss_of: Callable[[Any], Any], *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.engine, self.loss_of, self.calls = engine, loss_of, 0
        if self.val_loader is None or (options["val_fn"] is None and options["closure"] is not None):
            self.evaluate = None  # type: ignore[assignment,method-assign]

    def check(self) -> None:
        """Takes one step, which tells whether the process function gives a loss. It is put back."""
        self._ready()
        self._batch = size_of(self.batches.next())
        self.batches.rewind()
        self._step()

    def _ready(self) -> None:
        super()._ready()
        self.engine.state.iteration = 0

    def _step(self) -> float:
        total = 0.0
        for _ in range(self.accumulate):
            state = self.engine.state
            state.iteration += 1
            state.batch = self.batches.next()
            state.output = self.engine._process_function(self.engine, state.batch)
            loss = self.loss_of(state.output)
            try:
                total += float(loss)
            except (TypeError, ValueError):
                raise TypeError(
                    f"the process function gives a {type(loss).__name__} after output_transform; it must be the loss, a number: "
                    "give output_transform="
                ) from None
        return total / self.accumulate
