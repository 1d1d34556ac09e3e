# Everything a person does with this repository; `make` lists it.
# A bare machine needs python3 (3.11 or newer), pip, make and git.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.ONESHELL:
.DEFAULT_GOAL := help
.PHONY: help setup chdb demo serve test simulate exact check format golden guide docs bench lock clean

# The tests start hundreds of processes, and each would compile the whole house anew.
unexport PYTHONDONTWRITEBYTECODE

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
ARGS ?=
# How many processes run tests; each has its own database, and much of what they do is waiting.
JOBS ?= 3
# The first seed of a simulation, how many, for how many customers each, and a file that remembers
# which passed, so that a run that was broken off goes on.
SEED ?= 1
SEEDS ?= 1
CUSTOMERS ?= 3
DONE ?=
# How many calls and how many seconds of havoc the stories of exactness tell.
CALLS ?= 5000
ROUNDS ?= 300

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP)  ## make .venv and install what requirements.lock names, if not done yet

# Some 800 MB, so not for everybody: tests that need it are skipped without it.
chdb: $(STAMP)  ## add chDB, ClickHouse's engine, to .venv: for tests of the warehouse
	@$(BIN)/python -m pip install --no-deps --no-compile --require-hashes --progress-bar off \
	    --quiet -r requirements-chdb.lock

demo: $(STAMP)  ## run the demo month: traffic, closing, bills (ARGS=--once ends by itself)
	@exec $(BIN)/yuejie demo $(ARGS)

serve: $(STAMP)  ## run gateway, intake, console and clerk with the embedded database
	@exec $(BIN)/yuejie serve $(ARGS)

# In the order of the folders: browsers and crashes first, so that no long module is left for the end.
test: $(STAMP)  ## run every test (ARGS="-k words" to choose)
	@tools/chromium.sh
	tools/pgbouncer.sh
	$(BIN)/python -m pytest -n $(JOBS) --dist loadscope --no-loadscope-reorder $(ARGS)

simulate: $(STAMP)  ## fourteen months per seed against an independent oracle (SEEDS=1000, or SEED=17 alone)
	@export YUEJIE_SIMULATE_SEEDS=$(SEEDS) YUEJIE_SIMULATE_SEED=$(SEED) \
	        YUEJIE_SIMULATE_CUSTOMERS=$(CUSTOMERS) YUEJIE_SIMULATE_DONE=$(DONE)
	$(BIN)/python -m pytest -n $(JOBS) tests/simulate $(ARGS)

exact: $(STAMP)  ## every token billed once, told at length (CALLS=5000 by SDKs, ROUNDS=300 seconds of kill -9)
	@export YUEJIE_EXACT_CALLS=$(CALLS) YUEJIE_CHAOS_ROUNDS=$(ROUNDS)
	$(BIN)/python -m pytest tests/crash/test_exact.py tests/crash/test_chaos.py $(ARGS)

check: $(STAMP)  ## format, lint, types, arrows between rooms, tidy, generated documents
	@$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/tidy
	marked=$$(grep -rl --include='*.md' '\[\[\[cog' *.md docs 2>/dev/null || true)
	if [ -n "$$marked" ]; then
	    $(BIN)/cog --check --diff $$marked || {
	        echo "A generated part of a document is stale: run \`make docs\`." >&2; exit 1; }
	fi

format: $(STAMP)  ## rewrite files in the house format
	@$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: $(STAMP)  ## rewrite the generated parts of the documents
	@marked=$$(grep -rl --include='*.md' '\[\[\[cog' *.md docs 2>/dev/null || true)
	if [ -n "$$marked" ]; then $(BIN)/cog -r $$marked; fi

guide: $(STAMP)  ## walk the ten tasks and take the finance guide's pictures anew, in a practice house
	@YUEJIE_GUIDE=1 $(BIN)/python -m pytest -q tests/browser/test_tasks.py tests/browser/test_guide.py $(ARGS)
	git --no-pager diff --stat -- docs/guide

golden: $(STAMP)  ## rewrite the golden bills and months; read the diff as finance would
	@$(BIN)/python -m pytest -q tests/golden --golden-update $(ARGS)
	git --no-pager diff --stat -- tests/golden

bench: $(STAMP)  ## measure, and write what was measured to bench/results/
	@exec $(BIN)/python -m bench $(ARGS)

# pip-tools lives in a folder of its own that goes away again, so that it is not part of the lock.
# Nothing of this machine's pip set-up (extra indexes, folders of wheels) may reach the lock.
lock:  ## resolve pyproject.toml anew into requirements.lock (LOCK_ARGS="-P click" for one package)
	@python=$$($(FIND_PYTHON))
	folder=$$(mktemp -d)
	trap 'rm -rf "$$folder"' EXIT
	"$$python" -m venv "$$folder"
	"$$folder/bin/pip" install --quiet pip-tools
	compile=(env -u PIP_FIND_LINKS "$$folder/bin/pip-compile" --quiet --generate-hashes \
	    --allow-unsafe --strip-extras --no-config --no-header --no-emit-options \
	    --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
	    --annotation-style=line)
	"$${compile[@]}" --extra demo --extra dev --extra warehouse \
	    --output-file requirements.lock $(LOCK_ARGS) pyproject.toml
	"$${compile[@]}" --extra chdb --extra warehouse --constraint requirements.lock \
	    --output-file requirements-chdb.lock pyproject.toml
	sed -i '/^$$/d; /^# The following packages/d' requirements.lock requirements-chdb.lock

clean:  ## remove .venv and everything that can be made again
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build
	find . -name __pycache__ -not -path './.git/*' -prune -exec rm -rf {} +
	rm -rf src/yuejie.egg-info

# The first Python that is new enough; 3.11 first, because it is what we test with.
define FIND_PYTHON
for p in python3.11 python3 python3.12 python3.13 python3.14; do
    if "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
        command -v "$$p"; exit; fi
done
echo "yuejie needs Python 3.11 or newer and found none: install python3 (Debian: apt-get install python3)." >&2
exit 1
endef

# Without Debian's python3-venv a venv has no pip of its own; the machine's pip can fill it as well.
# The lock is complete, so nothing is resolved (--no-deps); modules compile when first imported.
$(STAMP): requirements.lock pyproject.toml
	@if [ -L $(VENV) ]; then
	    echo "$(VENV) is a link, and what it points to would be made anew for everybody:" \
	         "remove the link (rm $(VENV)) and run make again." >&2
	    exit 1
	fi
	python=$$($(FIND_PYTHON))
	if "$$python" -m venv $(VENV) >/dev/null 2>&1; then
	    pip=($(BIN)/python -m pip)
	elif "$$python" -m venv --without-pip --clear $(VENV) && "$$python" -m pip --version >/dev/null 2>&1; then
	    pip=("$$python" -m pip --python $(BIN)/python)
	else
	    echo "Python on this machine can neither make a virtual environment with pip nor has pip itself:" \
	         "install both (Debian: apt-get install python3-venv python3-pip)." >&2
	    exit 1
	fi
	export PIP_DISABLE_PIP_VERSION_CHECK=1
	total=$$(grep -c '==' requirements.lock)
	echo "Installing $$total packages into $(VENV) …"
	if ! "$${pip[@]}" install --no-deps --no-compile --require-hashes --progress-bar off \
	         -r requirements.lock 2>$(VENV)/pip.err | awk -v total="$$total" '
	            /^(Collecting|Requirement already)/ { n++ }
	            /^Collecting/ && n % 10 == 0        { print "  " n " of " total; fflush() }
	            /^Installing collected/             { print "  unpacking"; fflush() }'; then
	    # Whoever is offline needs one sentence, not the five retries of each package.
	    if grep -qiE 'connection|timed? ?out|resolution|no matching distribution|proxy|ssl' $(VENV)/pip.err; then
	        echo "The package registry could not be reached, or lacks a locked version: check the network" \
	             "and pip's configuration, then repeat (pip's own words are in $(VENV)/pip.err)." >&2
	    else
	        cat $(VENV)/pip.err >&2
	        echo "pip could not install requirements.lock; its own words are above." >&2
	    fi
	    exit 1
	fi
	"$${pip[@]}" install --quiet --no-deps --no-build-isolation --no-index --editable .
	"$${pip[@]}" check
	touch $@
