"""``find`` for scikit-learn estimators that learn by ``partial_fit``: ``eta0`` of
``SGDClassifier``, ``SGDRegressor`` and ``Perceptron``, ``learning_rate_init`` of ``MLPClassifier``
and ``MLPRegressor``.
"""

from __future__ import annotations

import copy
import math
import warnings
from collections.abc import Iterator
from typing import Any, Literal

import numpy as np
import sklearn.base
import sklearn.exceptions
import sklearn.metrics
import sklearn.model_selection

from . import Answer, Refusal, Schedule, _data, _search
from ._event import Callback
from ._native import Trial
from ._task import TaskDefaults

__all__ = ["apply", "find"]

_BATCH = 32
"""Samples of a step of an estimator that updates after each sample: one call of ``partial_fit``."""
_SURE = 1e-15
"""Smallest probability of which a logarithm is taken."""
_UNTRAINED = 1e-30
"""Rate of the first call of ``partial_fit``, which makes the weights: above 0, and without
effect.
"""


def find(
    estimator: Any,
    X: Any,
    y: Any,
    *,
    X_val: Any = None,
    y_val: Any = None,
    steps: int | None = None,
    schedule: str | Schedule | None = None,
    batch_size: int | None = None,
    start: float | None = None,
    budget: float | None = None,
    seed: int = 0,
    progress: bool | None = None,
    callback: Callback | None = None,
    max_seconds: float | None = None,
    on_refusal: Literal["return", "raise"] = "return",
) -> Answer | Refusal:
    """Finds the rate of an estimator for ``fit(X, y)``, or for as many calls of ``partial_fit``.

    The search trains copies. ``estimator`` does not change: ``apply`` sets its rate. A fitted one
    is trained on from its weights.

    Args:
        estimator: An estimator with ``eta0`` or ``learning_rate_init``, and ``partial_fit``.
        X: Training data, of shape ``(samples, features)``, dense or sparse, scaled as for ``fit``.
        y: Targets.
        X_val, y_val: Data to judge trials on; by default a share of ``X`` is held out, as large as
            the estimator's ``validation_fraction``. Classifiers that give probabilities are judged
            by the log loss, others by the hinge loss, regressors by the mean squared error.
        steps: Steps of the full run: calls of ``partial_fit``, each on one batch. By default those
            of ``fit``: ``max_iter`` passes over ``X``.
        schedule: The schedule of the full run: notation or a ``Schedule``. By default that of the
            estimator's ``learning_rate``; ``adaptive`` counts as constant.
        batch_size: Samples of a step; by default that of the estimator, or 32 for one that updates
            after each sample.
        start, budget, seed, progress, callback, max_seconds, on_refusal: As in ``stepsize.find``.

    Raises:
        TypeError: When the estimator has no such rate, or cannot learn in steps.
        ValueError: When an argument is out of range, or the estimator does not use its rate.
        RefusedError: With ``on_refusal="raise"``, when the search refused.

    Example::

        model = SGDClassifier(loss="log_loss", learning_rate="invscaling", eta0=0.01)
        stepsize.sklearn.apply(model, stepsize.sklearn.find(model, X, y))
        model.fit(X, y)
    """
    _check(estimator)
    if (X_val is None) != (y_val is None):
        raise ValueError(f"{'y_val' if y_val is None else 'X_val'} is missing: give both X_val and y_val, or neither")
    if X_val is None:
        X, X_val, y, y_val = _held_out(estimator, X, y, seed)
    task = _Task(estimator, (X, y), (X_val, y_val), batch_size, seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", sklearn.exceptions.ConvergenceWarning)
        warnings.filterwarnings("ignore", message="Got `batch_size` less than 1")  # the last batch of a pass
        return _search.run_find(
            task, steps=task.planned if steps is None else steps, schedule=task.schedule(steps) if schedule is None else schedule,
            start=start, budget=budget, seed=seed, progress=progress, callback=callback, max_seconds=max_seconds,
            on_refusal=on_refusal,
        )  # fmt: skip


def apply(estimator: Any, estimate: Answer | Refusal) -> float:
    """Sets ``eta0`` or ``learning_rate_init`` of an estimator to the rate that a search found.

    Args:
        estimator: The estimator.
        estimate: What ``find`` returned.

    Returns:
        The rate.

    Raises:
        RefusedError: When the search refused.
        TypeError: When the estimator has no such rate.
    """
    lr = estimate.require()
    estimator.set_params(**{_rate_of(estimator): lr})
    optimizer = getattr(estimator, "_optimizer", None)
    if optimizer is not None:  # of a fitted network, which further calls of partial_fit use
        optimizer.learning_rate_init = optimizer.learning_rate = lr
    return lr


def _column_as_row(y: Any) -> Any:
    """Targets as predictions are: of one dimension where there is one for each sample."""
    return y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y


def _rate_of(estimator: Any) -> str:
    names = estimator.get_params(deep=False) if hasattr(estimator, "get_params") else ()
    for name in ("learning_rate_init", "eta0"):
        if name in names:
            return name
    if hasattr(estimator, "steps") and hasattr(estimator, "named_steps"):
        raise TypeError(
            "estimator is a Pipeline: give its last step and what comes before it, "
            "find(pipeline[-1], pipeline[:-1].fit_transform(X), y)"
        )
    raise TypeError(
        f"estimator is a {type(estimator).__name__}, which has neither eta0 nor learning_rate_init: give an SGDClassifier, "
        "SGDRegressor, MLPClassifier or MLPRegressor"
    )


def _check(estimator: Any) -> None:
    if isinstance(estimator, type):
        raise TypeError(f"estimator is the class {estimator.__name__}; it must be an object of it: {estimator.__name__}(...)")
    name = _rate_of(estimator)
    if not (sklearn.base.is_classifier(estimator) or sklearn.base.is_regressor(estimator)):
        raise TypeError(
            f"estimator is a {type(estimator).__name__}, neither a classifier nor a regressor, so there are no targets to judge by"
        )
    if not hasattr(type(estimator), "partial_fit"):
        raise TypeError(f"estimator is a {type(estimator).__name__}, which has no partial_fit: it cannot learn in steps")
    solver, rule = getattr(estimator, "solver", "sgd"), getattr(estimator, "learning_rate", "constant")
    if solver not in ("sgd", "adam"):
        raise ValueError(f"solver is {solver!r}, which has no rate: set solver='adam' or 'sgd'")
    if name == "eta0" and rule not in ("constant", "invscaling", "adaptive"):
        raise ValueError(
            f"learning_rate is {rule!r}, which does not use eta0: set learning_rate='constant', 'invscaling' or 'adaptive'"
        )
    if getattr(estimator, "class_weight", None) == "balanced":
        raise ValueError("class_weight is 'balanced', which partial_fit does not take: give a dictionary of weights")


def _held_out(estimator: Any, X: Any, y: Any, seed: int) -> list[Any]:
    share = getattr(estimator, "validation_fraction", 0.1)
    by_class = np.asarray(y) if sklearn.base.is_classifier(estimator) and np.ndim(y) == 1 else None
    try:
        found = sklearn.model_selection.train_test_split(X, y, test_size=share, random_state=seed, stratify=by_class)
    except ValueError:  # a class with too few samples to be in both
        found = sklearn.model_selection.train_test_split(X, y, test_size=share, random_state=seed)
    X, X_val, y, y_val = found
    return [X, X_val, y, y_val]


class _Task(TaskDefaults):
    def __init__(self, estimator: Any, data: Any, held: Any, batch_size: int | None, seed: int) -> None:
        (self.X, self.y), (self.X_val, self.y_val) = data, held
        # Rows are taken by number, also of data frames, lists and sparse matrices of any format.
        self.X, self.X_val = (one.tocsr() if hasattr(one, "tocsr") else np.asarray(one) for one in (self.X, self.X_val))
        self.y, self.y_val = (_column_as_row(np.asarray(one)) for one in (self.y, self.y_val))
        count = self.X.shape[0]
        own = getattr(estimator, "batch_size", None)
        size = batch_size if batch_size is not None else min(200, count) if own == "auto" else own or _BATCH
        if not 1 <= size <= count:
            raise ValueError(f"batch_size is {size}; it must be between 1 and the {count} samples of X")
        self.given, self.size, self.count = estimator, int(size), count
        self.planned = max(1, int(getattr(estimator, "max_iter", 1000)) * math.ceil(count / self.size))
        self.name, self.is_network = _rate_of(estimator), _rate_of(estimator) == "learning_rate_init"
        self.model = copy.deepcopy(estimator)
        self.classes = np.unique(np.concatenate([self.y, self.y_val])) if sklearn.base.is_classifier(estimator) else None
        self.many = self.classes is not None and self.y.ndim == 2  # several labels of a sample
        self.probable = self.classes is not None and hasattr(estimator, "predict_proba")
        self._untrained(seed)
        self.order = np.random.default_rng(seed)
        self._batches: Iterator[Any] = iter(())

    def _untrained(self, seed: int) -> None:
        """Makes the weights, and nothing more, if there are none yet."""
        fitted = hasattr(self.model, "coef_") or hasattr(self.model, "coefs_")
        if "learning_rate" in self.model.get_params(deep=False):
            self.model.set_params(learning_rate="constant")  # what it does by itself is in the schedule
        if "early_stopping" in self.model.get_params(deep=False):
            self.model.set_params(early_stopping=False)  # which partial_fit refuses
        if self.model.random_state is None:
            self.model.set_params(random_state=seed)
        if fitted:
            return
        self.model.set_params(**{self.name: _UNTRAINED})
        if self.is_network:
            self.model.set_params(batch_size=self.size)
        self._learn(np.arange(min(self.size, self.count)))
        if self.is_network:
            del self.model._optimizer  # its moments; the next call makes another
            self.model.t_ = 0

    def _learn(self, rows: Any) -> None:
        known = {} if self.classes is None else {"classes": np.arange(self.y.shape[1]) if self.many else self.classes}
        self.model.partial_fit(self.X[rows], self.y[rows], **known)

    @property
    def description(self) -> str:
        by = "log loss" if self.probable else "squared error" if self.classes is None else "hinge loss"
        return f"{type(self.given).__name__}, {self.count} samples, batches of {self.size}, judged by the {by}"

    def schedule(self, steps: int | None) -> str | Schedule:
        """What the estimator does by itself."""
        if getattr(self.given, "learning_rate", "constant") != "invscaling" or getattr(self.given, "solver", "sgd") == "adam":
            return "constant"
        at = np.arange(self.planned if steps is None else steps)
        if self.is_network:  # it divides by a power of the samples of the epochs before
            seen = at // math.ceil(self.count / self.size) * self.count + 1
        else:  # by a power of its updates so far, of which a step makes one for each sample
            seen = at * self.size + 1 + (self.size - 1) / 2
        return Schedule.table((seen**-self.given.power_t).tolist())

    def save(self) -> Any:
        return copy.deepcopy(self.model), copy.deepcopy(self.order)

    def restore(self, kept: Any) -> None:
        self.model, self.order = copy.deepcopy(kept)
        self._batches = iter(())

    def reseed(self, seed: int) -> None:
        self.order = np.random.default_rng(seed)
        self._batches = iter(())

    def _rows(self) -> Any:
        for rows in self._batches:
            return rows
        order = self.order.permutation(self.count)
        self._batches = iter([order[at : at + self.size] for at in range(0, self.count, self.size)])
        return next(self._batches)

    def step(self, lr: float) -> float:
        rows, model = self._rows(), self.model
        if not self.is_network:
            loss = self._loss(self.X[rows], self.y[rows])
            model.eta0 = max(lr, _UNTRAINED)
            self._learn(rows)
            return loss
        model.learning_rate_init = max(lr, _UNTRAINED)
        if hasattr(model, "_optimizer"):
            model._optimizer.learning_rate_init = model._optimizer.learning_rate = max(lr, _UNTRAINED)
        try:
            self._learn(rows)
        except ValueError as fault:
            if "non-finite" not in str(fault):
                raise
            return math.nan  # it checks its weights, and raises when they overflow
        return float(model.loss_)

    def evaluate(self) -> float | tuple[float, float]:
        loss = self._loss(self.X_val, self.y_val)
        if self.classes is None or not math.isfinite(loss):
            return loss
        return loss, float(self.model.score(self.X_val, self.y_val))

    def _loss(self, X: Any, y: Any) -> float:
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                if self.classes is None:
                    return float(np.mean((self.model.predict(X) - y) ** 2))
                if self.many:
                    chance = np.clip(self.model.predict_proba(X), _SURE, 1.0 - _SURE)
                    return float(-np.mean(np.where(y == 1, np.log(chance), np.log(1.0 - chance))))
                if self.probable:
                    return float(sklearn.metrics.log_loss(y, self.model.predict_proba(X), labels=self.classes))
                return float(sklearn.metrics.hinge_loss(y, self.model.decision_function(X), labels=self.classes))
            except ValueError as fault:
                if "NaN" in str(fault) or "infinity" in str(fault) or "non-finite" in str(fault):
                    return math.nan
                raise

    def thin(self, steps: float) -> float:
        most = max(int(steps * self.size / _data.FORWARD), _data.LEAST)
        held = self.X_val.shape[0]
        if held > most:
            rows = np.sort(np.random.default_rng(0).permutation(held)[:most])
            self.X_val, self.y_val = self.X_val[rows], self.y_val[rows]
        return float(self.X_val.shape[0] * _data.FORWARD / self.size)

    def begin(self, trial: Trial | None = None) -> None:
        self._batches = iter(())
