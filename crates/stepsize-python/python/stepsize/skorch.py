"""``find`` and a callback for skorch: ``train_step`` of the net takes the steps."""

from __future__ import annotations

from typing import Any, Literal

import sklearn.base
import skorch
from skorch.dataset import unpack_data
import torch
from torch import nn

from . import Answer, Refusal, Schedule, _defaults, _search
from ._event import Callback
from .torch.snapshot import keep_rng
from .torch.rates import Followed
from .torch.trainers import keep_attributes, plan_of, stand_in
from .torch.training import Training

__all__ = ["LearningRateFinder", "find"]


def find(
    net: Any,
    X: Any,
    y: Any = None,
    *,
    steps: int | None = None,
    epochs: float | None = None,
    schedule: str | Schedule | None = None,
    val_batches: int = _defaults.VAL_BATCHES,
    start: float | None = None,
    budget: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
    max_seconds: float | None = None,
    on_refusal: Literal["return", "raise"] = "return",
    **fit_params: Any,
) -> Answer | Refusal:
    """Finds ``lr`` for ``net.fit(X, y)``.

    A step is ``net.train_step``: the net's own criterion and the callbacks that change gradients
    (``GradientNormClipping``). Callbacks for batches and epochs are not called; an ``LRScheduler``
    is read, with the momentum that it cycles. A net that is not
    initialized stays so. Afterwards module, optimizer and random generators are as before.

    Args:
        net: A ``skorch.NeuralNet``. With a ``train_split`` trials are judged on the data that it
            splits off, else on training batches in another order, which does not show overfitting.
        X, y: Data, as ``fit`` takes them.
        steps, epochs: Length of the full run; by default the net's ``max_epochs``.
        schedule: The schedule of the full run: notation or a ``Schedule``. By default that of the
            net's ``LRScheduler`` callback, else constant.
        val_batches: The most batches of one evaluation.
        start, budget, seed, progress, callback, max_seconds, on_refusal: As in ``stepsize.find``.
        **fit_params: Of the module, as ``fit`` takes them.

    Raises:
        TypeError: When ``net`` is not a net of skorch.
        ValueError: When an argument is out of range, or an ``LRScheduler`` follows a metric.
        RefusedError: With ``on_refusal="raise"``, when the search refused.

    Example::

        net.set_params(lr=stepsize.skorch.find(net, X, y).require())
        net.fit(X, y)
    """
    if not isinstance(net, skorch.NeuralNet):
        raise TypeError(f"net is a {type(net).__name__}; it must be a skorch.NeuralNet: find(net, X, y)")
    restore = keep_rng()
    made: Any = sklearn.base.clone(net) if not net.initialized_ else net
    try:
        if made is not net:
            made.initialize()
        made.check_data(X, y)
        train, held = made.get_split_datasets(X, y, **fit_params)
        return _found(
            made, train, held, fit_params, steps=steps, epochs=epochs, schedule=schedule, val_batches=val_batches, start=start,
            budget=budget, seed=seed, progress=progress, callback=callback, max_seconds=max_seconds, on_refusal=on_refusal,
        )  # fmt: skip
    finally:
        restore()


class LearningRateFinder(skorch.callbacks.Callback):
    """Searches at the beginning of ``fit``, and trains with the rate: ``net.lr`` is set too.

    ``partial_fit`` of a net that was trained before does not search.

    Args:
        **options: Arguments of ``find``, from ``steps`` on. A refusal raises, unless ``on_refusal``
            is ``"return"``; the net then keeps its rate.

    Attributes:
        estimate_: The answer, after ``fit``.

    Example::

        finder = stepsize.skorch.LearningRateFinder()
        net = NeuralNetClassifier(Module, max_epochs=20, callbacks=[finder])
    """

    def __init__(self, **options: Any) -> None:
        self.options = options

    def __repr__(self) -> str:
        return f"LearningRateFinder(estimate={getattr(self, 'estimate_', None)!r})"

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """For scikit-learn's ``clone``."""
        return dict(self.options)

    def set_params(self, **params: Any) -> Any:
        """For scikit-learn's ``clone``."""
        self.options.update(params)
        return self

    def on_train_begin(self, net: Any, X: Any = None, y: Any = None, **fit_params: Any) -> None:
        """For skorch: called when the module is made."""
        if len(net.history) > 0:
            return
        restore = keep_rng()
        try:
            train, held = net.get_split_datasets(X, y)
            self.estimate_ = _found(net, train, held, {}, **{"on_refusal": "raise", **self.options})
        finally:
            restore()
        if self.estimate_:
            _set(net, self.estimate_)


def _found(net: Any, train: Any, held: Any, fit_params: Any, **options: Any) -> Answer | Refusal:
    loaders = net.get_iterator(train, training=True), None if held is None else net.get_iterator(held, training=False)
    steps, epochs = options.pop("steps", None), options.pop("epochs", None)
    if steps is None and epochs is None:
        epochs = net.max_epochs
    steps = _search.steps_of(steps, epochs, len(loaders[0]))
    schedule, followed = options.pop("schedule", None), None
    if schedule is None:
        schedule, followed = _planned(net, steps, len(loaders[0]))
    restore = keep_attributes(net)
    task = _Task(net, loaders[0], loaders[1], fit_params, options.pop("val_batches", _defaults.VAL_BATCHES))
    try:
        task.followed = followed
        found: Answer | Refusal = _search.run_find(task, steps=steps, schedule=schedule, **options)
        return found
    finally:
        restore()


def _schedulers(net: Any) -> list[Any]:
    return [one for _, one in net.callbacks_ if isinstance(one, skorch.callbacks.LRScheduler)]


def _planned(net: Any, steps: int, epoch: int) -> tuple[Schedule | str, Followed | None]:
    """The schedule of ``fit``, and the momentum that it cycles."""
    given = _schedulers(net)
    if not given:
        return "constant", None
    if len(given) > 1:
        raise ValueError(f"the net has {len(given)} LRScheduler callbacks for one optimizer: give schedule=")
    optimizer = getattr(net, f"{net._optimizers[0]}_")

    def make(lr: float | None) -> Any:
        return given[0]._get_policy_cls()(stand_in(optimizer, lr), **given[0].kwargs)

    cycles = "max_lr" in given[0].kwargs  # then the rate is not that of the optimizer
    return plan_of(make(None), steps, epoch=epoch if given[0].step_every == "epoch" else None, make=None if cycles else make)


def _set(net: Any, estimate: Answer | Refusal) -> None:
    """Sets the rate of a net whose optimizer is made, and what its scheduler keeps of it."""
    lr = estimate.require()
    for one in _schedulers(net):
        if getattr(one, "lr_scheduler_", None) is not None:  # it began before this callback
            estimate.apply(getattr(net, f"{net._optimizers[0]}_"), one.lr_scheduler_)
            net.lr = lr
            return
        if "max_lr" in one.kwargs:
            one.max_lr = lr
    net.set_params(lr=lr)


class _Task(Training):
    def __init__(self, net: Any, loader: Any, val_loader: Any, fit_params: Any, val_batches: int) -> None:
        optimizers = [getattr(net, f"{name}_") for name in net._optimizers]
        if len(optimizers) != 1:
            raise ValueError(f"the net has {len(optimizers)} optimizers ({', '.join(net._optimizers)}); the search takes one")
        self.net, self.fit_params = net, fit_params
        parts = [getattr(net, f"{name}_") for name in [*net._modules, *net._criteria]]
        others = [one for one in parts if isinstance(one, nn.Module) and one is not net.module_]
        super().__init__(
            net.module_, None, loader, optimizers[0], val_loader, closure=self._loss_of, val_batches=val_batches, also=others,
            reach=[loader, val_loader],
        )  # fmt: skip

    def _loss_of(self, module: nn.Module, batch: Any) -> torch.Tensor:
        inputs, target = unpack_data(batch)
        predicted = self.net.infer(inputs, **self.fit_params)
        loss: torch.Tensor = self.net.get_loss(predicted, target, X=inputs, training=module.training)
        return loss

    def _step(self) -> float:
        loss: torch.Tensor = self.net.train_step(self.batches.next(), **self.fit_params)["loss"]
        return float(loss.detach())


