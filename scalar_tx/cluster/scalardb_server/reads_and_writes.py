"""How is what a client asks of its transaction done?"""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_tx.cluster.scalardb_server.conditions import as_java_means_it, unsatisfied
from scalar_tx.cluster.scalardb_server.operations import (
    get_of,
    is_from_old_client,
    mutation_of,
    scan_of,
)
from scalar_tx.cluster.scalardb_server.own_writes import OwnWrites
from scalar_tx.cluster.scalardb_server.refusals import RefusedError, invalid
from scalar_tx.cluster.scalardb_server.request_checks import check_get, check_scan
from scalar_tx.cluster.scalardb_server.results import result_message
from scalar_tx.cluster.scalardb_server.tables_by_name import no_such_table
from scalar_tx.cluster.scalardb_server.write_checks import (
    check_bigints,
    check_condition_in_transaction,
    check_mutation,
    check_mutations,
    check_written_columns,
)
from scalar_tx.errors import ConditionNotMetError, InvalidOperationError
from scalar_tx.model.operations import Get, Scan

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
    from scalar_tx.cluster.scalardb_server.tables_by_name import TablesByName
    from scalar_tx.model.operations import Delete, Put
    from scalar_tx.model.table import TableSchema
    from scalar_tx.transaction_async import AsyncTransaction

Read = TypeVar("Read", Get, Scan)

_UNREAD: Final = "STX-3051"  # a put with a condition on a record that was not read
_SEVERAL: Final = "STX-3035"  # a get by an index value that several records have
_HOW_TO_SCAN: Final = tuple(one.name for one in fields(Scan) if one.name != "table")


class ReadsAndWrites:
    """Operations of one transaction, one-phase or two-phase."""

    def __init__(self, database: TablesByName) -> None:
        self._database = database
        self._own = OwnWrites()

    async def get(self, tx: AsyncTransaction, message: rpc.Get) -> rpc.Result | None:
        """The record, or None."""
        table = await self._database.transactional_table(_name(message), reads=True)
        check_get(message, table.user)
        get = _of_known_columns(get_of(message, table.user), table.user)
        try:
            record = await tx.get(get.table, get.key, index=get.index, columns=get.columns)
        except InvalidOperationError as error:
            raise _several(error, message) from error
        if record is None:
            return None
        old = is_from_old_client(message)
        return result_message(record, table.user, table.name, old=old)

    async def scan(self, tx: AsyncTransaction, message: rpc.Scan) -> list[rpc.Result]:
        """All records; RefusedError if own puts may be among them."""
        table = await self._database.transactional_table(_name(message), reads=True)
        check_scan(message, table.user)
        scan = _of_known_columns(scan_of(message, table.user), table.user)
        self._own.check_scan(scan, table.user)
        how: dict[str, Any] = {name: getattr(scan, name) for name in _HOW_TO_SCAN}
        records = await tx.scan(scan.table, **how)
        old = is_from_old_client(message)
        return [result_message(record, table.user, table.name, old=old) for record in records]

    async def mutate(self, tx: AsyncTransaction, messages: Sequence[rpc.Mutation]) -> None:
        """Record all of the writes, or where one of them is refused none."""
        check_mutations(messages)
        writes = [await self._write(message) for message in messages]
        self._own.check_writes(writes)
        mutations = [mutation for mutation, _ in writes]
        try:
            await tx.mutate(mutations)
        except ConditionNotMetError as error:
            raise unsatisfied(error, mutations, tx.id) from error
        except InvalidOperationError as error:
            if error.code == _UNREAD:
                raise _unread(error) from error
            raise
        self._own.note(writes)

    async def _write(self, message: rpc.Mutation) -> tuple[Put | Delete, TableSchema]:
        table = await self._database.transactional_table(_name(message), reads=False)
        technical = table.stored.schema.columns.keys() - table.user.columns
        check_written_columns(message, technical)
        check_condition_in_transaction(message, technical)
        if not self._database.wide_bigint:
            check_bigints(message)
        check_mutation(message, table.user)
        mutation = mutation_of(message, table.user)
        return replace(mutation, where=as_java_means_it(mutation.where)), table.user


def _name(message: rpc.Get | rpc.Scan | rpc.Mutation) -> str:
    if not message.namespace or not message.table:
        raise no_such_table()
    return f"{message.namespace}.{message.table}"


def _of_known_columns(read: Read, schema: TableSchema) -> Read:
    """The read without columns that are not there: Java returns a record without them (20.1)."""
    if read.columns is None:
        return read
    return replace(read, columns=[name for name in read.columns if name in schema.columns])


def _several(error: InvalidOperationError, message: rpc.Get) -> Exception:
    if error.code != _SEVERAL:
        return error
    shown = f"Get of {message.namespace}.{message.table}"
    return invalid(
        f"CORE-10068: Please use scan() for non-exact match selection. Operation: {shown}"
    )


def _unread(error: InvalidOperationError) -> RefusedError:
    return invalid(
        "CORE-10103: Put cannot have a condition when the target record is unread and implicit "
        f"pre-read is disabled. Please read the target record beforehand or enable implicit "
        f"pre-read: {error.message}"
    )
