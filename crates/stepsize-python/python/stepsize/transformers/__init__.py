"""Stepsize for the Hugging Face Trainer: ``find`` searches for the rate with the Trainer's own
steps, ``apply`` sets it, and ``StepsizeCallback`` brings a schedule and reports to a controller.
"""

from .callback import StepsizeCallback
from .find import apply, find

__all__ = ["StepsizeCallback", "apply", "find"]
