"""How much memory does an open transaction take?"""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import scalar_tx
from scalar_tx import TableSchema

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "app.notes"
TRANSACTIONS = 500
RECORDS = 4  # each read and written by a transaction
# 200 MiB for 10,000 of them.
MOST_BYTES = 200 * 2**20 // 10_000


def text(number: int) -> str:
    return f"{number:0100}"


def test_ten_thousand_of_four_records_fit_into_200_mib(tmp_path: Path) -> None:
    with scalar_tx.connect(f"sqlite:///{tmp_path / 'notes.db'}") as db:
        db.admin.create_namespace("app")
        db.admin.create_table(
            TABLE, TableSchema(partition_key=["id"], columns={"id": "INT", "text": "TEXT"})
        )
        ids = range(TRANSACTIONS * RECORDS)
        db.load(TABLE, ({"id": number, "text": text(number)} for number in ids))
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            open_ones = [db.begin() for _ in range(TRANSACTIONS)]
            for number in ids:
                tx = open_ones[number // RECORDS]
                assert tx.get(TABLE, {"id": number}) is not None
                tx.update(TABLE, {"id": number}, {"text": text(number + 1)})
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        for tx in open_ones:
            tx.rollback()
    assert 0 < (after - before) / TRANSACTIONS <= MOST_BYTES
