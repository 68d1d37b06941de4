#!/bin/sh
# Metric points stored per second: stepsize-study against Optuna's RDB (SQLite) and journal storages, in turn, on one disk.
#
#   bench/store_speed/run.sh [ROUNDS] [SECONDS] [DIRECTORY]    PYTHON=... chooses an interpreter with optuna
set -eu
rounds=${1:-5}
seconds=${2:-3}
python=${PYTHON:-python3}
here=$(cd "$(dirname "$0")" && pwd)
parent=${3:-$here}
cd "$here/../.."
cargo build --release --quiet -p stepsize-study --example store
store=${CARGO_TARGET_DIR:-target}/release/examples/store
place=$(mktemp -d "$parent/store-speed.XXXXXX")
trap 'rm -rf "$place"' EXIT
round=0
while [ "$round" -lt "$rounds" ]; do
    for kind in each study rdb journal fsync; do
        mkdir "$place/$kind$round"
        case $kind in
            each | study) rate=$("$store" "$kind" "$place/$kind$round" "$seconds") ;;
            *) rate=$("$python" "$here/store_speed.py" "$kind" "$place/$kind$round" "$seconds") ;;
        esac
        echo "$kind $rate" >>"$place/results"
    done
    round=$((round + 1))
done
"$python" "$here/store_speed.py" table "$place/results" "bench/store_speed/run.sh $rounds $seconds"
