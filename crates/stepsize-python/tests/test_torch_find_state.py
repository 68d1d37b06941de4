"""What find puts back, part two: gradient scalers, schedulers, samplers and statistics, also after exceptions."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.optim import lr_scheduler as peers  # noqa: E402
from torch.utils.data import DataLoader, Dataset, IterableDataset, TensorDataset, WeightedRandomSampler  # noqa: E402

import stepsize.torch as st  # noqa: E402

torch.set_num_threads(1)
X = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
Y = (X[:, :1] > 0).float() + 0.1 * X[:, 1:2]
DATA = TensorDataset(X, Y)


def network():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))


def mse(model, batch):
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return nn.functional.mse_loss(model(batch[0]).float(), batch[1])


@pytest.mark.parametrize("fault", [None, KeyboardInterrupt])
def test_a_real_gradient_scaler_continues_as_without_a_search(fault):
    def train(search):
        model = network()
        optimizer, scaler = torch.optim.AdamW(model.parameters(), lr=1e-2), torch.amp.GradScaler("cpu", init_scale=64.0)
        scaler.set_growth_interval(3)
        loader, losses = DataLoader(DATA, 32), []
        for at, batch in enumerate(list(loader) * 2):
            if search and at == 5:
                state = scaler.state_dict()
                if fault is None:
                    st.find(model, None, loader, optimizer, steps=60, closure=mse, scaler=scaler, clip_grad_norm=1.0, budget=0.75)
                else:
                    steps = []

                    def stop(*_):  # after unscale_, before update
                        steps.append(1)
                        if len(steps) == 30:
                            raise fault

                    hook = optimizer.register_step_pre_hook(stop)
                    with pytest.raises(fault):
                        st.find(model, None, loader, optimizer, steps=200, closure=mse, scaler=scaler, clip_grad_norm=1.0)
                    hook.remove()
                assert scaler.state_dict() == state
            optimizer.zero_grad()
            loss = mse(model, batch)
            scaler.scale(loss).backward()
            scaler.unscale_(optimizer)
            scaler.step(optimizer)
            scaler.update()
            losses.append(loss.item())
        return losses, scaler.get_scale()

    assert train(False) == train(True)


@pytest.mark.parametrize("kind", ["ours", "one_cycle", "sequential", "plateau"])
def test_an_attached_scheduler_continues_as_without_a_search(kind):
    make = {
        "ours": lambda o: st.LRScheduler(o, "warmup(5) then cosine", steps=40, controller="plateau(patience=4)"),
        "one_cycle": lambda o: peers.OneCycleLR(o, 0.1, total_steps=40),
        "sequential": lambda o: peers.SequentialLR(o, [peers.LinearLR(o, 0.1, total_iters=5), peers.ExponentialLR(o, 0.9)], [5]),
        "plateau": lambda o: peers.ReduceLROnPlateau(o, patience=2),
    }[kind]

    def rates(search):
        model, seen = network(), []
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
        scheduler = make(optimizer)
        for at, (x, y) in enumerate((list(DataLoader(DATA, 32)) * 4)[:30]):
            if search and at in (0, 12):
                state = scheduler.state_dict()
                st.find(model, nn.functional.mse_loss, DataLoader(DATA, 32), optimizer, steps=60, budget=0.75)
                assert scheduler.state_dict() == state
            optimizer.zero_grad()
            nn.functional.mse_loss(model(x), y).backward()
            optimizer.step()
            scheduler.step(*([1.0] if kind == "plateau" else []))
            seen.append([optimizer.param_groups[0][key] for key in ("lr", "momentum")])
        return seen

    assert rates(False) == rates(True)


def test_samplers_dictionaries_and_a_dataset_that_draws():
    class Drawing(Dataset):
        """Augments with NumPy's global generator, gives dictionaries."""

        def __len__(self):
            return len(X)

        def __getitem__(self, at):
            return {"x": X[at] + 0.01 * torch.tensor(np.random.randn(8).astype("float32")), "y": Y[at], "tag": "a"}

    sampler = WeightedRandomSampler(torch.ones(256), 128, generator=torch.Generator().manual_seed(5))
    loader = DataLoader(Drawing(), 32, sampler=sampler)
    model = network()
    optimizer = torch.optim.SGD([{"params": model[0].parameters(), "lr": 0.1}, {"params": model[3].parameters(), "lr": 0.01}])
    np.random.seed(1)
    before = sampler.generator.get_state(), np.random.get_state()[1].tolist(), torch.get_rng_state()
    found = st.find(
        model, None, loader, optimizer, steps=100, budget=0.75, accumulate=2,
        closure=lambda model, batch: nn.functional.mse_loss(model(batch["x"]), batch["y"]),
    )  # fmt: skip
    assert found.points
    assert torch.equal(sampler.generator.get_state(), before[0]) and np.random.get_state()[1].tolist() == before[1]
    assert torch.equal(torch.get_rng_state(), before[2])


def test_a_stateful_stream_keeps_its_position():
    class Stream(IterableDataset):
        """Goes on where it was left, as streaming datasets do: it says so in its state."""

        at = 0

        def __iter__(self):
            while True:
                rows = [(self.at + i) % 256 for i in range(32)]
                self.at = (self.at + 32) % 256
                yield X[rows], Y[rows]

        def state_dict(self):
            return {"at": self.at}

        def load_state_dict(self, state):
            self.at = state["at"]

    model, stream = network(), Stream()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loader = DataLoader(stream, batch_size=None)
    for _ in zip(range(3), loader):
        pass
    position = stream.at
    st.find(model, nn.functional.mse_loss, loader, optimizer, steps=60, budget=0.75, also=[stream])
    assert stream.at == position != 0


def test_batch_statistics_and_modes_survive_an_exception_in_the_evaluation():
    model = network()
    model[1].eval()  # frozen statistics in a model that trains
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = [t.clone() for t in model.state_dict().values()]

    def held():
        yield next(iter(DataLoader(DATA, 64)))
        raise OSError("disk gone")

    with pytest.raises(OSError, match="disk gone"):
        st.find(model, nn.functional.mse_loss, DataLoader(DATA, 32, shuffle=True), optimizer, held, steps=100)
    assert all(torch.equal(a, b) for a, b in zip(before, model.state_dict().values()))
    assert [m.training for m in model.modules()] == [True, True, False, True, True]
    assert all(p.grad is None for p in model.parameters())


def test_generators_of_devices_are_kept(monkeypatch):
    """Replaces the functions of ``torch.cuda``, so that it runs on a machine without CUDA."""
    states = {"now": [torch.arange(4)], "set": None}
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "is_initialized", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_rng_state_all", lambda: [s.clone() for s in states["now"]])
    monkeypatch.setattr(torch.cuda, "set_rng_state_all", lambda kept: states.update(set=kept))
    model = network()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    snapshot = st.Snapshot(model, optimizer)
    states["now"][0].add_(1)
    snapshot.restore()
    assert torch.equal(states["set"][0], torch.arange(4))


@pytest.mark.parametrize("search", [st.find, st.range_test, st.sweep])
def test_each_search_puts_back_after_ctrl_c(search):
    model, calls = network(), []
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    before = [t.clone() for t in model.state_dict().values()]

    def loss(output, target):
        calls.append(1)
        if len(calls) == 40:
            raise KeyboardInterrupt
        return nn.functional.mse_loss(output, target)

    more = {} if search is st.range_test else {"steps": 300}
    more |= {"low": 1e-4, "high": 1e-1} if search is st.sweep else {}
    with pytest.raises(KeyboardInterrupt):
        search(model, loss, DataLoader(DATA, 32), optimizer, **more)
    assert all(torch.equal(a, b) for a, b in zip(before, model.state_dict().values()))
    assert not optimizer.state and optimizer.param_groups[0]["lr"] == 1e-3
