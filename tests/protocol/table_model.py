"""What must a scan return? A table as a plain list of rows, in plain Python."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Key = tuple[int, int, int]
Row = dict[str, Any]

KEY = ("p", "a", "d")  # partition key p, clustering keys a ASC and d DESC
VALUES = ("v", "w")  # w is indexed


@dataclass
class TableModel:
    """The rows by key."""

    rows: dict[Key, Row] = field(default_factory=dict)

    def upsert(self, key: Key, values: Mapping[str, Any]) -> None:
        row = self.rows.setdefault(key, dict(zip(KEY, key, strict=True)) | dict.fromkeys(VALUES))
        row.update(values)

    def delete(self, key: Key) -> None:
        self.rows.pop(key, None)

    def scan(self, scan: Mapping[str, Any], where: Callable[[Row], bool]) -> list[Row]:
        """All rows of a scan in its order; an index scan's in that of the primary key."""
        rows = [row for row in self.rows.values() if where(row)]
        if (partition := scan.get("partition")) is not None:
            rows = [row for row in rows if row["p"] == partition["p"] and _in_range(row, scan)]
            order = ["-" + name if _reversed(scan) else name for name in ("a", "-d")]
            return in_order(rows, [name.removeprefix("--") for name in order])
        if (index := scan.get("index")) is not None:
            rows = [row for row in rows if row["w"] == index["w"]]
        return in_order(rows, [*(scan.get("order_by") or []), *KEY])


def _reversed(scan: Mapping[str, Any]) -> bool:
    order = scan.get("order_by") or []
    return bool(order) and order[0] == "-a"


def _in_range(row: Row, scan: Mapping[str, Any]) -> bool:
    for bound, sign in (("start", 1), ("end", -1)):
        wanted = scan.get(bound)
        if wanted is None:
            continue
        *fixed, last = wanted
        if any(row[name] != wanted[name] for name in fixed):
            return False
        distance = (row[last] - wanted[last]) * sign
        if distance < 0 or (distance == 0 and not scan.get(f"{bound}_inclusive", True)):
            return False
    return True


def in_order(rows: list[Row], order: list[str]) -> list[Row]:
    """Sorted by columns, ``-`` for descending; NULL is the least."""
    for name in reversed(order):
        column = name.removeprefix("-")
        rows = sorted(
            rows,
            key=lambda row: (row[column] is not None, row[column] or 0),  # used at once
            reverse=name.startswith("-"),
        )
    return rows
