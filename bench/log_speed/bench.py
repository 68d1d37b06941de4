"""Reading speed per format beside pandas (CSV, JSON lines) and TensorBoard's own reader, the readers in turn so that a busy machine
slows both; every reading is a process of its own. Ratios are of the medians, of wall time and of processor time (user and
system, which other programs disturb less); peak memory is of the process.

    cargo build --release -p stepsize-logs --example log_speed
    python bench/log_speed/bench.py [--megabytes 200] [--rounds 3] [--only csv,jsonl,...]
"""

import argparse
import json
import os
import platform
import random
import resource
import statistics
import struct
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
OURS = ROOT / "target/release/examples/log_speed"

PANDAS = """
import json, resource, sys, time
import pandas
cpu, ready = time.process_time(), time.perf_counter()
frame = pandas.read_csv(sys.argv[1]) if sys.argv[1].endswith("csv") else pandas.read_json(sys.argv[1], lines=True)
points = int(frame.count().sum())
seconds, cpu = time.perf_counter() - ready, time.process_time() - cpu
print(json.dumps({"seconds": seconds, "cpu": cpu, "points": points, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "version": pandas.__version__}))
"""

TENSORBOARD = """
import json, resource, sys, time
import tensorboard
from tensorboard.backend.event_processing.event_file_loader import EventFileLoader
cpu, begin = time.process_time(), time.perf_counter()
points = sum(len(e.summary.value) for e in EventFileLoader(sys.argv[1]).Load())
seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
print(json.dumps({"seconds": seconds, "cpu": cpu, "points": points, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024, "version": tensorboard.__version__}))
"""


def row(i, rng):
    return {"step": i, "epoch": i // 1000, "loss": 2.5 / (1 + i * 1e-5) + rng.gauss(0, 0.05), "val_loss": 2.6 + rng.gauss(0, 0.05),
            "grad_norm": abs(rng.gauss(1, 0.2)), "lr": 0.001 * (1 + i % 7), "tokens_per_sec": 51234.5 + rng.gauss(0, 100)}


def lines(kind, rows):
    if kind == "csv":
        yield ",".join(rows[0]) + "\n"
    for r in rows:
        if kind == "csv":
            yield ",".join(map(str, r.values())) + "\n"
        elif kind == "jsonl":
            yield json.dumps(r) + "\n"
        else:
            yield f"step {r['step']}: train loss {r['loss']:.4f}, val loss {r['val_loss']:.4f}, lr {r['lr']:.2e}, grad norm {r['grad_norm']:.3f}\n"


def make(kind, megabytes, folder):
    path = folder / {"csv": "metrics.csv", "jsonl": "metrics.jsonl", "text": "train.log", "tensorboard": "events.out.tfevents.1", "document": "trainer_state.json"}[kind]
    size = megabytes << 20
    if path.exists() and path.stat().st_size >= size:
        return path
    rng = random.Random(1)
    rows = [row(i, rng) for i in range(50_000)]
    if kind == "tensorboard":
        make_events(path, size)
        return path
    if kind == "document":
        with path.open("w") as out:
            out.write('{"max_steps": 100, "log_history": [')
            while out.tell() < size:
                out.write(",\n".join(map(json.dumps, rows)) + ",\n")
            out.write(json.dumps(rows[0]) + "]}")
        return path
    text = list(lines(kind, rows))
    # Steps go on from block to block, so that no restart is seen.
    with path.open("w") as out:
        if kind == "csv":
            out.write(text.pop(0))
        block = 0
        while out.tell() < size:
            for r, line in zip(rows, text):
                old = str(r["step"])
                new = str(r["step"] + block * len(rows))
                out.write(line.replace(old, new, 1))
            block += 1
    return path


def make_events(path, size):
    from tensorboard.compat.tensorflow_stub.pywrap_tensorflow import masked_crc32c

    with path.open("wb") as out:
        step = 0
        while out.tell() < size:
            block = bytearray()
            for step in range(step, step + 10_000):
                for tag in (b"train/loss", b"train/grad_norm"):
                    value = b"\x0a" + bytes([len(tag)]) + tag + b"\x15" + struct.pack("<f", 2.5 / (1 + step * 1e-5))
                    summary = b"\x0a" + bytes([len(value)]) + value
                    event = b"\x09" + struct.pack("<d", 1.7e9 + step) + b"\x10" + varint(step) + b"\x2a" + bytes([len(summary)]) + summary
                    head = struct.pack("<Q", len(event))
                    block += head + struct.pack("<I", masked_crc32c(head)) + event + struct.pack("<I", masked_crc32c(event))
            step += 1
            out.write(block)


def varint(n):
    out = bytearray()
    while n > 127:
        out.append(n & 127 | 128)
        n >>= 7
    out.append(n)
    return bytes(out)


def run(words):
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    found = json.loads(subprocess.run(words, capture_output=True, text=True, check=True).stdout)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {"cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, **found}


def cpu(rounds):
    return statistics.median(r["cpu"] for r in rounds)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--megabytes", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", default="csv,jsonl,tensorboard,text,document")
    parser.add_argument("--folder", type=Path, default=ROOT / "target/log_speed")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    print(f"# {platform.processor() or platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {args.rounds} rounds: {' '.join(sys.argv)}")
    for kind in args.only.split(","):
        path = make(kind, args.megabytes, args.folder)
        peer = {"csv": PANDAS, "jsonl": PANDAS, "tensorboard": TENSORBOARD}.get(kind)
        ours, theirs = [], []
        for _ in range(args.rounds):
            ours.append(run([OURS, path]))
            if peer:
                theirs.append(run([sys.executable, "-c", peer, path]))
        size = path.stat().st_size / 1e6
        seconds = statistics.median(r["seconds"] for r in ours)
        points = ours[0]["points"]
        line = f"{kind:12} {size:6.0f} MB  stepsize {size / seconds:7.0f} MB/s  {points / seconds / 1e6:6.2f} M points/s  peak {ours[0]['peak_mb']} MB"
        if theirs:
            slow = statistics.median(r["seconds"] for r in theirs)
            name = f"{'tensorboard' if kind == 'tensorboard' else 'pandas'} {theirs[0]['version']}"
            line += f" | {name} {size / slow:6.0f} MB/s  {theirs[0]['points'] / slow / 1e6:6.3f} M points/s  peak {theirs[0]['peak_mb']} MB | {slow / seconds:.1f} times, by processor time {cpu(theirs) / cpu(ours):.1f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
