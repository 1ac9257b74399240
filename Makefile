# Two commands: `make lab` brings up two regions and looks at them, `make test` runs everything that must pass.
# Everything is installed into a cache outside the checkout; `make down` removes the lab, `make clean` the cache too.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

export PSF_CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/psf-observatory
# The name holds the hash of what is in it, so a new clone uses what is there.
VENV := $(PSF_CACHE)/venv-$(shell cat requirements.txt requirements-go.txt requirements-uv.txt | sha256sum | cut -c1-12)
export PATH := $(VENV)/bin:$(PATH)
export ANSIBLE_CONFIG := $(CURDIR)/ansible.cfg
# Python compiles into the cache, not beside its sources: each start of Ansible takes half the time, and the checkout stays clean.
export PYTHONPYCACHEPREFIX := $(PSF_CACHE)/pycache
unexport PYTHONDONTWRITEBYTECODE
COLLECTION := collections/ansible_collections/psf/observatory
SCENARIOS ?= default faults

.PHONY: help lab down clean verify where preview lint unit sanity formats molecule proofs test test-grafana bench lock check record

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 22

$(VENV)/.complete:
	@tests/bootstrap.sh "$(VENV)"

lab: $(VENV)/.complete ## bring up two regions of hosts, install everything, assess, verify, say where to look
	@python molecule/lab make -i inventories/lab

verify: $(VENV)/.complete ## ask the running lab whether both regions are observed
	@ansible-playbook -i inventories/lab playbooks/verify.yml

where: $(VENV)/.complete ## say what runs where in the lab, and how to look at it
	@python molecule/lab where -i inventories/lab

preview: $(VENV)/.complete ## serve the lab's dashboards at 127.0.0.1:8300 (PSF_PREVIEW), and say the address
	@python molecule/lab preview -i inventories/lab

down: $(VENV)/.complete ## remove the lab: hosts, networks, keys, certificates
	@python molecule/lab down -i inventories/lab

clean: $(VENV)/.complete ## remove the lab, its image and the cache of artifacts and tools
	@python molecule/lab clean -i inventories/lab
	@rm -rf "$(PSF_CACHE)"

lint: $(VENV)/.complete ## yamllint, ruff, mypy, ansible-lint (production profile)
	@yamllint --strict .
	@ruff check .
	@mypy
	@ansible-lint --offline --strict

check: $(VENV)/.complete ## every law of dashboards, alerts, runbooks and metrics
	@python -m dashboards check

record: $(VENV)/.complete ## record metrics.sample from the running lab: SYSTEM="node systemd"
	@python molecule/lab/record.py -i inventories/lab $(or $(SYSTEM),$(error say which: make record SYSTEM=node))

unit: $(VENV)/.complete ## unit tests
	@tests/chromium.sh
	@pytest -q

sanity: $(VENV)/.complete ## ansible-test sanity of the collection
	@tests/sanity.sh "$(COLLECTION)"

formats: $(VENV)/.complete ## the formats of a governance report against their official models and schemas
	@tests/formats.sh "$(VENV)"

molecule: $(VENV)/.complete ## the Molecule scenarios: SCENARIOS="default faults"
	@for scenario in $(SCENARIOS); do echo "== molecule $$scenario"; molecule test -s $$scenario; done

# After the scenarios, which have the program of Loki made where nobody had it yet; `unit` leaves this out then, and says so.
proofs: $(VENV)/.complete ## every alert on logs, proven in a Loki of its own
	@PSF_LOKI_NEEDED=1 pytest -q tests/loki

test: lint unit sanity formats molecule proofs ## everything that must pass
	@echo "all passed: lint, unit tests, sanity, formats, molecule ($(SCENARIOS)), proofs of alerts on logs"

test-grafana: $(VENV)/.complete ## the tests of grafana_content on a real Grafana: GRAFANA_URL=... GRAFANA_USER=... GRAFANA_PASSWORD=...
	@: "$${GRAFANA_URL:?say which Grafana: one without content of worth, with an admin of the server}"
	@pytest -q $(COLLECTION)/tests/unit/plugins/module_utils/grafana

bench: $(VENV)/.complete ## tasks, round trips and seconds, as ratios to a baseline of the same run (needs the lab)
	@python benchmarks/unchanged_run.py
	@python benchmarks/targets.py
	@python benchmarks/preview.py
	@python benchmarks/grafana.py

lock: $(VENV)/.complete ## pin the tools anew
	@for file in requirements requirements-go requirements-uv requirements-formats; do \
	    uv pip compile -q --generate-hashes --python-version 3.11 --universal --no-header --no-annotate --upgrade $$file.in -o $$file.txt; done
