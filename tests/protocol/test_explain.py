"""Does a transaction say beforehand exactly what its commit then asks of the storages?"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

import scalar_tx
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.model.isolation import Isolation
from scalar_tx.storage.interface import AtomicityUnit, StorageInfo
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol import test_storage_calls as shapes
from tests.protocol.counting import in_kinds
from tests.protocol.world import Tx, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.model.explanation import Explanation

WORKS = [work for _, work, *_ in shapes.SHAPES] + [work for _, work, *_ in shapes.READ_ONLY]


def said(found: Explanation) -> Counter[str]:
    alone = found.path == "record-only"
    return +Counter(
        R=found.pre_reads,
        P=found.prepares,
        V=found.validations,
        C=found.decisions,
        M=0 if alone else found.finishes,
        W=found.finishes if alone else 0,
    )


def seen(world: World) -> Counter[str]:
    kinds = in_kinds(world.storage.calls, 0).split()
    return Counter({kind.lstrip("0123456789"): int(kind[:-1]) for kind in kinds})


@pytest.mark.parametrize("work", dict.fromkeys(WORKS), ids=lambda work: work.__name__)
@pytest.mark.parametrize("isolation", Isolation)
@pytest.mark.parametrize("one_phase", [True, False])
@pytest.mark.parametrize("unit", [AtomicityUnit.STORAGE, AtomicityUnit.PARTITION])
def test_it_comes_as_it_was_said(
    work: Callable[[Tx], None], isolation: Isolation, one_phase: bool, unit: AtomicityUnit
) -> None:
    world = shapes.world_of(unit, one_phase_commit=one_phase)
    world.runtime.next_id = "T"
    tx = Tx(world, TransactionSteps(world.parts.context, isolation), "T")
    work(tx)
    found = tx.steps.explain()
    world.storage.calls.clear()
    world.runtime.steps = 0
    tx.commit()
    if work is shapes.index_scan_and_update and isolation is Isolation.SERIALIZABLE:
        found = replace(found, validations=2, round_trips=found.round_trips + 1)  # two indexes
    assert said(found) == seen(world)
    assert found.round_trips == world.runtime.steps
    assert found.requests == sum(seen(world).values())


class Dear(MemoryStorage):
    """Sells its capacity by the record, and twice as dear in groups."""

    def info(self, table: str) -> StorageInfo:
        return replace(super().info(table), charges_groups=True)


@pytest.mark.parametrize(
    "work,one_phase,path,units",
    [
        (shapes.one, False, "full", 1 + 1 + 1),
        (shapes.one, True, "record-only", 1),
        (shapes.blind_insert, True, "fused", 4),
        (shapes.two_partitions, False, "full", 4 + 1 + 4),
        (shapes.two_partitions, True, "fused", 6),
    ],
)
def test_units_of_capacity(
    work: Callable[[Tx], None], one_phase: bool, path: str, units: int
) -> None:
    world = World(Dear(), one_phase_commit=one_phase)
    world.create_table(shapes.ITEMS, shapes.SCHEMA)
    world.load(shapes.ITEMS, *({"shop": s, "no": 1, "price": 1} for s in (1, 2)))
    tx = Tx(world, TransactionSteps(world.parts.context, Isolation.SERIALIZABLE), "T")
    work(tx)
    found = tx.steps.explain()
    assert (found.path, found.write_units) == (path, units)
    world.storage.calls.clear()
    tx.commit()
    assert seen(world) == said(found)


def test_it_reads_well() -> None:
    with scalar_tx.connect("memory://", consensus_commit_one_phase_commit_enabled=True) as db:
        db.admin.create_table("bank.account", columns={"id": "INT"}, partition_key=["id"])
        tx = db.begin(isolation="SNAPSHOT")
        assert tx.explain().path == "none"
        tx.insert("bank.account", {"id": 1})
        assert str(tx.explain()) == (
            "1 records, commit path: fused (all records and the decision are one write)\n"
            "requests: 1 to decide; 1 round trips\n"
            "SNAPSHOT leaves possible: phantoms, read skew, write skew"
        )
        tx.rollback()
