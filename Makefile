# What people type. Each target installs what it needs, where it may, and says what is missing where it may not.
#   make run      build, start the server, make a first picture
#   make test     everything that must hold
#   make bench    measurements, side by side with what others use
#   make fuzz     hostile input for every parser, ten seconds each
#   make docs     write the generated pages anew

.PHONY: run build test check unit acceptance bench fuzz docs fmt

run: build
	@exec target/release/tintype serve --welcome $(ARGS)

build:
	@scripts/need.sh rust
	@echo "building the release (the first time takes some minutes)"
	@cargo build --release --locked -p tintype-cli

test: check unit acceptance
	@fuzz/run.sh 3
	@echo "everything passed"

# Form, lints and the house rules.
check:
	@scripts/need.sh rust
	cargo fmt --all --check
	cargo clippy --workspace --all-targets --locked -- -D warnings

unit:
	@scripts/need.sh rust nextest uv bubblewrap ffmpeg espeak
	@scripts/unit.sh

# Through the released clients of Python and JavaScript, against the release build.
acceptance: build
	@scripts/need.sh python node bubblewrap ffmpeg espeak
	@if [ -x tests/run.sh ]; then tests/run.sh; else echo "tests/run.sh is missing" >&2; exit 1; fi

bench: build
	@scripts/need.sh python
	@bench/run.sh

fuzz:
	@fuzz/run.sh $(SECONDS_EACH)

docs:
	cargo run --quiet -p xtask -- docs

fmt:
	cargo fmt --all
