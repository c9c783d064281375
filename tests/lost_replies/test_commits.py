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
from scalar_tx.connection import parts_of
from tests.lost_replies.clients import OnLoop, OnThread, running_loop
from tests.lost_replies.lanes import lanes
from tests.lost_replies.mishaps import Mishap, Watch
from tests.lost_replies.transfers import (
    BEFORE,
    Accounts,
    Layout,
    Way,
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
# A face, and whether commits leave out what they can do without.
CLIENTS = (("blocking", False), ("asyncio", False), ("blocking", True))
ONE_PHASE = "scalar.db.consensus_commit.one_phase_commit.enabled"
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
# With fewer steps.
WAYS: dict[str, dict[Way, tuple[Layout, Sequence[Mishap]]]] = {
    "cassandra": {Way.RECORDS_ALONE: (Layout.ONE_PARTITION, WHOLE)},
    "dynamodb": {
        Way.WRITTEN_ALONG: (Layout.TWO_TABLES, WHOLE),
        Way.FINISHED_ALONG: (Layout.TWO_TABLES, TELLING),
        Way.ONE_RECORD: (Layout.ONE_PARTITION, WHOLE),
    },
    "postgresql": {
        Way.WRITTEN_ALONG: (Layout.TWO_TABLES, WHOLE),
        Way.FINISHED_ALONG: (Layout.TWO_TABLES, TELLING),
    },
}
WAYS["mysql"] = WAYS["postgresql"]
FLOORS = {"committed": 5, "refused": 5, "UnknownOutcomeError": 2, "unheard": 3, "arrived": 5}
FLOORS_OF_FEWER_STEPS = {"committed": 3, "unheard": 2, "arrived": 1}
# In the others a transaction whose client is gone has been rolled back when its request arrives.
LATE = {"cassandra": 1, "dynamodb": 1, "postgresql": 0, "mysql": 0}


@dataclass(frozen=True)
class Case:
    """A mishap to the n-th request of a commit."""

    way: Way
    layout: Layout
    mishap: Mishap
    nth: int

    def __str__(self) -> str:
        where = f"{self.way.value}, {self.layout.value}"
        return f"{where}, request {self.nth}: {self.mishap.value}"


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
            _, _, end = self._transfer(lane, Way.EVERY_STEP, Layout.TWO_TABLES)
            if end.said == "committed":
                return
            assert time.monotonic() < deadline, f"nothing commits: {end}"

    def requests(self, lane: Lane[Client], way: Way, layout: Layout) -> int:
        """How many requests a commit makes that nothing disturbs, not even a slow machine."""
        counts: list[int] = []
        deadline = time.monotonic() + WARMING_SECONDS
        while len(counts) < COUNTED:
            accounts, watch, end = self._transfer(lane, way, layout)
            if end.said == "committed":
                assert accounts.seen(self.place) == way.after
                counts.append(len(watch.asked))
            assert time.monotonic() < deadline, f"nothing commits: {end}"
        return min(counts)

    def _transfer(
        self,
        lane: Lane[Client],
        way: Way,
        layout: Layout,
        mishap: Mishap | None = None,
        nth: int = 0,
    ) -> tuple[Accounts, Watch, End]:
        accounts = Accounts.made(self.place, layout)
        begun: list[Watch] = []

        def begins() -> None:
            begun.append(Watch(lane.proxy, self.place.speech, mishap, nth))

        end = lane.client.run(transfer(lane.client.db, accounts, way, begins))
        return accounts, begun[0], end

    def play(self, lane: Lane[Client], case: Case) -> Result:
        """Play a case; again, if the machine was so slow that the mishap met nothing."""
        for _ in range(TRIALS):
            lane.proxy.forget_faults()
            how = (case.way, case.layout, case.mishap, case.nth)
            accounts, watch, end = self._transfer(lane, *how)
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
        committed = end.said == "committed"
        after, view = case.way.after, case.way.after if committed else BEFORE
        if end.said != "UnknownOutcomeError":
            wanted = TransactionState.COMMITTED if committed else TransactionState.ABORTED
            assert end.outcome is wanted
        elif case.way.leaves_a_decision:
            assert end.outcome is TransactionState.UNKNOWN
            view = after if observer.settle(end.tx_id) is TransactionState.COMMITTED else BEFORE
        else:  # the records tell, once nothing is on its way any more
            assert end.outcome is TransactionState.UNKNOWN
            if case.mishap.holds and case.mishap is not Mishap.LATE:
                arrived, late = self._deliver(accounts, watch, end)
            view = accounts.seen(place)
            assert view in {BEFORE, after}
        committed = view == after
        truth = TransactionState.COMMITTED if committed else TransactionState.ABORTED
        assert accounts.seen(place) == view, f"{end}, settled {truth}"
        if case.mishap in {Mishap.HELD, Mishap.DEAD_HELD} and not arrived:
            arrived, late = self._deliver(accounts, watch, end)
            assert accounts.seen(place) == view, f"{end}, settled {truth}, then the request arrived"
        accounts.move_on(place)
        view = moved_on(view)
        assert accounts.seen(place) == view, f"{end}, settled {truth}, after others"
        if case.mishap is Mishap.HELD_LONG and not arrived:
            arrived, late = self._deliver(accounts, watch, end)
            assert accounts.seen(place) == view, f"{end}, settled {truth}, then the request arrived"
            accounts.move_on(place)
            assert accounts.seen(place) == moved_on(view)
        assert observer.state(end.tx_id) in {truth, TransactionState.UNKNOWN}
        if case.way.leaves_a_decision:
            assert observer.settle(end.tx_id) is truth
        return Result(end.said, committed, watch.took_effect_unheard, late, arrived, end.seconds)

    def _deliver(self, accounts: Accounts, watch: Watch, end: End) -> tuple[bool, bool]:
        """Did the held request reach the server, and change a row?"""
        before = accounts.stored(self.place, end.tx_id)
        arrived = watch.deliver()
        return arrived, accounts.stored(self.place, end.tx_id) != before


@pytest.fixture(scope="module", params=CLIENTS, ids=lambda one: "-".join(map(str, one)))
def clients(place: Place, request: pytest.FixtureRequest) -> Iterator[Lanes[Client]]:
    """Managers behind proxies, each of which has committed before."""

    player = Player(place)
    face, fewer_steps = request.param

    def close(lane: Lane[Client]) -> None:
        player.warm(lane)
        lane.client.close()

    with running_loop() as loop:

        def connect(properties: dict[str, str]) -> Client:
            wanted = {**properties, ONE_PHASE: str(fewer_steps).lower()}
            return OnThread(wanted) if face == "blocking" else OnLoop(wanted, loop)

        with lanes(place.cluster, connect, close) as opened:
            for lane in opened.lanes:
                player.warm(lane)
            yield opened


def mishaps_of(kind: str, face: str, layout: Layout) -> Sequence[Mishap]:
    """What is tried where, of every step."""
    if layout in WHOLLY.get((kind, face), USUALLY_WHOLLY):
        return WHOLE
    return () if face == "asyncio" and layout is not Layout.ONE_PARTITION else TELLING


def ways(kind: str, client: Client) -> list[tuple[Way, Layout, Sequence[Mishap]]]:
    """What is tried with a client, and which mishaps there are to it."""
    if parts_of(client.db).context.options.one_phase_commit:
        return [(way, layout, mishaps) for way, (layout, mishaps) in WAYS[kind].items()]
    layouts = ((layout, mishaps_of(kind, client.face, layout)) for layout in Layout)
    return [(Way.EVERY_STEP, layout, mishaps) for layout, mishaps in layouts if mishaps]


def test_every_request_of_a_commit_with_every_mishap(place: Place, clients: Lanes[Client]) -> None:
    player = Player(place)
    one = clients.lanes[0]
    kind, face = place.cluster.kind, one.client.face
    tried = ways(kind, one.client)
    cases = [
        Case(way, layout, mishap, nth)
        for way, layout, mishaps in tried
        for nth in range(1, player.requests(one, way, layout) + 1)
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
    if tried[0][0] is not Way.EVERY_STEP:
        floors = FLOORS_OF_FEWER_STEPS
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
