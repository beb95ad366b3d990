# The one place that knows how things are run. `make help` lists them.

PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
DEMO := .mapgen/demo
SCENARIO := .mapgen/scenario

export PIP_DISABLE_PIP_VERSION_CHECK := 1
# Many short processes run mapgen: it is compiled once, whatever the surroundings ask for.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | sort | column -t -s "$$(printf '\t')" 2>/dev/null \
		|| grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit("mapgen needs Python 3.11 or newer, this is " + sys.version.split()[0] if sys.version_info < (3, 11) else 0)'
	@echo "making the environment in .venv (once)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --quiet --no-compile --constraint constraints.txt --editable '.[dev]'
	@touch $@

.PHONY: demo
demo: $(READY) ## see the product work: check, generate, deliver 225 orders, keep a shop and its ERP alike for two hours
	@echo "== checking the specs" && $(BIN)/mapgen check
	@echo "== is generated/ fresh?" && $(BIN)/mapgen generate --check
	@mkdir -p $(DEMO)
	@echo "== delivering orders to a sandbox tenant"
	@$(BIN)/mapgen sandbox --seed specs/shopify/samples/tenant.json --state $(DEMO)/tenant.db -- \
		$(BIN)/mapgen run shopify_orders --input specs/shopify/samples/orders.jsonl --env local \
		--state sqlite:///$(DEMO)/ledger.db --log $(DEMO)/events.jsonl || test $$? -eq 1
	@echo
	@echo "== two hours of a shop's day: mapgen serve between the shop and the tenant"
	@$(BIN)/python -m tests.scenario short --folder $(SCENARIO)
	@echo "  specs/shopify/orders.maps.yaml              the spec, in four sections"
	@echo "  generated/shopify_orders/transformer.py     what it becomes"
	@echo "  generated/shopify_orders/SHOPIFY_ORDERS.md  the mapping as a table"
	@echo "  $(DEMO)/events.jsonl                   what happened to the 225 orders, one by one"
	@echo "  make demo                                   once more: of the 225, nothing is created twice"
	@echo "  make demo-clean                             forget tenants and ledgers"
	@echo "  make scenario                               ten hours, in which mapgen serve is killed, too"

.PHONY: scenario
scenario: $(READY) ## ten hours of a shop's day in five minutes: outages, kills, a replay, and the books at its end
	@$(BIN)/python -m tests.scenario long --folder $(SCENARIO)

.PHONY: console
console: $(READY) ## the pages for operators, over what demo or scenario has left, until Ctrl-C
	@$(BIN)/python -m tests.scenario look --folder $(SCENARIO)

.PHONY: demo-clean
demo-clean: ## forget what the demo and the scenario have delivered
	@rm -rf $(DEMO) $(SCENARIO)

.PHONY: test
test: $(READY) ## everything that CI runs
	@$(MAKE) --no-print-directory --jobs 2 types compiled style imports fresh
	$(BIN)/pytest -n 4 --dist worksteal

.PHONY: deep
deep: $(READY) ## what chance tries in `make test`, DEPTH times as much of it (10)
	MAPGEN_TEST_DEPTH=$(or $(DEPTH),10) nice $(BIN)/pytest -n 2 --dist worksteal -m "hypothesis or chance" tests

.PHONY: faults
faults: $(READY) ## every trouble with both databases, 1 and 3 processes: what is sent, there, lost, doubled
	$(BIN)/python -m tests.faults.matrix

.PHONY: specs-proof
specs-proof: $(READY) ## make N whole specs at random (20,000): what check accepts generates, is typed, runs
	nice $(BIN)/python -m tests.specs_law $(or $(N),20000) $(or $(FIRST),0)

.PHONY: bench
bench: $(READY) ## measure: one table of ratios beside what is written by hand; see docs/performance.md
	@$(BIN)/python -m tests.bench

.PHONY: load
load: $(READY) ## what a document and a process cost, what 2 and 4 processes bring, 20,000 orders under a licence: the numbers of docs/operations.md
	@$(BIN)/python -m tests.bench.processes
	@$(BIN)/python -m tests.bench.licence

.PHONY: lint style types imports
lint: style types imports ## ruff, black, mypy --strict (product and generated code), the import rules

style: $(READY)
	$(BIN)/ruff check mapgen generated tests specs
	$(BIN)/black --check --quiet mapgen generated tests specs

types: $(READY)
	$(BIN)/mypy

imports: $(READY)
	$(BIN)/lint-imports

# Each process that runs tests reads all of them.
.PHONY: compiled
compiled: $(READY)
	@$(BIN)/pytest --collect-only -qq > /dev/null || true

.PHONY: fresh
fresh: $(READY) ## specs are right, and generated/ is what they say
	$(BIN)/mapgen check
	$(BIN)/mapgen generate --check

.PHONY: generate
generate: $(READY) ## compile the specs into generated/
	@$(BIN)/mapgen generate

.PHONY: docs
docs: $(READY) ## write the language reference and the editors' schemas from the compiler's own tables
	@$(BIN)/mapgen docs > docs/language.md
	@for kind in maps parts defaults environment connection overlay; do \
		$(BIN)/mapgen schema $$kind --output specs/$$kind.schema.json --force; done

.PHONY: format
format: $(READY) ## bring the code into its one form
	@$(BIN)/ruff check --fix --quiet mapgen tests specs
	@$(BIN)/black --quiet mapgen tests specs

.PHONY: clean
clean: ## remove what make has made
	@rm -rf .venv .mapgen build .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
