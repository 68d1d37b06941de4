"""stepsize.torch.LRScheduler compared with the schedulers of PyTorch 2.15, also in cases where those fail."""

import copy
import io
import pickle
import warnings

import pytest

torch = pytest.importorskip("torch")
from torch.optim.lr_scheduler import (  # noqa: E402
    ConstantLR,
    CosineAnnealingLR,
    ExponentialLR,
    LinearLR,
    LRScheduler as Base,
    OneCycleLR,
    ReduceLROnPlateau,
    SequentialLR,
)

import stepsize  # noqa: E402
from stepsize.torch import Controller, LRScheduler  # noqa: E402


def sgd(*rates, cls=torch.optim.SGD, **more):
    return cls([{"params": [torch.nn.Parameter(torch.zeros(1))], "lr": lr} for lr in rates or (1.0,)], **more)


def rates(scheduler, count):
    """The rates of ``count`` optimizer steps, by group when there are several groups."""
    seen = []
    for _ in range(count):
        group_rates = [float(g["lr"]) for g in scheduler.optimizer.param_groups]
        seen.append(group_rates if len(group_rates) > 1 else group_rates[0])
        scheduler.optimizer.step()
        scheduler.step()
    return seen


def reference(text, steps, count, lr=1.0):
    return [lr * stepsize.Schedule(text, steps=steps)(i) for i in range(count)]


def saved(state):
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


def test_it_is_a_pytorch_scheduler_and_gives_its_rates():
    ours = LRScheduler(sgd(0.1), "cosine", steps=50)
    assert isinstance(ours, Base)
    theirs = CosineAnnealingLR(sgd(0.1), T_max=50)
    assert rates(ours, 50) == pytest.approx(rates(theirs, 50), abs=1e-15)
    assert ours.get_last_lr() == [0.0] and ours.get_lr() == [0.0]


def test_groups_keep_their_base_or_have_their_own_schedule():
    shared = LRScheduler(sgd(1.0, 0.1), "linear(10)")
    assert rates(shared, 3) == [[1.0, 0.1], [0.9, 0.9 * 0.1], [0.8, pytest.approx(0.08)]]
    own = LRScheduler(sgd(1.0, 0.1), ["linear(10)", stepsize.Schedule("constant")])
    assert rates(own, 2) == [[1.0, 0.1], [0.9, 0.1]]
    with pytest.raises(ValueError, match="3 schedules were given for 2"):
        LRScheduler(sgd(1.0, 0.1), ["constant"] * 3)
    own.optimizer.add_param_group({"params": [torch.nn.Parameter(torch.zeros(1))], "lr": 1.0})
    with pytest.raises(ValueError, match="made for 2"):
        own.step()


def test_the_state_survives_weights_only_and_continues_exactly():
    text = "warmup(5) then cosine"
    whole = rates(LRScheduler(sgd(0.1, 0.2), text, steps=40), 40)
    for cut in (0, 1, 4, 5, 20, 39):
        first = LRScheduler(sgd(0.1, 0.2), text, steps=40)
        rates(first, cut)
        state, optimizer_state = saved(first.state_dict()), saved(first.optimizer.state_dict())
        second = LRScheduler(sgd(9.0, 9.0), text, steps=40)  # the state has its own base rates
        second.load_state_dict(state)
        second.optimizer.load_state_dict(optimizer_state)
        assert rates(second, 40 - cut) == whole[cut:]


def test_the_state_of_version_1_is_read_as_it_was_written():
    state = {
        "version": 1, "last_epoch": 7, "step_count": 8, "surplus": 0, "base_lrs": [0.5], "last_lr": [0.15],
        "source": ["linear"], "steps": 10, "plan": ["linear(10)"], "momentum_plan": None, "controller": None,
    }  # fmt: skip
    scheduler = LRScheduler(sgd(0.1), "linear", steps=10)
    scheduler.load_state_dict(state)
    assert scheduler.get_last_lr() == [pytest.approx(0.15)] and scheduler.state_dict().keys() == state.keys()
    with pytest.raises(ValueError, match="version 2"):
        scheduler.load_state_dict({**state, "version": 2})
    with pytest.raises(ValueError, match="2 parameter groups"):
        scheduler.load_state_dict({**state, "base_lrs": [0.1, 0.1]})


def test_copies_and_pickles_are_independent():
    scheduler = LRScheduler(sgd(0.1), "linear(10)", controller="plateau_torch(patience=0)")
    scheduler.observe(1.0), scheduler.observe(2.0)
    for twin in (copy.deepcopy(scheduler), pickle.loads(pickle.dumps(scheduler))):
        twin.optimizer.step(), twin.step()
        assert twin.get_last_lr() == [pytest.approx(0.9 * 0.01)]
    assert scheduler.get_last_lr() == [pytest.approx(0.01)]


def test_a_momentum_schedule_moves_momentum_or_the_first_beta():
    for cls, more in ((torch.optim.SGD, {"momentum": 0.9}), (torch.optim.Adam, {"betas": (0.9, 0.99)})):
        scheduler = LRScheduler(sgd(0.1, cls=cls, **more), "constant", momentum="ramp(1, 0.5, 10)")
        rates(scheduler, 5)
        group = scheduler.optimizer.param_groups[0]
        value = group["momentum"] if "momentum" in group and "betas" not in group else group["betas"][0]
        assert value == pytest.approx(0.9 * 0.75)
        resumed = LRScheduler(scheduler.optimizer, "constant", momentum="ramp(1, 0.5, 10)")
        resumed.load_state_dict(saved(scheduler.state_dict()))
        rates(resumed, 5)
        value = group["momentum"] if "betas" not in group else group["betas"][0]
        assert value == pytest.approx(0.45)
    with pytest.raises(ValueError, match="momentum"):
        LRScheduler(sgd(0.1, cls=torch.optim.Adagrad), "constant", momentum="ramp(1, 0.5, 10)")


def test_one_cycle_as_pytorch():
    theirs = OneCycleLR(sgd(0.1), max_lr=1.0, total_steps=101, anneal_strategy="linear")
    ours = LRScheduler(sgd(1.0), "one_cycle(101, linear)")
    assert rates(ours, 100) == pytest.approx(rates(theirs, 100), rel=1e-12)


def test_units_samples_tokens_epochs_and_processes():
    steps = reference("warmup(10%) then cosine", 100, 100)
    # 100 steps of 32 samples; the axis is samples
    samples = LRScheduler(sgd(), "warmup(10%) then cosine", steps=3200, unit="samples", per_step=32)
    assert rates(samples, 100) == pytest.approx(steps)
    # tokens, as many as the batch has
    tokens = LRScheduler(sgd(), "linear", steps=100, unit="tokens")
    tokens.optimizer.step(), tokens.step(amount=30)
    assert tokens.get_last_lr() == [0.7]
    tokens.step(amount=7)
    assert tokens.get_last_lr() == [0.63] and tokens.position == 37
    resumed = LRScheduler(sgd(), "linear", steps=100, unit="tokens")
    resumed.load_state_dict(saved(tokens.state_dict()))
    assert resumed.position == 37
    with pytest.raises(ValueError, match="counts tokens"):
        tokens.step()
    # 10 epochs of 10 steps, lengths in epochs
    epochs = LRScheduler(sgd(), "warmup(1) then cosine", steps=10, unit="epochs", steps_per_epoch=10)
    assert rates(epochs, 100) == pytest.approx(steps)
    # step() once an epoch
    assert rates(LRScheduler(sgd(), "linear", steps=10, unit="epochs"), 3) == [1.0, 0.9, 0.8]
    # accelerate calls step() once for each of 4 processes
    called = LRScheduler(sgd(), "warmup(10%) then cosine", steps=100, calls_per_step=4)
    assert rates(called, 400)[::4] == pytest.approx(steps)
    for wrong in ({"unit": "parsecs"}, {"per_step": 4}, {"calls_per_step": 0}):
        with pytest.raises(ValueError):
            LRScheduler(sgd(), "linear", steps=10, **wrong)


def test_a_tensor_rate_stays_the_same_tensor():
    optimizer = torch.optim.Adam([torch.nn.Parameter(torch.zeros(1))], lr=torch.tensor(0.5))
    tensor = optimizer.param_groups[0]["lr"]
    scheduler = LRScheduler(optimizer, "linear(10)")
    rates(scheduler, 4)
    assert optimizer.param_groups[0]["lr"] is tensor and tensor.item() == pytest.approx(0.3)
    assert saved(scheduler.state_dict())["last_lr"] == [pytest.approx(0.3)]


def test_a_controller_is_a_factor_and_composes():
    scheduler = LRScheduler(sgd(), "linear(10)", controller="plateau_torch(patience=0, factor=0.5)")
    scheduler.observe(1.0)
    assert scheduler.observe(torch.tensor(1.0)) is None
    assert rates(scheduler, 2) == [0.5, 0.45]
    for base in (1.0, 9.0):  # the state has its own base rate
        resumed = LRScheduler(sgd(base), "linear(10)", controller="plateau_torch(patience=0, factor=0.5)")
        resumed.load_state_dict(saved(scheduler.state_dict()))
        assert rates(resumed, 1) == [0.4]
    with pytest.raises(ValueError, match="no controller"):
        LRScheduler(sgd(), "linear(10)").observe(1.0)


@pytest.mark.parametrize("patience, cooldown", [(0, 0), (2, 0), (3, 2)])
def test_the_torch_mode_of_the_controller_is_pytorch(patience, cooldown):
    metrics = [1.0, 0.5, 0.6, 0.55, 0.7, 0.4, 0.41, 0.42, 0.43, 0.44, 0.45, 0.46, 0.47]
    theirs = ReduceLROnPlateau(sgd(0.1), patience=patience, cooldown=cooldown)
    ours = Controller(sgd(0.1), f"plateau_torch(patience={patience}, cooldown={cooldown})")
    for metric in metrics:
        theirs.step(metric), ours.step(metric)
        assert ours.get_last_lr() == pytest.approx(theirs.get_last_lr(), rel=1e-12)


def test_other_rates_by_hand():
    scheduler = LRScheduler(sgd(1.0), "linear(10)")
    scheduler.base_lrs = [2.0]
    rates(scheduler, 1)
    assert scheduler.get_last_lr() == [1.8]


def test_a_first_call_out_of_order_warns():
    scheduler = LRScheduler(sgd(), "linear(10)")
    with pytest.warns(UserWarning, match="before optimizer.step"):
        scheduler.step()


# Cases in which PyTorch fails, with the numbers of its issues, and what Stepsize does.


def test_peer_nested_sequence():
    def peer(nested):
        optimizer = sgd(0.1)
        inner = SequentialLR(
            optimizer,
            [ConstantLR(optimizer, 0.5, total_iters=2), ExponentialLR(optimizer, 0.4)],
            milestones=[2],
        )
        return rates(SequentialLR(optimizer, [inner], milestones=[]) if nested else inner, 5)

    assert peer(nested=True) != peer(nested=False)  # one step early: pytorch #196243
    flat = LRScheduler(sgd(0.1), "hold(0.5, 2) then exponential(0.4)")
    nested = LRScheduler(sgd(0.1), "((hold(0.5, 2) then exponential(0.4)))")
    assert rates(flat, 5) == rates(nested, 5) == pytest.approx(peer(nested=False))
    optimizer = sgd(0.1)
    wrapped = SequentialLR(optimizer, [LRScheduler(optimizer, "hold(0.5, 2) then exponential(0.4)")], milestones=[])
    assert rates(wrapped, 5) == pytest.approx(peer(nested=False))


def test_peer_resume_by_step_number_alone():
    def peer(last_epoch=-1):
        optimizer = sgd(1.0)
        if last_epoch >= 0:
            optimizer.param_groups[0]["initial_lr"] = 1.0
        parts = [LinearLR(optimizer, 0.1, total_iters=4, last_epoch=last_epoch),
                 CosineAnnealingLR(optimizer, 6, last_epoch=last_epoch)]  # fmt: skip
        return SequentialLR(optimizer, parts, milestones=[4], last_epoch=last_epoch)

    whole = rates(peer(), 10)
    assert rates(peer(last_epoch=4), 5) != pytest.approx(whole[5:])  # pytorch #162591
    ours = rates(LRScheduler(sgd(1.0), "warmup(4, from=0.1) then cosine(6)"), 10)
    assert ours == pytest.approx(whole)
    assert rates(LRScheduler(sgd(1.0), "warmup(4, from=0.1) then cosine(6)", last_epoch=4), 5) == ours[5:]


def test_peer_one_cycle_past_its_end():
    theirs = OneCycleLR(sgd(0.1), max_lr=1.0, total_steps=10)
    with pytest.raises(ValueError, match="Tried to step"):
        rates(theirs, 12)
    ours = rates(LRScheduler(sgd(1.0), "one_cycle", steps=10), 14)
    assert ours[9:] == [pytest.approx(1 / 25 / 1e4)] * 5
    climbing = rates(CosineAnnealingLR(sgd(1.0), T_max=10), 21)
    assert climbing[20] > 0.9  # up again
    assert rates(LRScheduler(sgd(1.0), "cosine", steps=10), 21)[10:] == [0.0] * 11


def test_peer_a_longer_run_on_resume():
    first = OneCycleLR(sgd(0.1), max_lr=1.0, total_steps=10)
    rates(first, 5)
    second = OneCycleLR(sgd(0.1), max_lr=1.0, total_steps=20)
    second.load_state_dict(first.state_dict())
    assert second.total_steps == 10  # the longer run is lost
    first = LRScheduler(sgd(1.0), "warmup(2) then linear", steps=10)
    before = rates(first, 6)
    second = LRScheduler(sgd(1.0), "warmup(2) then linear", steps=14)
    second.load_state_dict(saved(first.state_dict()))
    after = rates(second, 10)
    assert before[-1] == 0.625 and after[0] == 0.5  # no jump
    assert after == pytest.approx([0.5 * (1 - i / 8) for i in range(9)] + [0.0])
    # the same code resumed once more keeps the extended plan
    third = LRScheduler(sgd(1.0), "warmup(2) then linear", steps=14)
    third.load_state_dict(saved(second.state_dict()))
    assert [str(s) for s in third.schedules] == [str(s) for s in second.schedules]
    # another schedule holds from there on, with a warning
    other = LRScheduler(sgd(1.0), "cosine", steps=10)
    with pytest.warns(UserWarning, match="from here on it is cosine"):
        other.load_state_dict(first.state_dict())
    assert other.get_last_lr() == [stepsize.Schedule("cosine", steps=10)(6)]


def test_peer_plateau_inside_a_sequence():
    optimizer = sgd(1.0)
    with pytest.raises(ValueError, match="does not support"):
        SequentialLR(optimizer, [LinearLR(optimizer, 0.1, total_iters=2), ReduceLROnPlateau(optimizer)], milestones=[2])
    optimizer = sgd(1.0)
    after = LRScheduler(optimizer, "constant", controller="plateau_torch(patience=0, factor=0.5)")
    sequence = SequentialLR(optimizer, [LinearLR(optimizer, 0.5, total_iters=2), after], milestones=[2])
    assert rates(sequence, 3) == [0.5, 0.75, 1.0]
    after.observe(1.0), after.observe(1.0)
    assert rates(sequence, 2) == [0.5, 0.5]
    state = saved(sequence.state_dict())
    optimizer = sgd(1.0)
    again = LRScheduler(optimizer, "constant", controller="plateau_torch(patience=0, factor=0.5)")
    resumed = SequentialLR(optimizer, [LinearLR(optimizer, 0.5, total_iters=2), again], milestones=[2])
    resumed.load_state_dict(state)
    assert rates(resumed, 2) == [0.5, 0.5]


def test_peer_a_nan_metric():
    theirs = ReduceLROnPlateau(sgd(1.0), patience=0)
    for metric in (1.0, float("nan")):
        theirs.step(metric)
    assert theirs.get_last_lr() == [0.1]  # counted as a bad epoch
    ours = Controller(sgd(1.0), "plateau(patience=4)")
    ours.step(1.0)
    with pytest.raises(ValueError, match="finite|NaN"):
        ours.step(float("nan"))
    assert ours.get_last_lr() == [1.0]


def test_it_is_quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        optimizer = sgd(1.0)
        parts = [LRScheduler(optimizer, "linear(10)"), LRScheduler(optimizer, "cosine(10)")]
        assert rates(SequentialLR(optimizer, parts, milestones=[3]), 5)[3:] == [1.0, pytest.approx(0.9755, abs=1e-4)]
