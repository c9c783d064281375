"""What does a replay of a seed show?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.scenarios.script import read_script
from tests.simulation.__main__ import main

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

BUG = "no compare-and-set in prepare"


def test_a_failure_is_shown_as_a_script(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--replay", "2", "--plant", BUG]) == 1
    shown = capsys.readouterr().out
    assert shown.index("levels SERIALIZABLE") < shown.index("record ") < shown.index("\nWRONG:")
    command = shown.splitlines()[-1]
    assert command == f"to see this again: python -m tests.simulation --replay 2 --plant '{BUG}'"
    assert "BEGINS #1" not in shown


def test_the_first_failure_of_many_seeds_is_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--seeds", "25", "--plant", BUG]) == 1
    shown = capsys.readouterr().out
    command = shown.splitlines()[-1]
    assert command.startswith("to see this again")
    seed = command.split("--replay ")[1].split()[0]
    assert main(["--replay", seed, "--plant", BUG]) == 1
    assert capsys.readouterr().out in shown


def test_every_step_is_shown_if_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--replay", "2", "--plant", BUG, "--trace"]) == 1
    shown = capsys.readouterr().out
    assert "BEGINS #1" in shown
    assert "PREPARED" in shown
    assert "record accounts" not in shown


def test_the_whole_run_is_a_script_too(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--replay", "2", "--plant", BUG])
    needed = capsys.readouterr().out
    assert main(["--replay", "2", "--plant", BUG, "--whole"]) == 1
    whole = capsys.readouterr().out
    assert "levels SERIALIZABLE" in whole
    assert whole.count("\nbegin") > needed.count("\nbegin")


def test_a_script_can_be_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    kept = tmp_path / "99-lost-update.txt"
    assert main(["--replay", "2", "--plant", BUG, "--save", str(kept)]) == 1
    assert kept.read_text(encoding="utf-8") in capsys.readouterr().out
    (case,) = read_script(kept)
    assert case.title == "99-lost-update"
    assert case.world == ()


def test_a_replay_of_a_good_seed_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--replay", "1"]) == 0
    assert capsys.readouterr().out.endswith("nothing is wrong\n")
