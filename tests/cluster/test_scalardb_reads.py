"""Does a read of a Java client mean what it means to ScalarDB Server?

From the protocol's description: keys, index access, full scans (6.2), clients before 3.6 (6.6).
"""

from __future__ import annotations

import pytest

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.operations import (
    get_of,
    is_from_old_client,
    mutation_of,
    scan_of,
    table_of,
)
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.operations import Get, Scan
from scalar_tx.model.table import TableSchema
from tests.cluster.shop import NAME, SCHEMA, TABLE, key, old_key


def test_a_get_by_its_whole_key() -> None:
    get = rpc.Get(
        partition_key=key(owner="me"),
        clustering_key=key(at=3, kind=1),
        projections=["note", "size"],
        consistency=rpc.CONSISTENCY_EVENTUAL,
        **NAME,
    )
    expected = Get(TABLE, {"owner": "me", "at": 3, "kind": 1}, columns=["note", "size"])
    assert get_of(get, SCHEMA) == expected


def test_a_get_without_projections_reads_every_column() -> None:
    get = rpc.Get(partition_key=key(owner="me"), clustering_key=key(at=3, kind=1), **NAME)
    assert get_of(get, SCHEMA).columns is None


def test_a_get_by_an_index_ignores_its_clustering_key() -> None:
    get = rpc.Get(
        partition_key=key(note="x"), clustering_key=key(at=1), projections=["size"], **NAME
    )
    assert get_of(get, SCHEMA) == Get(TABLE, index={"note": "x"}, columns=["size"])


def test_one_column_is_an_index_read_also_where_it_is_the_partition_key() -> None:
    schema = TableSchema({"owner": "TEXT"}, ["owner"], secondary_index=["owner"])
    assert get_of(rpc.Get(partition_key=key(owner="a"), **NAME), schema).index == {"owner": "a"}
    assert scan_of(rpc.Scan(partition_key=key(owner="a"), **NAME), schema).index == {"owner": "a"}


@pytest.mark.parametrize(
    "partition, clustering",
    [
        (key(owner="me"), None),
        (key(owner="me"), key()),
        (key(owner="me"), key(at=1)),
        (key(owner="me", at=1, kind=1), None),
        (key(owner="me", at=1), key(kind=1)),
        (key(size=1), key(at=1, kind=1)),
        (key(), key(at=1, kind=1)),
        (key(owner="me"), key(at=1, kind=1, size=1)),
    ],
)
def test_a_key_of_other_columns_is_refused(partition: rpc.Key, clustering: rpc.Key | None) -> None:
    get = rpc.Get(partition_key=partition, clustering_key=clustering, **NAME)
    write = rpc.Mutation(partition_key=partition, clustering_key=clustering, **NAME)
    for convert in (lambda: get_of(get, SCHEMA), lambda: mutation_of(write, SCHEMA)):
        with pytest.raises(InvalidOperationError) as caught:
            convert()
        assert caught.value.code == "STX-3014"


def test_a_scan_of_a_partition() -> None:
    scan = rpc.Scan(
        partition_key=key(owner="me"),
        start_clustering_key=key(at=3, kind=1),
        start_inclusive=True,
        end_clustering_key=key(at=3, kind=9),
        orderings=[
            rpc.Ordering(name="at", order=rpc.ORDER_DESC),
            rpc.Ordering(name="kind", order=rpc.ORDER_ASC),
        ],
        limit=5,
        projections=["size"],
        **NAME,
    )
    assert scan_of(scan, SCHEMA) == Scan(
        TABLE,
        {"owner": "me"},
        start={"at": 3, "kind": 1},
        end={"at": 3, "kind": 9},
        start_inclusive=True,
        end_inclusive=False,
        order_by=["-at", "kind"],
        limit=5,
        columns=["size"],
    )


def test_a_bound_is_there_where_its_message_is() -> None:
    open_scan = scan_of(rpc.Scan(partition_key=key(owner="me"), **NAME), SCHEMA)
    assert (open_scan.start, open_scan.end, open_scan.limit) == (None, None, None)
    empty = rpc.Scan(partition_key=key(owner="me"), end_clustering_key=rpc.Key(), **NAME)
    assert scan_of(empty, SCHEMA).end == {}  # which the scan's own checks refuse


@pytest.mark.parametrize(
    "partition, expected",
    [
        (key(note="x"), Scan(TABLE, index={"note": "x"}, limit=2, columns=["size"])),
        (None, Scan(TABLE, whole_table=True, limit=2, columns=["size"])),
    ],
    ids=["index", "whole table"],
)
def test_other_scans_keep_limit_and_projections_only(
    partition: rpc.Key | None, expected: Scan
) -> None:
    scan = rpc.Scan(
        partition_key=partition,
        start_clustering_key=key(at=3),
        end_clustering_key=key(at=3),
        orderings=[rpc.Ordering(name="at")],
        limit=2,
        projections=["size"],
        **NAME,
    )
    assert scan_of(scan, SCHEMA) == expected


def test_a_scan_of_an_empty_key_is_no_scan_of_the_table() -> None:
    with pytest.raises(InvalidOperationError, match="partition key"):
        scan_of(rpc.Scan(partition_key=rpc.Key(), **NAME), SCHEMA)


def test_a_negative_limit_is_refused() -> None:
    with pytest.raises(InvalidOperationError, match="limit is -1"):
        scan_of(rpc.Scan(partition_key=key(owner="me"), limit=-1, **NAME), SCHEMA)


def test_an_order_that_would_mean_another_column_is_refused() -> None:
    schema = TableSchema(
        {"owner": "TEXT", "at": "INT", "-at": "INT"}, ["owner"], clustering_key=["at", "-at"]
    )
    for order, refused in ((rpc.ORDER_ASC, False), (rpc.ORDER_DESC, True)):
        scan = rpc.Scan(
            partition_key=key(owner="me"), orderings=[rpc.Ordering(name="at", order=order)], **NAME
        )
        if refused:
            with pytest.raises(InvalidOperationError, match="can't be told"):
                scan_of(scan, schema)
        else:
            assert scan_of(scan, schema).order_by == ["at"]


@pytest.mark.parametrize("name", [("", "orders"), ("shop", ""), ("", ""), ("a.b", "c")])
def test_a_table_without_a_whole_name_is_refused(name: tuple[str, str]) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        table_of(rpc.Get(namespace=name[0], table=name[1]))
    assert caught.value.code == "STX-3011"


def test_the_partition_key_tells_old_clients() -> None:
    assert is_from_old_client(rpc.Get(partition_key=old_key(owner="me")))
    assert is_from_old_client(rpc.Scan(partition_key=old_key(owner="me")))
    assert not is_from_old_client(rpc.Get(partition_key=key(owner="me")))
    assert not is_from_old_client(rpc.Scan())
    both = rpc.Key(value=old_key(owner="me").value, columns=key(owner="me").columns)
    assert not is_from_old_client(rpc.Get(partition_key=both))
