"""stepsize.torch.find against a truth sweep and the readings of a range test, on small PyTorch jobs.

For each job: full runs on a grid of rates (the truth), then what each method answers from several seeds, and full runs at that
answer. Regret is loss at the answer over the best mean loss of the grid, less 1, where both are means over the same seeds.
"""

import argparse
import math
import os
import platform
import statistics
import sys
import time

import torch
from sklearn import datasets
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import stepsize.torch as st

torch.set_num_threads(1)
RULES = {  # each as its own package runs it
    "torch_lr_finder": {"low": 1e-7, "high": 10.0},
    "lightning": {"low": 1e-8, "high": 1.0},
    "fastai_valley": {"low": 1e-7, "high": 10.0},
    "fastai_steep": {"low": 1e-7, "high": 10.0},
    "fastai_minimum": {"low": 1e-7, "high": 10.0},
}


def table(name):
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    x, y = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    if name == "diabetes":
        y = ((y - y.mean()) / y.std()).float()[:, None]
    if name == "digits":
        x = x / 16.0
    else:
        x = (x - x.mean(0)) / x.std(0)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    cut = len(y) * 3 // 4
    return TensorDataset(x[order[:cut]], y[order[:cut]]), TensorDataset(x[order[cut:]], y[order[cut:]])


def mlp(inputs, outputs, width=64):
    return lambda: nn.Sequential(nn.Linear(inputs, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, outputs))


def cnn():
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip


SGD = lambda p, lr: torch.optim.SGD(p, lr=lr, momentum=0.9)  # noqa: E731
ADAM = lambda p, lr: torch.optim.Adam(p, lr=lr)  # noqa: E731
JOBS = {  # data, model, optimizer, schedule, batch
    "digits MLP, SGD, cosine": ("digits", mlp(64, 10), SGD, "cosine", 64),
    "digits MLP, Adam, constant": ("digits", mlp(64, 10), ADAM, "constant", 64),
    "digits CNN, Adam, warm-up and cosine": ("digits", cnn, ADAM, "warmup(5%) then cosine", 64),
    "digits CNN, SGD, constant": ("digits", cnn, SGD, "constant", 64),
    "diabetes MLP, Adam, cosine": ("diabetes", mlp(10, 1), ADAM, "cosine", 32),
    "breast cancer MLP, SGD, linear": ("breast_cancer", mlp(30, 2), SGD, "linear", 32),
}


class Job:
    def __init__(self, data, make, optimizer, schedule, batch, steps):
        self.train, self.held = table(data)
        self.make, self.optimizer, self.schedule, self.batch, self.steps = make, optimizer, schedule, batch, steps
        self.loss = nn.functional.mse_loss if data == "diabetes" else nn.functional.cross_entropy

    def begin(self, seed, lr=1e-3):
        torch.manual_seed(seed)
        model = self.make()
        return model, self.optimizer(model.parameters(), lr)

    def loaders(self):
        return DataLoader(self.train, self.batch, shuffle=True, drop_last=True), DataLoader(self.held, len(self.held))

    def full(self, lr, seed):
        model, optimizer = self.begin(1000 + seed, lr)
        scheduler, (loader, held), taken = st.LRScheduler(optimizer, self.schedule, steps=self.steps), self.loaders(), 0
        while taken < self.steps:
            for x, y in loader:
                optimizer.zero_grad()
                loss = self.loss(model(x), y)
                if not math.isfinite(loss.item()):
                    return math.inf
                loss.backward()
                optimizer.step(), scheduler.step()
                taken += 1
                if taken == self.steps:
                    break
        model.eval()
        x, y = next(iter(held))
        with torch.no_grad():
            loss = self.loss(model(x), y).item()
        return loss if math.isfinite(loss) else math.inf

    def mean(self, lr, seeds):
        return statistics.fmean(self.full(lr, seed) for seed in range(seeds))

    def ask(self, method, seed):
        """Rate or ``None``, cost in runs."""
        model, optimizer = self.begin(seed)
        loader, held = self.loaders()
        torch.manual_seed(seed)
        if method == "always 1e-3":
            return 1e-3, 0.0
        if method == "stepsize find":
            found = st.find(model, self.loss, loader, optimizer, held, steps=self.steps, schedule=self.schedule, seed=seed)
            return found.lr, found.cost
        found = st.range_test(model, self.loss, loader, optimizer, trial_steps=100, rule=method, **RULES[method])
        return found.lr, found.points[0]["steps_run"] / self.steps


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=600)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--jobs", type=int, default=len(JOBS))
    parser.add_argument("--per-decade", type=int, default=4)
    args = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}, torch {torch.__version__}, 1 thread")
    print(f"command: python bench/python_find/bench.py --steps {args.steps} --seeds {args.seeds} --per-decade {args.per_decade}\n")
    methods = ["stepsize find", *RULES, "always 1e-3"]
    regrets, costs, shares = ({m: [] for m in methods} for _ in range(3))
    refused = dict.fromkeys(methods, 0)
    for name, parts in list(JOBS.items())[: args.jobs]:
        job = Job(*parts, args.steps)
        rates = [10 ** (i / args.per_decade) for i in range(-5 * args.per_decade, args.per_decade + 1)]
        begin = time.process_time()
        truth = {lr: job.mean(lr, args.seeds) for lr in rates}
        a_run = (time.process_time() - begin) / len(rates) / args.seeds
        best = min(truth, key=truth.get)
        print(f"{name}: best {best:.3g}, loss {truth[best]:.4g}; a full run takes {a_run:.2f} CPU-seconds")
        for method in methods:
            told = []
            for seed in range(args.seeds):
                begin = time.process_time()
                lr, cost = job.ask(method, seed)
                shares[method].append((time.process_time() - begin) / a_run)
                costs[method].append(cost)
                refused[method] += lr is None
                if lr is not None:
                    regret = job.mean(lr, args.seeds) / truth[best] - 1
                    regrets[method].append(min(regret, 99.0))
                told.append("refused" if lr is None else f"{lr:.2g} ({100 * min(regret, 99.0):+.0f} %)")
            print(f"  {method:16} {', '.join(told)}")
            sys.stdout.flush()
    print("\n| method | regret, geometric mean | worst | within 5 % | refused | cost, runs | time, runs |\n|---|---|---|---|---|---|---|")
    for m in methods:
        all_of = regrets[m] or [math.nan]
        mean = math.exp(statistics.fmean(math.log1p(max(r, -0.5)) for r in all_of)) - 1
        within = sum(r <= 0.05 for r in all_of) / len(all_of)
        cells = [m, f"{100 * mean:.1f} %", f"{100 * max(all_of):.0f} %", f"{100 * within:.0f} %", f"{refused[m]}/{len(costs[m])}"]
        print("| " + " | ".join([*cells, f"{statistics.fmean(costs[m]):.2f}", f"{statistics.fmean(shares[m]):.2f}"]) + " |")


if __name__ == "__main__":
    main()
