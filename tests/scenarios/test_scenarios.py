"""Do the scripts in this folder play as they are written, on each storage, at each level?

``SCALAR_TX_REWRITE=1`` writes what was answered behind every arrow instead; look at the difference
before keeping it.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.protocol.world import STORAGES, World, open_inner
from tests.scenarios.player import Player
from tests.scenarios.script import Case, ScriptError, read_script
from tests.scenarios.stepped_player import SteppedPlayer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.model.isolation import Isolation

FILES = sorted(Path(__file__).parent.glob("[0-9][0-9]-*.txt"))
REWRITE = os.environ.get("SCALAR_TX_REWRITE") == "1"


def _plays() -> Iterator[object]:
    for path in FILES:
        for case in read_script(path):
            for level in case.levels:
                for storage in STORAGES if case.world is None else ("memory",):
                    name = f"{path.stem}: {case.title}, {level.name}, {storage}"
                    yield pytest.param(path, case, level, storage, id=name)


@pytest.mark.parametrize("path,case,level,storage", list(_plays()))
def test_scenario(path: Path, case: Case, level: Isolation, storage: str, tmp_path: Path) -> None:
    if case.world is None:
        world = World(open_inner(storage, tmp_path), scan_fetch_size=2)  # so that pages are small
        player = Player(world, level)
    else:
        player = SteppedPlayer(case.world, level)
    try:
        player.play(case, check=not REWRITE)
    finally:
        player.world.close()
    if REWRITE:
        _rewrite(path, player.answers)


def _rewrite(path: Path, answers: dict[int, str]) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, answer in answers.items():
        command, arrow, _ = lines[number - 1].partition("->")
        if arrow:
            lines[number - 1] = f"{command}->  {answer}".rstrip()
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_all_scenarios_are_here() -> None:
    assert [path.name[:2] for path in FILES] == [f"{number:02}" for number in range(1, 20)]


def test_every_line_that_could_answer_is_checked() -> None:
    """A read or a look at a row without an arrow would check nothing."""
    silent = [
        f"{path.name}:{line.number}"
        for path in FILES
        for case in read_script(path)
        for line in case.lines
        for command in line.commands
        if re.match(r"(record|cells|coordinator|state|changed|calls)\b", command)
        and (line.expected is None or command != line.commands[-1])
    ]
    assert silent == []


def test_a_wrong_expectation_fails(tmp_path: Path) -> None:
    script = tmp_path / "00-wrong.txt"
    script.write_text("begin A  get A accounts/7 -> 99\n", encoding="utf-8")
    (case,) = read_script(script)
    world = World(open_inner("memory", tmp_path))
    with pytest.raises(ScriptError, match="answered  100"):
        Player(world, case.levels[0]).play(case)


def test_an_unexpected_failure_fails(tmp_path: Path) -> None:
    script = tmp_path / "00-wrong.txt"
    script.write_text("begin A  insert A accounts/7 5  commit A\n", encoding="utf-8")
    (case,) = read_script(script)
    world = World(open_inner("memory", tmp_path))
    with pytest.raises(ScriptError, match="a record exists"):
        Player(world, case.levels[0]).play(case)
