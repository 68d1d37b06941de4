"""What the families of jobs are built from: layers, losses, made-up data, mini-batches."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from training import Problem

ACTS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "gelu": jax.nn.gelu, "silu": jax.nn.silu}


def dense(key, ins, outs, gain=1.0):
    bound = gain / math.sqrt(ins)
    return {"w": jax.random.uniform(key, (ins, outs), minval=-bound, maxval=bound), "b": jnp.zeros(outs)}


def apply(layer, x):
    return x @ layer["w"] + layer["b"]


def mlp(sizes, act="relu", norm=False, gain=1.0):
    """An initialiser and a function: dense layers with PyTorch's usual size of weights."""

    def init(key):
        keys = jax.random.split(key, len(sizes))
        return [dense(k, a, b, gain) for k, a, b in zip(keys, sizes, sizes[1:])]

    def forward(params, x):
        for layer in params[:-1]:
            x = apply(layer, x)
            x = normed(x) if norm else x
            x = ACTS[act](x)
        return apply(params[-1], x)

    return init, forward


def normed(x):
    x = x - x.mean(-1, keepdims=True)
    return x * jax.lax.rsqrt((x * x).mean(-1, keepdims=True) + 1e-5)


def entropy(logits, labels):
    return -jnp.take_along_axis(jax.nn.log_softmax(logits), labels[:, None], 1).mean()


def squares(out, y):
    return jnp.square(out - y).mean()


def binary(logits, y):
    return (jax.nn.softplus(logits) - logits * y).mean()


def supervised(rows, held, init, forward, loss, batch):
    """Mini-batches of the training rows, all held-out rows for the validation loss."""
    rows, held = [tuple(jnp.asarray(a) for a in part) for part in (rows, held)]
    count = len(rows[0])

    def sample(draw):
        at = draw(batch, count)
        return tuple(a[at] for a in rows)

    def of(params, part):
        return loss(forward(params, *part[:-1]), part[-1])

    return Problem(init, sample, of, lambda p: of(p, held))


def cut(arrays, train):
    return [a[:train] for a in arrays], [a[train:] for a in arrays]


def floats(x):
    return np.asarray(x, np.float32)


def clusters(rng, rows, dims, classes, spread, per_class=2):
    """Classes of several Gaussian clouds each."""
    centres = rng.normal(size=(classes, per_class, dims))
    y = rng.integers(classes, size=rows)
    x = centres[y, rng.integers(per_class, size=rows)] + spread * rng.normal(size=(rows, dims))
    return floats(x), y.astype(np.int32)


def images(rng, rows, side, classes):
    """Gratings and blobs of a class's direction and width, at a random place, with noise."""
    grid = np.stack(np.meshgrid(np.arange(side), np.arange(side)), -1).reshape(-1, 2)
    y = rng.integers(classes, size=rows)
    angle = np.pi * y / classes + 0.15 * rng.normal(size=rows)
    direction = np.stack([np.cos(angle), np.sin(angle)], 1)
    phase = rng.uniform(0, 2 * np.pi, rows)
    wave = np.sin(grid @ direction.T * (0.9 + 0.3 * (y % 2)) + phase)
    place = rng.uniform(1, side - 1, (rows, 2))
    window = np.exp(-((grid[:, None] - place[None]) ** 2).sum(-1) / (2 * (side / 3) ** 2))
    return floats((wave * window).T + 0.25 * rng.normal(size=(rows, side * side))), y.astype(np.int32)


def patches(x, side):
    """Windows of three by three pixels: (rows, places, 9 x channels)."""
    x = x.reshape(*x.shape[:-2], side, side, x.shape[-1])
    inner = side - 2
    parts = [x[..., i : i + inner, j : j + inner, :] for i in range(3) for j in range(3)]
    out = jnp.concatenate(parts, -1)
    return out.reshape(*out.shape[:-3], inner * inner, out.shape[-1])
