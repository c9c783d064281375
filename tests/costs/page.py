"""What does docs/protocol-costs.md say?"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import dropwhile, takewhile
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "protocol-costs.md"
PLACES = {
    "memory": "memory, SQLite",
    "sqlite": "memory, SQLite",
    "postgresql": "PostgreSQL, MySQL",
    "mysql": "PostgreSQL, MySQL",
    "dynamodb": "DynamoDB",
    "cassandra": "Cassandra",
}
REFUSED = "refused"
_NUMBERS = re.compile(r"(\d+)(?: \((\d+)\))?")


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
    operations: tuple[str, ...]  # with one group in all, and with one a partition
    prescribed: tuple[int, ...]  # the same, summed up
    cells: dict[str, str]

    @property
    def name(self) -> str:
        return f"{self.shape}, {self.level}"

    def cost(self, place: str) -> Cost | None:
        """What it costs at a place; None: it is refused there."""
        cell = self.cells[PLACES[place]]
        if cell == REFUSED:
            return None
        found = _NUMBERS.fullmatch(cell)
        assert found is not None, f"{self.name}: {cell!r} is no number"
        return Cost(int(found[1]), None if found[2] is None else int(found[2]))


def rows() -> list[Row]:
    """The first table."""
    text = PAGE.read_text(encoding="utf-8").splitlines()
    table = takewhile(
        lambda line: line.startswith("|"), dropwhile(lambda line: not line.startswith("|"), text)
    )
    lines = [[cell.strip() for cell in line.strip("|\n").split("|")] for line in table]
    head, _, *body = lines
    return [
        Row(
            shape=line[0],
            level=line[1],
            operations=tuple(line[2].split(", or ")),
            prescribed=tuple(map(int, line[3].split(", or "))),
            cells=dict(zip(head[4:], line[4:], strict=True)),
        )
        for line in body
    ]
