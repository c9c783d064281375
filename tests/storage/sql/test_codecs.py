"""Cells of the golden files, as each driver hands them out and takes them. No server is needed."""

from __future__ import annotations

import base64
import math
import struct
from typing import Any

import psycopg
import pytest
from psycopg.adapt import PyFormat, Transformer
from pymysql.constants import FIELD_TYPE
from pymysql.converters import decoders, escape_item

from scalar_tx.errors import SchemaError
from scalar_tx.model.types import DataType, to_float32
from scalar_tx.storage.mysql import codec as mysql
from scalar_tx.storage.postgresql import codec as postgresql
from scalar_tx.storage.sql.cells import RowDecoder, decode
from tests.golden.cells import described_table, golden, logical, logical_row

FILES = {name: golden(name) for name in ("postgresql", "mysql")}
FORMS = {"postgresql": postgresql.CELLS, "mysql": mysql.CELLS}


def contents(kind: str) -> dict[str, Any]:
    tables = FILES[kind]["tables"]
    coordinators = {f"{n}.state": one for n, one in FILES[kind]["coordinators"].items()}
    return {n: one for n, one in {**tables, **coordinators}.items() if one.get("rows")}


FILLED = [(kind, name) for kind in FILES for name in sorted(contents(kind))]
# Of this one binary32 value; releases of Java since 19 print the shortest form.
JAVA_17_HAS_A_DIGIT_MORE = "1.17549435e-38"
TRANSFORMER = Transformer()
_MYSQL_TYPES = {
    "bigint": FIELD_TYPE.LONGLONG,
    "tinyint": FIELD_TYPE.TINY,
    "int": FIELD_TYPE.LONG,
    "double": FIELD_TYPE.DOUBLE,
    "date": FIELD_TYPE.DATE,
    "time": FIELD_TYPE.TIME,
    "datetime": FIELD_TYPE.DATETIME,
}


def driver_cell(kind: str, stored: list[Any]) -> object:
    """What the driver hands out for a stored cell."""
    declared, text = stored[0], stored[1]
    if text is None:
        return None
    if kind == "postgresql":
        oid = psycopg.adapters.types[declared].oid
        loader = TRANSFORMER.get_loader(oid, psycopg.pq.Format.BINARY)
        return loader.load(base64.b64decode(stored[2]))
    word = declared.partition("(")[0]
    if word in ("longblob", "varbinary"):
        return base64.b64decode(text)
    if word in ("longtext", "varchar"):
        return text
    cell: object = decoders[_MYSQL_TYPES[word]](text)
    return cell


def _as_it_is(value: object) -> object:
    return value


def same(one: object, other: object) -> bool:
    if isinstance(one, float) and isinstance(other, float) and math.isnan(one):
        return math.isnan(other)
    return type(one) is type(other) and one == other


def rows_of(content: dict[str, Any]) -> list[dict[str, Any]]:
    rows = [*content["rows"], *content.get("rows_added_by_recovery", [])]
    return [row for row in rows if row["logical"] is not None]


@pytest.mark.parametrize("kind, name", FILLED)
def test_every_stored_cell_is_the_logical_value(kind: str, name: str) -> None:
    content = contents(kind)[name]
    table = described_table(name, content["described"])
    decoder = RowDecoder(table, FORMS[kind])
    assert rows_of(content)
    for row in rows_of(content):
        for column, stored in row["stored"].items():
            data_type, value = logical(row["logical"][column])
            cell = driver_cell(kind, stored)
            assert same(decode(FORMS[kind], cell, data_type, column), value), (column, stored)
        whole = decoder([driver_cell(kind, row["stored"][column]) for column in table.columns])
        wanted = logical_row(row["logical"])
        assert all(same(whole[column], wanted[column]) for column in table.columns)


@pytest.mark.parametrize("name", [name for kind, name in FILLED if kind == "postgresql"])
def test_values_become_the_bytes_of_java_in_postgresql(name: str) -> None:
    """But for numbers, whose width the server brings to the column's."""
    for row in rows_of(contents("postgresql")[name]):
        for column, (declared, _, stored) in row["stored"].items():
            data_type, value = logical(row["logical"][column])
            if value is None:
                continue
            bound = postgresql.ENCODERS.get(data_type, _as_it_is)(value)
            dumped = bytes(TRANSFORMER.get_dumper(bound, PyFormat.BINARY).dump(bound) or b"")
            wanted = base64.b64decode(stored)
            if declared == "float4":
                assert struct.pack(">f", struct.unpack(">d", dumped)[0]) == wanted
            elif declared in ("int4", "int8"):
                assert int.from_bytes(dumped, signed=True) == int.from_bytes(wanted, signed=True)
            else:
                assert dumped == wanted, (column, value)


@pytest.mark.parametrize("name", [name for kind, name in FILLED if kind == "mysql"])
def test_values_become_the_literals_of_what_java_stored_in_mysql(name: str) -> None:
    for row in rows_of(contents("mysql")[name]):
        for column, (declared, text) in row["stored"].items():
            data_type, value = logical(row["logical"][column])
            if value is None or declared.startswith(("long", "var")):
                continue
            if text == JAVA_17_HAS_A_DIGIT_MORE:
                continue
            bound = mysql.ENCODERS.get(data_type, _as_it_is)(value)
            literal = escape_item(bound, "utf8mb4").strip("'")
            if declared.startswith(("double", "int", "bigint", "tinyint")):
                assert float(literal) == float(text), (column, value)
            else:  # the driver leaves out a fraction of zero
                assert literal in (text, text.rstrip("0").rstrip("."), f"{text}000"), column


@pytest.mark.parametrize(
    "single, double",
    [(1.1, 1.1), (1.4e-45, 1.4e-45), (3.4028235e38, 3.4028235e38), (0.1, 0.1), (2.0**24, 2.0**24),
     (-1.5, -1.5), (0.0, 0.0), (1.17549435e-38, 1.1754944e-38), (9.999e-4, 9.999e-4)],
)  # fmt: skip
def test_a_float_is_stored_in_mysql_by_its_shortest_decimals(single: float, double: float) -> None:
    assert mysql.shortest_decimal(to_float32(single)) == double


@pytest.mark.parametrize(
    "kind, data_type, cell",
    [
        ("postgresql", DataType.INT, "1"),
        ("postgresql", DataType.BOOLEAN, 1),
        ("mysql", DataType.BOOLEAN, 2),
        ("mysql", DataType.DATE, "0000-00-00"),
        ("mysql", DataType.FLOAT, 1e300),
    ],
)
def test_a_cell_that_is_no_value_is_named(kind: str, data_type: DataType, cell: object) -> None:
    with pytest.raises(SchemaError, match=r"ns\.t\.c is"):
        decode(FORMS[kind], cell, data_type, "ns.t.c")
