"""stepsize.optax compared with the core, and with optax in cases where that fails."""

import pickle

import numpy as np
import pytest

jax = pytest.importorskip("jax")
optax = pytest.importorskip("optax")
import jax.numpy as jnp  # noqa: E402

import stepsize  # noqa: E402
import stepsize.optax  # noqa: E402
from stepsize._formula import formula  # noqa: E402

EVERY_KIND = [
    "constant", "0.5", "hold(0.5, 10) then linear", "linear(floor=0.1)", "warmup(100) then cosine",
    "cosine(exponent=2, floor=0.2)", "polynomial(power=3)", "sqrt", "ramp(0.1, 1, 200, exponential) then exponential(0.99)",
    "step(every=100, factor=0.5)", "step(every=33.5, factor=0.5, limit=0.1)", "multi_step(100, 200, 500)",
    "exponential(0.5, every=300, staircase)", "exponential(1.01, limit=3)", "inverse_time(0.1, every=10, staircase)",
    "inverse_sqrt(100)", "noam(100)", "one_cycle", "one_cycle(linear, three_phase)", "one_cycle(2)", "triangular(50)",
    "triangular2(50)", "exp_range(50, gamma=0.999)", "sgdr(100, stretch=2)", "sgdr(100, stretch=1.5, gain=0.8)",
    "sgdr(7, stretch=1.01)", "wsd(decay=20%)", "flat_cosine", "table(1, 0.5, 0.25)", "repeat(linear(10), times=3)",
    "repeat(linear(10), times=3, stretch=2, gain=2)", "take(exponential(0.99), 50) then cosine",
    "extend(linear(1000), 300, 1000, 2000)", "extend(table(1, 0.3, 0.2, 0.9), 1, 4, 50)",
    "0.1 + 0.9 * (warmup(10%) then one_cycle)",
]  # fmt: skip


@pytest.mark.parametrize("text", EVERY_KIND)
def test_the_formula_is_the_core(text):
    schedule, steps = stepsize.Schedule(text, steps=1000), np.arange(2500)
    np.testing.assert_allclose(formula(schedule, np)(steps), schedule(steps), rtol=1e-10, atol=1e-15)


@pytest.mark.parametrize("text", EVERY_KIND)
def test_a_jitted_schedule_is_the_core_to_32_bits(text):
    schedule, steps = stepsize.Schedule(text, steps=1000), np.arange(2500)
    compiled = jax.jit(jax.vmap(stepsize.optax.schedule(0.3, text, steps=1000)))(jnp.asarray(steps))
    assert compiled.dtype == jnp.float32
    fractional = any(word in text for word in ("stretch=1.", "extend"))  # a clock that is not whole
    np.testing.assert_allclose(compiled, 0.3 * schedule(steps), rtol=1e-5, atol=0.3e-5 if fractional else 1e-12)


def test_a_long_decay_keeps_its_precision_to_the_end():
    steps = 2_000_000_000
    late = np.array([steps // 2, steps - 1_000_000, steps - 1000, steps - 1, steps, steps + 10])
    for text in ("linear", "warmup(1%) then cosine", "wsd(decay=20%)", "polynomial(power=2)"):
        ours = jax.jit(jax.vmap(stepsize.optax.schedule(1.0, text, steps)))(jnp.asarray(late, jnp.int32))
        np.testing.assert_allclose(ours, stepsize.Schedule(text, steps)(late), rtol=2e-6)
    theirs = jax.vmap(optax.linear_schedule(1.0, 0.0, steps))(jnp.asarray(late, jnp.int32))
    assert theirs[3] == 0.0 < stepsize.Schedule("linear", steps)(steps - 1)  # the schedule of optax ends early


def test_with_64_bits_it_is_the_core():
    with jax.enable_x64(True):
        steps = np.arange(1500)
        for text in ("warmup(100) then cosine", "step(every=33.5, factor=0.5, limit=0.1)", "one_cycle"):
            compiled = jax.jit(jax.vmap(stepsize.optax.schedule(0.3, text, steps=1000)))(jnp.asarray(steps))
            np.testing.assert_allclose(compiled, 0.3 * stepsize.Schedule(text, steps=1000)(steps), rtol=1e-12, atol=1e-15)


def test_it_equals_the_schedules_of_optax():
    steps = jnp.arange(1200)
    pairs = [
        ("cosine", optax.cosine_decay_schedule(1.0, 1000)),
        ("warmup(100) then cosine", optax.warmup_cosine_decay_schedule(0.0, 1.0, 100, 1000)),
        ("linear(floor=0.25)", optax.linear_schedule(1.0, 0.25, 1000)),
        ("exponential(0.5, every=100)", optax.exponential_decay(1.0, 100, 0.5)),
    ]
    for text, theirs in pairs:
        ours = jax.vmap(stepsize.optax.schedule(1.0, text, steps=1000))(steps)
        np.testing.assert_allclose(ours, jax.vmap(theirs)(steps), rtol=1e-4, atol=2e-7)


def test_counts_of_every_kind():
    linear = stepsize.optax.schedule(1.0, "hold(1, 5) then linear(10)")
    for count in (3, np.int64(3), jnp.uint32(3), jnp.int32(3), jnp.asarray(3.0)):
        assert float(linear(count)) == 1.0
    assert float(linear(jnp.uint32(10))) == 0.5
    with pytest.raises(stepsize.NotationError):
        stepsize.optax.schedule(1.0, "linea")


def test_it_trains_inside_optax_and_injects_its_rate():
    def train(optimizer, steps):
        params = jnp.ones(3)
        state = optimizer.init(params)

        @jax.jit
        def step(params, state):
            updates, state = optimizer.update(jax.grad(lambda p: (p**2).sum())(params), state, params)
            return optax.apply_updates(params, updates), state

        for _ in range(steps):
            params, state = step(params, state)
        return params, state

    ours, _ = train(optax.sgd(stepsize.optax.schedule(0.1, "linear", steps=10)), 12)
    expected = 1.0
    for t in range(12):
        expected *= 1 - 2 * 0.1 * stepsize.Schedule("linear", steps=10)(t)
    np.testing.assert_allclose(ours, expected, rtol=1e-5)
    injected = optax.inject_hyperparams(optax.sgd)(learning_rate=stepsize.optax.schedule(0.1, "linear", steps=10))
    _, state = train(injected, 6)
    assert float(state.hyperparams["learning_rate"]) == pytest.approx(0.05)


def factors(transform, reports, jit=True):
    """The factors after each report, inside a compiled update."""
    state = transform.init(jnp.ones(1))
    update = lambda state, value: transform.update(jnp.ones(1), state, value=value)  # noqa: E731
    update = jax.jit(update) if jit else update
    seen = []
    for report in reports:
        updates, state = update(state, report)
        seen.append(float(updates[0]))
    return seen, state


REPORTS = [1.0, 0.9, *(0.95 + 0.01 * i for i in range(30))]


@pytest.mark.parametrize(
    "notation", ["plateau(patience=4)", "plateau_torch(patience=1)", "plateau_keras(patience=1)", "plateau_optax(patience=2)"]
)
def test_a_compiled_controller_decides_as_the_core(notation):
    core, expected = stepsize.Controller(notation, lr=0.1), []
    for report in REPORTS:
        core.observe(float(np.float32(report)))
        expected.append(np.float32(core.factor))
    seen, state = factors(stepsize.optax.controller(notation, lr=0.1), REPORTS)
    assert seen == pytest.approx(expected, rel=1e-6) and min(seen) < 1.0
    assert state.controller().state_dict() == core.state_dict()


def test_the_optax_mode_is_optax():
    theirs, _ = factors(optax.contrib.reduce_on_plateau(factor=0.5, patience=3, cooldown=2), REPORTS)
    ours, _ = factors(stepsize.optax.controller("plateau_optax(patience=3, factor=0.5, cooldown=2)"), REPORTS)
    assert ours == pytest.approx(theirs, rel=1e-6)


def test_its_state_is_an_array_that_continues_exactly():
    transform = optax.chain(optax.sgd(0.1), stepsize.optax.controller("plateau(patience=4)"))
    params = jnp.ones(2)
    update = jax.jit(lambda state, value: transform.update(jnp.ones(2), state, params, value=value)[1])
    whole = transform.init(params)
    for report in REPORTS:
        whole = update(whole, report)
    part = transform.init(params)
    for report in REPORTS[:9]:
        part = update(part, report)
    part = jax.tree.map(jnp.asarray, pickle.loads(pickle.dumps(jax.tree.map(np.asarray, part))))
    for report in REPORTS[9:]:
        part = update(part, report)
    for a, b in zip(jax.tree.leaves(part), jax.tree.leaves(whole), strict=True):
        np.testing.assert_array_equal(a, b)


def test_many_losses_make_one_report_and_no_report_changes_nothing():
    seen, state = factors(stepsize.optax.controller("plateau_torch(patience=0, factor=0.5)", average=4), [1.0] * 12)
    assert seen == [1.0] * 7 + [0.5] * 4 + [0.25] and int(state.waiting) == 0
    transform = stepsize.optax.controller("plateau_torch(patience=0)")
    updates, after = transform.update(jnp.ones(1), transform.init(jnp.ones(1)))
    assert float(updates[0]) == 1.0 and int(after.waiting) == 0


def test_it_vmaps_over_replicas():
    transform = stepsize.optax.controller("plateau_torch(patience=0, factor=0.5)")
    state = jax.vmap(lambda _: transform.init(jnp.ones(1)))(jnp.arange(2))
    update = jax.jit(jax.vmap(lambda state, value: transform.update(jnp.ones(1), state, value=value)[1]))
    for values in ([1.0, 1.0], [0.5, 2.0], [0.25, 3.0]):
        state = update(state, jnp.asarray(values))
    assert state.factor.tolist() == [1.0, 0.25]


def test_a_state_that_does_not_fit_raises():
    transform = stepsize.optax.controller("plateau(patience=50)", capacity=700)
    with pytest.raises(Exception, match="capacity="):
        factors(transform, np.linspace(1.0, 2.0, 60))
    long = [1.0 + 0.1 * float(x) for x in np.random.default_rng(0).standard_normal(400)]
    for notation in ("plateau(patience=16)", "greedy", "greedy_transformers(window=50)", "rewind * plateau(patience=16)"):
        factors(stepsize.optax.controller(notation, lr=0.1), long)  # the default has room for every window


def test_peer_a_nan_report():
    reports = [1.0, 0.9, float("nan"), 0.8, 0.7]
    theirs, _ = factors(optax.contrib.reduce_on_plateau(factor=0.5, patience=1), reports)
    assert theirs[2] == 0.5  # optax counts NaN as a bad epoch
    averaged, state = factors(optax.contrib.reduce_on_plateau(factor=0.5, patience=1, accumulation_size=5), reports)
    assert averaged[-1] == 0.5  # in optax one NaN among five losses cuts the rate
    ours, state = factors(stepsize.optax.controller("plateau(patience=4)"), reports)
    assert ours == [1.0] * 5 and int(state.refused) == 1
    assert state.controller().state_dict()["reading_2"] == pytest.approx(0.8)
    ours, state = factors(stepsize.optax.controller("plateau_torch(patience=0)", average=4), reports)
    assert ours == [1.0] * 5 and int(state.refused) == 1 and int(state.waiting) == 0
    assert state.controller().state_dict()["best"] == pytest.approx((1.0 + 0.9 + 0.8 + 0.7) / 4)


@pytest.mark.parametrize("lr", [None, "0.1", True])
def test_what_is_no_rate_is_named_at_once(lr):
    with pytest.raises(TypeError, match="lr is"):
        stepsize.optax.schedule(lr, "cosine", steps=100)
