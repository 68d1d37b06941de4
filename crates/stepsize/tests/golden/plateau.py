"""Writes plateau.json: the rate after every report of the real reduce-on-plateau classes.

Rows hold the parameters and, for each metric sequence, the reports (zero-based) at which the rate changed and its new
value. optax changes a scale, which stands in the place of the rate (base 1).

Versions: torch 2.15.0, keras 3.15.1 (torch backend), optax 0.2.8 with jax 0.10.2, 32 bits.
Run: python plateau.py   (with those packages installed; about a minute on a CPU)
"""

import itertools
import json
import math
import os
import pathlib
import types
import warnings

os.environ["KERAS_BACKEND"] = "torch"
os.environ["JAX_PLATFORMS"] = "cpu"
warnings.filterwarnings("ignore")

import jax
import keras
import numpy as np
import optax
import torch


def sequences():
    rng = np.random.default_rng(3)
    n = 40
    k = np.arange(n)
    nan, inf = float("nan"), float("inf")
    return {
        "constant": np.full(n, 1.0),
        "falling": 2.0 - 0.04 * k,
        "falls_then_flat": np.maximum(2.0 - 0.1 * k, 1.0),
        "rising": 1.0 + 0.05 * k,
        "noisy_fall": 2.0 - 0.03 * k + 0.2 * rng.standard_normal(n),
        "noise": 1.0 + 0.1 * rng.standard_normal(n),
        "dip_then_fall": np.where(k == 3, 0.2, 2.0 - 0.04 * k),
        "nan_first": np.where(k == 0, nan, 2.0 - 0.04 * k),
        "nan_middle": np.where((k >= 10) & (k < 14), nan, 2.0 - 0.04 * k),
        "all_nan": np.full(n, nan),
        "inf_middle": np.where(k == 8, inf, 2.0 - 0.04 * k),
        "minus_inf": np.where(k == 8, -inf, 2.0 - 0.04 * k),
        "negative_fall": -1.0 - 0.02 * k,
        "negative_flat": np.full(n, -1.0),
        "negative_creep": -1.0 + 0.00005 * k,
        "through_zero": 0.4 - 0.02 * k,
        "zero": np.zeros(n),
        "tiny": 1e-9 * (2.0 - 0.04 * k),
        "huge": 1e12 * (1.5 + np.sin(k)),
        "barely": 1.0 * (1 - 0.9e-4) ** k,
        "enough": 1.0 * (1 - 1.1e-4) ** k,
        "sawtooth": 1.0 + 0.3 * (k % 5) - 0.02 * k,
    }


def changes(start, rates):
    out, last = [], start
    for i, rate in enumerate(rates):
        if rate != last:
            out.append([i, rate])
            last = rate
    return out


def run_torch(base, values, **parameters):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=base)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, **parameters)
    for value in values:
        plateau.step(float(value))
        yield optimizer.param_groups[0]["lr"]


def run_keras(base, values, **parameters):
    model = types.SimpleNamespace(optimizer=keras.optimizers.SGD(base))
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="val_loss", **parameters)
    plateau.set_model(model)
    plateau.on_train_begin()
    for epoch, value in enumerate(values):
        plateau.on_epoch_end(epoch, {"val_loss": float(value)})
        yield float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


def run_optax(_, values, **parameters):
    transform = optax.contrib.reduce_on_plateau(**parameters)
    weight = jax.numpy.zeros(1)
    state = transform.init(weight)
    update = jax.jit(lambda state, value: transform.update(weight, state, value=value)[1])
    for value in values:
        state = update(state, float(value))
        yield float(state.scale)


def grid(*sets):
    """The first value of every set is its default: one parameter is moved at a time, then some pairs."""
    names = [name for name, _ in sets]
    default = {name: values[0] for name, values in sets}
    out = [default]
    for name, values in sets:
        out += [{**default, name: value} for value in values[1:]]
    for (a, va), (b, vb) in itertools.combinations(sets, 2):
        out.append({**default, a: va[-1], b: vb[-1]})
    assert len(names) == len(default)
    return out


MODES = {
    "torch": (run_torch, [0.1, 1e-8], grid(
        ("patience", [3, 0, 1, 10]), ("factor", [0.1, 0.5]), ("threshold", [1e-4, 0.0, 0.05]),
        ("threshold_mode", ["rel", "abs"]), ("cooldown", [0, 1, 2, 5]), ("mode", ["min", "max"]),
        ("min_lr", [0.0, 0.02]), ("eps", [1e-8, 0.0, 1e-2]),
    )),
    "keras": (run_keras, [0.1, 1e-8], grid(
        ("patience", [3, 0, 1, 10]), ("factor", [0.1, 0.5]), ("min_delta", [1e-4, 0.0, 0.05]),
        ("cooldown", [0, 1, 2, 5]), ("mode", ["min", "max"]), ("min_lr", [0.0, 0.02]),
    )),
    "optax": (run_optax, [1.0], grid(
        ("patience", [3, 0, 1, 10]), ("factor", [0.1, 0.5]), ("rtol", [1e-4, 0.05]), ("atol", [0.0, 0.05]),
        ("cooldown", [0, 1, 2, 5]), ("accumulation_size", [1, 3]), ("min_scale", [0.0, 0.02]),
    )),
}


def plain(value):
    return value if math.isfinite(value) else str(value)


values = sequences()
rows = []
for mode, (run, bases, sets) in MODES.items():
    for base, parameters in itertools.product(bases, sets):
        seen = {name: changes(float(np.float32(base)) if mode == "keras" else base, run(base, v, **parameters))
                for name, v in values.items()}
        rows.append({"mode": mode, "base": base, "parameters": parameters, "changes": seen})
    print(mode, len(rows), flush=True)
text = '{"sequences": ' + json.dumps({k: [plain(float(x)) for x in v] for k, v in values.items()})
text += ',\n"rows": [\n' + ",\n".join(json.dumps(row) for row in rows) + "\n]}\n"
pathlib.Path(__file__).with_suffix(".json").write_text(text)
