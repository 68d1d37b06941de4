#!/bin/sh
# Steps per CPU-second of the digits MLP (64-128-64-10, batch 64, SGD momentum 0.9, one thread): stepsize-engine against
# PyTorch eager, in turn, so that both see the same state of the machine.
#
#   bench/torch_speed/run.sh [ROUNDS] [SECONDS]        PYTHON=... chooses an interpreter with torch and numpy
set -eu
rounds=${1:-7}
seconds=${2:-2}
python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")" && pwd)
cd "$here/../.."
cargo build --release --quiet -p stepsize-engine --example speed
speed=${CARGO_TARGET_DIR:-target}/release/examples/speed
results=$(mktemp)
trap 'rm -f "$results"' EXIT
round=0
while [ "$round" -lt "$rounds" ]; do
    ours=$("$speed" "$seconds" digits)
    theirs=$("$python" "$here/torch_speed.py" "$seconds")
    sgemm="$("$python" "$here/torch_speed.py" sgemm) $("$speed" 0 flop)"
    echo "$ours $theirs $sgemm" >>"$results"
    round=$((round + 1))
done
"$python" - "$results" "$rounds" "$seconds" <<'PYTHON'
import os, platform, statistics, sys
import torch
rows = [[float(v) for v in line.split()] for line in open(sys.argv[1])]
names = [l.split(":")[1].strip() for l in open("/proc/cpuinfo") if l.startswith("model name")] if os.path.exists("/proc/cpuinfo") else []
ratios = sorted(ours / theirs for ours, theirs, *_ in rows)
ours, theirs = (statistics.median(r[i] for r in rows) for i in (0, 1))
peak, flop = max(r[2] for r in rows), rows[0][3]
print(f"machine   {names[0] if names else platform.processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}; torch {torch.__version__}, one thread each")
print(f"command   bench/torch_speed/run.sh {sys.argv[2]} {sys.argv[3]}   (n = {len(rows)} interleaved rounds, CPU time)")
print(f"stepsize  {ours:.0f} steps/CPU-s (median)")
print(f"torch     {theirs:.0f} steps/CPU-s (median)")
print(f"ratio     {statistics.median(ratios):.2f} (median; {ratios[0]:.2f} to {ratios[-1]:.2f})")
print(f"floor     {flop / 1e6:.3f} MFLOP/step at {peak / 1e9:.0f} GFLOP/s (best sgemm of PyTorch, n = 512) = {peak / flop:.0f} steps/s; reached {ours * flop / peak:.0%}")
PYTHON
