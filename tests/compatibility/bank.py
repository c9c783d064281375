"""Which account table do the tests of this folder share, and what is in its rows?"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.compatibility.java_cells import Value
    from tests.compatibility.java_peer import JavaPeer, JavaSession

ACCOUNT = "bank.account"
COLUMNS = {"id": "INT", "kind": "INT", "balance": "INT", "name": "TEXT"}
PREPARED, DELETED, COMMITTED, ABORTED = 1, 2, 3, 4


def bank(
    java: JavaPeer,
    file: Path,
    *,
    watched: bool = False,
    settings: Mapping[str, str] | None = None,
) -> JavaSession:
    """A session with the account table; settings without `scalar.db.consensus_commit.`."""
    properties = {
        f"scalar.db.consensus_commit.{name}": value for name, value in (settings or {}).items()
    }
    session = java.open_sqlite(file, watched=watched, properties=properties)
    session.create_table(ACCOUNT, COLUMNS, ["id"], ["kind"], ["balance"], if_not_exists=True)
    session.create_coordinator()
    return session


def look(file: Path, table: str, order: str = "1") -> list[dict[str, Any]]:
    """The rows as SQLite has them."""
    with closing(sqlite3.connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        rows = connection.execute(f'SELECT * FROM "{table.replace(".", "$")}" ORDER BY {order}')
        return [dict(row) for row in rows]


def account(number: int, balance: int = 100, name: str = "a") -> dict[str, Value]:
    return {"id": number, "kind": 1, "balance": balance, "name": name}


def key(number: int) -> dict[str, Value]:
    return {"id": number, "kind": 1}


def accounts(file: Path) -> dict[int, dict[str, Any]]:
    """The rows of the account table by id, as SQLite has them."""
    return {row["id"]: row for row in look(file, ACCOUNT, "id")}


def images(row: dict[str, Any]) -> tuple[tuple[Any, ...], tuple[Any, ...]]:
    """The present and the previous image of a row, times as set or not."""
    names = ("balance", "name", "tx_id", "tx_state", "tx_version")
    times = ("tx_prepared_at", "tx_committed_at")
    present = [row[name] for name in names] + [row[name] is not None for name in times]
    before = [row[f"before_{name}"] for name in names]
    before += [row[f"before_{name}"] is not None for name in times]
    return tuple(present), tuple(before)


NOTHING = (None, None, None, None, None, False, False)


def expire(file: Path, table: str) -> None:
    """Let 16 seconds go by for all that is prepared at this moment, of living writers too."""
    with closing(sqlite3.connect(file, timeout=10)) as connection, connection:
        connection.execute(
            f'UPDATE "{table.replace(".", "$")}" SET tx_prepared_at = tx_prepared_at - 16000 '
            "WHERE tx_state IN (1, 2)"
        )
