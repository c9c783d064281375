"""Are the ten shards of a day read at the same time, by a query and by a watch?

The storage is in memory, and its reads take as long as a test says, on threads or as futures.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.event import watching
from scalar_auditor.permissions import Role, SetRole
from scalar_auditor.rpc.v1 import event_pb2
from scalar_tx.errors import SchemaError, StorageUnavailableError
from scalar_tx.storage.interface import Waits
from tests.faces.slow_reads import SlowReads, opening
from tests.services.event.scene import (
    NOW,
    OWNER_OF_ITEMS,
    TODAY,
    admin,
    event,
    id_of,
    ingest,
    item,
    new_set,
    refused,
)
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import grpc

EVENTS = "event.events"
ASKED = {"from_day": TODAY, "to_day": TODAY}
SECONDS = 10.0
TOLD = [event(f"s{number}", f"f{number % 3}", NOW - 1000 * number) for number in range(300)]
IDS = [id_of(one) for one in TOLD]


@pytest.fixture(params=[Waits.BLOCKS, Waits.FUTURES])
def storage(request: pytest.FixtureRequest) -> SlowReads:
    return SlowReads(request.param)


@pytest.fixture
def stage(storage: SlowReads) -> Iterator[Stage]:
    """One with 300 events of a day."""
    with Stage(
        names=("event", "item"), now_ms=lambda: NOW, opening=lambda *_: opening(storage)
    ) as one:
        for number in range(3):
            one.as_service().UpsertItem(**item(f"f{number}"))
        ingest(one, TOLD)
        storage.slow = {EVENTS}
        storage.forget()
        yield one
    assert storage.under_way == 0
    assert storage.open_scans == 0


def tens_meet() -> Callable[[Any], None]:
    """Each of ten reads waits for the others: it fails where one of them does not come."""
    barrier = threading.Barrier(10)

    def met(_: Any) -> None:
        barrier.wait(SECONDS)

    return met


def first_ten_meet() -> Callable[[Any], None]:
    """The same of the first ten; later ones wait for nobody."""
    reads, met = itertools.count(), tens_meet()

    def wait(what: Any) -> None:
        if next(reads) < 10:
            met(what)

    return wait


@pytest.mark.parametrize("who", ["admin", "reviewer", "auditor", "owner"])
def test_a_query_reads_the_shards_together(stage: Stage, storage: SlowReads, who: str) -> None:
    asked: dict[str, Any] = {**ASKED, "page": {"page_size": 100}}
    if who in ("reviewer", "auditor"):
        people = {"r@example.org": SetRole.REVIEWER}
        asked["audit_set_id"] = new_set(stage, people, ["f0", "f1", "f2"])
    calls = {
        "admin": admin(stage),
        "reviewer": stage.as_person("r@example.org"),
        "auditor": stage.as_person("r@example.org", Role.EXTERNAL_AUDITOR),
        "owner": stage.as_person(OWNER_OF_ITEMS),
    }[who]
    found = []
    for page in range(3):
        storage.forget()
        storage.first = first_ten_meet()
        answer = calls.QueryEvents(**asked)
        found += [one.event_id for one in answer.events]
        asked["page"]["page_token"] = answer.next_page_token
        assert storage.waves[0] == 10
        assert sorted(storage.read[:10]) == [(TODAY, shard) for shard in range(10)]
        if page == 0 and who == "admin":
            assert storage.waves == [10]
    assert found == IDS


def test_days_without_events_are_a_wave_each(stage: Stage, storage: SlowReads) -> None:
    storage.first = tens_meet()
    found = admin(stage).QueryEvents(from_day="2026-09-01", to_day="2026-09-10")
    assert not found.events
    assert storage.waves == [10] * 10


def test_a_watch_reads_the_shards_together(
    stage: Stage, storage: SlowReads, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "PAUSE", 0.03)
    monkeypatch.setattr(watching, "_SHARE", 1)
    storage.first = first_ten_meet()
    events = admin(stage).Watch(after_event_id=IDS[100])
    found = list(itertools.islice(events, 100))
    assert [one.event_id for one in found] == IDS[:100][::-1]
    events.close()
    assert storage.waves[0] == 10


def test_a_shard_that_fails_fails_the_page_with_its_own_error(
    stage: Stage, storage: SlowReads, caplog: pytest.LogCaptureFixture
) -> None:
    met = tens_meet()

    def fail_one(where: Any) -> None:
        met(where)
        if where == (TODAY, 3):
            raise SchemaError("a row of shard 3 is no event")
        time.sleep(0.05)

    before = tasks(stage)
    storage.first = fail_one
    error = refused(admin(stage).QueryEvents, **ASKED)
    assert error.code == "INTERNAL"
    assert "a row of shard 3 is no event" in caplog.text
    assert len(storage.read) == 10
    assert (storage.under_way, storage.open_scans) == (0, 0)
    until(lambda: tasks(stage) <= before)
    storage.first = lambda _: None
    found = admin(stage).QueryEvents(**ASKED, page={"page_size": 1000})
    assert [one.event_id for one in found.events] == IDS


def test_a_shard_that_is_away_for_a_moment_is_read_again(stage: Stage, storage: SlowReads) -> None:
    away = iter([True])

    def fail_once(where: Any) -> None:
        if where == (TODAY, 3) and next(away, False):
            raise StorageUnavailableError("shard 3 is away")

    storage.first = fail_once
    found = admin(stage).QueryEvents(**ASKED, page={"page_size": 1000})
    assert [one.event_id for one in found.events] == IDS
    assert (storage.under_way, storage.open_scans) == (0, 0)


def test_a_caller_who_has_gone_leaves_nothing_behind(stage: Stage, storage: SlowReads) -> None:
    begun, go_on = threading.Barrier(11), threading.Event()

    def wait(_: Any) -> None:
        begun.wait(SECONDS)
        go_on.wait(SECONDS)

    before = tasks(stage)
    storage.first = wait
    call = begun_query(stage)
    begun.wait(SECONDS)
    assert storage.under_way == 10
    call.cancel()
    go_on.set()
    until(lambda: not storage.under_way and not storage.open_scans)
    until(lambda: tasks(stage) <= before)
    storage.first = lambda _: None
    assert len(admin(stage).QueryEvents(**ASKED).events) == 100


def test_each_page_asks_for_the_role_again(stage: Stage, storage: SlowReads) -> None:
    audit_set_id = new_set(stage, {"r@example.org": SetRole.REVIEWER}, ["f0", "f1", "f2"])
    calls, stranger = stage.as_person("r@example.org"), stage.as_person("s@example.org")
    asked = {**ASKED, "audit_set_id": audit_set_id}
    token, found = "", []
    for _ in range(4):
        page = {"page_size": 50, "page_token": token}
        storage.forget()
        assert refused(stranger.QueryEvents, **asked, page=page).reason == "AUDIT_SET_NOT_FOUND"
        assert storage.read == []  # before any shard was looked at
        answer = calls.QueryEvents(**asked, page=page)
        found += [one.event_id for one in answer.events]
        token = answer.next_page_token
    assert found == IDS[:200]
    key = {"user_email": "r@example.org", "audit_set_id": audit_set_id}
    stage.run(stage.manager.delete("audit.audit_set_collaborators", key))
    page = {"page_size": 50, "page_token": token}
    assert refused(calls.QueryEvents, **asked, page=page).reason == "AUDIT_SET_NOT_FOUND"


def begun_query(stage: Stage) -> Any:
    """A query, as gRPC's own call."""
    calls = admin(stage)
    channel: grpc.Channel = calls._channel
    ask: Any = channel.unary_unary(
        "/scalar_auditor.v1.EventService/QueryEvents",
        request_serializer=event_pb2.QueryEventsRequest.SerializeToString,
        response_deserializer=event_pb2.Events.FromString,
    )
    request = event_pb2.QueryEventsRequest(from_day=TODAY, to_day=TODAY)
    return ask.future(request, metadata=calls._metadata, timeout=60)


def tasks(stage: Stage) -> int:
    """How many tasks does the server's loop have?"""

    async def counted() -> int:
        return len(asyncio.all_tasks())

    found: int = stage.run(counted())
    return found


def until(holds: Callable[[], bool]) -> None:
    """Wait: a call's own task may outlive its answer by a moment, a thread its caller."""
    ends = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.01)
