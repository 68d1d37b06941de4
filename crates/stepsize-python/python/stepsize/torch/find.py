"""``find``, ``range_test`` and ``sweep`` on a PyTorch model, in the process of the training code.

Each trial starts from the current weights, sees the batches in the same order, and is judged on the
same evaluation batches. Parameter groups keep the ratios of their rates; the answer is the rate of
the first group.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .. import Estimate, Schedule, _defaults, _search
from .._data import Batches, begin, reusable
from .._native import Trial
from .._renamed import find_names, range_test_names
from .._task import TaskDefaults
from .snapshot import Snapshot, generators, keep_rng

__all__ = ["find", "range_test", "sensitivity", "sweep"]

_Loader = Iterable[Any] | Callable[[], Iterable[Any]]


class Training(TaskDefaults):
    """The task of a search, on a model, a loader and an optimizer. The arguments are those of
    ``find``.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: Callable[[Any, Any], Tensor] | None,
        loader: _Loader,
        optimizer: Any,
        val_loader: _Loader | None,
        *,
        closure: Callable[[nn.Module, Any], Tensor] | None,
        accumulate: int,
        clip_grad_norm: float | None,
        scaler: Any,
        val_batches: int,
        also: Sequence[Any],
    ) -> None:
        if closure is not None and loss_fn is None:
            self.loss = closure
        elif loss_fn is not None and closure is None:
            self.loss = _criterion(loss_fn)
        else:
            both = "neither" if loss_fn is None else "both"
            raise ValueError(
                f"loss_fn and closure: {both} given; give either loss_fn(output, target), for (input, target) batches, "
                "or closure(model, batch)"
            )
        if accumulate < 1 or val_batches < 1:
            raise ValueError(f"accumulate and val_batches must be at least 1, not {accumulate} and {val_batches}")
        self.model, self.optimizer, self.loader, self.val_loader = model, optimizer, loader, val_loader
        self.accumulate, self.clip, self.scaler = accumulate, clip_grad_norm, scaler
        self.ratios = _ratios(optimizer)
        self.also = [*also, *([scaler] if scaler is not None else [])]
        self.batches = Batches(loader)
        self.count = val_batches
        self.held: Iterable[Any] | None = None if val_loader is None else reusable(val_loader, "val_loader")

    @property
    def description(self) -> str:
        count = sum(p.numel() for p in self.model.parameters())
        judged = "training batches" if self.val_loader is None else "validation batches"
        return f"{type(self.model).__name__}, {count} parameters, {type(self.optimizer).__name__}, judged on {judged}"

    def save(self) -> Snapshot:
        return Snapshot(self.model, self.optimizer, [*self.also, *generators(self.loader)])

    def restore(self, snapshot: Snapshot) -> None:
        snapshot.restore()

    def begin(self, trial: Trial) -> None:
        self.batches.rewind()
        self.optimizer.zero_grad(set_to_none=True)  # so that nothing writes to the caller's gradients
        if not self.model.training:  # a model in training mode may hold frozen parts that are in evaluation mode
            self.model.train()

    def reseed(self, seed: int) -> None:
        torch.manual_seed(seed)
        for generator in generators(self.loader):
            generator.manual_seed(seed)

    def step(self, lr: float) -> float:
        for group, ratio in zip(self.optimizer.param_groups, self.ratios, strict=True):
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(lr * ratio)
            else:
                group["lr"] = lr * ratio
        total: Tensor | float = 0.0
        self.optimizer.zero_grad(set_to_none=True)
        for _ in range(self.accumulate):
            loss = self.loss(self.model, self.batches.next()) / self.accumulate
            (loss if self.scaler is None else self.scaler.scale(loss)).backward()
            total = total + loss.detach()
        if self.clip is not None:
            if self.scaler is not None:
                self.scaler.unscale_(self.optimizer)
            nn.utils.clip_grad_norm_(self.model.parameters(), self.clip)
        if self.scaler is None:
            self.optimizer.step()
        else:
            self.scaler.step(self.optimizer)
            self.scaler.update()
        return mean_of_all(float(total), 1.0)

    def evaluate(self) -> float:
        restore_rng = keep_rng()
        modes = [(module, module.training) for module in self.model.modules()]
        total, weight = 0.0, 0.0
        try:
            self.model.eval()
            with torch.no_grad():
                for batch in itertools.islice(begin(self._held()), self.count):
                    size = _size(batch)
                    total += float(self.loss(self.model, batch)) * size
                    weight += size
        finally:
            for module, training in modes:
                module.training = training
            restore_rng()
        if weight == 0.0:
            raise ValueError("val_loader gives no batch: it needs at least one")
        return mean_of_all(total, weight)

    def _held(self) -> Iterable[Any]:
        """The evaluation batches. Without validation data: training batches in another order than
        the trials have.
        """
        if self.held is None:
            kept = [(g, g.get_state()) for g in generators(self.loader)]
            self.reseed(torch.initial_seed() % 2**31 + 1)
            self.held = list(itertools.islice(begin(self.loader), self.count))
            for generator, state in kept:
                generator.set_state(state)
        return self.held

    @contextlib.contextmanager
    def own_workers(self) -> Iterator[None]:
        """Hides the caller's iterators from the search: persistent workers serve only one iterator
        at a time.
        """
        both: list[Any] = [self.loader, self.val_loader]
        loaders = [loader for loader in both if getattr(loader, "persistent_workers", False)]
        iterators = [loader._iterator for loader in loaders]
        for loader in loaders:
            loader._iterator = None
        try:
            yield
        finally:
            for loader, iterator in zip(loaders, iterators, strict=True):
                loader._iterator = iterator


def _criterion(loss_fn: Callable[[Any, Any], Tensor]) -> Callable[[nn.Module, Any], Tensor]:
    def loss(model: nn.Module, batch: Any) -> Tensor:
        if not (isinstance(batch, (tuple, list)) and len(batch) == 2):
            raise ValueError(
                f"loss_fn needs (input, target) batches, and the loader gave a {type(batch).__name__}: "
                "give closure(model, batch) instead of loss_fn"
            )
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        inputs, target = (one.to(device) if isinstance(one, Tensor) else one for one in batch)
        return loss_fn(model(inputs), target)

    return loss


def _ratios(optimizer: Any) -> list[float]:
    """Base rate of each group over that of the first. With a scheduler attached, the base is the
    rate it started from.
    """
    rates = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
    if rates[0] > 0.0:
        return [rate / rates[0] for rate in rates]
    if any(rate > 0.0 for rate in rates):
        raise ValueError(
            f"the parameter groups have the rates {rates}: the first is 0, so the others have no ratio to it; "
            "give the first group a rate above 0"
        )
    return [1.0] * len(optimizer.param_groups)


def _size(batch: Any) -> float:
    """Samples in a batch: the length of its first tensor. Without one, every batch counts as 1."""
    while isinstance(batch, (tuple, list, dict)) and batch:
        batch = next(iter(batch.values())) if isinstance(batch, dict) else batch[0]
    return float(batch.shape[0]) if isinstance(batch, Tensor) and batch.ndim > 0 else 1.0


def mean_of_all(total: float, weight: float) -> float:
    """``total / weight`` over all processes: the same number in each, so that all take the same
    decisions.
    """
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        on = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
        both = torch.tensor([total, weight], dtype=torch.float64, device=on)
        torch.distributed.all_reduce(both)
        total, weight = both.tolist()
    return total / weight


@find_names
def find(
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Tensor] | None,
    loader: _Loader,
    optimizer: Any,
    val_loader: _Loader | None = None,
    *,
    steps: int,
    schedule: str | Schedule = "constant",
    closure: Callable[[nn.Module, Any], Tensor] | None = None,
    accumulate: int = 1,
    clip_grad_norm: float | None = None,
    scaler: Any = None,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    start: float | None = None,
    budget: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Estimate:
    """Finds the rate of the optimizer's first parameter group for a full run of ``steps`` under
    ``schedule``.

    The search starts from the current weights and takes about two thirds of the steps of one full run.
    Afterwards model, optimizer, gradients, modes and random generators are bit for bit as before,
    also after an exception or Ctrl-C. The rate of the optimizer is not set. Under
    ``torch.distributed``, call it in every process: losses are averaged, and every process gets the
    same answer.

    Args:
        model: Trained in place, and put back.
        loss_fn: ``loss_fn(output, target)`` for batches of ``(input, target)``; it returns a scalar
            tensor.
        loader: Training batches: a data loader, any object that can be iterated over again and
            again, or a function that returns an iterator.
        optimizer: A PyTorch optimizer over the model's parameters. Its groups keep the ratios of
            their rates.
        val_loader: Batches to judge trials on, in the same forms as ``loader``. Without it, trials
            are judged on training batches in another order, which does not show overfitting.
        steps: Optimizer steps of the full run.
        schedule: The schedule of the full run: notation or a ``Schedule``.
        closure: ``closure(model, batch)`` returns the loss. Use it instead of ``loss_fn`` for other
            batches, several losses, or autocast.
        accumulate: Batches of one optimizer step.
        clip_grad_norm: Largest norm of the gradient, as in ``torch.nn.utils.clip_grad_norm_``.
        scaler: A gradient scaler. The search uses it and puts it back.
        val_batches: The most batches of one evaluation.
        also: Other objects that a step changes: see ``Snapshot``.
        start, budget, seed, progress: As in ``stepsize.find``.

    Raises:
        ValueError: When an argument is out of range, both or neither of ``loss_fn`` and ``closure``
            are given, or a loader is an iterator, which cannot start again.

    Example::

        estimate = stepsize.torch.find(
            model, nn.functional.cross_entropy, loader, optimizer, val_loader, steps=10_000, schedule="cosine"
        )
        print(estimate)
    """
    training = Training(
        model, loss_fn, loader, optimizer, val_loader, closure=closure, accumulate=accumulate,
        clip_grad_norm=clip_grad_norm, scaler=scaler, val_batches=val_batches, also=also,
    )  # fmt: skip
    with training.own_workers():
        return _search.run_find(
            training, steps=steps, schedule=schedule, start=start, budget=budget, seed=seed, progress=progress
        )


@range_test_names
def range_test(
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Tensor] | None,
    loader: _Loader,
    optimizer: Any,
    val_loader: _Loader | None = None,
    *,
    low: float = _defaults.LOW,
    high: float = _defaults.HIGH,
    trial_steps: int = _defaults.RANGE_TEST_STEPS,
    rule: str = "edge",
    linear: bool = False,
    closure: Callable[[nn.Module, Any], Tensor] | None = None,
    accumulate: int = 1,
    clip_grad_norm: float | None = None,
    scaler: Any = None,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    progress: bool | None = None,
) -> Estimate:
    """Smith's range test: one short run on a rising rate.

    ``stepsize.range_test`` describes the arguments from ``low`` to ``linear``, ``find`` the others.

    Example::

        test = stepsize.torch.range_test(model, nn.functional.cross_entropy, loader, optimizer, rule="fastai_valley")
        test.plot()
    """
    training = Training(
        model, loss_fn, loader, optimizer, val_loader, closure=closure, accumulate=accumulate,
        clip_grad_norm=clip_grad_norm, scaler=scaler, val_batches=val_batches, also=also,
    )  # fmt: skip
    with training.own_workers():
        return _search.run_range_test(
            training, low=low, high=high, trial_steps=trial_steps, rule=rule, linear=linear, progress=progress
        )


def sweep(
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Tensor] | None,
    loader: _Loader,
    optimizer: Any,
    val_loader: _Loader | None = None,
    *,
    steps: int,
    low: float,
    high: float,
    per_decade: int = _defaults.PER_DECADE,
    seeds: int = 1,
    trial_steps: int | None = None,
    schedule: str | Schedule = "constant",
    closure: Callable[[nn.Module, Any], Tensor] | None = None,
    accumulate: int = 1,
    clip_grad_norm: float | None = None,
    scaler: Any = None,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    seed: int = 0,
    progress: bool | None = None,
) -> Estimate:
    """Sensitivity analysis: trains at every rate of a grid and reports the loss of each.

    ``stepsize.sweep`` describes the arguments from ``low`` to ``trial_steps``, ``find`` the others.
    A seed changes the order of the data and what the model draws (dropout). It does not change the
    weights that a trial starts from.

    Example::

        table = stepsize.torch.sweep(
            model, nn.functional.cross_entropy, loader, optimizer, val_loader, steps=10_000, low=1e-4, high=1e-1
        )
        print([(point["lr"], point["loss"]) for point in table.points])
    """
    training = Training(
        model, loss_fn, loader, optimizer, val_loader, closure=closure, accumulate=accumulate,
        clip_grad_norm=clip_grad_norm, scaler=scaler, val_batches=val_batches, also=also,
    )  # fmt: skip
    with training.own_workers():
        return _search.run_sweep(
            training, steps=steps, schedule=schedule, low=low, high=high, per_decade=per_decade, seeds=seeds,
            trial_steps=trial_steps, seed=seed, progress=progress,
        )  # fmt: skip


sensitivity = sweep  # the older name
