"""Which browser is whose? Sessions in the supervisor's memory: a browser has a name of one only.

A name is 32 bytes of chance, and a new one is given at each log-in. What a POST must bear is made
of the name by a key of this process, so that nothing is kept for those who have not logged in.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
import secrets
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.console.asking import AnswerError, refusal

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.cluster.console.asking import Workers

MOST: Final = 1000  # sessions; whoever has rested longest is let go for another
IDLE_SECONDS: Final = 30 * 60.0
_EARLY: Final = 60.0  # seconds before a token ends, the next one is asked for
_NAME: Final = re.compile(r"[A-Za-z0-9_-]{43}")


@dataclass(slots=True)
class Session:
    """One browser that has logged in."""

    access: str = field(repr=False)
    refresh: str = field(repr=False)
    until: float  # the access token's end, seconds since 1970
    used: float  # by the monotonic clock
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class Browsers:
    """The sessions of a node. ``elapsed``, ``now``: a monotonic clock and the wall clock."""

    def __init__(
        self,
        workers: Workers,
        elapsed: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._workers = workers
        self._elapsed = elapsed
        self._now = now
        self._key = secrets.token_bytes(32)
        self._sessions: OrderedDict[str, Session] = OrderedDict()

    @staticmethod
    def new_name() -> str:
        """A name that nobody can guess."""
        return secrets.token_urlsafe(32)

    @staticmethod
    def is_name(text: str | None) -> bool:
        """Could a browser have been given that?"""
        return text is not None and _NAME.fullmatch(text) is not None

    def csrf(self, name: str) -> str:
        """What each POST of that browser bears."""
        return hmac.new(self._key, name.encode(), hashlib.sha256).hexdigest()

    def is_csrf(self, name: str, given: str) -> bool:
        """Is it that?"""
        return hmac.compare_digest(self.csrf(name).encode(), given.encode(errors="replace"))

    async def log_in(self, user: str, password: str, peer: str) -> str:
        """The name of a new session. AnswerError: the log-in is refused."""
        tokens = await self._workers.ask_one(
            "log_in", None, peer, {"user": user, "password": password}
        )
        name = self.new_name()
        while len(self._sessions) >= MOST:
            self._sessions.popitem(last=False)
        self._sessions[name] = Session(**tokens, used=self._elapsed())
        return name

    async def token(self, name: str, peer: str) -> str:
        """The token of a session, used by this. AnswerError, 401: there is no such session."""
        session = self._sessions.get(name)
        if session is None:
            raise _logged_out()
        if self._elapsed() - session.used >= IDLE_SECONDS:
            await self.log_out(name, peer)
            raise _logged_out()
        async with session.lock:
            if session.until - self._now() < _EARLY:
                await self._renew(name, session, peer)
        session.used = self._elapsed()
        if name in self._sessions:
            self._sessions.move_to_end(name)
        return session.access

    def forget(self, name: str) -> None:
        """The node does not know its token any more."""
        self._sessions.pop(name, None)

    async def log_out(self, name: str, peer: str) -> None:
        """End a session, with its tokens. AnswerError: they end by themselves, later."""
        session = self._sessions.pop(name, None)
        if session is not None:
            await self._workers.ask_one("log_out", None, peer, {"token": session.access})

    async def _renew(self, name: str, session: Session, peer: str) -> None:
        try:
            tokens = await self._workers.ask_one("refresh", None, peer, {"token": session.refresh})
        except AnswerError as error:
            if error.status == 401:
                self.forget(name)
                raise _logged_out() from error
            raise
        session.access, session.refresh = tokens["access"], tokens["refresh"]
        session.until = tokens["until"]


def _logged_out() -> AnswerError:
    return refusal(401, "nobody is logged in here, or not any more", "Log in again")
