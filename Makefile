# `make demo` and `make test` work in a fresh clone: they make their own virtual environment first.
PYTHON ?= python3
VENV ?= .venv
PANEL_VENV ?= .venv-panel
LABEL_VENV ?= .venv-label
DEPLOY_VENV ?= .venv-deploy
ZOO_VENV ?= .venv-zoo
# Processes that share the tests; each needs about 2 GB of memory.
WORKERS ?= logical
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help setup setup-panel setup-label setup-deploy setup-zoo demo docs docs-build release-figures \
	fuzz test test-panel test-label test-deploy test-zoo test-slicer lint types check zoo hugging-face dist \
	release-check clean

help:
	@echo "make demo    fuse a synthetic head: MR with CT, PET and SPECT, into demo/"
	@echo "make test    run all tests"
	@echo "make test-panel  run the tests of the Slicer panel, without Slicer"
	@echo "make test-label  run the tests of the MONAI Label app, on a real server"
	@echo "make test-deploy  run the tests of the MONAI Deploy application, with the real App SDK"
	@echo "make test-slicer SLICER=/path/to/Slicer  run the panel's own test in 3D Slicer, with pictures"
	@echo "make test-zoo    run the bundle with the packages that its metadata names, and no other"
	@echo "make docs    build the site of the documentation, and show it at http://127.0.0.1:8080"
	@echo "make docs-build  only build it, into site/"
	@echo "make release-figures  measure again what the pages say of speed and memory (an hour or more)"
	@echo "make fuzz    read 15 000 mutated inputs (a few minutes)"
	@echo "make lint    check style and formatting"
	@echo "make types   check types"
	@echo "make check   all of lint, types and test"
	@echo "make zoo     make the folder for a pull request to the MONAI Model Zoo, in build/zoo"
	@echo "make hugging-face  make the folder for a repository on Hugging Face, in build/hugging-face"
	@echo "make dist    build what is released: wheel, source archive and constraints, in dist/"
	@echo "make release-check TAG=v0.1.0  say where another version stands"
	@echo "make clean   remove the virtual environment and all that was made"

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@echo "Setting up $(VENV): Python environment with PyTorch and MONAI (a few minutes, once)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev]"
	@touch $@

demo: $(READY)
	@echo "Fusing a synthetic head on this machine (results in demo/)"
	@$(BIN)/mactfusion demo --output demo

test: $(READY)
	@echo "Running the tests"
	@$(BIN)/python -m pytest --numprocesses $(WORKERS) --maxprocesses 8 --dist worksteal \
		--timeout 1800 --durations 10

# Strict: a broken link or anchor, or a page that the navigation does not have, ends it. Nothing is
# fetched; Material's notice of other programs is left out.
MKDOCS := NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs

docs: $(READY)
	@echo "Building the site; then it is at http://127.0.0.1:8080 (Ctrl-C ends it)"
	@$(MKDOCS) serve --strict

docs-build: $(READY)
	@echo "Building the site into site/"
	@$(MKDOCS) build --strict

release-figures: $(READY)
	@echo "Measuring what the pages say of speed and memory; leave the machine alone meanwhile"
	@$(BIN)/python -m training.release_figures

# Another seed makes other inputs: make fuzz SEED=1
SEED ?= 0
fuzz: $(READY)
	@echo "Reading 15 000 mutated inputs"
	@OMP_NUM_THREADS=1 PYTHONPATH=monai_bundle:. $(BIN)/python -m tests.fuzz.run \
		--count 15000 --seed $(SEED) --keep fuzz

$(PANEL_VENV)/.ready:
	@echo "Setting up $(PANEL_VENV): MRML and Qt without the application (a few minutes, once)"
	@$(PYTHON) -m venv $(PANEL_VENV)
	@$(PANEL_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		slicer-core==5.12.4.0 PySide6-Essentials==6.8.3 pillow psutil pytest pytest-xdist numpy \
		pydicom==3.0.2
	@touch $@

setup-panel: $(PANEL_VENV)/.ready

test-panel: $(READY) $(PANEL_VENV)/.ready
	@echo "Running the panel's tests without the application"
	@$(PANEL_VENV)/bin/python -m pytest --confcutdir=tests/slicer --numprocesses $(WORKERS) \
		--maxprocesses 8 --dist loadfile --durations 10 tests/slicer

$(LABEL_VENV)/.ready: pyproject.toml constraints.txt monai_label/requirements.txt
	@echo "Setting up $(LABEL_VENV): MONAI Label's server (a few minutes, once)"
	@$(PYTHON) -m venv $(LABEL_VENV)
	@$(LABEL_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt -r monai_label/requirements.txt -e . pytest
	@$(LABEL_VENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
		monailabel==0.8.5 pydicom-seg==0.4.1
	@touch $@

setup-label: $(LABEL_VENV)/.ready

test-label: $(LABEL_VENV)/.ready
	@echo "Running the tests of the MONAI Label app on a real server"
	@$(LABEL_VENV)/bin/python -m pytest --durations 10 tests/monai_label

$(DEPLOY_VENV)/.ready: pyproject.toml constraints.txt monai_deploy/requirements.txt
	@echo "Setting up $(DEPLOY_VENV): the App SDK of MONAI Deploy (2 GB, a few minutes, once)"
	@$(PYTHON) -m venv $(DEPLOY_VENV)
	@$(DEPLOY_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c constraints.txt -r monai_deploy/requirements.txt -e . pytest
	@touch $@

setup-deploy: $(DEPLOY_VENV)/.ready

test-deploy: $(DEPLOY_VENV)/.ready
	@echo "Running the tests of the MONAI Deploy application with the App SDK"
	@$(DEPLOY_VENV)/bin/python -m pytest --durations 5 tests/monai_deploy

# The application, with a screen of its own where there is none. Its worker has the Python of this
# clone, so that nothing is installed into Slicer; OUTPUT gets pictures and outcome.json.
SLICER ?= Slicer
OUTPUT ?= slicer-test
XVFB := $(if $(DISPLAY),,xvfb-run -a -s "-screen 0 1600x1000x24")

test-slicer: $(READY)
	@echo "Testing the module in $(SLICER), with pictures in $(OUTPUT)/"
	@MACTFUSION_PYTHON="$(CURDIR)/$(BIN)/python" $(XVFB) "$(SLICER)" --testing --no-splash \
		--additional-module-paths "$(CURDIR)/MACTFusionSlicer" \
		--python-script "$(CURDIR)/MACTFusionSlicer/Testing/in_slicer.py" "$(OUTPUT)"

# Another Python: make test-zoo ZOO_PYTHON=python3.10
ZOO_PYTHON ?= $(PYTHON)

$(ZOO_VENV)/.ready: monai_bundle/configs/metadata.json
	@echo "Setting up $(ZOO_VENV): what the bundle's metadata names (a few minutes, once)"
	@$(ZOO_PYTHON) -m venv $(ZOO_VENV)
	@$(PYTHON) -c "import json; \
		m = json.load(open('monai_bundle/configs/metadata.json')); \
		own = {'monai': m['monai_version'], 'numpy': m['numpy_version'], 'torch': m['pytorch_version']}; \
		print(*(f'{n}=={v}' for n, v in {**own, **m['required_packages_version']}.items()), sep='\n')" \
		> $(ZOO_VENV)/requirements.txt
	@$(ZOO_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		-r $(ZOO_VENV)/requirements.txt
	@touch $@

setup-zoo: $(ZOO_VENV)/.ready

test-zoo: $(READY) $(ZOO_VENV)/.ready
	@echo "Running the bundle with the packages that its metadata names, on $$($(ZOO_VENV)/bin/python -V)"
	@$(BIN)/python -m pytest --durations 5 tests/zoo

lint: $(READY)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(READY)
	@$(BIN)/mypy

check: lint types test

zoo: $(READY)
	@rm -rf build/zoo
	@$(BIN)/python -m training.zoo --parent build/zoo

hugging-face: $(READY)
	@rm -rf build/hugging-face
	@$(BIN)/python -m training.hugging_face --parent build/hugging-face

# The versions that the tests passed with, whichever build of PyTorch it was.
dist: $(READY)
	@rm -rf dist
	@$(BIN)/python -m hatchling build -t sdist -t wheel -d dist
	@$(BIN)/python -m pip list --format=freeze --exclude-editable --disable-pip-version-check \
		| sed 's/+[a-z0-9.]*$$//' > dist/constraints.txt

# Of the release: make release-check TAG=v0.1.0
TAG ?=
release-check: $(READY)
	@$(BIN)/python -m training.release_check "$(TAG)"

clean:
	rm -rf $(VENV) $(PANEL_VENV) $(LABEL_VENV) $(DEPLOY_VENV) $(ZOO_VENV) demo build dist site
