"""Stepsize for JAX: searches on a loss of parameters. Schedules and controllers are in
``stepsize.optax``.
"""

from .find import find, range_test, sensitivity, sweep

__all__ = ["find", "range_test", "sensitivity", "sweep"]
