"""Levels side by side in one history, unknown outcomes, deletions, and what proves nothing."""

from __future__ import annotations

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.histories import LEVELS, check_lists, check_registers, level_of
from scalar_tx.model.isolation import Isolation
from tests.histories.by_hand import failed, tx, unknown

STRONG, WEAK = Isolation.SERIALIZABLE, Isolation.SNAPSHOT
WEAKEST = Isolation.READ_COMMITTED


@pytest.mark.parametrize("first", Isolation)
@pytest.mark.parametrize("second", Isolation)
def test_write_skew_counts_between_serializable_transactions_only(
    first: Isolation, second: Isolation
) -> None:
    history = [tx(1, "x: y+1", level=first), tx(2, "y: x+2", level=second)]
    assert check_lists(history, "SERIALIZABLE").valid == ((first, second) != (STRONG, STRONG))


@pytest.mark.parametrize("reader", Isolation)
@pytest.mark.parametrize("writer", Isolation)
def test_a_stale_read_counts_for_a_serializable_reader_of_any_writer(
    reader: Isolation, writer: Isolation
) -> None:
    history = [tx(1, "x+1", at=(0, 1), level=writer), tx(2, "x:", at=(2, 3), level=reader)]
    assert check_lists(history, "READ_COMMITTED").valid == (reader is not STRONG)


@pytest.mark.parametrize("early", Isolation)
@pytest.mark.parametrize("late", Isolation)
def test_a_write_that_slips_in_counts_if_one_of_the_two_is_serializable(
    early: Isolation, late: Isolation
) -> None:
    history = [
        tx(1, "x+1", at=(0, 1), level=early),
        tx(2, "x+2", at=(2, 3), level=late),
        tx(3, "x:21", at=(4, 5), level=WEAK),
    ]
    assert check_lists(history, "SERIALIZABLE").valid == (STRONG not in {early, late})


def test_real_time_runs_through_a_serializable_transaction_between_two_weak_ones() -> None:
    ends = [tx(1, "x+1", at=(0, 1), level=WEAK), tx(2, "x+2", at=(4, 5), level=WEAK)]
    seen = tx(4, "x:21", at=(6, 7), level=WEAK)
    for level in Isolation:
        between = tx(3, "y+3", at=(2, 3), level=level)
        verdict = check_lists([ends[0], between, ends[1], seen], "SERIALIZABLE")
        assert verdict.valid == (level is not STRONG)


def test_reads_need_repeat_only_where_the_reader_is_promised_so() -> None:
    for level in Isolation:
        history = [tx(1, "x+1", level=STRONG), tx(2, "x: x:1", level=level)]
        assert check_lists(history, "SERIALIZABLE").valid == (level is WEAKEST)
        history = [tx(1, "x=1", level=STRONG), tx(2, "x? x?1", level=level)]
        assert check_registers(history, "SERIALIZABLE").valid == (level is WEAKEST)


def test_a_model_of_the_literature_is_asked_of_everybody() -> None:
    history = [tx(1, "x: y+1", level=WEAK), tx(2, "y: x+2", level=WEAK)]
    assert check_lists(history, "serializable").names == ["G2"]


def test_a_later_read_is_what_an_update_at_read_committed_rests_on() -> None:
    history = [tx(1, "x: x+1"), tx(2, "x: x:1 x+2"), tx(3, "x:12")]
    assert check_lists(history, "READ_COMMITTED").valid
    assert "lost-update" in check_lists(history, "repeatable-read").names
    history = [tx(1, "x? x=1"), tx(2, "x? x?1 x=2")]
    assert check_registers(history, "READ_COMMITTED").valid


def test_a_read_that_repeats_is_no_observed_transaction_that_vanishes() -> None:
    history = [tx(1, "x+1 y+2"), tx(2, "y: x:1 y:")]
    assert check_lists(history, "SNAPSHOT").valid


def test_an_unknown_outcome_counts_once_its_write_is_seen() -> None:
    reader = tx(2, "y: x:1")
    assert check_lists([unknown(1, "x+1 y+2"), reader], "serializable").names == ["G-single"]
    assert check_lists([unknown(1, "x+3 y+2"), tx(2, "y: x:")], "serializable").valid
    assert check_registers([unknown(1, "x=1 y=2"), tx(2, "y? x?1")], "serializable").names == [
        "G-single"
    ]
    lists = {"x": (1,), "y": (2,)}
    seen_in_the_end = [unknown(1, "x+1"), tx(2, "x:")]
    verdict = check_lists(seen_in_the_end, "SERIALIZABLE", final={"x": lists["x"]})
    assert verdict.committed == 2


def test_an_unknown_outcome_may_take_effect_after_its_answer() -> None:
    history = [unknown(1, "x+1", at=(0, 1)), tx(2, "x:", at=(2, 3)), tx(3, "x:1", at=(4, 5))]
    assert check_lists(history, "SERIALIZABLE").valid
    history[0] = tx(1, "x+1", at=(0, 1))
    assert check_lists(history, "SERIALIZABLE").names == ["G-single-realtime"]


def test_what_is_there_in_the_end_but_failed() -> None:
    assert check_lists([failed(1, "x+1")], "SNAPSHOT", final={"x": (1,)}).names[0] == "G1a"
    assert check_registers([failed(1, "x=1")], "SNAPSHOT", final={"x": 1}).names == ["G1a"]


def test_the_final_state_extends_the_order() -> None:
    history = [tx(1, "x+1 y+3"), tx(2, "x+2 y+4")]
    assert check_lists(history, "READ_COMMITTED").valid
    final = {"x": (1, 2), "y": (4, 3)}
    assert check_lists(history, "READ_COMMITTED", final=final).names == ["G0"]


def test_nothing_is_ambiguous_where_records_are_deleted() -> None:
    deleted = [tx(1, "x=1"), tx(2, "x?1 x="), tx(3, "x?"), tx(4, "x? x=4"), tx(5, "x? x=5")]
    assert check_registers(deleted, "SERIALIZABLE").valid
    reader_of_the_deleted = [*deleted[:2], tx(6, "x?1 y?6"), tx(7, "x?1 y=6")]
    assert check_registers(reader_of_the_deleted, "SERIALIZABLE").valid
    skew = [tx(1, "x=1"), tx(2, "x?1 x= y=2"), tx(3, "x?1 y?2")]
    assert check_registers(skew, "SERIALIZABLE").names == ["G-single"]


def test_elements_of_nobody_known_are_no_anomaly() -> None:
    history = [tx(1, "x:9 x+1"), tx(2, "x:918"), tx(3, "x:9")]
    assert check_lists(history, "SERIALIZABLE").valid
    around = [tx(1, "x+1 y+3"), tx(2, "x+2 y+4"), tx(3, "x:192 y:493")]
    assert check_lists(around, "SNAPSHOT").names == ["G0"]


@pytest.mark.parametrize(
    "history,reason",
    [
        ([], "the history is empty"),
        ([failed(1, "x+1")], "no transaction committed"),
        ([tx(1, "x+1"), tx(2, "y:")], "no read returned a value"),
        ([tx(1, "x+1 x:1")], "no transaction depends on another"),
        ([tx(1, "x+1"), tx(2, "x:1")], None),
    ],
)
def test_what_proves_nothing_says_so(history: list[object], reason: str | None) -> None:
    verdict = check_lists(history, "SERIALIZABLE")  # type: ignore[arg-type]
    assert verdict.valid
    assert verdict.proves_nothing == reason
    assert (reason or "nothing that SERIALIZABLE forbids") in str(verdict)


def test_a_cycle_in_words_gives_the_reason_of_every_step() -> None:
    history = [tx(12, "x: y+1", name="a-b-c"), tx(15, "y: x+2"), tx(16, "x:2")]
    text = str(check_lists(history, "SERIALIZABLE"))
    for part in (
        "G2: write skew: T12 → T15 → T12",
        "T12 (a-b-c): r 'x' [], append 'y' 1",
        "T12 → T15 (rw): T12 read 'x' as [], without T15's 2, which comes next",
        "T15 → T12 (rw): T15 read 'y' as [], which is all that anybody saw of it, without T12's 1",
    ):
        assert part in text


def test_what_is_said_is_bounded() -> None:
    names = "abcdefghijklmnopqrstuvwxyz"
    history = [tx(at, f"{name}+1 {name}:") for at, name in enumerate(names)]
    verdict = check_lists(history, "SERIALIZABLE")
    assert len(verdict.anomalies) == 10
    assert verdict.left_out == len(names) - 10


def test_wrong_use_is_refused() -> None:
    with pytest.raises(InvalidOperationError, match="STX-3081"):
        check_lists([tx(1, "x+1"), tx(2, "x+1")], "SNAPSHOT")
    with pytest.raises(InvalidOperationError, match="STX-3081"):
        check_registers([tx(1, "x=1"), tx(2, "x=1")], "SNAPSHOT")
    with pytest.raises(InvalidOperationError, match="STX-3080"):
        check_lists([tx(1, "x=1")], "SNAPSHOT")
    with pytest.raises(InvalidOperationError, match="STX-3080"):
        check_registers([tx(1, "x+1")], "SNAPSHOT")
    with pytest.raises(InvalidOperationError, match="STX-3021"):
        check_lists([], "snapshot")
    assert level_of(Isolation.SNAPSHOT) is LEVELS["SNAPSHOT"]
