"""Data of the jobs of `diagnosis_torch.py` and `diagnosis_families.py`: bundled with scikit-learn or drawn; two modules of Python's
own library are the text.
"""

import math
import os
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_classification,
    make_friedman1,
    make_friedman2,
    make_moons,
    make_regression,
)


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
CUT = len(CODES) * 9 // 10
LENGTH = 32


def pieces(codes, count, g):
    starts = torch.randint(len(codes) - LENGTH - 1, (count,), generator=g).tolist()
    return torch.stack([codes[i : i + LENGTH] for i in starts]), torch.stack([codes[i + 1 : i + LENGTH + 1] for i in starts])


def parts(*tensors):
    """Training and validation rows, four to one."""
    order, cut = torch.randperm(len(tensors[0])), len(tensors[0]) * 4 // 5
    return [t[order[:cut]] for t in tensors], [t[order[cut:]] for t in tensors]


def tensors(loaded):
    x, y = loaded
    return torch.tensor(x, dtype=torch.float32), torch.tensor(y)


def counts(size, shift):
    g = np.random.default_rng(5)
    x = g.normal(size=(1200, 8))
    return shift + size * x, g.poisson(np.exp(2 + x @ g.normal(size=8) * 0.3))


def shifted(x, y):
    return 4 * x + 20, 3 * y + 300


# Features and targets as measured.
RAW = {
    "diabetes": lambda: load_diabetes(return_X_y=True, scaled=False),
    "friedman": lambda: make_friedman2(800, noise=80, random_state=1),
    "plain": lambda: make_regression(600, 20, n_informative=8, noise=40, random_state=2),
    "shifted": lambda: shifted(*make_regression(1000, 6, noise=30, random_state=3)),
    "cancer": lambda: load_breast_cancer(return_X_y=True),
    "wine": lambda: load_wine(return_X_y=True),
    "blobs": lambda: make_classification(1500, 12, n_informative=6, n_classes=3, flip_y=0.1, scale=30, random_state=4),
    "counts": lambda: counts(1, 0),
    "rawcounts": lambda: counts(5, 10),
}


def blobs(seed):
    return tensors(make_classification(1500, 30, n_informative=12, n_classes=6, random_state=seed))


def moons(count):
    return tensors(make_moons(count, noise=0.08, random_state=0))[0]


def curves(count):
    t, phase, speed = torch.linspace(0, 6, 32), 6 * torch.rand(count, 1), 1 + torch.rand(count, 1)
    return 0.5 + 0.5 * torch.sin(speed * t + phase) * torch.rand(count, 1)


def ratings(people, things, count):
    a, b = torch.randn(people, 3), torch.randn(things, 3)
    i, j = torch.randint(people, (count,)), torch.randint(things, (count,))
    return i, j, 0.6 * (a[i] * b[j]).sum(1) + 0.4 * torch.randn(count)


def pairs(topics, size, count):
    """Words of the same topic that stand together, the first ones of each most often."""
    word = torch.multinomial(1 / torch.arange(1.0, size + 1), count * 2, True).view(count, 2)
    return (word + size * torch.randint(topics, (count, 1))).unbind(1)


def gratings(noise):
    y, side = torch.randint(6, (500,)), torch.arange(10.0)
    angle = (y * math.pi / 6)[:, None, None]
    waves = torch.sin(torch.cos(angle) * side + torch.sin(angle) * side[:, None] + 6 * torch.rand(500, 1, 1))
    return (waves + noise * torch.randn(500, 10, 10)).unsqueeze(1), y


def spots(noise):
    y, side = torch.randint(6, (500,)), torch.arange(10.0)
    angle = (y * math.pi / 3)[:, None, None]
    away = (side - 4.5 - 3 * torch.cos(angle)) ** 2 + (side[:, None] - 4.5 - 3 * torch.sin(angle)) ** 2
    return (2 * torch.exp(-away / 4) + noise * torch.randn(500, 10, 10)).unsqueeze(1), y
