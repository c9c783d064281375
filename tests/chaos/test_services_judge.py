"""Does the judge of the services' campaign see what is lost, doubled, unlogged or left over?"""

from __future__ import annotations

from typing import Any

import pytest

from scalar_auditor.client import AuditorError, OutcomeUnknownError
from scalar_auditor.event.rules import day_of, shard_of, time_ordered_id
from tests.chaos.services_judge import (
    effects,
    still_named,
    wrong_effects,
    wrong_events,
    wrong_views,
)
from tests.chaos.services_streams import batch
from tests.chaos.services_told import Told

STREAM = "one"
Tables = dict[str, list[dict[str, Any]]]


def tables_until(position: int) -> Tables:
    """What there is after so many batches."""
    events, listed = [], []
    for number in range(position):
        for event in batch(STREAM, number):
            event_id = time_ordered_id(event.created_at, event.source_id)
            row = {"event_id": event_id, "item_id": event.item_id, "event_type": event.event_type}
            events.append({**row, "yyyy_mm_dd": day_of(event.created_at), "shard": 0})
            events[-1]["shard"] = shard_of(event_id)
            if event.item_id:
                listed.append(row)
    position_row = {"user_id": STREAM, "stream_position": str(position)}
    return {
        "event.events": events,
        "event.item_events": listed,
        "event.position_tracker": [position_row],
    }


def told_of(sent: int, kept: int) -> Told:
    told = Told()
    told.sent[STREAM], told.kept[STREAM] = set(range(sent)), set(range(kept))
    return told


@pytest.mark.parametrize("position", [3, 4])
def test_a_batch_in_doubt_may_be_there_or_not(position: int) -> None:
    assert wrong_events(told_of(sent=4, kept=3), tables_until(position)) == []


def test_a_batch_that_was_acknowledged_has_to_be_there() -> None:
    [text] = wrong_events(told_of(sent=4, kept=3), tables_until(2))
    assert text == "stream one is at 2, and [2] were acknowledged"


def test_a_position_that_nobody_sent() -> None:
    told = told_of(sent=4, kept=4)
    assert wrong_events(told, tables_until(5)) == ["stream one is at 5, and was sent until 4"]
    tables = tables_until(4)
    tables["event.position_tracker"].append({"user_id": "who", "stream_position": "1"})
    assert wrong_events(told, tables) == ["position of nobody's stream: who"]


@pytest.mark.parametrize("name", ["events", "item_events"])
def test_a_row_of_an_event_that_is_lost_or_doubled(name: str) -> None:
    told, tables = told_of(sent=4, kept=4), tables_until(4)
    row = tables[f"event.{name}"].pop()
    [text] = wrong_events(told, tables)
    assert text.startswith(f"{name}: lost")
    tables[f"event.{name}"] += [row, row]
    [text] = wrong_events(told, tables)
    assert text.startswith(f"{name}: too many")


def test_a_view_without_its_row() -> None:
    told = Told()
    row = {"audit_set_id": "1", "action_type": "GetItem", "item_id": "2", "user_email": "a@b"}
    told.viewed(("1", "GetItem", "2", "a@b"))
    assert wrong_views(told, {"event.auditor_logs": [row]}) == []
    told.viewed(("1", "GetItem", "2", "a@b"))
    [text] = wrong_views(told, {"event.auditor_logs": [row]})
    assert "2 views answered, 1 logged" in text


EMPTY = (
    "identity.user",
    "identity.users_by_org",
    "identity.role_user",
    "identity.user_token",
    "identity.user_otp",
    "identity.user_audit_group",
    "identity.organization",
    "audit.audit_set_collaborators",
    "audit.collaborators_by_audit_set",
    "audit.audit_group_members",
)


@pytest.mark.parametrize("table", EMPTY)
def test_a_row_that_names_somebody_who_has_left(table: str) -> None:
    told = Told()
    tables: Tables = {name: [] for name in EMPTY}
    tables[table].append({"user_email": "gone@b", "admin_email": "gone@b"})
    assert still_named(told, tables) == []
    told.left.add("gone@b")
    assert still_named(told, tables) == [f"{table} still names gone@b, who has left"]


def set_owned_by(owner: str) -> Tables:
    """Tables with a set alone."""
    names = (
        "audit.audit_group",
        "audit.collaborators_by_audit_set",
        "audit.audit_set_item",
        "audit.audit_group_members",
        "audit.audit_groups_by_set",
        "item.item",
        "verification.item_status",
        "identity.user",
    )
    row = {"audit_set_id": "1", "owner_email": owner}
    return {**{name: [] for name in names}, "audit.audit_set": [row]}


def fails(error: AuditorError) -> Any:
    def call() -> None:
        raise error

    return call


def test_what_was_acknowledged_is_there_and_what_was_refused_is_not() -> None:
    told, key = Told(), ("set", "1")
    assert told.does("make", lambda: True, {key: "ada"})
    told.does("hand over", fails(AuditorError("no", code="PERMISSION_DENIED")), {key: "bob"})
    assert effects(set_owned_by("ada")) == {key: "ada"}
    assert wrong_effects(told, set_owned_by("ada")) == []
    assert wrong_effects(told, set_owned_by("bob")) == ["('set', '1') is 'bob', and may be ['ada']"]


def test_what_is_in_doubt_may_be_either_for_good() -> None:
    told, key = Told(), ("set", "1")
    told.does("make", lambda: True, {key: "ada"})
    told.does("hand over", fails(OutcomeUnknownError("?", code="UNAVAILABLE")), {key: "bob"})
    told.does("hand over", lambda: True, {key: "eve"})
    assert not told.is_sure(key)
    for owner, right in (("eve", True), ("bob", True), ("ada", False)):
        assert (wrong_effects(told, set_owned_by(owner)) == []) is right


def test_an_answer_that_no_client_may_get_is_told() -> None:
    told = Told()
    told.does("make", fails(AuditorError("oh", code="INTERNAL")))
    assert told.odd == ["make: oh (INTERNAL)"]
