"""Definitions, metadata and rows on real servers, beside those that the Java library made."""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.storage.interface import (
    IndexSource,
    PartitionSource,
    ScanRequest,
    WholeTableSource,
    Write,
)
from tests.golden.cells import described_table, golden, logical, logical_row
from tests.storage.sql.stage import KINDS, all_rows, mutate, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.model.table import Table
    from scalar_tx.storage.sql.server_storage import ServerStorage

pytestmark = [pytest.mark.parametrize("kind", KINDS), pytest.mark.servers(*KINDS)]


def everything(kind: str) -> dict[str, Any]:
    content = golden(kind)
    coordinators = {f"{n}.state": one for n, one in content["coordinators"].items()}
    return {
        name: one
        for name, one in {**content["tables"], **coordinators}.items()
        if "described" in one and "decoupled" not in name and "imported" not in name
    }


@pytest.fixture
def storage(kind: str, request: pytest.FixtureRequest) -> Iterator[ServerStorage]:
    """All tables of the golden file, empty."""
    found: ServerStorage = request.getfixturevalue(kind)
    tables = [described_table(name, one["described"]) for name, one in everything(kind).items()]
    for name in [one for n in run(found.admin.namespaces()) for one in run(found.admin.tables(n))]:
        run(found.admin.drop_table(name))
    for table in tables:
        run(found.admin.create_table(table))
    yield found
    for table in tables:
        run(found.admin.drop_table(table.name, if_exists=True))


def fill(storage: ServerStorage, kind: str, name: str) -> tuple[Table, list[dict[str, Any]]]:
    content = everything(kind)[name]
    table = described_table(name, content["described"])
    rows = [row for row in content.get("rows", []) if row["logical"] is not None]
    for row in rows:
        values = logical_row(row["logical"])
        others = {column: values[column] for column in table.schema.other_columns}
        mutate(storage, Write(table, table.key_of(values), others))
    return table, rows


def test_definitions_are_those_of_java(kind: str, storage: ServerStorage) -> None:
    java = {
        name.partition(" ")[2]: text
        for name, text in golden(kind)["ddl"].items()
        if name.partition(" ")[2] in everything(kind)
    }
    assert len(java) > 40
    describe = postgresql_table if kind == "postgresql" else mysql_table
    for name, text in java.items():
        assert describe(storage, name) == comparable(kind, text), name


def comparable(kind: str, described: Any) -> Any:
    """A definition; ``before_`` columns and indexes come in any order."""
    if kind == "mysql":
        text = re.sub(r" COLLATE[= ]\w+", "", described)
        return sorted(line.strip(" ,") for line in text.splitlines())
    return {key: sorted(map(str, value)) for key, value in described.items()}


def mysql_table(storage: ServerStorage, name: str) -> Any:
    quoted = ".".join(f"`{part}`" for part in name.split("."))
    ((_, text),) = storage.pool.read(f"SHOW CREATE TABLE {quoted}")
    return comparable("mysql", text)


def postgresql_table(storage: ServerStorage, name: str) -> Any:
    schema, table = name.split(".")
    read = storage.pool.read
    columns = read(
        "SELECT attname::text, format_type(atttypid, atttypmod), "
        "CASE WHEN attnotnull THEN 'not null' ELSE 'null' END FROM pg_attribute "
        "WHERE attrelid=format('%%I.%%I', %s::text, %s::text)::regclass "
        "AND attnum>0 AND NOT attisdropped",
        (schema, table),
    )
    constraints = read(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint "
        "WHERE conrelid=format('%%I.%%I', %s::text, %s::text)::regclass AND contype='p'",
        (schema, table),
    )
    indexes = read(
        "SELECT indexdef FROM pg_indexes WHERE schemaname=%s AND tablename=%s", (schema, table)
    )
    return comparable(
        "postgresql",
        {
            "columns": [list(one) for one in columns],
            "constraints": [one for (one,) in constraints],
            "indexes": [one for (one,) in indexes],
        },
    )


def test_metadata_rows_are_those_of_java(kind: str, storage: ServerStorage) -> None:
    quote = '"' if kind == "postgresql" else "`"
    ours = storage.pool.read(f"SELECT * FROM {quote}scalardb{quote}.{quote}metadata{quote}")
    java = [
        tuple(cell[1] for cell in row.values())
        for row in golden(kind)["metadata"]["scalardb.metadata"]
        if row["full_table_name"][1] in everything(kind)
    ]

    def form(row: tuple[Any, ...]) -> tuple[Any, ...]:
        flag = str(row[5]).lower() in ("t", "true", "1")
        # The positions of before_ columns are Java's accident.
        position = None if row[1].startswith("before_") else int(row[6])
        return (*row[:5], flag, position)

    assert {form(row) for row in ours} == {form(row) for row in java}
    assert len(ours) == len(java) > 200


def test_rows_are_stored_as_java_stores_them(kind: str, storage: ServerStorage) -> None:
    quote = '"' if kind == "postgresql" else "`"
    cells = 0
    for name in everything(kind):
        table, rows = fill(storage, kind, name)
        reference = ".".join(f"{quote}{part}{quote}" for part in name.split("."))
        listed = ",".join(
            form.format(f"{quote}{column}{quote}")
            for column in table.columns
            for form in (form_of(kind, table.schema.columns[column].value),)
        )
        key = " AND ".join(f"{quote}{c}{quote}=%s" for c in table.schema.primary_key)
        for row in rows:
            values = logical_row(row["logical"])
            assert run(storage.get(table, table.key_of(values))) is not None
            found = storage.pool.read(
                f"SELECT {listed} FROM {reference} WHERE {key}", bound(kind, table, values)
            )
            assert len(found) == 1, (name, values)
            for column, cell in zip(table.columns, found[0], strict=True):
                wanted = row["stored"][column][-1]
                if wanted == "1.17549435e-38":
                    continue  # Java 17 has a digit more of this one
                assert same_cell(kind, cell, wanted, row["stored"][column][0]), (name, column)
                cells += 1
    assert cells > 3000


def bound(kind: str, table: Table, values: dict[str, Any]) -> list[Any]:
    module = __import__(f"scalar_tx.storage.{kind}.codec", fromlist=["ENCODERS"])
    keys = table.schema.primary_key
    encoders = (module.ENCODERS.get(table.schema.columns[name]) for name in keys)
    return [
        values[name] if encode is None else encode(values[name])
        for name, encode in zip(keys, encoders, strict=True)
    ]


SENDERS = {
    "BOOLEAN": "boolsend", "INT": "int4send", "BIGINT": "int8send", "FLOAT": "float4send",
    "DOUBLE": "float8send", "BLOB": "byteasend", "DATE": "date_send", "TIME": "time_send",
    "TIMESTAMP": "timestamp_send", "TIMESTAMPTZ": "timestamptz_send",
}  # fmt: skip


def form_of(kind: str, declared: str) -> str:
    """How a column is asked for, so that the driver changes nothing."""
    if kind == "mysql":
        return "{0}" if declared in ("BLOB", "FLOAT", "DOUBLE") else "CAST({0} AS CHAR)"
    sender = SENDERS.get(declared)
    return "convert_to({0}::text, 'UTF8')" if sender is None else sender + "({0})"


def same_cell(kind: str, cell: Any, wanted: Any, declared: str) -> bool:
    if cell is None or wanted is None:
        return cell is wanted
    if kind == "postgresql":
        return bool(bytes(cell) == base64.b64decode(wanted))
    if isinstance(cell, bytes):
        return cell == base64.b64decode(wanted)
    return float(cell) == float(wanted) if declared == "double" else str(cell) == wanted


def test_rows_come_in_the_order_of_java(kind: str, storage: ServerStorage) -> None:
    # The file of MySQL was made where texts ignore case.
    names = [n for n, one in everything(kind).items() if "scan_order" in one]
    assert len(names) > 8
    for name in names:
        table, _ = fill(storage, kind, name)
        if kind == "mysql" and name == "golden.ck_text":
            continue
        for reverse in (False, True):
            request = ScanRequest(table, PartitionSource((1,), reverse=reverse), page_size=2)
            found = [row["n"] for row in all_rows(storage, request)]
            assert found == everything(kind)[name]["scan_order"][:: -1 if reverse else 1], name


def test_index_reads_find_what_java_finds(kind: str, storage: ServerStorage) -> None:
    names = [n for n, one in everything(kind).items() if "index_scans" in one]
    assert len(names) > 8
    for name in names:
        if kind == "mysql" and name == "golden.ix_text":
            continue
        table, rows = fill(storage, kind, name)
        for row in rows:
            _, value = logical(row["logical"]["x"])
            if value is None:
                continue
            found = all_rows(storage, ScanRequest(table, IndexSource("x", value), page_size=1))
            wanted = everything(kind)[name]["index_scans"][str(row["logical"]["n"][1])]
            assert sorted(str(r["n"]) for r in found) == sorted(map(str, wanted)), (name, value)


def test_rows_of_java_are_read(kind: str, storage: ServerStorage) -> None:
    """All rows of the account table, through a scan of the whole table."""
    table, rows = fill(storage, kind, "golden.account")
    found = all_rows(storage, ScanRequest(table, WholeTableSource(), page_size=3))
    wanted = [logical_row(row["logical"]) for row in rows]
    assert sorted(map(str, found)) == sorted(
        str({column: row[column] for column in table.columns}) for row in wanted
    )
