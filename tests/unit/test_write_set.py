"""Are write sets the bytes that ScalarDB writes? What can't be read whole is "no information"."""

from __future__ import annotations

import base64
import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.consensus_commit.metadata import TransactionalTable, with_transaction_columns
from scalar_tx.consensus_commit.snapshot import PendingWrite
from scalar_tx.consensus_commit.write_set import (
    Entry,
    EntryGroup,
    group_of,
    read_write_set,
    write_set_bytes,
)
from scalar_tx.model.table import TableSchema
from scalar_tx.model.types import DataType, to_float32
from tests.golden.cells import described_table, golden, logical_row
from tests.unit.test_encoding import KEYS

STORAGES = ("cassandra", "dynamodb", "mysql", "postgresql", "sqlite")
INT = DataType.INT
ONE = Entry("ns", "tbl", (("id", INT, 1),))
WORKED = {
    "08 01 12 00": [],
    "08 01 12 19 0a 17 12 15 12 02 6e 73 1a 03 74 62 6c 22 0a 0a 08 0a 02 69 64 1a 02 08 01": [
        EntryGroup((ONE,))
    ],
}
# A column's bytes, inside the key of the entry above.
COLUMNS: dict[str, tuple[str, DataType, Any]] = {
    "0a 02 74 73 62 03 08 b5 17": (
        "ts",
        DataType.TIMESTAMPTZ,
        dt.datetime(1969, 12, 31, 23, 59, 59, 500_000, dt.UTC),
    ),
    "0a 01 64 4a 02 08 01": ("d", DataType.DATE, dt.date(1969, 12, 31)),
}


def stored(storage: str) -> list[tuple[str, bytes]]:
    coordinators = golden(storage)["coordinators"]
    return [
        (row["logical"]["tx_id"][1], base64.b64decode(row["logical"]["tx_write_set"][1]))
        for name in ("coordinator_write_set", "coordinator_both")
        for row in coordinators[name]["rows"]
    ]


@pytest.mark.parametrize("storage", STORAGES)
def test_what_java_stored_is_read_and_written_to_the_byte(storage: str) -> None:
    rows = stored(storage)
    assert len(rows) == 5
    for tx_id, data in rows:
        groups = read_write_set(data)
        assert groups is not None, tx_id
        assert write_set_bytes(groups) == data, tx_id
    told = {tx_id: read_write_set(data) or () for tx_id, data in rows}
    assert told["ws-read-only"] == ()
    assert [len(group.entries) for group in told["ws-commit"]] == [3]
    assert [group.child_id for group in told["ws-commit"]] == [None]
    two_roles = [entry.participant_id for group in told["ws-two-roles"] for entry in group.entries]
    assert two_roles == ["participant-1", "participant-2"]
    (parent,) = told.keys() - {"ws-commit", "ws-read-only", "ws-self-abort", "ws-two-roles"}
    assert {group.child_id for group in told[parent]} == {"child-1", "child-2"}


def test_the_keys_of_all_types_are_what_java_stored() -> None:
    content = golden("sqlite")["tables"]["golden.all_keys"]
    user = described_table("golden.all_keys", content["spec"]).schema
    clustering = [f"{n} {o.value}" for n, o in user.clustering_orders.items()]
    schema = TableSchema(dict(user.columns), user.partition_key, clustering)
    table = TransactionalTable(with_transaction_columns("golden.all_keys", schema))
    rows = [logical_row(row["logical"]) for row in content["rows"]]
    ours = {
        group_of([PendingWrite(table, table.stored.key_of(row), {})]).entries[0]
        for row in rows
        if row["tx_id"] == "ws-commit"
    }
    told = read_write_set(dict(stored("sqlite"))["ws-commit"])
    assert told is not None
    assert len(ours) == 2
    assert ours == {entry for entry in told[0].entries if entry.table == "all_keys"}
    for entry in ours:
        columns = (*entry.partition_key, *(entry.clustering_key or ()))
        assert {data_type for _, data_type, _ in columns} == set(DataType)


@pytest.mark.parametrize("data", WORKED)
def test_worked_bytes(data: str) -> None:
    assert write_set_bytes(WORKED[data]).hex(" ") == data
    assert read_write_set(bytes.fromhex(data)) == tuple(WORKED[data])


@pytest.mark.parametrize("data", COLUMNS)
def test_worked_columns(data: str) -> None:
    groups = [EntryGroup((Entry("ns", "tbl", (COLUMNS[data],)),))]
    assert bytes.fromhex(data) in write_set_bytes(groups)
    assert read_write_set(write_set_bytes(groups)) == tuple(groups)


def columns() -> st.SearchStrategy[tuple[str, DataType, Any]]:
    def of(data_type: DataType) -> st.SearchStrategy[tuple[str, DataType, Any]]:
        values = KEYS[data_type]
        if data_type is DataType.FLOAT:
            values = values.map(to_float32)
        return st.tuples(st.text(min_size=1, max_size=5), st.just(data_type), st.none() | values)

    return st.sampled_from(DataType).flatmap(of)


KEY = st.lists(columns(), max_size=3).map(tuple)
ENTRIES = st.builds(
    Entry,
    namespace=st.text(min_size=1, max_size=5),
    table=st.text(min_size=1, max_size=200),
    partition_key=KEY,
    clustering_key=st.none() | KEY,
    participant_id=st.none() | st.text(max_size=5),
)
GROUPS = st.lists(
    st.builds(
        EntryGroup,
        entries=st.lists(ENTRIES, max_size=3).map(tuple),
        child_id=st.none() | st.text(max_size=5),
    ),
    max_size=3,
)


@given(groups=GROUPS)
def test_what_is_written_is_read(groups: list[EntryGroup]) -> None:
    assert read_write_set(write_set_bytes(groups)) == tuple(groups)


@given(groups=GROUPS.filter(bool), data=st.data())
def test_a_part_of_the_bytes_is_no_information_or_all_that_it_held(
    groups: list[EntryGroup], data: st.DataObject
) -> None:
    whole = write_set_bytes(groups)
    cut = whole[: data.draw(st.integers(0, len(whole) - 1))]
    assert read_write_set(cut) is None


@given(data=st.binary(max_size=60))
def test_bytes_of_any_kind_do_no_harm(data: bytes) -> None:
    groups = read_write_set(data)
    assert groups is None or read_write_set(write_set_bytes(groups)) == groups


NO_INFORMATION = {
    "none": None,
    "text": "x",
    "nothing": b"",
    "a version alone": b"\x08\x01",
    "another payload": bytes.fromhex("08 01 1a 00"),
    "both payloads": bytes.fromhex("08 01 12 00 1a 00"),
    "a later version": bytes.fromhex("08 02 12 00"),
    "the payload twice": bytes.fromhex("08 01 12 00 12 00"),
    "a payload of another kind": bytes.fromhex("08 01 10 00"),
    "a group with something more": bytes.fromhex("08 01 12 04 0a 02 18 01"),
    "an entry without key": bytes.fromhex("08 01 12 08 0a 06 12 04 12 02 6e 73"),
}


@pytest.mark.parametrize("what", NO_INFORMATION)
def test_what_is_not_understood_is_no_information(what: str) -> None:
    assert read_write_set(NO_INFORMATION[what]) is None


def with_column(column: str) -> bytes:
    def sized(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    key = sized(4, sized(1, bytes.fromhex(column)))
    entry = sized(2, b"ns") + sized(3, b"tbl") + key
    return b"\x08\x01" + sized(2, sized(1, sized(2, entry)))


def test_a_column_that_is_understood() -> None:
    assert read_write_set(with_column("0a 02 69 64 1a 02 08 01")) == (EntryGroup((ONE,)),)
    (group,) = read_write_set(with_column("0a 02 69 64 1a 00")) or ()
    assert group.entries[0].partition_key == (("id", INT, None),)


@pytest.mark.parametrize(
    "column",
    [
        "0a 02 69 64",  # no value
        "0a 02 69 64 6a 02 08 01",  # of a type that comes later
        "0a 02 69 64 1a 02 08 01 22 02 08 01",  # of two types
        "0a 02 69 64 1a 05 0d 00 00 00 00",  # an INT as a float
        "0a 02 69 64 1a 06 08 80 80 80 80 08",  # an INT of more than 32 bits
        "0a 02 69 64 3a 03 0a 01 ff",  # a TEXT that is none
        "0a 02 69 64 4a 06 08 ff ff ff ff 0f",  # a DATE that no calendar has
    ],
)
def test_a_column_that_is_not_understood_is_no_information(column: str) -> None:
    assert read_write_set(with_column(column)) is None


def test_version_zero_counts_as_one() -> None:
    assert read_write_set(bytes.fromhex("12 00")) == ()
    assert read_write_set(bytes.fromhex("08 00 12 00")) == ()
