"""The other half of the jobs; see `families.py`."""

import math

import jax
import jax.numpy as jnp
import numpy as np
from parts import ACTS, apply, binary, clusters, cut, dense, entropy, floats, images, mlp, normed, squares, supervised
from training import Problem


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
