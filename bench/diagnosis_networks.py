"""Networks of the jobs of `diagnosis_torch.py` and `diagnosis_families.py`."""

import torch
import torch.nn.functional as F
from torch import nn

ACTS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
NORMS = {"": None, "bn": nn.BatchNorm1d, "ln": nn.LayerNorm}


def transformer(width, wide, layers, first=True):
    layer = nn.TransformerEncoderLayer(width, 4, wide, 0.0, batch_first=True, norm_first=first)
    return nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)


class Language(nn.Module):
    """A character model: an LSTM, a GRU or a transformer."""

    def __init__(self, kind, chars, length):
        super().__init__()
        self.embed = nn.Embedding(chars, 48)
        self.kind = kind
        if kind == "transformer":
            self.place = nn.Embedding(length, 48)
            self.body = transformer(48, 96, 2)
            self.out = nn.Linear(48, chars)
        else:
            self.body = (nn.LSTM if kind == "lstm" else nn.GRU)(48, 64, batch_first=True)
            self.out = nn.Linear(64, chars)

    def forward(self, x):
        h = self.embed(x)
        if self.kind == "transformer":
            length = x.shape[1]
            mask = nn.Transformer.generate_square_subsequent_mask(length)
            h = self.body(h + self.place(torch.arange(length)), mask=mask, is_causal=True)
        else:
            h = self.body(h)[0]
        return self.out(h).transpose(1, 2)


class Recurrent(nn.Module):
    """An RNN, a GRU or an LSTM of real rows."""

    def __init__(self, kind, ins, width, outs):
        super().__init__()
        self.body = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}[kind](ins, width, batch_first=True)
        self.out = nn.Linear(width, outs)

    def forward(self, x):
        return self.out(self.body(x)[0])


class Sequence(nn.Module):
    """A transformer that tells the class of a row of tokens."""

    def __init__(self, tokens, length, layers, first):
        super().__init__()
        self.embed, self.place = nn.Embedding(tokens, 32), nn.Parameter(0.1 * torch.randn(length, 32))
        self.body = transformer(32, 64, layers, first)
        self.out = nn.Linear(32, tokens)

    def forward(self, x):
        return self.out(self.body(self.embed(x) + self.place).mean(1))


class Block(nn.Module):
    """A residual block with batch normalization."""

    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(
            *(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU()),
            *(nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)),
        )

    def forward(self, x):
        return F.relu(x + self.body(x))


class Point(nn.Module):
    def __init__(self, start):
        super().__init__()
        self.w = nn.Parameter(start)


def mlp(sizes, act, norm=None):
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers.append(nn.Linear(a, b))
        if i + 2 < len(sizes):
            layers += [norm(b), act()] if norm else [act()]
    return nn.Sequential(*layers)


def cnn(classes):
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        *(nn.Conv2d(1, 12, 3, padding=1), nn.BatchNorm2d(12), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(12, 24, 3, padding=1), nn.BatchNorm2d(24), nn.ReLU(), nn.AdaptiveAvgPool2d(1)),
        *(nn.Flatten(), nn.Linear(24, classes)),
    )


def residual(width, classes):
    stem = nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(), nn.MaxPool2d(2)
    tail = nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(4 * width, classes)
    return nn.Sequential(*stem, Block(width), Block(width), *tail)
