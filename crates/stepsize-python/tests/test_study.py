"""Studies from Python: the same answer wherever trials run, and no ended trial runs again after a kill."""

import concurrent.futures
import errno
import json
import math
import multiprocessing
import os
import pathlib
import pickle
import shutil
import signal
import subprocess
import sys
import threading
import time

import pytest

import stepsize

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from study_job import STEPS, quadratic  # noqa: E402

from stepsize._native import Search  # noqa: E402


def study(*args, **more):
    return stepsize.Study(*args, steps=STEPS, schedule="cosine", **more)


@pytest.fixture(scope="module")
def answer():
    return study().run(quadratic)


def same(a, b):
    return a.lr == b.lr and a.interval == b.interval and [p | {"seconds": 0} for p in a.points] == [p | {"seconds": 0} for p in b.points]


def test_a_loop_finds_what_find_finds(answer):
    ran = study()
    for trial in ran:
        quadratic(trial)
        assert trial.over in ("finished", "diverged", "pruned")
    assert same(ran.estimate(), answer) and 0.05 < answer.lr < 2.0 and answer.cost <= 1.0
    taken = []
    for trial in (again := study()):
        for step, rate in trial:
            assert rate == trial.rate(step)
            taken.append(rate)
            trial.report(step, loss=1.0 / (1 + step), val_loss=1.0 if step == trial.steps - 1 else None)
    assert len(taken) == round(again.estimate().cost * STEPS)


def test_threads_and_processes_give_the_same_study(answer):
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        assert same(study().run(quadratic, pool), answer)
    for method in ("fork", "spawn"):
        with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context(method)) as pool:
            assert same(study().run(quadratic, pool), answer)


def test_threads_can_iterate_over_one_study(answer):
    shared, by = study(), set()

    def work():
        for trial in shared:
            by.add(threading.get_ident())
            quadratic(trial)

    threads = [threading.Thread(target=work) for _ in range(3)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert same(shared.estimate(), answer)


def test_a_thread_that_dies_gives_its_trial_back(answer):
    shared = study()
    dying = threading.Thread(target=shared.ask)
    dying.start(), dying.join()
    for trial in shared:
        quadratic(trial)
    assert same(shared.estimate(), answer)


def remote(trial):
    """Behaves as a ``ray.remote`` function: another process, with pickled arguments and results."""
    quadratic(trial)
    return trial


def test_batches_go_to_remote_functions_and_come_back(answer):
    ran = study()
    while trials := ran.batch():
        for trial in trials:
            with pytest.raises(RuntimeError, match="first"):
                ran.batch()
            there = pickle.loads(pickle.dumps(trial))
            assert there.lr == trial.lr and there._study is None
            back = pickle.loads(pickle.dumps(remote(there)))
            assert ran.tell(back) == trial.over is not None
    assert same(ran.estimate(), answer)


def test_a_forked_worker_collects_and_its_parent_keeps_the_study(tmp_path):
    kept = study("forked", db=tmp_path / "s.db")
    trial = kept.ask()
    queue = multiprocessing.get_context("fork").Queue()

    def child():
        try:
            kept.estimate()
        except RuntimeError as fault:
            queue.put(str(fault))
        quadratic(trial)
        queue.put(pickle.dumps(trial))

    process = multiprocessing.get_context("fork").Process(target=child)
    process.start()
    assert "belongs to process" in queue.get(timeout=60)
    assert kept.tell(pickle.loads(queue.get(timeout=60))) == "finished" and trial.over == "finished"
    process.join(60)
    with pytest.raises(ValueError, match="in use by process"):
        study("forked", db=tmp_path / "s.db")
    kept.close()
    study("forked", db=tmp_path / "s.db").close()


def test_a_study_file_that_the_system_refuses_is_an_os_error(tmp_path):
    missing = tmp_path / "no" / "such" / "s.db"
    with pytest.raises(FileNotFoundError, match="its directory must be there") as caught:
        study("refused", db=missing)
    assert caught.value.errno == errno.ENOENT and str(caught.value.filename) == str(missing)
    if sys.platform == "linux":
        # Nobody may make files in /proc, not even root.
        with pytest.raises(PermissionError, match="allowed to write"):
            study("refused", db="/proc/s.db")


def test_a_file_of_another_kind_is_a_wrong_argument(tmp_path):
    (tmp_path / "s.db").write_text("not a database\n" * 500)
    with pytest.raises(ValueError, match="not a SQLite file"):
        study("refused", db=tmp_path / "s.db")


def test_training_losses_alone_can_judge():
    ran = stepsize.Study(steps=STEPS, schedule="cosine", metric="loss")
    for trial in ran:
        value = 2.0
        for step, rate in trial:
            trial.report(step, loss=value)
            value = (1 - min(rate, 3.0)) ** 2 * value + 0.01 * rate
    assert ran.estimate().lr and all(p["loss"] is not None for p in ran.estimate().points if not p["diverged"])
    twice = stepsize.Study(steps=STEPS, schedule="cosine", metric="loss")
    trial = pickle.loads(pickle.dumps(twice.ask()))
    for step, _ in trial:
        trial.report(step, loss=1.0)
    assert twice.tell(pickle.loads(pickle.dumps(trial))) == "finished"


def test_a_divergence_is_seen_at_once_here_and_elsewhere():
    ran = study()
    trial = ran.ask()
    assert trial.report(0, loss=1.0) is None and trial.report(1, loss=math.nan) == "diverged" == trial.over
    with pytest.raises(ValueError, match="is over"):
        trial.report(2, loss=1.0)
    there = pickle.loads(pickle.dumps(ran.ask()))
    assert there.report(0, val_loss=math.inf) == "diverged"
    assert ran.tell(pickle.loads(pickle.dumps(there))) == "diverged"
    assert ran.estimate().divergence_lr is not None


def test_misuse_raises():
    ran = study()
    with pytest.raises(TypeError, match="cannot be pickled: send its trials"):
        pickle.dumps(ran)
    with pytest.raises(ValueError, match="last report was of 3 of"):
        for trial in ran:
            trial.report(2, loss=1.0)
    with pytest.raises(ValueError, match="no val_loss was reported after its last step"):
        for trial in ran:
            trial.report(trial.steps - 1, loss=1.0)
    trial = ran.ask()  # the study gives it out again
    assert trial.id == 0
    with pytest.raises(RuntimeError, match="end trial 0.* first"):
        for _ in range(20):
            assert ran.ask().id
    trial.report(5, loss=1.0)
    for wrong in (4, -1, trial.steps):
        with pytest.raises(ValueError, match="has steps 0 to"):
            trial.report(wrong, loss=1.0)
    for arguments in ({"probe": "magic"}, {"metric": "accuracy"}, {"probe": "sweep"}, {"budget": -1.0}):
        with pytest.raises(ValueError):
            study(**arguments)
    ran.close()
    with pytest.raises(RuntimeError, match="closed"):
        ran.ask()


def test_what_train_raises_passes_through_and_the_trial_runs_again(tmp_path):
    def fails(trial):
        raise OSError("disk full")

    pool = concurrent.futures.ThreadPoolExecutor(2)
    for executor in (None, pool):
        with study("faulty", db=tmp_path / "s.db") as ran, pytest.raises(OSError, match="disk full"):
            ran.run(fails, executor)
    with study("faulty", db=tmp_path / "s.db") as ran:
        assert ran.run(quadratic).lr


def test_a_sweep_runs_every_rate(tmp_path):
    ran = stepsize.Study("sweep", db=tmp_path / "s.db", probe="sweep", steps=50, low=1e-2, high=1.0, per_decade=2, seeds=2)
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        estimate = ran.run(quadratic, pool)
    assert len(estimate.points) == 5 * 2 and {p["seed"] for p in estimate.points} == {0, 1}


SCRIPT = """
import concurrent.futures, multiprocessing, os, pathlib, signal, sys, time
sys.path.insert(0, {here!r})
import stepsize, study_job
kill, ran = int(sys.argv[1]), pathlib.Path(sys.argv[2])

def train(trial):
    with ran.open("a") as log:
        log.write(f"{{trial.id}}\\n")
    study_job.quadratic(trial)
    with ran.open("a") as log:
        log.write(f"{{trial.id}} done\\n")

study = stepsize.Study("killed", steps=study_job.STEPS, schedule="cosine", db={db!r})
if sys.argv[3] == "loop":
    for trial in study:
        if kill >= 0 and trial.id == kill:
            trial.report(0, loss=1.0)
            os.kill(os.getpid(), signal.SIGKILL)
        train(trial)
    estimate = study.estimate()
else:
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        estimate = study.run(train, pool)
print(repr(estimate.lr), len(estimate.points))
"""


def run(tmp_path, *arguments):
    code = SCRIPT.format(here=str(pathlib.Path(__file__).parent), db=str(tmp_path / "s.db"))
    ran = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(ran, stdout=subprocess.PIPE, text=True, start_new_session=True)


def test_a_killed_loop_resumes_where_it_stopped(tmp_path, answer):
    log = tmp_path / "log"
    for kill in (1, 2):
        assert run(tmp_path, kill, log, "loop").wait(60) == -signal.SIGKILL
    last = run(tmp_path, -1, log, "loop")
    out = last.communicate(timeout=60)[0].split()
    assert out == [repr(answer.lr), str(len(answer.points))]
    # every trial that ended was run once; the two that were killed had not begun to train
    assert log.read_text().split("\n")[:-1] == [f"{i}{done}" for i in range(len(answer.points)) for done in ("", " done")]
    # and there is nothing left to do
    assert run(tmp_path, -1, log, "loop").communicate(timeout=60)[0].split() == out
    with pytest.raises(ValueError, match="asks another question"):
        stepsize.Study("killed", steps=STEPS + 1, schedule="cosine", db=tmp_path / "s.db")


def test_another_start_budget_or_length_of_trials_is_another_question(tmp_path):
    kept = ("x", str(tmp_path / "race.db"), ["python"])
    begun = Search.race("a task", STEPS, "cosine", 0, 0.05, 0.5, kept)
    del begun  # another process
    Search.race("a task", STEPS, "cosine", 0, 0.05, 0.5, kept)
    with pytest.raises(ValueError, match=r"asks another question(.|\n)*budget: 0.5\n    now: 0.7"):
        Search.race("a task", STEPS, "cosine", 0, 0.05, 0.7, kept)
    with pytest.raises(ValueError, match=r"start: 0.05\n    now: not set"):
        Search.race("a task", STEPS, "cosine", 0, None, 0.5, kept)
    kept = ("x", str(tmp_path / "grid.db"), ["python"])
    Search.grid("a task", STEPS, "cosine", 0, 1e-3, 1.0, 1, 1, 50, kept)
    with pytest.raises(ValueError, match=r"trial steps: 50\n    now: not set"):
        Search.grid("a task", STEPS, "cosine", 0, 1e-3, 1.0, 1, 1, None, kept)


def test_a_killed_pool_leaves_no_lock_behind(tmp_path, answer):
    log = tmp_path / "log"
    first = run(tmp_path, -1, log, "pool")
    while not log.exists() or " done" not in log.read_text():
        time.sleep(0.01)
    os.kill(first.pid, signal.SIGKILL)  # its forked workers live on for a while, or for good
    first.wait(60)
    try:
        last = run(tmp_path, -1, log, "pool")
        assert last.communicate(timeout=60)[0].split() == [repr(answer.lr), str(len(answer.points))]
    finally:
        try:
            os.killpg(first.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def test_the_command_line_sees_it(tmp_path, answer):
    program = os.environ.get("STEPSIZE_COMMAND") or shutil.which("stepsize")
    if program is None:
        pytest.skip("no stepsize command: set STEPSIZE_COMMAND or install the wheel")
    db = tmp_path / "s.db"
    with study("seen", db=db, task="a noisy quadratic") as ran:
        ran.run(quadratic)
    shown = subprocess.run([program, "show", "seen", "--db", db, "--json"], capture_output=True, text=True, check=True)
    told = json.loads(shown.stdout)
    assert told["lr"] == answer.lr and told["task"] == "a noisy quadratic" and len(told["points"]) == len(answer.points)
    assert told["question"] == "find --probe race"
    listed = subprocess.run([program, "studies", "--db", db], capture_output=True, text=True, check=True).stdout
    assert "concluded" in listed and "a noisy quadratic" in listed
    again = subprocess.run([program, "resume", "seen", "--db", db], capture_output=True, text=True)
    assert again.returncode != 0 and "run that program again" in again.stderr and "python" in again.stderr
    # And the other way round: Python continues what the command line began, since it asks the same.
    line = "find --data wine --model linear --batch-size 16 --steps 320 --start 0.05 --study line --json --db"
    ran = subprocess.run([program, *line.split(), db], capture_output=True, text=True)
    assert ran.returncode in (0, 3), ran.stderr  # an answer, or a refusal: both are kept
    told = json.loads(ran.stdout)
    search = Search.race(told["task"], 320, "cosine", 0, 0.05, None, ("line", str(db), ["python"]))
    assert search.ask() is None and search.conclude().lr == told["lr"]
