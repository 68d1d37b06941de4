"""Logs of JAX jobs for `stepsize-bench diagnosis calibrate` and `diagnosis scripts`: kinds of training that the trees never saw.

Half of the families train small networks from scratch. The others are what people log beside that: fine-tunes, parts of resumed runs,
cooldowns, long language models, losses of several parts and losses whose weights change. Two are games, whose losses do not show the
rate: `games.csv` lists their logs. All rates of a job are trained at once (13, a factor of 10^(1/2) apart), on one core in ten minutes.
Writes the logs and `truth.csv` (columns as in `diagnosis_torch.py`) below DIR. Needs jax and scikit-learn (the published figures:
Python 3.11.7, jax 0.10.2, scikit-learn 1.9.1). Run from the root of the repository; words after DIR
name families, and a number is the most jobs of each:
python3 bench/diagnosis_beyond.py target/diagnosis-beyond
"""

import csv
import json
import math
import os
import random
import sys
from functools import partial

import diagnosis_styles as log
import jax
import jax.numpy as jnp
import numpy as np
from diagnosis_beyond_jobs import FAMILIES, GAMES

RATES = 13
CENTRES = {"sgd": 0.2, "momentum": 0.05, "adam": 0.006, "adamw": 0.006, "rmsprop": 0.004}
SCHEDULES = {
    "constant": lambda t: 1.0,
    "cosine": lambda t: 0.5 * (1 + math.cos(math.pi * t)),
    "warmup": lambda t: min(1.0, (t + 1e-3) / 0.06) * 0.5 * (1 + math.cos(math.pi * t)),
    "linear": lambda t: 1 - t,
    "step": lambda t: 0.1 ** int(3 * t),
}


def moved(name, p, g, m, v, t, lr):
    """Weights and moments after a step of this optimizer."""
    each = partial(jax.tree.map)
    if name == "sgd":
        return each(lambda p, g: p - lr * g, p, g), m, v
    if name == "momentum":
        m = each(lambda m, g: 0.9 * m + g, m, g)
        return each(lambda p, m: p - lr * m, p, m), m, v
    v = each(lambda v, g: 0.99 * v + 0.01 * g * g, v, g) if name == "rmsprop" else each(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    if name == "rmsprop":
        return each(lambda p, g, v: p - lr * g / (jnp.sqrt(v) + 1e-8), p, g, v), m, v
    m = each(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    decay = 0.05 if name == "adamw" else 0.0
    step = lambda p, m, v: p - lr * (m / (1 - 0.9**t) / (jnp.sqrt(v / (1 - 0.999**t)) + 1e-8) + decay * p)
    return each(step, p, m, v), m, v


def trained(job, params, rates, steps, seed):
    """Losses, norms and parts of each step, validation losses and scores of each epoch, and the last weights, for every rate."""
    loss, score, epochs = job["loss"], job.get("score"), job["epochs"]
    per = max(1, steps // epochs)
    draw = np.random.default_rng(seed)
    rows = jnp.array(draw.integers(0, len(job["train"][0]), (epochs, per, job["batch"])))
    times = jnp.arange(epochs * per).reshape(epochs, per) / (epochs * per)
    factors = jnp.array([SCHEDULES[job["schedule"]](float(t)) for t in times.ravel()]).reshape(epochs, per)
    keys = jax.random.split(jax.random.key(seed), (epochs, per))

    @jax.jit
    def sweep(params, rates, train, val):
        def one(lr):
            def step(state, now):
                p, m, v, t = state
                factor, time, i, key = now
                (value, parts), g = jax.value_and_grad(loss, has_aux=True)(p, key, time, *(a[i] for a in train))
                norm = jnp.sqrt(sum(jnp.sum(x * x) for x in jax.tree.leaves(g)))
                g = jax.tree.map(lambda x: x * jnp.minimum(1.0, job["clip"] / (norm + 1e-9)), g)
                return (*moved(job["optimizer"], p, g, m, v, t, lr * factor), t + 1), (value, norm, parts)

            def epoch(state, now):
                state, seen = jax.lax.scan(step, state, now)
                held = loss(state[0], keys[0, 0], now[1][-1], *val)[0]
                return state, (*seen, held, score(state[0], *val) if score else 0.0)

            zeros = jax.tree.map(jnp.zeros_like, params)
            state, seen = jax.lax.scan(epoch, (params, zeros, zeros, 1.0), (factors, times, rows, keys))
            return *seen, state[0]

        return jax.vmap(one)(rates)

    first = {"untrained": float(loss(params, keys[0, 0], 0.0, *job["train"])[0]), "val": float(loss(params, keys[0, 0], 0.0, *job["val"])[0])}
    first["score"] = float(score(params, *job["val"])) if score else None
    return first, per, np.asarray(factors, float).ravel(), sweep(params, jnp.array(rates), job["train"], job["val"])


def readings(job, rate, first, per, factors, of):
    """One run as the styles of logging take it: a reading for each step, the first of the model as it begins."""
    losses, norms, parts, vals, scores = of
    begin, count = job.get("begin", 0), losses.size
    head = {"untrained": first["untrained"], "steps": begin + count, "loss": None, "norm": None, "end": False, "parts": None}
    rows = [head | {"step": begin, "epoch": begin // per, "lr": rate * float(factors[0]), "val": first["val"], "score": first["score"]}]
    flat = {name: np.asarray(v).ravel() for name, v in parts.items()}
    for i, (loss, norm) in enumerate(zip(losses.ravel(), norms.ravel())):
        end = (i + 1) % per == 0
        val = float(vals[i // per]) if end else None
        now = {"step": begin + i + 1, "epoch": (begin + i) // per + 1, "loss": float(loss), "lr": rate * float(factors[i]), "norm": float(norm)}
        score = float(scores[i // per]) if end and job.get("score") else None
        rows.append(now | {"val": val, "score": score, "end": end, "parts": {n: float(v[i]) for n, v in flat.items()}})
        if not math.isfinite(now["loss"]) and job["stops"]:
            break
    return rows


def parted(f, rows):
    """JSON lines of the parts of a loss, its sum last; a game has no sum."""
    every = max(1, (rows[-1]["step"] - rows[0]["step"]) // 150)
    for r in rows[1:]:
        if r["step"] % every == 0 or r["val"] is not None:
            line = {"step": r["step"], "lr": r["lr"]} | r["parts"] | {"loss": r["loss"], "val_loss": r["val"]}
            f.write(json.dumps({k: v for k, v in line.items() if v is not None and (k[-4:] != "loss" or len(r["parts"]) < 3 or k in r["parts"])}) + "\n")


def far_apart(f, rows):
    """A long run: a line every so many steps, with the mean of the losses since the line before."""
    every, losses = max(2, (rows[-1]["step"] - rows[0]["step"]) // 200), []
    for r in rows[1:]:
        losses.append(r["loss"])
        if r["step"] % every == 0:
            f.write(f"step {r['step']} | loss {sum(losses) / len(losses):.4f} | lr {r['lr']:.3e} | grad norm {r['norm']:.3f}\n")
            losses = []
        if r["val"] is not None:
            f.write(f"step {r['step']} | val loss {r['val']:.4f}\n")


def begun(job, draw, seed):
    """Weights with which the runs begin, and the step at which they do: of a resumed run those of its first part at its best rate."""
    if "before" not in job:
        return job["params"], 0
    before = job | job["before"]
    rates = before.get("rates") or [job["centre"] * 10 ** (i / 2) for i in range(-4, 3)]
    first, per, _, (_, _, _, vals, _, weights) = trained(before, before["params"], rates, before["steps"], seed + 1)
    ends = np.where(np.isfinite(vals[:, -1]), vals[:, -1], np.inf)
    best = int(ends.argmin())
    if "rates" not in before:
        job["centre"] = rates[best] * 10 ** draw.uniform(-0.4, 0.4)
    return jax.tree.map(lambda x: x[best], weights), before["steps"] if job.get("goes_on") else 0


def run(root, name, job, seed):
    """Trains a job at every rate and writes its logs; the rows of the truth."""
    draw, rows = random.Random(name), []
    os.makedirs(os.path.join(root, name), exist_ok=True)
    params, job["begin"] = begun(job, draw, seed)
    rates = [job["centre"] * 10 ** ((i - 7) / 2) for i in range(RATES)]
    first, per, factors, seen = trained(job, params, rates, job["steps"], seed)
    losses, norms, parts, vals, scores = [jax.tree.map(np.asarray, s) for s in seen[:5]]
    styles = [(log.STYLES, 2), (log.MORE, 1)]
    styles = [([parted], 1)] if job.get("game") else [([parted], 1), (log.STYLES, 2)] if parts else styles
    styles = [([far_apart], 1), ([log.huggingface, log.epoch_text, log.spaced_table], 1)] if job["steps"] > 5000 else styles
    for i, lr in enumerate(rates):
        made = readings(job, lr, first, per, factors, (losses[i], norms[i], jax.tree.map(lambda p: p[i], parts), vals[i], scores[i]))
        flat = losses[i].ravel()
        tail = flat[-max(1, flat.size // 10) :]
        broken = not (np.isfinite(flat).all() and np.isfinite(vals[i]).all())
        for style in [style for some, count in styles for style in draw.sample(some, count)]:
            file = f"{name}/run{i:02}_{style.__name__}.log"
            with open(os.path.join(root, file), "w", newline="", encoding="utf-8") as f:
                style(f, made)
            rows.append([file, name, lr, float(vals[i][-1]), first["val"], int(broken), float(tail.mean()), first["untrained"]])
    return rows


def main():
    root, *words = sys.argv[1:]
    only, most = [w for w in words if not w.isdigit()], min([int(w) for w in words if w.isdigit()], default=99)
    os.makedirs(root, exist_ok=True)
    heads = ["file", "job", "lr", "final_val", "untrained", "broken", "end_train", "untrained_train"]
    number = 0
    with open(os.path.join(root, "truth.csv"), "w", newline="") as t, open(os.path.join(root, "games.csv"), "w", newline="") as g:
        truth, games = csv.writer(t), csv.writer(g)
        truth.writerow(heads)
        games.writerow(heads)
        for family, (build, count) in FAMILIES.items():
            for i in range(count):
                number += 1
                draw = random.Random(f"{family} {i}")
                if only and family not in only or i >= most:
                    continue
                job = {"optimizer": draw.choice(list(CENTRES)), "schedule": draw.choice([*SCHEDULES, "constant"])}
                job |= {"batch": draw.choice([16, 32, 64]), "epochs": draw.choice([10, 15, 20, 30]), "stops": draw.random() < 0.6}
                job |= {"steps": int(150 * 8 ** draw.random()), "clip": draw.choice([1e30, 1e30, 1e30, 1.0])}
                job |= build(draw, i, job)
                factor = job.get("factor", 1)
                factor = factor[job["optimizer"] in ("adam", "adamw", "rmsprop")] if isinstance(factor, tuple) else factor
                job["centre"] = factor * CENTRES[job["optimizer"]] * 10 ** draw.uniform(-0.4, 0.4)
                name = f"{number:03}_{family}_{job['optimizer']}_{job['schedule']}"
                (games if family in GAMES else truth).writerows(run(root, name, job, number))
                t.flush()
                g.flush()
                print(name, flush=True)


if __name__ == "__main__":
    main()
