"""Stepsize: what learning rate should I use?

``lr(step) = base x schedule(step) x controller``. Frameworks are imported only by the module that is named after them:
``stepsize.torch``, ``stepsize.optax``, ``stepsize.keras``, ``stepsize.lightning``, ``stepsize.transformers``.
"""

from ._native import Controller, Estimate, NotationError, Policy, Schedule, __version__
from ._search import find, range_test, sensitivity
from ._study import Study, Trial

__all__ = [
    "Controller",
    "Estimate",
    "NotationError",
    "Policy",
    "Schedule",
    "Study",
    "Trial",
    "__version__",
    "find",
    "range_test",
    "sensitivity",
]
