"""What find puts back beyond the model: parameters of the optimizer, plain attributes, frozen weights that are written to."""

import collections
import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

import stepsize  # noqa: E402
import stepsize.torch as st  # noqa: E402
from stepsize.torch import frozen  # noqa: E402

torch.set_num_threads(1)
X = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
Y = X[:, :1] * 2
LOADER = DataLoader(TensorDataset(X, Y), 32, shuffle=True)
mse = nn.functional.mse_loss


def test_parameters_that_the_model_does_not_have_are_put_back_with_their_gradients():
    torch.manual_seed(0)
    body, head, scale = nn.Linear(8, 4), nn.Linear(4, 1), nn.Parameter(torch.ones(()))
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters(), scale], lr=1e-3)
    mse(head(body(X)) * scale, Y).backward()
    gradient = head.weight.grad
    before = [t.detach().clone() for t in (head.weight, head.bias, scale, gradient)]
    found = st.find(body, lambda out, target: mse(head(out) * scale, target), LOADER, optimizer, steps=300, schedule="cosine")
    assert head.weight.grad is gradient
    assert all(torch.equal(a, b) for a, b in zip(before, (head.weight, head.bias, scale, gradient)))

    # and each trial starts from them: the answer is that of one model that has both
    class Both(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.head, self.scale = body, head, scale

        def forward(self, x):
            return self.head(self.body(x)) * self.scale

    both, seen = Both(), []
    both.register_forward_pre_hook(lambda *_: seen.append(1))
    torch.manual_seed(5)
    one = st.find(body, lambda out, target: mse(head(out) * scale, target), LOADER, optimizer, steps=300, schedule="cosine")
    torch.manual_seed(5)
    other = st.find(both, mse, LOADER, optimizer, steps=300, schedule="cosine")
    assert found.lr and seen and [p["loss"] for p in one.points] == [p["loss"] for p in other.points]


class Remembering(nn.Module):
    """A module with state that no state_dict shows."""

    def __init__(self):
        super().__init__()
        self.scale, self.shift = nn.Parameter(torch.ones(8)), nn.Parameter(torch.zeros(8))
        self.ready, self.calls, self.means = False, 0, []
        self.seen, self.named, self.last = {"batches": 0, "deep": [1, 2]}, collections.Counter(), torch.zeros(8)
        self.array, self.draw, self.python = np.zeros(2), np.random.default_rng(0), random.Random(0)
        self.window, self.tags, self.both = collections.deque(maxlen=3), {"a"}, (torch.zeros(1), "x")
        self.out = nn.Linear(8, 1)

    def forward(self, x):
        if not self.ready:
            with torch.no_grad():
                self.shift.copy_(-x.mean(0)), self.scale.copy_(1 / x.std(0))
            self.ready, self.made_in_training = True, 1
        self.calls += 1
        self.means.append(x.mean().item()), self.window.append(self.calls), self.tags.add("b")
        self.seen["batches"] += 1
        self.seen["deep"].append(3)
        self.named["calls"] += 1
        self.last.copy_(x[0]), self.both[0].add_(1)
        self.array += self.draw.random() + self.python.random()
        return self.out((x + self.shift) * self.scale)


def plain(module):
    names = "ready calls means seen named window tags".split()
    values = {name: repr(getattr(module, name)) for name in names}
    values |= {"last": module.last.tolist(), "array": module.array.tolist(), "both": module.both[0].tolist()}
    return values | {"draw": module.draw.bit_generator.state, "python": module.python.getstate()}


def test_plain_attributes_of_modules_are_put_back():
    model = nn.Sequential(Remembering())
    held = {name: getattr(model[0], name) for name in ("means", "seen", "named", "last", "array", "window", "tags", "both")}
    before, shift = plain(model[0]), model[0].shift.detach().clone()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    st.find(model, mse, LOADER, optimizer, steps=160)
    assert plain(model[0]) == before and torch.equal(model[0].shift, shift)
    assert all(getattr(model[0], name) is value for name, value in held.items())
    assert not hasattr(model[0], "made_in_training")


def test_what_a_step_registers_in_a_module_is_gone_afterwards():
    class Registering(nn.Linear):
        def forward(self, x):
            if not hasattr(self, "mean"):
                self.register_buffer("mean", x.mean(0), persistent=False)
                self.register_parameter("late", nn.Parameter(torch.zeros(1)))
                self.head = nn.Identity()
            self.window = torch.cat([self.window, x[:1]])  # another buffer under the same name
            return super().forward(x - self.mean) + self.late

    model = Registering(8, 1)
    model.register_buffer("window", torch.zeros(1, 8))
    window = model.window
    st.find(model, mse, LOADER, torch.optim.Adam(model.parameters(), lr=1e-3), steps=160)
    assert list(model._parameters) == ["weight", "bias"] and list(model._buffers) == ["window"] and not model._modules
    assert model.window is window and window.shape == (1, 8) and not model._non_persistent_buffers_set


class Lookahead(torch.optim.Optimizer):
    """Around another optimizer, with slow weights in its own state, and attributes that a step changes."""

    def __init__(self, inner):
        self.inner, self.param_groups, self.state = inner, inner.param_groups, collections.defaultdict(dict)
        self.defaults, self.calls, self.cache, self.draw = {}, 0, {"last": None, "norms": []}, torch.Generator()

    def zero_grad(self, set_to_none=True):
        self.inner.zero_grad(set_to_none)

    def step(self, closure=None):
        self.inner.step()
        self.calls += 1
        torch.rand(1, generator=self.draw)
        for group in self.param_groups:
            for p in group["params"]:
                slow = self.state[p].setdefault("slow", p.detach().clone())
                self.cache["last"] = slow
                self.cache["norms"].append(float(slow.norm()))
                if self.calls % 5 == 0:
                    p.data.copy_(slow.lerp_(p.detach(), 0.5))


def test_attributes_of_an_optimizer_and_an_optimizer_inside_it_are_put_back():
    model = nn.Linear(8, 1)
    optimizer = Lookahead(torch.optim.Adam(model.parameters(), lr=1e-3))
    for x, y in LOADER:
        optimizer.zero_grad()
        mse(model(x), y).backward()
        optimizer.step()
    inner, cache = optimizer.inner.state, optimizer.cache
    slow = cache["last"].clone()
    before = repr((vars(optimizer), optimizer.inner.state_dict(), optimizer.draw.get_state()))
    assert st.find(model, mse, LOADER, optimizer, steps=160).points
    assert repr((vars(optimizer), optimizer.inner.state_dict(), optimizer.draw.get_state())) == before
    assert optimizer.cache is cache and optimizer.inner.state is inner and torch.equal(cache["last"], slow)


class Tally:
    """An object of the caller's own, in an attribute of a module."""

    def __init__(self):
        self.count, self.seen, self.running, self.data = 3, [1], torch.zeros(2), torch.zeros(2**19)
        self.itself = self


def test_objects_in_attributes_are_put_back_without_their_data(monkeypatch):
    class Counting(nn.Linear):
        def forward(self, x):
            tally = self.tally
            tally.count, tally.more = tally.count + 1, True
            tally.seen.append(0)
            tally.running += 1
            return super().forward(x)

    model = nn.Sequential(Counting(8, 4), nn.Linear(4, 1))
    tally = model[0].tally = Tally()
    model[1].calls = 0
    model[1].register_forward_hook(lambda module, inputs, output: setattr(module, "calls", module.calls + 1))
    optimizer, seen, running = torch.optim.Adam(model.parameters(), lr=1e-3), tally.seen, tally.running
    counted = bytes_copied(monkeypatch)
    st.find(model, mse, LOADER, optimizer, LOADER, steps=160)
    assert (tally.count, tally.running.tolist(), hasattr(tally, "more"), model[1].calls) == (3, [0.0, 0.0], False, 0)
    assert tally.seen is seen == [1] and tally.running is running and model[0].tally is tally is tally.itself
    assert counted[0] < 2**20


def bytes_copied(monkeypatch):
    """Counts the bytes that snapshots copy."""
    counted = [0]
    original = frozen.copied

    def counting(tensor, where):
        counted[0] += tensor.numel() * tensor.element_size()
        return original(tensor, where)

    for module in (frozen, st.snapshot, __import__("stepsize.torch.kept", fromlist=["x"])):
        monkeypatch.setattr(module, "copied", counting)
    return counted


class Lora(nn.Module):
    """A frozen base with a small trainable part; ``teacher`` follows it as a moving average, if there is one."""

    def __init__(self, size=1024, teacher=None):
        super().__init__()
        torch.manual_seed(0)
        self.base = nn.Sequential(nn.Linear(8, size), nn.ReLU(), nn.Linear(size, size), nn.ReLU(), nn.Linear(size, size))
        self.base.requires_grad_(False)
        self.low, self.high = nn.Parameter(torch.randn(size, 4) / 30), nn.Parameter(torch.zeros(4, 1))
        self.teacher = teacher

    def forward(self, x):
        if self.teacher == "in place":
            with torch.no_grad():
                self.base[2].weight.mul_(0.999)
        elif self.teacher == "data":
            self.base[2].weight.data.mul_(0.999)
        elif self.teacher == "another":
            self.base[2].weight.data = self.base[2].weight.data * 0.999
        return self.base(x) @ self.low @ self.high


def test_a_frozen_base_is_not_copied(monkeypatch):
    model, counted = Lora(), bytes_copied(monkeypatch)
    optimizer = torch.optim.AdamW([model.low, model.high], 1e-4)
    base = sum(p.numel() * p.element_size() for p in model.base.parameters())
    before = [p.detach().clone() for p in model.parameters()]
    st.Snapshot(model, optimizer)
    assert base > 8e6 and counted[0] < 1e5
    found = st.find(model, mse, LOADER, optimizer, steps=80, budget=0.7)
    assert found.points and counted[0] < 1e6
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))
    st.Snapshot(model, optimizer, frozen=True)
    assert counted[0] > base


@pytest.mark.parametrize("teacher", ["in place", "data", "another"])
def test_frozen_weights_that_training_writes_to_are_put_back(teacher):
    model = Lora(teacher=teacher)
    optimizer = torch.optim.AdamW([model.low, model.high], 1e-4)
    weight, before = model.base[2].weight, model.base[2].weight.detach().clone()
    st.find(model, mse, LOADER, optimizer, steps=80, budget=0.7)
    assert model.base[2].weight is weight and torch.equal(weight, before)


def test_a_late_write_to_a_frozen_weight_is_an_error_that_names_it():
    model, calls = Lora(), []
    optimizer = torch.optim.AdamW([model.low, model.high], 1e-4)

    def closure(model, batch):
        calls.append(1)
        if len(calls) == 12:
            with torch.no_grad():
                model.base[4].weight.mul_(0.5)
        return mse(model(batch[0]), batch[1])

    with pytest.raises(RuntimeError, match="frozen parameters after the first step.*base.4.weight.*also="):
        st.find(model, None, LOADER, optimizer, steps=160, closure=closure)


def test_copies_can_be_kept_on_the_host():
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.Linear(16, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    mse(model(X), Y).backward(), optimizer.step()
    before = [t.clone() for t in model.state_dict().values()] + [t.clone() for t in optimizer.state[model[0].weight].values()]
    found = st.find(model, mse, LOADER, optimizer, steps=160, snapshots="cpu")
    after = [*model.state_dict().values(), *optimizer.state[model[0].weight].values()]
    assert found.points and all(torch.equal(a, b) for a, b in zip(before, after))
    # a device that is not that of the tensors: what is kept there comes back from there
    half = nn.Linear(4, 4)
    snapshot = st.Snapshot(half, torch.optim.SGD(half.parameters(), 0.1), device="cpu")
    value = half.weight.detach().clone()
    with torch.no_grad():
        half.weight.add_(1)
    snapshot.restore()
    assert torch.equal(half.weight, value)


def test_two_optimizers_are_searched_as_the_error_for_them_says():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 1))
    first, second = torch.optim.SGD(model[0].parameters(), 0.1, momentum=0.9), torch.optim.Adam(model[2].parameters(), 1e-3)

    def step(lr):
        rows = torch.randint(0, 200, (32,))
        loss = mse(model(X[rows]), Y[rows])
        first.param_groups[0]["lr"] = lr
        for one in (first, second):
            one.zero_grad()
        loss.backward()
        for one in (first, second):
            one.step()
        return loss.item()

    def evaluate():
        with torch.no_grad():
            return mse(model(X[200:]), Y[200:]).item()

    def all_of_it():
        moments = [moment for one in (first, second) for state in one.state.values() for moment in state.values()]
        return [tensor.detach().clone() for tensor in (*model.parameters(), *moments, torch.get_rng_state())]

    step(0.01)
    before = all_of_it()
    with pytest.raises(TypeError, match="optimizer is a list of 2"):
        st.find(model, mse, LOADER, [first, second], steps=300)
    stepsize.find(
        step, lambda: st.Snapshot(model, first, also=[second]), lambda kept: kept.restore(), steps=300, schedule="cosine",
        evaluate=evaluate, reseed=torch.manual_seed, budget=1.0,
    )  # fmt: skip
    after = all_of_it()
    assert len(before) == len(after) > 8 and all(torch.equal(a, b) for a, b in zip(before, after))
