"""Records, names and definitions as CQL, the worked examples among them."""

from __future__ import annotations

import pytest

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import Condition, Existence, column, if_exists, if_not_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.cassandra import ddl
from scalar_tx.storage.cassandra.conditions import key_row, terms_of
from scalar_tx.storage.cassandra.names import (
    check_makeable,
    check_namespace,
    index_name,
    quoted,
    table_name,
)
from scalar_tx.storage.cassandra.statements import RecordStatements, Statement
from scalar_tx.storage.interface import Erase, StorageMutation, Write

TABLE = Table(
    "ns.tbl",
    TableSchema(
        columns={"p1": "INT", "c1": "INT", "v1": "TEXT", "v2": "TEXT", "v3": "INT", "v4": "INT"},
        partition_key=["p1"],
        clustering_key=["c1"],
    ),
)
RECORDS = RecordStatements(TABLE)


def number(value: int) -> bytes:
    return value.to_bytes(4, "big")


def statement(mutation: StorageMutation) -> Statement:
    condition = mutation.condition
    if condition is None or isinstance(condition, Existence):
        return RECORDS.plain(mutation)
    terms = terms_of(condition, key_row(TABLE.schema, mutation.key), TABLE.schema)
    assert terms is not None
    return RECORDS.conditional(mutation, terms)


def test_the_worked_example_of_a_conditional_put() -> None:
    condition: Condition = (column("v3") == 7) & column("v4").is_null()
    found = statement(Write(TABLE, (1, 2), {"v1": "x", "v2": None}, condition))
    assert found.text == "UPDATE ns.tbl SET v1=?, v2=? WHERE p1=? AND c1=? IF v3=? AND v4=?"
    assert found.values == (b"x", None, number(1), number(2), number(7), None)
    assert found.conditional


@pytest.mark.parametrize(
    "mutation, text, conditional",
    [
        (
            Write(TABLE, (1, 2), {"v1": "x"}),
            "INSERT INTO ns.tbl (p1, c1, v1) VALUES (?, ?, ?)",
            False,
        ),
        (Write(TABLE, (1, 2), {}), "INSERT INTO ns.tbl (p1, c1) VALUES (?, ?)", False),
        (
            Write(TABLE, (1, 2), {"v1": "x"}, if_not_exists),
            "INSERT INTO ns.tbl (p1, c1, v1) VALUES (?, ?, ?) IF NOT EXISTS",
            True,
        ),
        (
            Write(TABLE, (1, 2), {"v1": "x"}, if_exists),
            "UPDATE ns.tbl SET v1=? WHERE p1=? AND c1=? IF EXISTS",
            True,
        ),
        (Erase(TABLE, (1, 2)), "DELETE FROM ns.tbl WHERE p1=? AND c1=?", False),
        (Erase(TABLE, (1, 2), if_exists), "DELETE FROM ns.tbl WHERE p1=? AND c1=? IF EXISTS", True),
        (
            Erase(TABLE, (1, 2), column("v3") >= 7),
            "DELETE FROM ns.tbl WHERE p1=? AND c1=? IF v3>=?",
            True,
        ),
    ],
)
def test_shapes(mutation: StorageMutation, text: str, conditional: bool) -> None:
    found = statement(mutation)
    assert (found.text, found.conditional) == (text, conditional)
    assert found.text.count("?") == len(found.values)


def test_an_update_that_sets_nothing_is_refused() -> None:
    with pytest.raises(InvalidOperationError):
        statement(Write(TABLE, (1, 2), {}, if_exists))


def test_names_are_quoted_where_need_be() -> None:
    assert [quoted(n) for n in ("plain_1", "Mixed", "select", "1st", 'a"b', "TTL")] == [
        "plain_1", '"Mixed"', '"select"', '"1st"', '"a""b"', '"TTL"',
    ]  # fmt: skip
    assert table_name("Ns.order") == '"Ns"."order"'


def test_an_index_is_named_as_java_names_it() -> None:
    # Java does not quote it, so Cassandra folds it to lower case.
    assert index_name("MixedCase", "Value") == "mixedcase_index_value"


@pytest.mark.parametrize("name", ["a b", "café", "do$llar", "x" * 49, "semi;colon"])
def test_names_that_cassandra_lacks_are_refused(name: str) -> None:
    schema = TableSchema({"p": "INT"}, ["p"])
    with pytest.raises(InvalidOperationError) as caught:
        check_makeable(Table(f"ns.{name}", schema))
    assert caught.value.code == "STX-3502"
    with pytest.raises(InvalidOperationError):
        check_namespace(name)


def test_two_indexes_of_one_name_are_refused() -> None:
    schema = TableSchema({"p": "INT", "a": "INT", "A": "INT"}, ["p"], (), ["a", "A"])
    with pytest.raises(InvalidOperationError, match="t_index_a"):
        check_makeable(Table("ns.t", schema))


EXAMPLE = Table(
    "ns.tbl",
    TableSchema(
        columns={
            "c2": "TEXT", "c1": "INT", "c3": "BLOB", "c4": "TEXT", "c6": "INT", "c8": "DATE",
            "c9": "TIME", "c10": "TIMESTAMPTZ",
        },
        partition_key=["c1"],
        clustering_key=["c4 ASC", "c6 DESC"],
        secondary_index=["c2"],
    ),
)  # fmt: skip


def test_the_worked_example_of_a_definition() -> None:
    assert ddl.create_table(EXAMPLE, {"compaction-strategy": "lcs"}) == (
        "CREATE TABLE ns.tbl (c1 int, c4 text, c6 int, c2 text, c3 blob, c8 date, c9 time, "
        "c10 timestamp, PRIMARY KEY ((c1), c4, c6)) WITH CLUSTERING ORDER BY (c4 ASC, c6 DESC) "
        "AND compaction = {'class':'LeveledCompactionStrategy'}"
    )
    assert ddl.create_index(EXAMPLE, "c2") == "CREATE INDEX tbl_index_c2 ON ns.tbl (c2)"
    assert ddl.drop_index(EXAMPLE, "tbl_index_c2") == "DROP INDEX ns.tbl_index_c2"
    assert ddl.add_column("ns.tbl", "N", DataType.FLOAT) == 'ALTER TABLE ns.tbl ADD "N" float'


@pytest.mark.parametrize(
    "options, replication",
    [
        ({}, "{'class':'SimpleStrategy','replication_factor':'1'}"),
        (
            {"replication-strategy": "simplestrategy", "replication-factor": "3"},
            "{'class':'SimpleStrategy','replication_factor':'3'}",
        ),
        (
            {"replication-strategy": "NetworkTopologyStrategy", "replication-factor": "3"},
            "{'class':'NetworkTopologyStrategy','dc1':'3'}",
        ),
    ],
)
def test_replication(options: dict[str, str], replication: str) -> None:
    assert ddl.create_keyspace("ns", options, if_not_exists=True) == (
        f"CREATE KEYSPACE IF NOT EXISTS ns WITH REPLICATION = {replication}"
    )


@pytest.mark.parametrize(
    "options",
    [
        {"replication-strategy": "Everywhere"},
        {"replication-factor": "0"},
        {"replication-factor": "3'}; DROP"},
    ],
)
def test_wrong_replication_is_refused(options: dict[str, str]) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        ddl.create_keyspace("ns", options, if_not_exists=True)
    assert caught.value.code == "STX-3503"


def test_wrong_compaction_and_missing_types_are_refused() -> None:
    with pytest.raises(InvalidOperationError) as caught:
        ddl.create_table(EXAMPLE, {"compaction-strategy": "none"})
    assert caught.value.code == "STX-3503"
    table = Table("ns.t", TableSchema({"p": "INT", "at": "TIMESTAMP"}, ["p"]))
    with pytest.raises(InvalidOperationError) as caught:
        ddl.create_table(table, {})
    assert caught.value.code == "STX-3501"
