"""Faults that show only between two storages over the same data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.storage.memory import MemoryStorage
from tests.conformance.faults.writes import check_then_write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.conformance import Place
    from scalar_tx.storage.interface import Storage, StorageMutation


_shared: dict[object, MemoryStorage] = {}


def open_shared(place: Place) -> Storage:
    _shared[place.folder] = MemoryStorage()
    return _shared[place.folder]


class Client(MemoryStorage):
    """A second client of the storage that was opened at a place."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        self._contents = _shared[place.folder]._contents
        self._admin = _shared[place.folder]._admin
        self._lock = _shared[place.folder]._lock

    async def close(self) -> None:
        """The data stays."""


class SnapshotClient(Client):
    """Reads what was there when it was opened."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._old = {
            name: {key: dict(row) for key, row in c.rows.items()}
            for name, c in self._contents.items()
        }

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        return self._old.get(table.name, {}).get(key)


class NotDurableClient(Client):
    """Loses what was written through it when it is closed."""

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        self.__dict__.setdefault("_written", []).extend(mutations)
        await super().mutate(mutations)

    async def close(self) -> None:
        for m in self.__dict__.get("_written", []):
            self._contents[m.table.name].remove(m.key)


class BufferingClient(Client):
    """Checks conditions against its own last reading."""

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        await check_then_write(self, super().mutate, mutations)
