"""What of a manager do the services use, beside the calls that it has for everybody?

Clients of the storage services read and write tables as they are stored, without transactions, and
those of the two-phase service may join one transaction several times in one process.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from scalar_tx.cluster.auth.privileges import own_namespaces
from scalar_tx.cluster.database import Database
from scalar_tx.cluster.scalardb_server.refusals import RefusedError, invalid
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.checks import Checks
from scalar_tx.model.table import split_name
from scalar_tx.open_transactions import OpenTransactions
from scalar_tx.two_phase import new_part
from scalar_tx.two_phase_async import AsyncTwoPhaseTransaction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.model.table import Table
    from scalar_tx.storage.interface import StorageMutation

_NO_TABLE = ("STX-3011", "STX-3017")  # no name of a table; no such table
_WITHOUT_TRANSACTIONS = "STX-3019"


def no_such_table() -> RefusedError:
    """The Java server's answer, without number (7.1)."""
    return invalid("The specified table is not found")


class TablesByName(Database):
    """The databases of one worker, and their tables by name."""

    def __init__(self, manager: AsyncTransactionManager) -> None:
        super().__init__(manager)
        self._stored: dict[str, tuple[Table, float]] = {}
        self._closed = own_namespaces(manager.settings)

    def is_closed(self, namespace: str) -> bool:
        """Is it one of the node's own, such as that of its users? Nobody logs in here."""
        return namespace.casefold() in self._closed

    def _insist_on_open(self, name: str) -> None:
        if self.is_closed(name.partition(".")[0]):
            raise no_such_table()

    async def transactional_table(self, name: str, *, reads: bool) -> TransactionalTable:
        """A table as transactions see it; the errors are those of the Java server.

        ``reads``: a read meets the missing columns there, a write does not.
        """
        self._insist_on_open(name)
        catalog = self.parts.context.catalog
        known = catalog.known(name)
        if known is not None:
            return known
        try:
            return await self.run(catalog.table(name))
        except InvalidOperationError as error:
            if error.code in _NO_TABLE:
                raise no_such_table() from error
            if error.code == _WITHOUT_TRANSACTIONS and reads:
                raise invalid("CORE-10030: The column tx_state does not exist") from error
            raise

    async def stored_table(self, name: str) -> Table:
        """A table as it is stored, looked up once and again after a while."""
        self._insist_on_open(name)
        expiry = self.manager.settings.metadata_cache_seconds
        known = self._stored.get(name)
        if known is not None and (
            expiry is None or expiry < 0 or time.monotonic() - known[1] < expiry
        ):
            return known[0]
        try:
            split_name(name)
            table = await self.run(self.parts.storage.admin.table(name))
        except InvalidOperationError as error:
            if error.code in _NO_TABLE:
                raise no_such_table() from error
            raise
        if table is None:
            raise no_such_table()
        self._stored[name] = (table, time.monotonic())
        return table

    @property
    def wide_bigint(self) -> bool:
        """Do columns of BIGINT hold 64 bits here, more than ScalarDB allows?"""
        return self.parts.context.options.wide_bigint

    def checks(self, table: Table) -> Checks:
        """Checks of requests that see a table as it is stored."""
        objection = self.parts.storage.objection
        return Checks(table.name, table.schema, objection, self.wide_bigint)

    def forget(self, name: str | None = None) -> None:
        """A table was changed, or without a name: the tables of the coordinator were."""
        if name is None:
            self._stored.clear()
            self.parts.coordinator.forget_table()
        else:
            self._stored.pop(name, None)
        self.parts.context.catalog.forget(name)

    async def write(self, mutations: Sequence[StorageMutation]) -> None:
        """One atomic write, without transaction."""
        await self.run(self.parts.storage.mutate(mutations), whole=True)

    def part(
        self, *, begin_id: str | None = None, join_id: str | None = None
    ) -> AsyncTwoPhaseTransaction:
        """A part of a transaction of several processes, or of several streams of this one.

        It is known to its stream alone: a second one that joins gets a part of its own.
        """
        steps = new_part(
            self.parts, None, read_only=False, begin_id=begin_id, join_id=join_id, timeout=None
        )
        alone = OpenTransactions[AsyncTwoPhaseTransaction](time.monotonic)
        return AsyncTwoPhaseTransaction(steps, alone, self.run)
