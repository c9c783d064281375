"""A storage as it was at one moment: a copy that nobody else can reach."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.interface import Answer, Pages, ScanRequest


def copied(memory: MemoryStorage) -> MemoryStorage:
    """Another storage with the same tables and rows."""
    copy = MemoryStorage()
    admin = memory.admin
    for namespace in run_blocking(admin.namespaces()):
        for name in run_blocking(admin.tables(namespace)):
            contents = admin.contents(name)
            run_blocking(copy.admin.create_table(contents.table))
            for key, row in contents.rows.items():
                copy.admin.contents(name).put(key, row.copy())
    return copy


class FrozenStorage:
    """What a memory storage held when this was made."""

    def __init__(self, memory: MemoryStorage) -> None:
        self._copy = copied(memory)

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record."""
        return await self._copy.get(table, key)

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        """Read several records."""
        return await self._copy.get_many(wanted)

    def scan(self, request: ScanRequest) -> Pages:
        """Begin a scan."""
        return self._copy.scan(request)

    def __str__(self) -> str:
        return "taken"
