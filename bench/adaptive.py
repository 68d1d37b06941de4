"""What controllers bring on real training: final validation loss at a rate that is far too low, best, and too high.

Each job of the truth table (bench/data/truth.csv, constant rate) is trained with each controller at 1/30, 1 and 10 times
its best fixed rate. A cell is the geometric mean, over jobs and seeds, of the final validation loss over that of the
best fixed rate with the same seed; 1.00 is as good as knowing the best rate. A run that diverged counts as untrained.
Paid: optimizer steps over those of the run (branches and steps that were taken back).

With --wild only fixed and rewinding methods are run, at 100 times the best rate: does going back rescue a run?

Run from the root of the repository after `cargo build --release`: python3 bench/adaptive.py [--wild] [path of stepsize]
"""

import concurrent.futures
import csv
import json
import math
import os
import platform
import subprocess
import sys

STEPSIZE = next((a for a in sys.argv[1:] if not a.startswith("-")), "target/release/stepsize")
SEEDS = (10, 11, 12)
TIMES = (1 / 30, 1.0, 10.0)
JOBS = {
    "digits_mlp_const": "--data digits --model mlp:128,64 --optimizer sgd:0.9 --batch-size 64 --steps 1000",
    "digits_deep_adam_const": "--data digits --model mlp:64,64,64,64 --optimizer adam --batch-size 64 --steps 1000",
    "diabetes_mlp_adam_const": "--data diabetes --model mlp:64,64 --optimizer adam --batch-size 32 --steps 600",
    "cancer_logreg_const": "--data breast_cancer --model linear --optimizer sgd:0.9 --batch-size 16 --steps 1000",
}
METHODS = {
    "fixed": "",
    "fixed, linear to zero": "linear",
    "plateau /2": "plateau(patience=6, factor=0.5, undo=0)",
    "plateau /10": "plateau(patience=6, factor=0.1, undo=0)",
    "plateau /2, raises again": "plateau(patience=6, factor=0.5, undo=3)",
    "plateau /10, raises again": "plateau(patience=6, factor=0.1, undo=3)",
    "greedy": "greedy",
    "greedy as transformers": "greedy_transformers(patience=10, train)",
    "hypergradient": "hypergradient",
    "polyak cap": "polyak(momentum=0.9)",
    "branch test": "branch(every=100, steps=20)",
    "rewind": "rewind",
    "rewind * plateau /2": "rewind * plateau(patience=6, factor=0.5)",
    "rewind * branch": "rewind * branch(every=100, steps=20)",
}


WILD = "--wild" in sys.argv
if WILD:
    TIMES = (100.0, 1.0)
    METHODS = {m: c for m, c in METHODS.items() if m == "fixed" or "rewind" in m}


def truth():
    losses, untrained = {}, {}
    with open("bench/data/truth.csv") as file:
        for row in csv.DictReader(file):
            value = float(row["val_loss"])
            start = float(row["untrained"])
            value = min(value, 2 * start) if math.isfinite(value) else 2 * start
            losses.setdefault(row["task"], {}).setdefault(float(row["lr"]), []).append(value)
            untrained.setdefault(row["task"], []).append(start)
    best = {job: min(rates, key=lambda r: sum(rates[r]) / len(rates[r])) for job, rates in losses.items()}
    return best, {job: sum(v) / len(v) for job, v in untrained.items()}


def train(job, method, lr, seed):
    text = METHODS[method]
    words = [STEPSIZE, "train", "--json", "--lr", repr(lr), "--seed", str(seed), "--evaluations", "50"]
    words += JOBS[job].split() + ["--schedule", "linear" if text == "linear" else "constant"]
    if text not in ("", "linear"):
        words += ["--controller", text]
    done = subprocess.run(words, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)}: {done.stderr}")
    return json.loads(done.stdout)


def main():
    best, untrained = truth()
    plan = [(j, m, t, s) for j in JOBS for m in METHODS for t in TIMES for s in SEEDS]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        runs = list(pool.map(lambda p: train(p[0], p[1], best[p[0]] * p[2], p[3]), plan))
    found = dict(zip(plan, runs))

    def loss(key):
        run, start = found[key], untrained[key[0]]
        value = run["val_loss"] if run["end"]["how"] == "finished" else None
        return min(value, start) if value is not None else start

    print(f"{platform.machine()}, {os.cpu_count()} cores, {len(JOBS)} jobs, seeds {SEEDS}, {len(plan)} runs")
    print("best fixed rates:", ", ".join(f"{j} {best[j]:.3g}" for j in JOBS))
    print(f"reproduce: python3 bench/adaptive.py{' --wild' if WILD else ''}\n")
    print("| controller | " + " | ".join(f"{t:.3g} x best" for t in TIMES) + " | diverged | paid |")
    print("|---|" + "---|" * (len(TIMES) + 2))
    for method in METHODS:
        cells = []
        for times in TIMES:
            keys = [(j, method, times, s) for j in JOBS for s in SEEDS]
            logs = [math.log(loss(k) / loss((k[0], "fixed", 1.0, k[3]))) for k in keys]
            cells.append(f"{math.exp(sum(logs) / len(logs)):.2f}")
        mine = [found[(j, method, t, s)] for j in JOBS for t in TIMES for s in SEEDS]
        broke = sum(r["end"]["how"] == "diverged" for r in mine)
        paid = sum(r["steps_paid"] for r in mine) / sum(r["steps_run"] for r in mine)
        print(f"| {method} | {' | '.join(cells)} | {broke} of {len(mine)} | {paid:.2f} |")
    print(f"\nBy job, at {', '.join(f'{t:.3g}' for t in TIMES)} times the best rate:\n")
    print("| controller | " + " | ".join(JOBS) + " |")
    print("|---|" + "---|" * len(JOBS))
    for method in METHODS:
        row = []
        for job in JOBS:
            ratios = []
            for times in TIMES:
                logs = [math.log(loss((job, method, times, s)) / loss((job, "fixed", 1.0, s))) for s in SEEDS]
                ratios.append(f"{math.exp(sum(logs) / len(logs)):.2f}")
            row.append(", ".join(ratios))
        print(f"| {method} | {' | '.join(row)} |")


main()
