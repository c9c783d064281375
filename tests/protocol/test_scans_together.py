"""Is a batch with scans what its operations are one after the other, whatever they meet?

Beside each other: two databases with the same rows, some of them undecided; one transaction calls
``batch``, the other one operation at a time.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalar_tx.errors import ConflictError, ScalarTxError, StorageUnavailableError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Delete, Get, Insert, Scan, Upsert
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.watched_storage import Fault
from tests.protocol.world import Tx, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.operations import Operation
    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Pages, ScanRequest

LOG = "shop.log"
SCHEMA = TableSchema(
    columns={"p": "INT", "k": "INT", "v": "INT", "kind": "TEXT"},
    partition_key=["p"],
    clustering_key=["k"],
    secondary_index=["kind"],
)
RC, SI, SER = Isolation.READ_COMMITTED, Isolation.SNAPSHOT, Isolation.SERIALIZABLE
PARTITIONS, ROWS = 3, 5


class PagedStorage(MemoryStorage):
    """Counts the pages that it hands out, and the scans that nobody has closed."""

    def __init__(self) -> None:
        super().__init__()
        self.pages = 0
        self.open: set[_Pages] = set()

    def scan(self, request: ScanRequest) -> Any:
        return _Pages(self, super().scan(request))


class _Pages:
    def __init__(self, storage: PagedStorage, pages: Pages) -> None:
        self._storage = storage
        self._pages = pages

    async def next_page(self) -> Sequence[Row] | None:
        self._storage.open.add(self)
        self._storage.pages += 1
        return await self._pages.next_page()

    async def close(self) -> None:
        self._storage.open.discard(self)
        await self._pages.close()


def world_of(undecided: dict[tuple[int, int], str] | None = None) -> tuple[World, PagedStorage]:
    """Three partitions of five rows; some of them as a writer left them in the middle."""
    storage = PagedStorage()
    world = World(storage)
    world.create_table(LOG, SCHEMA)
    world.load(
        LOG,
        *(
            {"p": p, "k": k, "v": k, "kind": "even" if k % 2 == 0 else "odd"}
            for p in range(PARTITIONS)
            for k in range(ROWS)
        ),
    )
    for (p, k), what in (undecided or {}).items():
        writer = f"{what} {p} {k}"
        world.write(LOG, (p, k), tx_id=writer, tx_state=1, tx_version=2, v=100 + k)
        world.write(LOG, (p, k), tx_prepared_at=world.runtime.ms)
        world.write(LOG, (p, k), before_tx_id="load-1", before_tx_state=3, before_tx_version=1)
        world.write(LOG, (p, k), before_v=k, before_kind="even" if k % 2 == 0 else "odd")
        if what != "alive":
            world.write_decision(writer, 3 if what == "committed" else 4)
    storage.pages = 0
    return world, storage


def keys(found: Any) -> list[list[int]]:
    """Which rows of their partitions scans have found."""
    return [[row["k"] for row in one] for one in found if one is not None]


def rows(found: Any) -> Any:
    """Results, to be compared; an index has no order of its own."""
    if isinstance(found, list):
        return sorted(tuple(sorted(dict(row).items())) for row in found)
    return None if found is None else tuple(sorted(dict(found).items()))


KEYS = st.tuples(st.integers(0, PARTITIONS), st.integers(0, ROWS + 1))
LIMITS = st.integers(0, ROWS)
SCANS = st.one_of(
    st.builds(
        lambda p, limit, down: Scan(LOG, {"p": p}, limit=limit, order_by=["-k"] if down else None),
        st.integers(0, PARTITIONS),
        LIMITS,
        st.booleans(),
    ),
    st.builds(
        lambda p, k, limit: Scan(LOG, {"p": p}, start={"k": k}, limit=limit),
        st.integers(0, PARTITIONS),
        st.integers(0, ROWS),
        LIMITS,
    ),
    st.builds(lambda kind: Scan(LOG, index={"kind": kind}), st.sampled_from(["even", "odd", "no"])),
    st.builds(lambda weak: Scan(LOG, whole_table=True, weak=weak), st.booleans()),
)
OPERATIONS = st.one_of(
    SCANS,
    SCANS,
    st.builds(lambda key: Get(LOG, {"p": key[0], "k": key[1]}), KEYS),
    st.builds(lambda kind: Get(LOG, index={"kind": kind}), st.sampled_from(["no", "rare"])),
    st.builds(
        lambda key, kind: Upsert(LOG, {"p": key[0], "k": key[1], "v": 7, "kind": kind}),
        KEYS,
        st.sampled_from(["even", "odd", "rare"]),
    ),
    st.builds(lambda key: Insert(LOG, {"p": key[0], "k": key[1], "v": 8, "kind": "odd"}), KEYS),
    st.builds(lambda key: Delete(LOG, {"p": key[0], "k": key[1]}), KEYS),
)


@dataclass
class Told:
    """What came of a transaction."""

    results: list[Any] = field(default_factory=list)
    error: type[Exception] | None = None
    committed: bool = False
    pages: int = 0
    contents: list[Any] = field(default_factory=list)


def told(
    batches: list[list[Operation]],
    undecided: dict[tuple[int, int], str],
    isolation: Isolation,
    *,
    together: bool,
) -> Told:
    world, storage = world_of(undecided)
    tx = world.begin("T", isolation)
    found = Told()
    try:
        for operations in batches:
            parts = [operations] if together else [[one] for one in operations]
            for part in parts:
                found.results += map(rows, world.run(tx.steps.batch(part), "T"))
        found.pages = storage.pages
        tx.commit()
        found.committed = True
    except ScalarTxError as error:
        found.error = type(error)
        tx.rollback()
    assert storage.open == set()
    world.runtime.ms += 16_000
    reader = world.begin("reader", SI)
    found.contents = rows(reader.scan(LOG, whole_table=True))
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.lists(OPERATIONS, min_size=1, max_size=6), min_size=1, max_size=2),
    st.dictionaries(
        st.tuples(st.integers(0, PARTITIONS - 1), st.integers(0, ROWS - 1)),
        st.sampled_from(["alive", "committed", "aborted", "committed", "aborted"]),
        max_size=3,
    ),
    st.sampled_from(Isolation),
)
def test_a_batch_is_its_operations_one_after_the_other(
    batches: list[list[Operation]],
    undecided: dict[tuple[int, int], str],
    isolation: Isolation,
) -> None:
    one_by_one = told(batches, undecided, isolation, together=False)
    together = told(batches, undecided, isolation, together=True)
    if one_by_one.error is None or not one_by_one.results:
        assert together.error == one_by_one.error
    assert (together.error is None) == (one_by_one.error is None)
    assert together.committed == one_by_one.committed
    assert together.contents == one_by_one.contents
    # At READ_COMMITTED an undecided row is as it was before, until the first that meets it has
    # settled it; and one that is settled may be gone when the next scan looks for it.
    if together.error is None and not (undecided and isolation is RC):
        assert together.results == one_by_one.results
    # Fewer where a weak scan is shown what an equal one that is not weak, behind it, has waiting.
    if together.error is None and not undecided:
        weak = any(isinstance(one, Scan) and one.weak for batch in batches for one in batch)
        assert together.pages <= one_by_one.pages
        assert weak or together.pages == one_by_one.pages


def test_operations_of_all_kinds_and_ends_are_among_them() -> None:
    """The test above compares transactions that commit, conflict, and fail."""
    ends: Counter[str] = Counter()

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(
        st.lists(OPERATIONS, min_size=2, max_size=6),
        st.dictionaries(
            st.tuples(st.integers(0, PARTITIONS - 1), st.integers(0, ROWS - 1)),
            st.sampled_from(["alive", "committed", "aborted"]),
            max_size=1,
        ),
    )
    def run(operations: list[Operation], undecided: dict[tuple[int, int], str]) -> None:
        found = told([operations], undecided, SER, together=True)
        ends["committed" if found.error is None else found.error.__name__] += 1
        ends["some undecided"] += bool(undecided) and found.error is None
        ends["several scans"] += sum(isinstance(one, Scan) for one in operations) > 1

    run()
    assert min(ends["committed"], ends["ConflictError"]) >= 10, ends
    assert min(ends["some undecided"], ends["several scans"]) >= 10, ends


def test_what_lies_behind_a_limit_is_not_judged() -> None:
    """Its first page holds it; the one that has enough before does not meet a living writer."""
    world, _ = world_of({(0, 2): "alive", (1, 4): "alive"})
    tx = world.begin(isolation=SER)
    # The own row comes first: of the stored ones two are wanted, and three are on the page.
    tx.upsert(LOG, {"p": 0, "k": -1, "v": 0})
    asked = [Scan(LOG, {"p": 0}, limit=3), Scan(LOG, {"p": 1}, limit=4)]
    assert keys(world.run(tx.steps.batch(asked), tx.id)) == [[-1, 0, 1], [0, 1, 2, 3]]
    with pytest.raises(ConflictError, match="STX-1010"):
        world.run(tx.steps.batch([Scan(LOG, {"p": 2}), Scan(LOG, {"p": 1})]), tx.id)


@pytest.mark.parametrize(
    "isolation, asked, pages",
    [
        (SI, [Scan(LOG, {"p": 0}), Scan(LOG, {"p": 0})], 1),
        (SER, [Scan(LOG, {"p": 0}), Scan(LOG, {"p": 0})], 1),
        (RC, [Scan(LOG, {"p": 0}), Scan(LOG, {"p": 0})], 2),
        (SER, [Scan(LOG, {"p": 0}), Scan(LOG, {"p": 0}, weak=True)], 1),
        (SER, [Scan(LOG, {"p": 0}, weak=True), Scan(LOG, {"p": 0})], 2),
        (SI, [Scan(LOG, {"p": 0}, limit=2), Scan(LOG, {"p": 0}, limit=4)], 2),
    ],
)
def test_equal_scans_are_read_as_often_as_one_after_the_other(
    isolation: Isolation, asked: list[Operation], pages: int
) -> None:
    for together in (True, False):
        world, storage = world_of()
        tx = world.begin(isolation=isolation)
        for part in [asked] if together else [[one] for one in asked]:
            world.run(tx.steps.batch(part), tx.id)
        assert storage.pages == pages + (0 if asked[-1].limit else pages), together  # type: ignore[union-attr]
        tx.commit()


def test_it_takes_the_time_of_the_slowest() -> None:
    world, _ = world_of()
    tx = world.begin(isolation=SI)
    world.run(tx.steps.batch([Scan(LOG, {"p": p}) for p in range(PARTITIONS)]), tx.id)
    assert [str(call) for call in world.storage.calls] == ["scan read x1"] * PARTITIONS
    assert world.runtime.steps == 1


def test_a_weak_scan_of_a_batch_is_not_validated_and_another_is() -> None:
    for weak in (True, False):
        world, _ = world_of()
        tx = world.begin("T", SER)
        asked = [Scan(LOG, {"p": p}, weak=weak) for p in range(2)]
        world.run(tx.steps.batch(asked), tx.id)
        other = world.begin("other")
        other.upsert(LOG, {"p": 1, "k": 9, "v": 0})
        other.commit()
        if weak:
            tx.commit()
        else:
            with pytest.raises(ConflictError, match="STX-1020"):
                tx.commit()


def test_own_writes_between_two_scans_of_a_batch_are_seen_by_the_second() -> None:
    world, _ = world_of()
    tx: Tx = world.begin(isolation=SER)
    found = world.run(
        tx.steps.batch(
            [
                Scan(LOG, {"p": 0}, limit=2),
                Delete(LOG, {"p": 0, "k": 0}),
                Scan(LOG, {"p": 0}, limit=2),
            ]
        ),
        tx.id,
    )
    assert keys(found) == [[0, 1], [1, 2]]
    tx.commit()


def test_a_scan_whose_own_rows_meet_a_living_writer_is_closed_too() -> None:
    world, storage = world_of({(0, 0): "alive"})
    tx = world.begin(isolation=SER)
    with pytest.raises(ConflictError, match="STX-1010"):
        world.run(
            tx.steps.batch(
                [Upsert(LOG, {"p": 0, "k": 0, "v": 1}), *(Scan(LOG, {"p": p}) for p in range(2))]
            ),
            tx.id,
        )
    assert storage.open == set()


def test_a_read_that_fails_names_the_cause_and_closes_the_others() -> None:
    world, storage = world_of()
    tx = world.begin("T", SER)
    cause = StorageUnavailableError("it is down")
    world.storage.faults = [Fault("read", lambda: cause, skip=1)]
    with pytest.raises(StorageUnavailableError, match="it is down") as caught:
        world.run(tx.steps.batch([Scan(LOG, {"p": p}) for p in range(PARTITIONS)]), tx.id)
    assert caught.value.transaction_id == "T"
    assert caught.value.code == "STX-4001"
    assert len(world.storage.calls) == 2  # none was begun behind it
    assert storage.open == set()
    tx.commit()


def test_a_scan_that_has_to_hold_does_not_wait_for_an_equal_weak_one() -> None:
    world, _ = world_of()
    tx = world.begin("T", SER)
    asked = [Scan(LOG, {"p": 0}, weak=True), Scan(LOG, {"p": 0})]
    world.run(tx.steps.batch(asked), tx.id)
    assert world.runtime.steps == 1
    other = world.begin("other")
    other.upsert(LOG, {"p": 0, "k": 9, "v": 0})
    other.commit()
    with pytest.raises(ConflictError, match="STX-1020"):
        tx.commit()
