"""How does a test drive ScalarDB's Java library?

    with JavaPeer() as java:
        session = java.open_sqlite(path)
        session.create_table("bank.account", {"id": "INT", "balance": "BIGINT"}, ["id"])
        session.create_coordinator()
        with session.transaction() as tx:
            tx.insert("bank.account", {"id": 1, "balance": 100})

The names and arguments of a transaction are those of `scalar_tx`. A watched session can be made to
halt, to fail or to wait between two storage calls.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Self

from tests.compatibility.java_build import NEWEST, OLDER, SHORT_LIFE, JavaMissingError
from tests.compatibility.java_cells import Cell, Row, Value, decode_row
from tests.compatibility.java_faults import JavaFault, RecordedCalls
from tests.compatibility.java_process import (
    JavaError,
    JavaGoneError,
    JavaHaltedError,
    JavaProcess,
    JavaTimeoutError,
    Pending,
)
from tests.compatibility.java_session import JavaSession
from tests.compatibility.java_transaction import JavaTransaction
from tests.compatibility.java_transfers import Transfer, TransferReport
from tests.compatibility.java_wire import Expression, TableDescription, Write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from types import TracebackType

__all__ = [
    "NEWEST",
    "OLDER",
    "Cell",
    "Expression",
    "JavaError",
    "JavaFault",
    "JavaGoneError",
    "JavaHaltedError",
    "JavaMissingError",
    "JavaPeer",
    "JavaSession",
    "JavaTimeoutError",
    "JavaTransaction",
    "Pending",
    "RecordedCalls",
    "Row",
    "TableDescription",
    "Transfer",
    "TransferReport",
    "Value",
    "Write",
    "decode_row",
]

# Each session of the Java library opens 30 connections at once unless told not to.
_SMALL_POOLS = {
    "scalar.db.jdbc.connection_pool.min_idle": "0",
    "scalar.db.jdbc.table_metadata.connection_pool.min_idle": "0",
    "scalar.db.jdbc.admin.connection_pool.min_idle": "0",
}


class JavaPeer(JavaProcess):
    """A JVM with sessions of one release of ScalarDB; a context manager."""

    def __init__(self, release: str = NEWEST, options: Sequence[str] = SHORT_LIFE) -> None:
        self._names = itertools.count(1)
        super().__init__(release, options)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def open(self, properties: Mapping[str, str], *, watched: bool = False) -> JavaSession:
        """A session with these ScalarDB properties."""
        name = f"s{next(self._names)}"
        self.submit(
            "session.open", name, name, properties=dict(properties), watched=watched
        ).result()
        return JavaSession(self, name)

    def open_sqlite(
        self, path: Path, *, watched: bool = False, properties: Mapping[str, str] | None = None
    ) -> JavaSession:
        """A session on a SQLite file, with further properties or others than the usual ones."""
        url = f"jdbc:sqlite:{path}?busy_timeout=10000&journal_mode=WAL"
        usual = {
            "scalar.db.storage": "jdbc",
            "scalar.db.contact_points": url,
            "scalar.db.cross_partition_scan.enabled": "true",
            "scalar.db.cross_partition_scan.filtering.enabled": "true",
            "scalar.db.cross_partition_scan.ordering.enabled": "true",
            **_SMALL_POOLS,
        }
        return self.open({**usual, **(properties or {})}, watched=watched)
