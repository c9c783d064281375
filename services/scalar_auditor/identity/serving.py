"""What does the identity service of a worker stand on, and who calls any of the services?"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_auditor.errors import TooManyRequestsError
from scalar_auditor.identity.access import TokenAccess
from scalar_auditor.identity.code_sender import sender_of_environment
from scalar_auditor.identity.purging import keep_purged
from scalar_auditor.parts import wall_clock_ms
from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from scalar_tx.cluster.auth.passwords import PasswordHashing

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from scalar_auditor.identity.code_sender import CodeSender
    from scalar_tx.cluster.host import Host
    from scalar_tx.manager_async import AsyncTransactionManager

T = TypeVar("T")

# What all workers of a node share. The first is the file of the node's own users too: one password
# is hashed at a time, whoever logs in.
_HASHING_LOCK: Final = "passwords.lock"
_LOG_INS: Final = "auditor-log-ins"
_CODES: Final = "auditor-codes"
_MOST_LATER: Final = 100  # pieces of work that go on behind their answer
REFUSED_AFTER: Final = 0.25  # seconds, or a multiple: how long the refusal of a log-in takes


class Identity:
    """Log-ins and tokens of one worker. Call ``close`` at the end.

    ``limits`` bound tries at passwords, ``code_limits`` those at one-time codes. ``refused_after``:
    a refusal takes a multiple of so many seconds, whatever its reason was.
    """

    def __init__(
        self,
        manager: AsyncTransactionManager,
        *,
        hashing: PasswordHashing | None = None,
        limits: LogInLimits | None = None,
        code_limits: LogInLimits | None = None,
        sender: CodeSender | None = None,
        now_ms: Callable[[], int] = wall_clock_ms,
        elapsed: Callable[[], float] = time.monotonic,
        refused_after: float = REFUSED_AFTER,
    ) -> None:
        self.access: Final = TokenAccess(manager, now_ms, elapsed)
        self.hashing: Final = hashing or PasswordHashing()
        self.limits: Final = limits or LogInLimits(elapsed=elapsed)
        self.code_limits: Final = code_limits or LogInLimits(elapsed=elapsed)
        self.sender: Final = sender
        self.refused_after: Final = refused_after
        self._later: set[asyncio.Task[Any]] = set()

    def do_later(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Let work go on behind the answer. TooManyRequestsError: too much does."""
        if len(self._later) >= _MOST_LATER:
            raise TooManyRequestsError("too much is asked for at once", retry_after=1)
        task = asyncio.ensure_future(work())
        self._later.add(task)
        task.add_done_callback(self._later.discard)

    async def to_the_end(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """What ``work`` makes; it is done to its end also if whoever waits for it goes away."""
        task = asyncio.ensure_future(work())
        self._later.add(task)
        task.add_done_callback(self._ended)
        return await asyncio.shield(task)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._later.discard(task)
        if not task.cancelled():
            task.exception()  # looked at: who waited for it may be gone

    async def close(self) -> None:
        """Give up what goes on behind answers, and let go of threads and files."""
        later = list(self._later)
        for task in later:
            task.cancel()
        await asyncio.gather(*later, return_exceptions=True)
        await self.access.close()
        await self.hashing.close()
        self.limits.close()
        self.code_limits.close()


def identity_of(host: Host) -> Identity:
    """The identity of a worker: made once, by ``host.kept``. SettingsError, STX-5302."""
    sender = sender_of_environment(dev=host.node.dev)
    folder = host.folder
    identity = Identity(
        host.manager,
        hashing=PasswordHashing(lock_path=folder / _HASHING_LOCK if folder else None),
        limits=LogInLimits(path=folder / _LOG_INS if folder else None),
        code_limits=LogInLimits(path=folder / _CODES if folder else None),
        sender=sender,
    )
    host.at_end.append(identity.close)
    if host.slot == 0:  # one worker of a node is enough
        host.beside.append(lambda: keep_purged(host.manager, host.gate, wall_clock_ms))
    return identity
