"""What becomes of a batch of events, sent once, twice, late, or from the wrong place?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.event import invariants, rules
from scalar_auditor.item import invariants as item_invariants
from tests.services.event.scene import (
    DAY_MS,
    NOW,
    TODAY,
    YESTERDAY,
    event,
    findings,
    folder,
    id_of,
    ingest,
    item,
    refused,
)
from tests.services.stage import Stage

if TYPE_CHECKING:
    from pathlib import Path


def batch(start: str, end: str, *events: dict[str, Any]) -> dict[str, Any]:
    return {"user_id": "u", "from_position": start, "to_position": end, "events": events}


def kept(stage: Stage, item_id: str) -> Any:
    return stage.get("item.item", item_id=item_id)


def listed(stage: Stage) -> set[tuple[str, str]]:
    return {(row["parent_id"], row["item_id"]) for row in stage.rows("item.item_children")}


def test_a_batch_is_kept_by_day_and_shard_by_item_and_with_its_position(stage: Stage) -> None:
    told = [
        event("a", "f", item_type="FILE", additional_details='{"x":1}', item=item("f", "d")),
        event("b", "f", NOW - DAY_MS, event_type="PREVIEW"),
        event("c", event_type="LOGIN"),
    ]
    answer = stage.as_service().IngestEvents(**batch("", "7", *told))
    assert (answer.user_id, answer.stream_position) == ("u", "7")
    assert (answer.last_event_id, answer.updated_at) == (id_of(told[2]), NOW)
    assert not answer.repeated_batch
    assert stage.as_service().GetPosition(user_id="u") == answer
    for one, day in zip(told, (TODAY, YESTERDAY, TODAY), strict=True):
        shard = rules.shard_of(id_of(one))
        row = stage.get("event.events", yyyy_mm_dd=day, shard=shard, event_id=id_of(one))
        assert row is not None
        assert row["event_type"] == one["event_type"]
        assert row["created_at"] == one["created_at"]
    assert len(stage.rows("event.events")) == 3
    by_item = stage.rows("event.item_events")
    assert sorted(row["event_id"] for row in by_item) == sorted(map(id_of, told[:2]))
    assert kept(stage, "f")["parent_id"] == "d"
    assert listed(stage) == {("d", "f")}
    assert findings(stage, invariants) == []
    assert findings(stage, item_invariants) == []


def test_where_an_event_lies_never_changes() -> None:
    assert rules.time_ordered_id(5, "x") == "0000000000005-x"
    shards = [rules.shard_of(f"1790000000000-{number}") for number in range(12)]
    assert shards == [1, 3, 9, 7, 4, 6, 4, 8, 7, 3, 1, 3]
    assert rules.day_of(1_790_035_199_999) == "2026-09-21"
    assert rules.day_of(1_790_035_200_000) == "2026-09-22"


def test_nothing_was_taken_in_of_a_stream_that_is_not_known(stage: Stage) -> None:
    found = stage.as_service().GetPosition(user_id="u")
    assert (found.user_id, found.stream_position, found.last_event_id) == ("u", "", "")


def test_the_same_batch_again_changes_nothing(stage: Stage) -> None:
    first = batch("", "1", event("a", "f", item=item("f")))
    answer = stage.as_service().IngestEvents(**first)
    tables = ("event.events", "event.item_events", "event.position_tracker", "item.item")
    before = [stage.rows(table) for table in tables]
    again = stage.as_service().IngestEvents(**first)
    assert again.repeated_batch
    again.repeated_batch = False
    assert again == answer
    assert [stage.rows(table) for table in tables] == before


@pytest.mark.parametrize(
    "wrong",
    [
        batch("", "2", event("b")),  # not from where it ended
        batch("", "1", event("b")),  # the same end, and another last event
        batch("0", "1", event("b")),
        batch("", "1", event("b"), event("a")),  # the same end and last event, and one more
        batch("2", "3", event("b")),
    ],
)
def test_a_batch_from_elsewhere_is_refused_with_the_stored_position(
    stage: Stage, wrong: dict[str, Any]
) -> None:
    stage.as_service().IngestEvents(**batch("", "1", event("a")))
    error = refused(stage.as_service().IngestEvents, **wrong)
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "POSITION_MISMATCH")
    assert error.metadata["stored_position"] == "1"
    assert [row["source_id"] for row in stage.rows("event.events")] == ["a"]


def test_a_stream_begins_at_its_beginning(stage: Stage) -> None:
    error = refused(stage.as_service().IngestEvents, **batch("5", "6", event("a")))
    assert (error.reason, error.metadata["stored_position"]) == ("POSITION_MISMATCH", "")
    assert stage.rows("event.events") == []


def test_an_event_of_two_streams_is_one_row(stage: Stage) -> None:
    for user_id in ("u1", "u2"):
        ingest(stage, [event("a", "f"), event(f"of {user_id}"[-2:])], user_id)
    assert len(stage.rows("event.events")) == 3
    assert len(stage.rows("event.item_events")) == 1


def test_five_hundred_events_are_one_batch(stage: Stage) -> None:
    many = [event(f"e{number}", f"f{number}") for number in range(501)]
    error = refused(stage.as_service().IngestEvents, **batch("", "1", *many))
    assert (error.code, error.field) == ("INVALID_ARGUMENT", "events")
    stage.as_service().IngestEvents(**batch("", "1", *many[:500]))
    assert len(stage.rows("event.events")) == 500


def test_the_newest_that_is_told_of_an_item_counts(stage: Stage) -> None:
    ingest(
        stage,
        [
            event("a", "f", item=item("f", name="new", modified_at=NOW + 2)),
            event("b", "f", item=item("f", name="old", modified_at=NOW + 1)),
        ],
    )
    assert kept(stage, "f")["name"] == "new"
    ingest(stage, [event("c", "f", item=item("f", name="late", modified_at=NOW + 1))])
    assert kept(stage, "f")["name"] == "new"
    ingest(stage, [event("d", "f", item=item("f", name="next", modified_at=NOW + 2))])
    assert kept(stage, "f")["name"] == "next"


def test_an_item_without_a_time_is_as_old_as_its_event(stage: Stage) -> None:
    ingest(stage, [event("a", "f", NOW - 5, item=item("f", modified_at=0))])
    assert kept(stage, "f")["modified_at"] == NOW - 5


def test_what_an_event_says_by_the_way_counts_until_more_is_told(stage: Stage) -> None:
    ingest(stage, [event("a", "f", item_type="FILE", item_name="first")])
    ingest(stage, [event("b", "f", item_type="FILE", item_name="second")])
    assert (kept(stage, "f")["name"], kept(stage, "f")["modified_at"]) == ("second", 0)
    ingest(stage, [event("c", "f", NOW - DAY_MS, item=item("f", modified_at=1, name="told"))])
    ingest(stage, [event("d", "f", item_type="FILE", item_name="by the way")])
    assert kept(stage, "f")["name"] == "told"


def test_a_stream_moves_items_and_what_lies_in_them(stage: Stage) -> None:
    ingest(
        stage,
        [
            event("a", "d", item=folder("d")),
            event("b", "e", item=folder("e")),
            event("c", "f", item=item("f", "d")),
        ],
    )
    assert listed(stage) == {("d", "f")}
    ingest(stage, [event("d", "f", item=item("f", "e", modified_at=NOW + 1))])
    assert listed(stage) == {("e", "f")}
    ingest(stage, [event("e", "f", item=item("f", "e", modified_at=NOW + 2, deleted=True))])
    (row,) = stage.rows("item.item_children")
    assert row["deleted"] is True
    assert findings(stage, item_invariants) == []


def test_folders_can_change_places_within_a_batch(stage: Stage) -> None:
    """a in b becomes b in a, told of in the order that makes a circle half-way."""
    ingest(stage, [event("a", "b", item=folder("b")), event("b", "a", item=folder("a", "b"))])
    ingest(
        stage,
        [
            event("c", "b", item=folder("b", "a", modified_at=NOW + 1)),
            event("d", "a", item=folder("a", "", modified_at=NOW + 1)),
        ],
    )
    assert listed(stage) == {("a", "b")}
    assert findings(stage, item_invariants) == []


def test_a_circle_that_is_told_of_is_not_kept(stage: Stage) -> None:
    """Of folders told of to lie in each other, one stays where it was."""
    ingest(stage, [event("a", "x", item=folder("x", "y")), event("b", "y", item=folder("y", "z"))])
    ingest(stage, [event("c", "z", item=folder("z", "x"))])
    assert kept(stage, "z")["parent_id"] == ""
    assert kept(stage, "x")["parent_id"] == "y"
    ingest(stage, [event("d", "p", item=folder("p", "q")), event("e", "q", item=folder("q", "p"))])
    assert sorted((kept(stage, "p")["parent_id"], kept(stage, "q")["parent_id"])) == ["", "q"]
    assert findings(stage, item_invariants) == []


def test_an_item_that_is_told_of_as_something_else_keeps_its_type(stage: Stage) -> None:
    ingest(stage, [event("a", "f", item=item("f"))])
    ingest(stage, [event("b", "f", item=folder("f", modified_at=NOW + 1))])
    assert kept(stage, "f")["item_type"] == "FILE"


def test_how_far_behind_a_stream_is_can_be_seen(stage: Stage) -> None:
    ingest(stage, [event("a", created_at=NOW - 9000), event("b", created_at=NOW - 3000)], "u5")
    lag = stage.auditor.metrics.registry.get_sample_value(
        "scalar_auditor_ingest_lag_seconds", {"user_id": "u5"}
    )
    assert lag == 3.0


def test_a_batch_is_all_or_nothing_in_two_storages(tmp_path: Path) -> None:
    """Events in one database, items in another one, as on DynamoDB and Cassandra."""
    settings = {
        "storage": "multi-storage",
        "multi_storage.storages": "events,others",
        "multi_storage.storages.events.storage": "sqlite",
        "multi_storage.storages.events.contact_points": str(tmp_path / "events.db"),
        "multi_storage.storages.others.storage": "sqlite",
        "multi_storage.storages.others.contact_points": str(tmp_path / "others.db"),
        "multi_storage.namespace_mapping": "event:events,item:others,coordinator:others",
        "multi_storage.default_storage": "others",
    }
    properties = tmp_path / "two.properties"
    properties.write_text("".join(f"scalar.db.{name}={settings[name]}\n" for name in settings))
    with Stage(str(properties), names=("event", "item"), now_ms=lambda: NOW) as stage:
        first = batch("", "1", event("a", "f", item=item("f", "d")))
        assert not stage.as_service().IngestEvents(**first).repeated_batch
        assert stage.as_service().IngestEvents(**first).repeated_batch
        assert (tmp_path / "events.db").exists()
        assert (tmp_path / "others.db").exists()
        assert stage.as_service().GetItem(item_id="f").item.parent_id == "d"
        assert findings(stage, invariants) == findings(stage, item_invariants) == []
