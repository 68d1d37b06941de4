"""``Estimate.plot``: loss over rate on matplotlib axes."""

from __future__ import annotations

import math
import sys
from typing import Any

from ._native import Estimate


def _new_figure() -> Any:
    size: dict[str, Any] = {"figsize": (7, 4), "layout": "constrained"}
    if "ipykernel" in sys.modules or "google.colab" in sys.modules:
        from matplotlib import pyplot

        return pyplot.figure(**size)
    from matplotlib.figure import Figure  # without pyplot: no window, no global figure

    return Figure(**size)


def plot(estimate: Estimate, ax: Any = None) -> Any:
    """Draws loss over rate on ``ax``, with a logarithmic axis of rates, and returns the axes. It
    saves nothing.

    Points are trials, one colour for each length; crosses at the top are trials that diverged. The
    grey band is the 80 % band of the loss of the full run. Without ``ax`` the axes are new, and
    ``axes.figure`` is the figure. In a notebook it is a figure of pyplot, which the notebook shows.
    Elsewhere pyplot is not imported, so no window opens on a server.
    """
    if ax is None:
        ax = _new_figure().add_subplot()
    if estimate.curve:
        ax.plot(*zip(*estimate.curve, strict=True), color="tab:blue", label="smoothed loss")
    lengths = sorted({point["steps"] for point in estimate.points}, reverse=True)
    for length in lengths if not estimate.curve else []:
        ended = [(p["lr"], p["loss"]) for p in estimate.points if p["steps"] == length and p["loss"] is not None]
        if ended:
            ax.plot(*zip(*sorted(ended), strict=True), "o", label=f"{length} steps")
    diverged = [p["lr"] for p in estimate.points if p["diverged"]]
    if diverged and not estimate.curve:
        top = ax.get_xaxis_transform()
        ax.plot(diverged, [0.97] * len(diverged), "x", color="tab:red", transform=top, label="diverged")
    if estimate.landscape:
        rates, low, mid, high = zip(*estimate.landscape, strict=True)
        ax.plot(rates, mid, color="0.5", label="expected, full run")
        ax.fill_between(rates, low, high, color="0.5", alpha=0.2)
    if estimate.interval is not None:
        ax.axvspan(*estimate.interval, color="tab:green", alpha=0.15, label="80 % interval")
    if estimate.lr is not None:
        ax.axvline(estimate.lr, color="tab:green", label=f"lr {estimate.lr:.3g}")
    if estimate.curve:  # limit the axis to the fall of the loss, which a blow-up would hide
        seen = [loss for _, loss in estimate.curve if math.isfinite(loss)]
        least = min(seen)
        top = min(max(seen), seen[0] + 0.5 * ((seen[0] - least) or abs(seen[0]) or 1.0))
        margin = 0.1 * ((top - least) or 1.0)
        ax.set_ylim(least - margin, top + margin)
    losses = [p["loss"] for p in estimate.points if p["loss"] is not None and not p["diverged"]]
    if losses and not estimate.curve:
        span = (max(losses) - min(losses)) or abs(max(losses)) or 1.0
        ax.set_ylim(min(losses) - 0.2 * span, max(losses) + 0.2 * span)
    ax.set(xscale="log", xlabel="learning rate", ylabel="loss", title=estimate.why if estimate.lr is None else "")
    ax.legend()
    return ax
