"""Does a manager that uses a node live through a fork, in the parent and in the child?

In a program of its own: where gRPC runs for others too, as in the tests' process, a fork ends the
child.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.cluster.node.running import Node

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.nodes

FORKS = """
import os, sys
import scalar_tx

T = "bank.account"
db = scalar_tx.connect(sys.argv[1])
db.admin.create_table(T, columns={"id": "INT", "n": "INT"}, partition_key=["id"])
db.upsert(T, {"id": 1, "n": 0})
open_one = db.begin()
open_one.get(T, {"id": 1})

def add():
    db.run(lambda tx: tx.update(T, {"id": 1}, {"n": tx.get(T, {"id": 1})["n"] + 1}))

for _ in range(3):
    add()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            add()
            code = 0
        finally:
            os._exit(code)
    assert os.waitpid(child, 0)[1] == 0, "the child failed"
try:
    open_one.get(T, {"id": 1})
except scalar_tx.ConflictError as error:
    print(error.code, db.get(T, {"id": 1})["n"])
db.close()
"""


def test_parent_and_child_go_on(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "2") as node:
        program = subprocess.run(
            [sys.executable, "-W", "error", "-c", FORKS, f"grpc://{node.where}"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
    assert (program.stdout, program.stderr, program.returncode) == ("STX-5065 6\n", "", 0)


IN_USE = """
import sys, threading
import scalar_tx

T = "bank.account"
db = scalar_tx.connect(sys.argv[1])
db.admin.create_table(T, columns={"id": "INT"}, partition_key=["id"])
told, busy = [], threading.Event()

def read():
    try:
        while True:
            db.get(T, {"id": 1})
            busy.set()
    except scalar_tx.ScalarTxError as error:
        told.append(error.code)

threads = [threading.Thread(target=read) for _ in range(4)]
for thread in threads:
    thread.start()
busy.wait(30)
db.close()
for thread in threads:
    thread.join(30)
print(set(told) <= {"STX-3044", "STX-5065"}, len(told))
"""


def test_who_uses_a_manager_that_is_closed_is_told(tmp_path: Path) -> None:
    with Node(tmp_path, "--workers", "1") as node:
        program = subprocess.run(
            [sys.executable, "-c", IN_USE, f"grpc://{node.where}"],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=150,
            check=False,
        )
    assert (program.stdout, program.stderr, program.returncode) == ("True 4\n", "", 0)
