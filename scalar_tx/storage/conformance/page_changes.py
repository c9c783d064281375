"""Does a scan keep its place while others write between its pages?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.storage.conformance.judging import key_of, same_row, whole
from scalar_tx.storage.conformance.scan_kinds import ScanKind, filled, kinds
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import Erase, ScanRequest, Write

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row, Value
    from scalar_tx.storage.conformance.lab import Lab
    from scalar_tx.storage.interface import Pages


async def _start(lab: Lab, table: Table, kind: ScanKind) -> tuple[Pages, list[Row], list[Row]]:
    """All rows of the scan, and a scan that has read its first page of them."""
    everything = await lab.rows(ScanRequest(table, kind.source))
    pages = lab.storage.scan(ScanRequest(table, kind.source, page_size=2))
    first = await pages.next_page()
    assert first is not None
    return pages, everything, list(first)


async def _rest(pages: Pages) -> list[Row]:
    found: list[Row] = []
    while (page := await pages.next_page()) is not None:
        found.extend(page)
    await pages.close()
    return found


def _keys(table: Table, rows: Sequence[Row]) -> list[tuple[Value, ...]]:
    return [key_of(table, row) for row in rows]


class PageChanges(Topic):
    """Between two pages there is no snapshot and no lock, but a place."""

    async def test_writes_between_pages_do_not_wait(self, lab: Lab) -> None:
        for kind in kinds(lab):
            table, _ = await filled(lab)
            pages, everything, first = await _start(lab, table, kind)
            await lab.storage.mutate([Write(table, key_of(table, everything[-1]), {"t": "new"})])
            await lab.storage.mutate([Write(table, key_of(table, first[0]), {"t": "new"})])
            await _rest(pages)

    async def test_erased_rows_do_not_shift_the_others(self, lab: Lab) -> None:
        for kind in kinds(lab):
            table, _ = await filled(lab)
            pages, everything, first = await _start(lab, table, kind)
            seen = len(first)
            ahead = everything[seen:]
            # What was read is erased, the row the scan stands on too, and every third one ahead.
            gone = [*first, *ahead[1::3]]
            for row in gone:
                await lab.storage.mutate([Erase(table, key_of(table, row))])
            rest = await _rest(pages)
            keys = _keys(table, rest)
            stay = [key for key in _keys(table, ahead) if key not in _keys(table, gone)]
            assert [key for key in keys if key in stay] == stay, f"{kind.name} lost rows"
            assert len(set(keys)) == len(keys), f"{kind.name} repeats rows"
            assert not set(keys) & set(_keys(table, first)), f"{kind.name} went back"
            if kind.read in lab.info(table.name).linearizable:
                assert keys == stay, f"{kind.name} shows erased rows"

    async def test_new_rows_do_not_shift_the_others(self, lab: Lab) -> None:
        for kind in kinds(lab):
            table, rows = await filled(lab)
            pages, everything, first = await _start(lab, table, kind)
            new: list[Row] = [
                {**row, "b": text} for row in rows for text in ("a", "uua") if row["b"] == "u"
            ]
            await lab.load(table, new)
            rest = await _rest(pages)
            keys = _keys(table, [*first, *rest])
            wanted = _keys(table, everything)
            assert [key for key in keys if key in wanted] == wanted, f"{kind.name} lost rows"
            assert len(set(keys)) == len(keys), f"{kind.name} repeats rows"
            shown = [*first, *rest]
            known = {key_of(table, row): row for row in [*rows, *(whole(table, r) for r in new)]}
            assert all(same_row(row, known[key_of(table, row)]) for row in shown)
            in_order = kind.sorted(table, shown)
            assert in_order is None or _keys(table, in_order) == keys

    async def test_changed_rows_are_shown_once(self, lab: Lab) -> None:
        for kind in kinds(lab):
            table, _ = await filled(lab)
            pages, everything, first = await _start(lab, table, kind)
            order = {item.column for item in getattr(kind.source, "order", ())}
            free = "t" if "t" not in order else "i"  # a column that does not move the row
            values: Row = {free: "changed" if free == "t" else 1}
            for row in everything:
                await lab.storage.mutate([Write(table, key_of(table, row), dict(values))])
            rest = await _rest(pages)
            wanted = _keys(table, everything)
            assert _keys(table, [*first, *rest]) == wanted, kind.name
            if kind.read in lab.info(table.name).linearizable:
                assert all(row[free] == values[free] for row in rest), f"{kind.name} is stale"
