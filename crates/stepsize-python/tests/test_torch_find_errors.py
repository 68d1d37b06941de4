"""Errors of stepsize.torch.find: each names the argument and what to do, before any step is taken."""

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

import stepsize.torch as st  # noqa: E402

torch.set_num_threads(1)
X = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
Y = X[:, :1]
LOADER = DataLoader(TensorDataset(X, Y), 32)
mse = nn.functional.mse_loss


def kit(make=torch.optim.Adam, **more):
    torch.manual_seed(0)
    model = nn.Linear(8, 1)
    return model, make(model.parameters(), **more)


def through(closure):
    return {"loss_fn": None, "closure": closure}


LOSSES = {
    r"loss_fn gives a tensor of shape \(32, 1\).*mean\(\)": {"loss_fn": lambda a, b: (a - b) ** 2},
    r"closure gives a dict.*output\[\"loss\"\]": through(lambda m, b: {"loss": mse(m(b[0]), b[1])}),
    r"closure gives a NoneType.*return": through(lambda m, b: None),
    r"closure gives a float": through(lambda m, b: 1.0),
    r"loss that loss_fn gives does not depend.*detach": {"loss_fn": lambda a, b: mse(a, b).detach()},
    r"loss_fn gives nan on the first batch, before any step": {"loss_fn": lambda a, b: mse(a, b) * float("nan")},
}


@pytest.mark.parametrize("message", LOSSES)
def test_a_loss_that_cannot_be_trained_is_named(message):
    model, optimizer = kit()
    before = model.weight.detach().clone()
    given = {"loss_fn": mse, **LOSSES[message]}
    with pytest.raises((TypeError, ValueError), match=message):
        st.find(model, given.pop("loss_fn"), LOADER, optimizer, steps=300, **given)
    assert torch.equal(before, model.weight) and model.weight.grad is None and not optimizer.state


def test_a_validation_loss_that_is_not_finite_is_named():
    model, optimizer = kit()
    with pytest.raises(ValueError, match="validation loss is nan before the first step"):
        st.find(model, mse, LOADER, optimizer, [(X * float("nan"), Y)], steps=300)
    assert not optimizer.state


def test_arguments_of_the_wrong_kind_are_named():
    model, optimizer = kit()
    with pytest.raises(TypeError, match="schedule is a function.*Schedule.table"):
        st.find(model, mse, LOADER, optimizer, steps=300, schedule=lambda at: 1.0)
    with pytest.raises(TypeError, match="schedule is a StepLR, a scheduler of PyTorch: give it as scheduler="):
        st.find(model, mse, LOADER, optimizer, steps=300, schedule=torch.optim.lr_scheduler.StepLR(kit()[1], 3))
    with pytest.raises(TypeError, match=r"optimizer is a list of 2.*stepsize\.find with a step=.*also="):
        st.find(model, mse, LOADER, [optimizer, optimizer], steps=300)
    with pytest.raises(TypeError, match=r"optimizer is a DataLoader.*find\(model, loss_fn, loader, optimizer"):
        st.find(model, mse, optimizer, LOADER, steps=300)
    with pytest.raises(TypeError, match="loader is a Adam"):
        st.find(model, mse, optimizer, optimizer, steps=300)
    with pytest.raises(TypeError, match="model is a function"):
        st.find(lambda x: x, mse, LOADER, optimizer, steps=300)
    lightning = type("LightningModule", (nn.Linear,), {})(8, 1)
    with pytest.raises(TypeError, match=r"optimizer is a dict.*stepsize\.lightning\.find"):
        st.find(lightning, mse, LOADER, {"optimizer": optimizer}, steps=300)
    with pytest.raises(TypeError, match="optimizer is LBFGS"):
        st.find(*_with(kit(torch.optim.LBFGS)), steps=300)
    with pytest.raises(ValueError, match="groups is 'all'"):
        st.find(model, mse, LOADER, optimizer, steps=300, groups="all")
    with pytest.raises(ValueError, match="snapshots is 'disk'"):
        st.find(model, mse, LOADER, optimizer, steps=300, snapshots="disk")
    with pytest.raises(ValueError, match="epochs.*neither given"):
        st.find(model, mse, LOADER, optimizer)
    with pytest.raises(ValueError, match="epochs= needs a loader that has a length"):
        st.find(model, mse, lambda: iter(LOADER), optimizer, epochs=3)


WRONG = {
    r"clip_grad_norm is -1; it must be above 0": {"clip_grad_norm": -1},
    r"clip_grad_norm is nan": {"clip_grad_norm": float("nan")},
    r"accumulate is 2\.5; it must be a whole number of batches": {"accumulate": 2.5},
    r"val_batches is 0; it must be at least 1": {"val_batches": 0},
    r"seed is -1; it must be a whole number from 0": {"seed": -1},
    r"start is '0\.1'; it must be a number above 0": {"start": "0.1"},
    r"budget is '1'": {"budget": "1"},
    r"epochs is inf": {"steps": None, "epochs": float("inf")},
    r"scaler is a str; it must be a gradient scaler": {"scaler": "x"},
    r"also is a Linear; it must be a list": {"also": nn.Linear(1, 1)},
    r"val_fn is a int; it must be a function": {"val_fn": 3},
    r"score gives 85; it must be between 0 and 1": {"score": lambda model, batch: 85.0},
    r"val_fn gives an array of shape \(32, 1\).*mean\(\)": {"val_fn": lambda model, batch: (model(batch[0]) - batch[1]) ** 2},
    r"loader is a TensorDataset, which gives single samples": {"loader": TensorDataset(X, Y)},
    r"loader is a NoneType": {"loader": None},
    r"the function that gives batches returns a NoneType": {"loader": lambda: None},
    r"loss_fn is a DataLoader; it must be a function": {"loss_fn": LOADER},
    r"average is a Averaging; it must be a module with update_parameters": {"average": type("Averaging", (), {"update": print})()},
}


@pytest.mark.parametrize("message", WRONG)
def test_a_wrong_argument_is_named(message):
    model, optimizer = kit()
    before = model.weight.detach().clone()
    given = {"loss_fn": mse, "loader": LOADER, "steps": 300, **WRONG[message]}
    with pytest.raises((TypeError, ValueError), match=message):
        st.find(model, given.pop("loss_fn"), given.pop("loader"), optimizer, **given)
    assert torch.equal(before, model.weight) and not optimizer.state


def test_an_optimizer_whose_step_needs_a_closure_is_refused():
    class Twice(torch.optim.SGD):
        def step(self, closure):
            closure()
            super().step()

    with pytest.raises(TypeError, match=r"optimizer is a Twice, whose step needs a closure.*stepsize\.find"):
        st.find(*_with(kit(Twice)), steps=300)


def _with(both):
    model, optimizer = both
    return model, mse, LOADER, optimizer


def test_an_optimizer_of_another_model_is_refused_before_anything_runs():
    model, _ = kit()
    other = torch.optim.Adam(nn.Linear(3, 3).parameters())
    with pytest.raises(ValueError, match="the optimizer holds none of the model's parameters"):
        st.find(model, mse, LOADER, other, steps=300)
    model, optimizer = kit()
    model.requires_grad_(False)
    with pytest.raises(ValueError, match="every parameter of the optimizer is frozen"):
        st.find(model, mse, LOADER, optimizer, steps=300)


def test_parameters_that_the_loss_does_not_reach_are_named():
    model, stray = nn.Linear(8, 1), nn.Linear(5, 3)
    optimizer = torch.optim.Adam([*model.parameters(), *stray.parameters()])
    with pytest.raises(ValueError, match=r"does not reach one of shape \(3, 5\) in group 0"):
        st.find(model, mse, LOADER, optimizer, steps=300)

    class Unused(nn.Module):
        def __init__(self):
            super().__init__()
            self.used, self.head = nn.Linear(8, 1), nn.Linear(8, 1)

        def forward(self, x):
            return self.used(x)

    model = Unused()
    with pytest.warns(UserWarning, match="does not reach head.weight, head.bias"):
        assert st.find(model, mse, LOADER, torch.optim.Adam(model.parameters()), steps=80, budget=0.7).points
    with pytest.raises(ValueError, match="reaches none of the optimizer's parameters"):
        st.find(model, mse, LOADER, torch.optim.Adam(model.head.parameters()), steps=80)


def test_a_scheduler_without_its_schedule_is_a_warning():
    model, optimizer = kit()
    torch.optim.lr_scheduler.StepLR(optimizer, 10)
    with pytest.warns(UserWarning, match="give the schedule of the run as schedule="):
        st.find(model, mse, LOADER, optimizer, steps=80, budget=0.7)


def test_within_no_grad_it_trains_and_within_inference_mode_it_says_why_not():
    model, optimizer = kit()
    with torch.no_grad():
        assert st.find(model, mse, LOADER, optimizer, steps=160).lr
    with torch.inference_mode(), pytest.raises(RuntimeError, match="inference_mode"):
        st.find(model, mse, LOADER, optimizer, steps=160)


def test_epochs_count_batches_and_accumulation():
    model, optimizer = kit()
    found = st.find(model, mse, LOADER, optimizer, epochs=40, accumulate=2)
    assert '"steps": 160' in found.to_json()
