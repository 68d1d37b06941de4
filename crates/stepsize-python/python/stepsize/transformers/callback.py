"""The callback for the Hugging Face Trainer: it brings the schedule, and reports to the controller.

The Trainer always makes a scheduler of its own. The callback sets the rates after that scheduler,
just before each optimizer step, and puts them into the scheduler, so that the Trainer logs the true
rates. The position is the Trainer's ``global_step``, which counts optimizer steps for any number of
processes and of accumulated batches. Only the controller has a state; it is saved in
``trainer_state.json``.
"""

from __future__ import annotations

import warnings
from typing import Any

from transformers import TrainerCallback
from transformers.trainer_callback import ExportableState

from .. import Schedule
from ..torch.scheduler import LRScheduler

__all__ = ["StepsizeCallback"]


class StepsizeCallback(TrainerCallback, ExportableState):
    """Sets the rate of a run, ``lr(step) = base x schedule(step) x controller``.

    The base rate is ``learning_rate`` of the ``TrainingArguments``.

    Args:
        schedule: Notation or a ``Schedule``. Without it, the callback only reports to the
            ``stepsize.torch.LRScheduler`` that the Trainer was given, ``optimizers=(optimizer,
            scheduler)``.
        steps: Length of the run in optimizer steps; by default the Trainer's own.
        controller: Notation of a controller. The callback reports ``monitor`` to it after each
            evaluation.
        monitor: Name of an evaluation metric. A value that is not finite changes nothing and gives
            a warning.

    Raises:
        ValueError: In training, when there is no controller to report to, or ``monitor`` is not
            evaluated.

    Example::

        trainer = Trainer(model, arguments, train_dataset=data, callbacks=[StepsizeCallback("warmup(10%) then linear")])
    """

    def __init__(
        self,
        schedule: str | Schedule | None = None,
        steps: int | None = None,
        *,
        controller: str | None = None,
        monitor: str = "eval_loss",
    ) -> None:
        if controller is not None and schedule is None:
            schedule = "constant"
        self.schedule, self.steps, self.controller, self.monitor = schedule, steps, controller, monitor
        self.controller_state: dict[str, float] | None = None
        self._scheduler: LRScheduler | None = None

    def __repr__(self) -> str:
        return f"StepsizeCallback({self.schedule!r}, steps={self.steps}, controller={self.controller!r}, monitor={self.monitor!r})"

    def state(self) -> dict[str, Any]:
        """For the Trainer: the arguments and the state of the controller, which go into
        ``trainer_state.json``.
        """
        schedule = None if self.schedule is None else str(self.schedule)
        args = {"schedule": schedule, "steps": self.steps, "controller": self.controller, "monitor": self.monitor}
        if self._scheduler is not None and self._scheduler.controlled:
            self.controller_state = self._scheduler.state_dict()["controller"]
        return {"args": args, "attributes": {"controller_state": self.controller_state}}

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self.schedule is None:
            return
        optimizer = kwargs["optimizer"]
        optimizer = getattr(optimizer, "optimizer", optimizer)  # without the wrapper of accelerate
        steps = state.max_steps if self.steps is None else self.steps
        # The Trainer's scheduler keeps the base rate in the groups, and a checkpoint restores it.
        self._scheduler = LRScheduler(
            optimizer, self.schedule, steps, controller=self.controller, last_epoch=state.global_step - 1
        )
        saved = state.stateful_callbacks.get(type(self).__name__) if state.global_step else None
        if isinstance(saved, dict):  # from a checkpoint
            self.controller_state = saved["attributes"]["controller_state"]
        if self.controller_state is not None and self.controller is not None and state.global_step:
            self._scheduler.load_state_dict({**self._scheduler.state_dict(), "controller": self.controller_state})

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if self._scheduler is not None:
            self._scheduler._update_lr(state.global_step)
            kwargs["lr_scheduler"]._last_lr = self._scheduler.get_last_lr()

    def on_evaluate(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        given = kwargs.get("lr_scheduler")
        scheduler = self._scheduler or getattr(given, "scheduler", given)
        if not isinstance(scheduler, LRScheduler) or not scheduler.controlled:
            if self.schedule is None:
                raise ValueError("the Trainer has no scheduler with a controller: give controller= to StepsizeCallback")
            return
        metrics = kwargs["metrics"]
        if self.monitor not in metrics:
            evaluated = ", ".join(metrics) or "none"
            raise ValueError(f"{self.monitor!r} is not evaluated: give monitor= one of these: {evaluated}")
        try:
            why = scheduler.observe(float(metrics[self.monitor]))
        except ValueError as refused:
            warnings.warn(f"step {state.global_step}: {self.monitor} is refused: {refused}", stacklevel=2)
            return
        if why is not None:
            warnings.warn(f"the controller ends the run: {why}", stacklevel=2)
            control.should_training_stop = True
