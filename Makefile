# Each target does its own set-up; the second time that costs nothing.
#   ARGS='...'   passed on to perigee (run) or pytest (test)
#   PYTHON=...   the Python that makes .venv, 3.11 to 3.13
#   SYSTEM=skip  go on without the system packages (no window will open)

PYTHON ?= python3
ARGS ?=
# Two at once: most of the time of the tests is waiting for processes that they start. ARGS="-n 0" for one, as pdb asks.
at_once = -n 2 --dist loadfile --no-loadscope-reorder
set_up = $(PYTHON) packaging/set_up.py $(if $(filter skip,$(SYSTEM)),--skip-system)

.PHONY: help setup run test soak test-gpu check schema screenshots pictures bench chroot-test clean

help:
	@echo 'make run          set up what is missing, then open Perigee (ARGS="monitor FILE --headless")'
	@echo 'make test         set up what is missing, then run every test (ARGS="tests/house -k pins")'
	@echo 'make soak         the tests that take minutes: 50 kills of a server, 500 of who writes an archive'
	@echo 'make test-gpu     the tests that want a GPU, on what there is of it; says which that was'
	@echo 'make check        lint, format, types, and the direction of imports'
	@echo 'make setup        set-up alone, with a tritonserver; looks at the system packages again'
	@echo 'make schema       write docs/schema from the types after a change that is meant'
	@echo 'make screenshots  take the pictures of docs/screenshots anew, on an X display of their own'
	@echo 'make pictures     draw the pictures of docs/simulator and docs/detection anew (ARGS="--real FOLDER": a real satellite, into FOLDER)'
	@echo 'make bench        measure, and write docs/benchmarks.md (ARGS="charts" measures that only, writes nothing)'
	@echo 'make chroot-test  prove run and test on a bare Debian 12 (root and debootstrap needed)'
	@echo 'make clean        remove .venv and every cache'

setup:
	@$(set_up) --triton

run:
	@$(set_up) --quick && exec .venv/bin/perigee $(ARGS)

test:
	@$(set_up) --quick --tests && QT_QPA_PLATFORM=offscreen exec .venv/bin/python -m pytest $(at_once) $(ARGS)

soak:
	@$(set_up) --quick --tests && QT_QPA_PLATFORM=offscreen exec .venv/bin/python -m pytest -m soak --timeout=3600 $(ARGS)

test-gpu:
	@$(set_up) --quick --tests && QT_QPA_PLATFORM=offscreen exec .venv/bin/python -m pytest -m gpu --timeout=1200 -s $(ARGS)

check:
	@$(set_up) --quick --tests
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports

schema:
	@$(set_up) --quick
	.venv/bin/python -c "import json; from app.cli.result import MonitorResult; \
	  print(json.dumps(MonitorResult.model_json_schema(mode='serialization'), indent=2))" > docs/schema/monitor.json
	.venv/bin/python -c "import json; from app.evaluation.result import EvaluationResult; \
	  print(json.dumps(EvaluationResult.model_json_schema(mode='serialization'), indent=2))" > docs/schema/evaluate.json
	.venv/bin/python -c "import json; from app.cli.doctor import DoctorResult; \
	  print(json.dumps(DoctorResult.model_json_schema(mode='serialization'), indent=2))" > docs/schema/doctor.json
	for name in install start stop status; do .venv/bin/python -c "import json, sys; from app.cli import tritonresult; \
	  result = getattr(tritonresult, sys.argv[1].capitalize() + 'Result'); \
	  print(json.dumps(result.model_json_schema(mode='serialization'), indent=2))" $$name > docs/schema/triton-$$name.json || exit 1; done
	for name in info verify compact repair publish; do .venv/bin/python -c "import json, sys; from app.cli.archive import results; \
	  result = getattr(results, sys.argv[1].capitalize() + 'Result'); \
	  print(json.dumps(result.model_json_schema(mode='serialization'), indent=2))" $$name > docs/schema/archive-$$name.json || exit 1; done

screenshots:
	@$(set_up) --quick --tests
	.venv/bin/python docs/screenshots/take.py

pictures:
	@$(set_up) --quick
	QT_QPA_PLATFORM=offscreen .venv/bin/python -m docs.simulator.draw $(ARGS)
	QT_QPA_PLATFORM=offscreen .venv/bin/python -m docs.detection.draw

bench:
	@$(set_up) --quick --tests
	.venv/bin/python -m benchmarks $(ARGS)

chroot-test:
	@packaging/chroot_test.sh $(ARGS)

clean:
	rm -rf .venv build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
