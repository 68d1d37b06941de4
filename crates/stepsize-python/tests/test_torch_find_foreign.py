"""stepsize.torch.find on loops as other people write them: workers that stay, rates for layers, environments."""

import math
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Dataset, TensorDataset  # noqa: E402
from torch.utils.data.distributed import DistributedSampler  # noqa: E402

import stepsize  # noqa: E402
import stepsize.torch as st  # noqa: E402
from stepsize.torch.trainers import planned  # noqa: E402

torch.set_num_threads(1)
X = torch.randn(256, 8, generator=torch.Generator().manual_seed(0))
Y = torch.sin(2 * X[:, :1])
DATA = TensorDataset(X, Y)
mse = nn.functional.mse_loss


def kit(groups=lambda model: model.parameters()):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
    return model, torch.optim.SGD(groups(model), lr=1e-2)


class Augmented(Dataset):
    def __init__(self):
        self.draw = np.random.default_rng(1)

    def __len__(self):
        return len(X)

    def __getitem__(self, at):
        return X[at] + 0.3 * torch.randn(8) + float(self.draw.normal()), Y[at]


def firsts(loader, **more):
    """The first batch of each trial, and the seed of the trial."""
    model, optimizer = kit()
    seen, begun = [], []

    def closure(model, batch):
        if model.training:
            seen.append(float(batch[0].double().sum()))
        return mse(model(batch[0]), batch[1])

    def watch(event):
        if event.kind == "trial":
            begun.append((len(seen), event.seed))

    st.find(model, None, loader, optimizer, [(X, Y)], steps=100, closure=closure, callback=watch, progress=False, **more)
    return [(seen[at], seed) for at, seed in begun if at < len(seen)]


def test_workers_that_stay_begin_anew_in_each_trial():
    loader = DataLoader(Augmented(), 64, shuffle=True, num_workers=2, persistent_workers=True)
    trials = firsts(loader)
    assert len(trials) > 3
    assert len({seen for seen, seed in trials if seed == 0}) == 1
    assert loader._iterator is None  # as it was


@pytest.mark.parametrize("place", ["loader", "val_loader"])
def test_a_generator_that_has_begun_is_refused_before_the_first_step(place):
    def endless():
        while True:
            yield X[:32], Y[:32]

    shared = endless()
    given = {"loader": endless, "val_loader": endless} | {place: lambda: shared}
    model, optimizer = kit()
    before = [one.detach().clone() for one in model.parameters()]
    events = []
    with pytest.raises(ValueError, match="a generator that has begun already"):
        st.find(model, mse, given["loader"], optimizer, given["val_loader"], steps=100, val_batches=2, callback=events.append, progress=False)
    assert not [event for event in events if event.kind == "step"]
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters(), strict=True))


def test_the_epoch_of_a_sampler_is_put_back():
    sampler = DistributedSampler(DATA, num_replicas=2, rank=0, shuffle=True)
    inside, passes = DataLoader(DATA, 32, sampler=sampler), []

    def batches():
        sampler.set_epoch(sampler.epoch + 1)
        passes.append(sampler.epoch)
        return iter(inside)

    sampler.set_epoch(5)
    model, optimizer = kit()
    st.find(model, mse, batches, optimizer, [(X, Y)], steps=60, progress=False)
    assert sampler.epoch == 5 and max(passes) > 6


def test_a_scheduler_that_the_loss_steps_is_named_and_put_back():
    model, optimizer = kit()
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.9)

    def closure(model, batch):
        if model.training:
            scheduler.step()
        return mse(model(batch[0]), batch[1])

    with pytest.warns(UserWarning, match="the training step sets the rate of the optimizer itself"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Detected call of")
        st.find(
            model, None, DataLoader(DATA, 32, shuffle=True), optimizer, [(X, Y)], steps=60, closure=closure, schedule="exponential(0.9)",
            progress=False,
        )  # fmt: skip
    assert scheduler.last_epoch == 0 and optimizer.param_groups[0]["lr"] == 1e-2


def test_an_evaluation_of_another_model_is_named():
    model, optimizer = kit()
    other, _ = kit()
    loader = DataLoader(DATA, 32, shuffle=True)
    with pytest.warns(UserWarning, match="every evaluation of every trial gave the same number"):
        estimate = st.find(model, mse, loader, optimizer, [(X, Y)], steps=60, val_fn=lambda _, batch: mse(other(batch[0]), batch[1]), progress=False)
    assert not estimate
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        st.find(model, mse, loader, optimizer, [(X, Y)], steps=60, val_fn=lambda one, batch: mse(one(batch[0]), batch[1]), progress=False)


def test_an_optimizer_that_makes_its_own_rate_is_refused_by_name():
    model, _ = kit()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    optimizer.param_groups[0]["lr"] = None  # as Adafactor of transformers has it
    with pytest.raises(ValueError, match="the SGD has no rate.*relative_step=False"):
        st.find(model, mse, DataLoader(DATA, 32), optimizer, steps=60)


def test_optimizers_in_a_dict_are_refused_as_several():
    model, optimizer = kit()
    with pytest.raises(TypeError, match="optimizer is a dict of 2; a search takes one optimizer"):
        st.find(model, mse, DataLoader(DATA, 32), {"body": optimizer, "head": optimizer}, steps=60)


def test_a_step_may_return_a_loss_with_its_gradient():
    model, optimizer = kit()

    def step(lr):
        optimizer.param_groups[0]["lr"] = lr
        optimizer.zero_grad()
        loss = mse(model(X), Y)
        loss.backward()
        optimizer.step()
        return loss

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        stepsize.find(step, lambda: st.Snapshot(model, optimizer), lambda kept: kept.restore(), steps=60, progress=False)


def test_an_environment_of_gymnasium_is_put_back(begun):
    """The observations of an episode that goes on from pass to pass, behind the wrappers that are usual."""
    gym = pytest.importorskip("gymnasium")
    env = gym.make("CartPole-v1")
    for wrapper in (gym.wrappers.RecordEpisodeStatistics, gym.wrappers.NormalizeObservation):
        env = wrapper(env)
    seen, _ = env.reset(seed=3)
    env.action_space.seed(4)
    env.step(0)

    def played():
        for _ in range(8):
            rows = []
            for _ in range(16):
                observed, reward, ended, cut, _ = env.step(env.action_space.sample())
                rows.append([*observed, reward])
                if ended or cut:
                    env.reset()
            batch = torch.tensor(np.array(rows), dtype=torch.float32)
            yield batch[:, :4], batch[:, 3:4]

    def state():
        inside = env.unwrapped
        layers = [env]
        while layers[-1] is not inside:
            layers.append(layers[-1].env)
        plain = (int, float, bool, np.ndarray, tuple, type(None))
        return [
            repr(inside.np_random.bit_generator.state), repr(env.action_space.np_random.bit_generator.state),
            [{name: repr(value) for name, value in vars(layer).items() if isinstance(value, plain)} for layer in layers],
            [repr(value) for value in vars(env.obs_rms).values()],
        ]  # fmt: skip

    before = state()
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
    def closure(model, batch):
        if model.training:
            begun.note(batch)
        return mse(model(batch[0]), batch[1])

    optimizer = torch.optim.SGD(model.parameters(), lr=1e-2)
    st.find(model, None, played, optimizer, steps=100, closure=closure, callback=begun.watch, progress=False)
    assert state() == before
    assert len(begun.seeds) > 3 and len(begun.alike(0)) == 1, "the trials of one seed saw other episodes"


class Counted:
    """A scheduler that is told the count, and that multiplies the rate by `lr_scale`: a warm-up from a rate of its own, then a
    line to a floor, as those of timm are made."""

    def __init__(self, optimizer, length, warm, start=1e-5, floor=1e-4, epochs=False):
        self.optimizer, self.length, self.warmup_t, self.warmup_lr_init, self.floor, self.t_in_epochs = optimizer, length, warm, start, floor, epochs
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_values = [group["initial_lr"] for group in optimizer.param_groups]
        self.warmup_steps = [(base - start) / warm for base in self.base_values]
        self._put([start] * len(self.base_values))

    def step(self, epoch, metric=None):
        if self.t_in_epochs:
            self._put(self._at(epoch))

    def step_update(self, num_updates, metric=None):
        if not self.t_in_epochs:
            self._put(self._at(num_updates))

    def _at(self, count):
        if count < self.warmup_t:
            return [self.warmup_lr_init + count * rise for rise in self.warmup_steps]
        return [max(self.floor, base * (1 - count / self.length)) for base in self.base_values]

    def _put(self, rates):
        for group, rate in zip(self.optimizer.param_groups, rates, strict=True):
            group["lr"] = rate * group.get("lr_scale", 1.0)


def by_layer(model):
    return [{"params": model[0].parameters(), "lr_scale": 0.25}, {"params": model[2].parameters(), "lr_scale": 1.0}]


@pytest.mark.parametrize("epochs", [False, True])
def test_a_scheduler_that_counts_is_followed_at_each_rate(epochs):
    _, optimizer = kit(by_layer)
    each = 5 if epochs else 1
    scheduler = Counted(optimizer, 100 // each, 20 // each, epochs=epochs)
    _, followed = planned(None, scheduler, 100, optimizer, epoch=5)
    for lr in (1e-3, 0.3):
        own, plan = Counted(kit(by_layer)[1], 100 // each, 20 // each, epochs=epochs), followed.schedule(lr, 100)
        own.base_values = [lr, lr]
        own.warmup_steps = [(lr - own.warmup_lr_init) / own.warmup_t] * 2
        own._put([own.warmup_lr_init] * 2)
        for at in range(100):
            if at % each == 0 and at:
                own.step_update(at)
                own.step(at // each)
            assert [lr * plan(at), lr * plan(at) / 4] == pytest.approx([own.optimizer.param_groups[i]["lr"] for i in (1, 0)], rel=1e-6)


def test_trials_multiply_the_rate_of_each_layer_and_apply_sets_the_rate_before_that():
    model, optimizer = kit(by_layer)
    scheduler, seen = Counted(optimizer, 100, 20), []

    def closure(model, batch):
        if model.training:
            seen.append([group["lr"] for group in optimizer.param_groups])
        return mse(model(batch[0]), batch[1])

    before = [dict(group) for group in optimizer.param_groups]
    estimate = st.find(
        model, None, DataLoader(DATA, 32, shuffle=True), optimizer, [(X, Y)], steps=100, closure=closure, scheduler=scheduler, progress=False
    )
    assert [{k: v for k, v in group.items() if k != "params"} for group in optimizer.param_groups] == [
        {k: v for k, v in group.items() if k != "params"} for group in before
    ]
    assert all(math.isclose(first, 0.25 * second) for first, second in seen[1:])  # the first is that of the check
    estimate.apply(optimizer, scheduler)
    assert scheduler.base_values == pytest.approx([estimate.lr] * 2)
    scheduler.step_update(20)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([0.2 * estimate.lr, 0.8 * estimate.lr])
    scheduler.step_update(10)
    middle = (1e-5 + estimate.lr) / 2
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx([middle / 4, middle])


def test_rates_that_are_multiplied_already_are_left():
    def groups(model):
        return [{"params": model[0].parameters(), "lr": 0.01, "lr_scale": 0.25}, {"params": model[2].parameters(), "lr": 0.04, "lr_scale": 1.0}]

    model, optimizer = kit(groups)
    seen = []

    def closure(model, batch):
        seen.append([group["lr"] for group in optimizer.param_groups])
        return mse(model(batch[0]), batch[1])

    st.find(model, None, DataLoader(DATA, 32), optimizer, [(X, Y)], steps=60, closure=closure, progress=False)
    assert all(math.isclose(4 * first, second) for first, second in seen)
