"""Writes finders.json: what the real learning-rate finders record and suggest on scripted losses.

Each package runs its own range test, unchanged, on a model whose loss at iteration k is the k-th number of a script
(plus zero times a weight, so that there is a gradient). What is written is what the package recorded (rates, smoothed
losses, so its ramp, smoothing and stop rule too) and what it suggested; "raises" where it raised or returned None.

Versions: torch 2.15.0, fastai 2.8.12, lightning 2.6.6, torch-lr-finder 0.2.2, pytorch-ignite 0.5.5.
Run: python finders.py   (with those packages installed; about a minute on a CPU)
"""

import contextlib
import io
import json
import logging
import math
import os
import pathlib
import tempfile
import warnings

os.environ["MPLBACKEND"] = "agg"
warnings.filterwarnings("ignore")
for name in ("lightning", "lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero"):
    logging.getLogger(name).setLevel(logging.CRITICAL)

import lightning
import numpy as np
import torch
from fastai.basics import DataLoader as FastLoader
from fastai.basics import DataLoaders, Learner
from fastai.callback.schedule import SuggestionMethod
from ignite.engine import Engine
from ignite.handlers import FastaiLRFinder
from lightning.pytorch.tuner import Tuner
from torch.utils.data import DataLoader, TensorDataset
from torch_lr_finder import LRFinder


def curves():
    """Name -> (low, high, mode, script). Scripts are as long as the test; each loss is exact in single precision."""
    rng = np.random.default_rng(7)
    n = 100
    x = np.linspace(-7, 1, n)
    clean = 2.3 - 1.9 / (1 + np.exp(-3 * (x + 2.5))) + np.exp(np.minimum(6 * (x + 0.1), 6))
    out = {
        "clean_u": clean,
        "noisy": clean + 0.15 * rng.standard_normal(n),
        "very_noisy": clean + 0.6 * rng.standard_normal(n),
        "flat": np.full(n, 2.3),
        "flat_noisy": 2.3 + 0.05 * rng.standard_normal(n),
        "nan_tail": np.where(np.arange(n) < 75, clean, np.nan),
        "inf_tail": np.where(np.arange(n) < 70, clean, np.inf),
        "nan_once": np.where(np.arange(n) == 40, np.nan, clean),
        "early_spike": clean + 8 * np.exp(-((np.arange(n) - 14) ** 2) / 4),
        "falling": 3 - 0.02 * np.arange(n),
        "rising": 1 + 0.01 * np.arange(n),
        "plateau_cliff": np.where(np.arange(n) < 70, 1.0 - 0.001 * np.arange(n), 40.0),
        "two_basins": clean - 0.8 * np.exp(-((x + 4.5) ** 2) * 4),
        "negative": clean - 3.0,
        "zero": np.zeros(n),
        "wandering": np.cumsum(rng.standard_normal(n)) * 0.2 + 5,
    }
    out = {name: (1e-7, 10.0, "exponential", script) for name, script in out.items()}
    out["short_12"] = (1e-5, 1.0, "exponential", clean[::8][:12])
    out["short_20"] = (1e-5, 1.0, "exponential", clean[::5])
    out["short_30"] = (1e-5, 1.0, "exponential", clean[::3][:30] + 0.02 * rng.standard_normal(30))
    out["linear"] = (1e-3, 1.0, "linear", clean)
    out["linear_noisy"] = (1e-3, 1.0, "linear", clean + 0.1 * rng.standard_normal(n))
    return {k: (lo, hi, mode, s.astype(np.float32).astype(float).tolist()) for k, (lo, hi, mode, s) in out.items()}


def loader(n):
    return DataLoader(TensorDataset(torch.zeros(n, 1), torch.zeros(n, 1)), batch_size=1)


class Script(torch.nn.Module):
    """A loss that ignores its inputs."""

    def __init__(self, script, dtype):
        super().__init__()
        self.script, self.at, self.dtype = script, 0, dtype

    def forward(self, output, *_):
        value = self.script[min(self.at, len(self.script) - 1)]
        self.at += 1
        return (output * 0).sum() + torch.tensor(value, dtype=self.dtype)


def model(dtype=torch.float32):
    return torch.nn.Linear(1, 1, bias=False).to(dtype)


def quietly(f):
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        return f()


def answer(f):
    try:
        value = quietly(f)
        return "raises" if value is None else float(value)
    except Exception:  # whatever it raises, it gives no answer
        return "raises"


def fastai(low, high, mode, script):
    if mode == "linear":
        return None
    n = len(script)
    with tempfile.TemporaryDirectory() as path:
        data = DataLoaders(*(FastLoader([(torch.zeros(1), torch.zeros(1))] * n, bs=1) for _ in range(2)))
        learner = Learner(data, model(), loss_func=Script(script, torch.float32), path=path)
        methods = [SuggestionMethod.Valley, SuggestionMethod.Slide, SuggestionMethod.Minimum, SuggestionMethod.Steep]
        out = {}
        for method in methods:
            learner.loss_func.at = 0
            out[method.__name__] = answer(
                lambda: learner.lr_find(low, high, n, show_plot=False, suggest_funcs=(method,))[0]
            )
        recorder = learner.recorder
        return {"lrs": list(recorder.lrs), "losses": [float(v) for v in recorder.losses], "answers": out}


def torch_lr_finder(low, high, mode, script):
    net, n = model(torch.float64), len(script)
    optimizer = torch.optim.SGD(net.parameters(), lr=low)
    data = DataLoader(TensorDataset(torch.zeros(n, 1, dtype=torch.float64), torch.zeros(n, 1)), batch_size=1)
    finder = LRFinder(net, optimizer, Script(script, torch.float64))
    quietly(lambda: finder.range_test(data, end_lr=high, num_iter=n, step_mode={"exponential": "exp"}.get(mode, mode)))
    suggested = answer(lambda: finder.plot()[1])
    return {"lrs": finder.history["lr"], "losses": finder.history["loss"], "answers": {"steepest": suggested}}


def ignite(low, high, mode, script):
    net, n = model(), len(script)
    optimizer = torch.optim.SGD(net.parameters(), lr=low)
    at = iter(script + [script[-1]] * 10)

    def process(engine, batch):
        optimizer.step()
        return next(at)

    trainer, finder = Engine(process), FastaiLRFinder()
    step = {"exponential": "exp"}.get(mode, mode)
    with finder.attach(trainer, {"model": net, "optimizer": optimizer}, num_iter=n, end_lr=high, step_mode=step) as t:
        quietly(lambda: t.run([0] * n, max_epochs=2))
    history = finder.get_results()
    return {"lrs": history["lr"], "losses": history["loss"], "answers": {"ignite": answer(finder.lr_suggestion)}}


class Module(lightning.pytorch.LightningModule):
    def __init__(self, script):
        super().__init__()
        self.net, self.loss, self.lr = model(torch.float64), Script(script, torch.float64), 1e-3

    def training_step(self, batch, _):
        return self.loss(self.net(batch[0].double()))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.lr)


def lightning_find(low, high, mode, script):
    n = len(script)
    with tempfile.TemporaryDirectory() as path:
        trainer = lightning.pytorch.Trainer(
            max_epochs=3, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False, default_root_dir=path,
        )
        find = lambda: Tuner(trainer).lr_find(
            Module(script), loader(n), min_lr=low, max_lr=high, num_training=n, mode=mode, update_attr=False
        )
        finder = quietly(find)
    results = finder.results
    return {"lrs": results["lr"], "losses": results["loss"], "answers": {"lightning": answer(finder.suggestion)}}


def plain(value):
    """JSON has no NaN or infinity: they are written as text."""
    if isinstance(value, dict):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


tools = {"fastai": fastai, "torch_lr_finder": torch_lr_finder, "ignite": ignite, "lightning": lightning_find}
rows = []
for name, (low, high, mode, script) in curves().items():
    row = {"name": name, "low": low, "high": high, "mode": mode, "script": script}
    for tool, run in tools.items():
        row[tool] = run(low, high, mode, list(script))
        if row[tool]:
            print(name, tool, len(row[tool]["lrs"]), len(row[tool]["losses"]), row[tool]["answers"], flush=True)
    rows.append(row)
target = pathlib.Path(__file__).with_suffix(".json")
target.write_text("[\n" + ",\n".join(json.dumps(plain(row)) for row in rows) + "\n]\n")
