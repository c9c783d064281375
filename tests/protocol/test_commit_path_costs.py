"""What does a commit cost that leaves steps out?

The shapes are those of Consensus Commit specification 12.2, with the decision and the records in
one write (13.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.model.isolation import Isolation
from scalar_tx.storage.interface import AtomicityUnit
from tests.protocol import test_storage_calls as shapes
from tests.protocol.counting import counted

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.protocol.world import Tx

RC, SI, SER = Isolation.READ_COMMITTED, Isolation.SNAPSHOT, Isolation.SERIALIZABLE
ALL = (RC, SI, SER)
N = shapes.N

# number, work, isolation levels, calls, steps; where all records lie beside the decisions
SHAPES: list[tuple[str, Callable[[Tx], None], tuple[Isolation, ...], str, int]] = [
    ("1, 2", shapes.one, ALL, "1R 1C", 2),
    ("3", shapes.two_in_one_partition, ALL, "2R 1C", 3),
    ("5", shapes.two_partitions, ALL, "2R 1C", 3),
    ("6", shapes.two_storages, ALL, "2R 1P 1C 1M", 5),
    ("7", shapes.blind_insert, ALL, "1C", 1),
    ("8", shapes.inserts_in_one_partition, ALL, "1C", 1),
    ("9, upsert", shapes.unread_upsert, ALL, "1R 1C", 2),
    ("9, delete", shapes.unread_delete, ALL, "1R 1C", 2),
    ("11", shapes.unread_upserts, ALL, f"{N}R 1C", 2),
    ("12", shapes.read_one_write_another, (RC, SI), "1R 1C", 2),
    ("13", shapes.read_one_write_another, (SER,), "1R 1P 1V 1C", 4),
    ("14", shapes.scan_and_update, (SI,), "1R 1C", 2),
    ("15", shapes.scan_and_update, (SER,), "1R 1P 1V 1C", 4),
    ("16", shapes.index_scan_and_update, (SI,), "2R 1C", 3),
    ("17", shapes.index_scan_and_update, (SER,), "2R 1P 2V 1C", 6),
]


@pytest.mark.parametrize(
    "work,isolation,calls,steps",
    [
        pytest.param(work, level, calls, steps, id=f"{number}: {level.name}")
        for number, work, levels, calls, steps in SHAPES
        for level in levels
    ],
)
def test_what_a_shape_costs(
    work: Callable[[Tx], None], isolation: Isolation, calls: str, steps: int
) -> None:
    world = shapes.world_of(AtomicityUnit.STORAGE, one_phase_commit=True)
    counts = counted(world, work, lambda: world.begin(isolation=isolation))
    assert (counts.calls, counts.steps) == (calls, steps)


@pytest.mark.parametrize("unit", [AtomicityUnit.PARTITION, AtomicityUnit.TABLE])
def test_where_no_write_takes_decision_and_record_every_step_is_taken(unit: AtomicityUnit) -> None:
    world = shapes.world_of(unit, one_phase_commit=True)
    counts = counted(world, shapes.one, world.begin)
    assert counts.calls == "1R 1P 1C 1M"
