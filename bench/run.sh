#!/bin/sh
# All benchmarks in one run, side by side, with ratios. Usage: bench/run.sh [a b c d e f g h i]
# Installs wrk, nginx and redis-server from Debian where it may, and the Python side into .venv-bench.
set -eu
cd "$(dirname "$0")/.."
say() { printf 'bench: %s\n' "$*"; }
die() { say "$*" >&2; exit 2; }

missing=
for tool in wrk nginx redis-server; do command -v "$tool" >/dev/null || [ -x "/usr/sbin/$tool" ] || missing="$missing $tool"; done
if [ -n "$missing" ]; then
    [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null || die "install these first:$missing"
    say "installing$missing"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $missing >/dev/null
fi

wanted=$(sha256sum bench/requirements.txt | cut -d' ' -f1)
if [ "$(cat .venv-bench/.requirements 2>/dev/null)" != "$wanted" ]; then
    say "installing the programs to compare with into .venv-bench"
    python3 -m venv .venv-bench
    .venv-bench/bin/pip install --quiet --disable-pip-version-check -r bench/requirements.txt
    echo "$wanted" >.venv-bench/.requirements
fi

# The apps of (g) are deployed with the command that the acceptance suite has.
if [ ! -x .venv/bin/fal ]; then
    say "installing the released command into .venv"
    python3 -m venv .venv
    .venv/bin/pip install --quiet --disable-pip-version-check -r tests/python/requirements.txt
fi

: "${TINTYPE_BIN:=$PWD/target/release/tintype}"
export TINTYPE_BIN
[ -x "$TINTYPE_BIN" ] || die "no server at $TINTYPE_BIN: run cargo build --release first"
cargo build --quiet --release -p tintype-peer
cargo build --quiet --release -p tintype-store --example store_bench
cargo build --quiet --release -p tintype-diffusion --example network
cargo build --quiet --release -p tintype-perception --example senses
exec .venv-bench/bin/python bench/bench.py "$@"
