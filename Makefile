# Two commands matter: `make run` serves the site with demo data, `make test` tests it.
# Nothing but Python 3.11 or newer, make and git is needed.

PYTHON ?= python3
PORT ?= 8000
VENV = .venv
BIN = $(VENV)/bin
MANAGE = $(BIN)/python manage.py
# What .env says, where there is one, as if it had been exported.
ENVIRONMENT = set -a; if [ -f .env ]; then . ./.env; fi; set +a;
LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links

.PHONY: run run-s3 test kills rehearse lint format lock vendor bench bench-web bench-copy bench-reset

run: $(VENV)/installed
	@$(ENVIRONMENT) $(MANAGE) migrate --no-input --verbosity 0
	@$(ENVIRONMENT) $(MANAGE) seed_demo
	@$(ENVIRONMENT) $(MANAGE) runserver $(PORT)

run-s3: $(VENV)/installed-dev  ## the same site with its files on an S3 server on this machine
	@$(BIN)/python -m tests.run_s3 --port $(PORT)

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest -n 2 --cov --cov-fail-under=95
	$(BIN)/python -m tests.with_postgresql $(BIN)/python -m pytest -n 2

kills: $(VENV)/installed-dev  ## end the outbox's sender at 20 moments; make test has a few of them
	KILLS=20 $(BIN)/python -m tests.with_postgresql $(BIN)/python -m pytest tests/outbox/test_kills.py

rehearse: $(VENV)/installed-dev  ## prove a push before it is made; make REHEARSE=--working-tree before the commit
	@$(BIN)/python -m tests.rehearse $(REHEARSE)

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	git ls-files 'templates/*.html' | xargs $(BIN)/djade --target-version 5.2 --check
	$(MANAGE) makemigrations --check --dry-run
	$(BIN)/python -m tests.deployed $(MANAGE) check --deploy --fail-level WARNING
	sha256sum --quiet --check static/vendor/SHA256SUMS
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

format: $(VENV)/installed-dev  ## what `make lint` would have
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files 'templates/*.html' | xargs $(BIN)/djade --target-version 5.2

lock: $(VENV)/installed-dev  ## the newest versions that requirements.in allows
	$(LOCK) --upgrade requirements.in --output-file requirements.txt
	$(LOCK) --upgrade requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) --upgrade requirements-bench.in --output-file requirements-bench.txt

vendor:  ## fetch the front-end files again (npm needed) and compare them with what is committed
	bin/vendor

bench: $(VENV)/installed-dev  ## what a link and a page cost
	$(BIN)/python -m tests.bench

bench-web: $(VENV)/installed-dev  ## what one dyno holds
	$(BIN)/python -m tests.bench_web $(BENCH)

bench-reset: $(VENV)/installed-dev  ## how long a reset takes, for known and for unknown addresses
	$(BIN)/python -m tests.bench_reset $(BENCH)

bench-copy: $(VENV)/bench/installed  ## copy_live_media beside other tools; make BENCH="--scale 0.05" for less
	PATH="$(CURDIR)/$(VENV)/bench/bin:$$PATH" $(BIN)/python -m tests.bench_copy $(BENCH)

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, for example: make PYTHON=python3.13 run"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.txt | $(VENV)/bin/python
	@echo "Installing what the site needs (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt | $(VENV)/bin/python
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@touch $@ $(VENV)/installed

$(VENV)/bench/installed: requirements-bench.txt | $(VENV)/installed-dev
	@echo "Installing what the bench compares with (once) ..."
	@$(BIN)/python -m venv $(VENV)/bench
	@$(VENV)/bench/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-bench.txt
	@touch $@
