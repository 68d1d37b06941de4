"""``find`` on a Hugging Face Trainer: each trial takes the Trainer's own steps.

The loaders, ``get_batch_samples``, ``training_step`` (with it ``compute_loss``), the clipping and
the optimizer are the Trainer's, in its order, so that a trial of full length has the losses that
``train()`` would log. Everything runs on a copy of the Trainer that shares the model. Its callbacks
are not called, nothing is logged, and no checkpoint is written.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal

import torch
from torch import nn
from transformers import set_seed
from transformers.trainer_utils import has_length

from .. import Answer, Refusal, Schedule, _defaults, _search
from .._answer import base_rates
from .._event import Callback
from ..torch.snapshot import keep_rng
from ..torch.trainers import keep_attributes, plan_of, stand_in
from ..torch.training import Training
from .callback import StepsizeCallback

__all__ = ["apply", "find"]


def find(
    trainer: Any,
    *,
    steps: int | None = None,
    schedule: str | Schedule | None = None,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    start: float | None = None,
    budget: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
    max_seconds: float | None = None,
    on_refusal: Literal["return", "raise"] = "return",
    snapshots: str | None = None,
) -> Answer | Refusal:
    """Finds the ``learning_rate`` for ``trainer.train()``.

    A trial takes the steps that ``train()`` would take: its batches in its order, its loss,
    gradient accumulation, clipping and mixed precision. Afterwards the Trainer, its model and the
    random generators are bit for bit as before, also after an exception or Ctrl-C. ``apply`` sets
    the rate.

    Args:
        trainer: A ``transformers.Trainer`` or a subclass. Trials are judged by the mean loss on its
            ``eval_dataset`` (all of them, when it is a dictionary); without one, on training
            batches in another order, which does not show overfitting.
        steps: Optimizer steps of the full run; by default those of its arguments (``max_steps``, or
            ``num_train_epochs``).
        schedule: The schedule of the full run: notation or a ``Schedule``. By default that of a
            ``StepsizeCallback``, else the Trainer's own, warm-up included.
        val_batches: The most batches of one evaluation, of each dataset.
        also: Other objects that a step changes: see ``stepsize.torch.Snapshot``.
        start, budget, seed, progress, callback, max_seconds, on_refusal: As in ``stepsize.find``.
        snapshots: As in ``stepsize.torch.find``.

    Raises:
        RefusedError: With ``on_refusal="raise"``, when the search refused.
        TypeError: When ``trainer`` is not a Trainer.
        ValueError: When an argument is out of range, the Trainer does not know how long the run is,
            its scheduler follows a metric, or it trains with DeepSpeed, FSDP, or several model
            replicas in one process.

    Example::

        estimate = stepsize.transformers.find(trainer)
        stepsize.transformers.apply(trainer, estimate)
        trainer.train()
    """
    with ready(trainer, steps, val_batches, also, snapshots) as task:
        return _search.run_find(
            task, steps=task.steps, schedule=task.planned_schedule() if schedule is None else schedule, start=start, budget=budget,
            seed=seed, progress=progress, callback=callback, max_seconds=max_seconds, on_refusal=on_refusal,
        )  # fmt: skip


@contextlib.contextmanager
def ready(
    trainer: Any, steps: int | None, val_batches: int, also: Sequence[Any] = (), snapshots: str | None = None
) -> Iterator[_Task]:
    """The task of a search with ``trainer``. At the end of the block the Trainer is as before."""
    _check(trainer, val_batches)
    parts = (trainer, trainer.accelerator, trainer.accelerator.gradient_state, trainer.callback_handler, trainer.state)
    restore = [keep_rng(), keep_attributes(*parts)]
    try:
        with _shadow(trainer) as (shadow, undo):
            restore += undo
            yield _Task(trainer, shadow, steps, val_batches, also, snapshots)
    finally:
        for one in reversed(restore):
            one()


def apply(trainer: Any, estimate: Answer | Refusal) -> float:
    """Sets the rate that a search found: ``trainer.args.learning_rate``, and the rates of the
    optimizer when the Trainer has one already. Its parameter groups keep the ratios of their rates.

    Args:
        trainer: The Trainer.
        estimate: What ``find`` returned.

    Returns:
        The rate.

    Raises:
        RefusedError: When the search refused.
        ValueError: When the Trainer makes its optimizer without ``args.learning_rate``.
    """
    lr = estimate.require()
    optimizer = trainer.optimizer
    if optimizer is None:
        trainer.args.learning_rate = lr / _first_over_given(trainer)
        return lr
    trainer.args.learning_rate = lr
    schedulers = [] if trainer.lr_scheduler is None else [trainer.lr_scheduler]
    estimate.apply(optimizer, *schedulers)
    return lr


def _first_over_given(trainer: Any) -> float:
    """The rate of the first group of the optimizer that the Trainer will make, over
    ``args.learning_rate``: a ``create_optimizer`` of the caller may give each layer its own.
    """
    firsts = []
    for rate in (1e-3, 2e-3):
        shadow = copy.copy(trainer)
        shadow.args = copy.copy(trainer.args)
        shadow.args.learning_rate = rate
        shadow.create_optimizer()
        firsts.append(base_rates(shadow.optimizer)[0] / rate)
    if not 0.0 < firsts[0] < math.inf or not math.isclose(*firsts, rel_tol=1e-6):
        raise ValueError(
            "the first group of the optimizer that create_optimizer makes does not follow args.learning_rate, so the rate cannot be set "
            "there: make it from self.args.learning_rate, or write the rate, estimate.lr, where create_optimizer has it"
        )
    return firsts[0]


def _check(trainer: Any, val_batches: int) -> None:
    needed = ("get_train_dataloader", "get_batch_samples", "training_step", "create_optimizer", "accelerator")
    missing = [name for name in needed if not hasattr(trainer, name)]
    if missing:
        raise TypeError(
            f"trainer is a {type(trainer).__name__} without {missing[0]}: give a transformers.Trainer (4.46 or newer)"
        )
    if val_batches < 1:
        raise ValueError(f"val_batches is {val_batches}; it must be at least 1")
    if trainer.is_deepspeed_enabled or trainer.is_fsdp_enabled:
        kind = "DeepSpeed" if trainer.is_deepspeed_enabled else "FSDP"
        raise ValueError(
            f"trainer uses {kind}, whose shards of the model cannot be kept and put back: search without it, on a "
            "smaller model or one device"
        )
    if trainer.args.n_gpu > 1:
        raise ValueError(
            f"trainer replicates the model on {trainer.args.n_gpu} devices in one process: start one process for each "
            "(torchrun), or set CUDA_VISIBLE_DEVICES to one"
        )


@contextlib.contextmanager
def _shadow(trainer: Any) -> Iterator[tuple[Any, list[Callable[[], None]]]]:
    """A copy of the Trainer that is ready to train, and what undoes its traces.

    It does what ``train()`` does before its first step, in the same order, because that draws
    random numbers and wraps the model.
    """
    shadow = copy.copy(trainer)
    shadow.accelerator = copy.copy(trainer.accelerator)
    for name in ("_models", "_optimizers", "_schedulers", "_dataloaders"):
        setattr(shadow.accelerator, name, [])
    shadow.args, shadow.state = copy.copy(trainer.args), copy.deepcopy(trainer.state)
    shadow.is_in_train = True
    undo: list[Callable[[], None]] = []
    if trainer.optimizer is not None:
        undo.append(keep_attributes(getattr(trainer.optimizer, "optimizer", trainer.optimizer)))
    if trainer.model_init is not None:
        set_seed(trainer.args.seed)
        shadow.model = trainer.call_model_init(None)
        shadow.optimizer = shadow.lr_scheduler = None
        if getattr(trainer, "place_model_on_device", True):
            shadow._move_model_to_device(shadow.model, trainer.args.device)
        shadow.model_wrapped = shadow.model
    undo.append(keep_attributes(*shadow.model.modules()))
    checkpointing = getattr(trainer.args, "activation_checkpointing", False) or trainer.args.gradient_checkpointing
    if checkpointing and not getattr(shadow.model, "is_gradient_checkpointing", False):
        shadow.model.gradient_checkpointing_enable()
        undo.append(shadow.model.gradient_checkpointing_disable)
    shadow.loader = shadow.get_train_dataloader()
    if getattr(trainer, "_created_lr_scheduler", True):
        shadow.lr_scheduler = None
    shadow.create_optimizer()
    model = shadow._wrap_model(shadow.model_wrapped)
    if model is shadow.model:
        model, shadow.optimizer = shadow.accelerator.prepare(shadow.model, shadow.optimizer)
    else:
        shadow.optimizer = shadow.accelerator.prepare(shadow.optimizer)
    shadow.model_wrapped = model
    hook = None
    if getattr(trainer, "neftune_noise_alpha", None) is not None:
        hook = _neftune(shadow)
    try:
        yield shadow, undo
    finally:
        if hook is not None:
            hook.remove()


def _neftune(shadow: Any) -> Any:
    from transformers.integrations.neftune import activate_neftune

    return activate_neftune(shadow.model, shadow.neftune_noise_alpha, shadow.accelerator)


class _Task(Training):
    """``hf`` is the copy of the Trainer, ``given`` the user's."""

    def __init__(
        self, given: Any, hf: Any, steps: int | None, val_batches: int, also: Sequence[Any], snapshots: str | None
    ) -> None:
        self.given, self.hf, self.train_loader = given, hf, hf.loader
        self.each: int = val_batches
        self.loader_now: Any = hf.loader
        scaler, data = hf.accelerator.scaler, hf.eval_dataset
        self.names = list(data) if isinstance(data, dict) else [None]
        super().__init__(
            hf.model, None, self._once, getattr(hf.optimizer, "optimizer", hf.optimizer), None if data is None else self._held,
            closure=lambda model, batch: hf.compute_loss(hf.model_wrapped, hf._prepare_inputs(batch)), val_fn=self._judged,
            val_batches=val_batches * len(self.names), also=[*also, *([] if scaler is None else [scaler])], snapshots=snapshots,
            reach=[hf.loader, data, hf.data_collator, *(one for one in vars(given).values() if isinstance(one, nn.Module))],
        )  # fmt: skip
        self.name, self.loaders = "compute_loss", (hf.loader,)
        self.accumulate = hf.args.gradient_accumulation_steps
        self.length = len(hf.loader) if has_length(hf.loader) else None
        self.steps = self._planned() if steps is None else steps
        self.epoch, self.left = 0, math.inf
        self.running: Iterator[Any] | None = None
        self._outside = keep_attributes(hf.accelerator.gradient_state)

    def evaluate(self) -> float | tuple[float, float]:
        inside = keep_attributes(self.hf.accelerator.gradient_state)  # an open loader, perhaps at its end
        try:
            return super().evaluate()
        finally:
            inside()

    @property
    def description(self) -> str:
        count = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        optimizer = type(self.optimizer).__name__
        return f"{type(self.model).__name__}, {count} trained parameters, {optimizer}, {type(self.given).__name__}, {self.judge.words}"

    def _planned(self) -> int:
        args, length = self.hf.args, self.length
        if args.max_steps > 0:
            return int(args.max_steps)
        if length is None:
            raise ValueError(
                "the train_dataset has no length, and max_steps of the arguments is not set: give steps=, or set max_steps"
            )
        return math.ceil(float(args.num_train_epochs) * max(1, math.ceil(length / self.accumulate)))

    def planned_schedule(self) -> Schedule:
        """The schedule of ``train()``. Trials then also move the momentum as its scheduler does.
        """
        for callback in self.given.callback_handler.callbacks:
            if isinstance(callback, StepsizeCallback) and callback.schedule is not None:
                return Schedule(callback.schedule, steps=callback.steps or self.steps)
        if self.hf.lr_scheduler is not None:  # given by the user
            given, self.followed = plan_of(getattr(self.hf.lr_scheduler, "scheduler", self.hf.lr_scheduler), self.steps)
            return given
        given, self.followed = plan_of(self._scheduler_at(None), self.steps, make=self._scheduler_at)
        return given

    def _scheduler_at(self, lr: float | None) -> Any:
        """The Trainer's own scheduler at a rate of the first group."""
        maker, first = copy.copy(self.hf), base_rates(self.optimizer)[0]
        maker.args = copy.copy(self.hf.args)
        if lr is not None and first > 0.0:
            maker.args.learning_rate *= lr / first
        maker.optimizer, maker.lr_scheduler = stand_in(self.optimizer, lr), None
        maker.create_scheduler(self.steps, maker.optimizer)
        return maker.lr_scheduler

    def _ready(self) -> None:
        super()._ready()
        self._outside()  # the loader of the last trial is still open
        self.loader_now, self.epoch, self.running = self.train_loader, 0, None
        self.hf.state.global_step = 0

    def reseed(self, seed: int) -> None:
        super().reseed(seed)
        set_seed(seed)
        # The order of the data depends on a seed of the loader, not on the generators.
        config, args = self.hf.accelerator.dataloader_config, self.hf.args
        kept = config.data_seed, args.data_seed
        config.data_seed = args.data_seed = seed
        try:
            self.loader_now = self.hf.get_train_dataloader()
        finally:
            config.data_seed, args.data_seed = kept

    def _once(self) -> Iterator[Any]:
        """Batches to look at: the order that a ``reseed`` just before asked for, which no trial
        gets.
        """
        loader, self.loader_now = self.loader_now, self.train_loader
        return iter(loader)

    def _next_epoch(self) -> Iterator[Any]:
        loader: Any = self.loader_now
        samplers: list[Any] = [loader, getattr(getattr(loader, "batch_sampler", None), "batch_sampler", None)]
        for one in samplers:
            if hasattr(one, "set_epoch"):
                one.set_epoch(self.epoch)
        self.epoch += 1
        self.left = math.inf if self.length is None else self.length
        return iter(loader)

    def _batches(self) -> tuple[list[Any], Any]:
        """The batches of one optimizer step, fewer at the end of an epoch, and their count of
        items.
        """
        for _ in range(2):
            if self.running is None or self.left <= 0:
                self.running = self._next_epoch()
            count = int(min(self.accumulate, self.left))
            batches, items = self.hf.get_batch_samples(self.running, count, self.hf.args.device)
            self.left -= count
            if batches:
                return batches, items
            self.running = None
        raise ValueError("the train_dataset gives no batch: it needs at least one")

    def _step(self) -> float:
        hf, model = self.hf, self.hf.model_wrapped
        total = torch.tensor(0.0, device=hf.args.device)
        # The rest of a stream, too few batches for a step, goes into the first step of the next
        # pass.
        if self._accumulated(total) and self._accumulated(total):
            raise ValueError(
                f"the train_dataset gives fewer than the {self.accumulate} batches of a step (gradient_accumulation_steps), so the "
                "Trainer would never take one"
            )
        if hf.args.max_grad_norm is not None and hf.args.max_grad_norm > 0:
            hf.accelerator.clip_grad_norm_(model.parameters(), hf.args.max_grad_norm)
        hf.optimizer.step()
        model.zero_grad()
        hf.state.global_step += 1
        return float(total)

    def _accumulated(self, total: torch.Tensor) -> bool:
        """Adds the gradients and the loss of the next batches. Returns whether they are too few for
        a step.
        """
        hf, model, state = self.hf, self.hf.model_wrapped, self.hf.accelerator.gradient_state
        batches, items = self._batches()
        hf.current_gradient_accumulation_steps = len(batches)
        few = self.length is None and len(batches) < self.accumulate
        for at, batch in enumerate(batches):
            last = at == len(batches) - 1
            state._set_sync_gradients(last and not few)
            whole = last or state.plugin_kwargs.get("sync_each_batch", False)
            with contextlib.nullcontext() if whole else hf.accelerator.no_sync(model=model):
                total += hf.training_step(model, batch, items)
        return few

    def _held(self) -> Iterator[Any]:
        loaders = (self.hf.get_eval_dataloader(name) for name in self.names)
        return itertools.chain.from_iterable(itertools.islice(loader, self.each) for loader in loaders)

    def _judged(self, model: nn.Module, batch: Any) -> float:
        loss, _, _ = self.hf.prediction_step(model, batch, prediction_loss_only=True)
        if loss is None:
            raise ValueError(
                "the evaluation gives no loss, because the eval_dataset has none of the labels "
                f"{self.hf.label_names}: add them, or set label_names of the arguments"
            )
        return float(loss.mean())
