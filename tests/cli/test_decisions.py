"""Do ``state`` and ``settle`` say, and make sure, what was decided?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cli.stage import Stage


@pytest.mark.parametrize("committed", [True, False])
def test_state_of_a_decided_transaction(stage: Stage, committed: bool) -> None:
    stage.decide("one", committed=committed)
    wanted = "COMMITTED" if committed else "ABORTED"
    assert stage.command("state", "one").out.startswith(f"{wanted}  20")
    data = stage.command("state", "one", "--json").data
    assert (data["transaction_id"], data["state"]) == ("one", wanted)
    assert data["decided_at_ms"] > 0


def test_state_of_an_undecided_one_is_unknown_and_stays_so(stage: Stage) -> None:
    for _ in range(2):
        assert stage.command("state", "one", "--json").data["state"] == "UNKNOWN"
    assert "scalar-tx settle" in stage.command("state", "one").out


def test_settle_follows_a_decision(stage: Stage) -> None:
    stage.decide("one", committed=True)
    assert stage.command("settle", "one").out.startswith("COMMITTED")


def test_settle_aborts_where_there_is_none(stage: Stage) -> None:
    assert stage.command("settle", "one", "--json").data["state"] == "ABORTED"
    assert stage.command("state", "one", "--json").data["state"] == "ABORTED"


@pytest.mark.parametrize("name", ["state", "settle"])
def test_a_text_that_is_no_id(stage: Stage, name: str) -> None:
    answer = stage.command(name, " ")
    assert (answer.code, answer.out) == (2, "")
    assert "no transaction id" in answer.err
