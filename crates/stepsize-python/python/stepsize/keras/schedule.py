"""Stepsize for Keras 3: a ``LearningRateSchedule`` that carries a controller, and the callback that reports to it.

The schedule is a formula in ``keras.ops``, so it compiles on every backend. The controller's factor is a number in the
compiled step; when it changes, which is rare, the step is compiled anew. The controller's state lives in the schedule:
``.keras`` files keep it with the optimizer's configuration, files of weights (and so ``BackupAndRestore``) because the
callback makes the schedule an attribute of the model.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras.src.saving.keras_saveable import KerasSaveable  # Keras saves the attributes of a model that are of it

from .. import Policy
from .. import Schedule as _Schedule
from .._formula import formula

__all__ = ["Controller", "Schedule"]


@keras.saving.register_keras_serializable(package="stepsize")
class Schedule(keras.optimizers.schedules.LearningRateSchedule, KerasSaveable):
    """``lr x schedule(step) x controller``: give it to an optimizer as its ``learning_rate``.

    Args:
        lr: The base rate.
        schedule: Notation or a ``stepsize.Schedule``.
        steps: Length of the run in optimizer steps.
        controller: Notation of a controller, for the callback ``Controller`` to report to.
        calls_per_step: What Keras counts as iterations for each step: ``gradient_accumulation_steps`` of the optimizer.
    """

    def __init__(
        self,
        lr: float,
        schedule: str | _Schedule = "constant",
        steps: int | None = None,
        *,
        controller: str | None = None,
        calls_per_step: int = 1,
    ) -> None:
        if calls_per_step < 1:
            raise ValueError(f"calls_per_step is at least 1, not {calls_per_step}")
        self.policy = Policy(lr, schedule, controller, steps=steps)
        self.calls_per_step = calls_per_step
        self._formula = formula(self.policy.schedule, keras.ops)

    def __call__(self, step: Any) -> Any:
        step = keras.ops.convert_to_tensor(step)
        if "int" not in keras.backend.standardize_dtype(step.dtype):
            step = keras.ops.cast(step, "int32")
        rate = self.policy.lr * self._formula(step // self.calls_per_step) * self.policy.factor
        return keras.ops.cast(rate, keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """How to make it again, with the controller's state."""
        policy = self.policy
        return {
            "lr": policy.lr,
            "schedule": str(policy.schedule),
            "controller": policy.controller,
            "calls_per_step": self.calls_per_step,
            "state": policy.state_dict(),
        }

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Schedule:
        made_of = dict(config)
        state = made_of.pop("state", {})
        made = cls(**made_of)
        made.policy.load_state_dict(state)
        return made

    def _obj_type(self) -> str:
        return "Loss"  # of Keras's closed list the nearest: an object without layers

    def save_own_variables(self, store: Any) -> None:
        """For Keras: the controller's state among the weights."""
        store["state"] = np.frombuffer(self.policy.to_json().encode(), np.uint8)

    def load_own_variables(self, store: Any) -> None:
        """For Keras: goes on with the state among the weights, if there is one."""
        if "state" in store.keys() and self.policy.controller is not None:
            saved = Policy.from_json(bytes(np.asarray(store["state"])).decode())
            if saved.controller is not None:
                self.policy.load_state_dict(saved.state_dict())


class Controller(keras.callbacks.Callback):
    """Reports ``monitor`` to the controller of the optimizer's ``Schedule`` after each epoch.

    A value that is not finite is refused with a warning and changes nothing. The rate is logged as ``learning_rate``. Put
    it before callbacks that save, so that they save what it has heard.
    """

    def __init__(self, monitor: str = "val_loss") -> None:
        super().__init__()
        self.monitor = monitor

    @property
    def _trained(self) -> Any:
        """The model that is trained: Keras sets it before any other method is called."""
        return self.model

    def _schedule(self) -> Schedule:
        schedule = getattr(self._trained.optimizer, "_learning_rate", None)
        if not isinstance(schedule, Schedule) or schedule.policy.controller is None:
            raise ValueError(
                "the optimizer has no controller to report to: give it learning_rate=stepsize.keras.Schedule("
                "lr, ..., controller='plateau(patience=10)')"
            )
        return schedule

    def set_model(self, model: Any) -> None:
        super().set_model(model)
        model.stepsize_schedule = self._schedule()  # before any callback loads weights

    def on_train_begin(self, logs: Any = None) -> None:
        self._schedule()
        self._trained.make_train_function(force=True)  # weights that were loaded may have brought another factor

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        logs, policy = {} if logs is None else logs, self._schedule().policy
        if self.monitor not in logs:
            raise ValueError(f"{self.monitor!r} is not logged; what is: {', '.join(logs) or 'nothing'}")
        before = policy.factor
        try:
            why = policy.observe(float(logs[self.monitor]), int(self._trained.optimizer.iterations))
        except ValueError as refused:
            warnings.warn(f"epoch {epoch}: {self.monitor} is refused: {refused}", stacklevel=2)
            why = None
        if policy.factor != before:
            self._trained.make_train_function(force=True)
        if why is not None:
            warnings.warn(f"the controller ends the run: {why}", stacklevel=2)
            self._trained.stop_training = True
        rate: Any = keras.ops.convert_to_numpy(self._trained.optimizer.learning_rate)
        logs["learning_rate"] = float(rate)
