"""The families of `diagnosis_foreign.py fit`: networks that public scripts train, on data that is made here. A family is as in
`diagnosis_other_jobs.py`. The confidence of verdicts is fitted with them; no tree is grown on them.
"""

import math

import torch
import torch.nn.functional as F
from diagnosis_other_jobs import BOOKS, CUT, DRAW, X, Y, entropy, job, parted
from torch import nn


def layers(*sizes, act=nn.Tanh):
    return nn.Sequential(*(part for a, b in zip(sizes, sizes[1:-1]) for part in (nn.Linear(a, b), act())), nn.Linear(*sizes[-2:]))


def graph(seed):
    """Nodes of four kinds, each seen with its neighbours."""
    draw = DRAW(11)
    y = torch.randint(4, (900,), generator=draw)
    same = y[:, None] == y[None]
    edges = (torch.rand(900, 900, generator=draw) < torch.where(same, 0.012, 0.004)).float()
    near = edges + edges.T + torch.eye(900)
    near = near / near.sum(1, keepdim=True)
    x = torch.randn(900, 24, generator=draw) + 0.4 * F.one_hot(y, 24)
    inner, outer = nn.Linear(24, 32), nn.Linear(32, 4)
    net = nn.ModuleList([inner, outer])
    loss = lambda m, i: F.cross_entropy((near @ m[1](torch.relu(near @ m[0](x))))[i], y[i])
    return parted(net, loss, 500, torch.arange(900))


WORDS = [text.lower().split() for text in BOOKS]
LEXICON = {w: i for i, w in enumerate(sorted({w for text in WORDS for w in text}))}


def bag(seed):
    """Which text a window of words is from, by the mean of their vectors."""
    rows = [(text[i : i + 12], b) for b, text in enumerate(WORDS) for i in range(0, len(text) - 12, 3)]
    order = torch.randperm(len(rows), generator=DRAW(4))
    x = torch.tensor([[LEXICON[w] for w in words] for words, _ in rows])[order]
    y = torch.tensor([b for _, b in rows])[order]
    net = nn.Sequential(nn.EmbeddingBag(len(LEXICON), 24), nn.Linear(24, len(BOOKS)))
    return parted(net, entropy, len(x) * 3 // 4, x, y)


def skipgram(seed):
    """Word vectors: neighbours against words that are drawn."""
    pairs = [(text[i], text[i + j]) for text in WORDS for i in range(len(text) - 3) for j in (1, 2, 3)]
    x = torch.tensor([[LEXICON[a], LEXICON[b]] for a, b in pairs])[torch.randperm(len(pairs), generator=DRAW(8))]
    draw, net = DRAW(seed), nn.ModuleList([nn.Embedding(len(LEXICON), 20), nn.Embedding(len(LEXICON), 20)])

    def loss(m, x):
        other = torch.randint(len(LEXICON), (len(x), 4), generator=draw)
        a = m[0](x[:, :1])
        return F.softplus(-(a * m[1](x[:, 1:])).sum(-1)).mean() + F.softplus((a * m[1](other)).sum(-1)).mean()

    return parted(net, loss, len(x) * 4 // 5, x)


def taste(seed):
    """Bayesian personalized ranking: what was chosen before what was not."""
    draw = DRAW(21)
    a, b = torch.randn(300, 4, generator=draw), torch.randn(200, 4, generator=draw)
    who = torch.randint(300, (6000,), generator=draw)
    two = torch.randint(200, (6000, 2), generator=draw)
    gap = ((a[who] * (b[two[:, 0]] - b[two[:, 1]])).sum(1) + torch.randn(6000, generator=draw)) > 0
    two = torch.where(gap[:, None], two, two.flip(1))
    net = nn.ModuleList([nn.Embedding(300, 8), nn.Embedding(200, 8)])
    score = lambda m, who, it: (m[0](who) * m[1](it)).sum(1)
    loss = lambda m, who, two: F.softplus(score(m, who, two[:, 1]) - score(m, who, two[:, 0])).mean()
    return parted(net, loss, 5000, who, two)


def pendulum(seed):
    """A Hamiltonian network: an energy whose derivatives are the motion."""
    draw = DRAW(2)
    x = (torch.rand(1500, 2, generator=draw) - 0.5) * 5
    move = torch.stack([x[:, 1], -3 * torch.sin(x[:, 0])], 1) + 0.1 * torch.randn(1500, 2, generator=draw)

    def loss(m, x, move):
        with torch.enable_grad():
            x = x.clone().requires_grad_(True)
            d = torch.autograd.grad(m(x).sum(), x, create_graph=True)[0]
            return F.mse_loss(torch.stack([d[:, 1], -d[:, 0]], 1), move)

    return parted(layers(2, 48, 48, 1), loss, 1200, x, move)


def mixture(seed):
    """A mixture density network for a curve that turns back. A constant keeps its loss above zero."""
    draw = DRAW(5)
    y = torch.rand(2000, generator=draw)
    x = y + 0.3 * torch.sin(2 * math.pi * y) + 0.05 * torch.randn(2000, generator=draw)

    def loss(m, x, y):
        weight, mean, spread = m(x[:, None]).chunk(3, 1)
        each = -0.5 * ((y[:, None] - mean) / spread.exp()) ** 2 - spread
        return 3 - torch.logsumexp(F.log_softmax(weight, 1) + each, 1).mean()

    return parted(layers(1, 32, 15), loss, 1600, x, y)


def flow(seed):
    """Coupling layers from two moons to a normal, with a constant as above."""
    draw = DRAW(6)
    side = torch.randint(2, (2400,), generator=draw).float()
    t = math.pi * torch.rand(2400, generator=draw)
    x = torch.stack([(1 - 2 * side) * torch.cos(t) + side, (1 - 2 * side) * torch.sin(t) + 0.5 * side], 1)
    x = x + 0.08 * torch.randn(2400, 2, generator=draw)
    net = nn.ModuleList([layers(1, 32, 32, 2, act=nn.LeakyReLU) for _ in range(4)])

    def loss(m, x):
        total = 0.0
        for part in m:
            scale, shift = part(x[:, :1]).chunk(2, 1)
            scale = torch.tanh(scale)
            x = torch.cat([x[:, 1:] * scale.exp() + shift, x[:, :1]], 1)
            total = total + scale[:, 0]
        return 2 + (0.5 * (x**2).sum(1) - total).mean()

    return parted(net, loss, 2000, x)


class Recurrent(nn.Module):
    def __init__(self, size, hidden, out, kind):
        super().__init__()
        self.net, self.out = kind(size, hidden, batch_first=True), nn.Linear(hidden, out)

    def forward(self, x):
        return self.out(self.net(x)[0])


def wave(seed):
    """The next value of a sum of two waves."""
    t = torch.arange(0, 31.0)[None] * 0.35 + 60 * torch.rand(900, 1, generator=DRAW(7))
    y = torch.sin(t) + 0.5 * torch.sin(2.7 * t) + 0.05 * torch.randn(900, 31, generator=DRAW(9))
    loss = lambda m, y: F.mse_loss(m(y[:, :-1, None])[..., 0], y[:, 1:])
    return parted(Recurrent(1, 24, 1, nn.LSTM), loss, 700, y)


def names(seed):
    """Of which language a name is: three ways of putting syllables together."""
    draw = DRAW(13)
    syllables = [["ka", "to", "mi", "ra", "shi"], ["ov", "ski", "dra", "mir", "ka"], ["ton", "ley", "mar", "wood", "ra"]]
    rows = []
    for i in range(900):
        kind = syllables[i % 3]
        word = "".join(kind[int(j)] for j in torch.randint(5, (3,), generator=draw))[:10].ljust(10, ".")
        rows.append(["abcdefghijklmnopqrstuvwxyz.".index(c) for c in word])
    order = torch.randperm(900, generator=draw)
    x, y = F.one_hot(torch.tensor(rows), 27).float()[order], (torch.arange(900) % 3)[order]
    y = torch.where(torch.rand(900, generator=draw) < 0.1, torch.randint(3, (900,), generator=draw), y)
    return parted(Recurrent(27, 24, 3, nn.RNN), lambda m, x, y: F.cross_entropy(m(x)[:, -1], y), 700, x, y)


def facts(seed):
    """Vectors of things and relations (TransE), with a margin."""
    draw = DRAW(15)
    place, move = torch.randn(150, 3, generator=draw), torch.randn(6, 3, generator=draw)
    head, kind = torch.randint(150, (3000,), generator=draw), torch.randint(6, (3000,), generator=draw)
    tail = torch.cdist(place[head] + move[kind], place).argmin(1)
    net, own = nn.ModuleList([nn.Embedding(150, 12), nn.Embedding(6, 12)]), DRAW(seed)

    def loss(m, head, kind, tail):
        other = torch.randint(150, tail.shape, generator=own)
        near = lambda t: (m[0](head) + m[1](kind) - m[0](t)).norm(dim=1)
        return F.relu(1 + near(tail) - near(other)).mean()

    return parted(net, loss, 2400, head, kind, tail)


def diffusion(seed):
    """The noise in points of a spiral."""
    draw = DRAW(17)
    t = 3 * math.pi * torch.rand(2000, generator=draw).sqrt()
    x, own = torch.stack([t * torch.cos(t), t * torch.sin(t)], 1) / 5, DRAW(seed)

    def loss(m, x):
        time = torch.rand(len(x), 1, generator=own)
        noise = torch.randn(x.shape, generator=own)
        keep = torch.cos(time * math.pi / 2)
        seen = keep * x + (1 - keep**2).sqrt() * noise
        return F.mse_loss(m(torch.cat([seen, time, torch.sin(8 * time)], 1)), noise)

    return parted(layers(4, 64, 64, 2, act=nn.SiLU), loss, 1600, x)


def memorized(seed):
    """A convolution that learns its few pictures by heart."""
    conv = lambda a, b: [nn.Conv2d(a, b, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    net = nn.Sequential(*conv(1, 16), *conv(16, 32), nn.Flatten(), nn.Linear(128, 64), nn.ReLU(), nn.Linear(64, 10))
    x, y = X[:500].reshape(-1, 1, 8, 8), Y[:500].clone()
    some = torch.rand(500, generator=DRAW(19)) < 0.15
    y[some] = torch.randint(10, (int(some.sum()),), generator=DRAW(20))
    return parted(net, entropy, 300, x, y)


def stacked(seed):
    """A deep network with shortcuts and batch norms."""
    class Deep(nn.Module):
        def __init__(self):
            super().__init__()
            self.first, self.last = nn.Linear(64, 48), nn.Linear(48, 10)
            self.parts = nn.ModuleList([nn.Sequential(nn.BatchNorm1d(48), nn.ReLU(), nn.Linear(48, 48)) for _ in range(5)])

        def forward(self, x):
            x = self.first(x)
            for part in self.parts:
                x = x + part(x)
            return self.last(x)

    return parted(Deep(), entropy, CUT, X, Y)


def pulled(seed):
    """An ordinary differential equation that a network is the right side of."""
    draw = DRAW(23)
    x = torch.randn(600, 2, generator=draw)
    path, turn = [x], torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
    for _ in range(6):
        path.append(path[-1] + 0.1 * (path[-1] ** 3) @ turn / (1 + path[-1].abs().amax(1, keepdim=True) ** 2))
    y = torch.stack(path[1:], 1) + 0.03 * torch.randn(600, 6, 2, generator=draw)

    def loss(m, x, y):
        seen = []
        for _ in range(6):
            x = x + 0.1 * m(x)
            seen.append(x)
        return (torch.stack(seen, 1) - y).abs().mean()

    return parted(layers(2, 32, 2), loss, 450, x, y)


FIT = [
    job(graph, "adam", "constant", 200, 128, 1e-2),
    job(bag, "sgd", "linear", 600, 32, 10.0),
    job(skipgram, "adagrad", "constant", 500, 64, 0.1),
    job(taste, "adam", "constant", 500, 128, 1e-2),
    job(pendulum, "adam", "constant", 400, 64, 5e-3),
    job(mixture, "rmsprop", "constant", 500, 64, 5e-3),
    job(flow, "adamw", "cosine", 300, 128, 5e-3),
    job(wave, "momentum", "exponential", 200, 32, 0.05),
    job(names, "sgd", "constant", 400, 16, 0.1),
    job(facts, "momentum", "constant", 500, 64, 2.0),
    job(diffusion, "adam", "warmup", 500, 128, 3e-2),
    job(memorized, "adam", "constant", 300, 32, 3e-3),
    job(stacked, "nesterov", "step", 300, 64, 0.05),
    job(pulled, "adamw", "linear", 200, 64, 0.2),
]
