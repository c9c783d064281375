"""A node's principals over a real database, with a clock that the test moves."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx import ScalarTxError
from scalar_tx.cluster.auth.authenticator import Authenticator
from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from scalar_tx.cluster.auth.passwords import PasswordHashing
from scalar_tx.cluster.auth.principals import Principals
from scalar_tx.cluster.auth.subjects import user_subject

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable

    from scalar_tx import AsyncTransactionManager

PASSWORD = "correct horse battery staple"
ORDERS = "shop.orders"
LINE = re.compile(
    r"event=(?P<event>[a-z-]+) "
    + " ".join(
        rf'{field}=(?P<{field}>"(?:[^"\\]|\\.)*")'
        if field != "result"
        else r"result=(?P<result>\w+)"
        for field in ("user", "subject", "result", "peer", "detail")
    )
)


class Clock:
    """The wall clock and the monotonic one, which go together."""

    def __init__(self) -> None:
        self.ms = 1_800_000_000_000

    def now_ms(self) -> int:
        return self.ms

    def elapsed(self) -> float:
        return self.ms / 1000

    def move(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@dataclass
class World:
    """One worker: what it asks, and what an administrator changes."""

    db: AsyncTransactionManager
    clock: Clock
    hashing: PasswordHashing
    principals: Principals
    authenticator: Authenticator

    def another_worker(self) -> Authenticator:
        """One that shares the database, and nothing else."""
        return Authenticator(
            Principals(self.db, self.hashing, now_ms=self.clock.now_ms),
            self.hashing,
            elapsed=self.clock.elapsed,
        )

    async def user(self, name: str = "ada", *privileges: str, superuser: bool = False) -> str:
        """Make a user with privileges on ORDERS; an access token of theirs."""
        await self.principals.users.create(name, PASSWORD, superuser=superuser)
        if privileges:
            await self.principals.grants.grant(user_subject(name), privileges, ORDERS)
        return (await self.authenticator.log_in(name, PASSWORD)).access


@asynccontextmanager
async def world(
    target: str, clock: Clock | None = None, *, a_second: int = 1000, waiting: int = 8
) -> AsyncIterator[World]:
    """A node without users. ``a_second``: log-ins; what does not test their bound has many."""
    clock = clock or Clock()
    hashing = PasswordHashing(waiting=waiting)
    async with scalar_tx.connect_async(target) as db:
        principals = Principals(db, hashing, now_ms=clock.now_ms)
        limits = LogInLimits(a_second=a_second, elapsed=clock.elapsed)
        authenticator = Authenticator(principals, hashing, limits=limits, elapsed=clock.elapsed)
        yield World(db, clock, hashing, principals, authenticator)
        await authenticator.close()
    await hashing.close()


async def code_of(call: Awaitable[object]) -> str:
    """The code of the error that a call ends with."""
    with pytest.raises(ScalarTxError) as caught:
        await call
    return caught.value.code
