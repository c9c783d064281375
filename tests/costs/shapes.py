"""Which transactions stand on the page, as programs on a table of accounts?"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx import Transaction, TransactionManager

    Step = Callable[[Transaction], None]

TABLE = "protocol_costs.account"
FOUR = range(1, 5)
ONE = {"p": 1, "c": 1}
# In the order of the page: its words -> the transaction. Each finds the records 1 to 4 with two
# clustering keys each, of which one is of the kind "rare".
SHAPES: dict[str, Step] = {}
_fresh = itertools.count(100)


def shape(words: str) -> Callable[[Step], Step]:
    def named(step: Step) -> Step:
        SHAPES[words] = step
        return step

    return named


def prepare(db: TransactionManager) -> None:
    """An own table with its records."""
    db.admin.create_coordinator_tables(if_not_exists=True)
    db.admin.drop_table(TABLE, if_exists=True)
    db.admin.create_table(
        TABLE,
        columns={"p": "INT", "c": "INT", "n": "INT", "kind": "TEXT"},
        partition_key=["p"],
        clustering_key=["c"],
        secondary_index=["kind"],
    )
    for p, c in itertools.product(FOUR, (1, 2)):
        kind = "rare" if (p, c) == (1, 1) else "common"
        db.insert(TABLE, {"p": p, "c": c, "n": 0, "kind": kind})


def read(tx: Transaction, *keys: dict[str, int]) -> None:
    for key in keys:
        assert tx.get(TABLE, key) is not None


@shape("reads one, updates it")
def _read_and_update(tx: Transaction) -> None:
    read(tx, ONE)
    tx.update(TABLE, ONE, {"n": 1})


def _both(tx: Transaction, *keys: dict[str, int]) -> None:
    read(tx, *keys)
    for key in keys:
        tx.update(TABLE, key, {"n": 2})


@shape("reads two of a partition, updates both")
def _two_of_a_partition(tx: Transaction) -> None:
    _both(tx, {"p": 1, "c": 1}, {"p": 1, "c": 2})


@shape("reads two of two partitions, updates both")
def _two_partitions(tx: Transaction) -> None:
    _both(tx, {"p": 1, "c": 1}, {"p": 2, "c": 1})


@shape("inserts one")
def _insert(tx: Transaction) -> None:
    tx.insert(TABLE, {"p": next(_fresh), "c": 1, "n": 0})


@shape("inserts four into a partition")
def _insert_four(tx: Transaction) -> None:
    p = next(_fresh)
    for c in FOUR:
        tx.insert(TABLE, {"p": p, "c": c, "n": 0})


@shape("upserts one unread")
def _upsert(tx: Transaction) -> None:
    tx.upsert(TABLE, {**ONE, "n": 3})


@shape("deletes one unread")
def _delete(tx: Transaction) -> None:
    tx.delete(TABLE, {"p": 4, "c": 2})


@shape("upserts four unread, in four partitions")
def _upsert_four(tx: Transaction) -> None:
    for p in FOUR:
        tx.upsert(TABLE, {"p": p, "c": 1, "n": 4})


@shape("reads one, inserts another")
def _read_and_insert(tx: Transaction) -> None:
    read(tx, ONE)
    _insert(tx)


@shape("scans a partition, updates one of it")
def _scan_and_update(tx: Transaction) -> None:
    assert len(tx.scan(TABLE, {"p": 1})) == 2
    tx.update(TABLE, ONE, {"n": 5})


@shape("scans by an index, updates one")
def _index_scan_and_update(tx: Transaction) -> None:
    assert len(tx.scan(TABLE, index={"kind": "rare"})) == 1
    tx.update(TABLE, ONE, {"n": 6})


@shape("reads four")
def _read_four(tx: Transaction) -> None:
    read(tx, *({"p": p, "c": 1} for p in FOUR))


GET = "`db.get`"  # the one that is no function of a transaction


def run(db: TransactionManager, words: str, level: str) -> None:
    """One transaction of a kind."""
    if words == GET:
        assert db.get(TABLE, ONE) is not None
    else:
        db.run(SHAPES[words], isolation=level, retry=0)


def mend(db: TransactionManager) -> None:
    """Put back what the transactions take away."""
    db.upsert(TABLE, {"p": 4, "c": 2, "n": 0, "kind": "common"})
