"""In which tables are users, roles, grants and tokens, and how does a change become a transaction?

Everything is found by its partition: users and roles in one each, what concerns a user or role in
one of its own. A membership and a grant stand in two records, one for each side, so that what is
dropped takes along whatever names it; nothing is left for a later user of the same name.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_tx.cluster.auth.privileges import OWN_NAMESPACE
from scalar_tx.cluster.auth.token_store import (
    TOKEN_OF_SCHEMA,
    TOKEN_SCHEMA,
    TokenTables,
    moment,
    wall_clock_ms,
)
from scalar_tx.errors import SchemaError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.table import TableSchema
from scalar_tx.retry import RetryPolicy
from scalar_tx.storage import registry

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Awaitable, Callable, Mapping

    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction

T = TypeVar("T")

USER: Final = f"{OWN_NAMESPACE}.node_user"
ROLE: Final = f"{OWN_NAMESPACE}.node_role"
MEMBERSHIP: Final = f"{OWN_NAMESPACE}.node_membership"
GRANT: Final = f"{OWN_NAMESPACE}.node_grant"
TOKENS: Final = TokenTables(f"{OWN_NAMESPACE}.node_token", f"{OWN_NAMESPACE}.node_token_of")
_WHILE_WAITED_FOR: Final = RetryPolicy(deadline=3.0)
REALM: Final = "node"  # the partition of all users, and of all roles

_SCHEMAS: Final[Mapping[str, TableSchema]] = {
    USER: TableSchema(
        columns={
            "realm": "TEXT",
            "name": "TEXT",
            "password": "TEXT",
            "stamp": "TEXT",
            "superuser": "BOOLEAN",
            "disabled": "BOOLEAN",
            "created_at": "TIMESTAMPTZ",
        },
        partition_key=["realm"],
        clustering_key=["name"],
    ),
    ROLE: TableSchema(
        columns={"realm": "TEXT", "name": "TEXT", "created_at": "TIMESTAMPTZ"},
        partition_key=["realm"],
        clustering_key=["name"],
    ),
    MEMBERSHIP: TableSchema(
        columns={
            "subject": "TEXT",
            "direction": "TEXT",  # HAS or GIVEN_TO
            "other": "TEXT",
            "granted_at": "TIMESTAMPTZ",
        },
        partition_key=["subject"],
        clustering_key=["direction", "other"],
    ),
    GRANT: TableSchema(
        columns={
            "subject": "TEXT",  # a user, a role, or "on:" and a place
            "other": "TEXT",
            "privileges": "TEXT",
            "granted_at": "TIMESTAMPTZ",
        },
        partition_key=["subject"],
        clustering_key=["other"],
    ),
    TOKENS.by_hash: TOKEN_SCHEMA,
    TOKENS.by_owner: TOKEN_OF_SCHEMA,
}


class AuthTables:
    """The tables of a node's principals. ``now_ms``: the wall clock, in milliseconds."""

    def __init__(
        self, manager: AsyncTransactionManager, *, now_ms: Callable[[], int] = wall_clock_ms
    ) -> None:
        self._manager = manager
        self._now_ms = now_ms
        self._there = False
        self._making = asyncio.Lock()

    @property
    def now_ms(self) -> Callable[[], int]:
        """The clock."""
        return self._now_ms

    def now(self) -> dt.datetime:
        """The clock's time, as tables keep it."""
        return moment(self._now_ms)

    async def create(self, options: Mapping[str, Any] | None = None) -> None:
        """Make the tables that are missing; ``options`` are those of ``admin.create_table``."""
        for name, schema in _SCHEMAS.items():
            await self._manager.admin.create_table(
                name, schema, if_not_exists=True, options=options or {}
            )

    async def change(self, work: Callable[[AsyncTransaction], Awaitable[T]]) -> T:
        """Do some work in a transaction, again where it meets another."""
        return await self._run(work, Isolation.SERIALIZABLE)

    async def read(self, work: Callable[[AsyncTransaction], Awaitable[T]]) -> T:
        """Read in a transaction: what is found was there at one moment.

        A call waits for the answer, so it is given up after 3 seconds; the caller may ask again.
        """
        return await self._run(
            work, Isolation.SERIALIZABLE, read_only=True, retry=_WHILE_WAITED_FOR
        )

    async def tidy(self, work: Callable[[AsyncTransaction], Awaitable[T]]) -> T:
        """Do some work that rests on nothing it reads: at SNAPSHOT, in nobody's way."""
        return await self._run(work, Isolation.SNAPSHOT)

    async def _run(
        self,
        work: Callable[[AsyncTransaction], Awaitable[T]],
        isolation: Isolation,
        *,
        read_only: bool = False,
        retry: RetryPolicy | None = None,
    ) -> T:
        if not self._there:
            async with self._making:
                if not self._there:
                    await self._make_or_find()
                    self._there = True
        return await self._manager.run(work, isolation=isolation, read_only=read_only, retry=retry)

    async def _make_or_find(self) -> None:
        # As the table of outcomes: made where a table has no options that somebody must choose.
        storage = self._manager.settings.storage
        for name, schema in _SCHEMAS.items():
            if registry.creates_own_tables(storage, name):
                await self._manager.admin.create_table(name, schema, if_not_exists=True)
            elif await self._manager.admin.stored_table(name) is None:
                raise SchemaError(
                    f"there is no table {name}, which holds a part of the node's users",
                    advice="Create the tables once, with principals.create_tables()",
                    code="STX-5216",
                )
