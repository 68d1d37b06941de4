"""stepsize.lightning inside a real Trainer."""

import pathlib

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("lightning")
import lightning.pytorch as pl  # noqa: E402
from lightning.pytorch.callbacks import LearningRateMonitor, ModelCheckpoint  # noqa: E402
from lightning.pytorch.loggers import CSVLogger  # noqa: E402

import stepsize  # noqa: E402
from stepsize.lightning import StepsizeCallback  # noqa: E402
from stepsize.torch import LRScheduler  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")
warned = pytest.warns


class Module(pl.LightningModule):
    def __init__(self, told=(), scheduler=None, lr=0.1):
        super().__init__()
        self.net = torch.nn.Linear(2, 1)
        self.told, self.scheduler, self.lr, self.rates = list(told), scheduler, lr, []

    def configure_optimizers(self):
        optimizer = torch.optim.SGD(self.parameters(), lr=self.lr)
        if self.scheduler is None:
            return optimizer
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": self.scheduler(optimizer), "interval": "step"}}

    def on_before_optimizer_step(self, optimizer):
        self.rates.append(optimizer.param_groups[0]["lr"])

    def training_step(self, batch, _):
        return self.net(batch[0]).pow(2).mean()

    def validation_step(self, batch, _):
        self.log("val_loss", self.told[self.current_epoch] if self.told else 1.0)

    def train_dataloader(self):
        return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(16, 2)), batch_size=4)

    val_dataloader = train_dataloader


def trainer(*callbacks, **more):
    more = {"logger": False, "enable_checkpointing": False, "limit_val_batches": 0, "num_sanity_val_steps": 1, **more}
    return pl.Trainer(
        accelerator="cpu", callbacks=list(callbacks), enable_progress_bar=False, enable_model_summary=False, **more
    )


def reference(text, steps, count=None):
    return [0.1 * stepsize.Schedule(text, steps=steps)(i) for i in range(count or steps)]


def test_it_brings_the_schedule_of_the_whole_run(tmp_path):
    module, monitor = Module(), LearningRateMonitor()
    logger = CSVLogger(tmp_path)
    trainer(StepsizeCallback("warmup(2) then cosine"), monitor, max_epochs=3, logger=logger, log_every_n_steps=1).fit(module)
    assert module.rates == reference("warmup(2) then cosine", 12)  # the trainer's own estimate
    assert "lr-SGD" in (pathlib.Path(logger.log_dir) / "metrics.csv").read_text()


def test_accumulated_batches_make_one_step():
    module = Module()
    trainer(StepsizeCallback("linear"), max_epochs=4, accumulate_grad_batches=2).fit(module)
    assert module.rates == reference("linear", 8)


def test_each_validation_is_reported_to_a_controller_that_multiplies_the_schedule():
    module = Module(told=[1.0, 1.0, 1.0, 0.5])
    callback = StepsizeCallback("linear", 100, controller="plateau_torch(patience=0, factor=0.5)")
    trainer(callback, max_epochs=4, limit_val_batches=1).fit(module)
    linear = reference("linear", 100, 16)
    assert module.rates == pytest.approx([r * f for r, f in zip(linear, [1] * 8 + [0.5] * 4 + [0.25] * 4, strict=True)])


def test_the_modules_own_scheduler_is_reported_to():
    module = Module(
        told=[1.0, 1.0, 1.0],
        scheduler=lambda opt: LRScheduler(opt, "linear", 100, controller="plateau_torch(patience=0, factor=0.5)"),
    )
    trainer(StepsizeCallback(), max_epochs=3, limit_val_batches=1).fit(module)
    assert module.rates[8] == pytest.approx(0.1 * 0.92 * 0.5)
    both = Module(scheduler=lambda opt: LRScheduler(opt, "linear", 100))
    with pytest.raises(ValueError, match="only one of two"):
        trainer(StepsizeCallback("linear"), max_epochs=1).fit(both)
    with pytest.raises(ValueError, match="no scheduler has a controller"):
        trainer(StepsizeCallback(), max_epochs=1, limit_val_batches=1).fit(both)


def test_it_resumes_from_a_checkpoint(tmp_path):
    told = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]

    def callback():
        return StepsizeCallback("linear", 100, controller="plateau_torch(patience=1, factor=0.5)")

    whole = Module(told)
    trainer(callback(), max_epochs=6, limit_val_batches=1).fit(whole)
    first = Module(told)
    keep = ModelCheckpoint(tmp_path, save_on_train_epoch_end=True)
    trainer(callback(), keep, max_epochs=3, limit_val_batches=1, enable_checkpointing=True).fit(first)
    second = Module(told, lr=9.0)  # the checkpoint brings the base
    trainer(callback(), max_epochs=6, limit_val_batches=1).fit(second, ckpt_path=keep.best_model_path)
    assert first.rates + second.rates == whole.rates


def test_it_resumes_from_the_step_of_a_checkpoint_without_it(tmp_path):
    first, keep = Module(), ModelCheckpoint(tmp_path, save_on_train_epoch_end=True)
    trainer(keep, max_epochs=2, enable_checkpointing=True).fit(first)
    second = Module()
    trainer(StepsizeCallback("linear"), max_epochs=4).fit(second, ckpt_path=keep.best_model_path)
    assert second.rates == reference("linear", 16)[8:]


def test_a_broken_metric_is_refused_with_a_warning():
    module = Module(told=[1.0, float("nan"), 0.9])
    callback = StepsizeCallback(controller="plateau(patience=4)", steps=100)
    with warned(UserWarning, match="val_loss is refused"):
        trainer(callback, max_epochs=3, limit_val_batches=1).fit(module)
    assert module.rates == [0.1] * 12
    with pytest.raises(ValueError, match="'nothing_like_it' is not logged"):
        callback = StepsizeCallback(controller="plateau", monitor="nothing_like_it", steps=100)
        trainer(callback, max_epochs=1, limit_val_batches=1).fit(Module())


def test_a_run_of_unknown_length_needs_its_steps():
    with pytest.raises(ValueError, match="how long"):
        trainer(StepsizeCallback("linear"), max_epochs=-1).fit(Module())
