# Needs Python 3.11 or newer with pip, GNU make (3.81 will do) and git; nothing else.
# Everything is installed into .venv from lock files with hashes. A stamp file says what is there, so
# that a second call installs nothing.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

BIN := .venv/bin
SCRIPTS := $(wildcard scripts/*.sh) .ci/run

# Stamps of a .venv whose interpreter is gone (an upgrade, a moved folder) are worth nothing.
ifneq ($(shell $(BIN)/python -c 'print("alive")' 2>/dev/null),alive)
$(shell rm -f .venv/.*-installed)
endif

help: ## say what can be made
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1@\2/p' $(MAKEFILE_LIST) | \
		awk -F@ '{ printf "%-18s%s\n", $$1, $$2 }'

run: .venv/.run-installed ## start the service (ARGS="--port 9000")
	@exec $(BIN)/linear-rnn serve $(ARGS)

test: .venv/.dev-installed ## run the tests in two processes (ARGS="-k cost")
	$(BIN)/pytest -n 2 --dist loadfile $(ARGS)

check: lint types layers generated containers shell ## every check that is not a test

lint: .venv/.dev-installed ## ruff: rules and layout
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/.dev-installed ## mypy, strict, and tsc where Node.js is at hand
	$(BIN)/mypy
	scripts/types.sh

layers: .venv/.dev-installed ## imports point down only
	$(BIN)/lint-imports --no-logo

generated: .venv/.dev-installed ## openapi.md is what the code would write
	$(BIN)/linear-rnn openapi --format markdown --output .venv/openapi.md
	diff -u openapi.md .venv/openapi.md || { echo 'openapi.md lags: run make openapi' >&2; exit 1; }

containers: .venv/.dev-installed ## the Dockerfile and docker-compose.yml are sound
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml

shell: .venv/.dev-installed ## shellcheck on every script
	$(BIN)/shellcheck $(SCRIPTS)

format: .venv/.dev-installed ## let ruff mend what it can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

openapi: .venv/.run-installed ## write openapi.md
	$(BIN)/linear-rnn openapi --format markdown --output openapi.md

oracles: .venv/.oracles-installed ## install PyTorch, for the tests that compare with it (-m oracle)

lock: .venv-lock/.installed ## renew the lock files (ARGS=--upgrade: newest versions)
	$(UV_COMPILE) --group build $(ARGS) -o requirements.lock pyproject.toml
	$(UV_COMPILE) --group build --group dev $(ARGS) -c requirements.lock -o requirements-dev.lock pyproject.toml

bench: .bench-venv/.installed ## measure against PyTorch, JAX, Numba and the note, write benchmarks/results.md
	.bench-venv/bin/python -m benchmarks

bench-quick: .venv/.run-installed ## measure against the note's own loops, in under a minute
	$(BIN)/python -m benchmarks --quick

soak: .venv/.dev-installed ## kill workers and servers at random and count jobs, 2 x 3 minutes (ARGS="--minutes 1")
	$(BIN)/python -m scripts.soak $(ARGS)
	$(BIN)/python -m scripts.soak --postgresql $(ARGS)

image: ## build the container image and try it (needs buildah)
	scripts/image.sh

clean: ## remove what was installed and cached; data stay
	rm -rf .venv .venv-lock .bench-venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
	find service tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help run test check lint types layers generated containers shell format openapi oracles \
	lock bench bench-quick soak image clean

# The run lock is a subset of the dev lock: where that is installed, so is this.
.venv/.run-installed: requirements.lock pyproject.toml scripts/setup.sh
	@scripts/setup.sh .venv requirements.lock
	@touch $@

.venv/.dev-installed: requirements-dev.lock requirements.lock pyproject.toml scripts/setup.sh
	@scripts/setup.sh .venv requirements-dev.lock
	@touch .venv/.run-installed $@

.venv/.oracles-installed: requirements-oracles.txt .venv/.dev-installed
	@scripts/setup.sh .venv requirements-oracles.txt
	@touch $@

.bench-venv/.installed: requirements.lock requirements-bench.txt scripts/setup.sh
	@scripts/setup.sh .bench-venv requirements.lock
	@scripts/setup.sh .bench-venv requirements-bench.txt
	@touch $@

UV_COMPILE = .venv-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

.venv-lock/.installed: Makefile scripts/setup.sh
	@scripts/setup.sh .venv-lock 'uv >=0.9,<1'
	@touch $@
