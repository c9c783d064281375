"""``scalar-tx check``: exit codes, what is printed, and which level is asked for."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from scalar_tx.histories import Transaction, write_history
from scalar_tx.model.isolation import Isolation
from tests.cli.stage import command
from tests.histories.by_hand import tx

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SKEW = (tx(1, "x: y+1"), tx(2, "y: x+2"), tx(3, "x:2 y:1"))
GOOD = (tx(1, "x+1"), tx(2, "x:1"))


def write(folder: Path, history: Sequence[Transaction], name: str = "history.jsonl") -> str:
    file = folder / name
    file.write_text("".join(write_history(history)), encoding="utf-8")
    return str(file)


def concurrent(history: Sequence[Transaction]) -> list[Transaction]:
    return [
        Transaction(one.number, one.operations, process=one.number, invoked=0, completed=1)
        for one in history
    ]


def test_a_good_history(tmp_path: Path) -> None:
    answer = command("check", write(tmp_path, GOOD))
    assert (answer.code, answer.err) == (0, "")
    assert "list-append, 2 transactions, 2 committed, 1 dependencies" in answer.out
    assert "Nothing that SERIALIZABLE forbids." in answer.out


def test_an_anomaly_is_named_and_explained(tmp_path: Path) -> None:
    answer = command("check", write(tmp_path, concurrent(SKEW)))
    assert answer.code == 1
    assert "G2: write skew: T3 → T4 → T3" in answer.out
    assert "Not SERIALIZABLE: G2" in answer.out


@pytest.mark.parametrize(
    "level,code",
    [
        ("SNAPSHOT", 0),
        ("READ-COMMITTED", 0),
        ("READ_COMMITTED", 0),
        ("SERIALIZABLE", 1),
        ("serializable", 1),
        ("snapshot-isolation", 0),
        ("snapshot", 2),
    ],
)
def test_the_level_that_is_asked_for(tmp_path: Path, level: str, code: int) -> None:
    answer = command("check", write(tmp_path, concurrent(SKEW)), "--level", level)
    assert answer.code == code, answer.out + answer.err
    if code == 2:
        assert "Use one of READ_COMMITTED" in answer.err


def test_the_levels_in_the_file_count_unless_one_is_asked_for(tmp_path: Path) -> None:
    history = concurrent(SKEW)
    for one in history:
        one.level = Isolation.SNAPSHOT
    file = write(tmp_path, history)
    assert command("check", file).code == 0
    assert command("check", file, "--level", "SERIALIZABLE").code == 1


def test_json_is_for_programs(tmp_path: Path) -> None:
    files = write(tmp_path, concurrent(SKEW)), write(tmp_path, GOOD, "good.jsonl")
    answer = command("check", *files, "--json")
    bad, good = json.loads(answer.out)
    assert answer.code == 1
    assert (bad["valid"], bad["level"], bad["model"]) == (False, "SERIALIZABLE", "list-append")
    assert [(one["name"], one["transactions"]) for one in bad["anomalies"]] == [("G2", [3, 4])]
    assert (good["valid"], good["proves_nothing"], good["dependencies"]) == (True, None, 1)


def test_registers_are_recognised_and_writes_follow_reads_unless_denied(tmp_path: Path) -> None:
    history = [tx(1, "x=1"), tx(2, "x?1 x=2 y=2"), tx(3, "y?2 x?1")]
    file = write(tmp_path, concurrent(history))
    assert command("check", file).code == 1
    assert command("check", file, "--no-writes-follow-reads").code == 0
    assert command("check", file, "--model", "rw-register").code == 1
    refused = command("check", file, "--model", "list-append")
    assert refused.code == 2
    assert "holds operations of rw-register" in refused.err


def test_a_history_that_proves_nothing_is_valid_and_says_so(tmp_path: Path) -> None:
    answer = command("check", write(tmp_path, []))
    assert answer.code == 0
    assert "which proves nothing" in answer.out
    assert "the history is empty" in answer.out


def test_files_that_are_none_are_wrong_use(tmp_path: Path) -> None:
    broken = tmp_path / "broken.jsonl"
    broken.write_text('{"type": "ok"}\n{"type"\n{"type": "ok"}\n')
    answer = command("check", str(broken))
    assert answer.code == 2
    assert f"line 2 of {broken} is no JSON" in answer.err
    broken.write_bytes(b"\xff\xfe\x00")
    assert command("check", str(broken)).code == 2
    assert command("check", str(tmp_path / "none.jsonl")).code == 2
    assert command("check", str(tmp_path)).code == 2
    assert command("check", str(broken), "--model", "queue").code == 2
    assert command("check").code == 2
