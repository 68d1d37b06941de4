"""Stepsize for the Hugging Face Trainer: a callback that brings the schedule and reports to the
controller.

To search for the rate of a model, use ``stepsize.torch.find`` with its loss as the closure.
"""

from .callback import StepsizeCallback

__all__ = ["StepsizeCallback"]
