"""``show_versions``: what to put into a bug report."""

from __future__ import annotations

import importlib.metadata
import platform
import sys

from ._native import COMMAND_LINE, __version__

_PACKAGES = (
    "numpy", "torch", "jax", "jaxlib", "optax", "keras", "lightning", "pytorch-lightning", "transformers", "accelerate", "peft",
    "pytorch-ignite", "skorch", "schedulefree", "scikit-learn", "optuna", "tensorboard", "mlflow", "mlflow-skinny", "wandb",
    "matplotlib", "tqdm",
)  # fmt: skip


def show_versions() -> None:
    """Prints the versions of Stepsize, Python, the system and the packages that Stepsize works
    with.

    It imports none of them.

    Example::

        stepsize.show_versions()
    """
    print(f"stepsize {__version__} ({'with' if COMMAND_LINE else 'without'} the command line)")
    print(f"python {sys.version.split()[0]} ({platform.python_implementation()}), {platform.platform()}")
    for name in _PACKAGES:
        try:
            version = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
        print(f"{name} {version}")
