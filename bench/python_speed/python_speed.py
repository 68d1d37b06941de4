"""Cost of one scheduler step beside PyTorch's, interleaved in one process: see README.md. Arguments: [ROUNDS] [STEPS]."""

import os
import platform
import statistics
import subprocess
import sys
import threading
import time

import torch
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, OneCycleLR, SequentialLR

import stepsize
from stepsize.torch import LRScheduler

ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 15
STEPS = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
LONG = 10**9


def sgd(groups):
    return torch.optim.SGD([{"params": [torch.nn.Parameter(torch.zeros(1))]} for _ in range(groups)], lr=0.1)


def sequential(optimizer):
    parts = [LinearLR(optimizer, 0.1, total_iters=10), CosineAnnealingLR(optimizer, LONG)]
    return SequentialLR(optimizer, parts, milestones=[10])


def plain(optimizer, text):
    """Without PyTorch's class: what a loop writes by hand, count and all."""
    policy, groups, at = stepsize.Policy(0.1, text, steps=LONG), optimizer.param_groups, 0

    def step():
        nonlocal at
        at += 1
        rate = policy(at)
        for group in groups:
            group["lr"] = rate

    return step


PAIRS = {
    "CosineAnnealingLR": (lambda o: CosineAnnealingLR(o, LONG), "cosine"),
    "OneCycleLR": (lambda o: OneCycleLR(o, 0.1, total_steps=LONG), "one_cycle"),
    "SequentialLR": (sequential, "warmup(10, from=0.1) then cosine"),
}


def once(step):
    begin = time.process_time()
    for _ in range(STEPS):
        step()
    return (time.process_time() - begin) / STEPS * 1e6


def started(scheduler):
    scheduler.optimizer.step()
    scheduler.step()
    return scheduler.step


def import_ms(code):
    child = subprocess.Popen([sys.executable, "-c", code])
    _, status, usage = os.wait4(child.pid, 0)
    assert status == 0
    return (usage.ru_utime + usage.ru_stime) * 1e3


def turns(call):
    """How often another thread got its turn while `call` ran, and how long it took."""
    seen, over = [], threading.Event()

    def turn():
        while not over.is_set():
            seen.append(time.perf_counter())
            time.sleep(0.001)

    other = threading.Thread(target=turn)
    other.start()
    begin = time.perf_counter()
    call()
    end = time.perf_counter()
    over.set()
    other.join()
    return sum(begin < t < end for t in seen), end - begin


def main():
    lines = open("/proc/cpuinfo").read().splitlines() if os.path.exists("/proc/cpuinfo") else []
    cpu = next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
    print(f"machine   {cpu}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; Python {platform.python_version()}, torch {torch.__version__}, stepsize {stepsize.__version__}")
    print(f"command   python bench/python_speed/python_speed.py {ROUNDS} {STEPS}   (n = {ROUNDS} interleaved rounds of {STEPS} steps, CPU time; medians)")
    print(f"{'groups':>6} {'peer':<18} {'peer us':>8} {'LRScheduler us':>15} {'ratio':>6} {'Policy us':>10} {'ratio':>6}")
    for groups in (1, 2, 8):
        for name, (peer, text) in PAIRS.items():
            contenders = (
                started(peer(sgd(groups))),
                started(LRScheduler(sgd(groups), text, LONG)),
                plain(sgd(groups), text),
            )
            rows = [[once(step) for step in contenders] for _ in range(ROUNDS)]
            theirs, ours, bare = (statistics.median(column) for column in zip(*rows))
            with_base = statistics.median(row[1] / row[0] for row in rows)
            without = statistics.median(row[2] / row[0] for row in rows)
            print(f"{groups:>6} {name:<18} {theirs:>8.2f} {ours:>15.2f} {with_base:>6.2f} {bare:>10.2f} {without:>6.2f}")
    pairs = [(import_ms("import stepsize"), import_ms("pass")) for _ in range(max(15, ROUNDS))]
    print(f"import    stepsize {statistics.median(a - b for a, b in pairs):.0f} ms above an empty interpreter's {statistics.median(b for _, b in pairs):.0f} ms (CPU time, medians)")
    import numpy as np

    steps, schedule = np.arange(10**7), stepsize.Schedule("warmup(10%) then cosine", steps=10**7)
    count, seconds = turns(lambda: schedule(steps))
    print(f"long call {seconds:.2f} s for 10^7 steps; another thread had {count} turns meanwhile")


main()
