"""The rule of the controller ``rewind``: when a loss is broken, and by how much the rate is cut.

Broken is a loss that is not finite; ``run`` losses in a row more than ``spike`` mean deviations above their moving average
(weight 0.03 a step) and above it by a tenth of what the run has gained; or an average that has given back more than half of
what was gained. One bad batch is none of these.
"""

from __future__ import annotations

import math

_WEIGHT = 0.03  # of one step in the averages: they span some thirty steps
_WARM = 20  # losses before an average is trusted
_BLOWN = 4.0  # times the first loss: where range tests stop too


class Rewind:
    """Losses in, a reason to go back or ``None`` out. Its whole state is numbers."""

    def __init__(self, cut: float, spike: float, run: int, attempts: int) -> None:
        if not (0.0 < cut <= 1.0 and spike > 0.0 and run >= 1 and attempts >= 1):
            raise ValueError(
                f"a guard needs 0 < cut <= 1, spike > 0, run >= 1 and attempts >= 1, not {cut}, {spike}, {run} and {attempts}"
            )
        self.cut, self.spike, self.run, self.attempts = cut, spike, run, attempts
        names = ("attempts", "streak", "blown", "seen", "first", "best", "mean", "deviation")
        self._state: dict[str, float] = {"factor": 1.0, **{name: 0.0 for name in names}}

    @property
    def factor(self) -> float:
        return self._state["factor"]

    @property
    def suspects(self) -> bool:
        """Whether the last loss was odd, though not yet broken."""
        return self._state["streak"] > 0 or self._state["blown"] > 0

    @property
    def left(self) -> bool:
        """Whether an attempt is left."""
        return self._state["attempts"] < self.attempts

    def observe(self, loss: float) -> str | None:
        why = self._judge(loss)
        if why is None or not self.left:
            return None
        s = self._state
        s["attempts"] += 1
        s["factor"] *= self.cut
        s["streak"] = s["blown"] = 0.0
        # The averages are of losses to be seen again; a drift that was judged is not judged at once again.
        s["mean"] = min(s["mean"], s["best"] + 2 * s["deviation"])
        return f"{why}; return {s['attempts']:.0f} of at most {self.attempts}"

    def _judge(self, loss: float) -> str | None:
        s = self._state
        if not math.isfinite(loss):
            return f"the loss is {loss}"
        if s["seen"] == 0:
            s["first"] = s["mean"] = s["best"] = loss
        s["blown"] = s["blown"] + 1 if loss > _BLOWN * abs(s["first"]) else 0
        if s["blown"] >= self.run:
            return f"the loss {loss:.4g} is over {_BLOWN:g} times the first, {s['first']:.4g}"
        above, gain = loss - s["mean"], s["first"] - s["best"]
        if s["seen"] >= _WARM and above > self.spike * s["deviation"] and above > 0.1 * max(gain, 0.0):
            s["streak"] += 1  # a suspect stays out of the averages, or it would hide those that follow
            if s["streak"] < self.run:
                return None
            return f"{self.run} losses in a row, now {loss:.4g}, are far above their average {s['mean']:.4g}"
        s["streak"] = 0.0
        s["seen"] += 1
        weight = max(_WEIGHT, 1 / s["seen"])
        s["deviation"] += weight * (abs(above) - s["deviation"])
        s["mean"] += weight * above
        if s["seen"] >= _WARM:
            s["best"] = min(s["best"], s["mean"])
            back = s["mean"] - s["best"]
            if gain > 8 * s["deviation"] and back > 0.5 * gain:
                return f"the average loss {s['mean']:.4g} has given back {100 * back / gain:.0f} % of what was gained"
        return None

    def state_dict(self) -> dict[str, float]:
        return dict(self._state)

    def load_state_dict(self, state: dict[str, float]) -> None:
        if state.keys() != self._state.keys():
            raise ValueError(f"a guard's state has {', '.join(self._state)}; this has {', '.join(state)}")
        self._state = {key: float(value) for key, value in state.items()}
