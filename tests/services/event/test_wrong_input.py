"""Is a field of items and events that can't be right refused by its name, with nothing changed?"""

from __future__ import annotations

import copy
import re
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.permissions import Role
from tests.services.event.scene import (
    DAY_MS,
    NOW,
    TODAY,
    add_item,
    event,
    everything,
    folder,
    id_of,
    ingest,
    item,
    new_set,
)
from tests.services.event.test_roles import METHODS
from tests.services.stage import METHODS as DESCRIBED
from tests.services.stage import Refused, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

BAD_IDS = ("a b", "x" * 129, "tab\there", "\x00", "new\nline", "\u200b")
NEEDED_IDS = ("", *BAD_IDS)
BAD_LINES = ("x" * 256, "two\nlines", "\x00", "\x1b[2J")
NEEDED_LINES = ("", "  ", *BAD_LINES)
BAD_DIGESTS = ("12", "g" * 40, "a" * 41, "é" * 40)
BAD_EMAILS = ("ada", "a@b@c", "@example.org", "a b@example.org", "x" * 250 + "@x.org", "a@\x00")
BAD_NUMBERS = (-1, 2**53 + 1)
BAD_TIMES = (-1, 10**13)
NEEDED_TIMES = (0, *BAD_TIMES)
BAD_TYPES = ("file", "LINK", "\x00")
BAD_DAYS = (
    "",
    "2026-9-1",
    "2026-02-30",
    "today",
    "20260921",
    "1969-12-31",
    "2286-11-20",
    "9999-12-31",
)
BAD_SIZES = (-1, 1001, 2**31 - 1)
BAD_TOKENS = ("x", "AAAA", "é", "x" * 5000, "e30")
BAD_JSON = ("{", "x", "\x00", "[" * 20_000, '"' + "x" * 16_000 + '"')

ITEM: dict[str, tuple[Any, ...]] = {
    "item_id": NEEDED_IDS,
    "item_type": ("", *BAD_TYPES),
    "name": NEEDED_LINES,
    "parent_id": (*BAD_IDS, "f"),
    "sha1_hash": BAD_DIGESTS,
    "size": BAD_NUMBERS,
    "owner_id": BAD_IDS,
    "owner_email": BAD_EMAILS,
    "version_id": BAD_IDS,
    "deleted": (),
    "created_at": BAD_TIMES,
    "modified_at": NEEDED_TIMES,
}
EVENT: dict[str, tuple[Any, ...]] = {
    "event_id": ("x", "1", id_of(event("other"))),
    "event_type": NEEDED_IDS,
    "item_id": ("", *BAD_IDS),  # there is an item_type
    "item_type": BAD_TYPES,
    "item_name": BAD_LINES,
    "user_id": BAD_IDS,
    "user_email": BAD_EMAILS,
    "source_id": NEEDED_IDS,
    "additional_details": BAD_JSON,
    "created_at": (*NEEDED_TIMES, NOW + DAY_MS + 1),
}
OF_EVENT = {f"events[0].{name}": values for name, values in EVENT.items()}
OF_ITEM = {f"events[0].item.{name}": values for name, values in ITEM.items()}
OF_ITEM["events[0].item.item_id"] = (*NEEDED_IDS, "g")
OF_ITEM["events[0].item.item_type"] = ("", *BAD_TYPES, "FOLDER")
OF_ITEM["events[0].item.modified_at"] = BAD_TIMES
PAGE = {"page.page_size": BAD_SIZES, "page.page_token": BAD_TOKENS}
ONE = {"item_id": NEEDED_IDS, "audit_set_id": BAD_IDS}

FIELDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "UpsertItem": ITEM,
    "GetItem": ONE,
    "ListChildren": {**ONE, **PAGE},
    "GetPath": ONE,
    "MoveItem": {"item_id": NEEDED_IDS, "parent_id": BAD_IDS, "modified_at": NEEDED_TIMES},
    "DeleteItem": {"item_id": NEEDED_IDS, "modified_at": NEEDED_TIMES},
    "IngestEvents": {
        "user_id": NEEDED_IDS,
        "from_position": BAD_IDS,
        "to_position": (*NEEDED_IDS, "1"),  # where it begins
        **OF_EVENT,
        **OF_ITEM,
    },
    "GetPosition": {"user_id": NEEDED_IDS},
    "QueryEvents": {
        "from_day": (*BAD_DAYS, "\x00"),
        "to_day": (*BAD_DAYS[:-3], "2286-11-20", "2026-09-20", "2027-09-22"),
        "audit_set_id": BAD_IDS,
        "event_type": BAD_IDS,
        "user_email": BAD_EMAILS,
        "item_id": BAD_IDS,
        **PAGE,
    },
    "ListItemEvents": {**ONE, **PAGE},
    "RecordAuditorLog": {
        "audit_set_id": NEEDED_IDS,
        "item_id": BAD_IDS,
        "action_type": NEEDED_IDS,
        "request_id": NEEDED_IDS,
    },
    "Watch": {"audit_set_id": BAD_IDS, "after_event_id": ("x", "1790000000000-", "é" * 20)},
}


class World:
    """A request of each method that is right."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        for one in (folder("d"), item("f", "d"), item("g")):
            stage.as_service().UpsertItem(**one)
        self.set = new_set(stage)
        add_item(stage, self.set, "f")
        ingest(stage, [event("before", "f")])

    def request(self, method: str) -> dict[str, Any]:
        page = {"page_size": 10, "page_token": ""}
        one = {"item_id": "f", "audit_set_id": self.set}
        told = event("now", "f", item_type="FILE", item_name="f", item=item("f", "d"))
        return copy.deepcopy(
            {
                "UpsertItem": item("f", "d"),
                "GetItem": one,
                "ListChildren": {**one, "page": page},
                "GetPath": one,
                "MoveItem": {"item_id": "f", "parent_id": "d", "modified_at": NOW},
                "DeleteItem": {"item_id": "g", "modified_at": NOW},
                "IngestEvents": {
                    "user_id": "stream",
                    "from_position": "1",
                    "to_position": "2",
                    "events": [told],
                },
                "GetPosition": {"user_id": "stream"},
                "QueryEvents": {"from_day": TODAY, "to_day": TODAY, **one, "page": page},
                "ListItemEvents": {**one, "page": page},
                "RecordAuditorLog": {**one, "action_type": "OPEN", "request_id": "r"},
                "Watch": {
                    "audit_set_id": self.set,
                    "after_event_id": id_of(event("0", created_at=NOW - 1000)),
                },
            }[method]
        )

    def call(self, method: str, request: dict[str, Any]) -> Any:
        roles = METHODS[method]("admin", "in the set")
        calls = self.stage.as_service()
        if roles == "OK":
            calls = self.stage.as_person("admin@example.org", Role.AUDIT_ADMIN)
        found = getattr(calls, method)(**request)
        return next(found) if DESCRIBED[method].server_streaming else found


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Stage(names=("event", "item"), now_ms=lambda: NOW) as stage:
        yield World(stage)


def leaves(described: Any, prefix: str = "") -> Iterator[str]:
    for field in described.fields:
        repeated = "[0]" if field.label == field.LABEL_REPEATED else ""
        if field.message_type is None:
            yield prefix + field.name
        else:
            yield from leaves(field.message_type, f"{prefix}{field.name}{repeated}.")


@pytest.mark.parametrize("method", METHODS)
def test_each_field_has_its_row(method: str) -> None:
    assert FIELDS[method].keys() == set(leaves(DESCRIBED[method].input_type))


def put(request: dict[str, Any], path: str, value: Any) -> None:
    *outer, last = re.findall(r"\w+", path)
    inner: Any = request
    for name in outer:
        inner = inner[int(name) if name.isdigit() else name]
    inner[last] = value


@pytest.mark.parametrize("method", METHODS)
def test_a_wrong_value_is_refused_and_nothing_changes(world: World, method: str) -> None:
    before = everything(world.stage)
    wrong = []
    for path, values in FIELDS[method].items():
        for value in values:
            request = world.request(method)
            put(request, path, value)
            try:
                found = world.call(method, request)
            except Refused as error:
                if (error.code, error.reason, error.field) != (
                    "INVALID_ARGUMENT",
                    "INVALID_FIELD",
                    path,
                ):
                    wrong.append(f"{path} {value!r:.40}: {error}, of {error.field}")
            else:
                wrong.append(f"{path} {value!r:.40}: {found}")
    assert wrong == []
    assert everything(world.stage) == before


@pytest.mark.parametrize("method", METHODS)
def test_the_request_is_right_without(method: str) -> None:
    with Stage(names=("event", "item"), now_ms=lambda: NOW) as stage:
        world = World(stage)
        assert world.call(method, world.request(method)) is not None


def test_a_batch_has_events_and_each_once(world: World) -> None:
    before = everything(world.stage)
    request = world.request("IngestEvents")
    for events, field in (
        ([], "events"),
        ([event(str(number)) for number in range(501)], "events"),
        ([event("a"), event("b"), event("a")], "events[2].source_id"),
        ([event("a"), event("b", event_type="")], "events[1].event_type"),
    ):
        with pytest.raises(Refused) as caught:
            world.call("IngestEvents", {**request, "events": events})
        assert (caught.value.code, caught.value.field) == ("INVALID_ARGUMENT", field)
    assert everything(world.stage) == before


def test_a_query_spans_a_year_at_most(world: World) -> None:
    request = {"from_day": "2025-09-21", "to_day": TODAY}
    assert world.call("QueryEvents", request).events
    with pytest.raises(Refused) as caught:
        world.call("QueryEvents", {**request, "from_day": "2025-09-20"})
    assert caught.value.field == "to_day"
