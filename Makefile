# make run: everything, from a fresh clone with Python 3.11+ and Java 17+. make test: the tests, the same way.
# Plain POSIX make and sh.

VENV = .venv
BIN = $(VENV)/bin
# What the environment is made of: a change makes it anew, else a second run starts at once.
RUN_STAMP = $(VENV)/run.stamp
DEV_STAMP = $(VENV)/dev.stamp
# Two processes of tests (tests/conftest.py says which has what), for most tests wait. The longest come first.
PARALLEL = -n 2 --no-loadscope-reorder
UV_COMPILE = uv pip compile --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header \
	--generate-hashes --no-strip-extras

.PHONY: run setup test coverage test-faults soak lint bench screenshots graph settings alert-rules dashboard lock clean check-java

run: check-java $(RUN_STAMP)
	@exec $(BIN)/clickstream up

setup: $(RUN_STAMP)

test: check-java $(DEV_STAMP)
	$(BIN)/python -m pytest -m "not faults" $(PARALLEL) $(ARGS)

# Which branches the unit tests do not take.
coverage: $(DEV_STAMP)
	$(BIN)/python -m pytest -q tests/unit $(PARALLEL) --cov --cov-report=term $(ARGS)

test-faults: check-java $(DEV_STAMP)
	$(BIN)/python -m pytest -m faults $(ARGS)

# A live shop, a stream, and a fault every two minutes for 45: ARGS="--minutes 10 --every 40 --seed 7"
soak: check-java $(DEV_STAMP)
	$(BIN)/python tests/support/outages/soak.py $(ARGS)

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: check-java $(DEV_STAMP)
	$(BIN)/python -m benchmarks $(ARGS)

# The pictures of the README; needs Chromium.
screenshots: check-java $(DEV_STAMP)
	PYTHONPATH=tests/support $(BIN)/python scripts/screenshots.py

# The graph of the packages, as Mermaid and in docs/architecture.md.
graph: $(DEV_STAMP)
	@$(BIN)/python scripts/package_graph.py

# The limits of the checks, put into monitoring/alerts.yml.
alert-rules: $(DEV_STAMP)
	@PYTHONPATH=. $(BIN)/python scripts/alert_rules.py

# What README and .env.example say of the settings.
settings: $(DEV_STAMP)
	@$(BIN)/python scripts/settings_documents.py

# Grafana's dashboard, from the table in the script.
dashboard: $(DEV_STAMP)
	@$(BIN)/python scripts/grafana_dashboard.py

lock:
	$(UV_COMPILE) pyproject.toml -o requirements.lock
	$(UV_COMPILE) --group s3 --constraints requirements.lock -o requirements-s3.lock
	$(UV_COMPILE) --group dev pyproject.toml -o requirements-dev.lock

# The environment and the caches; the state in .clickstream stays.
clean:
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis build *.egg-info

check-java:
	@sh scripts/check-java.sh

# Python is looked for only where the environment is missing.
$(BIN)/python:
	@python=$$(sh scripts/find-python.sh) && echo "Making $(VENV) with $$python …" && \
	rm -rf $(VENV) && "$$python" -m venv $(VENV) || { \
	echo "make: the environment cannot be made (Debian and Ubuntu: install python3-venv)." >&2; \
	rm -rf $(VENV); exit 1; }

$(RUN_STAMP): requirements.lock pyproject.toml $(BIN)/python
	@echo "Installing the locked requirements (some minutes the first time) …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

$(DEV_STAMP): requirements-dev.lock $(RUN_STAMP)
	@echo "Installing the locked requirements of the tests …"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --use-pep517 --require-hashes -r requirements-dev.lock
	@touch $@
