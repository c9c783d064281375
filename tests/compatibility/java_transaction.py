"""What can be done inside a transaction of the Java library?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.compatibility.java_wire import Write, row, rows, selection, where_wired

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.compatibility.java_cells import Row
    from tests.compatibility.java_process import Pending
    from tests.compatibility.java_session import JavaSession
    from tests.compatibility.java_wire import Values, Where, WriteCondition


class JavaTransaction:
    """A transaction of the Java library. Its requests run in order, beside those of others."""

    def __init__(self, session: JavaSession, handle: str, id: str) -> None:  # noqa: A002
        self.session = session
        self.id = id
        self._handle = handle

    def _submit(self, do: str, **arguments: Any) -> Pending:
        lane = f"{self.session.name} {self._handle}"
        return self.session.peer.submit(
            f"tx.{do}", self.session.name, lane, tx=self._handle, **arguments
        )

    def get(
        self,
        table: str,
        key: Values | None = None,
        *,
        index: Values | None = None,
        columns: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> Row | None:
        """One record by its key or by an index value."""
        return row(self.get_later(table, key, index=index, columns=columns, where=where).result())

    def get_later(
        self,
        table: str,
        key: Values | None = None,
        *,
        index: Values | None = None,
        columns: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> Pending:
        """Begin to get; the answer are cells for `decode_row`, or None."""
        description = self.session.table(table)
        ask: dict[str, Any] = {"projections": columns, "where": where_wired(description, where)}
        ask |= {} if key is None else description.split_key(key)
        ask |= {} if index is None else {"index": description.cells(index)}
        return self._submit("get", table=table, **ask)

    def scan(self, table: str, partition: Values | None = None, **wanted: Any) -> list[Row]:
        """The records of a partition, of an index value or of a whole table."""
        return rows(self.scan_later(table, partition, **wanted).result())

    def scan_later(
        self,
        table: str,
        partition: Values | None = None,
        *,
        index: Values | None = None,
        start: Values | None = None,
        end: Values | None = None,
        start_inclusive: bool = True,
        end_inclusive: bool = True,
        order_by: Sequence[str] | None = None,
        limit: int | None = None,
        columns: Sequence[str] | None = None,
        where: Where | None = None,
    ) -> Pending:
        """Begin to scan; the answer is a list of cells for `decode_row`."""
        description = self.session.table(table)
        ask = selection(description, partition, index)
        if start is not None:
            ask["start"] = {"key": description.cells(start), "inclusive": start_inclusive}
        if end is not None:
            ask["end"] = {"key": description.cells(end), "inclusive": end_inclusive}
        if order_by is not None:
            ask["orderings"] = [
                [name.removeprefix("-"), "DESC" if name.startswith("-") else "ASC"]
                for name in order_by
            ]
        return self._submit(
            "scan",
            table=table,
            limit=limit,
            projections=columns,
            where=where_wired(description, where),
            **ask,
        )

    def insert(self, table: str, values: Values) -> None:
        """Create a record; a conflict at commit if it exists."""
        self._write(Write("insert", table, values))

    def upsert(self, table: str, values: Values) -> None:
        """Create or change a record."""
        self._write(Write("upsert", table, values))

    def update(
        self, table: str, key: Values, values: Values, *, where: WriteCondition | None = None
    ) -> None:
        """Change a record; nothing happens if it isn't there and there is no condition."""
        self._write(Write("update", table, {**key, **values}, where))

    def put(
        self,
        table: str,
        values: Values,
        *,
        where: WriteCondition | None = None,
        implicit_pre_read: bool | None = None,
        insert_mode: bool | None = None,
    ) -> None:
        """ScalarDB's put: an insert if the record wasn't read before."""
        self._write(Write("put", table, values, where, implicit_pre_read, insert_mode))

    def delete(self, table: str, key: Values, *, where: WriteCondition | None = None) -> None:
        """Remove a record."""
        self._write(Write("delete", table, key, where))

    def mutate(self, writes: Sequence[Write]) -> None:
        """Several writes."""
        self._submit("mutate", mutations=[self.session.wire(write) for write in writes]).result()

    def _write(self, write: Write) -> None:
        self._submit(write.op, **self.session.wire(write)).result()

    def commit(self) -> None:
        """Commit."""
        self.commit_later().result()

    def commit_later(self) -> Pending:
        """Begin to commit."""
        return self._submit("commit")

    def rollback(self) -> None:
        """Give up."""
        self._submit("rollback").result()


class JavaPart(JavaTransaction):
    """What one session does of a transaction in two phases.

    Every part is prepared, then, at SERIALIZABLE, every part validated, then the coordinator's part
    committed before all others.
    """

    def prepare(self) -> None:
        """Prepare this part's records."""
        self._submit("prepare").result()

    def validate(self) -> None:
        """Look whether what this part has read still holds."""
        self._submit("validate").result()
