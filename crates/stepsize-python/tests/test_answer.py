"""What a search gives back: an Answer or a Refusal, and what can be done with it."""

import copy
import json
import pickle

import pytest

import stepsize


def answered(**more):
    state = [1.0, 1.0]

    def step(lr):
        loss = sum(w * w for w in state) + 0.1
        state[0] -= lr * 2 * state[0]
        state[1] -= lr * 0.2 * state[1]
        return loss

    return stepsize.find(step, state.copy, lambda kept: state.__setitem__(slice(None), kept), steps=200, **more)


def refused(**more):
    return stepsize.find(lambda lr: 1.0, dict, lambda kept: None, steps=320, **more)


def test_an_answer_has_a_rate_and_a_refusal_has_a_reason():
    found, flat = answered(), refused()
    assert isinstance(found, stepsize.Answer) and isinstance(found, stepsize.Estimate) and found
    assert isinstance(flat, stepsize.Refusal) and isinstance(flat, stepsize.Estimate) and not flat
    assert repr(found).startswith("Answer(lr ") and repr(flat).startswith("Refusal(refused")
    assert found.require() == found.lr
    with pytest.raises(stepsize.RefusedError, match="flat.*`steps=`") as raised:
        flat.require()
    assert raised.value.estimate is flat and pickle.loads(pickle.dumps(raised.value)).estimate == flat
    with pytest.raises(stepsize.RefusedError):
        refused(on_refusal="raise")
    assert answered(on_refusal="raise").lr == found.lr
    with pytest.raises(ValueError, match="on_refusal is 'stop'"):
        answered(on_refusal="stop")


@pytest.mark.parametrize("make", [answered, refused])
def test_estimates_are_equal_to_their_copies_and_to_nothing_else(make):
    one, other = make(), answered(start=0.3)
    for twin in (pickle.loads(pickle.dumps(one)), copy.copy(one), stepsize.Estimate.from_record(one.to_record())):
        assert type(twin) is type(one) and twin == one and hash(twin) == hash(one)
    assert one != other and one != "an estimate" and len({one, pickle.loads(pickle.dumps(one)), other}) == 2
    assert one.to_dict() == json.loads(one.to_json()) and one.to_dict()["points"] == one.points


class Optimizer:
    """The part of a PyTorch optimizer that ``apply`` needs."""

    def __init__(self, *rates):
        self.param_groups = [{"lr": rate} for rate in rates]


def test_apply_keeps_the_ratios_and_changes_nothing_after_a_refusal():
    found, optimizer = answered(), Optimizer(1e-3, 1e-4)
    with pytest.raises(stepsize.RefusedError):
        refused().apply(optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == [1e-3, 1e-4]
    found.apply(optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([found.lr, found.lr / 10])
    zero = Optimizer(0.0, 0.0)
    found.apply(zero)
    assert [group["lr"] for group in zero.param_groups] == [found.lr, found.lr]
    with pytest.raises(ValueError, match="first parameter group has the rate 0"):
        found.apply(Optimizer(0.0, 0.1))
    with pytest.raises(TypeError, match="optimizer is a str"):
        found.apply("adam")


def test_versions_are_shown(capsys):
    stepsize.show_versions()
    shown = capsys.readouterr().out
    assert shown.startswith(f"stepsize {stepsize.__version__}") and "python 3" in shown


def made(kind, optimizer, base):
    from torch.optim import lr_scheduler as peers

    import stepsize.torch

    return {
        "lambda": lambda: peers.LambdaLR(optimizer, lambda at: 1.0 / (1 + at)),
        "step": lambda: peers.StepLR(optimizer, 3),
        "cosine": lambda: peers.CosineAnnealingLR(optimizer, 20),
        "one_cycle": lambda: peers.OneCycleLR(optimizer, [base, base / 10], total_steps=40),
        "cyclic": lambda: peers.CyclicLR(optimizer, [base / 5, base / 50], [base, base / 10], step_size_up=5),
        "sequential": lambda: peers.SequentialLR(
            optimizer, [peers.LinearLR(optimizer, 0.1, total_iters=5), peers.ExponentialLR(optimizer, 0.9)], [5]
        ),
        "ours": lambda: stepsize.torch.LRScheduler(optimizer, "warmup(5) then cosine", steps=40),
    }[kind]()


@pytest.mark.parametrize("kind", ["lambda", "step", "cosine", "one_cycle", "cyclic", "sequential", "ours"])
@pytest.mark.parametrize("taken", [0, 4])
def test_schedulers_that_were_made_before_go_on_from_the_new_rate(kind, taken):
    torch = pytest.importorskip("torch")

    def run(base, apply):
        a, b = torch.nn.Parameter(torch.zeros(1)), torch.nn.Parameter(torch.zeros(1))
        optimizer = torch.optim.SGD([{"params": [a], "lr": base}, {"params": [b], "lr": base / 10}], momentum=0.9)
        scheduler, seen = made(kind, optimizer, base), []
        for at in range(12):
            if at == taken and apply is not None:
                with pytest.raises(ValueError, match="estimate.apply\\(optimizer, scheduler\\)"):
                    apply.apply(optimizer)
                apply.apply(optimizer, scheduler)
                assert scheduler.get_last_lr() == pytest.approx([group["lr"] for group in optimizer.param_groups])
            optimizer.step(), scheduler.step()
            seen.append([group["lr"] for group in optimizer.param_groups])
        return seen[taken:]

    found = answered()
    # What is found for a cycle is its highest rate.
    for now, then in zip(run(1e-3, found), run(found.lr, None), strict=True):
        assert now == pytest.approx(then, rel=1e-6)


def test_the_ratios_hold_for_a_rate_that_is_a_tensor():
    torch = pytest.importorskip("torch")
    weight = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.Adam([weight], lr=torch.tensor(1e-3))
    rate, found = optimizer.param_groups[0]["lr"], answered()
    found.apply(optimizer)
    assert optimizer.param_groups[0]["lr"] is rate and rate.item() == pytest.approx(found.lr)
