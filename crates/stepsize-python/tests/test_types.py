"""The types: the stub matches the compiled module (stubtest), and mypy and pyright find no fault in the package."""

import importlib.util
import pathlib
import subprocess
import sys

import pytest

PROJECT = pathlib.Path(__file__).parent.parent
FRAMEWORKS = (
    "torch", "jax", "optax", "keras", "lightning", "transformers", "accelerate", "sklearn", "skorch", "ignite", "optuna",
)
COMMANDS = {
    "mypy": ["mypy", "python"],
    "stubtest": ["mypy.stubtest", "stepsize._native"],
    "pyright": ["pyright", "--pythonpath", sys.executable, "python"],
}


@pytest.mark.parametrize("checker", COMMANDS)
def test_types(checker):
    command = COMMANDS[checker]
    pytest.importorskip(command[0].split(".")[0])
    if checker == "pyright":
        # It looks for a missing `jax` in the directories above the file that imports it, and
        # finds stepsize/jax.
        missing = [name for name in FRAMEWORKS if importlib.util.find_spec(name) is None]
        if missing:
            pytest.skip(f"pyright takes stepsize.{missing[0]} for {missing[0]}, which is not installed")
    ran = subprocess.run([sys.executable, "-m", *command], cwd=PROJECT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout + ran.stderr
