"""Which part of a transaction carries out which of its program's operations?

At SERIALIZABLE any part may: one reads a record, another changes it, and validation has to see to
it that they go together. Below, each part keeps to itself what it has read, so that a record is
read and written by one part alone.
"""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Delete, Update

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping, Sequence

    from scalar_tx.model.operations import Get, Mutation, Operation, Scan
    from scalar_tx.model.record import Record
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Value
    from tests.simulation.history import Attempt
    from tests.simulation.parts.dice import Dice
    from tests.simulation.two_phase.orders import Orders

CONTESTED: Final = 0.1  # of the writes of a record that another part has written


class NotedByPart(list[tuple[str, "Hashable", Any]]):
    """Operations for the checker, and in ``parts`` which part did each."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0
        self.parts: list[int] = []

    def append(self, operation: tuple[str, Hashable, Any]) -> None:
        """One more, by the part that is at work now."""
        super().append(operation)
        self.parts.append(self.now)


class Routed:
    """A transaction of several parts, as a program uses it.

    ``mixed``: how likely any part may do what another one should, where that is allowed.
    """

    def __init__(
        self,
        orders: Orders,
        attempt: Attempt,
        tables: Sequence[Table],
        dice: Dice,
        mixed: float,
    ) -> None:
        self._orders = orders
        self._noted = NotedByPart()
        attempt.operations = self._noted
        self._keys = {table.name: table.schema.primary_key for table in tables}
        self._writers: dict[str, int] = {}
        self._dice = dice
        self._mixed = mixed if orders.steps.isolation is Isolation.SERIALIZABLE else 0.0

    async def get(self, get: Get) -> Record | None:
        """Read one record; what was written before is seen only by the part that wrote it."""
        key = self._key(get.table, get.key)
        part = self._writers.get(key, self._any_part_for(key))
        record: Record | None = await self._at(part, get)
        return record

    async def scan(self, scan: Scan) -> list[Record]:
        """Read many records, by any part."""
        records: list[Record] = await self._at(self._dice.below(len(self._orders.parts)), scan)
        return records

    async def mutate(self, mutation: Mutation) -> None:
        """Write one record, seldom by another part than before: that will not be prepared."""
        values = mutation.key if isinstance(mutation, Update | Delete) else mutation.values
        key = self._key(mutation.table, values)
        part = self._any_part_for(key)
        if not self._dice.chance(self._mixed * CONTESTED):
            part = self._writers.get(key, part)
        self._writers.setdefault(key, part)
        await self._at(part, mutation)

    async def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """Several operations by one part."""
        found: list[Record | list[Record] | None] = await self._at(
            self._dice.below(len(self._orders.parts)), tuple(operations)
        )
        return found

    def _key(self, table: str, values: Mapping[str, Value] | None) -> str:
        assert values is not None
        return f"{table} {[values[column] for column in self._keys[table]]}"

    def _any_part_for(self, key: str) -> int:
        count = len(self._orders.parts)
        if self._dice.chance(self._mixed):
            return self._dice.below(count)
        # The same in every process, for all attempts.
        return zlib.crc32(key.encode()) % count

    async def _at(self, part: int, what: Operation | tuple[Operation, ...]) -> Any:
        self._noted.now = part
        return await self._orders.at(part, what)
