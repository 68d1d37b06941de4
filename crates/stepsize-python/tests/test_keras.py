"""stepsize.keras on the JAX backend, compared with Keras's own callback in cases where that fails."""

import os
import subprocess
import sys
import warnings

os.environ.setdefault("KERAS_BACKEND", "jax")

import numpy as np
import pytest

pytest.importorskip("jax")
keras = pytest.importorskip("keras")
import stepsize  # noqa: E402
from stepsize.keras import Controller, Schedule  # noqa: E402

X = np.linspace(-1, 1, 32, dtype="float32").reshape(16, 2)
Y = X.sum(axis=1, keepdims=True)


def model(rate, **more):
    keras.utils.set_random_seed(0)
    made = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(1, kernel_initializer="zeros")])
    made.compile(keras.optimizers.SGD(rate, **more), "mse")
    return made


class Told(keras.callbacks.Callback):
    """Replaces a metric by the values of the test."""

    def __init__(self, values, start=0):
        super().__init__()
        self.values, self.start, self.rates = values, start, []

    def on_epoch_begin(self, epoch, logs=None):
        self.rates.append(float(self.model.optimizer.learning_rate))

    def on_epoch_end(self, epoch, logs=None):
        logs["metric"] = self.values[epoch]


def fit(made, told, *callbacks, **more):
    return made.fit(X, Y, batch_size=8, epochs=len(told.values), verbose=0, callbacks=[told, *callbacks], **more)


def test_a_schedule_sets_the_rate_of_every_step():
    made = model(Schedule(0.1, "warmup(2) then linear", steps=10))
    seen = []
    for _ in range(12):
        seen.append(float(made.optimizer.learning_rate))
        made.fit(X, Y, batch_size=16, epochs=1, verbose=0)
    expected = 0.1 * stepsize.Schedule("warmup(2) then linear", steps=10)(np.arange(12))
    np.testing.assert_allclose(seen, expected, rtol=1e-6)


def test_accumulated_gradients_make_one_step():
    def rates(rate):
        made, seen = model(rate, gradient_accumulation_steps=4), []
        for _ in range(8):
            seen.append(float(made.optimizer.learning_rate))
            made.fit(X, Y, batch_size=16, epochs=1, verbose=0)
        return seen

    theirs = rates(keras.optimizers.schedules.PolynomialDecay(1.0, 10, 0.0))
    assert theirs[4] == pytest.approx(0.6)  # after one step: four iterations were counted
    ours = rates(Schedule(1.0, "linear", steps=10, calls_per_step=4))
    assert ours == pytest.approx([1.0] * 4 + [0.9] * 4)


def test_a_controller_acts_on_the_compiled_step():
    rate = Schedule(0.1, "linear", steps=1000, controller="plateau_torch(patience=0, factor=0.5)")
    made, told = model(rate), Told([1.0, 1.0, 1.0, 0.5])
    history = fit(made, told, Controller("metric"))
    linear = 0.1 * stepsize.Schedule("linear", steps=1000)(np.arange(0, 8, 2))
    np.testing.assert_allclose(told.rates, linear * [1.0, 1.0, 0.5, 0.25], rtol=1e-6)
    assert history.history["learning_rate"][-1] == pytest.approx(0.1 * 0.25 * (1 - 8 / 1000))


def test_the_factor_is_in_the_step_that_is_compiled():
    def weights(factor):
        made = model(Schedule(0.1, controller=f"plateau_torch(patience=0, factor={factor})"))
        fit(made, Told([1.0, 1.0, 1.0]), Controller("metric"), shuffle=False)
        return made.get_weights()[0]

    def by_hand(factor):
        made = model(0.1)
        for scale in (1.0, 1.0, factor):
            made.optimizer.learning_rate = 0.1 * scale
            made.fit(X, Y, batch_size=8, verbose=0, shuffle=False)
        return made.get_weights()[0]

    for factor in (0.5, 0.001):
        np.testing.assert_allclose(weights(factor), by_hand(factor), rtol=1e-5)
    assert not np.allclose(weights(0.5), weights(0.001))


NOTATION = "plateau_torch(patience=1, factor=0.5)"
VALUES = [1.0, 1.0, 1.0, 1.0, 1.0, 1.0]


def whole():
    made, told = model(Schedule(0.1, controller=NOTATION)), Told(VALUES)
    fit(made, told, Controller("metric"))
    return told.rates


def test_the_state_is_in_a_keras_file(tmp_path):
    made, told = model(Schedule(0.1, controller=NOTATION)), Told(VALUES[:2])
    fit(made, told, Controller("metric"))
    made.save(tmp_path / "m.keras")
    loaded, later = keras.models.load_model(tmp_path / "m.keras"), Told(VALUES[2:])
    fit(loaded, later, Controller("metric"))
    assert told.rates + later.rates == whole()
    assert isinstance(loaded.optimizer._learning_rate, Schedule)


def test_the_state_is_in_a_file_of_weights(tmp_path):
    class Killed(Exception):
        pass

    class Kill(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise Killed

    backup = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    told = Told(VALUES)
    with pytest.raises(Killed):
        fit(model(Schedule(0.1, controller=NOTATION)), told, Controller("metric"), backup, Kill())
    later = Told(VALUES)
    again = keras.callbacks.BackupAndRestore(tmp_path / "backup")
    fit(model(Schedule(0.1, controller=NOTATION)), later, Controller("metric"), again)
    assert told.rates[:3] + later.rates == whole()


def test_a_callback_without_a_controller_or_a_metric_raises():
    with pytest.raises(ValueError, match="has no controller"):
        fit(model(0.1), Told([1.0]), Controller("metric"))
    with pytest.raises(ValueError, match="not logged"):
        fit(model(Schedule(0.1, controller="plateau")), Told([1.0]), Controller("missing"))
    with pytest.raises(stepsize.NotationError):
        Schedule(0.1, "cosin", steps=10)


# Cases in which Keras fails, and what Stepsize does.


def test_peer_a_second_fit_forgets_the_state():
    def rates(rate, callback):
        made, seen = model(rate), []
        for value in VALUES:  # one fit for each value, as in a loop over checkpoints
            told = Told([value])
            fit(made, told, callback)
            seen += told.rates
        return seen

    theirs = keras.callbacks.ReduceLROnPlateau("metric", mode="min", factor=0.5, patience=2, min_delta=0.0)
    assert rates(0.1, theirs) == pytest.approx([0.1] * 6)  # no cut, since each fit starts again
    at_once = Told(VALUES)
    fit(model(0.1), at_once, theirs)
    assert at_once.rates[-1] == pytest.approx(0.025)
    ours = rates(Schedule(0.1, controller=NOTATION), Controller("metric"))
    assert ours == whole() and ours[-1] == pytest.approx(0.025)


def test_peer_a_nan_metric_poisons_the_best():
    values = [float("nan"), 1.0, 0.9, 0.8, 0.7, 0.6]  # a steady fall after one broken number
    told = Told(values)
    fit(model(0.1), told, keras.callbacks.ReduceLROnPlateau("metric", mode="min", factor=0.5, patience=2))
    assert told.rates[-1] < 0.1
    told = Told(values)
    with pytest.warns(UserWarning, match="epoch 0: metric is refused"):
        fit(model(Schedule(0.1, controller="plateau(patience=4)")), told, Controller("metric"))
    assert told.rates == pytest.approx([0.1] * 6)


def test_peer_plateau_under_a_schedule():
    rate = keras.optimizers.schedules.CosineDecay(0.1, 100)
    with pytest.raises(TypeError, match="not settable"):
        fit(model(rate), Told([1.0] * 3), keras.callbacks.ReduceLROnPlateau("metric", mode="min", patience=1))
    told = Told([1.0] * 3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        fit(model(Schedule(0.1, "cosine", 100, controller="plateau_torch(patience=0)")), told, Controller("metric"))
    assert told.rates[2] == pytest.approx(0.01 * stepsize.Schedule("cosine", 100)(4), rel=1e-5)


def test_peer_cooldown_of_one():
    def theirs(cooldown):
        told = Told([1.0] * 8)
        fit(model(0.1), told, keras.callbacks.ReduceLROnPlateau("metric", mode="min", factor=0.5, patience=1, cooldown=cooldown))
        return told.rates

    assert theirs(0) == theirs(1)  # no effect


def test_the_torch_backend_has_the_same_rates():
    pytest.importorskip("torch")
    code = """
import keras, stepsize
from stepsize.keras import Schedule
for text in ("warmup(100) then cosine", "sgdr(100, stretch=1.5, gain=0.8)", "table(1, 0.5, 0.25)", "one_cycle"):
    core, ours = stepsize.Schedule(text, steps=1000), Schedule(1.0, text, 1000)
    for step in range(0, 2000, 77):
        assert abs(float(ours(keras.ops.convert_to_tensor(step))) - core(step)) < 1e-6, (text, step)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, "KERAS_BACKEND": "torch"}, capture_output=True, text=True
    )
    assert ran.returncode == 0, ran.stderr


def test_a_rate_that_a_search_did_not_give_is_named():
    with pytest.raises(TypeError, match=r"lr is None.*require\(\)"):
        stepsize.keras.Schedule(None, "cosine", steps=100)
