"""Stepsize for PyTorch: searches in the process of the training code, schedulers, and a guard
against broken steps.
"""

from .find import find, range_test, sensitivity, sweep
from .groups import GroupEstimates
from .guard import Act, BrokenRun, Guard, guard
from .scheduler import Controller, LRScheduler
from .snapshot import Snapshot

__all__ = [
    "Act",
    "BrokenRun",
    "Controller",
    "GroupEstimates",
    "Guard",
    "LRScheduler",
    "Snapshot",
    "find",
    "guard",
    "range_test",
    "sensitivity",
    "sweep",
]
