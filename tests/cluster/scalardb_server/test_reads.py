"""Does a transaction's client get what it asked for, byte by byte (6, 20.2)?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import (
    TRANSACTION,
    Tx,
    asks,
    column,
    condition,
    delete,
    get,
    key,
    put,
    record,
    scan,
)
from tests.cluster.scalardb_server.talks import EMPTY, OK, begun, committed, error_of

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Client, Served


def test_columns_that_are_not_there_are_left_out_of_a_read(client: Client, pk: int) -> None:
    committed(client, put(pk, v=1))
    talk = begun(client)
    answer = talk.ask(asks(Tx, "get", get=get(pk, projections=["gone"])))
    assert answer.get_response.HasField("result")
    assert record(answer.get_response.result) == {}
    answer = talk.ask(asks(Tx, "scan", scan=scan(pk, projections=["gone", "v"])))
    assert [record(one) for one in answer.scan_response.results] == [{"v": 1}]
    talk.ask(asks(Tx, "rollback"))
    assert talk.end() == OK


def test_reads_by_index_and_of_the_whole_table(client: Client, server: Served, pk: int) -> None:
    mark = f"mark-{pk}"
    committed(client, put(pk, 1, w=mark), put(pk, 2, w=mark), put(pk, 3, w=f"{mark}!"))
    talk = begun(client)
    by_index = rpc.Scan(namespace="shop", table="things", partition_key=key(w=mark))
    answer = talk.ask(asks(Tx, "scan", scan=by_index))
    assert sorted(record(one)["ck"] for one in answer.scan_response.results) == [1, 2]
    one = rpc.Get(namespace="shop", table="things", partition_key=key(w=f"{mark}!"))
    assert record(talk.ask(asks(Tx, "get", get=one)).get_response.result)["ck"] == 3
    several = rpc.Get(namespace="shop", table="things", partition_key=key(w=mark))
    code, text = error_of(talk.ask(asks(Tx, "get", get=several)))
    assert code == "INVALID_ARGUMENT"
    assert text.startswith("CORE-10068: Please use scan() for non-exact match selection")
    everything = talk.ask(asks(Tx, "scan", scan=scan(None))).scan_response.results
    assert sum(record(found)["pk"] == pk for found in everything) == 3
    assert len(talk.ask(asks(Tx, "scan", scan=scan(None, limit=2))).scan_response.results) == 2
    talk.ask(asks(Tx, "rollback"))
    assert talk.end() == OK


def test_clients_before_3_6_get_values(client: Client, pk: int) -> None:
    committed(client, put(pk, v=1, w=None))
    old = rpc.Get(
        namespace="shop",
        table="things",
        partition_key=rpc.Key(value=[rpc.Value(name="pk", int_value=pk)]),
        clustering_key=rpc.Key(value=[rpc.Value(name="ck", int_value=1)]),
    )
    talk = begun(client)
    found = talk.ask(asks(Tx, "get", get=old)).get_response.result
    assert not found.columns
    assert {one.name for one in found.value} == {"pk", "ck", "v", "w", "big"}
    write = rpc.Mutation(
        namespace="shop",
        table="things",
        partition_key=old.partition_key,
        clustering_key=old.clustering_key,
        value=[rpc.Value(name="v", int_value=4)],
        condition=rpc.MutateCondition(
            type=rpc.MutateCondition.PUT_IF,
            expressions=[rpc.ConditionalExpression(name="v", value=rpc.Value(int_value=1))],
        ),
    )
    assert talk.ask(asks(Tx, "mutate", mutations=[write])) == EMPTY
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK
    talk = begun(client)
    ours = rpc.Scan(
        namespace="shop",
        table="things",
        partition_key=old.partition_key,
        projections=["v"],
    )
    (found,) = talk.ask(asks(Tx, "scan", scan=ours)).scan_response.results
    assert [one.int_value for one in found.value] == [4]
    talk.ask(asks(Tx, "rollback"))
    assert talk.end() == OK


def test_a_list_may_write_to_several_tables_with_nulls_in_each(client: Client, pk: int) -> None:
    """The Java server takes every NULL for one of the first table's columns."""
    other = f"other_{pk}"
    metadata = rpc.TableMetadata(
        columns={"id": rpc.DATA_TYPE_INT, "note": rpc.DATA_TYPE_TEXT}, partition_key_names=["id"]
    )
    create = rpc.CreateTableRequest(namespace="shop", table=other, table_metadata=metadata)
    client.call("DistributedTransactionAdmin/CreateTable", create)
    write = rpc.Mutation(
        namespace="shop", table=other, partition_key=key(id=1), columns=[column("note", None)]
    )
    committed(client, put(pk, v=None), write)


def test_bytes_are_those_of_the_java_server(client: Client, pk: int) -> None:
    """20.2 of the description."""
    talk = client.stream(TRANSACTION)
    name = f"conf{pk:02}"
    sent = name.encode().hex()
    assert len(name) == 6 or pk > 99
    begin = talk.ask(asks(Tx, "begin", transaction_id=name)).SerializeToString().hex()
    assert begin == f"2a{len(name) + 2:02x}0a{len(name):02x}{sent}"
    absent = talk.ask(asks(Tx, "get", get=get(pk)))
    assert absent.SerializeToString().hex() == "1200"
    empty = talk.ask(asks(Tx, "mutate"))
    text = b"CORE-10018: The mutations are empty"
    assert empty.SerializeToString() == bytes.fromhex("22251223") + text
    where = condition("DELETE_IF", v=("EQ", 1))
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=2)]))
    talk.ask(asks(Tx, "commit"))
    talk.end()
    other = begun(client)
    unmet = other.ask(asks(Tx, "mutate", mutations=[delete(pk, condition=where)]))
    assert unmet.SerializeToString()[2:4] == bytes.fromhex("0804")
    other.ask(asks(Tx, "rollback"))
    other.end()
    start = client.stream(TRANSACTION)
    answer = start.ask(asks(Tx, "start", transaction_id=f"{name}s")).SerializeToString()
    assert answer[:1] == b"\x0a"
    start.ask(asks(Tx, "abort"))
    start.end()
