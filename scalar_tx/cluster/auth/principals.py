"""Who is known to a node, and what may they do? One store of users, roles, grants and tokens."""

from __future__ import annotations

import asyncio
import hmac
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.auth.grants import Grants
from scalar_tx.cluster.auth.passwords import generated_password
from scalar_tx.cluster.auth.permissions import Principal
from scalar_tx.cluster.auth.privileges import closed_namespaces, rights
from scalar_tx.cluster.auth.roles import Roles
from scalar_tx.cluster.auth.security_log import THE_NODE, Event, tell
from scalar_tx.cluster.auth.subjects import role_of, user_subject
from scalar_tx.cluster.auth.tables import TOKENS, AuthTables
from scalar_tx.cluster.auth.token_store import TokenStore, wall_clock_ms
from scalar_tx.cluster.auth.users import Users
from scalar_tx.errors import ScalarTxError, UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.cluster.auth.passwords import PasswordHashing
    from scalar_tx.cluster.auth.tokens import Lifetimes
    from scalar_tx.cluster.auth.users import User
    from scalar_tx.manager_async import AsyncTransactionManager
    from scalar_tx.transaction_async import AsyncTransaction

FIRST_USER: Final = "admin"
_ASKED_AGAIN: Final = 10  # times, where it is not known whether the first user was made


class Principals:
    """Users, roles, grants and tokens of a node, in the database of its manager.

    ``closed``: namespaces that nobody reaches, besides the coordinator's, the metadata's and our
    own. ``now_ms``: the wall clock. The tables are made on first use where the storage lets us;
    elsewhere (Cassandra, DynamoDB) call ``create_tables`` once.
    """

    def __init__(
        self,
        manager: AsyncTransactionManager,
        hashing: PasswordHashing,
        *,
        closed: tuple[str, ...] = (),
        lifetimes: Lifetimes | None = None,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self.closed: Final = closed_namespaces(manager.settings, *closed)
        self.tables: Final = AuthTables(manager, now_ms=now_ms)
        self.tokens: Final = TokenStore(TOKENS, lifetimes=lifetimes, now_ms=now_ms)
        self.grants: Final = Grants(self.tables, self.closed)
        self.roles: Final = Roles(self.tables, self.grants)
        self.users: Final = Users(self.tables, hashing, self.tokens, (self.roles, self.grants))
        self._hashing = hashing

    async def create_tables(self, options: Mapping[str, Any] | None = None) -> None:
        """Make the tables that are missing; ``options`` are those of ``admin.create_table``."""
        await self.tables.create(options)

    async def forget_dead_tokens(self) -> None:
        """Remove what is left of dead tokens: call it now and then, once an hour is enough."""
        for user in await self.users.all():
            await self.users.forget_dead_tokens(user.name)

    async def bootstrap(self) -> str | None:
        """Make the superuser ``admin`` if there is no user at all; return the secret, else None.

        Of several processes that call this at once exactly one gets a secret. It is nowhere else:
        show it, and forget it.
        """
        if await self.tables.read(self.users.is_anybody_there):
            return None
        secret = generated_password()
        hashed = await self._hashing.hashed(secret)

        async def work(tx: AsyncTransaction) -> bool:
            if await self.users.is_anybody_there(tx):
                # Ours, if an earlier try was committed and did not hear of it.
                found = await self.users.read(tx, FIRST_USER)
                return found is not None and hmac.compare_digest(found.password, hashed)
            await self.users.insert(tx, FIRST_USER, hashed, superuser=True)
            return True

        if not await self._whatever_comes(work):
            return None
        tell(Event.BOOTSTRAP, THE_NODE, subject=FIRST_USER)
        return secret

    async def _whatever_comes(self, work: Callable[[AsyncTransaction], Any]) -> bool:
        # A secret that is stored and shown to nobody would leave the node without any user: once
        # it may be stored, no trouble of the database's is a reason to give it up soon.
        may_be_stored = False
        tries = 0
        while True:
            try:
                return bool(await self.tables.change(work))
            except ScalarTxError as error:
                may_be_stored = may_be_stored or isinstance(error, UnknownOutcomeError)
                tries += 1
                if not may_be_stored or tries > _ASKED_AGAIN:
                    raise
            await asyncio.sleep(min(2.0, 2**tries / 20))

    # Within a transaction.

    async def principal(self, tx: AsyncTransaction, user: User) -> Principal:
        """A user with all they may do."""
        if user.superuser:
            held = rights((), superuser=True, closed=self.closed)
            return Principal(user.name, superuser=True, rights=held)
        subjects = await self.roles.reached(tx, user_subject(user.name))
        grants = [grant for one in sorted(subjects) for grant in await self.grants.read(tx, one)]
        return Principal(
            user.name,
            roles=frozenset(name for one in subjects if (name := role_of(one)) is not None),
            rights=rights(grants, superuser=False, closed=self.closed),
        )
