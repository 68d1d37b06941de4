"""Logs of jobs as public scripts train and log them, for `stepsize-bench diagnosis calibrate`.

`fit` trains 14 jobs of 14 families: the confidence of verdicts is fitted with them, and no tree is grown on them. `blind` trains 12
jobs of 12 other families in PyTorch, scikit-learn and JAX, likewise. Each job is trained at 8 rates a factor of 3 apart, with two
seeds, and each run is logged in two of 8 ways that no other corpus has. Writes the logs and `truth.csv` (columns as in
`diagnosis_torch.py`) below DIR. Needs torch, scikit-learn and, for `blind`, jax (the published figures: Python 3.11.7, torch 2.15.0,
scikit-learn 1.9.1, jax 0.10.2). Run from the root of the repository, for a few minutes:
python3 bench/diagnosis_foreign.py fit target/diagnosis-foreign/fit
"""

import json
import math

import diagnosis_other
from diagnosis_foreign_blind import BLIND
from diagnosis_foreign_jobs import FIT


def epochs(rows):
    """Number of each evaluation, mean loss before it, and its row; a run that broke ends with what it had."""
    losses, number = [], 0
    for r in rows:
        losses.append(r["loss"])
        if r["val"] is not None or not math.isfinite(r["loss"]):
            number += 1
            yield number, sum(losses) / len(losses), r
            losses = []


def clock(r):
    return f"{9 + r['step'] // 3600:02}:{r['step'] // 60 % 60:02}:{r['step'] % 60:02}"


def val_of(r):
    return math.nan if r["val"] is None else r["val"]


def two_lines(f, rows, every):
    for n, loss, r in epochs(rows):
        f.write(f"Epoch: {n:02} | Time: 0m {1 + n % 3}s\n\tTrain Loss: {loss:.3f}\n\t Val. Loss: {val_of(r):.3f}\n")


def loguru(f, rows, every):
    f.write(f"2026-04-11 {clock(rows[0])}.120 | INFO     | __main__:main:31 - optimizer: lr={rows[0]['base']:g}\n")
    for n, loss, r in epochs(rows):
        head = f"2026-04-11 {clock(r)}.318 | INFO     | __main__:fit:88"
        f.write(f"{head} - [epoch {n}/20] train/loss={loss:.5f} valid/loss={val_of(r):.5f}\n")


def scalars(f, rows, every):
    for r in rows:
        if r["step"] % every == 0:
            line = {"lr": r["lr"], "data_time": 0.002, "loss": r["loss"], "time": 0.03, "epoch": 1, "iter": r["step"], "memory": 412}
            f.write(json.dumps(line | {"step": r["step"]}) + "\n")


def events(f, rows, every):
    for r in rows:
        if r["step"] % every == 0:
            f.write(
                f"[04/11 {clock(r)} d2.utils.events]:  eta: 0:00:{r['step'] % 60:02}  iter: {r['step'] - 1}  total_loss: {r['loss']:.4g}  "
                f"time: 0.0312  data_time: 0.0021  lr: {r['lr']:.5g}  max_mem: 412M\n"
            )


def inner(f, rows, every):
    for r in rows:
        head = f"2026-04-11 {clock(r)} | INFO |"
        if r["step"] % every == 0:
            line = {"epoch": 1, "update": round(r["step"] / 300, 3), "loss": f"{r['loss']:.3f}", "lr": f"{r['lr']:g}"}
            f.write(f"{head} train_inner | {json.dumps(line | {'num_updates': str(r['step']), 'gnorm': '1.2'})}\n")
        if r["val"] is not None:
            line = {"epoch": 1, "valid_loss": f"{r['val']:.3f}", "valid_num_updates": str(r["step"])}
            f.write(f"{head} valid | {json.dumps(line)}\n")


def solver(f, rows, every):
    for r in rows:
        head = f"I0411 {clock(r)}.318212 4711 solver.cpp"
        if r["step"] % every == 0:
            f.write(f"{head}:239] Iteration {r['step']} (31.2 iter/s), loss = {r['loss']:.6g}\n")
            f.write(f"{head}:105] Iteration {r['step']}, lr = {r['lr']:g}\n")


def tabbed(f, rows, every):
    f.write("iteration\ttrain\tvalid\n")
    for n, loss, r in epochs(rows):
        f.write(f"{r['step']}\t{loss:.6f}\t{val_of(r):.6f}\n")


def printed(f, rows, every):
    for r in rows:
        if r["step"] % every == 0:
            f.write(f"[{r['step']:5d}/{r['steps']}] loss={r['loss']:.4f}\n")


STYLES = [two_lines, loguru, scalars, events, inner, solver, tabbed, printed]


if __name__ == "__main__":
    diagnosis_other.main({"fit": FIT, "blind": BLIND}, STYLES)
