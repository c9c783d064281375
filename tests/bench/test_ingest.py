"""Does the measuring of ingested events measure what was taken in?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench import ingest

if TYPE_CHECKING:
    import pytest


def test_what_is_measured_was_taken_in(capsys: pytest.CaptureFixture[str]) -> None:
    asked = ["--target", "memory://", "--batches", "4", "--size", "3", "--runs", "2", "--profile"]
    assert ingest.main(asked) == 0
    shown = capsys.readouterr().out
    assert "events a second" in shown
    assert "own time" in shown


def test_a_batch_is_of_other_items_than_all_before() -> None:
    found = ingest.requests(3, 4, first=1)
    items = [event.item_id for request in found for event in request.events]
    assert len(set(items)) == 12
    positions = [(request.from_position, request.to_position) for request in found]
    assert positions == [("1", "2"), ("2", "3"), ("3", "4")]
    assert ingest.requests(1, 1, first=0)[0].from_position == ""
