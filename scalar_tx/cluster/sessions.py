"""Which transactions are open in this worker, and which of them has been forgotten?

A client that forgets a transaction would keep a pause waiting for ever, and what it holds. So one
that rests too long, or is too old, is expired: whoever opened it is called, rolls back, and closes
its session. Only then it is no longer counted.

They belong to one event loop, and need no lock.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from contextlib import contextmanager
from enum import Enum
from itertools import islice, takewhile
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import StorageUnavailableError
from scalar_tx.observe.logs import TRANSACTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WATCH_SECONDS: Final = 1.0  # how often is looked for sessions to expire
AT_ONCE: Final = 5  # are expired, before others get on with what they do
REST_SECONDS: Final = 0.002  # for others then: to roll so many back takes a millisecond


class Expiry(Enum):
    """Why a transaction is not waited for any longer."""

    IDLE = "idle"  # nothing was asked of it for so long
    LIFETIME = "lifetime"  # it was open for so long, busy or not
    SHUTDOWN = "shutdown"  # the worker ends


class TooManyOpenError(StorageUnavailableError):
    """As many transactions are open as may be, in all or of one user; nothing was done."""

    default_code = "STX-5100"
    default_advice = "Wait until some have ended, and finish each transaction that was begun"


class Session:
    """One open transaction."""

    def __init__(
        self,
        sessions: Sessions,
        transaction_id: str,
        owner: str,
        expire: Callable[[Expiry], None],
    ) -> None:
        self._sessions = sessions
        self._expire: Callable[[Expiry], None] | None = expire
        self._running = 0
        self.transaction_id = transaction_id
        self.owner = owner
        self.opened_at = self.used_at = sessions.now()

    def touch(self) -> None:
        """It was used: its rest begins anew."""
        self.used_at = self._sessions.now()
        self._sessions._used(self)  # noqa: SLF001  # one register, kept by the two together

    @contextmanager
    def busy(self) -> Iterator[None]:
        """While a ``with`` block runs an operation, it does not rest; it only grows older."""
        self._running += 1
        try:
            yield
        finally:
            self._running -= 1
            self.touch()

    def close(self) -> None:
        """It has ended, and is not counted any more. May be called again."""
        self._expire = None
        if TRANSACTION.get() == self.transaction_id:
            TRANSACTION.set(None)
        self._sessions._forget(self)  # noqa: SLF001  # one register, kept by the two together

    @property
    def running(self) -> bool:
        """Does an operation of it run at this moment?"""
        return self._running > 0

    def expire(self, reason: Expiry) -> None:
        """Call whoever opened it, once; it stays counted until it is closed."""
        expire, self._expire = self._expire, None
        if expire is not None:
            expire(reason)

    def overdue(self, idle_seconds: float, lifetime_seconds: float) -> Expiry | None:
        """Has it rested or lasted too long? None: no."""
        now = self._sessions.now()
        if now - self.opened_at >= lifetime_seconds:
            return Expiry.LIFETIME
        if not self._running and now - self.used_at >= idle_seconds:
            return Expiry.IDLE
        return None

    def __repr__(self) -> str:
        return f"<Session {self.transaction_id}>"


class Sessions:
    """The open transactions of one worker, bounded in number, rest and age.

    Seconds of rest and age may be ``math.inf``. ``clock`` counts seconds and never goes back.
    """

    def __init__(
        self,
        limit_total: int,
        limit_per_user: int,
        idle_seconds: float,
        lifetime_seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._limit_total = limit_total
        self._limit_per_user = limit_per_user
        self.idle_seconds: Final = idle_seconds
        self._lifetime = lifetime_seconds
        self.now: Final = clock
        # In the order in which they were opened, and in that of their last use: who looks for
        # what is overdue looks at nothing else. A dict would look at what is gone, too.
        self._open: OrderedDict[Session, None] = OrderedDict()
        self._by_use: OrderedDict[Session, None] = OrderedDict()
        self._of_user: dict[str, int] = {}

    def open(self, transaction_id: str, owner: str, expire: Callable[[Expiry], None]) -> Session:
        """Count one more transaction; ``expire`` is called at most once, and must not wait.

        TooManyOpenError: a limit is met. ``owner`` is a user, or a connection where nobody logs in.
        """
        if len(self._open) >= self._limit_total:
            raise TooManyOpenError(
                f"{self._limit_total} transactions are open, which is the limit",
                transaction_id=transaction_id,
            )
        if self._of_user.get(owner, 0) >= self._limit_per_user:
            raise TooManyOpenError(
                f"{self._limit_per_user} transactions of this user or connection are open, which "
                "is the limit",
                transaction_id=transaction_id,
            )
        session = Session(self, transaction_id, owner, expire)
        self._open[session] = self._by_use[session] = None
        TRANSACTION.set(transaction_id)
        self._of_user[owner] = self._of_user.get(owner, 0) + 1
        return session

    @property
    def count(self) -> int:
        """How many are open."""
        return len(self._open)

    @property
    def oldest_age(self) -> float:
        """How many seconds the oldest has been open; 0 if there is none."""
        first = next(iter(self._open), None)
        return 0.0 if first is None else self.now() - first.opened_at

    def oldest(self, most: int, *, owner: str | None = None) -> list[Session]:
        """The oldest that are open, at most so many; ``owner``: only theirs."""
        theirs = (one for one in self._open if owner is None or one.owner == owner)
        return list(islice(theirs, most))

    @property
    def counts_of_users(self) -> dict[str, int]:
        """How many each user has open; who has none is not in it."""
        return dict(self._of_user)

    async def expire_overdue(self) -> None:
        """Expire what has rested or lasted too long, some at once."""
        now = self.now()
        old = takewhile(lambda one: now - one.opened_at >= self._lifetime, self._open)
        unused = takewhile(lambda one: now - one.used_at >= self.idle_seconds, self._by_use)
        for number, session in enumerate([*old, *unused], 1):
            reason = session.overdue(self.idle_seconds, self._lifetime)
            if reason is not None:
                session.expire(reason)
            if number % AT_ONCE == 0:
                await asyncio.sleep(REST_SECONDS)

    def expire_all(self, reason: Expiry) -> None:
        """Expire every session that is not yet, whatever it is doing."""
        for session in list(self._open):
            session.expire(reason)

    async def watch(self) -> None:
        """Expire overdue sessions about every second, until this task is cancelled."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            await self.expire_overdue()

    def _used(self, session: Session) -> None:
        if session in self._by_use:
            self._by_use.move_to_end(session)

    def _forget(self, session: Session) -> None:
        if session not in self._open:
            return
        del self._open[session], self._by_use[session]
        left = self._of_user[session.owner] - 1
        if left:
            self._of_user[session.owner] = left
        else:
            del self._of_user[session.owner]
