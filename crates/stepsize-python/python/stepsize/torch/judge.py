"""What a trial is judged on: a loss, a score or a function of the caller, on the same batches each
time.
"""

from __future__ import annotations

import inspect
import itertools
import math
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler, SequentialSampler, Subset

from .. import _data
from .._given import checked_function, number
from .._reached import keep_generator
from .processes import largest_of_all, mean_of_all
from .snapshot import keep_rng, reshard

_LEAST_SCORED = 500
"""Fewest samples of a score, if there are so many: it is a coarser reading than a loss."""


_ROUNDING = 1e-6  # of a mean of scores


class Judge:
    """Evaluates a model for a search. The arguments are those of ``find``; ``loss`` is the loss of
    a model and a batch, ``pairs`` whether batches are pairs of tensors, and ``reseed`` seeds the
    order of ``loader``, which may come from ``generators``.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: Any,
        loss: Callable[[nn.Module, Any], Tensor],
        loader: Any,
        val_loader: Any,
        *,
        val_fn: Callable[[nn.Module, Any], Any] | None,
        score: Any,
        average: Any,
        val_batches: int,
        pairs: bool,
        reseed: Callable[[int], Any],
        generators: Sequence[Any],
    ) -> None:
        if val_fn is not None and score is not None:
            raise ValueError("val_fn and score: both given; trials are judged on one of them")
        if isinstance(score, str) and score != "accuracy":
            raise ValueError(f'score is {score!r}; it must be "accuracy" or a function score(model, batch)')
        checked_function(val_fn, "val_fn", "val_fn(model, batch)")
        if not isinstance(score, str):
            checked_function(score, "score", "score(model, batch)")
        if average is not None and (_updater(average) is None or not isinstance(_averaged(average), nn.Module)):
            raise TypeError(
                f"average is a {type(average).__name__}; it must be a module with update_parameters(model) or update(model), as "
                "torch.optim.swa_utils.AveragedModel is"
            )
        self._model, self._optimizer, self._loss, self._average = model, optimizer, loss, average
        self._loader, self._val_loader = loader, val_loader
        self._value = val_fn or loss
        self._scored: Any = accuracy if score == "accuracy" else score
        self._count, self._pairs, self._reseed, self._generators = val_batches, pairs, reseed, generators
        self._held: Iterable[Any] | None = None if val_loader is None else _data.reusable(val_loader, "val_loader")

    @property
    def words(self) -> str:
        """What is judged, as text for people."""
        on = "training batches" if self._val_loader is None else "validation batches"
        by = "by a score, " if self._scored is not None else ""
        return f"judged {by}on {on}" + ("" if self._average is None else " by its average")

    @property
    def models(self) -> list[nn.Module]:
        """What is judged instead of the model."""
        return [] if self._average is None else [_averaged(self._average)]

    def update(self) -> None:
        """Brings the average of the weights up to date, after a step."""
        if self._average is not None:
            update: Any = _updater(self._average)
            takes_the_model = inspect.signature(update).parameters
            update(*([self._model] if takes_the_model else []))

    def __call__(self) -> float | tuple[float, float]:
        """The mean over the batches, in evaluation mode: a loss, or a loss and a score."""
        losses, scores, weight = 0.0, 0.0, 0.0
        scored = False
        with self._evaluating() as judged:
            for batch in itertools.islice(_data.begin(self._batches()), self._count):
                size = size_of(batch)
                loss, score = self._one(judged, batch)
                losses, weight = losses + loss * size, weight + size
                if score is not None:
                    scored, scores = True, scores + score * size
        if weight == 0.0:
            raise ValueError("val_loader gives no batch: it needs at least one")
        score = mean_of_all(scores, weight) if scored else math.nan
        if self._scored is not None:
            # The share that is missed. Half a sample more keeps its logarithm finite.
            return ((1.0 - score) * weight + 0.5) / (weight + 1.0), score
        loss = mean_of_all(losses, weight)
        return (loss, score) if scored else loss

    def _one(self, judged: nn.Module, batch: Any) -> tuple[float, float | None]:
        if self._scored is not None:
            score = number(self._scored(judged, batch), "score", "the mean score of the batch")
            if not -_ROUNDING <= score <= 1.0 + _ROUNDING and math.isfinite(score):
                raise ValueError(f"score gives {score:.4g}; it must be between 0 and 1, such as the share of targets that are met")
            return 0.0, score
        try:
            value = self._value(judged, batch)
        except RuntimeError as fault:
            if "does not require grad" not in str(fault):
                raise
            raise ValueError(
                "trials are judged without gradients, and the function that gives the loss trains something itself (it calls backward): "
                "give val_fn(model, batch), which only computes what to judge by"
            ) from fault
        if isinstance(value, tuple):
            return number(value[0], "val_fn", "the loss"), number(value[1], "val_fn", "the score")
        return number(value, "val_fn", "the loss"), None

    @contextmanager
    def _evaluating(self) -> Iterator[nn.Module]:
        judged = self._model if self._average is None else _averaged(self._average)
        restore_rng = keep_rng()
        modes = [(module, module.training) for module in judged.modules()]
        swaps = callable(getattr(self._optimizer, "eval", None)) and callable(getattr(self._optimizer, "train", None))
        try:
            if swaps:  # a schedule-free optimizer: what it evaluates is not what it trains
                self._optimizer.eval()
            judged.eval()
            with torch.no_grad():
                yield judged
        finally:
            reshard(self._model)
            if swaps:
                self._optimizer.train()
            for module, training in modes:
                module.training = training
            restore_rng()

    def _batches(self) -> Iterable[Any]:
        """The evaluation batches. Without validation data: training batches in another order than
        the trials have.
        """
        if self._held is None:
            kept = [keep_generator(one) for one in self._generators]
            self._reseed(torch.initial_seed() % 2**31 + 1)
            self._held = list(itertools.islice(_data.begin(self._loader), self._count))
            for restore in kept:
                restore()
        return self._held

    def thin(self, steps: float, batch: float, samples: float) -> float:
        """``Task.thin``, where one step takes ``samples`` samples in batches of ``batch``."""
        restore_rng = keep_rng()
        try:
            limit = max(steps * samples / _data.FORWARD, _data.LEAST if self._scored is None else _LEAST_SCORED)
            held = self._batches()
            chosen = _drawn(held, int(limit), self._count, int(batch))
            if chosen is None:
                every = list(itertools.islice(_data.begin(held), self._count))
                chosen = _data.spread(every, limit, size_of, _cut if self._pairs else None)
                thinned = len(chosen) < len(every) or sum(map(size_of, chosen)) < sum(map(size_of, every))
                self._held = chosen if thinned else held
            else:
                self._held = chosen
            price = _data.price_of(chosen, size_of, batch, samples)
        finally:
            restore_rng()
        scored = sum(map(size_of, chosen))
        # Batches of one each are of unknown size.
        if self._scored is not None and len(chosen) < scored < _data.LEAST:
            warnings.warn(
                f"a score of {scored:.0f} samples changes in steps of {1 / scored:.1%}, which hides differences between rates: give more "
                "validation data, or judge by the loss (without score=)",
                stacklevel=2,
            )
        return largest_of_all(price)


def _updater(average: Any) -> Any:
    """What brings an average up to date; ``None`` when there is nothing."""
    return getattr(average, "update_parameters", None) or getattr(average, "update", None)


def _averaged(average: Any) -> Any:
    """The model in an average, or the average itself."""
    return getattr(average, "module", average)


def _drawn(loader: Any, limit: int, count: int, batch: int) -> list[Any] | None:
    """Batches of ``limit`` samples that are drawn from the whole data set of a loader, whose own
    first batches may be of one class; ``None`` for other loaders, or if there are not more samples.
    """
    if not isinstance(loader, DataLoader) or loader.batch_size is None:
        return None
    if type(loader.sampler) not in (SequentialSampler, RandomSampler) or not hasattr(loader.dataset, "__getitem__"):
        return None
    total: int = len(loader.dataset)  # type: ignore[arg-type]
    if min(total, count * loader.batch_size) <= limit:
        return None
    order = torch.randperm(total, generator=torch.Generator().manual_seed(0))[:limit].tolist()
    # Without gradients, twice the training batch fits into memory.
    size = max(loader.batch_size, 2 * batch)
    return list(DataLoader(Subset(loader.dataset, order), size, collate_fn=loader.collate_fn))


def _cut(batch: Any, count: int) -> Any:
    """So many samples of an ``(input, target)`` batch, spread over it, for data that is in order.
    """
    inputs, target = pair_of(batch, "loss_fn", "closure(model, batch)")
    every = max(1, len(target) // count)
    return inputs[::every], target[::every]


def accuracy(model: nn.Module, batch: Any) -> float:
    """Share of the targets of an ``(input, target)`` batch that have the largest output.

    Raises:
        ValueError: When the batch is not such a pair.
    """
    inputs, target = pair_of(batch, 'score="accuracy"', "a function score(model, batch)")
    inputs, target = moved(model, inputs, target)
    return float((model(inputs).argmax(1) == target).double().mean())


def pair_of(batch: Any, what: str, instead: str) -> tuple[Any, Any]:
    """The two parts of an ``(input, target)`` batch.

    Raises:
        ValueError: When it is not one; the message says that ``what`` needs it.
    """
    if not (isinstance(batch, (tuple, list)) and len(batch) == 2):
        raise ValueError(
            f"{what} needs (input, target) batches, and the loader gave a {type(batch).__name__}: give {instead} instead"
        )
    return batch[0], batch[1]


def moved(model: nn.Module, *parts: Any) -> list[Any]:
    """The parts on the device of the model's first parameter."""
    device = next((p.device for p in model.parameters()), torch.device("cpu"))
    return [one.to(device) if isinstance(one, Tensor) else one for one in parts]


def size_of(batch: Any) -> float:
    """Samples in a batch: the length of its first tensor. Without one, every batch counts as 1."""
    while isinstance(batch, (tuple, list, Mapping)) and batch:
        batch = next(iter(batch.values())) if isinstance(batch, Mapping) else batch[0]
    return float(batch.shape[0]) if isinstance(batch, Tensor) and batch.ndim > 0 else 1.0
