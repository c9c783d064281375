"""Is a table described as Java clients expect it (6.5 of the protocol's description)?"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.metadata import metadata_message, schema_of, type_of
from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.table import TableSchema
from tests.cluster.shop import COLUMN_OF_TYPE, SCHEMA, TABLE


def test_every_clustering_key_has_its_order() -> None:
    message = metadata_message(SCHEMA, TABLE)
    assert dict(message.clustering_orders) == {"at": rpc.ORDER_DESC, "kind": rpc.ORDER_ASC}
    assert list(message.partition_key_names) == ["owner"]
    assert list(message.clustering_key_names) == ["at", "kind"]
    assert list(message.secondary_index_names) == ["note"]
    assert message.columns["scan"] == rpc.DATA_TYPE_BLOB
    assert message.columns["paid"] == rpc.DATA_TYPE_BOOLEAN
    assert len(message.columns) == len(SCHEMA.columns)


def test_each_type_has_its_number() -> None:
    numbers = dict(rpc.DataType.items())
    assert {name: type_of(n).value for name, n in numbers.items()} == {
        name: name.removeprefix("DATA_TYPE_") for name in numbers
    }


NAMES = st.text("abc ", min_size=1, max_size=4).map(str.strip).filter(bool)


@st.composite
def schemas(draw: st.DrawFn) -> TableSchema:
    names = draw(st.lists(NAMES, min_size=1, max_size=6, unique=True))
    types = st.sampled_from(list(COLUMN_OF_TYPE))
    columns = {name: draw(types) for name in names}
    end = draw(st.integers(1, len(names)))
    ordered = draw(st.integers(end, len(names)))
    orders = [draw(st.sampled_from(["", " ASC", " DESC"])) for _ in names[end:ordered]]
    clustering = [name + order for name, order in zip(names[end:ordered], orders, strict=True)]
    indexed = draw(st.lists(st.sampled_from(names), unique=True))
    return TableSchema(columns, names[:end], clustering, indexed)


@given(schemas())
def test_a_table_arrives_as_it_is(schema: TableSchema) -> None:
    message = metadata_message(schema, TABLE)
    assert schema_of(rpc.TableMetadata.FromString(message.SerializeToString())) == schema


def metadata(**more: Any) -> rpc.TableMetadata:
    columns = {"id": rpc.DATA_TYPE_INT, "n": rpc.DATA_TYPE_INT}
    given: dict[str, Any] = {"columns": columns, "partition_key_names": ["id"]} | more
    return rpc.TableMetadata(**given)


def test_a_missing_order_is_ascending() -> None:
    schema = schema_of(metadata(clustering_key_names=["n"]))
    assert schema == TableSchema({"id": "INT", "n": "INT"}, ["id"], ["n ASC"])


@pytest.mark.parametrize(
    "message",
    [
        rpc.TableMetadata(),
        metadata(partition_key_names=[]),
        metadata(partition_key_names=["other"]),
        metadata(clustering_key_names=["other"]),
        metadata(clustering_key_names=["n DESC"]),
        metadata(clustering_orders={"n": rpc.ORDER_DESC}),
        metadata(clustering_key_names=["n"], clustering_orders={"n": 2}),
        metadata(secondary_index_names=["other"]),
        metadata(columns={"id": 7}),
    ],
)
def test_a_table_that_can_not_be_is_refused(message: rpc.TableMetadata) -> None:
    with pytest.raises(SchemaError):
        schema_of(message)


def test_columns_come_in_one_order() -> None:
    schema = schema_of(metadata_message(SCHEMA, TABLE))
    keys = ["owner", "at", "kind"]
    assert list(schema.columns) == [*keys, *sorted(set(SCHEMA.columns) - set(keys))]


def test_a_table_with_dates_can_not_be_described() -> None:
    schema = TableSchema({"id": "INT", "day": "DATE"}, ["id"])
    with pytest.raises(InvalidOperationError, match=r"shop\.orders\.day is DATE"):
        metadata_message(schema, TABLE)
