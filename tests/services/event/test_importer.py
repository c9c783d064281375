"""Does every event of a stream get in once, whatever breaks off, and however many import it?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.event import invariants
from scalar_auditor.event.importer import Chunk, Importer
from scalar_auditor.rpc.v1 import event_pb2
from tests.services.event.scene import NOW, event, findings
from tests.services.stage import Refused, Stage

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


def told(number: int) -> event_pb2.Event:
    return event_pb2.Event(**event(f"s{number:04d}", f"f{number % 7}", NOW - 10_000 + number))


class Source:
    """Chunks of so many events, one behind the other; what is 0 is an entry that is none."""

    def __init__(self, *sizes: int) -> None:
        self.chunks: dict[str, Chunk] = {}
        number, position = 0, ""
        for at, size in enumerate(sizes):
            entries = [told(number + one) for one in range(size)]
            following = f"{1000 + at}"
            self.chunks[position] = Chunk(entries, following)
            number, position = number + size, following
        self.last = position
        self.reads: list[str] = []

    def read(self, position: str) -> Chunk | None:
        self.reads.append(position)
        if position == self.last:
            return None
        return self.chunks[position]


class Service:
    """The service's calls, some of which break off: before they are sent, or with their answer."""

    def __init__(
        self, stage: Stage, *, lost_requests: Iterable[int] = (), lost_answers: Iterable[int] = ()
    ) -> None:
        self._calls = stage.as_service()
        self._lost_requests = set(lost_requests)
        self._lost_answers = set(lost_answers)
        self.ingested: list[Any] = []

    def get_position(self, *, user_id: str) -> event_pb2.Position:
        found: event_pb2.Position = self._calls.GetPosition(user_id=user_id)
        return found

    def ingest_events(self, **batch: Any) -> event_pb2.Position:
        number = len(self.ingested)
        self.ingested.append(batch)
        if number in self._lost_requests:
            raise ConnectionError("the request was lost")
        answer: event_pb2.Position = self._calls.IngestEvents(**batch)
        if number in self._lost_answers:
            raise ConnectionError("the answer was lost")
        return answer


def sources_of(stage: Stage) -> list[str]:
    return sorted(row["source_id"] for row in stage.rows("event.events"))


def expected(count: int) -> list[str]:
    return [f"s{number:04d}" for number in range(count)]


@pytest.mark.parametrize("batch_size", [1, 3, 4, 500])
def test_a_stream_is_taken_in_batch_by_batch(stage: Stage, batch_size: int) -> None:
    service = Service(stage)
    found = Importer(service, Source(5, 0, 4, 1), "u", batch_size=batch_size).run()
    assert (found.events, found.position) == (10, "1003")
    assert sources_of(stage) == expected(10)
    assert all(len(batch["events"]) <= batch_size for batch in service.ingested)
    positions = ["", *(batch["to_position"] for batch in service.ingested)]
    assert [batch["from_position"] for batch in service.ingested] == positions[:-1]
    assert found.batches == len(service.ingested)
    again = Importer(service, Source(5, 0, 4, 1), "u", batch_size=batch_size).run()
    assert (again.events, again.batches) == (0, 0)


def test_a_stream_that_has_grown_is_read_on_where_it_ended(stage: Stage) -> None:
    Importer(Service(stage), Source(5, 3), "u", batch_size=2).run()
    grown = Source(5, 3, 2)
    assert Importer(Service(stage), grown, "u", batch_size=2).run().events == 2
    assert grown.reads[0] == "1001"
    assert sources_of(stage) == expected(10)


def test_entries_that_are_no_events_are_passed_over(stage: Stage) -> None:
    source = Source(6)
    entries = list(source.chunks[""].entries)
    source.chunks[""] = Chunk([None, None, entries[0], None, entries[1], None, None], "9")
    source.last = "9"
    service = Service(stage)
    assert Importer(service, source, "u", batch_size=2).run().events == 2
    # Nothing is stored behind entries without an event; the end is read from there next time.
    assert [batch["to_position"] for batch in service.ingested] == ["+4", "+6"]
    assert Importer(service, source, "u", batch_size=2).run().events == 0


def test_an_event_that_is_there_twice_gets_in_once(stage: Stage) -> None:
    source = Source(2)
    entries = source.chunks[""].entries
    source.chunks[""] = Chunk([*entries, *entries], "1000")
    Importer(Service(stage), source, "u").run()
    assert sources_of(stage) == expected(2)


@pytest.mark.parametrize("lost", range(6))
def test_an_answer_that_is_lost_costs_nothing(stage: Stage, lost: int) -> None:
    """Whether it goes on by itself or is begun anew."""
    service = Service(stage, lost_answers=[lost])
    Importer(service, Source(5, 0, 6), "u", batch_size=2).run()
    assert sources_of(stage) == expected(11)
    sent = [one.source_id for batch in service.ingested for one in batch["events"]]
    assert sent == expected(11)  # none of them twice


@pytest.mark.parametrize("killed", range(6))
@pytest.mark.parametrize("answered", [False, True])
def test_an_importer_that_is_killed_is_followed_by_another(
    stage: Stage, killed: int, answered: bool
) -> None:
    class Killed(BaseException):
        pass

    first = Service(stage)
    ingest = first.ingest_events

    def dies(**batch: Any) -> event_pb2.Position:
        if len(first.ingested) < killed:
            return ingest(**batch)
        if answered:
            ingest(**batch)
        raise Killed

    first.ingest_events = dies  # type: ignore[method-assign]
    with pytest.raises(Killed):
        Importer(first, Source(5, 0, 6), "u", batch_size=2).run()
    second = Service(stage)
    found = Importer(second, Source(5, 0, 6), "u", batch_size=2).run()
    assert sources_of(stage) == expected(11)
    done = first.ingested if answered else first.ingested[:killed]
    assert sum(len(batch["events"]) for batch in done) + found.events == 11
    assert findings(stage, invariants) == []


def test_what_changed_nothing_is_raised(stage: Stage) -> None:
    importer = Importer(Service(stage, lost_requests=[1]), Source(5), "u", batch_size=2)
    with pytest.raises(ConnectionError):
        importer.run()
    assert sources_of(stage) == expected(2)
    assert importer.run().events == 3
    assert sources_of(stage) == expected(5)


def test_a_batch_that_can_not_be_is_raised(stage: Stage) -> None:
    source = Source(3)
    source.chunks[""].entries[1].event_type = "a b"  # type: ignore[union-attr]
    with pytest.raises(Refused) as caught:
        Importer(Service(stage), source, "u").run()
    assert caught.value.field == "events[1].event_type"
    assert sources_of(stage) == []


@pytest.fixture(params=["memory", "sqlite"])
def any_stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    target = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'events.db'}"
    with Stage(target, names=("event", "item"), now_ms=lambda: NOW) as one:
        yield one


@pytest.mark.parametrize("importers", [2, 4])
def test_many_importers_of_one_stream_at_once(any_stage: Stage, importers: int) -> None:
    stage, sizes, total = any_stage, (7, 0, 40, 13), 60
    found: list[int] = []

    def run(batch_size: int) -> None:
        found.append(
            Importer(Service(stage), Source(*sizes), "u", batch_size=batch_size).run().events
        )

    threads = [threading.Thread(target=run, args=(3 + one,)) for one in range(importers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == importers
    assert sources_of(stage) == expected(total)
    assert sum(found) == total  # each was taken in by one of them
    assert findings(stage, invariants) == []


def test_a_source_that_does_not_go_on_is_named(stage: Stage) -> None:
    source = Source(2, 2)
    source.chunks["1000"] = Chunk([told(5)], "1000")
    with pytest.raises(ValueError, match="'1000'"):
        Importer(Service(stage), source, "u").run()
    short = Source(3)
    Importer(Service(stage), Source(9), "v", batch_size=4).run()
    stage.put("event.position_tracker", user_id="v", stream_position="+8")
    with pytest.raises(LookupError, match="no entry 8"):
        Importer(Service(stage), short, "v").run()


@pytest.mark.parametrize("size", [0, 501])
def test_a_batch_has_a_size(stage: Stage, size: int) -> None:
    with pytest.raises(ValueError, match="1 to 500"):
        Importer(Service(stage), Source(1), "u", batch_size=size)
