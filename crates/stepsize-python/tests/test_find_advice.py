"""What a refusal advises works when it is done: a budget is named as the caller must give it, evaluations included."""

import random
import re
import types

import pytest

import stepsize
from stepsize import _loop, _meter, _task
from stepsize._native import Search

STEPS = 200
SCHEDULE = "warmup(10%) then linear"


class Late:
    """A saddle: nothing is learned before two factors have grown, which takes the longer the smaller they begin."""

    def __init__(self, begin, seconds=0.0):
        self.factors, self.random, self.spent, self.now, self.seconds = [begin, begin], random.Random(0), 0, 0.0, seconds

    def loss(self):
        return (self.factors[0] * self.factors[1] - 1) ** 2 + 0.05

    def step(self, lr):
        self.spent, self.now = self.spent + 1, self.now + self.seconds
        (a, b), loss = self.factors, self.loss()
        self.factors = [a - lr * (a * b - 1) * b, b - lr * (a * b - 1) * a]
        if abs(self.factors[0]) > 1e6:
            self.factors = [1e6, 1e6]
        return loss * (1 + self.random.gauss(0, 0.01))

    def evaluate(self):
        self.spent += 1
        return self.loss()

    def save(self):
        return list(self.factors), self.random.getstate()

    def restore(self, kept):
        self.factors = list(kept[0])
        self.random.setstate(kept[1])

    def find(self, **more):
        return stepsize.find(
            self.step, self.save, self.restore, evaluate=self.evaluate, reseed=self.random.seed, steps=STEPS, schedule=SCHEDULE, **more
        )


@pytest.mark.parametrize(("begin", "start"), [(1e-6, None), (1e-2, 1e-6), (1e-7, 1e-4)])
def test_a_job_that_learns_late_is_answered_with_the_budgets_that_refusals_name(begin, start):
    found, budgets = Late(begin).find(start=start), []
    while not found and len(budgets) < 3:
        named = re.search(r"raise the budget to ([\d.]+) full runs or more \(`budget=`\)", found.advice)
        assert named, found.advice
        budgets.append(float(named[1]))
        job = Late(begin)
        found = job.find(start=start, budget=budgets[-1])
        assert job.spent <= budgets[-1] * STEPS + 1e-6
        assert found.lr is None or 0.05 < found.lr < 3  # below it nothing moves, above it breaks
    assert found, (budgets, found.why)


def test_a_named_budget_leaves_room_for_evaluations():
    found = Late(1e-2).find(start=1e-5, budget=0.62)
    (named,) = [one["at_least"] for one in found.to_dict()["remedies"] if one["action"] == "larger_budget"]
    trials = Search.race("t", STEPS, SCHEDULE, 0, None, 0.62)
    inner = sum(point["steps_run"] for point in found.points) / STEPS
    assert named > 0.62 + inner / 4 and trials.budget == 0.62
    assert f"raise the budget to {named:g} full runs" in found.advice
    assert Late(1e-2).find(start=1e-5, budget=named)


def test_no_budget_is_named_where_none_helps():
    found = stepsize.find(*[getattr(Late(1e-2), name) for name in ("step", "save", "restore")], steps=39)
    assert found.refused == "too_short" and "budget=" not in found.advice and "`steps=`" in found.advice


def test_where_time_limits_the_advice_names_the_time(monkeypatch):
    """On a clock of the test: a step takes a second."""
    jobs = []
    for module in (_meter, _loop, _task):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(perf_counter=lambda: jobs[-1].now))

    def find(seconds):
        jobs.append(Late(1e-2, seconds=1.0))
        return jobs[-1].find(start=1e-5, max_seconds=seconds)

    found = find(130)
    assert found.refused == "flat" and jobs[-1].now <= 130 and "budget" not in found.advice + found.why
    named = re.search(r"give it at least (\d+) s \(`max_seconds=`\)", found.advice)
    assert named and int(named[1]) > 160
    assert find(int(named[1]))
