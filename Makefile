# Every target makes the virtual environment .venv by itself. Paths are relative, so that a
# checkout in a folder with spaces works too.

VENV := .venv
PY := $(VENV)/bin/python
# Which Python makes the environment; `make test PYTHON=/opt/python/bin/python3` names another.
PYTHON ?=
PYTEST_ARGS ?=
SEEDS ?= 200
FROM ?= 0
LEVEL ?=
WORKLOAD ?=
KILLS ?= 200
SEED ?=
SERVERS ?=
TRANSACTIONS ?= 20000
ONLY ?=
PAIRS ?= 5
SECONDS ?= 10
HISTORIES ?= build/chaos
TARGET ?=
STORAGE ?= sqlite
WORKERS ?=
EXAMPLES ?= 3000

.DEFAULT_GOAL := help
.PHONY: help demo auditor-demo node test check bench bench-node bench-cost simulate planted chaos fuzz abuse servers protos clean environment

help:
	@echo 'make demo       the tour: transfers, a killed process, recovery, an exact total     20 s'
	@echo 'make auditor-demo   the five services: keys, a node, a sample, a file altered      40 s'
	@echo 'make node       a node on this machine until ctrl-C, and what to open      some seconds'
	@echo '                  make node TARGET=sqlite:///shop.db WORKERS=2   or a properties file'
	@echo 'make test       every test that needs no server and no Java           up to 3 minutes'
	@echo '                  SCALAR_TX_STRICT=1 make test   everything, Java included    longer'
	@echo '                  make test PYTEST_ARGS="-k sqlite -x"   arguments for pytest'
	@echo 'make check      ruff, mypy, import-linter, what is in the wheel                1 minute'
	@echo 'make bench-cost what the library costs, and how long its import takes          1 minute'
	@echo 'make bench      beside the Java library, docs/performance.md:  3 hours      Java, Maven'
	@echo '                  goes on where it ended; make bench ONLY="ycsb-c-2_*" PAIRS=5 SECONDS=10'
	@echo 'make bench-node a node, docs/performance-node.md:               25 minutes  Java, Maven'
	@echo '                  goes on where it ended; make bench-node ONLY="node_goal_*"'
	@echo 'make simulate   seeded runs of the protocol with crashes:      3 minutes for 50000 seeds'
	@echo '                  make simulate SEEDS=50000 FROM=200 LEVEL=SNAPSHOT'
	@echo '                  make simulate WORKLOAD=two-phase   transactions in several processes'
	@echo 'make planted    after how many of them each planted bug is caught         10 minutes'
	@echo 'make chaos      kill -9 of writers on SQLite, 200 times:              up to 6 minutes'
	@echo '                  make chaos KILLS=60 SEED=7'
	@echo '                  make chaos SERVERS=all   of servers and writers:   20 minutes'
	@echo '                  make chaos SERVERS=node   of nodes and their workers, 300:  30 minutes'
	@echo '                  make chaos SERVERS=node STORAGE=postgresql KILLS=100   or multi'
	@echo '                  make chaos SERVERS=services   of the node of the services, 100: 15 minutes'
	@echo '                  make chaos SERVERS=services STORAGE=multi KILLS=20   Java, Maven'
	@echo '                  make chaos SERVERS="cassandra multi" TRANSACTIONS=4000   Java, Maven'
	@echo 'make fuzz       every request of a node, made of anything:        some minutes'
	@echo '                  make fuzz EXAMPLES=100000   so many for each stream'
	@echo 'make abuse      what others notice of one who abuses a node:          some minutes'
	@echo 'make servers    Cassandra, DynamoDB Local, PostgreSQL, MariaDB, until ctrl-C:  1 minute'
	@echo '                  make servers SERVERS="cassandra:3 dynamodb"      Java, Maven'
	@echo 'make protos     the modules of scalar_tx/cluster/rpc anew, from proto/          a second'
	@echo 'make clean      removes .venv, builds and caches'
	@echo
	@echo 'The first of them makes .venv (once, about a minute, needs the network).'

demo: environment
	@$(VENV)/bin/scalar-tx demo

auditor-demo: environment
	@$(VENV)/bin/scalar-auditor demo

node: environment
	@$(VENV)/bin/scalar-tx node $(if $(TARGET),--config '$(TARGET)') $(if $(WORKERS),--workers $(WORKERS))

# Tests start thousands of processes, none of which should compile all modules again.
test: export PYTHONDONTWRITEBYTECODE =
test: export PYTHONPYCACHEPREFIX = $(CURDIR)/build/bytecode
test: environment
	@$(PY) -m pytest --numprocesses auto --dist loadgroup $(PYTEST_ARGS)

check: environment
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports --no-cache
	$(PY) -m pytest tests/architecture

bench: environment
	@$(PY) -m bench figures $(if $(ONLY),--only '$(ONLY)') --pairs $(PAIRS) --seconds $(SECONDS); \
		measured=$$?; $(PY) -m bench report && exit $$measured

bench-node: environment
	@$(PY) -m bench node $(if $(ONLY),--only '$(ONLY)') \
		$(if $(filter file,$(origin PAIRS)),,--pairs $(PAIRS)) \
		$(if $(filter file,$(origin SECONDS)),,--seconds $(SECONDS)); \
		measured=$$?; $(PY) -m bench node-report && exit $$measured

bench-cost: environment
	@$(PY) -m bench

simulate: environment
	@$(PY) -m tests.simulation --seeds $(SEEDS) --from $(FROM) $(if $(LEVEL),--level $(LEVEL)) \
		$(if $(WORKLOAD),--workload $(WORKLOAD))

planted: environment
	@$(PY) -m tests.simulation.catch

chaos: environment
ifeq ($(SERVERS),)
	@$(PY) -m tests.chaos file --kills $(KILLS) $(if $(SEED),--seed $(SEED))
else ifeq ($(SERVERS),node)
	@$(PY) -m tests.chaos node --kills $(if $(filter file,$(origin KILLS)),300,$(KILLS)) \
		--storage $(STORAGE) $(if $(SEED),--seed $(SEED))
else ifeq ($(SERVERS),services)
	@$(PY) -m tests.chaos services --kills $(if $(filter file,$(origin KILLS)),100,$(KILLS)) \
		--storage $(STORAGE) $(if $(SEED),--seed $(SEED))
else
	@$(PY) -m tests.chaos servers --transactions $(TRANSACTIONS) $(if $(SEED),--seed $(SEED)) \
		$(addprefix --part ,$(filter-out all,$(SERVERS))) --keep $(HISTORIES)
endif

abuse: environment
	@ABUSE_RATIO=2 $(PY) -m pytest -m slow tests/cluster/abuse $(PYTEST_ARGS)

fuzz: environment
	@FUZZ_EXAMPLES=$(EXAMPLES) $(PY) -m pytest -m slow tests/fuzz $(PYTEST_ARGS)

servers: environment
	@$(PY) -m tests.servers $(SERVERS)

protos: environment
	@$(PY) proto/generate.py

clean:
	rm -rf $(VENV) build dist .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
	if [ -d tests ]; then find tests -name target -type d -prune -exec rm -rf {} +; fi

environment:
	@.ci/environment $(VENV) '$(PYTHON)'
