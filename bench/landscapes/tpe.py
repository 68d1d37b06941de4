"""What Optuna's TPE sampler answers after 1 to 20 full runs on the jobs of bench/data/landscapes.

A trial's value is the final loss of one search seed at the nearest rate of the tables (those seeds are not in the truth). The sampler
draws from 1e-5 to 10, with its default of 10 start-up trials and with 3. Writes bench/data/landscapes_tpe.csv; jobs that are complete in
it are left as they are. The committed file is from Optuna 5.0.0: python bench/landscapes/tpe.py
"""

import gzip
import json
import math
import pathlib
import zlib
from collections import defaultdict

import numpy as np
import optuna

DATA = pathlib.Path(__file__).parents[1] / "data"
RUNS = (1, 2, 3, 5, 10, 20)
DRAWS = 3  # studies for each search seed


def trials(path):
    """The rates, and the final losses of the full runs by rate and seed; what broke is twice the untrained loss."""
    line, body = gzip.decompress(path.read_bytes()).split(b"\n", 1)
    head = json.loads(line)
    at = 0
    for table in head["tables"]:
        runs, points = table["rates"] * len(table["seeds"]), len(table["at"])
        losses = np.frombuffer(body, "<f4", runs * points, at).reshape(runs, points)[:, -1]
        exploded = np.frombuffer(body, "<u2", runs, at + 4 * runs * points)
        at += runs * (4 * points + 2)
        if table["kind"] == "trials":  # the first such table is of the full run
            cap = 2 * head["untrained"]
            losses = np.where(np.isfinite(losses) & (exploded == 65535), np.minimum(losses, cap), cap)
            return head["name"], table, losses.reshape(table["rates"], -1)


def main():
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    target = DATA / "landscapes_tpe.csv"
    known = defaultdict(list)
    for line in target.read_text().splitlines()[1:] if target.exists() else []:
        known[line.split(",")[0]].append(line + "\n")
    with open(target, "w") as out:
        out.write("job,startup,seed,runs,log2_lr\n")
        for path in sorted((DATA / "landscapes").glob("*.gz")):
            name, table, losses = trials(path)
            if len(known[name]) == 2 * len(table["seeds"]) * DRAWS * len(RUNS):
                out.writelines(known[name])
                continue
            draws = 0
            for startup in (10, 3):
                for column, seed in [pair for pair in enumerate(table["seeds"]) for _ in range(DRAWS)]:
                    best, least = math.nan, math.inf
                    draws += 1
                    sampler = optuna.samplers.TPESampler(seed=zlib.crc32(name.encode()) + draws, n_startup_trials=startup)
                    study = optuna.create_study(sampler=sampler)
                    for run in range(1, RUNS[-1] + 1):
                        trial = study.ask()
                        x = math.log2(trial.suggest_float("lr", 1e-5, 10, log=True))
                        index = round((x - table["low"]) / table["spacing"])
                        loss = float(losses[min(max(index, 0), len(losses) - 1), column])
                        study.tell(trial, loss)
                        if loss < least:
                            best, least = x, loss
                        if run in RUNS:
                            out.write(f"{name},{startup},{seed},{run},{best:.4f}\n")


if __name__ == "__main__":
    main()
