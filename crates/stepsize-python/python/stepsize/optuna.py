"""From a search to an Optuna study and back: what a search learned about the rate serves a search
over several hyperparameters, and the other way round.
"""

from __future__ import annotations

import json
import math
from typing import Any

import optuna
from optuna.distributions import FloatDistribution
from optuna.trial import TrialState, create_trial

from ._native import Estimate

__all__ = ["best_rate", "distribution", "to_optuna"]


def distribution(estimate: Estimate) -> FloatDistribution:
    """The 80 % interval of an answer as the distribution of a rate, for a search over rate and
    other hyperparameters that need not look elsewhere.

    Raises:
        RefusedError: When the search refused.
        ValueError: When the answer has no interval.

    Example::

        rates = stepsize.optuna.distribution(estimate)
        lr = trial.suggest_float("lr", rates.low, rates.high, log=rates.log)
    """
    lr = estimate.require()
    if estimate.interval is None:
        raise ValueError(f"the answer {lr:.3g} has no interval, as that of a range test: give the range yourself")
    low, high = estimate.interval
    return FloatDistribution(low, high, log=True)


def to_optuna(
    estimate: Estimate,
    study: optuna.Study | None = None,
    *,
    param: str = "lr",
    storage: Any = None,
    study_name: str | None = None,
) -> optuna.Study:
    """The trials of a search as trials of an Optuna study.

    A trial of the length of the full run is complete. A shorter one is pruned, with its evaluations
    as intermediate values, which Optuna's samplers rank by how far it came. One that diverged is
    pruned without values, which they rank last. The answer is enqueued, so that the study tries it
    first, unless it is the rate of a trial.

    Args:
        estimate: What a search found, a refusal too.
        study: The study to add to, which minimizes; by default a new one.
        param: Name of the rate in the study.
        storage, study_name: Of a new study: see ``optuna.create_study``.

    Returns:
        The study. Each trial has the user attributes ``steps``, ``seed``, ``loss`` and ``verdict``.

    Raises:
        ValueError: When the study has several objectives, or maximizes.

    Example::

        study = stepsize.optuna.to_optuna(estimate)
        study.optimize(objective, n_trials=50)  # which calls trial.suggest_float("lr", ...)
    """
    if study is None:
        study = optuna.create_study(storage=storage, study_name=study_name, direction="minimize")
    elif storage is not None or study_name is not None:
        raise ValueError("study and storage or study_name: both given; a study has its own storage and name")
    if _direction(study) is not optuna.study.StudyDirection.MINIMIZE:
        raise ValueError("study maximizes, and the trials of a search have losses: give a study with direction='minimize'")
    record = json.loads(estimate.to_record())
    runs, whole = record["runs"], record["job"]["steps"]
    rates = [run["lr"] for run in runs] + list(estimate.interval or ())
    if not rates:
        return study
    rate = FloatDistribution(min(rates), max(rates), log=True)
    for run in runs:
        seen = {point["step"]: point["loss"] for point in run["val"] if point["step"] > 0 and _is_finite(point["loss"])}
        diverged = run["verdict"] == "diverged" or not _is_finite(run["loss"])
        complete = not diverged and run["steps_run"] >= whole
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE if complete else TrialState.PRUNED, value=run["loss"] if complete else None,
                params={param: run["lr"]}, distributions={param: rate}, intermediate_values={} if diverged else seen,
                user_attrs={name: run[name] for name in ("steps", "seed", "loss", "verdict")},
            )
        )  # fmt: skip
    if estimate.lr is not None:
        study.enqueue_trial({param: estimate.lr}, skip_if_exists=True)
    return study


def best_rate(study: optuna.Study, param: str = "lr") -> float:
    """The rate of the best complete trial of an Optuna study.

    Raises:
        ValueError: When the study has several objectives, or no complete trial with a finite value
            and the parameter ``param``.
    """
    sign = 1.0 if _direction(study) is optuna.study.StudyDirection.MINIMIZE else -1.0
    trials = [one for one in study.get_trials(deepcopy=False) if one.state is TrialState.COMPLETE and _is_finite(one.value)]
    having = [one for one in trials if param in one.params]
    if not having:
        names = ", ".join(sorted({name for one in trials for name in one.params}))
        instead = f"its parameters are {names}: give param=" if names else "it has no complete trial with a finite value"
        raise ValueError(f"no complete trial of the Optuna study has the parameter {param!r}; {instead}")
    best = min(having, key=lambda one: sign * float(one.value or 0.0))
    lr = float(best.params[param])
    if not lr > 0.0:
        raise ValueError(f"{param} is {lr} in the best trial; a rate is above 0: give param=, the name of the rate")
    return lr


def _direction(study: optuna.Study) -> optuna.study.StudyDirection:
    if len(study.directions) != 1:
        raise ValueError(f"the Optuna study has {len(study.directions)} objectives; a search has one, the loss")
    return study.directions[0]


def _is_finite(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
