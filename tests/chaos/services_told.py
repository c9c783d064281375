"""What were the clients of the services told, and what may there be in the tables after it?

A client alone changes the things it keeps account of. What a call was to do, it may have done from
when it is sent; it must have done it once it is acknowledged. Of a call with a lost answer nobody
knows when it will have ended, so what it was to do remains possible for good.
"""

from __future__ import annotations

import threading
from collections import Counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_auditor.client import AuditorError, OutcomeUnknownError
from scalar_auditor.client.connection import Connection

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from google.protobuf.message import Message

    from scalar_auditor.client.connection import Repeat

T = TypeVar("T")
Key = tuple[str, ...]

# What no client of ours may be told: their requests are well formed and their log-ins good.
_ODD: Final = {"INTERNAL", "UNKNOWN", "INVALID_ARGUMENT", "UNAUTHENTICATED", "DATA_LOSS"}


class Told:
    """The account of all clients. A value of None: there is no such thing."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.refusals: Counter[str] = Counter()
        self.odd: list[str] = []
        self.views: Counter[Key] = Counter()  # set, method, item, e-mail: answered to an auditor
        self.sent: dict[str, set[int]] = {}  # of each stream, the numbers of batches
        self.kept: dict[str, set[int]] = {}  # those acknowledged
        self.left: set[str] = set()  # e-mails whose deletion was acknowledged
        self.leaving: set[str] = set()  # for whom one was begun
        self._sure: dict[Key, Any] = {}
        self._doubts: dict[Key, set[Any]] = {}
        self._lock = threading.Lock()
        self._here = threading.local()

    def count(self, name: str) -> None:
        """One more of it."""
        with self._lock:
            self.counts[name] += 1

    def answer_lost(self) -> None:
        """An attempt of the call of this thread ended without an answer."""
        self._here.lost = True
        self.count("answers lost")

    def viewed(self, key: Key) -> None:
        """An auditor was answered."""
        with self._lock:
            self.views[key] += 1

    def does(
        self, name: str, call: Callable[[], T], effects: Mapping[Key, Any] | None = None
    ) -> T | None:
        """Call, and keep account of what it leaves behind; None: it was not acknowledged."""
        self._here.lost = False
        wanted = effects or {}
        try:
            answer = call()
        except OutcomeUnknownError:
            self._doubt(wanted)
            self.count("unknown answers")
            return None
        except AuditorError as error:
            with self._lock:
                self.refusals[f"{name}: {error.code} {error.reason}"] += 1
            if error.code in _ODD:
                self.odd.append(f"{name}: {error}")
            return None
        if self._here.lost:
            self._doubt(wanted)
        with self._lock:
            self._sure.update(wanted)
            self.counts[f"acknowledged {name}"] += 1
            self.counts["acknowledged"] += 1
        return answer

    def _doubt(self, effects: Mapping[Key, Any]) -> None:
        with self._lock:
            for key, value in effects.items():
                self._doubts.setdefault(key, set()).add(value)

    def is_sure(self, key: Key) -> bool:
        """Is it there, without a doubt?"""
        return self._sure.get(key) is not None and key not in self._doubts

    def gone(self, audit_set_id: str) -> dict[Key, None]:
        """All of a set, as it is once the set was deleted."""
        with self._lock:
            keys = self._sure.keys() | self._doubts.keys()
            return {key: None for key in keys if audit_set_id in key[1:]}

    def allowed(self) -> dict[Key, set[Any]]:
        """All things of the account, and what they may be now."""
        keys = self._sure.keys() | self._doubts.keys()
        return {key: {self._sure.get(key), *self._doubts.get(key, ())} for key in keys}


class CountedConnection(Connection):
    """A client's connections, of which each answer that is lost is counted."""

    def __init__(self, told: Told, *how: Any) -> None:
        super().__init__(*how)
        self._told = told

    def _once(self, name: str, request: Message, repeat: Repeat, token: str, ends_at: float) -> Any:
        try:
            return super()._once(name, request, repeat, token, ends_at)
        except OutcomeUnknownError:
            self._told.answer_lost()
            raise
