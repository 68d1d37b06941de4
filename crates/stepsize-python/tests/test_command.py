"""The command line that comes with the wheel: the console script, or ``python -m stepsize``."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from stepsize import _native

if not _native.COMMAND_LINE:
    pytest.skip("the module was built without the command line", allow_module_level=True)

INSTALLED = os.environ.get("STEPSIZE_COMMAND")
COMMAND = [INSTALLED] if INSTALLED else [sys.executable, "-m", "stepsize"]


def run(*words, cwd=None):
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, cwd=cwd, timeout=300)


def test_it_is_the_command_line():
    ran = run("--version")
    assert ran.returncode == 0 and ran.stdout == f"stepsize {_native.__version__}\n" and ran.stderr == ""
    ran = run("find", "--help")
    assert ran.returncode == 0 and "Usage: stepsize find" in ran.stdout
    ran = run("schedule", "warmup(10%) then cosin", "--steps", "100")
    assert ran.returncode == 2 and "did you mean `cosine`" in ran.stderr and "Traceback" not in ran.stderr


def test_a_stored_study_records_the_typed_command(tmp_path):
    words = ["find", "--steps", "60", "--study", "short", "--db", "s.db"]
    ran = run(*words, "--json", cwd=tmp_path)
    assert ran.returncode in (0, 3), ran.stderr
    found = json.loads(ran.stdout)
    shown = run("show", "short", "--db", "s.db", "--json", cwd=tmp_path)
    assert json.loads(shown.stdout)["lr"] == found["lr"]
    again = run("resume", "short", "--db", "s.db", cwd=tmp_path)  # with the stored command
    assert again.returncode == ran.returncode, again.stderr


@pytest.mark.skipif(os.name == "nt", reason="signals of Unix")
def test_the_command_line_handles_ctrl_c_itself():
    child = subprocess.Popen(
        [*COMMAND, "sweep", "--epochs", "1000", "--seeds", "9", "--json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    time.sleep(5)
    child.send_signal(signal.SIGINT)
    try:
        out, error = child.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        child.kill()
        raise
    assert "KeyboardInterrupt" not in error and "Traceback" not in error
    assert child.returncode == 130 and json.loads(out)["interrupted"] is True
