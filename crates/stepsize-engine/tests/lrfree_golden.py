"""Writes lrfree_golden.json: 200 steps of every method that needs no rate, in its authors' own package, for src/golden.rs.

python tests/lrfree_golden.py   (in crates/stepsize-engine; torch, schedulefree, prodigyopt, dadaptation, momo-opt, dog-optimizer,
                                 mechanic-pytorch; each package's version is written into the file)

The gradients come from a small problem that two languages compute to the same bits: the mean over 4 of 32 rows in turn of
sqrt(1 + (a.p - y)^2) - 1, with only + - * / and sqrt in double precision and in a stated order. ScheduleFree+ is in no package yet:
its oracle is `plus` below, the paper's algorithm with the defaults of the authors' reference implementation.

Each side computes the gradients at its own parameters, so that a rounding comes back through the problem. Mechanic over AdamW magnifies
that: the package itself ends 1.4e-5 from where it ends in double precision. For the cases in `OPEN` the gradients that the package had
are written too, and the other side takes its steps on these.
"""

import importlib.metadata
import json
import math
import pathlib

import torch
from dadaptation import DAdaptAdam
from dog import DoG, LDoG, PolynomialDecayAverager
from mechanic_pytorch import mechanize
from momo import Momo, MomoAdam
from prodigyopt import Prodigy
from schedulefree import AdamWScheduleFree, SGDScheduleFree

torch.set_num_threads(1)
SHAPES = [4, 3, 1]
SIZE = sum(SHAPES)
ROWS, BATCH, STEPS = 32, 4, 200
SHOWN = [1, 2, 3, 5, 10, 20, 50, 100, 150, 200]
PACKAGES = ["torch", "schedulefree", "prodigyopt", "dadaptation", "momo-opt", "dog-optimizer", "mechanic-pytorch"]


def numbers(count, seed):
    """Multiples of 1/1024 in -1..1, from a linear congruential generator: exact in both languages."""
    state, out = seed, []
    for _ in range(count):
        state = (1103515245 * state + 12345) % 2**31
        out.append((state // 65536 % 2048 - 1024) / 1024)
    return out


A = [numbers(SIZE, 7 + row) for row in range(ROWS)]
TRUE = [2.0 * v for v in numbers(SIZE, 99)]
NOISE = numbers(ROWS, 5)
START = [0.5 * v for v in numbers(SIZE, 3)]


def dot(a, b):
    total = 0.0
    for x, y in zip(a, b):
        total += x * y
    return total


Y = [dot(a, TRUE) + 0.3 * n for a, n in zip(A, NOISE)]


def problem(p, step):
    """Loss and gradient of the batch of `step` (from 0)."""
    loss, gradient = 0.0, [0.0] * SIZE
    for i in range(BATCH):
        row = (step * BATCH + i) % ROWS
        error = dot(A[row], p) - Y[row]
        root = math.sqrt(1.0 + error * error)
        loss += (root - 1.0) / BATCH
        for j in range(SIZE):
            gradient[j] += error / root * A[row][j] / BATCH
    return loss, gradient


class Plus:
    """ScheduleFree+, slowly: single precision as torch has it, the scalars in double."""

    def __init__(self, parameters, lr=1.0, weight_decay=0.0, sf_beta=0.9, b1=0.9, b2=0.95, eps=1e-8):
        self.p, self.lr, self.wd, self.b, self.b1, self.b2, self.eps = parameters, lr, weight_decay, sf_beta, b1, b2, eps
        self.x = [p.clone() for p in parameters]
        self.z = [p.clone() for p in parameters]
        self.m = [torch.zeros_like(p) for p in parameters]
        self.v = [torch.zeros_like(p) for p in parameters]
        self.k, self.weights, self.largest = 0, 0.0, eps

    def step(self, loss):
        self.k += 1
        ahead = sum(self.b * (p.grad * (z - x)).sum().item() for p, x, z in zip(self.p, self.x, self.z))
        slope = sum(p.grad.abs().sum().item() for p in self.p) * math.sqrt(math.pi / 2)
        rate = self.lr * max(0.0, loss + ahead) / slope
        self.largest = max(self.largest, rate)
        self.weights += self.largest**2
        c = self.largest**2 / self.weights
        for p, x, z, m, v in zip(self.p, self.x, self.z, self.m, self.v):
            z.sub_(p, alpha=rate * rate * self.wd)
            m.mul_(self.b1).add_(p.grad, alpha=1 - self.b1)
            v.mul_(self.b2).addcmul_(p.grad, p.grad, value=1 - self.b2)
            root = v.div(1 - self.b2**self.k).sqrt_().add_(self.eps)
            z.addcdiv_(m / (1 - self.b1**self.k), root, value=-rate)
            x.mul_(1 - c).add_(z, alpha=c)
            p.copy_(x * self.b + z * (1 - self.b))


def free(cls, **more):
    return lambda p, wd: cls(p, weight_decay=wd, **more)


CASES = {
    "schedule_free_sgd": (free(SGDScheduleFree, lr=0.5, foreach=False), [0.5], 0.01),
    "schedule_free_sgd:0.95": (free(SGDScheduleFree, lr=1.0, momentum=0.95), [1.0, 0.5], 0.0),
    "schedule_free_adamw": (free(AdamWScheduleFree, lr=0.02), [0.02], 0.1),
    "schedule_free_plus": (free(Plus), [0.1], 0.5),
    "prodigy": (free(Prodigy), [1.0], 0.0),
    "prodigy:0.9,0.99,1e-8": (free(Prodigy, betas=(0.9, 0.99)), [1.0, 1.0, 0.5, 0.0], 0.01),
    "dadapt_adam": (free(DAdaptAdam), [1.0], 0.0),
    "dadapt_adam:0.9,0.99,1e-8": (free(DAdaptAdam, betas=(0.9, 0.99)), [1.0, 0.5], 0.01),
    "dog": (free(DoG), [1.0], 0.01),
    "dog:1e-3": (free(DoG, reps_rel=1e-3), [1.0], 0.0),
    "ldog:1e-3": (free(LDoG, reps_rel=1e-3), [1.0], 0.0),
    "mechanic(sgd:0.9)": (free(mechanize(torch.optim.SGD, store_delta=True), lr=1.0, momentum=0.9), [1.0], 0.0),
    "mechanic(adamw)": (free(mechanize(torch.optim.AdamW, store_delta=True), lr=1.0), [1.0], 0.01),
    "mechanic(adamw:0.9,0.99,1e-8)": (
        free(mechanize(torch.optim.AdamW, store_delta=True), lr=1.0, betas=(0.9, 0.99)),
        [1.0, 1.0, 0.5, 0.25],
        0.01,
    ),
    "momo": (free(Momo), [1.0], 0.0),
    "momo:0.5": (free(Momo, beta=0.5), [3.0], 0.01),
    "momo_adam": (free(MomoAdam), [0.05], 0.01),
}
OPEN = ["mechanic(adamw)", "mechanic(adamw:0.9,0.99,1e-8)"]


def run(make, rates, decay):
    parameters, at = [], 0
    for size in SHAPES:
        parameters.append(torch.nn.Parameter(torch.tensor(START[at : at + size], dtype=torch.float32)))
        at += size
    with torch.no_grad():
        optimizer = make([p.detach() for p in parameters] if make is PLUS else parameters, decay)
    plus = isinstance(optimizer, Plus)
    kept = optimizer.p if plus else parameters
    dog = isinstance(optimizer, DoG)
    if dog:
        module = torch.nn.Module()
        for i, p in enumerate(parameters):
            module.register_parameter(f"p{i}", p)
        averager = PolynomialDecayAverager(module)
    flat = lambda tensors: [v for t in tensors for v in t.detach().tolist()]
    losses, points, gradients = [], [], []
    for step in range(STEPS):
        if hasattr(optimizer, "train"):
            optimizer.train()
        for group in getattr(optimizer, "param_groups", []):
            group["lr"] = rates[step % len(rates)]
        loss, gradient = problem(flat(kept), step)
        at = 0
        for p in kept:
            p.grad = torch.tensor(gradient[at : at + p.numel()], dtype=torch.float32)
            at += p.numel()
        gradients.append(flat([p.grad for p in kept]))
        with torch.no_grad():
            if plus:
                optimizer.lr = rates[step % len(rates)]
                optimizer.step(loss)
            elif isinstance(optimizer, (Momo, MomoAdam)):
                optimizer.step(loss=torch.tensor(loss))
            else:
                optimizer.step()
            if dog:
                averager.step()
        losses.append(loss)
        if step + 1 in SHOWN:
            trained = flat(kept)
            if plus:
                evaluated = flat(optimizer.x)
            elif dog:
                evaluated = flat(averager.averaged_model.parameters())
            elif hasattr(optimizer, "eval"):
                optimizer.eval()
                evaluated = flat(kept)
                optimizer.train()
            else:
                evaluated = trained
            points.append(dict(step=step + 1, trained=trained, evaluated=evaluated))
    return losses, points, gradients


PLUS = CASES["schedule_free_plus"][0]


def main():
    golden = dict(
        versions={name: importlib.metadata.version(name).partition("+")[0] for name in PACKAGES},
        shapes=SHAPES,
        cases=[],
    )
    for name, (make, rates, decay) in CASES.items():
        losses, points, gradients = run(make, rates, decay)
        case = dict(optimizer=name, rates=rates, weight_decay=decay, losses=losses, points=points)
        golden["cases"].append(case | ({"gradients": gradients} if name in OPEN else {}))
        print(f"{name:28} loss {sum(losses[:8]) / 8:.4f} to {sum(losses[-8:]) / 8:.4f}")
    short = lambda v: float(f"{v:.9g}") if isinstance(v, float) else v
    for case in golden["cases"]:
        case["losses"] = [short(v) for v in case["losses"]]
        if "gradients" in case:
            case["gradients"] = [[short(v) for v in vs] for vs in case["gradients"]]
        for point in case["points"]:
            point["trained"], point["evaluated"] = map(lambda vs: [short(v) for v in vs], (point["trained"], point["evaluated"]))
    path = pathlib.Path(__file__).with_name("lrfree_golden.json")
    path.write_text(json.dumps(golden) + "\n")


main()
