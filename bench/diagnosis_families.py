"""The set `more` of `diagnosis_torch.py`: jobs of 27 other families, drawn by a seeded generator.

A family is built by a function of the drawn choices of a job, which gives its model, its loss and its rows (training, validation). Its
line in `FAMILIES` holds the function, the number of jobs, the least and most steps, for each kind the factors on the rates of
gradient descent and of adaptive optimizers, and the choices.
"""

import math
import random
from functools import partial

import diagnosis_styles as log
import torch
import torch.nn.functional as F
from diagnosis_data import DIGITS, RAW, blobs, curves, gratings, moons, pairs, parts, ratings, spots, tensors
from diagnosis_networks import ACTS, Point, Recurrent, Sequence, mlp, residual
from diagnosis_torch import CENTRES, OPTIMIZERS, SCHEDULES, Task, score_of, tuned_before
from torch import nn
from torch.distributions import Normal


def net(o, ins, outs):
    return mlp([ins, *o["hidden"], outs], ACTS[o["act"]])


def accuracy(model, x, y):
    return score_of("class", model(x), y)


def unscaled(o):
    """A linear model (or a network) of features and targets as measured, by squares, classes, margins or counts."""
    x, y = tensors(RAW[o["kind"]]())
    classes = o["loss"] in (F.cross_entropy, F.multi_margin_loss)
    model = net(o, x.shape[1], int(y.max()) + 1 if classes else 1)
    for p in model.parameters() if not o["hidden"] else []:
        nn.init.zeros_(p)
    if classes:
        return model, lambda m, x, y: o["loss"](m(x), y), parts(x, y), accuracy
    return model, lambda m, x, y: o["loss"](m(x).squeeze(1), y), parts(x, y.float())


def factors(o):
    i, j, rating = ratings(100, 60, 4000)
    model = nn.ModuleList([nn.Embedding(100, o["width"]), nn.Embedding(60, o["width"])])
    for p in model.parameters():
        p.data *= 0.3
    rows = parts(i, j, rating + 3.3 if o["kind"] == "stars" else rating)
    return model, lambda m, i, j, r: F.mse_loss((m[0](i) * m[1](j)).sum(1), r), rows


def skipgram(o):
    words = o["topics"] * 20
    model = nn.ModuleList([nn.Embedding(words, o["width"]), nn.Embedding(words, o["width"])])
    nn.init.zeros_(model[1].weight)

    def loss(m, a, b):
        true = (m[0](a) * m[1](b)).sum(1)
        false = (m[0](a).unsqueeze(1) * m[1](torch.randint(words, (len(a), 5)))).sum(2)
        return -(F.logsigmoid(true) + F.logsigmoid(-false).sum(1)).mean()

    return model, loss, parts(*pairs(o["topics"], 20, 8000))


def coder(o):
    """An autoencoder of digits or curves: plain, of noisy rows, or variational."""
    rows = parts(curves(1000)) if o["kind"] == "curves" else (DIGITS[:1], DIGITS[2:3])
    ins, code, vary = rows[0][0].shape[1], o["code"], o.get("vary", 0)
    sizes = [ins, o["wide"], code * (1 + vary)], [code, o["wide"], ins]
    model = nn.ModuleList([mlp(s, nn.ReLU) for s in sizes])

    def loss(m, x):
        seen, apart = m[0](x + o.get("noise", 0) * torch.randn_like(x)), 0
        if vary:
            mean, spread = seen.chunk(2, 1)
            seen = mean + torch.randn_like(mean) * (spread / 2).exp()
            apart = 0.5 * (mean.square() + spread.exp() - 1 - spread).sum(1).mean()
        out = m[1](seen)
        if o["kind"] == "digits":
            return F.binary_cross_entropy_with_logits(out, x, reduction="sum") / len(x) + apart
        return o.get("scale", 1) * F.mse_loss(out, x) + apart

    return model, loss, rows


def diffusion(o):
    rows = parts(moons(6000)) if o["kind"] == "moons" else [(2 * DIGITS[i] - 1,) for i in (0, 2)]
    ins = rows[0][0].shape[1]

    def loss(m, x):
        t, noise = torch.rand(len(x), 1), torch.randn_like(x)
        keep = torch.cos(t * math.pi / 2)
        seen = keep * x + torch.sqrt(1 - keep**2) * noise
        return F.mse_loss(m(torch.cat([seen, t, torch.sin(8 * t), torch.cos(8 * t)], 1)), noise)

    return net(o, ins + 3, ins), loss, rows


def flow(o):
    x = moons(1500) if o["kind"] == "moons" else torch.randn(1500, 6) @ torch.randn(6, 6) * 0.2
    half = x.shape[1] // 2
    model = nn.ModuleList(mlp([half, 32, 2 * half], nn.Tanh) for _ in range(o["layers"]))

    def loss(m, x):
        a, b, volume = x[:, :half], x[:, half:], 0
        for layer in m:
            shift, scale = layer(a).chunk(2, 1)
            a, b, volume = b * scale.exp() + shift, a, volume + scale.sum(1)
        return -(Normal(0, 1, False).log_prob(torch.cat([a, b], 1)).sum(1) + volume).mean()

    return model, loss, parts(x)


def mixture(o):
    y = 2 * torch.rand(1200, 1) - 1
    x = y + 0.3 * torch.sin(6 * y) + 0.05 * torch.randn(1200, 1)
    if o["kind"] == "branches":
        x, y = y, torch.sin(4 * y) * torch.randn(1200, 1).sign() + 0.1 * torch.randn(1200, 1)

    def loss(m, x, y):
        weight, mean, spread = m(x).chunk(3, 1)
        return -(F.log_softmax(weight, 1) + Normal(mean, spread.exp(), False).log_prob(y)).logsumexp(1).mean()

    return net(o, 1, 12), loss, parts(x, y)


def recurrent(o):
    length, (ins, outs) = o["length"], {"adding": (2, 1), "copy": (7, 7), "sine": (1, 1)}[o["kind"]]
    model = Recurrent(o["net"], ins, o["width"], outs)
    if o["kind"] == "adding":
        marks = torch.zeros(800, length).scatter_(1, torch.rand(800, length).argsort(1)[:, :2], 1.0)
        x = torch.stack([torch.rand(800, length), marks], 2)
        return model, lambda m, x, y: F.mse_loss(m(x)[:, -1, 0], y), parts(x, x.prod(2).sum(1))
    if o["kind"] == "copy":
        y = torch.randint(1, 7, (800, 3))
        x = F.one_hot(torch.cat([y, torch.zeros(800, length - 3, dtype=int)], 1), 7).float()
        return model, lambda m, x, y: F.cross_entropy(m(x)[:, -3:].flatten(0, 1), y.flatten()), parts(x, y)
    t = torch.arange(length + 1) * 0.4 * (1 + torch.rand(800, 1)) + 6 * torch.rand(800, 1)
    waves = torch.sin(t).unsqueeze(2) + 0.1 * torch.randn(800, length + 1, 1)
    return model, lambda m, x, y: F.mse_loss(m(x), y), parts(waves[:, :-1], waves[:, 1:])


def fitting(o):
    x = 2 * torch.rand(600, 2) - 1
    y = {
        "waves": 3 * torch.sin(5 * x[:, 0]) + x[:, 0].square(),
        "steps": torch.sign(torch.sin(7 * x[:, 0])),
        "surface": 10 * torch.exp(-4 * x.square().sum(1)) + 5 * x.prod(1),
    }[o["kind"]]
    return net(o, 2, 1), lambda m, x, y: F.mse_loss(m(x).squeeze(1), y), parts(x, y + 0.1 * torch.randn(600))


def slope(u, x):
    return torch.autograd.grad(u.sum(), x, create_graph=True)[0]


def physics(o):
    """The residual of a differential equation, and the conditions at the ends."""
    ends = torch.tensor([[0.0], [2.0]])

    def loss(m, x):
        with torch.enable_grad():
            x = x.clone().requires_grad_()
            u = m(x)
            first = slope(u, x)
            if o["kind"] == "decay":
                return (first + 2 * u - torch.sin(3 * x)).square().mean() + (m(ends[:1]) - 1).square().sum()
            rest = 4 * u if o["kind"] == "oscillator" else 10 * torch.sin(3 * x)
            return (slope(first, x) + rest).square().mean() + 10 * (m(ends) - ends / 2).square().sum()

    return net(o, 1, 1), loss, parts(2 * torch.rand(400, 1))


def mate(y, same):
    return torch.multinomial(((y[:, None] == y) == same).float(), 1).squeeze(1)


def metric(o):
    """Distances of digits: two noisy views, pairs, or triplets."""
    rows = [(x, x[mate(y, True)], x[mate(y, False)]) for x, y in ((DIGITS[i][:n], DIGITS[i + 1][:n]) for i, n in ((0, 640), (2, 320)))]

    def loss(m, a, b, c):
        if o["kind"] == "views":
            views = [F.normalize(m(a + 0.3 * torch.randn_like(a)), dim=1).unflatten(0, (-1, o["batch"])) for _ in range(2)]
            alike = views[0] @ views[1].mT / o["heat"]
            return F.cross_entropy(alike, torch.arange(o["batch"]).expand(len(alike), -1))
        near, far = (F.pairwise_distance(m(a), m(other)) for other in (b, c))
        if o["kind"] == "pairs":
            return (near.square() + F.relu(1 - far).square()).mean()
        return F.relu(near - far + o["margin"]).mean()

    return net(o, 64, 16), loss, rows


def distilled(o):
    teacher, heat = mlp([64, 96, 10], nn.ReLU), o["heat"]
    if o["kind"] == "trained":
        tuned_before(teacher)
    for p in teacher.parameters():
        p.requires_grad_(False).mul_(1 if o["kind"] == "trained" else 3)

    def loss(m, x, y):
        out = m(x)
        soft = F.kl_div(F.log_softmax(out / heat, 1), F.softmax(teacher(x) / heat, 1), reduction="batchmean")
        return heat**2 * soft + o["hard"] * F.cross_entropy(out, y)

    return net(o, 64, 10), loss, (DIGITS[:2], DIGITS[2:4]), accuracy


def classifier(o):
    """Digits or blobs: with smoothed or wrong labels, many layers, or few rows and dropout."""
    train, val = DIGITS[:2], DIGITS[2:4]
    if o["kind"] == "blobs":
        train, val = parts(*blobs(o["seed"]))
    x, y = (t[: o.get("few")] for t in train)
    classes = int(y.max()) + 1
    y = torch.where(torch.rand(len(y)) < o.get("wrong", 0), torch.randint(classes, (len(y),)), y)
    model = net(o, x.shape[1], classes)
    for layer in model[::2] if "steep" in o else []:
        nn.init.kaiming_normal_(layer.weight)
    if "drop" in o:
        model = nn.Sequential(*model[:2], nn.Dropout(o["drop"]), *model[2:])
    return model, lambda m, x, y: F.cross_entropy(m(x), y, label_smoothing=o.get("smooth", 0)), ((x, y), val), accuracy


def multitask(o):
    """The digit, and its ink or that of each row."""
    rows = [(x, y, x.unflatten(1, (8, 8)).sum(2) if o["kind"] == "rows" else x.sum(1, True)) for x, y in (DIGITS[:2], DIGITS[2:4])]

    def loss(m, x, y, z):
        out = m(x)
        return F.cross_entropy(out[:, :10], y) + o["weight"] * F.mse_loss(out[:, 10:], z)

    return net(o, 64, 10 + rows[0][2].shape[1]), loss, rows, lambda m, x, y, z: score_of("class", m(x)[:, :10], y)


def sequence(o):
    x = torch.randint(8, (1500, 16))
    many = F.one_hot(x, 8).sum(1)
    y = {"most": many.argmax(1), "first": x[:, 0], "absent": (many == 0).sum(1)}[o["kind"]]
    return Sequence(8, 16, o["layers"], o["first"]), lambda m, x, y: F.cross_entropy(m(x), y), parts(x, y), accuracy


def pictures(o):
    rows = parts(*{"gratings": gratings, "spots": spots}[o["kind"]](o["noise"]))
    return residual(o["width"], 6), lambda m, x, y: F.cross_entropy(m(x), y), rows, accuracy


def valley(o):
    """A function of a point that training sees moved by chance; no data."""
    size = o["size"]
    bends = torch.arange(1, size + 1) ** -o.get("power", 0.0)

    def loss(m, moved):
        w = m.w + moved
        if o["kind"] == "quadratic":
            return 0.5 * (bends * w.square()).sum(1).mean()
        return (100 * (w[:, 1:] - w[:, :-1].square()).square() + (1 - w[:, :-1]).square()).sum(1).mean()

    start = o["start"] * (1 - 2 * ((torch.arange(size) + 1) % 2))
    return Point(start), loss, ([o["noise"] * torch.randn(400, size)], [torch.zeros(1, size)])


def task(job):
    torch.manual_seed(job["seed"])
    model, loss, (train, val), *score = job["build"](job)
    return Task(model, loss, train, val, min(job["batch"], len(train[0])), job["per"], *score)


ALL = 10**6
COMMON = {"batch": [16, 32, 64], "hidden": [[32], [64, 64], [48] * 3], "act": [*ACTS], "clip": [1e30] * 4 + [0.3, 1.0]}
BARE = {"hidden": [[]], "act": ["relu"], "batch": [ALL, ALL, 32], "clip": [1e30]}
LINEAR = {"diabetes": (3e-5, 150), "friedman": (5e-6, 100), "plain": (1, 1000), "shifted": (1e-3, 300)}
LOGISTIC = {"cancer": (1e-4, 0.1), "wine": (2e-4, 0.1), "blobs": (1e-3, 0.5)}
COUNTS = [F.poisson_nll_loss, partial(F.poisson_nll_loss, full=True)]
HINGE = {"blobs": (5e-3, 0.5), "cancer": (1e-4, 0.1), "wine": (5e-4, 0.1)}
RECURRENT = {"adding": (0.4, 1), "copy": (3, 1), "sine": (1, 2)}
PHYSICS = {"decay": (0.1, 1.5), "oscillator": (0.03, 1.5), "forced": (0.03, 1.5)}
MOVED = {"size": [2, 5, 20, 50], "start": [1.2, 2.0], "batch": [1, 4, 16]}
FEW = {"digits": (0.5, 0.5), "blobs": (0.2, 0.3)}
ALIKE = {"digits": (1, 1), "blobs": (1, 1)}
FAMILIES = {
    "linear": (unscaled, 5, 60, 1500, LINEAR, BARE | {"loss": [F.mse_loss]}),
    "logistic": (unscaled, 4, 60, 1500, LOGISTIC, BARE | {"loss": [F.cross_entropy]}),
    "poisson": (unscaled, 4, 60, 1500, {"counts": (0.1, 2), "rawcounts": (4e-3, 1)}, BARE | {"loss": COUNTS, "hidden": [[], [32]]}),
    "hinge": (unscaled, 4, 60, 1500, HINGE, BARE | {"loss": [F.multi_margin_loss]}),
    "factors": (factors, 4, 150, 1500, {"stars": (20, 6), "centred": (30, 6)}, {"width": [3, 6, 12], "batch": [64, 128, ALL]}),
    "skipgram": (skipgram, 4, 150, 1200, {"topics": (60, 5)}, {"topics": [10, 20], "width": [16, 32], "batch": [64, 128]}),
    "autoencoder": (coder, 4, 100, 1200, {"digits": (0.2, 1), "curves": (6, 1), "mean": (6, 1)}, {"wide": [32, 64], "code": [2, 6, 12]}),
    "denoising": (coder, 4, 100, 1200, {"mean": (6, 1), "digits": (0.1, 1)}, {"wide": [32, 64], "code": [6, 16], "noise": [0.2, 0.5]}),
    "vae": (coder, 4, 100, 1000, {"digits": (0.1, 1), "curves": (0.1, 1)}, {"wide": [32, 64], "code": [2, 6], "vary": [1], "scale": [100]}),
    "diffusion": (diffusion, 4, 150, 1500, {"moons": (3, 2), "digits": (3, 1)}, {"hidden": [[64], [64, 64]], "batch": [32, 64, 128]}),
    "flow": (flow, 4, 100, 600, {"moons": (0.3, 2), "oblique": (0.1, 2)}, {"layers": [3, 4, 6]}),
    "mixture": (mixture, 4, 100, 1200, {"inverse": (0.3, 1), "branches": (0.5, 1)}, {"hidden": [[24], [32, 32]], "act": ["tanh", "gelu"]}),
    "recurrent": (recurrent, 6, 60, 350, RECURRENT, {"net": ["rnn", "gru", "lstm"], "width": [16, 32], "length": [8, 12, 20]}),
    "fitting": (fitting, 4, 100, 1500, {"waves": (1, 4), "steps": (1, 4), "surface": (0.5, 4)}, {"batch": [32, ALL]}),
    "physics": (physics, 4, 100, 1000, PHYSICS, {"act": ["tanh"], "batch": [64, ALL]}),
    "contrastive": (metric, 4, 80, 800, {"views": (1, 1), "pairs": (1, 1)}, {"heat": [0.1, 0.3], "batch": [32, 64]}),
    "triplet": (metric, 4, 80, 800, {"triplets": (1, 1)}, {"margin": [0.3, 1.0]}),
    "distilled": (distilled, 4, 80, 1000, {"trained": (0.5, 1), "random": (0.5, 1)}, {"heat": [2.0, 4.0], "hard": [0, 0.3]}),
    "smoothed": (classifier, 4, 60, 1200, ALIKE, {"smooth": [0.1, 0.2]}),
    "mislabelled": (classifier, 4, 100, 1500, ALIKE, {"wrong": [0.2, 0.3, 0.4]}),
    "multitask": (multitask, 4, 80, 1000, {"ink": (0.1, 3), "rows": (0.3, 1)}, {"weight": [0.05, 0.3, 1.0]}),
    "sequence": (sequence, 4, 80, 350, {"most": (1, 1), "first": (1, 1), "absent": (1, 1)}, {"layers": [1, 2], "first": [True, False]}),
    "residual": (pictures, 4, 60, 250, {"gratings": (2, 2), "spots": (2, 2)}, {"width": [8, 12], "noise": [0.7, 1.2], "batch": [16, 32]}),
    "deep": (classifier, 4, 100, 800, ALIKE, {"steep": [1], "hidden": [[8] * 10, [10] * 8, [12] * 12], "act": ["relu", "tanh"]}),
    "quadratic": (valley, 4, 60, 1500, {"quadratic": (1, 15)}, MOVED | {"power": [0.5, 1.0, 2.0], "noise": [0.5, 1.0]}),
    "rosenbrock": (valley, 4, 100, 1500, {"rosenbrock": (5e-3, 15)}, MOVED | {"noise": [0.02, 0.05]}),
    "overfit": (classifier, 4, 100, 1200, FEW, {"few": [50, 100], "drop": [0.2, 0.5], "hidden": [[256], [128, 128]]}),
}


def drawn():
    """The jobs, each logged in one style of `fit` and two others, drawn for each run."""
    draw, number = random.Random(1209), 0
    for family, (build, count, least, most, kinds, choices) in FAMILIES.items():
        for i in range(count):
            kind = list(kinds)[i % len(kinds)]
            job = {name: draw.choice(values) for name, values in (COMMON | choices).items()}
            job |= {"task": task, "build": build, "kind": kind, "seed": number, "styles": [(log.STYLES, 1), (log.MORE, 2)]}
            job |= {"optimizer": draw.choice(list(OPTIMIZERS)), "schedule": draw.choice([*SCHEDULES, "constant", "constant"])}
            job |= {"stops": draw.random() < 0.5, "epochs": draw.choice([8, 12, 20, 30, 60])}
            job["per"] = max(1, round(least * (most / least) ** draw.random() / job["epochs"]))
            adaptive = "ada" in job["optimizer"] or job["optimizer"] == "rmsprop"
            factor = kinds[kind][adaptive] * (1 if adaptive else max(1, 3 / job["clip"]))
            job["centre"] = factor * CENTRES[job["optimizer"]] * 10 ** draw.uniform(-0.3, 0.3)
            yield f"{number:03}_{family}_{kind}_{job['optimizer']}_{job['schedule']}", job
            number += 1
