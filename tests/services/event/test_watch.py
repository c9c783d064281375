"""Does a watch tell of each event that comes in, also late, and only of those one may see?"""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.event import watching
from scalar_auditor.event.rules import shard_of
from scalar_auditor.permissions import Role, SetRole
from scalar_auditor.rpc.v1 import event_pb2
from tests.services.event.scene import (
    DAY_MS,
    NOW,
    OWNER_OF_ITEMS,
    add_item,
    admin,
    event,
    id_of,
    ingest,
    item,
    new_set,
    refused,
)
from tests.services.stage import Refused

if TYPE_CHECKING:
    from tests.services.stage import Calls, Stage

SECONDS = 20.0  # in which something has to come


class Viewer:
    """Reads a watch on a thread of its own."""

    def __init__(self, calls: Calls, **asked: str) -> None:
        self.events: list[Any] = []
        self.refused: Refused | None = None
        self._stream = calls.Watch(**asked)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            self.events.extend(self._stream)
        except Refused as error:
            self.refused = error

    @property
    def ids(self) -> list[str]:
        return [one.event_id for one in self.events]

    def until(self, *wanted: str) -> list[str]:
        """The ids until all of these have come."""
        ends = time.monotonic() + SECONDS
        while not set(wanted) <= set(self.ids):
            assert self.refused is None, self.refused
            assert time.monotonic() < ends, (wanted, self.ids)
            time.sleep(0.01)
        return self.ids


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watching, "PAUSE", 0.03)
    monkeypatch.setattr(watching, "_SHARE", 1)


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """When looks ended."""
    ended: list[float] = []
    look = watching.Watch._look

    async def noted(self: watching.Watch, send: Any) -> None:
        await look(self, send)
        ended.append(time.monotonic())

    monkeypatch.setattr(watching.Watch, "_look", noted)
    return ended


def after_looks(looks: list[float], count: int) -> None:
    wanted = len(looks) + count
    ends = time.monotonic() + SECONDS
    while len(looks) < wanted:
        assert time.monotonic() < ends
        time.sleep(0.01)


def test_from_now_on(stage: Stage, looks: list[float]) -> None:
    old = event("old", "f")
    ingest(stage, [old, event("older", "f", NOW - 1000)])
    viewer = Viewer(admin(stage))
    after_looks(looks, 1)
    new = [event(f"new{number}", "f", NOW + number) for number in range(3)]
    ingest(stage, new)
    assert viewer.until(*map(id_of, new)) == list(map(id_of, new))
    assert viewer.events[0].event_type == "EDIT"
    assert viewer.events[0].user_email == "ada@example.org"
    after_looks(looks, 2)
    assert len(viewer.ids) == 3  # and each once


def test_what_comes_in_late_is_told_of(stage: Stage, looks: list[float]) -> None:
    """Ids do not come in in order: streams lag behind one another."""
    viewer = Viewer(admin(stage))
    after_looks(looks, 1)
    newest = event("newest", created_at=NOW)
    ingest(stage, [newest])
    viewer.until(id_of(newest))
    late = [event(f"late{ms}", created_at=NOW - ms) for ms in (1, 1000, watching.WINDOW_MS - 1)]
    ingest(stage, late, "another-stream")
    found = viewer.until(*map(id_of, late))
    assert len(found) == 4
    ingest(stage, [event("too-late", created_at=NOW - watching.WINDOW_MS - 1)])
    after_looks(looks, 3)
    assert len(viewer.ids) == 4


def test_a_watch_goes_on_behind_what_was_seen(stage: Stage, looks: list[float]) -> None:
    told = [event(f"s{number}", "f", NOW - 30 * DAY_MS + DAY_MS * number) for number in range(31)]
    ingest(stage, told)
    viewer = Viewer(admin(stage), after_event_id=id_of(told[3]))
    assert viewer.until(*map(id_of, told[4:])) == list(map(id_of, told[4:]))
    after_looks(looks, 2)
    assert len(viewer.ids) == 27


def test_what_came_in_late_before_a_watch_went_on_is_told_of(stage: Stage) -> None:
    seen, late, new = (
        event("seen"),
        event("late", created_at=NOW - 5),
        event("new", created_at=NOW + 5),
    )
    ingest(stage, [seen, late, new])
    viewer = Viewer(admin(stage), after_event_id=id_of(seen))
    # First what is certainly new.
    assert viewer.until(id_of(late)) == [id_of(new), id_of(late)]


def test_many_events_come_in_order_of_their_shard(stage: Stage, looks: list[float]) -> None:
    viewer = Viewer(admin(stage))
    after_looks(looks, 1)
    told = [event(f"s{number}", created_at=NOW - 1000 + number) for number in range(1500)]
    for start in range(0, 1500, 500):
        ingest(stage, told[start : start + 500])
    ids = viewer.until(*map(id_of, told))
    assert len(ids) == 1500
    by_shard: dict[int, list[str]] = {}
    for one in ids:
        by_shard.setdefault(shard_of(one), []).append(one)
    assert len(by_shard) == 10
    assert all(found == sorted(found) for found in by_shard.values())


def test_more_events_than_are_kept_are_told_of_once(
    stage: Stage, looks: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "MOST_KEPT", 40)
    first = event("first", created_at=NOW - 10_000)
    told = [event(f"s{number}", created_at=NOW - 1000 + number) for number in range(400)]
    ingest(stage, [first, *told])
    viewer = Viewer(admin(stage), after_event_id=id_of(first))
    viewer.until(*map(id_of, told))
    after_looks(looks, 4)
    assert len(viewer.ids) == 400
    new = event("new", created_at=NOW)
    ingest(stage, [new])
    viewer.until(id_of(new))


def test_one_is_told_of_what_one_may_see(stage: Stage, looks: list[float]) -> None:
    service = stage.as_service()
    service.UpsertItem(**item("f"))
    service.UpsertItem(**item("g", owner_email="else@example.org"))
    audit_set_id = new_set(stage, {"r@example.org": SetRole.REVIEWER}, ["g"])
    of_owner = Viewer(stage.as_person(OWNER_OF_ITEMS))
    of_set = Viewer(stage.as_person("r@example.org"), audit_set_id=audit_set_id)
    of_all = Viewer(service)
    after_looks(looks, 6)
    told = [event("a", "f"), event("b", "g"), event("c")]
    ingest(stage, told)
    of_all.until(*map(id_of, told))
    of_owner.until(id_of(told[0]))
    of_set.until(id_of(told[1]))
    after_looks(looks, 6)
    assert (len(of_all.ids), len(of_owner.ids), len(of_set.ids)) == (3, 1, 1)
    # The set is asked anew each time.
    add_item(stage, audit_set_id, "f")
    again = event("d", "f", NOW + 1)
    ingest(stage, [again])
    of_set.until(id_of(again))
    key = {"user_email": "r@example.org", "audit_set_id": audit_set_id}
    stage.run(stage.manager.delete("audit.audit_set_collaborators", key))
    ends = time.monotonic() + SECONDS
    while of_set.refused is None and time.monotonic() < ends:
        time.sleep(0.01)
    assert of_set.refused is not None
    assert of_set.refused.reason == "AUDIT_SET_NOT_FOUND"


def test_what_an_outside_auditor_is_told_is_logged(stage: Stage, looks: list[float]) -> None:
    stage.as_service().UpsertItem(**item("f"))
    audit_set_id = new_set(stage, {"out@example.org": SetRole.REVIEWER}, ["f"])
    outside = stage.as_person("out@example.org", Role.EXTERNAL_AUDITOR)
    assert refused(outside.Watch).field == "audit_set_id"
    assert stage.rows("event.auditor_logs") == []
    viewer = Viewer(outside, audit_set_id=audit_set_id)
    after_looks(looks, 3)
    opened = stage.rows("event.auditor_logs")
    assert {(row["action_type"], row["user_email"]) for row in opened} == {
        ("Watch", "out@example.org")
    }
    assert len(opened) == 1  # looking without finding anything is one look
    told = event("a", "f")
    ingest(stage, [told])
    viewer.until(id_of(told))
    assert len(stage.rows("event.auditor_logs")) == 2


def test_a_caller_has_five_watches(stage: Stage) -> None:
    ingest(stage, [event("a")])
    open_ones = [begun(stage.as_service()) for _ in range(5)]
    assert [next(one).source_id for one in open_ones] == ["a"] * 5
    error = refused(stage.as_service().Watch)
    assert (error.code, error.reason) == ("RESOURCE_EXHAUSTED", "TOO_MANY_WATCHES")
    another = begun(stage.as_service("another"))
    assert next(another).source_id == "a"
    assert open_watches(stage) == 6
    # Those that are left end, at whatever they were just then, and count no more.
    another.cancel()
    for _ in range(4):
        for one in open_ones:
            one.cancel()
        ends = time.monotonic() + SECONDS
        while open_watches(stage) and time.monotonic() < ends:
            time.sleep(0.01)
        assert open_watches(stage) == 0
        open_ones = [begun(stage.as_service()) for _ in range(5)]
        assert [next(one).source_id for one in open_ones] == ["a"] * 5
    for one in open_ones:
        one.cancel()


def begun(calls: Calls) -> Any:
    """A watch of all there is, as gRPC's own call."""
    call: Any = calls._channel.unary_stream(
        "/scalar_auditor.v1.EventService/Watch",
        request_serializer=event_pb2.WatchRequest.SerializeToString,
        response_deserializer=event_pb2.Event.FromString,
    )
    request = event_pb2.WatchRequest(after_event_id=f"{NOW - 1000:013d}-x")
    return call(request, metadata=calls._metadata, timeout=60)


def open_watches(stage: Stage) -> int:
    """How many watches does the server still serve?"""

    async def served() -> int:
        return sum("EventService/Watch" in task.get_name() for task in asyncio.all_tasks())

    found: int = stage.run(served())
    return found


def test_a_watch_ends_after_an_hour(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert watching.MOST_SECONDS == 3600
    monkeypatch.setattr(watching, "MOST_SECONDS", 0.2)
    assert list(itertools.islice(admin(stage).Watch(), 1)) == []


@pytest.mark.parametrize("wrong", ["x", "1790000000000", "1790000000000-", "x790000000000-s"])
def test_no_id(stage: Stage, wrong: str) -> None:
    assert refused(admin(stage).Watch, after_event_id=wrong).field == "after_event_id"


def test_a_watch_goes_on_for_a_year_at_most(stage: Stage) -> None:
    long_ago = f"{NOW - 367 * DAY_MS:013d}-s"
    assert refused(admin(stage).Watch, after_event_id=long_ago).field == "after_event_id"
