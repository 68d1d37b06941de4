# What the scripts of this folder share; they source it. It moves to the root of the repository.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

die() {
    echo "FAILED: $*" >&2
    exit 1
}

python=${PYTHON:-python3}
version=$(sed -n '/^\[workspace.package\]/,/^\[/s/^version = "\(.*\)"/\1/p' Cargo.toml)
[ -n "$version" ] || die "Cargo.toml has no version in [workspace.package]"
system=$(uname -s)
machine=$(uname -m)
# The oldest glibc that what we publish starts on: that of Debian 10, Ubuntu 18.10 and RHEL 8.
glibc=2.28
target=$(cargo metadata --no-deps --format-version 1 --locked | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
out=$target/packages
mkdir -p "$out"

# tools NAME: puts the tools of packaging/NAME.lock on PATH, in an environment of their own, whose copy of the lock says that it
# is whole.
tools() {
    local lock=packaging/$1.lock
    env=$target/packaging/$1
    if ! cmp -s "$lock" "$env/made"; then
        rm -rf "$env"
        "$python" -m venv "$env" || die "$python cannot make a virtual environment in $env"
        "$env/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$lock" ||
            die "pip cannot install $lock into $env"
        cp "$lock" "$env/made"
    fi
    PATH=$env/bin:$PATH
}

# old_enough FILE: FILE starts on the glibc that we promise.
old_enough() {
    local newest
    newest=$("$env/bin/python" packaging/newest_glibc.py "$1") || die "cannot read the symbols of $1"
    [ "$(printf '%s\n' "$newest" "$glibc" | sort -V | tail -n 1)" = "$glibc" ] || die "$1 needs glibc $newest, newer than $glibc"
    echo "it needs glibc $newest or newer; $glibc is promised"
}

# made FILE: says what was made, with its size, and writes FILE.sha256, which `sha256sum --check` reads.
made() {
    local file=$1 sum
    [ -s "$file" ] || die "$file was not made"
    if command -v sha256sum >/dev/null; then sum=$(sha256sum <"$file"); else sum=$(shasum -a 256 <"$file"); fi
    printf '%s  %s\n' "${sum%% *}" "$(basename "$file")" >"$file.sha256"
    printf 'made %s\n     %s MB, sha256 %s\n' "$file" "$(awk "BEGIN { printf \"%.2f\", $(wc -c <"$file") / 1e6 }")" "${sum%% *}"
}

# without_rust COMMAND...: runs it in an empty folder, as a user who has no Rust.
without_rust() {
    local place status=0
    place=$(mktemp -d)
    (
        cd "$place"
        unset CARGO_HOME RUSTUP_HOME PYTHONPATH
        export PATH=/usr/bin:/bin HOME=$place
        for name in cargo rustc; do
            ! command -v $name >/dev/null || die "$(command -v $name) is a Rust compiler: this trial would say nothing"
        done
        "$@"
    ) || status=$?
    rm -rf "$place"
    return $status
}
