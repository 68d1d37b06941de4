"""A schedule and a controller as a ``torch.optim.lr_scheduler.LRScheduler``.

The rate is a function of the position and the factor of the controller, not of the rate before. So
a scheduler can resume from the step number alone, can be asked for any step, and works inside
``SequentialLR``. Beyond its end it holds its last value.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler as _TorchLRScheduler

from .. import Controller as _Controller
from .. import Schedule
from .._native import Stepper
from .rates import copied_rate, momentum_of, set_momentum

__all__ = ["Controller", "LRScheduler"]

_VERSION = 1
_UNITS = ("steps", "samples", "tokens", "epochs")


def _of_stepper(name: str, doc: str) -> Any:
    """A property of the scheduler that reads and sets an attribute of its stepper."""

    def put(self: Any, value: int) -> None:
        setattr(self._stepper, name, value)

    return property(lambda self: getattr(self._stepper, name), put, doc=doc)


class LRScheduler(_TorchLRScheduler):
    """Sets the rate of each parameter group: ``lr(step) = base x schedule(step) x controller``.

    The base of a group is its own rate. Call ``step()`` after each optimizer step, as with any
    PyTorch scheduler.

    Args:
        optimizer: The rates of its groups are the base rates.
        schedule: Notation or a ``Schedule``: one for all groups, or a list with one for each.
        steps: Length of the run, counted in ``unit``. Notation without open lengths does not need
            it.
        controller: Notation of a controller, such as ``"plateau(patience=10)"``; ``observe``
            reports to it.
        momentum: A schedule whose factor multiplies ``momentum`` (or the first beta) of each group.
        unit: What ``steps`` and the lengths in the notation count: ``"steps"``, ``"samples"``,
            ``"tokens"`` or ``"epochs"``.
        per_step: For ``"samples"`` and ``"tokens"``: the samples or tokens of one call of ``step``,
            which is batch size x accumulation x processes. Leave the processes out where ``step``
            is called once for each, as accelerate does. ``step(amount=...)`` overrides it for one
            call.
        steps_per_epoch: For ``"epochs"``: calls of ``step`` in one epoch; 1 when it is called once
            in each epoch.
        calls_per_step: For ``"steps"``: calls of ``step`` that make one step. Under accelerate it
            is the number of processes.
        last_epoch: Steps taken so far minus 1, under PyTorch's name. To resume from the step number
            alone, give it with the *base* rate in the optimizer (or ``initial_lr`` in its groups).

    Raises:
        NotationError: When a text does not parse.
        ValueError: When an argument is out of range or contradicts another.
        TypeError: When ``optimizer`` is not a PyTorch optimizer.

    Example::

        scheduler = stepsize.torch.LRScheduler(optimizer, "warmup(5%) then cosine", steps=10_000)
        for batch in loader:
            ...
            optimizer.step()
            scheduler.step()
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedule: str | Schedule | Sequence[str | Schedule] = "constant",
        steps: int | None = None,
        *,
        controller: str | None = None,
        momentum: str | Schedule | None = None,
        unit: str = "steps",
        per_step: int | None = None,
        steps_per_epoch: int = 1,
        calls_per_step: int = 1,
        last_epoch: int = -1,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer is a {type(optimizer).__name__}; it must be a torch.optim.Optimizer")
        if unit not in _UNITS:
            raise ValueError(f"unit is {unit!r}; it must be one of {', '.join(_UNITS)}")
        if unit not in ("samples", "tokens") and per_step is not None:
            raise ValueError(f"per_step counts samples or tokens; unit is {unit!r}: leave out per_step or change unit")
        if min(steps_per_epoch, calls_per_step, 1 if per_step is None else per_step) < 1:
            raise ValueError("per_step, steps_per_epoch and calls_per_step must be at least 1")
        groups = len(optimizer.param_groups)
        given = [schedule] * groups if isinstance(schedule, (str, Schedule)) else list(schedule)
        if len(given) != groups:
            raise ValueError(f"{len(given)} schedules were given for {groups} groups: give one, or one for each group")
        if unit == "epochs" and steps_per_epoch > 1 and steps is None:
            raise ValueError("unit='epochs' needs the number of epochs: give steps=")
        self._scale = steps_per_epoch if unit == "epochs" else 1
        self._source = [str(one) for one in given]
        self._steps = steps
        self._plan: list[Schedule] = [self._planned(one) for one in given]
        self._momentum_plan = None if momentum is None else self._planned(momentum)
        self.unit = unit
        counted = 1 if unit in ("steps", "epochs") else per_step or 0  # 0: each call of step gives its amount
        self._stepper = Stepper(self._plan, [1.0] * groups, counted, calls_per_step)
        self._tensors = any(isinstance(group["lr"], Tensor) for group in optimizer.param_groups)
        self._plain = not self._tensors and momentum is None  # the stepper does everything
        if last_epoch >= 0:
            for group in optimizer.param_groups:
                group.setdefault("initial_lr", group["lr"])
        if momentum is not None:
            for group in optimizer.param_groups:
                group.setdefault("initial_momentum", momentum_of(group))
        first = optimizer.param_groups[0]
        base = float(first.get("initial_lr", first["lr"]))
        self._controller = None if controller is None else _Controller(controller, lr=base)
        super().__init__(optimizer, last_epoch)

    def _planned(self, given: str | Schedule) -> Schedule:
        schedule = Schedule(given, self._steps)
        if self._scale > 1 and self._steps is not None:
            schedule = schedule.compress(self._steps, self._steps * self._scale)
        return schedule

    # The stepper keeps these under PyTorch's names, because PyTorch's constructor and SequentialLR
    # assign them.
    last_epoch = _of_stepper("last_epoch", "Calls of ``step`` so far, without that of the constructor.")
    _step_count = _of_stepper("step_count", "Calls of ``step`` so far, with that of the constructor.")

    @property
    def _last_lr(self) -> list[float | Tensor]:  # type: ignore[override]
        if self._tensors:
            return [copied_rate(group["lr"]) for group in self.optimizer.param_groups]
        return list(self._stepper.last)

    @property
    def base_lrs(self) -> list[float | Tensor]:
        """The base rate of each group. It can be set; the new rates hold from the next step on."""
        return list(self._bases)

    @base_lrs.setter
    def base_lrs(self, bases: Sequence[float | Tensor]) -> None:  # pyright: ignore[reportIncompatibleVariableOverride]
        self._bases = [float(base) for base in bases]
        self._stepper.plan(self._plan, self._bases)
        self._stepper.at()

    @property
    def schedules(self) -> list[Schedule]:
        """The schedule of each group over the position."""
        return list(self._plan)

    @property
    def controlled(self) -> bool:
        """Whether there is a controller, which ``observe`` needs."""
        return self._controller is not None

    @property
    def position(self) -> int:
        """Steps, samples or tokens taken before the next optimizer step."""
        return self._stepper.position

    def get_lr(self) -> list[float | Tensor]:
        """The rate of each group at the current position. Asking changes nothing."""
        return list(self._stepper.at())

    _get_closed_form_lr = get_lr

    def step(self, epoch: int | None = None, *, amount: int | None = None) -> None:
        """Moves one step forward and sets the rates. Call it after each optimizer step.

        Args:
            epoch: Moves to this step instead of the next one.
            amount: For ``unit="samples"`` and ``"tokens"``: samples or tokens of this call, instead
                of ``per_step``.

        Raises:
            ValueError: When the scheduler needs an amount and has none, or has no use for one.
        """
        if epoch is None and amount is None and self._plain and self._stepper.step(self.optimizer.param_groups):
            return
        if self._step_count == 1 and not self._optimizer_stepped():
            warnings.warn(
                "scheduler.step() was called before optimizer.step(): the first rate is never used", stacklevel=2
            )
        self._step_count += 1
        self._go(epoch, amount)

    def _optimizer_stepped(self) -> bool:
        # PyTorch's constructor wraps optimizer.step to record calls. If others have wrapped it
        # since, we cannot know.
        wrapped = hasattr(self.optimizer.step, "_wrapped_by_lr_sched")
        return not wrapped or getattr(self.optimizer, "_opt_called", False)

    def _go(self, epoch: int | None, amount: int | None) -> None:
        stepper = self._stepper
        if amount is not None and self.unit not in ("samples", "tokens"):
            raise ValueError(f"amount is in samples or tokens, and this scheduler counts {self.unit}: leave amount out")
        if epoch is not None:
            stepper.last_epoch, stepper.surplus = epoch, 0
        elif amount is None and stepper.per_step == 0 and stepper.last_epoch >= 0:
            raise ValueError(f"this scheduler counts {self.unit}: give per_step when it is made, or step(amount=...)")
        else:
            stepper.last_epoch += 1
            stepper.surplus += 0 if amount is None else amount - stepper.per_step
        self._apply()

    def _update_lr(self, epoch: int | None = None) -> None:  # SequentialLR calls this when a part begins
        self._go(epoch, None)

    def _apply(self) -> None:
        groups = self.optimizer.param_groups
        if self._tensors:
            for group, rate in zip(groups, self._stepper.at(), strict=True):
                if isinstance(group["lr"], Tensor):
                    group["lr"].fill_(rate)
                else:
                    group["lr"] = rate
        else:
            self._stepper.apply(groups)
        if self._momentum_plan is not None:
            factor = self._momentum_plan(self.position)
            for group in groups:
                set_momentum(group, group["initial_momentum"] * factor)

    def observe(self, value: float | Tensor) -> str | None:
        """Reports one value of a metric to the controller. The new rate holds from the next
        optimizer step on.

        With several processes, report the same reduced value in each.

        Returns:
            Why the run should end, or ``None`` to continue.

        Raises:
            ValueError: When there is no controller, or the value is not finite. The controller is
                then unchanged.
        """
        if self._controller is None:
            raise ValueError("this scheduler has no controller: make it with controller='plateau(patience=10)'")
        why = self._controller.observe(float(value), self.position)
        self._stepper.factor = self._controller.factor
        self._apply()
        return why

    def extend(self, steps: int) -> None:
        """Moves the end of the run to ``steps``, counted in the unit of the scheduler.

        The past stays the same, the rate does not jump, and the rest of the schedule is stretched
        evenly.

        Raises:
            ValueError: When the scheduler was made without ``steps``, or the new end is out of
                range.
        """
        if self._steps is None:
            raise ValueError("this scheduler was made without steps, so it has no end to move: make it with steps=")
        if steps != self._steps:
            end, to = self._steps * self._scale, steps * self._scale
            self._plan = [plan.extend(self.position, end, to) for plan in self._plan]
            if self._momentum_plan is not None:
                self._momentum_plan = self._momentum_plan.extend(self.position, end, to)
            self._steps = steps
        self._stepper.plan(self._plan, self._bases)

    def state_dict(self) -> dict[str, Any]:
        """The state as numbers and text, safe for ``torch.save`` and
        ``torch.load(weights_only=True)``.
        """
        return {
            "version": _VERSION,
            "last_epoch": self.last_epoch,
            "step_count": self._step_count,
            "surplus": self._stepper.surplus,
            "base_lrs": list(self._bases),
            "last_lr": [float(lr) for lr in self._last_lr],
            "source": list(self._source),
            "steps": self._steps,
            "plan": [str(plan) for plan in self._plan],
            "momentum_plan": None if self._momentum_plan is None else str(self._momentum_plan),
            "controller": None if self._controller is None else self._controller.state_dict(),
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continues from a saved state, and sets the rates of its position.

        If this scheduler was made with other ``steps`` than the saved one, the saved schedule is
        extended to them: see ``extend``. If it was made with another schedule, its own schedule
        holds from here on, and a warning says so.

        Raises:
            ValueError: When the state has a newer version, or another number of parameter groups.
        """
        state = dict(state_dict)
        if state.get("version", 0) > _VERSION:
            version = state["version"]
            raise ValueError(f"the state has version {version}; this package reads up to {_VERSION}: update stepsize")
        bases = state.get("base_lrs", self._bases)
        if len(bases) != len(self._bases):
            raise ValueError(
                f"the state has {len(bases)} parameter groups, and the optimizer has {len(self._bases)}: make the "
                "optimizer with the same groups"
            )
        if state.get("controller") is not None and self._controller is not None:
            # made again, because its floors depend on the base rate
            self._controller = _Controller(str(self._controller), lr=float(bases[0]))
            self._controller.load_state_dict(state["controller"])
            self._stepper.factor = self._controller.factor
        self.last_epoch = int(state["last_epoch"])
        self._stepper.surplus = int(state.get("surplus", 0))
        self._step_count = int(state.get("step_count", self.last_epoch + 1))
        self._bases = [float(base) for base in bases]
        if state.get("source", self._source) == self._source:
            own, self._steps = self._steps, state.get("steps", self._steps)
            if "plan" in state:
                self._plan = [Schedule(text) for text in state["plan"]]
            if state.get("momentum_plan") is not None and self._momentum_plan is not None:
                self._momentum_plan = Schedule(state["momentum_plan"])
            if own is not None and own != self._steps:
                self.extend(own)
        else:
            warnings.warn(
                f"the saved run had the schedule {', '.join(state['source'])}; from here on it is "
                f"{', '.join(self._source)}",
                stacklevel=2,
            )
        self._stepper.plan(self._plan, self._bases)
        if self.last_epoch >= 0:  # below 0: a part of a SequentialLR that has not begun
            self._apply()

    def __repr__(self) -> str:
        plans = ", ".join(dict.fromkeys(self._source))
        return f"{type(self).__name__}({plans!r}, steps={self._steps}) at {self.position}, rates {self._stepper.last}"

    def __getstate__(self) -> dict[str, Any]:
        """For pickle and deepcopy: all attributes, the stepper as its numbers."""
        stepper = self._stepper
        made = (stepper.per_step, stepper.calls)
        stands = {name: getattr(stepper, name) for name in ("last_epoch", "step_count", "surplus", "factor")}
        return {**self.__dict__, "_stepper": (made, stands)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        made, stands = state["_stepper"]
        self._stepper = Stepper(self._plan, self._bases, *made)
        for name, value in stands.items():
            setattr(self._stepper, name, value)
        self._stepper.at()


class Controller(LRScheduler):
    """A controller alone, with the interface of PyTorch's ``ReduceLROnPlateau``: ``step(metric)``
    after each evaluation.

    Args:
        optimizer: The rates of its groups are the base rates.
        controller: Notation of the controller. ``plateau_torch(...)`` gives exactly the rates of
            ``ReduceLROnPlateau``.
        last_epoch: As in ``LRScheduler``.

    Example::

        controller = stepsize.torch.Controller(optimizer, "plateau(patience=10)")
        for epoch in range(epochs):
            train()
            controller.step(validate())
    """

    def __init__(self, optimizer: Optimizer, controller: str = "plateau", *, last_epoch: int = -1) -> None:
        super().__init__(optimizer, controller=controller, last_epoch=last_epoch)

    def _optimizer_stepped(self) -> bool:
        return True  # `step` is called after an evaluation, not after an optimizer step

    def step(self, metrics: float | Tensor | None = None, **_: Any) -> None:  # type: ignore[override]
        """Reports ``metrics`` to the controller. The new rate holds from the next optimizer step
        on.
        """
        super().step()
        if metrics is not None:
            self.observe(metrics)
