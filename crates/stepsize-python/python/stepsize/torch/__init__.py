"""Stepsize for PyTorch: schedulers, searches in process, and a guard against broken steps."""

from .scheduler import Controller, LRScheduler

__all__ = ["Controller", "LRScheduler"]
