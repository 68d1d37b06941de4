"""``stepsize.torch.find``, the readings of a range test and the default rates, against full runs.

    python bench/python_find/truth.py                 # the truth, kept in truth.json
    python bench/python_find/bench.py [--seeds 3]     # the answers, kept in answers.json, and the tables

The loss of a full run at an answer is read off the truth, between the logarithms of the two rates beside it.
"""

import argparse
import bisect
import json
import math
import pathlib
import statistics
import time

import torch
from jobs import JOBS, Job
from truth import PATH as TRUTH

import stepsize.torch as st

ANSWERS = pathlib.Path(__file__).parent / "answers.json"
RULES = {  # each over the range of its own package
    "fastai valley": ("fastai_valley", 1e-7, 10.0),
    "torch-lr-finder": ("torch_lr_finder", 1e-7, 10.0),
    "Lightning": ("lightning", 1e-8, 1.0),
    "ignite": ("ignite", 1e-6, 10.0),
}
DEFAULTS = {"always 1e-3": 1e-3, "always 0.1": 0.1}
FINDS = {"stepsize find": None, "stepsize find, budget 2": 2.0}
WORST = 99.0
"""Regret of a run that diverges."""


def ask(job, method, seed, best):
    """Rate or ``None``, cost in full runs as the method says it, and CPU time over that of a full run just before: what else the
    machine does changes the time of both.
    """
    begin = time.process_time()
    job.full(best, seed)
    full = time.process_time() - begin
    model, optimizer = job.begin(seed)
    loader, held = job.loaders()
    torch.manual_seed(seed)
    begin = time.process_time()
    if method in FINDS:
        found = st.find(
            model, job.loss, loader, optimizer, held, steps=job.steps, schedule=job.schedule, clip_grad_norm=job.clip, seed=seed,
            budget=FINDS[method], progress=False,
        )  # fmt: skip
        return found.lr, found.cost, (time.process_time() - begin) / full
    rule, low, high = RULES[method]
    found = st.range_test(
        model, job.loss, loader, optimizer, trial_steps=100, rule=rule, low=low, high=high, clip_grad_norm=job.clip, progress=False
    )  # fmt: skip
    return found.lr, found.points[0]["steps_run"] / job.steps, (time.process_time() - begin) / full


def losses(truth):
    """``[(rate, mean loss)]`` in the order of the rates."""
    return [(lr, statistics.fmean(seeds)) for lr, seeds in truth["losses"]]


def best_of(truth):
    return min(losses(truth), key=lambda one: one[1])[0]


def loss_at(truth, lr):
    known = losses(truth)
    at = bisect.bisect_left([rate for rate, _ in known], lr)
    if at in (0, len(known)):
        return known[min(at, len(known) - 1)][1]
    (left, below), (right, above) = known[at - 1], known[at]
    if not (math.isfinite(below) and math.isfinite(above)):
        return math.inf if lr != left else below
    share = math.log(lr / left) / math.log(right / left)
    return math.exp((1 - share) * math.log(below) + share * math.log(above))


def scored(truth, lr):
    """Regret, and the share of the best rate's improvement that is kept."""
    best, loss = min(loss for _, loss in losses(truth)), loss_at(truth, lr)
    gain = truth["untrained"] - best
    if gain <= 0.0:  # no rate improves it: none can lose an improvement but one that makes it worse
        return min(loss / best - 1, WORST), float(loss <= best)
    kept = (truth["untrained"] - loss) / gain if math.isfinite(loss) else 0.0
    return min(loss / best - 1, WORST), max(0.0, kept)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    truths = json.loads(TRUTH.read_text())
    answers = json.loads(ANSWERS.read_text()) if ANSWERS.exists() else {}
    for name in [name for name in JOBS if name in truths]:
        job, of_job = None, answers.setdefault(name, {})
        for method in [*FINDS, *RULES]:
            told = of_job.setdefault(method, [])
            while len(told) < args.seeds:
                if job is None:
                    job = Job(name)
                    job.full(best_of(truths[name]), 0)  # untimed: the first run imports and allocates
                told.append(ask(job, method, len(told), best_of(truths[name])))
                ANSWERS.write_text(json.dumps(answers, indent=1))
                print(name, method, told[-1], flush=True)
    tables(truths, answers)


def tables(truths, answers):
    rows = {method: [] for method in [*FINDS, *RULES, *DEFAULTS]}
    print("\n| job | best rate | " + " | ".join(["find", *RULES, *(m.removeprefix("always ") for m in DEFAULTS)]) + " |")
    print("|---|---" + "|---" * (1 + len(RULES) + len(DEFAULTS)) + "|")
    for name, of_job in answers.items():
        truth = truths[name]
        cells = [name, f"{best_of(truth):.2g}"]
        for method in rows:
            told = of_job.get(method) or [(DEFAULTS[method], 0.0, 0.0)]
            regrets = [None if lr is None else scored(truth, lr) for lr, _, _ in told]
            rows[method] += [(score, cost, runs) for score, (_, cost, runs) in zip(regrets, told, strict=True)]
            if method != "stepsize find, budget 2":
                cells.append(" ".join("refused" if one is None else f"{100 * one[0]:+.0f}" for one in regrets))
        print("| " + " | ".join(cells) + " |")
    print("\n| method | regret, geometric mean | worst | within 10 % | improvement kept, mean | lowest | refused | cost said, runs | CPU time, runs |")
    print("|---|---|---|---|---|---|---|---|---|")
    for method, all_of in rows.items():
        told = [score for score, _, _ in all_of if score is not None]
        regrets, kept = [score[0] for score in told], [score[1] for score in told]
        mean = math.expm1(statistics.fmean(map(math.log1p, regrets)))
        worst = "diverges" if max(regrets) >= WORST else f"{100 * max(regrets):.0f} %"
        cells = [
            method, f"{100 * mean:.0f} %", worst, f"{sum(one <= 0.1 for one in regrets)}/{len(told)}", f"{100 * statistics.fmean(kept):.0f} %",
            f"{100 * min(kept):.0f} %", f"{len(all_of) - len(told)}/{len(all_of)}", f"{statistics.fmean(one[1] for one in all_of):.2f}",
            f"{statistics.fmean(one[2] for one in all_of):.2f}",
        ]  # fmt: skip
        print("| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
