# Everything lives in .venv; nothing is installed outside it.
PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
BIN := .venv/bin
READY := .venv/.ready

.PHONY: install run test fuzz soak lint types bench up lock

$(READY): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "tinsom needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@echo "Setting up .venv with $$($(PYTHON) --version) (about a minute, once) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

install: $(READY)  ## set everything up, nothing more

run: $(READY)  ## play a day of sample feeds; alerts appear on the terminal
	@$(BIN)/tinsom demo

test: $(READY)  ## every test, real Kafka included
	@echo "Running every test (Apache Kafka is fetched by Maven the first time) ..."
	@failed=0; \
	$(BIN)/pytest --numprocesses auto --dist worksteal -m "not soak and not kafka and not alone" || failed=1; \
	$(BIN)/pytest -m "not soak and (kafka or alone)" || failed=1; \
	exit $$failed

fuzz: $(READY)  ## an hour of coverage-guided fuzzing of the readers; SECONDS=… for less or more
	@$(BIN)/python -m tests.fuzz --seconds $(or $(SECONDS),3600)

soak: $(READY)  ## the long fault runs
	@$(BIN)/pytest -m soak --timeout 7200

lint: $(READY) types  ## style, types, who may import whom
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/lint-imports

types: $(READY)
	@$(BIN)/mypy

bench: $(READY)  ## ratios against a peer or a floor measured in the same run
	@$(BIN)/python -m benchmarks

up:  ## Kafka, the three services, Prometheus, Grafana, a mail catcher
	docker compose -f deploy/compose.yaml up --build

lock: $(READY)  ## exact, hashed versions from the floors in pyproject.toml
	@$(BIN)/pip-compile --quiet --strip-extras --generate-hashes --no-emit-index-url --no-emit-trusted-host \
		--no-emit-find-links --output-file requirements/run.txt pyproject.toml
	@$(BIN)/pip-compile --quiet --strip-extras --allow-unsafe --extra dev --generate-hashes --no-emit-index-url \
		--no-emit-trusted-host --no-emit-find-links --output-file requirements/dev.txt pyproject.toml
	@# pip-compile drops the conditions of an extra's dependencies.
	@sed -i 's/^\(atheris==[^ ]*\) \\$$/\1 ; sys_platform == "linux" and platform_machine == "x86_64" and python_version < "3.14" \\/' \
		requirements/dev.txt
