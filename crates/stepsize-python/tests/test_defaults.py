"""Defaults are the core's: a signature shows a number, and it is the number of ``stepsize::defaults``."""

import importlib
import inspect

import pytest

import stepsize
from stepsize import _native

LOW, HIGH = _native.RANGE_TEST_SPAN


def defaults(function):
    return {p.name: p.default for p in inspect.signature(function).parameters.values()}


@pytest.mark.parametrize("module", ["stepsize", "stepsize.torch", "stepsize.jax", "stepsize.keras"])
def test_range_tests_and_sweeps_have_the_defaults_of_the_core(module):
    if module != "stepsize":
        pytest.importorskip(module.removeprefix("stepsize."))
    home = importlib.import_module(module)
    test, sweep = defaults(home.range_test), defaults(home.sweep)
    assert (test["low"], test["high"], test["trial_steps"]) == (LOW, HIGH, _native.RANGE_TEST_STEPS)
    assert (sweep["per_decade"], sweep["seeds"]) == (_native.SENSITIVITY_PER_DECADE, _native.SENSITIVITY_SEEDS)


def test_a_kept_sweep_has_the_defaults_of_the_core():
    kept = defaults(stepsize.Study.__init__)
    assert (kept["per_decade"], kept["seeds"]) == (_native.SENSITIVITY_PER_DECADE, _native.SENSITIVITY_SEEDS)
