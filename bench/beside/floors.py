"""How fast are the statements of a transaction without its logic?

The same reads and conditional writes, said to the storage layer by each way that a commit can take,
or to Python's ``sqlite3`` alone. Nobody waits for another's record: whoever finds another there
writes over it, and what is refused for that is a conflict.
"""

from __future__ import annotations

import sqlite3
import threading
import time
import uuid
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from bench.beside.ycsb import KEY, NAMESPACES, PAYLOAD
from scalar_tx.consensus_commit.atomic_groups import atomic_groups
from scalar_tx.consensus_commit.record import COMMITTED, final, prepare, roll_forward
from scalar_tx.errors import WriteRefusedError
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Write
from scalar_tx.storage.sqlite.settings import sqlite_settings

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from bench.beside.ycsb import Step
    from scalar_tx.connection import Parts
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import StorageMutation

# What a way writes after it has read: the words stand in the report.
WAYS: Final = {
    "reads": "nothing",
    "full": "prepare, decision, finish",
    "fused": "records and decision in one write",
    "record-only": "the records in one write",
}


def said_to_the_storage(parts: Parts, way: str) -> Callable[[list[Step]], bool]:
    """One transaction's statements by a way, through our storage layer; False: a conflict."""
    storage = parts.storage
    decisions = run_blocking(parts.coordinator.table())

    async def said(steps: list[Step]) -> None:
        id_, at = str(uuid.uuid4()), time.time_ns() // 1_000_000
        prepared: list[StorageMutation] = []
        finished: list[StorageMutation] = []
        whole: list[StorageMutation] = []
        for step in steps:
            table = await parts.context.catalog.table(step.table)
            row = await storage.get(table.stored, (step.key,))
            if step.text is None:
                continue
            place, values = (step.key,), {PAYLOAD: step.text}
            if way == "full":
                prepared.append(prepare(table, place, values, row, tx_id=id_, at=at))
                finished.append(roll_forward(table, place, id_, at, deleted=False))
            else:
                whole.append(final(table, place, values, row, tx_id=id_, at=at))
        decision: Row = {"tx_state": COMMITTED, "tx_created_at": at}
        decided = Write(decisions, (id_,), decision, if_not_exists)
        match way:
            case "full":
                for written in (prepared, [decided], finished):
                    await _at_once(parts, written)
            case "fused":
                await storage.mutate([decided, *whole])
            case "record-only":
                await storage.mutate(whole)

    def run(steps: list[Step]) -> bool:
        try:
            run_blocking(said(steps))
        except WriteRefusedError:
            return False
        return True

    return run


async def _at_once(parts: Parts, mutations: Sequence[StorageMutation]) -> None:
    """Write in as many atomic writes as it takes."""
    storage = parts.storage
    groups = atomic_groups(storage, mutations)
    if len(groups) == 1:
        await storage.mutate(groups[0])
        return
    writes = [partial(storage.mutate, group) for group in groups]
    for outcome in await parts.context.runtime.run_all(writes):
        if outcome.error is not None:
            raise outcome.error


def said_to_sqlite(properties: Mapping[str, str], way: str) -> Callable[[list[Step]], bool]:
    """The same by ``sqlite3`` alone, a connection a thread; only columns that change are set."""
    settings = sqlite_settings(properties["scalar.db.contact_points"])
    mine = threading.local()
    table = f'"{NAMESPACES[0]}$usertable"'
    read = f'SELECT * FROM {table} WHERE "{KEY}"=?'  # noqa: S608  # our own names
    update = (
        f'UPDATE {table} SET "{PAYLOAD}"=?,"tx_id"=?,"tx_state"=3,"tx_version"="tx_version"+1,'  # noqa: S608
        f'"tx_prepared_at"=?,"tx_committed_at"=? WHERE "{KEY}"=? AND "tx_id"=?'
    )
    decide = 'INSERT INTO "coordinator$state"("tx_id","tx_state","tx_created_at") VALUES(?,3,?)'

    def connection() -> sqlite3.Connection:
        found: sqlite3.Connection | None = getattr(mine, "connection", None)
        if found is None:
            found = sqlite3.connect(settings.path, isolation_level=None)
            found.row_factory = sqlite3.Row
            found.execute(f"PRAGMA busy_timeout={settings.busy_timeout_ms}")
            for name, value in settings.pragmas:
                found.execute(f"PRAGMA {name}={value}")
            mine.connection = found
        return found

    def run(steps: list[Step]) -> bool:
        file = connection()
        writer: Any = None
        for step in steps:
            writer = file.execute(read, (step.key,)).fetchone()["tx_id"]
        if way == "reads":
            return True
        [step] = steps
        id_, at = str(uuid.uuid4()), time.time_ns() // 1_000_000
        written = (step.text, id_, at, at, step.key, writer)
        if way == "record-only":
            return file.execute(update, written).rowcount == 1
        file.execute("BEGIN IMMEDIATE")
        file.execute(decide, (id_, at))
        done = file.execute(update, written).rowcount == 1
        file.execute("COMMIT" if done else "ROLLBACK")
        return done

    return run
