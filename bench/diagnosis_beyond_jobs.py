"""The families of `diagnosis_beyond.py`. A family is a function of a draw, the number of the job and its common choices; it returns the
loss (of weights, a key, the share of the run, and rows), the weights, the rows for training and validation, and what it chooses itself.
"""

import jax
import jax.numpy as jnp
import numpy as np
from sklearn.datasets import load_breast_cancer, load_digits

ACTS = {"relu": jax.nn.relu, "tanh": jnp.tanh, "gelu": jax.nn.gelu}


def dense(seed, sizes, gain=1.0):
    draw = np.random.default_rng(seed)
    pairs = list(zip(sizes, sizes[1:]))
    return [{"w": jnp.array(draw.normal(0, gain * (2 / a) ** 0.5, (a, b)), jnp.float32), "b": jnp.zeros(b)} for a, b in pairs]


def forward(layers, x, act):
    for layer in layers[:-1]:
        x = ACTS[act](x @ layer["w"] + layer["b"])
    return x @ layers[-1]["w"] + layers[-1]["b"]


def entropy(z, y):
    return -jnp.take_along_axis(jax.nn.log_softmax(z), y[..., None], -1).mean()


def right(z, y):
    return (z.argmax(-1) == y).mean()


def split(*arrays):
    cut = len(arrays[0]) * 4 // 5
    arrays = [jnp.array(a, jnp.int32 if a.dtype.kind == "i" else jnp.float32) for a in arrays]
    return {"train": [a[:cut] for a in arrays], "val": [a[cut:] for a in arrays]}


def blobs(seed, classes, size=12, rows=1500, apart=1.2):
    draw = np.random.default_rng(seed)
    y = draw.integers(0, classes, rows)
    x = draw.normal(size=(classes, size))[y] * apart + draw.normal(size=(rows, size))
    return np.concatenate([x, np.sin(2 * x)], 1), y


def digits(seed):
    x, y = load_digits(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    return x[order] / 16, y[order]


def shape(draw):
    return {"hidden": draw.choice([[32], [64], [64, 64], [48] * 3]), "act": draw.choice(list(ACTS))}


def classifier(x, y, classes, o, seed, **more):
    def loss(p, key, t, x, y):
        return entropy(forward(p, x, o["act"]), y), {}

    made = {"loss": loss, "score": lambda p, x, y: right(forward(p, x, o["act"]), y), "params": dense(seed, [x.shape[1], *o["hidden"], classes])}
    return made | split(x, y) | more


def some_blobs(draw, i, job):
    classes = draw.choice([2, 3, 5, 10, 20])
    return classifier(*blobs(i, classes), classes, shape(draw), i)


def some_digits(draw, i, job):
    return classifier(*digits(i), 10, shape(draw), i)


def mislabelled(draw, i, job):
    x, y = blobs(i, 6)
    wrong = np.random.default_rng(i).random(len(y)) < draw.choice([0.15, 0.3])
    return classifier(x, np.where(wrong, (y + 1) % 6, y), 6, shape(draw), i)


def few(draw, i, job):
    x, y = digits(i)
    return classifier(x[:300], y[:300], 10, shape(draw), i)


def tabular(draw, i, job):
    x, y = load_breast_cancer(return_X_y=True)
    order = np.random.default_rng(i).permutation(len(x))
    x = (x - x.mean(0)) / x.std(0) if i % 2 else x / 100
    return classifier(x[order], y[order], 2, shape(draw) | {"hidden": draw.choice([[], [16]])}, i, factor=1 if i % 2 else (0.01, 0.3))


def deep(draw, i, job):
    x, y = digits(i)
    return classifier(x, y, 10, {"hidden": [24] * draw.choice([6, 8]), "act": draw.choice(["relu", "tanh"])}, i)


def regression(draw, i, job):
    o, rng = shape(draw), np.random.default_rng(i)
    x = rng.normal(size=(1200, 8))
    y = np.sin(2 * x[:, 0]) + x[:, 1] * x[:, 2] + 0.2 * rng.normal(size=1200)
    scale = draw.choice([1.0, 1.0, 20.0])
    loss = lambda p, key, t, x, y: (jnp.square(forward(p, x, o["act"])[:, 0] - y).mean(), {})
    return {"loss": loss, "params": dense(i, [8, *o["hidden"], 1]), "factor": (0.5 / scale, scale)} | split(x, scale * y)


def autoencoder(draw, i, job):
    o, x = shape(draw), digits(i)[0]
    sizes = [64, 48, draw.choice([4, 8, 16]), 48, 64]

    def loss(p, key, t, x):
        z = forward(p, x, o["act"])
        if i % 2:
            return jnp.square(z - x).mean(), {}
        return (jax.nn.softplus(z) - x * z).sum(1).mean(), {}

    return {"loss": loss, "params": dense(i, sizes), "factor": (5, 1) if i % 2 else (0.05, 1)} | split(x)


def contrastive(draw, i, job):
    o, x = shape(draw), digits(i)[0]
    heat = draw.choice([0.1, 0.3])

    def loss(p, key, t, x):
        views = [forward(p, x + 0.15 * jax.random.normal(k, x.shape), o["act"]) for k in jax.random.split(key)]
        a, b = [v / (1e-6 + jnp.linalg.norm(v, axis=1, keepdims=True)) for v in views]
        return entropy(a @ b.T / heat, jnp.arange(len(a))), {}

    made = split(x)
    return {"loss": loss, "params": dense(i, [64, *o["hidden"], 16]), "train": made["train"], "val": [made["val"][0][:64]], "batch": 64}


def chain(seed, vocabulary, mixed=0.0):
    """Pieces of 17 letters of a random chain, or of one mixed of two."""
    draw = np.random.default_rng(seed)
    odds = draw.dirichlet(np.full(vocabulary, 0.15), vocabulary)
    if mixed:
        odds = (1 - mixed) * odds + mixed * np.random.default_rng(seed + 99).dirichlet(np.full(vocabulary, 0.15), vocabulary)
    at, out = draw.integers(0, vocabulary, 1500), []
    for _ in range(17):
        out.append(at)
        at = (odds[at].cumsum(1) > draw.random((len(at), 1))).argmax(1)
    return np.stack(out, 1)


def language(draw, i, job, text=None, vocabulary=None, width=32):
    vocabulary = vocabulary or draw.choice([20, 40, 60])
    p = dense(i, [width, width, vocabulary], 0.7)
    rng = np.random.default_rng(i)
    some = lambda *s: jnp.array(rng.normal(0, 0.3 if len(s) > 1 and s[0] == vocabulary else width**-0.5, s), jnp.float32)
    params = {"embed": some(vocabulary, width), "place": some(16, width), "q": some(width, width), "k": some(width, width), "v": some(width, width), "out": p}

    def logits(p, x):
        h = p["embed"][x] + p["place"]
        seen = jnp.where(jnp.tril(jnp.ones((16, 16))) > 0, (h @ p["q"]) @ (h @ p["k"]).swapaxes(-1, -2) / width**0.5, -1e9)
        h = h + jax.nn.softmax(seen) @ (h @ p["v"])
        h = (h - h.mean(-1, keepdims=True)) / (h.std(-1, keepdims=True) + 1e-5)
        return forward(p["out"], h, "gelu")

    loss = lambda p, key, t, x: (entropy(logits(p, x[:, :-1]), x[:, 1:]), {})
    rows = split(chain(i, vocabulary) if text is None else text)
    rows["val"] = [rows["val"][0][:150]]
    return {"loss": loss, "params": params, "batch": 16, "steps": min(job["steps"], 600), "vocabulary": vocabulary, "factor": (2, 0.7)} | rows


def long(draw, i, job):
    """A letter after another by a table of two factors, for very many steps."""
    size, width = draw.choice([30, 60]), draw.choice([8, 16])
    text = chain(i, size)
    rng = np.random.default_rng(i)
    params = {"a": jnp.array(rng.normal(0, 0.3, (size, width)), jnp.float32), "out": dense(i, [width, width, size])}
    loss = lambda p, key, t, x: (entropy(forward(p["out"], p["a"][x[:, 0]], "tanh"), x[:, 1]), {})
    steps = draw.choice([20000, 30000, 40000])
    schedule = draw.choice(["warmup", "cosine", "constant"])
    made = {"loss": loss, "params": params, "steps": steps, "schedule": schedule, "epochs": 40, "batch": 16, "factor": (1, 0.3)}
    return made | split(np.concatenate([text[:, j : j + 2] for j in range(16)])[:20000])


def tuned(draw, i, job):
    """Trained before on other rows: on other classes of one network, or with another last layer."""
    o = shape(draw) | {"hidden": draw.choice([[64], [64, 64]])}
    x, y = digits(i)
    before = classifier(x, y, 10, o, i)
    x2 = x + np.random.default_rng(i).normal(0, draw.choice([0.15, 0.3]), x.shape)
    made = classifier(x2[:600], y[:600], 10, o, i, factor=(0.2, 0.15))
    adam = {"optimizer": "adam", "rates": [0.003], "steps": 600, "batch": 64, "schedule": "linear"}
    return made | {"before": {k: before[k] for k in ("params", "train", "val")} | adam, "steps": min(job["steps"], 500)}


def tuned_head(draw, i, job):
    """Features trained before by a coder of all digits; a new last layer on a few."""
    o, (x, y) = shape(draw), digits(i)
    o["hidden"] = [64, 32]

    def coded(p, key, t, x):
        h = ACTS[o["act"]](forward(p["net"][:2], x, o["act"]))
        return jnp.square(h @ p["back"] - x).mean(), {}

    def loss(p, key, t, x, y):
        return entropy(forward(p["net"], x, o["act"]), y), {}

    params = {"net": dense(i, [64, 64, 32, 10]), "back": jnp.array(np.random.default_rng(i).normal(0, 0.1, (32, 64)), jnp.float32)}
    params["net"][-1]["w"] *= 0.1
    before = {"loss": coded, "score": None, "params": params, "optimizer": "adam", "rates": [0.003], "steps": 500, "batch": 64} | split(x)
    score = lambda p, x, y: right(forward(p["net"], x, o["act"]), y)
    return {"loss": loss, "score": score, "params": params, "before": before, "factor": (0.5, 0.3)} | split(x[:500], y[:500])


def tuned_language(draw, i, job):
    """A language model trained before on one chain, tuned on a chain mixed of it and another."""
    made = language(draw, i, job)
    text = chain(i, made["vocabulary"], draw.choice([0.15, 0.3, 0.5]))
    before = {k: made[k] for k in ("params", "train", "val")} | {"optimizer": "adam", "rates": [0.004], "steps": 800, "schedule": "linear"}
    rows = split(text[: draw.choice([400, 1500])])
    return made | rows | {"before": before, "steps": min(made["steps"], 400), "factor": (0.3, 0.1)}


def resumed(draw, i, job):
    made = [some_digits, language, regression, some_blobs][i % 4](draw, i, job)
    schedule = draw.choice(["constant", "cosine"])
    return made | {"before": {"params": made["params"], "schedule": "constant", "steps": job["steps"]}, "goes_on": True, "schedule": schedule}


def cooldown(draw, i, job):
    made = [some_digits, language, regression, autoencoder][i % 4](draw, i, job)
    before = {"params": made["params"], "schedule": "constant", "steps": job["steps"]}
    return made | {"before": before, "goes_on": True, "schedule": "linear", "steps": max(60, job["steps"] // 4)}


def variational(draw, i, job):
    """An autoencoder with two parts; in every second job the weight of the second grows."""
    x, code = digits(i)[0], draw.choice([2, 6])
    params = {"in": dense(i, [64, 48, 2 * code]), "out": dense(i + 50, [code, 48, 64])}

    def loss(p, key, t, x):
        mean, spread = jnp.split(forward(p["in"], x, "tanh"), 2, 1)
        z = forward(p["out"], mean + jnp.exp(spread / 2) * jax.random.normal(key, mean.shape), "tanh")
        recon = (jax.nn.softplus(z) - x * z).sum(1).mean()
        kl = 0.5 * (mean**2 + jnp.exp(spread) - 1 - spread).sum(1).mean()
        return recon + (jnp.minimum(1.0, 3 * t) if i % 2 else 1.0) * kl, {"recon": recon, "kl": kl}

    return {"loss": loss, "params": params, "factor": (0.05, 1)} | split(x)


def detection(draw, i, job):
    """Class, box and presence of a spot in a small picture: a loss of three parts."""
    rng = np.random.default_rng(i)
    n, at = 1500, None
    at, kind, there = rng.random((n, 2)) * 7, rng.integers(0, 3, n), rng.random(n) < 0.7
    far = [np.abs(np.arange(8) - at[:, j, None]) for j in (0, 1)]
    x = np.exp(-(far[0][:, :, None] ** 2 + far[1][:, None] ** 2) / (0.5 + kind[:, None, None])) * there[:, None, None]
    x = (x + 0.1 * rng.normal(size=x.shape)).reshape(n, 64)
    o = shape(draw)
    weights = draw.choice([(1, 5, 1), (0.5, 0.05, 1.0), (1, 1, 1)])

    def loss(p, key, t, x, kind, at, there):
        z = forward(p, x, o["act"])
        parts = {
            "loss_cls": -(jnp.take_along_axis(jax.nn.log_softmax(z[:, :3]), kind[:, None], 1)[:, 0] * there).mean(),
            "loss_box": (jnp.abs(z[:, 3:5] - at / 7).sum(1) * there).mean(),
        }
        seen = (jax.nn.softplus(z[:, 5]) - there * z[:, 5]).mean()
        return weights[0] * parts["loss_cls"] + weights[1] * parts["loss_box"] + weights[2] * seen, parts

    return {"loss": loss, "params": dense(i, [64, *o["hidden"], 6])} | split(x, kind, at, there.astype(float))


def curriculum(draw, i, job):
    """The loss of a classifier and that of another task, whose weight grows over the run."""
    o, (x, y) = shape(draw), digits(i)
    far = draw.choice([2.0, 5.0])

    def loss(p, key, t, x, y):
        z = forward(p, x, o["act"])
        return entropy(z[:, :10], y) + far * t * jnp.square(z[:, 10:] - x[:, :20]).mean() * 5, {}

    return {"loss": loss, "params": dense(i, [64, *o["hidden"], 30]), "factor": (0.5, 1)} | split(x, y)


def adversarial(draw, i, job):
    """A generator of digits and what tells them from real ones."""
    x, size = digits(i)[0], 16
    params = {"g": dense(i, [size, 64, 64]), "d": dense(i + 1, [64, 48, 1])}

    def loss(p, key, t, x):
        stop = jax.lax.stop_gradient
        z = jax.random.normal(key, (len(x), size))
        fake = jax.nn.sigmoid(forward(p["g"], z, "relu"))
        tell = lambda d, x: forward(d, x, "relu")[:, 0]
        d = jax.nn.softplus(-tell(p["d"], x)).mean() + jax.nn.softplus(tell(p["d"], stop(fake))).mean()
        g = jax.nn.softplus(-tell(jax.tree.map(stop, p["d"]), fake)).mean()
        return d + g, {"loss_d": d, "loss_g": g, "d_real": jax.nn.sigmoid(tell(p["d"], x)).mean()}

    return {"loss": loss, "params": params, "game": True, "optimizer": "adam", "factor": 0.1} | split(x)


def reinforced(draw, i, job):
    """Actions for contexts by policy gradients beside a value; the reward is the score."""
    rng = np.random.default_rng(i)
    x, true = rng.normal(size=(2000, 8)), jnp.array(rng.normal(size=(8, 4)), jnp.float32)
    params = {"p": dense(i, [8, 32, 4], 0.5), "v": dense(i + 1, [8, 32, 1])}

    def loss(p, key, t, x):
        z = forward(p["p"], x, "tanh")
        act = jax.random.categorical(key, z)
        reward = jnp.take_along_axis(jnp.tanh(x @ true), act[:, None], 1)[:, 0]
        value = forward(p["v"], x, "tanh")[:, 0]
        logs = jnp.take_along_axis(jax.nn.log_softmax(z), act[:, None], 1)[:, 0]
        policy = -(logs * jax.lax.stop_gradient(reward - value)).mean()
        wrong, spread = jnp.square(reward - value).mean(), -(jax.nn.softmax(z) * jax.nn.log_softmax(z)).sum(1).mean()
        return policy + 0.5 * wrong - 0.01 * spread, {"policy_loss": policy, "value_loss": wrong, "entropy": spread}

    return {"loss": loss, "params": params, "game": True, "optimizer": "adam", "factor": 1} | split(x)


GAMES = ("adversarial", "reinforced")
FAMILIES = {
    "blobs": (some_blobs, 7),
    "digits": (some_digits, 7),
    "mislabelled": (mislabelled, 5),
    "few": (few, 5),
    "tabular": (tabular, 6),
    "deep": (deep, 5),
    "regression": (regression, 7),
    "autoencoder": (autoencoder, 6),
    "contrastive": (contrastive, 5),
    "language": (language, 7),
    "long": (long, 5),
    "tuned": (tuned, 8),
    "tunedhead": (tuned_head, 6),
    "tunedlanguage": (tuned_language, 8),
    "resumed": (resumed, 8),
    "cooldown": (cooldown, 8),
    "variational": (variational, 6),
    "detection": (detection, 6),
    "curriculum": (curriculum, 5),
    "adversarial": (adversarial, 4),
    "reinforced": (reinforced, 4),
}
