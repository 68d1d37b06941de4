"""stepsize.accelerate, .ignite and .skorch: a trial is what each of them would do, and nothing is left changed."""

import copy
import warnings

import numpy as np
import pytest

torch = pytest.importorskip("torch")
from torch import nn  # noqa: E402
from torch.utils.data import DataLoader, Dataset, TensorDataset  # noqa: E402


pytestmark = pytest.mark.filterwarnings("ignore")
X = torch.randn(480, 8, generator=torch.Generator().manual_seed(0))
Y = torch.sin(2 * X[:, :1]) + 0.05 * torch.randn(480, 1, generator=torch.Generator().manual_seed(1))
TRAIN, HELD = TensorDataset(X[:360], Y[:360]), TensorDataset(X[360:], Y[360:])
FEW = {"budget": 2.0, "progress": False}


def net():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))


def loaders():
    return DataLoader(TRAIN, 24, shuffle=True), DataLoader(HELD, 60)


def state(model, optimizer):
    return copy.deepcopy([model.state_dict(), optimizer.state_dict(), torch.get_rng_state()])


def same(one, other):
    return str(one[1]) == str(other[1]) and torch.equal(one[2], other[2]) and all(
        torch.equal(one[0][name], other[0][name]) for name in one[0]
    )


def trial(events, number=0):
    """Rates and losses of the steps of a trial."""
    return [(event.lr, event.loss) for event in events if event.kind == "step" and event.trial == number]


def test_accelerate_steps_as_its_own_loop_does():
    accelerate = pytest.importorskip("accelerate")
    import stepsize.accelerate as sa

    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=4)
    model = net()
    loader, val_loader = loaders()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=300)
    model, optimizer, loader, val_loader = accelerator.prepare(model, optimizer, loader, val_loader)
    before, events = state(model, optimizer), []
    kept = dict(vars(accelerator)), dict(vars(accelerator.gradient_state))
    estimate = sa.find(
        accelerator, model, nn.functional.mse_loss, loader, optimizer, val_loader, steps=300, scheduler=scheduler, clip_grad_norm=1.0,
        callback=events.append, **FEW,
    )  # fmt: skip
    assert estimate and same(before, state(model, optimizer)) and estimate.to_dict()["schedule"].startswith("linear")
    assert (vars(accelerator), vars(accelerator.gradient_state)) == kept
    steps, losses, group = iter(trial(events)), [], []
    lr, expected = next(steps)
    while True:
        for x, y in loader:  # 15 batches: the last step of a pass has three
            with accelerator.accumulate(model):
                optimizer.param_groups[0]["lr"] = lr
                loss = nn.functional.mse_loss(model(x), y)
                group.append(float(loss))
                accelerator.backward(loss)
                if accelerator.sync_gradients:
                    accelerator.clip_grad_norm_(model.parameters(), 1.0)
                optimizer.step()
                optimizer.zero_grad()
            if accelerator.sync_gradients:
                losses.append((sum(group) / len(group), expected))
                group, (lr, expected) = [], next(steps, (None, None))
                if lr is None:
                    break
        if lr is None:
            break
    assert len(losses) > 10 and all(ours == theirs for theirs, ours in losses)
    with pytest.raises(TypeError, match="accelerator is a Sequential"):
        sa.find(model, accelerator, None, loader, optimizer, steps=10)
    with pytest.raises(ValueError, match="steps and epochs: neither given"):
        sa.find(accelerator, model, nn.functional.mse_loss, loader, optimizer)


TWO = """
import accelerate, stepsize.accelerate as sa
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
g = torch.Generator().manual_seed(0)
x = torch.randn(256, 8, generator=g)
torch.manual_seed(0)
model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
os.environ.update(RANK=sys.argv[1], LOCAL_RANK=sys.argv[1], WORLD_SIZE="2", MASTER_ADDR="127.0.0.1", MASTER_PORT=sys.argv[2])
accelerator = accelerate.Accelerator(cpu=True)
parts = accelerator.prepare(model, torch.optim.Adam(model.parameters(), 1e-3), DataLoader(TensorDataset(x, x[:, :1]), 16, shuffle=True))
print(accelerator.num_processes, sa.find(accelerator, parts[0], nn.functional.mse_loss, parts[2], parts[1], steps=200, budget=2, progress=False).lr)
"""


def test_accelerate_applies_to_what_it_prepared():
    """A prepared scheduler steps once for each process, and hides what it keeps."""
    accelerate = pytest.importorskip("accelerate")
    import stepsize.accelerate as sa

    accelerator, model = accelerate.Accelerator(cpu=True), net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4)
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 1e-4, total_steps=300)
    loader, val_loader = loaders()
    model, optimizer, loader, val_loader, scheduler = accelerator.prepare(model, optimizer, loader, val_loader, scheduler)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        estimate = sa.find(
            accelerator, model, nn.functional.mse_loss, loader, optimizer, val_loader, steps=300, scheduler=scheduler, **FEW
        )  # fmt: skip
    with pytest.raises(ValueError, match="estimate.apply\\(optimizer, scheduler\\)"):
        estimate.apply(optimizer)
    estimate.apply(optimizer, scheduler)
    rates = []
    for _ in range(300):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    assert max(rates) == pytest.approx(estimate.lr)


class Drawing(Dataset):
    """A data set with a generator of its own, of which each worker has a copy."""

    def __init__(self):
        self.draw = np.random.default_rng(1)

    def __len__(self):
        return 96

    def __getitem__(self, at):
        return X[at] + float(self.draw.normal()), Y[at]


def test_workers_that_stay_behind_the_wrapper_of_accelerate_begin_anew_in_each_trial(begun):
    accelerate = pytest.importorskip("accelerate")
    import stepsize.accelerate as sa

    accelerator = accelerate.Accelerator(cpu=True)
    model = net()
    loader = DataLoader(Drawing(), 24, shuffle=True, num_workers=1, persistent_workers=True)
    model, optimizer, loader = accelerator.prepare(model, torch.optim.SGD(model.parameters(), lr=0.1), loader)
    assert loader.base_dataloader.persistent_workers
    def closure(model, batch):
        if model.training:
            begun.note(batch)
        return nn.functional.mse_loss(model(batch[0]), batch[1])

    sa.find(
        accelerator, model, None, loader, optimizer, [(X[360:], Y[360:])], steps=60, closure=closure, callback=begun.watch, progress=False
    )  # fmt: skip
    assert len(begun.seeds) > 3 and len(begun.alike(0)) == 1
    assert loader.base_dataloader._iterator is None  # as it was


def test_accelerate_names_a_norm_that_would_turn_the_gradient():
    accelerator = pytest.importorskip("accelerate").Accelerator(cpu=True)
    import stepsize.accelerate as sa

    model = torch.nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with pytest.raises(ValueError, match="clip_grad_norm is -1; it must be above 0"):
        sa.find(accelerator, model, torch.nn.functional.mse_loss, [], optimizer, steps=100, clip_grad_norm=-1)


def test_accelerate_in_two_processes_gives_one_answer(two_processes):
    pytest.importorskip("accelerate")
    out = two_processes(TWO)
    assert out[0] == out[1] and out[0].startswith("2 ") and "None" not in out[0]


def supervised(accumulate=1):
    ignite = pytest.importorskip("ignite")
    from ignite.engine import create_supervised_trainer

    model = net()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    trainer = create_supervised_trainer(model, optimizer, nn.functional.mse_loss, gradient_accumulation_steps=accumulate)
    return ignite, trainer, model, optimizer


def test_ignite_steps_as_a_trainer_does():
    ignite, trainer, model, optimizer = supervised(2)
    import stepsize.ignite as si

    fired, events = [], []
    trainer.add_event_handler(ignite.engine.Events.ITERATION_COMPLETED, fired.append)
    loader, val_loader = loaders()
    before, kept = state(model, optimizer), dict(vars(trainer.state))
    estimate = si.find(
        trainer, model, loader, optimizer, val_loader, steps=300, accumulate=2, loss_fn=nn.functional.mse_loss, callback=events.append, **FEW
    )  # fmt: skip
    assert estimate and same(before, state(model, optimizer)) and not fired and vars(trainer.state) == kept
    rates, losses, sums = [lr for lr, _ in trial(events)], [loss for _, loss in trial(events)], []
    steps = iter(rates)

    @trainer.on(ignite.engine.Events.ITERATION_STARTED(every=2))
    def _(engine):
        optimizer.param_groups[0]["lr"] = next(steps)

    @trainer.on(ignite.engine.Events.ITERATION_COMPLETED)
    def _(engine):
        sums.append(engine.state.output)
        if len(sums) == 2 * len(rates):
            engine.terminate()

    trainer.run(loader, max_epochs=100)
    assert losses == [(one + other) / 2 for one, other in zip(sums[::2], sums[1::2], strict=True)]


def test_ignite_evaluates_as_often_as_the_same_loop_without_it():
    """What an evaluation costs follows from the samples of a step."""
    import stepsize.torch as st

    _, trainer, model, optimizer = supervised(1)
    import stepsize.ignite as si

    loader, val_loader, loss = *loaders(), nn.functional.mse_loss
    plain, within = [], []
    options = {"steps": 300, "budget": 1.5, "progress": False}
    st.find(model, loss, loader, optimizer, val_loader, callback=plain.append, **options)
    si.find(trainer, model, loader, optimizer, val_loader, loss_fn=loss, callback=within.append, **options)
    asked = [[(event.trial, event.step) for event in events if event.kind == "evaluation" and event.trial < 2] for events in (plain, within)]
    assert asked[0] == asked[1] and len(asked[0]) > 6, asked


def test_ignite_follows_a_scheduler_of_the_trainer():
    ignite, trainer, model, optimizer = supervised(1)
    import stepsize.ignite as si

    scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=600)
    trainer.add_event_handler(ignite.engine.Events.ITERATION_COMPLETED, lambda _: scheduler.step())
    loader, val_loader = loaders()
    finder = si.LearningRateFinder(model, optimizer, val_loader, loss_fn=nn.functional.mse_loss, scheduler=scheduler, **FEW)
    finder.attach(trainer)
    first = []
    trainer.add_event_handler(ignite.engine.Events.ITERATION_STARTED(once=1), lambda _: first.append(optimizer.param_groups[0]["lr"]))
    trainer.run(loader, max_epochs=40)
    assert finder.estimate.to_dict()["schedule"].startswith("linear")
    assert first == [pytest.approx(finder.estimate.lr)] and optimizer.param_groups[0]["lr"] == pytest.approx(0.0, abs=1e-9)


def test_the_ignite_handler_trains_with_the_rate_that_it_found():
    ignite, trainer, model, optimizer = supervised(2)
    import stepsize.ignite as si

    loader, val_loader = loaders()
    finder = si.LearningRateFinder(model, optimizer, val_loader, loss_fn=nn.functional.mse_loss, accumulate=2, **FEW)
    finder.attach(trainer)
    state = trainer.run(loader, max_epochs=40)
    assert finder.estimate and optimizer.param_groups[0]["lr"] == finder.estimate.lr and state.iteration == 600
    model.eval()
    assert nn.functional.mse_loss(model(X[360:]), Y[360:]) < 0.3
    with pytest.raises(TypeError, match="trainer is a Sequential"):
        si.find(model, trainer, loader, optimizer, steps=10)
    bad = ignite.engine.Engine(lambda engine, batch: {"loss": 1.0})
    with pytest.raises(TypeError, match="gives a dict.*output_transform="):
        si.find(bad, model, loader, optimizer, steps=100)


def regressor(**more):
    skorch = pytest.importorskip("skorch")
    torch.manual_seed(0)
    return skorch, skorch.NeuralNetRegressor(
        nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1)), optimizer=torch.optim.Adam, lr=1e-4, max_epochs=40, batch_size=24,
        iterator_train__shuffle=True, verbose=0, **more,
    )  # fmt: skip


def test_skorch_finds_the_rate_of_fit():
    _, model = regressor()
    import stepsize.skorch as sk

    x, y = X[:360].numpy(), Y[:360].numpy()
    before, events = torch.get_rng_state(), []
    estimate = sk.find(model, x, y, callback=events.append, **FEW)
    assert estimate and not model.initialized_ and torch.equal(before, torch.get_rng_state())
    assert events[0].steps == 40 * 12 and "validation" in events[0].task  # a fifth is held out
    model.initialize()
    kept = state(model.module_, model.optimizer_)
    events.clear()
    again = sk.find(model, x, y, callback=events.append, **FEW)
    assert again and same(kept, state(model.module_, model.optimizer_)) and not len(model.history)
    steps, losses = trial(events), []
    train = model.get_iterator(model.get_split_datasets(x, y)[0], training=True)
    torch.set_rng_state(kept[2])
    model.get_split_datasets(x, y)
    batches = iter(train)
    for lr, _ in steps[:12]:
        model.optimizer_.param_groups[0]["lr"] = lr
        losses.append(float(model.train_step(next(batches))["loss"]))
    assert losses == [loss for _, loss in steps[:12]]


def test_the_skorch_callback_trains_with_the_rate_that_it_found():
    import importlib

    pytest.importorskip("skorch")
    finder = importlib.import_module("stepsize.skorch").LearningRateFinder(**FEW)
    _, model = regressor(callbacks=[("rate", finder)])
    model.fit(X[:360].numpy(), Y[:360].numpy())
    found = dict(model.callbacks_)["rate"].estimate_
    assert model.lr == found.lr == model.optimizer_.param_groups[0]["lr"]
    assert len(model.history) == 40 and model.history[-1, "valid_loss"] < 0.3
    with pytest.raises(TypeError, match="net is a Linear"):
        importlib.import_module("stepsize.skorch").find(nn.Linear(1, 1), X)


@pytest.mark.parametrize("order", ["scheduler first", "finder first"])
def test_skorch_follows_its_scheduler_with_the_rate_that_it_found(order):
    skorch = pytest.importorskip("skorch")
    import importlib

    finder = importlib.import_module("stepsize.skorch").LearningRateFinder(**FEW)
    cycle = skorch.callbacks.LRScheduler(torch.optim.lr_scheduler.OneCycleLR, max_lr=1e-4, total_steps=480, step_every="batch")
    both = [("cycle", cycle), ("rate", finder)]
    _, model = regressor(callbacks=both if order == "scheduler first" else both[::-1])
    model.fit(X[:360].numpy(), Y[:360].numpy())
    found = dict(model.callbacks_)["rate"].estimate_
    assert found.to_dict()["schedule"].startswith("one_cycle") and model.lr == found.lr
    rates = [batch["event_lr"] for epoch in model.history for batch in epoch["batches"] if "event_lr" in batch]
    assert max(rates) == pytest.approx(found.lr, rel=1e-3)
    _, model = regressor(callbacks=[skorch.callbacks.LRScheduler(torch.optim.lr_scheduler.ReduceLROnPlateau)])
    with pytest.raises(ValueError, match="ReduceLROnPlateau follows a metric.*schedule="):
        importlib.import_module("stepsize.skorch").find(model, X[:360].numpy(), Y[:360].numpy())
