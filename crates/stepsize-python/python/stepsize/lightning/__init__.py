"""Stepsize for Lightning: ``find`` searches for the rate with the trainer's own loop, ``apply``
sets it, ``LearningRateFinder`` does both at the beginning of ``fit``, and ``StepsizeCallback``
brings a schedule and reports to a controller.
"""

from .callback import StepsizeCallback
from .find import LearningRateFinder, apply, find

__all__ = ["LearningRateFinder", "StepsizeCallback", "apply", "find"]
