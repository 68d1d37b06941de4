"""The compiled core. Import from ``stepsize`` instead."""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, final, overload

import numpy as np
import numpy.typing as npt

__all__ = [
    "COMMAND_LINE",
    "EVALUATIONS",
    "RACE_BUDGET",
    "RANGE_TEST_SPAN",
    "RANGE_TEST_STEPS",
    "SENSITIVITY_PER_DECADE",
    "SENSITIVITY_SEEDS",
    "Controller",
    "Estimate",
    "NotationError",
    "Policy",
    "Record",
    "Schedule",
    "Search",
    "Stepper",
    "Trial",
    "__version__",
    "main",
]

COMMAND_LINE: bool
EVALUATIONS: int
RACE_BUDGET: float
RANGE_TEST_SPAN: tuple[float, float]
RANGE_TEST_STEPS: int
SENSITIVITY_PER_DECADE: int
SENSITIVITY_SEEDS: int
__version__: str

_Steps = npt.NDArray[np.integer[Any]] | Sequence[int]
_Values = npt.NDArray[np.float64]

class NotationError(ValueError):
    """Text that does not parse. ``column`` is the zero-based character at which it fails."""

    column: int

def main(words: Sequence[str]) -> int:
    """Runs the command line ``words``, of which the first is the program's name, and gives its exit code."""

@final
class Schedule:
    """A shape over steps: a factor on the base rate. Immutable; asking for a step changes nothing."""

    def __new__(cls, notation: str | Schedule, steps: int | None = None) -> Schedule:
        """Reads notation for a run of ``steps``; without ``steps`` every length in it is a number of steps.

        Raises ``NotationError`` (a ``ValueError``) with the column when the text does not parse.
        """
    @classmethod
    def table(cls, values: Sequence[float]) -> Schedule:
        """One factor a step; the last one is held."""
    @overload
    def __call__(self, step: int | np.integer[Any], /) -> float: ...
    @overload
    def __call__(self, step: _Steps, /) -> _Values: ...
    @property
    def steps(self) -> int | None:
        """Length in steps; ``None`` when it never ends."""
    def _tree(self) -> tuple[Any, ...]: ...
    def then(self, following: str | Schedule) -> Schedule:
        """This, then ``following`` on its own clock. Raises ``ValueError`` when this never ends."""
    def __mul__(self, value: Schedule | float, /) -> Schedule: ...
    def __rmul__(self, value: Schedule | float, /) -> Schedule: ...
    def __add__(self, value: Schedule | float, /) -> Schedule: ...
    def __radd__(self, value: Schedule | float, /) -> Schedule: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Schedule: ...
    def __deepcopy__(self, _memo: Any, /) -> Schedule: ...
    def compress(self, planned: int, to: int) -> Schedule:
        """The same shape for a run of ``to`` steps instead of ``planned``."""
    def extend(self, done: int, planned: int, to: int) -> Schedule:
        """For a run planned for ``planned`` steps that has made ``done`` and shall now make ``to``.

        The past stays, the rate does not jump, and what was to come is stretched evenly over ``done..to``.
        """
    def to_json(self) -> str: ...
    @classmethod
    def from_json(cls, text: str) -> Schedule: ...

@final
class Controller:
    """Closed loop: reports in, a factor on the rate out."""

    def __new__(cls, notation: str, lr: float = 1.0) -> Controller:
        """``plateau(patience=10)`` and its kin. ``lr`` is the base rate, which modes with a floor as a rate need."""
    @property
    def factor(self) -> float:
        """The factor on the scheduled rate. Asking changes nothing."""
    @property
    def lr(self) -> float: ...
    @property
    def metric(self) -> str:
        """What it watches: ``"train_loss"`` or ``"val_loss"``."""
    def observe(self, value: float, step: int | None = None) -> str | None:
        """Takes in one report; returns why the run should end, or ``None`` to go on.

        Raises ``ValueError`` when the value cannot be used (not finite); the controller is then unchanged.
        """
    def state_dict(self) -> dict[str, float]: ...
    def load_state_dict(self, state: Mapping[str, float]) -> None: ...
    def to_json(self) -> str: ...
    @classmethod
    def from_json(cls, text: str) -> Controller: ...

@final
class Policy:
    """``lr(step) = base x schedule(step) x controller``."""

    def __new__(
        cls,
        lr: float,
        schedule: str | Schedule | None = None,
        controller: str | None = None,
        *,
        steps: int | None = None,
    ) -> Policy: ...
    @overload
    def __call__(self, step: int | np.integer[Any], /) -> float: ...
    @overload
    def __call__(self, step: _Steps, /) -> _Values: ...
    @property
    def lr(self) -> float:
        """The base rate."""
    @property
    def schedule(self) -> Schedule: ...
    @property
    def controller(self) -> str | None: ...
    @property
    def factor(self) -> float:
        """The controller's factor; 1 without one."""
    def observe(self, value: float, step: int | None = None) -> str | None:
        """Reports to the controller: see ``Controller.observe``."""
    def state_dict(self) -> dict[str, float]: ...
    def load_state_dict(self, state: Mapping[str, float]) -> None: ...
    def to_json(self) -> str: ...
    @classmethod
    def from_json(cls, text: str) -> Policy: ...

@final
class Stepper:
    """Where a PyTorch scheduler stands, and the rates of an optimizer's groups there."""

    last_epoch: int
    step_count: int
    surplus: int
    factor: float
    def __new__(cls, schedules: Sequence[Schedule], bases: Sequence[float], per_step: int, calls: int) -> Stepper: ...
    def plan(self, schedules: Sequence[Schedule], bases: Sequence[float]) -> None: ...
    @property
    def per_step(self) -> int: ...
    @property
    def calls(self) -> int: ...
    @property
    def position(self) -> int: ...
    def at(self) -> list[float]: ...
    @property
    def last(self) -> list[float]: ...
    def apply(self, groups: list[dict[str, Any]]) -> None: ...
    def step(self, groups: list[dict[str, Any]]) -> bool: ...

@final
class Estimate:
    """The answer of a search: a rate, or a refusal with its reason. True when it has a rate."""

    @property
    def lr(self) -> float | None:
        """The recommended base rate; ``None`` when the search refused."""
    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end of the 80 % interval; ``None`` from methods that have none."""
    @property
    def cost(self) -> float:
        """Steps spent, in full runs."""
    @property
    def refused(self) -> str | None:
        """``flat``, ``noise_only``, ``all_diverged``, ``too_short``, ``at_edge`` or ``unfit``; ``None`` with a rate."""
    @property
    def why(self) -> str:
        """The evidence behind the answer or the refusal."""
    @property
    def advice(self) -> str | None:
        """What to do after a refusal."""
    @property
    def divergence_lr(self) -> float | None:
        """The lowest rate that diverged, if any did."""
    @property
    def points(self) -> list[dict[str, Any]]:
        """Each trial: ``lr``, ``steps``, ``loss``, ``verdict`` and more, as in ``to_json``."""
    @property
    def landscape(self) -> list[tuple[float, float, float, float]]:
        """Expected loss of the full run: rate, 10 % quantile, median, 90 % quantile; empty without a model."""
    @property
    def curve(self) -> list[tuple[float, float]]:
        """Rate and smoothed loss of a range test; empty for other searches."""
    def __bool__(self) -> bool: ...
    def to_json(self) -> str:
        """The ``--json`` object of the command line."""
    def to_record(self) -> str:
        """The whole record as JSON; ``from_record`` reads it."""
    @classmethod
    def from_record(cls, text: str) -> Estimate: ...
    def to_svg(self) -> str: ...
    def to_png(self) -> bytes: ...
    def to_html(self) -> str: ...
    def report(self, path: str | PathLike[str]) -> None:
        """Writes one self-contained HTML page."""
    def plot(self, ax: Any = None) -> Any:
        """Draws loss over rate on matplotlib axes (new ones without ``ax``) and returns them."""
    def _repr_html_(self) -> str: ...

@final
class Trial:
    """A training run that is asked for."""

    @property
    def id(self) -> int: ...
    @property
    def lr(self) -> float: ...
    @property
    def steps(self) -> int: ...
    @property
    def seed(self) -> int: ...
    @property
    def schedule(self) -> Schedule: ...
    @property
    def evaluations(self) -> list[int]:
        """Counts of steps after which it is evaluated; 0 is the untrained model."""
    def rate(self, step: int) -> float:
        """The rate to apply at zero-based ``step``."""
    def to_json(self) -> str: ...
    @classmethod
    def from_json(cls, text: str) -> Trial: ...

@final
class Search:
    """A study whose trials Python runs: ask, tell, conclude."""

    @classmethod
    def race(
        cls,
        task: str,
        steps: int,
        schedule: str | Schedule,
        seed: int,
        start: float | None,
        max_cost: float | None,
        kept: tuple[str, str, list[str]] | None = None,
    ) -> Search: ...
    @classmethod
    def grid(
        cls,
        task: str,
        steps: int,
        schedule: str | Schedule,
        seed: int,
        low: float,
        high: float,
        per_decade: int,
        seeds: int,
        trial_steps: int | None,
        kept: tuple[str, str, list[str]] | None = None,
    ) -> Search: ...
    @classmethod
    def range_test(
        cls, task: str, seed: int, low: float, high: float, iterations: int, rule: str, linear: bool
    ) -> Search: ...
    def ask(self) -> Trial | None: ...
    def poll(self) -> tuple[bool, Trial | None]:
        """Whether the search is over, and the next trial; neither while running trials must end first."""
    def step(self, trial: int, step: int, lr: float, loss: float) -> str | None: ...
    def evaluate(
        self, trial: int, step: int, lr: float, val_loss: float, score: float | None = None
    ) -> str | None: ...
    def finish(self, trial: int, steps: int, seconds: float) -> str | None: ...
    def leave(self, trial: int, steps: int, why: str | None = None) -> str | None:
        """Tells that a trial was left before its end, with ``why`` that it could not be run."""
    def replay(self, record: Record) -> str | None:
        """Tells all that ``record`` holds."""
    def forked(self) -> None:
        """To be called in a forked child."""
    def conclude(self) -> Estimate: ...

@final
class Record:
    """What a trial reports in a process that does not hold its study. Its methods are those of ``Search``."""

    def __new__(cls, trial: Trial) -> Record: ...
    def step(self, _trial: int, step: int, lr: float, loss: float) -> str | None: ...
    def evaluate(
        self, _trial: int, step: int, lr: float, val_loss: float, score: float | None = None
    ) -> str | None: ...
    def finish(self, _trial: int, steps: int, seconds: float) -> str | None: ...
    def leave(self, _trial: int, steps: int, why: str | None = None) -> str | None: ...
    def to_json(self) -> str: ...
    @classmethod
    def from_json(cls, trial: Trial, text: str) -> Record: ...
