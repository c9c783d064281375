"""How are tokens issued, exchanged and ended, within a caller's transaction?

Two tables: a token by its hash, and the hashes of an owner by log-in, so that a log-in can be ended
as a whole. Whoever exchanges a token twice at once conflicts with themselves in its row.
"""

from __future__ import annotations

import datetime as dt
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from scalar_tx.cluster.auth.tokens import Kind, Known, Lifetimes, TokenPair, digest, new_token
from scalar_tx.model.table import TableSchema

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Row
    from scalar_tx.transaction_async import AsyncTransaction

TOKEN_SCHEMA: Final = TableSchema(
    columns={
        "hash": "TEXT",
        "owner": "TEXT",
        "family": "TEXT",
        "kind": "TEXT",
        "stamp": "TEXT",
        "spent": "BOOLEAN",
        "expires_at": "TIMESTAMPTZ",
    },
    partition_key=["hash"],
)
TOKEN_OF_SCHEMA: Final = TableSchema(
    columns={
        "owner": "TEXT",
        "family": "TEXT",
        "hash": "TEXT",
        "stamp": "TEXT",
        "expires_at": "TIMESTAMPTZ",
    },
    partition_key=["owner"],
    clustering_key=["family", "hash"],
)
MOST_OF_A_LOG_IN: Final = 512  # tokens; 12 hours of half hours are 50
TOGETHER: Final = 50  # tokens forgotten by one transaction
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class TokenTables:
    """The names of the two tables, ``namespace.table``."""

    by_hash: str
    by_owner: str


def wall_clock_ms() -> int:
    """Milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def moment(now_ms: Callable[[], int]) -> dt.datetime:
    """A clock's time as tables keep it."""
    return _EPOCH + dt.timedelta(milliseconds=now_ms())


class TokenStore:
    """Tokens of one kind of owner. ``now_ms``: the wall clock, which the processes share."""

    def __init__(
        self,
        tables: TokenTables,
        *,
        lifetimes: Lifetimes | None = None,
        now_ms: Callable[[], int] = wall_clock_ms,
    ) -> None:
        self._tables = tables
        self._lifetimes = lifetimes or Lifetimes()
        self._now_ms = now_ms

    def now(self) -> dt.datetime:
        """The time by which tokens expire."""
        return moment(self._now_ms)

    async def issue(self, tx: AsyncTransaction, owner: str, stamp: str) -> TokenPair:
        """The first two tokens of a log-in."""
        end = self.now() + dt.timedelta(seconds=self._lifetimes.family)
        return await self._issued(tx, owner, secrets.token_hex(16), stamp, end)

    async def find(self, tx: AsyncTransaction, token_hash: str, kind: Kind) -> Known | None:
        """A token of that kind that is on record and not expired."""
        row = await tx.get(self._tables.by_hash, {"hash": token_hash})
        known = None if row is None else _known(row)
        if known is None or known.kind is not kind or known.expires_at <= self.now():
            return None
        return known

    async def exchange(self, tx: AsyncTransaction, known: Known) -> TokenPair | None:
        """The next two tokens for one that refreshes; None: it was spent, the log-in is ended.

        The log-in is ended only if the transaction commits: raise what the caller hears afterwards.
        """
        of_log_in = await self._of_log_in(tx, known)
        if known.spent or len(of_log_in) + 2 > MOST_OF_A_LOG_IN:
            await self._forget(tx, of_log_in)
            return None
        await tx.update(self._tables.by_hash, {"hash": known.hash}, {"spent": True})
        return await self._issued(tx, known.owner, known.family, known.stamp, known.expires_at)

    async def end(self, tx: AsyncTransaction, known: Known) -> None:
        """End the log-in that a token comes of, with all its tokens."""
        await self._forget(tx, await self._of_log_in(tx, known))

    async def of_owner(self, tx: AsyncTransaction, owner: str) -> list[Record]:
        """What is on record of an owner's tokens, the dead ones included: for ``forget_dead``."""
        return await tx.scan(self._tables.by_owner, {"owner": owner})

    async def forget_dead(
        self, tx: AsyncTransaction, found: list[Record], stamp: str | None
    ) -> bool:
        """Remove a few that are dead; True: there are more.

        ``found``: read before ``stamp`` was, the owner's present one (None: there is no owner any
        more). In this order SNAPSHOT is enough: a stamp never comes back, so whatever was there
        with another one is dead.
        """
        now = self.now()
        dead = [row for row in found if row["stamp"] != stamp or _time(row) <= now]
        await self._forget(tx, dead[:TOGETHER])
        return len(dead) > TOGETHER

    async def _of_log_in(self, tx: AsyncTransaction, known: Known) -> list[Record]:
        one = {"family": known.family}
        return await tx.scan(self._tables.by_owner, {"owner": known.owner}, start=one, end=one)

    async def _forget(self, tx: AsyncTransaction, found: list[Record]) -> None:
        for row in found:
            await tx.delete(self._tables.by_hash, {"hash": row["hash"]})
            key = {name: row[name] for name in TOKEN_OF_SCHEMA.primary_key}
            await tx.delete(self._tables.by_owner, key)

    async def _issued(
        self, tx: AsyncTransaction, owner: str, family: str, stamp: str, end: dt.datetime
    ) -> TokenPair:
        access_end = min(end, self.now() + dt.timedelta(seconds=self._lifetimes.access))
        pair = TokenPair(new_token(), new_token(), access_end, end)
        for token, kind, expires_at in (
            (pair.access, Kind.ACCESS, access_end),
            (pair.refresh, Kind.REFRESH, end),
        ):
            common: Row = {
                "hash": digest(token),
                "owner": owner,
                "family": family,
                "stamp": stamp,
                "expires_at": expires_at,
            }
            await tx.insert(self._tables.by_hash, {**common, "kind": kind.value, "spent": False})
            await tx.insert(self._tables.by_owner, common)
        return pair


def _known(row: Record) -> Known:
    return Known(
        hash=str(row["hash"]),
        owner=str(row["owner"]),
        family=str(row["family"]),
        kind=Kind(row["kind"]),
        stamp=str(row["stamp"]),
        spent=bool(row["spent"]),
        expires_at=_time(row),
    )


def _time(row: Record) -> dt.datetime:
    return cast("dt.datetime", row["expires_at"])
