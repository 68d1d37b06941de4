"""``find``, ``range_test`` and ``sensitivity`` on a PyTorch model, in process.

Each trial starts from the weights as they are, takes its own batches in the same order, and is judged on the same
evaluation batches. Groups keep the ratios of their rates; the answer is the rate of the first group.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .. import Estimate, Schedule, _loop
from .._data import Batches, begin, reusable
from .._native import RACE_BUDGET, Search
from .snapshot import Snapshot, generators, keep_rng

__all__ = ["find", "range_test", "sensitivity"]

VAL_BATCHES = 32  # evaluations are a few percent of a trial's batches, and their noise is far below that of one batch


class Training:
    """A task made of a model, a loader and an optimizer. Arguments as those of ``find``."""

    def __init__(
        self,
        model: nn.Module,
        loss_fn: Callable[[Any, Any], Tensor] | None,
        loader: Iterable[Any] | Callable[[], Iterable[Any]],
        optimizer: Any,
        *,
        val_loader: Iterable[Any] | Callable[[], Iterable[Any]] | None,
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
            raise ValueError("give either loss_fn(output, target), for (input, target) batches, or closure(model, batch)")
        if accumulate < 1 or val_batches < 1:
            raise ValueError(f"accumulate and val_batches are at least 1, not {accumulate} and {val_batches}")
        self.model, self.optimizer, self.loader = model, optimizer, loader
        self.accumulate, self.clip, self.scaler = accumulate, clip_grad_norm, scaler
        self.ratios = _ratios(optimizer)
        self.also = [*also, *([scaler] if scaler is not None else [])]
        self.batches = Batches(loader)
        self.count = val_batches
        self.held: Iterable[Any] | None = None if val_loader is None else reusable(val_loader, "val_loader")

    def save(self) -> Snapshot:
        return Snapshot(self.model, self.optimizer, [*self.also, *generators(self.loader)])

    def restore(self, snapshot: Snapshot) -> None:
        snapshot.restore()

    def begin(self) -> None:
        self.batches.rewind()
        self.optimizer.zero_grad(set_to_none=True)  # the caller's gradients are set aside, not written to
        if not self.model.training:  # a model in training mode may have parts that are frozen in another
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
        return _mean_of_all(float(total), 1.0)

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
            raise ValueError("val_loader gives no batch")
        return _mean_of_all(total, weight)

    def _held(self) -> Iterable[Any]:
        """Without validation data: batches of the training data in another order than that of the trials."""
        if self.held is None:
            kept = [(g, g.get_state()) for g in generators(self.loader)]
            self.reseed(torch.initial_seed() % 2**31 + 1)
            self.held = list(itertools.islice(begin(self.loader), self.count))
            for generator, state in kept:
                generator.set_state(state)
        return self.held


def _criterion(loss_fn: Callable[[Any, Any], Tensor]) -> Callable[[nn.Module, Any], Tensor]:
    def loss(model: nn.Module, batch: Any) -> Tensor:
        if not (isinstance(batch, (tuple, list)) and len(batch) == 2):
            raise ValueError(f"loss_fn is for (input, target) batches, not a {type(batch).__name__}: give closure(model, batch)")
        device = next((p.device for p in model.parameters()), torch.device("cpu"))
        inputs, target = (one.to(device) if isinstance(one, Tensor) else one for one in batch)
        return loss_fn(model(inputs), target)

    return loss


def _ratios(optimizer: Any) -> list[float]:
    """Each group's base rate over the first one's; with a scheduler attached the base is the rate it started from."""
    rates = [float(group.get("initial_lr", group["lr"])) for group in optimizer.param_groups]
    if rates[0] > 0.0:
        return [rate / rates[0] for rate in rates]
    if any(rate > 0.0 for rate in rates):
        raise ValueError("the first parameter group has a rate of 0, so the others have no ratio to it")
    return [1.0] * len(optimizer.param_groups)


def _size(batch: Any) -> float:
    """Samples in a batch, where that can be seen; else each batch counts alike."""
    while isinstance(batch, (tuple, list, dict)) and batch:
        batch = next(iter(batch.values())) if isinstance(batch, dict) else batch[0]
    return float(batch.shape[0]) if isinstance(batch, Tensor) and batch.ndim > 0 else 1.0


def _mean_of_all(total: float, weight: float) -> float:
    """The mean over all processes, the same number in each: so all take the same decisions."""
    if torch.distributed.is_available() and torch.distributed.is_initialized():
        on = "cuda" if torch.distributed.get_backend() == "nccl" else "cpu"
        both = torch.tensor([total, weight], dtype=torch.float64, device=on)
        torch.distributed.all_reduce(both)
        total, weight = both.tolist()
    return total / weight


@contextlib.contextmanager
def _own_workers(*loaders: Any) -> Iterator[None]:
    """Persistent workers serve one iterator at a time: the caller's is set aside while ours runs."""
    aside = [(one, one._iterator) for one in loaders if getattr(one, "persistent_workers", False)]
    for loader, _ in aside:
        loader._iterator = None
    try:
        yield
    finally:
        for loader, iterator in aside:
            loader._iterator = iterator


def _search(search: Search, training: Training, planned: float, seed: int, progress: bool | None, val: Any) -> Estimate:
    with _own_workers(training.loader, val):
        return _loop.run(search, training, seed=seed, planned=planned, progress=progress)


def _task(model: nn.Module, optimizer: Any, val_loader: Any) -> str:
    count = sum(p.numel() for p in model.parameters())
    judged = "training batches" if val_loader is None else "validation batches"
    return f"{type(model).__name__}, {count} parameters, {type(optimizer).__name__}, judged on {judged}"


def find(
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Tensor] | None,
    loader: Iterable[Any] | Callable[[], Iterable[Any]],
    optimizer: Any,
    val_loader: Iterable[Any] | Callable[[], Iterable[Any]] | None = None,
    *,
    steps: int,
    schedule: str | Schedule = "constant",
    closure: Callable[[nn.Module, Any], Tensor] | None = None,
    accumulate: int = 1,
    clip_grad_norm: float | None = None,
    scaler: Any = None,
    val_batches: int = VAL_BATCHES,
    also: Sequence[Any] = (),
    lr: float | None = None,
    max_cost: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
) -> Estimate:
    """Finds the rate of the optimizer's first group for a run of ``steps`` under ``schedule``, from the weights as they are.

    Costs about half of the run. Model, optimizer, random generators, modes and gradients are afterwards as they were, bit
    for bit, also after an exception or Ctrl-C; the optimizer's rate is not set. Under ``torch.distributed`` call it in
    every process: losses are averaged and all come to the same answer.

    Args:
        model: Trained in place, and put back.
        loss_fn: ``loss_fn(output, target)`` for batches of ``(input, target)``.
        loader: A data loader, any object that can be iterated over again and again, or a function that returns an iterator.
        optimizer: Its groups keep the ratios of their rates.
        val_loader: What trials are judged on. Without it training batches in another order are, which shows no
            overfitting.
        steps: Optimizer steps of the full run.
        schedule: Shape of the rate over the full run.
        closure: ``closure(model, batch)`` instead of ``loss_fn``: any batch, any loss, autocast.
        accumulate: Batches to an optimizer step.
        clip_grad_norm: As in ``torch.nn.utils.clip_grad_norm_``.
        scaler: A gradient scaler, used and put back.
        val_batches: Most batches of an evaluation.
        also: What else a step changes: see ``Snapshot``.
        lr, max_cost, seed, progress: As in ``stepsize.find``.

    Raises:
        ValueError: When the arguments contradict, or a loader is an iterator that cannot begin again.
    """
    training = Training(
        model, loss_fn, loader, optimizer, val_loader=val_loader, closure=closure, accumulate=accumulate,
        clip_grad_norm=clip_grad_norm, scaler=scaler, val_batches=val_batches, also=also,
    )  # fmt: skip
    search = Search.race(_task(model, optimizer, val_loader), steps, schedule, seed, lr, max_cost)
    return _search(search, training, (max_cost or RACE_BUDGET) * steps, seed, progress, val_loader)


def range_test(
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Tensor] | None,
    loader: Iterable[Any] | Callable[[], Iterable[Any]],
    optimizer: Any,
    val_loader: Iterable[Any] | Callable[[], Iterable[Any]] | None = None,
    *,
    low: float = 1e-6,
    high: float = 10.0,
    iterations: int = 100,
    rule: str = "edge",
    linear: bool = False,
    closure: Callable[[nn.Module, Any], Tensor] | None = None,
    accumulate: int = 1,
    clip_grad_norm: float | None = None,
    scaler: Any = None,
    val_batches: int = VAL_BATCHES,
    also: Sequence[Any] = (),
    progress: bool | None = None,
) -> Estimate:
    """Smith's range test: see ``stepsize.range_test`` for its arguments, ``find`` for the others."""
    training = Training(
        model, loss_fn, loader, optimizer, val_loader=val_loader, closure=closure, accumulate=accumulate,
        clip_grad_norm=clip_grad_norm, scaler=scaler, val_batches=val_batches, also=also,
    )  # fmt: skip
    search = Search.range_test(_task(model, optimizer, val_loader), 0, low, high, iterations, rule, linear)
    return _search(search, training, iterations, 0, progress, val_loader)


def sensitivity(
    model: nn.Module,
    loss_fn: Callable[[Any, Any], Tensor] | None,
    loader: Iterable[Any] | Callable[[], Iterable[Any]],
    optimizer: Any,
    val_loader: Iterable[Any] | Callable[[], Iterable[Any]] | None = None,
    *,
    steps: int,
    low: float,
    high: float,
    per_decade: int = 4,
    seeds: int = 1,
    trial_steps: int | None = None,
    schedule: str | Schedule = "constant",
    closure: Callable[[nn.Module, Any], Tensor] | None = None,
    accumulate: int = 1,
    clip_grad_norm: float | None = None,
    scaler: Any = None,
    val_batches: int = VAL_BATCHES,
    also: Sequence[Any] = (),
    seed: int = 0,
    progress: bool | None = None,
) -> Estimate:
    """Loss over rates: see ``stepsize.sensitivity`` for its arguments, ``find`` for the others.

    Seeds change the order of the data and what the model draws (dropout), not the weights that a run starts from.
    """
    training = Training(
        model, loss_fn, loader, optimizer, val_loader=val_loader, closure=closure, accumulate=accumulate,
        clip_grad_norm=clip_grad_norm, scaler=scaler, val_batches=val_batches, also=also,
    )  # fmt: skip
    task = _task(model, optimizer, val_loader)
    search = Search.grid(task, steps, schedule, seed, low, high, per_decade, seeds, trial_steps)
    rates = math.ceil(math.log10(high / low) * per_decade - 1e-9) + 1
    return _search(search, training, rates * seeds * (trial_steps or steps), seed, progress, val_loader)
