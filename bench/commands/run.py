"""How good `stepsize find -- COMMAND` is on command jobs whose best rate is known.

    python bench/commands/run.py truth [JOB...]     # full runs on a grid of rates, written to bench/data/commands.csv
    python bench/commands/run.py score [JOB...]     # searches, for real, and full runs at the rates that they answer

STEPSIZE=PATH chooses the binary, PYTHON=PATH an interpreter with NumPy, scikit-learn and PyTorch. The jobs are the scripts of examples/ as
they are, in settings on which nothing was tuned. With `{steps}` the search may compress a run; without, it sees only its first sixteenth.

An answer is judged by full runs at that very rate: between two rates of the table, near where training breaks, its interpolation says
nothing. Three yardsticks: *regret*, loss / best loss - 1, which is harsh where the best loss is near zero; *lost*, the share of the fall
from the untrained loss to the best one that the answer gives away; and how many octaves it lies above (+) or below (-) the best rate.
"""

import csv
import json
import math
import os
import platform
import random
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # two runs at a time

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "bench/data/commands.csv"
STEPSIZE = os.environ.get("STEPSIZE", str(ROOT / "target/release/stepsize"))
PYTHON = os.environ.get("PYTHON", sys.executable)
TRUTH_SEEDS = (0, 1)
SEARCH_SEEDS = (100, 101)
STARTS = ("0.1", "0.01", "0.001", "0.0001")
RATES = [10 ** (k / 4) for k in range(-14, 3)]  # 3e-4 .. 3, four a decade

# name: script, option of the rate, of the length, of the seed, full length, other options
JOBS = {
    "numpy": ("examples/numpy_train.py", "--lr", "--steps", "--seed", 2000, []),
    "numpy_wide": ("examples/numpy_train.py", "--lr", "--steps", "--seed", 1000, ["--hidden", "128"]),
    "numpy_small_batch": ("examples/numpy_train.py", "--lr", "--steps", "--seed", 3000, ["--batch-size", "8"]),
    "numpy_narrow": ("examples/numpy_train.py", "--lr", "--steps", "--seed", 1500, ["--hidden", "16", "--batch-size", "32"]),
    "sklearn": ("examples/sklearn_train.py", "--eta0", "--epochs", "--random-state", 32, []),
    "sklearn_long": ("examples/sklearn_train.py", "--eta0", "--epochs", "--random-state", 96, []),
    "torch": ("examples/torch_train.py", "--learning-rate", "--max-iters", "--seed", 400, []),
}


def made(steps, *options):
    return "bench/commands/made.py", "--lr", "--steps", "--seed", steps, list(options)


# Looked at while the search was changed, as the jobs above were.
JOBS |= {
    "friedman_cos": made(1000, "--problem", "friedman"),
    "factors_lin": made(800, "--problem", "factors", "--schedule", "linear"),
    "counts_sgd": made(1000, "--problem", "counts", "--optimizer", "sgd"),
    "echo_adam": made(600, "--problem", "echo", "--optimizer", "adam"),
    "spiral_const": made(1500, "--problem", "spiral", "--schedule", "constant"),
}
# Scored when the search was frozen.
HELD = {
    "friedman_adam_lin": made(900, "--problem", "friedman", "--optimizer", "adam", "--schedule", "linear", "--width", "96"),
    "friedman_sgd_const": made(1200, "--problem", "friedman", "--optimizer", "sgd", "--schedule", "constant", "--batch-size", "16"),
    "factors_sgd_cos": made(1000, "--problem", "factors", "--optimizer", "sgd", "--batch-size", "64"),
    "counts_warm": made(800, "--problem", "counts", "--schedule", "warm"),
    "echo_lin": made(700, "--problem", "echo", "--schedule", "linear"),
    "spiral_adam_warm": made(1200, "--problem", "spiral", "--optimizer", "adam", "--schedule", "warm", "--batch-size", "64"),
}
JOBS |= HELD


def command(job, lr, steps, seed):
    script, rate, length, number, full, more = JOBS[job]
    words = [PYTHON, str(ROOT / script), rate, lr, number, seed, *more]
    return words + [length, steps if steps is not None else str(full)]


def losses(text):
    """The validation losses that were printed."""
    found = re.findall(r"(?:val_loss:|val loss|'eval_loss':) *([^\s,}]+)", text)
    return [float(value) for value in found]


def final(text):
    """The last validation loss; infinite when there is none."""
    seen = losses(text)
    return seen[-1] if seen and math.isfinite(seen[-1]) else math.inf


def seeds(job):
    return TRUTH_SEEDS if not job.startswith("sklearn") else TRUTH_SEEDS[:1]


def full(job, lr, seed):
    return subprocess.run(command(job, f"{lr:.6g}", None, str(seed)), capture_output=True, text=True).stdout


def truth():
    wanted = sys.argv[2:] or list(JOBS)
    kept = list(csv.reader(TABLE.read_text().splitlines()))[1:] if TABLE.exists() else []
    with TABLE.open("w", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["job", "lr", "seed", "val_loss"])
        out.writerows(row for row in kept if row[0] not in wanted)
        runs = [(job, lr, seed) for job in wanted for lr in RATES for seed in seeds(job)]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for (job, lr, seed), text in zip(runs, pool.map(lambda run: full(*run), runs)):
                out.writerow([job, f"{lr:.6g}", seed, f"{final(text):.6g}"])
                file.flush()


def table(wanted):
    rows = {}
    with TABLE.open() as file:
        for row in csv.DictReader(file):
            if not wanted or row["job"] in wanted:
                rows.setdefault(row["job"], {}).setdefault(float(row["lr"]), []).append(float(row["val_loss"]))
    out = {}
    for job, rates in rows.items():
        worst = max(v for values in rates.values() for v in values if math.isfinite(v))
        mean = {lr: sum(min(v, worst) for v in values) / len(values) for lr, values in rates.items()}
        out[job] = Truth(job, sorted(mean.items()), worst, {lr: values[0] for lr, values in rates.items()})
    return out


class Truth:
    """What full runs of a job reach."""

    def __init__(self, job, points, worst, first):
        self.job, self.worst, self.known = job, worst, dict(points)
        self.first = first  # final losses of the first seed, by rate
        self.lr, self.best = min(points, key=lambda p: p[1])
        # scikit-learn's script has no reading before its first epoch: ten classes alike.
        first = losses(full(job, RATES[0], TRUTH_SEEDS[0]))[0]
        self.untrained = math.log(10) if job.startswith("sklearn") else first

    def reached(self, lr):
        """Mean final loss at a rate. A run that broke counts as the worst one that did not."""
        lr = float(f"{lr:.6g}")
        if lr not in self.known:
            ends = [min(final(full(self.job, lr, seed)), self.worst) for seed in seeds(self.job)]
            self.known[lr] = sum(ends) / len(ends)
        return self.known[lr]

    def judge(self, lr):
        """Regret, share of the fall that is lost, and octaves from the best rate."""
        loss = self.reached(lr)
        return loss / self.best - 1, (loss - self.best) / (self.untrained - self.best), math.log2(lr / self.lr)


def search(job, steps, seed, start):
    words = command(job, "{lr}", "{steps}" if steps else None, "{seed}")
    run = subprocess.run(
        [STEPSIZE, "find", "--steps", str(JOBS[job][4]), "--seed", str(seed), "--start", start, "--jobs", "2", "--json", "--", *words],
        capture_output=True,
        text=True,
    )
    if run.returncode not in (0, 3):
        raise SystemExit(f"{job}: {run.stderr}")
    found = json.loads(run.stdout)
    return found.get("lr"), found["cost_runs"]


def geometric(regrets):
    return math.exp(sum(math.log1p(max(r, 0)) for r in regrets) / len(regrets)) - 1 if regrets else math.nan


def score():
    truths = table(sys.argv[2:])
    print(f"{os.cpu_count()} cores {platform.processor() or platform.machine()}, load {os.getloadavg()[0]:.1f}; {len(truths)} command jobs, "
          f"truth {len(RATES)} rates, seeds {TRUTH_SEEDS}; search seeds {SEARCH_SEEDS}, starts {STARTS}")
    print("command: bench/commands/run.py", *sys.argv[1:], "\n")
    print(f"{'job':<20} {'method':<16} {'n':>3} {'regret':>8} {'worst':>8} {'<=20%':>6} {'lost':>7} {'worst':>7} {'octaves':>8} {'cost':>6} {'refused':>8}")
    fixed = {"1e-3 always": [1e-3], "0.1, 0.01, 0.001": [0.1, 0.01, 0.001], "decades 1..1e-3": [1, 0.1, 0.01, 0.001]}
    everything = {}

    def show(job, method, judged, costs, refused):
        regrets, lost, octaves = zip(*judged) if judged else ((), (), ())
        within = sum(r <= 0.2 for r in regrets) / max(1, len(regrets))
        mean = lambda values: sum(values) / len(values) if values else math.nan
        print(f"{job:<20} {method:<16} {len(judged) + refused:>3} {100 * geometric(regrets):>7.1f}% {100 * max(regrets, default=math.nan):>7.1f}% "
              f"{within:>6.2f} {100 * mean(lost):>6.1f}% {100 * max(lost, default=math.nan):>6.1f}% {mean(octaves):>+8.1f} {mean(costs):>6.2f} {refused:>8}", flush=True)

    def keep(job, method, judged, costs, refused):
        show(job, method, judged, costs, refused)
        kept = everything.setdefault(("held" if job in HELD else "fit", method), ([], [], []))
        kept[0].extend(judged), kept[1].extend(costs), kept[2].append(refused)

    for job, truth in truths.items():
        for method, steps in (("find, {steps}", True), ("find, no {steps}", False)):
            judged, costs, refused = [], [], 0
            for seed in SEARCH_SEEDS:
                for start in STARTS:
                    lr, cost = search(job, steps, seed, start)
                    costs.append(cost)
                    if lr is None:
                        refused += 1
                    else:
                        judged.append(truth.judge(lr))
            keep(job, method, judged, costs, refused)
        for method, rates in fixed.items():
            best = min(rates, key=truth.reached)
            keep(job, method, [truth.judge(best)], [0 if len(rates) == 1 else len(rates)], 0)
        # Full runs with one seed at rates of the table, drawn evenly in the logarithm.
        seen, draws = truth.first, random.Random(0)
        for count in (5, 10):
            picks = [min(draws.choices(list(seen), k=count), key=lambda lr: (not math.isfinite(seen[lr]), seen[lr])) for _ in range(100)]
            keep(job, f"random, {count} runs", [truth.judge(lr) for lr in picks], [count] * len(picks), 0)
    print()
    for (group, method), (judged, costs, refused) in everything.items():
        show(f"all {group}", method, judged, costs, sum(refused))


if __name__ == "__main__":
    {"truth": truth, "score": score}[sys.argv[1] if len(sys.argv) > 1 else "score"]()
