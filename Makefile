# Everything a person types. `make help` lists it.
.DEFAULT_GOAL := help
.PHONY: help run test bench chaos lock format messages pictures mutate

PYTHON := .venv/bin/python
COMPILE := $(PYTHON) -m uv pip compile pyproject.toml --quiet --universal --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header

help: ## List the commands
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 16

run: ## Set up and start everything; without credentials in .env against the sandbox (PORT=8000 asks for a port)
	@.ci/install requirements.lock
	@exec $(PYTHON) -m project.run

test: ## Set up and run every check (ONLY="ruff mypy" runs some of them)
	@.ci/install requirements-dev.lock
	@exec $(PYTHON) -m tests.checks $(ONLY)

bench: ## Measure speed and size against the sandbox
	@.ci/install requirements-dev.lock
	@exec $(PYTHON) -m benchmarks

chaos: ## Let people book while everything breaks, and see that nothing is lost or doubled (half an hour)
	@.ci/install requirements-dev.lock
	@exec $(PYTHON) -m tests.chaos

lock: ## Choose the newest versions that pyproject.toml allows and write both lock files
	@.ci/install requirements-dev.lock
	@$(PYTHON) -m uv --version >/dev/null 2>&1 || $(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	$(COMPILE) --upgrade --group dev -o requirements-dev.lock
	$(COMPILE) --upgrade --all-extras --constraints requirements-dev.lock -o requirements.lock

format: ## Format the code and repair what the linter can repair
	@.ci/install requirements-dev.lock
	@$(PYTHON) -m ruff check --fix --exit-zero .
	@$(PYTHON) -m ruff format .

messages: ## Collect what staff read into locale/ for translation, and compile the translations
	@.ci/install requirements-dev.lock
	@$(PYTHON) -m tests.languages

pictures: ## Take the pictures of docs/images anew (PICTURES="home-en-light fields" takes some)
	@.ci/install requirements-dev.lock
	@$(PYTHON) -m pytest -q tests/pictures.py

mutate: ## Change the core in small ways and see whether a test notices
	@.ci/install requirements-dev.lock
	@$(PYTHON) -m mutmut run
	@$(PYTHON) -m mutmut results
