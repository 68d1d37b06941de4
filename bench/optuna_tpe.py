"""What Optuna's TPE sampler would answer after 10 full runs on the jobs of bench/data/truth.csv.

A trial's value is the final loss of one truth seed at the sampled rate, interpolated as bench/src/truth.rs does. Writes
bench/data/optuna.csv, which `stepsize-bench score` reads; jobs that are in it already are left as they are. Run from the root of the repository, with any Optuna (the
version is written into the file; the committed one is from 5.0.0): python3 bench/optuna_tpe.py
"""

import csv
import math
import os
from collections import defaultdict

import optuna

PATH = "bench/data/optuna.csv"
LOW, HIGH, RUNS, DRAWS, SEEDS, BROKEN = 1e-5, 10.0, 10, 20, 3, 2.0


def read(path):
    losses = defaultdict(dict)
    for row in csv.DictReader(open(path)):
        cap = BROKEN * float(row["untrained"])
        loss = float(row["val_loss"])
        key = (row["task"], int(row["seed"]))
        losses[key][float(row["lr"])] = min(loss, cap) if math.isfinite(loss) else cap
    return {key: sorted(table.items()) for key, table in losses.items()}


def interpolate(table, lr):
    after = sum(rate < lr for rate, _ in table)
    if after in (0, len(table)):
        return table[min(after, len(table) - 1)][1]
    (x0, y0), (x1, y1) = table[after - 1], table[after]
    t = math.log(lr / x0) / math.log(x1 / x0)
    return math.exp(math.log(y0) * (1 - t) + math.log(y1) * t)


def main():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    known = {(row["task"], int(row["seed"])) for row in csv.DictReader(open(PATH))} if os.path.exists(PATH) else None
    with open(PATH, "a") as out:
        if known is None:
            out.write("optuna,task,seed,draw,lr\n")
        for (task, seed), table in read("bench/data/truth.csv").items():
            if (task, seed) in (known or ()):
                continue
            for draw in range(DRAWS):
                study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=draw))
                study.optimize(
                    lambda trial: interpolate(table, trial.suggest_float("lr", LOW, HIGH, log=True)), n_trials=RUNS
                )
                out.write(f"{optuna.__version__},{task},{seed},{draw},{study.best_params['lr']:.6e}\n")


if __name__ == "__main__":
    main()
