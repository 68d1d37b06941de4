"""Stepsize for optax: schedules that compile into a training step, and controllers as gradient
transformations.

Searches are in ``stepsize.jax``.
"""

from .jax.schedule import ControllerState, controller, schedule

__all__ = ["ControllerState", "controller", "schedule"]
