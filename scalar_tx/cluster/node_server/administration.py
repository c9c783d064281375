"""How are calls of administration served?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.auth.permissions import check_namespace, check_superuser, check_table
from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.cluster.messages.schemas import schema_message, schema_of
from scalar_tx.cluster.node_server.calls import Method
from scalar_tx.cluster.rpc.v1 import administration_pb2 as rpc
from scalar_tx.cluster.rpc.v1 import values_pb2
from scalar_tx.outcome_table import OUTCOME

if TYPE_CHECKING:
    from collections.abc import Coroutine, Mapping

    from scalar_tx.cluster.node_server.access import Caller
    from scalar_tx.cluster.node_server.worker_parts import WorkerParts
    from scalar_tx.consensus_commit.administration import Administration

_DONE: Final = rpc.Done()


class AdministrationCalls:
    """Serves ``Administration``."""

    def __init__(self, worker: WorkerParts) -> None:
        self._worker = worker

    def methods(self) -> Mapping[str, Method]:
        """What serves each of them; nothing that changes a database is done while it is paused."""
        return {
            "CreateNamespace": Method(self._create_namespace),
            "DropNamespace": Method(self._drop_namespace),
            "ListNamespaces": Method(self._namespaces),
            "CreateTable": Method(self._create_table),
            "DropTable": Method(self._drop_table),
            "TruncateTable": Method(self._truncate_table),
            "ListTables": Method(self._tables),
            "DescribeTable": Method(self._table),
            "ListStoredTables": Method(self._stored_tables),
            "DescribeStoredTable": Method(self._stored_table),
            "AddColumn": Method(self._add_column),
            "DropColumn": Method(self._drop_column),
            "RenameColumn": Method(self._rename_column),
            "AlterColumnType": Method(self._alter_column_type),
            "RenameTable": Method(self._rename_table),
            "ImportTable": Method(self._import_table),
            "CreateIndex": Method(self._create_index),
            "DropIndex": Method(self._drop_index),
            "RepairTable": Method(self._repair_table),
            "Upgrade": Method(self._upgrade),
            "CreateCoordinatorTables": Method(self._create_coordinator),
            "DropCoordinatorTables": Method(self._drop_coordinator),
            "TruncateCoordinatorTables": Method(self._truncate_coordinator),
            "RepairCoordinatorTables": Method(self._repair_coordinator),
            "CoordinatorTablesExist": Method(self._coordinator_exists),
        }

    @property
    def _steps(self) -> Administration:
        return self._worker.database.parts.administration

    def _table_for(self, caller: Caller, privilege: Privilege, table: str) -> str:
        check_table(caller.principal, privilege, table, peer=caller.peer)
        return table

    def _seen(self, caller: Caller, table: str) -> str:
        if not caller.principal.rights.sees(table):
            self._table_for(caller, Privilege.SELECT, table)  # it says so
        return table

    def _namespace_for(self, caller: Caller, what: str, namespace: str) -> str:
        self._superuser(caller, what)
        if caller.principal.rights.is_closed(namespace):
            check_namespace(caller.principal, Privilege.CREATE, namespace, peer=caller.peer)
        return namespace

    def _superuser(self, caller: Caller, what: str) -> None:
        check_superuser(caller.principal, what, peer=caller.peer)

    async def _done(self, change: Coroutine[Any, Any, object]) -> rpc.Done:
        await self._worker.database.change(change)
        return _DONE

    async def _forget_grants(self, place: str) -> None:
        if self._worker.principals is not None:  # another table of that name is another table
            await self._worker.principals.grants.forget_place(place)

    async def _create_namespace(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        name = self._namespace_for(caller, "create namespaces", ask.namespace)
        return await self._done(
            self._steps.create_namespace(
                name, if_not_exists=ask.if_not_exists, options=_options(ask)
            )
        )

    async def _drop_namespace(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        name = self._namespace_for(caller, "drop namespaces", ask.namespace)
        await self._worker.database.change(
            self._steps.drop_namespace(name, if_exists=ask.if_exists)
        )
        await self._forget_grants(name)
        return _DONE

    async def _namespaces(self, ask: rpc.Change, caller: Caller) -> values_pb2.Names:
        found = await self._worker.database.change(self._steps.namespaces())
        rights = caller.principal.rights
        return values_pb2.Names(names=[one for one in found if rights.sees_namespace(one)])

    async def _create_table(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        if ask.table == OUTCOME:  # what a node keeps for its callers, made on purpose
            self._superuser(caller, f"make {OUTCOME}")
            table = ask.table
        else:
            table = self._table_for(caller, Privilege.CREATE, ask.table)
        return await self._done(
            self._steps.create_table(
                table,
                schema_of(ask.schema),
                if_not_exists=ask.if_not_exists,
                transaction=not ask.without_transactions,
                options=_options(ask),
            )
        )

    async def _drop_table(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.DROP, ask.table)
        await self._worker.database.change(self._steps.drop_table(table, if_exists=ask.if_exists))
        await self._forget_grants(table)
        return _DONE

    async def _truncate_table(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.TRUNCATE, ask.table)
        return await self._done(self._steps.truncate_table(table))

    async def _tables(self, ask: rpc.Change, caller: Caller) -> values_pb2.Names:
        found = await self._worker.database.change(self._steps.tables(ask.namespace))
        return values_pb2.Names(names=[one for one in found if caller.principal.rights.sees(one)])

    async def _table(self, ask: rpc.Change, caller: Caller) -> rpc.Description:
        table = self._seen(caller, ask.table)
        schema = await self._worker.database.change(self._steps.table(table))
        return rpc.Description(schema=schema_message(schema))

    async def _stored_tables(self, ask: rpc.Change, caller: Caller) -> values_pb2.Names:
        found = await self._worker.database.change(self._steps.stored_tables(ask.namespace))
        return values_pb2.Names(names=[one for one in found if caller.principal.rights.sees(one)])

    async def _stored_table(self, ask: rpc.Change, caller: Caller) -> rpc.Description:
        table = self._seen(caller, ask.table)
        schema = await self._worker.database.change(self._steps.stored_table(table))
        return rpc.Description(schema=None if schema is None else schema_message(schema))

    async def _add_column(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.ALTER, ask.table)
        return await self._done(
            self._steps.add_column(
                table,
                ask.column,
                ask.data_type,
                if_not_exists=ask.if_not_exists,
                transaction=not ask.without_transactions,
            )
        )

    async def _drop_column(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.ALTER, ask.table)
        return await self._done(
            self._steps.drop_column(
                table,
                ask.column,
                if_exists=ask.if_exists,
                transaction=not ask.without_transactions,
            )
        )

    async def _rename_column(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.ALTER, ask.table)
        return await self._done(
            self._steps.rename_column(
                table, ask.column, ask.new_name, transaction=not ask.without_transactions
            )
        )

    async def _alter_column_type(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.ALTER, ask.table)
        return await self._done(
            self._steps.alter_column_type(
                table, ask.column, ask.data_type, transaction=not ask.without_transactions
            )
        )

    async def _rename_table(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.ALTER, ask.table)
        self._table_for(caller, Privilege.CREATE, ask.new_name)
        await self._worker.database.change(
            self._steps.rename_table(table, ask.new_name, transaction=not ask.without_transactions)
        )
        if ask.new_name != table:
            await self._forget_grants(table)
        return _DONE

    async def _import_table(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.CREATE, ask.table)
        return await self._done(
            self._steps.import_table(
                table,
                override_types=dict(ask.override_types) or None,
                transaction=not ask.without_transactions,
                options=_options(ask),
            )
        )

    async def _create_index(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.ALTER, ask.table)
        return await self._done(
            self._steps.create_index(
                table,
                ask.column,
                if_not_exists=ask.if_not_exists,
                transaction=not ask.without_transactions,
                options=_options(ask),
            )
        )

    async def _drop_index(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.ALTER, ask.table)
        return await self._done(
            self._steps.drop_index(
                table,
                ask.column,
                if_exists=ask.if_exists,
                transaction=not ask.without_transactions,
            )
        )

    async def _repair_table(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        table = self._table_for(caller, Privilege.ALTER, ask.table)
        return await self._done(
            self._steps.repair_table(
                table,
                schema_of(ask.schema) if ask.HasField("schema") else None,
                transaction=not ask.without_transactions,
                options=_options(ask),
            )
        )

    async def _upgrade(self, ask: rpc.Change, caller: Caller) -> values_pb2.Names:
        self._superuser(caller, "upgrade all tables")
        done = await self._worker.database.change(
            self._steps.upgrade(options=_options(ask), dry_run=ask.dry_run)
        )
        return values_pb2.Names(names=done)

    async def _create_coordinator(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        self._superuser(caller, "make the coordinator's tables")
        return await self._done(
            self._steps.create_coordinator_tables(
                if_not_exists=ask.if_not_exists, options=_options(ask)
            )
        )

    async def _drop_coordinator(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        self._superuser(caller, "drop the coordinator's tables")
        return await self._done(self._steps.drop_coordinator_tables(if_exists=ask.if_exists))

    async def _truncate_coordinator(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        self._superuser(caller, "truncate the coordinator's tables")
        return await self._done(self._steps.truncate_coordinator_tables())

    async def _repair_coordinator(self, ask: rpc.Change, caller: Caller) -> rpc.Done:
        self._superuser(caller, "repair the coordinator's tables")
        return await self._done(self._steps.repair_coordinator_tables(_options(ask)))

    async def _coordinator_exists(self, ask: rpc.Change, caller: Caller) -> rpc.Existing:
        exists = await self._worker.database.change(self._steps.coordinator_tables_exist())
        return rpc.Existing(exists=exists)


def _options(ask: rpc.Change) -> dict[str, str]:
    return dict(ask.options)
