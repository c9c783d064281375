"""A process that was never there before reads everything, so that all that was left gets settled.

Its standard input says as JSON which ids there are, of which nobody knows the outcome, and which
partitions of lists were written to. It prints what it saw and what the library says of the ids.

    python -m tests.chaos.settler TARGET < asked.json
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import scalar_tx
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import ReadKind
from tests.chaos import lists, planted
from tests.chaos.bank import ACCOUNT, BANKS, MARKER, NOTE, NOTES, TABLES
from tests.chaos.patience import patiently

if TYPE_CHECKING:
    from collections.abc import Mapping

# The writers are dead and their time is over: whoever is in the way now stays there.
PATIENCE = scalar_tx.RetryPolicy(deadline=30.0)
AT_ONCE = 8


def whole(db: scalar_tx.TransactionManager, table: str) -> list[scalar_tx.Record]:
    """A table as the library shows it; of the many markers, what was there needs no second look."""
    level = scalar_tx.Isolation.SNAPSHOT if table == MARKER else scalar_tx.Isolation.SERIALIZABLE
    return db.run(
        lambda tx: tx.scan(table, whole_table=True),
        isolation=level,
        read_only=True,
        retry=PATIENCE,
    )


def piece_by_piece(
    db: scalar_tx.TransactionManager, pool: ThreadPoolExecutor, asked: Mapping[str, Any]
) -> dict[str, list[scalar_tx.Record]]:
    """The same where no whole table can be read serializably: by partition and by key."""

    def scan(place: tuple[str, str, int]) -> list[scalar_tx.Record]:
        table, column, value = place
        return db.run(lambda tx: tx.scan(table, {column: value}), read_only=True, retry=PATIENCE)

    def get(place: tuple[str, str, Any]) -> list[scalar_tx.Record]:
        table, column, value = place
        found = db.run(lambda tx: tx.get(table, {column: value}), read_only=True, retry=PATIENCE)
        return [] if found is None else [found]

    seen: dict[str, list[scalar_tx.Record]] = {table: [] for table in TABLES}
    partitions = [(ACCOUNT, "bank", bank) for bank in range(BANKS)]
    partitions += [(lists.table_of(part), "part", part) for part in asked["parts"]]
    notes = sorted({*range(NOTES), *asked.get("notes", ())})
    keys: list[tuple[str, str, Any]] = [(NOTE, "number", number) for number in notes]
    keys += [(MARKER, "id", tx_id) for tx_id in asked["ids"]]
    for (table, _, _), found in zip(partitions, pool.map(scan, partitions), strict=True):
        seen[table] += found
    for (table, _, _), found in zip(keys, pool.map(get, keys), strict=True):
        seen[table] += found
    return seen


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("--fault", choices=[*planted.FAULTS, "none"], default="none")
    wanted = parser.parse_args()
    planted.plant(wanted.fault)
    asked = json.load(sys.stdin)
    storage = scalar_tx.open_storage(wanted.target)
    by_table = all(ReadKind.WHOLE_TABLE in storage.info(one).linearizable for one in TABLES)
    run_blocking(storage.close())
    with scalar_tx.connect(wanted.target) as db, ThreadPoolExecutor(AT_ONCE) as pool:
        undecided = asked["undecided"]
        settled = pool.map(lambda tx_id: patiently(lambda: db.settle(tx_id)).value, undecided)
        states = dict(zip(undecided, settled, strict=True))
        if by_table:
            seen = {table: whole(db, table) for table in TABLES}
        else:
            seen = piece_by_piece(db, pool, asked)
        new = [tx_id for tx_id in asked["new"] if tx_id not in states]
        told = pool.map(lambda tx_id: patiently(lambda: db.state(tx_id)).value, new)
        states |= zip(new, told, strict=True)
    rows = {table: [dict(record) for record in records] for table, records in seen.items()}
    json.dump({"rows": rows, "states": states}, sys.stdout)


if __name__ == "__main__":
    main()
