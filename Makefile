# Every verb sets up what it needs first; run `make help` for the list.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help setup run test test-kubernetes bench check lab down purge status plane-up plane-down lock

help:           ## show this list
	@sed -n 's/^\([a-z-]*\): .*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 18

setup: $(VENV)/.ready   ## environment, JDK and Maven, engines
	@manifests/local/install_java.sh
	@$(BIN)/python -m carbonlib.local.setup

$(VENV)/.ready: requirements.lock pyproject.toml
	@echo "setting up the Python environment (about 350 MiB where pip has none of it yet)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check --progress-bar on --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -e .
	@touch $@

run: setup      ## deploy the platform here, move real prices, verify, write the report, leave it up
	@$(BIN)/carbon run deploy verify $(ARGS)
	@$(BIN)/carbon endpoints
	@echo "report:  reports/latest/index.html"
	@echo "next:    make lab (JupyterLab on the runbooks) · make status · make down"

# These bring up real engines behind the pods, or are what only `make test-kubernetes` has time for.
LONG := %/test_flink_operator.py %/test_flink_applications.py %/test_forwards.py %/test_doris.py
ON_PLANE := $(filter-out $(LONG),$(sort $(wildcard tests/plane/test_*.py)))

test: setup     ## the tests of the local target on real engines, and of the cluster's client on a real control plane
	@tests/browser/install_chromium.sh && tests/install_promtool.sh
	@$(MAKE) --no-print-directory check
	@$(BIN)/python -m pytest -v --durations=6 tests/modules tests/browser $(ARGS)
	@$(BIN)/python -m tests.plane build
	@$(BIN)/python -m pytest -v tests/manifests/test_valid.py tests/manifests/test_network.py tests/manifests/test_resource_table.py $(ARGS)
	@for file in $(ON_PLANE); do echo "$$file" && $(BIN)/python -m pytest $$file $(ARGS) || exit 1; done
	@$(BIN)/python -X faulthandler -m pytest -v --durations=12 tests/platform $(ARGS)

test-kubernetes: setup   ## the rest of the cluster's tests: a secured Kafka, engines behind pods, the notebooks on the control plane, operations
	@$(BIN)/python -m pytest -v --durations=12 tests/manifests tests/secured $(ARGS)
	@for file in $(filter-out $(ON_PLANE),$(wildcard tests/plane/test_*.py)); do $(BIN)/python -m pytest -v $$file $(ARGS) || exit 1; done
	@$(BIN)/python -m pytest -v --durations=12 tests/kubernetes $(ARGS)
	@$(BIN)/python -m pytest -v --durations=12 tests/operations $(ARGS)

bench: setup    ## CPU per message of each Flink job against a pass-through, on the running platform
	@$(BIN)/python -m pytest -s tests/bench $(ARGS)

check: $(VENV)/.ready   ## the quick tier: lint, types and tests without engines
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
	@$(BIN)/python -m carbonlib.runbook.tidy --check notebooks
	@$(BIN)/python -m pytest -n 4 --dist loadfile tests/unit tests/notebooks $(ARGS)

lab: setup      ## open JupyterLab on the runbooks
	@$(BIN)/jupyter lab --ServerApp.ip=127.0.0.1 --LabApp.news_url=None notebooks

status:         ## what every layer is doing
	@$(BIN)/carbon status

down:           ## stop the platform, keep its data
	@$(BIN)/carbon down

purge:          ## stop the platform and remove its data
	@$(BIN)/carbon down --purge

plane-up: $(VENV)/.ready   ## a real Kubernetes control plane with real engines behind its pods; built once, about 5 min
	@$(BIN)/python -m tests.plane up --engines $(ARGS)

plane-down: $(VENV)/.ready ## stop that control plane and what it started
	@$(BIN)/python -m tests.plane down $(ARGS)

lock: $(VENV)/.ready   ## resolve the Python versions anew, with hashes
	@$(BIN)/python -m pip install -q pip-tools
	@$(BIN)/pip-compile -q --extra test --generate-hashes --strip-extras --allow-unsafe --no-emit-index-url --no-emit-find-links -o requirements.lock pyproject.toml
