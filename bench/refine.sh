#!/bin/sh
# Does a schedule refined from one run's gradient norms beat linear decay and cosine? Two jobs, three seeds, the same base rate.
# Run from the root of the repository after `cargo build --release`: sh bench/refine.sh [path of stepsize]
set -eu
stepsize=${1:-target/release/stepsize}
norms=$(mktemp -d)
trap 'rm -rf "$norms"' EXIT
loss() { "$stepsize" train "$@" --json | sed -n 's/.*"val_loss": \([0-9.e-]*\).*/\1/p' | tail -1; }
compare() {
    family=$1
    shift
    "$stepsize" train "$@" --schedule linear --seed 9 --grad-norms --curve "$norms/n.csv" >"$norms/log"
    refined=$("$stepsize" refine "$norms/n.csv" --optimizer "$family" --notation)
    for seed in 1 2 3; do
        echo "$* seed $seed: linear $(loss "$@" --schedule linear --seed $seed)" \
            "refined $(loss "$@" --schedule "$refined" --seed $seed)" \
            "cosine $(loss "$@" --schedule cosine --seed $seed)"
    done
}
compare sgd --data digits --model mlp:64 --steps 600 --lr 0.1
compare adam --data text --model charlm:8,8,32 --optimizer adam --steps 600 --lr 0.01
