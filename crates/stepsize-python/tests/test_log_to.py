"""``stepsize find --log-to``: what the program writes by file formats is read back with the real packages."""

import json
import math
import os
import subprocess
import sys

import pytest

from stepsize import _native

if not _native.COMMAND_LINE:
    pytest.skip("the module was built without the command line", allow_module_level=True)

pytestmark = pytest.mark.filterwarnings("ignore")
INSTALLED = os.environ.get("STEPSIZE_COMMAND")
COMMAND = [INSTALLED] if INSTALLED else [sys.executable, "-m", "stepsize"]


def run(*words, cwd):
    return subprocess.run([*COMMAND, *words], capture_output=True, text=True, cwd=cwd, timeout=300)


@pytest.fixture(scope="module")
def search(tmp_path_factory):
    """A search that is written to all three kinds of places; its events, its answer and the folder."""
    folder = tmp_path_factory.mktemp("log-to")
    places = ["tensorboard:boards", "mlflow:runs", "wandb-offline:offline"]
    words = ["sweep", "--model", "linear", "--steps", "60", "--low", "0.01", "--high", "1000", "--per-decade", "1", "--seeds", "1"]
    words += [word for place in places for word in ("--log-to", place)]
    ran = run(*words, "--json", "--study", "x", cwd=folder)
    assert ran.returncode in (0, 3), ran.stderr
    events = [json.loads(line) for line in run("export", "x", cwd=folder).stdout.splitlines()]
    return folder, events, json.loads(ran.stdout)


def losses(events, trial):
    number = lambda loss: math.nan if loss is None else loss  # noqa: E731
    return [(e["step"], pytest.approx(number(e["loss"]), nan_ok=True)) for e in events if e["event"] == "step" and e["trial"] == trial]


def started(events):
    return {event["trial"]: event["spec"] for event in events if event["event"] == "started"}


def test_tensorboard_reads_every_trial(search):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    folder, events, answer = search
    runs = {}
    for place in (folder / "boards").iterdir():
        found = EventAccumulator(str(place), size_guidance={"scalars": 0})
        found.Reload()
        runs[place.name] = {tag: [(one.step, one.value) for one in found.Scalars(tag)] for tag in found.Tags()["scalars"]}
    trials = started(events)
    assert len(runs) == len(trials) + 1 == 7
    for trial in trials:
        run = next(run for name, run in runs.items() if name.startswith(f"trial {trial},"))
        assert run["loss"] == losses(events, trial) and "val_loss" in run and "lr" in run
    assert len(runs["search"]["cost"]) == len(trials)
    shown = runs["search"]["answer"][0][1]
    assert shown == pytest.approx(answer["lr"]) if answer["lr"] else math.isnan(shown)


def test_mlflow_reads_every_trial(search, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    folder, events, answer = search
    client = mlflow.MlflowClient((folder / "runs").as_uri())
    runs = client.search_runs([client.get_experiment_by_name("stepsize").experiment_id])
    whole = next(run for run in runs if run.info.run_name == "search")
    assert whole.data.metrics.get("lr") == answer["lr"] and whole.data.params["steps"] == "60"
    kept = json.loads((folder / "runs" / whole.info.experiment_id / whole.info.run_id / "artifacts" / "estimate.json").read_text())
    assert kept["cost_runs"] == pytest.approx(answer["cost_runs"])
    trials = started(events)
    assert {run.info.status for run in runs} == {"FINISHED"} and len(runs) == len(trials) + 1
    for trial, spec in trials.items():
        run = next(run for run in runs if run.info.run_name.startswith(f"trial {trial},"))
        assert float(run.data.params["lr"]) == spec["lr"] and run.data.tags["mlflow.parentRunId"] == whole.info.run_id
        history = client.get_metric_history(run.info.run_id, "loss")
        assert [(one.step, one.value) for one in sorted(history, key=lambda one: one.step)] == losses(events, trial)
        end = next(e["end"]["how"] for e in events if e["event"] == "ended" and e["trial"] == trial)
        assert run.data.tags["end"] == end


def test_wandb_reads_every_trial(search, records):
    pytest.importorskip("wandb")
    from wandb.proto import wandb_internal_pb2

    folder, events, answer = search
    runs = {}
    for file in (folder / "offline" / "wandb").glob("offline-run-*/run-*.wandb"):
        assert file.parent.name.endswith(file.stem.removeprefix("run-"))
        head, rows, summary, ends = None, [], {}, 0
        for number, data in enumerate(records(file.read_bytes()), 1):
            record = wandb_internal_pb2.Record()
            record.ParseFromString(data)
            assert record.num == number
            kind = record.WhichOneof("record_type")
            if kind == "run":
                head = record.run
            elif kind == "history":
                rows.append({item.nested_key[0]: json.loads(item.value_json) for item in record.history.item})
                assert rows[-1]["_step"] == record.history.step.num
            elif kind == "summary":
                summary.update({item.key: json.loads(item.value_json) for item in record.summary.update})
            ends += kind == "exit"
        assert head.project == "stepsize" and ends == 1 and head.run_id == file.stem.removeprefix("run-")
        runs[head.display_name] = head, rows, summary
    trials = started(events)
    assert len(runs) == len(trials) + 1 and len({head.run_group for head, _, _ in runs.values()}) == 1
    for trial in trials:
        head, rows, _ = next(run for name, run in runs.items() if name.startswith(f"trial {trial},"))
        config = {item.key: json.loads(item.value_json) for item in head.config.update}
        assert config["lr"] == trials[trial]["lr"] and config["seed"] == 0
        assert [(row["_step"], float(row["loss"])) for row in rows if "loss" in row] == losses(events, trial)
    assert runs["search"][2].get("answer") == answer["lr"]


def test_a_place_that_cannot_be_written_is_refused_before_anything_runs(tmp_path):
    (tmp_path / "file").write_text("")
    ran = run("find", "--log-to", "mlflow:file", cwd=tmp_path)
    assert ran.returncode == 2 and "Nothing has run" in ran.stderr
    ran = run("find", "--log-to", "mlflow:http://127.0.0.1:5000", cwd=tmp_path)
    assert ran.returncode == 2 and "stepsize.loggers.MLflow" in ran.stderr
