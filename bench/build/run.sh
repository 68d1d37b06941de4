#!/usr/bin/env bash
# What the default build costs from a clean clone: time, processor time, packages, size of the binary.
#
#   bench/build/run.sh [REVISION]        the last commit, or REVISION; packages are downloaded before the clock starts
set -euo pipefail
cd "$(dirname "$0")/../.."
revision=${1:-HEAD}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
git clone --quiet . "$place/clone"
git -C "$place/clone" checkout --quiet "$(git rev-parse "$revision")"
cd "$place/clone"
cargo fetch --locked --quiet
TIMEFORMAT='%R %U %S'
{ time CARGO_TARGET_DIR=$place/target cargo build --release --locked --quiet 2>"$place/errors"; } 2>"$place/times" ||
    { cat "$place/errors" >&2; exit 1; }
read -r wall user system <"$place/times"
packages=$(cargo tree --locked --package stepsize-cli --edges normal,build --prefix none | sed 's/ (\*)//' | sort -u | wc -l)
size=$(wc -c <"$place/target/release/stepsize")
model=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo 2>/dev/null | head -n 1)
load=$(cut -d' ' -f1 /proc/loadavg 2>/dev/null || true)
printf 'machine   %s, %s cores, load %s at the end; %s\n' "${model:-$(uname -m)}" "$(getconf _NPROCESSORS_ONLN)" "${load:-?}" "$(rustc --version)"
printf 'command   bench/build/run.sh %s   (n = 1)\n' "$(git rev-parse --short HEAD)"
printf 'build     %.0f s, %.0f s of processor time\n' "$wall" "$(awk "BEGIN{print $user + $system}")"
printf 'packages  %d\n' "$packages"
printf 'binary    %.1f MB\n' "$(awk "BEGIN{print $size/1e6}")"
