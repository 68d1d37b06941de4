"""Uses the installed package without NumPy: python try_wheel.py ANSWER, where ANSWER is what `stepsize find --json` wrote."""

import json
import pathlib
import random
import sys

import stepsize

found = json.loads(pathlib.Path(sys.argv[1]).read_text())["lr"]
print(f"the command finds {found:.3g}")
assert 1e-5 < found < 10, found

# Least squares with eight weights: the best rate of SGD is far from both ends of the scale.
draw = random.Random(0)
true = [draw.gauss(0, 1) for _ in range(8)]
rows = [[draw.gauss(0, 1) for _ in true] for _ in range(400)]
targets = [sum(w * x for w, x in zip(true, row)) + draw.gauss(0, 0.3) for row in rows]
weights, order = [0.0] * 8, random.Random(1)


def error(at):
    return sum(w * x for w, x in zip(weights, rows[at])) - targets[at]


def step(lr):
    batch = [order.randrange(300) for _ in range(8)]
    errors = [error(at) for at in batch]
    for k in range(8):
        weights[k] -= lr * 2 / len(batch) * sum(e * rows[at][k] for e, at in zip(errors, batch))
    return sum(e * e for e in errors) / len(batch)


def restore(kept):
    weights[:] = kept[0]
    order.setstate(kept[1])


def evaluate():
    return sum(error(at) ** 2 for at in range(300, 400)) / 100


before = evaluate()
estimate = stepsize.find(
    step, lambda: (list(weights), order.getstate()), restore, evaluate=evaluate, reseed=order.seed, steps=200, schedule="cosine"
)
print(f"Python finds {estimate.require():.3g}")
schedule = stepsize.Schedule("cosine", steps=200)
for at in range(200):
    step(estimate.require() * schedule(at))
print(f"val_loss {before:.2f} before training, {evaluate():.2f} after; the noise alone is 0.09")
assert evaluate() < 0.2 < before, evaluate()
