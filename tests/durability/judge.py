"""Does a database file hold what was told about it?

It is opened as any program would open it after the power came back, by the adapter as it is, an
hour later.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import scalar_tx
from tests.durability.clock import READING_MS, connect
from tests.durability.ledger import (
    ACCOUNT,
    MARKER,
    NOTE,
    SET_UP,
    START,
    TABLES,
    Contents,
    contents_after,
    set_up,
)
from tests.durability.tape import Told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

LONE: Final = 1_000_000  # the number of the judge's own transaction
NO_TABLE: Final = "STX-3017"
COMMITTED: Final = 3  # a record's state in the file


@dataclass(slots=True)
class Verdict:
    """``lost``: told as committed and not there. ``problems`` are everything else."""

    lost: list[int] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    damaged: bool = False
    settled: int = 0  # records that were found prepared

    @property
    def good(self) -> bool:
        return not self.lost and not self.problems

    def lines(self) -> list[str]:
        lost = [f"committed and lost: {self.lost}"] if self.lost else []
        return lost + self.problems


def judge(file: Path, known: Mapping[int, Told], seed: int) -> Verdict:
    """Look the file over, and use it."""
    verdict = Verdict()
    if not _is_whole(file, verdict):
        return verdict
    with connect(file, "synchronous=OFF", READING_MS, f"judge {seed}") as db:
        try:
            if not _is_set_up(db):
                if known.get(SET_UP) is Told.DONE:
                    verdict.lost.append(SET_UP)
                set_up(db)  # it goes on from wherever it was
            _judge_contents(db, known, seed, verdict)
        except scalar_tx.ScalarTxError as error:
            verdict.problems.append(f"can't be read: {error}")
        else:
            _use(db, verdict)
    _is_settled(file, verdict)
    return verdict


def _opened(file: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None)
    # What is durable was proven before; syncing what nobody will cut off only takes time.
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def _is_whole(file: Path, verdict: Verdict) -> bool:
    try:
        with closing(_opened(file)) as connection:
            found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
            tables = connection.execute(
                "SELECT count(*) FROM sqlite_master WHERE name='ledger$note'"
            )
            if tables.fetchone()[0]:
                verdict.settled = _unsettled(connection)
    except sqlite3.DatabaseError as error:
        found = [str(error)]
    if found != ["ok"]:
        verdict.damaged = True
        verdict.problems += [f"damaged: {line}" for line in found[:3]]
    return not verdict.damaged


def _unsettled(connection: sqlite3.Connection) -> int:
    counts = (
        connection.execute(
            f'SELECT count(*) FROM "{table.replace(".", "$")}" WHERE tx_state<>{COMMITTED}'
        ).fetchone()[0]
        for table in TABLES
        if connection.execute(
            "SELECT 1 FROM sqlite_master WHERE name=?", (table.replace(".", "$"),)
        ).fetchall()
    )
    return sum(counts)


def _is_set_up(db: scalar_tx.TransactionManager) -> bool:
    """Are the accounts there? They were loaded last, in one transaction."""
    try:
        return db.get(ACCOUNT, {"book": 0, "id": 0}) is not None
    except scalar_tx.InvalidOperationError as error:
        if error.code == NO_TABLE:
            return False
        raise


def _judge_contents(
    db: scalar_tx.TransactionManager, known: Mapping[int, Told], seed: int, verdict: Verdict
) -> None:
    markers, found = _contents(db)
    told = {number: what for number, what in known.items() if number != SET_UP}
    verdict.lost += sorted(
        number for number, what in told.items() if what is Told.DONE and number not in markers
    )
    for number in sorted(markers):
        if told.get(number) is Told.FAILED:
            verdict.problems.append(f"told as failed and there: {number}")
        elif number not in told:
            verdict.problems.append(f"never begun and there: {number}")
    if verdict.lost and max(markers, default=0) > min(verdict.lost):
        verdict.problems.append(f"later than a lost one and there: {max(markers)}")
    expected = contents_after(seed, markers)
    for name, there, wanted in zip(("balances", "notes"), found, expected, strict=True):
        if there != wanted:
            verdict.problems.append(f"{name} after {sorted(markers)}: {there}, not {wanted}")


def _contents(db: scalar_tx.TransactionManager) -> tuple[set[int], Contents]:
    """Everything, in one transaction."""
    with db.transaction(isolation="SERIALIZABLE", read_only=True) as tx:
        markers = {_whole(row["id"]) for row in tx.scan(MARKER, {"book": 0})}
        balances = {
            _whole(row["id"]): _whole(row["balance"]) for row in tx.scan(ACCOUNT, {"book": 0})
        }
        notes = {_whole(row["id"]): str(row["text"]) for row in tx.scan(NOTE, {"book": 0})}
    return markers, (balances, notes)


def _whole(value: object) -> int:
    assert isinstance(value, int)
    return value


def _use(db: scalar_tx.TransactionManager, verdict: Verdict) -> None:
    """A lone transaction commits, at the first attempt."""
    key = {"book": 1, "id": LONE}
    try:
        with db.transaction() as tx:
            for account in tx.scan(ACCOUNT, {"book": 0}):
                tx.update(ACCOUNT, {"book": 0, "id": account["id"]}, {"balance": START})
            tx.insert(MARKER, {**key, "by": tx.id})
    except scalar_tx.ScalarTxError as error:
        verdict.problems.append(f"a lone transaction failed: {error}")
    else:
        if db.get(MARKER, key) is None:
            verdict.problems.append("a lone transaction left nothing")


def _is_settled(file: Path, verdict: Verdict) -> None:
    with closing(_opened(file)) as connection:
        left = _unsettled(connection)
        if left:
            verdict.problems.append(f"{left} records are still prepared after they were read")
        found = [str(row[0]) for row in connection.execute("PRAGMA integrity_check")]
        if found != ["ok"]:
            verdict.problems.append(f"damaged by use: {found[:3]}")
