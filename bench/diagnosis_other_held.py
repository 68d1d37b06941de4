"""The families of `diagnosis_other.py held`: nothing was fitted to them, and nothing was chosen by them."""

import math

import numpy as np
import torch
import torch.nn.functional as F
from diagnosis_other_jobs import BOOKS, CUT, DRAW, LETTERS, Transformer, X, Y, before, entropy, job, next_letter, parted, pieces, rows_of
from sklearn import datasets
from torch import nn


def mlp(*sizes, act=nn.ReLU):
    return nn.Sequential(*(layer for a, b in zip(sizes, sizes[1:-1]) for layer in (nn.Linear(a, b), act())), nn.Linear(*sizes[-2:]))


def sorting(seed):
    x = torch.randint(0, 8, (2400, 10), generator=DRAW(3))
    loss = lambda m, x, y: F.cross_entropy(m(x).transpose(1, 2), y)
    return parted(Transformer(8, 32, 2, 10, False), loss, 2100, x, x.sort(1)[0])


class Reader(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.net, self.out = nn.Embedding(len(LETTERS), 16), nn.LSTM(16, 32, batch_first=True), nn.Linear(32, len(BOOKS))

    def forward(self, x):
        return self.out(self.net(self.embed(x))[0].mean(1))


def which_book(seed):
    texts = [pieces(text, 40) for text in BOOKS]
    x, y = torch.cat(texts), torch.cat([torch.full((len(t),), i) for i, t in enumerate(texts)])
    order = torch.randperm(len(x), generator=DRAW(2))
    return parted(Reader(), entropy, len(x) * 4 // 5, x[order], y[order])


def dropped(seed):
    x, y = rows_of(datasets.load_breast_cancer, 5)
    hidden = lambda a: [nn.Linear(a, 64), nn.ReLU(), nn.Dropout(0.3)]
    m = nn.Sequential(*hidden(30), *hidden(64), nn.Linear(64, 2))
    return parted(m, lambda m, x, y: F.cross_entropy(m(x), y, label_smoothing=0.1), 430, x, y)


def masked_pixels(seed):
    m, draw = nn.Sequential(nn.Linear(128, 160), nn.GELU(), nn.LayerNorm(160), nn.Linear(160, 160), nn.GELU(), nn.Linear(160, 64)), DRAW(seed)

    def loss(m, x):
        hidden = (torch.rand(x.shape, generator=draw) < 0.6).float()
        return ((m(torch.cat([x * (1 - hidden), hidden], 1)) - x) ** 2 * hidden).sum() / hidden.sum()

    return parted(m, loss, CUT, X)


def coordinates(seed):
    t = torch.linspace(0, 1, 48)
    u, v = (z.ravel() for z in torch.meshgrid(t, t, indexing="ij"))
    y = 0.5 + 0.25 * torch.sin(14 * u + 5 * v * v) + 0.25 * ((u - 0.5) ** 2 + (v - 0.4) ** 2 < 0.06)
    x = torch.stack([u, v], 1) @ torch.randn(2, 24, generator=DRAW(6)) * 5
    order = torch.randperm(len(y), generator=DRAW(1))
    x = torch.cat([x.sin(), x.cos()], 1)[order]
    return parted(mlp(48, 64, 64, 1), lambda m, x, y: F.mse_loss(m(x)[:, 0], y), 1900, x, y[order])


def sets(seed):
    i = torch.randint(len(X), (2500, 4), generator=DRAW(9))
    m = nn.ModuleList([mlp(64, 48, 16), mlp(16, 32, 1)])
    return parted(m, lambda m, x, y: F.huber_loss(m[1](m[0](x).sum(1))[:, 0], y), 2000, X[i], Y[i].float().sum(1) / 4)


def ranking(seed):
    x, y = rows_of(datasets.load_wine, 1)
    y, draw = x[:, 12] * 0.5 + 0.3 * torch.randn(len(x), generator=DRAW(1)) + 0.4 * y, DRAW(seed)

    def loss(m, x, y):
        j, s = torch.randperm(len(x), generator=draw), m(x)[:, 0]
        return F.softplus(-((s - s[j]) * torch.sign(y - y[j]))[y != y[j]]).mean()

    return parted(mlp(12, 24, 1, act=nn.Tanh), loss, 130, x[:, :12].contiguous(), y.float())


def speech(seed):
    """Letters of frames by connectionist temporal classification."""
    g, n = DRAW(12), 700
    y, sounds = torch.randint(1, 6, (n, 4), generator=g), torch.randn(6, 8, generator=g)
    x = torch.zeros(n, 16, 8)
    for k in range(4):
        x[:, 4 * k : 4 * k + 3] = sounds[y[:, k]][:, None]
    m = nn.ModuleList([nn.GRU(8, 32, batch_first=True, bidirectional=True), nn.Linear(64, 6)])

    def loss(m, x, y):
        lengths = [torch.full((len(x),), size) for size in (16, 4)]
        return F.ctc_loss(F.log_softmax(m[1](m[0](x)[0]), 2).transpose(0, 1), y, *lengths)

    return parted(m, loss, 600, x + 0.7 * torch.randn(n, 16, 8, generator=g), y)


def clicks(seed):
    g, n = DRAW(13), 9000
    c = torch.stack([torch.randint(40, (n,), generator=g) + 40 * k for k in range(5)], 1)
    pairs = lambda v: 0.5 * (v.sum(1) ** 2 - (v**2).sum(1)).sum(1)
    v, b = torch.randn(200, 3, generator=g) * 0.7, torch.randn(200, generator=g) * 0.5
    y = (torch.rand(n, generator=g) < torch.sigmoid(b[c].sum(1) + pairs(v[c]) - 1.5)).float()
    m = nn.ModuleList([nn.Embedding(200, 6), nn.Embedding(200, 1)])
    nn.init.normal_(m[0].weight, 0, 0.05)
    nn.init.zeros_(m[1].weight)
    return parted(m, lambda m, c, y: F.binary_cross_entropy_with_logits(m[1](c).sum((1, 2)) + pairs(m[0](c)), y), 8000, c, y)


def survival(seed):
    g = DRAW(14)
    x = torch.randn(800, 15, generator=g)
    risk = x @ (torch.randn(15, generator=g) * 0.4) + 0.5 * x[:, 0] * x[:, 1]
    times, seen = -torch.log(torch.rand(800, generator=g)) / risk.exp(), (torch.rand(800, generator=g) < 0.7).float()

    def loss(m, x, times, seen):
        order = times.argsort(descending=True)
        s = m(x)[order, 0]
        return -((s - torch.logcumsumexp(s, 0)) * seen[order]).sum() / seen.sum()

    return parted(mlp(15, 24, 1), loss, 640, x, times, seen)


class Outline(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.down, self.deep = (nn.Conv2d(a, b, 3, padding=1, stride=s) for a, b, s in [(1, 8, 1), (8, 16, 2), (16, 16, 1)])
        self.up, self.last = nn.ConvTranspose2d(16, 8, 2, stride=2), nn.Conv2d(16, 1, 3, padding=1)

    def forward(self, x):
        a = F.relu(self.first(x[:, None]))
        return self.last(torch.cat([a, F.relu(self.up(F.relu(self.deep(F.relu(self.down(a))))))], 1))[:, 0]


def outlines(seed):
    g, t = DRAW(15), torch.arange(16.0)
    c, r = torch.rand(260, 2, 2, generator=g) * 16, 1.5 + 3 * torch.rand(260, 2, generator=g)
    far = (t[:, None] - c[:, :, 0, None, None]) ** 2 + (t - c[:, :, 1, None, None]) ** 2
    y = (far < r[:, :, None, None] ** 2).any(1).float()

    def loss(m, x, y):
        z = m(x)
        return F.binary_cross_entropy_with_logits(z, y) + 1 - (2 * (z.sigmoid() * y).sum() + 1) / (z.sigmoid().sum() + y.sum() + 1)

    return parted(Outline(), loss, 200, 0.8 * y + 0.6 * torch.randn(260, 16, 16, generator=g), y)


def tuned_letters(seed):
    m = before("letters", Transformer(len(LETTERS)), next_letter, (pieces("".join(BOOKS[:3])),), 4e-3, 500)
    return parted(m, next_letter, -150, pieces("".join(BOOKS[3:])))


def denoising(seed):
    g = DRAW(16)
    a, k = torch.rand(3000, generator=g) * math.pi, torch.arange(3000) % 2 == 0
    x = torch.stack([torch.where(k, a.cos(), 1 - a.cos()), torch.where(k, a.sin(), 0.5 - a.sin())], 1)
    draw = DRAW(seed)

    def loss(m, x):
        s, e = torch.exp(-3 * torch.rand(len(x), 1, generator=draw)), torch.randn(x.shape, generator=draw)
        return ((m(torch.cat([x + s * e, s.log()], 1)) - e) ** 2).mean()

    return parted(mlp(3, 64, 64, 2, act=nn.SiLU), loss, 2500, x)


def forecast(seed):
    g, t = DRAW(17), torch.arange(6000.0)
    s = (t * 0.13).sin() + 0.5 * (t * 0.031).cos() * (t * 0.31).sin() + 0.15 * torch.randn(6000, generator=g)
    w = s.unfold(0, 33, 3)
    layers = [layer for a, d in ((1, 1), (16, 4), (16, 8)) for layer in (nn.Conv1d(a, 16, 3, dilation=d), nn.ReLU())]
    m = nn.Sequential(*layers, nn.Flatten(), nn.Linear(96, 1))
    loss = lambda m, x: F.l1_loss(m(x[:, None, :-1])[:, 0], x[:, -1])
    return parted(m, loss, 1500, w[torch.randperm(len(w), generator=g)])


def mixed(seed):
    """Sums of two rows, with both labels."""
    m = nn.Sequential(nn.Linear(64, 128), nn.LayerNorm(128), nn.ReLU(), nn.Linear(128, 10))

    def loss(m, x, y):
        if not m.training:
            return entropy(m, x, y)
        j, a = torch.randperm(len(x)), float(np.random.beta(0.4, 0.4))
        both = a * x + (1 - a) * x[j]
        return a * entropy(m, both, y) + (1 - a) * entropy(m, both, y[j])

    return parted(m, loss, CUT, X, Y)


HELD = [
    job(sorting, "adam", "root", 500, 32, 1e-2),
    job(which_book, "adam", "constant", 240, 16, 6e-3),
    job(dropped, "lion", "cosine", 300, 32, 2e-3),
    job(masked_pixels, "adamw", "warmup", 700, 64, 1e-2),
    job(coordinates, "adam", "exponential", 800, 128, 1e-2),
    job(sets, "rmsprop", "linear", 500, 32, 3e-3),
    job(ranking, "momentum", "constant", 300, 32, 3e-3),
    job(speech, "adam", "linear", 300, 16, 1e-2, clip=5.0),
    job(clicks, "adagrad", "constant", 600, 64, 0.1),
    job(survival, "sgd", "cosine", 300, 64, 0.1),
    job(outlines, "adam", "step", 240, 8, 1e-2),
    job(tuned_letters, "adamw", "constant", 160, 16, 5e-4, clip=1.0),
    job(denoising, "adam", "linear", 600, 64, 1e-2),
    job(forecast, "nesterov", "step", 500, 32, 0.03),
    job(mixed, "momentum", "warmup", 400, 32, 0.1),
]
