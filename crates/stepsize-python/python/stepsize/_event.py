"""``SearchEvent``: what a search reports to ``callback=`` while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any, Literal

from ._native import Estimate

__all__ = ["Callback", "SearchEvent"]


@dataclasses.dataclass(frozen=True)
class SearchEvent:
    """One thing that happened in a search: what ``callback=`` is called with.

    ``kind`` says which fields have a value; the others are ``None``:

    - ``"search"``: the search begins. ``task``, ``steps`` (of the full run), ``seed``.
    - ``"trial"``: a trial begins. ``trial``, ``lr`` (its base rate), ``steps`` (its length),
      ``seed``.
    - ``"step"``: an optimizer step was taken. ``trial``, ``step`` (from 0), ``lr`` (the rate of
      this step), ``loss``.
    - ``"evaluation"``: ``trial``, ``step`` (steps before it), ``lr``, ``val_loss``, ``score``.
    - ``"trial_end"``: ``trial``, ``lr`` (its base rate), ``steps`` (that it took), ``seed``,
      ``end``, ``val_loss`` and ``score`` (of its last evaluation), ``seconds``.
    - ``"estimate"``: the search is over. ``estimate``.

    Example::

        def log(event):
            if event.kind == "step":
                writer.add_scalar(f"trial {event.trial}/loss", event.loss, event.step)

        stepsize.find(step, save, restore, steps=10_000, callback=log)
    """

    kind: Literal["search", "trial", "step", "evaluation", "trial_end", "estimate"]
    """What happened."""
    taken: int
    """Optimizer steps of the whole search so far: it never falls, so it serves as the axis of a
    log.
    """
    cost: float
    """Cost of the search so far in full runs, evaluations included."""
    task: str | None = None
    """What is trained, as text for people."""
    trial: int | None = None
    """Number of the trial, from 0."""
    lr: float | None = None
    """The base rate of the trial; of a step or an evaluation the rate that was applied."""
    step: int | None = None
    """The step in its trial, from 0; of an evaluation the steps before it."""
    steps: int | None = None
    """Length of the full run or of the trial, in optimizer steps."""
    seed: int | None = None
    """Seed of the search or of the trial."""
    loss: float | None = None
    """Training loss of the step, before its update."""
    val_loss: float | None = None
    """What the trial is judged on."""
    score: float | None = None
    """The score of the same evaluation, where there is one: more is better."""
    end: str | None = None
    """How the trial ended: ``"finished"``, ``"diverged"``, ``"pruned"`` or ``"stopped"``."""
    seconds: float | None = None
    """Seconds that the trial took."""
    estimate: Estimate | None = None
    """The answer."""

    def to_dict(self) -> dict[str, Any]:
        """The fields that have a value, as a dictionary; the estimate as that of
        ``Estimate.to_dict``.
        """
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        given = {name: value for name, value in fields.items() if value is not None}
        if self.estimate is not None:
            given["estimate"] = self.estimate.to_dict()
        return given


Callback = Callable[[SearchEvent], Any]
"""Called with each event. What it returns is ignored; what it raises ends the search after the
restore.
"""
