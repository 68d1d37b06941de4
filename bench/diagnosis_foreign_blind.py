"""The families of `diagnosis_foreign.py blind`: no tree is grown on them, and no rule was chosen by them. PyTorch as in
`diagnosis_other_jobs.py`; scikit-learn and JAX train by themselves.
"""

import math
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from diagnosis_foreign_jobs import LEXICON, WORDS, Recurrent, layers
from diagnosis_other_jobs import CUT, DRAW, X, Y, entropy, job, parted
from sklearn import datasets
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.neural_network import MLPRegressor
from torch import nn

SCHEDULES = {"constant": lambda t: 1.0, "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)), "linear": lambda t: 1 - t}


class Patches(nn.Module):
    """A small vision transformer without norms inside."""

    def __init__(self):
        super().__init__()
        self.embed, self.place = nn.Linear(4, 32), nn.Parameter(0.1 * torch.randn(16, 32))
        self.look, self.out = nn.MultiheadAttention(32, 2, batch_first=True), nn.Linear(32, 10)
        self.then = nn.Sequential(nn.Linear(32, 64), nn.GELU(), nn.Linear(64, 32))

    def forward(self, x):
        x = x.reshape(-1, 4, 2, 4, 2).transpose(2, 3).reshape(-1, 16, 4)
        x = self.embed(x) + self.place
        x = x + self.look(x, x, x, need_weights=False)[0]
        return self.out((x + self.then(x)).mean(1))


def patches(seed):
    return parted(Patches(), entropy, CUT, X, Y)


def rods(seed):
    """A physics-informed network: the heat in a rod, held at both ends."""
    x = torch.rand(900, 1, generator=DRAW(3))

    def loss(m, x):
        with torch.enable_grad():
            x = x.clone().requires_grad_(True)
            u = m(x) * x * (1 - x)
            first = torch.autograd.grad(u.sum(), x, create_graph=True)[0]
            second = torch.autograd.grad(first.sum(), x, create_graph=True)[0]
            return F.mse_loss(second, -30 * torch.sin(7 * x))

    return parted(layers(1, 32, 32, 1), loss, 700, x)


def ordered(seed):
    """Pixels one after another, by a network with masked weights."""
    x = (X > 0.4).float()
    above = torch.tril(torch.ones(64, 64), -1)
    net = nn.ParameterList([0.05 * torch.randn(64, 64), 0.05 * torch.randn(64, 64), torch.zeros(64)])
    both = lambda m, x: torch.relu(x @ (m[0] * above).T) @ (m[1] * (above + torch.eye(64))).T + m[2]
    return parted(net, lambda m, x: F.binary_cross_entropy_with_logits(both(m, x), x), CUT, x)


def quantized(seed):
    """An autoencoder whose code is one of 32 vectors in each of four parts."""
    net = nn.ModuleList([layers(64, 64, 32, act=nn.ReLU), layers(32, 64, 64, act=nn.ReLU), nn.Embedding(32, 8)])

    def loss(m, x):
        z = m[0](x).reshape(-1, 8)
        near = m[2](torch.cdist(z, m[2].weight).argmin(1))
        code = (z + (near - z).detach()).reshape(-1, 32)
        return F.mse_loss(m[1](code), x) + F.mse_loss(near, z.detach()) + 0.25 * F.mse_loss(z, near.detach())

    return parted(net, loss, CUT, X)


def next_word(seed):
    text = torch.tensor([LEXICON[w] for words in WORDS for w in words]).unfold(0, 13, 6)
    text = text[torch.randperm(len(text), generator=DRAW(2))]
    net = nn.ModuleList([nn.Embedding(len(LEXICON), 24), Recurrent(24, 32, len(LEXICON), nn.GRU)])
    loss = lambda m, t: F.cross_entropy(m[1](m[0](t[:, :-1])).transpose(1, 2), t[:, 1:])
    return parted(net, loss, len(text) * 4 // 5, text)


def by_heart(seed):
    """Far more weights than rows: words of few sentences, with dropout and a small set to judge by."""
    rows = [(words[i : i + 8], b % 2) for b, words in enumerate(WORDS) for i in range(0, len(words) - 8, 24)]
    order = torch.randperm(len(rows), generator=DRAW(5))
    x = torch.stack([F.one_hot(torch.tensor([LEXICON[w] for w in words]), len(LEXICON)).sum(0).float() for words, _ in rows])[order]
    y = torch.tensor([b for _, b in rows])[order]
    net = nn.Sequential(nn.Linear(len(LEXICON), 64), nn.ReLU(), nn.Dropout(0.3), nn.Linear(64, 2))
    return parted(net, entropy, len(x) * 3 // 4, x, y)


def one_of_many(seed):
    """Attention over a bag of points: whether one of them is inside."""
    x = torch.randn(1500, 12, 3, generator=DRAW(8))
    y = ((x**2).sum(-1).amin(1) < 0.35).long()
    net = nn.ModuleList([layers(3, 32, 32), layers(32, 16, 1), nn.Linear(32, 2)])

    def loss(m, x, y):
        h = m[0](x)
        return F.cross_entropy(m[2]((h * m[1](h).softmax(1)).sum(1)), y)

    return parted(net, loss, 1200, x, y)


def twins(seed):
    """Two views of a picture, brought together and apart from the others."""
    net, draw = layers(64, 64, 16, act=nn.ReLU), DRAW(seed)

    def loss(m, x):
        a, b = (F.normalize(m(x + 0.3 * torch.randn(x.shape, generator=draw)), dim=1) for _ in range(2))
        return F.cross_entropy(a @ b.T / 0.2, torch.arange(len(x)))

    return parted(net, loss, CUT, X)


def tuned_patches(seed):
    """The vision transformer, trained on digits upright and tuned on digits on their side."""
    net = Patches()
    torch.manual_seed(4)
    optimizer = torch.optim.Adam(net.parameters(), 3e-3)
    for t in range(300):
        i = torch.randint(CUT, (64,), generator=DRAW(t))
        optimizer.zero_grad()
        entropy(net, X[i], Y[i]).backward()
        optimizer.step()
    side = X.reshape(-1, 8, 8).transpose(1, 2).reshape(-1, 64)
    return parted(net, entropy, 500, side[:900], Y[:900])


def rows_of(losses, vals, lr, schedule):
    """Rows of a run that trained by itself, and whether it broke."""
    rows, per = [], max(1, len(losses) // len(vals))
    for t, loss in enumerate(losses):
        val = vals[t // per] if (t + 1) % per == 0 and t // per < len(vals) else None
        now = lr * SCHEDULES[schedule](t / len(losses))
        rows.append({"step": t + 1, "steps": len(losses), "loss": float(loss), "lr": now, "val": val, "base": lr})
        if not math.isfinite(loss) or val is not None and not math.isfinite(val):
            return rows, True
    return rows, False


def logistic(job, lr, seed):
    """scikit-learn's stochastic gradient descent, a batch a call."""
    x, y = datasets.make_classification(1500, 30, n_informative=8, n_classes=3, flip_y=0.1, random_state=7)
    m = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=lr, random_state=seed)
    draw, losses, vals = np.random.default_rng(seed), [], []
    for t in range(job["steps"]):
        i = draw.integers(0, 1200, job["batch"])
        m.partial_fit(x[i], y[i], classes=[0, 1, 2])
        losses.append(log_loss(y[i], m.predict_proba(x[i]), labels=[0, 1, 2]))
        if (t + 1) % (job["steps"] // 20) == 0:
            vals.append(log_loss(y[1200:], m.predict_proba(x[1200:]), labels=[0, 1, 2]))
    rows, broken = rows_of(losses, vals, lr, "constant")
    return rows, (math.log(3), math.log(3)), broken


def housing(job, lr, seed):
    """scikit-learn's network, an epoch a call, on a made regression."""
    x, y = datasets.make_friedman1(900, 10, noise=1.0, random_state=5)
    y = (y - y.mean()) / y.std()
    solver = "adam" if job["optimizer"] == "adam" else "sgd"
    m = MLPRegressor(hidden_layer_sizes=(32, 32), solver=solver, learning_rate_init=lr, batch_size=job["batch"], random_state=seed)
    losses, vals = [], []
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        for _ in range(40):
            try:
                m.partial_fit(x[:700], y[:700])
                losses.append(m.loss_)
                vals.append(float(((m.predict(x[700:]) - y[700:]) ** 2).mean()) / 2)
            except ValueError:
                losses.append(math.nan)
                vals.append(math.nan)
                break
    rows, broken = rows_of(losses, vals, lr, "constant")
    return rows, (0.5, 0.5), broken


def spirals(job, lr, seed):
    """JAX: three spirals by a network of sines."""
    import jax
    import jax.numpy as jnp

    draw = np.random.default_rng(3)
    y = np.arange(1200) % 3
    t = draw.random(1200)
    angle = 4 * t + 2.1 * y + 0.15 * draw.normal(size=1200)
    x, y = jnp.array(np.stack([t * np.cos(angle), t * np.sin(angle)], 1) * 2), jnp.array(y)
    own = np.random.default_rng(seed)
    sizes = [(2, 32), (32, 32), (32, 3)]
    p = [jnp.array(own.normal(0, (2 / a) ** 0.5, (a, b))) for a, b in sizes]
    m = [jnp.zeros_like(w) for w in p]

    def loss(p, x, y):
        z = jnp.sin(jnp.sin(x @ p[0]) @ p[1]) @ p[2]
        return -jnp.take_along_axis(jax.nn.log_softmax(z), y[:, None], 1).mean()

    @jax.jit
    def step(p, m, rate, x, y):
        value, g = jax.value_and_grad(loss)(p, x, y)
        m = [0.9 * a + b for a, b in zip(m, g)]
        return value, [w - rate * a for w, a in zip(p, m)], m

    first, losses, vals = (float(loss(p, x[:900], y[:900])), float(loss(p, x[900:], y[900:]))), [], []
    for t in range(job["steps"]):
        i = own.integers(0, 900, job["batch"])
        value, p, m = step(p, m, lr * SCHEDULES[job["schedule"]](t / job["steps"]), x[i], y[i])
        losses.append(float(value))
        if (t + 1) % (job["steps"] // 20) == 0:
            vals.append(float(loss(p, x[900:], y[900:])))
    rows, broken = rows_of(losses, vals, lr, job["schedule"])
    return rows, first, broken


def own(train, optimizer, schedule, steps, batch, centre):
    return job(train, optimizer, schedule, steps, batch, centre, trained=train)


BLIND = [
    job(patches, "adamw", "warmup", 300, 32, 5e-3),
    job(rods, "adam", "constant", 400, 64, 5e-3),
    job(ordered, "momentum", "cosine", 400, 32, 0.5),
    job(quantized, "adam", "constant", 400, 64, 3e-3),
    job(next_word, "adam", "linear", 250, 16, 1e-2),
    job(by_heart, "adam", "constant", 300, 16, 3e-3),
    job(one_of_many, "nesterov", "step", 400, 32, 0.05),
    job(twins, "sgd", "linear", 300, 64, 0.3),
    job(tuned_patches, "adamw", "linear", 150, 32, 1e-3),
    own(logistic, "sgd", "constant", 200, 20, 0.02),
    own(housing, "adam", "constant", 40, 32, 5e-3),
    own(spirals, "momentum", "cosine", 400, 32, 0.05),
]
