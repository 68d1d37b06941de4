"""``Training``: the task of a search on a model, a loader and an optimizer."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from .._answer import base_rates
from .._data import Batches, end_workers, reseed
from .._given import checked_above_zero, checked_count, checked_function
from .._native import Schedule, Trial
from .._task import TaskDefaults
from .broken import diverged
from .checks import check_arguments, check_first_batch, scalar
from .judge import Judge, moved, pair_of, size_of
from .outside import Outside
from .processes import largest_of_all, mean_of_all
from .rates import Followed, Momenta, scales_of
from .snapshot import Snapshot, generators

Loader = Iterable[Any] | Callable[[], Iterable[Any]]


class Training(TaskDefaults):
    """The task of a search. The arguments are those of ``find``.

    ``followed`` is what trials follow of a scheduler beside ``schedule``. With ``group`` only the rate
    of that parameter group is searched; ``rates`` are the base rates of all of them then. ``reach``
    is what leads to everything else that a step changes, instead of the functions and loaders.
    """

    def __init__(
        self,
        model: nn.Module,
        loss_fn: Callable[[Any, Any], Tensor] | None,
        loader: Loader,
        optimizer: Any,
        val_loader: Loader | None = None,
        *,
        closure: Callable[[nn.Module, Any], Tensor] | None = None,
        accumulate: int = 1,
        clip_grad_norm: float | None = None,
        scaler: Any = None,
        val_fn: Callable[[nn.Module, Any], Any] | None = None,
        score: Any = None,
        average: Any = None,
        val_batches: int = 32,
        also: Sequence[Any] = (),
        snapshots: str | None = None,
        schedule: Any = None,
        followed: Followed | None = None,
        group: int | None = None,
        rates: Sequence[float] | None = None,
        reach: Sequence[Any] | None = None,
    ) -> None:
        check_arguments(model, optimizer, {"loader": loader, "val_loader": val_loader}, schedule)
        if (closure is None) == (loss_fn is None):
            both = "neither" if loss_fn is None else "both"
            raise ValueError(
                f"loss_fn and closure: {both} given; give either loss_fn(output, target), for (input, target) batches, "
                "or closure(model, batch)"
            )
        checked_count(accumulate, "accumulate", " of batches")
        checked_count(val_batches, "val_batches", " of batches")
        checked_above_zero(clip_grad_norm, "clip_grad_norm")
        checked_function(loss_fn, "loss_fn", "loss_fn(output, target)")
        checked_function(closure, "closure", "closure(model, batch)")
        if scaler is not None and not (hasattr(scaler, "scale") and hasattr(scaler, "unscale_")):
            raise TypeError(f"scaler is a {type(scaler).__name__}; it must be a gradient scaler, such as torch.amp.GradScaler")
        if isinstance(also, nn.Module) or not isinstance(also, Iterable):
            raise TypeError(f"also is a {type(also).__name__}; it must be a list of what a step changes: also=[...]")
        if snapshots not in (None, "cpu"):
            raise ValueError(f'snapshots is {snapshots!r}; it must be "cpu" or None')
        self.name = "loss_fn" if closure is None else "closure"
        self.loss = _checked(closure or _criterion(loss_fn), self.name)
        self.model, self.optimizer, self.loader, self.val_loader = model, optimizer, loader, val_loader
        self.accumulate, self.clip, self.scaler, self.device = accumulate, clip_grad_norm, scaler, snapshots
        self.ratios, self.group, self.rates = ratios_of(optimizer), group, rates
        self.scales = scales_of(optimizer)
        self.batches, self.loaders = Batches(loader), (loader, val_loader)
        own = [one for one in (scaler, average) if one is not None]
        roots = [loss_fn, closure, val_fn, score, loader, val_loader] if reach is None else reach
        self.outside = Outside(roots, model, optimizer, [*also, *own])
        self.also = [*also, *own, *generators(loader), *generators(val_loader), *self.outside.optimizers, *self.outside.generators]
        self.generators = [*generators(loader), *self.outside.generators]
        self.judge = Judge(
            model, optimizer, self.loss, loader, val_loader, val_fn=val_fn, score=score, average=average,
            val_batches=val_batches, pairs=closure is None, reseed=self.reseed, generators=self.generators,
        )  # fmt: skip
        self._batch, self._base = 1.0, 1.0
        self.followed, self._taken = followed, 0
        self._momenta: Momenta | None = None  # of the trial
        self._own: Schedule | None = None  # of the trial, where its rate has another than the others
        self._on_cpu = all(p.device.type == "cpu" for p in model.parameters())
        self._snapshot: Snapshot | None = None
        self._watched = False  # the first step

    @property
    def description(self) -> str:
        count = sum(p.numel() for p in self.model.parameters())
        return f"{type(self.model).__name__}, {count} parameters, {type(self.optimizer).__name__}, {self.judge.words}"

    def save(self) -> Snapshot:
        self._snapshot = Snapshot(self.model, self.optimizer, self.also, device=self.device, watched=self.outside.modules)
        self._names = self.outside.keep_names()
        return self._snapshot

    def restore(self, snapshot: Snapshot) -> None:
        self._names()
        snapshot.restore()

    def check(self) -> None:
        self._ready()
        batch = self.batches.next()
        self._batch = size_of(batch)
        with torch.enable_grad(), self._watch():
            check_first_batch(self.model, self.optimizer, self.name, batch, self.loss)

    def begin(self, trial: Trial | None = None) -> None:
        self._base = 1.0 if trial is None else trial.lr
        followed = self.followed
        momenta = None if followed is None else followed.momenta
        self._momenta = momenta if trial is None or momenta is None else momenta.of(trial.steps)
        self._own = None if trial is None or followed is None else followed.schedule(trial.lr, trial.steps)
        self._ready()
        changed = self._snapshot.changed() if self._snapshot is not None else []
        if changed:
            raise RuntimeError(
                f"training writes to frozen parameters after the first step ({', '.join(changed[:5])}), which a search does not "
                "copy: give the module that holds them in also="
            )

    def _ready(self) -> None:
        self.batches.rewind()
        end_workers(*self.loaders)
        self._taken = 0
        self.optimizer.zero_grad(set_to_none=True)  # so that nothing writes to the caller's gradients
        if callable(getattr(self.optimizer, "train", None)):
            self.optimizer.train()  # a schedule-free optimizer
        if not self.model.training:  # a model in training mode may hold frozen parts that are in evaluation mode
            self.model.train()

    def reseed(self, seed: int) -> None:
        reseed(seed, self.generators)

    def step(self, lr: float) -> float:
        for group, rate, scale in zip(self.optimizer.param_groups, self._rates(lr), self.scales, strict=True):
            rate *= scale
            if isinstance(group["lr"], Tensor):
                group["lr"].fill_(rate)
            else:
                group["lr"] = rate
        if self._momenta is not None:
            self._momenta.put(self.optimizer, self._taken)
        self._taken += 1
        given = None if self._watched else [float(group["lr"]) for group in self.optimizer.param_groups]
        with torch.enable_grad(), self._watch():
            loss = self._or_nan(self._step, self._taken - 1)
            self.judge.update()
        if given is not None:
            self._check_rates(given)
        self._watched = True
        return mean_of_all(loss, 1.0)

    def _check_rates(self, given: list[float]) -> None:
        """Warns where the first step set rates of its own."""
        now = [float(group["lr"]) for group in self.optimizer.param_groups]
        if now != given:
            warnings.warn(
                f"the training step sets the rate of the optimizer itself (a scheduler, or a warm-up by hand), to {now[0]:.3g}, and the "
                "search sets the rate of the trial again before each step: leave that out, and give the schedule as schedule=",
                stacklevel=2,
            )

    def rate(self, trial: Trial, at: int) -> float:
        return trial.rate(at) if self._own is None else trial.lr * self._own(at)

    def _rates(self, lr: float) -> list[float]:
        if self.group is None or self.rates is None:
            return [lr * ratio for ratio in self.ratios]
        factor = lr / self._base  # of the schedule
        return [lr if at == self.group else rate * factor for at, rate in enumerate(self.rates)]

    def _step(self) -> float:
        """One optimizer step; returns the loss of its batches."""
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
        return float(total)

    def _watch(self) -> Any:
        watch = None if self._watched or self._snapshot is None else self._snapshot.watch()
        return contextlib.nullcontext() if watch is None else watch

    def evaluate(self) -> float | tuple[float, float]:
        judged: float | tuple[float, float] = self._or_nan(self.judge, self._taken)
        return judged

    def _or_nan(self, act: Callable[[], Any], taken: int) -> Any:
        """What ``act`` returns; NaN where it raises because a trial has diverged, in the steps that it
        has ``taken``.
        """
        try:
            return act()
        except (Exception, SystemExit):
            if taken < 1 or not diverged([self.model, *self.judge.models], act):
                raise
            return float("nan")

    def clock(self) -> float:
        return time.process_time() if self._on_cpu else time.perf_counter()

    def thin(self, steps: float) -> float:
        return self.judge.thin(steps, self._batch, self._batch * self.accumulate)

    def agree(self, value: float) -> float:
        return largest_of_all(value)


def _checked(loss: Callable[[nn.Module, Any], Any], name: str) -> Callable[[nn.Module, Any], Tensor]:
    return lambda model, batch: scalar(loss(model, batch), name)


def _criterion(loss_fn: Any) -> Callable[[nn.Module, Any], Any]:
    def loss(model: nn.Module, batch: Any) -> Any:
        inputs, target = moved(model, *pair_of(batch, "loss_fn", "closure(model, batch)"))
        return loss_fn(model(inputs), target)

    return loss


def ratios_of(optimizer: Any) -> list[float]:
    """Base rate of each group over that of the first. With a scheduler attached, the base is the
    rate it started from.
    """
    rates = base_rates(optimizer)
    if rates[0] > 0.0:
        return [rate / rates[0] for rate in rates]
    if any(rate > 0.0 for rate in rates):
        raise ValueError(
            f"the parameter groups have the rates {rates}: the first is 0, so the others have no ratio to it; "
            "give the first group a rate above 0"
        )
    return [1.0] * len(optimizer.param_groups)
