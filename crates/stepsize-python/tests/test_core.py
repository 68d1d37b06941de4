"""Schedule, Controller and Policy: one notation, plain values in and out."""

import copy
import json
import pickle

import numpy as np
import pytest

import stepsize
from stepsize import Controller, NotationError, Policy, Schedule


def test_one_step_gives_a_float_and_an_array_an_array_of_its_shape():
    schedule = Schedule("warmup(100) then cosine", steps=1000)
    assert schedule(50) == 0.5 and type(schedule(50)) is float
    assert schedule(np.int32(50)) == 0.5
    steps = np.arange(1200).reshape(3, 400)
    values = schedule(steps)
    assert values.shape == (3, 400) and values.dtype == np.float64
    assert values.tolist() == [[schedule(int(s)) for s in row] for row in steps]
    values[0, 0] = 7.0  # the array belongs to the caller
    assert schedule(0) == 0.0
    assert schedule([0, 100]).tolist() == [0.0, 1.0]
    assert schedule(np.array([], dtype=np.int64)).shape == (0,)


def test_a_step_is_a_whole_number_from_zero():
    schedule = Schedule("cosine", steps=10)
    with pytest.raises(ValueError, match="-1"):
        schedule(-1)
    with pytest.raises(ValueError, match="-3"):
        schedule(np.array([1, -3]))
    for wrong in (1.5, np.array([0.5]), "1", None):
        with pytest.raises(TypeError):
            schedule(wrong)


def test_beyond_its_end_a_schedule_holds_its_last_value():
    assert Schedule("cosine", steps=10)(10**15) == 0.0
    assert Schedule("linear(4, floor=0.25)")(99) == 0.25


def test_notation_that_does_not_parse_is_a_value_error_with_the_column():
    with pytest.raises(ValueError, match="did you mean `cosine`") as caught:
        Schedule("warmup(100) then cosin", steps=1000)
    assert isinstance(caught.value, NotationError) and caught.value.column == 17
    assert "    " + "^" in str(caught.value)
    with pytest.raises(NotationError, match="patiense") as caught:
        Controller("plateau(patiense=5)")
    assert caught.value.column == 8
    with pytest.raises(ValueError, match="at least 1 step"):
        Schedule("cosine", steps=0)
    with pytest.raises(ValueError, match="above zero"):
        Policy(-0.1, "cosine", steps=10)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_copy_and_json_keep_a_schedule(protocol):
    schedule = Schedule("0.1 + 0.9 * (warmup(10%) then one_cycle)", steps=1000)
    assert pickle.loads(pickle.dumps(schedule, protocol)) == schedule
    assert copy.deepcopy(schedule) == schedule == copy.copy(schedule)
    assert Schedule.from_json(schedule.to_json()) == schedule
    assert eval(repr(schedule)) == schedule
    assert {schedule: 1}[Schedule(str(schedule))] == 1
    assert schedule != Schedule("cosine", steps=1000) and schedule != "cosine"
    assert json.loads(schedule.to_json()) == str(schedule)


def test_schedules_compose():
    half = Schedule("linear(10)")
    assert (2 * half)(5) == 1.0 and (half + half)(5) == 1.0 and (half * half)(5) == 0.25
    assert half.then("hold(3, 5)")(12) == 3.0
    assert Schedule.table([1.0, 0.5]).steps == 2
    assert Schedule("exponential(0.9)").steps is None
    assert half.compress(10, 100)(50) == 0.5
    assert half.extend(5, 10, 25)(15) == 0.25
    with pytest.raises(ValueError, match="never ends"):
        Schedule("exponential(0.9)").then(half)


def test_a_controller_continues_exactly_after_pickle_copy_json_and_state():
    reports = [1.0, 0.9, *(0.95 + 0.01 * i for i in range(20))]
    notations = "plateau(patience=4)", "plateau_torch(patience=1)", "plateau_keras(patience=1)", "plateau_optax(patience=2)"
    for notation in notations:
        whole = Controller(notation, lr=0.1)
        expected = [(whole.observe(r), whole.factor)[1] for r in reports]
        assert expected[-1] < 1.0
        for keep in (
            lambda c: pickle.loads(pickle.dumps(c)),
            copy.deepcopy,
            lambda c: Controller.from_json(c.to_json()),
            lambda c: (fresh := Controller(notation, lr=0.1), fresh.load_state_dict(c.state_dict()))[0],
        ):
            controller, seen = Controller(notation, lr=0.1), []
            for report in reports:
                before, controller = controller, keep(controller)
                assert controller == before and hash(controller) == hash(before)
                controller.observe(report)
                assert controller != before
                seen.append(controller.factor)
            assert seen == expected
        assert str(whole).startswith(notation.split("(")[0] + "(")


def test_a_broken_report_is_refused_and_changes_nothing():
    controller = Controller("plateau(patience=4)")
    controller.observe(1.0)
    before = controller.state_dict()
    with pytest.raises(ValueError, match="NaN|finite"):
        controller.observe(float("nan"))
    assert controller.state_dict() == before
    with pytest.raises(ValueError):
        controller.load_state_dict({"nonsense": 1.0})
    assert controller.state_dict() == before


def test_a_policy_is_the_product_of_the_three():
    policy = Policy(0.2, "linear(10)", "plateau_torch(patience=0, factor=0.5)")
    assert policy(5) == 0.1 and policy(np.array([0, 5])).tolist() == [0.2, 0.1]
    policy.observe(1.0), policy.observe(1.0)
    assert policy.factor == 0.5 and policy(5) == 0.05
    for twin in (pickle.loads(pickle.dumps(policy)), copy.deepcopy(policy), Policy.from_json(policy.to_json())):
        assert twin == policy and hash(twin) == hash(policy)
        assert twin(5) == 0.05 and twin.schedule == policy.schedule and twin.controller == policy.controller
    assert Policy(0.1)(10**9) == 0.1 and Policy(0.1) != Policy(0.2) and Policy(0.1) != 0.1
    with pytest.raises(ValueError, match="no controller"):
        Policy(0.1).load_state_dict({"best": 1.0})


def test_long_calls_let_other_threads_run():
    import threading
    import time

    schedule, turns, over = Schedule("warmup(10%) then cosine", steps=10**7), [], threading.Event()

    def turn():
        while not over.is_set():
            turns.append(time.perf_counter())
            time.sleep(0.001)

    other = threading.Thread(target=turn)
    other.start()
    steps = np.arange(10**7)
    begin = time.perf_counter()
    schedule(steps)
    end = time.perf_counter()
    over.set()
    other.join()
    assert sum(begin < t < end for t in turns) >= 3  # the copies alone hold the lock; the formula does not


def test_no_framework_is_imported():
    import subprocess
    import sys

    code = "import sys, stepsize; print([m for m in ('torch', 'jax', 'keras', 'numpy', 'matplotlib') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert stepsize.__version__ == "0.1.0"
