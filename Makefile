# Everything here needs only Go, make and a network; what needs more says so.

GO      ?= go
GOFLAGS ?= -trimpath
export GOFLAGS

BUILD    := build
TOOL     := $(GO) tool -modfile=tools/go.mod
BUDGET   ?= .ci/budget
FUZZTIME ?= 10s
BENCH    ?= .
COUNT    ?= 1
ARGS     ?=

# Packages in which goroutines meet.
RACE ?= ./broker/store/... ./broker/seal/... ./broker/token/... ./broker/ingest ./broker ./broker/web
# What one goroutine computes or asks after another, at length.
UNRACED ?= Identities|GrandBend|Examination|ConsentCase|CodeGuesses|HarnessOracles|RosterOracle|Welch|EveryRoute|TamperedBytes|FlippedBits|NightlyLoads|StudentTable

.DEFAULT_GOAL := help
.PHONY: help demo build test race check format generate generated styles pages harness trust fuzz bench redteam clean

help: ## say what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: build ## serve a made-up district and print a comparison, tokens and a curl for each role
	$(BUILD)/hallpass demo $(ARGS)

build: ## build hallpass and hallpass-verify into build/
	@mkdir -p $(BUILD)
	$(GO) build -o $(BUILD)/ ./cmd/...

test: ## run every test once
	$(GO) test -timeout 15m ./...

race: ## run the tests of the concurrent packages under the race detector (needs a C compiler)
	CGO_ENABLED=1 $(GO) test -race -short -timeout 15m -skip '$(UNRACED)' $(RACE)

check: generated ## format (gofumpt), vet, lint, generated files, and verify the modules
	@$(TOOL) golangci-lint fmt --diff > /dev/null || { echo "not formatted: make format does it"; exit 1; }
	$(GO) vet ./...
	$(TOOL) golangci-lint run
	$(GO) mod verify

format: ## write every Go file as make check wants it
	$(TOOL) golangci-lint fmt

generate: ## write generated files anew
	$(GO) generate ./...

generated: ## fail where make generate would change the Go file of a template
	@for source in $$(find . -name '*.templ'); do \
	  (cd $$(dirname $$source) && $(GO) tool -modfile=$(CURDIR)/tools/go.mod templ generate -include-version=false -stdout -f $$(basename $$source)) \
	    | diff -q - $${source%.templ}_templ.go > /dev/null || { echo "$$source has changed: make generate writes its Go file"; exit 1; }; \
	done

styles: ## compile the style of the family pages anew (needs Node and npm)
	cd tools/css && npm ci --no-audit --no-fund && npm run styles

pages: $(BUILD)/axe.min.js ## write a picture of every page into build/pages (needs chromium)
	@mkdir -p $(BUILD)/pages
	HALLPASS_SHOTS=$(CURDIR)/$(BUILD)/pages $(GO) test -count 1 -run 'Looks$$' -v ./broker/pages

harness: ## run the long tests at the size of BUDGET (.ci/budget)
	@./.ci/harness $(BUDGET)

trust: ## run the long tests and the fuzz targets at full size and print a dated summary (hours)
	@./.ci/harness .ci/trust
	@$(MAKE) --no-print-directory fuzz FUZZTIME=5m

fuzz: ## run each fuzz target for FUZZTIME (10s)
	@./.ci/fuzz $(FUZZTIME)

bench: $(BUILD)/opa ## print goal and measured beside the peer of each bench (BENCH=regexp COUNT=n)
	HALLPASS_BENCH=1 HALLPASS_BENCH_OPA=$(CURDIR)/$(BUILD)/opa \
	  $(GO) test -timeout 60m -count $(COUNT) -run '^TestBench$$/$(BENCH)' -v ./broker/bench

redteam: ## attack a made-up district with partners' tokens at full count and write docs/redteam.md (hours)
	HALLPASS_REDTEAM=1 $(GO) test -timeout 24h -count 1 -run '^TestTheRedTeam$$' -v ./broker/redteam

$(BUILD)/opa: tools/opa/go.mod
	$(GO) build -modfile=tools/opa/go.mod -o $@ github.com/open-policy-agent/opa

# The accessibility checker of the browser tests, from the npm registry, by digest.
AXE := axe-core-4.14.1

$(BUILD)/axe.min.js:
	@mkdir -p $(BUILD)
	curl -sSf -o $(BUILD)/$(AXE).tgz https://registry.npmjs.org/axe-core/-/$(AXE).tgz
	echo "e6b0ce02b84d892e2e33e403485e7f3d6c29e2be6df65daf44d89ba564139745  $(BUILD)/$(AXE).tgz" | sha256sum -c -
	tar -xmzf $(BUILD)/$(AXE).tgz -C $(BUILD) --strip-components 1 package/axe.min.js

clean: ## remove build/
	rm -rf $(BUILD)
