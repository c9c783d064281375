"""Which operations does a user call on threads, and with which arguments?

A transaction and a manager have the same; they differ in how an operation is done. Each is written
for a table's name and for a class (``scalar_tx.table``), so that a type checker knows the result.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, Literal, TypeVar, overload

from scalar_tx.model.operations import (
    OF_OBJECT,
    Delete,
    Get,
    Insert,
    Put,
    Scan,
    Update,
    Upsert,
    checked_mutations,
    checked_operations,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.conditions import Condition, Existence
    from scalar_tx.model.operations import Mutation, Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.record_class import RecordObject, RecordT
    from scalar_tx.model.types import Value

FoundT = TypeVar("FoundT")  # a Record, or an object of a class


class OperationMethods(ABC):
    """The operations of a transaction, or of a manager: there each is one of its own.

    ``table`` is ``"namespace.table"``, or a class that ``scalar_tx.table`` was put on; reads then
    return its objects, and writes take one instead of values.
    """

    @abstractmethod
    def _get(self, get: Get) -> Any:
        """Do it, for ``get``."""

    @abstractmethod
    def _scan(self, scan: Scan) -> Any:
        """Do it, for ``scan``."""

    @abstractmethod
    def _write(self, write: Mutation) -> None:
        """Do it, for one write."""

    @abstractmethod
    def _batch(self, operations: Sequence[Operation]) -> list[Any]:
        """Do them, for several."""

    @overload
    def get(
        self,
        table: str,
        key: Mapping[str, Value] | None = None,
        *,
        index: Mapping[str, Value] | None = None,
        columns: Sequence[str] | None = None,
        where: Condition | None = None,
        weak: bool = False,
    ) -> Record | None: ...
    @overload
    def get(
        self,
        table: type[RecordT],
        key: Mapping[str, Any] | None = None,
        *,
        index: Mapping[str, Any] | None = None,
        where: Condition | None = None,
        weak: bool = False,
    ) -> RecordT | None: ...
    def get(
        self,
        table: Any,
        key: Mapping[str, Any] | None = None,
        *,
        index: Mapping[str, Any] | None = None,
        columns: Sequence[str] | None = None,
        where: Condition | None = None,
        weak: bool = False,
    ) -> Any:
        """Read one record by its whole primary key, or the only one with an index value.

        None if there is none or ``where`` is not true of it. ConflictError if another transaction
        is writing it.
        """
        return self._get(Get(table, key, index=index, columns=columns, where=where, weak=weak))

    @overload
    def scan(
        self,
        table: str,
        partition: Mapping[str, Value] | None = None,
        *,
        index: Mapping[str, Value] | None = None,
        whole_table: bool = False,
        start: Mapping[str, Value] | None = None,
        end: Mapping[str, Value] | None = None,
        start_inclusive: bool = True,
        end_inclusive: bool = True,
        order_by: Sequence[str] | None = None,
        limit: int | None = None,
        after: str | None = None,
        columns: Sequence[str] | None = None,
        where: Condition | None = None,
        weak: bool = False,
    ) -> list[Record]: ...
    @overload
    def scan(
        self,
        table: type[RecordT],
        partition: Mapping[str, Any] | None = None,
        *,
        index: Mapping[str, Any] | None = None,
        whole_table: bool = False,
        start: Mapping[str, Any] | None = None,
        end: Mapping[str, Any] | None = None,
        start_inclusive: bool = True,
        end_inclusive: bool = True,
        order_by: Sequence[str] | None = None,
        limit: int | None = None,
        after: str | None = None,
        where: Condition | None = None,
        weak: bool = False,
    ) -> list[RecordT]: ...
    def scan(
        self,
        table: Any,
        partition: Mapping[str, Any] | None = None,
        *,
        index: Mapping[str, Any] | None = None,
        whole_table: bool = False,
        start: Mapping[str, Any] | None = None,
        end: Mapping[str, Any] | None = None,
        start_inclusive: bool = True,
        end_inclusive: bool = True,
        order_by: Sequence[str] | None = None,
        limit: int | None = None,
        after: str | None = None,
        columns: Sequence[str] | None = None,
        where: Condition | None = None,
        weak: bool = False,
    ) -> Any:
        """Read the records of a partition, of an index value, or of a whole table."""
        return self._scan(
            Scan(
                table,
                partition,
                index=index,
                whole_table=whole_table,
                start=start,
                end=end,
                start_inclusive=start_inclusive,
                end_inclusive=end_inclusive,
                order_by=order_by,
                limit=limit,
                after=after,
                columns=columns,
                where=where,
                weak=weak,
            )
        )

    @overload
    def insert(self, table: RecordObject, /) -> None: ...
    @overload
    def insert(self, table: str, values: Mapping[str, Value]) -> None: ...
    @overload
    def insert(self, table: type[RecordObject], values: Mapping[str, Any]) -> None: ...
    def insert(self, table: Any, values: Mapping[str, Any] = OF_OBJECT) -> None:
        """Create a record; ``values`` hold its key. ConflictError at commit if it exists."""
        self._write(Insert(table, values))

    @overload
    def upsert(self, table: RecordObject, /) -> None: ...
    @overload
    def upsert(self, table: str, values: Mapping[str, Value]) -> None: ...
    @overload
    def upsert(self, table: type[RecordObject], values: Mapping[str, Any]) -> None: ...
    def upsert(self, table: Any, values: Mapping[str, Any] = OF_OBJECT) -> None:
        """Create a record or change the given columns of it; ``values`` hold its key."""
        self._write(Upsert(table, values))

    @overload
    def update(
        self,
        table: RecordObject,
        /,
        *,
        where: Condition | Existence | None = None,
        missing: Literal["error", "ignore"] = "error",
    ) -> None: ...
    @overload
    def update(
        self,
        table: str,
        key: Mapping[str, Value],
        values: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
        missing: Literal["error", "ignore"] = "error",
    ) -> None: ...
    @overload
    def update(
        self,
        table: type[RecordObject],
        key: Mapping[str, Any],
        values: Mapping[str, Any],
        *,
        where: Condition | Existence | None = None,
        missing: Literal["error", "ignore"] = "error",
    ) -> None: ...
    def update(
        self,
        table: Any,
        key: Mapping[str, Any] = OF_OBJECT,
        values: Mapping[str, Any] = OF_OBJECT,
        *,
        where: Condition | Existence | None = None,
        missing: Literal["error", "ignore"] = "error",
    ) -> None:
        """Change columns of a record; of an object, all of its fields but the key.

        RecordNotFoundError if it isn't there, unless ``missing="ignore"``; ConditionNotMetError if
        ``where`` is not true of it. After either the transaction can still be used.
        """
        self._write(Update(table, key, values, where=where, missing=missing))

    @overload
    def delete(
        self, table: RecordObject, /, *, where: Condition | Existence | None = None
    ) -> None: ...
    @overload
    def delete(
        self,
        table: str,
        key: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
    ) -> None: ...
    @overload
    def delete(
        self,
        table: type[RecordObject],
        key: Mapping[str, Any],
        *,
        where: Condition | Existence | None = None,
    ) -> None: ...
    def delete(
        self,
        table: Any,
        key: Mapping[str, Any] = OF_OBJECT,
        *,
        where: Condition | Existence | None = None,
    ) -> None:
        """Remove a record; where there is none, nothing happens."""
        self._write(Delete(table, key, where=where))

    @overload
    def put(
        self,
        table: RecordObject,
        /,
        *,
        where: Condition | Existence | None = None,
        implicit_pre_read: bool = False,
        insert_mode: bool = False,
    ) -> None: ...
    @overload
    def put(
        self,
        table: str,
        values: Mapping[str, Value],
        *,
        where: Condition | Existence | None = None,
        implicit_pre_read: bool = False,
        insert_mode: bool = False,
    ) -> None: ...
    @overload
    def put(
        self,
        table: type[RecordObject],
        values: Mapping[str, Any],
        *,
        where: Condition | Existence | None = None,
        implicit_pre_read: bool = False,
        insert_mode: bool = False,
    ) -> None: ...
    def put(
        self,
        table: Any,
        values: Mapping[str, Any] = OF_OBJECT,
        *,
        where: Condition | Existence | None = None,
        implicit_pre_read: bool = False,
        insert_mode: bool = False,
    ) -> None:
        """ScalarDB's put: over the record if this transaction read it, else an insert."""
        self._write(
            Put(
                table,
                values,
                where=where,
                implicit_pre_read=implicit_pre_read,
                insert_mode=insert_mode,
            )
        )

    def mutate(self, mutations: Sequence[Mutation]) -> None:
        """Record several writes in order."""
        self._batch([*checked_mutations(mutations)])

    @overload
    def batch(self, operations: Sequence[Get[FoundT]]) -> list[FoundT | None]: ...
    @overload
    def batch(self, operations: Sequence[Scan[FoundT]]) -> list[list[FoundT]]: ...
    @overload
    def batch(self, operations: Sequence[Operation]) -> list[Any]: ...
    def batch(self, operations: Sequence[Operation]) -> list[Any]:
        """Run operations in order and return their results; the reads among them run together.

        Those are all gets by key, and the first page of each other read, which holds as many rows
        as a scan's limit. Results are those of one after the other. Where reads fail, the error is
        one of theirs, and none is still on its way.

        Of a Get a Record or None, of a Scan a list, of a write None; objects where a class was
        named.
        """
        return self._batch(checked_operations(operations))
