"""Do pages, of whatever size and from wherever resumed, add up to the whole scan?"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from scalar_tx.storage.conformance.judging import by_value, key_of, same_rows
from scalar_tx.storage.conformance.lab import MOST_PAGES
from scalar_tx.storage.conformance.scan_kinds import ScanKind, filled, kinds
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import (
    Erase,
    IndexSource,
    PartitionSource,
    ScanRequest,
    WholeTableSource,
)

if TYPE_CHECKING:
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row
    from scalar_tx.storage.conformance.lab import Lab


def position(table: Table, kind: ScanKind, row: Row) -> Row:
    """What ``ScanRequest.after`` holds: the key's columns and those of the order."""
    names = set(table.schema.primary_key)
    if isinstance(kind.source, WholeTableSource):
        names |= {item.column for item in kind.source.order}
    return {name: row[name] for name in names}


def _sorted_by_key(table: Table, rows: list[Row]) -> list[Row]:
    return sorted(rows, key=lambda row: [by_value(v) for v in key_of(table, row)])


class Paging(Topic):
    """Page sizes, resumption, the end."""

    async def test_a_scan_returns_its_rows_in_order(self, lab: Lab) -> None:
        table, rows = await filled(lab)
        for kind in kinds(lab):
            chosen = [row for row in rows if kind.chosen(table, row)]
            found = await lab.rows(ScanRequest(table, kind.source))
            wanted = kind.sorted(table, chosen)
            if wanted is None:
                found, wanted = _sorted_by_key(table, found), _sorted_by_key(table, chosen)
            assert same_rows(found, wanted), kind.name
            assert len(found) >= 1

    async def test_every_page_size_gives_the_same_rows(self, lab: Lab) -> None:
        table, rows = await filled(lab)
        for kind in kinds(lab):
            whole = await lab.rows(ScanRequest(table, kind.source))
            assert len(whole) == len([row for row in rows if kind.chosen(table, row)]), kind.name
            for size in range(1, len(whole) + 2):
                found = await lab.rows(ScanRequest(table, kind.source, page_size=size))
                assert same_rows(found, whole), f"{kind.name} by pages of {size}"

    async def test_a_scan_resumes_behind_any_row(self, lab: Lab) -> None:
        table, _ = await filled(lab)
        for kind in kinds(lab):
            if isinstance(kind.source, IndexSource):
                continue
            whole = await lab.rows(ScanRequest(table, kind.source))
            for index, row in enumerate(whole):
                request = ScanRequest(
                    table, kind.source, after=position(table, kind, row), page_size=2
                )
                found = await lab.rows(request)
                assert same_rows(found, whole[index + 1 :]), f"{kind.name} after {row}"

    async def test_an_index_scan_resumes_behind_any_row(self, lab: Lab) -> None:
        table, _ = await filled(lab)
        source = IndexSource("i", 1)
        whole = await lab.rows(ScanRequest(table, source))
        assert len(whole) == 8
        for index, row in enumerate(whole):
            after = {**{name: row[name] for name in table.schema.primary_key}, "i": 1}
            found = await lab.rows(ScanRequest(table, source, after=after, page_size=2))
            assert same_rows(found, whole[index + 1 :]), f"after {row}"

    async def test_a_scan_resumes_where_a_row_was(self, lab: Lab) -> None:
        for kind in kinds(lab):
            if isinstance(kind.source, IndexSource):
                continue
            table, _ = await filled(lab)
            whole = await lab.rows(ScanRequest(table, kind.source))
            middle = len(whole) // 2
            await lab.storage.mutate([Erase(table, key_of(table, whole[middle]))])
            after = position(table, kind, whole[middle])
            found = await lab.rows(ScanRequest(table, kind.source, after=after, page_size=1))
            assert same_rows(found, whole[middle + 1 :]), kind.name

    async def test_a_position_outside_of_the_range(self, lab: Lab) -> None:
        table, rows = await filled(lab)
        for kind in kinds(lab):
            if not isinstance(kind.source, PartitionSource):
                continue
            whole = await lab.rows(ScanRequest(table, kind.source))
            everything = await lab.rows(
                ScanRequest(table, PartitionSource((1,), reverse=kind.source.reverse))
            )
            for index, row in enumerate(everything):
                behind = everything[index + 1 :]
                after = position(table, kind, row)
                found = await lab.rows(ScanRequest(table, kind.source, after=after))
                assert same_rows(found, [row for row in whole if row in behind]), kind.name
        assert len(rows) == 20

    async def test_an_empty_scan_is_at_its_end(self, lab: Lab) -> None:
        table, _ = await filled(lab)
        await lab.storage.admin.truncate_table(table.name)
        for kind in kinds(lab):
            pages = lab.storage.scan(ScanRequest(table, kind.source))
            for _ in range(3):
                assert await pages.next_page() is None, kind.name
            await pages.close()

    async def test_a_scan_may_be_closed_at_any_time(self, lab: Lab) -> None:
        table, _ = await filled(lab)
        for kind in kinds(lab):
            request = ScanRequest(table, kind.source, page_size=2)
            for read in range(3):
                pages = lab.storage.scan(request)
                for _ in range(read):
                    await pages.next_page()
                await pages.close()
                await pages.close()
            # What was closed early holds up nobody.
            assert await lab.rows(replace(request, page_size=100))
            await lab.load(table, [{"p": 1, "a": 1, "b": "u", "n": 7}])

    async def test_several_scans_are_read_at_once(self, lab: Lab) -> None:
        """Their first pages at the same time, on threads where storages block; the rest in turns.

        The thread that reads on is not the one that began.
        """
        table, _ = await filled(lab)
        for kind in kinds(lab):
            sizes = [1, 2, 3, 4, 5, 6]
            begun = [
                lab.storage.scan(ScanRequest(table, kind.source, page_size=size)) for size in sizes
            ]
            first = await lab.runner.together([pages.next_page for pages in begun])
            found = [list(page or ()) for page in first]
            left = list(zip(found, begun, strict=True))
            for _ in range(MOST_PAGES):
                for rows, pages in left[:]:
                    page = await pages.next_page()
                    if page is None:
                        left.remove((rows, pages))
                    rows.extend(page or ())
                if not left:
                    break
            for pages in begun:
                await pages.close()
            whole = await lab.rows(ScanRequest(table, kind.source))
            for size, rows in zip(sizes, found, strict=True):
                assert same_rows(rows, whole), f"{kind.name} by pages of {size} beside others"
