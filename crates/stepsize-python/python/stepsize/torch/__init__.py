"""Stepsize for PyTorch: schedulers, searches in process, and a guard against broken steps."""

from .guard import Act, BrokenRun, Guard, guard
from .scheduler import Controller, LRScheduler
from .search import find, range_test, sensitivity
from .snapshot import Snapshot

__all__ = [
    "Act",
    "BrokenRun",
    "Controller",
    "Guard",
    "LRScheduler",
    "Snapshot",
    "find",
    "guard",
    "range_test",
    "sensitivity",
]
