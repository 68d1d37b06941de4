"""How good `stepsize find -- COMMAND` is on command jobs whose best rate is known.

    python bench/commands/run.py truth     # full runs on a grid of rates, written to bench/data/commands.csv
    python bench/commands/run.py score [JOB...]     # searches, for real, held against them

STEPSIZE=PATH chooses the binary, PYTHON=PATH an interpreter with NumPy and scikit-learn. The jobs are the scripts of examples/ as they
are, in settings on which nothing was tuned. With `{steps}` the search may compress a run; without, it sees only its first sixteenth.
"""

import csv
import json
import math
import os
import platform
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TABLE = ROOT / "bench/data/commands.csv"
STEPSIZE = os.environ.get("STEPSIZE", str(ROOT / "target/release/stepsize"))
PYTHON = os.environ.get("PYTHON", sys.executable)
TRUTH_SEEDS = (0, 1)
SEARCH_SEEDS = (100, 101)
STARTS = ("0.1", "0.001")
RATES = [10 ** (k / 4) for k in range(-14, 3)]  # 3e-4 .. 3, four a decade

# name: script, option of the rate, option of the length, option of the seed, full length, other options
JOBS = {
    "numpy": ("numpy_train.py", "--lr", "--steps", "--seed", 2000, []),
    "numpy_wide": ("numpy_train.py", "--lr", "--steps", "--seed", 1000, ["--hidden", "128"]),
    "numpy_small_batch": ("numpy_train.py", "--lr", "--steps", "--seed", 3000, ["--batch-size", "8"]),
    "numpy_narrow": ("numpy_train.py", "--lr", "--steps", "--seed", 1500, ["--hidden", "16", "--batch-size", "32"]),
    "sklearn": ("sklearn_train.py", "--eta0", "--epochs", "--random-state", 32, []),
}


def command(job, lr, steps, seed):
    script, rate, length, number, full, more = JOBS[job]
    words = [PYTHON, str(ROOT / "examples" / script), rate, lr, number, seed, *more]
    return words + [length, steps if steps is not None else str(full)]


def final(text):
    """The last validation loss that was printed; infinite when there is none."""
    for line in reversed(text.splitlines()):
        for name in ("val_loss:", "val loss"):
            if name in line:
                value = float(line.split(name)[1].split()[0])
                return value if math.isfinite(value) else math.inf
    return math.inf


def truth():
    with TABLE.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["job", "lr", "seed", "val_loss"])
        for job in JOBS:
            for lr in RATES:
                for seed in TRUTH_SEEDS if job != "sklearn" else TRUTH_SEEDS[:1]:
                    run = subprocess.run(command(job, f"{lr:.6g}", None, str(seed)), capture_output=True, text=True)
                    out.writerow([job, f"{lr:.6g}", seed, f"{final(run.stdout):.6g}"])
                    file.flush()


def table():
    rows = {}
    with TABLE.open() as file:
        for row in csv.DictReader(file):
            rows.setdefault(row["job"], {}).setdefault(float(row["lr"]), []).append(float(row["val_loss"]))
    # A run that broke counts as the worst one that did not.
    out = {}
    for job, rates in rows.items():
        worst = max(v for values in rates.values() for v in values if math.isfinite(v))
        mean = {lr: sum(min(v, worst) for v in values) / len(values) for lr, values in rates.items()}
        out[job] = sorted(mean.items())
    return out


def loss(points, lr):
    """Log-log interpolation in the table; its ends beyond it."""
    if lr <= points[0][0]:
        return points[0][1]
    for (x0, y0), (x1, y1) in zip(points, points[1:]):
        if lr <= x1:
            t = math.log(lr / x0) / math.log(x1 / x0)
            return math.exp((1 - t) * math.log(y0) + t * math.log(y1))
    return points[-1][1]


def search(job, steps, seed, start):
    words = command(job, "{lr}", "{steps}" if steps else None, str(seed))
    run = subprocess.run(
        [STEPSIZE, "find", "--steps", str(JOBS[job][4]), "--start", start, "--jobs", "2", "--json", "--", *words],
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
    truths = {job: points for job, points in table().items() if len(sys.argv) < 3 or job in sys.argv[2:]}
    print(f"{os.cpu_count()} cores {platform.processor() or platform.machine()}; {len(truths)} command jobs, truth {len(RATES)} rates, "
          f"seeds {TRUTH_SEEDS}; search seeds {SEARCH_SEEDS}, starts {STARTS}")
    print("command: bench/commands/run.py", *sys.argv[1:], "\n")
    print(f"{'job':<20} {'method':<16} {'n':>3} {'geo':>8} {'worst':>8} {'<=5%':>6} {'<=20%':>6} {'cost':>6} {'refused':>8}")
    fixed = {"1e-3 always": [1e-3], "0.1, 0.01, 0.001": [0.1, 0.01, 0.001], "decades 1..1e-3": [1, 0.1, 0.01, 0.001]}
    all_rows = {}

    def show(job, method, regrets, costs, refused):
        share = lambda limit: sum(r <= limit for r in regrets) / max(1, len(regrets))
        print(f"{job:<20} {method:<16} {len(regrets) + refused:>3} {100 * geometric(regrets):>7.1f}% {100 * max(regrets, default=math.nan):>7.1f}% "
              f"{share(0.05):>6.2f} {share(0.2):>6.2f} {sum(costs) / len(costs):>6.2f} {refused:>8}", flush=True)

    for job, points in truths.items():
        best = min(y for _, y in points)
        for method, steps in (("find, {steps}", True), ("find, no {steps}", False)):
            regrets, costs, refused = [], [], 0
            for seed in SEARCH_SEEDS:
                for start in STARTS:
                    lr, cost = search(job, steps, seed, start)
                    costs.append(cost)
                    if lr is None:
                        refused += 1
                    else:
                        regrets.append(loss(points, lr) / best - 1)
            show(job, method, regrets, costs, refused)
            kept = all_rows.setdefault(method, ([], [], []))
            kept[0].extend(regrets), kept[1].extend(costs), kept[2].append(refused)
        for method, rates in fixed.items():
            regret = min(loss(points, r) for r in rates) / best - 1
            kept = all_rows.setdefault(method, ([], [], []))
            kept[0].append(regret), kept[1].append(0 if len(rates) == 1 else len(rates)), kept[2].append(0)
    print()
    for method, (regrets, costs, refused) in all_rows.items():
        show("all", method, regrets, costs, sum(refused))


if __name__ == "__main__":
    {"truth": truth, "score": score}[sys.argv[1] if len(sys.argv) > 1 else "score"]()
