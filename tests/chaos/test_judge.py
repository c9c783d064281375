"""Does the judge find what is wrong with a file? One honest file, spoilt in one way at a time."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from tests.chaos import bank
from tests.chaos.fleet import ROOT
from tests.chaos.journal import Entry, entries
from tests.chaos.judge import (
    DAMAGE,
    FALSELY_FAILED,
    HALF,
    LOST,
    SEEN,
    STATE,
    STRANGER,
    TOTAL,
    UNSETTLED,
    Verdict,
    judge,
)
from tests.chaos.raw_file import stored, table_rows

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass
class Case:
    """A file, what its journal tells, and what the library showed of it."""

    file: Path
    entries: dict[str, Entry]
    rows: dict[str, list[dict[str, Any]]]
    states: dict[str, str]

    def judged(self) -> Verdict:
        return judge(stored(self.file), self.entries, self.rows, self.states)

    def sql(self, text: str) -> None:
        with closing(sqlite3.connect(self.file)) as connection:
            changed = connection.execute(text).rowcount
            connection.commit()
        assert changed > 0, f"nothing was spoilt by {text}"

    def a_committed(self) -> str:
        return next(
            one.tx_id
            for one in self.entries.values()
            if one.outcome == "committed" and one.work.kind == "transfer"
        )


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Case:
    folder = tmp_path_factory.mktemp("honest")
    file = folder / "chaos.db"
    target = bank.url(file)
    bank.create(target)
    writer = ["writer", target, str(folder), "--name", "w1", "--seed", "1"]
    _run([*writer, "--works", "150"])
    told = {entry.tx_id: entry for entry in entries(folder / "writer-0-0")}
    ids = list(told)
    asked = {"ids": ids, "new": ids, "undecided": [], "parts": []}
    seen = json.loads(_run(["settler", target], json.dumps(asked)))
    return Case(file, told, seen["rows"], seen["states"])


def _run(command: list[str], text: str = "") -> str:
    module, *arguments = command
    answer = subprocess.run(
        [sys.executable, "-m", f"tests.chaos.{module}", *arguments],
        check=True,
        cwd=ROOT,
        input=text,
        stdout=subprocess.PIPE,
        text=True,
        timeout=60,
    )
    return answer.stdout


@pytest.fixture
def case(honest: Case, tmp_path: Path) -> Case:
    file = tmp_path / "chaos.db"
    shutil.copy(honest.file, file)
    return Case(file, dict(honest.entries), dict(honest.rows), dict(honest.states))


def test_an_honest_file_is_found_right(case: Case) -> None:
    assert len(case.entries) >= 150
    assert case.judged().lines() == []


def _lose_a_marker(case: Case) -> None:
    case.sql(f"""DELETE FROM "chaos_beside$marker" WHERE id = '{case.a_committed()}'""")


def _lose_a_transaction(case: Case) -> None:
    """As if it had never been: only the journal knows better."""
    (note, *_) = table_rows(case.file, bank.NOTE)
    tx_id, number = note["tx_id"], note["number"]
    case.sql(f"""DELETE FROM "chaos_beside$marker" WHERE id = '{tx_id}'""")
    case.sql(f'DELETE FROM "chaos$note" WHERE number = {number}')
    case.sql(f"""DELETE FROM "coordinator$state" WHERE tx_id = '{tx_id}'""")
    case.states[tx_id] = "UNKNOWN"


def _report_it_failed(case: Case) -> None:
    tx_id = case.a_committed()
    case.entries[tx_id] = replace(case.entries[tx_id], outcome="aborted")


def _never_begin_it(case: Case) -> None:
    del case.entries[case.a_committed()]


def _change_a_balance(case: Case) -> None:
    case.sql('UPDATE "chaos$account" SET balance = balance + 1 WHERE bank = 3 AND id = 3')


def _do_a_transfer_by_half(case: Case) -> None:
    work = case.entries[case.a_committed()].work
    case.sql(
        f'UPDATE "chaos$account" SET balance = balance + {work.amount} '
        f"WHERE bank = {work.bank} AND id = {work.source}"
    )


def _move_between_accounts(case: Case) -> None:
    for number, change in ((1, 5), (2, -5)):
        case.sql(
            f'UPDATE "chaos$account" SET balance = balance + {change} '
            f"WHERE bank = 0 AND id = {number}"
        )


def _count_a_write_twice(case: Case) -> None:
    case.sql('UPDATE "chaos$account" SET tx_version = tx_version + 1 WHERE bank = 1 AND id = 1')


def _leave_a_row_prepared(case: Case) -> None:
    case.sql('UPDATE "chaos$account" SET tx_state = 1 WHERE bank = 1 AND id = 1')


def _leave_a_row_deleted(case: Case) -> None:
    case.sql(
        'UPDATE "chaos$note" SET tx_state = 2 WHERE number = (SELECT max(number) FROM "chaos$note")'
    )


def _bring_a_note_back(case: Case) -> None:
    case.sql(
        'INSERT INTO "chaos$note" (number, written_by, tx_id, tx_state, tx_version) '
        f"VALUES ({bank.NOTES + 1}, 'w0-0', 'w0-0', 3, 1)"
    )


def _lose_a_note(case: Case) -> None:
    case.sql('DELETE FROM "chaos$note" WHERE number = (SELECT max(number) FROM "chaos$note")')


def _lose_an_element(case: Case) -> None:
    case.sql('UPDATE "chaos$list_a" SET elements = substr(elements, 1, length(elements) - 1)')


def _append_twice(case: Case) -> None:
    case.sql("""UPDATE "chaos_beside$list_b" SET elements = elements || ' ' || elements""")


def _lose_a_decision(case: Case) -> None:
    case.sql(f"""DELETE FROM "coordinator$state" WHERE tx_id = '{case.a_committed()}'""")


def _be_told_otherwise(case: Case) -> None:
    case.states[case.a_committed()] = "ABORTED"


def _show_something_else(case: Case) -> None:
    first, *others = case.rows[bank.ACCOUNT]
    case.rows[bank.ACCOUNT] = [{**first, "balance": -1}, *others]


def _show_less(case: Case) -> None:
    case.rows[bank.MARKER] = case.rows[bank.MARKER][1:]


def _damage_the_file(case: Case) -> None:
    with closing(sqlite3.connect(case.file)) as connection:
        (page,) = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = ?",
            ("sqlite_autoindex_chaos_beside$marker_1",),
        ).fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    with case.file.open("r+b") as file:
        file.seek((page - 1) * size + size - 40)
        file.write(b"\xff" * 40)


@pytest.mark.parametrize(
    "spoil,finding",
    [
        (_lose_a_marker, LOST),
        (_lose_a_transaction, LOST),
        (_report_it_failed, FALSELY_FAILED),
        (_never_begin_it, STRANGER),
        (_change_a_balance, TOTAL),
        (_change_a_balance, HALF),
        (_do_a_transfer_by_half, HALF),
        (_move_between_accounts, HALF),
        (_count_a_write_twice, HALF),
        (_leave_a_row_prepared, UNSETTLED),
        (_leave_a_row_deleted, UNSETTLED),
        (_bring_a_note_back, HALF),
        (_lose_a_note, HALF),
        (_lose_an_element, HALF),
        (_append_twice, HALF),
        (_lose_a_decision, STATE),
        (_be_told_otherwise, STATE),
        (_show_something_else, SEEN),
        (_show_less, SEEN),
        (_damage_the_file, DAMAGE),
    ],
)
def test_what_is_wrong_is_found(case: Case, spoil: Callable[[Case], None], finding: str) -> None:
    spoil(case)
    assert case.judged().count(finding) > 0
