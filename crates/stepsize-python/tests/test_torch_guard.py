"""stepsize.torch.guard: it returns to the last good state, cuts every rate, stops at its limit, and logs."""

import logging
import math

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.optim import lr_scheduler as peers  # noqa: E402

import stepsize.torch as st  # noqa: E402

torch.set_num_threads(1)


def job(lr=0.1, make=lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9)):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
    return model, make(model.parameters(), lr)


def batch(draw):
    x = torch.randn(32, 8, generator=draw)
    return x, x[:, :1].sin() + 0.1 * torch.randn(32, 1, generator=draw)


def values(model, optimizer):
    tensors = [*model.parameters(), *model.buffers()]
    tensors += [v for s in optimizer.state.values() for v in s.values() if torch.is_tensor(v)]
    return [t.detach().clone() for t in tensors]


def same(a, b):
    return len(a) == len(b) and all(torch.equal(x, y) for x, y in zip(a, b))


def train(g, model, optimizer, batches, *, broken=lambda at: False, schedulers=(), seen=None, at_step=lambda step: None):
    draw = torch.Generator().manual_seed(1)
    for at in range(batches):
        x, y = batch(draw)
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(x), y * math.nan if broken(at) else y)
        loss.backward()
        at_step(g.steps)
        if not g.ok(loss):
            continue
        if seen is not None:
            seen.append((g.steps - 1, [float(group["lr"]) for group in optimizer.param_groups]))
        optimizer.step()
        for scheduler in schedulers:
            scheduler.step()
    return loss.item()


@pytest.mark.parametrize("adam", [False, True])
def test_a_nan_is_undone_bit_for_bit_and_training_continues(adam, caplog):
    model, optimizer = job(make=(lambda p, lr: torch.optim.AdamW(p, lr=0.01)) if adam else lambda p, lr: torch.optim.SGD(p, lr, 0.9))
    base, states = optimizer.param_groups[0]["lr"], {}
    with caplog.at_level(logging.WARNING, "stepsize"), st.guard(model, optimizer, every=50) as g:

        def at_step(step):
            # BatchNorm has seen the batch already: the loss was reported in the state that is kept
            states.setdefault(step, values(model, optimizer))

        train(g, model, optimizer, 170, at_step=at_step)
        g2_before = states[100]
        assert g.steps == 170 and g.log == [] and g.factor == 1.0
        x, y = batch(torch.Generator().manual_seed(2))
        loss = nn.functional.mse_loss(model(x), y * math.nan)
        loss.backward()
        assert not g.ok(loss)
        assert g.steps == 100  # not 150, which is less than half an interval ago
        assert same(values(model, optimizer), g2_before)
        assert all(p.grad is None for p in model.parameters())
        assert optimizer.param_groups[0]["lr"] == base / 2 and g.factor == 0.5
        (act,) = g.log
        assert (act.step, act.to, act.factor) == (170, 100, 0.5) and math.isnan(act.loss) and "NaN" in act.why
        assert "back to step 100" in caplog.text and "1 of at most 8" in caplog.text
        assert train(g, model, optimizer, 100) < 0.5 and g.steps == 200


def test_a_rate_that_is_too_high_is_cut_until_it_trains():
    def end(guarded):
        model, optimizer = job(lr=3.0)
        with st.guard(model, optimizer, every=20, attempts=8 if guarded else 1, cut=0.5) as g:
            try:
                return train(g, model, optimizer, 600), g
            except st.BrokenRun:
                return math.inf, g

    class Unguarded:
        steps = 0
        ok = staticmethod(lambda loss: True)

    model, optimizer = job(lr=3.0)
    unguarded = train(Unguarded, model, optimizer, 600)
    loss, g = end(True)
    assert loss < 0.77 and not unguarded < 4 * 0.77, (loss, unguarded, g.log)  # the first loss is 0.77
    assert 1 <= len(g.log) <= 8 and g.factor == 0.5 ** len(g.log)


SCHEDULERS = {
    "ours": lambda o: st.LRScheduler(o, "warmup(20) then cosine", steps=200),
    "lambda": lambda o: peers.LambdaLR(o, lambda step: 1 / (1 + step)),
    "cosine": lambda o: peers.CosineAnnealingLR(o, 200),
    "exponential": lambda o: peers.ExponentialLR(o, 0.99),
    "one_cycle": lambda o: peers.OneCycleLR(o, [0.1, 0.01], total_steps=200),
    "cyclic": lambda o: peers.CyclicLR(o, [0.01, 0.001], [0.1, 0.01], step_size_up=20),
    "sequential": lambda o: peers.SequentialLR(o, [peers.LinearLR(o, 0.1, total_iters=20), peers.ExponentialLR(o, 0.99)], [20]),
    "chained": lambda o: peers.ChainedScheduler([peers.ConstantLR(o, 0.5, 30), peers.ExponentialLR(o, 0.99)]),
    "ours in theirs": lambda o: peers.SequentialLR(o, [st.LRScheduler(o, "warmup(20)"), st.LRScheduler(o, "cosine", 100)], [20]),
}


@pytest.mark.filterwarnings("ignore:.*epoch parameter in.*")
@pytest.mark.parametrize("kind", SCHEDULERS)
def test_every_scheduler_goes_back_and_its_rates_are_cut(kind):
    def run(broken):
        torch.manual_seed(0)
        model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
        groups = [{"params": model[0].parameters(), "lr": 0.1}, {"params": model[3].parameters(), "lr": 0.01}]
        optimizer, seen = torch.optim.SGD(groups, momentum=0.5), []
        scheduler = SCHEDULERS[kind](optimizer)
        with st.guard(model, optimizer, scheduler, every=30) as g:
            train(g, model, optimizer, 130, broken=lambda at: at in broken, schedulers=[scheduler], seen=seen)
        return seen, g

    plain, _ = run(())
    seen, g = run((50, 110))
    assert [act.to for act in g.log] == [30, 60] and g.factor == 0.25
    expected = dict(plain)
    first, second, third = seen[:50], seen[50:109], seen[109:]
    for part, cut in ((first, 1.0), (second, 0.5), (third, 0.25)):
        for step, rates in part:
            assert rates == pytest.approx([cut * rate for rate in expected[step]]), (kind, step)


def test_under_accelerate():
    accelerate = pytest.importorskip("accelerate")
    accelerator = accelerate.Accelerator(cpu=True)
    model, optimizer = job()
    model, optimizer, scheduler = accelerator.prepare(model, optimizer, st.LRScheduler(optimizer, "linear", steps=100))
    found = st.find(model, nn.functional.mse_loss, [batch(torch.Generator().manual_seed(0))] * 4, optimizer, steps=60, budget=0.75)
    assert found.points and optimizer.param_groups[0]["lr"] == 0.1
    with st.guard(model, optimizer, scheduler, every=10) as g:
        seen = []
        train(g, model, optimizer, 40, broken=lambda at: at == 25, schedulers=[scheduler], seen=seen)
    assert [act.to for act in g.log] == [20] and dict(seen)[30] == [pytest.approx(0.05 * 0.7)]


def test_when_no_attempt_is_left_the_run_ends_in_its_last_good_state():
    model, optimizer = job()
    with st.guard(model, optimizer, every=10, attempts=3) as g:
        train(g, model, optimizer, 15)
        good = None
        with pytest.raises(st.BrokenRun, match="after 3 returns"):
            for _ in range(10):
                g.ok(math.nan)
                good = values(model, optimizer)
        assert same(values(model, optimizer), good) and [act.to for act in g.log] == [10, 0, 0]
        assert optimizer.param_groups[0]["lr"] == pytest.approx(0.1 / 8)
        assert g.ok(1.0)  # finite losses pass
    model, optimizer = job()
    with st.guard(model, optimizer) as g, pytest.raises(st.BrokenRun, match="no good state yet"):
        g.ok(torch.tensor(math.inf))


def test_one_odd_batch_passes_but_a_burst_and_a_drift_do_not():
    model, optimizer = job()
    noise = torch.Generator().manual_seed(0)
    level = lambda: 1.0 + 0.05 * torch.randn((), generator=noise).item()  # noqa: E731
    g = st.guard(model, optimizer, every=10)
    fall = [3.0 - 0.02 * i for i in range(100)]
    assert all(g.ok(value + level() - 1.0) for value in fall)
    assert all(g.ok(level()) for _ in range(100))
    assert g.ok(2.9) and all(g.ok(level()) for _ in range(10))  # one
    assert [g.ok(2.9) for _ in range(3)] == [True, True, False] and "above its average" in g.log[-1].why
    drift = [g.ok(0.005 * i + level()) for i in range(400)]
    assert not all(drift) and "given back" in g.log[1].why


def test_it_continues_after_a_resume(tmp_path):
    model, optimizer = job()
    scheduler = st.LRScheduler(optimizer, "cosine", steps=400)
    g = st.guard(model, optimizer, scheduler, every=20)
    train(g, model, optimizer, 60, broken=lambda at: at == 50, schedulers=[scheduler])
    parts = {"model": model, "optimizer": optimizer, "scheduler": scheduler, "guard": g}
    torch.save({name: part.state_dict() for name, part in parts.items()}, tmp_path / "c.pt")
    state = torch.load(tmp_path / "c.pt", weights_only=True)
    twin, twin_optimizer = job()
    twin_scheduler = st.LRScheduler(twin_optimizer, "cosine", steps=400)
    twin_guard = st.guard(twin, twin_optimizer, twin_scheduler, every=20)
    for name, part in {"model": twin, "optimizer": twin_optimizer, "scheduler": twin_scheduler, "guard": twin_guard}.items():
        part.load_state_dict(state[name])
    assert (twin_guard.steps, twin_guard.factor, repr(twin_guard.log)) == (g.steps, 0.5, repr(g.log))
    rates, twins = [], []
    train(g, model, optimizer, 30, schedulers=[scheduler], seen=rates)
    train(twin_guard, twin, twin_optimizer, 30, schedulers=[twin_scheduler], seen=twins)
    assert rates == twins and same(values(model, optimizer), values(twin, twin_optimizer))
    with pytest.raises(ValueError, match="rewind"):
        twin_guard.load_state_dict({**state["guard"], "rule": {"factor": 1.0}})


def test_rates_rise_back_with_recover():
    model, optimizer = job()
    scheduler = st.LRScheduler(optimizer, "constant")
    with st.guard(model, optimizer, scheduler, every=10, recover=20) as g:
        train(g, model, optimizer, 40, broken=lambda at: at == 25, schedulers=[scheduler])
        assert 0.5 < g.factor < 1.0 and optimizer.param_groups[0]["lr"] == pytest.approx(0.1 * g.factor)
        train(g, model, optimizer, 20, schedulers=[scheduler])
        assert g.factor == 1.0 and optimizer.param_groups[0]["lr"] == pytest.approx(0.1)


def test_arguments_out_of_range_and_a_forgotten_scheduler_raise():
    model, optimizer = job()
    for wrong in ({"cut": 0.0}, {"cut": 1.5}, {"every": 0}, {"attempts": 0}, {"spike": -1.0}, {"run": 0}):
        with pytest.raises(ValueError):
            st.guard(model, optimizer, **wrong)
    peers.ExponentialLR(optimizer, 0.9)
    with pytest.raises(ValueError, match="give scheduler="):
        st.guard(model, optimizer)


def test_a_tensor_rate_stays_the_same_tensor():
    rate = torch.tensor(0.1)
    model, optimizer = job(make=lambda p, lr: torch.optim.Adam(p, lr=rate))
    with st.guard(model, optimizer, every=10) as g:
        train(g, model, optimizer, 20)
        assert not g.ok(math.nan)
    assert optimizer.param_groups[0]["lr"] is rate and rate.item() == pytest.approx(0.05)


WORKER = """
import math
import stepsize.torch as st
model = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
with st.guard(model, optimizer, every=10) as g:
    told = [g.ok(math.nan if dist.get_rank() == 1 and at == 25 else 1.0) for at in range(40)]
print(told.index(False), told.count(False), g.steps, optimizer.param_groups[0]["lr"])
"""


def test_all_processes_go_back_when_one_breaks(two_processes):
    out = [told.split() for told in two_processes(WORKER)]
    assert out[0] == out[1] == ["25", "1", "34", "0.05"]
