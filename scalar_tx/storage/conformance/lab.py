"""A storage on a runner, and the tables that the tests share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.errors import InvalidOperationError, WriteRefusedError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.conformance.judging import key_of, whole
from scalar_tx.storage.conformance.samples import SAMPLES
from scalar_tx.storage.conformance.subject import Place, Role, Subject
from scalar_tx.storage.interface import Write, unit_key

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.conformance.runners import Runner
    from scalar_tx.storage.interface import (
        Reads,
        ScanRequest,
        Storage,
        StorageInfo,
        StorageMutation,
    )

T = TypeVar("T")
NAMESPACE = "conformance"
OTHER_NAMESPACE = "conformance2"
MOST_PAGES = 2_000  # a scan of the suite that goes on longer does not end

_ANY_TABLE = "conformance.values"


class Lab:
    """What a test works with. A table is made once and emptied each time it is asked for."""

    def __init__(self, subject: Subject, runner: Runner, place: Place) -> None:
        self.subject = subject
        self.runner = runner
        self.place = place
        self.storage: Storage = subject.open(place)
        runner.waits = self.info().waits
        self._tables: dict[tuple[TableSchema, str], Table] = {}
        self._names = 0

    def info(self, table: str = f"{NAMESPACE}.t1") -> StorageInfo:
        """What the storage says of itself."""
        return self.storage.info(table)

    def fresh_name(self, namespace: str = NAMESPACE) -> str:
        """A table name that was not used before."""
        self._names += 1
        return f"{namespace}.t{self._names}"

    async def table(
        self, schema: TableSchema, *, which: str = "", namespace: str = NAMESPACE
    ) -> Table:
        """An empty table. ``which`` tells tables of one schema apart."""
        mark = (schema, f"{namespace} {which}")
        if mark in self._tables:
            await self.storage.admin.truncate_table(self._tables[mark].name)
        else:
            table = Table(self.fresh_name(namespace), schema)
            admin = self.storage.admin
            if self.subject.keeps_tables and await admin.table(table.name) == table:
                await admin.truncate_table(table.name)
            else:
                await admin.drop_table(table.name, if_exists=True)
                await admin.create_table(table)
            self._tables[mark] = table
        return self._tables[mark]

    async def load(
        self, table: Table, rows: Sequence[Row], storage: Storage | None = None
    ) -> list[Row]:
        """Write rows, as many at once as the storage takes; return them with every column."""
        groups: dict[tuple[object, ...], list[StorageMutation]] = {}
        info = self.info(table.name)
        keys = set(table.schema.primary_key)
        for row in rows:
            values = {name: value for name, value in row.items() if name not in keys}
            write = Write(table, key_of(table, row), values)
            groups.setdefault(unit_key(write, info), []).append(write)
        most = min(info.max_mutations, 100)
        for group in groups.values():
            for start in range(0, len(group), most):
                await (storage or self.storage).mutate(group[start : start + most])
        return [whole(table, row) for row in rows]

    async def get(self, table: Table, *key: Value) -> Row | None:
        """Read one record."""
        return await self.storage.get(table, key)

    async def applies(self, *mutations: StorageMutation) -> bool:
        """Mutate; False if a condition refused it."""
        try:
            await self.storage.mutate(mutations)
        except WriteRefusedError:
            return False
        return True

    async def rows(self, request: ScanRequest, storage: Reads | None = None) -> list[Row]:
        """All rows of a scan; checks what every scan must keep."""
        found: list[Row] = []
        pages = (storage or self.storage).scan(request)
        try:
            for _ in range(MOST_PAGES):
                page = await pages.next_page()
                if page is None:
                    break
                assert len(page) > 0, "a page has at least one row; None is the end"
                found.extend(page)
            else:
                raise AssertionError(f"the scan did not end after {MOST_PAGES} pages")
            assert await pages.next_page() is None, "after its end a scan stays at its end"
        finally:
            await pages.close()
        for row in found:
            assert set(row) == set(request.table.columns), "a row has every column of its table"
        return found

    def holds(self, data_type: DataType, value: Value, role: Role = Role.COLUMN) -> bool:
        """Does the storage take the value, by its own word? Everyday values it must take."""
        in_key = role is not Role.COLUMN
        objections = [self.storage.objection(_ANY_TABLE, data_type, value, in_key=in_key)]
        if role is Role.INDEX:
            objections.append(self.storage.objection(_ANY_TABLE, data_type, value, in_key=False))
        for objection in objections:
            assert objection is None or (isinstance(objection, str) and objection.strip()), (
                f"an objection is a text that says why, not {objection!r}"
            )
        fine = objections.count(None) == len(objections)
        everyday = any(value is one for one in SAMPLES[data_type].everyday)
        assert fine or not everyday, (
            f"every storage must hold {data_type.value} {value!r}: {objections}"
        )
        return fine

    def samples(self, data_type: DataType, role: Role = Role.COLUMN) -> list[Value]:
        """The sample values that the storage holds in that role."""
        samples = SAMPLES[data_type]
        chosen = (*samples.everyday, *samples.special)
        if role is Role.COLUMN:
            chosen += samples.bulky
        elif role is not Role.INDEX:
            chosen = tuple(value for value in chosen if value not in ("", b""))  # no keys
        return [value for value in chosen if self.holds(data_type, value, role)]

    async def close(self) -> None:
        """Drop the shared tables, unless they are to be kept, and close the storage."""
        for table in self._tables.values() if not self.subject.keeps_tables else ():
            await self.storage.admin.drop_table(table.name, if_exists=True)
        await self.storage.close()


async def refused(steps: Coroutine[Any, Any, object]) -> None:
    """The request must be refused as one that can't be right."""
    try:
        await steps
    except InvalidOperationError:
        return
    raise AssertionError("should have been refused with InvalidOperationError")
