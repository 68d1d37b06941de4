"""stepsize.loggers: what a search logs is read back with the packages that it is logged to."""

import json
import pathlib

import pytest

import stepsize
from stepsize import loggers

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _with_files(monkeypatch):
    """MLflow keeps its runs in files only when it is told to."""
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")


def search(log, *, breaks_at=None, flat=False):
    x, taken = [1.0], []

    def step(lr):
        taken.append(lr)
        if len(taken) == breaks_at:
            raise KeyError("the data are gone")
        loss = 0.5 if flat else x[0] ** 2 + 0.1
        x[0] -= lr * 2 * x[0]
        return loss

    restore = lambda kept: x.__setitem__(0, kept[0])  # noqa: E731
    estimate = stepsize.find(step, x.copy, restore, steps=200, callback=log, task="a parabola", reseed=lambda seed: None)
    return estimate, taken


class Kept:
    """A logger that keeps the events, to compare with."""

    def __init__(self, log):
        self.events, self.log = [], log

    def __call__(self, event):
        self.events.append(event)
        self.log(event)

    def of(self, kind):
        return [event for event in self.events if event.kind == kind]


def test_tensorboard_shows_every_trial_and_the_answer(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    def read(folder):
        found = EventAccumulator(str(folder), size_guidance={"tensors": 0})
        found.Reload()
        return {tag: [(one.step, one.tensor_proto.float_val[0]) for one in found.Tensors(tag)] for tag in found.Tags()["tensors"]}

    with loggers.TensorBoard(tmp_path) as log:
        kept = Kept(log)
        estimate, _ = search(kept)
    runs = {folder.name: read(folder) for folder in tmp_path.iterdir()}
    trials = kept.of("trial")
    assert len(runs) == len(trials) + 1
    for trial in trials:
        run = next(run for name, run in runs.items() if name.startswith(f"trial {trial.trial},"))
        steps = [event for event in kept.of("step") if event.trial == trial.trial]
        assert [(step, pytest.approx(loss)) for step, loss in run["loss"]] == [(event.step, event.loss) for event in steps]
        assert len(run["val_loss"]) == sum(event.trial == trial.trial for event in kept.of("evaluation"))
    assert runs["search"]["answer"][0][1] == pytest.approx(estimate.lr)
    assert [step for step, _ in runs["search"]["cost"]] == [event.taken for event in kept.of("trial_end")]


def test_mlflow_has_a_run_for_the_search_and_one_for_each_trial(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    uri = (tmp_path / "runs").as_uri()
    kept = Kept(loggers.MLflow("rates", uri))
    estimate, taken = search(kept)
    client = mlflow.MlflowClient(uri)
    experiment = client.get_experiment_by_name("rates").experiment_id
    runs = client.search_runs([experiment])
    whole = next(run for run in runs if run.info.run_name == "search")
    assert whole.data.metrics["lr"] == estimate.lr and whole.data.params["task"] == "a parabola"
    assert whole.data.metrics["cost"] == pytest.approx(kept.of("trial_end")[-1].cost)
    text = pathlib.Path(client.download_artifacts(whole.info.run_id, "estimate.json")).read_text()
    assert json.loads(text)["lr"] == estimate.lr
    trials = [run for run in runs if run is not whole]
    assert {run.data.tags["mlflow.parentRunId"] for run in trials} == {whole.info.run_id}
    assert sum(len(client.get_metric_history(run.info.run_id, "loss")) for run in trials) == len(taken)
    assert {float(run.data.params["lr"]) for run in trials} == {event.lr for event in kept.of("trial")}
    assert {run.info.status for run in runs} == {"FINISHED"}
    with pytest.raises(KeyError), loggers.MLflow("rates", uri, run_name="broken") as log:
        search(log, breaks_at=30)
    states = [run.info.status for run in client.search_runs([experiment]) if run.info.status != "FINISHED"]
    assert states == ["KILLED", "KILLED"]


def test_wandb_has_the_search_beside_the_training_of_its_run(tmp_path, monkeypatch, records):
    wandb = pytest.importorskip("wandb")
    from wandb.proto import wandb_internal_pb2

    monkeypatch.setenv("WANDB_SILENT", "true")
    run = wandb.init(mode="offline", dir=str(tmp_path), project="rates", settings=wandb.Settings(console="off"))
    with pytest.raises(ValueError, match="every is 0"):
        loggers.WandB(run, every=0)
    kept = Kept(loggers.WandB(run, every=2))
    estimate, taken = search(kept)
    run.finish()
    wandb.teardown()  # waits until the file is whole
    rows, summary = [], {}
    for data in records(next(tmp_path.glob("wandb/offline-run-*/*.wandb")).read_bytes()):
        record = wandb_internal_pb2.Record()
        record.ParseFromString(data)
        if record.WhichOneof("record_type") == "history":
            rows.append({"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in record.history.item})
        if record.WhichOneof("record_type") == "summary":
            summary.update({"/".join(item.nested_key) or item.key: json.loads(item.value_json) for item in record.summary.update})
    losses = [row["stepsize/loss"] for row in rows if "stepsize/loss" in row]
    assert losses == [event.loss for event in kept.of("step") if event.step % 2 == 0] and len(losses) < len(taken)
    assert [row["stepsize/taken"] for row in rows] == sorted(row["stepsize/taken"] for row in rows)
    assert summary["stepsize/answer"] == estimate.lr


def test_a_refusal_is_logged_as_one(tmp_path):
    mlflow = pytest.importorskip("mlflow")
    uri = tmp_path.as_uri()
    estimate, _ = search(loggers.MLflow("rates", uri), flat=True)
    client = mlflow.MlflowClient(uri)
    runs = client.search_runs([client.get_experiment_by_name("rates").experiment_id])
    whole = next(run for run in runs if run.info.run_name == "search")
    assert whole.data.tags["refused"] == estimate.refused and "lr" not in whole.data.metrics


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "wandb", None)
    with pytest.raises(ImportError, match="pip install wandb"):
        loggers.WandB()
