#!/usr/bin/env bash
# What Stepsize adds to running commands: 300 trials of half a second on two slots, against
# `xargs -P2`, in turn.
#
#   cargo build --release && bench/overhead/run.sh [ROUNDS [ARM...]]
#
# STEPSIZE=path chooses the binary. Two rounds of the arm `all` take five to six minutes. Arms:
# sweep (nothing kept), kept (a study file), logged (and trials written to TensorBoard, MLflow and
# W&B folders), all (and --live, with a page that listens and one that asks). Each has three costs
# that no number of trials makes larger: the first trial runs alone until it has shown a metric
# (0.25 s here), the start, and with --live the 0.8 s in which a page takes in the end.
set -euo pipefail
rounds=${1:-2}
shift $(($# > 0))
[ $# -gt 0 ] || set -- all
stepsize=${STEPSIZE:-target/release/stepsize}
trials=300
trial='sleep 0.5; echo "step 1 val_loss 0.5"'
here=$(mktemp -d)
pages=()
finish() {
    for pid in "${pages[@]:-}"; do [ -z "$pid" ] || kill "$pid" 2>/dev/null || true; done
    rm -rf "$here"
}
trap finish EXIT
load() { cut -d' ' -f1 /proc/loadavg 2>/dev/null || uptime | sed 's/.*average[s]*: *//; s/[, ].*//'; }
# Rates with 2 seeds each; all do equally well, so that the search refuses (exit 3). Its output is
# in $here/err.
search() {
    rm -rf "$here"/db* "$here/logs"
    "$stepsize" sweep --random $((trials / 2)) --seeds 2 --steps 1 --jobs 2 "$@" --shell -- "$trial # {lr} {steps}" >/dev/null 2>"$here/err" || [ $? -eq 3 ]
}
sweep() { search; }
kept() { search --study overhead --db "$here/db" "$@"; }
logged() { kept --log-to "tensorboard:$here/logs/t" --log-to "mlflow:$here/logs/m" --log-to "wandb-offline:$here/logs/w" "$@"; }
all() {
    : >"$here/err"
    watched &
    pages=($!)
    logged --live --live-port 0
    wait "${pages[0]}" || { echo "no page was sent the end of the search" >&2 && exit 1; }
    pages=()
}
# A page: gets all parts once, then the changes, until the server is gone. Fails where nothing came.
watched() {
    local address='' base name
    while [ -z "$address" ]; do
        sleep 0.05
        address=$(sed -n 's/^live page: open //p' "$here/err" 2>/dev/null)
    done
    base=${address%%/study/*} name=${address##*/study/}
    curl -sS "$base/api/study/${name%%\?*}" -o "$here/parts"
    curl -sSN "$base/api/study/${name%%\?*}/events" -o "$here/events" 2>/dev/null || true
    grep -q . "$here/parts" && grep -q '^event: parts' "$here/events"
}
xargs_alone() { seq "$trials" | xargs -P2 -I{} sh -c "$trial" >/dev/null; }
clock() {
    local begin
    begin=$(date +%s.%N)
    "$@"
    echo "$begin $(date +%s.%N)" | awk '{printf "%.2f", $2 - $1}'
}
printf 'machine  %s, %s cores, load %s before; %s\n' "$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)" \
    "$(getconf _NPROCESSORS_ONLN)" "$(load)" "$("$stepsize" --version)"
printf 'n = %s trials of 0.5 s on 2 slots; seconds, and what they are over those of xargs -P2\n' "$trials"
for round in $(seq "$rounds"); do
    plain=$(clock xargs_alone)
    printf 'round %s  xargs %s' "$round" "$plain"
    for arm in "$@"; do
        seconds=$(clock "$arm")
        awk -v arm="$arm" -v s="$seconds" -v p="$plain" 'BEGIN { printf "   %s %s (%+.1f %%)", arm, s, 100 * (s / p - 1) }'
    done
    printf '   load %s\n' "$(load)"
done
