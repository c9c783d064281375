"""Which tables of other programs do the servers' adapters take over, and which do they refuse?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.interface import Write
from tests.storage.sql.stage import KINDS, mutate, opened, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.model.types import Row
    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster

pytestmark = [pytest.mark.parametrize("kind", KINDS), pytest.mark.servers(*KINDS)]

TAKEN: dict[str, dict[str, tuple[str, DataType]]] = {
    "postgresql": {
        "b": ("BOOLEAN", DataType.BOOLEAN),
        "s": ("SMALLINT", DataType.INT),
        "i": ("INTEGER", DataType.INT),
        "n": ("BIGINT", DataType.BIGINT),
        "f": ("REAL", DataType.FLOAT),
        "d": ("DOUBLE PRECISION", DataType.DOUBLE),
        "v": ("VARCHAR(20)", DataType.TEXT),
        "t": ("TEXT", DataType.TEXT),
        "x": ("BYTEA", DataType.BLOB),
        "da": ("DATE", DataType.DATE),
        "ti": ("TIME", DataType.TIME),
        "ts": ("TIMESTAMP(3)", DataType.TIMESTAMP),
        "tz": ("TIMESTAMPTZ", DataType.TIMESTAMPTZ),
    },
    "mysql": {
        "b": ("BOOLEAN", DataType.BOOLEAN),
        "y": ("TINYINT", DataType.INT),
        "s": ("SMALLINT UNSIGNED", DataType.INT),
        "m": ("MEDIUMINT", DataType.INT),
        "i": ("INT", DataType.INT),
        "u": ("INT UNSIGNED", DataType.BIGINT),
        "n": ("BIGINT", DataType.BIGINT),
        "d": ("DOUBLE", DataType.DOUBLE),
        "v": ("VARCHAR(20)", DataType.TEXT),
        "t": ("MEDIUMTEXT", DataType.TEXT),
        "x": ("VARBINARY(20)", DataType.BLOB),
        "l": ("LONGBLOB", DataType.BLOB),
        "da": ("DATE", DataType.DATE),
        "ti": ("TIME(6)", DataType.TIME),
        "ts": ("DATETIME(3)", DataType.TIMESTAMP),
        "tz": ("TIMESTAMP(3) NULL", DataType.TIMESTAMPTZ),
    },
}
VALUES: dict[DataType, Any] = {
    DataType.BOOLEAN: True,
    DataType.INT: 100,
    DataType.BIGINT: 2**31,
    DataType.FLOAT: 1.5,
    DataType.DOUBLE: 1.1,
    DataType.TEXT: "text ",
    DataType.BLOB: b"\x00 ",
    DataType.DATE: dt.date(2024, 2, 29),
    DataType.TIME: dt.time(12, 34, 56, 123456),
    DataType.TIMESTAMP: dt.datetime(2024, 2, 29, 12, 34, 56, 789000),
    DataType.TIMESTAMPTZ: dt.datetime(2024, 2, 29, 12, 34, 56, 789000, dt.UTC),
}
REFUSED = {
    "postgresql": {
        "c NUMERIC": "c is of the type numeric",
        "c CHAR(3)": "c is of the type character",
        "c BIT(1)": "c is of the type bit",
        "c UUID": "c is of the type uuid",
        "c INT[]": r"c is of the type integer\[\]",
        "c TIMETZ": "c is of the type time with time zone",
        "c SERIAL": "c takes its value from a sequence",
        "c INT GENERATED ALWAYS AS IDENTITY": "c is computed",
        "c INT GENERATED ALWAYS AS (1) STORED": "c is computed",
    },
    "mysql": {
        "c DECIMAL(5)": "c is of the type decimal",
        "c FLOAT": "c is of the type float",
        "c BIT(1)": "c is of the type bit",
        "c BIGINT UNSIGNED": "c is of the type bigint",
        "c YEAR": "c is of the type year",
        "c ENUM('a')": "c is of the type enum",
        "c TIMESTAMP DEFAULT NOW() ON UPDATE NOW()": "c changes by itself",
        "c INT AS (id)": "c changes by itself",
        "c INT AUTO_INCREMENT UNIQUE": "c is numbered by the database",
    },
}


@pytest.fixture
def storage(kind: str, request: pytest.FixtureRequest) -> Iterator[ServerStorage]:
    server: Cluster = request.getfixturevalue(f"{kind}_server")
    found = opened(kind, server.properties())
    # Its namespace compares texts exactly, as ours are made.
    run(found.admin.create_namespace("foreign_1", if_not_exists=True))
    yield found
    run(found.admin.drop_table("foreign_1.t", if_exists=True))
    found.pool.write("DROP TABLE IF EXISTS foreign_1.t")
    run(found.close())


def made(storage: ServerStorage, columns: str) -> None:
    storage.pool.write("DROP TABLE IF EXISTS foreign_1.t")
    storage.pool.write(f"CREATE TABLE foreign_1.t ({columns})")


def test_every_type_is_taken_and_written(kind: str, storage: ServerStorage) -> None:
    columns = ", ".join(f"{name} {native}" for name, (native, _) in TAKEN[kind].items())
    made(storage, f"k2 VARCHAR(20), k1 INT, {columns}, PRIMARY KEY (k2, k1)")
    found = run(storage.admin.foreign_table("foreign_1.t", {}))
    assert {n: found.schema.columns[n] for n in TAKEN[kind]} == {
        name: data_type for name, (_, data_type) in TAKEN[kind].items()
    }
    # As the Java library lists them: by their place in the key, on MySQL by their names.
    key = ("k1", "k2") if kind == "mysql" else ("k2", "k1")
    assert found.schema.partition_key == key
    wanted = Table(found.name, TableSchema({**found.schema.columns, "more": "TEXT"}, key))
    run(storage.admin.repair_table(wanted))
    assert run(storage.admin.table("foreign_1.t")) == wanted
    row = {name: VALUES[data_type] for name, (_, data_type) in TAKEN[kind].items()}
    values: Row = {"k1": 1, "k2": "a"}
    position = tuple(values[name] for name in key)
    mutate(storage, Write(wanted, position, dict(row)))
    assert run(storage.get(wanted, position)) == {"k2": "a", "k1": 1, "more": None, **row}
    with pytest.raises(InvalidOperationError, match="metadata already"):
        run(storage.admin.foreign_table("foreign_1.t", {}))


def test_what_does_not_come_back_as_written_is_refused(kind: str, storage: ServerStorage) -> None:
    for column, words in REFUSED[kind].items():
        made(storage, f"id INT PRIMARY KEY, {column}")
        with pytest.raises(InvalidOperationError, match=words) as caught:
            run(storage.admin.foreign_table("foreign_1.t", {}))
        assert caught.value.code == "STX-3075"
        assert caught.value.advice
    made(storage, "id INT")
    with pytest.raises(InvalidOperationError, match="no primary key"):
        run(storage.admin.foreign_table("foreign_1.t", {}))


def test_a_choice_of_types(kind: str, storage: ServerStorage) -> None:
    native = "DATETIME(3)" if kind == "mysql" else "TIMESTAMP"
    made(storage, f"id INT PRIMARY KEY, at {native}")
    types = {"at": DataType.TIMESTAMPTZ}
    if kind == "mysql":
        found = run(storage.admin.foreign_table("foreign_1.t", types))
        assert found.schema.columns["at"] is DataType.TIMESTAMPTZ
        return
    with pytest.raises(InvalidOperationError, match="at is TIMESTAMP, not TIMESTAMPTZ"):
        run(storage.admin.foreign_table("foreign_1.t", types))


def test_a_key_under_which_unlike_texts_are_equal(kind: str, storage: ServerStorage) -> None:
    if kind == "mysql":
        made(storage, "id VARCHAR(20) COLLATE utf8mb4_general_ci PRIMARY KEY")
    else:
        storage.pool.write(
            "CREATE COLLATION IF NOT EXISTS foreign_1.any_case "
            "(provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
        )
        made(storage, "id TEXT COLLATE foreign_1.any_case PRIMARY KEY")
    with pytest.raises(InvalidOperationError) as caught:
        run(storage.admin.foreign_table("foreign_1.t", {}))
    assert caught.value.code == "STX-3307"


def test_a_change_that_was_cut_short_is_completed(kind: str, storage: ServerStorage) -> None:
    """Where definitions can't be undone, the database is ahead of the metadata after a crash."""
    schema = TableSchema({"id": "INT", "n": "INT", "m": "TEXT"}, ["id"], (), ["m"])
    table = Table("foreign_1.t", schema)
    run(storage.admin.create_table(table))
    mutate(storage, Write(table, (1,), {"n": 5, "m": "x"}))
    storage.pool.write("ALTER TABLE foreign_1.t RENAME COLUMN m TO k")
    run(storage.admin.rename_columns(table, {"n": "number", "m": "k"}))
    storage.pool.write("ALTER TABLE foreign_1.t DROP COLUMN number")
    now = run(storage.admin.table(table.name))
    assert now is not None
    run(storage.admin.drop_columns(now, ["number"]))
    to = "foreign_1.other" if kind == "mysql" else "other"
    storage.pool.write(f"ALTER TABLE foreign_1.t RENAME TO {to}")
    run(storage.admin.rename_table(table.name, "foreign_1.other"))
    left = Table("foreign_1.other", TableSchema({"id": "INT", "k": "TEXT"}, ["id"], (), ["k"]))
    assert run(storage.admin.table(left.name)) == left
    assert run(storage.get(left, (1,))) == {"id": 1, "k": "x"}
    run(storage.admin.drop_table(left.name))
