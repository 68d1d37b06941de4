"""Studies of Optuna, made from searches and searched from."""

import math

import pytest

optuna = pytest.importorskip("optuna")
import stepsize  # noqa: E402
import stepsize.optuna as so  # noqa: E402

optuna.logging.set_verbosity(optuna.logging.WARNING)
BEST = 0.02


def loss(lr, steps):
    """Falls with the steps; best at ``BEST``; infinite at high rates."""
    return math.inf if lr > 1.0 else 0.1 + math.log10(lr / BEST) ** 2 + 1.0 / (1 + steps)


def train(trial):
    for step, rate in trial:
        told = step + 1 == trial.steps or step + 1 in trial.evaluations
        trial.report(step, loss=loss(rate, step), val_loss=loss(trial.lr, step + 1) if told else None)
        if trial.over:
            return


def swept(**more):
    with stepsize.Study(steps=40, probe="sweep", low=1e-4, high=10.0, per_decade=2, task="a job", **more) as study:
        estimate = study.run(train)
        return study, estimate, study.to_optuna()


def test_a_sweep_is_complete_trials_and_diverged_ones_rank_last():
    _, estimate, made = swept()
    complete = [one for one in made.trials if one.state is optuna.trial.TrialState.COMPLETE]
    pruned = [one for one in made.trials if one.state is optuna.trial.TrialState.PRUNED]
    assert {one.params["lr"] for one in complete} == {point["lr"] for point in estimate.points if not point["diverged"]}
    assert len(pruned) == sum(point["diverged"] for point in estimate.points) > 0
    assert not any(one.intermediate_values for one in pruned)
    assert made.best_value == min(point["loss"] for point in estimate.points if not point["diverged"])
    assert made.best_trial.user_attrs["steps"] == 40
    assert all(one.state is not optuna.trial.TrialState.WAITING for one in made.trials)  # the answer was tried
    made.sampler = optuna.samplers.TPESampler(seed=0)
    made.optimize(lambda trial: loss(trial.suggest_float("lr", 1e-4, 10.0, log=True), 40), n_trials=12)
    new = [one.params["lr"] for one in made.trials[len(estimate.points) :]]
    assert sum(abs(math.log10(lr / BEST)) < 1.0 for lr in new) > 6


def test_short_trials_are_pruned_ones_with_their_evaluations():
    with stepsize.Study(steps=1000, task="a job") as study:
        estimate = study.run(train)
        made = study.to_optuna(param="learning_rate")
    short = [one for one in made.trials if one.state is optuna.trial.TrialState.PRUNED and one.intermediate_values]
    assert short and all(one.last_step < 1000 and "learning_rate" in one.params for one in short)
    rates = so.distribution(estimate)
    assert rates.log and (rates.low, rates.high) == estimate.interval
    assert made.trials[-1].state is optuna.trial.TrialState.WAITING
    made.optimize(lambda trial: loss(trial.suggest_float("learning_rate", 1e-4, 10.0, log=True), 1000), n_trials=1)
    assert made.best_params["learning_rate"] == estimate.lr


def test_it_adds_to_a_study_in_a_storage(tmp_path):
    study, estimate, _ = swept()
    storage = f"sqlite:///{tmp_path}/optuna.db"
    mine = optuna.create_study(storage=storage, study_name="mine")
    mine.optimize(lambda trial: loss(trial.suggest_float("lr", 1e-3, 1.0, log=True), 40), n_trials=2)
    so.to_optuna(estimate, mine)
    assert len(optuna.load_study(study_name="mine", storage=storage).trials) == 2 + len(estimate.points)


def test_a_search_starts_from_the_best_rate_of_an_optuna_study():
    found = optuna.create_study(direction="maximize", sampler=optuna.samplers.RandomSampler(seed=0))
    found.optimize(lambda trial: -loss(trial.suggest_float("lr", 1e-4, 0.9, log=True), 10), n_trials=20)
    with stepsize.Study.from_optuna(found, steps=1000, task="a job") as study:
        first = study.ask().lr
    assert abs(math.log2(first / found.best_params["lr"])) < 1.01


def test_errors_name_the_argument():
    two = optuna.create_study(directions=["minimize", "minimize"])
    with pytest.raises(ValueError, match="2 objectives"):
        stepsize.Study.from_optuna(two, steps=100)
    empty = optuna.create_study()
    with pytest.raises(ValueError, match="it has no complete trial"):
        so.best_rate(empty)
    empty.optimize(lambda trial: trial.suggest_float("eta", 0.1, 1.0), n_trials=1)
    with pytest.raises(ValueError, match="its parameters are eta: give param="):
        so.best_rate(empty)
    _, estimate, _ = swept()
    with pytest.raises(ValueError, match="study maximizes"):
        so.to_optuna(estimate, optuna.create_study(direction="maximize"))
    with pytest.raises(ValueError, match="both given"):
        so.to_optuna(estimate, empty, study_name="other")
