"""Is the tour's promise checked, and kept?"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from scalar_tx.cli.demo.bank import OPENING_BALANCE
from scalar_tx.cli.demo.job import Event, Job, LogReader, LogWriter
from scalar_tx.cli.demo.tour import Tour
from scalar_tx.cli.demo.verdict import Verdict, broken_promises
from tests.cli.stage import command
from tests.cli.test_command_line import ENVIRONMENT

LEDGER = [
    {"id": "a", "source": 1, "target": 2, "amount": 10},
    {"id": "b", "source": 2, "target": 3, "amount": 5},
]
BALANCES = {1: OPENING_BALANCE - 10, 2: OPENING_BALANCE + 5, 3: OPENING_BALANCE + 5}


def test_promises_that_are_kept() -> None:
    assert broken_promises(BALANCES, LEDGER, ["a", "b"], "undone") == []
    assert broken_promises(BALANCES, LEDGER, ["a"], "undone", unsure=["b"]) == []


BREACHES: dict[str, dict[str, Any]] = {
    "1 acknowledged transfers are lost, the first is c": {"acknowledged": ["a", "b", "c"]},
    "the transfer b is there, although it was killed": {"acknowledged": ["a"], "undone": "b"},
    "1 transfers are there that nobody was told of: b": {"acknowledged": ["a"]},
    "accounts disagree with the ledger: 1, 2": {
        "balances": {**BALANCES, 1: OPENING_BALANCE, 2: OPENING_BALANCE - 5}
    },
    "the accounts sum to 3,001 and not to 3,000": {
        "balances": {**BALANCES, 1: OPENING_BALANCE - 9}
    },
}


@pytest.mark.parametrize("breach", BREACHES)
def test_promises_that_are_broken(breach: str) -> None:
    what: dict[str, Any] = {
        "balances": BALANCES,
        "ledger": LEDGER,
        "acknowledged": ["a", "b"],
        "undone": "undone",
        **BREACHES[breach],
    }
    assert any(one.startswith(breach) for one in broken_promises(**what))


def test_a_log_is_read_line_by_line_and_never_by_halves(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    reader = LogReader(path)
    assert reader.new_lines() == []
    with LogWriter(path) as log:
        log.write(Event.BEGUN, "a")
        log.write(Event.COMMITTED, "a", attempts=2)
    with Path(path).open("a") as file:
        file.write('{"event": "beg')
    assert [line["event"] for line in reader.new_lines()] == ["begun", "committed"]
    with Path(path).open("a") as file:
        file.write('un"}\n')
    assert reader.new_lines() == [{"event": "begun"}]
    assert reader.new_lines() == []


def test_a_job_comes_through_as_it_was() -> None:
    job = Job("process1", "sqlite:///a b.db", "log", "end", dies_after=1.5)
    assert Job.from_text(job.to_text()) == job


@pytest.mark.parametrize("broken", [[], ["lost"]])
@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_a_broken_promise_fails_and_keeps_the_database(
    tmp_path: Path, arguments: tuple[str, ...], broken: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    figures: dict[str, Any] = dict.fromkeys(Verdict.__annotations__, 1)
    monkeypatch.setattr(Tour, "run", lambda tour: Verdict(**{**figures, "broken": broken}))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    answer = command("demo", *arguments)
    kept = [str(folder) for folder in tmp_path.iterdir()]
    if not broken:
        assert (answer.code, kept) == (0, [])
        return
    assert answer.code == 1
    assert len(kept) == 1
    assert kept[0] in answer.out


@pytest.mark.slow
def test_the_whole_tour(tmp_path: Path) -> None:
    arguments = ["demo", "--json", "--keep", "--processes", "2", "--seconds", "0.5"]
    answer = subprocess.run(
        [sys.executable, "-m", "scalar_tx", *arguments],
        cwd=tmp_path,
        env={**ENVIRONMENT, "COLUMNS": "80"},
        check=False,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert answer.returncode == 0, answer.stdout + answer.stderr
    data = json.loads(answer.stdout)
    assert data["broken_promises"] == []
    assert data["exact"]
    assert data["killed"] == 1
    assert data["recovered_records"] == 3
    assert data["attempted"] > data["committed"] > 10
    (folder,) = tmp_path.iterdir()
    assert data["folder"] == str(folder)
    checked = command("check-data", "--config", f"sqlite:///{folder}{os.sep}demo.db", "--json")
    assert checked.code == 0, checked.out
