"""The compiled core. Import the public names from ``stepsize``.

The docstrings of the public classes are those of the compiled module, which ``help()`` shows.
"""

from collections.abc import Mapping, Sequence
from os import PathLike
from typing import Any, Literal, final, overload

import numpy as np
import numpy.typing as npt
from typing_extensions import disjoint_base

__all__ = [
    "COMMAND_LINE",
    "EVALUATIONS",
    "RANGE_TEST_SPAN",
    "RANGE_TEST_STEPS",
    "SENSITIVITY_PER_DECADE",
    "SENSITIVITY_SEEDS",
    "Answer",
    "Controller",
    "Estimate",
    "NotationError",
    "Policy",
    "Record",
    "Refusal",
    "Schedule",
    "Search",
    "Stepper",
    "Trial",
    "__version__",
    "judge",
    "main",
]

COMMAND_LINE: bool
EVALUATIONS: int
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
    """Runs the command line. The first of ``words`` is the name of the program. Returns the exit code."""

def judge(paths: Sequence[str], text: tuple[str, str] | None, options: object) -> tuple[str, str, str | None]:
    """Judges the logs at these paths, or the one log whose text is given with its name.

    Returns the list that the command line prints with ``--json --explain``, the text that it prints
    without, and the picture as SVG text.
    """

@final
class Schedule:
    """The rate over steps, as a factor of the base rate. Immutable.

    Schedules are added to and multiplied with each other and numbers. Beyond its end a schedule
    holds its last value.

    Args:
        notation: The schedule as text, such as ``"warmup(5%) then cosine"``, or a ``Schedule``.
        steps: Length of the run in steps. Without it, every length in the notation must be a number
            of steps.

    Raises:
        NotationError: When the text does not parse; ``column`` is the place.

    Example:
        >>> schedule = Schedule("warmup(10) then linear", steps=110)
        >>> schedule(60)
        0.5
        >>> (2 * schedule)(60)
        1.0
    """

    def __new__(cls, notation: str | Schedule, steps: int | None = None) -> Schedule: ...
    @classmethod
    def table(cls, values: Sequence[float]) -> Schedule:
        """A schedule of one factor for each step. Beyond the end it holds the last one.

        Raises:
            ValueError: When there is no value, or a value is below 0 or not finite.
        """
    @overload
    def __call__(self, step: int | np.integer[Any], /) -> float: ...
    @overload
    def __call__(self, step: _Steps, /) -> _Values: ...
    @property
    def steps(self) -> int | None:
        """Length in steps; ``None`` when it never ends."""
    def _tree(self) -> tuple[Any, ...]: ...
    def then(self, following: str | Schedule) -> Schedule:
        """This schedule, then ``following``, which counts its steps from the end of this one.

        Raises:
            ValueError: When this schedule never ends.
        """
    def __mul__(self, value: Schedule | float, /) -> Schedule: ...
    def __rmul__(self, value: Schedule | float, /) -> Schedule: ...
    def __add__(self, value: Schedule | float, /) -> Schedule: ...
    def __radd__(self, value: Schedule | float, /) -> Schedule: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...
    def __copy__(self) -> Schedule: ...
    def __deepcopy__(self, _memo: Any, /) -> Schedule: ...
    def compress(self, planned: int, to: int) -> Schedule:
        """The same schedule for a run of ``to`` steps instead of ``planned``.

        Raises:
            ValueError: When a length is out of range.
        """
    def extend(self, done: int, planned: int, to: int) -> Schedule:
        """The schedule of a run that was planned for ``planned`` steps, has taken ``done``, and shall
        end at ``to``.

        The past stays the same, the rate does not jump, and the rest is stretched evenly over
        ``done`` to ``to``.

        Raises:
            ValueError: When a length is out of range.
        """
    def to_json(self) -> str:
        """The notation as JSON text; ``from_json`` reads it."""
    @classmethod
    def from_json(cls, text: str) -> Schedule:
        """Makes a schedule from the text of ``to_json``.

        Raises:
            ValueError: When it is not such a text.
        """

@final
class Controller:
    """A controller: it changes the rate by what it sees during training.

    It takes reports of one metric and gives a factor that multiplies the scheduled rate.

    Args:
        notation: The controller as text, such as ``"plateau(patience=10)"``.
        lr: The base rate. Controllers whose floor is a rate need it.

    Raises:
        NotationError: When the text does not parse.
        ValueError: When the controller needs gradients or branches, which a Python loop cannot give
            it.

    Example:
        >>> controller = Controller("plateau_torch(patience=1, factor=0.5)")
        >>> for loss in (1.0, 1.0, 1.0):
        ...     stop = controller.observe(loss)
        >>> controller.factor
        0.5
    """

    def __new__(cls, notation: str, lr: float = 1.0) -> Controller: ...
    @property
    def factor(self) -> float:
        """The factor on the scheduled rate. Reading it changes nothing."""
    @property
    def lr(self) -> float:
        """The base rate that the controller was made for."""
    @property
    def metric(self) -> str:
        """The metric that it watches: ``"train_loss"`` or ``"val_loss"``."""
    def observe(self, value: float, step: int | None = None) -> str | None:
        """Reports one value of the metric.

        Args:
            value: The value.
            step: Zero-based step that it belongs to; by default the number of earlier reports.

        Returns:
            Why the run should end, or ``None`` to continue.

        Raises:
            ValueError: When the value is not finite. The controller is then unchanged.
        """
    def state_dict(self) -> dict[str, float]:
        """The state as a dictionary of numbers, for a checkpoint."""
    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Continues from a state that ``state_dict`` returned.

        Raises:
            ValueError: When the state is not one of this controller.
        """
    def to_json(self) -> str:
        """Notation, base rate and state as JSON text; ``from_json`` reads it."""
    @classmethod
    def from_json(cls, text: str) -> Controller:
        """Makes a controller from the text of ``to_json``.

        Raises:
            ValueError: When it is not such a text.
        """

@final
class Policy:
    """The rate of a run: ``lr(step) = base x schedule(step) x controller``.

    Args:
        lr: The base rate.
        schedule: Notation or a ``Schedule``; by default constant.
        controller: Notation of a controller, such as ``"plateau(patience=10)"``; by default none.
        steps: Length of the run in steps, for the open lengths in the notation.

    Raises:
        NotationError: When a text does not parse.
        ValueError: When the base rate is not above zero.

    Example:
        >>> policy = Policy(0.1, "linear", steps=100)
        >>> policy(0), policy(50), policy(100)
        (0.1, 0.05, 0.0)
    """

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
    def schedule(self) -> Schedule:
        """The schedule."""
    @property
    def controller(self) -> str | None:
        """Notation of the controller; ``None`` without one."""
    @property
    def factor(self) -> float:
        """The factor of the controller; 1 without one. Reading it changes nothing."""
    def observe(self, value: float, step: int | None = None) -> str | None:
        """Reports one value of the metric to the controller: see ``Controller.observe``. Does nothing
        without a controller.
        """
    def state_dict(self) -> dict[str, float]:
        """The state of the controller as a dictionary of numbers; empty without a controller."""
    def load_state_dict(self, state: Mapping[str, float]) -> None:
        """Continues from a state that ``state_dict`` returned.

        Raises:
            ValueError: When the state is not one of this controller.
        """
    def to_json(self) -> str:
        """All of it as JSON text; ``from_json`` reads it."""
    @classmethod
    def from_json(cls, text: str) -> Policy:
        """Makes a policy from the text of ``to_json``.

        Raises:
            ValueError: When it is not such a text.
        """

@final
class Stepper:
    """The position of a PyTorch scheduler, and the rates of the parameter groups there."""

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

@disjoint_base
class Estimate:
    """The outcome of a search: an ``Answer``, which has a rate and is true, or a ``Refusal``, which
    has a reason and is false.

    ``print(estimate)`` shows it as text, a notebook shows it as a picture, ``plot`` draws it with
    matplotlib, and ``report`` writes it as a page. Two are equal when everything in them is, the
    seconds of the trials included.
    """

    @property
    def lr(self) -> float | None:
        """The recommended base rate; ``None`` when the search refused."""
    @property
    def interval(self) -> tuple[float, float] | None:
        """Lower and upper end of the 80 % interval: in 80 of 100 cases the best rate lies between
        them. ``None`` without one.
        """
    @property
    def cost(self) -> float:
        """What the search took, in full runs: its optimizer steps, and its evaluations by the time of
        a step.
        """
    @property
    def refused(self) -> str | None:
        """Reason of a refusal, else ``None``.

        It is ``flat``, ``noise_only``, ``all_diverged``, ``too_short``, ``at_edge`` or ``unfit``.
        """
    @property
    def why(self) -> str:
        """The evidence for the answer or the refusal, as a sentence."""
    @property
    def advice(self) -> str | None:
        """What to do about a refusal; ``None`` with a rate."""
    @property
    def divergence_lr(self) -> float | None:
        """The lowest rate at which training diverged; ``None`` when no trial diverged."""
    @property
    def points(self) -> list[dict[str, Any]]:
        """One dictionary for each trial: ``lr``, ``steps``, ``seed``, ``loss``, ``verdict`` and more.

        They are the ``points`` of ``to_json``.
        """
    @property
    def landscape(self) -> list[tuple[float, float, float, float]]:
        """Expected loss of the full run over rates; empty when the search has no model of it.

        Each entry is ``(rate, low, median, high)``: low and high are the 10 % and the 90 % quantile
        of the loss.
        """
    @property
    def curve(self) -> list[tuple[float, float]]:
        """Rate and smoothed loss of each step of a range test; empty for other searches."""
    def __bool__(self) -> bool: ...
    def to_json(self) -> str:
        """The same JSON object that the command line prints with ``--json``."""
    def to_dict(self) -> dict[str, Any]:
        """The object of ``to_json`` as a dictionary."""
    def require(self) -> float:
        """The recommended base rate.

        Raises:
            RefusedError: When the search refused; it says why and what to do.
        """
    def apply(self, optimizer: Any, *schedulers: Any) -> None:
        """Sets the rate of an optimizer and of the schedulers that were made for it.

        The first parameter group gets ``lr`` as its base rate, and all others keep their ratio to
        it. What schedulers keep (``base_lrs``, ``initial_lr``, ``max_lr``) is scaled too, so that
        none of them undoes it. A Keras optimizer works as well.

        Args:
            optimizer: The optimizer that the search was made with.
            schedulers: Every scheduler that was made for it so far.

        Raises:
            RefusedError: When the search refused. Nothing is changed.
            ValueError: When the optimizer has a scheduler that is not given.
            TypeError: When ``optimizer`` has no rate that can be set.
        """
    def to_record(self) -> str:
        """The whole record as JSON text, with all curves; ``from_record`` reads it."""
    @classmethod
    def from_record(cls, text: str) -> Answer | Refusal:
        """Makes an estimate from the text of ``to_record``.

        Raises:
            ValueError: When it is not such a text.
        """
    def to_svg(self) -> str:
        """The picture of loss over rate, as SVG text."""
    def to_png(self) -> bytes:
        """The picture of loss over rate, as the bytes of a PNG file."""
    def to_html(self) -> str:
        """The page that ``report`` writes, as HTML text."""
    def report(self, path: str | PathLike[str]) -> None:
        """Writes one HTML page to ``path``. It needs no other file and no network.

        Raises:
            OSError: When the file cannot be written.
        """
    def plot(self, ax: Any = None) -> Any:
        """Draws loss over rate on matplotlib axes and returns them; without ``ax`` on new ones.

        In a notebook the new axes are those of the current figure, which is then shown below the
        cell.

        Raises:
            ImportError: When matplotlib is not installed.
        """
    def _repr_html_(self) -> str: ...
    def __eq__(self, value: object, /) -> bool: ...
    def __hash__(self) -> int: ...

@final
class Answer(Estimate):
    """A search that found a rate: ``lr`` is a number."""

    @property
    def lr(self) -> float: ...
    @property
    def refused(self) -> None: ...
    @property
    def advice(self) -> None: ...
    def __bool__(self) -> Literal[True]: ...

@final
class Refusal(Estimate):
    """A search that refused to answer: ``lr`` is ``None``; ``refused``, ``why`` and ``advice`` say
    the reason and what to do.
    """

    @property
    def lr(self) -> None: ...
    @property
    def interval(self) -> None: ...
    @property
    def refused(self) -> str: ...
    @property
    def advice(self) -> str: ...
    def __bool__(self) -> Literal[False]: ...

@final
class Trial:
    """A trial that the search asks for."""

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
        """Counts of steps after which the trial is evaluated; 0 is the untrained model."""
    def rate(self, step: int) -> float:
        """The rate to apply at zero-based ``step``."""
    def to_json(self) -> str: ...
    @classmethod
    def from_json(cls, text: str) -> Trial: ...

@final
class Search:
    """A study whose trials Python runs: ask, report, conclude. Reports return how the trial ended, if it did."""

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
    @property
    def budget(self) -> float | None:
        """The most steps that a race takes, in full runs; ``None`` for other searches."""
    def ask(self) -> Trial | None: ...
    def poll(self) -> tuple[bool, Trial | None]:
        """Whether the search is over, and the next trial. False and ``None`` while running trials must end first."""
    def step(self, trial: int, step: int, lr: float, loss: float) -> str | None: ...
    def evaluate(
        self, trial: int, step: int, lr: float, val_loss: float, score: float | None = None
    ) -> str | None: ...
    def finish(self, trial: int, steps: int, seconds: float) -> str | None: ...
    def leave(self, trial: int, steps: int, why: str | None = None) -> str | None:
        """Reports that a trial was left before its end. With ``why`` it failed, else it was stopped."""
    def replay(self, record: Record) -> str | None:
        """Reports everything in ``record``."""
    def forked(self) -> None:
        """Call it in a forked child, where the study must not be used."""
    def conclude(
        self, evaluation_steps: float = 0.0, cut_short: bool = False, limit: dict[str, Any] | None = None
    ) -> Answer | Refusal: ...

@final
class Record:
    """The reports of a trial in a process that does not hold its study. Its methods are those of ``Search``."""

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
