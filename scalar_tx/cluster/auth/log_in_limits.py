"""How many log-ins are tried, and how soon may somebody try again?

Two bounds, both before a hash is spent, and both of all workers of a node together: so many tries a
second, and for a user name whose passwords were wrong a pause that doubles. What is refused here
does not lengthen the pause, so that whoever keeps on guessing keeps nobody out for longer than the
longest one at a time.

Whoever says where a try comes from has each address have half of the tries a second, so that one
that floods leaves the other half. Right passwords do not count there: many people may share one.

Names and addresses are kept by a keyed hash, a few in each of many rows: where a row is full, the
one in it that was met longest ago is forgotten. Who shares a row can't be chosen from outside.
"""

from __future__ import annotations

import hashlib
import os
import time
from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.cluster.auth.shared_memory import SharedMemory

if TYPE_CHECKING:
    from collections.abc import Callable

_FREE: Final = 3  # wrong passwords before the first pause
_LONGEST: Final = 60.0  # seconds
_IN_A_ROW: Final = 8
_WORD: Final = 8  # bytes
# What the memory holds, in words: until when tries are spent, the key of the hash, then names.
_SPENT: Final = 0
_KEY: Final = slice(_WORD, 3 * _WORD)  # in bytes
_NAMES: Final = 4
# Of each name. An address has the last two: until when its tries are spent, and the last of them.
_NAME, _NUMBER, _NOT_BEFORE, _FAILED_AT = range(4)
_ADDRESS: Final = "address\n"  # before one: no name has a line's end
_OF_ALL: Final = 2  # an address has one of so many parts of all tries
_WORDS: Final = 4


class LogInLimits:
    """The bounds of a node. Call ``close`` at the end.

    ``a_second``: tries a second, of all users together. ``names``: of how many user names wrong
    passwords are remembered, about. ``path``: a file that all workers of the node open; without one
    the bounds are those of this process. SettingsError, STX-5206: it can't be made. ``patience``:
    seconds to wait for another worker that looks at it. ``elapsed``: a clock in seconds that all of
    them read.
    """

    def __init__(
        self,
        *,
        a_second: int = 10,
        names: int = 16_000,
        path: str | os.PathLike[str] | None = None,
        patience: float = 1.0,
        elapsed: Callable[[], float] = time.monotonic,
    ) -> None:
        self._apart = 1 / a_second
        self._rows = -(-names // _IN_A_ROW)
        self._elapsed = elapsed
        words = _NAMES + self._rows * _IN_A_ROW * _WORDS
        self._memory = SharedMemory(words * _WORD, path, patience=patience)

    async def admit(self, name: str, address: str = "") -> None:
        """Count a try. TooManyAttemptsError, STX-5204: it is too early for it.

        ``address``: where it comes from; without one it is counted among those of all alone.
        """
        try:
            too_early = await self._memory.alone(lambda: self._too_early(name, address))
        except TimeoutError:
            too_early = 1.0  # somebody was stopped with the lock, and will be replaced
        if too_early is not None:
            raise TooManyAttemptsError(
                "too many log-ins were tried", retry_after=too_early, code="STX-5204"
            )

    async def failed(self, name: str) -> None:
        """The password was wrong."""
        await self._change(lambda: self._count_failure(name))

    async def succeeded(self, name: str, address: str = "") -> None:
        """The password was right: forget the wrong ones. ``address``: as it was admitted with.

        It gets its try back: many people may log in from one.
        """
        await self._change(lambda: self._forget(name, address))

    async def _change(self, work: Callable[[], None]) -> None:
        try:
            await self._memory.alone(work)
        except TimeoutError:
            work()  # beside another's change one of the two may be lost, which is less than none

    @property
    def remembered(self) -> int:
        """How many names, whose passwords were wrong, and addresses are remembered."""
        return sum(self._memory.integers[at + _NAME] != 0 for at in self._places(0, self._rows))

    def close(self) -> None:
        """Let go of the memory."""
        self._memory.close()

    # What is done while no other worker does. Whatever is left by one that was killed in the middle
    # of it, can be read.

    def _too_early(self, name: str, address: str) -> float | None:
        now, numbers = self._elapsed(), self._memory.numbers
        at, known = self._found(name)
        if known and now < numbers[at + _NOT_BEFORE]:
            return numbers[at + _NOT_BEFORE] - now
        if address:
            at, known = self._found(_ADDRESS + address)
            before = numbers[at + _NOT_BEFORE] if known else 0.0
            of_address, wait = self._spent(before, now, self._apart * _OF_ALL)
            if wait is not None:
                return wait
        of_all, wait = self._spent(numbers[_SPENT], now, self._apart)
        if wait is not None:
            return wait
        numbers[_SPENT] = of_all
        if address:
            self._memory.integers[at + _NAME] = 0
            self._memory.integers[at + _NUMBER] = 0
            numbers[at + _NOT_BEFORE] = of_address
            numbers[at + _FAILED_AT] = now
            self._memory.integers[at + _NAME] = self._hash(_ADDRESS + address)
        return None

    def _spent(self, before: float, now: float, apart: float) -> tuple[float, float | None]:
        """Until when tries are spent with one more; and how long to wait if it is too early."""
        # A try spends its part of a second; a second's worth may be spent at once.
        spent = max(before, now) + apart
        if spent - now > 1 + apart / 2**16:  # sums of such parts are not exact
            return before, spent - now - 1
        return spent, None

    def _count_failure(self, name: str) -> None:
        integers, numbers, now = self._memory.integers, self._memory.numbers, self._elapsed()
        at, known = self._found(name)
        number = integers[at + _NUMBER] + 1 if known else 1
        pause = 0.0
        if number > _FREE:
            pause = min(_LONGEST, 2.0 ** min(number - _FREE - 1, 10))
        integers[at + _NAME] = 0
        integers[at + _NUMBER] = number
        numbers[at + _NOT_BEFORE] = now + pause if pause else 0.0
        numbers[at + _FAILED_AT] = now
        integers[at + _NAME] = self._hash(name)

    def _forget(self, name: str, address: str) -> None:
        at, known = self._found(name)
        if known:
            self._memory.integers[at + _NAME] = 0
            self._memory.numbers[at + _FAILED_AT] = 0.0
        at, known = self._found(_ADDRESS + address)
        if address and known:
            self._memory.numbers[at + _NOT_BEFORE] -= self._apart * _OF_ALL

    def _found(self, name: str) -> tuple[int, bool]:
        """Where a name is, and whether it is there; else where it may be put."""
        hashed = self._hash(name)
        row = hashed % self._rows
        oldest, failed_at = 0, float("inf")
        for at in self._places(row, row + 1):
            kept = self._memory.integers[at + _NAME]
            if kept == hashed:
                return at, True
            since = self._memory.numbers[at + _FAILED_AT] if kept else float("-inf")
            if since < failed_at:
                oldest, failed_at = at, since
        return oldest, False

    def _places(self, first: int, last: int) -> range:
        a_row = _IN_A_ROW * _WORDS
        return range(_NAMES + first * a_row, _NAMES + last * a_row, _WORDS)

    def _hash(self, name: str) -> int:
        if not any(self._memory.bytes[_KEY]):
            self._memory.bytes[_KEY] = os.urandom(2 * _WORD)
        key = bytes(self._memory.bytes[_KEY])
        digest = hashlib.blake2b(name.encode(), digest_size=_WORD, key=key).digest()
        return int.from_bytes(digest, "big") or 1  # 0 is no name
