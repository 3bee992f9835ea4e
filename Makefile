# The two commands of a newcomer are `make run` and `make test`.

# Where `make run` keeps its development store.
DEV_STORE ?= ./data/dev.redb
CARGO ?= cargo

.PHONY: run test test-full sdk bench lint generate fmt

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

## The vendor's official SDKs in target/sdk, for the tests that use them.
sdk:
	./scripts/sdk

## Measure; see benches/README.md.
bench:
	$(CARGO) bench --locked

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
