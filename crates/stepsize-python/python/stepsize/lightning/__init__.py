"""Stepsize for Lightning: a callback that brings the schedule and reports to the controller.

To search for the rate of a ``LightningModule``, use ``stepsize.torch.find`` with its
``training_step`` as the closure.
"""

from .callback import StepsizeCallback

__all__ = ["StepsizeCallback"]
