"""``find`` on a Hugging Face Trainer: each trial takes the Trainer's own steps.

The loaders, ``get_batch_samples``, ``training_step`` (with it ``compute_loss``), the clipping and the
optimizer are the Trainer's, in its order, so that a trial of full length has the losses that
``train()`` would log. Everything runs on a copy of the Trainer that shares the model. Its callbacks
are not called, nothing is logged, and no checkpoint is written.
"""

from __future__ import annotations

import contextlib
import copy
import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import torch
from accelerate.state import GradientState
from torch import nn
from transformers import set_seed
from transformers.trainer_pt_utils import find_batch_size

from .. import Estimate, Schedule, _defaults, _search
from ..torch.find import mean_of_all
from ..torch.snapshot import keep_rng
from ..torch.task import TrainerTask, finite_mean, keep_attributes, schedule_of
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
) -> Estimate:
    """Finds the ``learning_rate`` for ``trainer.train()``.

    A trial takes the steps that ``train()`` would take: its batches in its order, its loss, gradient
    accumulation, clipping and mixed precision. Afterwards the Trainer, its model and the random
    generators are bit for bit as before, also after an exception or Ctrl-C. ``apply`` sets the rate.

    Args:
        trainer: A ``transformers.Trainer`` or a subclass. Trials are judged by the mean loss on its
            ``eval_dataset`` (all of them, when it is a dictionary); without one, on training batches
            in another order, which does not show overfitting.
        steps: Optimizer steps of the full run; by default those of its arguments (``max_steps``, or
            ``num_train_epochs``).
        schedule: The schedule of the full run: notation or a ``Schedule``. By default that of a
            ``StepsizeCallback``, else the Trainer's own, warm-up included.
        val_batches: The most batches of one evaluation, of each dataset.
        also: Other objects that a step changes: see ``stepsize.torch.Snapshot``.
        start, budget, seed, progress: As in ``stepsize.find``.

    Raises:
        TypeError: When ``trainer`` is not a Trainer.
        ValueError: When an argument is out of range, the Trainer does not know how long the run is,
            its scheduler follows a metric, or it trains with DeepSpeed, FSDP, or several model
            replicas in one process.

    Example::

        estimate = stepsize.transformers.find(trainer)
        stepsize.transformers.apply(trainer, estimate)
        trainer.train()
    """
    with ready(trainer, steps, val_batches, also) as task:
        return _search.run_find(
            task, steps=task.steps, schedule=task.schedule if schedule is None else schedule, start=start, budget=budget,
            seed=seed, progress=progress,
        )  # fmt: skip


@contextlib.contextmanager
def ready(trainer: Any, steps: int | None, val_batches: int, also: Sequence[Any]) -> Iterator[_Task]:
    """The task of a search with ``trainer``. At the end of the block the Trainer is as before."""
    _check(trainer, val_batches)
    gradient_state = GradientState()
    restore = [keep_rng(), keep_attributes(trainer, trainer.accelerator, trainer.callback_handler, trainer.state)]
    shared = {key: copy.copy(value) if isinstance(value, list) else value for key, value in vars(gradient_state).items()}
    try:
        with _shadow(trainer) as (shadow, undo):
            restore += undo
            yield _Task(trainer, shadow, steps, val_batches, also)
    finally:
        vars(gradient_state).update(shared)
        for one in reversed(restore):
            one()


def apply(trainer: Any, estimate: Estimate) -> float:
    """Sets the rate that a search found: ``trainer.args.learning_rate``, and the rates of the
    optimizer when the Trainer has one already. Its parameter groups keep the ratios of their rates.

    Returns:
        The rate.

    Raises:
        ValueError: When the search refused to answer.
    """
    lr = _found(estimate)
    trainer.args.learning_rate = lr
    optimizer = trainer.optimizer
    if optimizer is not None:
        schedulers = [] if trainer.lr_scheduler is None else [trainer.lr_scheduler]
        estimate.apply(optimizer, *schedulers)
    return lr


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

    It does what ``train()`` does before its first step, in the same order, because that draws random
    numbers and wraps the model.
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


class _Task(TrainerTask):
    def __init__(self, given: Any, trainer: Any, steps: int | None, val_batches: int, also: Sequence[Any]) -> None:
        optimizer = getattr(trainer.optimizer, "optimizer", trainer.optimizer)
        scaler = trainer.accelerator.scaler
        held = "training batches" if trainer.eval_dataset is None else "the eval_dataset"
        super().__init__(
            trainer.model, optimizer, [*also, *([scaler] if scaler is not None else [])],
            trainer=f"{type(trainer).__name__}, judged on {held}",
        )  # fmt: skip
        self.given, self.hf, self.count, self.train_loader = given, trainer, val_batches, trainer.loader
        self.accumulate: int = trainer.args.gradient_accumulation_steps
        self.data_seed = trainer.args.data_seed
        self.length = len(self.train_loader) if hasattr(self.train_loader, "__len__") else None
        self.steps = self._planned() if steps is None else steps
        self.held: list[Any] | None = None

    def _planned(self) -> int:
        args, length = self.hf.args, self.length
        if args.max_steps > 0:
            return int(args.max_steps)
        if length is None:
            raise ValueError(
                "the train_dataset has no length, and max_steps of the arguments is not set: give steps=, or set max_steps"
            )
        return math.ceil(args.num_train_epochs * max(1, math.ceil(length / self.accumulate)))

    @property
    def schedule(self) -> Schedule:
        """The schedule of ``train()``."""
        for callback in self.given.callback_handler.callbacks:
            if isinstance(callback, StepsizeCallback) and callback.schedule is not None:
                return Schedule(callback.schedule, steps=callback.steps or self.steps)
        if self.hf.lr_scheduler is not None:  # given by the user
            return schedule_of(getattr(self.hf.lr_scheduler, "scheduler", self.hf.lr_scheduler), self.steps)
        # The Trainer makes one for an optimizer of ours, because a scheduler changes the rates of its optimizer.
        maker = copy.copy(self.hf)
        rates = [float(group.get("initial_lr", group["lr"])) for group in self.optimizer.param_groups]
        groups = [{"params": [nn.Parameter(torch.zeros(1))], "lr": rate} for rate in rates]
        maker.optimizer, maker.lr_scheduler = torch.optim.SGD(groups, lr=rates[0]), None
        maker.create_scheduler(self.steps, maker.optimizer)
        return schedule_of(maker.lr_scheduler, self.steps)

    def begin(self, trial: Any = None) -> None:
        self.loader_now, self.epoch, self.running = self.train_loader, 0, None
        self.hf.state.global_step = 0
        self.hf.model_wrapped.zero_grad()

    def reseed(self, seed: int) -> None:
        set_seed(seed)
        # The order of the data depends on a seed of the loader, not on the generators.
        config, args = self.hf.accelerator.dataloader_config, self.hf.args
        kept = config.data_seed, args.data_seed
        config.data_seed = args.data_seed = seed
        try:
            self.loader_now = self.hf.get_train_dataloader()
        finally:
            config.data_seed, args.data_seed = kept

    def _next_epoch(self) -> None:
        loader = self.loader_now
        samplers = [loader, getattr(getattr(loader, "batch_sampler", None), "batch_sampler", None)]
        for one in samplers:
            if hasattr(one, "set_epoch"):
                one.set_epoch(self.epoch)
        self.epoch, self.running = self.epoch + 1, iter(loader)
        self.left = math.inf if self.length is None else self.length

    def _batches(self) -> tuple[list[Any], Any]:
        """The batches of one optimizer step, fewer at the end of an epoch, and their count of items."""
        for _ in range(2):
            if self.running is None or self.left <= 0:
                self._next_epoch()
            count = int(min(self.accumulate, self.left))
            batches, items = self.hf.get_batch_samples(self.running, count, self.hf.args.device)
            self.left -= count
            if batches:
                return batches, items
            self.running = None
        raise ValueError("the train_dataset gives no batch: it needs at least one")

    def step(self, lr: float) -> float:
        hf, model = self.hf, self.hf.model_wrapped
        self.set_rate(lr)
        batches, items = self._batches()
        hf.current_gradient_accumulation_steps = len(batches)
        state = hf.accelerator.gradient_state
        total = torch.tensor(0.0, device=hf.args.device)
        for at, batch in enumerate(batches):
            last = at == len(batches) - 1
            state._set_sync_gradients(last)
            whole = last or state.plugin_kwargs.get("sync_each_batch", False)
            with contextlib.nullcontext() if whole else hf.accelerator.no_sync(model=model):
                total += hf.training_step(model, batch, items)
        if hf.args.max_grad_norm is not None and hf.args.max_grad_norm > 0:
            hf.accelerator.clip_grad_norm_(model.parameters(), hf.args.max_grad_norm)
        hf.optimizer.step()
        model.zero_grad()
        hf.state.global_step += 1
        return mean_of_all(float(total), 1.0)

    def evaluate(self) -> float:
        hf = self.hf
        modes = [(module, module.training) for module in hf.model.modules()]
        restore = keep_rng()
        train_again = getattr(hf.optimizer, "train", lambda: None)
        try:
            hf.model.eval()
            getattr(hf.optimizer, "eval", lambda: None)()  # schedule-free optimizers
            total, weight = finite_mean(map(self._judge, self._held()), "the eval_dataset")
        finally:
            train_again()
            for module, training in modes:
                module.training = training
            restore()
        return mean_of_all(total, weight)

    def _judge(self, batch: Any) -> tuple[float, float]:
        loss, _, _ = self.hf.prediction_step(self.hf.model, batch, prediction_loss_only=True)
        if loss is None:
            raise ValueError(
                "the evaluation gives no loss, because the eval_dataset has none of the labels "
                f"{self.hf.label_names}: add them, or set label_names of the arguments"
            )
        return float(loss.mean()), float(find_batch_size(batch) or 1)

    def _held(self) -> Iterator[Any]:
        """The evaluation batches. Without validation data: training batches in another order than
        the trials have.
        """
        data = self.hf.eval_dataset
        if data is not None:
            names = list(data) if isinstance(data, dict) else [None]
            return itertools.chain.from_iterable(
                itertools.islice(self.hf.get_eval_dataloader(name), self.count) for name in names
            )
        if self.held is None:
            kept = self.loader_now
            self.reseed(torch.initial_seed() % 2**31 + 1)
            self.held, self.loader_now = list(itertools.islice(self.loader_now, self.count)), kept
        return iter(copy.copy(batch) for batch in self.held)


def _found(estimate: Estimate) -> float:
    if estimate.lr is None:
        raise ValueError(f"the search refused to answer ({estimate.refused}): {estimate.why}; {estimate.advice}")
    return estimate.lr


