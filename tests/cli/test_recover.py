"""Does ``recover`` settle what may be settled, and nothing else?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import scalar_tx

if TYPE_CHECKING:
    from tests.cli.stage import Stage

ACCOUNT = "bank.account"


def test_one_record_of_a_dead_writer(stage: Stage) -> None:
    before = stage.row(1)
    stage.prepare((1,), {"balance": 70}, "dead")
    answer = stage.command("recover", ACCOUNT, "id=1")
    assert answer.code == 0
    assert "settled, its writer dead is ABORTED" in answer.out
    assert stage.row(1) == before


def test_one_record_of_a_committed_writer(stage: Stage) -> None:
    stage.prepare((1,), {"balance": 70}, "late")
    stage.decide("late", committed=True)
    assert stage.command("recover", ACCOUNT, "id=1", "--json").data["decision"] == "COMMITTED"
    row = stage.row(1)
    assert row is not None
    assert (row["tx_state"], row["balance"], row["before_balance"]) == (3, 70, None)


def test_a_settled_record_is_left_as_it_is(stage: Stage) -> None:
    before = stage.row(1)
    answer = stage.command("recover", ACCOUNT, "id=1")
    assert (answer.code, "nothing to do" in answer.out) == (0, True)
    assert stage.row(1) == before


def test_a_writer_that_may_be_alive_is_not_touched(stage: Stage) -> None:
    stage.prepare((1,), {"balance": 70}, "busy", age_ms=1000)
    before = stage.row(1)
    answer = stage.command("recover", ACCOUNT, "id=1")
    assert answer.code == 1
    assert "may be alive" in answer.err
    assert "Run this again in 1" in answer.err
    assert stage.row(1) == before


@pytest.mark.parametrize("arguments", [(ACCOUNT, "id=1"), (ACCOUNT, "--all"), ("--all",)])
def test_a_dry_run_changes_nothing(stage: Stage, arguments: tuple[str, ...]) -> None:
    stage.prepare((1,), {"balance": 70}, "dead")
    before = stage.row(1)
    answer = stage.command("recover", *arguments, "--dry-run")
    assert answer.code == 0
    assert "would be settled" in answer.out
    assert stage.row(1) == before
    assert "UNKNOWN" in stage.command("state", "dead").out


def test_all_of_all_tables(stage: Stage) -> None:
    with scalar_tx.connect(stage.target) as db:
        db.admin.create_table("shop.item", columns={"id": "TEXT"}, partition_key=["id"])
        db.upsert("shop.item", {"id": "x"})
    stage.prepare((1,), {"balance": 70}, "dead")
    stage.prepare((2,), None, "late")
    stage.prepare((3,), {"balance": 80}, "busy", age_ms=0)
    stage.prepare(("new",), {}, "dead", table="shop.item")
    stage.decide("late", committed=True)
    answer = stage.command("recover", "--all", "--json")
    assert answer.code == 0
    assert {(r["table"], *r["key"].values()): r["result"] for r in answer.data["records"]} == {
        (ACCOUNT, 1): "settled",
        (ACCOUNT, 2): "settled",
        (ACCOUNT, 3): "alive",
        ("shop.item", "new"): "settled",
    }
    assert stage.row(2) is None
    assert stage.row("new", table="shop.item") is None
    left = stage.row(3)
    assert left is not None
    assert left["tx_id"] == "busy"


def test_all_of_one_table_leaves_the_others(stage: Stage) -> None:
    with scalar_tx.connect(stage.target) as db:
        db.admin.create_table("shop.item", columns={"id": "TEXT"}, partition_key=["id"])
    stage.prepare(("new",), {}, "dead", table="shop.item")
    assert "Every record is settled" in stage.command("recover", ACCOUNT, "--all").out
    assert "1 settled" in stage.command("recover", "--all").out


@pytest.mark.parametrize(
    "arguments, part",
    [
        ((), "neither a record nor --all"),
        ((ACCOUNT,), "the key is missing"),
        ((ACCOUNT, "id=1", "--all"), "contradict"),
        (("bank.acount", "id=1"), "did you mean bank.account"),
    ],
)
def test_wrong_use(stage: Stage, arguments: tuple[str, ...], part: str) -> None:
    answer = stage.command("recover", *arguments)
    assert answer.code == 2
    assert part in answer.err
    assert "What to do: " in answer.err
