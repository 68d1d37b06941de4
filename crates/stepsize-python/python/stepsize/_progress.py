"""Signs of life: a tqdm bar, or lines of the logger ``stepsize`` where tqdm is not installed."""

from __future__ import annotations

import contextlib
import importlib
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

from ._event import SearchEvent

_logger = logging.getLogger("stepsize")


@contextlib.contextmanager
def shown(progress: bool | None, planned: float) -> Iterator[Callable[[SearchEvent], None]]:
    """Gives a function that shows events.

    Each trial is a line of the logger ``stepsize`` at the level ``INFO``. In a terminal or a
    notebook, or with ``progress=True``, there is also a tqdm bar; where tqdm is not installed the
    lines of the logger go to stderr instead, if nobody else handles them.
    """
    wanted = progress or (progress is None and (sys.stderr.isatty() or "ipykernel" in sys.modules))
    bar = _bar(planned) if wanted else None
    with bar if bar is not None else contextlib.nullcontext(), _on_stderr() if wanted and bar is None else _quiet():

        def show(event: SearchEvent) -> None:
            if bar is not None and event.kind == "step":
                bar.set_postfix(trial=event.trial, lr=f"{event.lr:.3g}", loss=f"{event.loss:.4g}", refresh=False)
                bar.update()
            elif event.kind == "trial_end":
                _logger.info("%s", _line(event))

        yield show


def _line(event: SearchEvent) -> str:
    loss = "" if event.val_loss is None else f", loss {event.val_loss:.4g}"
    return f"trial {event.trial}: lr {event.lr:.3g}, {event.steps} steps, {event.end}{loss}; {event.cost:.2f} runs so far"


def _bar(planned: float) -> Any:
    try:
        tqdm = importlib.import_module("tqdm.auto").tqdm
    except ImportError:
        return None
    return tqdm(total=round(planned), unit="step", desc="stepsize")


@contextlib.contextmanager
def _on_stderr() -> Iterator[None]:
    if _logger.isEnabledFor(logging.INFO) and _logger.hasHandlers():
        yield
        return
    handler, level = logging.StreamHandler(), _logger.level
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    _logger.addHandler(handler)
    _logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        _logger.setLevel(level)
        _logger.removeHandler(handler)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    yield
