#!/bin/sh
# Fuzzes every target for a bounded time. Usage: fuzz/run.sh [SECONDS_PER_TARGET]   (10 by default)
# What is found is kept in fuzz/artifacts, what was learned in fuzz/corpus.
set -eu
cd "$(dirname "$0")/.."
seconds=${1:-10}
die() { printf 'fuzz: %s\n' "$*" >&2; exit 2; }

PATH="$PWD/.tools/bin:$PATH"
if ! command -v cargo-fuzz >/dev/null; then
    echo "fuzz: installing cargo-fuzz into .tools"
    cargo install --quiet --locked --root .tools cargo-fuzz
fi

# No sanitizer: the code under test is safe Rust, in which panics, overflows and endless loops are what can go wrong.
# Without one, the stable compiler will do.
targets=$(cargo fuzz list)
cargo fuzz build --sanitizer none
passed=0
for target in $targets; do
    mkdir -p "fuzz/corpus/$target"
    seeds=
    [ -d "fuzz/seeds/$target" ] && seeds="fuzz/seeds/$target"
    echo "fuzz: $target for $seconds s"
    cargo fuzz run --sanitizer none "$target" "fuzz/corpus/$target" $seeds -- \
        -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 -verbosity=0 -print_final_stats=1 2>&1 |
        tee "fuzz/corpus/.$target.log" | grep -E "number_of_executed_units|ERROR|panicked|SUMMARY" || true
    grep -q "number_of_executed_units" "fuzz/corpus/.$target.log" && ! grep -qE "ERROR|panicked" "fuzz/corpus/.$target.log" \
        || die "$target failed: see fuzz/corpus/.$target.log; the input is in fuzz/artifacts/$target"
    passed=$((passed + 1))
done
echo "fuzz: $passed passed, 0 failed"
