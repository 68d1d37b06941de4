"""The families of `diagnosis_other.py`. A family is a function of a seed that returns the weights, the loss of rows by their numbers, the
validation loss, the number of rows, and the training loss as it is now; `made` makes that of a module, a loss and two sets of rows.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.neural_network import MLPClassifier
from sklearn.svm import SVC
from torch import nn

DRAW = lambda seed: torch.Generator().manual_seed(seed)


def made(module, loss, train, val):
    def held():
        module.eval()
        with torch.no_grad():
            value = float(loss(module, *val))
        module.train()
        return value

    def now():
        with torch.no_grad():
            return float(loss(module, *(t[:512] for t in train)))

    return list(module.parameters()), lambda i: loss(module, *(t[i] for t in train)), held, len(train[0]), now


def parted(module, loss, cut, *rows):
    return made(module, loss, [r[:cut] for r in rows], [r[cut:] for r in rows])


def digits():
    x, y = datasets.load_digits(return_X_y=True)
    order = torch.randperm(len(x), generator=DRAW(3))
    return torch.tensor(x / 16, dtype=torch.float32)[order], torch.tensor(y)[order]


def rows_of(load, seed):
    x, y = load(return_X_y=True)
    order = np.random.default_rng(seed).permutation(len(x))
    return torch.tensor(((x - x.mean(0)) / x.std(0))[order], dtype=torch.float32), torch.tensor(y[order])


X, Y = digits()
CUT = 1400
# Text that comes with scikit-learn.
BOOKS = [c.__doc__ for c in (SGDClassifier, LogisticRegression, MLPClassifier, RandomForestClassifier, SVC, TfidfVectorizer)]
LETTERS = sorted(set("".join(BOOKS)))
entropy = lambda m, x, y: F.cross_entropy(m(x), y)


def pieces(text, length=33):
    ids = torch.tensor([LETTERS.index(c) for c in text]).unfold(0, length, length)
    return ids[torch.randperm(len(ids), generator=DRAW(1))]


class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.before, self.between = nn.LayerNorm(size), nn.LayerNorm(size)
        self.all, self.out = nn.Linear(size, 3 * size), nn.Linear(size, size)
        self.then = nn.Sequential(nn.Linear(size, 4 * size), nn.GELU(), nn.Linear(4 * size, size))

    def forward(self, x, causal):
        heads = lambda z: z.unflatten(2, (4, -1)).transpose(1, 2)
        seen = F.scaled_dot_product_attention(*(heads(z) for z in self.all(self.before(x)).chunk(3, 2)), is_causal=causal)
        x = x + self.out(seen.transpose(1, 2).flatten(2))
        return x + self.then(self.between(x))


class Transformer(nn.Module):
    def __init__(self, letters, size=48, depth=2, length=32, causal=True):
        super().__init__()
        self.embed, self.place = nn.Embedding(letters, size), nn.Parameter(0.02 * torch.randn(length, size))
        self.blocks, self.norm, self.out = nn.ModuleList(Block(size) for _ in range(depth)), nn.LayerNorm(size), nn.Linear(size, letters)
        self.causal = causal
        nn.init.normal_(self.embed.weight, 0, 0.02)
        nn.init.normal_(self.out.weight, 0, 0.02)

    def forward(self, x):
        h = self.embed(x) + self.place[: x.shape[1]]
        for block in self.blocks:
            h = block(h, self.causal)
        return self.out(self.norm(h))


next_letter = lambda m, x: F.cross_entropy(m(x[:, :-1]).transpose(1, 2), x[:, 1:])


def letters(seed):
    return parted(Transformer(len(LETTERS)), next_letter, -150, pieces("".join(BOOKS)))


def masked_letters(seed):
    draw = DRAW(seed)

    def loss(m, x):
        hidden = torch.rand(x.shape, generator=draw) < 0.2
        return F.cross_entropy(m(torch.where(hidden, len(LETTERS), x))[hidden], x[hidden])

    return parted(Transformer(len(LETTERS) + 1, 32, 1, 33, False), loss, -150, pieces("".join(BOOKS)))


def triplet(seed):
    m, draw = nn.Sequential(nn.Linear(64, 96), nn.ReLU(), nn.Linear(96, 96), nn.ReLU(), nn.Linear(96, 12)), DRAW(seed)
    same = {part: [part + torch.nonzero(Y[part : part + CUT] == c)[:, 0] for c in range(10)] for part in (0, CUT)}

    def loss(i):
        mates = [same[CUT if int(j) >= CUT else 0][int(Y[j])] for j in i]
        near = torch.stack([X[s[int(torch.randint(len(s), (1,), generator=draw))]] for s in mates])
        far = X[torch.randint(CUT, (len(i),), generator=draw)]
        return F.triplet_margin_loss(*(F.normalize(m(z), dim=1) for z in (X[i], near, far)), margin=0.3)

    def held():
        with torch.no_grad():
            before = draw.get_state()
            draw.manual_seed(9)
            value = float(loss(torch.arange(CUT, len(X))))
            draw.set_state(before)
            return value

    return list(m.parameters()), loss, held, CUT, held


def adding(seed):
    """The sum of two marked numbers of a sequence."""
    g, n, length = DRAW(11), 3000, 24
    v, marks = torch.rand(n, length, generator=g), torch.zeros(n, length)
    for half in (0, length // 2):
        marks[torch.arange(n), torch.randint(half, half + length // 2, (n,), generator=g)] = 1
    m = nn.ModuleList([nn.GRU(2, 32, batch_first=True), nn.Linear(32, 1)])
    loss = lambda m, x, y: F.mse_loss(m[1](m[0](x)[0][:, -1])[:, 0], y)
    return parted(m, loss, 2600, torch.stack([v, marks], 2), (v * marks).sum(1))


def ratings(seed):
    g = DRAW(5)
    u, w = torch.randn(300, 6, generator=g), torch.randn(200, 6, generator=g)
    i, j = torch.randint(300, (14000,), generator=g), torch.randint(200, (14000,), generator=g)
    r = (3.5 + (u[i] * w[j]).sum(1) / 2.5 + 0.4 * torch.randn(14000, generator=g)).clamp(1, 5)
    m = nn.ModuleList([nn.Embedding(300, 9), nn.Embedding(200, 9)])
    for e in m:
        nn.init.normal_(e.weight, 0, 0.1)
    m.mean = nn.Parameter(torch.zeros(1))
    score = lambda a, b: (a[:, :8] * b[:, :8]).sum(1) + a[:, 8] + b[:, 8]
    return parted(m, lambda m, i, j, r: F.mse_loss(m.mean + score(m[0](i), m[1](j)), r), 12000, i, j, r)


def linear(size, outs, loss, *rows):
    m = nn.Linear(size, outs)
    nn.init.zeros_(m.weight)
    return parted(m, lambda m, x, y: loss(m(x), y) + 1e-4 * m.weight.square().sum(), CUT, *rows)


def hinge(seed):
    return linear(64, 10, F.multi_margin_loss, X, Y)


def kernel(seed):
    g = DRAW(21)
    return linear(200, 10, F.cross_entropy, 0.4 * (X @ torch.randn(64, 200, generator=g) * 0.4 + 6.28 * torch.rand(200, generator=g)).cos(), Y)


def quantile(seed):
    x, y = rows_of(datasets.load_diabetes, 2)
    m, q = nn.Sequential(nn.Linear(10, 32), nn.SiLU(), nn.Linear(32, 3)), torch.tensor([0.1, 0.5, 0.9])

    def loss(m, x, y):
        e = y[:, None] - m(x)
        return torch.maximum(q * e, (q - 1) * e).mean()

    return parted(m, loss, 350, x, ((y - 150) / 77).float())


class Pictures(nn.Module):
    def __init__(self, norm, w):
        super().__init__()
        sizes = [(1, w, 1), (w, 2 * w, 2), (2 * w, 2 * w, 2)]
        parts = [[nn.Conv2d(a, b, 3, padding=1, stride=s), nn.BatchNorm2d(b) if norm else nn.Identity(), nn.ReLU()] for a, b, s in sizes]
        self.features, self.out = nn.Sequential(*sum(parts, []), nn.Flatten()), nn.Linear(8 * w, 10)

    def forward(self, x):
        return self.out(self.features(x.view(-1, 1, 8, 8)))


BEFORE = {}


def before(name, module, loss, rows, lr, steps):
    """The module with the weights that it has after it was trained on other rows."""
    if name not in BEFORE:
        torch.manual_seed(1)
        optimizer = torch.optim.Adam(module.parameters(), lr)
        for t in range(steps):
            i = torch.randint(len(rows[0]), (32,))
            optimizer.param_groups[0]["lr"] = lr * (1 - t / steps)
            optimizer.zero_grad()
            loss(module, *(r[i] for r in rows)).backward()
            optimizer.step()
        BEFORE[name] = {k: v.clone() for k, v in module.state_dict().items()}
    module.load_state_dict(BEFORE[name])
    return module


def tuned_pictures(seed):
    turned = X.view(-1, 8, 8).transpose(1, 2).flip(1).flatten(1)
    m = before("pictures", Pictures(False, 12), entropy, (turned[:700], (Y[:700] + 3) % 10), 3e-3, 500)
    torch.manual_seed(seed + 77)
    m.out = nn.Linear(96, 10)
    return parted(m, entropy, CUT - 700, X[700:], Y[700:])


def noisy_pictures(seed):
    """Moved and noisy pictures with wrong labels, behind batch norms."""
    wrong = torch.rand(len(Y), generator=DRAW(4)) < 0.1
    wrong[CUT:] = False

    def loss(m, x, y):
        if m.training:
            x = torch.roll(x.view(-1, 8, 8), torch.randint(-1, 2, (2,)).tolist(), (1, 2)).flatten(1) + 0.1 * torch.randn_like(x)
        return F.cross_entropy(m(x), y, label_smoothing=0.1)

    return parted(Pictures(True, 10), loss, CUT, X, torch.where(wrong, (Y + 4) % 10, Y))


def gaussian_coder(seed):
    m = nn.ModuleList([nn.Sequential(nn.Linear(64, 128), nn.ELU(), nn.Linear(128, 16)), nn.Sequential(nn.Linear(8, 128), nn.ELU(), nn.Linear(128, 64))])

    def loss(m, x):
        a, b = m[0](x).chunk(2, 1)
        out = m[1](a + torch.exp(b / 2) * torch.randn_like(a))
        return 60 * F.mse_loss(out, x) + 0.5 * (a * a + b.exp() - 1 - b).sum(1).mean()

    return parted(m, loss, CUT, X)


def counts(seed):
    g = DRAW(8)
    x = torch.randn(2500, 12, generator=g)
    y = torch.poisson(torch.exp(0.5 + x @ torch.randn(12, generator=g) * 0.25), generator=g)
    return parted(nn.Linear(12, 1), lambda m, x, y: F.poisson_nll_loss(m(x)[:, 0], y, full=True), 2000, x, y)


def waves(seed):
    x = torch.randn(1500, 6, generator=DRAW(22))
    y = torch.stack([(x[:, 0] * x[:, 1]).tanh(), (x[:, 2] + x[:, 3] ** 2 - 1).sin()], 1)
    sizes = [6, 40, 40, 40]
    m = nn.Sequential(*(layer for a, b in zip(sizes, sizes[1:]) for layer in (nn.Linear(a, b), nn.Tanh())), nn.Linear(40, 2))
    return parted(m, lambda m, x, y: F.l1_loss(m(x), y), 1200, x, y)


def job(build, optimizer, schedule, steps, batch, centre, **more):
    words = {"optimizer": optimizer, "schedule": schedule, "steps": steps, "batch": batch, "centre": centre}
    return {"family": build.__name__.replace("_", ""), "build": build} | words | more


FIT = [
    job(letters, "adamw", "warmup", 300, 16, 6e-3, clip=1.0),
    job(letters, "adam", "constant", 160, 16, 4e-3, clip=1.0),
    job(masked_letters, "adamw", "linear", 300, 16, 6e-3),
    job(triplet, "momentum", "constant", 400, 32, 0.1),
    job(triplet, "adam", "cosine", 400, 32, 3e-3),
    job(adding, "adam", "cosine", 600, 32, 1e-2),
    job(adding, "momentum", "constant", 600, 32, 0.05),
    job(ratings, "adam", "constant", 1200, 128, 2e-2),
    job(ratings, "sgd", "linear", 1200, 128, 0.3),
    job(hinge, "sgd", "step", 700, 16, 0.3),
    job(hinge, "adam", "constant", 700, 16, 0.01),
    job(kernel, "nesterov", "constant", 400, 50, 0.1),
    job(quantile, "momentum", "cosine", 500, 32, 0.1),
    job(quantile, "adamw", "warmup", 500, 32, 0.01),
    job(tuned_pictures, "adamw", "linear", 220, 32, 6e-3),
    job(tuned_pictures, "momentum", "constant", 220, 32, 0.02),
    job(noisy_pictures, "nesterov", "cosine", 440, 32, 0.1),
    job(noisy_pictures, "adamw", "constant", 440, 32, 6e-3),
    job(gaussian_coder, "adam", "constant", 600, 64, 6e-3),
    job(gaussian_coder, "rmsprop", "cosine", 600, 64, 2e-3),
    job(counts, "sgd", "linear", 400, 20, 0.05),
    job(counts, "adam", "step", 400, 20, 0.03),
    job(waves, "lion", "linear", 500, 40, 1e-3),
]
