"""Own records are finished although a reader was quicker with one of them."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

import scalar_tx
from scalar_tx.storage.sqlite.storage import SqliteStorage

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pytest

    from scalar_tx.storage.interface import StorageMutation


def states(file: Path) -> list[tuple[int, int]]:
    connection = sqlite3.connect(file)
    found = connection.execute('SELECT "id", "tx_state" FROM "bank$account" ORDER BY "id"')
    rows = [(int(number), int(state)) for number, state in found.fetchall()]
    connection.close()
    return rows


def test_the_other_records_of_a_refused_batch_are_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "bank.db"
    db = scalar_tx.connect(f"sqlite:///{file}")
    db.admin.create_table("bank.account", columns={"id": "INT"}, partition_key=["id"])
    reader = scalar_tx.connect(f"sqlite:///{file}")
    mutate = SqliteStorage.mutate
    batches: list[int] = []

    async def read_before_finishing(
        storage: SqliteStorage, mutations: Sequence[StorageMutation]
    ) -> None:
        batches.append(len(mutations))
        if batches == [3, 1, 3]:  # prepare, decide, finish: now somebody reads one of them
            assert reader.get("bank.account", {"id": 2}) is not None
            reader.close()  # waits until it has rolled the record forward
            assert states(file) == [(1, 1), (2, 3), (3, 1)]
        await mutate(storage, mutations)

    monkeypatch.setattr(SqliteStorage, "mutate", read_before_finishing)
    with db.transaction() as tx:
        for number in (1, 2, 3):
            tx.insert("bank.account", {"id": number})
    assert states(file) == [(1, 3), (2, 3), (3, 3)]
