"""Small training jobs in NumPy on made-up data, of kinds that the embedded engine has not: squared errors of deep functions, matrix
factors, counts, a recurrent network. Their losses reach far below the untrained one, and many have their best rate next to where training breaks.

    python bench/commands/made.py --problem factors --optimizer momentum --schedule linear --lr 0.1 --steps 800 --seed 0
"""

import argparse
import math

import numpy as np

TASK = np.random.default_rng(77)  # the data are the same for every seed


def normal(rng, *shape):
    return rng.normal(size=shape) / math.sqrt(shape[0])


def layers(rng, *sizes):
    """Weights and biases of a network of these widths."""
    return [p for n, m in zip(sizes, sizes[1:]) for p in (normal(rng, n, m), np.zeros(m))]


class Friedman:
    """A ReLU network for the benchmark function of Friedman (1991) with noise, scaled to unit variance."""

    def __init__(self, width=64):
        x = TASK.uniform(size=(3000, 10))
        y = 10 * np.sin(np.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2 + 10 * x[:, 3] + 5 * x[:, 4] + 0.5 * TASK.normal(size=3000)
        y = ((y - y.mean()) / y.std())[:, None]
        x = (x - 0.5) * math.sqrt(12)
        self.train, self.val, self.width = (x[:2400], y[:2400]), (x[2400:], y[2400:]), width

    def start(self, rng):
        return layers(rng, 10, self.width, self.width, 1)

    def loss(self, p, data, grads=False):
        x, y = data
        a = np.maximum(x @ p[0] + p[1], 0)
        b = np.maximum(a @ p[2] + p[3], 0)
        error = b @ p[4] + p[5] - y
        loss = float(np.mean(error**2))
        if not grads:
            return loss
        e = 2 * error / len(x)
        db = (e @ p[4].T) * (b > 0)
        da = (db @ p[2].T) * (a > 0)
        return loss, [x.T @ da, da.sum(0), a.T @ db, db.sum(0), b.T @ e, e.sum(0)]


class Factors:
    """A matrix of rank 6 from a third of its entries, by two factors."""

    def __init__(self, width=8):
        truth = TASK.normal(size=(120, 6)) @ TASK.normal(size=(6, 80)) / math.sqrt(6) + 0.05 * TASK.normal(size=(120, 80))
        rows, columns = np.divmod(TASK.permutation(120 * 80)[:4000], 80)
        entries = np.stack([rows, columns], 1), truth[rows, columns]
        self.train, self.val, self.width = tuple(e[:3200] for e in entries), tuple(e[3200:] for e in entries), width

    def start(self, rng):
        return [0.3 * rng.normal(size=(120, self.width)), 0.3 * rng.normal(size=(80, self.width))]

    def loss(self, p, data, grads=False):
        at, y = data
        u, v = p[0][at[:, 0]], p[1][at[:, 1]]
        error = (u * v).sum(1) - y
        loss = float(np.mean(error**2))
        if not grads:
            return loss
        # Mean over the batch, times the number of rows: each step touches few of them.
        e = (2 * error / len(y) * 100)[:, None]
        du, dv = np.zeros_like(p[0]), np.zeros_like(p[1])
        np.add.at(du, at[:, 0], e * v)
        np.add.at(dv, at[:, 1], e * u)
        return loss, [du, dv]


class Counts:
    """Poisson regression with a hidden layer: the mean is an exponential, which explodes."""

    def __init__(self, width=32):
        x = TASK.normal(size=(3000, 8))
        y = TASK.poisson(np.exp(np.clip(0.8 * np.sin(2 * x[:, 0]) + 0.6 * x[:, 1] * x[:, 2] + 0.3 * x[:, 3], -4, 2.5)))[:, None]
        self.train, self.val, self.width = (x[:2400], y[:2400]), (x[2400:], y[2400:]), width

    def start(self, rng):
        return layers(rng, 8, self.width, 1)

    def loss(self, p, data, grads=False):
        x, y = data
        a = np.tanh(x @ p[0] + p[1])
        z = a @ p[2] + p[3]
        mean = np.exp(z)
        # Half the deviance: at least zero.
        loss = float(np.mean(mean - y * z + np.where(y > 0, y * np.log(np.maximum(y, 1)) - y, 0)))
        if not grads:
            return loss
        e = (mean - y) / len(x)
        da = (e @ p[2].T) * (1 - a**2)
        return loss, [x.T @ da, da.sum(0), a.T @ e, e.sum(0)]


class Echo:
    """A tanh recurrent network that adds what it heard two and five steps ago, with noise."""

    def __init__(self, width=24):
        x = TASK.uniform(-1, 1, size=(1500, 16))
        y = np.zeros_like(x)
        y[:, 5:] = 0.6 * x[:, 3:-2] + 0.4 * x[:, :-5] + 0.1 * TASK.normal(size=(1500, 11))
        self.train, self.val, self.width = (x[:1200], y[:1200]), (x[1200:], y[1200:]), width

    def start(self, rng):
        return [normal(rng, 1, self.width) * 0.5, normal(rng, self.width, self.width), np.zeros(self.width), normal(rng, self.width, 1), np.zeros(1)]

    def loss(self, p, data, grads=False):
        x, y = data
        states, outs = [np.zeros((len(x), self.width))], []
        for t in range(x.shape[1]):
            states.append(np.tanh(x[:, t : t + 1] @ p[0] + states[-1] @ p[1] + p[2]))
            outs.append(states[-1] @ p[3] + p[4])
        error = np.concatenate(outs, 1) - y
        loss = float(np.mean(error[:, 5:] ** 2))
        if not grads:
            return loss
        g, back = [np.zeros_like(q) for q in p], np.zeros_like(states[0])
        for t in reversed(range(x.shape[1])):
            e = 2 * error[:, t : t + 1] / error[:, 5:].size * (t >= 5)
            g[3] += states[t + 1].T @ e
            g[4] += e.sum(0)
            d = (back + e @ p[3].T) * (1 - states[t + 1] ** 2)
            g[0] += x[:, t : t + 1].T @ d
            g[1] += states[t].T @ d
            g[2] += d.sum(0)
            back = d @ p[1].T
        return loss, g


class Spiral:
    """Three spirals, told apart by a tanh network with a cross-entropy loss."""

    def __init__(self, width=32):
        label = TASK.integers(0, 3, 2000)
        r = TASK.uniform(0.1, 1, 2000)
        angle = 2 * np.pi * (label / 3 + r) + 0.4 * TASK.normal(size=2000)
        x = 3 * np.stack([r * np.cos(angle), r * np.sin(angle)], 1)
        self.train, self.val, self.width = (x[:1600], label[:1600]), (x[1600:], label[1600:]), width

    def start(self, rng):
        return layers(rng, 2, self.width, self.width, 3)

    def loss(self, p, data, grads=False):
        x, label = data
        a = np.tanh(x @ p[0] + p[1])
        b = np.tanh(a @ p[2] + p[3])
        z = b @ p[4] + p[5]
        z = z - z.max(1, keepdims=True)
        log = z - np.log(np.exp(z).sum(1, keepdims=True))
        loss = float(-np.mean(log[np.arange(len(x)), label]))
        if not grads:
            return loss
        e = np.exp(log)
        e[np.arange(len(x)), label] -= 1
        e /= len(x)
        db = (e @ p[4].T) * (1 - b**2)
        da = (db @ p[2].T) * (1 - a**2)
        return loss, [x.T @ da, da.sum(0), a.T @ db, db.sum(0), b.T @ e, e.sum(0)]


PROBLEMS = {"friedman": Friedman, "factors": Factors, "counts": Counts, "echo": Echo, "spiral": Spiral}


def cosine(t):
    return 0.5 * (1 + math.cos(math.pi * t))


SCHEDULES = {
    "constant": lambda t: 1.0,
    "cosine": cosine,
    "linear": lambda t: 1 - t,
    "warm": lambda t: t / 0.1 if t < 0.1 else cosine((t - 0.1) / 0.9),
}


class Optimizer:
    """SGD, SGD with momentum 0.9, Adam (Kingma & Ba 2015)."""

    def __init__(self, name, params):
        self.name, self.t = name, 0
        self.m = [np.zeros_like(p) for p in params]
        self.v = [np.zeros_like(p) for p in params]

    def step(self, params, grads, lr):
        self.t += 1
        for p, g, m, v in zip(params, grads, self.m, self.v):
            if self.name == "sgd":
                p -= lr * g
            elif self.name == "momentum":
                m *= 0.9
                m += g
                p -= lr * m
            else:
                m += 0.1 * (g - m)
                v += 0.001 * (g * g - v)
                p -= lr * (m / (1 - 0.9**self.t)) / (np.sqrt(v / (1 - 0.999**self.t)) + 1e-8)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--problem", choices=PROBLEMS, required=True)
    parser.add_argument("--optimizer", choices=("sgd", "momentum", "adam"), default="momentum")
    parser.add_argument("--schedule", choices=SCHEDULES, default="cosine")
    parser.add_argument("--width", type=int)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    problem = PROBLEMS[args.problem](**({"width": args.width} if args.width else {}))
    rng = np.random.default_rng(args.seed)
    params = problem.start(rng)
    optimizer = Optimizer(args.optimizer, params)
    every = max(1, args.steps // 20)
    np.seterr(all="ignore")
    for step in range(args.steps):
        if step % every == 0:
            print(f"step {step}: val loss {problem.loss(params, problem.val):.5f}")
        rows = rng.integers(0, len(problem.train[1]), args.batch_size)
        lr = args.lr * SCHEDULES[args.schedule](step / args.steps)
        loss, grads = problem.loss(params, tuple(d[rows] for d in problem.train), grads=True)
        optimizer.step(params, grads, lr)
        if step % every == 0:
            print(f"step {step}: train loss {loss:.5f}, lr {lr:.3g}")
    print(f"step {args.steps}: val loss {problem.loss(params, problem.val):.5f}")


if __name__ == "__main__":
    main()
