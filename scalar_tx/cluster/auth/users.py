"""Which users does a node have, and which of them may log in?"""

from __future__ import annotations

import hmac
import logging
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, cast

from scalar_tx.cluster.auth.security_log import THE_NODE, Caller, Event, tell
from scalar_tx.cluster.auth.subjects import (
    checked_name,
    exists_already,
    is_name,
    missing,
    user_subject,
)
from scalar_tx.cluster.auth.tables import REALM, USER
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import InvalidOperationError, ScalarTxError

if TYPE_CHECKING:
    import datetime as dt

    from scalar_tx.cluster.auth.passwords import PasswordHashing
    from scalar_tx.cluster.auth.tables import AuthTables
    from scalar_tx.cluster.auth.token_store import TokenStore
    from scalar_tx.model.record import Record
    from scalar_tx.transaction_async import AsyncTransaction

_log = logging.getLogger("scalar_tx.auth")


@dataclass(frozen=True, slots=True)
class User:
    """A user. ``stamp`` changes with the password: tokens that were given another are dead."""

    name: str
    superuser: bool
    disabled: bool
    created_at: dt.datetime
    password: str = field(repr=False)  # its hash
    stamp: str = field(repr=False)


class TakesAlong(Protocol):
    """What else goes when a user or a role does."""

    async def forget(self, tx: AsyncTransaction, subject: str) -> None:
        """Remove whatever names the subject."""
        ...


class Users:
    """The users of a node; a part of ``Principals``.

    ``by`` says who asks for a change, for the log; whether they may is not asked here. A name that
    can't be one is STX-5208, one that is not there STX-5211.
    """

    def __init__(
        self,
        tables: AuthTables,
        hashing: PasswordHashing,
        tokens: TokenStore,
        others: tuple[TakesAlong, ...],
    ) -> None:
        self._tables = tables
        self._hashing = hashing
        self._tokens = tokens
        self._others = others

    async def create(
        self,
        name: str,
        password: str,
        *,
        superuser: bool = False,
        if_not_exists: bool = False,
        by: Caller = THE_NODE,
    ) -> None:
        """Make a user. STX-5210: there is one; STX-5207: that can't be a password."""
        checked_name(name, "user")
        if await self.find(name) is not None:  # before a hash is spent on it
            if if_not_exists:
                return
            raise exists_already("user", name)
        hashed = await self._hashing.hashed(password)

        async def work(tx: AsyncTransaction) -> bool:
            if await self.read(tx, name) is not None:
                return False
            await self.insert(tx, name, hashed, superuser=superuser)
            return True

        if await self._tables.change(work):
            tell(Event.CREATE_USER, by, subject=name, detail="superuser" if superuser else "")
        elif not if_not_exists:
            raise exists_already("user", name)

    async def drop(self, name: str, *, if_exists: bool = False, by: Caller = THE_NODE) -> None:
        """Remove a user with grants, roles and tokens. STX-5212: the last superuser stays."""
        checked_name(name, "user")

        async def work(tx: AsyncTransaction) -> bool:
            found = await self.read(tx, name)
            if found is None:
                return False
            await self._keep_a_superuser(tx, found)
            for other in self._others:
                await other.forget(tx, user_subject(name))
            await tx.delete(USER, {"realm": REALM, "name": name})
            return True

        if await self._tables.change(work):
            tell(Event.DROP_USER, by, subject=name)
            await self.forget_dead_tokens(name)
        elif not if_exists:
            raise missing("user", name)

    async def set_password(
        self, name: str, password: str, *, by: Caller = THE_NODE, detail: str = ""
    ) -> None:
        """Give a user another password; all their tokens are dead. ``detail`` is for the log."""
        checked_name(name, "user")
        if await self.find(name) is None:
            raise missing("user", name)
        hashed = await self._hashing.hashed(password)
        await self._set(name, {"password": hashed}, ends_tokens=True)
        tell(Event.PASSWORD, by, subject=name, detail=detail)
        await self.forget_dead_tokens(name)

    async def end_tokens(self, name: str, *, by: Caller = THE_NODE) -> None:
        """End everything that came of a user's log-ins."""
        await self._set(name, {}, ends_tokens=True)
        tell(Event.LOG_OUT, by, subject=name, detail="everywhere")
        await self.forget_dead_tokens(name)

    async def disable(self, name: str, *, by: Caller = THE_NODE) -> None:
        """Let a user in no more; all their tokens are dead. STX-5212: the last superuser stays."""
        await self._set(name, {"disabled": True}, ends_tokens=True)
        tell(Event.CHANGE_USER, by, subject=name, detail="disabled")
        await self.forget_dead_tokens(name)

    async def enable(self, name: str, *, by: Caller = THE_NODE) -> None:
        """Let a user log in again."""
        await self._set(name, {"disabled": False})
        tell(Event.CHANGE_USER, by, subject=name, detail="enabled")

    async def promote(self, name: str, *, by: Caller = THE_NODE) -> None:
        """Make a user a superuser."""
        await self._set(name, {"superuser": True})
        tell(Event.CHANGE_USER, by, subject=name, detail="superuser")

    async def demote(self, name: str, *, by: Caller = THE_NODE) -> None:
        """Make a user a superuser no more. STX-5212: the last superuser stays."""
        await self._set(name, {"superuser": False})
        tell(Event.CHANGE_USER, by, subject=name, detail="no superuser any more")

    async def find(self, name: str) -> User | None:
        """The user of that name; None: there is none, nor can there be."""
        if not is_name(name):
            return None

        async def work(tx: AsyncTransaction) -> User | None:
            return await self.read(tx, name)

        return await self._tables.read(work)

    async def all(self) -> list[User]:
        """All users, by name."""
        return await self._tables.read(self.read_all)

    async def keep_newer_hash(self, user: User, hashed: str) -> None:
        """Keep a password by today's costs, unless it was changed meanwhile; tokens stay good."""

        async def work(tx: AsyncTransaction) -> None:
            found = await self.read(tx, user.name)
            if found is not None and hmac.compare_digest(found.password, user.password):
                await tx.update(USER, _key(user.name), {"password": hashed})

        await self._tables.change(work)

    async def forget_dead_tokens(self, name: str) -> None:
        """Remove what is left of a user's dead tokens, some at a time.

        They are no good anyway: where the database is in the way they are left for another time.
        """

        async def work(tx: AsyncTransaction) -> bool:
            found = await self._tokens.of_owner(tx, name)
            user = await self.read(tx, name)
            return await self._tokens.forget_dead(tx, found, user.stamp if user else None)

        try:
            more = True
            while more:
                more = await self._tables.tidy(work)
        except ScalarTxError as error:
            _log.warning("dead tokens of a user are left for another time: %s", kind_of(error))

    # Within a transaction.

    async def read(self, tx: AsyncTransaction, name: str) -> User | None:
        """The user of that name."""
        row = await tx.get(USER, _key(name))
        return None if row is None else _user(row)

    async def read_all(self, tx: AsyncTransaction) -> list[User]:
        """All users, by name."""
        return [_user(row) for row in await tx.scan(USER, {"realm": REALM})]

    async def is_anybody_there(self, tx: AsyncTransaction) -> bool:
        """Is there a user at all?"""
        return bool(await tx.scan(USER, {"realm": REALM}, limit=1))

    async def insert(
        self, tx: AsyncTransaction, name: str, hashed: str, *, superuser: bool
    ) -> None:
        """Make a user who is not there."""
        await tx.insert(
            USER,
            {
                **_key(name),
                "password": hashed,
                "stamp": _new_stamp(),
                "superuser": superuser,
                "disabled": False,
                "created_at": self._tables.now(),
            },
        )

    async def _set(
        self, name: str, values: dict[str, str | bool], *, ends_tokens: bool = False
    ) -> None:
        checked_name(name, "user")

        async def work(tx: AsyncTransaction) -> None:
            found = await self.read(tx, name)
            if found is None:
                raise missing("user", name)
            if values.get("disabled") is True or values.get("superuser") is False:
                await self._keep_a_superuser(tx, found)
            stamp = {"stamp": _new_stamp()} if ends_tokens else {}
            await tx.update(USER, _key(name), {**values, **stamp})

        await self._tables.change(work)

    async def _keep_a_superuser(self, tx: AsyncTransaction, leaving: User) -> None:
        if not leaving.superuser or leaving.disabled:
            return
        left = [one for one in await self.read_all(tx) if one.superuser and not one.disabled]
        if len(left) <= 1:
            raise InvalidOperationError(
                f"{leaving.name} is the last superuser who can log in",
                advice="Make another superuser first",
                code="STX-5212",
            )


def _new_stamp() -> str:
    return secrets.token_hex(16)


def _key(name: str) -> dict[str, str]:
    return {"realm": REALM, "name": name}


def _user(row: Record) -> User:
    return User(
        name=str(row["name"]),
        superuser=bool(row["superuser"]),
        disabled=bool(row["disabled"]),
        created_at=cast("dt.datetime", row["created_at"]),
        password=str(row["password"]),
        stamp=str(row["stamp"]),
    )
