"""Logs of another kind for `stepsize-bench diagnosis scripts`: NumPy, scikit-learn and plain Python. No tree is grown on them.

Each job is trained at 13 rates a factor of 10^(1/2) apart about a rough centre; every job logs in its own format. Writes the logs
and `truth.csv` (file, job, lr, final loss, untrained loss) below the directory given as argument.
Run from the root of the repository: python3 bench/diagnosis_scripts.py target/diagnosis-scripts
"""

import csv
import json
import math
import os
import random
import sys
import warnings

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits, load_wine, make_classification, make_moons
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.neural_network import MLPClassifier
from sklearn.preprocessing import StandardScaler

warnings.filterwarnings("ignore")
np.seterr(all="ignore")


def split(x, y, seed=0):
    order = np.random.default_rng(seed).permutation(len(x))
    cut = len(x) * 4 // 5
    return x[order[:cut]], y[order[:cut]], x[order[cut:]], y[order[cut:]]


class Adam:
    def __init__(self, shapes):
        self.m = [np.zeros(s) for s in shapes]
        self.v = [np.zeros(s) for s in shapes]
        self.t = 0

    def step(self, params, grads, lr):
        self.t += 1
        for p, g, m, v in zip(params, grads, self.m, self.v):
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            p -= lr * (m / (1 - 0.9**self.t)) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-8)


class Momentum:
    def __init__(self, shapes, keep=0.9):
        self.v = [np.zeros(s) for s in shapes]
        self.keep = keep

    def step(self, params, grads, lr):
        for p, g, v in zip(params, grads, self.v):
            v *= self.keep
            v += g
            p -= lr * v


def softmax_loss(z, y):
    z = z - z.max(1, keepdims=True)
    e = np.exp(z)
    p = e / e.sum(1, keepdims=True)
    loss = -np.log(np.maximum(p[np.arange(len(y)), y], 1e-300)).mean()
    p[np.arange(len(y)), y] -= 1
    return loss, p / len(y)


def numpy_mlp(data, hidden, optimizer, batch, steps, schedule, act, lr, seed):
    """A NumPy network; yields (step, train loss, rate, gradient norm, val loss or None, val accuracy or None)."""
    x, y, xv, yv = data
    rng = np.random.default_rng(seed)
    sizes = [x.shape[1], *hidden, int(y.max()) + 1]
    params = []
    for a, b in zip(sizes, sizes[1:]):
        params += [rng.normal(0, math.sqrt(2 / a), (a, b)), np.zeros(b)]
    opt = optimizer([p.shape for p in params])

    def forward(x):
        hs = [x]
        for i in range(0, len(params), 2):
            z = hs[-1] @ params[i] + params[i + 1]
            hs.append(z if i + 2 == len(params) else (np.maximum(z, 0) if act == "relu" else np.tanh(z)))
        return hs

    def evaluate():
        z = forward(xv)[-1]
        return softmax_loss(z, yv)[0], float((z.argmax(1) == yv).mean())

    yield 0, None, lr * schedule(0.0), None, *evaluate()
    for step in range(steps):
        rows = rng.integers(0, len(x), batch)
        hs = forward(x[rows])
        loss, d = softmax_loss(hs[-1], y[rows])
        grads = []
        for i in range(len(params) - 2, -1, -2):
            h = hs[i // 2]
            grads = [h.T @ d, d.sum(0), *grads]
            if i:
                d = d @ params[i].T
                d = d * (h > 0) if act == "relu" else d * (1 - h * h)
        norm = math.sqrt(sum(float((g * g).sum()) for g in grads))
        rate = lr * schedule(step / steps)
        opt.step(params, grads, rate)
        val = evaluate() if (step + 1) % max(1, steps // 25) == 0 else (None, None)
        yield step + 1, float(loss), rate, norm, *val
        if not math.isfinite(loss):
            return


def factorization(steps, batch, lr, seed):
    """Matrix factorization by plain SGD: mean squared error of ratings."""
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(80, 4)), rng.normal(size=(60, 4))
    rows, cols = rng.integers(0, 80, 3000), rng.integers(0, 60, 3000)
    r = (a[rows] * b[cols]).sum(1) + 0.3 * rng.normal(size=3000)
    p, q = 0.3 * rng.normal(size=(80, 4)), 0.3 * rng.normal(size=(60, 4))

    def mse(s):
        return float((((p[rows[s]] * q[cols[s]]).sum(1) - r[s]) ** 2).mean())

    train, val = slice(0, 2400), slice(2400, 3000)
    yield 0, None, lr, None, mse(val), None
    for step in range(steps):
        i = rng.integers(0, 2400, batch)
        e = (p[rows[i]] * q[cols[i]]).sum(1) - r[i]
        loss = float((e * e).mean())
        gp, gq = e[:, None] * q[cols[i]], e[:, None] * p[rows[i]]
        np.add.at(p, rows[i], -lr * gp / batch * 20)
        np.add.at(q, cols[i], -lr * gq / batch * 20)
        yield step + 1, loss, lr, None, mse(val) if (step + 1) % (steps // 25) == 0 else None, None
        if not math.isfinite(loss):
            return


def python_linear(steps, lr, seed):
    """Least squares in plain Python, one row a step, features of different scales."""
    rng = random.Random(seed)
    scale = [1.0, 0.5, 0.2, 2.0]
    true = [rng.gauss(0, 1) for _ in scale]
    rows = [[s * rng.gauss(0, 1) for s in scale] for _ in range(400)]
    ys = [sum(t * v for t, v in zip(true, row)) + rng.gauss(0, 0.3) for row in rows]
    w = [0.0] * len(scale)

    def mse(part):
        return sum((sum(a * b for a, b in zip(w, rows[i])) - ys[i]) ** 2 for i in part) / len(part)

    train, val = range(0, 320), range(320, 400)
    yield 0, None, lr, None, mse(val), None
    for step in range(steps):
        i = rng.randrange(320)
        e = sum(a * b for a, b in zip(w, rows[i])) - ys[i]
        w = [a - lr * e * b for a, b in zip(w, rows[i])]
        if not math.isfinite(e) or abs(e) > 1e150:
            yield step + 1, math.inf, lr, None, None, None
            return
        last = (step + 1) % (steps // 25) == 0
        yield step + 1, e * e, lr, None, mse(val) if last else None, None


def sk_classifier(x, y, epochs, lr, seed, schedule):
    x, y, xv, yv = split(StandardScaler().fit_transform(x), y)
    model = SGDClassifier(loss="log_loss", learning_rate=schedule, eta0=lr, alpha=1e-4, random_state=seed)
    classes = np.unique(y)
    yield 0, None, lr, None, math.log(len(classes)), None
    rng = np.random.default_rng(seed)
    for epoch in range(epochs):
        order = rng.permutation(len(x))
        model.partial_fit(x[order], y[order], classes=classes)
        p = np.nan_to_num(model.predict_proba(x), nan=1e-9)
        pv = np.nan_to_num(model.predict_proba(xv), nan=1e-9)
        yield epoch + 1, log_loss(y, p, labels=classes), lr, None, log_loss(yv, pv, labels=classes), model.score(xv, yv)


def sk_regressor(epochs, lr, seed):
    x, y = load_diabetes(return_X_y=True)
    x, y, xv, yv = split(StandardScaler().fit_transform(x), (y - y.mean()) / y.std())
    model = SGDRegressor(learning_rate="constant", eta0=lr, alpha=1e-4, random_state=seed)
    yield 0, None, lr, None, float((yv**2).mean()), None
    for epoch in range(epochs):
        model.partial_fit(x, y)
        try:
            yield epoch + 1, mean_squared_error(y, model.predict(x)), lr, None, mean_squared_error(yv, model.predict(xv)), None
        except ValueError:
            yield epoch + 1, math.nan, lr, None, math.nan, None
            return


def sk_mlp(x, y, solver, hidden, epochs, lr, seed):
    x, y, xv, yv = split(StandardScaler().fit_transform(x), y)
    model = MLPClassifier(hidden, solver=solver, learning_rate_init=lr, batch_size=32, random_state=seed, momentum=0.9)
    classes = np.unique(y)
    yield 0, None, lr, None, math.log(len(classes)), None
    for epoch in range(epochs):
        try:
            model.partial_fit(x, y, classes=classes)
            p = model.predict_proba(xv)
            if not np.isfinite(p).all() or not math.isfinite(model.loss_):
                raise ValueError
        except ValueError:
            yield epoch + 1, math.nan, lr, None, math.nan, None
            return
        yield epoch + 1, float(model.loss_), lr, None, log_loss(yv, p, labels=classes), model.score(xv, yv)


def quadratic(steps, lr, seed, decay):
    """A noisy quadratic of fifty curvatures."""
    rng = np.random.default_rng(seed)
    lam = np.arange(1, 51) ** -1.5
    w = np.arange(1, 51) ** -0.1

    def loss():
        return float(0.5 * (lam * w * w).sum())

    yield 0, loss(), lr, None, loss(), None
    for step in range(steps):
        g = lam * w + np.sqrt(lam * 0.05) * rng.normal(size=50)
        rate = lr * (1 - step / steps) if decay else lr
        w = w - rate * g
        seen = loss() * (1 + 0.05 * rng.normal())
        yield step + 1, seen, rate, float(np.sqrt((g * g).sum())), loss() if (step + 1) % (steps // 25) == 0 else None, None
        if not math.isfinite(seen) or seen > 1e12:
            return


DIGITS = split(*(lambda d: (d[0] / 16.0, d[1]))(load_digits(return_X_y=True)))
MOONS = split(*make_moons(800, noise=0.25, random_state=0))
BLOBS = split(*make_classification(1500, 30, n_informative=12, n_classes=5, class_sep=1.2, flip_y=0.05, random_state=1))
CANCER = load_breast_cancer(return_X_y=True)
WINE = load_wine(return_X_y=True)


def flat(_):
    return 1.0


def cosine(t):
    return 0.5 * (1 + math.cos(math.pi * t))


def warm(t):
    return min(1.0, t / 0.08 + 0.01) * cosine(t)


# name, centre of the rates, format, every n steps, runs
JOBS = [
    ("np_digits_relu_sgdm", 0.1, "csv", 5, lambda lr, s: numpy_mlp(DIGITS, [48], Momentum, 32, 600, flat, "relu", lr, s)),
    ("np_digits_tanh_adam_cos", 0.01, "jsonl", 1, lambda lr, s: numpy_mlp(DIGITS, [64, 32], Adam, 64, 500, cosine, "tanh", lr, s)),
    ("np_moons_adam", 0.02, "text", 10, lambda lr, s: numpy_mlp(MOONS, [24, 24], Adam, 16, 800, flat, "relu", lr, s)),
    ("np_blobs_sgd", 0.1, "csv_lr", 10, lambda lr, s: numpy_mlp(BLOBS, [40], lambda z: Momentum(z, 0.0), 32, 900, flat, "tanh", lr, s)),
    ("np_blobs_adam_warm", 0.01, "jsonl_grad", 4, lambda lr, s: numpy_mlp(BLOBS, [64, 64], Adam, 64, 500, warm, "relu", lr, s)),
    ("np_softmax_digits", 0.5, "val_only", 1, lambda lr, s: numpy_mlp(DIGITS, [], lambda z: Momentum(z, 0.0), 64, 500, flat, "relu", lr, s)),
    ("np_factorization", 0.03, "csv", 10, lambda lr, s: factorization(1500, 20, lr, s)),
    ("py_linear", 0.03, "text", 20, lambda lr, s: python_linear(1200, lr, s)),
    ("sk_cancer_logistic", 0.01, "keras", 1, lambda lr, s: sk_classifier(*CANCER, 30, lr, s, "constant")),
    ("sk_wine_invscaling", 0.03, "csv_lr", 1, lambda lr, s: sk_classifier(*WINE, 40, lr, s, "invscaling")),
    ("sk_diabetes_sgd", 0.003, "csv", 1, lambda lr, s: sk_regressor(40, lr, s)),
    ("sk_digits_mlp_adam", 0.003, "keras", 1, lambda lr, s: sk_mlp(*load_digits(return_X_y=True), "adam", (50,), 25, lr, s)),
    ("sk_wine_mlp_sgd", 0.03, "jsonl", 1, lambda lr, s: sk_mlp(*WINE, "sgd", (30, 30), 40, lr, s)),
    ("quadratic_const", 0.3, "csv", 5, lambda lr, s: quadratic(1000, lr, s, False)),
    ("quadratic_linear", 0.5, "jsonl_grad", 5, lambda lr, s: quadratic(1000, lr, s, True)),
]


def write(path, form, every, rows):
    """One log. A step's training loss is logged every `every` steps, validation when there is one."""
    kept = [r for r in rows if r[4] is not None or r[0] % every == 0 or not math.isfinite(r[1] or 0)]
    with open(path, "w", newline="") as f:
        if form in ("csv", "csv_lr"):
            out = csv.writer(f)
            out.writerow(["step", "train_loss", "val_loss", "val_acc"] + (["lr"] if form == "csv_lr" else []))
            for step, loss, lr, _, val, acc in kept:
                cell = lambda v: "" if v is None else repr(float(v))
                out.writerow([step, cell(loss), cell(val), cell(acc)] + ([repr(lr)] if form == "csv_lr" else []))
        elif form == "val_only":
            out = csv.writer(f)
            out.writerow(["iteration", "valid_loss"])
            out.writerows([step, f"{val:.5f}"] for step, _, _, _, val, _ in kept if val is not None)
        elif form.startswith("jsonl"):
            for step, loss, lr, norm, val, acc in kept:
                line = {"step": step, "loss": loss, "eval/loss": val}
                if form == "jsonl_grad":
                    line |= {"grad_norm": norm, "learning_rate": lr}
                f.write(json.dumps({k: v for k, v in line.items() if v is not None}) + "\n")
        elif form == "keras":
            epochs = max(r[0] for r in kept)
            for step, loss, _, _, val, acc in kept:
                if loss is not None:
                    tail = "" if acc is None else f" - val_accuracy: {acc:.4f}"
                    f.write(f"Epoch {step}/{epochs}\n10/10 - 0s - loss: {loss:.4f} - val_loss: {val:.4f}{tail}\n")
        else:
            for step, loss, _, _, val, _ in kept:
                if loss is not None:
                    f.write(f"iter {step}: loss {loss:.4f}\n")
                if val is not None:
                    f.write(f"step {step}: val loss {val:.4f}\n")


def main():
    root = sys.argv[1]
    os.makedirs(root, exist_ok=True)
    with open(os.path.join(root, "truth.csv"), "w", newline="") as f:
        truth = csv.writer(f)
        truth.writerow(["file", "job", "lr", "final_val", "untrained", "broken", "end_train"])
        for job, centre, form, every, make in JOBS:
            os.makedirs(os.path.join(root, job), exist_ok=True)
            for i in range(13):
                lr = centre * 10 ** ((i - 7) / 2)
                rows = list(make(lr, 0))
                end = {"csv": "csv", "csv_lr": "csv", "val_only": "csv", "jsonl": "jsonl", "jsonl_grad": "jsonl"}.get(form, "log")
                name = f"{job}/run{i:02}.{end}" if i % 2 else f"{job}/run{i:02}_lr{lr:.3g}.{end}"
                write(os.path.join(root, name), form, every, rows)
                losses = [r[1] for r in rows if r[1] is not None]
                vals = [r[4] for r in rows if r[4] is not None]
                broken = any(not math.isfinite(v) for v in losses + vals)
                tail = losses[-max(1, len(losses) // 10):]
                truth.writerow([name, job, repr(lr), repr(float(vals[-1])), repr(float(vals[0])), int(broken), repr(float(sum(tail) / len(tail)))])
            f.flush()
            print(job, flush=True)


if __name__ == "__main__":
    main()
