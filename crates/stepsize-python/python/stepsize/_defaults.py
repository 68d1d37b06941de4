"""Defaults that several modules repeat in their signatures. The core's come from the core."""

from ._native import RANGE_TEST_SPAN, RANGE_TEST_STEPS
from ._native import SENSITIVITY_PER_DECADE as PER_DECADE

__all__ = ["HIGH", "LOW", "PER_DECADE", "RANGE_TEST_STEPS", "VAL_BATCHES"]

LOW, HIGH = RANGE_TEST_SPAN
"""First and last rate of a range test."""
VAL_BATCHES = 32
"""Most batches of one evaluation: a few percent of a trial's batches, with far less noise than one
batch has.
"""
