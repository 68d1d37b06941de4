"""What ``diagnose`` returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from html import escape
from typing import Any


@dataclass(frozen=True)
class Finding:
    """One thing that a log shows, with the evidence for it."""

    code: str
    """The code, such as ``LR014``; docs/diagnose.md lists all."""
    title: str
    """What the code stands for."""
    evidence: str
    """What was seen, as a sentence."""
    advice: str
    """What to do about it."""
    numbers: dict[str, float]
    """The numbers in the evidence, by name."""
    confidence: float
    """How sure it is, from 0 to 1; 0 where that is not known."""
    steps: tuple[float, float] | None
    """The first and the last step of the evidence."""


@dataclass(frozen=True)
class SeriesRead:
    """A series of the log, and what it was taken as."""

    name: str
    """Its name in the log."""
    role: str | None
    """``loss``, ``validation``, ``score``, ``rate`` or ``gradient norm``; ``None``: not used."""
    readings: int
    """Number of readings."""
    not_finite: int
    """How many of them are NaN or infinite."""
    first: float | None
    """The first finite reading."""
    last: float | None
    """The last finite reading."""
    low: float | None
    """The least finite reading."""
    high: float | None
    """The greatest finite reading."""


@dataclass(frozen=True)
class Reading:
    """Which series of the log were taken, and as what."""

    loss: SeriesRead | None
    """The training loss."""
    validation: SeriesRead | None
    """The loss on held-out data."""
    score: SeriesRead | None
    """The score: high is good."""
    rate: SeriesRead | None
    """The rate at each step."""
    base_rate_from: str | None
    """Where the base rate is from, when it is not the series."""
    counter: str
    """The counter of steps; empty where readings are counted."""
    steps: tuple[float, float] | None
    """The first and the last step."""
    series: tuple[SeriesRead, ...]
    """All series of the log."""
    notes: tuple[str, ...]
    """Remarks of the reader: restarts, cut lines."""


@dataclass(frozen=True)
class SweepDiagnosis:
    """What several runs of one job say together."""

    best_lr: float
    """The best rate."""
    low: float | None
    """Lower end of the 80 % interval of the best rate."""
    high: float | None
    """Upper end of the 80 % interval."""
    vertex_lr: float
    """Where the fitted curve is lowest; beyond an edge it is outside of the rates that were tried."""
    tolerance_octaves: float | None
    """Factors of 2 over which the loss stays within 5 % of the best."""
    edge: str | None
    """``low`` or ``high`` where the best rate is the outermost that was tried."""
    divergence_lr: float | None
    """The lowest rate that diverged."""
    rates: int
    """Number of rates."""
    best_by_score_lr: float | None
    """The rate with the best score, where that is another."""
    none_learned: bool
    """All runs diverged or stand at the loss of guessing."""


@dataclass(frozen=True)
class RunDiagnosis:
    """The verdict on one run."""

    file: str
    """The file; ``data`` where numbers were given."""
    run: str
    """The name of the run in it; empty where the file holds one run."""
    lr: float | None
    """The base rate, where it is known."""
    verdict: str
    """``too_low``, ``good``, ``too_high``, ``diverged`` or ``unknown``."""
    confidence: float
    """The chance that the verdict is right; 0 beside ``unknown``, which claims nothing."""
    why: str
    """The reason, as a sentence."""
    chances: dict[str, float] | None
    """The chances of ``too_low``, ``good`` and ``too_high``, where the curve was judged."""
    ruled_out: str | None
    """The side on which the rate does not lie by its curve: ``too_low`` or ``too_high``."""
    ruled_out_confidence: float
    """The chance that this is right; 0 beside ``None``."""
    findings: tuple[Finding, ...]
    """Everything that was found. The first is the verdict's."""
    next_lr: float | None
    """The rate to try next."""
    sweep: SweepDiagnosis | None
    """The comparison with the other runs of the job."""
    read: Reading | None
    """What was read from the log."""
    _object: dict[str, Any] = field(repr=False, compare=False)

    def to_dict(self) -> dict[str, Any]:
        """The run as the object that ``stepsize diagnose --json --explain`` prints."""
        return self._object


@dataclass(frozen=True, repr=False)
class Diagnosis:
    """The verdicts on all runs that were given. ``print`` shows it as text, a notebook as a picture.

    ``verdict``, ``confidence``, ``why``, ``findings`` and ``read`` are those of the run, where there
    is one. Where there are several, take them from ``runs``; ``best_lr`` is the answer of a sweep.
    """

    runs: tuple[RunDiagnosis, ...]
    """The verdict on each run, in the order in which they were given."""
    failed: dict[str, str]
    """Files that could not be read, with the reason."""
    _text: str = field(compare=False)
    _picture: str | None = field(compare=False)

    @property
    def verdict(self) -> str:
        """``too_low``, ``good``, ``too_high``, ``diverged`` or ``unknown``."""
        return self._run("verdict").verdict

    @property
    def confidence(self) -> float:
        """The chance that the verdict is right; 0 beside ``unknown``, which claims nothing."""
        return self._run("confidence").confidence

    @property
    def why(self) -> str:
        """The reason of the verdict, as a sentence."""
        return self._run("why").why

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Everything that was found in the run. The first is the verdict's."""
        return self._run("findings").findings

    @property
    def read(self) -> Reading | None:
        """What was read: which series as loss, validation loss, score, rate and counter."""
        return self._run("read").read

    @property
    def sweep(self) -> SweepDiagnosis | None:
        """The comparison of the runs; ``None`` unless all that could be compared are of one job."""
        sweeps = {run.sweep for run in self.runs if run.sweep is not None}
        return sweeps.pop() if len(sweeps) == 1 else None

    @property
    def best_lr(self) -> float | None:
        """The best rate of the sweep; ``None`` without one, or where no rate learned."""
        sweep = self.sweep
        return None if sweep is None or sweep.none_learned else sweep.best_lr

    @property
    def next_lr(self) -> float | None:
        """The rate to try next; ``None`` where the runs have different ones, or none."""
        rates = {run.next_lr for run in self.runs}
        return rates.pop() if len(rates) == 1 else None

    def to_dict(self) -> dict[str, Any]:
        """All of it as numbers, texts, lists and dictionaries.

        ``runs`` are the objects that ``stepsize diagnose --json --explain`` prints; ``failed`` holds
        the files that could not be read.
        """
        return {"runs": [run.to_dict() for run in self.runs], "failed": dict(self.failed)}

    def _run(self, name: str) -> RunDiagnosis:
        if len(self.runs) != 1:
            raise AttributeError(
                f"these are {len(self.runs)} runs, and each has a {name} of its own: take [run.{name} for run in diagnosis.runs]"
            )
        return self.runs[0]

    def __str__(self) -> str:
        return self._text

    def __repr__(self) -> str:
        told = ", ".join(f"{run.verdict} {100 * run.confidence:.0f} %" if run.confidence else run.verdict for run in self.runs[:4])
        more = f", ... {len(self.runs)} runs" if len(self.runs) > 4 else ""
        best = "" if self.best_lr is None else f"; best lr {self.best_lr:.3g}"
        return f"Diagnosis({told}{more}{best})"

    def _repr_html_(self) -> str:
        return f"{self._picture or ''}<pre>{escape(self._text)}</pre>"
