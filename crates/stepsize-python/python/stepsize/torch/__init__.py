"""Stepsize for PyTorch: schedulers, searches in process, and a guard against broken steps."""

from .scheduler import Controller, LRScheduler
from .search import find, range_test, sensitivity
from .snapshot import Snapshot

__all__ = ["Controller", "LRScheduler", "Snapshot", "find", "range_test", "sensitivity"]
