"""Do the histories of a campaign tell what happened, and is it noticed when it must not have?"""

from __future__ import annotations

import time
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx.histories import Outcome, check_lists, check_registers
from tests.chaos import bank, lists
from tests.chaos.bank import Work
from tests.chaos.histories import judge_histories, list_history
from tests.chaos.journal import Entry, Journal, entries
from tests.chaos.judge import ANOMALY, Verdict
from tests.chaos.recordings import merged, recorded

if TYPE_CHECKING:
    from pathlib import Path

DEEDS = "a0.1 r1.0 s0"
AN_HOUR_NS = 3600 * 10**9


@pytest.fixture
def told(tmp_path: Path) -> dict[str, Entry]:
    """Two managers take turns at appending; what their journals and recordings tell."""
    target = bank.url(tmp_path / "chaos.db")
    bank.create(target)
    with ExitStack() as stack:
        managers = [stack.enter_context(scalar_tx.connect(target)) for _ in range(2)]
        for name, db in zip("ab", managers, strict=True):
            stack.enter_context(recorded(db, tmp_path, name))
        journal = Journal(tmp_path / "writer-0-0")
        for turn in range(6):
            work = Work("lists", deeds=DEEDS)
            with managers[turn % 2].transaction(id=f"t{turn}") as tx:
                journal.begin(tx.id, work, tx.id, rerun=False)
                done = bank.do(tx, work, tx.id)
            journal.committed(tx.id, done)
        journal.begin("killed", Work("lists", deeds="a1.0"), "killed", rerun=False)
        journal.close()
    return {entry.tx_id: entry for entry in entries(tmp_path / "writer-0-0")}


def judged(folder: Path, told: dict[str, Entry]) -> Verdict:
    verdict = Verdict()
    with scalar_tx.connect(bank.url(folder / "chaos.db")) as db:
        seen = {
            table: [dict(row) for row in db.scan(table, whole_table=True)] for table in lists.LISTS
        }
    judge_histories(verdict, folder, told.values(), seen)
    return verdict


def test_what_happened_is_right(tmp_path: Path, told: dict[str, Entry]) -> None:
    assert judged(tmp_path, told).lines() == []
    history = list_history(told.values())
    assert [one.outcome for one in history] == [Outcome.OK] * 6 + [Outcome.INFO]
    assert ("append", "0.1", "t3") in history[3].operations
    assert ("r", "0.1", ["t0", "t1", "t2"]) in history[3].operations
    assert ("r", "0.2", []) in history[3].operations, "a list that a scan does not find is empty"
    assert history[6].operations == [("append", "1.0", "killed")]
    assert (tmp_path / "lists.history.jsonl").read_text().count("\n") == 13


def test_an_order_that_nobody_can_explain_is_found(tmp_path: Path, told: dict[str, Entry]) -> None:
    entry = told["t4"]
    assert entry.done is not None
    done = [(kind, key, value[:-1] if kind == "r" else value) for kind, key, value in entry.done]
    told["t4"] = replace(entry, done=done)
    assert judged(tmp_path, told).count(ANOMALY) > 0


def test_an_append_that_is_gone_is_found(tmp_path: Path, told: dict[str, Entry]) -> None:
    history = list_history(told.values())
    final = {"0.1": [f"t{turn}" for turn in range(5)], "1.0": []}
    assert not check_lists(history, "SERIALIZABLE", final=final).valid


def test_recordings_meet_on_one_clock(tmp_path: Path, told: dict[str, Entry]) -> None:
    history = merged(tmp_path, tmp_path / "both", ())
    assert [one.name for one in history.transactions] == [f"t{turn}" for turn in range(6)]
    assert check_registers(history.transactions, "SERIALIZABLE").valid
    earliest, latest = map(int, (tmp_path / "b.clock").read_text().split())
    (tmp_path / "b.clock").write_text(f"{earliest - AN_HOUR_NS} {latest - AN_HOUR_NS}")
    shifted = merged(tmp_path, tmp_path / "apart", ())
    assert not check_registers(shifted.transactions, "SERIALIZABLE").valid


def test_a_line_that_death_cut_short_is_passed_over(tmp_path: Path, told: dict[str, Entry]) -> None:
    with (tmp_path / "a.recording").open("a") as file:
        file.write('{"index": 99, "ty')
    assert len(merged(tmp_path, tmp_path / "both", ()).transactions) == 6


def test_an_empty_history_proves_nothing(tmp_path: Path, told: dict[str, Entry]) -> None:
    for name in "ab":
        (tmp_path / f"{name}.recording").write_text("")
    assert "proves nothing" in judged(tmp_path, told).lines()[0]


def test_a_note_that_a_killed_writer_erased_was_not_missed(tmp_path: Path) -> None:
    target = bank.url(tmp_path / "chaos.db")
    bank.create(target)
    work = Work("note", number=7)
    with (
        scalar_tx.connect(target) as db,
        scalar_tx.connect(target) as killed,
        recorded(db, tmp_path, "a"),
    ):
        db.run(lambda tx: bank.do(tx, work, ""))
        killed.run(lambda tx: bank.do(tx, work, ""))  # erases it, and records nothing
        db.run(lambda tx: bank.do(tx, work, ""))
    without = merged(tmp_path, tmp_path / "without", ())
    assert check_registers(without.transactions, "SERIALIZABLE").names[0] == "lost-update"
    untold = Entry("killed", work, "", rerun=False, begun=time.monotonic_ns())
    history = merged(tmp_path, tmp_path / "with", [untold])
    assert check_registers(history.transactions, "SERIALIZABLE").valid
