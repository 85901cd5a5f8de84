# testzone: build, run, test and measure. `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
GO ?= go
UI := web/ui
FUZZTIME ?= 60s
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2

# Packages in which goroutines share state: their tests also run under the race detector.
RACE := ./vehicles ./geofence/... ./airspace/... ./telemetry/... ./web/...

.DEFAULT_GOAL := help
.PHONY: help run build test race lint fuzz ui sim deps bench bench-control bench-e2e bench-fence bench-mavlink bench-permits bench-platform bench-routes

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-14s %s\n", $$1, $$2}'

run: build ## build everything and start the demo zone
	./bin/testzone demo

build: ui ## build the one binary, UI included, into bin/
	$(GO) build -trimpath -o bin/testzone ./cmd/testzone

ui: $(UI)/dist/index.html ## build the browser page that the binary embeds

$(UI)/node_modules/.package-lock.json: $(UI)/package-lock.json
	cd $(UI) && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(UI)/dist/index.html: $(UI)/node_modules/.package-lock.json $(UI)/index.html $(UI)/vite.config.ts $(shell find $(UI)/src $(UI)/public -type f 2>/dev/null)
	cd $(UI) && npm run --silent build
	@touch $@

# On Debian as root the browser for the tests installs itself; elsewhere it is asked for.
deps:
	@if ! command -v chromium >/dev/null; then \
	  if command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	    apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-noto-cjk >/dev/null; \
	  else echo 'the browser tests need Chromium as "chromium" on the PATH: install it and run make test again' >&2; exit 1; fi; fi

test: deps ui lint ## every test: Go, race detector, fuzzing, TypeScript, real browser
	cd $(UI) && npm run --silent check && npm run --silent test
	$(GO) test -timeout 60m ./...
	$(MAKE) --no-print-directory race
	$(MAKE) --no-print-directory fuzz FUZZTIME=5s

race: ## tests of the concurrent packages under the race detector
	$(GO) test -race -timeout 20m $(RACE)

lint: ## go vet, staticcheck, gofmt, module file
	$(GO) vet ./...
	$(GO) run $(STATICCHECK) ./...
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt would change:'; gofmt -l $$(git ls-files '*.go'); exit 1; }

# Up to Go 1.26 the end of -fuzztime itself can be reported as a failure, with no
# input (golang/go#75804): such a run is made once more. A finding always says "Failing input".
fuzz: ## fuzz every byte parser (FUZZTIME=60s each)
	@set -e; out=$$(mktemp); trap 'rm -f '$$out EXIT; \
	for pkg in $$($(GO) list ./...); do \
	  for target in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
	    echo "fuzz $$pkg $$target $(FUZZTIME)"; \
	    run() { $(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 20x $$pkg >$$out 2>&1; }; \
	    run || { grep -q '^ *context deadline exceeded$$' $$out && ! grep -q 'Failing input' $$out && \
	      echo "fuzz $$target: its time ended within a run, once more" && run; } || { cat $$out; exit 1; }; \
	  done; done

sim: build ## load generator: 1,000 vehicles at 10 Hz to the demo's open listener
	./bin/testzone sim --vehicles 1000 --rate 10

bench: bench-fence bench-mavlink bench-platform bench-control bench-permits bench-routes bench-e2e ## every figure of the README: `<name> <value> <unit>` lines

# $(call figures,package,test): builds the package's tests and runs the one that
# measures; only its figure lines go to standard output.
figures = @mkdir -p bin && $(GO) test -c -o bin/figures.test ./$(1) && cd $(1) && \
	$(CURDIR)/bin/figures.test -test.run '^$(2)$$' -test.timeout 30m -figures | grep --line-buffered -E '^[a-z0-9]+/'

bench-e2e: ui ## datagram to track, breach to websocket, frames accounted for
	$(call figures,cmd/testzone,TestEndToEndFigures)

bench-control: ui ## orders over bad links, breach to order, interference, plans, the rules of safety under attack
	$(call figures,telemetry/command,TestOrderFigures)
	$(call figures,cmd/testzone,TestBulkClearFigures)
	$(call figures,telemetry/sim,TestInterferenceFigures)
	$(call figures,telemetry/command/ladder,TestLadderFigures)
	$(call figures,telemetry/mavlink/dialogue,TestPlanFigures)
	$(call figures,telemetry/priority,TestPriorityFigures)
	$(call figures,cmd/testzone,TestSafety)

bench-fence: ## one step of the fence engine beside a bare R-tree search
	$(call figures,geofence,Test((Separation)?Figures|OracleMismatches))

bench-permits: ## which volumes in space and time meet: queries beside one R-tree and a loop, and against an oracle; bookings
	$(call figures,airspace/volumes,TestIndexFigures)
	$(call figures,airspace,TestBookingFigures)
	$(call figures,airspace,Test(CheckFigures|DoubleApprovals))
	$(call figures,airspace/permit,TestUnreviewedEffective)
	$(call figures,web,TestPermitJourney)
	$(call figures,cmd/testzone,TestPermitEffect)

bench-mavlink: ## receiving beside the bare kernel and gomavlib, floods, replays, soak
	$(call figures,telemetry/mavlink,TestFigures.*)

bench-platform: ## what must survive: the journal under kills, power losses, damage, full disks; a decision over HTTP
	$(call figures,telemetry/journal,TestFigures.*)
	$(call figures,telemetry/audit,TestAuditFigures)
	$(call figures,telemetry/recording,TestRecordingFigures)
	$(call figures,web,Test((Platform|Auth)Figures|Matrix|Attacks|Revocation))

bench-routes: ## ways of 10 km among fences: time, length over the shortest, breaches
	$(call figures,airspace/route,TestRouteFigures)
