"""The task of a search with a Lightning trainer, and the copy of the trainer that runs it."""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Callable
from typing import Any

import torch

from .. import Answer, Refusal, Schedule, _data
from .._answer import base_rates
from ..torch.snapshot import keep_rng
from ..torch.trainers import keep_attributes, plan_of
from ..torch.training import Training
from .callback import StepsizeCallback

try:
    import lightning.pytorch as pl
    from lightning.pytorch.utilities.model_helpers import is_overridden
except ImportError:  # the other name of the package
    import pytorch_lightning as pl
    from pytorch_lightning.utilities.model_helpers import is_overridden

__all__ = ["Task", "searched"]


def searched(
    trainer: Any,
    module: Any,
    data: dict[str, Any],
    make: Callable[[Any], Task],
    search: Callable[..., Answer | Refusal],
    schedule: str | Schedule | None,
) -> tuple[Task, Answer | Refusal]:
    """Fits the module with a copy of the trainer, and searches where the copy would train."""
    datamodule = [] if data["datamodule"] is None else [data["datamodule"]]
    restore = [keep_rng(), keep_attributes(*module.modules(), *datamodule)]
    fitted = _copied(trainer, module, data)
    found: list[Any] = []

    def run() -> None:
        # What is raised here must not reach the copy, which would end the process for Ctrl-C.
        try:
            task = make(fitted)
            given = task.schedule() if schedule is None else schedule
            found.extend((None, task, search(task, steps=task.steps, schedule=given)))
        except BaseException as fault:
            found[:] = [fault]

    _keep_before_the_first_batch(fitted.fit_loop)
    fitted.fit_loop.run = run
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the full run will say the same
            fitted.fit(module, **data)
    finally:
        for one in reversed(restore):
            one()
    if not found:
        raise ValueError("the trainer did not train: look for a limit of 0 batches, steps or epochs")
    fault, *result = found
    if fault is not None:
        raise fault
    task, estimate = result
    return task, estimate


def _copied(trainer: Any, module: Any, data: dict[str, Any]) -> Any:
    """A copy of the trainer without callbacks and loggers. Module, data and what is left out are
    shared.
    """
    shared = [module, *trainer.callbacks, *trainer.loggers, *(one for one in data.values() if one is not None)]
    for optimizer in trainer.strategy.optimizers:
        shared += [optimizer, *(config.scheduler for config in trainer.strategy.lr_scheduler_configs)]
    for loop in (trainer.fit_loop, trainer.fit_loop.epoch_loop.val_loop):
        shared += [one for one in (loop._data_source.instance, loop._combined_loader, loop._data_fetcher) if one is not None]
    shared += [one for one in (trainer.datamodule, trainer.strategy.model, trainer.strategy.lightning_module) if one is not None]
    copied = copy.deepcopy(trainer, {id(one): one for one in shared})
    copied.callbacks, copied.loggers = [], []
    copied.num_sanity_val_steps = 0
    loop = copied.fit_loop
    for one in (loop, loop.epoch_loop.val_loop):
        one._combined_loader = one._data_fetcher = None
    copied.strategy.optimizers, copied.strategy.lr_scheduler_configs = [], []
    return copied


def _keep_before_the_first_batch(loop: Any) -> None:
    """Makes the loop keep the random generators as they are before it opens its loader, which draws
    from them. ``configure_optimizers`` may be what makes it do so.
    """
    setup = loop.setup_data
    loop.before_the_first_batch = None

    def setup_data() -> None:
        if loop.before_the_first_batch is None:
            loop.before_the_first_batch = keep_rng()
        setup()

    loop.setup_data = setup_data


def _begun_anew(loop: Any) -> None:
    """Undoes what ``load_state_dict`` says of a loop and those in it: that they resume a run. Setting
    ``restarting`` does not, for a run whose length is given in steps.
    """
    loop._restarting = loop._loaded_from_state_dict = False
    for one in vars(loop).values():
        if hasattr(one, "_restarting"):
            _begun_anew(one)


class _Seen(pl.Callback):  # pyright: ignore[reportGeneralTypeIssues] one of two packages
    """Sees what each training batch gave."""

    loss: float | None = None
    """``None`` where ``training_step`` gave none: Lightning leaves such a batch out."""

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if isinstance(outputs, dict):
            outputs = outputs.get("loss")
        # Lightning divides the loss by the number of accumulated batches, and gives it back
        # undivided.
        self.loss = None if outputs is None else float(outputs)


class Task(Training):
    """``trainer`` is the copy, in the middle of its ``fit``; ``given`` the user's."""

    def __init__(
        self, trainer: Any, given: Any, steps: int | None, monitor: str, val_batches: int, snapshots: str | None = None
    ) -> None:
        self.pl, self.given, self.monitor = trainer, given, monitor
        self.loop = trainer.fit_loop
        self.loop.setup_data()
        self.loop.before_the_first_batch()  # each trial opens the loader anew
        optimizers = trainer.strategy.optimizers
        if len(optimizers) != 1:
            raise ValueError(
                f"configure_optimizers gives {len(optimizers)} optimizers; the search takes one: with none nothing trains, and with "
                "several use stepsize.torch.find for one of them"
            )
        if type(optimizers[0]).__name__ == "_MockOptimizer":  # what Lightning takes where a module gives None
            raise ValueError("configure_optimizers gives no optimizer, so nothing trains")
        self.seen = _Seen()
        trainer.callbacks = [self.seen]
        self.schedulers, trainer.strategy.lr_scheduler_configs = trainer.strategy.lr_scheduler_configs, []
        scaler = getattr(trainer.precision_plugin, "scaler", None)
        validates = self._validates()
        super().__init__(
            trainer.lightning_module, None, self._loader(), optimizers[0], closure=lambda module, batch: torch.empty(0),
            also=[] if scaler is None else [scaler], snapshots=snapshots, reach=[self._loader()],
        )  # fmt: skip
        self.judged = f"judged by {monitor}" if validates else "judged by training losses"
        self.first = base_rates(optimizers[0], [one.scheduler for one in self.schedulers])[0]
        if steps is None:
            planned = trainer.estimated_stepping_batches
            if planned == math.inf:
                raise ValueError("the trainer does not know how long the run is: give steps=, or set max_steps or max_epochs")
            steps = int(planned)
        self.steps = steps
        self.loaded = getattr(self.loop, "_last_train_dl_reload_epoch", None)
        self.progress = copy.deepcopy(self.loop.state_dict())
        self.evaluate = (lambda: self._or_nan(self._evaluate, self._taken)) if validates else None  # type: ignore[assignment]
        limit = trainer.limit_val_batches
        trainer.limit_val_batches = min(limit, val_batches) if isinstance(limit, int) or limit == 1.0 else limit
        self.val_batches = val_batches

    @property
    def description(self) -> str:
        count = sum(p.numel() for p in self.model.parameters() if p.requires_grad)
        return f"{type(self.model).__name__}, {count} trained parameters, {type(self.optimizer).__name__}, Lightning, {self.judged}"

    def check(self) -> None:
        """Nothing: ``fit`` has checked what it can, and the first evaluation comes before the first
        step.
        """

    def _loader(self) -> Any:
        loaders = self.loop._combined_loader.flattened
        return loaders[0] if loaders else None

    def _validates(self) -> bool:
        source = self.loop.epoch_loop.val_loop._data_source
        return bool(
            self.pl.limit_val_batches != 0
            and is_overridden("validation_step", self.pl.lightning_module)
            and source.is_defined()
        )

    def schedule(self) -> Schedule | str:
        """The schedule of ``fit``. Trials then also move the momentum as its scheduler does."""
        for callback in self.given.callbacks:
            if isinstance(callback, StepsizeCallback) and callback.schedule is not None:
                return Schedule(callback.schedule, steps=callback.steps or self.steps)
        if not self.schedulers:
            return "constant"
        if len(self.schedulers) > 1:
            raise ValueError(
                f"configure_optimizers gives {len(self.schedulers)} schedulers for one optimizer, and the search follows one: give schedule=, "
                'what they do together, such as schedule="warmup(5%) then cosine"'
            )
        config = self.schedulers[0]
        batches = self.pl.num_training_batches
        epoch = None
        if config.interval == "epoch":
            if batches == math.inf:
                raise ValueError("the scheduler is stepped after epochs, and the training data have no length: give schedule=")
            epoch = max(1, math.ceil(batches / self.pl.accumulate_grad_batches))
        given, self.followed = plan_of(config.scheduler, self.steps, every=config.frequency, epoch=epoch)
        return given

    def _ready(self) -> None:
        super()._ready()
        self.pl.training = True
        self.loop.load_state_dict(copy.deepcopy(self.progress))
        _begun_anew(self.loop)
        if self.loaded is not None:  # under reload_dataloaders_every_n_epochs, what a trial reloads is counted from there
            self.loop._last_train_dl_reload_epoch = self.loaded
        self.epoch_loop = self.loop.epoch_loop
        self.pl.should_stop = False
        self.pl._logger_connector.reset_results()
        self.pl._logger_connector.reset_metrics()
        self.fresh, self.running = True, False

    def _begin_epoch(self) -> None:
        self.loop.on_advance_start()
        fetcher = self.loop._data_fetcher
        if self.fresh:
            iter(fetcher)
            self.loop.reset()
            self.pl.lightning_module.on_train_start()
        self.epoch_loop.reset()
        self.epoch_loop.on_run_start(fetcher)
        self.fresh, self.running = False, True

    def _step(self) -> float:
        losses: list[float] = []
        empty = 0
        while True:
            if not self.running:
                self._begin_epoch()
            try:
                self.epoch_loop.advance(self.loop._data_fetcher)
            except StopIteration:
                empty += 1
                if empty > 1:
                    raise ValueError("the training data give no batch: they need at least one") from None
                self._end_epoch()
                continue
            if self.seen.loss is not None:
                losses.append(self.seen.loss)
            stepped = not self.epoch_loop._should_accumulate()
            if stepped:
                self.epoch_loop._batches_that_stepped += 1
            self.epoch_loop.on_iteration_done()
            if self.epoch_loop._num_ready_batches_reached():
                self._end_epoch()
            if stepped and losses:
                return sum(losses) / len(losses)

    def _end_epoch(self) -> None:
        self.loop.on_advance_end()
        self.loop.on_iteration_done()
        self.running = False

    def _evaluate(self) -> float:
        restore, connector = keep_rng(), self.pl._logger_connector
        first = connector._first_loop_iter
        self.pl.validating = True
        try:
            self.epoch_loop.val_loop.run()
        finally:
            self.pl.training = True
            connector._first_loop_iter = first
            restore()
        metrics = self.pl.callback_metrics
        if self.monitor not in metrics:
            logged = ", ".join(map(str, metrics)) or "nothing"
            raise ValueError(
                f"monitor is {self.monitor!r}, and validation_step logs {logged}: give monitor= one of these, or log the loss with "
                f"self.log({self.monitor!r}, loss)"
            )
        return float(metrics[self.monitor])

    def thin(self, steps: float) -> float:
        loop = self.loop.epoch_loop.val_loop
        loop.setup_data()
        loaders = loop._combined_loader.flattened
        size = max(getattr(one, "batch_size", None) or 1 for one in loaders)
        trained = (getattr(self.loader, "batch_size", None) or size) * self.pl.accumulate_grad_batches
        price, batches = _data.FORWARD * size / trained, sum(min(one, self.val_batches) for one in loop._max_batches)
        if batches * price > steps and isinstance(self.pl.limit_val_batches, int):
            each = max(int(steps / price), math.ceil(_data.LEAST / size)) // len(loaders)
            batches = sum(min(one, max(1, each)) for one in loop._max_batches)
            self.pl.limit_val_batches, loop._combined_loader = max(1, each), None
        return float(batches * price)
