"""The types: the stub matches the compiled module (stubtest), and mypy and pyright find no fault in the package."""

import importlib.util
import os
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


NARROWED = """
import stepsize
from stepsize import Answer, Refusal


def user(step, save, restore) -> float:  # type: ignore[no-untyped-def]
    estimate = stepsize.find(step, save, restore, steps=100)
    rate: float = estimate.require()
    if estimate:
        found: Answer = estimate
        rate = estimate.lr
    else:
        none: Refusal = estimate
        reason: str = estimate.refused
    raised: Answer = stepsize.find(step, save, restore, steps=100, on_refusal="raise")
    return raised.lr + rate
"""


@pytest.mark.parametrize("checker", ["mypy", "pyright"])
def test_an_estimate_is_narrowed_by_asking_and_by_raising(checker, tmp_path):
    pytest.importorskip(checker)
    script = tmp_path / "user.py"
    script.write_text(NARROWED)
    package = pathlib.Path(importlib.util.find_spec("stepsize").origin).parent.parent
    # mypy finds an installed package by itself, and refuses to be told of `site-packages`.
    staged = {} if package.name == "site-packages" else {"MYPYPATH": str(package), "PYTHONPATH": str(package)}
    more = ["--strict"] if checker == "mypy" else ["--pythonpath", sys.executable]
    ran = subprocess.run(
        [sys.executable, "-m", checker, *more, str(script)], cwd=tmp_path, capture_output=True, text=True,
        env={**os.environ, **staged},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
