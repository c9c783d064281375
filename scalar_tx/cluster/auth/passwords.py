"""How is a password kept, and compared with one that somebody types?

As Argon2id with 19 MiB, two passes, one lane. A hash takes some 30 ms of a processor, and that
memory, so a node makes one at a time, in a thread of its own; a few wait, and what comes then is
refused before it costs anything.
"""

from __future__ import annotations

import asyncio
import base64
import fcntl
import logging
import os
import secrets
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import VerificationError, VerifyMismatchError

from scalar_tx.cluster.auth.places import Places
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.cluster.auth.shared_memory import opened
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MEMORY: Final = 19_456  # KiB
PASSES: Final = 2
LANES: Final = 1
SHORTEST: Final = 12  # characters
LONGEST: Final = 1024
_SALT: Final = 16  # bytes
_DIGEST: Final = 32
_BEHIND: Final = 5  # more than others, as of nice
_LOOK_AGAIN: Final = 0.002  # seconds between two tries of the file's lock
_OTHERS_FIRST: Final = 0.003  # seconds after a hash: who waits for the lock looks meanwhile
_GENERATED: Final = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"  # none looks alike

_log = logging.getLogger("scalar_tx.security")


@dataclass(frozen=True, slots=True)
class Verdict:
    """Was it the password? ``outdated``: yes, but kept with other costs than are used now."""

    right: bool
    outdated: bool = False


_WRONG: Final = Verdict(right=False)


def generated_password(length: int = 24) -> str:
    """A password of chance; 24 characters are 139 bits."""
    return "".join(secrets.choice(_GENERATED) for _ in range(length))


def _behind_others() -> None:
    """Whoever floods a node with passwords is to hold up nobody: a hash takes 40 ms of CPU."""
    if sys.platform == "linux":  # where a thread has a priority of its own
        thread = threading.get_native_id()
        own = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(own + _BEHIND, 19))


class PasswordHashing:
    """Hashes passwords one at a time. Call ``close`` at the end.

    ``waiting``: how many may wait. ``lock_path``: a file that all processes of a node lock while
    they hash, so that it is one at a time for all of them, and the waiting are those of all; they
    wait ``patience`` seconds for it. SettingsError, STX-5206: the file can't be made.
    """

    def __init__(
        self,
        *,
        waiting: int = 8,
        lock_path: str | os.PathLike[str] | None = None,
        patience: float = 5.0,
    ) -> None:
        self._hasher = PasswordHasher(
            time_cost=PASSES,
            memory_cost=MEMORY,
            parallelism=LANES,
            hash_len=_DIGEST,
            salt_len=_SALT,
            type=Type.ID,
        )
        self._nobodys = _hash_of_nothing()
        self._patience = patience
        self._lock = threading.Lock()
        self._hashes = 0
        self._not_before = 0.0
        self._file = None if lock_path is None else opened(lock_path)
        self._places = Places(waiting + 1, self._file)
        self._thread = ThreadPoolExecutor(1, "scalar_tx password", _behind_others)

    @property
    def hashes(self) -> int:
        """How many were computed since the start, to make one or to compare."""
        return self._hashes

    async def hashed(self, password: str) -> str:
        """The text to keep instead of the password.

        InvalidOperationError, STX-5207: it is too short or too long. TooManyAttemptsError.
        """
        given = _allowed(password)
        return await self._in_turn(lambda: self._hasher.hash(given))

    async def verify(self, kept: str | None, password: str) -> Verdict:
        """Is it the password of which ``kept`` was made? None (no such user) costs the same.

        TooManyAttemptsError: too many are waiting, nothing was compared.
        """
        if _fault(password) is not None:
            return _WRONG  # whoever it is for: it was never accepted
        return await self._in_turn(lambda: self._compared(kept, password.encode()))

    def _compared(self, kept: str | None, password: bytes) -> Verdict:
        try:
            self._hasher.verify(self._nobodys if kept is None else kept, password)
        except VerifyMismatchError:
            return _WRONG
        except (VerificationError, ValueError):
            _log.error("a stored password is no Argon2 hash; its user can't log in")
            return self._compared(None, password)
        outdated = kept is not None and self._hasher.check_needs_rehash(kept)
        return Verdict(kept is not None, outdated)

    async def _in_turn(self, work: Callable[[], T]) -> T:
        with self._lock:
            place = self._places.take()
        if place is None:
            raise _busy("too many passwords are waiting to be looked at")
        try:
            future = self._thread.submit(self._alone, work)
        except BaseException:
            self._leave(place)
            raise
        # Not in a finally here: the hash of a caller who has gone still runs to its end.
        future.add_done_callback(lambda _: self._leave(place))
        return await asyncio.wrap_future(future)

    def _leave(self, place: int) -> None:
        with self._lock:
            self._places.leave(place)

    def _alone(self, work: Callable[[], T]) -> T:
        if self._file is None:
            self._hashes += 1
            return work()
        self._take_file(self._file)
        try:
            self._hashes += 1
            return work()
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)
            self._not_before = time.monotonic() + _OTHERS_FIRST

    def _take_file(self, file: int) -> None:
        # Looked at again and again: a wait for flock itself would have no bound.
        now = time.monotonic()
        deadline = now + self._patience
        time.sleep(max(0.0, self._not_before - now))
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() >= deadline:
                    raise _busy("other processes of this node are hashing passwords") from None
                time.sleep(_LOOK_AGAIN)
            else:
                return

    async def close(self) -> None:
        """Let go of thread and file; what waits is cancelled, what is being hashed ends first."""
        await asyncio.to_thread(self._thread.shutdown, cancel_futures=True)
        if self._file is not None:
            os.close(self._file)
            self._file = None

    def __repr__(self) -> str:
        return f"<PasswordHashing {self._places.held} of {self._places.number} inside>"


def _busy(why: str) -> TooManyAttemptsError:
    return TooManyAttemptsError(
        why, advice="Log in again in a second", retry_after=1, code="STX-5205"
    )


def _fault(password: object) -> str | None:
    """What keeps a text from being a password? Nothing of it is in the answer."""
    if not isinstance(password, str):
        return "is no text"
    if len(password) < SHORTEST:
        return f"has fewer than {SHORTEST} characters"
    if len(password) > LONGEST:
        return f"has more than {LONGEST} characters"
    if any("\ud800" <= sign <= "\udfff" for sign in password):
        return "holds half a character"
    return None


def _allowed(password: str) -> bytes:
    fault = _fault(password)
    if fault is not None:
        raise InvalidOperationError(
            f"the password {fault}",
            advice=f"Choose one of {SHORTEST} to {LONGEST} characters",
            code="STX-5207",
        )
    return password.encode()


def _hash_of_nothing() -> str:
    """What looks like a kept password, costs as much to compare with, and is of none."""
    salt, digest = (
        base64.b64encode(secrets.token_bytes(size)).rstrip(b"=").decode()
        for size in (_SALT, _DIGEST)
    )
    return f"$argon2id$v=19$m={MEMORY},t={PASSES},p={LANES}${salt}${digest}"
