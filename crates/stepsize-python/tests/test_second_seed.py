"""``find`` of every adapter survives a search that repeats its rates with a second seed."""

import os

import pytest

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np

import stepsize
from stepsize import _search
from stepsize._native import Search

STEPS = 320
draws = np.random.default_rng(0)
X = draws.normal(size=(512, 4)).astype("float32")
Y = (X[:, :1] + 2.0 * draws.normal(size=(512, 1))).astype("float32")


def in_numpy():
    state = {"w": np.zeros((4, 1)), "draw": np.random.default_rng(1)}

    def step(lr):
        rows = state["draw"].integers(512, size=32)
        error = X[rows] @ state["w"] - Y[rows]
        state["w"] = state["w"] - lr * 2 * X[rows].T @ error / 32
        return float(np.mean(error**2))

    def restore(kept):
        state["w"] = kept[0].copy()
        state["draw"].bit_generator.state = kept[1]

    return stepsize.find(
        step, lambda: (state["w"].copy(), state["draw"].bit_generator.state), restore, steps=STEPS, schedule="cosine",
        evaluate=lambda: float(np.mean((X @ state["w"] - Y) ** 2)),
    )  # fmt: skip


def in_torch():
    torch = pytest.importorskip("torch")
    import stepsize.torch
    from torch.utils.data import DataLoader, TensorDataset

    torch.manual_seed(0)
    model = torch.nn.Linear(4, 1)
    torch.nn.init.zeros_(model.weight)
    data = TensorDataset(torch.tensor(X), torch.tensor(Y))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    loader = DataLoader(data, 32, shuffle=True)
    return stepsize.torch.find(model, torch.nn.functional.mse_loss, loader, optimizer, steps=STEPS, schedule="cosine")


def in_jax():
    pytest.importorskip("jax")
    optax = pytest.importorskip("optax")
    import stepsize.jax

    draw = np.random.default_rng(7)

    def loader():
        return ((X[rows], Y[rows]) for rows in np.split(draw.permutation(512), 16))

    return stepsize.jax.find(
        lambda params, batch: ((batch[0] @ params - batch[1]) ** 2).mean(), np.zeros((4, 1), "float32"), loader, optax.adam,
        steps=STEPS, schedule="cosine", also=[draw],
    )  # fmt: skip


def in_keras():
    keras = pytest.importorskip("keras")
    import stepsize.keras

    layer = keras.layers.Dense(1, kernel_initializer="zeros", use_bias=False)
    model = keras.Sequential([keras.Input((4,)), layer])
    model.compile(keras.optimizers.Adam(1e-3), "mse")
    return stepsize.keras.find(model, (X, Y), steps=STEPS, schedule="cosine")


@pytest.fixture
def two_seeds(monkeypatch):
    """Replaces the search, which repeats rates where they learn alike, by one that always does."""

    class Repeating:
        @staticmethod
        def race(task, steps, schedule, seed, start, budget):
            return Search.grid(task, steps, schedule, seed, 0.01, 0.1, 1, 2, 40)

    monkeypatch.setattr(_search, "Search", Repeating)


@pytest.mark.parametrize("find", [in_numpy, in_torch, in_jax, in_keras])
def test_a_second_seed_does_not_end_the_search(find, two_seeds):
    found = find()
    assert {point["seed"] for point in found.points} == {0, 1}
    by_rate = {}
    for point in found.points:
        by_rate.setdefault(point["lr"], set()).add(point["loss"])
    assert all(len(losses) == 2 for losses in by_rate.values())  # other data, not the same once more
