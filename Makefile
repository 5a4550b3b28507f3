# make run     build moonwire and serve this folder: phones, demo and all
# make test    install what the tests need, then run them all
# make help    list the rest

export GOTOOLCHAIN ?= local
export CGO_ENABLED ?= 0

GO   ?= go
ARGS ?=

# Loops over samples are a hundred times slower under the race detector and
# share nothing; they are tested without it.
SAMPLE_LOOPS = /core/media/(codec|dsp)(/|$$)
FUZZ_SECONDS ?= 2

.PHONY: run build test check test-samples test-race fuzz test-long bench sounds docs tools clean help

run: build ## build and serve this folder (ARGS="--log-level debug")
	./bin/moonwire serve $(ARGS)

build: ## build bin/moonwire
	@command -v $(GO) >/dev/null || { echo "make: Go is missing; see https://go.dev/doc/install" >&2; exit 1; }
	$(GO) build -trimpath -o bin/moonwire ./cmd/moonwire

test: tools check fuzz test-samples test-race ## everything that has to pass before a change goes in

check: ## vet and formatting
	$(GO) vet ./...
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; }

test-samples:
	$(GO) test $$($(GO) list ./... | grep -E '$(SAMPLE_LOOPS)')

test-race:
	CGO_ENABLED=1 $(GO) test -race -timeout 12m $$($(GO) list ./... | grep -vE '$(SAMPLE_LOOPS)')

fuzz: ## every fuzz test for FUZZ_SECONDS
	.ci/fuzz $(FUZZ_SECONDS)

test-long: tools check ## with the tests that take minutes, and longer fuzzing
	CGO_ENABLED=1 $(GO) test -race -tags long -timeout 60m ./...
	.ci/fuzz 60

bench: build ## measure, beside the bare limit of this machine (docs/performance.md)
	.ci/bench $(ARGS)
	.ci/bench-codecs

sounds: ## say every prompt again (needs festival and sox)
	sounds/make.sh

docs: build ## write docs/lua-reference.md and the types for editors again
	./bin/moonwire types --reference > docs/lua-reference.md
	./bin/moonwire types > lua/types/moonwire.lua

tools: ## install the programs that the tests talk to
	@.ci/tools

clean: ## remove what was built
	rm -rf bin

help:
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
