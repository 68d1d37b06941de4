"""Stepsize: what learning rate should I use?

``lr(step) = base x schedule(step) x controller``. Frameworks are imported only by the module that is named after them:
``stepsize.torch``, ``stepsize.optax``, ``stepsize.keras``, ``stepsize.lightning``, ``stepsize.transformers``.
"""

from ._native import Controller, NotationError, Policy, Schedule, __version__

__all__ = ["Controller", "NotationError", "Policy", "Schedule", "__version__"]
