"""stepsize.torch.find puts back what it is not given: what the functions, loaders and hooks of the caller lead to."""

import copy
import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Dataset, IterableDataset, Subset, TensorDataset  # noqa: E402

import stepsize.torch as st  # noqa: E402

torch.set_num_threads(1)
X = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
Y = torch.sin(2 * X[:, :1])
DATA = TensorDataset(X, Y)
mse = nn.functional.mse_loss


def kit():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    return model, torch.optim.Adam(model.parameters(), lr=1e-3)


def values(*modules):
    return [
        [(name, one.detach().clone(), one.grad, one.requires_grad) for name, one in [*module.named_parameters(), *module.named_buffers()]]
        for module in modules
    ]


def same(one, other):
    flat = [pair for a, b in zip(one, other, strict=True) for pair in zip(a, b, strict=True)]
    return all(p[0] == q[0] and torch.equal(p[1], q[1]) and p[2] is q[2] and p[3] == q[3] for p, q in flat)


class Drawing(Dataset):
    """Augments with generators of its own, and counts what it gives."""

    def __init__(self):
        self.numpy, self.python, self.count = np.random.default_rng(1), random.Random(2), 0

    def __len__(self):
        return len(X)

    def __getitem__(self, at):
        self.count += 1
        return X[at] + 0.1 * float(self.numpy.normal()) * self.python.random(), Y[at]


class Shuffled(IterableDataset):
    def __init__(self, inside):
        self.inside, self.draw = inside, torch.Generator().manual_seed(3)

    def __iter__(self):
        return (self.inside[at] for at in torch.randperm(256, generator=self.draw).tolist())


class Scaled:
    """A collate function that draws."""

    def __init__(self):
        self.draw = np.random.RandomState(4)

    def __call__(self, rows):
        inputs, targets = zip(*rows, strict=True)
        return torch.stack(inputs) * (1 + 0.1 * float(self.draw.rand())), torch.stack(targets)


@pytest.mark.parametrize("kind", ["map", "subset", "stream", "function", "collate"])
def test_a_data_set_that_draws_gives_each_trial_the_same_data(kind):
    drawing, scaled = Drawing(), Scaled()
    stream = Shuffled(drawing)
    loader = {
        "map": DataLoader(drawing, 32, shuffle=True), "subset": DataLoader(Subset(drawing, range(200)), 32),
        "stream": DataLoader(stream, 32), "function": lambda: iter(DataLoader(stream, 32)),
        "collate": DataLoader(drawing, 32, shuffle=True, collate_fn=scaled),
    }[kind]  # fmt: skip
    model, optimizer = kit()
    begun, first = [], []

    def watch(event):
        if event.kind == "trial":
            begun.append(event.seed)

    def closure(model, batch):
        if len(first) < len(begun):
            first.append(batch[0].sum().item())
        return mse(model(batch[0]), batch[1])

    def state():
        return (
            repr(drawing.numpy.bit_generator.state), drawing.python.getstate(), drawing.count, stream.draw.get_state().tolist(),
            repr(scaled.draw.get_state()),
        )  # fmt: skip

    before = state()
    st.find(model, None, loader, optimizer, steps=200, closure=closure, budget=1.5, callback=watch)
    assert state() == before
    assert len(first) == len(begun) > 3  # the first trial begins with an evaluation of the untrained model
    assert len(set(first[1:])) == len(set(begun[1:])), "the trials of one seed saw other data"


class Centres(nn.Module):
    """A loss with a buffer and a counter."""

    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(1))
        self.count = 0

    def forward(self, output, target):
        self.count += 1
        self.mean.lerp_(output.detach().mean(), 0.1)
        return mse(output, target) + 0.01 * (output - self.mean).pow(2).mean()


def test_a_loss_with_a_buffer():
    model, optimizer = kit()
    loss = Centres()
    before = values(loss)
    st.find(model, loss, DataLoader(DATA, 32), optimizer, steps=200)
    assert same(values(loss), before) and loss.count == 0


def test_modules_and_optimizers_in_hooks_and_closures():
    model, optimizer = kit()
    average = torch.optim.swa_utils.AveragedModel(model)
    optimizer.register_step_post_hook(lambda *_: average.update_parameters(model))
    teacher, head = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Linear(4, 1)), nn.Linear(1, 1)
    second = torch.optim.Adam(head.parameters(), lr=1e-3)
    model[0].register_forward_hook(lambda *_: [None, head.bias.data.add_(0.1)][0])

    class Program:
        def loss(self, model, batch):
            second.zero_grad()
            mse(head(batch[1]), batch[1]).backward()
            second.step()
            with torch.no_grad():
                soft = teacher(batch[0])
            return mse(model(batch[0]), batch[1]) + 0.1 * mse(model(batch[0]), soft)

    before = values(model, average, teacher, head)
    st.find(
        model, None, DataLoader(DATA, 32), optimizer, [(X, Y)], steps=200, closure=Program().loss, val_fn=lambda m, b: mse(m(b[0]), b[1])
    )
    assert same(values(model, average, teacher, head), before) and not second.state


TAKEN = 0


def test_counters_of_a_closure_begin_again_in_each_trial():
    """A weight of the loss that grows with the steps must not grow from trial to trial."""
    inside, entries, log = 0, {"taken": 0}, []

    class Program:
        taken = 0

        def loss(self, model, batch):
            nonlocal inside
            global TAKEN
            self.taken, inside, TAKEN = self.taken + 1, inside + 1, TAKEN + 1
            entries["taken"] += 1
            log.append((self.taken, inside, TAKEN, entries["taken"]))
            return mse(model(batch[0]), batch[1])

    model, optimizer = kit()
    program, begun = Program(), []
    st.find(
        model, None, DataLoader(DATA, 32), optimizer, [(X, Y)], steps=200, closure=program.loss, val_fn=lambda m, b: mse(m(b[0]), b[1]),
        callback=lambda event: begun.append(len(log)) if event.kind == "trial" else None,
    )  # fmt: skip
    assert {log[at] for at in begun} == {(1, 1, 1, 1)} and len(begun) > 3
    assert (program.taken, inside, TAKEN, entries) == (0, 0, 0, {"taken": 0})
    assert len(log) > 100, "a list that the closure fills is the caller's"


def test_layers_that_a_step_unfreezes_are_frozen_again():
    model, optimizer = kit()
    model[0].requires_grad_(False)
    count, flags = 0, []

    def closure(model, batch):
        nonlocal count
        count += 1
        if count == 1:
            flags.append(model[0].weight.requires_grad)
        if count == 10:
            model[0].requires_grad_(True)
        return mse(model(batch[0]), batch[1])

    before = values(model)
    st.find(model, None, DataLoader(DATA, 32), optimizer, [(X, Y)], steps=200, closure=closure, val_fn=lambda m, b: mse(m(b[0]), b[1]))
    assert same(values(model), before)
    assert len(flags) > 3 and not any(flags)


@pytest.mark.parametrize("given", [True, False], ids=["in also", "found"])
def test_a_large_average_that_is_brought_up_to_date_now_and_then(given):
    """Its parameters are frozen, and the first step does not write to them: only also= can tell that a later one does."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 1100), nn.Linear(1100, 1100, bias=False), nn.Linear(1100, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    average, taken = copy.deepcopy(model).requires_grad_(False), 0

    def closure(model, batch):
        nonlocal taken
        taken += 1
        if taken % 5 == 0:
            for one, other in zip(average.parameters(), model.parameters(), strict=True):
                one.lerp_(other.detach(), 0.1)
        return mse(model(batch[0]), batch[1])

    before = values(average)
    words = {"steps": 80, "closure": closure, "val_fn": lambda m, b: mse(m(b[0]), b[1]), "budget": 0.8}
    if given:
        st.find(model, None, DataLoader(DATA, 32), optimizer, [(X, Y)], **words, also=[average])
        assert same(values(average), before)
    else:
        with pytest.raises(RuntimeError, match=r"writes to frozen parameters after the first step \(Sequential.0.weight.*also="):
            st.find(model, None, DataLoader(DATA, 32), optimizer, [(X, Y)], **words)
