# Everything that people and CI do with this repository. Needs a Rust toolchain; `setup` installs the rest.

SHELL := /bin/bash
.DEFAULT_GOAL := help

RELEASE := $(if $(CARGO_TARGET_DIR),$(CARGO_TARGET_DIR),target)/release/ibid
CACHE := $(CURDIR)/.cache
MODELS := $(CACHE)/models
CLIENTS := $(CACHE)/clients
MODEL := all-MiniLM-L6-v2
DEMO := $(CACHE)/demo
SUPPLY := $(CACHE)/supply
JOBS := 2

.PHONY: help setup build demo serve test contract test-kill torture test-models test-s3 supply audit sbom fuzz check fmt ui bench models clean

help: ## Says what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | sort

setup: ## Installs what is missing (Debian packages, as root or by sudo)
	@scripts/setup.sh

build: ## Builds the release binary
	cargo build --release --locked --package ibid

demo: setup build ## Ingests the sample corpus and the manual, asks three questions
	@scripts/demo.sh $(RELEASE) $(DEMO) $(MODELS)

serve: build ## Serves the demo's library as a page; prints the link that lets you in
	$(RELEASE) --data-dir $(DEMO) --set models.dir=$(MODELS) serve

models: ## Fetches the embedding model for tests and the demo
	@scripts/models.sh $(MODELS)

test: setup ## Runs every test
	@scripts/test.sh $(MODELS) $(CLIENTS)

test-kill: setup models ## Kills the program 200 times at random instants; nothing may be lost or doubled (minutes)
	IBID_TEST_MODELS=$(MODELS) IBID_KILLS=200 cargo nextest run --locked --package ibid --test kill --no-capture

torture: setup models ## Kills running flows 500 times, simulates 10,000 of them, kills backed-up libraries 200 times (minutes)
	IBID_TORTURE_KILLS=500 IBID_TORTURE_SEEDS=10000 cargo nextest run --locked --release --package ibid-flow --all-features \
	  --no-capture -E 'binary(crash) + binary(simulation)'
	IBID_BACKUP_KILLS=100 cargo nextest run --locked --release --package ibid-backup --no-capture -E 'binary(kill)'
	IBID_FLIPS=1000 IBID_TEST_MODELS=$(MODELS) cargo nextest run --locked --package ibid --test flips --no-capture

test-s3: setup ## Runs originals and backups in S3 against a real S3 server (fetches one)
	@scripts/test-s3.sh

contract: setup models ## Has Schemathesis look for answers that the API's description does not allow, SECONDS_MAX long (300 by default)
	@scripts/setup-clients.sh $(CLIENTS)
	IBID_TEST_MODELS=$(MODELS) IBID_TEST_CLIENTS=$(CLIENTS) IBID_CONTRACT_SECONDS=$(or $(SECONDS_MAX),300) cargo nextest run --locked --package ibid --test contract --no-capture

test-models: ## Runs the tests that need a chat model; says which server to start
	@scripts/test-models.sh

supply: setup ## Checks licences and sources of what is built in
	@scripts/supply.sh check $(SUPPLY)

audit: setup ## Compares what is built in with the known faults of RustSec's database (needs the network, or IBID_ADVISORIES)
	@scripts/supply.sh audit $(SUPPLY)

sbom: setup ## Prints the bill of materials (CycloneDX, JSON)
	@scripts/supply.sh bill $(SUPPLY)

fuzz: ## Looks for input that breaks a parser, led by coverage, MINUTES each (1 by default), of ENTRY alone if given; tries INPUT alone if given
	@scripts/setup.sh fuzz
	@scripts/fuzz.sh $(CACHE)/fuzz $(or $(MINUTES),1) $(ENTRY) $(INPUT)

check: fmt ## Format and lints, warnings as errors
	cargo clippy --workspace --all-targets --locked -- -D warnings

fmt:
	cargo fmt --all --check

ui: ## Builds the web page anew into ui/dist
	cd ui && npm ci --no-audit --no-fund && npm run check && npm run build

bench: setup build models ## Measures against the peers; writes docs/benchmarks.md's figures to the terminal
	@scripts/bench.sh $(RELEASE) $(MODELS)

clean: ## Removes what was built and fetched
	rm -rf target .cache ui/node_modules .venv
