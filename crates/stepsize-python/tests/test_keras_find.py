"""stepsize.keras.find: a good rate for a compiled model, and everything put back bit for bit."""

import os
import random
import subprocess
import sys
import warnings

os.environ.setdefault("KERAS_BACKEND", "jax")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np
import pytest

pytest.importorskip("jax")
keras = pytest.importorskip("keras")

from keras.src.backend.common import global_state  # noqa: E402

import stepsize.keras as sk  # noqa: E402

CENTRES = np.random.default_rng(9).normal(size=(10, 16)).astype("float32")


def data(count, seed):
    draw = np.random.default_rng(seed)
    labels = draw.integers(10, size=count)
    return CENTRES[labels] + draw.normal(size=(count, 16)).astype("float32"), labels


TRAIN, HELD = data(1024, 0), data(512, 1)


def compiled(optimizer=None, built=True):
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(32), keras.layers.BatchNormalization(), keras.layers.ReLU(), keras.layers.Dropout(0.1)]
    model = keras.Sequential([*([keras.Input((16,))] if built else []), *layers, keras.layers.Dense(10)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer or keras.optimizers.SGD(1e-4, momentum=0.9), loss, metrics=["accuracy"])
    return model


def everything(model):
    """Values of all variables, and states of the generators. The search must leave none more and none less."""
    generator = global_state.get_global_attribute("global_seed_generator")
    variables = [*model.variables, *model.metrics_variables, *model.optimizer.variables, *([generator.state] if generator else [])]
    values = [(id(v), np.array(keras.ops.convert_to_numpy(v.value)).tolist()) for v in variables]
    return values, np.random.get_state()[1].tolist(), random.getstate(), model.metrics_names, model.optimizer.built


@pytest.mark.parametrize("begun", [False, True], ids=["fresh", "mid-training"])
def test_it_finds_a_good_rate_and_puts_everything_back(begun):
    model = compiled()
    if begun:
        model.fit(*TRAIN, epochs=1, verbose=0)
    before = everything(model)
    found = sk.find(model, TRAIN, HELD, steps=400, schedule="cosine", progress=False)
    assert everything(model) == before
    assert float(model.optimizer.learning_rate) == pytest.approx(1e-4)
    assert found.lr and found.cost <= 1.5 and "Sequential" in found.to_json()
    if begun:
        return

    def full_run(lr):
        model = compiled(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(lr, 400), momentum=0.9))
        model.fit(*TRAIN, epochs=13, steps_per_epoch=30, verbose=0, batch_size=32)
        return model.evaluate(*HELD, verbose=0)[0]

    table = {lr: full_run(lr) for lr in (1e-4, 1e-2, 0.3)}
    assert full_run(found.lr) < 1.2 * min(table.values()), (found.lr, table)


def scaled():
    return keras.optimizers.LossScaleOptimizer(keras.optimizers.Adam(1e-2))


def counting():
    return keras.optimizers.AdamW(1e-2, gradient_accumulation_steps=3)


@pytest.mark.parametrize("optimizer", [scaled, counting])
@pytest.mark.parametrize(("begun", "built"), [(True, True), (False, True), (False, False)])
def test_training_after_a_search_is_training_without_it(optimizer, begun, built):
    """Keras looks at a batch before it builds the variables of the optimizer and the metrics, and shuffles anew. So they must be
    built as late as without the search.
    """
    losses = []
    for search in (False, True):
        model = compiled(optimizer(), built)
        if begun:
            model.fit(*TRAIN, epochs=1, verbose=0)
        if search:
            sk.find(model, TRAIN, steps=60, budget=0.75)
            assert model.optimizer.built == begun and len(model.metrics_names) == 2
        losses.append(model.fit(*TRAIN, epochs=2, verbose=0).history["loss"])
    assert losses[0] == losses[1]


def test_what_two_outputs_are_trained_with_is_not_left_built():
    """The metrics of each output's loss, and metrics that are built when they are first updated."""
    losses = []
    for search in (sk.find, sk.range_test, sk.sweep, None):
        keras.utils.set_random_seed(0)
        inputs = keras.Input((16,))
        model = keras.Model(inputs, {"digit": keras.layers.Dense(10, activation="softmax")(inputs), "mean": keras.layers.Dense(1)(inputs)})
        model.compile("adam", {"digit": "categorical_crossentropy", "mean": "mse"}, metrics={"digit": [keras.metrics.F1Score()]})
        train = TRAIN[0], {"digit": np.eye(10, dtype="float32")[TRAIN[1]], "mean": TRAIN[0].mean(1, keepdims=True)}
        length = {sk.find: {"steps": 60}, sk.range_test: {"trial_steps": 20}, sk.sweep: {"steps": 5, "low": 1e-3, "high": 1e-2}}
        before = everything(model)
        if search:
            search(model, train, **length[search])
        assert everything(model) == before
        losses.append(model.fit(*train, epochs=2, verbose=0).history["loss"])
    assert losses[0] == losses[1] == losses[2] == losses[3]


def test_draws_without_a_seed_are_put_back():
    """They are of a generator of Keras, which is made at the first draw. Compiled JAX refuses them."""
    if keras.backend.backend() == "jax":
        pytest.skip("they are not possible on this backend")

    class Noisy(keras.layers.Layer):
        def call(self, inputs):
            return inputs + 0.1 * keras.random.normal(keras.ops.shape(inputs))

    losses = []
    for drawn, search in ((False, False), (False, True), (True, False), (True, True)):
        keras.utils.set_random_seed(0)
        model = keras.Sequential([keras.Input((16,)), Noisy(), keras.layers.Dense(10)])
        model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
        if drawn:
            keras.random.normal((1,))
        before = everything(model)
        if search:
            sk.find(model, TRAIN, HELD, steps=60)
        assert everything(model) == before and all(v.value.grad is None for v in model.trainable_variables)
        assert (global_state.get_global_attribute("global_seed_generator") is not None) == drawn
        losses.append(model.fit(*TRAIN, epochs=2, verbose=0).history["loss"])
    assert losses[0] == losses[1] != losses[2] == losses[3]


def test_on_the_torch_backend():
    """On this backend dropout draws from PyTorch's global generator, which must be put back too."""
    pytest.importorskip("torch")
    if keras.backend.backend() == "torch":
        pytest.skip("this is it")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", __file__, "-k", "training_after or exception or without_a_seed"]
    ran = subprocess.run(command, env={**os.environ, "KERAS_BACKEND": "torch"}, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


@pytest.mark.parametrize("fault", [RuntimeError, KeyboardInterrupt])
def test_everything_is_put_back_after_an_exception(fault):
    model, calls = compiled(), []
    before = everything(model)

    def batches():
        for at in range(0, 1024, 32):
            calls.append(1)
            if len(calls) == 50:
                raise fault("stop")
            yield TRAIN[0][at : at + 32], TRAIN[1][at : at + 32]

    with pytest.raises(fault):
        sk.find(model, batches, HELD, steps=300)
    assert everything(model) == before


def test_other_data_and_the_other_searches():
    class Indexed(keras.utils.PyDataset):
        num_batches = 8

        def __getitem__(self, at):
            part = slice(32 * at, 32 * at + 32)
            return TRAIN[0][part], TRAIN[1][part], np.ones(32)

    model = compiled(built=False)
    test = sk.range_test(model, Indexed(), high=1e3, trial_steps=80)
    assert test.curve and model.built
    table = sk.sweep(model, TRAIN, HELD, steps=10, low=1e-3, high=0.1, per_decade=1, seeds=2)
    assert len({p["loss"] for p in table.points}) == 6


def test_arrays_of_several_inputs():
    first, second = keras.Input((6,)), keras.Input((10,))
    both = keras.layers.Concatenate()([first, second])
    model = keras.Model([first, second], keras.layers.Dense(10)(both))
    model.compile(keras.optimizers.SGD(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    x, y = TRAIN
    found = sk.find(model, ([x[:, :6], x[:, 6:]], y), ((HELD[0][:, :6], HELD[0][:, 6:]), HELD[1]), steps=100)
    assert found.points
    with pytest.raises(ValueError, match="there are 10 and 12 inputs and 12 targets"):
        sk.find(model, ([x[:10, :6], x[:12, 6:]], y[:12]), steps=100)


def test_several_targets_as_arrays_and_as_batches():
    """Also the price of their evaluations, which follows from the samples of a batch."""
    inputs = keras.Input((16,))
    outputs = {"digit": keras.layers.Dense(10)(inputs), "mean": keras.layers.Dense(1)(inputs)}
    model = keras.Model(inputs, outputs)
    losses = {"digit": keras.losses.SparseCategoricalCrossentropy(from_logits=True), "mean": "mse"}
    model.compile(keras.optimizers.SGD(), losses)

    def targets(x, y):
        return {"digit": y, "mean": x.mean(1, keepdims=True)}

    train, held = ((x, targets(x, y)) for x, y in (TRAIN, HELD))
    found = sk.find(model, train, held, steps=100, batch_size=32, seed=1)
    size = len(TRAIN[1])
    batches = [(TRAIN[0][at : at + 32], targets(TRAIN[0][at : at + 32], TRAIN[1][at : at + 32])) for at in range(0, size - 32, 32)]
    again = sk.find(model, batches, [held], steps=100, seed=1)
    assert found.points and again.points and again.cost < 1.5
    with pytest.raises(ValueError, match="targets: give as many targets as inputs"):
        sk.find(model, (TRAIN[0][:5], targets(*TRAIN)), steps=100)


def test_a_model_that_only_says_it_is_built_gets_its_weights():
    class Own(keras.Model):
        def __init__(self):
            super().__init__()
            self.out = keras.layers.Dense(10)

        def call(self, inputs):
            return self.out(inputs)

    model = Own()
    model.compile(keras.optimizers.Adam(), keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.build((None, 16))
    assert sk.find(model, TRAIN, HELD, steps=100).points and len(model.trainable_variables) == 2


def test_arguments_that_cannot_work_raise():
    with pytest.raises(ValueError, match="model.compile"):
        sk.find(keras.Sequential([keras.Input((16,)), keras.layers.Dense(10)]), TRAIN, steps=100)
    with pytest.raises(ValueError, match="is a schedule"):
        sk.find(compiled(keras.optimizers.SGD(keras.optimizers.schedules.CosineDecay(0.1, 10))), TRAIN, steps=100)
    with pytest.raises(ValueError, match="only once"):
        sk.find(compiled(), iter([]), steps=100)
    with pytest.raises(ValueError, match="as many"):
        sk.find(compiled(), (TRAIN[0], TRAIN[1][:-1]), steps=100)


def test_the_generator_of_a_data_set_is_put_back():
    class Rows(keras.utils.PyDataset):
        def __init__(self):
            super().__init__()
            self.draw, self.given = np.random.default_rng(3), 0

        def __len__(self):
            return 32

        def __getitem__(self, at):
            self.given += 1
            rows = slice(32 * at, 32 * at + 32)
            return TRAIN[0][rows] + 0.1 * self.draw.standard_normal(TRAIN[0][rows].shape).astype("float32"), TRAIN[1][rows]

    rows = Rows()
    before = repr(rows.draw.bit_generator.state)
    found = [sk.find(compiled(), rows, HELD, steps=100, budget=1.0).points for _ in range(2)]
    assert repr(rows.draw.bit_generator.state) == before and rows.given == 0
    assert found[0] == found[1]


def test_a_pytorch_loader():
    """As fit takes one, on any backend. It draws its order from the global generator of PyTorch."""
    torch = pytest.importorskip("torch")
    rows = torch.utils.data.TensorDataset(*map(torch.tensor, TRAIN))
    loader = torch.utils.data.DataLoader(rows, 32, shuffle=True)
    before = torch.get_rng_state().tolist()
    found = [sk.find(compiled(), loader, HELD, steps=100, budget=1.0).points for _ in range(2)]
    assert torch.get_rng_state().tolist() == before and found[0] == found[1]


@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_workers_that_stay_begin_anew_in_each_trial(begun, staying_loader):
    loader = staying_loader(*TRAIN)
    sk.find(compiled(), loader, HELD, steps=60, callback=begun.watch, progress=False)
    assert len(begun.seeds) > 3 and len(begun.alike(0)) == 1
    assert loader._iterator is None  # as it was
