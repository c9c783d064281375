"""A commit whose way is disturbed at each of its requests: what its caller is told stays true.

Committed: every reader sees all of it. Conflict, or storage unavailable: nobody ever sees anything
of it. Unknown: ``settle`` says which. A request that arrives after that changes nothing for
anybody, and others can read and write the records at once.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from scalar_tx import TransactionState
from tests.lost_replies.clients import OnLoop, OnThread, running_loop
from tests.lost_replies.lanes import lanes
from tests.lost_replies.mishaps import Mishap, Watch
from tests.lost_replies.transfers import (
    AFTER,
    BEFORE,
    Accounts,
    Layout,
    moved_on,
    transfer,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.lost_replies.clients import Client
    from tests.lost_replies.lanes import Lane, Lanes
    from tests.lost_replies.places import Place
    from tests.lost_replies.transfers import End

log = logging.getLogger(__name__)

TRIALS = 4
COUNTED = 3  # undisturbed commits, to know how many requests one makes
WARMING_SECONDS = 120.0
LONGEST_COMMIT = 60.0  # seconds, on a machine with much else to do; 20 without
FACES = ("blocking", "asyncio")
# What SNAPPED and CUT_OFF add to the torn ones is tried with every single write.
WHOLE = tuple(one for one in Mishap if one not in {Mishap.SNAPPED, Mishap.CUT_OFF})
# Every mishap is tried with these: where a whole storage is one atomic unit, how far apart records
# are makes no difference to the protocol.
WHOLLY = {
    ("cassandra", "blocking"): {Layout.ONE_PARTITION, Layout.TWO_TABLES},
    ("cassandra", "asyncio"): {Layout.TWO_PARTITIONS},
}
USUALLY_WHOLLY = {Layout.TWO_TABLES}
TELLING = (Mishap.UNANSWERED, Mishap.TORN_REQUEST, Mishap.HELD, Mishap.DEAD_AFTER)
FLOORS = {"committed": 5, "refused": 5, "UnknownOutcomeError": 2, "unheard": 3, "arrived": 5}
# In the others a transaction whose client is gone has been rolled back when its request arrives.
LATE = {"cassandra": 1, "dynamodb": 1, "postgresql": 0, "mysql": 0}


@dataclass(frozen=True)
class Case:
    """A mishap to the n-th request of a commit."""

    layout: Layout
    mishap: Mishap
    nth: int

    def __str__(self) -> str:
        return f"{self.layout.value}, request {self.nth}: {self.mishap.value}"


@dataclass(frozen=True)
class Result:
    """How a case ended. ``late``: a held request arrived after the commit, and took effect."""

    said: str
    committed: bool
    unheard: bool
    late: bool
    arrived: bool
    seconds: float


class Player:
    """Plays the transfers of one place."""

    def __init__(self, place: Place) -> None:
        self.place = place

    def warm(self, lane: Lane[Client]) -> None:
        """Commit once: from then on a commit asks for nothing but its own work."""
        deadline = time.monotonic() + WARMING_SECONDS
        while True:
            _, _, end = self._transfer(lane, Layout.TWO_TABLES)
            if end.said == "committed":
                return
            assert time.monotonic() < deadline, f"nothing commits: {end}"

    def requests(self, lane: Lane[Client], layout: Layout) -> int:
        """How many requests a commit makes that nothing disturbs, not even a slow machine."""
        counts: list[int] = []
        deadline = time.monotonic() + WARMING_SECONDS
        while len(counts) < COUNTED:
            accounts, watch, end = self._transfer(lane, layout)
            if end.said == "committed":
                assert accounts.seen(self.place) == AFTER
                counts.append(len(watch.asked))
            assert time.monotonic() < deadline, f"nothing commits: {end}"
        return min(counts)

    def _transfer(
        self, lane: Lane[Client], layout: Layout, mishap: Mishap | None = None, nth: int = 0
    ) -> tuple[Accounts, Watch, End]:
        accounts = Accounts.made(self.place, layout)
        begun: list[Watch] = []

        def begins() -> None:
            begun.append(Watch(lane.proxy, self.place.speech, mishap, nth))

        end = lane.client.run(transfer(lane.client.db, accounts, begins))
        return accounts, begun[0], end

    def play(self, lane: Lane[Client], case: Case) -> Result:
        """Play a case; again, if the machine was so slow that the mishap met nothing."""
        for _ in range(TRIALS):
            lane.proxy.forget_faults()
            accounts, watch, end = self._transfer(lane, case.layout, case.mishap, case.nth)
            if watch.happened:
                return self._judged(case, accounts, watch, end)
        raise AssertionError(f"the commit never made {case.nth} requests")

    def _judged(self, case: Case, accounts: Accounts, watch: Watch, end: End) -> Result:
        place, observer = self.place, self.place.observer
        watch.over()
        assert end.seconds < LONGEST_COMMIT
        assert end.named == (None if end.said == "committed" else end.tx_id)
        arrived = late = False
        if case.mishap is Mishap.LATE:
            arrived = watch.deliver()
        if end.said == "UnknownOutcomeError":
            assert end.outcome is TransactionState.UNKNOWN
            truth = observer.settle(end.tx_id)
        else:
            committed = end.said == "committed"
            truth = TransactionState.COMMITTED if committed else TransactionState.ABORTED
            assert end.outcome is truth
        view = AFTER if truth is TransactionState.COMMITTED else BEFORE
        assert accounts.seen(place) == view, f"{end}, settled {truth}"
        if case.mishap in {Mishap.HELD, Mishap.DEAD_HELD}:
            arrived, late = self._deliver(accounts, watch, end)
            assert accounts.seen(place) == view, f"{end}, settled {truth}, then the request arrived"
        accounts.move_on(place)
        view = moved_on(view)
        assert accounts.seen(place) == view, f"{end}, settled {truth}, after others"
        if case.mishap is Mishap.HELD_LONG:
            arrived, late = self._deliver(accounts, watch, end)
            assert accounts.seen(place) == view, f"{end}, settled {truth}, then the request arrived"
            accounts.move_on(place)
            assert accounts.seen(place) == moved_on(view)
        assert observer.state(end.tx_id) in {truth, TransactionState.UNKNOWN}
        assert observer.settle(end.tx_id) is truth
        committed = truth is TransactionState.COMMITTED
        return Result(end.said, committed, watch.took_effect_unheard, late, arrived, end.seconds)

    def _deliver(self, accounts: Accounts, watch: Watch, end: End) -> tuple[bool, bool]:
        """Did the held request reach the server, and change a row?"""
        before = accounts.stored(self.place, end.tx_id)
        arrived = watch.deliver()
        return arrived, accounts.stored(self.place, end.tx_id) != before


@pytest.fixture(scope="module", params=FACES)
def clients(place: Place, request: pytest.FixtureRequest) -> Iterator[Lanes[Client]]:
    """Managers behind proxies, each of which has committed before."""

    player = Player(place)

    def close(lane: Lane[Client]) -> None:
        player.warm(lane)
        lane.client.close()

    with running_loop() as loop:

        def connect(properties: dict[str, str]) -> Client:
            return OnThread(properties) if request.param == "blocking" else OnLoop(properties, loop)

        with lanes(place.cluster, connect, close) as opened:
            for lane in opened.lanes:
                player.warm(lane)
            yield opened


def mishaps_of(kind: str, face: str, layout: Layout) -> Sequence[Mishap]:
    """What is tried where."""
    if layout in WHOLLY.get((kind, face), USUALLY_WHOLLY):
        return WHOLE
    return () if face == "asyncio" and layout is not Layout.ONE_PARTITION else TELLING


def test_every_request_of_a_commit_with_every_mishap(place: Place, clients: Lanes[Client]) -> None:
    player = Player(place)
    one = clients.lanes[0]
    kind, face = place.cluster.kind, one.client.face
    cases = [
        Case(layout, mishap, nth)
        for layout in Layout
        if (mishaps := mishaps_of(kind, face, layout))
        for nth in range(1, player.requests(one, layout) + 1)
        for mishap in mishaps
    ]
    results = clients.play(cases, player.play)
    failures = [
        f"{case}: {type(result).__name__}: {result}"
        for case, result in zip(cases, results, strict=True)
        if not isinstance(result, Result)
    ]
    assert not failures, "\n".join(failures)
    told = tally(cases, [one for one in results if isinstance(one, Result)])
    log.info("%s, %s: %s", kind, face, dict(told))
    floors = {**FLOORS, "late": LATE[kind]}
    assert not {name: told[name] for name, least in floors.items() if told[name] < least}, told
    assert not {one for one in WHOLE if not told[one.name]}, told


def tally(cases: Sequence[Case], results: Sequence[Result]) -> Counter[str]:
    """How often each end came, and each mishap."""
    told = Counter[str]()
    for case, result in zip(cases, results, strict=True):
        told[case.mishap.name] += 1
        told[result.said] += 1
        told["refused"] += result.said in {"ConflictError", "StorageUnavailableError"}
        told["unknown, committed"] += result.said == "UnknownOutcomeError" and result.committed
        told["unheard"] += result.unheard
        told["arrived"] += result.arrived
        told["late"] += result.late
    return told
