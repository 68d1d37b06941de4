"""Logs of PyTorch jobs of kinds that neither `diagnosis_torch.py` nor `diagnosis_beyond.py` holds, for `stepsize-bench diagnosis adapt`.

`fit` trains 23 jobs of 13 families, `held` 15 jobs of 15 other families on which no tree is grown. Each job is trained at 8 rates a
factor of 3 apart, with two seeds, and each run is logged in two ways. Writes the logs and `truth.csv` (columns as in
`diagnosis_torch.py`; the final validation loss is the mean over both seeds and the last three evaluations) below DIR. Needs torch
and scikit-learn (the published figures: Python 3.11.7, torch 2.15.0, scikit-learn 1.9.1). Run from the root of the repository, for a
quarter of an hour:
python3 bench/diagnosis_other.py fit target/diagnosis-other/fit
"""

import csv
import json
import math
import os
import random
import sys
import zlib

import numpy as np
import torch
from diagnosis_other_held import HELD
from diagnosis_other_jobs import FIT

torch.set_num_threads(1)
RATES = 8


class Lion(torch.optim.Optimizer):
    """Chen and others 2023, without weight decay."""

    def __init__(self, params, lr):
        super().__init__(params, {"lr": lr})

    @torch.no_grad()
    def step(self):
        for group in self.param_groups:
            for p in group["params"]:
                m = self.state[p].setdefault("m", torch.zeros_like(p))
                p.add_((0.9 * m + 0.1 * p.grad).sign(), alpha=-group["lr"])
                m.mul_(0.99).add_(p.grad, alpha=0.01)


OPTIMIZERS = {
    "sgd": torch.optim.SGD,
    "momentum": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9),
    "nesterov": lambda p, lr: torch.optim.SGD(p, lr, momentum=0.9, nesterov=True, weight_decay=5e-4),
    "adam": torch.optim.Adam,
    "adamw": lambda p, lr: torch.optim.AdamW(p, lr, weight_decay=0.01),
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "lion": Lion,
}


def half_cosine(t):
    return 0.5 * (1 + math.cos(math.pi * t))


SCHEDULES = {
    "constant": lambda t: 1.0,
    "cosine": half_cosine,
    "warmup": lambda t: min(1.0, (t + 1e-3) / 0.1) * half_cosine(t),
    "step": lambda t: 1.0 if t < 0.5 else 0.1 if t < 0.8 else 0.01,
    "linear": lambda t: 1 - t,
    "root": lambda t: min((t + 1e-3) / 0.05, math.sqrt(0.05 / max(t, 1e-9))),
    "exponential": lambda t: 0.02**t,
}


def piped(f, rows, every):
    for r in rows:
        if r["step"] % every == 0:
            f.write(f"| step {r['step']:6d} | train loss {r['loss']:7.4f} | lr {r['lr']:.3e} |\n")
        if r["val"] is not None:
            f.write(f"| eval at step {r['step']:6d} | val_loss {r['val']:7.4f} |\n")


def objects(f, rows, every):
    for r in rows:
        if r["step"] % every == 0 or r["val"] is not None:
            line = {"step": r["step"], "loss": round(r["loss"], 5), "lr": r["lr"], "val_loss": r["val"]}
            f.write(json.dumps({k: v for k, v in line.items() if v is not None}) + "\n")


def by_epoch(f, rows, every):
    """A line for each evaluation; a run that broke ends with the epoch in which it did."""
    losses, epoch = [], 0
    for r in rows:
        losses.append(r["loss"])
        if r["val"] is not None or not math.isfinite(r["loss"]):
            epoch += 1
            val = math.nan if r["val"] is None else r["val"]
            f.write(f"Epoch {epoch:03d} | loss: {sum(losses) / len(losses):.4f} | val_loss: {val:.4f} | lr: {r['lr']:.6g}\n")
            losses = []


def table(f, rows, every):
    out = csv.writer(f)
    out.writerow(["step", "loss", "val_loss", "lr"])
    for r in rows:
        if r["step"] % every == 0 or r["val"] is not None:
            out.writerow([r["step"], f"{r['loss']:.6f}", "" if r["val"] is None else f"{r['val']:.6f}", f"{r['lr']:.8f}"])


def logged(f, rows, every):
    for r in rows:
        head = f"2026-03-02 11:{r['step'] // 60 % 60:02d}:{r['step'] % 60:02d},120 - trainer - INFO -"
        if r["step"] % every == 0:
            f.write(f"{head} step: {r['step']}, loss: {r['loss']:.4f}, lr: {r['lr']:.2e}\n")
        if r["val"] is not None:
            f.write(f"{head} validation: step: {r['step']}, val_loss: {r['val']:.4f}\n")


def dictionaries(f, rows, every):
    losses = []
    for r in rows:
        losses.append(r["loss"])
        epoch = round(10 * r["step"] / r["steps"], 2)
        if r["step"] % every == 0:
            f.write(f"{ {'loss': round(sum(losses) / len(losses), 4), 'learning_rate': r['lr'], 'epoch': epoch} }\n")
            losses = []
        if r["val"] is not None:
            f.write(f"{ {'eval_loss': r['val'], 'eval_runtime': 0.8, 'epoch': epoch} }\n")


def plain(f, rows, every):
    for r in rows:
        if r["step"] % every == 0:
            f.write(f"iter {r['step']} loss={r['loss']:.5g} lr={r['lr']:.3g}\n")


STYLES = [piped, objects, by_epoch, table, logged, dictionaries, plain]


def trained(job, lr, seed):
    """The readings of a run, its untrained training and validation loss, and whether it broke."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    params, loss_of, val_of, count, untrained = job["build"](seed)
    draw = torch.Generator().manual_seed(seed + 5)
    optimizer = OPTIMIZERS[job["optimizer"]](params, lr)
    steps = job["steps"]
    rows, first = [], (untrained(), val_of())
    for t in range(steps):
        now = lr * SCHEDULES[job["schedule"]](t / steps)
        for group in optimizer.param_groups:
            group["lr"] = now
        optimizer.zero_grad()
        loss = loss_of(torch.randint(count, (job["batch"],), generator=draw))
        value = float(loss.detach())
        if math.isfinite(value):
            loss.backward()
            if "clip" in job:
                torch.nn.utils.clip_grad_norm_(params, job["clip"])
            optimizer.step()
        val = val_of() if (t + 1) % (steps // 20) == 0 else None
        rows.append({"step": t + 1, "steps": steps, "loss": value, "lr": now, "val": val, "base": lr})
        if not math.isfinite(value) or val is not None and not math.isfinite(val):
            return rows, first, True
    return rows, first, False


def run(root, name, job, styles):
    """Trains a job at every rate and writes its logs in two of the styles; the rows of the truth."""
    os.makedirs(os.path.join(root, name), exist_ok=True)
    draw, out = random.Random(name), []
    styles = draw.sample(styles, 2)
    for i in range(RATES):
        lr, ends, own = float(f"{job['centre'] * 3 ** (i - RATES // 2):.2g}"), [], []
        for seed in (0, 1):
            rows, first, broken = job.get("trained", trained)(job, lr, zlib.crc32(name.encode()) % 99991 + seed)
            vals = [r["val"] for r in rows if r["val"] is not None]
            ends.append(2 * first[1] if broken else float(np.mean(vals[-3:])))
            tail = [r["loss"] for r in rows[-max(1, job["steps"] // 10) :]]
            every = job["steps"] // draw.choice([40, 60, 100, 150])
            # What broke before there was anything to read is no log.
            for style in styles if len(rows) > 3 * every else []:
                file = f"{name}/lr{lr:g}_seed{seed}_{style.__name__}.log"
                with open(os.path.join(root, file), "w", newline="", encoding="utf-8") as f:
                    style(f, rows, max(1, every))
                own.append([file, name, lr, None, first[1], int(broken), float(np.median(tail)), first[0]])
        out += [[*row[:3], float(np.mean(ends)), *row[4:]] for row in own]
    return out


def main(kinds, styles):
    kind, root, *only = sys.argv[1:]
    os.makedirs(root, exist_ok=True)
    with open(os.path.join(root, "truth.csv"), "w", newline="", encoding="utf-8") as f:
        truth = csv.writer(f)
        truth.writerow(["file", "job", "lr", "final_val", "untrained", "broken", "end_train", "untrained_train"])
        for number, job in enumerate(kinds[kind]):
            name = f"{number:02}_{job['family']}_{job['optimizer']}_{job['schedule']}"
            if not only or job["family"] in only:
                truth.writerows(run(root, name, job, styles))
                f.flush()
                print(name, flush=True)


if __name__ == "__main__":
    main({"fit": FIT, "held": HELD}, STYLES)
