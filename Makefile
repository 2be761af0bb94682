# Everything runs from .venv, which is built from requirements.lock. `make` alone lists the targets.
SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help .venv python system system-tests demo lab build verify tables check format quick test bench-grading attacks faults same-labs \
	fresh lock clean
unexport PYTHONHOME PYTHONPATH

BIN := .venv/bin
STAMP := .venv/.installed
PIP_INSTALL := -m pip install --no-cache-dir --no-compile -qq

# A file's tests stay together, for they share what they build.
WORKERS = --numprocesses=auto --dist=loadfile

# Programs get an empty HOME, so that neither the user's settings nor this run leave a trace in each other.
RUN = home=$$(mktemp -d) && trap 'rm -rf "$$home"' EXIT && \
	env -u XDG_CACHE_HOME -u XDG_CONFIG_HOME -u XDG_DATA_HOME -u XDG_STATE_HOME HOME="$$home"

FIND_PYTHON = for python in $(or $(PYTHON),python3.11 python3.12 python3.13 python3); do \
	if "$$python" -c 'import ensurepip, sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	then command -v "$$python"; exit; fi; done; \
	echo "No Python 3.11, 3.12 or 3.13 with its venv module was found: install one (Debian: apt-get install" \
	"python3-venv) or name it (make PYTHON=/path/to/python3.12)." >&2; exit 1

help: ## list the targets
	@awk -F ':.*## ' '/^[.a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.venv: $(STAMP) ## install the exact versions of requirements.lock into .venv (about 1.9 GB, 2 minutes)

$(STAMP): requirements.lock pyproject.toml
	@python=$$($(FIND_PYTHON)) && echo "[1/5] .venv for $$("$$python" -V)" && \
	{ $(BIN)/python -c 'import pip' 2>/dev/null || "$$python" -m venv --clear .venv; }
	@echo "[2/5] torch" # alone and first: whatever build of it is chosen satisfies the rest
	@$(BIN)/python $(PIP_INSTALL) --constraint requirements.lock torch
	@echo "[3/5] the other packages of requirements.lock"
	@$(BIN)/python $(PIP_INSTALL) --requirement requirements.lock
	@echo "[4/5] byte code" # on all cores, where pip uses one; a file that is no valid Python does not matter
	@$(BIN)/python -m compileall -q -j 0 .venv/lib >/dev/null || true
	@echo "[5/5] the course itself"
	@$(BIN)/python $(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@$(BIN)/python -m pip check
	@touch $@

python: # print the Python that .venv will be made with
	@$(FIND_PYTHON)

# $(call apt_install,PACKAGES,PURPOSE)
define apt_install
@[ "$$(uname)" = Linux ] || exit 0; missing=; for package in $(1); do \
	[ "$$(dpkg-query -W -f '$${db:Status-Status}' "$$package" 2>/dev/null)" = installed ] || \
	command -v "$${package/bubblewrap/bwrap}" >/dev/null || missing="$$missing $$package"; done; \
[ -n "$$missing" ] || exit 0; \
if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	echo "Installing Debian packages:$$missing"; export DEBIAN_FRONTEND=noninteractive; \
	apt-get -qq update && apt-get -qq install -y --no-install-recommends -o DPkg::Lock::Timeout=120 $$missing \
		>/dev/null && exit 0; fi; \
echo "$(2) needs packages that are not here. As root, run: apt-get install$$missing"
endef

system: ## install what grading needs from Debian (bubblewrap), or say what to install
	$(call apt_install,bubblewrap,Grading a class)

system-tests: system # and what the browser tests need
	$(call apt_install,chromium fonts-dejavu-core postgresql,Testing in a browser and with a database server)

demo: .venv system ## play a class: release, three students, grading, feedback
	@$(RUN) $(BIN)/python -m autograder.demo lora

lab: .venv ## open JupyterLab at a page that lists the labs
	@exec $(BIN)/autograder lab

build: .venv ## compose the student edition (labs/) from course/ and solutions/
	@$(RUN) $(BIN)/autograder build

verify: .venv ## prove every exercise: right answers pass, wrong ones fail and are recognised
	@$(RUN) $(BIN)/autograder verify

tables: .venv ## print the tables of a lab's experiments: make tables LAB=pruning; also OPTIONS="--seeds 16"
	@$(BIN)/python -m solutions.tables $(LAB) $(OPTIONS)

check: .venv ## format, lint and types, changing nothing
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy

format: .venv ## format and mend what ruff can
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .

quick: check ## check and the fast tests
	@$(RUN) $(BIN)/python -m pytest $(WORKERS) -m "not slow"

test: .venv system-tests check same-labs verify ## everything that CI checks
	@$(RUN) $(BIN)/python -m pytest $(WORKERS)
	@$(MAKE) --no-print-directory demo

bench-grading: .venv system ## grade a class with stock nbgrader and with ours; also OPTIONS=--scale or --quick
	@$(RUN) $(BIN)/python -m tests.bench.grading $(OPTIONS)

attacks: .venv system ## try to cheat and to break the grader; exit 1 if an attack succeeds
	@$(RUN) $(BIN)/python -m tests.attacks $(OPTIONS)

faults: .venv system-tests ## kill, damage and exhaust what grades; exit 1 if work or a grade is lost; also OPTIONS=--quick
	@$(RUN) $(BIN)/python -m tests.faults $(OPTIONS)

same-labs: build
	@git --no-pager diff --exit-code --stat -- labs && [ -z "$$(git ls-files --others --exclude-standard -- labs)" ] || \
	{ git status --short -- labs; echo "labs/ is not what make build composes: run it and commit labs/."; exit 1; }

fresh: ## make demo and make test in a new clone of HEAD with an empty HOME
	@[ -z "$$(git status --porcelain)" ] || echo "Changes that are not committed are left out."
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && mkdir "$$folder/home" && \
	git clone --quiet . "$$folder/clone" && \
	export HOME="$$folder/home" && unset XDG_CACHE_HOME XDG_CONFIG_HOME XDG_DATA_HOME XDG_STATE_HOME VIRTUAL_ENV && \
	$(MAKE) --no-print-directory -C "$$folder/clone" demo && $(MAKE) --no-print-directory -C "$$folder/clone" test

lock: ## write requirements.lock anew: newest versions, torch as locked (or: make lock TORCH=2.13.0)
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && python3.11 -m venv "$$folder/venv" && \
	torch=$(or $(TORCH),$$(sed -n 's/^torch==//p' requirements.lock)) && python="$$folder/venv/bin/python" && \
	"$$python" $(PIP_INSTALL) "torch==$$torch" && \
	"$$python" -c 'import tomllib; project = tomllib.load(open("pyproject.toml", "rb"))["project"]; \
		print(*project["dependencies"], *project["optional-dependencies"]["dev"], sep="\n")' >"$$folder/wanted" && \
	"$$python" $(PIP_INSTALL) "torch==$$torch" --requirement "$$folder/wanted" && "$$python" -m pip check && \
	{ echo "# Written by make lock; installed by make, torch first. Not by hand."; \
	"$$python" -m pip freeze --all --exclude pip | sed 's/+[a-z0-9.]*$$//' | grep -vE '^(cuda|nvidia|triton)[-=]' | \
	LC_ALL=C sort -f; } >"$$folder/lock" && cp "$$folder/lock" requirements.lock

clean: ## remove .venv and caches; work/ and build/ (the gradebook) stay
	@rm -rf .venv .mypy_cache .pytest_cache .ruff_cache dist
	@find . -name __pycache__ -not -path './work/*' -prune -exec rm -rf {} +
