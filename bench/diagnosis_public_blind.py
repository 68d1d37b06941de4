"""The families of `diagnosis_public.py blind`: trained last, after the rules had been drafted. PyTorch as in `diagnosis_other_jobs.py`."""


import numpy as np
import torch
import torch.nn.functional as F
from diagnosis_foreign_jobs import LEXICON, WORDS, layers
from diagnosis_other_jobs import CUT, DRAW, X, Y, job, parted
from sklearn import datasets
from torch import nn


def topics(seed):
    """Several labels a row."""
    x, y = datasets.make_multilabel_classification(1600, 50, n_classes=8, n_labels=3, random_state=51)
    x = np.log1p(x)
    loss = lambda m, x, y: F.binary_cross_entropy_with_logits(m(x), y)
    return parted(layers(50, 48, 8, act=nn.ReLU), loss, 1200, torch.tensor(x, dtype=torch.float32), torch.tensor(y, dtype=torch.float32))


def cultivars(seed):
    """A property of wines from the others."""
    x = torch.tensor(datasets.load_wine().data, dtype=torch.float32)
    x = ((x - x.mean(0)) / x.std(0))[torch.randperm(len(x), generator=DRAW(52))]
    return parted(layers(12, 32, 1), lambda m, x: F.smooth_l1_loss(m(x[:, 1:])[:, 0], x[:, 0]), 130, x)


def heartbeats(seed):
    """Which of four shapes a noisy signal has, by convolutions over time."""
    t, y = torch.linspace(0, 1, 48), torch.arange(1200) % 4
    shapes = torch.stack([torch.sin(12 * t), torch.sign(torch.sin(12 * t)), (6 * t) % 1 - 0.5, torch.exp(-60 * (t - 0.5) ** 2)])
    draw = DRAW(53)
    x = torch.stack([torch.roll(shapes[k], int(s)) for k, s in zip(y.tolist(), torch.randint(48, (1200,), generator=draw))])
    x = x + 0.8 * torch.randn(x.shape, generator=draw)
    net = nn.Sequential(nn.Conv1d(1, 12, 7, padding=3), nn.ReLU(), nn.MaxPool1d(4), nn.Conv1d(12, 24, 5), nn.ReLU())
    net.extend([nn.Flatten(), nn.Linear(192, 4)])
    return parted(net, lambda m, x, y: F.cross_entropy(m(x[:, None]), y), 900, x, y)


def middle_words(seed):
    """The word between four others, by the mean of their vectors."""
    rows = torch.tensor([[LEXICON[w] for w in text[i : i + 5]] for text in WORDS for i in range(0, len(text) - 5, 2)])
    rows = rows[torch.randperm(len(rows), generator=DRAW(54))]
    net = nn.Sequential(nn.EmbeddingBag(len(LEXICON), 24), nn.Linear(24, len(LEXICON)))
    return parted(net, lambda m, r: F.cross_entropy(m(r[:, [0, 1, 3, 4]]), r[:, 2]), len(rows) * 4 // 5, rows)


class Experts(nn.Module):
    def __init__(self):
        super().__init__()
        self.gate, self.parts = nn.Linear(4, 4), nn.ModuleList([layers(4, 24, 1, act=nn.ReLU) for _ in range(4)])

    def forward(self, x):
        return (self.gate(x).softmax(1) * torch.cat([part(x) for part in self.parts], 1)).sum(1)


def experts(seed):
    x, y = datasets.make_friedman3(1000, noise=0.1, random_state=55)
    x, y = torch.tensor((x - x.mean(0)) / x.std(0), dtype=torch.float32), torch.tensor((y - y.mean()) / y.std(), dtype=torch.float32)
    return parted(Experts(), lambda m, x, y: F.mse_loss(m(x), y), 800, x, y)


def halves(seed):
    """The lower half of a figure from the upper one, with what is uncertain."""
    net = layers(32, 64, 64, act=nn.GELU)

    def loss(m, x):
        mean, spread = m(x[:, :32]).chunk(2, 1)
        return 2 + (0.5 * ((x[:, 32:] - mean) / (0.1 + F.softplus(spread))) ** 2 + (0.1 + F.softplus(spread)).log()).mean()

    return parted(net, loss, CUT, X)


def two_moons(seed):
    """A classifier against rows that are pushed towards mistakes."""
    x, y = datasets.make_moons(1400, noise=0.2, random_state=56)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)

    def loss(m, x, y):
        with torch.enable_grad():
            seen = x.clone().requires_grad_(True)
            push = torch.autograd.grad(F.cross_entropy(m(seen), y), seen)[0].sign()
        return F.cross_entropy(m(x + 0.1 * push), y)

    return parted(layers(2, 48, 48, 2, act=nn.ReLU), loss, 1000, x, y)


def order_of_two(seed):
    """Which of two figures is the larger, by one network for both."""
    other = torch.randperm(len(X), generator=DRAW(57))
    net = layers(64, 48, 1, act=nn.ReLU)
    loss = lambda m, a, b, t: F.binary_cross_entropy_with_logits((m(a) - m(b))[:, 0], t)
    return parted(net, loss, CUT, X, X[other], (Y > Y[other]).float())


BLIND = [
    job(topics, "adamax", "poly", 300, 32, 1e-2),
    job(cultivars, "nadam", "constant", 300, 16, 1e-2),
    job(heartbeats, "nesterov", "cosine", 240, 32, 0.05),
    job(middle_words, "adagrad", "constant", 400, 64, 0.1),
    job(experts, "radam", "onecycle", 300, 32, 0.1),
    job(halves, "adamw", "held", 300, 64, 3e-2),
    job(two_moons, "momentum", "step", 400, 32, 0.1),
    job(order_of_two, "sgd", "linear", 400, 32, 0.5),
]
