"""Does the check find every way in which what is kept of events can disagree?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.event import invariants
from tests.services.event.scene import NOW, TODAY, event, findings, id_of, ingest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.services.stage import Stage

ONE = event("a", "f")
OTHER = event("b", "g", NOW - 1)


def events(stage: Stage) -> dict[str, Any]:
    (row,) = [row for row in stage.rows("event.events") if row["event_id"] == id_of(ONE)]
    return row


def remove(stage: Stage, table: str, row: dict[str, Any], *key: str) -> None:
    stage.run(stage.manager.delete(table, {name: row[name] for name in key}))


def lose_event(stage: Stage) -> None:
    remove(stage, "event.events", events(stage), "yyyy_mm_dd", "shard", "event_id")


def lose_entry(stage: Stage) -> None:
    row = {"item_id": "f", "event_id": id_of(ONE)}
    remove(stage, "event.item_events", row, "item_id", "event_id")


def another_shard(stage: Stage) -> None:
    row = events(stage)
    stage.put("event.events", **{**row, "shard": (row["shard"] + 1) % 10})
    lose_event_at(stage, row)


def another_day(stage: Stage) -> None:
    row = events(stage)
    stage.put("event.events", **{**row, "yyyy_mm_dd": "2026-09-22"})
    lose_event_at(stage, row)


def lose_event_at(stage: Stage, row: dict[str, Any]) -> None:
    remove(stage, "event.events", row, "yyyy_mm_dd", "shard", "event_id")


def another_time(stage: Stage) -> None:
    stage.put("event.events", **{**events(stage), "created_at": NOW + 1})


def another_type(stage: Stage) -> None:
    stage.put("event.events", **{**events(stage), "event_type": "OTHER"})


def another_item(stage: Stage) -> None:
    stage.put("event.events", **{**events(stage), "item_id": "elsewhere"})


def no_id(stage: Stage) -> None:
    stage.put("event.events", **{**events(stage), "event_id": "x", "item_id": ""})


def no_id_of_entry(stage: Stage) -> None:
    (row, *_) = stage.rows("event.item_events")
    stage.put("event.item_events", **{**row, "event_id": "x"})


def position_ahead(stage: Stage) -> None:
    stage.put("event.position_tracker", user_id="stream", last_event_id=f"{NOW}-never")


def position_of_no_id(stage: Stage) -> None:
    stage.put("event.position_tracker", user_id="stream", last_event_id="x")


FAULTS: dict[Callable[[Stage], None], tuple[str, ...]] = {
    lose_event: ("it lists the event", "stream of user stream"),
    lose_entry: ("item f does not list it as it is",),
    another_shard: ("and belongs into", "it lists the event", "stream of user stream"),
    another_day: (f"and belongs into {TODAY}", "it lists the event", "stream of user stream"),
    another_time: ("its id is not of the time", "does not list it as it is"),
    another_type: ("does not list it as it is",),
    another_item: ("item elsewhere does not list it", "item f: it lists the event"),
    no_id: ("event x: its id does not begin with its time",),
    no_id_of_entry: ("it lists the event x",),
    position_ahead: ("stream of user stream: it was taken in until event",),
    position_of_no_id: ("stream of user stream: it was taken in until event x",),
}


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_each_fault_is_found(stage: Stage, fault: Callable[[Stage], None]) -> None:
    ingest(stage, [OTHER, event("c"), ONE])
    assert findings(stage, invariants) == []
    fault(stage)
    found = findings(stage, invariants)
    assert len(found) == len(FAULTS[fault]), found
    for text in FAULTS[fault]:
        assert any(text in one for one in found), found


def test_there_is_nothing_to_find_where_nothing_is(stage: Stage) -> None:
    assert findings(stage, invariants) == []
