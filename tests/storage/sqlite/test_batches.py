"""Is a batch of gets right in tables that another program has made or written?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import SchemaError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Write
from scalar_tx.storage.sqlite import open_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_tx.storage.interface import Answer
    from scalar_tx.storage.sqlite.storage import SqliteStorage

TABLE = Table("ns.t", TableSchema({"k": "TEXT", "n": "INT"}, ["k"]))


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[SqliteStorage]:
    opened = open_sqlite(str(tmp_path / "batches.db"))
    run_blocking(opened.admin.create_table(TABLE))
    yield opened
    run_blocking(opened.close())


def many(storage: SqliteStorage, *keys: str) -> list[Answer]:
    return run_blocking(storage.get_many([(TABLE, (key,)) for key in keys]))


def test_keys_that_only_the_database_takes_for_equal(storage: SqliteStorage) -> None:
    storage.connections.write('DROP TABLE "ns$t"')
    storage.connections.write('CREATE TABLE "ns$t" (k TEXT COLLATE NOCASE PRIMARY KEY, n INT)')
    run_blocking(storage.mutate([Write(TABLE, ("x",), {"n": 1}), Write(TABLE, ("y",), {"n": 2})]))
    for keys in (("X", "y"), ("Z", "X"), tuple("abcdefgXYZ")):
        alone = [run_blocking(storage.get(TABLE, (key,))) for key in keys]
        assert many(storage, *keys) == alone
    assert many(storage, "X", "y")[0] == {"k": "x", "n": 1}


def test_a_cell_that_is_no_value_spoils_its_own_record_alone(storage: SqliteStorage) -> None:
    for n, key in enumerate("abc"):
        run_blocking(storage.mutate([Write(TABLE, (key,), {"n": n})]))
    storage.connections.write("""UPDATE "ns$t" SET n='none' WHERE k='b'""")
    first, second, none, third = many(storage, "a", "b", "x", "c")
    assert (first, none, third) == ({"k": "a", "n": 0}, None, {"k": "c", "n": 2})
    assert isinstance(second, SchemaError)
