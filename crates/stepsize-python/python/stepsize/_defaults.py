"""Defaults that several modules repeat in their signatures, each in one place."""

BUDGET = 0.625
"""Full runs that ``find`` may spend. The same number as the budget of ``Race`` in the core; here
for progress bars.
"""
LOW, HIGH = 1e-6, 10.0
"""First and last rate of a range test."""
RANGE_TEST_STEPS = 100
"""Length of a range test in optimizer steps."""
PER_DECADE = 4
"""Rates of a sweep between a rate and ten times that rate."""
VAL_BATCHES = 32
"""Most batches of one evaluation: a few percent of a trial's batches, with far less noise than one
batch has.
"""
