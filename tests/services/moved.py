"""Does the namespace event move to another storage while importers send, without a loss?

The recipe of docs/auditor.md: pause, copy the rows as they are stored, go on with another mapping.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from scalar_auditor.check import check
from scalar_auditor.client import AuditorError, connect
from scalar_auditor.event.importer import Chunk, Importer
from scalar_auditor.moving import copy_namespace
from scalar_auditor.permissions import Caller, Kind
from scalar_auditor.rpc.v1 import event_pb2, item_pb2
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

STREAMS = ("17", "18", "19")
OF_A_BATCH = 5
TABLES = ("events", "item_events", "position_tracker", "auditor_logs")
SECONDS = 120  # in which all is in, on a busy machine


class OneImporter:
    """Whoever calls is a service."""

    async def caller(self, authorization: str, peer: str) -> Caller:
        return Caller(Kind.SERVICE, name="importer", peer=peer)


class Recorded:
    """A stream of so many batches."""

    def __init__(self, user_id: str, batches: int, paused: threading.Event) -> None:
        self._user_id = user_id
        self._batches = batches
        self._paused = paused

    def read(self, position: str) -> Chunk | None:
        number = int(position or 0)
        if number == self._batches // 2:  # the rest happens after the pause has begun
            assert self._paused.wait(SECONDS)
        if number == self._batches:
            return None
        return Chunk([self._event(number, one) for one in range(OF_A_BATCH)], str(number + 1))

    def _event(self, batch: int, number: int) -> event_pb2.Event:
        item_id = f"{self._user_id}-{number}"
        moment = 1_760_000_000_000 + batch * 60_000 + number
        return event_pb2.Event(
            source_id=f"{self._user_id}-{batch}-{number}",
            event_type="EDIT",
            item_id=item_id,
            created_at=moment,
            item=item_pb2.Item(item_id=item_id, item_type="FILE", name=f"version {batch}"),
        )


class Place:
    """Where the services are now, and what importers do there until all is in.

    A stream has ``batches``, the second half of them only once ``paused`` is set. ``patience``: how
    many seconds a call is tried for.
    """

    def __init__(self, server: Stage, batches: int, patience: float = 0.5) -> None:
        self.server = server
        self._every = batches
        self._patience = patience
        self.given_up = False
        self.troubles: Counter[str] = Counter()
        self.paused = threading.Event()
        self.batches = 0
        self._lock = threading.Lock()

    def take_in(self, user_id: str) -> None:
        """Take in a stream, wherever the services are."""
        while not self.given_up:
            target = f"grpc://127.0.0.1:{self.server.port}"
            with connect(target, token="importer", timeout=self._patience) as client:
                try:
                    recorded = Recorded(user_id, self._every, self.paused)
                    Importer(self._Counted(self, client.event), recorded, user_id).run()
                except AuditorError as error:
                    self.troubles[error.reason] += 1
                else:
                    return

    class _Counted:
        """The calls of a client, counted."""

        def __init__(self, place: Place, calls: Any) -> None:
            self._place = place
            self._calls = calls

        def get_position(self, **asked: Any) -> Any:
            return self._calls.get_position(**asked)

        def ingest_events(self, **asked: Any) -> Any:
            answer = self._calls.ingest_events(**asked)
            with self._place._lock:
                self._place.batches += 1
            return answer


def opened(file: Path) -> Stage:
    """The services; what is missing of their tables is made."""
    return Stage(str(file), access=lambda manager, keys: OneImporter(), names=("item", "event"))


def counts(stage: Stage) -> dict[str, int]:
    return {name: len(stage.rows(f"event.{name}")) for name in TABLES}


def moved_at_work(old: Path, new: Path, before: Stage, batches: int, patience: float = 0.5) -> None:
    """Move the namespace while importers send. AssertionError: something is lost, or doubled."""
    place = Place(before, batches, patience)
    with ThreadPoolExecutor(len(STREAMS)) as importers:
        running = [importers.submit(place.take_in, user_id) for user_id in STREAMS]
        try:
            until(lambda: place.batches >= batches // 2)
            before.run(closed(before))
            place.paused.set()
            until(lambda: place.troubles["PAUSED"] > 0)  # they are there, and are told to wait
            at_the_pause = counts(before)
            assert 0 < at_the_pause["events"] < len(STREAMS) * batches * OF_A_BATCH
            opened(new).close()  # makes the tables there
            copied = copy_namespace("event", old, new)
            assert copied == {f"event.{name}": count for name, count in at_the_pause.items()}
            with opened(new) as after:
                # Before importers go on: what was lost they could send again.
                assert counts(after) == at_the_pause
                place.server = after
                for one in running:
                    one.result(SECONDS)
                assert counts(before) == at_the_pause  # nobody wrote there any more
                all_is_there(after, batches)
        finally:
            place.given_up = True
            place.paused.set()


def all_is_there(stage: Stage, batches: int) -> None:
    """Each event once, each stream to its end, each item as it was told of last."""
    every = len(STREAMS) * batches * OF_A_BATCH
    assert counts(stage) == {
        "events": every,
        "item_events": every,
        "position_tracker": len(STREAMS),
        "auditor_logs": 0,
    }
    ids = Counter(row["source_id"] for row in stage.rows("event.events"))
    assert set(ids.values()) == {1}
    positions = {row["stream_position"] for row in stage.rows("event.position_tracker")}
    assert positions == {str(batches)}
    names = {row["name"] for row in stage.rows("item.item")}
    assert names == {f"version {batches - 1}"}
    found = stage.run(check(stage.manager, stage.keys))
    assert {name: one.texts for name, one in found.items()} == {name: [] for name in found}


def until(so: Callable[[], bool]) -> None:
    """Wait for something. AssertionError: it does not come."""
    ends_at = time.monotonic() + SECONDS
    while not so():
        assert time.monotonic() < ends_at
        time.sleep(0.005)


async def closed(stage: Stage) -> None:
    stage.gate.close()
    assert await stage.gate.drained(60)
