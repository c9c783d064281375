"""Does the page for users say what the programs expect?"""

from __future__ import annotations

import re
from pathlib import Path

from scalar_tx.model.isolation import Isolation
from tests.hermitage.programs import PROGRAMS

PAGE = Path(__file__).parents[2] / "docs" / "transactions.md"
HEAD = re.compile(r"^\| what might happen \|.*\n\|[-|]+\n((?:\|.*\n)+)", re.MULTILINE)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def test_the_table_of_levels_is_right() -> None:
    found = HEAD.search(PAGE.read_text(encoding="utf-8"))
    assert found is not None, "the table is gone"
    columns = cells(found[0].splitlines()[0])[2:]
    assert sorted(columns) == sorted(level.value for level in Isolation)
    written = {
        (name.strip(), level): word
        for line in found[1].splitlines()
        for level, word in zip(columns, cells(line)[2:], strict=True)
        for name in cells(line)[1].split(",")
    }
    assert written == {
        (program.name, level.value): "possible" if level in program.allowed else "never"
        for program in PROGRAMS
        for level in Isolation
    }
