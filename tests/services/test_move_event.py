"""Can the namespace event move to another storage while importers keep sending, without a loss?

The recipe of docs/auditor.md: pause, copy the rows as they are stored, go on with another mapping.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.check import check
from scalar_auditor.client import AuditorError, connect
from scalar_auditor.event.importer import Chunk, Importer
from scalar_auditor.moving import copy_namespace
from scalar_auditor.permissions import Caller, Kind
from scalar_auditor.rpc.v1 import event_pb2, item_pb2
from scalar_tx.consensus_commit.record import PREPARED
from scalar_tx.errors import InvalidOperationError
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STREAMS = ("17", "18", "19")
BATCHES = 60
OF_A_BATCH = 5
TABLES = ("events", "item_events", "position_tracker", "auditor_logs")


class OneImporter:
    """Whoever calls is a service."""

    async def caller(self, authorization: str, peer: str) -> Caller:
        return Caller(Kind.SERVICE, name="importer", peer=peer)


class Recorded:
    """A stream of so many batches."""

    def __init__(self, user_id: str, paused: threading.Event) -> None:
        self._user_id = user_id
        self._paused = paused

    def read(self, position: str) -> Chunk | None:
        number = int(position or 0)
        if number == BATCHES // 2:  # the rest happens after the pause has begun
            assert self._paused.wait(60)
        if number == BATCHES:
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
    """Where the services are now, and what importers do there until all is in."""

    def __init__(self, server: Stage) -> None:
        self.server = server
        self.troubles: Counter[str] = Counter()
        self.paused = threading.Event()
        self.batches = 0
        self._lock = threading.Lock()

    def take_in(self, user_id: str) -> None:
        """Take in a stream, wherever the services are."""
        while True:
            target = f"grpc://127.0.0.1:{self.server.port}"
            with connect(target, token="importer", timeout=0.5) as client:
                try:
                    importer = Importer(
                        self._Counted(self, client.event), Recorded(user_id, self.paused), user_id
                    )
                    importer.run()
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


def settings(folder: Path, name: str, mapping: str) -> Path:
    file = folder / f"{name}.properties"
    multi = "scalar.db.multi_storage"
    file.write_text(
        "scalar.db.storage=multi-storage\n"
        f"{multi}.storages=first,second\n"
        f"{multi}.storages.first.storage=sqlite\n"
        f"{multi}.storages.first.contact_points={folder}/first.db\n"
        f"{multi}.storages.second.storage=sqlite\n"
        f"{multi}.storages.second.contact_points={folder}/second.db\n"
        f"{multi}.default_storage=first\n{mapping}"
    )
    return file


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return settings(tmp_path, "old", "")


@pytest.fixture
def new(tmp_path: Path) -> Path:
    return settings(tmp_path, "new", "scalar.db.multi_storage.namespace_mapping=event:second\n")


def opened(file: Path) -> Stage:
    """The services; what is missing of their tables is made."""
    return Stage(str(file), access=lambda manager, keys: OneImporter(), names=("item", "event"))


@pytest.fixture
def before(old: Path) -> Iterator[Stage]:
    with opened(old) as stage:
        yield stage


def counts(stage: Stage) -> dict[str, int]:
    return {name: len(stage.rows(f"event.{name}")) for name in TABLES}


@pytest.mark.slow
def test_no_event_is_lost_or_doubled(old: Path, new: Path, before: Stage) -> None:
    place = Place(before)
    with ThreadPoolExecutor(len(STREAMS)) as importers:
        running = [importers.submit(place.take_in, user_id) for user_id in STREAMS]
        ends_at = time.monotonic() + 60
        while place.batches < 30 and time.monotonic() < ends_at:  # in the middle of all of them
            time.sleep(0.005)
        before.run(closed(before))
        place.paused.set()
        at_the_pause = counts(before)
        assert 0 < at_the_pause["events"] < len(STREAMS) * BATCHES * OF_A_BATCH
        opened(new).close()  # makes the tables there
        copied = copy_namespace("event", old, new)
        assert copied == {f"event.{name}": count for name, count in at_the_pause.items()}
        with opened(new) as after:
            place.server = after
            for one in running:
                one.result(60)
            assert counts(before) == at_the_pause  # nobody wrote there any more
            every = len(STREAMS) * BATCHES * OF_A_BATCH
            assert counts(after) == {
                "events": every,
                "item_events": every,
                "position_tracker": len(STREAMS),
                "auditor_logs": 0,
            }
            ids = Counter(row["source_id"] for row in after.rows("event.events"))
            assert set(ids.values()) == {1}
            positions = {row["stream_position"] for row in after.rows("event.position_tracker")}
            assert positions == {str(BATCHES)}
            names = {row["name"] for row in after.rows("item.item")}
            assert names == {f"version {BATCHES - 1}"}
            found = after.run(check(after.manager, after.keys))
            assert {name: one.texts for name, one in found.items()} == {name: [] for name in found}
    assert place.troubles["PAUSED"] > 0  # they were there, and were told to wait


async def closed(stage: Stage) -> None:
    stage.gate.close()
    assert await stage.gate.drained(30)


def test_a_copy_may_be_made_again_and_never_over_something_newer(
    old: Path, new: Path, before: Stage
) -> None:
    place = Place(before)
    place.paused.set()
    place.take_in("17")
    with opened(new) as after:
        first = copy_namespace("event", old, new)
        assert copy_namespace("event", old, new) == first
        [row] = after.rows("event.position_tracker")
        after.put("event.position_tracker", **{**row, "stream_position": "further"})
        with pytest.raises(InvalidOperationError, match="another row stands in"):
            copy_namespace("event", old, new)
        assert after.rows("event.position_tracker")[0]["stream_position"] == "further"


def test_what_is_unsettled_is_not_copied(old: Path, new: Path, before: Stage) -> None:
    place = Place(before)
    place.paused.set()
    place.take_in("17")
    opened(new).close()
    with sqlite3.connect(old.parent / "first.db") as database:
        database.execute('UPDATE "event$position_tracker" SET "tx_state" = ?', (PREPARED,))
    database.close()
    with pytest.raises(InvalidOperationError, match="unsettled") as error:
        copy_namespace("event", old, new)
    assert "recover --all" in error.value.advice


def test_a_namespace_that_is_not_there_is_told(old: Path, new: Path, before: Stage) -> None:
    with pytest.raises(InvalidOperationError, match="there are no tables"):
        copy_namespace("events", old, new)
    with pytest.raises(InvalidOperationError):
        copy_namespace("event", old, new)  # its tables are not made yet
