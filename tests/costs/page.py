"""What does docs/protocol-costs.md say?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from itertools import groupby
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "protocol-costs.md"
PLACES = {
    "memory": "memory, SQLite",
    "sqlite": "memory, SQLite",
    "postgresql": "PostgreSQL",
    "mysql": "MySQL",
    "dynamodb": "DynamoDB",
    "cassandra": "Cassandra",
}
REFUSED = "refused"
_NUMBERS = re.compile(r"(\d+)(?: \((\d+)\))?")


class Way(Enum):
    """Which of the tables, by its place on the page."""

    DEFAULT = 0
    EVERY_STEP = 1


@dataclass(frozen=True)
class Cost:
    """Operations as they are sent, and round trips where the page counts them apart."""

    operations: int
    round_trips: int | None = None


@dataclass(frozen=True)
class Row:
    """One kind of transaction."""

    shape: str
    level: str
    prescribed: str
    cells: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.shape}, {self.level}"

    @property
    def operations(self) -> list[str]:
        """As the protocol prescribes them: with one group in all, and with one a partition."""
        return self.prescribed.split(", or ")

    @property
    def most(self) -> list[int]:
        """How many they are."""
        return [sum(map(int, re.findall(r"(\d+)[RPVCM]", one))) for one in self.operations]

    def cost(self, place: str) -> Cost | None:
        """What it costs at a place; None: it is refused there."""
        cell = self.cells[PLACES[place]]
        if cell == REFUSED:
            return None
        found = _NUMBERS.fullmatch(cell)
        assert found is not None, f"{self.name}: {cell!r} is no number"
        return Cost(int(found[1]), None if found[2] is None else int(found[2]))


def rows(way: Way) -> list[Row]:
    """One of the tables."""
    text = PAGE.read_text(encoding="utf-8").splitlines()
    tables = [list(lines) for is_table, lines in groupby(text, key=_is_of_a_table) if is_table]
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in tables[way.value]]
    head, _, *body = lines
    return [
        Row(line[0], line[1], line[2], dict(zip(head[3:], line[3:], strict=True))) for line in body
    ]


def _is_of_a_table(line: str) -> bool:
    return line.startswith("|")
