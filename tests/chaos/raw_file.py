"""What is in the file, looked at without the library?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.chaos.bank import TABLES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

PREPARED: Final = 1
DELETED: Final = 2
COMMITTED: Final = 3


@dataclass(frozen=True)
class Unsettled:
    """A record left PREPARED or DELETED, and by whom."""

    table: str
    tx_id: str
    state: int


def rows(file: Path, text: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
    """The rows of one statement."""
    with closing(sqlite3.connect(file, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(text, parameters)]


def table_rows(file: Path, table: str) -> list[dict[str, Any]]:
    """A whole table, technical columns included."""
    return rows(file, f'SELECT * FROM "{table.replace(".", "$")}"')


def unsettled(file: Path, tx_id: str | None = None) -> list[Unsettled]:
    """Every record that is not settled, or those that one transaction left."""
    selects = " UNION ALL ".join(
        f"SELECT '{table}' AS name, tx_id, tx_state FROM \"{table.replace('.', '$')}\" "
        f"WHERE tx_state IN ({PREPARED}, {DELETED})"
        for table in TABLES
    )
    text = f"SELECT * FROM ({selects})"
    found = rows(file, text) if tx_id is None else rows(file, f"{text} WHERE tx_id = ?", (tx_id,))
    return [Unsettled(row["name"], row["tx_id"], row["tx_state"]) for row in found]


def decisions(file: Path) -> dict[str, int]:
    """What the coordinator's table says about each transaction."""
    found = rows(file, 'SELECT tx_id, tx_state FROM "coordinator$state"')
    return {row["tx_id"]: row["tx_state"] for row in found}


def damage(file: Path) -> list[str]:
    """What SQLite itself finds wrong with its file."""
    found = [str(row["integrity_check"]) for row in rows(file, "PRAGMA integrity_check")]
    return [] if found == ["ok"] else found
