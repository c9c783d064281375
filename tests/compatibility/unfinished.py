"""What does a writer leave that ends between two storage calls, and what should become of it?

The same work in either library, on two tables of two storages in one file, so that it prepares and
finishes in two batches: insert, update, delete, delete of nothing, and update and delete of a row
that no transaction has ever written.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import scalar_tx
from tests.compatibility.bank import COLUMNS, COMMITTED, account, key, look
from tests.compatibility.ours import COORDINATOR, EVERY_STEP, HALTED, die, two_storages, watch

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from scalar_tx import Transaction
    from tests.compatibility.java_cells import Row
    from tests.compatibility.java_peer import JavaPeer, JavaSession, JavaTransaction

BANK, SHOP = "bank.account", "shop.account"
TABLES = (BANK, SHOP)
ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Point:
    """Where the writer ends: before or after the nth call of a step, one call a table."""

    name: str
    when: Literal["before", "after"]
    step: Literal["prepare", "commit-state", "commit"]
    nth: int
    tables_prepared: int
    tables_finished: int
    decided: bool

    def __str__(self) -> str:
        return self.name


POINTS = (
    Point("nothing-prepared", "before", "prepare", 1, 0, 0, decided=False),
    Point("half-prepared", "before", "prepare", 2, 1, 0, decided=False),
    Point("prepared", "after", "prepare", 2, 2, 0, decided=False),
    Point("before-the-decision", "before", "commit-state", 1, 2, 0, decided=False),
    Point("decided", "after", "commit-state", 1, 2, 0, decided=True),
    Point("before-the-records", "before", "commit", 1, 2, 0, decided=True),
    Point("half-finished", "before", "commit", 2, 2, 1, decided=True),
    Point("finished", "after", "commit", 2, 2, 2, decided=True),
)
UNDECIDED = tuple(point for point in POINTS if point.tables_prepared and not point.decided)
DECIDED = tuple(point for point in POINTS if point.decided)

Rows = dict[tuple[str, int], dict[str, Any]]
Values = dict[tuple[str, int], "Row"]
Keyed = Callable[[int], "Row"]  # the key of a record by its number


def rows(file: Path) -> Rows:
    """The rows of both tables as SQLite has them."""
    return {(table, row["id"]): row for table in TABLES for row in look(file, table)}


def decisions(file: Path) -> dict[str, tuple[int, int]]:
    """State and time of each decision."""
    return {
        row["tx_id"]: (row["tx_state"], row["tx_created_at"]) for row in look(file, COORDINATOR)
    }


def work(
    tx: Transaction | JavaTransaction, tables: Sequence[str] = TABLES, keyed: Keyed = key
) -> None:
    """What the writer writes."""
    for table in tables:
        tx.insert(table, account(1) | keyed(1))
        tx.update(table, keyed(2), {"balance": 120})
        tx.delete(table, keyed(3))
        tx.delete(table, keyed(4))
        tx.update(table, keyed(5), {"balance": 80, "name": None})
        tx.delete(table, keyed(6))


def work_unread(tx: Transaction, tables: Sequence[str] = TABLES, keyed: Keyed = key) -> None:
    """Writes that leave the same values, of records that the writer does not read.

    It has read another one, which it must validate: so it prepares them.
    """
    assert tx.get(tables[0], keyed(7)) is None
    for table in tables:
        tx.upsert(table, account(1) | keyed(1))
        tx.upsert(table, {**keyed(2), "balance": 120})
        tx.delete(table, keyed(3))
        tx.upsert(table, {**keyed(5), "balance": 80, "name": None})
        tx.delete(table, keyed(6))


def after_work(before: Values, tables: Sequence[str] = TABLES, keyed: Keyed = key) -> Values:
    """The values that the writer leaves if it commits, by table and number."""
    found = dict(before)
    for table in tables:
        found[table, 1] = account(1) | keyed(1)
        found[table, 2] = account(2, 120) | keyed(2)
        found[table, 5] = account(5, 80) | keyed(5) | {"name": None}
        del found[table, 3], found[table, 6]
    return found


def committed_rows(
    before: Mapping[tuple[str, int], Mapping[str, Any]],
    after: Values,
    writer: str,
    prepared: Any,
    decided: Any,
) -> Rows:
    """The stored rows when the writer's work is done, each cell of them; times as they are read."""
    found: Rows = {}
    for name, values in after.items():
        old = before.get(name, dict.fromkeys(next(iter(before.values()))))
        found[name] = dict.fromkeys(old) | values
        found[name] |= {
            "tx_id": writer,
            "tx_state": COMMITTED,
            "tx_version": (old["tx_version"] or 0) + 1,
            "tx_prepared_at": prepared,
            "tx_committed_at": decided,
        }
    return found


KEYS = tuple((table, number) for table in TABLES for number in range(1, 7))


@dataclass(frozen=True)
class Left:
    """A file as a writer left it."""

    file: Path
    point: Point
    writer: str
    before: Rows

    def copy(self, into: Path, *, age: float) -> Left:
        """The file once more, its uncommitted rows prepared so many seconds ago."""
        copied = Left(into / "left.db", self.point, self.writer, self.before)
        for suffix in ("", "-wal"):
            if Path(f"{self.file}{suffix}").exists():
                shutil.copyfile(f"{self.file}{suffix}", f"{copied.file}{suffix}")
        aged(copied.file, age)
        return copied

    def uncommitted(self) -> list[tuple[str, int]]:
        """The keys of rows that are neither committed nor gone."""
        return [name for name, row in rows(self.file).items() if row["tx_state"] in (1, 2)]

    def values(self, *, after: bool) -> dict[tuple[str, int], Row]:
        """What a reader should find: the committed values before or after the writer's work."""
        found: Values = {
            name: {column: row[column] for column in COLUMNS} for name, row in self.before.items()
        }
        return after_work(found) if after else found

    def committed(self) -> Rows:
        """The stored rows after the writer's work, each cell of them."""
        state, at = decisions(self.file)[self.writer]
        assert state == COMMITTED
        # One time for all rows of a transaction.
        (prepared,) = {
            row["tx_prepared_at"] for row in rows(self.file).values() if row["tx_id"] == self.writer
        }
        return committed_rows(self.before, self.values(after=True), self.writer, prepared, at)


def aged(file: Path, seconds: float) -> None:
    """Make the rows of writers with uncommitted rows so many seconds old."""
    at = int((time.time() - seconds) * 1000)
    stored = [f'"{table.replace(".", "$")}"' for table in TABLES]
    with closing(sqlite3.connect(file)) as connection, connection:
        writers = {
            writer
            for table in stored
            for (writer,) in connection.execute(
                f"SELECT tx_id FROM {table} WHERE tx_state IN (1, 2)"
            )
        }
        for table in stored:
            for writer in writers:
                connection.execute(
                    f"UPDATE {table} SET tx_prepared_at = ? WHERE tx_id = ?", (at, writer)
                )


def prepare_file(session: JavaSession) -> None:
    """The tables, records 2 and 3 committed, records 5 and 6 as imported."""
    for table in TABLES:
        session.create_table(table, COLUMNS, ["id"], ["kind"], ["balance"])
    session.create_coordinator()
    with session.transaction() as tx:
        for table in TABLES:
            tx.insert(table, account(2))
            tx.insert(table, account(3, 0, ""))
    for table in TABLES:
        session.storage_put(table, account(5, 70, "z"))
        session.storage_put(table, account(6, 75, "y") | {"balance": None})


def left_by_java(java: JavaPeer, folder: Path, points: Iterable[Point]) -> dict[str, Left]:
    """A Java writer for each point, held there; then the whole JVM is killed."""
    begun = []
    for point in points:
        file = folder / f"java {point}.db"
        session = java.open_sqlite(file, watched=True, properties=two_storages(file))
        prepare_file(session)
        before = rows(file)
        pause = session.watch.pause(point.when, step=point.step, nth=point.nth)
        writer = session.begin()
        work(writer)
        writer.commit_later()
        begun.append((Left(file, point, writer.id, before), pause))
    for _, pause in begun:
        pause.wait_paused()
    java.kill()
    return {str(left.point): left for left, _ in begun}


def left_by_us(
    java: JavaPeer, folder: Path, points: Iterable[Point], *, unread: bool = False
) -> dict[str, Left]:
    """A process of ours for each point, which ends there without a word."""
    left, children = {}, []
    for point in points:
        file = folder / f"ours {point}.db"
        session = java.open_sqlite(file, properties=two_storages(file))
        prepare_file(session)
        session.close()
        before = rows(file)
        where = json.dumps([point.when, point.step, point.nth, unread])
        child = subprocess.Popen(
            [sys.executable, "-m", "tests.compatibility.unfinished", str(file), where],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        children.append((child, file, point, before))
    for child, file, point, before in children:
        said, _ = child.communicate(timeout=60)
        assert child.returncode == HALTED
        left[str(point)] = Left(file, point, said.strip(), before)
    return left


def main() -> None:
    """Do the work, and end at the point that the second argument names."""
    when, step, nth, unread = json.loads(sys.argv[2])
    properties = {**two_storages(Path(sys.argv[1])), EVERY_STEP: str(unread).lower()}
    db = scalar_tx.connect(properties)
    calls = watch(db)
    calls.at(when, "finish" if step == "commit" else step, die, nth=nth)
    tx = db.begin(isolation="SERIALIZABLE" if unread else "SNAPSHOT")
    print(tx.id, flush=True)
    if unread:
        work_unread(tx)
        assert tx.explain().unread == 5 * len(TABLES)
    else:
        work(tx)
    tx.commit()


if __name__ == "__main__":
    main()
