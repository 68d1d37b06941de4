"""The jobs: families of data and models, each drawn by a seeded generator.

Data are made here. The exceptions ship with scikit-learn (wine and iris, from the UCI repository, CC BY 4.0) or with this repository
and Python (the Apache licence, and the Zen of Python, which is in the public domain), as texts. None is a data set of the engine.
"""

import codecs
import contextlib
import io
import math
import pathlib

import jax
import jax.numpy as jnp
import numpy as np
from parts import apply, binary, clusters, cut, dense, entropy, floats, images, mlp, normed, patches, squares, supervised
from training import Problem


def convolution(rng, o):
    side, classes = 8, o["classes"]
    x, y = images(rng, o["rows"] + 256, side, classes)
    x = np.asarray(patches(jnp.asarray(x)[..., None], side))
    c1, c2 = o["channels"], 2 * o["channels"]

    def init(key):
        a, b, c = jax.random.split(key, 3)
        head = (c2 * 4) if o["deep"] else c1 * 9
        return {"a": dense(a, 9, c1), "b": dense(b, 9 * c1, c2), "c": dense(c, head, classes)}

    def forward(p, x):
        h = jax.nn.relu(apply(p["a"], x))
        h = normed(h) if o["norm"] else h
        rows = h.shape[0]
        if o["deep"]:
            h = jax.nn.relu(apply(p["b"], patches(h, 6)))
            h = h.reshape(rows, 2, 2, 2, 2, c2).mean((2, 4))
        else:
            h = h.reshape(rows, 3, 2, 3, 2, c1).mean((2, 4))
        return apply(p["c"], h.reshape(rows, -1))

    return supervised(*cut((x, y), o["rows"]), init, forward, entropy, o["batch"])


def recurrent(rng, o):
    length, hidden, rows = o["length"], o["hidden"], o["rows"] + 256
    if o["kind"] == "adding":
        marks = np.zeros((rows, length))
        for row in marks:
            row[rng.choice(length, 2, replace=False)] = 1
        values = rng.uniform(size=(rows, length))
        x, y, outs, loss = np.stack([values, marks], -1), (values * marks).sum(1), 1, squares
    elif o["kind"] == "recall":
        symbols = rng.integers(4, size=(rows, length))
        x, y, outs, loss = np.eye(4)[symbols], symbols[:, 1].astype(np.int32), 4, entropy
    else:  # the next value of a noisy sum of two waves
        t = np.arange(length + 1)
        f = rng.uniform(0.2, 1.2, (rows, 2, 1))
        wave = np.sin(f * t + rng.uniform(0, 6.3, (rows, 2, 1))).sum(1) + 0.1 * rng.normal(size=(rows, length + 1))
        x, y, outs, loss = wave[:, :-1, None], wave[:, -1], 1, squares
    ins = x.shape[-1]

    def init(key):
        a, b, c, d = jax.random.split(key, 4)
        gates = 3 if o["gru"] else 1
        return {"x": dense(a, ins, gates * hidden), "h": dense(b, hidden, gates * hidden), "o": dense(c, hidden, outs)}

    def cell(p, h, x):
        a, b = apply(p["x"], x), apply(p["h"], h)
        if not o["gru"]:
            return jnp.tanh(a + b)
        z = jax.nn.sigmoid(a[:, :hidden] + b[:, :hidden])
        r = jax.nn.sigmoid(a[:, hidden : 2 * hidden] + b[:, hidden : 2 * hidden])
        return (1 - z) * h + z * jnp.tanh(a[:, 2 * hidden :] + r * b[:, 2 * hidden :])

    def forward(p, x):
        h = jnp.zeros((x.shape[0], hidden))
        for t in range(length):
            h = cell(p, h, x[:, t])
        out = apply(p["o"], h)
        return out if outs > 1 else out[:, 0]

    y = y if outs > 1 else floats(y)
    return supervised(*cut((floats(x), y), o["rows"]), init, forward, loss, o["batch"])


def text(kind, rng):
    if kind == "zen":
        with contextlib.redirect_stdout(io.StringIO()):
            import this
        return codecs.decode(this.s, "rot13").lower()
    if kind == "licence":
        return " ".join((pathlib.Path(__file__).parents[2] / "LICENSE-APACHE").read_text().lower().split())
    words = ["".join(rng.choice(list("abcdefghij"), rng.integers(2, 6))) for _ in range(40)]
    follow = [rng.choice(40, 4) for _ in words]
    at, out = 0, []
    for _ in range(2500):
        out.append(words[at])
        at = int(rng.choice(follow[at], p=[0.55, 0.25, 0.15, 0.05]))
    return " ".join(out)


def transformer(rng, o):
    body = text(o["text"], rng)
    letters = sorted(set(body))
    codes = np.array([letters.index(c) for c in body], np.int32)
    context, d, heads, vocab = o["context"], o["width"], 2, len(letters)
    windows = np.lib.stride_tricks.sliding_window_view(codes, context + 1)
    edge = int(0.8 * len(windows))
    train, held = windows[:edge], windows[edge + context :]
    held = held[rng.choice(len(held), min(64, len(held)), replace=False)]
    mask = jnp.tril(jnp.ones((context, context), bool))

    def init(key):
        k = iter(jax.random.split(key, 3 + 4 * o["layers"]))
        normal = lambda shape, sd: sd * jax.random.normal(next(k), shape)
        blocks = [
            {"qkv": dense(next(k), d, 3 * d), "o": dense(next(k), d, d), "a": dense(next(k), d, 2 * d), "b": dense(next(k), 2 * d, d)}
            for _ in range(o["layers"])
        ]
        return {"e": normal((vocab, d), 0.1), "p": normal((context, d), 0.1), "l": blocks, "h": dense(next(k), d, vocab)}

    def attend(p, x):
        q, k, v = jnp.split(apply(p["qkv"], x), 3, -1)
        parts = lambda z: z.reshape(-1, context, heads, d // heads).transpose(0, 2, 1, 3)
        score = parts(q) @ parts(k).transpose(0, 1, 3, 2) / math.sqrt(d / heads)
        mixed = jax.nn.softmax(jnp.where(mask, score, -1e9)) @ parts(v)
        return apply(p["o"], mixed.transpose(0, 2, 1, 3).reshape(-1, context, d))

    def forward(p, tokens):
        x = jax.nn.one_hot(tokens, vocab) @ p["e"] + p["p"]
        for layer in p["l"]:
            x = x + attend(layer, normed(x))
            x = x + apply(layer["b"], jax.nn.gelu(apply(layer["a"], normed(x))))
        return apply(p["h"], normed(x)).reshape(-1, vocab)

    loss = lambda out, y: entropy(out, y.reshape(-1))
    rows = [(w[:, :-1], w[:, 1:]) for w in (train, held)]
    return supervised(*rows, init, forward, loss, o["batch"])


def embedding(rng, o):
    """Skip-gram with negative sampling on a corpus of topics."""
    vocab, d, topics, negatives = o["vocab"], o["width"], 6, 4
    weights = rng.dirichlet(np.full(vocab, 0.15), topics)
    words = np.concatenate([rng.choice(vocab, 40, p=weights[rng.integers(topics)]) for _ in range(300)])
    offsets = rng.integers(1, 4, len(words) - 4)
    pairs = np.stack([words[:-4], words[np.arange(len(words) - 4) + offsets]], 1).astype(np.int32)
    frequent = (np.bincount(words, minlength=vocab) + 0.1) ** 0.75
    bank = jnp.asarray(rng.choice(vocab, 4096, p=frequent / frequent.sum()).astype(np.int32))
    train, held = jnp.asarray(pairs[:-600]), jnp.asarray(pairs[-600:])
    held_negatives = bank[: 600 * negatives].reshape(600, negatives)

    def init(key):
        a, b = jax.random.split(key)
        spread = 0.5 / d if o["small"] else 1 / math.sqrt(d)
        inner = jax.random.uniform(a, (vocab, d), minval=-spread, maxval=spread)
        return inner, (jnp.zeros((vocab, d)) if o["small"] else spread * jax.random.normal(b, (vocab, d)))

    def loss(p, batch):
        (pair, negative) = batch
        hot = lambda w: jax.nn.one_hot(w, vocab)
        centre, near, far = hot(pair[:, 0]) @ p[0], hot(pair[:, 1]) @ p[1], hot(negative) @ p[1]
        good, bad = (centre * near).sum(-1), jnp.einsum("bd,bnd->bn", centre, far)
        return (jax.nn.softplus(-good) + jax.nn.softplus(bad).sum(-1)).mean()

    def batch(draw):
        return train[draw(o["batch"], len(train))], bank[draw(o["batch"] * negatives, 4096)].reshape(-1, negatives)

    return Problem(init, batch, loss, lambda p: loss(p, (held, held_negatives)))


def factorization(rng, o):
    users, items, rank = o["users"], 40, 4
    true = rng.normal(size=(users, rank)) @ rng.normal(size=(items, rank)).T / math.sqrt(rank)
    true += o["offset"] + 0.5 * rng.normal(size=(users, 1)) + 0.5 * rng.normal(size=items)
    seen = rng.permutation(users * items)[: o["rows"] + 300]
    u, i = (seen // items).astype(np.int32), (seen % items).astype(np.int32)
    y = floats(true[u, i] + 0.3 * rng.normal(size=len(seen)))

    def init(key):
        a, b = jax.random.split(key)
        sd = o["scale"]
        return {
            "u": sd * jax.random.normal(a, (users, o["rank"])),
            "i": sd * jax.random.normal(b, (items, o["rank"])),
            "bu": jnp.zeros(users),
            "bi": jnp.zeros(items),
        }

    def forward(p, u, i):
        u, i = jax.nn.one_hot(u, users), jax.nn.one_hot(i, items)
        return ((u @ p["u"]) * (i @ p["i"])).sum(-1) + (u @ p["bu"] + i @ p["bi"] if o["biases"] else 0.0)

    return supervised(*cut((u, i, y), o["rows"]), init, forward, squares, o["batch"])


def autoencoder(rng, o):
    x, _ = images(rng, o["rows"] + 256, 8, 5)
    x = 1 / (1 + np.exp(-3 * x)) if o["binary"] else x
    x = floats(x)
    if o["masked"]:
        x = x * (rng.uniform(size=x.shape) < 0.8)
    init, forward = mlp([64, o["width"], o["code"], o["width"], 64], o["act"], o["norm"])
    return supervised(*cut((x, x), o["rows"]), init, forward, binary if o["binary"] else squares, o["batch"])


def heavy_tails(rng, o):
    dims, rows = 10, o["rows"] + 512
    x = rng.normal(size=(rows, dims))
    y = np.sin(x[:, 0]) * 2 + x[:, 1] * x[:, 2] + np.abs(x[:, 3]) + o["noise"] * rng.standard_t(o["freedom"], rows)
    huber = lambda e: jnp.where(jnp.abs(e) < 1, 0.5 * e * e, jnp.abs(e) - 0.5)
    error = {"mse": jnp.square, "huber": huber, "absolute": jnp.abs}[o["loss"]]
    init, forward = mlp([dims, o["width"], o["width"], 1], o["act"])
    loss = lambda out, y: error(out[:, 0] - y).mean()
    return supervised(*cut((floats(x), floats(y)), o["rows"]), init, forward, loss, o["batch"])


def fine_tuning(rng, o):
    """A network trained on many rows of one task goes on to a related task with few rows."""
    dims, classes = 16, 6
    x, y = clusters(rng, 3000, dims, classes, 0.7, 3)
    init, forward = mlp([dims, 32, 32, classes], "relu")
    params = init(jax.random.PRNGKey(7))
    move = jax.jit(lambda p, m, x, y: update_adam(p, m, jax.grad(lambda p: entropy(forward(p, x), y))(p)))
    state = (jax.tree.map(jnp.zeros_like, params), jax.tree.map(jnp.zeros_like, params), 0)
    for t in range(800):
        at = rng.integers(2000, size=64)
        params, state = move(params, state, x[at], y[at])
    turn = np.linalg.qr(np.eye(dims) + o["turn"] * rng.normal(size=(dims, dims)))[0]
    new_x, new_y = floats(x[2000:] @ turn), y[2000:]
    if o["head"]:
        new_y = (new_y + (new_x[:, 0] > 0)) % classes

    def begin(key):
        return params[:-1] + [dense(key, 32, classes)] if o["head"] else params

    return supervised(*cut((new_x[: o["rows"] + 500], new_y[: o["rows"] + 500]), o["rows"]), begin, forward, entropy, o["batch"])


def update_adam(params, state, grads):
    m, s, t = state
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, grads)
    s = jax.tree.map(lambda s, g: 0.999 * s + 0.001 * g * g, s, grads)
    rate = 3e-3 * jnp.sqrt(1 - 0.999 ** (t + 1.0)) / (1 - 0.9 ** (t + 1.0))
    return jax.tree.map(lambda p, m, s: p - rate * m / (jnp.sqrt(s) + 1e-8), params, m, s), (m, s, t + 1)
