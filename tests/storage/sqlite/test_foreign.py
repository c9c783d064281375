"""Which tables of other programs are taken over, which are refused, and why?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.sqlite.storage import SqliteStorage, open_sqlite
from tests.storage.sqlite.files import by_hand, run

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.db"


@pytest.fixture
def storage(path: Path) -> SqliteStorage:
    return open_sqlite(str(path))


def made(path: Path, *statements: str) -> None:
    for text in statements:
        by_hand(path, text)


def test_types(storage: SqliteStorage, path: Path) -> None:
    declared = {
        "b": ("BOOLEAN", DataType.BOOLEAN),
        "i": ("INTEGER", DataType.BIGINT),
        "u": ("unsigned big int", DataType.BIGINT),
        "r": ("REAL", DataType.DOUBLE),
        "d": ("double precision", DataType.DOUBLE),
        "f": ("FLOAT", DataType.DOUBLE),
        "t": ("TEXT", DataType.TEXT),
        "v": ("NVARCHAR(30)", DataType.TEXT),
        "x": ("BLOB", DataType.BLOB),
    }
    columns = ", ".join(f"{name} {kind}" for name, (kind, _) in declared.items())
    made(path, f'CREATE TABLE "ns$t" (k2 TEXT, k1 INT, {columns}, PRIMARY KEY (k1, k2))')
    found = run(storage.admin.foreign_table("ns.t", {}))
    assert {n: found.schema.columns[n] for n in declared} == {
        name: data_type for name, (_, data_type) in declared.items()
    }
    assert found.schema.partition_key == ("k1", "k2"), "in the order of the key"
    chosen = {"f": DataType.FLOAT, "i": DataType.TIMESTAMP, "k1": DataType.INT}
    again = run(storage.admin.foreign_table("ns.t", chosen)).schema.columns
    assert {name: again[name] for name in chosen} == chosen


REFUSED = {
    "no key": ("(a INT)", "no primary key"),
    "a type": ("(id INT PRIMARY KEY, at DATETIME)", "at is of the type DATETIME"),
    "no type": ("(id INT PRIMARY KEY, a)", "a is of the type of whatever is written"),
    "computed": ("(id INT PRIMARY KEY, a INT AS (id + 1) STORED)", "a is computed"),
    "strict": ("(id INT PRIMARY KEY) STRICT", "STRICT"),
    "collation": ("(id TEXT COLLATE NOCASE PRIMARY KEY)", "COLLATE"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_refused(storage: SqliteStorage, path: Path, case: str) -> None:
    definition, words = REFUSED[case]
    made(path, f'CREATE TABLE "ns$t" {definition}')
    with pytest.raises(InvalidOperationError, match=words) as caught:
        run(storage.admin.foreign_table("ns.t", {}))
    assert caught.value.code == "STX-3075"
    assert caught.value.advice


@pytest.mark.parametrize("values", ["('x', 1)", "(1, 'x')", "(1, 1.5)", "(1, x'00')", "(NULL, 1)"])
def test_cells_that_are_not_what_their_column_says(
    storage: SqliteStorage, path: Path, values: str
) -> None:
    made(path, 'CREATE TABLE "ns$t" (id INT PRIMARY KEY, a INT)')
    made(path, f'INSERT INTO "ns$t" VALUES {values}')
    with pytest.raises(InvalidOperationError, match="holds values that are not integer"):
        run(storage.admin.foreign_table("ns.t", {}))


def test_a_view_and_a_table_that_is_ours_are_no_foreign_tables(
    storage: SqliteStorage, path: Path
) -> None:
    made(path, 'CREATE TABLE "ns$t" (id INT PRIMARY KEY)', 'CREATE VIEW "ns$v" AS SELECT 1 AS id')
    with pytest.raises(InvalidOperationError, match=r"no table ns\.v"):
        run(storage.admin.foreign_table("ns.v", {}))
    run(storage.admin.repair_table(run(storage.admin.foreign_table("ns.t", {}))))
    with pytest.raises(InvalidOperationError, match="metadata already"):
        run(storage.admin.foreign_table("ns.t", {}))


def test_the_parts_of_a_virtual_table_are_left_to_the_java_library(
    storage: SqliteStorage, path: Path
) -> None:
    """A view of theirs would break, or show what is no record (Storage specification 7.1)."""
    part = Table("ns.t_data", TableSchema({"id": "INT", "n": "INT"}, ["id"]))
    run(storage.admin.create_table(part))
    sides = [f"{side}_source_table_full_table_name TEXT" for side in ("left", "right")]
    made(
        path,
        f'CREATE TABLE "scalardb$virtual_tables" (full_table_name TEXT, {", ".join(sides)})',
        "INSERT INTO \"scalardb$virtual_tables\" VALUES ('ns.t', 'ns.t_data', 'ns.t_meta')",
    )
    admin = storage.admin
    for steps in (
        admin.add_columns(part, {"m": DataType.INT}),
        admin.drop_columns(part, ["n"]),
        admin.rename_columns(part, {"n": "m"}),
        admin.rename_table(part.name, "ns.other"),
        admin.drop_table(part.name),
        admin.foreign_table("ns.t", {}),
    ):
        with pytest.raises(InvalidOperationError) as caught:
            run(steps)
        assert caught.value.code == "STX-3306"
    assert run(admin.table(part.name)) == part
