"""stepsize.lightning.find: a trial is what the trainer itself would do, and nothing is left changed."""

import copy
import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
import lightning.pytorch as pl  # noqa: E402
from torch.utils.data import DataLoader, TensorDataset  # noqa: E402

import stepsize  # noqa: E402
import stepsize.lightning as sl  # noqa: E402
from stepsize.lightning.task import Task, searched  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


class Data(pl.LightningDataModule):
    """Splits at random in ``setup``, as many data modules do."""

    def setup(self, stage):
        x = torch.randn(480, 8, generator=torch.Generator().manual_seed(0))
        y = torch.sin(x[:, :1]) + 0.1 * torch.randn(480, 1, generator=torch.Generator().manual_seed(1))
        self.train, self.held = torch.utils.data.random_split(TensorDataset(x, y), [400, 80])

    def train_dataloader(self):
        return DataLoader(self.train, 16, shuffle=True)

    def val_dataloader(self):
        return DataLoader(self.held, 40)


class Module(pl.LightningModule):
    def __init__(self, lr=1e-3):
        super().__init__()
        self.save_hyperparameters()
        self.net = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.Dropout(0.1), torch.nn.Tanh(), torch.nn.Linear(16, 1))
        self.lr, self.seen, self.epochs = lr, [], 0

    def loss(self, batch):
        return torch.nn.functional.mse_loss(self.net(batch[0]), batch[1])

    def training_step(self, batch, _):
        return self.loss(batch)

    def validation_step(self, batch, _):
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self):
        return torch.optim.AdamW(self.parameters(), lr=self.lr)

    def on_train_epoch_start(self):
        self.epochs += 1


class WithScheduler(Module):
    """``configure_optimizers`` gives a dictionary, and needs the trainer; ``training_step`` a dictionary."""

    def training_step(self, batch, _):
        self.log("epoch", float(self.trainer.current_epoch))
        return {"loss": self.loss(batch), "more": 1}

    def configure_optimizers(self):
        optimizer = torch.optim.AdamW(self.parameters(), lr=self.lr)
        steps = self.trainer.estimated_stepping_batches
        scheduler = torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, total_iters=steps)
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": scheduler, "interval": "step"}}


class ByEpoch(Module):
    def configure_optimizers(self):
        head = list(self.net[3].parameters())
        optimizer = torch.optim.SGD([{"params": head}, {"params": self.net[0].parameters(), "lr": self.lr / 10}], lr=self.lr, momentum=0.9)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.5)]


class Cycling(Module):
    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr, momentum=0.9)
        scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, self.lr, total_steps=self.trainer.estimated_stepping_batches)
        return [optimizer], [{"scheduler": scheduler, "interval": "step"}]


class Losses(pl.Callback):
    def __init__(self):
        self.losses = []

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        self.losses.append(float(outputs["loss"]))


def trainer(*callbacks, **more):
    more = {"logger": False, "enable_checkpointing": False, "num_sanity_val_steps": 0, "max_epochs": 3, **more}
    return pl.Trainer(
        accelerator="cpu", callbacks=list(callbacks), enable_progress_bar=False, enable_model_summary=False, **more
    )


def made(kind, **more):
    torch.manual_seed(0)
    module = kind(**more)
    torch.manual_seed(1)
    return module


def state(module):
    return {**{name: one.clone() for name, one in module.state_dict().items()}, "rng": torch.get_rng_state()}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        (Module, {}),
        (WithScheduler, {"gradient_clip_val": 0.1}),
        (ByEpoch, {"accumulate_grad_batches": 4}),
        (Module, {"precision": "bf16-mixed", "limit_train_batches": 10}),
        (WithScheduler, {"max_epochs": -1, "max_steps": 60}),
        (Module, {"reload_dataloaders_every_n_epochs": 1}),
        (Cycling, {}),
    ],
    ids=["plain", "dictionaries", "groups, by epoch, accumulated", "bf16", "steps", "reloaded", "one cycle, with its momentum"],
)
def test_a_trial_of_full_length_has_the_losses_of_the_trainer(kind, more):
    module, whole = made(kind), trainer(Losses(), **more)
    trials, accumulate = [], more.get("accumulate_grad_batches", 1)

    def search(task, *, steps, schedule):
        schedule, kept = stepsize.Schedule(schedule, steps=steps), task.save()
        for _ in range(2):
            task.restore(kept)
            task.begin()
            untrained = task.evaluate()
            losses = [task.step(task.first * schedule(at)) for at in range(steps)]
            trials.append((untrained, losses, task.evaluate()))
        task.restore(kept)
        return stepsize.Schedule("constant")

    before = state(module)
    searched(whole, module, {"datamodule": Data()}, lambda fitted: Task(fitted, whole, None, "val_loss", 32), search, None)
    assert same(before, state(module)) and module.epochs == 0
    assert trials[0] == trials[1]
    whole.limit_val_batches = 0  # an evaluation draws from the generators, and that of a trial puts them back
    whole.fit(module, datamodule=Data())
    theirs = next(one for one in whole.callbacks if isinstance(one, Losses)).losses
    batches = more.get("limit_train_batches", 25)
    grouped = [
        theirs[at : min(at + accumulate, epoch * batches + batches)]
        for epoch in range(3)
        for at in range(epoch * batches, (epoch + 1) * batches, accumulate)
    ]
    assert trials[0][1] == [sum(one) / len(one) for one in grouped if one]
    whole.limit_val_batches = 1.0
    judged = whole.validate(module, DataLoader(whole.datamodule.held, 40), verbose=False)
    assert trials[0][2] == pytest.approx(judged[0]["val_loss"], rel=1e-5)


FEW = {"steps": 300, "budget": 2.0, "progress": False}


class Interrupting(Module):
    def training_step(self, batch, index):
        if index == 5:
            raise KeyboardInterrupt
        return super().training_step(batch, index)


def test_it_finds_a_rate_and_leaves_everything_as_it_was():
    module, data, whole = made(WithScheduler), Data(), trainer(Losses(), max_epochs=12)
    module.train()
    before, attributes, of_data, of_trainer = state(module), dict(vars(module)), dict(vars(data)), copy.deepcopy(whole.fit_loop.state_dict())
    events = []
    enough = {**FEW, "budget": 4.0}  # two seeds of so small a job differ much
    estimate = sl.find(whole, module, data, callback=events.append, **enough)
    assert estimate and 1e-4 < estimate.lr < 1.0
    assert same(before, state(module)) and vars(module) == attributes and vars(data) == of_data
    assert whole.fit_loop.state_dict() == of_trainer and not whole.optimizers and not whole.callbacks[0].losses
    assert estimate.to_dict()["schedule"].startswith("linear")  # that of configure_optimizers
    assert {event.kind for event in events} == {"search", "trial", "step", "evaluation", "trial_end", "estimate"}
    again = sl.find(whole, module, data, **enough)
    assert again.lr == estimate.lr  # the same seed and state, the same answer
    assert sl.apply(module, estimate) == module.lr == module.hparams.lr == estimate.lr


def test_an_interruption_leaves_everything_as_it_was_and_is_raised():
    module = made(Interrupting)
    before = state(module)
    with pytest.raises(KeyboardInterrupt):
        sl.find(trainer(), module, Data(), **FEW)
    assert same(before, state(module)) and module._trainer is None


def test_loaders_and_a_module_without_validation_work_too():
    class Bare(pl.LightningModule):
        def __init__(self):
            super().__init__()
            self.net, self.rate = torch.nn.Linear(8, 1), 1e-3

        def training_step(self, batch, _):
            return torch.nn.functional.mse_loss(self.net(batch[0]), batch[1])

        def configure_optimizers(self):
            return torch.optim.SGD(self.parameters(), lr=self.rate)

    data = Data()
    data.setup("fit")
    module = made(Bare)
    estimate = sl.find(trainer(), module, data.train_dataloader(), **FEW)
    assert estimate and estimate.points[0]["loss"] > 0.0
    assert sl.find(trainer(), made(Module), data.train_dataloader(), data.val_dataloader(), **FEW)  # as fit takes them
    with pytest.raises(ValueError, match="give attr_name="):
        sl.apply(module, estimate)
    assert sl.apply(module, estimate, attr_name="rate") == module.rate


def test_the_callback_trains_with_the_rate_that_it_found():
    module, rates = made(ByEpoch), []
    finder = sl.LearningRateFinder(**FEW)

    class Rates(pl.Callback):
        def on_before_optimizer_step(self, trainer, pl_module, optimizer):
            rates.append([group["lr"] for group in optimizer.param_groups])

    whole = trainer(finder, Rates())
    whole.fit(module, datamodule=Data())
    lr = finder.estimate.lr
    assert module.lr == module.hparams.lr == lr and whole.global_step == 75
    assert rates[0] == pytest.approx([lr, lr / 10]) and rates[30] == pytest.approx([lr / 2, lr / 20])


def test_the_callback_and_a_schedule_of_ours_work_together():
    finder, module = sl.LearningRateFinder(**FEW), made(Module)
    whole = trainer(finder, sl.StepsizeCallback("warmup(10%) then linear"), max_epochs=2)
    whole.fit(module, datamodule=Data())
    assert finder.estimate and whole.lr_scheduler_configs[0].scheduler.base_lrs == [finder.estimate.lr]


def test_a_batch_that_the_module_leaves_out_is_no_divergence():
    class Choosy(Module):
        def training_step(self, batch, index):
            return None if index % 5 == 4 else super().training_step(batch, index)

    losses, module = [], made(Choosy)
    found = sl.find(trainer(), module, Data(), callback=lambda event: losses.append(event.loss), steps=120, budget=1.0, progress=False)
    assert found.points and all(math.isfinite(loss) for loss in losses if loss is not None)


def test_errors_name_the_argument_and_come_before_any_training():
    steps = []

    class Counting(Module):
        def training_step(self, batch, index):
            steps.append(index)
            return super().training_step(batch, index)

    module = made(Counting)
    with pytest.raises(ValueError, match="monitor is 'loss', and validation_step logs val_loss"):
        sl.find(trainer(), module, Data(), monitor="loss", **FEW)
    with pytest.raises(TypeError, match="trainer is a Counting"):
        sl.find(module, trainer(), Data(), **FEW)
    with pytest.raises(ValueError, match="give steps="):
        sl.find(trainer(max_epochs=-1), module, Data())
    with pytest.raises(ValueError, match="fast_dev_run"):
        sl.find(trainer(fast_dev_run=True), module, Data())
    with pytest.raises(TypeError, match="stpes= is not an argument"):
        sl.LearningRateFinder(stpes=3)

    class Plateau(Counting):
        def configure_optimizers(self):
            optimizer = super().configure_optimizers()
            plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": plateau, "monitor": "val_loss"}}

    class Two(Counting):
        def configure_optimizers(self):
            return [super(Two, self).configure_optimizers() for _ in range(2)]

    class ByHand(Counting):
        def __init__(self):
            super().__init__()
            self.automatic_optimization = False

    class Nothing(Counting):
        def configure_optimizers(self):
            return None

    class Several(Counting):
        def configure_optimizers(self):
            optimizer = super().configure_optimizers()
            return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, each) for each in (1, 2)]

    for kind, words in ((Nothing, "gives no optimizer, so nothing trains"), (Several, "gives 2 schedulers for one optimizer.*: give schedule=")):
        with pytest.raises(ValueError, match=words):
            sl.find(trainer(), made(kind), Data(), **FEW)
    for kind, words in ((Plateau, "follows a metric.*schedule="), (Two, "multiple optimizers"), (ByHand, "stepsize.find")):
        with pytest.raises((ValueError, RuntimeError), match=words):
            sl.find(trainer(), made(kind), Data(), **FEW)
    assert not steps
    for kind in (Plateau, Several):  # as the errors say
        assert sl.find(trainer(), made(kind), Data(), schedule="constant", **FEW)
