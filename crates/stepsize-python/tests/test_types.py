"""The stubs say what is there: complete for mypy (stubtest), and free of faults for mypy and pyright."""

import pathlib
import subprocess
import sys

import pytest

PROJECT = pathlib.Path(__file__).parent.parent


@pytest.mark.parametrize(
    "command", [["mypy", "python"], ["mypy.stubtest", "stepsize._native"], ["pyright", "--pythonpath", sys.executable, "python"]], ids=lambda c: c[0]
)
def test_types(command):
    pytest.importorskip(command[0].split(".")[0])
    ran = subprocess.run([sys.executable, "-m", *command], cwd=PROJECT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
