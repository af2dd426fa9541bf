# The workshop: make help lists what there is to do.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

export CGO_ENABLED ?= 0
GO       ?= go
TOOL     := $(GO) tool -modfile=.tools/go.mod
LDFLAGS  := -s -w
BINARIES := doord doorsim doorctl doorcloud
# Where make demo keeps its state; a directory of its own each time if not given.
DIR      ?=
# Seed of make sim; a failure prints the one to repeat it with.
SEED     ?=
# Installs Debian packages, of which one has the command: needs,COMMAND,PACKAGES
needs     = @command -v $(1) >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends $(2) >/dev/null; }
# How long make fuzz runs each target.
FUZZTIME ?= 20s

.PHONY: help demo build arm test sim golden fuzz bench lint cover hw e2e deb sbom ci

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: build ## play a morning at two doors, then stay until Ctrl-C (ONCE=1 ends after it)
	@dir="$(DIR)"; if [ -z "$$dir" ]; then dir=$$(mktemp -d); trap 'rm -rf "$$dir"' EXIT; fi; \
	bin/doorsim --dir "$$dir" --demo $(if $(ONCE),--once)

build: ## build the programs into bin/
	@mkdir -p bin
	$(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/ $(BINARIES:%=./cmd/%)

arm: ## build the firmware for the boards: arm64, arm v7, amd64
	@for target in arm64 arm amd64; do \
		mkdir -p bin/linux-$$target; \
		GOOS=linux GOARCH=$$target GOARM=7 $(GO) build -trimpath -ldflags '$(LDFLAGS)' -o bin/linux-$$target/ ./cmd/doord ./cmd/doorctl; \
		ls -l bin/linux-$$target | awk -v t=$$target 'NR > 1 {printf "  linux/%-6s %-8s %5.1f MB\n", t, $$9, $$5 / 1e6}'; \
	done

test: ## run all tests, with the race detector
	$(call needs,cc,gcc libc6-dev)
	CGO_ENABLED=1 $(TOOL) gotestsum --format pkgname -- -race -shuffle=on -timeout 15m ./...
	$(GO) test -run Allocat ./store ./policy/... # what the race detector's own allocations hide

sim: ## walk at random through the core (SEED= repeats a walk)
	$(GO) test ./sim -run Walk -v $(if $(SEED),-seed=$(SEED))

golden: ## rewrite the golden traces; commit only differences you can explain
	$(GO) test ./sim -run Traces -rewrite
	$(GO) test ./cmd/internal/daemon -run TheDaemonDoesWhatTheCoreDoes -rewrite

fuzz: ## fuzz everything that reads bytes from outside, FUZZTIME each
	@$(GO) list -f '{{if .TestGoFiles}}{{.ImportPath}}{{end}}{{if .XTestGoFiles}} {{.ImportPath}}{{end}}' ./... | tr ' ' '\n' | sort -u | while read -r pkg; do \
		[ -n "$$pkg" ] || continue; \
		$(GO) test -list '^Fuzz' "$$pkg" | { grep '^Fuzz' || true; } | while read -r target; do \
			echo "$$pkg $$target"; $(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x "$$pkg"; \
		done; \
	done

bench: ## measure: ratios against a named floor in the same run
	$(GO) test -run '^$$' -bench . -benchmem -timeout 60m ./...

lint: ## check style, imports and exhaustiveness
	$(TOOL) golangci-lint run ./...

cover: ## which lines the tests run
	$(call needs,cc,gcc libc6-dev)
	CGO_ENABLED=1 $(GO) test -coverprofile=coverage.out -coverpkg=./... ./... >/dev/null
	$(GO) tool cover -func=coverage.out | tail -n 1

hw: ## boot doord on Debian's arm64 kernel in an emulator: wires, power cuts, a disk that hangs
	$(GO) run ./cmd/internal/board/hw

e2e: ## have the place service's clients use it: a browser, the vendor's JavaScript client, curl
	$(call needs,npm,nodejs npm)
	$(call needs,curl,curl)
	$(call needs,chromium,chromium)
	cd cmd/internal/place/e2e && npm ci --ignore-scripts --no-audit --no-fund --silent
	$(GO) test -tags e2e -count=1 -v ./cmd/internal/place/e2e

deb: ## build the Debian packages, and install, upgrade and remove one in an empty root
	cmd/doord/package/deb.sh bin/deb
	cmd/doord/package/check.sh

sbom: ## write what the firmware is made of, as CycloneDX
	cmd/doord/package/sbom.sh bin

ci: build lint arm test e2e deb sbom hw ## everything that must hold, as .ci/run calls it
	$(MAKE) demo ONCE=1
