"""Stepsize for Keras 3, on any backend: searches on a compiled model, schedules, and a callback for
controllers.
"""

from .find import find, range_test, sensitivity, sweep
from .schedule import Controller, Schedule

__all__ = ["Controller", "Schedule", "find", "range_test", "sensitivity", "sweep"]
