# Requires Python 3.11 or newer with pip, GNU make (3.81 or newer) and git.
# Everything is installed into .venv from lock files with hashes. Stamp files record what is
# installed, so that a second call installs nothing.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/sh

# Another environment, for the tests on another Python: make test VENV=.venv-oldest PYTHON=python3.11
VENV := .venv
BIN := $(VENV)/bin
# Two processes. A process without tests takes half of the remaining tests of the other.
PARALLEL := -n 2 --dist worksteal
# Otherwise numpy starts a thread per core in each of them.
test test-all coverage: export OPENBLAS_NUM_THREADS = 1
# Otherwise, if this variable is set, every process that a test starts compiles the service.
test test-all coverage: export PYTHONDONTWRITEBYTECODE =
SCRIPTS := $(wildcard scripts/*.sh) .ci/run
BUILT := service/guide/index.html

# Stamps are invalid if the interpreter of the environment no longer runs (an upgrade, a moved directory).
ifneq ($(shell $(BIN)/python -c 'print("alive")' 2>/dev/null),alive)
$(shell rm -f $(VENV)/.*-installed)
endif

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):[^#]*## \(.*\)/make \1@\2/p' $(MAKEFILE_LIST) | \
		awk -F@ '{ printf "%-18s%s\n", $$1, $$2 }'

run: $(VENV)/.run-installed $(BUILT) ## start the service (ARGS="--port 9000")
	@exec $(BIN)/linear-rnn serve $(ARGS)

# As in the service. Threads of numpy in two processes wait for each other.
test test-all coverage: export OPENBLAS_NUM_THREADS = 1

test: $(VENV)/.dev-installed $(BUILT) ## run the fast tests in two processes, about 8 minutes (ARGS="-k cost")
	$(BIN)/pytest $(PARALLEL) $(ARGS)

test-all: $(VENV)/.oracles-installed $(BUILT) ## run all tests; installs PyTorch
	$(BIN)/pytest $(PARALLEL) -m "not soak" $(ARGS)

check: lint types layers spelling wording generated metadata shell ## every check that is not a test

coverage: $(VENV)/.dev-installed $(BUILT) ## run the fast tests and report the branch coverage of service
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest $(PARALLEL) $(ARGS)
	$(BIN)/coverage combine -q
	$(BIN)/coverage report

lint: $(VENV)/.dev-installed ## ruff, and ESLint and Prettier if Node.js is installed: rules and layout
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	scripts/javascript.sh

types: $(VENV)/.dev-installed $(BUILT) ## mypy --strict, and tsc if Node.js is installed
	$(BIN)/mypy
	scripts/types.sh

layers: $(VENV)/.dev-installed $(BUILT) ## imports point down only
	$(BIN)/lint-imports --no-logo

spelling: $(VENV)/.dev-installed ## codespell on every text file
	git ls-files -z | xargs -0 $(BIN)/codespell

wording: $(VENV)/.dev-installed ## no words of scripts/wording.txt in documents, pages, messages and comments
	$(BIN)/python -m scripts.wording

generated: $(VENV)/.dev-installed build ## openapi.md matches the code, and the guide has no broken links
	$(BIN)/python -m scripts.openapi $(VENV)/openapi.md
	diff -u openapi.md $(VENV)/openapi.md || { echo 'openapi.md is outdated: run make openapi' >&2; exit 1; }

metadata: $(VENV)/.dev-installed ## Dockerfile, docker-compose.yml, CITATION.cff and CI files are valid
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.citation-file-format CITATION.cff
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/ci.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci .gitlab-ci.yml

shell: $(VENV)/.dev-installed ## shellcheck on every script
	$(BIN)/shellcheck $(SCRIPTS)

format: $(VENV)/.dev-installed ## format the code and fix what ruff, ESLint and Prettier can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	scripts/javascript.sh --fix

openapi: $(VENV)/.dev-installed ## write openapi.md, the example responses in the schema, and what make build writes
	$(BIN)/python -m scripts.response_examples
	$(BIN)/python -m scripts.openapi
	$(BIN)/python -m scripts.build

build: $(VENV)/.run-installed ## write the files that are not in git: modules of the client, options of commands, guide
	$(BIN)/python -m scripts.build

tables: $(VENV)/.run-installed ## write the generated tables of the documents
	$(BIN)/python -m scripts.tables

recipes: $(VENV)/.dev-installed ## run the commands in docs/recipes and write their output and pictures
	$(BIN)/python -m scripts.recipes
	$(BIN)/python -m scripts.notebook

release: $(VENV)/.dev-installed ## build wheels, sdists and openapi.json, if versions, changelog, locks and working tree are ready
	$(BIN)/python -m scripts.release

oracles: $(VENV)/.oracles-installed ## install PyTorch and scikit-learn for the tests with the marker oracle

lock: .venv-lock/.installed ## update the lock files (ARGS=--upgrade: newest versions)
	$(UV_COMPILE) --group build $(ARGS) -o requirements.lock pyproject.toml
	$(UV_COMPILE) --group build --group dev $(ARGS) -c requirements.lock -o requirements-dev.lock pyproject.toml

bench: .bench-venv/.installed ## compare with PyTorch, JAX, Numba and the tutorial; write the report
	.bench-venv/bin/python -m benchmarks

bench-quick: $(VENV)/.run-installed ## compare with the tutorial's loops, in under a minute
	$(BIN)/python -m benchmarks --quick

soak: $(VENV)/.dev-installed ## tests that depend on time; kill processes at random and count jobs, 2 x 3 minutes (ARGS="--minutes 1")
	$(BIN)/pytest -m soak
	$(BIN)/python -m scripts.soak $(ARGS)
	$(BIN)/python -m scripts.soak --postgresql $(ARGS)

load: .load-venv/.installed ## mixed traffic of 200 clients, 2 x 10 minutes (ARGS="--minutes 1")
	.load-venv/bin/python -m scripts.load $(ARGS)
	.load-venv/bin/python -m scripts.load --postgresql $(ARGS)

image: ## build and test the container image (requires buildah)
	scripts/image.sh

sbom: .venv-audit/.installed ## write dist/sbom.json, a CycloneDX list of the packages in the image
	@mkdir -p dist
	.venv-audit/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible \
		--output-file dist/sbom.json requirements.lock

audit: .venv-audit/.installed ## check the locked packages for known vulnerabilities
	.venv-audit/bin/pip-audit --strict --disable-pip --require-hashes -r requirements.lock

clean: ## remove installed and cached files, but no data
	rm -rf .venv .venv-* .load-venv .bench-venv .pytest_cache .mypy_cache .ruff_cache .hypothesis .schemathesis .import_linter_cache .coverage .coverage.* dist
	find service client tests scripts -name __pycache__ -type d -prune -exec rm -rf {} +

.PHONY: help run test test-all check coverage lint types layers spelling wording generated metadata shell \
	format openapi build tables recipes release oracles lock bench bench-quick soak image \
	load sbom audit clean

# The first run or test writes the files that are built, of which this is one, and a later one if a source has changed.
$(BUILT): $(wildcard $(shell git ls-files -co --exclude-standard CHANGELOG.md benchmarks/results.md \
		client docs scripts service)) | $(VENV)/.run-installed
	$(BIN)/python -m scripts.build

# The run lock is a subset of the dev lock, so installing the latter installs both.
$(VENV)/.run-installed: requirements.lock pyproject.toml scripts/setup.sh
	@scripts/setup.sh $(VENV) requirements.lock
	@touch $@

$(VENV)/.dev-installed: requirements-dev.lock requirements.lock pyproject.toml scripts/setup.sh
	@scripts/setup.sh $(VENV) requirements-dev.lock
	@touch $(VENV)/.run-installed $@

$(VENV)/.oracles-installed: requirements-oracles.txt $(VENV)/.dev-installed
	@scripts/setup.sh $(VENV) requirements-oracles.txt
	@touch $@

.load-venv/.installed: requirements-dev.lock Makefile scripts/setup.sh
	@scripts/setup.sh .load-venv requirements-dev.lock
	@scripts/setup.sh .load-venv 'locust >=2.40,<3'
	@touch $@

.venv-audit/.installed: Makefile scripts/setup.sh
	@scripts/setup.sh .venv-audit 'cyclonedx-bom >=7,<8'
	@scripts/setup.sh .venv-audit 'pip-audit >=2.9,<3'
	@touch $@

.bench-venv/.installed: requirements.lock requirements-bench.txt scripts/setup.sh
	@scripts/setup.sh .bench-venv requirements.lock
	@scripts/setup.sh .bench-venv requirements-bench.txt
	@touch $@

UV_COMPILE = .venv-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header --extra redis --extra telemetry

.venv-lock/.installed: Makefile scripts/setup.sh
	@scripts/setup.sh .venv-lock 'uv >=0.9,<1'
	@touch $@
