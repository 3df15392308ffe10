# `make` lists the targets. The first target that needs it builds the environment in .venv from
# requirements.lock, which names every package with its hashes.

.DEFAULT_GOAL := help
.PHONY: help dev call test test-unit faults check format docs bench fidelity fuzz soak scale install-check drift lock clean
MAKEFLAGS += --no-print-directory

# What varies a call; see sandbox/caller/__init__.py.
CALL := PROFILE METADATA SAY VOICE RATE ATTRIBUTES KIND ROOM_METADATA DISPATCH_METADATA \
        OBSERVER PRECONNECT RECORD WAIT FORMAT

# Handed on as they were typed: make would expand a $ in them.
define hand_on
override $(1) := $$(value $(1))
export $(1)
endef
$(foreach name,$(CALL),$(if $(filter undefined,$(origin $(name))),,$(eval $(call hand_on,$(name)))))

# The first Python that can make the environment; `make PYTHON=...` names another one.
SUITABLE := -c 'import sys; \
    sys.version_info < (3, 10) and sys.exit("it is Python %d.%d" % sys.version_info[:2]); \
    import ensurepip, venv'
ifeq ($(origin PYTHON),undefined)
PYTHON = $(eval PYTHON := $(shell \
    for python in python3 python3.14 python3.13 python3.12 python3.11 python3.10; do \
        "$$python" $(SUITABLE) 2>/dev/null && echo "$$python" && break; done))$(PYTHON)
endif

BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# A lock is complete: nothing is left for pip to choose, to build, or to take without its hash.
INSTALL_LOCK := $(PIP) install --no-deps --only-binary :all: --require-hashes --requirement
# The environment's own, with its own node: none on PATH is asked for.
NPM := $(BIN)/npm --no-audit --no-fund --ignore-scripts --loglevel=error

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { names[++count] = $$1; about[count] = $$2; \
	    if (length($$1) > width) width = length($$1) } \
	    END { for (n = 1; n <= count; n++) \
	        printf "make %-" width "s  %s\n", names[n], about[n] }' Makefile

dev: .venv/.ready  ## run the worker with local stand-ins for what it needs; Ctrl-C stops all
	@exec $(BIN)/python -m sandbox.dev --make $$PPID

call: .venv/.ready  ## call the worker, draw the call: PROFILE=brisk,patient SAY='...' FORMAT=json
	@trap : INT; $(BIN)/python -m sandbox.caller || { status=$$?; \
	    [ $$status -eq 130 ] || exit $$status; }  # make ends by Ctrl-C itself

test: .venv/.ready .venv/.npm  ## run all tests, with a real LiveKit server; ARGS='-k word' for pytest
	@$(BIN)/python -m sandbox.livekit_binary
	@$(BIN)/python -m tests $(ARGS)

test-unit: .venv/.ready  ## run the tests that need no server and no process
	@$(BIN)/python -m tests --part units $(ARGS)

faults: .venv/.ready  ## run the fault tests and print a table (seven minutes)
	@$(BIN)/python -m sandbox.livekit_binary
	@$(BIN)/python -m pytest -p tests.fault_table --quiet --no-header --tb=short $(ARGS)

check: .venv/.ready  ## run ruff, mypy and timing-profiles check
	@$(BIN)/ruff check --quiet
	@$(BIN)/ruff format --check --quiet
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/timing-profiles check

format: .venv/.ready  ## format the code
	@$(BIN)/ruff check --quiet --fix-only
	@$(BIN)/ruff format

docs: .venv/.ready  ## generate docs/reference.md, docs/providers.md and docs/timeline.svg
	@PROFILES_DIR=profiles $(BIN)/timing-profiles explain --format markdown >docs/reference.md
	@$(BIN)/python -m timing_profiles.authoring.providers_page >docs/providers.md
	@PROFILES_DIR=profiles $(BIN)/timing-profiles timeline \
	    brisk patient dictation flux-conversation --output docs/timeline.svg

bench: .venv/.bench  ## measure time and memory
	@$(BIN)/python -m lab.bench

fidelity: .venv/.ready  ## compare predicted waits with measured ones, for every profile
	@$(BIN)/python -m sandbox.livekit_binary
	@$(BIN)/python -m lab.fidelity $(ARGS)

fuzz: .venv/.fuzz  ## read a million generated profiles and metadata, and schemas; ARGS='--seconds 60'
	@$(BIN)/python -m lab.fuzz $(ARGS)

soak: .venv/.ready  ## load a worker for an hour, fail if a resource grows; ARGS='--minutes 1'
	@$(BIN)/python -m sandbox.livekit_binary
	@$(BIN)/python -m lab.soak $(ARGS)

scale: .venv/.ready  ## run workers against two LiveKit nodes; ARGS='--workers 2 --calls 8'
	@$(BIN)/python -m sandbox.livekit_binary
	@$(BIN)/python -m lab.scale $(ARGS)

install-check: .venv/.ready  ## install the wheel as users do, with each Python; ARGS='3.13:lowest'
	@$(BIN)/python -m sandbox.livekit_binary
	@$(BIN)/python -m installation $(ARGS)

drift: .venv/.ready  ## for maintainers: compare with the newest release of LiveKit's SDK
	@$(BIN)/python -m tests.sdk

lock: .venv/.ready  ## for maintainers: update the lock files
	$(BIN)/uv pip compile $(COMPILE) --group dev pyproject.toml --output-file requirements.lock
	$(BIN)/uv pip compile $(COMPILE) --constraint requirements.lock --group agent pyproject.toml \
	    --output-file requirements.worker.lock
	$(BIN)/uv pip compile $(COMPILE) --group bench --constraint requirements.lock \
	    --output-file lab/bench/requirements.lock
	$(BIN)/uv pip compile $(COMPILE) --group fuzz --constraint requirements.lock \
	    --output-file lab/fuzz/requirements.lock
	$(NPM) --prefix tests/npm update --package-lock-only
	$(BIN)/python -m installation.platforms
COMPILE = --quiet --upgrade --universal --python-version 3.10 --generate-hashes --no-header

clean:  ## remove the environment and caches
	@rm -rf .venv .venv.former .dev .mypy_cache .pytest_cache .ruff_cache .hypothesis
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Each file below is made last, so that whatever was broken off is done again by the next `make`.
.venv/.locked: requirements.lock
.venv/.ready: .venv/.locked pyproject.toml
.venv/.bench: .venv/.ready lab/bench/requirements.lock
.venv/.fuzz: .venv/.ready lab/fuzz/requirements.lock
.venv/.npm: .venv/.locked tests/npm/package-lock.json

ifndef HOLDS_LOCK

# Two at once would undo each other's work: another make makes $@ while this one holds a lock on the
# Makefile. All that write inherit it, so it lasts until the last of them ends, make killed or not.
.venv/.locked .venv/.ready .venv/.bench .venv/.fuzz .venv/.npm:
	@$(CHECK_PYTHON)
	@exec 9<Makefile; "$(PYTHON)" -c '$(TRY_LOCK)' 2>/dev/null || { \
	    echo "make: another make is at work in .venv: waiting for it" >&2; \
	    "$(PYTHON)" -c '$(WAIT_LOCK)'; } && exec $(MAKE) HOLDS_LOCK=1 $@
TRY_LOCK = import fcntl; fcntl.flock(9, fcntl.LOCK_EX | fcntl.LOCK_NB)
WAIT_LOCK = import fcntl; fcntl.flock(9, fcntl.LOCK_EX)

CHECK_PYTHON = python="$(or $(PYTHON),python3)"; reason="not found"; \
    command -v "$$python" >/dev/null && reason=$$("$$python" $(SUITABLE) 2>&1) || { \
    echo "make: Python 3.10 or newer is needed, with the modules venv and ensurepip." \
        "$$python: $${reason\#\#*[Ee]rror: }" >&2; \
    echo "make: install one (Debian: python3 and python3-venv), or name one with PYTHON=..." >&2; \
    exit 1; }

else

# The former environment stands aside until the new one is complete, and comes back if that fails.
.venv/.locked:
	@echo "building the environment in .venv with $(PYTHON): half a minute, once" >&2
	@if [ -e $@ ]; then rm -rf .venv.former && mv .venv .venv.former; fi
	@"$(PYTHON)" -m venv --clear .venv $(OR_SAY)
	@$(INSTALL_LOCK) requirements.lock $(OR_SAY)
	@$(CHECKED)
	@touch $@ $(OR_SAY)
	@rm -rf .venv.former

.venv/.ready:
	@$(PIP) install --no-deps --no-build-isolation --editable . $(OR_SAY)
	@touch $@

.venv/.bench:
	@$(INSTALL_LOCK) lab/bench/requirements.lock $(OR_SAY)
	@$(CHECKED)
	@touch $@

.venv/.fuzz:
	@$(INSTALL_LOCK) lab/fuzz/requirements.lock $(OR_SAY)
	@$(CHECKED)
	@touch $@

# What the tests run with node, beside the environment so that `--clear` takes it along.
.venv/.npm:
	@echo "installing what the tests run with node in .venv/npm: ten seconds, once" >&2
	@mkdir -p .venv/npm
	@cp tests/npm/package*.json .venv/npm/
	@$(NPM) --prefix .venv/npm ci >/dev/null $(OR_SAY)
	@touch $@

endif

# Whether what is installed fits together; pip names what does not on its standard output.
CHECKED = broken=$$($(BIN)/python -m pip check 2>&1) || { echo "$$broken" >&2; false; } $(OR_SAY)
# The last lines after any failure of an installation, whose own message stays above them.
OR_SAY = || { echo "make: the environment is not complete, for the reason above. Packages come from" \
    "the network, and .venv takes 1 GB of the disk; once both are there, run this again" >&2; \
    [ ! -e .venv.former ] || { rm -rf .venv && mv .venv.former .venv && echo "make: the former" \
    "environment is back; to use it until then, add --old-file=.venv/.ready to make" >&2; }; exit 1; }
