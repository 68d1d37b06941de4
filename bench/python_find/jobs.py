"""The jobs: small training runs on data that every installation has, each of one or two CPU-seconds.

Five of them fine-tune: a base is trained first (once, from a fixed seed), and the job changes part of it.
"""

import functools
import math
import pathlib
import sysconfig

import torch
from sklearn import datasets
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from stepsize.torch import LRScheduler

torch.set_num_threads(1)


@functools.cache
def table(name):
    """A data set of scikit-learn, split into what is trained on and what is held."""
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    x = x / 16.0 if name == "digits" else (x - x.mean(0)) / x.std(0)
    if name == "diabetes":
        y = ((y - y.mean()) / y.std()).float()[:, None]
    return split(x, y)


def split(x, y):
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    cut = len(y) * 3 // 4
    return TensorDataset(x[order[:cut]], y[order[:cut]]), TensorDataset(x[order[cut:]], y[order[cut:]])


def digits(keep):
    """The digits in ``keep``, renumbered from 0."""
    x, y = datasets.load_digits(return_X_y=True)
    chosen = [i for i, one in enumerate(y) if one in keep]
    return split(torch.tensor(x[chosen] / 16.0, dtype=torch.float32), torch.tensor([keep.index(y[i]) for i in chosen]))


@functools.cache
def text(modules, length=32, rows=1600):
    """Pieces of the source of Python's own modules, as bytes below 128; the target is the next byte."""
    base = pathlib.Path(sysconfig.get_path("stdlib"))
    joined = "".join((base / f"{name}.py").read_text(errors="ignore") for name in modules)
    data = torch.tensor([min(ord(c), 127) for c in joined])
    at = torch.randint(0, len(data) - length - 1, (rows,), generator=torch.Generator().manual_seed(0))
    x = torch.stack([data[i : i + length] for i in at])
    return split(x, torch.stack([data[i + 1 : i + 1 + length] for i in at]))


@functools.cache
def lines(groups, length=32, rows=500):
    """Lines of source; the target is the group of modules that a line is from."""
    base = pathlib.Path(sysconfig.get_path("stdlib"))
    found = []
    for kind, modules in enumerate(groups):
        all_of = [line.strip() for name in modules for line in (base / f"{name}.py").read_text(errors="ignore").splitlines()]
        found += [(line, kind) for line in [one for one in all_of if len(one) > 20][:rows]]
    x = torch.tensor([[min(ord(c), 127) for c in line[:length].ljust(length)] for line, _ in found])
    return split(x, torch.tensor([kind for _, kind in found]))


def mlp(inputs, outputs, width=64, norm=False):
    middle = [nn.BatchNorm1d(width)] if norm else []
    return nn.Sequential(nn.Linear(inputs, width), *middle, nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs))


def cnn(outputs=10):
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(256, outputs),
    )  # fmt: skip


class Transformer(nn.Module):
    """A small encoder; over bytes with a causal mask, over the rows of a digit without."""

    def __init__(self, outputs, tokens=None, width=32, causal=False, layers=2):
        super().__init__()
        self.embed = nn.Embedding(tokens, width) if tokens else nn.Linear(8, width)
        self.place = nn.Parameter(torch.randn(64, width) * 0.02)
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, dropout=0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, layers, enable_nested_tensor=False)
        self.head, self.causal, self.tokens = nn.Linear(width, outputs), causal, tokens

    def forward(self, x):
        x = x if self.tokens else x.view(-1, 8, 8)
        mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1]) if self.causal else None
        h = self.body(self.embed(x) + self.place[: x.shape[1]], mask=mask, is_causal=self.causal)
        return self.head(h if self.causal else h.mean(1))


class Lstm(nn.Module):
    def __init__(self, width=48):
        super().__init__()
        self.embed, self.lstm, self.head = nn.Embedding(128, width), nn.LSTM(width, width, batch_first=True), nn.Linear(width, 128)

    def forward(self, x):
        return self.head(self.lstm(self.embed(x))[0])


def over_time(output, target):
    return nn.functional.cross_entropy(output.transpose(1, 2), target)


@functools.cache
def based(name):
    """The weights of a base that has been trained."""
    kind, data, loss, steps, lr = {
        "cnn": (lambda: cnn(5), digits([0, 1, 2, 3, 4]), nn.functional.cross_entropy, 300, 3e-3),
        "vit": (lambda: Transformer(5), digits([0, 1, 2, 3, 4]), nn.functional.cross_entropy, 400, 3e-3),
        "gpt": (lambda: Transformer(128, 128, causal=True), text(("argparse", "typing")), over_time, 500, 3e-3),
        "lines": (lambda: Transformer(4, 128), lines(LINES[:4]), nn.functional.cross_entropy, 400, 3e-3),
    }[name]
    torch.manual_seed(99)
    model = kind()
    train(model, torch.optim.AdamW(model.parameters(), lr), data[0], loss, steps, 32, "cosine")
    return model.state_dict()


LINES = (("argparse", "optparse"), ("ssl", "socket"), ("statistics", "fractions"), ("ast", "tokenize"), ("tarfile", "zipfile"), ("json/decoder", "csv"))


def from_base(name, model):
    model.load_state_dict(based(name))
    return model


def frozen_stem():
    model = from_base("cnn", cnn(5))
    for layer in model[:5]:
        layer.requires_grad_(False)
    model[9] = nn.Linear(256, 5)
    return model


def probe():
    model = from_base("vit", Transformer(5)).requires_grad_(False)
    model.head = nn.Linear(32, 5)
    return model


def lora(name, model, head=None):
    import peft

    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["linear1", "linear2"], modules_to_save=[head] if head else None)
    return peft.get_peft_model(from_base(name, model), config)


def lora_lines():
    model = from_base("lines", Transformer(4, 128))
    model.head = nn.Linear(32, 2)
    import peft

    return peft.get_peft_model(model, peft.LoraConfig(r=4, lora_alpha=8, target_modules=["linear1", "linear2"], modules_to_save=["head"]))


def slow_base():
    """Everything is trained, the base at a tenth of the rate of the head."""
    model = from_base("cnn", cnn(5))
    model[9] = nn.Linear(256, 5)
    return model


def sgd(model, lr):
    return torch.optim.SGD((p for p in model.parameters() if p.requires_grad), lr=lr, momentum=0.9)


def adam(model, lr):
    return torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=lr)


def grouped(model, lr):
    head = list(model[9].parameters())
    ids = {id(p) for p in head}
    rest = [p for p in model.parameters() if id(p) not in ids and p.requires_grad]
    return torch.optim.AdamW([{"params": head}, {"params": rest, "lr": lr / 10}], lr=lr)


def train(model, optimizer, data, loss, steps, batch, schedule, clip=None):
    """A whole run. Returns whether it stayed finite."""
    scheduler, taken = LRScheduler(optimizer, schedule, steps=steps), 0
    model.train()
    while taken < steps:
        for x, y in DataLoader(data, batch, shuffle=True, drop_last=True):
            optimizer.zero_grad()
            now = loss(model(x), y)
            if not math.isfinite(now.item()):
                return False
            now.backward()
            if clip:
                nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
            scheduler.step()
            taken += 1
            if taken == steps:
                break
    return True


CE, MSE = nn.functional.cross_entropy, nn.functional.mse_loss
OTHER = [5, 6, 7, 8, 9]
JOBS = {  # model, optimizer, data, loss, steps, batch, schedule, clip
    "digits MLP, SGD, cosine": (lambda: mlp(64, 10), sgd, lambda: table("digits"), CE, 400, 64, "cosine", None),
    "digits CNN, AdamW, one-cycle": (cnn, adam, lambda: table("digits"), CE, 300, 64, "one_cycle", None),
    "digits CNN, SGD, constant": (cnn, sgd, lambda: table("digits"), CE, 300, 64, "constant", None),
    "digits transformer, AdamW, warm-up + cosine": (lambda: Transformer(10), adam, lambda: table("digits"), CE, 300, 32, "warmup(10%) then cosine", 1.0),
    "diabetes MLP with BatchNorm, AdamW, cosine": (lambda: mlp(10, 1, norm=True), adam, lambda: table("diabetes"), MSE, 400, 32, "cosine", None),
    "breast cancer MLP, SGD, linear": (lambda: mlp(30, 2), sgd, lambda: table("breast_cancer"), CE, 400, 32, "linear", None),
    "byte LSTM, AdamW, constant, clipped": (Lstm, adam, lambda: text(("argparse", "typing")), over_time, 200, 32, "constant", 1.0),
    "byte GPT, AdamW, warm-up + cosine, clipped": (lambda: Transformer(128, 128, causal=True), adam, lambda: text(("argparse", "typing")), over_time, 200, 32, "warmup(10%) then cosine", 1.0),
    "fine-tune: CNN, stem frozen, SGD, linear": (frozen_stem, sgd, lambda: digits(OTHER), CE, 200, 32, "linear", None),
    "fine-tune: CNN, head and base 10 : 1, AdamW, cosine": (slow_base, grouped, lambda: digits(OTHER), CE, 200, 32, "cosine", None),
    "fine-tune: transformer, only the head, AdamW": (probe, adam, lambda: digits(OTHER), CE, 300, 32, "constant", None),
    "LoRA: byte GPT to other modules, AdamW, warm-up + linear": (lambda: lora("gpt", Transformer(128, 128, causal=True)), adam, lambda: text(("tarfile", "zipfile")), over_time, 150, 32, "warmup(10%) then linear", 1.0),
    "LoRA: lines to other classes, AdamW, cosine": (lora_lines, adam, lambda: lines(LINES[4:]), CE, 200, 32, "cosine", None),
}  # fmt: skip


class Job:
    """One job by name."""

    def __init__(self, name):
        self.name = name
        self.make, self.optimizer, data, self.loss, self.steps, self.batch, self.schedule, self.clip = JOBS[name]
        self.train_data, self.held = data()

    def begin(self, seed, lr=1e-3):
        """A model that is not trained yet, and its optimizer."""
        torch.manual_seed(seed)
        model = self.make()
        return model, self.optimizer(model, lr)

    def loaders(self):
        return DataLoader(self.train_data, self.batch, shuffle=True, drop_last=True), DataLoader(self.held, 200)

    def judged(self, model):
        model.eval()
        with torch.no_grad():
            total = sum(self.loss(model(x), y).item() * len(x) for x, y in self.loaders()[1])
        return total / len(self.held)

    def full(self, lr, seed):
        """Validation loss of a whole run; infinite when it diverged."""
        model, optimizer = self.begin(1000 + seed, lr)
        fine = train(model, optimizer, self.train_data, self.loss, self.steps, self.batch, self.schedule, self.clip)
        loss = self.judged(model) if fine else math.inf
        return loss if math.isfinite(loss) else math.inf

    def untrained(self):
        return self.judged(self.begin(1000)[0])
