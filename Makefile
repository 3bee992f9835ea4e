# The two commands of a newcomer are `make run` and `make test`.

# Where `make run` keeps its development store.
DEV_STORE ?= ./data/dev.redb
CARGO ?= cargo
TARGET = $(or $(CARGO_TARGET_DIR),target)

.PHONY: run test test-full pgo sdk openapi bench bench-http bench-peers lint generate fmt

## Build the release binary and serve in development mode, with a demonstration workspace.
run:
	$(CARGO) build --release --locked
	./target/release/pai-authz serve --dev --demo --store redb:$(DEV_STORE)

## Everything that must hold: formatting, lints, unit, integration and doc tests, documentation.
test:
	./scripts/test

## The same with the full counts of what takes long.
test-full:
	PAI_AUTHZ_CRASH_KILLS=200 PAI_AUTHZ_FULL=1 ./scripts/test
	./scripts/fuzz 600

## The release binary laid out by how it ran, target/pgo/pai-authz: a batch takes two thirds of the time. See benches/README.md.
pgo:
	./scripts/pgo

## The vendor's official SDKs in target/sdk, for the tests that use them.
sdk:
	./scripts/sdk

## What is held against schema/openapi.json, in target/openapi.
openapi:
	./scripts/openapi

## Measure; see benches/README.md.
bench:
	$(CARGO) bench --locked

## Measure over HTTP beside the same server with a constant answer, on cores 0 and 1; see benches/README.md.
bench-http:
	$(CARGO) bench --locked --bench http

## Measure beside plain Cedar, casbin and Cerbos, on cores 0 and 1; see benches/peers/README.md. PEERS="--help" lists what it takes.
bench-peers:
	./scripts/peers
	$(CARGO) build --release --locked --target-dir $(TARGET)
	$(CARGO) build --release --locked --target-dir $(TARGET) --manifest-path benches/peers/Cargo.toml
	$(TARGET)/release/peers run --pai-authz $(TARGET)/release/pai-authz $(PEERS)

lint:
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings

fmt:
	$(CARGO) fmt

## Write what is generated: the Cedar schema and the policies of the built-in roles from schema/catalog, the manual of RAM rules from
## their comments, and its picture.
generate:
	$(CARGO) build --locked
	./target/debug/pai-authz schema > schema/pai.cedarschema.new
	mv schema/pai.cedarschema.new schema/pai.cedarschema
	for role in PAI.WorkspaceOwner PAI.WorkspaceAdmin PAI.AlgoDeveloper PAI.AlgoOperator PAI.LabelManager \
	  PAI.WorkspaceGuest PAI.MaxComputeDeveloper; do \
	  ./target/debug/pai-authz policy generate $$role > policies/roles/$$role.cedar.new && \
	  mv policies/roles/$$role.cedar.new policies/roles/$$role.cedar || exit 1; \
	done
	./target/debug/pai-authz ram rules --manual > docs/ram-rules.md.new && mv docs/ram-rules.md.new docs/ram-rules.md
	./target/debug/pai-authz ram lint docs/ram-lint/sample.json --color always 2>/dev/null | \
	  $(CARGO) run --quiet --locked --example picture > docs/ram-lint/sample.svg.new
	mv docs/ram-lint/sample.svg.new docs/ram-lint/sample.svg
