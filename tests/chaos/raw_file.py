"""What is in an SQLite file, looked at without the library?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

from tests.chaos.bank import TABLES
from tests.chaos.stored import DELETED, PREPARED, Stored, Unsettled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


def stored(file: Path) -> Stored:
    """All of it."""
    return Stored(
        {table: table_rows(file, table) for table in TABLES}, _decisions(file), _damage(file)
    )


def rows(file: Path, text: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
    """The rows of one statement."""
    with closing(sqlite3.connect(file, timeout=10)) as connection:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(text, parameters)]


def table_rows(file: Path, table: str) -> list[dict[str, Any]]:
    """A whole table, technical columns included."""
    return rows(file, f'SELECT * FROM "{table.replace(".", "$")}"')


def left_by(file: Path, tx_id: str) -> list[Unsettled]:
    """The records that one transaction left unsettled."""
    selects = " UNION ALL ".join(
        f"SELECT '{table}' AS name, tx_id, tx_state FROM \"{table.replace('.', '$')}\" "
        f"WHERE tx_state IN ({PREPARED}, {DELETED})"
        for table in TABLES
    )
    found = rows(file, f"SELECT * FROM ({selects}) WHERE tx_id = ?", (tx_id,))
    return [Unsettled(row["name"], row["tx_id"], row["tx_state"]) for row in found]


def _decisions(file: Path) -> dict[str, int]:
    """What the coordinator's table says about each transaction."""
    found = rows(file, 'SELECT tx_id, tx_state FROM "coordinator$state"')
    return {row["tx_id"]: row["tx_state"] for row in found}


def _damage(file: Path) -> list[str]:
    """What SQLite itself finds wrong with its file."""
    found = [str(row["integrity_check"]) for row in rows(file, "PRAGMA integrity_check")]
    return [] if found == ["ok"] else found
