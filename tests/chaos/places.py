"""Where does a campaign take place, how is it reached, and what does it hold?"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import scalar_tx
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import ScanRequest, WholeTableSource
from tests.chaos import bank, raw_file
from tests.chaos.moments import COORDINATOR
from tests.chaos.patience import patiently
from tests.chaos.stored import Stored, Unsettled

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from scalar_tx.storage.interface import Storage

PAGE = 1000


class Place(Protocol):
    """A database with the tables in it. ``target`` is what ``connect`` takes."""

    target: str

    def stored(self) -> Stored:
        """Everything it holds now; nobody may be writing."""
        ...

    def left_by(self, tx_id: str) -> list[Unsettled] | None:
        """What one transaction left; None: nobody can tell while others are at work."""
        ...


class FilePlace:
    """An SQLite file."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.target = bank.url(file)
        bank.create(self.target)

    def stored(self) -> Stored:
        """Everything in the file, looked at without the library."""
        return raw_file.stored(self._file)

    def left_by(self, tx_id: str) -> list[Unsettled]:
        """What one transaction left in the file."""
        return raw_file.left_by(self._file, tx_id)


class ServerPlace:
    """One or several servers; ``properties`` say how they are reached and which holds what."""

    def __init__(
        self, file: Path, properties: Mapping[str, str], options: Mapping[str, str]
    ) -> None:
        file.write_text("".join(f"{name}={value}\n" for name, value in properties.items()))
        self.target = str(file)
        bank.create(self.target, options)

    def stored(self) -> Stored:
        """Everything on the servers, looked at below the protocol.

        Only the last word once each record was read by itself: that decides a conditional write of
        Cassandra's whose client never heard of its end, and which whole tables do not show.
        """
        storage = scalar_tx.open_storage(self.target)
        try:
            rows = {
                table: patiently(partial(_rows, storage, table))
                for table in (*bank.TABLES, COORDINATOR)
            }
        finally:
            run_blocking(storage.close())
        decisions = {row["tx_id"]: row["tx_state"] for row in rows.pop(COORDINATOR)}
        return Stored(rows, decisions)

    def left_by(self, tx_id: str) -> None:
        """It would take a look at whole tables, and the server may be dead."""


def _rows(storage: Storage, name: str) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        table = await storage.admin.table(name)
        assert table is not None
        pages = storage.scan(ScanRequest(table, WholeTableSource(), page_size=PAGE))
        rows: list[dict[str, Any]] = []
        while (page := await pages.next_page()) is not None:
            rows.extend(page)
        return rows

    return run_blocking(read())
