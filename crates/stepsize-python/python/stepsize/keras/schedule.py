"""A Keras ``LearningRateSchedule`` that carries a controller, and the callback that reports to the
controller.

The schedule is a formula in ``keras.ops``, so it compiles on every backend. The factor of the
controller is a constant in the compiled step; when it changes, which is rare, the step is compiled
again. The state of the controller is in the schedule. ``.keras`` files keep it with the
configuration of the optimizer. Files of weights (and so ``BackupAndRestore``) keep it because the
callback makes the schedule an attribute of the model.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
from keras.src.saving.keras_saveable import KerasSaveable  # Keras saves attributes of a model that have this class

from .. import Policy
from .. import Schedule as _Schedule
from .._formula import formula
from .._given import checked_rate

__all__ = ["Controller", "Schedule"]


@keras.saving.register_keras_serializable(package="stepsize")
class Schedule(keras.optimizers.schedules.LearningRateSchedule, KerasSaveable):
    """The rate of a run, ``lr x schedule(step) x controller``. Give it to an optimizer as its
    ``learning_rate``.

    Args:
        lr: The base rate.
        schedule: Notation or a ``stepsize.Schedule``.
        steps: Length of the run in optimizer steps.
        controller: Notation of a controller; the callback ``Controller`` reports to it.
        calls_per_step: Iterations, as Keras counts them, of one optimizer step: its
            ``gradient_accumulation_steps``.

    Raises:
        NotationError: When a text does not parse.
        ValueError: When ``calls_per_step`` is below 1.
        TypeError: When ``lr`` is not a number.

    Example::

        schedule = stepsize.keras.Schedule(1e-3, "cosine", steps=10_000, controller="plateau(patience=5)")
        model.compile(keras.optimizers.Adam(schedule), loss)
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
            raise ValueError(f"calls_per_step is {calls_per_step}; it must be at least 1")
        checked_rate(lr)
        self.policy = Policy(lr, schedule, controller, steps=steps)
        self.calls_per_step = calls_per_step
        self._formula = formula(self.policy.schedule, keras.ops)

    def __repr__(self) -> str:
        policy = self.policy
        return f"Schedule({policy.lr!r}, {str(policy.schedule)!r}, controller={policy.controller!r})"

    def __call__(self, step: Any) -> Any:
        step = keras.ops.convert_to_tensor(step)
        if "int" not in keras.backend.standardize_dtype(step.dtype):
            step = keras.ops.cast(step, "int32")
        rate = self.policy.lr * self._formula(step // self.calls_per_step) * self.policy.factor
        return keras.ops.cast(rate, keras.config.floatx())

    def get_config(self) -> dict[str, Any]:
        """For Keras: the arguments to make it again, and the state of the controller."""
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
        """For Keras: makes the schedule again from its configuration."""
        made_of = dict(config)
        state = made_of.pop("state", {})
        made = cls(**made_of)
        made.policy.load_state_dict(state)
        return made

    def _obj_type(self) -> str:
        return "Loss"  # Keras allows only its own names; this one stands for an object without layers

    def save_own_variables(self, store: Any) -> None:
        """For Keras: saves the state of the controller with the weights."""
        store["state"] = np.frombuffer(self.policy.to_json().encode(), np.uint8)

    def load_own_variables(self, store: Any) -> None:
        """For Keras: continues from the state that was saved with the weights, if there is one."""
        if "state" in store.keys() and self.policy.controller is not None:
            saved = Policy.from_json(bytes(np.asarray(store["state"])).decode())
            if saved.controller is not None:
                self.policy.load_state_dict(saved.state_dict())


class Controller(keras.callbacks.Callback):
    """A callback that reports a metric to the controller of the optimizer's ``Schedule`` after each
    epoch.

    A value that is not finite changes nothing and gives a warning. The rate is logged as
    ``learning_rate``. Put this callback before those that save, so that they save the state after
    the report.

    Args:
        monitor: Name of a logged metric.

    Raises:
        ValueError: In training, when the schedule of the optimizer has no controller, or
            ``monitor`` is not logged.
    """

    def __init__(self, monitor: str = "val_loss") -> None:
        super().__init__()
        self.monitor = monitor

    def __repr__(self) -> str:
        return f"Controller({self.monitor!r})"

    @property
    def _trained(self) -> Any:
        """The model. Keras sets it before it calls any other method."""
        return self.model

    def _schedule(self) -> Schedule:
        schedule = getattr(self._trained.optimizer, "_learning_rate", None)
        if not isinstance(schedule, Schedule) or schedule.policy.controller is None:
            raise ValueError(
                "the optimizer has no controller to report to: compile the model with "
                "learning_rate=stepsize.keras.Schedule(lr, ..., controller='plateau(patience=10)')"
            )
        return schedule

    def set_model(self, model: Any) -> None:
        """For Keras: called before training, and before any callback loads weights."""
        super().set_model(model)
        model.stepsize_schedule = self._schedule()

    def on_train_begin(self, logs: Any = None) -> None:
        """For Keras: called when training begins."""
        self._schedule()
        self._trained.make_train_function(force=True)  # loaded weights may have another factor

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """For Keras: reports the metric."""
        logs, policy = {} if logs is None else logs, self._schedule().policy
        if self.monitor not in logs:
            raise ValueError(f"{self.monitor!r} is not logged: give monitor= one of these: {', '.join(logs) or 'none'}")
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
