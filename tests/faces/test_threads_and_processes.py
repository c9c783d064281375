"""Threads share a manager, not a transaction; processes share neither."""

from __future__ import annotations

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import InvalidOperationError
from tests.faces import either
from tests.faces.either import url
from tests.faces.tables import ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["memory", "sqlite"])
def bank(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[scalar_tx.TransactionManager]:
    with scalar_tx.connect(url(request.param, tmp_path)) as db:
        db.admin.create_table(
            ACCOUNT, columns={"id": "INT", "balance": "BIGINT"}, partition_key=["id"]
        )
        db.load(ACCOUNT, [{"id": n, "balance": 100} for n in range(4)])
        yield db


def test_one_thread_at_a_time(bank: Any) -> None:
    storage: Any = either.parts(bank).context.storage
    call = storage.get
    reached, go_on = threading.Event(), threading.Event()

    async def held(*arguments: Any) -> Any:
        reached.set()
        assert go_on.wait(10)
        return await call(*arguments)

    storage.get = held
    tx = bank.begin()
    with ThreadPoolExecutor(1) as threads:
        first = threads.submit(tx.get, ACCOUNT, {"id": 1})
        assert reached.wait(10)
        for again in (
            lambda: tx.get(ACCOUNT, {"id": 2}),
            lambda: tx.upsert(ACCOUNT, {"id": 2, "balance": 0}),
            tx.commit,
            tx.rollback,
        ):
            with pytest.raises(InvalidOperationError, match="batch") as caught:
                again()
            assert caught.value.code == "STX-3041"
            assert "two threads" in caught.value.message
        go_on.set()
        assert first.result()["id"] == 1
    storage.get = call
    tx.update(ACCOUNT, {"id": 1}, {"balance": 5})  # and it goes on, on another thread
    tx.commit()
    assert bank.get(ACCOUNT, {"id": 1})["balance"] == 5
    assert bank.get(ACCOUNT, {"id": 2})["balance"] == 100


def test_threads_share_a_manager(bank: scalar_tx.TransactionManager) -> None:
    @bank.transactional(retry=scalar_tx.RetryPolicy(deadline=60, longest_pause=0.05))
    def move(tx: Any, source: int, to: int) -> None:
        payer, payee = tx.get(ACCOUNT, {"id": source}), tx.get(ACCOUNT, {"id": to})
        tx.update(ACCOUNT, {"id": source}, {"balance": payer["balance"] - 1})
        tx.update(ACCOUNT, {"id": to}, {"balance": payee["balance"] + 1})

    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(move, n % 4, (n + 1) % 4) for n in range(40)]:
            done.result()
    assert [r["balance"] for r in bank.scan(ACCOUNT, whole_table=True)] == [100] * 4


AFTER_A_FORK = """
import os, sys, scalar_tx
from scalar_tx import InvalidOperationError

db = scalar_tx.connect(sys.argv[1])
db.admin.create_table("bank.account", columns={"id": "INT", "n": "INT"}, partition_key=["id"])
db.upsert("bank.account", {"id": 1, "n": 0})
before = db.begin(id="before")
before.get("bank.account", {"id": 1})

@db.transactional
def add(tx):
    found = tx.get("bank.account", {"id": 1})
    tx.update("bank.account", {"id": 1}, {"n": found["n"] + 1})

held = db._register._lock  # as another thread may hold it at the moment of the fork
held.acquire()
child = os.fork()
if child == 0:
    refused = 0
    for call in (
        lambda: before.get("bank.account", {"id": 1}),
        lambda: before.upsert("bank.account", {"id": 2}),
        before.commit,
        before.rollback,
        lambda: add(before),
    ):
        try:
            call()
        except InvalidOperationError as error:
            refused += error.code == "STX-3042"
    try:
        db.resume("before")
    except scalar_tx.TransactionNotFoundError:
        refused += 1
    with db.transaction(id="before") as own:
        own.get("bank.account", {"id": 9})
    for _ in range(20):
        add()
    db.admin.create_table("bank.child", columns={"id": "INT"}, partition_key=["id"])
    db.close()
    os._exit(0 if refused == 6 else 1)
held.release()
for _ in range(20):
    add()
before.update("bank.account", {"id": 1}, {"n": -1})
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status
try:
    before.commit()
    raise SystemExit("the record has changed: this must be a conflict")
except scalar_tx.ConflictError:
    print(db.get("bank.account", {"id": 1})["n"], db.admin.tables("bank"))
db.close()
"""

AFTER_A_FORK_ON_THE_LOOP = """
import asyncio, os, sys, scalar_tx

db = scalar_tx.connect_async(sys.argv[1])

async def make():
    await db.admin.create_table("bank.account", columns={"id": "INT"}, partition_key=["id"])
    await db.upsert("bank.account", {"id": 1})
    return db.begin()

async def use(tx):
    try:
        await tx.get("bank.account", {"id": 1})
        return 1
    except scalar_tx.InvalidOperationError as error:
        if error.code != "STX-3042":
            return 2
    await db.upsert("bank.account", {"id": 2})
    await db.close()
    return 0

before = asyncio.run(make())
child = os.fork()
if child == 0:
    os._exit(asyncio.run(use(before)))
_, status = os.waitpid(child, 0)
assert os.waitstatus_to_exitcode(status) == 0, status

async def read():
    print([r["id"] for r in await db.scan("bank.account", whole_table=True, order_by=["id"])])
    await db.close()

asyncio.run(read())
"""


@pytest.mark.parametrize(
    "program,printed",
    [
        (AFTER_A_FORK, "40 ['bank.account', 'bank.child']"),
        (AFTER_A_FORK_ON_THE_LOOP, "[1, 2]"),
    ],
    ids=["blocking", "asyncio"],
)
def test_after_a_fork(tmp_path: Path, program: str, printed: str) -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            program,
            url("sqlite", tmp_path),
        ],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == printed
