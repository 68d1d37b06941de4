"""Logs of PyTorch jobs for `stepsize-bench diagnosis fit` and `diagnosis scripts`.

`fit` draws 120 jobs from lists of data, networks, optimizers, schedules and ways of logging; `held` trains 18 named ones that are for
judging only; `more` draws jobs of other families (`diagnosis_families.py`). Each job is trained at 13 rates a factor of 10^(1/2) apart
about a rough centre. Writes the logs and `truth.csv` (file, job, lr, final validation loss, that of the untrained network, whether a
loss was not finite, mean training loss of the last tenth of the steps, training loss of the untrained network on all rows) below DIR.
Needs torch and scikit-learn (the published figures: Python 3.11.7, torch 2.15.0, scikit-learn 1.9.1). Run from the root of the
repository, for a quarter of an hour; a number after DIR is that of the processes:
python3 bench/diagnosis_torch.py fit target/diagnosis-torch/fit
"""

import copy
import csv
import math
import os
import random
import sys
from multiprocessing import Pool

import diagnosis_styles as log
import torch
import torch.nn.functional as F
from diagnosis_data import CHARS, CODES, CUT, DATA, DIGITS, LENGTH, pieces
from diagnosis_networks import ACTS, NORMS, Language, cnn, mlp
from torch import nn
from torch.optim import lr_scheduler as schedulers

torch.set_num_threads(1)
RATES = 13
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


class Task:
    """A model and its rows; `loss` and `score` take the model and some of them. `per` steps are an epoch."""

    def __init__(self, model, loss, train, val, batch, per=None, score=None):
        self.model, self.loss, self.train, self.val, self.score = model, loss, train, val, score
        self.batch, self.passes = batch, len(train[0]) // batch
        self.per = per or self.passes

    def rows(self, step, g):
        at = step % self.passes
        if at == 0:
            self.order = torch.randperm(len(self.train[0]), generator=g)
        chosen = self.order[at * self.batch : (at + 1) * self.batch]
        return [t[chosen] for t in self.train]

    def full(self, rows, learning=False):
        """Loss and score on all these rows, as used or as seen while learning; what is drawn within is the same each time."""
        model = copy.deepcopy(self.model) if learning else self.model.eval()
        with torch.no_grad(), torch.random.fork_rng([]):
            torch.manual_seed(0)
            seen = self.loss(model, *rows).item(), self.score(model, *rows) if self.score else None
        self.model.train()
        return seen


class Text(Task):
    def rows(self, step, g):
        return pieces(CODES[:CUT], self.batch, g)


def task_of(job):
    if job["data"] == "text":
        model = Language(job["net"], len(CHARS), LENGTH)
        train, val = (pieces(c, 64, torch.Generator().manual_seed(5)) for c in (CODES[:CUT], CODES[CUT:]))
        return Text(model, lambda m, x, y: loss_of("class", m(x), y), train, val, 16, job["steps"] // job["epochs"])
    x, y, xv, yv, kind = DATA[job["data"]]
    outs = {"class": int(y.max()) + 1 if kind == "class" else 0, "pixels": 64}.get(kind, 1)
    model = cnn(outs) if job["net"] == "cnn" else mlp([x.shape[1], *job["hidden"], outs], ACTS[job["act"]], NORMS[job["norm"]])
    if job.get("tuned"):
        tuned_before(model)
    loss, score = lambda m, x, y: loss_of(kind, m(x), y), lambda m, x, y: score_of(kind, m(x), y)
    return Task(model, loss, (x, y), (xv, yv), job["batch"], score=score)


def train(job, lr):
    """One run: a reading for each step, the first of the untrained network; `end` where an epoch ends."""
    torch.manual_seed(0)
    task, g = job.get("task", task_of)(job), torch.Generator().manual_seed(1)
    model, count = task.model, job.get("steps") or task.per * job["epochs"]
    optimizer = OPTIMIZERS[job["optimizer"]](model.parameters(), lr)
    schedule = SCHEDULES[job["schedule"]]
    scheduler = schedule(optimizer, count, lr) if schedule else None
    val, score = task.full(task.val)
    first = {"untrained": task.full(task.train, learning=True)[0], "steps": count}
    readings = [dict(step=0, epoch=0, loss=None, lr=lr, norm=None, val=val, score=score, end=False, **first)]
    for step in range(count):
        optimizer.zero_grad()
        loss = task.loss(model, *task.rows(step, g))
        loss.backward()
        norm = nn.utils.clip_grad_norm_(model.parameters(), job.get("clip", 1e30)).item()
        rate = optimizer.param_groups[0]["lr"]
        optimizer.step()
        if scheduler:
            scheduler.step()
        end = (step + 1) % task.per == 0
        val, score = task.full(task.val) if end else (None, None)
        loss = loss.item()
        readings.append(dict(step=step + 1, epoch=step // task.per + 1, loss=loss, lr=rate, norm=norm, val=val, score=score, end=end))
        if not math.isfinite(loss) and job["stops"]:
            break
    return readings


def drawn():
    """The jobs to fit, each logged in three ways that are drawn for each run."""
    draw = random.Random(20)
    for i in range(120):
        data = draw.choice([*DATA, "text", "text"])
        job = {"data": data, "schedule": draw.choice(list(SCHEDULES)), "stops": draw.random() < 0.6, "styles": [(log.STYLES, 3)]}
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
        common = {"data": data, "styles": [([style], 1)], "centre": centre, "optimizer": optimizer, "schedule": schedule}
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
        for style in [style for styles, count in job["styles"] for style in draw.sample(styles, count)]:
            file = f"{name}/run{i:02}_{style.__name__}.log"
            with open(os.path.join(root, file), "w", newline="", encoding="utf-8") as f:
                style(f, readings)
            ends = [repr(sum(tail) / len(tail)), repr(readings[0]["untrained"])]
            rows.append([file, name, repr(lr), repr(vals[-1]), repr(vals[0]), int(broken), *ends])
    return rows


def main():
    which, root, *processes = sys.argv[1:]
    if which == "more":
        from diagnosis_families import drawn as jobs
    else:
        jobs = {"fit": drawn, "held": named}[which]
    os.makedirs(root, exist_ok=True)
    with Pool(int(processes[0]) if processes else None) as pool, open(os.path.join(root, "truth.csv"), "w", newline="") as f:
        truth = csv.writer(f)
        truth.writerow(["file", "job", "lr", "final_val", "untrained", "broken", "end_train", "untrained_train"])
        for rows in pool.imap(run, [(root, name, job) for name, job in jobs()]):
            truth.writerows(rows)
            f.flush()
            print(rows[0][1], flush=True)


if __name__ == "__main__":
    main()
