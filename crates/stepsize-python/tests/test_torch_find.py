"""stepsize.torch.find: a good rate for a real network, and everything put back bit for bit."""

import json
import math
import random

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, IterableDataset, TensorDataset  # noqa: E402

import stepsize.torch as st  # noqa: E402
from stepsize.torch.find import Training  # noqa: E402

torch.set_num_threads(1)


@pytest.fixture(scope="module")
def digits():
    sklearn = pytest.importorskip("sklearn.datasets")
    x, y = sklearn.load_digits(return_X_y=True)
    x, y = torch.tensor(x / 16.0, dtype=torch.float32), torch.tensor(y)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    return TensorDataset(x[order[:1400]], y[order[:1400]]), TensorDataset(x[order[1400:]], y[order[1400:]])


def network(**more):
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 10))


def everything(model, optimizer, *generators):
    """Everything that a search may change, as values that compare exactly."""
    state = {f"model.{k}": v.detach().clone() for k, v in [*model.named_parameters(), *model.named_buffers()]}
    state |= {f"grad.{k}": None if v.grad is None else v.grad.clone() for k, v in model.named_parameters()}
    state["modes"] = [m.training for m in model.modules()]
    state["ids"] = [id(t) for t in [*model.parameters(), *model.buffers()]]
    for i, (key, values) in enumerate(optimizer.state.items()):
        state[f"optimizer.{i}"] = {k: v.clone() if torch.is_tensor(v) else v for k, v in values.items()} | {"id": id(key)}
    state["groups"] = [{k: v for k, v in g.items() if k != "params"} for g in optimizer.param_groups]
    state["rng"] = [torch.get_rng_state(), *(g.get_state() for g in generators)]
    state["others"] = [random.getstate(), *(a.tolist() if hasattr(a, "tolist") else a for a in np.random.get_state())]
    return state


def same(a, b):
    if torch.is_tensor(a):
        return torch.is_tensor(b) and a.dtype == b.dtype and torch.equal(a, b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[k], b[k]) for k in a)
    if isinstance(a, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return a == b


def train(model, optimizer, loader, batches):
    losses = []
    for _, (x, y) in zip(range(batches), loader):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


OPTIMIZERS = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-3, amsgrad=True),
    "tensor_lr": lambda p: torch.optim.Adam(p, lr=torch.tensor(1e-3)),
    "rmsprop": lambda p: torch.optim.RMSprop(p, lr=1e-3),
}


@pytest.mark.parametrize("kind", OPTIMIZERS)
@pytest.mark.parametrize("begun", [False, True], ids=["fresh", "mid-training"])
def test_everything_is_put_back(digits, kind, begun):
    model, generator = network(), torch.Generator().manual_seed(7)
    optimizer = OPTIMIZERS[kind](model.parameters())
    loader = DataLoader(digits[0], batch_size=64, shuffle=True, generator=generator)
    scheduler = st.LRScheduler(optimizer, "linear", steps=100)
    if begun:
        train(model, optimizer, loader, 10)
        scheduler.step()
        model[3].eval()  # one part in another mode
    before = everything(model, optimizer, generator)
    st.find(model, nn.functional.cross_entropy, loader, optimizer, DataLoader(digits[1], 128), steps=80, budget=0.75)
    assert same(everything(model, optimizer, generator), before)
    # and training continues as without the search
    twin, other = network(), torch.Generator().manual_seed(7)
    twin_optimizer = OPTIMIZERS[kind](twin.parameters())
    twin_loader = DataLoader(digits[0], batch_size=64, shuffle=True, generator=other)
    twin_scheduler = st.LRScheduler(twin_optimizer, "linear", steps=100)
    if begun:
        train(twin, twin_optimizer, twin_loader, 10)
        twin_scheduler.step()
        twin[3].eval()
    torch.manual_seed(3)
    ours = train(model, optimizer, loader, 5)
    torch.manual_seed(3)
    assert ours == train(twin, twin_optimizer, twin_loader, 5)


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_everything_is_put_back_after_an_exception(digits, fault):
    model = network()
    optimizer = OPTIMIZERS["adamw"](model.parameters())
    loader = DataLoader(digits[0], batch_size=64, shuffle=True)
    train(model, optimizer, loader, 3)
    before, calls = everything(model, optimizer), []

    def loss(output, target):
        calls.append(1)
        if len(calls) == 60:
            raise fault("stop")
        return nn.functional.cross_entropy(output, target)

    with pytest.raises(fault):
        st.find(model, loss, loader, optimizer, steps=200)
    assert same(everything(model, optimizer), before)


def test_it_finds_a_good_rate_for_a_network_on_digits(digits):
    model, steps = network(), 640
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-4, momentum=0.9)
    loader = DataLoader(digits[0], batch_size=64, shuffle=True)
    held = DataLoader(digits[1], batch_size=200)
    torch.manual_seed(1)
    estimate = st.find(model, nn.functional.cross_entropy, loader, optimizer, held, steps=steps, schedule="cosine")
    assert estimate.lr, str(estimate)
    assert estimate.cost <= 1.0 and "validation batches" in json.loads(estimate.to_json())["task"]

    def full_run(lr):
        model = network()
        optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        scheduler, step = st.LRScheduler(optimizer, "cosine", steps=steps), 0
        torch.manual_seed(2)
        while step < steps:
            for x, y in loader:
                optimizer.zero_grad()
                nn.functional.cross_entropy(model(x), y).backward()
                optimizer.step(), scheduler.step()
                if (step := step + 1) == steps:
                    break
        model.eval()
        with torch.no_grad():
            return nn.functional.cross_entropy(model(digits[1].tensors[0]), digits[1].tensors[1]).item()

    table = {lr: full_run(lr) for lr in (1e-3, 1e-2, 3e-2, 1e-1, 3e-1, 1.0)}
    # A rough check: at most a third above the best of six rates; a bad rate is 3 times worse or
    # more.
    assert full_run(estimate.lr) < 1.4 * min(table.values()), (estimate.lr, table)
    assert max(table.values()) > 3 * min(table.values())


def test_groups_keep_their_ratios_and_the_first_is_answered(digits):
    model = network()
    groups = [{"params": model[0].parameters(), "lr": 0.2}, {"params": model[4].parameters(), "lr": 0.02}]
    optimizer = torch.optim.SGD(groups, lr=1.0)
    seen = []
    optimizer.register_step_pre_hook(lambda *_: seen.append([g["lr"] for g in optimizer.param_groups]))
    st.find(model, nn.functional.cross_entropy, DataLoader(digits[0], 64), optimizer, steps=100, budget=0.75)
    assert len(seen) > 20 and all(low == pytest.approx(high / 10) for high, low in seen)
    assert [g["lr"] for g in optimizer.param_groups] == [0.2, 0.02]
    # under a warm-up that starts at 0 the bases count
    st.LRScheduler(optimizer, "warmup(10) then constant")
    assert [g["lr"] for g in optimizer.param_groups] == [0.0, 0.0]
    seen.clear()
    st.range_test(model, nn.functional.cross_entropy, DataLoader(digits[0], 64), optimizer, trial_steps=20)
    assert all(low == pytest.approx(high / 10) and low > 0 for high, low in seen)


def test_any_batch_through_a_closure_and_any_loader(digits):
    x, y = digits[0].tensors

    class Endless(IterableDataset):
        def __iter__(self):
            while True:
                at = torch.randint(0, len(y), (32,))
                yield {"pixels": x[at], "digit": y[at]}

    model = network()
    optimizer = torch.optim.Adam(model.parameters())
    closure = lambda model, batch: nn.functional.cross_entropy(model(batch["pixels"]), batch["digit"])  # noqa: E731
    loader = DataLoader(Endless(), batch_size=None)
    before = everything(model, optimizer)
    for loader in (loader, lambda: iter(Endless())):
        estimate = st.find(model, None, loader, optimizer, steps=100, closure=closure, budget=0.75, accumulate=2)
        assert estimate.points
    assert same(everything(model, optimizer), before)
    with pytest.raises(ValueError, match="only once"):
        st.find(model, None, iter(Endless()), optimizer, steps=100, closure=closure)
    with pytest.raises(ValueError, match="either loss_fn"):
        st.find(model, None, loader, optimizer, steps=100)
    with pytest.raises(ValueError, match="give closure"):
        st.find(model, nn.functional.cross_entropy, loader, optimizer, steps=100)
    assert same(everything(model, optimizer), before)


def test_accumulation_is_the_mean_of_its_batches(digits):
    def losses(batch_size, accumulate):
        torch.manual_seed(0)
        model = nn.Linear(64, 10)
        optimizer, seen = torch.optim.SGD(model.parameters(), lr=0.1), []
        loader = DataLoader(digits[0], batch_size=batch_size)
        training = Training(
            model, nn.functional.cross_entropy, loader, optimizer, None, closure=None, accumulate=accumulate,
            clip_grad_norm=1.0, scaler=None, val_batches=4, also=(),
        )  # fmt: skip
        training.begin()
        return [training.step(0.1) for _ in range(6)]

    assert losses(64, 1) == pytest.approx(losses(32, 2), rel=1e-5)


def test_a_scaler_and_other_state_are_put_back(digits):
    class Scaler:  # the interface of a gradient scaler, on a machine without one
        scale_by, stepped = 4.0, 0

        def scale(self, loss):
            return loss * self.scale_by

        def unscale_(self, optimizer):
            pass

        def step(self, optimizer):
            for group in optimizer.param_groups:
                for p in group["params"]:
                    p.grad /= self.scale_by
            optimizer.step()

        def update(self):
            self.stepped += 1

        def state_dict(self):
            return {"stepped": self.stepped}

        def load_state_dict(self, state):
            self.stepped = state["stepped"]

    model, scaler, draws = network(), Scaler(), np.random.default_rng(0)
    state = draws.bit_generator.state
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

    def closure(model, batch):
        draws.random()
        return nn.functional.cross_entropy(model(batch[0]), batch[1])

    st.find(
        model, None, DataLoader(digits[0], 64), optimizer, steps=60, closure=closure, scaler=scaler, also=[draws], budget=0.75
    )
    assert scaler.stepped == 0 and draws.bit_generator.state == state
    with pytest.raises(TypeError, match="cannot be put back"):
        st.find(model, None, DataLoader(digits[0], 64), optimizer, steps=60, closure=closure, also=[object()])


def test_half_precision_state_keeps_its_type():
    model = nn.Linear(4, 2).to(torch.bfloat16)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    weight = model.weight
    optimizer.state[weight]["master"] = torch.full((2, 4), 1.0 + 2**-20)  # float32 beside a bfloat16 parameter
    snapshot = st.Snapshot(model, optimizer)
    optimizer.state[weight]["master"] += 1
    snapshot.restore()
    assert optimizer.state[weight]["master"].dtype == torch.float32
    assert optimizer.state[weight]["master"][0, 0].item() == 1.0 + 2**-20
    # load_state_dict alone would have cast it
    plain = optimizer.state_dict()
    optimizer.load_state_dict(plain)
    assert optimizer.state[weight]["master"].dtype == torch.bfloat16


def test_shared_weights_frozen_parameters_and_the_callers_gradients():
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(8, 8), nn.Linear(8, 8)
            self.b.weight = self.a.weight
            self.b.bias.requires_grad_(False)
            self.register_buffer("count", torch.zeros(()), persistent=False)

        def forward(self, x):
            self.count = self.count + 1  # a new tensor each time
            return self.b(self.a(x))

    torch.manual_seed(0)
    model = Tied()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=0.1)
    batch = (torch.randn(16, 8), torch.randn(16, 8))
    nn.functional.mse_loss(model(batch[0]), batch[1]).backward()  # gradients that the caller still needs
    gradient, count = model.a.weight.grad, model.count
    before = everything(model, optimizer)
    st.find(model, nn.functional.mse_loss, [batch] * 4, optimizer, steps=64, budget=0.75)
    assert same(everything(model, optimizer), before)
    assert model.a.weight.grad is gradient and model.count is count and model.b.weight is model.a.weight


def test_a_loader_with_persistent_workers_keeps_its_iterator(digits):
    loader = DataLoader(digits[0], batch_size=64, num_workers=1, persistent_workers=True, shuffle=False)
    iterator = iter(loader)
    first = next(iterator)[1]
    model = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    st.range_test(model, nn.functional.cross_entropy, loader, optimizer, trial_steps=20)
    assert loader._iterator is iterator
    assert torch.equal(first, digits[0].tensors[1][:64]) and torch.equal(next(iterator)[1], digits[0].tensors[1][64:128])


def test_sweep_with_seeds(digits):
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = everything(model, optimizer)
    table = st.sweep(
        model, nn.functional.cross_entropy, DataLoader(digits[0], 64, shuffle=True), optimizer,
        steps=30, low=1e-3, high=1.0, per_decade=1, seeds=2,
    )  # fmt: skip
    losses = [p["loss"] for p in table.points]
    assert len(losses) == 8 and len(set(losses)) == 8  # each seed gives another order of the data
    assert same(everything(model, optimizer), before)


def test_a_flat_job_is_refused_where_the_packages_name_a_rate():
    model = nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    batches = [(torch.zeros(8, 4), torch.zeros(8, 2))] * 4

    def flat(output, target):
        return (output * 0).sum() + 1.0

    assert st.find(model, flat, batches, optimizer, steps=100).refused == "flat"
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    peer = pytest.importorskip("torch_lr_finder")
    finder = peer.LRFinder(model, optimizer, flat)
    loader = DataLoader(TensorDataset(torch.zeros(32, 4), torch.zeros(32, 2)), 8)
    finder.range_test(loader, end_lr=1, num_iter=40, step_mode="exp")
    _, named = finder.plot(suggest_lr=True)
    assert named > 0  # a rate, for a loss that does not depend on it


WORKER = """
from torch import nn
import stepsize.torch as st
torch.set_num_threads(1); torch.manual_seed(0)
model = nn.parallel.DistributedDataParallel(nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 1)))
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
data = torch.Generator().manual_seed(dist.get_rank())  # each process its own data
x = torch.randn(256, 8, generator=data); y = x[:, :1] * 0.5 + 0.1 * torch.randn(256, 1, generator=data)
loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), 32, shuffle=True)
before = [p.detach().clone() for p in model.parameters()]
found = st.find(model, nn.functional.mse_loss, loader, optimizer, steps=160, schedule="cosine")
assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))
print(repr(found.lr), found.cost, [p["loss"] for p in found.points])
"""


def test_two_processes_come_to_the_same_answer(two_processes):
    out = two_processes(WORKER)
    assert out[0] == out[1] and math.isfinite(float(out[0].split()[0]))
