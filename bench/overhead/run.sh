#!/usr/bin/env bash
# What Stepsize adds to running commands: TRIALS trials of half a second on two slots, against `xargs -P2`, in turn.
# Measured on two quiet cores, release build, `run.sh 3`: sweep +1.1, +1.1 and +1.2 %, kept study +1.3, +1.2 and +1.3 % over xargs; at a load of
# 8 to 12 (others' work) +2.4, +2.4, +3.2 and +1.0, +3.4, +3.5 %. Of that 0.5 % is the first trial, which runs alone until it has shown a metric.
# With --log-to to all three kinds (100 trials, a build for development, load 24): +6.5 and +5.7 %; 1.9 of it is the first trial alone. Not
# measured on quiet cores yet.
# Usage: bench/overhead/run.sh [ROUNDS]; STEPSIZE=path chooses the binary.
set -euo pipefail
rounds=${1:-3}
stepsize=${STEPSIZE:-target/release/stepsize}
trial='sleep 0.5; echo "step 1 val_loss 0.5"'
here=$(mktemp -d)
trap 'rm -rf "$here"' EXIT
clock() { local begin; begin=$(date +%s.%N); "$@" >/dev/null 2>"$here/err" || [ $? -eq 3 ]; echo "$begin $(date +%s.%N)" | awk '{printf "%.3f", $2 - $1}'; }
plain() { seq 200 | xargs -P2 -I{} sh -c "$trial"; }
# 100 rates with 2 seeds each; all rates do equally well, so that the search refuses (exit 3).
sweep() { "$stepsize" sweep --random 100 --seeds 2 --steps 1 --jobs 2 "$@" --shell -- "$trial # {lr} {steps}"; }
kept() { rm -f "$here"/db*; sweep --study overhead --db "$here/db" "$@"; }
# Kept, and each trial written to TensorBoard, MLflow and W&B folders as it runs.
whole() { rm -rf "$here"/logs; kept --log-to "tensorboard:$here/logs/t" --log-to "mlflow:$here/logs/m" --log-to "wandb-offline:$here/logs/w"; }
echo "round  xargs -P2    sweep       kept study      kept and --log-to"
for round in $(seq "$rounds"); do
    a=$(clock plain); b=$(clock sweep); c=$(clock kept); d=$(clock whole)
    echo "$round $a $b $c $d" | awk '{printf "%-5s  %.2f s      %.2f s (%+.1f %%)  %.2f s (%+.1f %%)  %.2f s (%+.1f %%)\n",
        $1, $2, $3, 100*($3/$2-1), $4, 100*($4/$2-1), $5, 100*($5/$2-1)}'
done
