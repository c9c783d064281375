"""What can be asked of one configuration of the Java library?"""

from __future__ import annotations

import itertools
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal

from tests.compatibility.java_faults import JavaWatch
from tests.compatibility.java_process import ANSWER_SECONDS, JavaProcess, Pending
from tests.compatibility.java_transaction import JavaPart, JavaTransaction
from tests.compatibility.java_transfers import TransferReport
from tests.compatibility.java_wire import TableDescription, Write, row, rows, selection

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.compatibility.java_cells import Row
    from tests.compatibility.java_wire import Values, WriteCondition

Isolation = Literal["SERIALIZABLE", "SNAPSHOT", "READ_COMMITTED"]


class JavaSession:
    """One configuration of the library: administration, transactions, storage, faults."""

    def __init__(self, peer: JavaProcess, name: str) -> None:
        self.peer = peer
        self.name = name
        self.watch = JavaWatch(peer, name, self.table)
        self._tables: dict[str, TableDescription] = {}
        self._lanes = itertools.count(1)

    def _submit(self, do: str, **arguments: Any) -> Pending:
        return self.peer.submit(do, self.name, self.name, **arguments)

    def _call(self, do: str, **arguments: Any) -> Any:
        return self._submit(do, **arguments).result()

    def close(self) -> None:
        """Close the library's connections."""
        self._call("session.close")

    # Administration

    def admin(self, command: str, **arguments: Any) -> Any:
        """An administrative command of the Java program by its name."""
        self._tables.clear()
        return self._call(f"admin.{command}", **arguments)

    def create_namespace(self, namespace: str) -> None:
        """Make a namespace unless it is there."""
        self.admin("create_namespace", namespace=namespace)

    def create_table(
        self,
        table: str,
        columns: Mapping[str, str],
        partition_key: Sequence[str],
        clustering_key: Sequence[str] = (),
        secondary_index: Sequence[str] = (),
        *,
        transaction: bool = True,
        if_not_exists: bool = False,
        options: Mapping[str, str] | None = None,
    ) -> None:
        """Make a table and its namespace; a clustering column is "name" or "name DESC"."""
        self.create_namespace(table.split(".", maxsplit=1)[0])
        self.admin(
            "create_table",
            table=table,
            raw=not transaction,
            if_not_exists=if_not_exists,
            options=dict(options or {}),
            **_definition(columns, partition_key, clustering_key, secondary_index),
        )

    def repair_table(
        self,
        table: str,
        columns: Mapping[str, str],
        partition_key: Sequence[str],
        clustering_key: Sequence[str] = (),
        secondary_index: Sequence[str] = (),
        *,
        transaction: bool = True,
    ) -> None:
        """Add what a table or its metadata lacks."""
        self.admin(
            "repair_table",
            table=table,
            raw=not transaction,
            **_definition(columns, partition_key, clustering_key, secondary_index),
        )

    def create_coordinator(self) -> None:
        """Make the coordinator table unless it is there."""
        self.admin("create_coordinator", if_not_exists=True)

    def repair_coordinator(self) -> None:
        """Add the columns that the coordinator table lacks for the session's properties."""
        self.admin("repair_coordinator")

    def describe(self, table: str, *, metadata_columns: bool = False) -> TableDescription | None:
        """A table, without or with the transaction columns; None if there is none."""
        found = self._call("admin.describe", table=table, raw=metadata_columns)
        if found is None:
            return None
        return TableDescription(
            columns=found["columns"],
            partition_key=tuple(found["partition_key"]),
            clustering_key=tuple((name, order) for name, order in found["clustering_key"]),
            indexes=tuple(found["indexes"]),
        )

    def table(self, table: str) -> TableDescription:
        """A table with all its columns, remembered until the next administrative command.

        Raises:
            LookupError: there is no such table.
        """
        if table not in self._tables:
            found = self.describe(table, metadata_columns=True)
            if found is None:
                raise LookupError(f"the Java library knows no table {table}")
            self._tables[table] = found
        return self._tables[table]

    # Transactions

    def begin(
        self,
        id: str | None = None,  # noqa: A002  as scalar_tx calls it
        *,
        read_only: bool = False,
        isolation: Isolation | None = None,
        attributes: Mapping[str, str] | None = None,
    ) -> JavaTransaction:
        """Begin a transaction; a release before 3.18 takes its isolation from the properties."""
        wanted = dict(attributes or {})
        if isolation is not None:
            wanted["cc-transaction-isolation"] = isolation
        begun = self._call("manager.begin", id_wanted=id, read_only=read_only, attributes=wanted)
        return JavaTransaction(self, begun["tx"], begun["id"])

    @contextmanager
    def transaction(
        self, *, read_only: bool = False, isolation: Isolation | None = None
    ) -> Iterator[JavaTransaction]:
        """A transaction that commits at the end, or rolls back at an exception."""
        tx = self.begin(read_only=read_only, isolation=isolation)
        try:
            yield tx
        except BaseException:
            if self.peer.alive:
                tx.rollback()
            raise
        tx.commit()

    def two_phase_begin(self, id: str | None = None) -> JavaPart:  # noqa: A002  as in begin
        """Begin a transaction that others join; its isolation is that of the properties."""
        return self._part("begin", id)

    def two_phase_join(self, transaction_id: str) -> JavaPart:
        """Take part in a transaction that was begun elsewhere, with the records of this session."""
        return self._part("join", transaction_id)

    def two_phase_resume(self, transaction_id: str) -> JavaPart:
        """The part that this session has of a transaction."""
        return self._part("resume", transaction_id)

    def _part(self, command: str, transaction_id: str | None) -> JavaPart:
        begun = self._call(f"two_phase.{command}", transaction_id=transaction_id)
        return JavaPart(self, begun["tx"], begun["id"])

    def state(self, transaction_id: str) -> str:
        """COMMITTED, ABORTED or UNKNOWN."""
        return str(self._call("manager.state", transaction_id=transaction_id))

    def rollback_by_id(self, transaction_id: str) -> str:
        """Abort a transaction of whichever process; the state that stands then."""
        return str(self._call("manager.rollback_by_id", transaction_id=transaction_id))

    def finish(self, transaction_id: str) -> bool:
        """Settle all records of a transaction and remove its coordinator row (3.19)."""
        return bool(self._call("manager.finish", transaction_id=transaction_id))

    def recover(self, table: str, key: Values) -> bool:
        """Settle one record if its writer is decided or expired (3.19)."""
        split = self.table(table).split_key(key)
        return bool(self._call("manager.recover", table=table, **split))

    def transfer_load_later(
        self,
        table: str,
        *,
        accounts: int,
        threads: int = 2,
        seconds: float = 30.0,
        commits: int = 1_000_000_000,
        longest_transfer: int = 20,
        seed: int = 1,
        balance: str = "balance",
        isolation: Isolation | None = None,
        log: Path | None = None,
        second_table: str | None = None,
    ) -> Pending:
        """Begin to move money between the accounts 0 to `accounts` - 1, beside everything else.

        It ends after so many `seconds` or acknowledged `commits`. With `log`, each transfer is a
        line of JSON in that file as soon as it is acknowledged or unknown. With a second table each
        is between an account of the first and one of the second, either way.
        """
        description = self.table(table)
        return self.peer.submit(
            "load.transfers",
            self.name,
            f"{self.name} load {next(self._lanes)}",
            table=table,
            second_table=second_table,
            key_column=description.partition_key[0],
            balance_column=balance,
            balance_type=description.columns[balance],
            accounts=accounts,
            threads=threads,
            seconds=seconds,
            commits=commits,
            longest_transfer=longest_transfer,
            seed=seed,
            attributes={} if isolation is None else {"cc-transaction-isolation": isolation},
            log=None if log is None else str(log),
        )

    def transfer_load(self, table: str, *, seconds: float = 30.0, **wanted: Any) -> TransferReport:
        """The same, waiting for its end."""
        pending = self.transfer_load_later(table, seconds=seconds, **wanted)
        return self.report(pending, seconds + ANSWER_SECONDS)

    @staticmethod
    def report(pending: Pending, timeout: float = 2 * ANSWER_SECONDS) -> TransferReport:
        """The report of a load that was begun earlier."""
        return TransferReport.read(pending.result(timeout))

    # Storage: rows as they are, transaction columns included

    def storage_get(self, table: str, key: Values) -> Row | None:
        """A row, or None."""
        split = self.table(table).split_key(key)
        return row(self._call("storage.get", table=table, **split))

    def storage_scan(
        self, table: str, partition: Values | None = None, *, index: Values | None = None
    ) -> list[Row]:
        """The rows of a partition, of an index value, or of the whole table."""
        description = self.table(table)
        ask = selection(description, partition, index)
        return rows(self._call("storage.scan", table=table, **ask))

    def storage_mutate(self, writes: Sequence[Write]) -> None:
        """Puts and deletes, atomically."""
        self._call("storage.mutate", mutations=[self.wire(write) for write in writes])

    def storage_put(
        self, table: str, values: Values, *, where: WriteCondition | None = None
    ) -> None:
        """Write the given columns of a row."""
        self._call("storage.put", **self.wire(Write("put", table, values, where)))

    def storage_delete(
        self, table: str, key: Values, *, where: WriteCondition | None = None
    ) -> None:
        """Remove a row."""
        self._call("storage.delete", **self.wire(Write("delete", table, key, where)))

    def wire(self, write: Write) -> dict[str, Any]:
        """A mutation as the Java program takes it."""
        return self.table(write.table).wire(write)


def _definition(
    columns: Mapping[str, str],
    partition_key: Sequence[str],
    clustering_key: Sequence[str],
    secondary_index: Sequence[str],
) -> dict[str, Any]:
    clustering = [each.split() for each in clustering_key]
    return {
        "columns": dict(columns),
        "partition_key": list(partition_key),
        "clustering_key": [[name, *(order or ["ASC"])] for name, *order in clustering],
        "indexes": list(secondary_index),
    }
