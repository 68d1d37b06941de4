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
    state = jax.tree.map(lambda p: (jnp.zeros_like(p), jnp.zeros_like(p)), params)
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


def noisy_labels(rng, o):
    x, y = clusters(rng, o["rows"] + 400, 12, 5, 0.6, 2)
    wrong = rng.uniform(size=len(y)) < o["wrong"]
    y = np.where(wrong, rng.integers(5, size=len(y)), y).astype(np.int32)
    init, forward = mlp([12, o["width"], o["width"], 5], o["act"], o["norm"])
    return supervised(*cut((x, y), o["rows"]), init, forward, entropy, o["batch"])


def plateaus(rng, o):
    """Losses that rest before they fall: parity of some bits, sums modulo a prime, a saddle at tiny weights."""
    if o["kind"] == "parity":
        x = rng.choice([-1.0, 1.0], (4000, 10))
        y = x[:, : o["bits"]].prod(1)
        init, forward = mlp([10, o["width"], 1], "relu")
        loss = lambda out, y: jax.nn.softplus(-out[:, 0] * y).mean()
        return supervised(*cut((floats(x), floats(y)), 3600), init, forward, loss, o["batch"])
    if o["kind"] == "modular":
        p = 7
        a, b = np.divmod(np.repeat(np.arange(p * p), 20), p)
        order = rng.permutation(len(a))
        x = np.concatenate([np.eye(p)[a], np.eye(p)[b]], 1)[order]
        y = ((a + b) % p).astype(np.int32)[order]
        init, forward = mlp([2 * p, o["width"], p], "relu")
        return supervised(*cut((floats(x), y), 800), init, forward, entropy, o["batch"])
    dims = 8
    x = rng.normal(size=(800, dims))
    y = x @ rng.normal(size=(dims, 3)) + 0.1 * rng.normal(size=(800, 3))
    init, forward = mlp([dims, 12, 12, 3], "tanh" if o["bits"] == 3 else "relu", gain=o["gain"])
    return supervised(*cut((floats(x), floats(y)), 500), init, forward, squares, o["batch"])


def overfitting(rng, o):
    """Few rows, much noise, a large network: the held-out loss rises again."""
    rows = o["rows"]
    if o["regress"]:
        x = rng.normal(size=(rows + 400, 15))
        y = floats(x[:, 0] + 0.5 * x[:, 1] * x[:, 2] + 0.7 * rng.normal(size=len(x)))
        init, forward = mlp([15, o["width"], o["width"], 1], o["act"])
        return supervised(*cut((floats(x), y), rows), init, forward, lambda out, y: squares(out[:, 0], y), o["batch"])
    x, y = clusters(rng, rows + 400, 20, 4, 1.6, 2)
    init, forward = mlp([20, o["width"], o["width"], 4], o["act"])
    return supervised(*cut((x, y), rows), init, forward, entropy, o["batch"])


def tabular(rng, o):
    if o["data"] in ("wine", "iris"):
        from sklearn import datasets

        bunch = getattr(datasets, "load_" + o["data"])()
        order = rng.permutation(len(bunch.data))
        x, y = bunch.data[order], bunch.target[order].astype(np.int32)
        classes, train = 3, int(0.7 * len(x))
    else:  # mixed columns with rare classes and units of very different size
        rows = 1600
        kinds = rng.integers(5, size=(rows, 3))
        numbers = rng.lognormal(size=(rows, 6))
        score = np.stack([np.log(numbers) @ rng.normal(size=6) + rng.normal(size=5)[kinds[:, k]] for k in range(3)], 1)
        y = (score + np.array([1.5, 0, -1.5]) + rng.gumbel(size=(rows, 3))).argmax(1).astype(np.int32)
        hot = np.concatenate([np.eye(5)[kinds[:, k]] for k in range(3)], 1)
        x, classes, train = np.concatenate([numbers, hot], 1), 3, 1200
    if o["scaled"]:
        x = (x - x[:train].mean(0)) / (x[:train].std(0) + 1e-9)
    init, forward = mlp([x.shape[1], *o["hidden"], classes], o["act"])
    return supervised(*cut((floats(x), y), train), init, forward, entropy, o["batch"])


def linear(rng, o):
    """Badly conditioned least squares and logistic regression, and deep linear networks."""
    dims = 20
    sizes = np.logspace(0, -0.5 * math.log10(o["condition"]), dims)
    x = rng.normal(size=(o["rows"] + 300, dims)) * sizes
    y = (x / sizes) @ rng.normal(size=dims) / math.sqrt(dims)
    if o["kind"] == "logistic":
        y, loss = (y + 0.5 * rng.logistic(size=len(y)) > 0).astype(float), lambda out, y: binary(out[:, 0], y)
    else:
        y, loss = y + o["noise"] * rng.normal(size=len(y)), lambda out, y: squares(out[:, 0], y)
    layers = [dims, 16, 16, 1] if o["kind"] == "deep" else [dims, 1]
    ACTS.setdefault("none", lambda x: x)
    init, forward = mlp(layers, "none", gain=1.7 if o["kind"] == "deep" else 0.1)
    return supervised(*cut((floats(x), floats(y)), o["rows"]), init, forward, loss, o["batch"])


def variational(rng, o):
    x, _ = images(rng, o["rows"] + 200, 8, 4)
    x = floats(x > 0.3) if o["binary"] else x
    code, width = o["code"], o["width"]
    noise = jnp.asarray(floats(rng.normal(size=(4096, code))))
    train, held = jnp.asarray(x[: o["rows"]]), jnp.asarray(x[o["rows"] :])
    encode, encoder = mlp([64, width, 2 * code], o["act"])
    decode, decoder = mlp([code, width, 64], o["act"])

    def loss(p, batch):
        x, eps = batch
        mean, log_sd = jnp.split(encoder(p[0], x), 2, -1)
        out = decoder(p[1], mean + jnp.exp(log_sd) * eps)
        kl = 0.5 * (mean**2 + jnp.exp(2 * log_sd) - 2 * log_sd - 1).sum(-1).mean()
        return 64 * (binary(out, x) if o["binary"] else 5 * squares(out, x)) + o["beta"] * kl

    def init(key):
        a, b = jax.random.split(key)
        return encode(a), decode(b)

    def batch(draw):
        return train[draw(o["batch"], len(train))], noise[draw(o["batch"], 4096)]

    return Problem(init, batch, loss, lambda p: loss(p, (held, noise[: len(held)])))


def implicit(rng, o):
    """A network of coordinates that learns one picture or curve."""
    dims = o["dims"]
    x = rng.uniform(-1, 1, (1500, dims))
    waves, phases, sizes = rng.normal(size=(dims, 8)) * o["detail"], rng.uniform(0, 6.3, 8), rng.uniform(0.3, 1, 8)
    y = floats((np.sin(x @ waves + phases) * sizes).sum(1))
    if o["features"]:
        x = np.concatenate([f(x @ (rng.normal(size=(dims, 8)) * o["detail"])) for f in (np.sin, np.cos)], 1)
    init, forward = mlp([x.shape[1], o["width"], o["width"], 1], o["act"])
    return supervised(*cut((floats(x), y), 1200), init, forward, lambda out, y: squares(out[:, 0], y), o["batch"])


def contrastive(rng, o):
    """InfoNCE: two noisy views of the same hidden thing find each other in the batch."""
    hidden = rng.normal(size=(900, 5))
    mixes = [rng.normal(size=(5, 14)) for _ in range(2)]
    views = [floats(np.tanh(hidden @ m) + o["noise"] * rng.normal(size=(900, 14))) for m in mixes]
    train, held = [jnp.asarray(v[:700]) for v in views], [jnp.asarray(v[700:764]) for v in views]
    inits, forwards = zip(*(mlp([14, o["width"], 8], o["act"]) for _ in range(2)))

    def loss(p, batch):
        a, b = (f(q, x) for f, q, x in zip(forwards, p, batch))
        unit = lambda z: z * jax.lax.rsqrt((z * z).sum(-1, keepdims=True) + 1e-8)
        return entropy(unit(a) @ unit(b).T / o["temperature"], jnp.arange(a.shape[0]))

    def batch(draw):
        at = draw(o["batch"], 700)
        return [v[at] for v in train]

    def val(p):
        parts = [loss(p, [v[i : i + o["batch"]] for v in held]) for i in range(0, 65 - o["batch"], o["batch"])]
        return sum(parts) / len(parts)

    return Problem(lambda key: [i(k) for i, k in zip(inits, jax.random.split(key))], batch, loss, val)


def policy(rng, o):
    """REINFORCE in a contextual bandit. What is reported is the reward that is missing, 1 at most."""
    dims, arms = 8, 5
    best = mlp_numpy(rng, dims, arms)
    contexts = rng.normal(size=(2000, dims))
    reward = floats(1 / (1 + np.exp(-2 * best(contexts))))
    contexts = jnp.asarray(floats(contexts))
    reward = jnp.asarray(reward)
    chance = jnp.asarray(floats(rng.uniform(size=4096)))
    init, forward = mlp([dims, o["width"], arms], o["act"])

    def loss(p, batch):
        x, gain, u = batch
        logs = jax.nn.log_softmax(forward(p, x))
        share = jnp.cumsum(jnp.exp(jax.lax.stop_gradient(logs)), -1)
        arm = jnp.minimum((u[:, None] > share).sum(-1), arms - 1)
        got = jnp.take_along_axis(gain, arm[:, None], 1)[:, 0]
        chosen = jnp.take_along_axis(logs, arm[:, None], 1)[:, 0]
        return -(chosen * (got - o["baseline"])).mean() - o["bonus"] * -(jnp.exp(logs) * logs).sum(-1).mean()

    def batch(draw):
        at = draw(o["batch"], 1600)
        return contexts[at], reward[at], chance[draw(o["batch"], 4096)]

    def val(p):
        return 1 - (jax.nn.softmax(forward(p, contexts[1600:])) * reward[1600:]).sum(-1).mean()

    return Problem(init, batch, loss, val)


def mlp_numpy(rng, ins, outs):
    a, b = rng.normal(size=(ins, 12)), rng.normal(size=(12, outs))
    return lambda x: np.tanh(x @ a / math.sqrt(ins)) @ b / 2


def counts(rng, o):
    """Regression of counts and of positive values with a logarithmic link: exp() makes cliffs."""
    rows, dims = o["rows"] + 400, 8
    x = rng.normal(size=(rows, dims))
    rate = np.exp(o["level"] + 0.4 * x @ rng.normal(size=dims))
    y = floats(rng.poisson(rate) if o["kind"] == "poisson" else rng.gamma(2.0, rate / 2.0) + 1e-2)
    init, forward = mlp([dims, *o["hidden"], 1], o["act"])

    def loss(out, y):
        z = out[:, 0]
        if o["kind"] == "poisson":  # deviance, so that a perfect fit has none
            return 2 * (jnp.exp(z) - y - y * z + y * jnp.log(jnp.maximum(y, 1e-9))).mean()
        return 2 * (z + y * jnp.exp(-z) - 1 - jnp.log(y)).mean()

    return supervised(*cut((floats(x), y), o["rows"]), init, forward, loss, o["batch"])


def deep(rng, o):
    """Many layers, with and without residual paths and normalisation."""
    x, y = clusters(rng, 1400, 12, 4, 0.55, 3)
    width, layers = o["width"], o["layers"]

    def init(key):
        keys = jax.random.split(key, layers + 2)
        gain = 1.0 if o["residual"] else 1.7
        return dense(keys[0], 12, width), [dense(k, width, width, gain) for k in keys[2:]], dense(keys[1], width, 4)

    def forward(p, x):
        x = apply(p[0], x)
        for layer in p[1]:
            h = ACTS[o["act"]](apply(layer, normed(x) if o["norm"] else x))
            x = x + h if o["residual"] else h
        return apply(p[2], x)

    return supervised(*cut((x, y), 1000), init, forward, entropy, o["batch"])
