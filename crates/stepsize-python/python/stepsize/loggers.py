"""Ready-made loggers for ``callback=``: a search in TensorBoard, MLflow or Weights & Biases.

Each is a function of a ``SearchEvent``, for ``find`` of any framework::

    with stepsize.loggers.TensorBoard("logs/search") as log:
        estimate = stepsize.torch.find(model, loss_fn, loader, optimizer, steps=10_000, callback=log)

The package that is logged to is imported when the logger is made. Importing this module needs none.
"""

from __future__ import annotations

import importlib
import math
import os
import time
from typing import Any

from ._event import SearchEvent
from ._native import Estimate

__all__ = ["MLflow", "TensorBoard", "WandB"]


class _Logger:
    """Sends each kind of event to a method of its own. ``every`` thins out the steps."""

    def __init__(self, every: int) -> None:
        if every < 1:
            raise ValueError(f"every is {every}; it must be at least 1")
        self._every = every

    def __repr__(self) -> str:
        return f"{type(self).__name__}(every={self._every})"

    def __call__(self, event: SearchEvent) -> None:
        """Logs one event."""
        if event.kind != "step" or (event.step or 0) % self._every == 0:
            getattr(self, f"_{event.kind}")(event)

    def _search(self, event: SearchEvent) -> None:
        pass

    def close(self) -> None:
        """Writes what is not written yet, and closes the log."""

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


class TensorBoard(_Logger):
    """One TensorBoard run for each trial, named by its rate, so that their curves lie over each
    other, and one for the search.

    A trial has ``loss``, ``lr`` and ``val_loss`` over its steps. The run ``search`` has
    ``val_loss``, ``lr`` and ``cost`` of each trial that ended over all steps so far, and
    ``answer``, with the whole estimate as its description.

    Args:
        log_dir: Folder of the runs.
        every: Steps between two that are logged.

    Raises:
        ImportError: When tensorboard is not installed.
    """

    def __init__(self, log_dir: str | os.PathLike[str], every: int = 1) -> None:
        super().__init__(every)
        self._make = _package("tensorboard.summary", "tensorboard").Writer
        self._dir = os.fspath(log_dir)
        self._writer: Any = None
        self._trial_writer: Any = None

    def _search(self, event: SearchEvent) -> None:
        self.close()
        self._writer = self._make(os.path.join(self._dir, "search"))

    def _trial(self, event: SearchEvent) -> None:
        name = f"trial {event.trial}, lr {event.lr:.3g}, {event.steps} steps"
        self._trial_writer = self._make(os.path.join(self._dir, name))

    def _step(self, event: SearchEvent) -> None:
        self._trial_writer.add_scalar("loss", event.loss, event.step)
        self._trial_writer.add_scalar("lr", event.lr, event.step)

    def _evaluation(self, event: SearchEvent) -> None:
        self._trial_writer.add_scalar("val_loss", event.val_loss, event.step)
        if event.score is not None:
            self._trial_writer.add_scalar("score", event.score, event.step)

    def _trial_end(self, event: SearchEvent) -> None:
        self._trial_writer.close()
        self._trial_writer = None
        for name in ("val_loss", "lr", "cost"):
            if getattr(event, name) is not None:
                self._writer.add_scalar(name, getattr(event, name), event.taken)
        self._writer.flush()

    def _estimate(self, event: SearchEvent) -> None:
        estimate = _estimate_of(event)
        rate = math.nan if estimate.lr is None else estimate.lr
        self._writer.add_scalar("answer", rate, event.taken, description=f"```\n{estimate}\n```")
        self._writer.flush()

    def close(self) -> None:
        for writer in (self._trial_writer, self._writer):
            if writer is not None:
                writer.close()
        self._trial_writer = self._writer = None


class MLflow(_Logger):
    """An MLflow run for the search, and in it one for each trial.

    A trial has the parameters ``lr``, ``steps`` and ``seed``, the metrics ``loss``, ``lr`` and
    ``val_loss`` over its steps, and the tag ``end``. The search has the answer as the metrics
    ``lr`` and ``cost`` and as the file ``estimate.json``; a refusal as the tags ``refused`` and
    ``advice``.

    Args:
        experiment: Name of the experiment. It is made if it does not exist.
        tracking_uri: Where MLflow keeps its runs; by default what ``mlflow.get_tracking_uri`` says.
        run_name: Name of the run of the search.
        every: Steps between two that are logged.

    Raises:
        ImportError: When mlflow is not installed.
    """

    def __init__(
        self, experiment: str = "stepsize", tracking_uri: str | None = None, run_name: str = "search", every: int = 1
    ) -> None:
        super().__init__(every)
        self._mlflow = _package("mlflow", "mlflow")
        self._client = self._mlflow.MlflowClient(tracking_uri=tracking_uri)
        known = self._client.get_experiment_by_name(experiment)
        self._experiment = known.experiment_id if known is not None else self._client.create_experiment(experiment)
        self._name, self._parent, self._run = run_name, "", ""
        self._waiting: list[Any] = []

    def _search(self, event: SearchEvent) -> None:
        self.close()
        self._parent = self._client.create_run(self._experiment, run_name=self._name).info.run_id
        for name in ("task", "steps", "seed"):
            self._client.log_param(self._parent, name, getattr(event, name))

    def _trial(self, event: SearchEvent) -> None:
        tags = {"mlflow.parentRunId": self._parent}
        run = self._client.create_run(self._experiment, run_name=f"trial {event.trial}, lr {event.lr:.3g}", tags=tags)
        self._run = run.info.run_id
        for name in ("lr", "steps", "seed"):
            self._client.log_param(self._run, name, getattr(event, name))

    def _step(self, event: SearchEvent) -> None:
        self._add(event.step, loss=event.loss, lr=event.lr)

    def _evaluation(self, event: SearchEvent) -> None:
        self._add(event.step, val_loss=event.val_loss, score=event.score)

    def _add(self, step: int | None, **values: float | None) -> None:
        now, metric = int(time.time() * 1000), self._mlflow.entities.Metric
        self._waiting += [metric(name, value, now, step) for name, value in values.items() if value is not None]
        if len(self._waiting) > 900:  # MLflow takes at most 1000 at once
            self._write()

    def _write(self) -> None:
        if self._waiting:
            self._client.log_batch(self._run, metrics=self._waiting)
            self._waiting = []

    def _trial_end(self, event: SearchEvent) -> None:
        self._write()
        self._client.set_tag(self._run, "end", event.end)
        self._client.set_terminated(self._run)
        self._run = ""
        self._client.log_metric(self._parent, "cost", event.cost, step=event.taken)

    def _estimate(self, event: SearchEvent) -> None:
        estimate = _estimate_of(event)
        self._client.log_dict(self._parent, estimate.to_dict(), "estimate.json")
        if estimate.lr is None:
            for name in ("refused", "advice"):
                self._client.set_tag(self._parent, name, getattr(estimate, name))
        else:
            self._client.log_metric(self._parent, "lr", estimate.lr)
        self._client.set_terminated(self._parent)
        self._parent = ""

    def close(self) -> None:
        """Ends the runs that a search left open, as killed."""
        if self._run:
            self._write()
        for run in (self._run, self._parent):
            if run:
                self._client.set_terminated(run, "KILLED")
        self._run = self._parent = ""


class WandB(_Logger):
    """The search in a Weights & Biases run of yours, online or offline.

    Everything is under ``stepsize/``: ``loss``, ``lr`` and ``trial`` of each step and ``val_loss``
    of each evaluation over ``stepsize/taken``, the steps of the whole search, so that the axis of
    your own training is not touched. The answer is in the summary: ``stepsize/answer``,
    ``stepsize/cost``, or ``stepsize/refused``.

    Args:
        run: What ``wandb.init`` gave; by default the current run.
        every: Steps between two that are logged.

    Raises:
        ImportError: When wandb is not installed.
        ValueError: When there is no run.
    """

    def __init__(self, run: Any = None, every: int = 1) -> None:
        super().__init__(every)
        self._to = _package("wandb", "wandb").run if run is None else run
        if self._to is None:
            raise ValueError("there is no run of wandb: call wandb.init() before, or give run=")
        self._to.define_metric("stepsize/taken")
        self._to.define_metric("stepsize/*", step_metric="stepsize/taken")

    def _log(self, event: SearchEvent, **values: Any) -> None:
        given = {f"stepsize/{name}": value for name, value in values.items() if value is not None}
        self._to.log({"stepsize/taken": event.taken, **given})

    def _trial(self, event: SearchEvent) -> None:
        pass

    def _step(self, event: SearchEvent) -> None:
        self._log(event, trial=event.trial, loss=event.loss, lr=event.lr)

    def _evaluation(self, event: SearchEvent) -> None:
        self._log(event, trial=event.trial, val_loss=event.val_loss, score=event.score)

    def _trial_end(self, event: SearchEvent) -> None:
        self._log(event, trial=event.trial, trial_lr=event.lr, trial_val_loss=event.val_loss, cost=event.cost)

    def _estimate(self, event: SearchEvent) -> None:
        estimate = _estimate_of(event)
        answer = {"refused": estimate.refused, "advice": estimate.advice} if estimate.lr is None else {"answer": estimate.lr}
        for name, value in {**answer, "cost": estimate.cost, "why": estimate.why}.items():
            self._to.summary[f"stepsize/{name}"] = value


def _estimate_of(event: SearchEvent) -> Estimate:
    assert event.estimate is not None  # of every event of its kind
    return event.estimate


def _package(module: str, package: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError:
        raise ImportError(f"this logger needs {package}: pip install {package}") from None
