"""How does a storage look that knows single records only?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scalar_tx.errors import InvalidOperationError
from scalar_tx.storage.interface import (
    AtomicityUnit,
    IndexSource,
    ReadKind,
    ScanRequest,
    StorageInfo,
    WholeTableSource,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.admin import StorageAdmin
    from scalar_tx.storage.interface import Pages, Storage, StorageMutation


class RecordUnitStorage:
    """Narrows any storage to the atomicity unit RECORD.

    One record a ``mutate``; a scan lists the keys first and then reads record by record, so that a
    page shows no state that ever was as a whole. Whole tables are read in no chosen order and not
    linearizably. For trying the protocol, and this suite, as on a store of single records.
    """

    def __init__(self, inner: Storage) -> None:
        self._inner = inner

    def info(self, table: str) -> StorageInfo:
        """The inner storage's, narrowed."""
        info = self._inner.info(table)
        return replace(
            info,
            name=f"{info.name} by record",
            atomicity_unit=AtomicityUnit.RECORD,
            max_mutations=1,
            linearizable=info.linearizable - {ReadKind.WHOLE_TABLE},
            orders_whole_table=False,
            moments=False,
            batches=0,
            joins_indexes=False,
        )

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """The inner storage's."""
        return self._inner.objection(table, data_type, value, in_key=in_key)

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record."""
        return await self._inner.get(table, key)

    def scan(self, request: ScanRequest) -> Pages:
        """Begin a scan that lists first and reads after."""
        if isinstance(request.source, WholeTableSource) and request.source.order:
            raise InvalidOperationError(
                f"{self.info(request.table.name).name} can't order a whole table",
                advice="Sort the rows after reading them",
                code="STX-3016",
            )
        return _ListedPages(self._inner, request)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Apply one mutation; more are refused."""
        if len(mutations) != 1:
            raise InvalidOperationError(
                f"one atomic write holds one record here, not {len(mutations)}",
                advice="Split the mutations",
                code="STX-3016",
            )
        await self._inner.mutate(mutations)

    @property
    def admin(self) -> StorageAdmin:
        """The inner storage's."""
        return self._inner.admin

    async def close(self) -> None:
        """Close the inner storage."""
        await self._inner.close()


class _ListedPages:
    """A list of keys, made with the first page, and how far it has been read."""

    def __init__(self, inner: Storage, request: ScanRequest) -> None:
        self._inner = inner
        self._request = request
        self._keys: list[tuple[Value, ...]] | None = None
        self._at = 0

    async def next_page(self) -> Sequence[Row] | None:
        """Read the next records of the list; those gone meanwhile are passed over."""
        if self._keys is None:
            self._keys = await self._list()
        while self._at < len(self._keys):
            until = self._at + max(1, self._request.page_size)
            keys, self._at = self._keys[self._at : until], until
            found = [await self._inner.get(self._request.table, key) for key in keys]
            rows = [row for row in found if row is not None and self._belongs(row)]
            if rows:
                return rows
        return None

    async def _list(self) -> list[tuple[Value, ...]]:
        names = self._request.table.schema.primary_key
        keys: list[tuple[Value, ...]] = []
        # A filter is not handed on: a record may come to meet it between the listing and the read.
        pages = self._inner.scan(replace(self._request, where=None))
        try:
            while (page := await pages.next_page()) is not None:
                keys.extend(tuple(row[name] for name in names) for row in page)
        finally:
            await pages.close()
        return keys

    def _belongs(self, row: Row) -> bool:
        # A record's key does not change; an indexed value may have, since it was listed.
        source = self._request.source
        return not isinstance(source, IndexSource) or row[source.column] == source.value

    async def close(self) -> None:
        """Forget the list."""
        self._keys = []
