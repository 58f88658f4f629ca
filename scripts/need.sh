#!/bin/sh
# Looks for tools, installs what can be installed without asking, and says what to do about the rest.
# Usage: scripts/need.sh [rust|nextest|uv|python|node|bubblewrap|podman|ffmpeg|espeak ...]
set -u
cd "$(dirname "$0")/.."

die() { printf 'tintype: %s\n' "$*" >&2; exit 2; }
have() { command -v "$1" >/dev/null 2>&1; }

# Debian's packages are a way only where they can be installed without a password.
debian() {
    have apt-get && [ "$(id -u)" = 0 ] || return 1
    printf 'tintype: installing %s from Debian\n' "$*"
    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$@" >/dev/null
}

newest_rust() { sed -n 's/^rust-version = "\(.*\)"/\1/p' Cargo.toml; }

need_rust() {
    have cargo || die "Rust is missing: install rustup, then open a new shell and try again"
    wanted=$(newest_rust)
    found=$(rustc --version | cut -d' ' -f2)
    [ "$(printf '%s\n%s\n' "$wanted" "$found" | sort -V | head -n1)" = "$wanted" ] \
        || die "Rust $found is too old: $wanted or newer is needed; run: rustup update stable"
    # SQLite and the cryptography are C.
    have cc || debian gcc libc6-dev || die "a C compiler is missing: install gcc or clang"
}

need_nextest() {
    cargo nextest --version >/dev/null 2>&1 && return
    [ -x .tools/bin/cargo-nextest ] && return
    echo "tintype: building the test runner into .tools (once; some minutes)"
    cargo install --quiet --locked --root .tools cargo-nextest \
        || echo "tintype: could not install it; cargo's own test runner will do"
}

need_python() {
    have python3 || debian python3 python3-venv || die "Python 3.9 or newer is missing: install it"
    python3 -c 'import sys; sys.exit(sys.version_info < (3, 9))' \
        || die "$(python3 --version) is too old: 3.9 or newer is needed"
    python3 -c 'import venv, ensurepip' 2>/dev/null || debian python3-venv \
        || die "Python's venv module is missing: install python3-venv"
}

# Environments of deployed apps are built with it; their tests are skipped where it cannot be had.
need_uv() {
    PATH="$PWD/.tools/bin:$PATH" have uv && return
    need_python
    echo "tintype: installing uv into .tools"
    python3 -m pip install --quiet --no-deps --target .tools/uv.new uv && mkdir -p .tools/bin \
        && mv .tools/uv.new/bin/uv .tools/bin/uv || echo "tintype: could not install uv; tests of environments are skipped"
    rm -rf .tools/uv.new
}

need_node() {
    have node && have npm || debian nodejs npm || die "Node 18 or newer with npm is missing: install it"
    major=$(node --version | sed 's/^v\([0-9]*\).*/\1/')
    [ "$major" -ge 18 ] || die "Node $(node --version) is too old: 18 or newer is needed"
}

# Deployed apps run within walls that this makes. The server works without, and says so.
need_bubblewrap() {
    have bwrap || debian bubblewrap \
        || echo "tintype: bubblewrap is missing: deployed apps would run without a sandbox, and its tests prove nothing"
}

# Apps in containers are built and unpacked by it; without it they are refused, and their tests skipped.
need_podman() {
    have podman || debian podman runc || echo "tintype: podman is missing: apps in containers would be refused"
}

# Tools for sound and video are made of it; without it they say so, and their tests prove nothing.
need_ffmpeg() {
    have ffmpeg && have ffprobe || debian ffmpeg || echo "tintype: ffmpeg is missing: tools for sound and video would be refused"
}

# The voice is its library.
need_espeak() {
    have espeak-ng || debian espeak-ng || echo "tintype: espeak-ng is missing: the voice would be refused"
}

for tool in "$@"; do
    case $tool in
        rust) need_rust ;;
        nextest) need_nextest ;;
        python) need_python ;;
        uv) need_uv ;;
        node) need_node ;;
        bubblewrap) need_bubblewrap ;;
        podman) need_podman ;;
        ffmpeg) need_ffmpeg ;;
        espeak) need_espeak ;;
        *) die "scripts/need.sh knows no tool $tool" ;;
    esac
done
