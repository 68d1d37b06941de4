"""Writes schedules.json: what the real packages answer, step by step, beside our notation for the same schedule.

    python schedules.py        # torch 2.15.0, optax 0.2.8, transformers 5.23.0, keras 3.15.1; everything in float64

Base rate 1 everywhere, so that rates are factors. Where PyTorch has a closed form, both that and the values that its
step-by-step recursion really gives are recorded. A case that is marked `cancels` comes from a formula that subtracts
nearly equal numbers, so that the *peer's* value is right to one unit in the last place of the peak only, not of itself.
"""

import json
import os
import pathlib
import warnings

os.environ["KERAS_BACKEND"] = "torch"  # on JAX and NumPy keras computes parts of these in float32
import jax

jax.config.update("jax_enable_x64", True)
import keras
import numpy as np
import optax
import torch
import transformers
from torch.optim import lr_scheduler as L

warnings.filterwarnings("ignore")
keras.config.set_floatx("float64")
CASES = []


def add(peer, name, notation, values, steps, cancels=False):
    case = {"peer": peer, "name": name, "notation": notation}
    if list(steps) != list(range(len(steps))):
        case["steps"] = list(steps)
    case["values"] = [float(v) for v in values]
    if cancels:
        case["cancels"] = True
    CASES.append(case)


def optimizer(lr=1.0):
    return torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=lr, momentum=0.9)


def torch_case(name, notation, make, count=60, lr=1.0, closed=False, cancels=False, keep=None):
    opt = optimizer(lr)
    scheduler = make(opt)
    rates, forms = [], []
    for _ in range(count):
        rates.append(opt.param_groups[0]["lr"])
        if closed:
            forms.append(scheduler._get_closed_form_lr()[0])
        opt.step()
        scheduler.step()
    steps = keep or range(count)
    pick = lambda values: [values[s] for s in steps]
    add("torch", name, notation, pick(rates), steps, cancels)
    if closed:
        add("torch", name + ", closed form", notation, pick(forms), steps, cancels)


def torch_cases():
    t = torch_case
    t("StepLR", "step(7, 0.3)", lambda o: L.StepLR(o, 7, 0.3), closed=True)
    t("MultiStepLR", "multi_step(0.1, 5, 20, 33)", lambda o: L.MultiStepLR(o, [5, 20, 33], 0.1), closed=True)
    t("ConstantLR", "hold(0.25, 9) then constant", lambda o: L.ConstantLR(o, 0.25, 9), closed=True)
    t("ExponentialLR", "exponential(0.93)", lambda o: L.ExponentialLR(o, 0.93), closed=True)
    t("ExponentialLR, rising", "exponential(1.1, limit=1e6)", lambda o: L.ExponentialLR(o, 1.1), closed=True)
    t("LinearLR, down", "linear(40, floor=0.2)", lambda o: L.LinearLR(o, 1.0, 0.2, 40), closed=True)
    t("LinearLR, up", "warmup(13, from=0.1)", lambda o: L.LinearLR(o, 0.1, 1.0, 13), closed=True)
    t("PolynomialLR", "polynomial(47, 2)", lambda o: L.PolynomialLR(o, 47, 2.0), closed=True)
    t("PolynomialLR, root", "polynomial(47, 0.5)", lambda o: L.PolynomialLR(o, 47, 0.5), closed=True)
    t("CosineAnnealingLR", "cosine(50)", lambda o: L.CosineAnnealingLR(o, 50), count=51, closed=True)
    t("CosineAnnealingLR, floor", "cosine(50, floor=0.01)", lambda o: L.CosineAnnealingLR(o, 50, 0.01), count=51, closed=True)
    t("CosineAnnealingLR, long", "cosine(1000)", lambda o: L.CosineAnnealingLR(o, 1000), count=1001, closed=True,
      cancels=True, keep=range(0, 1001, 25))
    w = L.CosineAnnealingWarmRestarts
    t("CosineAnnealingWarmRestarts", "sgdr(10)", lambda o: w(o, 10))
    t("CosineAnnealingWarmRestarts, T_mult 2", "sgdr(7, stretch=2)", lambda o: w(o, 7, 2), count=120)
    t("CosineAnnealingWarmRestarts, T_mult 3", "sgdr(4, 3, floor=0.05)", lambda o: w(o, 4, 3, 0.05), count=120)
    for steps in (60, 25):
        for strategy in ("cos", "linear"):
            for three in (False, True):
                words = ["linear"] * (strategy == "linear") + ["three_phase"] * three
                t(f"OneCycleLR, {strategy}, {3 if three else 2} phases, {steps}",
                  f"one_cycle({', '.join([str(steps)] + words)})",
                  lambda o: L.OneCycleLR(o, 1.0, total_steps=steps, anneal_strategy=strategy, three_phase=three),
                  count=steps, cancels=True)
    t("OneCycleLR, options", "one_cycle(40, rise=0.45, div=10, final_div=50)",
      lambda o: L.OneCycleLR(o, 1.0, total_steps=40, pct_start=0.45, div_factor=10, final_div_factor=50), count=40)
    cyclic = lambda mode, **k: lambda o: L.CyclicLR(o, 0.1, 1.0, mode=mode, cycle_momentum=False, **k)
    t("CyclicLR triangular", "triangular(8, low=0.1)", cyclic("triangular", step_size_up=8))
    t("CyclicLR triangular, uneven", "triangular(5, 11, 0.1)", cyclic("triangular", step_size_up=5, step_size_down=11))
    t("CyclicLR triangular2", "triangular2(8, low=0.1)", cyclic("triangular2", step_size_up=8))
    t("CyclicLR exp_range", "exp_range(8, 0.97, low=0.1)", cyclic("exp_range", step_size_up=8, gamma=0.97))
    t("LambdaLR, warm-up", "ramp(0.1, 1, 9) then inverse_sqrt(10)",
      lambda o: L.LambdaLR(o, lambda s: (s + 1) / 10 if s < 9 else (10 / (s + 1)) ** 0.5))
    t("LambdaLR, Noam", "noam(16, 512)", lambda o: L.LambdaLR(o, lambda s: 512**-0.5 * min((s + 1) ** -0.5, (s + 1) * 16**-1.5)))
    t("LambdaLR, range test", "range_test(1e7, 50)", lambda o: L.LambdaLR(o, lambda s: 1e7 ** (min(s, 49) / 49)))
    t("LambdaLR, table", "table(1, 0.5, 0.7, 0.1)", lambda o: L.LambdaLR(o, lambda s: [1, 0.5, 0.7, 0.1][min(s, 3)]))
    t("SequentialLR, linear then cosine", "warmup(10, from=0.1) then cosine(40)",
      lambda o: L.SequentialLR(o, [L.LinearLR(o, 0.1, 1.0, 10), L.CosineAnnealingLR(o, 40)], [10]), count=50)
    t("SequentialLR, constant then exponential", "hold(0.5, 6) then exponential(0.9)",
      lambda o: L.SequentialLR(o, [L.ConstantLR(o, 0.5, 6), L.ExponentialLR(o, 0.9)], [6]))
    t("ChainedScheduler", "warmup(10, from=0.1) * exponential(0.95)",
      lambda o: L.ChainedScheduler([L.LinearLR(o, 0.1, 1.0, 10), L.ExponentialLR(o, 0.95)]))


def optax_case(name, notation, schedule, count=60, cancels=False, keep=None):
    steps = keep or range(count)
    add("optax", name, notation, [np.float64(schedule(np.int64(s))) for s in steps], steps, cancels)


def optax_cases():
    o, c = optax, optax_case
    c("constant_schedule", "constant(0.3)", o.constant_schedule(0.3), 5)
    c("piecewise_constant_schedule", "piecewise(1, 10: 0.5, 25: 0.05)", o.piecewise_constant_schedule(1.0, {10: 0.5, 25: 0.1}))
    for kind in ("linear", "cosine"):
        c(f"piecewise_interpolate_schedule, {kind}", f"piecewise(1, 10: 2, 30: 0.5, 45: 0.05, {kind})",
          o.piecewise_interpolate_schedule(kind, 1.0, {10: 2.0, 30: 0.25, 45: 0.1}))
    c("exponential_decay", "exponential(0.5, every=12)", o.exponential_decay(1.0, 12, 0.5))
    c("exponential_decay, staircase", "exponential(0.5, every=12, staircase)", o.exponential_decay(1.0, 12, 0.5, staircase=True))
    c("exponential_decay, begin and end", "hold(1, 5) then exponential(0.5, 12, 0.2)",
      o.exponential_decay(1.0, 12, 0.5, transition_begin=5, end_value=0.2))
    c("exponential_decay, rising", "exponential(2, 12, 3)", o.exponential_decay(1.0, 12, 2.0, end_value=3.0))
    c("linear_schedule", "linear(40, floor=0.1)", o.linear_schedule(1.0, 0.1, 40))
    c("linear_schedule, up", "ramp(0.1, 3, 40)", o.linear_schedule(0.1, 3.0, 40))
    c("polynomial_schedule", "hold(1, 4) then polynomial(40, 3, 0.1)", o.polynomial_schedule(1.0, 0.1, 3, 40, 4))
    c("polynomial_schedule, up", "ramp(0.1, 1, 40, power=2)", o.polynomial_schedule(0.1, 1.0, 2, 40))
    c("cosine_decay_schedule", "cosine(50)", o.cosine_decay_schedule(1.0, 50))
    c("cosine_decay_schedule, alpha", "cosine(50, floor=0.1)", o.cosine_decay_schedule(1.0, 50, 0.1))
    c("cosine_decay_schedule, exponent", "cosine(50, 0.1, 1.7)", o.cosine_decay_schedule(1.0, 50, 0.1, 1.7))
    c("cosine_decay_schedule, long", "cosine(10000)", o.cosine_decay_schedule(1.0, 10000), cancels=True,
      keep=[0, 1, 777, 5000, 9000, 9900, 9990, 9999, 10000, 20000])
    # optax lists factors of one another: 0.04, then 1, then 0.04 and 0.04e-4.
    c("linear_onecycle_schedule", "piecewise(0.04, 18: 1, 51: 0.04, 60: 4e-6, linear)",
      o.linear_onecycle_schedule(60, 1.0), 70, cancels=True)
    c("cosine_onecycle_schedule", "piecewise(0.04, 18: 1, 60: 4e-6, cosine)", o.cosine_onecycle_schedule(60, 1.0), 70, cancels=True)
    c("warmup_constant_schedule", "warmup(10, from=0.2)", o.warmup_constant_schedule(0.2, 1.0, 10))
    c("warmup_cosine_decay_schedule", "warmup(10) then cosine(40, floor=0.05)", o.warmup_cosine_decay_schedule(0.0, 1.0, 10, 50, 0.05))
    c("warmup_exponential_decay_schedule", "warmup(10) then exponential(0.6, every=7)",
      o.warmup_exponential_decay_schedule(0.0, 1.0, 10, 7, 0.6))
    c("warmup_exponential_decay_schedule, staircase", "warmup(10) then hold(1, 3) then exponential(0.6, 7, 0.2, staircase)",
      o.warmup_exponential_decay_schedule(0.0, 1.0, 10, 7, 0.6, 3, True, 0.2))
    cycle = lambda peak, warm, steps: dict(init_value=0.0, peak_value=peak, warmup_steps=warm, decay_steps=steps)
    c("sgdr_schedule", "warmup(5) then cosine(15) then 0.5 * (warmup(5) then cosine(35))",
      o.sgdr_schedule([cycle(1.0, 5, 20), cycle(0.5, 5, 40)]))
    c("join_schedules, cut short", "take(cosine(50), 20) then linear(30) then constant(0.2)",
      o.join_schedules([o.cosine_decay_schedule(1.0, 50), o.linear_schedule(1.0, 0.0, 30), o.constant_schedule(0.2)], [20, 50]))


def transformers_cases():
    t = transformers.optimization

    def c(name, notation, make, count=60, cancels=False):
        opt = optimizer()
        rule = make(opt).lr_lambdas[0]
        add("transformers", name, notation, [rule(s) for s in range(count)], range(count), cancels)

    c("constant", "constant", t.get_constant_schedule, 5)
    c("constant_with_warmup", "warmup(10) then constant", lambda o: t.get_constant_schedule_with_warmup(o, 10))
    c("linear", "warmup(10) then linear(40)", lambda o: t.get_linear_schedule_with_warmup(o, 10, 50))
    c("cosine", "warmup(10) then cosine(40)", lambda o: t.get_cosine_schedule_with_warmup(o, 10, 50), 51)
    c("cosine, a whole wave", "warmup(10) then cosine(20) then warmup(20, cosine)",
      lambda o: t.get_cosine_schedule_with_warmup(o, 10, 50, 1.0), 51)
    c("cosine_with_hard_restarts", "warmup(8) then repeat(cosine(16), times=4)",
      lambda o: t.get_cosine_with_hard_restarts_schedule_with_warmup(o, 8, 72, 4), 80)
    c("polynomial", "warmup(10) then polynomial(40, 2, 1e-3)",
      lambda o: t.get_polynomial_decay_schedule_with_warmup(o, 10, 50, 1e-3, 2.0))
    c("polynomial, linear", "warmup(10) then polynomial(40, 1, 1e-7)",
      lambda o: t.get_polynomial_decay_schedule_with_warmup(o, 10, 50))
    c("inverse_sqrt", "warmup(10) then inverse_sqrt(10)", lambda o: t.get_inverse_sqrt_schedule(o, 10))
    c("inverse_sqrt, timescale", "warmup(10) then inverse_sqrt(25)", lambda o: t.get_inverse_sqrt_schedule(o, 10, 25))
    c("cosine_with_min_lr", "warmup(10) then cosine(40, floor=0.1)",
      lambda o: t.get_cosine_with_min_lr_schedule_with_warmup(o, 10, 50, min_lr_rate=0.1), 51)
    for up, word in (("linear", ""), ("cosine", ", cosine"), ("1-sqrt", ", 1-sqrt")):
        for down in ("linear", "cosine", "1-sqrt"):
            c(f"warmup_stable_decay, {up} up, {down} down", f"warmup(10{word}) then hold(1, 20) then {down.replace('1-', '')}(20)",
              lambda o: t.get_wsd_schedule(o, 10, 20, num_stable_steps=20, warmup_type=up, decay_type=down))
    c("warmup_stable_decay, floor", "warmup(10, cosine, from=0.1) then wsd(20, sqrt, floor=0.1, steps=40)",
      lambda o: t.get_wsd_schedule(o, 10, 20, num_training_steps=50, warmup_type="cosine", decay_type="1-sqrt", min_lr_ratio=0.1))


def keras_cases():
    k = keras.optimizers.schedules

    def c(name, notation, schedule, steps=range(60)):
        add("keras", name, notation, [np.float64(schedule(np.int64(s))) for s in steps], steps)

    c("InverseTimeDecay", "inverse_time(0.5, every=10)", k.InverseTimeDecay(1.0, 10, 0.5))
    c("InverseTimeDecay, staircase", "inverse_time(0.5, every=10, staircase)", k.InverseTimeDecay(1.0, 10, 0.5, True))
    c("ExponentialDecay", "exponential(0.9, every=7)", k.ExponentialDecay(1.0, 7, 0.9))
    c("PolynomialDecay", "polynomial(40, 2, 0.01)", k.PolynomialDecay(1.0, 40, 0.01, 2.0))
    # keras applies a boundary after its step: x <= boundary keeps the old value.
    c("PiecewiseConstantDecay", "piecewise(1, 11: 0.5, 31: 0.1)", k.PiecewiseConstantDecay([10, 30], [1.0, 0.5, 0.1]))
    c("CosineDecay", "warmup(10) then cosine(40, floor=0.1)",
      k.CosineDecay(0.0, 40, alpha=0.1, warmup_target=1.0, warmup_steps=10), range(51))
    c("CosineDecayRestarts, even", "sgdr(10, gain=0.8, floor=0.1)", k.CosineDecayRestarts(1.0, 10, 1.0, 0.8, 0.1))
    c("CosineDecayRestarts, doubling", "sgdr(10, 2, 0.8, 0.1)", k.CosineDecayRestarts(1.0, 10, 2.0, 0.8, 0.1), range(160))
    c("CosineDecayRestarts, half as long again", "sgdr(10, 1.5, 0.8)", k.CosineDecayRestarts(1.0, 10, 1.5, 0.8), range(80))


torch_cases()
optax_cases()
transformers_cases()
keras_cases()
packages = {m.__name__: m.__version__ for m in (torch, optax, transformers, keras, jax)}
lines = ",\n".join(json.dumps(case, separators=(",", ":")) for case in CASES)
text = f'{{"packages":{json.dumps(packages)},\n"cases":[\n{lines}\n]}}\n'
pathlib.Path(__file__).with_name("schedules.json").write_text(text)
print(len(CASES), "cases,", len(text), "bytes")
