"""The code that `stepsize schedule --form torch|optax` and the playground give for a schedule, run and compared with
the core, step by step.
"""

import re
import subprocess
import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")
optax = pytest.importorskip("optax")
jax = pytest.importorskip("jax")
import jax.numpy as jnp  # noqa: E402

import stepsize  # noqa: E402
from stepsize import _native  # noqa: E402

if not _native.COMMAND_LINE:
    pytest.skip("the module was built without the command line", allow_module_level=True)

STEPS, LR = 240, 0.3
# At least one for each name of the notation.
TEXTS = [
    "constant", "constant(0.5)", "hold(0.5, 30) then linear", "linear", "linear(floor=0.1)", "cosine", "cosine(floor=0.2)",
    "cosine(floor=0.2, exponent=2)", "polynomial(power=3)", "polynomial(power=2, floor=0.1)", "sqrt", "sqrt(floor=0.3)",
    "warmup(24)", "warmup(24, from=0.2)", "warmup(10%) then cosine", "warmup(24, from=0.1) then cosine(floor=0.05)",
    "warmup(20, exponential, from=0.01) then linear", "warmup(20, sqrt) then constant", "warmup(20, cosine) then constant",
    "warmup(20, constant, from=0.1) then constant", "ramp(0.1, 1, 50, exponential) then exponential(0.99)", "ramp(0.2, 0.9, power=2)",
    "range_test(1000)", "range_test(1000, linear)", "step(30, 0.5)", "step(33.5, 0.5, limit=0.1)", "multi_step(0.1, 100, 200)",
    "multi_step(60, 120, 200)", "piecewise(1, 50:0.5, 100:0.1)", "piecewise(1, 50:0.5, 100:0.1, linear)",
    "piecewise(1, 50:0.5, 100:0, constant)", "exponential(0.99)", "exponential(0.5, every=60)", "exponential(0.5, every=60, staircase)",
    "exponential(1.01, limit=3)", "inverse_time(0.1)", "inverse_time(0.1, every=10, staircase)", "inverse_sqrt(50)", "noam(40)",
    "noam(40, model=512)", "one_cycle", "one_cycle(linear)", "one_cycle(three_phase)", "one_cycle(linear, three_phase, rise=0.4)",
    "one_cycle(2)", "triangular(20)", "triangular(20, down=30, low=0)", "triangular2(20)", "exp_range(20, gamma=0.99)", "sgdr(60)",
    "sgdr(40, stretch=2)", "sgdr(40, stretch=2, floor=0.1)", "sgdr(40, stretch=1.5, gain=0.8)", "wsd(decay=20%)",
    "warmup(5%) then wsd(20%, sqrt)", "flat_cosine", "flat_cosine(flat=50%, floor=0.1)", "table(1, 0.5, 0.25)",
    "repeat(linear(30), times=3)", "repeat(cosine(30))", "repeat(linear(10), times=3, stretch=2, gain=2)", "take(exponential(0.99), 50) then cosine",
    "extend(linear(200), at=50, from=200, to=230)", "extend(table(1, 0.3, 0.2, 0.9), at=1, from=4, to=50)",
    "0.1 + 0.9 * (warmup(10%) then one_cycle)", "0.1 + 0.9 * repeat(cosine, times=4)", "0.5 * (linear(100) then constant(0))",
    "repeat(warmup(10) then linear(20), times=2) then constant(0.1)",
]  # fmt: skip


def peer(form, text):
    words = ["schedule", text, "--steps", str(STEPS), "--lr", str(LR), "--form", form]
    ran = subprocess.run([sys.executable, "-m", "stepsize", *words], capture_output=True, text=True, timeout=60)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_every_name_of_the_notation_is_here():
    with pytest.raises(ValueError, match="known: ") as unknown:
        stepsize.Schedule("zzzzzzzz", steps=STEPS)
    names = re.search(r"known: (.*?);", str(unknown.value)).group(1).split(", ")
    assert len(names) > 20 and [name for name in names if not any(name in text for text in TEXTS)] == []


@pytest.mark.parametrize("text", TEXTS)
def test_the_code_for_pytorch_is_the_core(text):
    code = peer("torch", text)
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=LR)
    names = {"optimizer": optimizer}
    exec(code, names)
    steps = 2 if text == "one_cycle(2)" else STEPS  # PyTorch's one-cycle raises an error after its end
    rates = []
    for step in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if step + 1 < steps:
            names["scheduler"].step()
    np.testing.assert_allclose(rates, LR * stepsize.Schedule(text, steps=STEPS)(np.arange(steps)), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("text", TEXTS)
def test_the_code_for_optax_is_the_core_also_when_it_is_traced(text):
    names = {}
    exec(peer("optax", text), names)
    exact = LR * stepsize.Schedule(text, steps=STEPS)(np.arange(STEPS + 20))
    for made in (names["schedule"], jax.jit(names["schedule"])):
        rates = [float(made(jnp.asarray(step))) for step in range(STEPS + 20)]
        np.testing.assert_allclose(rates, exact, rtol=2e-5, atol=1e-6 * exact.max())


def test_the_note_says_where_there_is_no_name():
    assert "no scheduler" in peer("torch", "inverse_sqrt(50)") and "no name" in peer("optax", "inverse_sqrt(50)")
    assert "LinearLR" in peer("torch", "linear") and not peer("torch", "linear").startswith("#")
