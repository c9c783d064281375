"""How is the table of decisions administered by clients? (11)"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf import empty_pb2

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.refusals import invalid

if TYPE_CHECKING:
    from scalar_tx.admin_async import AsyncAdmin
    from scalar_tx.cluster.scalardb_server.tables_by_name import TablesByName


class CoordinatorCalls:
    """The five calls that transaction administration has beside those of both."""

    def __init__(self, database: TablesByName) -> None:
        self._database = database

    @property
    def _admin(self) -> AsyncAdmin:
        return self._database.manager.admin

    async def create(self, request: rpc.CreateCoordinatorTablesRequest) -> empty_pb2.Empty:
        """Make it."""
        if not request.if_not_exist and await self._admin.coordinator_tables_exist():
            raise invalid("CORE-10094: Coordinator tables already exist")
        await self._admin.create_coordinator_tables(
            if_not_exists=request.if_not_exist, options=dict(request.options)
        )
        self._database.forget()
        return empty_pb2.Empty()

    async def drop(self, request: rpc.DropCoordinatorTablesRequest) -> empty_pb2.Empty:
        """Remove it."""
        if not request.if_exist:
            await self._insist_on_it()
        await self._admin.drop_coordinator_tables(if_exists=request.if_exist)
        self._database.forget()
        return empty_pb2.Empty()

    async def truncate(self, _: rpc.TruncateCoordinatorTablesRequest) -> empty_pb2.Empty:
        """Forget all decisions."""
        await self._insist_on_it()
        await self._admin.truncate_coordinator_tables()
        return empty_pb2.Empty()

    async def exist(
        self, _: rpc.CoordinatorTablesExistRequest
    ) -> rpc.CoordinatorTablesExistResponse:
        """Is it there?"""
        found = await self._admin.coordinator_tables_exist()
        return rpc.CoordinatorTablesExistResponse(exist=found)

    async def repair(self, request: rpc.RepairCoordinatorTablesRequest) -> empty_pb2.Empty:
        """Make whatever is missing of it."""
        await self._admin.repair_coordinator_tables(options=dict(request.options))
        self._database.forget()
        return empty_pb2.Empty()

    async def _insist_on_it(self) -> None:
        if not await self._admin.coordinator_tables_exist():
            raise invalid("CORE-10095: Coordinator tables do not exist")
