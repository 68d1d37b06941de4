"""find, range_test and sweep over closures: their answers and refusals, and that everything is put back."""

import json
import math
import pickle
import signal
import subprocess
import sys
import threading

import pytest

import stepsize


class Quadratic:
    """SGD on a noisy quadratic in expectation: the test engine of the core, with more gradient noise."""

    def __init__(self):
        self.curvatures = [(i + 1) ** -1.5 for i in range(60)]
        self.moments = [(i + 1) ** -0.2 for i in range(60)]
        self.taken = 0

    def loss(self):
        return 0.5 * sum(c * m for c, m in zip(self.curvatures, self.moments))

    def step(self, lr):
        before = self.loss()
        self.moments = [(1 - lr * c) ** 2 * m + lr * lr * c for c, m in zip(self.curvatures, self.moments)]
        self.taken += 1
        return before

    def save(self):
        return list(self.moments)

    def restore(self, kept):
        self.moments = list(kept)


def best_rate(steps, schedule):
    """The best rate by brute force: full runs at four rates for each factor of 2."""
    shape, found = stepsize.Schedule(schedule, steps=steps), []
    for i in range(-40, 8):
        job, lr = Quadratic(), 2.0 ** (i / 4)
        for at in range(steps):
            job.step(lr * shape(at))
        found.append((job.loss(), lr))
    return min(f for f in found if math.isfinite(f[0]))


@pytest.mark.parametrize("schedule", ["cosine", "constant", "warmup(10%) then linear"])
def test_it_finds_a_good_rate_for_about_half_a_run(schedule):
    job, steps = Quadratic(), 640
    estimate = stepsize.find(job.step, job.save, job.restore, steps=steps, schedule=schedule, evaluate=job.loss)
    assert estimate and estimate.refused is None and estimate.advice is None
    low, high = estimate.interval
    assert low <= estimate.lr <= high
    assert job.taken / steps <= estimate.cost and job.taken <= steps  # evaluations cost too
    least, _ = best_rate(steps, schedule)
    run, shape = Quadratic(), stepsize.Schedule(schedule, steps=steps)
    for at in range(steps):
        run.step(estimate.lr * shape(at))
    assert run.loss() / least < 1.3, (estimate.lr, best_rate(steps, schedule))
    assert job.moments == Quadratic().moments


def test_without_an_evaluation_the_last_training_losses_judge():
    job = Quadratic()
    estimate = stepsize.find(job.step, job.save, job.restore, steps=640, schedule="cosine")
    assert estimate and 0.05 < estimate.lr < 2.0


def test_it_refuses_what_cannot_be_answered():
    state = {"n": 0}
    flat = stepsize.find(lambda lr: 1.0, dict, lambda kept: None, steps=320)
    assert not flat and flat.lr is None and flat.refused == "flat" and flat.interval is None
    assert flat.why and flat.advice and "refused" in repr(flat) and "refused" in str(flat)

    def broken(lr):
        state["n"] += 1
        return float("nan") if lr > 0.0 else 1.0

    gone = stepsize.find(broken, dict, lambda kept: None, steps=320)
    assert gone.refused == "all_diverged" and gone.divergence_lr is not None
    assert state["n"] < 30  # divergence ends a trial at once


@pytest.mark.parametrize("evaluate", [None, lambda: 0.0])
def test_a_loss_that_is_always_zero_is_named_in_the_first_trial(evaluate):
    """It was refused as a divergence at every rate."""
    events = []
    with pytest.raises(ValueError, match="exactly 0, also before its first step, so there is nothing to learn"):
        stepsize.find(lambda lr: 0.0, lambda: None, lambda kept: None, steps=400, evaluate=evaluate, callback=events.append)
    assert {event.trial for event in events if event.kind == "trial"} == {0}
    # A loss of 0 that is learned, and one that begins at 0 and becomes negative, are losses.
    below = Quadratic()
    start = below.loss()
    found = stepsize.find(
        below.step, below.save, below.restore, steps=400, seed=1, evaluate=lambda: (below.loss() - start) if evaluate else below.loss()
    )  # fmt: skip
    assert found.points


def test_a_nan_check_that_raises_is_a_divergence_and_other_errors_pass_after_the_restore():
    job = Quadratic()

    def checked(lr):
        if lr > 0.9:
            raise FloatingPointError("invalid value (nan) encountered")
        return job.step(lr)

    estimate = stepsize.find(checked, job.save, job.restore, steps=640, schedule="cosine", evaluate=job.loss)
    assert estimate and estimate.divergence_lr is not None and estimate.lr < 0.9

    def fails(lr):
        if job.taken > steps_before + 70:
            raise MemoryError("out of memory")
        return job.step(lr)

    steps_before = job.taken
    with pytest.raises(MemoryError):
        stepsize.find(fails, job.save, job.restore, steps=640, schedule="cosine")
    assert job.moments == Quadratic().moments


def test_ctrl_c_puts_everything_back_and_passes_through():
    job, restored = Quadratic(), []
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it for what runs in the background

    def step(lr):
        if job.taken == 50:
            signal.raise_signal(signal.SIGINT)
        return job.step(lr)

    def restore(kept):
        if job.taken > 50:
            signal.raise_signal(signal.SIGINT)  # a second Ctrl-C during the restore
        job.restore(kept)
        restored.append(True)

    with pytest.raises(KeyboardInterrupt):
        stepsize.find(step, job.save, restore, steps=640)
    assert job.moments == Quadratic().moments and restored
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_it_runs_in_a_thread_and_two_at_once():
    answers = []

    def search():
        job = Quadratic()
        answers.append(stepsize.find(job.step, job.save, job.restore, steps=320, schedule="cosine").lr)

    threads = [threading.Thread(target=search) for _ in range(2)]
    [t.start() for t in threads], [t.join() for t in threads]
    assert len(answers) == 2 and answers[0] == answers[1]


def test_range_test_and_its_rules():
    for rule in ("edge", "fastai_steep", "lightning"):
        job = Quadratic()
        test = stepsize.range_test(job.step, job.save, job.restore, high=1e3, trial_steps=200, rule=rule)
        assert test.lr and 1e-4 < test.lr < 3.0 and test.curve
        assert job.moments == Quadratic().moments
    with pytest.raises(ValueError, match="the rules are edge, accuracy"):
        stepsize.range_test(job.step, job.save, job.restore, rule="magic")


def test_sweep_runs_every_rate_with_every_seed():
    job, seeds = Quadratic(), []
    table = stepsize.sweep(
        job.step, job.save, job.restore, steps=100, low=1e-3, high=1.0, per_decade=2, seeds=2, trial_steps=50,
        evaluate=lambda: (job.loss(), 0.5), reseed=seeds.append,
    )  # fmt: skip
    assert len(table.points) == 7 * 2 and seeds and {p["steps"] for p in table.points} == {50}
    assert {p["score"] for p in table.points if p["loss"]} == {0.5}
    with pytest.raises(ValueError, match="reseed"):
        stepsize.sweep(job.step, job.save, job.restore, steps=20, low=0.1, high=1.0, seeds=2)


def test_a_search_that_repeats_its_rates_calls_reseed():
    numpy = pytest.importorskip("numpy")
    curvature, draw, weights, seeds = numpy.linspace(0.1, 1, 20), numpy.random.default_rng(0), numpy.ones(20), []

    def step(lr):
        loss = float((weights**2 * curvature).sum() / 2 + 5)  # falls to a half: not plain without a second seed
        weights[:] -= lr * (weights * curvature + 0.1 * draw.normal(size=20))
        return loss

    def restore(kept):
        weights[:], draw.bit_generator.state = kept

    def reseed(seed):
        seeds.append(seed)
        draw.bit_generator.state = numpy.random.default_rng(seed).bit_generator.state

    arguments = step, lambda: (weights.copy(), draw.bit_generator.state), restore
    found = stepsize.find(*arguments, steps=10_000, schedule="cosine", reseed=reseed)
    assert found.lr and set(seeds) == {1}
    # without reseed= the second seed has other data too; the steps to come to it are paid
    rates = []
    arguments = (lambda lr: (rates.append(lr), step(lr))[1], *arguments[1:])
    skipping = stepsize.find(*arguments, steps=10_000, schedule="cosine")
    second = [point for point in skipping.points if point["seed"] == 1]
    (low, high), (other_low, other_high) = found.interval, skipping.interval  # other data, other answers
    assert low < other_high and other_low < high and second
    assert rates.count(0.0) >= sum(point["steps"] for point in second)
    assert abs(skipping.cost - len(rates) / 10_000) < 1e-4 and skipping.cost < 0.7


def test_arguments_out_of_range_raise_before_any_step():
    job = Quadratic()
    for wrong in ({"steps": 0}, {"steps": 10, "budget": 0.0}, {"steps": 10, "start": -1.0}, {"steps": 10, "schedule": "cosin"}):
        with pytest.raises(ValueError):
            stepsize.find(job.step, job.save, job.restore, **wrong)
    assert job.taken == 0


@pytest.fixture(scope="module")
def estimate():
    job = Quadratic()
    return stepsize.find(job.step, job.save, job.restore, steps=320, schedule="cosine", task="a <quadratic>")


def test_an_estimate_shows_itself(estimate, tmp_path):
    told = json.loads(estimate.to_json())
    assert told["lr"] == estimate.lr and told["cost_runs"] == estimate.cost and told["refused"] is None
    assert told["points"] == estimate.points and told["task"] == "a <quadratic>"
    assert estimate._repr_html_().startswith("<svg") and estimate.to_png()[:4] == b"\x89PNG"
    estimate.report(tmp_path / "f.html")
    page = (tmp_path / "f.html").read_text()
    assert page.startswith("<!doctype html>") and "a &lt;quadratic&gt;" in page and page == estimate.to_html()
    assert "lr " in repr(estimate) and "80 % interval" in str(estimate)
    twin = pickle.loads(pickle.dumps(estimate))
    assert twin.to_json() == estimate.to_json() and twin.landscape == estimate.landscape


def test_an_estimate_is_plotted_without_a_window(estimate):
    pytest.importorskip("matplotlib")
    window = "matplotlib.pyplot" in sys.modules
    axes = estimate.plot()
    labels = axes.get_legend_handles_labels()[1]
    assert "80 % interval" in labels and f"lr {estimate.lr:.3g}" in labels and axes.get_xscale() == "log"
    assert ("matplotlib.pyplot" in sys.modules) == window
    assert estimate.plot(ax=axes) is axes
    job = Quadratic()
    test = stepsize.range_test(job.step, job.save, job.restore, high=1e3)
    assert max(loss for _, loss in test.curve) > 1e3 and test.plot().get_ylim()[1] < 2.0  # a blow-up does not hide the fall
    stepsize.find(lambda lr: 1.0, dict, lambda kept: None, steps=320).plot()


def test_a_notebook_shows_the_plot(estimate, monkeypatch):
    """A notebook shows the figures of pyplot below a cell, and no others."""
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    from matplotlib import pyplot

    monkeypatch.setitem(sys.modules, "ipykernel", pyplot)
    axes = estimate.plot()
    assert pyplot.get_fignums() and pyplot.figure(pyplot.get_fignums()[-1]) is axes.figure
    pyplot.close(axes.figure)


def test_progress_is_shown_when_asked(capsys):
    pytest.importorskip("tqdm")
    job = Quadratic()
    stepsize.find(job.step, job.save, job.restore, steps=320, progress=True)
    assert "step" in capsys.readouterr().err
    stepsize.find(job.step, job.save, job.restore, steps=320)
    assert capsys.readouterr().err == ""


def test_no_framework_is_needed_for_a_search():
    code = (
        "import sys, stepsize; x=[1.0]\n"
        "def step(lr): x[0] -= lr*x[0]; return x[0]**2+.1\n"
        "stepsize.find(step, lambda: list(x), lambda k: x.__setitem__(0, k[0]), steps=200)\n"
        "print([m for m in ('torch', 'jax', 'keras', 'numpy', 'matplotlib', 'tqdm') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
