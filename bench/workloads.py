"""What is measured: small transactions in every form in which a program may write them.

Each workload opens its own database, hands over a function that runs so many transactions, and
checks at the end that they did happen.
"""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import scalar_tx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scalar_tx.model.types import Value

TABLE = "bench.account"
COLUMNS = {"id": "INT", "owner": "TEXT", "balance": "BIGINT"}
KEY: Mapping[str, Value] = {"id": 1}
ROW: Mapping[str, Value] = {**KEY, "owner": "me", "balance": 0}


@contextmanager
def account(target: str = "memory://") -> Iterator[scalar_tx.TransactionManager]:
    """A database with one account."""
    with scalar_tx.connect(target) as db:
        db.admin.create_table(TABLE, columns=COLUMNS, partition_key=["id"])
        db.upsert(TABLE, ROW)
        yield db


def add_one(tx: scalar_tx.Transaction) -> None:
    """The transaction: read a record, change it."""
    record = tx.get(TABLE, KEY)
    assert record is not None
    balance: Any = record["balance"]
    tx.update(TABLE, KEY, {"balance": balance + 1})


def check(db: scalar_tx.TransactionManager, expected: int) -> None:
    """Was the work done?"""
    record = db.get(TABLE, KEY)
    assert record is not None
    assert record["balance"] == expected


@contextmanager
def begin_commit(target: str = "memory://") -> Iterator[Callable[[int], None]]:
    """``db.begin()`` … ``tx.commit()``."""
    done = 0

    def run(count: int) -> None:
        nonlocal done
        for _ in range(count):
            tx = db.begin()
            add_one(tx)
            tx.commit()
        done += count

    with account(target) as db:
        yield run
        check(db, done)


@contextmanager
def with_block() -> Iterator[Callable[[int], None]]:
    """``with db.transaction() as tx``."""
    done = 0

    def run(count: int) -> None:
        nonlocal done
        for _ in range(count):
            with db.transaction() as tx:
                add_one(tx)
        done += count

    with account() as db:
        yield run
        check(db, done)


@contextmanager
def transactional() -> Iterator[Callable[[int], None]]:
    """``@db.transactional``."""
    done = 0

    def run(count: int) -> None:
        nonlocal done
        for _ in range(count):
            decorated()
        done += count

    with account() as db:
        decorated: Any = db.transactional(add_one)
        yield run
        check(db, done)


@contextmanager
def get_only() -> Iterator[Callable[[int], None]]:
    """``db.get``."""

    def run(count: int) -> None:
        for _ in range(count):
            assert db.get(TABLE, KEY) is not None

    with account() as db:
        yield run


@contextmanager
def asyncio_transactional() -> Iterator[Callable[[int], None]]:
    """``@db.transactional`` on the asyncio face; the start of the event loop is not counted."""
    done = 0

    def run(count: int) -> None:
        nonlocal done
        runner.run(many(count))
        done += count

    async def many(count: int) -> None:
        for _ in range(count):
            await decorated()

    async def add_one_async(tx: scalar_tx.AsyncTransaction) -> None:
        record = await tx.get(TABLE, KEY)
        assert record is not None
        balance: Any = record["balance"]
        await tx.update(TABLE, KEY, {"balance": balance + 1})

    async def prepare() -> Any:
        await db.admin.create_table(TABLE, columns=COLUMNS, partition_key=["id"])
        await db.upsert(TABLE, ROW)
        return db.transactional(add_one_async)

    async def finish() -> None:
        record = await db.get(TABLE, KEY)
        assert record is not None
        assert record["balance"] == done
        await db.close()

    with asyncio.Runner() as runner:
        db = scalar_tx.connect_async("memory://")
        decorated: Any = runner.run(prepare())
        yield run
        runner.run(finish())


@contextmanager
def on_sqlite() -> Iterator[Callable[[int], None]]:
    """``db.begin()`` … ``tx.commit()`` on a file, each write synced to the disk."""
    with (
        tempfile.TemporaryDirectory() as folder,
        begin_commit(f"sqlite:///{Path(folder, 'bench.db')}") as run,
    ):
        yield run
