"""The families of `diagnosis_public.py looked` and `held`: networks of public packages, trained on data that is made here.
PyTorch as in `diagnosis_other_jobs.py`; Keras, scikit-learn and optax train by themselves (`diagnosis_public_alone.py`).
"""

import inspect
import math

import diagnosis_other
import numpy as np
import torch
import torch.nn.functional as F
from diagnosis_foreign_jobs import layers
from diagnosis_other_jobs import CUT, DRAW, X, Y, entropy, job, parted
from diagnosis_public_alone import impedance, keras_energy, keras_pictures, rings, sugar, tumours
from sklearn import datasets
from torch import nn

# Optimizers and schedules that no other corpus has.
OPTIMIZERS = {
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adamax": torch.optim.Adamax,
    "adafactor": torch.optim.Adafactor,
}


def one_cycle(t):
    half = lambda u: 0.5 * (1 - math.cos(math.pi * u))
    return 0.04 + 0.96 * half(t / 0.3) if t < 0.3 else 1e-4 + half((1 - t) / 0.7)


SCHEDULES = {
    "poly": lambda t: (1 - t) ** 0.9,
    "onecycle": one_cycle,
    "triangles": lambda t: 0.1 + 0.9 * (1 - abs((4 * t) % 2 - 1)),
    "held": lambda t: min(1.0, (t + 1e-3) / 0.1) * min(1.0, (1 - t) / 0.3),
}


def writings():
    """Letters of the documentation of NumPy."""
    text = "".join(inspect.getdoc(f) for f in (np.einsum, np.pad, np.gradient, np.loadtxt, np.linalg.svd, np.apply_along_axis, np.unique))
    letters = sorted(set(text))
    ids = torch.tensor([letters.index(c) for c in text]).unfold(0, 32, 24)
    return ids[torch.randperm(len(ids), generator=DRAW(31))], len(letters)


SMALL = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}


def gpt(seed):
    from transformers import GPT2Config, GPT2LMHeadModel

    rows, letters = writings()
    net = GPT2LMHeadModel(GPT2Config(vocab_size=letters, n_positions=32, n_embd=32, n_layer=2, n_head=4, bos_token_id=0, eos_token_id=0))
    return parted(net, lambda m, x: m(x, labels=x).loss, len(rows) * 4 // 5, rows)


def bert(seed):
    """Which of two tokens is more frequent."""
    from transformers import BertConfig, BertForSequenceClassification

    x = torch.randint(2, 12, (1600, 15), generator=DRAW(32))
    y = ((x == 2) | (x == 5)).sum(1).gt(((x == 3) | (x == 7)).sum(1)).long()
    net = BertForSequenceClassification(BertConfig(vocab_size=12, max_position_embeddings=16, num_labels=2, **SMALL))
    return parted(net, lambda m, x, y: m(input_ids=x, labels=y).loss, 1300, x, y)


def vit(seed):
    from transformers import ViTConfig, ViTForImageClassification

    config = ViTConfig(image_size=8, patch_size=2, num_channels=1, num_labels=10, hidden_dropout_prob=0.1, **SMALL)
    net = ViTForImageClassification(config)
    return parted(net, lambda m, x, y: F.cross_entropy(m(x.reshape(-1, 1, 8, 8)).logits, y), CUT, X, Y)


def backwards(seed):
    """T5 that writes figures in the other order."""
    from transformers import T5Config, T5ForConditionalGeneration

    x = torch.randint(2, 10, (1600, 5), generator=DRAW(33))
    sizes = {"d_model": 32, "d_kv": 8, "d_ff": 64, "num_layers": 2, "num_heads": 4, "dropout_rate": 0.0}
    net = T5ForConditionalGeneration(T5Config(vocab_size=12, decoder_start_token_id=0, pad_token_id=0, **sizes))
    return parted(net, lambda m, x: m(input_ids=x, labels=x.flip(1)).loss, 1300, x)


def hidden_words(seed):
    from transformers import BertConfig, BertForMaskedLM

    rows, letters = writings()
    rows, own = rows[:, :24], DRAW(seed)
    net = BertForMaskedLM(BertConfig(vocab_size=letters + 1, max_position_embeddings=24, **SMALL))

    def loss(m, x):
        hide = torch.rand(x.shape, generator=own) < 0.2
        return F.cross_entropy(m(input_ids=x.masked_fill(hide, letters)).logits[hide], x[hide])

    return parted(net, loss, len(rows) * 4 // 5, rows)


def discs(count, seed):
    """Pictures of discs: the picture, where the disc is, and its size."""
    draw = DRAW(seed)
    at, size = torch.rand(count, 2, generator=draw) * 10 + 3, torch.rand(count, generator=draw) * 2 + 1.5
    grid = torch.stack(torch.meshgrid(torch.arange(16.0), torch.arange(16.0), indexing="ij"), -1)
    inside = ((grid[None] - at[:, None, None]) ** 2).sum(-1) < size[:, None, None] ** 2
    return inside.float() + 0.5 * torch.randn(count, 16, 16, generator=draw), inside, at, size


CONV = lambda a, b: [nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()]


def summed(loss, parts):
    """A loss of several parts, which stay in `parts` for the log."""

    def total(m, *rows):
        named = loss(m, *rows)
        if m.training:
            parts.update({name: float(part.detach()) for name, part in named.items()})
        return sum(named.values())

    return total


def segments(seed):
    """Cross-entropy and overlap, as mmsegmentation logs them."""
    x, y, *_ = discs(700, 34)
    net, parts = nn.Sequential(*CONV(1, 8), *CONV(8, 16), nn.Conv2d(16, 1, 1)), {}

    def loss(m, x, y):
        z = m(x[:, None])[:, 0]
        p, y = z.sigmoid(), y.float()
        overlap = 1 - (2 * (p * y).sum((1, 2)) + 1) / (p.sum((1, 2)) + y.sum((1, 2)) + 1)
        return {"decode.loss_ce": F.binary_cross_entropy_with_logits(z, y), "decode.loss_dice": overlap.mean()}

    return *parted(net, summed(loss, parts), 560, x, y), parts


def centres(seed):
    """Where a disc is, how large, and a heat map of its centre."""
    x, _, at, size = discs(700, 35)
    net, parts = nn.Sequential(*CONV(1, 8), nn.MaxPool2d(2), *CONV(8, 16), nn.Conv2d(16, 4, 1)), {}

    def loss(m, x, at, size):
        z = m(x[:, None]).flatten(2)
        cell = (at / 2).long().clamp(0, 7)
        own = z.gather(2, (cell[:, 0] * 8 + cell[:, 1])[:, None, None].expand(-1, 4, 1))[..., 0]
        heat = F.cross_entropy(z[:, 0], cell[:, 0] * 8 + cell[:, 1])
        return {"loss_heatmap": heat, "loss_wh": F.l1_loss(own[:, 1], size), "loss_offset": F.l1_loss(own[:, 2:], at / 2 - cell)}

    return *parted(net, summed(loss, parts), 560, x, at, size), parts


def three_tasks(seed):
    """The figure, whether it is even, and whether it lies on its side."""
    turn = torch.arange(len(X)) % 2
    x = torch.where(turn[:, None] == 1, X.reshape(-1, 8, 8).transpose(1, 2).reshape(-1, 64), X)
    net, parts = nn.ModuleList([layers(64, 64, 48, act=nn.ReLU), nn.Linear(48, 10), nn.Linear(48, 2), nn.Linear(48, 2)]), {}

    def loss(m, x, y, turn):
        h = torch.relu(m[0](x))
        heads = (("cls", m[1], y), ("parity", m[2], y % 2), ("pose", m[3], turn))
        return {f"loss_{name}": F.cross_entropy(head(h), t) for name, head, t in heads}

    return *parted(net, summed(loss, parts), CUT, x, Y, turn), parts


def mixed_up(seed):
    """Mixed pictures with smoothed labels: the training loss stays above that of validation."""
    own = DRAW(seed)
    net = nn.Sequential(nn.Unflatten(1, (1, 8, 8)), *CONV(1, 16), nn.MaxPool2d(2), *CONV(16, 32), nn.Flatten(), nn.Linear(512, 10))

    def loss(m, x, y):
        if not m.training:
            return F.cross_entropy(m(x), y)
        share, other = 0.5 + 0.5 * torch.rand(len(x), 1, generator=own), torch.randperm(len(x), generator=own)
        z = m(share * x + (1 - share) * x[other])
        each = lambda y: F.cross_entropy(z, y, label_smoothing=0.1, reduction="none")
        return (share[:, 0] * each(y) + (1 - share[:, 0]) * each(y[other])).mean()

    return parted(net, loss, CUT, X, Y)


def towers(seed):
    """Pictures and their figures in words, matched in a batch with a learned temperature."""
    net = nn.ModuleList([layers(64, 64, 16, act=nn.ReLU), nn.Embedding(10, 16), nn.ParameterList([torch.tensor(2.0)])])
    order = torch.arange(len(X))

    def loss(m, x, y, order):
        z = F.normalize(m[0](x), dim=1) @ F.normalize(m[1].weight, dim=1).T * m[2][0].exp()
        return 0.5 * F.cross_entropy(z, y) + 0.5 * F.cross_entropy(z[:, y].T, torch.arange(len(x)))

    return parted(net, loss, CUT, X, Y, order)


def student(seed):
    """A small network that copies soft answers of a larger one."""
    torch.manual_seed(5)
    teacher = layers(64, 128, 10, act=nn.ReLU)
    optimizer = torch.optim.Adam(teacher.parameters(), 3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        entropy(teacher, X[:CUT], Y[:CUT]).backward()
        optimizer.step()
    with torch.no_grad():
        soft = (teacher(X) / 4).softmax(1)
    torch.manual_seed(seed)
    loss = lambda m, x, s: 16 * F.kl_div((m(x) / 4).log_softmax(1), s, reduction="batchmean")
    return parted(layers(64, 16, 10, act=nn.ReLU), loss, CUT, X, soft)


def tagged(seed):
    """Which steps of a sequence repeat an earlier token, by an LSTM in both directions."""
    x = torch.randint(0, 9, (1300, 14), generator=DRAW(36))
    y = (x[:, :, None] == x[:, None]).tril(-1).any(2).long()
    net = nn.ModuleList([nn.Embedding(9, 16), nn.LSTM(16, 24, batch_first=True, bidirectional=True), nn.Linear(48, 2)])
    return parted(net, lambda m, x, y: F.cross_entropy(m[2](m[1](m[0](x))[0]).transpose(1, 2), y), 1000, x, y)


def many_columns(seed):
    x, y = datasets.make_classification(2400, 40, n_informative=12, n_classes=5, n_clusters_per_class=2, flip_y=0.05, random_state=37)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    net = nn.Sequential(nn.Linear(40, 96), nn.BatchNorm1d(96), nn.SELU(), nn.Dropout(0.2), nn.Linear(96, 5))
    return parted(net, entropy, 1900, x, y)


def demand(seed):
    """The next hours of a series from the last ones, in mean absolute errors."""
    t = torch.arange(3000.0)
    noise = torch.randn(3000, generator=DRAW(38))
    y = torch.sin(t / 3.8) + 0.6 * torch.sin(t / 26.7) * torch.cos(t / 3.8) + 0.15 * noise
    rows = ((y - y.mean()) / y.std()).unfold(0, 36, 2)
    return parted(layers(24, 64, 64, 12, act=nn.ReLU), lambda m, r: F.l1_loss(m(r[:, :24]), r[:, 24:]), 1200, rows)


def noted(job, lr, seed):
    """As `diagnosis_other.trained`, with the parts of the loss in each row."""
    seen = []

    def build(seed):
        params, loss_of, *rest, parts = job["build"](seed)

        def loss(i):
            value = loss_of(i)
            seen.append(dict(parts))
            return value

        return params, loss, *rest

    rows, first, broken = diagnosis_other.trained(job | {"build": build}, lr, seed)
    for row, parts in zip(rows, seen):
        row["parts"] = parts
    return rows, first, broken


def own(train, optimizer, schedule, steps, batch, centre):
    return job(train, optimizer, schedule, steps, batch, centre, trained=train)


LOOKED = [
    job(gpt, "adamw", "linear", 300, 16, 6e-3),
    job(vit, "nadam", "held", 300, 32, 3e-3),
    job(segments, "momentum", "poly", 200, 16, 0.05, trained=noted),
    job(three_tasks, "radam", "step", 300, 32, 3e-2, trained=noted),
    job(mixed_up, "nesterov", "warmup", 240, 32, 0.05),
    job(many_columns, "adamw", "onecycle", 400, 64, 2e-2),
    job(demand, "adamax", "constant", 400, 64, 1e-2),
    own(keras_pictures, "momentum", "plateau", 25, 64, 0.05),
    own(tumours, "momentum", "constant", 60, 32, 0.02),
    own(sugar, "lamb", "warmupcosine", 300, 32, 0.005),
]
HELD = [
    job(bert, "adamw", "held", 300, 32, 3e-3),
    job(backwards, "adafactor", "constant", 300, 32, 0.03),
    job(hidden_words, "adamw", "warmup", 300, 16, 2e-2),
    job(centres, "adamw", "warmup", 240, 16, 1e-2, trained=noted),
    job(towers, "adam", "onecycle", 300, 48, 2e-2),
    job(student, "nesterov", "step", 300, 32, 0.08),
    job(tagged, "radam", "triangles", 300, 32, 3e-2),
    own(keras_energy, "adamax", "constant", 30, 32, 0.01),
    own(impedance, "sgd", "constant", 40, 1, 0.03),
    own(rings, "adabelief", "decay", 300, 32, 0.03),
]
