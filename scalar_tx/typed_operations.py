"""How is an operation done that names a class, or holds an object, instead of a table?

Both faces, and every kind of transaction, ask here: the operation becomes one of the class's table,
and the records it finds become objects (``scalar_tx.table``). An operation with a table's name is
handed on as it is. Nothing is asked of a database but what the table is like, and that is cached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.arguments import wrong
from scalar_tx.model.operations import OF_OBJECT, Delete, Get, Insert, Put, Scan, Update, Upsert
from scalar_tx.model.record_class import record_class
from scalar_tx.model.typed_table import typed_table

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence

    from scalar_tx.backend import Cursor, Steps
    from scalar_tx.model.operations import Mutation, Operation
    from scalar_tx.model.record_class import RecordClass
    from scalar_tx.model.typed_table import TypedTable


def get(steps: Steps, operation: Get) -> Coroutine[Any, Any, Any]:
    """Read one record, or object."""
    if type(operation.table) is str:
        return steps.get(operation)
    return _read(steps, operation)


def scan(steps: Steps, operation: Scan) -> Coroutine[Any, Any, Any]:
    """Read many records, or objects."""
    if type(operation.table) is str:
        return steps.scan(operation)
    return _read(steps, operation)


async def _read(steps: Steps, operation: Get | Scan) -> Any:
    fit = await _fitted(steps, operation)
    if isinstance(operation, Scan):
        records = await steps.scan(operation if fit is None else _plain_scan(operation, fit))
        return records if fit is None else [*map(fit.object_of, records)]
    record = await steps.get(operation if fit is None else _plain_get(operation, fit))
    return record if fit is None or record is None else fit.object_of(record)


async def open_cursor(steps: Steps, operation: Scan) -> Cursor | TypedCursor:
    """Begin a scan that is read page by page."""
    fit = await _fitted(steps, operation)
    if fit is None:
        return await steps.open_cursor(operation)
    return TypedCursor(await steps.open_cursor(_plain_scan(operation, fit)), fit)


def mutate(steps: Steps, operation: Mutation) -> Coroutine[Any, Any, None]:
    """Record one write."""
    if type(operation.table) is str:
        return steps.mutate(operation)
    return _mutate(steps, operation)


async def _mutate(steps: Steps, operation: Mutation) -> None:
    fit = await _fitted(steps, operation)
    await steps.mutate(operation if fit is None else _plain_write(operation, fit))


def batch(steps: Steps, operations: Sequence[Operation]) -> Coroutine[Any, Any, list[Any]]:
    """Run operations in order."""
    if all(type(operation.table) is str for operation in operations):
        return steps.batch(operations)
    return _batch(steps, operations)


async def _batch(steps: Steps, operations: Sequence[Operation]) -> list[Any]:
    fits = [await _fitted(steps, operation) for operation in operations]
    plain = [
        operation if fit is None else _plain(operation, fit)
        for operation, fit in zip(operations, fits, strict=True)
    ]
    # None of its writes may stay where what was read can't be an object.
    reads = sum(isinstance(operation, Get | Scan) for operation in plain)
    written = steps.written() if 0 < reads < len(plain) else None
    found = await steps.batch(plain)
    try:
        return [
            _typed(result, fit) if fit is not None else result
            for result, fit in zip(found, fits, strict=True)
        ]
    except BaseException:
        if written is not None:
            steps.take_back(written)
        raise


def _typed(result: Any, fit: TypedTable) -> Any:
    if result is None:
        return None
    return [*map(fit.object_of, result)] if isinstance(result, list) else fit.object_of(result)


class TypedCursor:
    """A scan that is read page by page, as objects."""

    def __init__(self, cursor: Cursor, fit: TypedTable) -> None:
        self._cursor = cursor
        self._fit = fit

    @property
    def closed(self) -> bool:
        """Is it read no further?"""
        return self._cursor.closed

    async def next_page(self) -> list[Any] | None:
        """The next objects, at least one, or None at the end."""
        page = await self._cursor.next_page()
        return None if page is None else [*map(self._fit.object_of, page)]

    def page_token(self) -> str | None:
        """Where a later scan goes on with ``after=``: behind the last object handed out."""
        return self._cursor.page_token()

    async def close(self) -> None:
        """Read no further."""
        await self._cursor.close()


async def _fitted(steps: Steps, operation: Operation) -> TypedTable | None:
    """The class that an operation names, beside its table; None: it names none."""
    named = operation.table
    if isinstance(named, str):
        return None
    kind = named if isinstance(named, type) else type(named)
    known = record_class(kind)
    if known is None:
        _refuse(kind)
        return None
    return typed_table(known, await steps.table(known.table))


def _refuse(kind: type) -> None:
    """InvalidOperationError: what was meant as a class of records is none."""
    if kind.__module__ != "builtins":
        raise InvalidOperationError(
            f"{kind.__qualname__} stands where a table does, and no table was named for it",
            advice="Put @scalar_tx.table('namespace.table') above the class, or name the table",
            code="STX-3094",
        )


def _plain(operation: Operation, fit: TypedTable) -> Operation:
    if isinstance(operation, Get):
        return _plain_get(operation, fit)
    if isinstance(operation, Scan):
        return _plain_scan(operation, fit)
    return _plain_write(operation, fit)


def _plain_get(get: Get, fit: TypedTable) -> Get:
    _check_read(get, "get", fit.record_class)
    return Get(
        fit.record_class.table,
        fit.stored(get.key),
        index=fit.stored(get.index),
        columns=fit.columns,
        where=get.where,
        weak=get.weak,
    )


def _plain_scan(scan: Scan, fit: TypedTable) -> Scan:
    _check_read(scan, "scan", fit.record_class)
    return Scan(
        fit.record_class.table,
        fit.stored(scan.partition),
        index=fit.stored(scan.index),
        whole_table=scan.whole_table,
        start=fit.stored(scan.start),
        end=fit.stored(scan.end),
        start_inclusive=scan.start_inclusive,
        end_inclusive=scan.end_inclusive,
        order_by=scan.order_by,
        limit=scan.limit,
        after=scan.after,
        columns=fit.columns,
        where=scan.where,
        weak=scan.weak,
    )


def _check_read(read: Get | Scan, name: str, of: RecordClass) -> None:
    if not isinstance(read.table, type):
        raise wrong(
            f"{name} was given an object of {of.name}", f"Give the class: {name}({of.name}, …)"
        )
    if read.columns is not None:
        raise wrong(
            f"{name} was given columns, and {of.name} says already which are read",
            f"Leave columns= out, or read records: {name}({of.table!r}, …)",
        )


def _plain_write(write: Mutation, fit: TypedTable) -> Mutation:
    table = fit.record_class.table
    match write:
        case Insert():
            return Insert(table, _values(write, fit))
        case Upsert():
            return Upsert(table, _values(write, fit))
        case Put():
            return Put(
                table,
                _values(write, fit),
                where=write.where,
                implicit_pre_read=write.implicit_pre_read,
                insert_mode=write.insert_mode,
            )
        case Update():
            if isinstance(write.table, type):
                key, values = fit.stored(write.key), fit.stored_values(write.values)
            else:
                _check_alone(write, fit.record_class)
                key, values = fit.key_and_values_of(write.table)
            return Update(table, key, values, where=write.where, missing=write.missing)
        case Delete():
            if isinstance(write.table, type):
                key = fit.stored(write.key)
            else:
                _check_alone(write, fit.record_class)
                key = fit.key_of(write.table)
            return Delete(table, key, where=write.where)


def _values(write: Insert | Upsert | Put, fit: TypedTable) -> Any:
    if isinstance(write.table, type):
        return fit.stored_values(write.values)
    _check_alone(write, fit.record_class)
    return fit.values_of(write.table)


def _check_alone(write: Mutation, of: RecordClass) -> None:
    given = [getattr(write, name, OF_OBJECT) for name in ("key", "values")]
    if any(one is not OF_OBJECT for one in given):
        raise wrong(
            f"a write was given an object of {of.name}, and a key or values beside it",
            f"Give the object alone, or the class {of.name} with them",
        )
