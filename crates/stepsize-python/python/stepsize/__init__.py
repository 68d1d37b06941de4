"""Stepsize: what learning rate should I use?

``lr(step) = base x schedule(step) x controller``. Any training loop can search for its base rate::

    estimate = stepsize.find(step, save, restore, steps=10_000, schedule="cosine", evaluate=evaluate)
    print(estimate)
    lr = estimate.require()

``stepsize.diagnose`` judges the rate of a training by its losses or its logs. Each framework has a
module of its own. ``import stepsize`` imports no framework; import the module that you need:

- ``stepsize.torch``: searches, schedulers and a guard against broken steps for PyTorch
- ``stepsize.jax`` and ``stepsize.optax``: searches for JAX; schedules and controllers for optax
- ``stepsize.keras``: searches, schedules and controllers for Keras 3 on any backend
- ``stepsize.lightning``, ``stepsize.transformers``, ``stepsize.accelerate``, ``stepsize.ignite``,
  ``stepsize.skorch``, ``stepsize.sklearn``: one line for each trainer
- ``stepsize.loggers`` and ``stepsize.optuna``: where a search is logged, and studies of Optuna
"""

from ._answer import RefusedError
from ._diagnose import diagnose
from ._diagnosis import Diagnosis, Finding, Reading, RunDiagnosis, SeriesRead, SweepDiagnosis
from ._event import SearchEvent
from ._native import Answer, Controller, Estimate, NotationError, Policy, Refusal, Schedule, __version__
from ._search import find, range_test, sensitivity, sweep
from ._study import Study
from ._trial import Trial
from ._versions import show_versions

__all__ = [
    "Answer",
    "Controller",
    "Diagnosis",
    "Estimate",
    "Finding",
    "NotationError",
    "Policy",
    "Reading",
    "Refusal",
    "RefusedError",
    "RunDiagnosis",
    "Schedule",
    "SearchEvent",
    "SeriesRead",
    "Study",
    "SweepDiagnosis",
    "Trial",
    "__version__",
    "diagnose",
    "find",
    "range_test",
    "sensitivity",
    "show_versions",
    "sweep",
]
