# bookhand: `make demo` shows it, `make test` proves it, `make check` is what CI runs.
# Needs Python 3.11 or newer, git and make; everything else is set up here, in .venv.

PYTHON ?= $(shell for p in python3.13 python3.12 python3.11 python3 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
ifeq ($(OS),Windows_NT)
BIN := $(VENV)/Scripts
endif
RUN := $(BIN)/python
ONCE ?=
PORT ?=
SEED ?= 1
JOBS ?= 2

.PHONY: help demo serve pages pictures wheel test storm explore bench check format lock clean

help:
	@grep -E '^[a-z]+:.*#' $(MAKEFILE_LIST) | sed -E 's/:.*# /\t/' | expand -t 10

demo: $(VENV)/app.done pages # a company, its Stripe and its books, all on this machine (ONCE=1: prove it and leave)
	@$(RUN) -m bookhand demo --seed $(SEED) $(if $(ONCE),--once) $(if $(PORT),--port $(PORT))

pages: $(VENV)/app.done # the scripts and the style of the pages, built where something changed
	@$(RUN) tools/frontend.py

pictures: $(VENV)/dev.done pages # of every page, by a running app (LINK=what `bookhand link` printed)
	@$(RUN) tools/pictures.py --link "$(LINK)"

wheel: $(VENV)/dev.done pages # what is installed elsewhere, with the pages in it
	@$(RUN) -m pip wheel -q --disable-pip-version-check --no-deps -w dist .

test: $(VENV)/dev.done pages # the whole test suite, on the embedded PostgreSQL (or on BOOKHAND_DATABASE_URL)
	@$(RUN) -m pytest -n $(JOBS) --dist loadfile

storm: $(VENV)/dev.done pages # the kills and faults for ten minutes each
	@$(RUN) -m pytest tests/storm --storm-seconds 600

explore: $(VENV)/dev.done pages # the laws on cases drawn anew; what fails is printed as an example to keep
	@BOOKHAND_EXPLORE=1 $(RUN) -m pytest -n $(JOBS) --dist loadfile -m "not storm"

bench: $(VENV)/dev.done pages # the measured work, each figure beside what it is compared to
	@$(RUN) -m bench

check: $(VENV)/dev.done # what CI runs beside the tests: style, types, the direction of imports, what is known against the code and its dependencies
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports
	@$(BIN)/bandit -q -r src -c pyproject.toml && $(RUN) tools/audit.py locks/app.txt locks/dev.txt

format: $(VENV)/dev.done # let the formatter have its way
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

lock: # renew locks/*.txt: hashes of every wheel, and no address
	@$(PYTHON) -m venv $(VENV)-lock && $(VENV)-lock/bin/python -m pip install -q uv
	@$(VENV)-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --upgrade --extra beancount -o locks/app.txt pyproject.toml
	@$(VENV)-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header -c locks/app.txt --extra beancount --group dev -o locks/dev.txt pyproject.toml
	@$(VENV)-lock/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
		--no-emit-find-links --no-header --upgrade --group pyproject.toml:frontend -o locks/frontend.txt
	@cd frontend && npm install --package-lock-only --omit-lockfile-registry-resolved --ignore-scripts --no-audit --no-fund
	@rm -rf $(VENV)-lock

clean: # forget the environment and the demo's data
	@rm -rf $(VENV) .data dist build

$(BIN)/python:
	@test -n "$(PYTHON)" || { echo "bookhand needs Python 3.11 or newer, and none was found on PATH."; exit 1; }
	@echo "Setting up $(VENV) with $$($(PYTHON) --version) ..."
	@$(PYTHON) -m venv $(VENV)

# The app's own environment: what is locked, then bookhand itself, nothing fetched beside it.
$(VENV)/app.done: $(BIN)/python locks/app.txt pyproject.toml
	@test -e $(VENV)/dev.done || $(RUN) -m pip install -q --disable-pip-version-check --require-hashes -r locks/app.txt
	@$(RUN) tools/here.py
	@touch $@

$(VENV)/dev.done: $(BIN)/python locks/dev.txt pyproject.toml
	@echo "Installing the locked tools (once) ..."
	@$(RUN) -m pip install -q --disable-pip-version-check --require-hashes -r locks/dev.txt
	@$(RUN) tools/here.py
	@touch $@ $(VENV)/app.done
