#!/bin/sh
# The acceptance suite: sets up what it needs, runs every part against the release build, and says how it went.
# Usage: tests/run.sh [python|node|exec|gallery|crash|serverless ...]    all of them by default
# TINTYPE_BIN names another build; CRASH_ROUNDS another number of crashes.
set -u
cd "$(dirname "$0")/.."
root=$PWD
: "${TINTYPE_BIN:=$root/target/release/tintype}"
export TINTYPE_BIN
parts=${*:-python node exec gallery crash serverless}

say() { printf 'acceptance: %s\n' "$*"; }
die() { say "$*" >&2; exit 2; }

[ -x "$TINTYPE_BIN" ] || die "no server at $TINTYPE_BIN: run cargo build --release first, or set TINTYPE_BIN"

python_packages() {
    command -v python3 >/dev/null || die "Python 3.9 or newer is missing: install it and try again"
    wanted=$(sha256sum tests/python/requirements.txt | cut -d' ' -f1)
    if [ "$(cat .venv/.requirements 2>/dev/null)" != "$wanted" ]; then
        say "installing the Python clients into .venv"
        python3 -m venv .venv || die "could not make .venv: is the venv module installed?"
        pip="$root/.venv/bin/pip install --quiet --disable-pip-version-check"
        # The pinned set was resolved on one Python; another may need other versions of what the clients stand on.
        $pip -r tests/python/requirements.txt || $pip -r tests/python/requirements.in \
            || die "could not install tests/python/requirements.txt: see the lines above"
        echo "$wanted" >.venv/.requirements
    fi
}

node_packages() {
    command -v npm >/dev/null || die "Node 20 or newer with npm is missing: install it and try again"
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' \
        || die "Node $(node --version) is too old to run these tests: 20 or newer is needed"
    wanted=$(sha256sum tests/node/package-lock.json | cut -d' ' -f1)
    if [ "$(cat tests/node/node_modules/.lock 2>/dev/null)" != "$wanted" ]; then
        say "installing the JavaScript clients into tests/node/node_modules"
        (cd tests/node && npm ci --silent) || die "npm ci failed in tests/node: see the lines above"
        echo "$wanted" >tests/node/node_modules/.lock
    fi
}

# Two servers side by side, each with whole files of tests: what most of these tests do is wait.
python_tests() { .venv/bin/python -m pytest -c "tests/$1/pytest.ini" -n 2 --dist loadfile "tests/$1"; }

results=
failed=0
part() {
    name=$1
    shift
    say "$name"
    began=$(date +%s)
    if "$@"; then word=passed; else word=FAILED; failed=1; fi
    results="$results $name $word ($(($(date +%s) - began)) s),"
}

case " $parts " in *" python "* | *" exec "* | *" gallery "* | *" crash "* | *" serverless "*) python_packages ;; esac
case " $parts " in *" serverless "*) scripts/need.sh bubblewrap podman ;; esac
case " $parts " in *" gallery "*) scripts/need.sh bubblewrap ffmpeg espeak ;; esac
case " $parts " in *" node "* | *" exec "*) node_packages ;; esac

for name in $parts; do
    case $name in
        python | gallery | serverless) part $name python_tests $name ;;
        node) part node sh -c 'cd tests/node && node --test --test-concurrency=1 --test-reporter=./support/reporter.mjs *.test.mjs' ;;
        exec) part exec .venv/bin/python -m pytest -c tests/exec/pytest.ini tests/exec ;;
        crash) part crash .venv/bin/python tests/crash/crash.py "${CRASH_ROUNDS:-50}" ;;
        *) die "there is no part $name: python, node, exec, gallery, crash, serverless" ;;
    esac
done
say "${results% }"
[ "$failed" = 0 ] && say "all passed" || say "some failed: the lines above say which"
exit "$failed"
