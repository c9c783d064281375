"""Is docs/protocol-costs.md true, and nowhere above what the protocol prescribes?

Each cell of its two tables is compared with what is sent, at every place; the prescribed numbers
with those that the tests of the protocol take from Consensus Commit specification 12.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.isolation import Isolation
from scalar_tx.storage.interface import AtomicityUnit
from tests.costs import counters, shapes
from tests.costs.page import PLACES, Way, rows
from tests.protocol.test_storage_calls import READ_ONLY, SHAPES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from scalar_tx import TransactionManager
    from tests.costs.counters import Counter
    from tests.costs.page import Cost, Row

ROWS = {way: rows(way) for way in Way}
EACH = [(way, row) for way, found in ROWS.items() for row in found]
each_row = pytest.mark.parametrize(
    "way,row", [pytest.param(way, row, id=f"{way.name} {row.name}") for way, row in EACH]
)
IN_CALLS = ("memory", "sqlite")
ON_SERVERS = tuple(kind for kind in PLACES if kind not in IN_CALLS)
# Reads that run together may open a connection, whose round trips are none of the transaction's.
ATTEMPTS = 5
# The rows of the specification's table that a row of the page stands for.
NUMBERS = {
    "reads one, updates it": ("1", "2"),
    "reads two of a partition, updates both": ("3",),
    "reads two of two partitions, updates both": ("5", "4"),
    "inserts one": ("7",),
    "inserts four into a partition": ("8",),
    "upserts one unread": ("9, upsert",),
    "deletes one unread": ("9, delete",),
    "upserts four unread, in four partitions": ("11", "10"),
    "reads one, inserts another": ("12", "13"),
    "scans a partition, updates one of it": ("14", "15"),
    "scans by an index, updates one": ("16", "17"),
    "reads four": ("18", "19"),
    shapes.GET: ("20",),
}


@each_row
def test_what_is_prescribed_is_what_the_protocol_is_tested_for(way: Way, row: Row) -> None:
    level = Isolation[row.level]
    asserted = [
        (number, calls)
        for number, _, units, levels, calls, _ in SHAPES
        if level in levels and (AtomicityUnit.STORAGE in units or AtomicityUnit.PARTITION in units)
    ]
    asserted += [(number, calls) for number, _, levels, calls, *_ in READ_ONLY if level in levels]
    found = dict(asserted)
    wanted = [found[number] for number in NUMBERS[row.shape] if number in found]
    assert row.operations == wanted


@each_row
def test_nothing_costs_more_than_prescribed(way: Way, row: Row) -> None:
    for place in PLACES:
        cost = row.cost(place)
        most = row.most[-1] if place == "cassandra" else row.most[0]
        assert cost is None or cost.operations <= most, place


@pytest.mark.parametrize("way", Way)
def test_every_program_stands_on_the_page_at_a_level(way: Way) -> None:
    assert {row.shape for row in ROWS[way]} == {*shapes.SHAPES, shapes.GET} == set(NUMBERS)
    assert len({row.name for row in ROWS[way]}) == len(ROWS[way])


def opened(
    place: str, request: pytest.FixtureRequest, folder: Path, way: Way
) -> AbstractContextManager[tuple[TransactionManager, Counter]]:
    if place in IN_CALLS:
        return counters.in_calls(place, folder, way)
    server = request.getfixturevalue(f"{place}_server")
    if place == "dynamodb":
        return counters.in_requests(server, way)
    if place == "cassandra":
        return counters.in_messages(server, way)
    return counters.in_statements(place, server, way)


@pytest.mark.parametrize("place", [
    *IN_CALLS,
    *(pytest.param(kind, marks=pytest.mark.servers(kind)) for kind in ON_SERVERS),
])  # fmt: skip
@pytest.mark.parametrize("way", Way)
def test_every_cell_is_what_is_sent(
    place: str, way: Way, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    with opened(place, request, tmp_path, way) as (db, count):
        shapes.prepare(db)
        wrong = list(differences(place, way, db, count))
    assert not wrong, "\n".join(wrong)


def differences(place: str, way: Way, db: TransactionManager, count: Counter) -> Iterator[str]:
    for row in ROWS[way]:
        cost = row.cost(place)
        if cost is None:
            with pytest.raises(InvalidOperationError):
                shapes.run(db, row.shape, row.level)
            continue
        shapes.run(db, row.shape, row.level)  # tables are looked at, statements prepared
        shapes.mend(db)
        found: list[Cost] = []
        while cost not in found and len(found) < ATTEMPTS:
            found.append(count(lambda row=row: shapes.run(db, row.shape, row.level)))  # type: ignore[misc]
            shapes.mend(db)
        if found[-1] != cost or any(one.operations != cost.operations for one in found):
            yield f"{row.name}: the page says {cost}, sent was {found}"
