"""Landscapes of jobs of many families, for `stepsize-bench landscapes`: every trial that a search may ask for, trained beforehand.

Writes bench/data/landscapes/FAMILY_K.gz: one line of JSON (the job and its tables), then the numbers of the tables. A table has runs
of one length: at each rate and seed the validation losses at some steps (32-bit floats), then for each run the step at which it
exploded (16-bit, 65535: never). All are little-endian, gzipped together, losses rounded to 14 bits.

A job has
- `wide`: full runs at rates half an octave apart over 28 octaves, seeds 0 and 1;
- `near`: the same within 3.5 octaves of the best rate of `wide` (smoothed), seeds 2 to 11;
- `trials`: runs of T, T/2, .. T/64 (16 steps at least) at rates a quarter of an octave apart, from 8 octaves below the best to 6
  above, and where a full run does not break there, on to where it does (16 at most); seeds 100 to 103, evaluated as the product
  evaluates. With a constant rate the full runs hold the others.

Run from anywhere, with jax 0.10 and scikit-learn; one core is enough:
    pip install "jax[cpu]" scikit-learn
    python bench/landscapes/make.py [--jobs 3] [--first 0] [--family NAME]
"""

import argparse
import gzip
import json
import math
import os
import pathlib
import random
import time
import zlib

os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import numpy as np
from choices import FAMILIES, LENGTHS, OPTIMIZERS, SCHEDULES
from training import ADAPTIVE, NEVER, Trainer, evaluations

OUT = pathlib.Path(__file__).parents[1] / "data" / "landscapes"
LANES = 57
LOW, HIGH = -20.0, 8.0
BELOW, ABOVE, FAR = 8.0, 6.0, 16.0
NEAR = 3.5
TRUTH, SEARCH = range(12), range(100, 104)
NEGLIGIBLE, BROKEN, WIDTH = 2e-4, 0.7, 0.6
LEAST_FALL = 0.02


def draw(family, index):
    """Job `index` of a family: each choice goes round a shuffled list, so that a few jobs show all of it."""
    builder, least, most, choices = FAMILIES[family]
    rng = random.Random(zlib.crc32(family.encode()))

    def pick(options):
        order = rng.sample(options, len(options))
        turn = rng.randrange(1, 5)
        return order[(index + index // len(order) * turn) % len(order)]

    job = {key: pick(options) for key, options in choices.items()}
    job.update(optimizer=pick(OPTIMIZERS), schedule=pick(SCHEDULES))
    job["steps"] = pick([n for n in LENGTHS if least <= n <= most])
    clipped = family in ("recurrent", "transformer") and job["optimizer"] not in ADAPTIVE
    job["clip"] = 1.0 if clipped and pick([True, False]) else 0.0
    return builder, job


def smoothed(rates, losses, exploded, untrained):
    """The kernel-smoothed mean over seeds of the log loss; what broke counts as twice the untrained loss."""
    broken = math.log(untrained) + BROKEN
    logs = np.log(np.maximum(losses, 0) + NEGLIGIBLE * untrained)
    logs = np.where(np.isfinite(losses) & (exploded == NEVER), np.minimum(logs, broken), broken).mean(1)
    kernel = np.exp(-0.5 * ((rates[:, None] - rates[None]) / WIDTH) ** 2)
    return kernel @ logs / kernel.sum(1)


def highest(best, wide, broke):
    """The highest rate of the trials. Shorter ones may break later than full runs: two octaves are added."""
    above = wide[(broke != NEVER).all(1) & (wide >= best + ABOVE)]
    breaks = above[0] if len(above) else HIGH
    return breaks if breaks == best + ABOVE else min(breaks + 2, best + FAR)


def rounded(losses):
    whole = np.ascontiguousarray(losses, np.float32).view(np.uint32)
    kept = ((whole + 0x100) & 0xFFFFFE00).view(np.float32)
    return np.where(np.isfinite(losses), kept, np.float32(np.nan))


class Tables:
    def __init__(self):
        self.heads, self.blobs = [], []

    def add(self, kind, steps, low, spacing, count, seeds, at, losses, exploded):
        head = dict(kind=kind, steps=steps, low=low, spacing=spacing, rates=count, seeds=list(seeds), at=at)
        self.heads.append(head)
        self.blobs += [rounded(losses).astype("<f4").tobytes(), exploded.astype("<u2").tobytes()]


def make(family, index, out):
    began = time.process_time()
    builder, job = draw(family, index)
    name = f"{family}_{index}"
    rng = np.random.default_rng([zlib.crc32(family.encode()), index])
    problem = builder(rng, job)
    steps = job["steps"]
    trainer = Trainer(problem, job["optimizer"], job["clip"], job["schedule"], LANES, steps)
    tables = Tables()
    wide = np.arange(LOW, HIGH + 0.1, 0.5)
    pairs = [(x, s) for x in wide for s in TRUTH[:2]]
    at = [0, steps]
    losses, exploded = trainer.run(pairs, steps, at)
    untrained = float(np.mean(losses[:, 0]))
    final, broke = losses[:, 1].reshape(-1, 2), exploded.reshape(-1, 2)
    shape = smoothed(wide, final, broke, untrained)
    best = float(wide[np.argmin(shape)])
    fall = math.log(untrained * (1 + NEGLIGIBLE)) - float(shape.min())
    told = f"{name} {job['optimizer']} {job['schedule']} T={steps} best 2^{best} fall {fall:.3f}"
    why = None
    if not wide[0] + NEAR <= best <= wide[-1] - NEAR:
        why = "best rate at the edge"
    if fall < LEAST_FALL:
        why = "learns nothing"
    if why:
        print(f"{told}: left out, {why}; {job}", flush=True)
        return
    tables.add("wide", steps, LOW, 0.5, len(wide), TRUTH[:2], [steps], losses[:, 1:], exploded)
    near = np.arange(best - NEAR, best + NEAR + 0.1, 0.5)
    losses, exploded = trainer.run([(x, s) for x in near for s in TRUTH[2:]], steps, at)
    tables.add("near", steps, near[0], 0.5, len(near), TRUTH[2:], [steps], losses[:, 1:], exploded)
    rates = np.arange(best - BELOW, highest(best, wide, broke) + 0.1, 0.25)
    pairs = [(x, s) for x in rates for s in SEARCH]
    lengths = [steps // 2**k for k in range(7) if steps // 2**k >= 16]
    ats = [evaluations(n) for n in lengths]
    if job["schedule"] == "constant":
        lengths, ats = lengths[:1], [sorted(set().union(*map(set, ats)))]
    for n, at in zip(lengths, ats):
        losses, exploded = trainer.run(pairs, n, at)
        tables.add("trials", n, rates[0], 0.25, len(rates), SEARCH, at, losses, exploded)
    head = dict(name=name, family=family, untrained=untrained, job=job, tables=tables.heads)
    for key in ("steps", "schedule", "optimizer"):
        head[key] = job[key]
    out.mkdir(parents=True, exist_ok=True)
    body = json.dumps(head).encode() + b"\n" + b"".join(tables.blobs)
    (out / f"{name}.gz").write_bytes(gzip.compress(body, 9, mtime=0))
    print(f"{told}: {time.process_time() - began:.0f} s, {job}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=3, help="jobs a family")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--family", action="append")
    parser.add_argument("--out", type=pathlib.Path, default=OUT)
    options = parser.parse_args()
    for index in range(options.first, options.first + options.jobs):
        for family in options.family or FAMILIES:
            if not (options.out / f"{family}_{index}.gz").exists():
                make(family, index, options.out)


if __name__ == "__main__":
    main()
