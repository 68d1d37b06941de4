"""stepsize.jax.find: a good rate, one compilation, and random generators put back."""

import random

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
import jax.numpy as jnp  # noqa: E402

import stepsize  # noqa: E402
import stepsize.jax as sj  # noqa: E402

CENTRES = np.random.default_rng(9).normal(size=(10, 16)).astype("float32")


def data(count, seed):
    draw = np.random.default_rng(seed)
    labels = draw.integers(10, size=count)
    return CENTRES[labels] + draw.normal(size=(count, 16)).astype("float32"), labels


X, Y = data(1024, 0)
HELD = data(512, 1)


def parameters():
    a, b = jax.random.split(jax.random.key(0))
    return {"a": jax.random.normal(a, (16, 32)) * 0.3, "b": jax.random.normal(b, (32, 10)) * 0.2}


def loss_fn(params, batch):
    logits = jax.nn.relu(batch[0] @ params["a"]) @ params["b"]
    return optax.softmax_cross_entropy_with_integer_labels(logits, batch[1]).mean()


class Loader:
    """Shuffles with a generator of its own, or with NumPy's global one."""

    def __init__(self, draw=np.random):
        self.draw, self.begun = draw, 0

    def __iter__(self):
        self.begun += 1
        order = self.draw.permutation(len(X))
        return ((X[order[i : i + 32]], Y[order[i : i + 32]]) for i in range(0, len(X), 32))


def full_run(lr, steps, schedule, make=optax.sgd):
    shape, params = stepsize.Schedule(schedule, steps=steps), parameters()
    state = make(1.0).init(params)

    @jax.jit
    def step(params, state, batch, lr):
        updates, state = make(lr).update(jax.grad(loss_fn)(params, batch), state, params)
        return optax.apply_updates(params, updates), state

    batches, taken = Loader(np.random.default_rng(5)), 0
    while taken < steps:
        for batch in batches:
            params, state = step(params, state, batch, lr * shape(taken))
            taken += 1
            if taken == steps:
                break
    return float(loss_fn(params, HELD))


@pytest.mark.parametrize("kind", ["function", "injected"])
def test_it_finds_a_good_rate_and_compiles_once(kind):
    traces = []

    def counted(params, batch):
        traces.append(1)
        return loss_fn(params, batch)

    optimizer = optax.sgd if kind == "function" else optax.inject_hyperparams(optax.sgd)(learning_rate=1e-4)
    params, draw = parameters(), np.random.default_rng(3)
    before = jax.tree.map(np.array, params)
    bits, legacy, python = draw.bit_generator.state, np.random.get_state()[1].tolist(), random.getstate()
    found = sj.find(counted, params, Loader(draw), optimizer, [HELD], steps=400, schedule="cosine", also=[draw])
    assert found.lr and found.cost <= 1.0, str(found)
    assert "JAX model, 832 parameters, judged on validation batches" in found.to_json()
    assert len(traces) == 2  # one step, one evaluation
    assert jax.tree.all(jax.tree.map(lambda a, b: np.array_equal(a, b), before, params))
    assert draw.bit_generator.state == bits
    assert np.random.get_state()[1].tolist() == legacy and random.getstate() == python
    table = {lr: full_run(lr, 400, "cosine") for lr in (1e-3, 1e-2, 0.1, 1.0)}
    assert full_run(found.lr, 400, "cosine") < 1.1 * min(table.values()) < 0.5 * table[1e-3], (found.lr, table)


def test_state_keys_and_a_search_in_mid_training():
    def stateful(params, state, batch, key):
        kept = jax.random.bernoulli(key, 0.9, batch[0].shape)
        x = jnp.where(kept, batch[0] / 0.9, 0.0) - state
        return loss_fn(params, (x, batch[1])), 0.9 * state + 0.1 * batch[0].mean(0)

    params, key = parameters(), jax.random.key(1)
    make = lambda lr: optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(lr))  # noqa: E731
    opt_state = make(1.0).init(params)
    updates, opt_state = make(1e-3).update(jax.grad(loss_fn)(params, (X[:32], Y[:32])), opt_state, params)
    params = optax.apply_updates(params, updates)
    seen = []
    found = sj.find(
        stateful, params, Loader(np.random.default_rng(0)), make, steps=200, state=jnp.zeros(16), key=key, opt_state=opt_state,
        val_fn=lambda params, state, batch: seen.append(1) or loss_fn(params, (batch[0] - state, batch[1])), budget=2,
    )  # fmt: skip
    assert found.lr and seen and int(optax.tree_utils.tree_get(opt_state, "count")) == 1
    assert 1e-4 < found.lr < 1.0


def test_a_search_that_repeats_its_rates_reseeds_the_data():
    """Rates that do equally well run again with a second seed. The search failed there when it could not reseed."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(2000, 10)).astype("float32")
    y = (np.sin(x[:, :1] * 2) + x[:, 1:2] * x[:, 2:3] + 0.1 * draw.normal(size=(2000, 1))).astype("float32")
    a, b = jax.random.split(jax.random.key(0))
    params = {"a": 0.4 * jax.random.normal(a, (10, 64)), "c": jnp.zeros(64), "b": 0.15 * jax.random.normal(b, (64, 1))}
    order = np.random.default_rng(1000)

    def loader():
        return ((x[rows], y[rows]) for rows in np.split(order.permutation(1600), 50))

    def loss(params, batch):
        return ((jnp.tanh(batch[0] @ params["a"] + params["c"]) @ params["b"] - batch[1]) ** 2).mean()

    found = sj.find(
        loss, params, loader, lambda lr: optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(lr)),
        [(x[1600:], y[1600:])], steps=500, schedule="warmup(5%) then cosine", also=[order],
    )  # fmt: skip
    assert found.lr and {point["seed"] for point in found.points} == {0, 1}


def test_range_test_and_sweep():
    np.random.seed(99)
    assert sj.range_test(loss_fn, parameters(), Loader(), optax.sgd, high=1e4, trial_steps=150).lr
    table = sj.sweep(
        loss_fn, parameters(), Loader(), optax.sgd, [HELD], steps=20, low=1e-2, high=1.0, per_decade=1, seeds=2
    )
    losses = [p["loss"] for p in table.points]
    assert len(losses) == 6 and len(set(losses)) == 6  # each seed gives another order of the data


def test_random_generators_are_put_back_after_an_exception():
    np.random.seed(4)
    legacy, calls = np.random.get_state()[1].tolist(), []

    class Broken(Loader):
        def __iter__(self):
            for batch in super().__iter__():
                calls.append(1)
                if len(calls) == 60:
                    raise OSError("disk gone")
                yield batch

    with pytest.raises(OSError):
        sj.find(loss_fn, parameters(), Broken(), optax.sgd, [HELD], steps=400)
    assert np.random.get_state()[1].tolist() == legacy


def test_arguments_that_cannot_work_raise():
    with pytest.raises(ValueError, match="optax.inject_hyperparams"):
        sj.find(loss_fn, parameters(), Loader(), optax.sgd(0.1), steps=100)
    with pytest.raises(ValueError, match="only once"):
        sj.find(loss_fn, parameters(), iter(Loader()), optax.sgd, steps=100)
    with pytest.raises(ValueError, match="no batch"):
        sj.find(loss_fn, parameters(), [], optax.sgd, [HELD], steps=100)
    with pytest.raises(ValueError, match="the loss out of a dict"):
        sj.find(lambda p, b: {"loss": loss_fn(p, b)}, parameters(), Loader(), optax.sgd, steps=100)
    with pytest.raises(TypeError, match="optimizer has a line search"):
        sj.find(loss_fn, parameters(), Loader(), optax.lbfgs, steps=100)
    with pytest.raises(TypeError, match="give random generators of NumPy"):
        sj.find(loss_fn, parameters(), Loader(), optax.sgd, steps=100, also=[object()])


def test_generators_that_the_loader_refers_to_need_not_be_given():
    """Also those of a PyTorch loader, which draws from the global generator of that framework. Its tensors are taken as arrays."""
    torch = pytest.importorskip("torch")
    draw = np.random.default_rng(5)

    def batches():
        order = draw.permutation(len(X))
        return ((X[order[i : i + 32]], Y[order[i : i + 32]]) for i in range(0, len(X), 32))

    rows, held = (torch.utils.data.TensorDataset(*map(torch.tensor, part)) for part in ((X, Y), HELD))
    loader = torch.utils.data.DataLoader(rows, 32, shuffle=True)
    held = torch.utils.data.DataLoader(held, 512)
    before = repr(draw.bit_generator.state), torch.get_rng_state().tolist()
    found = [sj.find(loss_fn, parameters(), one, optax.sgd, held, steps=200, budget=1.0) for one in (batches, batches, loader, loader)]
    assert (repr(draw.bit_generator.state), torch.get_rng_state().tolist()) == before
    # How many trials a budget pays for depends on what an evaluation takes on a busy machine.
    trials = [[(p["lr"], p["steps"], p["loss"]) for p in one.points][:3] for one in found]
    assert trials[0] == trials[1] and trials[2] == trials[3]


@pytest.mark.filterwarnings("ignore:.*fork.*")
def test_workers_that_stay_begin_anew_in_each_trial(begun, staying_loader):
    loader = staying_loader(X, Y)
    sj.find(loss_fn, parameters(), loader, optax.sgd, [HELD], steps=60, callback=begun.watch, progress=False)
    assert len(begun.seeds) > 3 and len(begun.alike(0)) == 1
    assert loader._iterator is None  # as it was


@pytest.mark.parametrize("inside", [np.arange(3), jax.nn.relu, True], ids=["a count", "a function", "a flag"])
def test_what_has_no_gradient_is_no_parameter(inside):
    """A TrainState or a whole module in the place of its parameters."""
    with pytest.raises(TypeError, match=r"params holds an? .*state\.params of a TrainState"):
        sj.find(loss_fn, {**parameters(), "inside": inside}, Loader(), optax.sgd, [HELD], steps=200)


SCHEDULED = {
    "in adam": lambda lr: optax.adam(optax.cosine_decay_schedule(lr, 200)),
    "in a chain": lambda lr: optax.chain(optax.clip_by_global_norm(1.0), optax.sgd(optax.exponential_decay(lr, 50, 0.3))),
}


@pytest.mark.parametrize("make", SCHEDULED.values(), ids=SCHEDULED)
def test_a_schedule_in_the_optimizer_is_squeezed_into_each_trial(make):
    steps, rates = 200, []

    def recording(lr):
        made = make(lr)

        def update(gradient, state, params=None):
            every = jax.tree_util.tree_leaves(state, is_leaf=lambda one: isinstance(one, optax.ScaleByScheduleState))
            counts = [one.count for one in every if isinstance(one, optax.ScaleByScheduleState)]
            jax.debug.callback(lambda count, lr: rates.append((float(lr), int(count))), counts[-1], lr, ordered=True)
            return made.update(gradient, state, params)

        return optax.GradientTransformation(made.init, update)

    trials = []
    sj.find(
        loss_fn, parameters(), Loader(np.random.default_rng(5)), recording, [HELD], steps=steps, progress=False,
        callback=lambda event: trials.append((event.lr, event.steps)) if event.kind == "trial_end" else None,
    )  # fmt: skip
    jax.effects_barrier()
    seen = [count for _, count in rates[1:]]  # the first is that of the check
    for _, taken in trials:
        counts, seen = seen[:taken], seen[taken:]
        lengths = [length for length in range(taken, steps + 1) if counts == [at * steps // length for at in range(taken)]]
        assert counts[0] == 0 and lengths and lengths[0] < steps / 2  # a trial that was ended early was planned longer
    assert len(trials) > 3 and not seen


def test_a_schedule_that_drives_the_rate_is_refused_by_name():
    optimizer = optax.inject_hyperparams(optax.adam)(learning_rate=optax.cosine_decay_schedule(0.1, 100))
    with pytest.raises(ValueError, match="has a schedule as its learning_rate"):
        sj.find(loss_fn, parameters(), Loader(), optimizer, [HELD], steps=100)


def test_an_optimizer_that_compares_the_rate_is_refused_by_name():
    with pytest.raises(TypeError, match="optimizer compares the rate.*schedule="):
        sj.find(loss_fn, parameters(), Loader(), lambda lr: optax.adam(optax.warmup_cosine_decay_schedule(0.0, lr, 10, 100)), [HELD], steps=100)
