"""How do the protocol's reads and writes become statements on a SQLite file?"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, WriteRefusedError
from scalar_tx.storage.interface import (
    AtomicityUnit,
    IndexSource,
    ReadKind,
    StorageInfo,
    Waits,
    WholeTableSource,
)
from scalar_tx.storage.sql.names import Names
from scalar_tx.storage.sql.scans import ScanStatements
from scalar_tx.storage.sql.statements import RecordStatements
from scalar_tx.storage.sql.tables import DEFAULT_METADATA_SCHEMA
from scalar_tx.storage.sqlite import catalog
from scalar_tx.storage.sqlite.admin import SqliteAdmin
from scalar_tx.storage.sqlite.codec import ENCODERS, RowDecoder
from scalar_tx.storage.sqlite.connections import Connections
from scalar_tx.storage.sqlite.dialect import SQLITE
from scalar_tx.storage.sqlite.settings import sqlite_settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.interface import Reads, ScanRequest, StorageMutation
    from scalar_tx.storage.sqlite.catalog import Reader
    from scalar_tx.storage.sqlite.connections import HeldConnection, Session
    from scalar_tx.storage.sqlite.settings import SqliteSettings

_MOST_BYTES: Final = 1_000_000_000  # SQLite's limit for one text or blob
_MOST_ROWS_A_PAGE: Final = 4096


@dataclass(slots=True)
class _Known:
    """A table that was found in the file."""

    table: Table
    records: RecordStatements
    scans: ScanStatements
    decode: RowDecoder


class SqliteStorage:
    """Tables in one SQLite file, shared with any number of processes.

    A single conditional write is one statement in autocommit, several are one transaction. The
    methods block and never suspend. Errors: see ``storage.sqlite.errors``.
    """

    def __init__(
        self,
        settings: SqliteSettings,
        *,
        name: str = "jdbc",
        metadata_schema: str = DEFAULT_METADATA_SCHEMA,
    ) -> None:
        self._connections = Connections(settings)
        self._known_tables: dict[str, _Known] = {}
        self._admin = SqliteAdmin(self._connections, metadata_schema, self._forget)
        self._info = StorageInfo(
            name=name,
            atomicity_unit=AtomicityUnit.STORAGE,
            max_mutations=2**31 - 1,
            linearizable=frozenset(ReadKind),
            waits=Waits.BLOCKS,
            orders_whole_table=True,
            parallel=False,
            moments=True,
        )

    @property
    def admin(self) -> SqliteAdmin:
        """Tables and indexes."""
        return self._admin

    def info(self, table: str) -> StorageInfo:
        """The same for every table."""
        return self._info

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """SQLite turns NaN into NULL, and holds at most 10^9 bytes in a cell."""
        if isinstance(value, float):
            return "SQLite stores NaN as NULL" if math.isnan(value) else None
        if isinstance(value, str | bytes) and 4 * len(value) > _MOST_BYTES:
            size = len(value) if isinstance(value, bytes) else len(value.encode())
            if size > _MOST_BYTES:
                return f"SQLite holds at most {_MOST_BYTES:,} bytes in a cell"
        return None

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record."""
        return self.read_record(table, key, self._connections.read)

    def read_record(self, table: Table, key: tuple[Value, ...], read: Reader) -> Row | None:
        """One record, by a connection of the pool or by a held one."""
        known = self._known(table)
        text, parameters = known.records.get(key)
        rows = read(text, parameters)
        return known.decode(rows[0]) if rows else None

    def scan(self, request: ScanRequest) -> SqlitePages:
        """Begin a scan."""
        return self.pages(request, self._connections.read)

    def pages(self, request: ScanRequest, read: Reader) -> SqlitePages:
        """A scan, by connections of the pool or by a held one."""
        source = request.source
        if isinstance(source, IndexSource):
            schema = request.table.schema
            if source.column not in schema.secondary_index:
                raise InvalidOperationError(
                    f"{request.table.name}.{source.column} has no index",
                    advice="Create one, or scan the partition or the whole table",
                    code="STX-3015",
                )
        return SqlitePages(self, request, read)

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        """Run steps over the file as it is at the first of their reads."""
        held = self._connections.moment()
        try:
            await steps(SqliteMoment(self, held))
        finally:
            held.close()

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Apply all, or none."""
        if len(mutations) == 1:
            plan, parameters = self._statements(mutations[0]).mutation(mutations[0])
            if self._connections.write(plan.text, parameters) == 0 and plan.conditional:
                raise _refused(mutations[0])
            return
        if not mutations:
            raise InvalidOperationError("mutate needs at least one mutation", code="STX-3016")
        if len({(m.table.name, m.key) for m in mutations}) < len(mutations):
            raise InvalidOperationError(
                "one atomic write names a record twice", advice="Merge the two", code="STX-3016"
            )
        # Everything that can be wrong with the call is found before the file is locked.
        bound = [(m, *self._statements(m).mutation(m)) for m in mutations]

        def steps(session: Session) -> None:
            for mutation, plan, parameters in bound:
                if session.count(plan.text, parameters) == 0 and plan.conditional:
                    raise _refused(mutation)

        self._connections.transaction(steps)

    async def close(self) -> None:
        """Close all connections."""
        self._connections.close()

    def _statements(self, mutation: StorageMutation) -> RecordStatements:
        return self._known(mutation.table).records

    def _known(self, table: Table) -> _Known:
        known = self._known_tables.get(table.name)
        if known is not None:
            if known.table is table:
                return known
            if known.table == table:
                known.table = table
                return known
        catalog.check_present(self._connections.read, table, self._connections.path)
        names = Names(SQLITE, table, ENCODERS)
        known = _Known(table, RecordStatements(names), ScanStatements(names), RowDecoder(table))
        self._known_tables[table.name] = known
        return known

    def _forget(self, name: str) -> None:
        self._known_tables.pop(name, None)

    def page(
        self, request: ScanRequest, after: list[object] | None, rows: int, read: Reader
    ) -> tuple[list[Row], list[object] | None]:
        """Rows behind a place (None: the request's own), and the place of the last of them."""
        known = self._known(request.table)
        if after is None:
            after = known.scans.place_of_request(request)
        text, parameters = known.scans.page(request, after, rows)
        found = read(text, parameters)
        if not found:
            return [], after
        last = known.scans.order(request).place_of(found[-1])
        return [known.decode(cells) for cells in found], last


class SqlitePages:
    """A running scan: each page is one statement that begins behind the last row seen."""

    __slots__ = ("_after", "_ended", "_read", "_request", "_rows", "_storage")

    def __init__(self, storage: SqliteStorage, request: ScanRequest, read: Reader) -> None:
        self._storage = storage
        self._request = request
        self._read = read
        self._after: list[object] | None = None
        self._rows = max(1, request.page_size)
        self._ended = False

    async def next_page(self) -> Sequence[Row] | None:
        """The next rows, or None at the end."""
        if self._ended:
            return None
        rows, self._after = self._storage.page(self._request, self._after, self._rows, self._read)
        if len(rows) < self._rows:
            self._ended = True
        source = self._request.source
        if isinstance(source, IndexSource) or (
            isinstance(source, WholeTableSource) and source.order
        ):
            # No index has this order, so each page looks at every row: let there be few pages.
            self._rows = max(self._rows, min(2 * self._rows, _MOST_ROWS_A_PAGE))
        return rows or None

    async def close(self) -> None:
        """Nothing is held between pages."""
        self._ended = True


class SqliteMoment:
    """The file as it was at one moment."""

    def __init__(self, storage: SqliteStorage, held: HeldConnection) -> None:
        self._storage = storage
        self._held = held

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record."""
        return self._storage.read_record(table, key, self._held.read)

    def scan(self, request: ScanRequest) -> SqlitePages:
        """Begin a scan."""
        return self._storage.pages(request, self._held.read)


def _refused(mutation: StorageMutation) -> WriteRefusedError:
    return WriteRefusedError(
        f"{mutation.table.name} {mutation.key!r}: the condition {mutation.condition!r} was not met"
    )


def open_sqlite(
    path_or_url: str, *, name: str = "jdbc", metadata_schema: str = DEFAULT_METADATA_SCHEMA
) -> SqliteStorage:
    """A storage in the file of that path, ``sqlite:///`` or ``jdbc:sqlite:`` URL.

    ``name`` is what ``StorageInfo`` says, ``metadata_schema`` the namespace of the metadata table
    (``scalar.db.jdbc.table_metadata.schema``). The file is opened, and made if need be, at first
    use. SettingsError: the URL is wrong.
    """
    return SqliteStorage(sqlite_settings(path_or_url), name=name, metadata_schema=metadata_schema)
