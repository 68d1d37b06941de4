"""The quick starts in docs/ run as they are: the code blocks of a page are one program."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

DOCS = pathlib.Path(__file__).parents[3] / "docs"
FRAMEWORKS = {
    "torch", "jax", "optax", "keras", "lightning", "transformers", "sklearn", "numpy", "matplotlib", "accelerate", "ignite", "skorch",
    "tensorboard", "optuna", "peft",
}
PAGES = sorted(p.name for p in DOCS.glob("*.md") if "```python" in p.read_text())


def runs(program, tmp_path):
    """Runs the program in ``tmp_path``; skips the test when a framework is not installed."""
    env = {"KERAS_BACKEND": "jax", "JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1", "MPLBACKEND": "agg", **os.environ}
    ran = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=900)
    missing = re.search(r"ModuleNotFoundError: No module named '(\w+)", ran.stderr)
    if missing and missing[1] in FRAMEWORKS:
        pytest.skip(f"{missing[1]} is not installed")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_there_is_a_page_for_every_framework():
    assert {f"{name}.md" for name in ("torch", "jax", "keras", "lightning", "transformers", "scikit-learn", "numpy", "trainers")} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_runs(page, tmp_path):
    blocks = re.findall(r"^```python\n(.*?)^```", (DOCS / page).read_text(), re.M | re.S)
    assert runs("\n".join(blocks), tmp_path)


def test_the_notebook_runs(tmp_path):
    runs((DOCS / "notebook.py").read_text(), tmp_path)
    assert (tmp_path / "notebook.png").read_bytes()[:4] == b"\x89PNG"
