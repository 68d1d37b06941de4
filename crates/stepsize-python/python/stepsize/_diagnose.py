"""``diagnose``: what the curves of a training say of its rate.

Whatever is given becomes paths, or one JSON or CSV text that the readers of logs read. So an array
is judged as the same numbers in a file are.
"""

from __future__ import annotations

import json
import math
import numbers
import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from . import _native
from ._diagnosis import Diagnosis, Finding, Reading, RunDiagnosis, SeriesRead, SweepDiagnosis

# The name of data that is no file, in messages and as `RunDiagnosis.file`.
_NAME = "data"


class _Options(NamedTuple):
    metric: str | None
    maximize: bool
    step: str | None
    rate: str | None
    lr: float | None
    regex: str | None
    classes: int | None
    alone: bool


def diagnose(
    data: Any,
    *,
    metric: str | None = None,
    maximize: bool = False,
    step: str | None = None,
    lr: float | str | None = None,
    regex: str | None = None,
    classes: int | None = None,
    alone: bool = False,
) -> Diagnosis:
    """Says whether the rate of a training was too low, good or too high, or whether it diverged.

    It is what ``stepsize diagnose`` says of the same numbers in a file. docs/diagnose.md tells what
    a verdict means and how often it is right. Several runs of one job at different rates are
    compared, which is far surer than a single curve.

    Args:
        data: A path, or several: logs of any tool, folders, or patterns with ``*`` and ``?``. Or
            numbers:

            - a list or an array of losses,
            - a dictionary of them by name, such as
              ``{"step": [...], "train_loss": [...], "val_loss": [...], "lr": [...]}``; single values
              in it are settings (``"lr": 0.1``, ``"optimizer": "adam"``),
            - a list of dictionaries with one reading each, as ``trainer.state.log_history`` is,
            - the ``History`` that ``fit`` of Keras returns, or a ``Trainer`` of transformers,
            - a pandas or polars ``DataFrame`` with a column for each series,
            - several of these: a list of them, or a dictionary of them by name. Names that are
              numbers are their rates: ``{0.01: losses, 0.1: losses, 1.0: losses}``.
        metric: Name of the series by which runs are judged, instead of the one that is picked.
        maximize: More is better for the metric.
        step: Name of the counter of steps.
        lr: Base rate of the runs, where ``data`` does not hold it, or the name of the series of the
            rate.
        regex: Reads files as lines of text, by a pattern such as
            ``"it (?<step>[0-9]+) val (?<val_loss>[0-9.]+)"``.
        classes: Number of classes, where ``data`` does not hold it.
        alone: Judge each run by itself, without comparing runs of one job.

    Raises:
        ValueError: When nothing in ``data`` can be read as a training, or an argument does not fit
            it; the message names the argument.
        TypeError: When ``data`` is of another type.
        FileNotFoundError: When a path does not exist.

    Example:
        >>> losses = [2.3 / (1 + 0.05 * i) for i in range(40)] + [float("nan")] * 10
        >>> diagnosis = diagnose(losses, lr=0.3)
        >>> diagnosis.verdict, diagnosis.next_lr
        ('diverged', 0.1)
        >>> diagnosis.findings[0].code
        'LR001'
    """
    rate, base = (lr, None) if isinstance(lr, str) else (None, lr)
    if base is not None and not (isinstance(base, numbers.Real) and math.isfinite(base) and base > 0):
        raise ValueError(f"lr={lr!r}: a rate is a finite number above zero, or the name of a series")
    if classes is not None and classes < 2:
        raise ValueError(f"classes={classes!r}: there are two classes or more")
    options = _Options(
        metric, maximize, step, rate, None if base is None else float(base), regex, classes, alone
    )
    paths = _paths(data)
    if paths is None and regex is not None:
        raise ValueError("regex= reads lines of files; data= holds numbers: leave out regex=")
    text = None if paths is not None else (_NAME, _text(data, metric or ("score" if maximize else "loss")))
    judged, shown, picture = _native.judge([os.fspath(path) for path in paths or ()], text, options)
    objects = json.loads(judged)
    failed = {o["file"]: o["because"] for o in objects if o["read"] is None}
    runs = tuple(_run(o) for o in objects if o["read"] is not None)
    if not runs:
        raise ValueError("data= cannot be diagnosed: " + "; ".join(failed.values()))
    return Diagnosis(runs, failed, shown, picture)


def _run(o: dict[str, Any]) -> RunDiagnosis:
    read = o["read"]
    findings = tuple(Finding(**{**f, "steps": _pair(f["steps"])}) for f in o["findings"])
    return RunDiagnosis(
        file=o["file"],
        run=o["run"],
        lr=o["lr"],
        verdict=o["verdict"],
        confidence=o["confidence"],
        why=o["because"],
        chances=o["chances"],
        ruled_out=o["ruled_out"],
        ruled_out_confidence=o["ruled_out_confidence"],
        findings=findings,
        next_lr=o["next_lr"],
        sweep=SweepDiagnosis(**o["sweep"]) if o["sweep"] else None,
        read=Reading(
            **{role: _series(read[role]) for role in ("loss", "validation", "score", "rate")},
            base_rate_from=read["base_rate_from"],
            counter=read["counter"],
            steps=_pair(read["steps"]),
            series=tuple(SeriesRead(**s) for s in read["series"]),
            notes=tuple(read["notes"]),
        ),
        _object=o,
    )


def _series(o: dict[str, Any] | None) -> SeriesRead | None:
    return None if o is None else SeriesRead(**o)


def _pair(values: Sequence[float] | None) -> tuple[float, float] | None:
    return None if values is None else (values[0], values[1])


def _paths(data: Any) -> list[str | os.PathLike[str]] | None:
    """The paths that ``data`` names; ``None`` when it holds numbers."""
    if isinstance(data, (str, os.PathLike)):
        paths = [data]
    elif isinstance(data, (list, tuple, set)) and data and all(isinstance(d, (str, os.PathLike)) for d in data):
        paths = list(data)
    else:
        return None
    for name in paths:
        path = str(os.fspath(name))
        if not any(c in path for c in "*?[") and not os.path.exists(path):
            raise FileNotFoundError(2, "data= names a file that does not exist", path)
    return paths


def _text(data: Any, name: str) -> str:
    """``data`` as a document for the readers of logs. ``name`` is that of numbers without one."""
    if _is_frame(data):
        return _csv(data)
    plain = _plain(data, "data")
    if isinstance(plain, list):
        if not plain:
            raise ValueError("data= is empty: give losses, or the path of a log")
        if all(_is_number(value) for value in plain):
            plain = {name: plain}
        elif all(isinstance(value, dict) for value in plain):
            records = all(not isinstance(v, (list, dict)) for record in plain for v in record.values())
            plain = {"log_history" if records else "runs": plain}
        elif all(isinstance(value, list) for value in plain):
            plain = {"runs": [_curve(value, name, f"data[{i}]") for i, value in enumerate(plain)]}
        else:
            raise TypeError("data= mixes numbers, runs and paths: give one kind in a list")
    elif isinstance(plain, dict):
        if all(isinstance(key, float) for key in plain):
            runs = {key: value if isinstance(value, dict) else _curve(value, name, f"data[{key}]") for key, value in plain.items()}
            named = {f"lr={key!r}": {"lr": key, **run} for key, run in runs.items()}
            plain = next(iter(named.values())) if len(named) == 1 else named  # readers split a document that has several
        if not plain:
            raise ValueError("data= is empty: give losses by name, or the path of a log")
    else:
        raise TypeError(
            f"data= is of type {type(data).__name__}: give paths, losses, a dictionary of series, a History, a log_history or a DataFrame"
        )
    return json.dumps({str(key): value for key, value in plain.items()})


def _curve(value: Any, name: str, where: str) -> dict[str, Any]:
    if not isinstance(value, list) or not value or not all(_is_number(v) for v in value):
        raise TypeError(f"{where} of data= holds no list of numbers: a run is a list of losses, or a dictionary of series")
    return {name: value}


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, (int, float))


def _is_frame(data: Any) -> bool:
    return hasattr(data, "columns") and (hasattr(data, "to_csv") or hasattr(data, "write_csv"))


def _csv(frame: Any) -> str:
    if hasattr(frame, "write_csv"):
        return str(frame.write_csv())
    # An index without a name counts rows, which a reader does by itself.
    return str(frame.to_csv(index=any(name is not None for name in frame.index.names)))


def _plain(data: Any, where: str) -> Any:
    """``data`` in numbers, texts, lists and dictionaries; keys stay numbers where they are."""
    state = getattr(data, "state", None)
    if state is not None and hasattr(state, "log_history"):
        return _plain(state.log_history, where)
    if hasattr(data, "log_history"):
        return _plain(data.log_history, where)
    if isinstance(getattr(data, "history", None), Mapping):
        epochs = getattr(data, "epoch", None)
        lengths = {len(values) for values in data.history.values()}
        counted = {"epoch": list(epochs)} if epochs and lengths == {len(epochs)} else {}
        return _plain({**counted, **data.history}, where)
    if _is_frame(data):
        columns = {str(name): _plain(data[name], where) for name in data.columns}
        return {name: [None if v != v else v for v in values] for name, values in columns.items()}
    if isinstance(data, Mapping):
        return {_key(key): _plain(value, f"{where}[{key!r}]") for key, value in data.items()}
    if isinstance(data, (str, bool)) or data is None:
        return data
    if isinstance(data, numbers.Integral):
        return int(data)
    if isinstance(data, numbers.Real):
        return float(data)
    if hasattr(data, "detach"):
        data = data.detach().cpu()
    if hasattr(data, "tolist"):
        return _flat(data.tolist(), where)
    if hasattr(data, "to_list"):
        return _flat(data.to_list(), where)
    if isinstance(data, os.PathLike):
        return os.fspath(data)
    if isinstance(data, Iterable):
        return [_plain(value, f"{where}[{i}]") for i, value in enumerate(data)]
    return str(data)


def _key(key: Any) -> Any:
    return float(key) if isinstance(key, numbers.Real) and not isinstance(key, bool) else str(key)


def _flat(values: Any, where: str) -> Any:
    if isinstance(values, list) and any(isinstance(value, list) for value in values):
        raise ValueError(f"{where} is an array of two dimensions or more: give one array of numbers for each series")
    return values
