"""The callback for Lightning: it brings the schedule, and reports to the controller.

The schedule becomes one of the trainer's own schedulers, so Lightning steps, logs, saves and
restores it. Accumulated batches make one step, and the state is in every checkpoint. From a
checkpoint that has no state of it, the schedule continues at the trainer's ``global_step``.
"""

from __future__ import annotations

import warnings
from typing import Any

try:
    import lightning.pytorch as pl
    from lightning.pytorch.utilities.types import LRSchedulerConfig
except ImportError:  # the other name of the package
    import pytorch_lightning as pl
    from pytorch_lightning.utilities.types import LRSchedulerConfig

from .. import Schedule
from ..torch.scheduler import LRScheduler

__all__ = ["StepsizeCallback"]


class StepsizeCallback(pl.Callback):  # pyright: ignore[reportGeneralTypeIssues] one of two packages
    """Sets the rate of a run, ``lr(step) = base x schedule(step) x controller``.

    The base rate is the one that ``configure_optimizers`` gives.

    Args:
        schedule: Notation or a ``Schedule``. Without it, the callback only reports to the module's
            own ``stepsize.torch.LRScheduler``, given as ``{"scheduler": ..., "interval": "step"}``.
        steps: Length of the run in optimizer steps; by default the trainer's own estimate.
        controller: Notation of a controller. The callback reports ``monitor`` to it after each
            validation, or after each epoch when there is no validation. Every process reports the
            value of the first one.
        monitor: Name of a logged metric. A value that is not finite changes nothing and gives a
            warning.

    Raises:
        ValueError: In training, when ``configure_optimizers`` gives a scheduler as well, the
            trainer does not know the length of the run, there is no controller to report to, or
            ``monitor`` is not logged.

    Example::

        trainer = lightning.Trainer(callbacks=[StepsizeCallback("warmup(5%) then cosine")], max_steps=10_000)
    """

    def __init__(
        self,
        schedule: str | Schedule | None = None,
        steps: int | None = None,
        *,
        controller: str | None = None,
        monitor: str = "val_loss",
    ) -> None:
        if controller is not None and schedule is None:
            schedule = "constant"
        self.schedule, self.steps, self.controller, self.monitor = schedule, steps, controller, monitor

    def __repr__(self) -> str:
        return f"StepsizeCallback({self.schedule!r}, steps={self.steps}, controller={self.controller!r}, monitor={self.monitor!r})"

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """For Lightning: called after the optimizers are made and before their states are restored.
        """
        if self.schedule is None:
            return
        configs = trainer.strategy.lr_scheduler_configs
        if configs:
            raise ValueError(
                "configure_optimizers gives a scheduler, and only one of two can set the rate: remove it, or remove "
                "StepsizeCallback"
            )
        steps = trainer.estimated_stepping_batches if self.steps is None else self.steps
        if steps == float("inf"):
            raise ValueError("the trainer does not know how long the run is: give StepsizeCallback steps=")
        for optimizer in trainer.optimizers:
            ours = LRScheduler(optimizer, self.schedule, int(steps), controller=self.controller)
            configs.append(LRSchedulerConfig(scheduler=ours, interval="step"))

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """For Lightning: called after everything is restored."""
        if self.schedule is not None:
            for scheduler in _ours(trainer):
                if scheduler.last_epoch == 0 < trainer.global_step:  # the checkpoint had no scheduler
                    scheduler._update_lr(trainer.global_step // len(trainer.optimizers))

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self._report(trainer)

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.enable_validation:
            self._report(trainer)

    def _report(self, trainer: Any) -> None:
        controlled = [scheduler for scheduler in _ours(trainer) if scheduler.controlled]
        if not controlled:
            if self.schedule is None:
                raise ValueError(
                    "no scheduler has a controller: give controller= to StepsizeCallback or to LRScheduler"
                )
            return
        metrics = trainer.callback_metrics
        if self.monitor not in metrics:
            logged = ", ".join(metrics) or "none"
            raise ValueError(f"{self.monitor!r} is not logged: give monitor= one of these: {logged}")
        value = float(trainer.strategy.broadcast(float(metrics[self.monitor])))
        for scheduler in controlled:
            try:
                why = scheduler.observe(value)
            except ValueError as refused:
                warnings.warn(f"step {trainer.global_step}: {self.monitor} is refused: {refused}", stacklevel=2)
                continue
            if why is not None:
                warnings.warn(f"the controller ends the run: {why}", stacklevel=2)
                trainer.should_stop = True


def _ours(trainer: Any) -> list[LRScheduler]:
    schedulers = [config.scheduler for config in trainer.lr_scheduler_configs]
    return [scheduler for scheduler in schedulers if isinstance(scheduler, LRScheduler)]
