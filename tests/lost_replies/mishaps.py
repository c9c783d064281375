"""What goes wrong with the n-th request of a call, and has it happened?"""

from __future__ import annotations

import time
from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lost_replies.impatience import Speech
    from tests.servers.faults import Fault
    from tests.servers.proxy import Proxy

SECONDS = 60.0
# Less than the shortest request and reply: what arrives whole is not torn.
TORN_REQUEST_BYTES, TORN_REPLY_BYTES = 7, 6


class Mishap(Enum):
    """A fault, and what becomes of the line after it."""

    LOST = "the request is lost"
    SNAPPED = "the request is lost, and the connection with it"
    UNANSWERED = "the reply is lost"
    CUT_OFF = "the reply is lost, and the connection with it"
    TORN_REQUEST = "the request is cut in the middle"
    TORN_REPLY = "the reply is cut in the middle"
    LATE = "the request arrives after its deadline"
    HELD = "the request arrives after the settling"
    HELD_LONG = "the request arrives after others have written"
    DEAD_BEFORE = "the request is lost, and all that follow"
    DEAD_AFTER = "the reply is lost, and all requests that follow"
    DEAD_HELD = "the request arrives after the settling, those that follow are lost"

    @property
    def holds(self) -> bool:
        """Is the request kept back?"""
        return self in {Mishap.LATE, Mishap.HELD, Mishap.HELD_LONG, Mishap.DEAD_HELD}

    @property
    def loses_reply(self) -> bool:
        """Does the server do what it was asked, and its client not hear of it?"""
        return self in {
            Mishap.UNANSWERED, Mishap.CUT_OFF, Mishap.TORN_REPLY, Mishap.DEAD_AFTER,
        }  # fmt: skip

    @property
    def is_end_of_line(self) -> bool:
        """Is nothing to be reached afterwards?"""
        return self in {Mishap.DEAD_BEFORE, Mishap.DEAD_AFTER, Mishap.DEAD_HELD}


SINGLE = tuple(one for one in Mishap if not one.is_end_of_line)


class Watch:
    """Sees the requests of one call; a mishap comes to the n-th of them, if one is wanted."""

    def __init__(self, proxy: Proxy, speech: Speech, mishap: Mishap | None = None, nth: int = 0):
        self.asked: list[bytes] = []
        self.mishap = mishap
        self._proxy = proxy
        self._speech = speech
        self._nth = nth
        self._met_at: float | None = None
        self._fault: Fault | None = None
        proxy.forget_faults()
        if mishap is not None:
            self._fault = self._put(mishap)
        else:
            proxy.hold(self._sees)

    def _put(self, mishap: Mishap) -> Fault:
        proxy, mine = self._proxy, self._is_it
        match mishap:
            case Mishap.LOST | Mishap.DEAD_BEFORE:
                fault = proxy.lose_request(mine)
            case Mishap.SNAPPED:
                fault = proxy.lose_request(mine, closes=True)
            case Mishap.UNANSWERED | Mishap.DEAD_AFTER:
                fault = proxy.lose_reply(mine)
            case Mishap.CUT_OFF:
                fault = proxy.lose_reply(mine, closes=True)
            case Mishap.TORN_REQUEST:
                fault = proxy.tear_request(mine, after=TORN_REQUEST_BYTES)
            case Mishap.TORN_REPLY:
                fault = proxy.tear_reply(mine, after=TORN_REPLY_BYTES)
            case _:
                fault = proxy.hold(mine)
        if mishap.is_end_of_line:
            # Where requests share a connection, ending it would take the one that is held along.
            closes = self._proxy.protocol.in_order or mishap is Mishap.DEAD_BEFORE
            proxy.lose_request(lambda _: self.happened, closes=closes, lasting=True)
        proxy.hold(self._sees)  # what comes behind the fault
        return fault

    def _sees(self, request: bytes) -> bool:
        """Never a match: it only looks on."""
        if self._speech.is_work(request):
            self.asked.append(request)
            self._release_if_late()
        return False

    def _is_it(self, request: bytes) -> bool:
        if self.happened or not self._speech.is_work(request):
            return False
        if len(self.asked) + 1 < self._nth:
            return False
        self.asked.append(request)
        self._met_at = time.monotonic()
        return True

    def _release_if_late(self) -> None:
        """Once its client goes on without it, a late request arrives."""
        if (
            self.mishap is Mishap.LATE
            and self._fault is not None
            and self._met_at is not None
            and time.monotonic() - self._met_at > 0.9 * self._speech.patience
        ):
            self._fault.released.set()

    @property
    def happened(self) -> bool:
        """Did the mishap meet its request?"""
        return self._met_at is not None

    @property
    def writes(self) -> list[str]:
        """The writes that were sent; the same name again is the same write, sent again."""
        return [name for request in self.asked if (name := self._speech.writes(request))]

    @property
    def took_effect_unheard(self) -> bool:
        """Did the server answer a write, and its client not hear it?"""
        fault = self._fault
        return (
            fault is not None
            and self.mishap is not None
            and self.mishap.loses_reply
            and bool(fault.reply)
            and self._speech.writes(fault.request) is not None
        )

    def over(self) -> None:
        """The line is as it was, and what the server was asked is done but for held requests."""
        if self._fault is None or self.mishap is None:
            return
        if self.mishap.loses_reply:
            self._fault.wait(SECONDS)
        self._proxy.forget_faults()

    def deliver(self) -> bool:
        """Let a held request arrive; False: the server had given its connection up by then."""
        assert self._fault is not None
        try:
            self._fault.deliver(SECONDS)
        except ConnectionResetError:
            return False
        return True
