"""Trains many copies of a tiny job at once: one lane for each pair of rate and seed, on one core.

The loop is that of the product: the rate is `lr * schedule(step)`, the schedule is compressed into every shorter run, and a run has
exploded when a loss is not finite or three mini-batch losses in a row are above 1000 times the untrained loss.
"""

import math
from dataclasses import dataclass
from functools import partial
from typing import Callable

import jax
import jax.numpy as jnp
import numpy as np

ADAPTIVE = ("adam", "adamw", "rmsprop")
DECAY = 0.05  # of AdamW, decoupled
EXPLOSION, IN_A_ROW = 1e3, 3
NEVER = 65535


@dataclass(frozen=True)
class Problem:
    """A model with its data. `batch` makes a mini-batch from a drawer of whole numbers, `draw(count, below)`."""

    init: Callable
    batch: Callable
    loss: Callable
    val: Callable


def bits(seed, step, salt, count):
    """Hashed whole numbers: the same for a seed and a step, whatever the rate (finalizer of MurmurHash3)."""
    x = seed.astype(jnp.uint32) * jnp.uint32(0x9E3779B9) + step.astype(jnp.uint32) * jnp.uint32(0x85EBCA6B)
    x = x + jnp.uint32(salt * 0x165667B1 % 2**32) + jnp.arange(count, dtype=jnp.uint32) * jnp.uint32(0x27D4EB2F)
    for factor in (0x85EBCA6B, 0xC2B2AE35):
        x = (x ^ (x >> 16)) * jnp.uint32(factor)
    return x ^ (x >> 15)


class Draw:
    """Draws of one step: every call has a stream of its own."""

    def __init__(self, seed, step):
        self.seed, self.step, self.calls = seed, step, 0

    def __call__(self, count, below):
        self.calls += 1
        return (bits(self.seed, self.step, self.calls, count) % jnp.uint32(below)).astype(jnp.int32)


def factors(schedule, steps):
    """The factors of a run of `steps` steps."""
    t = np.arange(steps, dtype=np.float64)
    if schedule == "constant":
        return np.ones(steps)
    if schedule == "cosine":
        return np.cos(0.5 * math.pi * t / steps) ** 2
    if schedule == "linear":
        return 1 - t / steps
    share = {"warmup(10%) then cosine": 0.1, "warmup(5%) then linear": 0.05}[schedule]
    warm = max(1, round(share * steps))
    after = factors(schedule.split(" then ")[1], steps - warm)
    return np.concatenate([t[:warm] / warm, after])


def moments(optimizer, params):
    zeros = jax.tree.map(jnp.zeros_like, params)
    return {"sgd": (), "momentum": (zeros,), "nesterov": (zeros,), "rmsprop": (zeros,)}.get(optimizer, (zeros, zeros))


def update(optimizer, clip, params, state, grads, lr, t):
    """One step as PyTorch's optimizers make it, with their default constants and momentum 0.9."""
    on = jax.tree.map
    if clip:
        norm = jnp.sqrt(sum(jnp.sum(g * g) for g in jax.tree.leaves(grads)))
        grads = on(lambda g: g * jnp.minimum(1.0, clip / (norm + 1e-6)), grads)
    if optimizer == "sgd":
        return on(lambda p, g: p - lr * g, params, grads), ()
    if optimizer in ("momentum", "nesterov"):
        v = on(lambda v, g: 0.9 * v + g, state[0], grads)
        move = v if optimizer == "momentum" else on(lambda v, g: 0.9 * v + g, v, grads)
        return on(lambda p, m: p - lr * m, params, move), (v,)
    if optimizer == "rmsprop":
        s = on(lambda s, g: 0.99 * s + 0.01 * g * g, state[0], grads)
        return on(lambda p, g, s: p - lr * g / (jnp.sqrt(s) + 1e-8), params, grads, s), (s,)
    m = on(lambda m, g: 0.9 * m + 0.1 * g, state[0], grads)
    s = on(lambda s, g: 0.999 * s + 0.001 * g * g, state[1], grads)
    c1, c2 = 1 - 0.9 ** (t + 1.0), 1 - 0.999 ** (t + 1.0)
    shrink = 1 - lr * DECAY if optimizer == "adamw" else 1.0
    new = on(lambda p, m, s: p * shrink - lr * (m / c1) / (jnp.sqrt(s / c2) + 1e-8), params, m, s)
    return new, (m, s)


class Trainer:
    """The compiled parts of one job, for a fixed number of lanes."""

    def __init__(self, problem, optimizer, clip, schedule, lanes, longest):
        self.schedule, self.lanes, self.longest = schedule, lanes, longest

        def begin(seed):
            params = problem.init(jax.random.PRNGKey(seed))
            start = problem.val(params)
            return (params, moments(optimizer, params), jnp.int32(0), jnp.int32(NEVER), start), start

        def step(lane, lr, seed, t, factor):
            params, state, row, exploded, start = lane
            loss, grads = jax.value_and_grad(problem.loss)(params, problem.batch(Draw(seed, t)))
            params, state = update(optimizer, clip, params, state, grads, lr * factor, t)
            row = jnp.where(loss > EXPLOSION * jnp.abs(start), row + 1, 0)
            now = ~jnp.isfinite(loss) | (row >= IN_A_ROW)
            exploded = jnp.where(now, jnp.minimum(exploded, t + 1), exploded)
            return params, state, row, exploded, start

        @partial(jax.jit, donate_argnums=0)
        def advance(lanes, lrs, seeds, first, last, table):
            def body(t, lanes):
                return jax.vmap(step, in_axes=(0, 0, 0, None, None))(lanes, lrs, seeds, t, table[t])

            lanes = jax.lax.fori_loop(first, last, body, lanes)
            return lanes, jax.vmap(lambda lane: problem.val(lane[0]))(lanes)

        self.begin, self.advance = jax.jit(jax.vmap(begin)), advance

    def run(self, pairs, steps, at):
        """Validation losses at the steps `at`, and the step of explosion, of runs at (log2 lr, seed)."""
        losses, exploded = [], []
        for first in range(0, len(pairs), self.lanes):
            part = pairs[first : first + self.lanes]
            padded = part + [part[-1]] * (self.lanes - len(part))
            lrs = jnp.array([2.0**x for x, _ in padded], jnp.float32)
            seeds = jnp.array([s for _, s in padded], jnp.int32)
            table = np.zeros(self.longest, np.float32)
            table[:steps] = factors(self.schedule, steps)
            table = jnp.array(table)
            lanes, val = self.begin(seeds)
            curve, now = [val], 0
            for stop in at[1:]:
                lanes, val = self.advance(lanes, lrs, seeds, now, stop, table)
                curve.append(val)
                now = stop
            losses.append(np.stack([np.asarray(v) for v in curve], 1)[: len(part)])
            exploded.append(np.asarray(lanes[3])[: len(part)])
        return np.concatenate(losses), np.concatenate(exploded)


def evaluations(steps):
    """Steps at which a trial is evaluated: those of `stepsize::evaluation_steps` for 8 evaluations."""
    return sorted({steps * i // 8 for i in range(9)} | {steps // d for d in (2, 4, 8, 16)})
