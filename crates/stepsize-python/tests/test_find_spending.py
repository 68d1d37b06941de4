"""What a search spends, and that it says so: budgets, time, evaluations, progress, callbacks."""

import json
import logging
import math
import random
import time
import types

import pytest

import stepsize
from stepsize import _loop, _meter, _search, _task
from stepsize._native import Search
from stepsize._task import Closures


class Job:
    """A job whose state is two numbers; it counts what it is asked to do."""

    def __init__(self, seconds=0.0):
        self.state, self.steps, self.evaluations, self.seconds = [1.0, 1.0], 0, 0, seconds

    def step(self, lr):
        self.steps += 1
        time.sleep(self.seconds)
        loss = sum(w * w for w in self.state) + 0.1
        self.state = [self.state[0] - lr * 2 * self.state[0], self.state[1] - lr * 0.2 * self.state[1]]
        return loss

    def evaluate(self):
        self.evaluations += 1
        return sum(w * w for w in self.state) + 0.1

    def save(self):
        return list(self.state)

    def restore(self, kept):
        self.state = list(kept)

    def find(self, **more):
        seeded = {"reseed": lambda seed: None}  # it draws nothing
        return stepsize.find(self.step, self.save, self.restore, evaluate=self.evaluate, **{**seeded, **more})


@pytest.mark.parametrize("steps", [300, 1000, 10_000])
@pytest.mark.parametrize("budget", [0.1, 0.3, 0.6, 1.5])
def test_a_budget_is_kept_with_its_evaluations_or_refused_before_any_step(steps, budget):
    job = Job()
    try:
        job.find(steps=steps, schedule="cosine", budget=budget)
    except ValueError as fault:
        assert "budget" in str(fault) and job.steps == 0
    else:
        assert job.steps + job.evaluations <= budget * steps + 1


class Noisy(Job):
    """Learns little beside its noise, so that rates are repeated with a second seed, which a trial that breaks ends early."""

    def __init__(self, seed):
        super().__init__()
        self.random = random.Random(seed)

    def step(self, lr):
        if lr > 0.3 and self.random.random() < 0.05:
            self.steps += 1
            raise FloatingPointError
        return super().step(lr) + self.random.gauss(0.0, 0.8)

    def save(self):
        return list(self.state), self.random.getstate()

    def restore(self, kept):
        self.state = list(kept[0])
        self.random.setstate(kept[1])


@pytest.mark.parametrize("steps", [100, 320, 1000])
@pytest.mark.parametrize("more", [{}, {"budget": 0.8}, {"budget": 1.3}, {"max_seconds": 1e6}])
def test_no_budget_is_passed_by_steps_before_a_second_seed(steps, more):
    """Without ``reseed`` a second seed begins with steps that no trial counts."""
    default = Search.race("t", steps, "cosine", 0, None, None).budget
    assert default in (0.625, 1.0)
    timed = 5 if "max_seconds" in more else 0
    for seed in range(6):
        job, events = Noisy(seed), []
        found = job.find(steps=steps, schedule="cosine", reseed=None, callback=events.append, **more)
        evaluations = job.evaluations if "budget" in more else 0
        assert job.steps + evaluations <= more.get("budget", default) * steps + timed + 1e-6
        assert events[-1].taken == job.steps
        assert found.cost >= job.steps / steps - 1e-9  # what is printed is at least that


def test_the_untrained_model_is_evaluated_once_and_short_trials_seldom():
    job = Job()
    found = job.find(steps=300, schedule="cosine")
    assert job.evaluations <= 1 + 9 * len(found.points)
    starts = [event for event in told(job, steps=300) if event.kind == "evaluation" and event.step == 0]
    assert len(starts) > 3 and len({event.val_loss for event in starts}) == 1


def test_expensive_evaluations_are_fewer():
    trial = Search.race("t", 320, "cosine", 0, None, None).ask()
    counts = [len(_loop._due(trial, price)) for price in (0.1, 1.0, 3.0, 8.0, 100.0)]
    assert counts == sorted(counts, reverse=True) and counts[0] > 8 and counts[-1] == 1
    assert all(_loop._due(trial, price)[-1] == trial.steps for price in (0.1, 1.0, 3.0, 8.0, 100.0))
    assert 5 in counts  # as few as show the scatter of a trial


def test_the_cost_counts_the_time_of_evaluations():
    """On a clock of the test: an evaluation takes as long as four steps."""
    now = [0.0]

    class Timed(Closures):
        clock = staticmethod(lambda: now[0])

    job = Job()

    def spend(seconds, result):
        now[0] += seconds
        return result

    task = Timed("t", lambda lr: spend(1.0, job.step(lr)), job.save, job.restore, lambda: spend(4.0, job.evaluate()))
    found = _search.run_find(task, steps=400, schedule="cosine")
    assert found.cost == pytest.approx((job.steps + 4 * job.evaluations) / 400)
    assert found.to_dict()["cost_runs"] == found.cost and f"{found.cost:.2f} full runs" in str(found)


def test_a_limit_of_time_ends_the_search_with_what_there_is():
    job = Job(seconds=0.001)
    begin = time.perf_counter()
    found = job.find(steps=20_000, schedule="cosine", max_seconds=8.0)
    taken = time.perf_counter() - begin
    assert job.state == [1.0, 1.0] and taken < 20  # a run of 20 000 steps takes longer
    assert found or "max_seconds=" in found.advice, str(found)
    job = Job(seconds=0.001)
    with pytest.raises(ValueError, match="give max_seconds="):
        job.find(steps=20_000, schedule="cosine", max_seconds=0.05)
    assert job.steps < 20 and job.state == [1.0, 1.0]
    with pytest.raises(ValueError, match="max_seconds is 1e-06, and 5 steps took longer"):
        job.find(steps=20_000, schedule="cosine", max_seconds=1e-6)
    with pytest.raises(ValueError, match="max_seconds is -1"):
        job.find(steps=100, max_seconds=-1)


@pytest.mark.parametrize("dear", [0.5, 4.0, 30.0])
@pytest.mark.parametrize("budget", [0.8, 1.5, 3.0])
def test_a_budget_is_kept_by_the_clock_too(dear, budget):
    """On a clock of the test: an evaluation, which is taken for a step, takes as long as ``dear`` of them."""
    now = [0.0]

    class Timed(Closures):
        clock = staticmethod(lambda: now[0])

    def spend(seconds, result):
        now[0] += seconds
        return result

    job = Job()
    task = Timed("t", lambda lr: spend(1.0, job.step(lr)), job.save, job.restore, lambda: spend(dear, job.evaluate()), lambda seed: None)
    found = _search.run_find(task, steps=1000, schedule="cosine", budget=budget)
    assert found.cost == pytest.approx(now[0] / 1000) and found.cost <= budget + 1e-6
    if not found:
        assert "raise the budget" in found.advice


def test_a_stall_of_the_machine_is_no_cost():
    """On a clock of the test: a step takes one second and an evaluation two, but for one of 10 000 seconds."""
    now = [0.0]
    meter = _meter.Meter(100, None, lambda value: value, lambda: now[0])
    for at in range(40):
        with meter.step():
            now[0] += 1.0
        with meter.evaluation():
            now[0] += 10_000.0 if at == 20 else 2.0
    assert meter.evaluation_steps == 80.0 and meter.runs == 1.2


@pytest.mark.parametrize("limit", [300, 700, 1500, 5000])
def test_a_limit_of_time_leaves_room_for_the_evaluation_after_a_step(limit, monkeypatch):
    """On a clock of the test: a step takes a second, an evaluation 40."""
    now = [0.0]
    for module in (_meter, _loop, _task):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(perf_counter=lambda: now[0]))

    class Timed(Job):
        def step(self, lr):
            now[0] += 1.0
            return super().step(lr)

        def evaluate(self):
            now[0] += 40.0
            return super().evaluate()

    job = Timed()
    found = job.find(steps=1000, schedule="cosine", max_seconds=limit)
    assert now[0] == job.steps + 40 * job.evaluations <= limit
    assert found or "max_seconds=" in found.advice or limit == 5000


def told(job, **more):
    events = []
    job.find(schedule="cosine", callback=events.append, **more)
    return events


def test_a_callback_is_told_everything_in_order():
    job = Job()
    events = told(job, steps=300)
    assert [events[0].kind, events[-1].kind] == ["search", "estimate"] and events[0].steps == 300
    assert isinstance(events[-1].estimate, stepsize.Answer)
    steps = [event for event in events if event.kind == "step"]
    assert len(steps) == job.steps and [event.taken for event in steps] == list(range(1, job.steps + 1))
    ends = [event for event in events if event.kind == "trial_end"]
    assert len(ends) == len(events[-1].estimate.points) and all(event.end and event.val_loss is not None for event in ends)
    assert [event.trial for event in events if event.kind == "trial"] == [event.trial for event in ends]
    costs = [event.cost for event in events]
    assert costs[-1] == pytest.approx(events[-1].estimate.cost)
    assert all(json.dumps(event.to_dict()) for event in events)
    assert "loss" not in ends[0].to_dict() and ends[0].to_dict()["kind"] == "trial_end"


def test_what_a_callback_raises_ends_the_search_after_the_restore():
    job = Job()

    def stop(event):
        if event.taken == 50:
            raise KeyError("stop")

    with pytest.raises(KeyError, match="stop"):
        job.find(steps=300, callback=stop)
    assert job.state == [1.0, 1.0] and job.steps == 50
    with pytest.raises(TypeError, match="callback= is a str"):
        job.find(steps=300, callback="log")


def test_each_trial_is_a_line_of_the_log(caplog):
    with caplog.at_level(logging.INFO, logger="stepsize"):
        found = Job().find(steps=300, schedule="cosine")
    assert len(caplog.messages) == len(found.points)
    assert all("lr " in line and "runs so far" in line for line in caplog.messages)


def test_without_tqdm_the_lines_go_to_stderr(monkeypatch, capsys):
    import importlib

    original = importlib.import_module

    def without(name, *more):
        if name.startswith("tqdm"):
            raise ImportError(name)
        return original(name, *more)

    monkeypatch.setattr(importlib, "import_module", without)
    Job().find(steps=300, progress=True)
    assert "stepsize: trial 0: lr" in capsys.readouterr().err
    assert not logging.getLogger("stepsize").handlers


def test_the_bar_of_a_range_test_says_the_rate_of_the_step(capsys):
    pytest.importorskip("tqdm")
    job = Job()
    stepsize.range_test(job.step, job.save, job.restore, high=1.0, trial_steps=40, progress=True)
    shown = capsys.readouterr().err
    assert "lr=1" in shown.rpartition("lr=")[0] + shown[shown.rfind("lr=") :] and "lr=1e-06" not in shown[-120:]


WRONG = {
    "steps is -1": {"steps": -1},
    "steps is 0": {"steps": 0},
    "steps is 2.5": {"steps": 2.5},
    "steps is True": {"steps": True},
    "schedule is a function": {"steps": 100, "schedule": lambda at: 1.0},
    "schedule: steps is at least 1 step, not 0 at column 8": {"steps": 100, "schedule": "cosine(0)"},
    "schedule: value is a number": {"steps": 100, "schedule": "hold(nan, 5)"},
    "schedule is constant.0., which is 0 in the whole run": {"steps": 100, "schedule": "constant(0)"},
    "budget": {"steps": 100, "budget": 0.0},
    "start is -1.0": {"steps": 100, "start": -1.0},
    "step is a int": {"steps": 100, "step": 3},
    "reseed= is a int": {"steps": 100, "reseed": 3},
}


@pytest.mark.parametrize("message", WRONG)
def test_wrong_arguments_are_named_before_anything_runs(message):
    job, wrong = Job(), dict(WRONG[message])
    step = wrong.pop("step", job.step)
    with pytest.raises((TypeError, ValueError), match=message):
        stepsize.find(step, job.save, job.restore, **wrong)
    assert job.steps == 0


def test_a_validation_loss_that_is_not_finite_before_the_first_step_is_an_error():
    job = Job()
    with pytest.raises(ValueError, match="validation loss is nan before the first step"):
        stepsize.find(job.step, job.save, job.restore, steps=100, evaluate=lambda: math.nan)
    assert job.steps == 0


SWEEPS = {
    "low is 'a'; it must be a number above 0": {"low": "a"},
    "high is nan; it must be above 0": {"high": math.nan},
    "seeds is 1.5; it must be a whole number": {"seeds": 1.5},
    "per_decade is 0; it must be at least 1": {"per_decade": 0},
    "trial_steps is -3; it must be at least 1": {"trial_steps": -3},
    "seed is -1; it must be a whole number from 0": {"seed": -1},
}


@pytest.mark.parametrize("message", SWEEPS)
def test_wrong_arguments_of_a_sweep_and_of_a_study_are_named(message):
    job, given = Job(), {"steps": 100, "low": 0.1, "high": 1.0, **SWEEPS[message]}
    with pytest.raises((TypeError, ValueError), match=message):
        stepsize.sweep(job.step, job.save, job.restore, **given)
    with pytest.raises((TypeError, ValueError), match=message):
        stepsize.Study(probe="sweep", **given)
    assert job.steps == 0


def test_what_is_no_text_is_named():
    job = Job()
    with pytest.raises(TypeError, match='rule is 3; it must be text, such as "edge"'):
        stepsize.range_test(job.step, job.save, job.restore, rule=3)
    with pytest.raises(TypeError, match="task is 3; it must be text"):
        stepsize.find(job.step, job.save, job.restore, steps=100, task=3)
    with pytest.raises(TypeError, match="name is 3; it must be text"):
        stepsize.Study(3, steps=100)
    with pytest.raises(TypeError, match="db is a int; it must be the path of a file"):
        stepsize.Study("one", steps=100, db=3)
    assert job.steps == 0


def test_a_first_loss_that_is_not_finite_at_a_rate_of_zero_is_an_error():
    """Unlike one that the rate made, which is a divergence."""
    job, rates = Job(), []

    def step(lr):
        rates.append(lr)
        return math.nan if lr > 0.0 else 1.0

    with pytest.raises(ValueError, match="first training loss is nan, at a rate of 0 too"):
        stepsize.find(lambda lr: math.nan, job.save, job.restore, steps=100)
    found = stepsize.find(step, job.save, job.restore, steps=100)
    assert found.refused == "all_diverged" and rates.count(0.0) == 1


@pytest.mark.parametrize("given", ["x", None, [1.0, 2.0]])
def test_what_is_no_loss_is_named(given):
    job = Job()
    with pytest.raises(TypeError, match="step gives .*; it must return the training loss, one number"):
        stepsize.find(lambda lr: given, job.save, job.restore, steps=100)
    with pytest.raises(TypeError, match="evaluate gives .*; it must return the loss, one number"):
        stepsize.find(job.step, job.save, job.restore, steps=100, evaluate=lambda: given)


@pytest.mark.parametrize("steps", [-1, 0, 1.5, math.nan, True, "100"])
def test_a_wrong_length_of_a_schedule_is_named(steps):
    with pytest.raises((TypeError, ValueError), match=f"steps is {steps!r}"):
        stepsize.Schedule("cosine", steps)


def test_a_controller_shows_what_is_wrong_as_it_was_written():
    with pytest.raises(stepsize.NotationError, match=r"not plateau\(patience=3") as raised:
        stepsize.Controller("plateau(patience=3)")
    assert "Plateau {" not in str(raised.value)


def test_epochs_are_steps():
    assert _search.steps_of(None, 3, 50) == 150 and _search.steps_of(None, 2.5, 10, 4) == 6
    assert _search.steps_of(7, None, None) == 7
    with pytest.raises(ValueError, match="both given"):
        _search.steps_of(7, 3, 50)
    with pytest.raises(ValueError, match="neither given"):
        _search.steps_of(None, None, 50)
    with pytest.raises(ValueError, match="give steps="):
        _search.steps_of(None, 3, None)


def test_a_limit_of_time_leaves_room_for_the_end_of_the_search(monkeypatch):
    """On a clock of the test: a step takes a second, and a restore ten."""
    now, length = [0.0], 200
    for module in (_meter, _loop):
        monkeypatch.setattr(module, "time", types.SimpleNamespace(perf_counter=lambda: now[0]))
    job = Job()

    def step(lr):
        now[0] += 1.0
        return job.step(lr)

    def restore(kept):
        now[0] += 10.0
        job.restore(kept)

    found = stepsize.find(step, job.save, restore, steps=length, max_seconds=150)
    assert found.points and 100 < now[0] <= 150
