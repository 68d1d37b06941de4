"""stepsize.torch.find(scheduler=): trials follow a PyTorch scheduler, its momentum too, and the answer is the rate that it takes."""

import copy

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.optim import lr_scheduler as peers  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

import stepsize.torch as st  # noqa: E402
from stepsize.torch.trainers import plan_of  # noqa: E402

torch.set_num_threads(1)
X = torch.randn(480, 8, generator=torch.Generator().manual_seed(0))
Y = torch.sin(2 * X[:, :1]) + 0.05 * torch.randn(480, 1, generator=torch.Generator().manual_seed(1))
TRAIN, HELD = DataLoader(TensorDataset(X[:360], Y[:360]), 24, shuffle=True), [(X[360:], Y[360:])]
STEPS = 200
mse = nn.functional.mse_loss


class Seen(torch.optim.AdamW):
    """Notes the rate and the first beta of each step, in the class: what an optimizer has itself is put back."""

    seen: list[tuple[float, float]] = []

    def step(self, closure=None):
        self.seen.append((self.param_groups[0]["lr"], self.param_groups[0]["betas"][0]))
        return super().step(closure)


def kit(kind=Seen, **more):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = kind(model.parameters(), lr=1e-3, **more)
    Seen.seen = []
    return model, optimizer


CYCLES = {
    "one cycle": lambda o: peers.OneCycleLR(o, 1e-3, total_steps=STEPS),
    "three phases": lambda o: peers.OneCycleLR(o, 1e-3, total_steps=STEPS, three_phase=True, pct_start=0.4, div_factor=10),
    "cyclic": lambda o: peers.CyclicLR(o, 1e-4, 1e-3, step_size_up=50),
    "ours": lambda o: st.LRScheduler(o, "warmup(10%) then cosine", STEPS, momentum="hold(0.5, 50) then constant"),
}


@pytest.mark.parametrize("kind", CYCLES)
def test_trials_take_the_rates_and_the_momentum_of_the_run(kind):
    model, optimizer = kit()
    scheduler = CYCLES[kind](optimizer)
    before, events = copy.deepcopy((optimizer.state_dict(), scheduler.state_dict())), []
    estimate = st.find(
        model, mse, TRAIN, optimizer, HELD, steps=STEPS, scheduler=scheduler, budget=3, progress=False, callback=events.append
    )
    assert estimate and str((optimizer.state_dict(), scheduler.state_dict())) == str(before)
    taken, first = optimizer.seen, next(event for event in events if event.kind == "trial")
    fraction = [(lr / first.lr, beta) for lr, beta in taken[: first.steps]]
    assert len(taken) > first.steps > 10
    # Now the run, with the answer.
    Seen.seen = []
    estimate.apply(optimizer, scheduler)
    for _ in range(STEPS):
        optimizer.step()
        scheduler.step()
    assert max(lr for lr, _ in optimizer.seen) == pytest.approx(estimate.lr, rel=0.02)
    assert len({beta for _, beta in optimizer.seen}) > 1
    stretch = STEPS / first.steps
    for at, (factor, beta) in enumerate(fraction):
        near = optimizer.seen[max(0, int((at - 1) * stretch)) : int((at + 2) * stretch) + 2]
        rates, betas = [lr / estimate.lr for lr, _ in near], [one for _, one in near]
        assert min(rates) - 1e-6 <= factor <= max(rates) + 1e-6 and min(betas) - 1e-6 <= beta <= max(betas) + 1e-6


def test_the_plan_of_a_scheduler_is_that_scheduler_to_the_digit():
    _, optimizer = kit(torch.optim.SGD, momentum=0.5)
    scheduler = peers.OneCycleLR(optimizer, 0.1, total_steps=STEPS, base_momentum=0.8, max_momentum=0.9)
    schedule, followed = plan_of(scheduler, STEPS)
    for at in range(STEPS):
        assert 0.1 * schedule(at) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-8)
        assert followed.momenta.plans[0](at) == optimizer.param_groups[0]["momentum"]
        optimizer.step(), scheduler.step()
    schedule, followed = plan_of(peers.StepLR(kit()[1], 50), STEPS)
    assert followed is None and str(schedule).startswith("hold(1, 50) then hold(0.1, 50)")


def test_a_momentum_that_an_attached_scheduler_cycles_is_not_left_out():
    """With the notation alone: the momenta of a trial are those that it has with the scheduler itself."""
    seen = []
    for given in ("notation", "scheduler"):
        model, optimizer = kit()
        scheduler = CYCLES["one cycle"](optimizer)
        more = {"schedule": "one_cycle"} if given == "notation" else {"scheduler": scheduler}
        torch.manual_seed(1)
        st.find(model, mse, TRAIN, optimizer, HELD, steps=STEPS, budget=2, progress=False, **more)
        seen.append(optimizer.seen)
    (one, other) = ([beta for _, beta in taken[:20]] for taken in seen)
    assert one == pytest.approx(other, abs=1e-6) and max(one) == pytest.approx(0.95) and min(one) < 0.86


def test_errors_of_a_scheduler_come_before_any_step():
    model, optimizer = kit()
    scheduler = CYCLES["one cycle"](optimizer)
    with pytest.raises(ValueError, match="schedule and scheduler: both given"):
        st.find(model, mse, TRAIN, optimizer, HELD, steps=STEPS, schedule="one_cycle", scheduler=scheduler)
    with pytest.raises(TypeError, match="scheduler is a str; it must be a scheduler of PyTorch"):
        st.find(model, mse, TRAIN, optimizer, HELD, steps=STEPS, scheduler="one_cycle")
    with pytest.raises(ValueError, match="OneCycleLR.*200.*steps="):
        st.find(model, mse, TRAIN, optimizer, HELD, steps=STEPS + 50, scheduler=scheduler)
    with pytest.raises(ValueError, match="ReduceLROnPlateau follows a metric"):
        st.find(model, mse, TRAIN, optimizer, HELD, steps=STEPS, scheduler=peers.ReduceLROnPlateau(kit()[1]))
    assert not optimizer.seen


MADE = {
    "cosine": lambda optimizer, steps: peers.CosineAnnealingLR(optimizer, steps, eta_min=0.01),
    "warm-up": lambda optimizer, steps: peers.SequentialLR(
        optimizer, [peers.LinearLR(optimizer, 0.1, total_iters=10), peers.CosineAnnealingLR(optimizer, steps - 10, eta_min=1e-3)], [10]
    ),
}


@pytest.mark.parametrize("make", MADE.values(), ids=MADE)
def test_an_end_rate_stays_where_it_is(make):
    """The rates of a trial are those of a scheduler that is made at its rate, squeezed into the trial."""
    model, optimizer = kit(torch.optim.SGD)
    optimizer.param_groups[0]["lr"] = 0.05
    _, followed = plan_of(make(optimizer, 64), 64)
    for lr in (0.004, 0.05, 0.8):
        plan = followed.schedule(lr, 64)
        assert [lr * plan(at) for at in range(64)] == pytest.approx(taken(make, lr), rel=1e-12)
    trials = []

    def watch(event):
        if event.kind == "trial":
            trials.append((event.lr, event.steps, []))
        elif event.kind == "step":
            trials[-1][2].append(event.lr)

    given = make(optimizer, 64)
    estimate = st.find(model, mse, TRAIN, optimizer, HELD, steps=64, scheduler=given, callback=watch)
    for lr, steps, seen in trials:
        plan = followed.schedule(lr, steps)
        assert seen == pytest.approx([lr * plan(at) for at in range(len(seen))], rel=1e-12)
    estimate.apply(optimizer, given)  # and so are those of the run
    run = []
    for _ in range(64):
        run.append(optimizer.param_groups[0]["lr"])
        optimizer.step(), given.step()
    assert run == pytest.approx(taken(make, estimate.lr), rel=1e-12)


def taken(make, lr):
    """The rates of a run of 64 steps at ``lr``."""
    _, optimizer = kit(torch.optim.SGD)
    optimizer.param_groups[0]["lr"] = lr
    scheduler, seen = make(optimizer, 64), []
    for _ in range(64):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step(), scheduler.step()
    return seen


def test_a_scheduler_of_epochs():
    """Most tutorials step after each epoch: with scheduler_interval= that is the schedule, and without it one is warned."""
    model, optimizer = kit(torch.optim.SGD)
    scheduler = peers.StepLR(optimizer, 3, 0.1)  # TRAIN has 15 batches
    words = {"steps": 150, "progress": False, "budget": 1}
    torch.manual_seed(3)
    table = st.find(model, mse, TRAIN, optimizer, HELD, **words, schedule="hold(1, 45) then hold(0.1, 45) then hold(0.01, 45) then hold(0.001, 15)")
    torch.manual_seed(3)
    assert st.find(model, mse, TRAIN, optimizer, HELD, **words, scheduler=scheduler, scheduler_interval="epoch").points == table.points
    for one in (scheduler, peers.CosineAnnealingLR(kit()[1], 10)):
        with pytest.warns(UserWarning, match='scheduler_interval="epoch"'):
            st.find(model, mse, TRAIN, optimizer, HELD, **words, scheduler=one)
    with pytest.raises(ValueError, match="scheduler_interval is 'batch'; it must be 'step' or 'epoch'"):
        st.find(model, mse, TRAIN, optimizer, HELD, **words, scheduler=scheduler, scheduler_interval="batch")
    with pytest.raises(ValueError, match="scheduler_interval is 'epoch', and the loader has no length"):
        st.find(model, mse, lambda: iter(TRAIN), optimizer, HELD, **words, scheduler=scheduler, scheduler_interval="epoch")
