# `make demo` and `make test` work on a fresh machine: they set everything up in .venv first.

BASE_PYTHON ?= python3
VENV := .venv
PYTHON := $(VENV)/bin/python
READY := $(VENV)/.ready
VISION := $(abspath build/vision)

# Where the demonstration and the training keep what they fetch and make.
DEMO_OUT ?= demo-out
PHOTOS ?= build/photos
WORK ?= build/train
STEPS ?= 20000

# Small equations in threads that wait for each other take four times as long (see child.py).
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help setup demo test check test-install test-slow test-fault report-reliability report-media report-ofx report-resolve report-models report-gpu report-picture proto train clean ofx bundle bundle-test lock audit licences
.DEFAULT_GOAL := help

help:
	@echo "make demo       restore short public clips, and compare with frames restored alone"
	@echo "make test       set up, then formatting, lint, types, import contracts and tests"
	@echo "make check      the same, without setting up"
	@echo "make test-install  install as the README says, with nothing else, and try what it says; three minutes"
	@echo "make test-slow  the tests that take minutes"
	@echo "make test-fault the tests that kill and break real processes; half an hour"
	@echo "make report-reliability  measure what the daemon promises, and print the table; an hour"
	@echo "make report-resolve  restore 86 situations of a timeline, and print what was read back; half an hour"
	@echo "make report-media  restore 278 combinations of containers and properties, and print what is lost; 15 minutes"
	@echo "make report-ofx  the OpenFX plugin in a strict host: times, faults, sanitizers, fuzz, colour; half an hour"
	@echo "make report-models  what bad weights can do, how close models are to the original ones, how steady; five minutes"
	@echo "make report-gpu  time, memory and precision of every large model on an NVIDIA card, in 8 minutes at most"
	@echo "make report-picture  what the picture is worth: every bar, measured, beside rivals; up to an hour"
	@echo "make ofx        the OpenFX plugin for Linux, Windows and macOS; ten minutes the first time"
	@echo "make bundle     a folder that runs without Python, in dist/answerprint; minutes"
	@echo "make bundle-test  the same, and its tests"
	@echo "make proto      generate the code of the daemon's protocol again, from proto/"
	@echo "make lock       resolve all dependencies again, and write them with their hashes to installer/lock"
	@echo "make audit      look up known vulnerabilities of all that the locks name"
	@echo "make licences   list the licence of every package that is installed"
	@echo "make train      train the embedded models again, from public photographs"
	@echo "make clean      remove .venv and all that was made"

setup: $(READY)

# PyTorch first and pinned: on a machine without a GPU pip would otherwise take gigabytes of CUDA libraries.
$(READY): pyproject.toml constraints.txt
	$(BASE_PYTHON) -m venv $(VENV)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt torch
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@# The tests of the OpenFX plugin compile it.
	command -v cc >/dev/null || $(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ofx]'
	@touch $@

# torchvision would break transformers where it was built for another torch, as on a machine without a GPU: so the tests
# that need it find it in a folder of its own.
$(VISION)/.ready: constraints.txt | $(READY)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-deps --upgrade --target $(VISION) \
		-c constraints.txt torchvision spandrel einops
	@touch $@

demo: $(READY)
	@echo "About five minutes on two cores. Fetched once: 2 MB of clips, and 64 MB of weights of a measure."
	$(PYTHON) -m answerprint.training.fetch clips
	-$(PYTHON) -m answerprint.training.fetch measures
	$(PYTHON) -m answerprint.metrics.demo --out $(DEMO_OUT)

test: $(READY) $(VISION)/.ready
	@$(MAKE) --no-print-directory check

check:
	$(PYTHON) -m ruff format --check
	$(PYTHON) -m ruff check
	$(PYTHON) -m mypy
	$(VENV)/bin/lint-imports
	ANSWERPRINT_TEST_VISION=$(wildcard $(VISION)) $(PYTHON) -m pytest -n auto --dist worksteal

test-install: $(READY)
	$(PYTHON) -m pytest -m "slow or not slow" tests/installer/test_readme.py

test-slow: $(READY)
	$(PYTHON) -m pytest -m slow

test-fault: $(READY)
	$(PYTHON) -m pytest -m "fault or not fault" tests/fault

# For less: make report-reliability REPORT="--kills 20"
report-reliability: $(READY)
	cd tests && $(abspath $(PYTHON)) -m fault.report $(REPORT)

# Every figure on the larger models; fetches the public clips the first time. For less: make report-models REPORT=equality
# Networks this small gain nothing from threads.
report-models: $(READY)
	cd tests && OMP_NUM_THREADS=1 $(abspath $(PYTHON)) -m backends.report_models $(REPORT)

# On a machine with an NVIDIA card; nothing is fetched but the packages of `make setup`. Every row is in the folder as
# soon as it is measured. To try it anywhere: make report-gpu REPORT="--tiny --device cpu"
GPU_OUT ?= $(abspath build/report-gpu)
report-gpu: $(READY)
	cd tests && $(abspath $(PYTHON)) -m gpu.report --out $(GPU_OUT) $(REPORT)

# What the default is chosen and judged by. For less: make report-picture REPORT="--quick" or REPORT="--only noise,black"
report-picture: $(READY)
	cd tests && $(abspath $(PYTHON)) -m picture.report $(REPORT)

# What survives of files, in every container and form. For less: make report-media REPORT="--few --frames 0"
report-media: $(READY)
	cd tests && OMP_NUM_THREADS=1 SVT_LOG=1 $(abspath $(PYTHON)) -m media.matrix $(REPORT)

# The plugin in a strict host. For less: make report-ofx REPORT="--only render,faults"
report-ofx: $(READY)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ofx]'
	cd tests && OMP_NUM_THREADS=1 $(abspath $(PYTHON)) -m ofx.report $(REPORT)

report-resolve: $(READY)
	cd tests && $(abspath $(PYTHON)) -m resolve.matrix $(REPORT)

LOCK := installer/lock
UV = $(VENV)/bin/uv
# A folder or page with PyTorch's wheels for machines without a card; the ones that are there get into the lock.
TORCH_CPU ?= $(PIP_FIND_LINKS)
COMPILE = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --constraint constraints.txt \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)
CPU = --override $(LOCK)/torch-cpu.in $(addprefix --find-links ,$(TORCH_CPU))

# To take newer versions of what constraints.txt leaves open: make lock UPGRADE=1
lock: $(READY)
	$(COMPILE) pyproject.toml --output-file $(LOCK)/cuda.txt
	$(COMPILE) pyproject.toml $(CPU) --output-file $(LOCK)/cpu.txt
	$(COMPILE) pyproject.toml --extra dev --extra bundle $(CPU) --output-file $(LOCK)/dev-cpu.txt
	$(COMPILE) $(LOCK)/vision.in --no-deps --output-file $(LOCK)/vision.txt

# These two programs run in environments of their own, so that neither they nor what they need is listed. An audit that
# cannot look a package up fails.
audit: $(READY)
	for each in cuda cpu dev-cpu vision; do \
		$(UV) tool run --from pip-audit==2.10.1 pip-audit --strict --disable-pip --require-hashes -r $(LOCK)/$$each.txt || exit 1; \
	done

licences: $(READY)
	$(UV) tool run --from pip-licenses==5.5.5 pip-licenses --python=$(PYTHON) --order=license --with-urls

proto: $(READY)
	$(PYTHON) -m grpc_tools.protoc -I proto --python_out=daemon --pyi_out=daemon --grpc_python_out=daemon \
		$$(find proto -name '*.proto')

train: $(READY)
	$(PYTHON) -m answerprint.training.fetch photos --out $(PHOTOS)
	$(PYTHON) -m answerprint.training.restorer --photos $(PHOTOS) --work $(WORK)
	$(PYTHON) -m answerprint.training.train --photos $(PHOTOS) --work $(WORK) --steps $(STEPS)
	$(PYTHON) -m answerprint.training.fetch measures
	$(PYTHON) -m answerprint.training.distil swift-x4 --photos $(PHOTOS) --work $(WORK)
	$(PYTHON) -m answerprint.training.distil swift-x4-draft --photos $(PHOTOS) --work $(WORK)

# The compiler builds its runtimes the first time, and keeps them in build/.
ofx: $(READY)
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ofx]'
	$(PYTHON) installer/plugin.py

BUNDLE := dist/answerprint

# For the oldest system that is to run it, build on that system: its C library is the least that the bundle needs.
bundle: $(READY) ofx
	$(PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[bundle]'
	$(PYTHON) -m PyInstaller --noconfirm --log-level WARN --distpath dist --workpath build/bundle installer/answerprint.spec
	$(PYTHON) installer/measure.py $(BUNDLE)

bundle-test: bundle
	ANSWERPRINT_BUNDLE=$(abspath $(BUNDLE)) $(PYTHON) -m pytest -m slow tests/installer

clean:
	rm -rf $(VENV) build dist daemon/answerprint/ofx/plugin $(DEMO_OUT) .pytest_cache .mypy_cache .ruff_cache .hypothesis
