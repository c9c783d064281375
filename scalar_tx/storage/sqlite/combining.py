"""Who writes to the file now, and whose writes go along?

A file has one writer at a time, and whoever commits waits for the disk. So calls that come while
one of them writes stand in line, and the first in line then writes for those behind it too, in one
transaction of the database; each call is judged by itself there. Whoever finds nobody writing
writes at once and alone: nobody waits for company.

Nobody waits for ever either: a call whose time is up leaves the line and has done nothing; one
whose writer does not come back is told that its outcome is unknown.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

from scalar_tx.errors import ReplyLostError, StorageBusyError

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

MOST_TOGETHER: Final = 64
# So long a transaction takes in calls that wait; what comes later is for the next one.
_GATHERS_S: Final = 0.02
# What a commit may need beyond its wait for readers, on a slow disk.
_COMMIT_S: Final = 30.0
_LONGEST_S: Final = 86_400.0


class _Place(Enum):
    WAITING = "in line"
    TAKEN = "another writes it along"
    FIRST = "has the turn"
    ENDED = "answered, or gone"


class Call(Generic[T]):
    """The writes of one caller: applied together, or not at all.

    ``alone`` runs them in a transaction of their own, given the moment until which they may wait
    for locks; ``steps`` runs them in the session of a transaction. ``several``: can they be refused
    with a part done? ``shares``: may others be written along?
    """

    __slots__ = (
        "alone",
        "answered",
        "deadline",
        "error",
        "place",
        "result",
        "several",
        "shares",
        "steps",
        "thread",
        "woken",
    )

    def __init__(
        self,
        alone: Callable[[float | None], T],
        steps: Callable[[Any], T],
        *,
        several: bool,
        shares: bool = True,
    ) -> None:
        self.alone = alone
        self.steps = steps
        self.several = several
        self.shares = shares
        self.thread = threading.get_ident()
        self.deadline: float | None = None  # None: it did not wait
        self.answered = False
        self.result: T | None = None
        self.error: Exception | None = None
        self.place = _Place.WAITING
        self.woken = threading.Lock()
        self.woken.acquire()

    def answer(self) -> T:
        """The result, or the error, that whoever wrote it has left."""
        if self.error is not None:
            raise self.error
        return self.result  # type: ignore[return-value]  # None only where T allows it


class Line:
    """The callers that write to one file, in the order in which they came.

    ``place`` is the file as messages name it, ``patience_s`` how long a call waits for its turn.
    """

    def __init__(self, place: str, patience_s: float) -> None:
        self._place = place
        self._patience_s = min(patience_s, _LONGEST_S)
        self._lock = threading.Lock()
        self._waiting: deque[Call[Any]] = deque()
        self._writer: int | None = None  # the thread that has the turn
        self._taken: list[Call[Any]] = []  # what it writes along with its own call
        self._gathers_until = 0.0

    @property
    def is_busy(self) -> bool:
        """Does somebody write?"""
        return self._writer is not None

    def begin(self) -> bool:
        """Take the turn if nobody has it. Whoever asks says ``end`` at last, however this ends."""
        me = threading.get_ident()
        with self._lock:
            if self._writer is not None:
                return False
            self._writer = me
        return True

    def join(self, call: Call[Any]) -> bool:
        """Wait until the call has the turn, or until another has written it along: False.

        StorageBusyError: its time is up, nothing was done. ReplyLostError: another was writing it
        and did not come back.
        """
        try:
            with self._lock:
                if self._writer is None:
                    self._writer = call.thread
                    return True
                call.deadline = time.monotonic() + self._patience_s
                self._waiting.append(call)
            self._wait(call, call.deadline)
        except BaseException:
            self._leave(call)
            raise
        return call.place is _Place.FIRST

    def _wait(self, call: Call[Any], deadline: float) -> None:
        seconds = self._patience_s
        while not call.woken.acquire(timeout=seconds):
            with self._lock:
                if call.place is _Place.WAITING:
                    self._waiting.remove(call)
                    call.place = _Place.ENDED
                    raise StorageBusyError(
                        f"{self._place}: other threads wrote for {self._patience_s:g} s, and "
                        f"{len(self._waiting)} more were waiting for their turn"
                    )
                if call.place is not _Place.TAKEN:
                    return
                seconds = deadline + self._patience_s + _COMMIT_S - time.monotonic()
                if seconds <= 0:
                    call.place = _Place.ENDED
                    raise self._lost("did not come back")

    def _leave(self, call: Call[Any]) -> None:
        """Its caller waits no longer; what is being written is written."""
        with self._lock:
            if call in self._waiting:
                self._waiting.remove(call)
            if call.place is not _Place.FIRST:
                call.place = _Place.ENDED

    def has_company(self, own: Call[Any]) -> bool:
        """Does another call wait that may be written along with this one?"""
        with self._lock:
            return own.shares and bool(self._waiting) and self._waiting[0].shares

    def next(self) -> Call[Any] | None:
        """Take the next call that may be written along; None: the transaction is full."""
        now = time.monotonic()
        with self._lock:
            taken, waiting = self._taken, self._waiting
            if not taken:
                self._gathers_until = now + _GATHERS_S
            full = len(taken) + 1 >= MOST_TOGETHER or now > self._gathers_until
            if full or not waiting or not waiting[0].shares:
                return None
            call = waiting.popleft()
            call.place = _Place.TAKEN
            taken.append(call)
            return call

    def put_back(self, *, share: bool) -> None:
        """Nothing was done of what was taken: it is next in line again.

        ``share`` False: each call is then written by itself.
        """
        with self._lock:
            while self._taken:
                call = self._taken.pop()
                if call.place is _Place.TAKEN:  # its caller is still there
                    call.place = _Place.WAITING
                    call.shares = call.shares and share
                    self._waiting.appendleft(call)

    def answer(self, error: Callable[[], Exception] | None = None) -> None:
        """What was taken is written; or all of it has met an error, each call with its own."""
        for call in self._taken:
            if error is not None:
                call.error = error()
            call.answered = True

    def end(self) -> None:
        """Give the turn to the next in line if this thread has it; wake those that were answered.

        What was taken and got no answer may have been written: its outcome is unknown.
        """
        if self._writer != threading.get_ident():
            return
        with self._lock:
            # A list of its own, also where it is empty: the next one fills the other at once.
            taken, self._taken = self._taken, []
            for call in taken:
                if not call.answered:
                    call.error = self._lost("was interrupted")
                call.place = _Place.ENDED
            following = self._waiting.popleft() if self._waiting else None
            if following is None:
                self._writer = None
            else:
                following.place = _Place.FIRST
                self._writer = following.thread
        # First of all the next one: until it writes, the disk has nothing to do.
        if following is not None:
            following.woken.release()
        for call in taken:
            call.woken.release()

    def _lost(self, what: str) -> ReplyLostError:
        return ReplyLostError(f"{self._place}: the thread that wrote along for others {what}")
