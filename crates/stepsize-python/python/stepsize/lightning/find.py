"""``find`` on a Lightning trainer: each trial is run by the trainer's own training loop.

A copy of the trainer fits the module, and in the place of its epochs it runs the search: the
batches, ``training_step`` with its hooks, accumulation, clipping and precision are Lightning's. The
copy has no callbacks, no logger and no checkpoints.
"""

from __future__ import annotations

import functools
import inspect
from typing import Any, Literal

from .. import Answer, Refusal, Schedule, _defaults, _search
from .._answer import base_rates
from .._event import Callback
from .task import Task, searched

try:
    import lightning.pytorch as pl
    from lightning.pytorch.utilities.parsing import lightning_getattr, lightning_hasattr, lightning_setattr
except ImportError:  # the other name of the package
    import pytorch_lightning as pl
    from pytorch_lightning.utilities.parsing import lightning_getattr, lightning_hasattr, lightning_setattr

__all__ = ["LearningRateFinder", "apply", "find"]

_NAMES = ("lr", "learning_rate")
"""Attributes that hold the rate, in the order in which Lightning's own finder looks for them."""


def find(
    trainer: Any,
    module: Any,
    datamodule: Any = None,
    val_dataloaders: Any = None,
    *,
    train_dataloaders: Any = None,
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

    A trial takes the steps that ``fit`` would take. Afterwards the trainer, the module, its data
    and the random generators are as before, the weights bit for bit, also after an exception or
    Ctrl-C.

    Args:
        trainer: The trainer of the full run. Its callbacks and loggers are not called.
        module: A module with one optimizer and automatic optimization. ``configure_optimizers`` may
            give its optimizer in any form, with or without a scheduler.
        datamodule: A ``LightningDataModule``, or loaders of training batches.
        train_dataloaders, val_dataloaders: Loaders, as ``fit`` takes them.
        steps: Optimizer steps of the full run; by default the trainer's own estimate.
        schedule: The schedule of the full run: notation or a ``Schedule``. By default that of a
            ``StepsizeCallback`` of the trainer, else of the module's scheduler, else constant.
        monitor: Metric that ``validation_step`` logs and trials are judged by; less is better. A
            module without validation is judged by the mean of its last training losses, which does
            not show overfitting.
        val_batches: The most batches of one evaluation, of each loader.
        update_attr, attr_name: Whether ``apply`` is called with the answer, and for which
            attribute.
        start, budget, seed, progress, callback, max_seconds, on_refusal: As in ``stepsize.find``.
        snapshots: As in ``stepsize.torch.find``.

    Raises:
        RefusedError: With ``on_refusal="raise"``, when the search refused.
        TypeError: When ``trainer`` or ``module`` is something else.
        ValueError: When an argument is out of range, ``monitor`` is not logged, the length of the
            run is not known, or the module optimizes by hand, has several optimizers, or a
            scheduler that follows a metric.

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
    task, estimate = searched(
        trainer, module, {"datamodule": datamodule, "train_dataloaders": train_dataloaders, "val_dataloaders": val_dataloaders},
        lambda fitted: Task(fitted, trainer, steps, monitor, val_batches, snapshots), search, schedule,
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
        first: Rate of the first parameter group with the attribute as it is, if that is not the
            attribute itself; their ratio is kept.

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


class LearningRateFinder(pl.Callback):  # pyright: ignore[reportGeneralTypeIssues] one of two packages
    """Searches for the rate at the beginning of ``fit``, and trains with it. It takes the place of
    Lightning's own ``LearningRateFinder``.

    A run that resumes from a checkpoint keeps the rate of the checkpoint, and ``fast_dev_run`` does
    not search.

    Args:
        update_attr: Whether to set the module's attribute too, so that it is in the hyperparameters
            of checkpoints.
        attr_name: Name of that attribute; by default ``lr`` or ``learning_rate``.
        **options: Arguments of ``find``, from ``steps`` on. A refusal raises, unless ``on_refusal``
            is ``"return"``; the run then keeps its rate.

    Attributes:
        estimate: The answer, or ``None`` before the search.

    Raises:
        RefusedError: In training, when the search refused.

    Example::

        finder = stepsize.lightning.LearningRateFinder()
        trainer = lightning.Trainer(max_epochs=10, callbacks=[finder])
    """

    def __init__(self, *, update_attr: bool = True, attr_name: str = "", **options: Any) -> None:
        known = set(inspect.signature(find).parameters) - {"trainer", "module", "datamodule", "update_attr", "attr_name"}
        for name in options:
            if name not in known:
                raise TypeError(f"{name}= is not an argument: it must be one of {', '.join(sorted(known))}")
        self.update_attr, self.attr_name, self.options = update_attr, attr_name, options
        self.estimate: Answer | Refusal | None = None

    def __repr__(self) -> str:
        return f"LearningRateFinder(estimate={self.estimate!r})"

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
        schedulers = [config.scheduler for config in configs]
        first = base_rates(optimizers[0], schedulers)[0]
        self.estimate.apply(optimizers[0], *schedulers)
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
    if getattr(trainer, "fast_dev_run", False):
        raise ValueError("trainer has fast_dev_run, which trains a few batches only: search without it")
    if not module.automatic_optimization:
        raise ValueError(
            "module has automatic_optimization = False, so only its own code knows what a step is: use stepsize.find with "
            "that code as step="
        )
