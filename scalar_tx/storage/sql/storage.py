"""How do the protocol's reads and writes become statements for an SQL database?"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, WriteRefusedError
from scalar_tx.storage.interface import (
    AtomicityUnit,
    IndexSource,
    Overwrite,
    ReadKind,
    StorageInfo,
    Waits,
    WholeTableSource,
)
from scalar_tx.storage.ordering import check_indexed
from scalar_tx.storage.sql.admin import SqlAdmin
from scalar_tx.storage.sql.batches import read_many, read_many_of_moment
from scalar_tx.storage.sql.cells import RowDecoder
from scalar_tx.storage.sql.names import Names
from scalar_tx.storage.sql.plans import ByShape
from scalar_tx.storage.sql.scans import ScanStatements
from scalar_tx.storage.sql.statements import MOST_TOGETHER, RecordStatements

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.interface import Answer, Reads, ScanRequest, StorageMutation
    from scalar_tx.storage.sql.cells import CellForms
    from scalar_tx.storage.sql.conditions import Encoder
    from scalar_tx.storage.sql.connections import Connections, Held, Reader, Session
    from scalar_tx.storage.sql.definitions import Definitions
    from scalar_tx.storage.sql.plans import Plan

_MOST_ROWS_A_PAGE: Final = 4096
_WRONG: Final = "STX-3303"  # what the database objects to, of any statement


@dataclass(frozen=True)
class Engine:
    """One kind of database: how it spells, encodes and describes.

    ``objection`` says why a value can't be held. ``sorts_by``: by how many bytes of a text or blob
    outside of the key does the database sort? None: by all. ``cells_go_back``: does the driver take
    a cell as a parameter, just as it has handed it out? ``together`` makes one statement of several
    writes, which does all of them or is refused; None where they are too many.
    """

    definitions: Definitions
    encoders: Mapping[DataType, Encoder]
    cells: CellForms
    objection: Callable[[Value, bool], str | None]
    sorts_by: int | None = None
    cells_go_back: bool = False
    together: Callable[[Sequence[Plan]], str | None] | None = None


@dataclass(slots=True)
class _Known:
    """A table that was found in the database."""

    table: Table
    records: RecordStatements
    scans: ScanStatements
    decode: RowDecoder


class SqlStorage:
    """Tables in one database.

    A single conditional write is one statement in autocommit, several are one transaction. The
    methods block and never suspend. Errors: see the adapter's ``errors`` module.
    """

    def __init__(
        self,
        engine: Engine,
        connections: Connections,
        *,
        name: str,
        metadata_schema: str,
        most: int = 1,
        parallel: bool = True,
    ) -> None:
        self._engine = engine
        self._connections = connections
        self._known_tables: dict[str, _Known] = {}
        self._groups: ByShape[str | None] = ByShape()
        self._admin = SqlAdmin(engine.definitions, connections, metadata_schema, self._forget)
        self._info = StorageInfo(
            name=name,
            atomicity_unit=AtomicityUnit.STORAGE,
            max_mutations=2**31 - 1,
            linearizable=frozenset(ReadKind),
            waits=Waits.BLOCKS,
            orders_whole_table=True,
            moments=True,
            batches=MOST_TOGETHER,
            joins_indexes=True,
            overwrites=True,
            parallel=parallel,
            connections=most,
        )

    @property
    def admin(self) -> SqlAdmin:
        """Namespaces, tables and indexes."""
        return self._admin

    def info(self, table: str) -> StorageInfo:
        """The same for every table."""
        return self._info

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """Why the database can't hold a value."""
        return self._engine.objection(value, in_key)

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record."""
        return self.read_record(table, key, self._connections.read)

    def read_record(self, table: Table, key: tuple[Value, ...], read: Reader) -> Row | None:
        """One record, by a connection of the pool or by a held one."""
        known = self._known(table)
        text, parameters = known.records.get(key)
        rows = read(text, parameters)
        return known.decode(rows[0]) if rows else None

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        """Read several records, those of a table by one statement."""
        return read_many(self, self._connections, wanted)

    def read_together(
        self, table: Table, keys: Sequence[tuple[Value, ...]], read: Reader
    ) -> Iterator[Row]:
        """The records of up to ``MOST_TOGETHER`` keys, by one statement, in no order."""
        known = self._known(table)
        text, parameters = known.records.get_many(keys)
        return map(known.decode, read(text, parameters))

    def scan(self, request: ScanRequest) -> SqlPages:
        """Begin a scan."""
        return self.pages(request, self._connections.read)

    def pages(self, request: ScanRequest, read: Reader) -> SqlPages:
        """A scan, by connections of the pool or by a held one."""
        source = request.source
        if isinstance(source, IndexSource):
            check_indexed(request.table, source)
        return SqlPages(self, request, read)

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        """Run steps over the database as it is at one moment."""
        held = self._connections.moment()
        try:
            await steps(SqlMoment(self, held))
        finally:
            held.close()

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Apply all, or none."""
        try:
            self._mutate(mutations)
        except InvalidOperationError as error:
            # An INSERT must name what may not be NULL even where it then changes a row that is
            # there. Whether it was that, whoever reads the record and writes it again learns.
            made = [one for one in mutations if isinstance(one, Overwrite) and one.makes]
            if not made or error.code != _WRONG:
                raise
            raise _refused(*made) from error

    def _mutate(self, mutations: Sequence[StorageMutation]) -> None:
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
        # Everything that can be wrong with the call is found before anything is locked. Records
        # are locked in one order everywhere, so that two groups wait rather than block each other.
        bound = [
            (m, *self._statements(m).mutation(m))
            for m in sorted(mutations, key=lambda m: (m.table.name, repr(m.key)))
        ]

        together = self._together([plan for _, plan, _ in bound])
        if together is not None:
            try:
                self._connections.write(together, [one for *_, values in bound for one in values])
            except WriteRefusedError as error:
                raise _refused(*mutations) from error
            return

        def steps(session: Session) -> None:
            counts = session.counts([(plan.text, parameters) for _, plan, parameters in bound])
            for (mutation, plan, _), count in zip(bound, counts, strict=True):
                if count == 0 and plan.conditional:
                    raise _refused(mutation)

        self._connections.transaction(steps)

    def _together(self, plans: list[Plan]) -> str | None:
        make = self._engine.together
        if make is None:
            return None
        return self._groups.get(tuple(plan.text for plan in plans), lambda: make(plans))

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
        engine = self._engine
        texts = engine.definitions.check_present(
            self._connections.read, table, self._connections.place
        )
        names = Names(
            engine.definitions.dialect,
            table,
            engine.encoders,
            unequal=texts.unequal,
            unordered=texts.unordered,
        )
        known = _Known(
            table,
            RecordStatements(names),
            ScanStatements(names),
            RowDecoder(table, engine.cells),
        )
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
        decoded = [known.decode(cells) for cells in found]
        if self._ends_in_doubt(request, decoded) and len(found) == rows:
            return self.page(request, after, 2 * rows, read)
        if self._engine.cells_go_back:
            return decoded, known.scans.order(request).place_of(found[-1])
        return decoded, known.scans.place_of(request, decoded[-1])

    def _ends_in_doubt(self, request: ScanRequest, rows: Sequence[Row]) -> bool:
        """May the next row differ from the last one only behind what is sorted by?

        Of such rows the next page would leave some out, so two of them in a page are refused.
        """
        limit = self._engine.sorts_by
        source = request.source
        if limit is None or not isinstance(source, WholeTableSource):
            return False
        keys = request.table.schema.primary_key
        in_doubt = False
        for column in (term.column for term in source.order if term.column not in keys):
            long = [_beginning(row[column], limit) for row in rows]
            pairs = pairwise(long)
            if any(one and one == other for one, other in pairs):
                raise InvalidOperationError(
                    f"{request.table.name} can't be ordered by {column!r}: the database sorts by "
                    f"the first {limit:,} bytes, and there are longer values",
                    advice="Order by another column, or sort in the program",
                    code="STX-3309",
                )
            in_doubt = in_doubt or long[-1] is not None
        return in_doubt


def _beginning(value: Value, size: int) -> bytes | None:
    """The beginning of a text or blob that is longer."""
    if isinstance(value, str):
        value = value.encode()
    return value[:size] if isinstance(value, bytes) and len(value) > size else None


class SqlPages:
    """A running scan: each page is one statement that begins behind the last row seen."""

    __slots__ = ("_after", "_ended", "_read", "_request", "_rows", "_storage")

    def __init__(self, storage: SqlStorage, request: ScanRequest, read: Reader) -> None:
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
        else:
            self._rows = self._request.page_after(self._rows)
        return rows or None

    async def close(self) -> None:
        """Nothing is held between pages."""
        self._ended = True


class SqlMoment:
    """The database as it was at one moment."""

    def __init__(self, storage: SqlStorage, held: Held) -> None:
        self._storage = storage
        self._held = held

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record."""
        return self._storage.read_record(table, key, self._held.read)

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        """Read several records, those of a table by one statement."""
        return read_many_of_moment(self._storage, self._held.read, wanted)

    def scan(self, request: ScanRequest) -> SqlPages:
        """Begin a scan."""
        return self._storage.pages(request, self._held.read)


def _refused(*mutations: StorageMutation) -> WriteRefusedError:
    named = "; or ".join(
        f"{one.table.name} {one.key!r}: the condition {one.condition!r} was not met"
        for one in mutations
        if one.condition is not None
    )
    return WriteRefusedError(named)
