"""stepsize.torch.find on losses that raise where a model has diverged: a trial that ends, not a search that dies."""

import contextlib
import math

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402

import stepsize.torch as st  # noqa: E402

DATA = torch.rand(256, 16, generator=torch.Generator().manual_seed(0))
BATCHES = list(DATA[:192].split(32))
HELD = [DATA[192:]]


class Coder(nn.Module):
    """Exponentials in the middle, whose overflow is NaN in the layer after them."""

    def __init__(self):
        super().__init__()
        self.encode, self.decode, self.steps = nn.Linear(16, 8), nn.Linear(4, 16), 0

    def forward(self, x):
        first, second = self.encode(x).chunk(2, 1)
        return torch.sigmoid(self.decode(torch.exp(first) - torch.exp(second)))


def raising(model, x):
    """As the binary cross-entropy of PyTorch: it raises a RuntimeError for NaN."""
    return nn.functional.binary_cross_entropy(model(x), x)


def valued(model, x):
    return torch.distributions.Normal(model(x), 1.0).log_prob(x).neg().mean()  # a ValueError for NaN


def leaving(model, x):
    """As scripts do that look after their loss themselves."""
    loss = (model(x) - x).square().mean()
    if not math.isfinite(loss.item()):
        raise SystemExit(1)
    return loss


@pytest.mark.parametrize("closure", [raising, valued, leaving])
@pytest.mark.parametrize("val_fn", [None, lambda model, x: 1.0], ids=["judged", "judged by a number"])
def test_a_loss_that_raises_for_nan_is_a_trial_that_diverged(closure, val_fn):
    torch.manual_seed(0)
    model = Coder()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    before = [p.clone() for p in model.parameters()]
    ends = {}
    with pytest.warns(UserWarning, match="same number") if val_fn else contextlib.nullcontext():
        table = st.sweep(
            model, None, BATCHES, optimizer, HELD, steps=30, low=1e-3, high=1e5, per_decade=1, closure=closure, val_fn=val_fn,
            callback=lambda event: ends.update({event.lr: event.end}) if event.kind == "trial_end" else None,
        )  # fmt: skip
    assert ends[max(ends)] == "diverged" and ends[min(ends)] == "finished", ends
    assert table.points and all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


@pytest.mark.parametrize("broken", [False, True])
def test_a_fault_of_the_callers_own_is_raised(broken):
    """Also one that comes back at each step after the first few."""
    model = Coder()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    taken = 0

    def closure(model, x):
        nonlocal taken
        taken += 1
        if taken == 1 if broken else taken >= 7:
            raise ValueError("Tried to step 8 times")
        return (model(x) - x).square().mean()

    with pytest.raises(ValueError, match="Tried to step"):
        st.find(model, None, BATCHES, optimizer, HELD, steps=100, closure=closure, val_fn=lambda model, x: 1.0)


def test_a_closure_that_trains_something_itself_is_told_to_judge_by_another_function():
    """A GAN whose discriminator is trained inside."""
    made, judge = nn.Linear(4, 16), nn.Linear(16, 1)
    of_judge, of_made = (torch.optim.Adam(one.parameters(), 1e-3) for one in (judge, made))
    loss = nn.BCEWithLogitsLoss()

    def closure(model, x):
        noise = torch.randn(len(x), 4)
        of_judge.zero_grad()
        told = loss(judge(x), torch.ones(len(x), 1)) + loss(judge(model(noise).detach()), torch.zeros(len(x), 1))
        told.backward()
        of_judge.step()
        return loss(judge(model(noise)), torch.ones(len(x), 1))

    before = [p.clone() for p in (*made.parameters(), *judge.parameters())]
    with pytest.raises(ValueError, match=r"trains something itself.*give val_fn\(model, batch\)"):
        st.find(made, None, BATCHES, of_made, closure=closure, steps=100)
    found = st.find(
        made, None, BATCHES, of_made, HELD, closure=closure, steps=100,
        val_fn=lambda model, x: (model(torch.randn(len(x), 4)).mean(0) - x.mean(0)).square().mean(),
    )  # fmt: skip
    assert found.points and all(torch.equal(a, b) for a, b in zip(before, (*made.parameters(), *judge.parameters()), strict=True))
    assert not of_judge.state
