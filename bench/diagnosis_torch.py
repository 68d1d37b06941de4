"""Logs of PyTorch jobs for `stepsize-bench diagnosis fit` and `diagnosis scripts`.

`fit` draws 120 jobs from lists of data, networks, optimizers, schedules and ways of logging; `held` trains 18 named ones that are for
judging only. Each job is trained at 13 rates a factor of 10^(1/2) apart about a rough centre. Writes the logs and `truth.csv` (file,
job, lr, final validation loss, that of the untrained network, whether a loss was not finite, training loss at the end) below DIR.
The text is that of two modules of Python's own library. Needs torch and scikit-learn (the published figures: Python 3.11.7, torch 2.15.0,
scikit-learn 1.9.1). Run from the root of the repository, for a quarter of an hour:
python3 bench/diagnosis_torch.py fit target/diagnosis-torch/fit
"""

import csv
import math
import os
import random
import sys
from multiprocessing import Pool
from pathlib import Path

import diagnosis_styles as log
import numpy as np
import torch
import torch.nn.functional as F
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_classification,
    make_friedman1,
)
from torch import nn
from torch.optim import lr_scheduler as schedulers

torch.set_num_threads(1)
RATES = 13


def split(x, y, seed=0):
    """Training and validation rows, four to one."""
    order = np.random.default_rng(seed).permutation(len(x))
    cut = len(x) * 4 // 5
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    return x[order[:cut]], y[order[:cut]], x[order[cut:]], y[order[cut:]]


def table(loaded, kind, scaled=True):
    x, y = loaded
    x = (x - x.mean(0)) / (x.std(0) + 1e-9) if scaled else x
    if kind != "class":
        y = y.astype(np.float32)
    return (*split(x, y), kind)


def noisy(data, share, classes):
    x, y, xv, yv, kind = data
    g = torch.Generator().manual_seed(3)
    wrong = torch.rand(len(y), generator=g) < share
    return x, torch.where(wrong, torch.randint(classes, (len(y),), generator=g), y), xv, yv, kind


def standard(loaded):
    x, y = loaded
    return x, (y - y.mean()) / y.std()


def images():
    x, y = load_digits(return_X_y=True)
    return x / 16, y


def itself(data):
    x, _, xv, _, _ = data
    return x, x, xv, xv, "pixels"


DIGITS = table(images(), "class", scaled=False)
DATA = {
    "digits": DIGITS,
    "noisydigits": noisy(DIGITS, 0.15, 10),
    "pixels": itself(DIGITS),
    "cancer": table(load_breast_cancer(return_X_y=True), "binary"),
    "wine": table(load_wine(return_X_y=True), "class"),
    "friedman": table(standard(make_friedman1(1200, 10, noise=0.5, random_state=0)), "real"),
    "diabetes": table(standard(load_diabetes(return_X_y=True)), "real"),
    "rawdiabetes": table(load_diabetes(return_X_y=True), "real"),
    "classes": table(make_classification(3000, 40, n_informative=15, n_classes=8, flip_y=0.1, random_state=3), "class"),
    "classes20": table(make_classification(4000, 60, n_informative=30, n_classes=20, flip_y=0.02, random_state=5), "class"),
    "two": table(make_classification(2000, 20, n_informative=8, n_classes=2, flip_y=0.1, random_state=6), "binary"),
}
TEXT = "".join(Path(os.__file__).with_name(name).read_text() for name in ("argparse.py", "ast.py"))[:90000]
CHARS = sorted(set(TEXT))
CODES = torch.tensor([CHARS.index(c) for c in TEXT])
LENGTH = 32


def pieces(codes, count, g):
    starts = torch.randint(len(codes) - LENGTH - 1, (count,), generator=g).tolist()
    return torch.stack([codes[i : i + LENGTH] for i in starts]), torch.stack([codes[i + 1 : i + LENGTH + 1] for i in starts])


class Language(nn.Module):
    """A character model: an LSTM, a GRU or a transformer."""

    def __init__(self, kind):
        super().__init__()
        self.embed = nn.Embedding(len(CHARS), 48)
        self.kind = kind
        if kind == "transformer":
            self.place = nn.Embedding(LENGTH, 48)
            layer = nn.TransformerEncoderLayer(48, 4, 96, 0.0, batch_first=True, norm_first=True)
            self.body = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
            self.out = nn.Linear(48, len(CHARS))
        else:
            self.body = (nn.LSTM if kind == "lstm" else nn.GRU)(48, 64, batch_first=True)
            self.out = nn.Linear(64, len(CHARS))

    def forward(self, x):
        h = self.embed(x)
        if self.kind == "transformer":
            mask = nn.Transformer.generate_square_subsequent_mask(LENGTH)
            h = self.body(h + self.place(torch.arange(LENGTH)), mask=mask, is_causal=True)
        else:
            h = self.body(h)[0]
        return self.out(h).transpose(1, 2)


def mlp(sizes, act, norm):
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(a, b))
        if i + 2 < len(sizes):
            layers += [norm(b), act()] if norm else [act()]
    return nn.Sequential(*layers)


def cnn(classes):
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        *(nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(24, classes)),
    )


ACTS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
NORMS = {"": None, "bn": nn.BatchNorm1d, "ln": nn.LayerNorm}
OPTIMIZERS = {
    "sgd": lambda p, lr: torch.optim.SGD(p, lr),
    "momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
    "nesterov": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True, weight_decay=1e-4),
    "adam": lambda p, lr: torch.optim.Adam(p, lr),
    "adamw": lambda p, lr: torch.optim.AdamW(p, lr, weight_decay=0.05),
    "rmsprop": lambda p, lr: torch.optim.RMSprop(p, lr),
    "adagrad": lambda p, lr: torch.optim.Adagrad(p, lr),
}
CENTRES = {"sgd": 0.2, "momentum": 0.05, "nesterov": 0.05, "adam": 0.006, "adamw": 0.006, "rmsprop": 0.004, "adagrad": 0.05}


def half_cosine(t):
    return 0.5 * (1 + math.cos(math.pi * min(1.0, t)))


SCHEDULES = {
    "constant": None,
    "cosine": lambda o, n, lr: schedulers.CosineAnnealingLR(o, n),
    "warmup": lambda o, n, lr: schedulers.LambdaLR(o, lambda s: min(1.0, (s + 1) / (0.06 * n)) * half_cosine(s / n)),
    "linear": lambda o, n, lr: schedulers.LambdaLR(o, lambda s: max(0.0, 1 - s / n)),
    "step": lambda o, n, lr: schedulers.StepLR(o, max(1, n // 3), 0.1),
    "onecycle": lambda o, n, lr: schedulers.OneCycleLR(o, lr, total_steps=n + 1, cycle_momentum=False),
    "exponential": lambda o, n, lr: schedulers.ExponentialLR(o, 0.01 ** (1 / n)),
}


def loss_of(kind, out, y):
    if kind == "class":
        return F.cross_entropy(out, y)
    if kind == "binary":
        return F.binary_cross_entropy_with_logits(out.squeeze(1), y)
    return F.mse_loss(out if kind == "pixels" else out.squeeze(1), y)


def score_of(kind, out, y):
    if kind == "class":
        return (out.argmax(1) == y).float().mean().item()
    return ((out.squeeze(1) > 0) == (y > 0.5)).float().mean().item() if kind == "binary" else None


def tuned_before(model):
    """Trains a little, as what is fine-tuned was."""
    x, y = DIGITS[:2]
    optimizer, g = torch.optim.Adam(model.parameters(), 3e-3), torch.Generator().manual_seed(7)
    for _ in range(150):
        rows = torch.randint(len(x), (64,), generator=g)
        optimizer.zero_grad()
        F.cross_entropy(model(x[rows]), y[rows]).backward()
        optimizer.step()


def train(job, lr):
    """One run: a reading for each step, the first of the untrained network; `end` where an epoch ends."""
    torch.manual_seed(0)
    g, text = torch.Generator().manual_seed(1), job["data"] == "text"
    if text:
        kind, model, count, batch = "class", Language(job["net"]), job["steps"], 16
        per, cut = job["steps"] // job["epochs"], len(CODES) * 9 // 10
        xv, yv = pieces(CODES[cut:], 64, torch.Generator().manual_seed(5))
    else:
        x, y, xv, yv, kind = DATA[job["data"]]
        outs = {"class": int(y.max()) + 1 if kind == "class" else 0, "pixels": 64}.get(kind, 1)
        batch = job["batch"]
        per = len(x) // batch
        count = per * job["epochs"]
        model = cnn(outs) if job["net"] == "cnn" else mlp([x.shape[1], *job["hidden"], outs], ACTS[job["act"]], NORMS[job["norm"]])
        if job.get("tuned"):
            tuned_before(model)
    optimizer = OPTIMIZERS[job["optimizer"]](model.parameters(), lr)
    schedule = SCHEDULES[job["schedule"]]
    scheduler = schedule(optimizer, count, lr) if schedule else None

    def evaluate():
        model.eval()
        with torch.no_grad():
            out = model(xv)
            seen = loss_of(kind, out, yv).item(), None if text else score_of(kind, out, yv)
        model.train()
        return seen

    val, score = evaluate()
    readings = [dict(step=0, epoch=0, loss=None, lr=lr, norm=None, val=val, score=score, end=False)]
    order = None
    for step in range(count):
        if text:
            rows, target = pieces(CODES[:cut], batch, g)
        else:
            if step % per == 0:
                order = torch.randperm(len(x), generator=g)
            chosen = order[step % per * batch : (step % per + 1) * batch]
            rows, target = x[chosen], y[chosen]
        optimizer.zero_grad()
        loss = loss_of(kind, model(rows), target)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), job.get("clip", 1e30)).item()
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        if scheduler:
            scheduler.step()
        end = (step + 1) % per == 0
        val, score = evaluate() if end else (None, None)
        loss = loss.item()
        readings.append(dict(step=step + 1, epoch=step // per + 1, loss=loss, lr=rate, norm=norm, val=val, score=score, end=end))
        if not math.isfinite(loss) and job["stops"]:
            break
    return readings


def drawn():
    """The jobs to fit, each logged in three ways that are drawn for each run."""
    draw = random.Random(20)
    for i in range(120):
        data = draw.choice([*DATA, "text", "text"])
        job = {"data": data, "schedule": draw.choice(list(SCHEDULES)), "stops": draw.random() < 0.6, "styles": 3}
        job["optimizer"] = draw.choice(list(OPTIMIZERS))
        if draw.random() < 0.2:
            job["clip"] = draw.choice([0.3, 1.0])
        centre = CENTRES[job["optimizer"]]
        if data == "text":
            job |= {"net": draw.choice(["lstm", "gru", "transformer"]), "steps": draw.choice([200, 300, 400])}
            job |= {"epochs": draw.choice([8, 12, 16])}
        else:
            image = "digits" in data
            job |= {"net": draw.choice(["mlp", "mlp", "cnn"]) if image else "mlp", "batch": draw.choice([16, 32, 64])}
            job |= {"hidden": draw.choice([[], [32], [64], [64, 64], [96, 96], [48] * 4, [40] * 6])}
            if data == "pixels":
                job["hidden"] = draw.choice([[16], [32, 8, 32], [64, 16, 64]])
            job |= {"act": draw.choice(list(ACTS)), "norm": draw.choice(["", "", "bn", "ln"])}
            job |= {"epochs": draw.choice([8, 12, 20, 30]), "tuned": image and job["net"] == "mlp" and draw.random() < 0.2}
            centre *= 10 if data == "rawdiabetes" and job["optimizer"] in ("adam", "adamw", "rmsprop", "adagrad") else 1
        job["centre"] = centre * 10 ** draw.uniform(-0.3, 0.3)
        yield f"{i:02}_{data}_{job['net']}_{job['optimizer']}_{job['schedule']}", job


def named():
    """The jobs for judging, each with one way of logging."""

    def job(data, style, centre, optimizer, schedule, batch=32, epochs=20, hidden=(), act="relu", norm="", net="mlp", **more):
        common = {"data": data, "styles": style, "centre": centre, "optimizer": optimizer, "schedule": schedule}
        shape = {"batch": batch, "epochs": epochs, "hidden": hidden, "act": act, "norm": norm, "net": net}
        return common | shape | {"stops": True} | more

    return {
        "digits_adam": job("digits", log.keras, 0.003, "adam", "constant", 32, 15, [64, 64]),
        "digits_cnn_momentum": job("digits", log.step_csv, 0.1, "momentum", "cosine", 64, 10, net="cnn"),
        "digits_tuned": job("noisydigits", log.huggingface, 0.001, "adamw", "linear", 32, 6, [64], tuned=True),
        "cancer_sgd": job("cancer", log.epoch_text, 0.3, "sgd", "constant", 16, 20, [16]),
        "wine_momentum": job("wine", log.epoch_csv, 0.03, "momentum", "constant", 16, 30, [32, 32], "tanh", stops=False),
        "friedman_rmsprop": job("friedman", log.json_lines, 0.01, "rmsprop", "constant", 32, 20, [64, 64]),
        "rawdiabetes_adam": job("rawdiabetes", log.epoch_text, 0.03, "adam", "constant", 16, 40, [32]),
        "classes_onecycle": job("classes", log.step_csv, 0.1, "nesterov", "onecycle", 64, 15, [96, 96], "gelu", "ln"),
        "classes_deep": job("classes", log.keras, 0.1, "momentum", "step", 64, 20, [48] * 7, "tanh"),
        "classes_adagrad": job("classes", log.json_lines, 0.05, "adagrad", "constant", 32, 10, [64], stops=False),
        "classes_linear": job("classes", log.lightning, 0.1, "sgd", "exponential", 32, 12),
        "pixels_adam": job("pixels", log.json_lines, 0.003, "adam", "cosine", 32, 12, [32, 8, 32]),
        "text_lstm_adam": job("text", log.nanogpt, 0.01, "adam", "constant", net="lstm", steps=400, epochs=10),
        "text_transformer_adamw": job("text", log.huggingface, 0.003, "adamw", "warmup", net="transformer", steps=400, epochs=8, clip=1.0),
        "text_transformer_momentum": job("text", log.train_csv, 0.1, "momentum", "cosine", net="transformer", steps=400, epochs=8),
        "text_lstm_momentum": job("text", log.epoch_text, 1.0, "momentum", "linear", net="lstm", steps=400, epochs=16, clip=0.5),
        "friedman_momentum": job("friedman", log.step_csv, 0.05, "momentum", "constant", 32, 20, [48], "tanh"),
        "noisydigits_bn": job("noisydigits", log.keras, 0.01, "adamw", "step", 64, 12, [96, 96], "relu", "bn"),
    }.items()


def run(args):
    """Trains a job at every rate and writes its logs; the rows of the truth."""
    root, name, job = args
    rows, draw = [], random.Random(name)
    os.makedirs(os.path.join(root, name), exist_ok=True)
    for i in range(RATES):
        lr = job["centre"] * 10 ** ((i - 7) / 2)
        readings = train(job, lr)
        losses = [r["loss"] for r in readings[1:]]
        vals = [r["val"] for r in readings if r["val"] is not None]
        broken = any(not math.isfinite(v) for v in losses + vals)
        tail = losses[-max(1, len(losses) // 10) :]
        styles = draw.sample(log.STYLES, job["styles"]) if isinstance(job["styles"], int) else [job["styles"]]
        for style in styles:
            file = f"{name}/run{i:02}_{style.__name__}.log"
            with open(os.path.join(root, file), "w", newline="") as f:
                style(f, readings)
            rows.append([file, name, repr(lr), repr(vals[-1]), repr(vals[0]), int(broken), repr(sum(tail) / len(tail))])
    return rows


def main():
    which, root = sys.argv[1:3]
    jobs = {"fit": drawn, "held": named}[which]()
    os.makedirs(root, exist_ok=True)
    with Pool() as pool, open(os.path.join(root, "truth.csv"), "w", newline="") as f:
        truth = csv.writer(f)
        truth.writerow(["file", "job", "lr", "final_val", "untrained", "broken", "end_train"])
        for rows in pool.imap(run, [(root, name, job) for name, job in jobs]):
            truth.writerows(rows)
            f.flush()
            print(rows[0][1], flush=True)


if __name__ == "__main__":
    main()
