"""Full runs of every job: a grid of two rates a decade, then finer and with a second seed near the best.

    python bench/python_find/truth.py     # some ten CPU-minutes; jobs that are in truth.json are kept
"""

import json
import pathlib
import time

from jobs import JOBS, Job

PATH = pathlib.Path(__file__).parent / "truth.json"
GRID = [10 ** (at / 2) for at in range(-10, 3)]
"""From 1e-5 to 10, both ends of it and the default rates 1e-3 and 0.1 included."""


def measured(job):
    """``{rate: [loss of each seed]}``, the loss of the untrained model, and CPU-seconds of a run."""
    begin, runs, losses = time.process_time(), 0, {}

    def run(lr, seed):
        nonlocal runs
        losses.setdefault(lr, []).append(job.full(lr, seed))
        runs += 1

    for lr in GRID:
        run(lr, 0)
    best = min(GRID, key=lambda lr: losses[lr][0])
    for lr in (best * 10**0.25, best / 10**0.25):
        run(lr, 0)
    for lr in sorted(losses):
        if best / 4 < lr < best * 4 or lr in (1e-3, 0.1):
            run(lr, 1)
    return {"losses": sorted(losses.items()), "untrained": job.untrained(), "cpu_seconds": (time.process_time() - begin) / runs}


def main():
    kept = json.loads(PATH.read_text()) if PATH.exists() else {}
    for name in JOBS:
        if name not in kept:
            kept[name] = measured(Job(name))
            PATH.write_text(json.dumps(kept, indent=1))
            best = min(kept[name]["losses"], key=lambda one: sum(one[1]) / len(one[1]))
            print(f"{name}: best {best[0]:.2g}, untrained {kept[name]['untrained']:.3g}, {kept[name]['cpu_seconds']:.2f} s", best[1], flush=True)


if __name__ == "__main__":
    main()
