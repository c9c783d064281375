"""A child of fork uses connections of its own, and does not keep its parent's open."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import Write
from tests.storage.sql.stage import KINDS, mutate, opened, run

if TYPE_CHECKING:
    from tests.servers import Cluster

TABLE = Table("forks.accounts", TableSchema({"id": "INT", "n": "INT"}, ["id"]))

# The parent dies with a record locked; the child reads, and lives on.
DIES_WITH_A_LOCK = """
import json, os, signal, sys, threading, time
from tests.storage.sql.stage import opened

storage = opened(sys.argv[1], json.loads(sys.argv[2]))
storage.pool.read("SELECT 1")
locked = threading.Event()

def hold(wire):
    wire.count("UPDATE forks.accounts SET n=5 WHERE id=1")
    locked.set()
    time.sleep(120)

threading.Thread(target=storage.pool.transaction, args=(hold,), daemon=True).start()
assert locked.wait(30)
told, tells = os.pipe()
if os.fork() == 0:
    assert storage.pool.read("SELECT n FROM forks.accounts WHERE id=1") == [(0,)]
    print(os.getpid(), flush=True)
    os.write(tells, b"!")
    time.sleep(120)
    os._exit(0)
os.read(told, 1)
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.servers(*KINDS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_locks_of_a_parent_that_died_are_free_while_its_child_lives(
    kind: str, request: pytest.FixtureRequest
) -> None:
    server: Cluster = request.getfixturevalue(f"{kind}_server")
    storage = opened(kind, server.properties())
    run(storage.admin.drop_table(TABLE.name, if_exists=True))
    run(storage.admin.create_table(TABLE))
    mutate(storage, Write(TABLE, (1,), {"n": 0}))
    program = [sys.executable, "-c", DIES_WITH_A_LOCK, kind, json.dumps(server.properties())]
    child = 0
    try:
        with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as parent:
            assert parent.stdout is not None
            child = int(parent.stdout.readline())
            assert parent.wait(30) == -signal.SIGKILL
            mutate(storage, Write(TABLE, (1,), {"n": 1}))
            os.kill(child, 0)  # it lives
            os.kill(child, signal.SIGKILL)
    finally:
        with suppress(ProcessLookupError):
            if child:
                os.kill(child, signal.SIGKILL)
    assert run(storage.get(TABLE, (1,))) == {"id": 1, "n": 1}
    run(storage.admin.drop_table(TABLE.name))
    run(storage.close())
