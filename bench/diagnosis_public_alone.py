"""Jobs of `diagnosis_public.py` that train by themselves: Keras, scikit-learn and optax. Each function takes a job, a rate and a seed, and
returns the rows of the run, its untrained training and validation loss, and whether it broke.
"""

import math
import os
import warnings

import numpy as np
from diagnosis_foreign_blind import rows_of
from diagnosis_other_jobs import CUT, X, Y
from sklearn import datasets
from sklearn.linear_model import SGDRegressor
from sklearn.neural_network import MLPClassifier


def fitted(model, job, x, y, cut, seed):
    """A Keras model, an epoch a row."""
    import keras

    rates = []
    note = keras.callbacks.LambdaCallback(on_epoch_end=lambda e, logs: rates.append(float(np.asarray(model.optimizer.learning_rate))))
    slower = [keras.callbacks.ReduceLROnPlateau(factor=0.3, patience=3)] if job["schedule"] == "plateau" else []
    first = [float(model.evaluate(a, b, batch_size=256, verbose=0)) for a, b in ((x[:cut], y[:cut]), (x[cut:], y[cut:]))]
    stop = keras.callbacks.TerminateOnNaN()
    keras.utils.set_random_seed(seed)
    how = {"batch_size": job["batch"], "epochs": job["steps"], "verbose": 0, "callbacks": [note, stop, *slower]}
    seen = model.fit(x[:cut], y[:cut], validation_data=(x[cut:], y[cut:]), **how)
    losses, vals = seen.history["loss"], seen.history.get("val_loss", [])
    rows, broken = rows_of(losses, vals + [math.nan] * (len(losses) - len(vals)), rates[0] if rates else 1.0, "constant")
    for row, rate in zip(rows, rates):
        row["lr"] = rate
    return rows, tuple(first), broken


def keras_set(seed):
    os.environ.setdefault("KERAS_BACKEND", "torch")
    import keras

    keras.utils.set_random_seed(seed)
    return keras


def keras_pictures(job, lr, seed):
    keras = keras_set(seed)
    net = keras.Sequential([keras.layers.Reshape((8, 8, 1)), keras.layers.Conv2D(12, 3, activation="relu"), keras.layers.Flatten()])
    net.add(keras.layers.Dropout(0.3))
    net.add(keras.layers.Dense(10))
    net.compile(keras.optimizers.SGD(lr, momentum=0.9), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    return fitted(net, job, X.numpy(), Y.numpy(), CUT, seed)


def keras_energy(job, lr, seed):
    keras = keras_set(seed)
    x, y = datasets.make_friedman2(900, noise=60.0, random_state=39)
    x, y = (x - x.mean(0)) / x.std(0), (y - y.mean()) / y.std()
    net = keras.Sequential([keras.layers.Dense(48, activation="gelu"), keras.layers.Dense(48, activation="gelu"), keras.layers.Dense(1)])
    net.compile(keras.optimizers.Adamax(lr), "mse")
    return fitted(net, job, x.astype("float32"), y.astype("float32")[:, None], 700, seed)


def tumours(job, lr, seed):
    """scikit-learn's network by stochastic gradient descent with momentum."""
    x, y = datasets.load_breast_cancer(return_X_y=True)
    x = (x - x.mean(0)) / x.std(0)
    order = np.random.default_rng(40).permutation(len(x))
    x, y = x[order], y[order]
    m = MLPClassifier((24,), solver="sgd", learning_rate_init=lr, batch_size=job["batch"], alpha=1e-3, random_state=seed)
    losses, vals = [], []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for _ in range(job["steps"]):
            try:
                m.partial_fit(x[:420], y[:420], classes=[0, 1])
                p = np.clip(m.predict_proba(x[420:])[np.arange(len(x) - 420), y[420:]], 1e-12, 1)
                losses.append(m.loss_)
                vals.append(float(-np.log(p).mean()))
            except ValueError:
                losses.append(math.nan)
                vals.append(math.nan)
                break
    rows, broken = rows_of(losses, vals, lr, "constant")
    return rows, (0.75, 0.75), broken


def impedance(job, lr, seed):
    """scikit-learn's linear regression by stochastic gradient descent, a pass a row."""
    x, y = datasets.make_regression(800, 60, n_informative=20, noise=150.0, random_state=41)
    y = y / y.std()
    m, losses, vals = SGDRegressor(learning_rate="invscaling", eta0=lr, power_t=0.25, alpha=1e-4, random_state=seed), [], []
    with np.errstate(all="ignore"):
        for _ in range(job["steps"]):
            try:
                m.partial_fit(x[:600], y[:600])
            except ValueError:
                losses.append(math.nan)
                vals.append(math.nan)
                break
            error = lambda a, b: float(((m.predict(a) - b) ** 2).mean() / 2)
            losses.append(error(x[:600], y[:600]))
            vals.append(error(x[600:], y[600:]))
    rows, broken = rows_of(losses, vals, lr, "constant")
    for row in rows:
        row["lr"] = lr / (600 * row["step"]) ** 0.25
    return rows, (0.5, 0.5), broken


def by_optax(job, lr, seed, tool, x, y, cut, sizes, loss):
    """A network in JAX with an optimizer of optax."""
    import jax
    import jax.numpy as jnp
    import optax

    steps, own = job["steps"], np.random.default_rng(seed)
    p = [(jnp.array(own.normal(0, (1 / a) ** 0.5, (a, b))), jnp.zeros(b)) for a, b in zip(sizes, sizes[1:])]
    if job["schedule"] == "warmupcosine":
        rate = optax.warmup_cosine_decay_schedule(0.0, lr, steps // 10, steps)
    else:
        rate = optax.exponential_decay(lr, steps // 5, 0.6)
    optimizer = getattr(optax, tool)(rate)
    state = optimizer.init(p)

    def out(p, x):
        for w, b in p[:-1]:
            x = jnp.tanh(x @ w + b)
        return x @ p[-1][0] + p[-1][1]

    @jax.jit
    def step(p, state, x, y):
        value, g = jax.value_and_grad(lambda p: loss(out(p, x), y))(p)
        moved, state = optimizer.update(g, state, p)
        return value, optax.apply_updates(p, moved), state

    error = jax.jit(lambda p, x, y: loss(out(p, x), y))
    first, losses, vals = (float(error(p, x[:cut], y[:cut])), float(error(p, x[cut:], y[cut:]))), [], []
    for t in range(steps):
        i = own.integers(0, cut, job["batch"])
        value, p, state = step(p, state, x[i], y[i])
        losses.append(float(value))
        if (t + 1) % (steps // 20) == 0:
            vals.append(float(error(p, x[cut:], y[cut:])))
    rows, broken = rows_of(losses, vals, lr, "constant")
    for row in rows:
        row["lr"], row["base"] = float(rate(row["step"] - 1)), lr
    return rows, first, broken


def sugar(job, lr, seed):
    import optax

    x, y = datasets.load_diabetes(return_X_y=True)
    x, y = x / x.std(0), (y - y.mean()) / y.std()
    return by_optax(job, lr, seed, "lamb", x, y[:, None], 340, (10, 64, 64, 1), lambda z, y: optax.huber_loss(z, y).mean())


def rings(job, lr, seed):
    import optax

    x, y = datasets.make_gaussian_quantiles(n_samples=1500, n_features=6, n_classes=4, random_state=42)
    loss = lambda z, y: optax.softmax_cross_entropy_with_integer_labels(z, y).mean()
    return by_optax(job, lr, seed, "adabelief", x, y, 1200, (6, 48, 48, 4), loss)
