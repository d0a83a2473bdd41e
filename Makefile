# make run     a leaderboard on the built-in data, from nothing
# make test    the tests
# make docs    the documentation as a site, in build/site
# make audit   known vulnerabilities of what is installed, where their index can be reached
# make tables  the tables of figures in README and docs, from the boards in docs/figures
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin

.PHONY: run test lint types docs audit tables check clean

$(BIN)/dfbench: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit("dfbench needs Python 3.11 or newer, this is " + sys.version.split()[0]) if sys.version_info < (3, 11) else 0'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV): some minutes, about 8 GB with torch"
	@$(BIN)/python -m pip install --quiet --upgrade pip
	@$(BIN)/python -m pip install --quiet --editable '.[dev]'
	@touch $@

run: $(BIN)/dfbench
	$(BIN)/dfbench run --suite all

test: $(BIN)/dfbench
	$(BIN)/python -m pytest -n 2 --dist worksteal

lint: $(BIN)/dfbench
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

types: $(BIN)/dfbench
	$(BIN)/mypy

docs: $(BIN)/dfbench
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --quiet --strict
	@! grep -rnoE '<(script|link|img|iframe)[^>]* (src|href)="?https?://[^" >]*' build/site --include='*.html'
	@echo "build/site/index.html, to be opened in a browser"

audit: $(BIN)/dfbench
	@.ci/audit $(BIN)/python

tables: $(BIN)/dfbench
	$(BIN)/python docs/tables.py

check: test lint types docs

clean:
	rm -rf $(VENV) build *.egg-info
