#!/bin/sh
# Unit, property, conformance and whole-server tests, the simulation among them.
set -eu
cd "$(dirname "$0")/.."
PATH="$PWD/.tools/bin:$PATH"

# Whole-server tests start runners, which are this same program.
cargo build --locked -p tintype-cli
if cargo nextest --version >/dev/null 2>&1; then
    cargo nextest run --workspace --locked "$@"
else
    cargo test --workspace --locked "$@"
fi
cargo test --workspace --locked --doc --quiet
