"""What a trial is judged on in stepsize.torch.find: another loss, a score, an average of the weights, a part of the data."""

import copy
import warnings

import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, IterableDataset, TensorDataset  # noqa: E402

import stepsize.torch as st  # noqa: E402
from stepsize.torch.training import Training  # noqa: E402

torch.set_num_threads(1)
draw = torch.Generator().manual_seed(0)
X = torch.randn(2000, 8, generator=draw)
Y = (X[:, :3] + 0.3 * torch.randn(2000, 3, generator=draw)).argmax(1)
TRAIN, HELD = TensorDataset(X[:1000], Y[:1000]), TensorDataset(X[1000:], Y[1000:])
cross_entropy = nn.functional.cross_entropy


def kit(make=torch.optim.Adam):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Dropout(0.2), nn.ReLU(), nn.Linear(16, 3))
    return model, make(model.parameters(), lr=1e-3)


def loss_of(model, batch):
    return cross_entropy(model(batch[0]), batch[1])


def task(model, optimizer, held=HELD, **more):
    return Training(model, cross_entropy, DataLoader(TRAIN, 32), optimizer, DataLoader(held, 250), **more)


def test_another_function_can_judge():
    model, optimizer = kit()
    modes = []

    def val_fn(model, batch):
        modes.append((model.training, torch.is_grad_enabled()))
        hit = (model(batch[0]).argmax(1) == batch[1]).float().mean()
        return cross_entropy(model(batch[0]), batch[1]), hit

    smoothed = nn.CrossEntropyLoss(label_smoothing=0.3)
    found = st.find(
        model, smoothed, DataLoader(TRAIN, 32, shuffle=True), optimizer, DataLoader(HELD, 250), steps=200, schedule="cosine",
        val_fn=val_fn,
    )  # fmt: skip
    assert set(modes) == {(False, False)} and model.training
    finished = [p for p in found.points if p["loss"] is not None]
    assert all(0 <= p["score"] <= 1 for p in finished) and min(p["loss"] for p in finished) < 0.6  # smoothing keeps it above 0.63
    with pytest.raises(ValueError, match="val_fn and score: both given"):
        task(model, optimizer, val_fn=val_fn, score="accuracy")
    with pytest.raises(ValueError, match="score is 'f1'"):
        task(model, optimizer, score="f1")


@pytest.mark.parametrize("score", ["accuracy", lambda m, b: (m(b[0]).argmax(1) == b[1]).float().mean()])
def test_a_score_can_judge(score):
    model, optimizer = kit()
    loader = DataLoader(TRAIN, 32, shuffle=True)
    found = st.find(model, cross_entropy, loader, optimizer, DataLoader(HELD, 250), steps=200, schedule="cosine", score=score)
    finished = [p for p in found.points if p["loss"] is not None]
    assert found.lr and "judged by a score" in found.to_json()
    for point in finished:
        assert point["loss"] == pytest.approx(1 - point["score"], abs=2e-3)
    assert max(p["score"] for p in finished) > 0.8


def test_a_score_of_few_samples_is_named():
    """It refused a job that learns as noise."""
    model, optimizer = kit()
    loader = DataLoader(TRAIN, 32, shuffle=True)
    few = torch.utils.data.Subset(HELD, range(50))
    with pytest.warns(UserWarning, match="a score of 50 samples changes in steps of 2.0%.*give more validation data, or judge by the loss"):
        st.find(model, cross_entropy, loader, optimizer, DataLoader(few, 50), steps=60, score="accuracy")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        st.find(model, cross_entropy, loader, optimizer, DataLoader(few, 50), steps=60)
        st.find(model, cross_entropy, loader, optimizer, DataLoader(HELD, 250), steps=60, score="accuracy")


def test_a_perfect_score_has_a_logarithm():
    model, optimizer = kit()
    judged = task(model, optimizer, score=lambda model, batch: 1.0)
    loss, score = judged.evaluate()
    assert score == 1.0 and 0 < loss < 1e-3


def test_an_average_of_the_weights_is_judged_and_put_back():
    from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

    model, optimizer = kit()
    average = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(0.9))
    before = [t.clone() for t in average.state_dict().values()]
    judged, training = [], task(model, optimizer, average=average)
    kept = training.save()
    training.begin()
    for at in range(20):
        training.step(0.05)
    judged = training.evaluate()
    model.eval()
    with torch.no_grad():
        plain = loss_of(model, HELD.tensors).item()
        own = loss_of(average.eval(), HELD.tensors).item()
    assert judged == pytest.approx(own, rel=1e-5) and abs(judged - plain) > 1e-4
    training.restore(kept)
    assert all(torch.equal(a, b) for a, b in zip(before, average.state_dict().values()))
    found = st.find(
        model, cross_entropy, DataLoader(TRAIN, 32), optimizer, DataLoader(HELD, 250), steps=200, schedule="cosine", average=average
    )
    assert found.points and "by its average" in found.to_json()
    assert all(torch.equal(a, b) for a, b in zip(before, average.state_dict().values()))
    with pytest.raises(TypeError, match="average is a int.*update_parameters"):
        task(model, optimizer, average=3)


def test_an_average_that_knows_its_model_is_updated_without_it():
    class Knowing(nn.Module):
        def __init__(self, model):
            super().__init__()
            self.averaged, self.online = copy.deepcopy(model), [model]

        def update(self):
            with torch.no_grad():
                for one, other in zip(self.averaged.parameters(), self.online[0].parameters()):
                    one.lerp_(other, 0.5)

        def forward(self, x):
            return self.averaged(x)

    model, optimizer = kit()
    average = Knowing(model)
    training = task(model, optimizer, average=average)
    kept, untrained = training.save(), training.evaluate()
    training.begin()
    for _ in range(20):
        training.step(0.05)
    assert training.evaluate() < untrained - 0.1
    training.restore(kept)
    assert training.evaluate() == untrained


class Swapping(torch.optim.SGD):
    """As schedule-free optimizers do: it trains at one point and evaluates at another."""

    def __init__(self, params, lr):
        super().__init__(params, lr)
        for group in self.param_groups:
            group["train_mode"] = False

    calls: list[str] = []  # of the class: what an optimizer has itself is put back

    def _move(self, mode, by):
        self.calls.append(mode)
        for group in self.param_groups:
            if group["train_mode"] != (mode == "train"):
                group["train_mode"] = mode == "train"
                with torch.no_grad():
                    [p.add_(by) for p in group["params"]]

    def train(self):
        self._move("train", 1.0)

    def eval(self):
        self._move("eval", -1.0)

    def step(self, closure=None):
        assert self.param_groups[0]["train_mode"], "a step in evaluation mode"
        return super().step(closure)


def test_a_schedule_free_optimizer_is_judged_in_its_evaluation_mode():
    model, optimizer = kit(Swapping)
    before = [p.detach().clone() for p in model.parameters()]
    with torch.no_grad():
        untrained = loss_of(model.eval(), HELD.tensors).item()
    model.train()
    seen = []
    st.find(
        model, cross_entropy, DataLoader(TRAIN, 32), optimizer, DataLoader(HELD, 250), steps=200, callback=seen.append
    )  # fmt: skip
    first = next(event.val_loss for event in seen if event.kind == "evaluation")
    assert first == pytest.approx(untrained, rel=0.1)  # on a part of the data; at the other point it is far away
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))
    assert optimizer.param_groups[0]["train_mode"] is False and {"train", "eval"} == set(optimizer.calls)


def test_the_real_schedule_free_optimizer():
    schedulefree = pytest.importorskip("schedulefree")
    model, _ = kit()
    optimizer = schedulefree.AdamWScheduleFree(model.parameters(), lr=1e-3)
    before = [p.detach().clone() for p in model.parameters()]
    found = st.find(model, cross_entropy, DataLoader(TRAIN, 32, shuffle=True), optimizer, DataLoader(HELD, 250), steps=300)
    assert found.lr and all(torch.equal(a, b) for a, b in zip(before, model.parameters()))


def ordered():
    """Validation data in the order of its classes."""
    order = HELD.tensors[1].argsort()
    return TensorDataset(HELD.tensors[0][order], HELD.tensors[1][order])


class Stream(IterableDataset):
    def __init__(self, data):
        self.data = data

    def __iter__(self):
        return iter(self.data)


LOADERS = {
    "a data set": lambda data: DataLoader(data, 50),
    "a stream": lambda data: DataLoader(Stream(data), 50),
    "one large batch": lambda data: [data.tensors],
    "a function": lambda data: lambda: iter(DataLoader(data, 50)),
}


@pytest.mark.parametrize("kind", LOADERS)
def test_a_cheaper_evaluation_sees_every_class_of_sorted_data(kind):
    model, optimizer = kit()
    targets = []

    def seen(output, target):
        targets.append(target)
        return cross_entropy(output, target)

    training = Training(model, seen, DataLoader(TRAIN, 32), optimizer, LOADERS[kind](ordered()))
    training.check()
    targets.clear()
    whole = training.evaluate()
    assert sum(map(len, targets)) == 1000
    price = training.thin(1.0)
    targets.clear()
    part = training.evaluate()
    count = sum(map(len, targets))
    assert 100 <= count <= 260 and price < 4 and part == pytest.approx(whole, rel=0.15)
    shares = torch.cat(targets).bincount(minlength=3) / count
    assert shares.min() > 0.15
    targets.clear()
    assert training.evaluate() == part  # the same batches each time


def test_a_cheap_evaluation_stays_whole():
    model, optimizer = kit()
    training = task(model, optimizer)
    training.check()
    assert training.thin(1000.0) == pytest.approx(1000 / 32 / 3)


def test_each_group_has_a_rate_of_its_own():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))
    groups = [{"params": model[2].parameters(), "lr": 1e-3}, {"params": model[0].parameters(), "lr": 1e-3}]
    optimizer = torch.optim.Adam(groups)
    before = [p.detach().clone() for p in model.parameters()]
    seen, rates = [], []
    optimizer.register_step_pre_hook(lambda *_: rates.append([g["lr"] for g in optimizer.param_groups]))
    found = st.find(
        model, cross_entropy, DataLoader(TRAIN, 32), optimizer, DataLoader(HELD, 250), steps=300, schedule="cosine",
        groups="each", callback=seen.append,
    )  # fmt: skip
    assert isinstance(found, st.GroupEstimates) and len(found.estimates) == 2 and found
    assert found.cost == sum(one.cost for one in found) and found.cost > found.estimates[0].cost
    assert all(torch.equal(a, b) for a, b in zip(before, model.parameters()))
    # in the second search the first group keeps its rate, and the second one varies
    begin = sum(1 for event in seen[: [event.kind for event in seen].index("estimate")] if event.kind == "step")
    assert {rate[0] / rate[1] for rate in rates[1:begin]} == {1.0}
    assert len({round(rate[0] / rate[1], 6) for rate in rates[begin + 1 :] if rate[1]}) > 1
    assert max(rate[0] for rate in rates[begin + 1 :]) == pytest.approx(found.lrs[0])
    found.apply(optimizer)
    assert [group["lr"] for group in optimizer.param_groups] == pytest.approx(found.lrs)
    assert found.require() == found.lrs
