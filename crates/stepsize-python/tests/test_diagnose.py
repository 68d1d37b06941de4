"""``stepsize.diagnose``: the same verdicts as the command line's, from files, arrays and what frameworks return."""

import json
import math
import os
import pickle
import subprocess
import sys
import types

import pytest

import stepsize
from stepsize import _native, diagnose

INSTALLED = os.environ.get("STEPSIZE_COMMAND")
COMMAND = [INSTALLED] if INSTALLED else [sys.executable, "-m", "stepsize"]


def curve(rate, steps=60):
    """Losses of a made-up job whose best rate is 0.1; from 1 on it breaks."""
    if rate >= 1:
        return [2.3, 5.0, 40.0] + [math.nan] * (steps - 3)
    end = 0.2 + 0.3 * abs(math.log10(rate / 0.1)) ** 2
    return [end + (2.3 - end) * math.exp(-rate * i) + 0.004 * (i % 3) for i in range(steps)]


def series(rate):
    losses = curve(rate)
    return {"step": [10 * i for i in range(len(losses))], "train_loss": losses, "val_loss": [1.05 * x for x in losses], "lr": [rate] * len(losses)}


def printed(*words, cwd):
    """The list that the command prints with ``--json --explain``."""
    if not INSTALLED and not _native.COMMAND_LINE:
        pytest.skip("the module was built without the command line")
    ran = subprocess.run([*COMMAND, "diagnose", *words, "--json", "--explain"], capture_output=True, text=True, cwd=cwd, timeout=300)
    return json.loads(ran.stdout)


def test_a_loss_that_breaks_has_diverged():
    diagnosis = diagnose(curve(1.0), lr=1.0)
    assert diagnosis.verdict == "diverged" and diagnosis.confidence > 0.9
    assert diagnosis.next_lr < 1.0 and "LR001" in [finding.code for finding in diagnosis.findings]
    assert diagnosis.read.loss.readings == 60 and diagnosis.read.loss.not_finite == 57
    assert diagnosis.why and diagnosis.findings[0].advice


@pytest.mark.parametrize("rate", [0.003, 0.1, 1.0])
def test_numbers_are_judged_as_the_same_numbers_in_a_file(rate, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with open("data", "w") as file:
        json.dump(series(rate), file)
    given = diagnose(series(rate)).to_dict()
    assert given["runs"] == diagnose("data").to_dict()["runs"]
    assert given["runs"] == printed("data", cwd=tmp_path)


def test_files_give_what_the_command_prints(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for rate in (0.003, 0.1, 1.0):
        rows = "".join(f"{i},{x}\n" for i, x in enumerate(curve(rate)))
        (tmp_path / f"lr{rate}.csv").write_text(f"update,quality\n{rows}")
    options = {"metric": "quality", "step": "update", "classes": 10, "alone": True}
    words = ["--metric", "quality", "--step", "update", "--classes", "10", "--alone"]
    assert diagnose("*.csv", **options).to_dict()["runs"] == printed("*.csv", *words, cwd=tmp_path)
    lone = tmp_path / "lr0.1.csv"
    assert diagnose(lone, metric="quality", lr=0.5).to_dict()["runs"] == printed(str(lone), "--metric", "quality", "--lr", "0.5", cwd=tmp_path)
    text = tmp_path / "odd.txt"
    text.write_text("".join(f"it {i} it had {x}\n" for i, x in enumerate(curve(0.1))))
    regex = "it (?<step>[0-9]+) it had (?<loss>[0-9.]+)"
    assert diagnose([text], regex=regex).to_dict()["runs"] == printed(str(text), "--regex", regex, cwd=tmp_path)


def test_runs_by_rate_are_a_sweep():
    rates = [0.003, 0.01, 0.03, 0.1, 0.3, 1.0]
    diagnosis = diagnose({rate: curve(rate) for rate in rates})
    assert [run.lr for run in diagnosis.runs] == rates
    assert 0.05 < diagnosis.best_lr < 0.2 and diagnosis.sweep.rates == 6
    assert diagnosis.sweep.low <= diagnosis.best_lr <= diagnosis.sweep.high
    assert [run.verdict for run in diagnosis.runs][:1] == ["too_low"] and diagnosis.runs[-1].verdict == "diverged"
    # A run by itself has no sweep, and several runs no single verdict.
    assert diagnose({rate: curve(rate) for rate in rates}, alone=True).best_lr is None
    with pytest.raises(AttributeError, match="6 runs"):
        diagnosis.verdict
    # The same by name, as dictionaries and in a list.
    for same in ({f"lr={rate}": series(rate) for rate in rates}, [series(rate) for rate in rates]):
        assert diagnose(same).best_lr == pytest.approx(diagnosis.best_lr, rel=0.05)


def test_whole_numbers_as_keys_are_rates():
    assert [run.lr for run in diagnose({1: curve(1), 10: curve(10)}).runs] == [1, 10]


def test_one_rate_is_as_good_as_several():
    for given in (curve(0.1), series(0.1)):
        [run] = diagnose({0.1: given}).runs
        assert run.lr == 0.1 and run.verdict == diagnose(curve(0.1), lr=0.1).verdict


def test_what_trainers_of_transformers_keep():
    records = [{"loss": x, "learning_rate": 1e-3, "epoch": i / 20, "step": 10 * i} for i, x in enumerate(curve(0.1))]
    records[20:20] = [{"eval_loss": 1.0, "epoch": 1.0, "step": 200}]
    records += [{"eval_loss": 0.4, "epoch": 3.0, "step": 600}, {"train_runtime": 3.0, "train_loss": 0.5, "epoch": 3.0, "step": 600}]
    trainer = types.SimpleNamespace(state=types.SimpleNamespace(log_history=records))
    for data in (records, trainer, trainer.state):
        read = diagnose(data).read
        assert (read.loss.name, read.loss.readings, read.validation.readings, read.counter) == ("loss", 60, 2, "step")
        assert read.rate.first == 1e-3


def test_what_fit_of_keras_returns():
    history = types.SimpleNamespace(history={"loss": curve(0.1), "val_loss": curve(0.03)}, epoch=list(range(60)))
    read = diagnose(history).read
    assert (read.loss.readings, read.validation.readings, read.counter) == (60, 60, "epoch")
    two = diagnose({"a": history, "b": history})
    assert [run.run for run in two.runs] == ["a", "b"]


def test_frames_of_pandas(tmp_path, monkeypatch):
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(series(0.1))
    frame.loc[frame.index % 5 != 0, "val_loss"] = None
    read = diagnose(frame).read
    assert (read.loss.readings, read.validation.readings, read.counter) == (60, 12, "step")
    by_rate = diagnose({rate: pandas.DataFrame({"val_loss": curve(rate)}) for rate in (0.01, 0.1, 0.3, 1.0)})
    assert by_rate.best_lr is not None and [run.lr for run in by_rate.runs] == [0.01, 0.1, 0.3, 1.0]
    assert diagnose(frame.set_index("step")).read.counter == "step"


def test_arrays_of_any_library():
    numpy = pytest.importorskip("numpy")
    losses = numpy.array(curve(0.1), dtype=numpy.float32)
    known = diagnose(losses.tolist())
    assert diagnose(losses).to_dict() == known.to_dict()
    assert diagnose({"loss": tuple(losses)}).to_dict() == diagnose({"loss": losses}).to_dict()
    with pytest.raises(ValueError, match="two dimensions"):
        diagnose(numpy.ones((3, 4)))
    torch = pytest.importorskip("torch")
    assert diagnose(torch.tensor(losses, requires_grad=True)).to_dict() == known.to_dict()
    assert diagnose([torch.tensor(x) for x in losses]).to_dict() == known.to_dict()


def test_a_score_is_read_as_one():
    read = diagnose([0.1 + 0.01 * i for i in range(50)], maximize=True).read
    assert read.score.readings == 50 and read.loss is None
    read = diagnose({"quality": curve(0.1), "speed": [3.0] * 60}, metric="quality", lr="speed").read
    assert (read.loss.name, read.rate.name) == ("quality", "speed")


@pytest.mark.parametrize(
    ("data", "options", "error", "words"),
    [
        ([], {}, ValueError, "data= is empty"),
        ({}, {}, ValueError, "data= is empty"),
        (3.0, {}, TypeError, "data= is of type float"),
        ([[1.0, 2.0], 3.0], {}, TypeError, "data= mixes"),
        ({0.1: "loss"}, {}, TypeError, r"data\[0.1\]"),
        ([1.0, 0.5, 0.4], {"lr": -1}, ValueError, "lr=-1"),
        ([1.0, 0.5, 0.4], {"lr": math.nan}, ValueError, "lr=nan"),
        ([1.0, 0.5, 0.4], {"classes": 1}, ValueError, "classes=1"),
        ([1.0, 0.5, 0.4], {"regex": "x([0-9])"}, ValueError, "regex="),
        ({"speed": [1.0, 2.0]}, {}, ValueError, "it has speed: name one with metric="),
        ({"loss": [1.0, 2.0]}, {"metric": "f1"}, ValueError, "no metric `f1`"),
        ("no/such/file.csv", {}, FileNotFoundError, "does not exist"),
        ("no-such-*.csv", {}, ValueError, "no file matches"),
    ],
)
def test_errors_name_the_argument(data, options, error, words):
    with pytest.raises(error, match=words):
        diagnose(data, **options)


def test_a_pattern_that_is_none_is_refused(tmp_path):
    (tmp_path / "a.txt").write_text("loss 1\n")
    with pytest.raises(ValueError, match="regular expression"):
        diagnose(tmp_path / "a.txt", regex="(")


def test_files_that_cannot_be_read_are_named_and_the_others_judged(tmp_path):
    (tmp_path / "a.csv").write_text("step,loss\n" + "".join(f"{i},{x}\n" for i, x in enumerate(curve(0.1))))
    (tmp_path / "b.csv").write_text("name,place\nx,y\n")
    diagnosis = diagnose([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert len(diagnosis.runs) == 1 and list(diagnosis.failed) == [str(tmp_path / "b.csv")]


def test_it_shows_itself_and_survives_pickling():
    diagnosis = diagnose({rate: curve(rate) for rate in (0.01, 0.1, 1.0)})
    assert repr(diagnosis).startswith("Diagnosis(") and "best lr" in repr(diagnosis)
    assert "VERDICT" in str(diagnose({rate: curve(rate) for rate in (0.01, 0.03, 0.1, 1.0)})) and "sweep:" in str(diagnosis)
    page = diagnosis._repr_html_()
    assert "<svg" in page and "<pre>" in page
    assert "<b>" not in diagnose({"<b>": curve(0.1), "val_loss": curve(0.1)})._repr_html_()
    assert pickle.loads(pickle.dumps(diagnosis)) == diagnosis
    json.dumps(diagnosis.to_dict())
    assert isinstance(diagnosis, stepsize.Diagnosis) and isinstance(diagnosis.runs[0], stepsize.RunDiagnosis)
