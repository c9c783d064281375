"""Commits that return once they are decided: what do their callers notice, and what is left?"""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import RetryPolicy
from tests.faces.either import Face, entered, now, url
from tests.faces.tables import ACCOUNT, make_accounts

if TYPE_CHECKING:
    from pathlib import Path

ON = {"consensus_commit_async_commit_enabled": True}
PATIENT = RetryPolicy(deadline=60, longest_pause=0.02)


async def add(tx: Any, number: int) -> None:
    found = await now(tx.get(ACCOUNT, {"id": number}))
    await now(tx.update(ACCOUNT, {"id": number}, {"balance": found["balance"] + 1}))


@pytest.mark.parametrize("isolation", ["SERIALIZABLE", "SNAPSHOT", "READ_COMMITTED"])
async def test_one_after_the_other_they_never_conflict(
    face: Face, target: str, isolation: str
) -> None:
    async with entered(face.open(target, **ON)) as db:
        await make_accounts(db)
        for _ in range(60):
            await now(db.run(face.function(add), 1, isolation=isolation, retry=0))
            await now(db.delete(ACCOUNT, {"id": 2}))
            await now(db.insert(ACCOUNT, {"id": 2}))
        assert (await now(db.get(ACCOUNT, {"id": 1})))["balance"] == 160


async def test_a_reader_sees_what_was_just_committed(face: Face, target: str) -> None:
    async with entered(face.open(target, **ON)) as db:
        await make_accounts(db)
        for turn in range(60):
            await now(db.update(ACCOUNT, {"id": 1}, {"balance": turn}))
            for isolation in ("READ_COMMITTED", "SNAPSHOT", "SERIALIZABLE"):
                async with entered(db.transaction(isolation=isolation, read_only=True)) as tx:
                    assert (await now(tx.get(ACCOUNT, {"id": 1})))["balance"] == turn


def test_threads(tmp_path: Path) -> None:
    with scalar_tx.connect(url("sqlite", tmp_path), **ON) as db:
        asyncio.run(make_accounts(db, balance=0))

        @db.transactional(retry=PATIENT)
        def move(tx: Any, source: int, to: int) -> None:
            payer, payee = tx.get(ACCOUNT, {"id": source}), tx.get(ACCOUNT, {"id": to})
            tx.update(ACCOUNT, {"id": source}, {"balance": payer["balance"] - 1})
            tx.update(ACCOUNT, {"id": to}, {"balance": payee["balance"] + 1})

        with ThreadPoolExecutor(6) as threads:
            turns = [threads.submit(move, n % 3 + 1, (n + 1) % 3 + 1) for n in range(150)]
            for turn in turns:
                turn.result()
        assert [row["balance"] for row in db.scan(ACCOUNT, whole_table=True)] == [0, 0, 0]


async def test_tasks(face: Face, target: str) -> None:
    if face.is_blocking:
        return
    async with entered(face.open(target, **ON)) as db:
        await make_accounts(db, balance=0)
        await asyncio.gather(*(db.run(add, n % 3 + 1, retry=PATIENT) for n in range(90)))
        rows = await db.scan(ACCOUNT, whole_table=True)
        assert [row["balance"] for row in rows] == [30, 30, 30]


ENDS = """
import asyncio, sys, scalar_tx

connect = sys.argv[1]
how = dict(consensus_commit_async_commit_enabled=True)

def blocking(closes):
    db = scalar_tx.connect(sys.argv[2], **how)
    for number in range(100):
        db.upsert("bank.account", {"id": number})
    if closes:
        db.close()

async def on_the_loop(closes):
    db = scalar_tx.connect_async(sys.argv[2], **how)
    for number in range(100):
        await db.upsert("bank.account", {"id": number})
    if closes:
        await db.close()

closes = sys.argv[3] == "closes"
blocking(closes) if connect == "connect" else asyncio.run(on_the_loop(closes))
"""


@pytest.mark.parametrize("end", ["closes", "ends without closing"])
@pytest.mark.parametrize("connect", ["connect", "connect_async"])
def test_nothing_is_left_when_the_process_ends(tmp_path: Path, connect: str, end: str) -> None:
    target = url("sqlite", tmp_path)
    with scalar_tx.connect(target) as db:
        db.admin.create_table(ACCOUNT, columns={"id": "INT"}, partition_key=["id"])
    command = [sys.executable, "-c", ENDS, connect, target, end]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    connection = sqlite3.connect(tmp_path / "data.db")
    states = connection.execute('SELECT "tx_state", COUNT(*) FROM "bank$account" GROUP BY 1')
    assert states.fetchall() == [(3, 100)]
    connection.close()
