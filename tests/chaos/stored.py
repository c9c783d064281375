"""What does a database hold, looked at below the protocol?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

PREPARED: Final = 1
DELETED: Final = 2
COMMITTED: Final = 3


@dataclass(frozen=True)
class Unsettled:
    """A record left PREPARED or DELETED, and by whom."""

    table: str
    tx_id: str
    state: int


@dataclass(frozen=True)
class Stored:
    """All rows of each table with their technical columns, and what was decided about whom.

    ``damage`` is what the database itself finds wrong with its data.
    """

    rows: Mapping[str, list[dict[str, Any]]]
    decisions: Mapping[str, int]
    damage: list[str] = field(default_factory=list)

    def unsettled(self) -> list[Unsettled]:
        """Every record that is not settled."""
        return [
            Unsettled(table, row["tx_id"], row["tx_state"])
            for table, rows in self.rows.items()
            for row in rows
            if row["tx_state"] in (PREPARED, DELETED)
        ]
