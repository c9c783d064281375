"""Does ``inspect`` say what state a record is in, whose, and what would happen?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx

if TYPE_CHECKING:
    from tests.cli.stage import Stage

ACCOUNT = "bank.account"


def inspected(stage: Stage, key: str = "id=1") -> Any:
    answer = stage.command("inspect", ACCOUNT, key, "--json")
    assert answer.code == 0, answer.err
    return answer.data


def test_a_committed_record(stage: Stage) -> None:
    data = inspected(stage)
    assert data["state"] == "COMMITTED"
    assert data["current"] == {"owner": "ann", "balance": 100}
    assert data["version"] == 1
    assert "previous" not in data


def test_a_missing_record_is_no_failure(stage: Stage) -> None:
    data = inspected(stage, "id=99")
    assert (data["state"], data["key"]) == ("ABSENT", {"id": 99})


# decision -> what becomes of a prepared update
OUTLOOKS = {
    None: "aborts it and restores the previous image",
    True: "has committed: the next reader makes the new image the committed one",
    False: "was aborted: the next reader restores the previous image",
}


@pytest.mark.parametrize("committed", OUTLOOKS)
def test_an_update_of_a_dead_writer(stage: Stage, committed: bool | None) -> None:
    stage.prepare((1,), {"balance": 70}, "dead")
    if committed is not None:
        stage.decide("dead", committed=committed)
    data = inspected(stage)
    assert (data["state"], data["writer"], data["alive"]) == ("PREPARED", "dead", False)
    assert data["current"] == {"owner": "ann", "balance": 70}
    assert data["previous"] == {"owner": "ann", "balance": 100}
    assert data["decision"] == {None: None, True: "COMMITTED", False: "ABORTED"}[committed]
    assert OUTLOOKS[committed] in data["outlook"]
    assert data["age_ms"] >= 60_000


@pytest.mark.parametrize(
    "number, values, state, outlook",
    [
        (1, None, "DELETED", "the next reader removes the record."),
        (9, {"balance": 1}, "PREPARED", "the new image the committed one"),
    ],
)
def test_a_delete_and_an_insert_of_a_committed_writer(
    stage: Stage, number: int, values: dict[str, Any] | None, state: str, outlook: str
) -> None:
    stage.prepare((number,), values, "late")
    stage.decide("late", committed=True)
    data = inspected(stage, f"id={number}")
    assert data["state"] == state
    assert outlook in data["outlook"]
    assert (data["current"] is None) == (values is None)
    assert (data["previous"] is None) == (number == 9)


def test_an_undone_insert_goes(stage: Stage) -> None:
    stage.prepare((9,), {"balance": 1}, "dead")
    stage.decide("dead", committed=False)
    assert "removes the record, which did not exist before" in inspected(stage, "id=9")["outlook"]


def test_a_writer_that_may_be_alive(stage: Stage) -> None:
    stage.prepare((1,), {"balance": 70}, "busy", age_ms=1000)
    data = inspected(stage)
    assert data["alive"]
    assert 5_000 < data["expires_in_ms"] <= 14_000
    assert "meet a conflict for another" in data["outlook"]


def test_people_see_both_images_and_the_writer(stage: Stage) -> None:
    stage.prepare((1,), {"balance": 70}, "dead")
    answer = stage.command("inspect", ACCOUNT, "id=1")
    assert answer.code == 0
    (images,) = [line.split() for line in answer.out.splitlines() if line.startswith("balance")]
    assert images == ["balance", "100", "70"]
    for part in ("PREPARED", "dead", "none, and the writer's time is over", "id=1"):
        assert part in answer.out


def test_looking_changes_nothing(stage: Stage) -> None:
    stage.prepare((1,), {"balance": 70}, "dead")
    before = stage.row(1)
    inspected(stage)
    assert stage.row(1) == before


def test_no_coordinator_table_is_made_by_looking(stage: Stage) -> None:
    with scalar_tx.connect(stage.target) as db:
        db.admin.drop_coordinator_tables()
    stage.prepare((1,), {"balance": 70}, "dead")
    assert inspected(stage)["decision"] is None
    with scalar_tx.connect(stage.target) as db:
        assert not db.admin.coordinator_tables_exist()


def test_markup_and_control_characters_in_values_stay_text(stage: Stage) -> None:
    with scalar_tx.connect(stage.target) as db:
        db.upsert(ACCOUNT, {"id": 1, "owner": "[bold]\x1b[31mred", "balance": 1})
    answer = stage.command("inspect", ACCOUNT, "id=1")
    assert "[bold]\\x1b[31mred" in answer.out
