"""Which events does a query find, in which order, page by page, and whose?"""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.event import days
from scalar_auditor.permissions import Role, SetRole
from tests.services.event.scene import (
    DAY_MS,
    NOW,
    OWNER_OF_ITEMS,
    TODAY,
    YESTERDAY,
    add_item,
    admin,
    event,
    id_of,
    ingest,
    item,
    new_set,
    refused,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.stage import Calls, Stage

TYPES = ("EDIT", "PREVIEW", "DOWNLOAD")
PEOPLE = ("ada@example.org", "bob@example.org")


def pages(calls: Calls, size: int, **asked: Any) -> Iterator[list[Any]]:
    token = ""
    while True:
        found = calls.QueryEvents(**asked, page={"page_size": size, "page_token": token})
        assert len(found.events) <= size
        yield list(found.events)
        token = found.next_page_token
        if not token:
            return


def ids(calls: Calls, size: int = 100, **asked: Any) -> list[str]:
    asked = {"from_day": "2026-09-15", "to_day": TODAY, **asked}
    return [one.event_id for page in pages(calls, size, **asked) for one in page]


@pytest.fixture
def told(stage: Stage) -> list[dict[str, Any]]:
    """300 events of five days and ten items, of some people, types and nothing at all."""
    dice = random.Random(7)
    found = [
        event(
            f"s{number}",
            dice.choice(["", *(f"f{one}" for one in range(10))]),
            NOW - dice.randrange(5 * DAY_MS),
            event_type=dice.choice(TYPES),
            user_email=dice.choice(PEOPLE),
        )
        for number in range(300)
    ]
    for one in range(10):
        owner = OWNER_OF_ITEMS if one % 2 else "else@example.org"
        stage.as_service().UpsertItem(**item(f"f{one}", owner_email=owner))
    ingest(stage, found)
    return sorted(found, key=id_of, reverse=True)


def matching(told: list[dict[str, Any]], **wanted: Any) -> list[str]:
    return [id_of(one) for one in told if all(one[name] in value for name, value in wanted.items())]


@pytest.mark.parametrize("spare", [1, 8])
@pytest.mark.parametrize("size", [1000, 100, 33, 7])
def test_all_days_are_merged_newest_first(
    stage: Stage, told: list[dict[str, Any]], size: int, spare: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr(days, "_SPARE", spare)  # few rows of a shard, or all, in the first page
    assert ids(admin(stage), size) == matching(told)


def test_what_is_found_is_what_was_told(stage: Stage, told: list[dict[str, Any]]) -> None:
    asked = {"from_day": YESTERDAY, "to_day": TODAY}
    (first, *_), *_ = pages(stage.as_service(), 1, **asked)
    assert {name: getattr(first, name) for name in told[0]} == told[0]
    assert first.event_id == id_of(told[0])


def test_a_day_begins_and_ends_in_utc(stage: Stage) -> None:
    midnight = NOW - NOW % DAY_MS
    around = [event(f"s{ms}", "f", midnight + ms) for ms in (-1, 0, DAY_MS - 1, DAY_MS)]
    ingest(stage, around)
    either: list[dict[str, Any]] = [{}, {"item_id": "f"}]
    for more in either:
        found = ids(admin(stage), from_day=TODAY, to_day=TODAY, **more)
        assert found == [id_of(around[2]), id_of(around[1])]


@pytest.mark.parametrize("size", [50, 4])
@pytest.mark.parametrize(
    "filters",
    [
        {"event_type": "PREVIEW"},
        {"user_email": "bob@example.org"},
        {"user_email": "BOB@example.org", "event_type": "EDIT"},
        {"item_id": "f3"},
        {"item_id": "f3", "event_type": "EDIT", "user_email": "ada@example.org"},
        {"item_id": "never-told-of"},
        {"event_type": "NEVER"},
    ],
)
def test_filters_choose(
    stage: Stage, told: list[dict[str, Any]], filters: dict[str, str], size: int
) -> None:
    wanted = {
        name: [value.lower() if name == "user_email" else value] for name, value in filters.items()
    }
    assert ids(admin(stage), size, **filters) == matching(told, **wanted)


@pytest.mark.parametrize("size", [50, 4])
def test_without_a_set_one_sees_what_happened_to_own_items(
    stage: Stage, told: list[dict[str, Any]], size: int
) -> None:
    own = [f"f{one}" for one in range(1, 10, 2)]
    assert ids(stage.as_person(OWNER_OF_ITEMS), size) == matching(told, item_id=own)
    assert ids(stage.as_person("stranger@example.org"), size) == []
    assert ids(stage.as_service(), size) == matching(told)


@pytest.mark.parametrize("size", [50, 4])
def test_with_a_set_one_sees_what_happened_to_its_items(
    stage: Stage, told: list[dict[str, Any]], size: int
) -> None:
    audit_set_id = new_set(stage, {"r@example.org": SetRole.REVIEWER}, ["f1", "f2"])
    for calls in (stage.as_person("r@example.org"), admin(stage)):
        found = ids(calls, size, audit_set_id=audit_set_id)
        assert found == matching(told, item_id=["f1", "f2"])
        found = ids(calls, size, audit_set_id=audit_set_id, item_id="f2")
        assert found == matching(told, item_id=["f2"])
        error = refused(
            calls.QueryEvents,
            from_day=TODAY,
            to_day=TODAY,
            audit_set_id=audit_set_id,
            item_id="f3",
        )
        assert (error.code, error.reason) == ("NOT_FOUND", "ITEM_NOT_FOUND")


def test_a_page_is_checked_anew(stage: Stage, told: list[dict[str, Any]]) -> None:
    """Whoever was taken out of the set, or whose item was, reads no further."""
    audit_set_id = new_set(stage, {"r@example.org": SetRole.REVIEWER}, ["f1", "f2"])
    calls = stage.as_person("r@example.org")
    asked = {"from_day": "2026-09-15", "to_day": TODAY, "audit_set_id": audit_set_id}
    token = calls.QueryEvents(**asked, page={"page_size": 5}).next_page_token
    page = {"page_size": 100, "page_token": token}
    stage.run(
        stage.manager.delete(
            "audit.audit_set_item", {"audit_set_id": audit_set_id, "item_id": "f1"}
        )
    )
    assert {one.item_id for one in calls.QueryEvents(**asked, page=page).events} == {"f2"}
    key = {"user_email": "r@example.org", "audit_set_id": audit_set_id}
    stage.run(stage.manager.delete("audit.audit_set_collaborators", key))
    assert refused(calls.QueryEvents, **asked, page=page).reason == "AUDIT_SET_NOT_FOUND"


def test_a_token_is_of_its_query_only(stage: Stage, told: list[dict[str, Any]]) -> None:
    audit_set_id = new_set(stage)
    asked = {"from_day": "2026-09-15", "to_day": TODAY}
    token = admin(stage).QueryEvents(**asked, page={"page_size": 5}).next_page_token
    for more in (
        {"from_day": "2026-09-16"},
        {"to_day": YESTERDAY},
        {"audit_set_id": audit_set_id},
        {"event_type": "EDIT"},
        {"user_email": "ada@example.org"},
        {"item_id": "f1"},
    ):
        request = {**asked, **more, "page": {"page_token": token}}
        assert refused(admin(stage).QueryEvents, **request).field == "page.page_token"


def test_an_outside_auditor_names_the_set(stage: Stage, told: list[dict[str, Any]]) -> None:
    audit_set_id = new_set(stage, {"out@example.org": SetRole.REVIEWER}, ["f1"])
    for roles in ((Role.EXTERNAL_AUDITOR,), (Role.EXTERNAL_AUDITOR, Role.AUDIT_ADMIN)):
        calls = stage.as_person("out@example.org", *roles)
        error = refused(calls.QueryEvents, from_day=TODAY, to_day=TODAY)
        assert (error.code, error.field) == ("INVALID_ARGUMENT", "audit_set_id")
        assert stage.rows("event.auditor_logs") == []
    found = ids(calls, audit_set_id=audit_set_id)
    assert found == matching(told, item_id=["f1"])
    rows = stage.rows("event.auditor_logs")
    assert {(row["audit_set_id"], row["action_type"]) for row in rows} == {
        (audit_set_id, "QueryEvents")
    }


@pytest.mark.parametrize("rows, scans", [(40, 10_000), (10_000, 15)])
def test_what_is_looked_at_for_a_page_is_bounded(
    stage: Stage, told: list[dict[str, Any]], monkeypatch: Any, rows: int, scans: int
) -> None:
    """Pages get shorter, even empty, and nothing is lost."""
    monkeypatch.setattr(days, "MOST_ROWS", rows)
    monkeypatch.setattr(days, "MOST_SCANS", scans)
    asked = {"from_day": "2026-09-15", "to_day": TODAY, "event_type": "PREVIEW"}
    found = list(pages(admin(stage), 100, **asked))
    expected = matching(told, event_type=["PREVIEW"])
    assert [one.event_id for page in found for one in page] == expected
    assert len(found) > 3
    assert max(map(len, found)) < len(expected)


def test_a_set_that_grows_while_it_is_paged_shows_what_is_behind(
    stage: Stage, told: list[dict[str, Any]]
) -> None:
    audit_set_id = new_set(stage, {"r@example.org": SetRole.REVIEWER}, ["f1"])
    calls = stage.as_person("r@example.org")
    asked = {"from_day": "2026-09-15", "to_day": TODAY, "audit_set_id": audit_set_id}
    first = calls.QueryEvents(**asked, page={"page_size": 5})
    add_item(stage, audit_set_id, "f2")
    page = {"page_size": 1000, "page_token": first.next_page_token}
    last = first.events[-1].event_id
    behind = [one for one in matching(told, item_id=["f1", "f2"]) if one < last]
    assert [one.event_id for one in calls.QueryEvents(**asked, page=page).events] == behind


def test_the_events_of_an_item(stage: Stage, told: list[dict[str, Any]]) -> None:
    found, token = [], ""
    while True:
        page = {"page_size": 4, "page_token": token}
        answer = admin(stage).ListItemEvents(item_id="f3", page=page)
        assert len(answer.events) <= 4
        found += list(answer.events)
        token = answer.next_page_token
        if not token:
            break
    wanted = [one for one in told if one["item_id"] == "f3"]
    assert [one.event_id for one in found] == [id_of(one) for one in wanted]
    names = ("event_type", "user_id", "user_email", "created_at")
    for one, expected in zip(found, wanted, strict=True):
        assert {name: getattr(one, name) for name in names} == {n: expected[n] for n in names}
