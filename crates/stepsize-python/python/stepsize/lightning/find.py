"""``find`` on a Lightning trainer: each trial is run by the trainer's own training loop.

A copy of the trainer fits the module, and in the place of its epochs it runs the search: the batches,
``training_step`` with its hooks, accumulation, clipping and precision are Lightning's. The copy has no
callbacks, no logger and no checkpoints.
"""

from __future__ import annotations

import copy
import functools
import inspect
import math
import warnings
from collections.abc import Callable
from typing import Any, Literal

import torch

from .. import Answer, Refusal, Schedule, _data, _defaults, _search
from .._event import Callback
from ..torch.snapshot import keep_rng
from ..torch.trainers import keep_attributes, schedule_of
from ..torch.training import Training
from .callback import StepsizeCallback, pl

try:
    from lightning.pytorch.utilities.model_helpers import is_overridden
    from lightning.pytorch.utilities.parsing import lightning_getattr, lightning_hasattr, lightning_setattr
except ImportError:  # the other name of the package
    from pytorch_lightning.utilities.model_helpers import is_overridden
    from pytorch_lightning.utilities.parsing import lightning_getattr, lightning_hasattr, lightning_setattr

__all__ = ["LearningRateFinder", "apply", "find"]

_NAMES = ("lr", "learning_rate")
"""Attributes that hold the rate, in the order in which Lightning's own finder looks for them."""


def find(
    trainer: Any,
    module: Any,
    datamodule: Any = None,
    *,
    train_dataloaders: Any = None,
    val_dataloaders: Any = None,
    steps: int | None = None,
    schedule: str | Schedule | None = None,
    monitor: str = "val_loss",
    val_batches: int = _defaults.VAL_BATCHES,
    update_attr: bool = False,
    attr_name: str = "",
    start: float | None = None,
    budget: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
    max_seconds: float | None = None,
    on_refusal: Literal["return", "raise"] = "return",
    snapshots: str | None = None,
) -> Answer | Refusal:
    """Finds the rate of a ``LightningModule`` for ``trainer.fit(module, datamodule)``.

    A trial takes the steps that ``fit`` would take. Afterwards the trainer, the module, its data and the
    random generators are as before, the weights bit for bit, also after an exception or Ctrl-C.

    Args:
        trainer: The trainer of the full run. Its callbacks and loggers are not called.
        module: A module with one optimizer and automatic optimization. ``configure_optimizers`` may give
            its optimizer in any form, with or without a scheduler.
        datamodule: A ``LightningDataModule``, or loaders of training batches.
        train_dataloaders, val_dataloaders: Loaders, as ``fit`` takes them.
        steps: Optimizer steps of the full run; by default the trainer's own estimate.
        schedule: The schedule of the full run: notation or a ``Schedule``. By default that of a
            ``StepsizeCallback`` of the trainer, else of the module's scheduler, else constant.
        monitor: Metric that ``validation_step`` logs and trials are judged by; less is better. A module
            without validation is judged by the mean of its last training losses, which does not show
            overfitting.
        val_batches: The most batches of one evaluation, of each loader.
        update_attr, attr_name: Whether ``apply`` is called with the answer, and for which attribute.
        start, budget, seed, progress, callback, max_seconds, on_refusal: As in ``stepsize.find``.
        snapshots: As in ``stepsize.torch.find``.

    Raises:
        RefusedError: With ``on_refusal="raise"``, when the search refused.
        TypeError: When ``trainer`` or ``module`` is something else.
        ValueError: When an argument is out of range, ``monitor`` is not logged, the length of the run is
            not known, or the module optimizes by hand, has several optimizers, or a scheduler that
            follows a metric.

    Example::

        estimate = stepsize.lightning.find(trainer, module, datamodule)
        module.lr = estimate.require()
        trainer.fit(module, datamodule)
    """
    _check(trainer, module, val_batches)
    if datamodule is not None and not isinstance(datamodule, pl.LightningDataModule):
        if train_dataloaders is not None:
            raise TypeError(f"datamodule is a {type(datamodule).__name__}; it must be a LightningDataModule")
        datamodule, train_dataloaders = None, datamodule
    if update_attr:
        attr_name = _attribute(module, attr_name)
    search = functools.partial(
        _search.run_find, start=start, budget=budget, seed=seed, progress=progress, callback=callback, max_seconds=max_seconds
    )
    task, estimate = _searched(
        trainer, module, {"datamodule": datamodule, "train_dataloaders": train_dataloaders, "val_dataloaders": val_dataloaders},
        lambda fitted: _Task(fitted, trainer, steps, monitor, val_batches, snapshots), search, schedule,
    )  # fmt: skip
    if on_refusal == "raise":
        estimate.require()
    if update_attr and estimate:
        apply(module, estimate, attr_name=attr_name, first=task.first)
    return estimate


def apply(module: Any, estimate: Answer | Refusal, *, attr_name: str = "", first: float | None = None) -> float:
    """Sets the attribute of a module that ``configure_optimizers`` takes the rate from.

    Args:
        module: The module.
        estimate: The answer of ``find``.
        attr_name: Name of the attribute, of the module or its ``hparams``; by default ``lr`` or
            ``learning_rate``.
        first: Rate of the first parameter group with the attribute as it is, if that is not the attribute
            itself; their ratio is kept.

    Returns:
        The rate.

    Raises:
        RefusedError: When the search refused.
        ValueError: When the module has no such attribute.
    """
    lr = estimate.require()
    name = _attribute(module, attr_name)
    now = lightning_getattr(module, name)
    scaled = first is not None and now and first != float(now)
    lightning_setattr(module, name, lr * float(now) / first if scaled else lr)  # type: ignore[operator]
    return lr


class LearningRateFinder(pl.Callback):  # type: ignore[misc,name-defined] # pyright: ignore[reportGeneralTypeIssues]
    """Searches for the rate at the beginning of ``fit``, and trains with it. It takes the place of
    Lightning's own ``LearningRateFinder``.

    A run that resumes from a checkpoint keeps the rate of the checkpoint, and ``fast_dev_run`` does not
    search.

    Args:
        update_attr: Whether to set the module's attribute too, so that it is in the hyperparameters of
            checkpoints.
        attr_name: Name of that attribute; by default ``lr`` or ``learning_rate``.
        **options: Arguments of ``find``, from ``steps`` on. A refusal raises, unless ``on_refusal`` is
            ``"return"``; the run then keeps its rate.

    Attributes:
        estimate: The answer, or ``None`` before the search.

    Raises:
        RefusedError: In training, when the search refused.

    Example::

        trainer = lightning.Trainer(max_epochs=10, callbacks=[stepsize.lightning.LearningRateFinder()])
    """

    def __init__(self, *, update_attr: bool = True, attr_name: str = "", **options: Any) -> None:
        known = set(inspect.signature(find).parameters) - {"trainer", "module", "datamodule", "update_attr", "attr_name"}
        for name in options:
            if name not in known:
                raise TypeError(f"{name}= is not an argument: it must be one of {', '.join(sorted(known))}")
        self.update_attr, self.attr_name, self.options = update_attr, attr_name, options
        self.estimate: Answer | Refusal | None = None

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """For Lightning: called when the optimizers are made."""
        if trainer.fast_dev_run or trainer.ckpt_path is not None:
            return
        if self.update_attr:
            _attribute(pl_module, self.attr_name)
        sources = trainer.fit_loop._data_source, trainer.fit_loop.epoch_loop.val_loop._data_source
        loaders = [None if one.is_module() else one.instance for one in sources]
        optimizers, configs = trainer.strategy.optimizers, trainer.strategy.lr_scheduler_configs
        options = {"on_refusal": "raise", "train_dataloaders": loaders[0], "val_dataloaders": loaders[1], **self.options}
        device = pl_module.device
        try:
            self.estimate = find(trainer, pl_module, trainer.datamodule, **options)
        finally:
            pl_module.to(device)  # the end of a fit moves the module away from an accelerator
        if not self.estimate:
            return
        first = float(optimizers[0].param_groups[0].get("initial_lr", optimizers[0].param_groups[0]["lr"]))
        self.estimate.apply(optimizers[0], *(config.scheduler for config in configs))
        if self.update_attr:
            apply(pl_module, self.estimate, attr_name=self.attr_name, first=first)


def _attribute(module: Any, name: str) -> str:
    for one in [name] if name else _NAMES:
        if lightning_hasattr(module, one):
            return one
    looked = f"{name!r}" if name else " or ".join(map(repr, _NAMES))
    raise ValueError(
        f"the module has no attribute {looked} for the rate: give attr_name=, the one that configure_optimizers uses, or "
        "update_attr=False"
    )


def _check(trainer: Any, module: Any, val_batches: int) -> None:
    if not isinstance(trainer, pl.Trainer):
        raise TypeError(f"trainer is a {type(trainer).__name__}; it must be a lightning.Trainer: find(trainer, module, datamodule)")
    if not isinstance(module, pl.LightningModule):
        raise TypeError(f"module is a {type(module).__name__}; it must be a LightningModule: find(trainer, module, datamodule)")
    if val_batches < 1:
        raise ValueError(f"val_batches is {val_batches}; it must be at least 1")
    if trainer.world_size > 1:
        raise ValueError(
            f"trainer runs in {trainer.world_size} processes, which it starts itself: search with a trainer of one device "
            "(devices=1, and accumulate_grad_batches for the same batch)"
        )
    if trainer.fast_dev_run:
        raise ValueError("trainer has fast_dev_run, which trains a few batches only: search without it")
    if not module.automatic_optimization:
        raise ValueError(
            "module has automatic_optimization = False, so only its own code knows what a step is: use stepsize.find with "
            "that code as step="
        )


def _searched(
    trainer: Any,
    module: Any,
    data: dict[str, Any],
    make: Callable[[Any], _Task],
    search: Callable[..., Answer | Refusal],
    schedule: str | Schedule | None,
) -> tuple[_Task, Answer | Refusal]:
    """Fits the module with a copy of the trainer, and searches where the copy would train."""
    datamodule = [] if data["datamodule"] is None else [data["datamodule"]]
    restore = [keep_rng(), keep_attributes(*module.modules(), *datamodule)]
    fitted = _copied(trainer, module, data)
    found: list[Any] = []

    def run() -> None:
        # What is raised here must not reach the copy, which would end the process for Ctrl-C.
        try:
            task = make(fitted)
            given = task.schedule() if schedule is None else schedule
            found.extend((None, task, search(task, steps=task.steps, schedule=given)))
        except BaseException as fault:
            found[:] = [fault]

    _keep_before_the_first_batch(fitted.fit_loop)
    fitted.fit_loop.run = run
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the full run will say the same
            fitted.fit(module, **data)
    finally:
        for one in reversed(restore):
            one()
    if not found:
        raise ValueError("the trainer did not train: look for a limit of 0 batches, steps or epochs")
    fault, *result = found
    if fault is not None:
        raise fault
    task, estimate = result
    return task, estimate


def _copied(trainer: Any, module: Any, data: dict[str, Any]) -> Any:
    """A copy of the trainer without callbacks and loggers. Module, data and what is left out are shared."""
    shared = [module, *trainer.callbacks, *trainer.loggers, *(one for one in data.values() if one is not None)]
    for optimizer in trainer.strategy.optimizers:
        shared += [optimizer, *(config.scheduler for config in trainer.strategy.lr_scheduler_configs)]
    for loop in (trainer.fit_loop, trainer.fit_loop.epoch_loop.val_loop):
        shared += [one for one in (loop._data_source.instance, loop._combined_loader, loop._data_fetcher) if one is not None]
    shared += [one for one in (trainer.datamodule, trainer.strategy.model, trainer.strategy.lightning_module) if one is not None]
    copied = copy.deepcopy(trainer, {id(one): one for one in shared})
    copied.callbacks, copied.loggers = [], []
    copied.num_sanity_val_steps = 0
    loop = copied.fit_loop
    for one in (loop, loop.epoch_loop.val_loop):
        one._combined_loader = one._data_fetcher = None
    copied.strategy.optimizers, copied.strategy.lr_scheduler_configs = [], []
    return copied


def _keep_before_the_first_batch(loop: Any) -> None:
    """Makes the loop keep the random generators as they are before it opens its loader, which draws from
    them. ``configure_optimizers`` may be what makes it do so.
    """
    setup = loop.setup_data
    loop.before_the_first_batch = None

    def setup_data() -> None:
        if loop.before_the_first_batch is None:
            loop.before_the_first_batch = keep_rng()
        setup()

    loop.setup_data = setup_data


class _Seen(pl.Callback):  # type: ignore[misc,name-defined] # pyright: ignore[reportGeneralTypeIssues]
    """Sees what each training batch gave."""

    loss = math.nan

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if isinstance(outputs, dict):
            outputs = outputs.get("loss")
        # Lightning divides the loss by the number of accumulated batches, and gives it back undivided.
        self.loss = math.nan if outputs is None else float(outputs)


class _Task(Training):
    """``trainer`` is the copy, in the middle of its ``fit``; ``given`` the user's."""

    def __init__(self, trainer: Any, given: Any, steps: int | None, monitor: str, val_batches: int, snapshots: str | None = None) -> None:
        self.pl, self.given, self.monitor = trainer, given, monitor
        self.loop = trainer.fit_loop
        self.loop.setup_data()
        self.loop.before_the_first_batch()  # each trial opens the loader anew
        optimizers = trainer.strategy.optimizers
        if len(optimizers) != 1:
            raise ValueError(
                f"configure_optimizers gives {len(optimizers)} optimizers; the search takes one: with none nothing trains, and with "
                "several use stepsize.torch.find for one of them"
            )
        self.seen = _Seen()
        trainer.callbacks = [self.seen]
        self.schedulers, trainer.strategy.lr_scheduler_configs = trainer.strategy.lr_scheduler_configs, []
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        validates = self._validates()
        super().__init__(
            trainer.lightning_module, None, self._loader(), optimizers[0], closure=lambda module, batch: torch.empty(0),
            also=[] if scaler is None else [scaler], snapshots=snapshots,
        )  # fmt: skip
        self.judged = f"judged by {monitor}" if validates else "judged by training losses"
        group = optimizers[0].param_groups[0]
        self.first = float(group.get("initial_lr", group["lr"]))
        if steps is None:
            planned = trainer.estimated_stepping_batches
            if planned == math.inf:
                raise ValueError("the trainer does not know how long the run is: give steps=, or set max_steps or max_epochs")
            steps = int(planned)
        self.steps = steps
        self.progress = copy.deepcopy(self.loop.state_dict())
        self.evaluate = self._evaluate if validates else None  # type: ignore[assignment]
        limit = trainer.limit_val_batches
        trainer.limit_val_batches = min(limit, val_batches) if isinstance(limit, int) or limit == 1.0 else limit
        self.val_batches = val_batches

    @property
    def description(self) -> str:
        count = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        return f"{type(self.model).__name__}, {count} trained parameters, {type(self.optimizer).__name__}, Lightning, {self.judged}"

    def check(self) -> None:
        """Nothing: ``fit`` has checked what it can, and the first evaluation comes before the first step."""

    def _loader(self) -> Any:
        loaders = self.loop._combined_loader.flattened
        return loaders[0] if loaders else None

    def _validates(self) -> bool:
        source = self.loop.epoch_loop.val_loop._data_source
        return (
            self.pl.limit_val_batches != 0
            and is_overridden("validation_step", self.pl.lightning_module)
            and source.is_defined()
        )

    def schedule(self) -> Schedule | str:
        """The schedule of ``fit``."""
        for callback in self.given.callbacks:
            if isinstance(callback, StepsizeCallback) and callback.schedule is not None:
                return Schedule(callback.schedule, steps=callback.steps or self.steps)
        if not self.schedulers:
            return "constant"
        if len(self.schedulers) > 1:
            raise ValueError(f"configure_optimizers gives {len(self.schedulers)} schedulers for one optimizer: give schedule=")
        config = self.schedulers[0]
        batches = self.pl.num_training_batches
        epoch = None
        if config.interval == "epoch":
            if batches == math.inf:
                raise ValueError("the scheduler is stepped after epochs, and the training data have no length: give schedule=")
            epoch = max(1, math.ceil(batches / self.pl.accumulate_grad_batches))
        return schedule_of(config.scheduler, self.steps, every=config.frequency, epoch=epoch)

    def _ready(self) -> None:
        super()._ready()
        self.pl.training = True
        self.loop.load_state_dict(copy.deepcopy(self.progress))
        self.loop.restarting = False
        self.epoch_loop = self.loop.epoch_loop
        self.pl.should_stop = False
        self.pl._logger_connector.reset_results()
        self.pl._logger_connector.reset_metrics()
        self.fresh, self.running = True, False

    def _begin_epoch(self) -> None:
        self.loop.on_advance_start()
        fetcher = self.loop._data_fetcher
        if self.fresh:
            iter(fetcher)
            self.loop.reset()
            self.model.on_train_start()
        self.epoch_loop.reset()
        self.epoch_loop.on_run_start(fetcher)
        self.fresh, self.running = False, True

    def _step(self) -> float:
        losses: list[float] = []
        empty = 0
        while True:
            if not self.running:
                self._begin_epoch()
            try:
                self.epoch_loop.advance(self.loop._data_fetcher)
            except StopIteration:
                empty += 1
                if empty > 1:
                    raise ValueError("the training data give no batch: they need at least one") from None
                self._end_epoch()
                continue
            losses.append(self.seen.loss)
            stepped = not self.epoch_loop._should_accumulate()
            if stepped:
                self.epoch_loop._batches_that_stepped += 1
            self.epoch_loop.on_iteration_done()
            if self.epoch_loop._num_ready_batches_reached():
                self._end_epoch()
            if stepped:
                return sum(losses) / len(losses)

    def _end_epoch(self) -> None:
        self.loop.on_advance_end()
        self.loop.on_iteration_done()
        self.running = False

    def _evaluate(self) -> float:
        restore, connector = keep_rng(), self.pl._logger_connector
        first = connector._first_loop_iter
        self.pl.validating = True
        try:
            self.epoch_loop.val_loop.run()
        finally:
            self.pl.training = True
            connector._first_loop_iter = first
            restore()
        metrics = self.pl.callback_metrics
        if self.monitor not in metrics:
            logged = ", ".join(map(str, metrics)) or "nothing"
            raise ValueError(
                f"monitor is {self.monitor!r}, and validation_step logs {logged}: give monitor= one of these, or log the loss with "
                f"self.log({self.monitor!r}, loss)"
            )
        return float(metrics[self.monitor])

    def thin(self, steps: float) -> float:
        loop = self.loop.epoch_loop.val_loop
        loop.setup_data()
        loaders = loop._combined_loader.flattened
        size = max(getattr(one, "batch_size", None) or 1 for one in loaders)
        trained = (getattr(self.loader, "batch_size", None) or size) * self.pl.accumulate_grad_batches
        price, batches = _data.FORWARD * size / trained, sum(min(one, self.val_batches) for one in loop._max_batches)
        if batches * price > steps and isinstance(self.pl.limit_val_batches, int):
            each = max(int(steps / price), math.ceil(_data.LEAST / size)) // len(loaders)
            batches = sum(min(one, max(1, each)) for one in loop._max_batches)
            self.pl.limit_val_batches, loop._combined_loader = max(1, each), None
        return float(batches * price)
