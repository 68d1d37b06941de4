"""Writes greedy.json: the rate after every report of transformers' GreedyLR.

Rows hold the parameters and, for each metric sequence, the reports (zero-based) at which the rate changed and its new
value.

Versions: transformers 5.24.0, torch 2.15.0.
Run: python greedy.py   (with those packages installed; a minute on a CPU)
"""

import itertools
import json
import math
import pathlib

import numpy as np
import torch
from transformers.optimization import GreedyLR


def sequences():
    rng = np.random.default_rng(5)
    n = 60
    k = np.arange(n)
    nan, inf = float("nan"), float("inf")
    return {
        "constant": np.full(n, 1.0),
        "falling": 2.0 - 0.02 * k,
        "rising": 1.0 + 0.05 * k,
        "falls_then_flat": np.maximum(2.0 - 0.05 * k, 1.0),
        "noisy_fall": 2.0 - 0.02 * k + 0.1 * rng.standard_normal(n),
        "noise": 1.0 + 0.1 * rng.standard_normal(n),
        "lucky": np.where(k == 3, 0.1, 2.0 - 0.02 * k),
        "nan_middle": np.where((k >= 10) & (k < 14), nan, 2.0 - 0.02 * k),
        "inf_middle": np.where(k == 8, inf, 2.0 - 0.02 * k),
        "negative_fall": -1.0 - 0.02 * k,
        "negative_creep": -1.0 + 0.00005 * k,
        "zero": np.zeros(n),
        "waves": 1.0 + 0.5 * np.sin(k / 6.0),
    }


def changes(parameters, base, values):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    scheduler = GreedyLR(optimizer, **parameters)
    rate, found = base, []
    for report, value in enumerate(values):
        scheduler.step(float(value))
        now = optimizer.param_groups[0]["lr"]
        if now != rate:
            found.append([report, now])
            rate = now
    return found


def plain(value):
    return value if math.isfinite(value) else str(value)


grid = itertools.product(
    ["min", "max"],
    ["abs", "rel"],
    [0, 2, 5],
    [(0, 0), (1, 3)],
    [(1e-3, 1.0, 500), (0.05, 0.2, 2), (0.05, 0.2, 0)],
    [0, 4],
    [0.1, 2e-5],
)
data = sequences()
rows = []
for mode, threshold_mode, patience, (cooldown, warmup), (low, high, reset), window, base in grid:
    if (window and mode == "max") or (base < 1e-3 and (low > 1e-3 or mode == "max")):
        continue  # what these would add is in the rows beside them
    parameters = dict(
        mode=mode,
        threshold_mode=threshold_mode,
        patience=patience,
        factor=0.8 if patience == 2 else 0.95,
        threshold=1e-2 if patience == 5 else 1e-6,
        cooldown=cooldown,
        warmup=warmup,
        min_lr=low,
        max_lr=high,
        reset_start=reset,
        smooth=window > 0,
        window_size=max(window, 1),
    )
    rows.append(
        dict(
            base=base,
            parameters=parameters,
            changes={name: changes(parameters, base, values) for name, values in data.items()},
        )
    )
out = dict(sequences={name: [plain(v) for v in values] for name, values in data.items()}, rows=rows)
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(len(rows), "rows", sum(len(c) for r in rows for c in r["changes"].values()), "changes")
