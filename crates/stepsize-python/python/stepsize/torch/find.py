"""``find``, ``range_test`` and ``sweep`` on a PyTorch model, in the process of the training code.

Each trial starts from the current weights, sees the batches in the same order, and is judged on the
same evaluation batches. Parameter groups keep the ratios of their rates; the answer is the rate of
the first group.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, overload

from torch import Tensor, nn

from .. import _data, _defaults, _search
from .._event import Callback
from .._native import Answer, Refusal, Schedule
from .._renamed import find_names, range_test_names
from .groups import GroupEstimates, each_group
from .trainers import planned
from .training import Loader, Training

__all__ = ["find", "range_test", "sensitivity", "sweep"]

_Loss = Callable[[Any, Any], Tensor] | None
_Closure = Callable[[nn.Module, Any], Tensor] | None
_ValFn = Callable[[nn.Module, Any], Any] | None
_Score = Literal["accuracy"] | Callable[[nn.Module, Any], Any] | None
_Start = float | None
_OnRefusal = Literal["return", "raise"]


@overload
def find(
    model: nn.Module, loss_fn: _Loss, loader: Loader, optimizer: Any, val_loader: Loader | None = ..., *,
    steps: int | None = ..., epochs: float | None = ..., schedule: str | Schedule | None = ..., scheduler: Any = ...,
    scheduler_interval: Literal["step", "epoch"] | None = ...,
    closure: _Closure = ..., accumulate: int = ..., clip_grad_norm: float | None = ..., scaler: Any = ..., val_fn: _ValFn = ...,
    score: _Score = ..., average: Any = ..., val_batches: int = ..., also: Sequence[Any] = ..., snapshots: Literal["cpu"] | None = ...,
    groups: Literal["ratio"] = ..., start: float | None = ..., budget: float | None = ..., max_seconds: float | None = ...,
    seed: int = ..., progress: bool | None = ..., callback: Callback | None = ..., on_refusal: Literal["raise"],
) -> Answer: ...  # fmt: skip
@overload
def find(
    model: nn.Module, loss_fn: _Loss, loader: Loader, optimizer: Any, val_loader: Loader | None = ..., *,
    steps: int | None = ..., epochs: float | None = ..., schedule: str | Schedule | None = ..., scheduler: Any = ...,
    scheduler_interval: Literal["step", "epoch"] | None = ...,
    closure: _Closure = ..., accumulate: int = ..., clip_grad_norm: float | None = ..., scaler: Any = ..., val_fn: _ValFn = ...,
    score: _Score = ..., average: Any = ..., val_batches: int = ..., also: Sequence[Any] = ..., snapshots: Literal["cpu"] | None = ...,
    groups: Literal["ratio"] = ..., start: float | None = ..., budget: float | None = ..., max_seconds: float | None = ...,
    seed: int = ..., progress: bool | None = ..., callback: Callback | None = ..., on_refusal: Literal["return", "raise"] = ...,
) -> Answer | Refusal: ...  # fmt: skip
@overload
def find(
    model: nn.Module, loss_fn: _Loss, loader: Loader, optimizer: Any, val_loader: Loader | None = ..., *,
    steps: int | None = ..., epochs: float | None = ..., schedule: str | Schedule | None = ..., scheduler: Any = ...,
    scheduler_interval: Literal["step", "epoch"] | None = ...,
    closure: _Closure = ..., accumulate: int = ..., clip_grad_norm: float | None = ..., scaler: Any = ..., val_fn: _ValFn = ...,
    score: _Score = ..., average: Any = ..., val_batches: int = ..., also: Sequence[Any] = ..., snapshots: Literal["cpu"] | None = ...,
    groups: Literal["each"], start: float | None = ..., budget: float | None = ..., max_seconds: float | None = ...,
    seed: int = ..., progress: bool | None = ..., callback: Callback | None = ..., on_refusal: Literal["return", "raise"] = ...,
) -> GroupEstimates: ...  # fmt: skip
@find_names
def find(
    model: nn.Module,
    loss_fn: _Loss,
    loader: Loader,
    optimizer: Any,
    val_loader: Loader | None = None,
    *,
    steps: int | None = None,
    epochs: float | None = None,
    schedule: str | Schedule | None = None,
    scheduler: Any = None,
    scheduler_interval: Literal["step", "epoch"] | None = None,
    closure: _Closure = None,
    accumulate: int = 1,
    clip_grad_norm: float | None = None,
    scaler: Any = None,
    val_fn: _ValFn = None,
    score: _Score = None,
    average: Any = None,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    snapshots: Literal["cpu"] | None = None,
    groups: Literal["ratio", "each"] = "ratio",
    start: float | None = None,
    budget: float | None = None,
    max_seconds: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
    on_refusal: Literal["return", "raise"] = "return",
) -> Answer | Refusal | GroupEstimates:
    """Finds the rate of the optimizer's first parameter group for a full run of ``steps`` under
    ``schedule``.

    The search starts from the current weights and takes about two thirds of the steps of one full
    run, and evaluations on top. Afterwards everything is bit for bit as before, also after an
    exception or Ctrl-C: the model with its plain attributes, what the optimizer holds, gradients,
    modes and random generators. The rate of the optimizer is not set: ``estimate.apply(optimizer)``
    does that.

    Under ``torch.distributed``, call it in every process: losses are averaged, and every process
    gets the same answer. DistributedDataParallel and ``fully_shard`` (FSDP2) work; FSDP1,
    DataParallel and DeepSpeed engines are refused.

    Args:
        model: Trained in place, and put back.
        loss_fn: ``loss_fn(output, target)`` for batches of ``(input, target)``; it returns a scalar
            tensor.
        loader: Training batches: a data loader, any object that can be iterated over again and
            again, or a function that returns an iterator.
        optimizer: A PyTorch optimizer over the model's parameters; it may hold others too, which
            are put back as well.
        val_loader: Batches to judge trials on, in the same forms as ``loader``. Without it, trials
            are judged on training batches in another order, which does not show overfitting.
        steps: Optimizer steps of the full run.
        epochs: The same in passes over ``loader``, if it has a length. Give one of the two.
        schedule: The schedule of the full run: notation or a ``Schedule``. By default that of
            ``scheduler``, else constant.
        scheduler: Instead of ``schedule``: a scheduler of PyTorch at its start that is stepped after
            each optimizer step, such as ``OneCycleLR``. Trials move the momentum as it does, and an
            end rate (``eta_min``) stays where it is. The answer is its highest rate where it has a
            ``max_lr``; give it to ``estimate.apply`` too.
            With ``schedule`` instead, an attached scheduler that cycles the momentum is followed
            too: the momentum goes against the rate.
        scheduler_interval: ``"epoch"`` when the run steps ``scheduler`` after each pass over
            ``loader``. By default after each optimizer step, with a warning where it does not look
            made for that.
        closure: ``closure(model, batch)`` returns the loss. Use it instead of ``loss_fn`` for other
            batches, several losses, or autocast.
        accumulate: Batches of one optimizer step.
        clip_grad_norm: Largest norm of the gradient, as in ``torch.nn.utils.clip_grad_norm_``.
        scaler: A gradient scaler. The search uses it and puts it back.
        val_fn: ``val_fn(model, batch)`` returns what trials are judged on instead of the training
            loss: a number, less is better, or ``(number, score)``. It is called without gradients,
            in evaluation mode.
        score: Judges trials by a score between 0 and 1 instead, more is better: ``"accuracy"``, or
            ``score(model, batch)``, the mean over the batch. The losses of the estimate are then
            the share that is missed, ``1 - score``. A score needs some hundred samples: that of a few
            changes in large steps.
        average: An average of the weights, such as ``torch.optim.swa_utils.AveragedModel(model)``.
            It is updated after each step, judged instead of the model, and put back.
        val_batches: The most batches of one evaluation. Short trials are judged on fewer, so that
            evaluations take at most about a quarter of a trial.
        also: Other objects that a step changes: see ``Snapshot``. Modules, optimizers, random
            generators and counters that functions, loaders and hooks refer to are found without it.
        snapshots: ``"cpu"`` keeps the copies of what is trained in the memory of the host.
        groups: ``"ratio"`` keeps the ratios of the groups' rates. ``"each"`` finds the rate of each
            group, one after the other, for the price of as many searches, and returns a
            ``GroupEstimates``.
        start, budget, max_seconds, seed, progress, callback, on_refusal: As in ``stepsize.find``;
            in the budget an evaluated sample counts as 0.42 of a trained one, or more where the
            clock says so.

    Raises:
        TypeError: When an argument is of a kind that cannot work.
        ValueError: When an argument is out of range, both or neither of ``loss_fn`` and ``closure``
            are given, a loader is an iterator, which cannot start again, the optimizer holds none
            of the model's parameters, or the loss of the first batch is not finite.
        RefusedError: With ``on_refusal="raise"``, when the evidence supports no answer.
        Exception: Whatever your functions raise, after everything is put back. Where the model
            gives NaN, or its weights are not finite, that counts as divergence.

    Example::

        estimate = stepsize.torch.find(
            model, nn.functional.cross_entropy, loader, optimizer, val_loader, epochs=10, schedule="cosine"
        )
        print(estimate)
        estimate.apply(optimizer)
    """
    if groups not in ("ratio", "each"):
        raise ValueError(f"groups is {groups!r}; it must be 'ratio' or 'each'")
    steps = _search.steps_of(steps, epochs, _data.length(loader), accumulate)
    epoch = _search.epoch_of(_data.length(loader), accumulate)
    plan, followed = planned(schedule, scheduler, steps, optimizer, interval=scheduler_interval, epoch=epoch)

    def training(**group: Any) -> Training:
        return Training(
            model, loss_fn, loader, optimizer, val_loader, closure=closure, accumulate=accumulate,
            clip_grad_norm=clip_grad_norm, scaler=scaler, val_fn=val_fn, score=score, average=average,
            val_batches=val_batches, also=also, snapshots=snapshots, schedule=plan, followed=followed, **group,
        )  # fmt: skip

    def search(
        task: Training, start: _Start, budget: float | None, max_seconds: float | None, on_refusal: _OnRefusal = on_refusal
    ) -> Answer | Refusal:
        return _search.run_find(
            task, steps=steps, schedule=plan, start=start, budget=budget, max_seconds=max_seconds, seed=seed,
            progress=progress, callback=callback, on_refusal=on_refusal,
        )  # fmt: skip

    if groups == "each":
        return each_group(optimizer, training, search, start, budget, max_seconds)
    return search(training(), start, budget, max_seconds)


@range_test_names
def range_test(
    model: nn.Module,
    loss_fn: _Loss,
    loader: Loader,
    optimizer: Any,
    val_loader: Loader | None = None,
    *,
    low: float = _defaults.LOW,
    high: float = _defaults.HIGH,
    trial_steps: int = _defaults.RANGE_TEST_STEPS,
    rule: str = "edge",
    linear: bool = False,
    closure: _Closure = None,
    accumulate: int = 1,
    clip_grad_norm: float | None = None,
    scaler: Any = None,
    val_fn: _ValFn = None,
    score: _Score = None,
    average: Any = None,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    snapshots: Literal["cpu"] | None = None,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Answer | Refusal:
    """Smith's range test: one short run on a rising rate.

    ``stepsize.range_test`` describes the arguments from ``low`` to ``linear``, ``find`` the others.

    Example::

        test = stepsize.torch.range_test(model, nn.functional.cross_entropy, loader, optimizer, rule="fastai_valley")
        test.plot()
    """
    training = Training(
        model, loss_fn, loader, optimizer, val_loader, closure=closure, accumulate=accumulate,
        clip_grad_norm=clip_grad_norm, scaler=scaler, val_fn=val_fn, score=score, average=average,
        val_batches=val_batches, also=also, snapshots=snapshots,
    )  # fmt: skip
    return _search.run_range_test(
        training, low=low, high=high, trial_steps=trial_steps, rule=rule, linear=linear, progress=progress,
        callback=callback,
    )  # fmt: skip


def sweep(
    model: nn.Module,
    loss_fn: _Loss,
    loader: Loader,
    optimizer: Any,
    val_loader: Loader | None = None,
    *,
    steps: int,
    low: float,
    high: float,
    per_decade: int = _defaults.PER_DECADE,
    seeds: int = 1,
    trial_steps: int | None = None,
    schedule: str | Schedule = "constant",
    closure: _Closure = None,
    accumulate: int = 1,
    clip_grad_norm: float | None = None,
    scaler: Any = None,
    val_fn: _ValFn = None,
    score: _Score = None,
    average: Any = None,
    val_batches: int = _defaults.VAL_BATCHES,
    also: Sequence[Any] = (),
    snapshots: Literal["cpu"] | None = None,
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
) -> Answer | Refusal:
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
        clip_grad_norm=clip_grad_norm, scaler=scaler, val_fn=val_fn, score=score, average=average,
        val_batches=val_batches, also=also, snapshots=snapshots,
    )  # fmt: skip
    return _search.run_sweep(
        training, steps=steps, schedule=schedule, low=low, high=high, per_decade=per_decade, seeds=seeds,
        trial_steps=trial_steps, seed=seed, progress=progress, callback=callback,
    )  # fmt: skip


sensitivity = sweep  # the older name
