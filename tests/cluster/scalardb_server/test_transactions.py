"""Is a transaction of one stream served as ScalarDB Server serves it (8 of its description)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

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

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Client, Served, Talk

OK = (grpc.StatusCode.OK, "")
INVALID = grpc.StatusCode.INVALID_ARGUMENT
Error = rpc.TransactionResponse.Error
EMPTY = rpc.TransactionResponse()


def begun(client: Client) -> Talk:
    talk = client.stream(TRANSACTION)
    assert talk.ask(asks(Tx, "begin")).begin_response.transaction_id
    return talk


def committed(client: Client, *mutations: rpc.Mutation) -> None:
    talk = begun(client)
    assert talk.ask(asks(Tx, "mutate", mutations=[*mutations])) == EMPTY
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK


def error_of(answer: rpc.TransactionResponse) -> tuple[str, str]:
    assert answer.WhichOneof("response") == "error"
    return Error.ErrorCode.Name(answer.error.error_code), answer.error.message


def test_a_record_is_written_read_changed_and_removed(client: Client, pk: int) -> None:
    committed(client, put(pk, v=1, w="a"))
    talk = begun(client)
    found = talk.ask(asks(Tx, "get", get=get(pk))).get_response.result
    assert record(found) == {"pk": pk, "ck": 1, "v": 1, "w": "a", "big": None}
    assert talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=2), put(pk, 2, v=3)])) == EMPTY
    answer = talk.ask(asks(Tx, "scan", scan=scan(pk, projections=["ck", "v"])))
    assert [record(one) for one in answer.scan_response.results] == [
        {"ck": 1, "v": 2},
        {"ck": 2, "v": 3},
    ]
    assert talk.ask(asks(Tx, "mutate", mutations=[delete(pk)])) == EMPTY
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK
    talk = begun(client)
    answer = talk.ask(asks(Tx, "get", get=get(pk)))
    assert answer.WhichOneof("response") == "get_response"
    assert not answer.get_response.HasField("result")
    assert talk.ask(asks(Tx, "rollback")) == EMPTY
    assert talk.end() == OK


@pytest.mark.parametrize("kind", ["begin", "start"])
def test_begin_is_answered_in_its_kind(client: Client, kind: str, pk: int) -> None:
    for wanted in (None, f"mine-{kind}-{pk}-{client.channel!r:.20}".replace(" ", "")[:60]):
        talk = client.stream(TRANSACTION)
        fields = {} if wanted is None else {"transaction_id": wanted}
        answer = talk.ask(asks(Tx, kind, **fields))
        assert answer.WhichOneof("response") == f"{kind}_response"
        made = getattr(answer, f"{kind}_response").transaction_id
        assert made == wanted if wanted else made
        assert talk.ask(asks(Tx, "abort")) == EMPTY
        assert talk.end() == OK


@pytest.mark.parametrize("last", ["commit", "rollback", "abort"])
def test_the_server_ends_the_stream_behind_the_last_answer(
    client: Client, server: Served, last: str, pk: int
) -> None:
    talk = begun(client)
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    assert talk.ask(asks(Tx, last)) == EMPTY
    talk.send(asks(Tx, "get", get=get(pk)))  # too late, and not answered
    assert talk.end() == OK
    assert (server.read("shop.things", pk=pk, ck=1) is not None) == (last == "commit")


def test_an_empty_id_is_refused_without_words(client: Client) -> None:
    talk = client.stream(TRANSACTION)
    talk.send(asks(Tx, "begin", transaction_id=""))
    assert talk.end() == (INVALID, "")


def test_an_id_that_can_not_be_is_refused_by_a_status(client: Client) -> None:
    talk = client.stream(TRANSACTION)
    talk.send(asks(Tx, "begin", transaction_id="a,b"))
    code, text = talk.end()
    assert code is INVALID
    assert "STX-3030" in text


def test_an_id_that_is_open_is_refused_and_the_open_one_left_alone(client: Client, pk: int) -> None:
    talk = client.stream(TRANSACTION)
    name = f"busy-{pk}"
    talk.ask(asks(Tx, "begin", transaction_id=name))
    text = f"CORE-10047: The transaction already exists. Transaction ID: {name}"
    for _ in range(2):  # the Java server lets the second pass
        other = client.stream(TRANSACTION)
        other.send(asks(Tx, "begin", transaction_id=name))
        assert other.end() == (grpc.StatusCode.INTERNAL, text)
    assert talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)])) == EMPTY
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK


def test_an_id_of_a_committed_transaction_does_not_commit_again(
    client: Client, server: Served, pk: int
) -> None:
    name = f"used-{pk}"
    for value in (1, 2):
        talk = client.stream(TRANSACTION)
        talk.ask(asks(Tx, "begin", transaction_id=name))
        talk.ask(asks(Tx, "mutate", mutations=[put(pk, value, v=value)]))
        answer = talk.ask(asks(Tx, "commit"))
        assert talk.end() == OK
    code, text = error_of(answer)
    assert code == "INVALID_ARGUMENT"
    assert "STX-3036" in text
    assert server.read("shop.things", pk=pk, ck=2) is None


OUT_OF_ORDER: dict[str, tuple[list[Any], str]] = {
    "empty at first": ([Tx()], "transaction is not started"),
    "a read at first": ([asks(Tx, "get", get=get(1))], "transaction is not started"),
    "a commit at first": ([asks(Tx, "commit")], "transaction is not started"),
    "begun twice": ([asks(Tx, "begin"), asks(Tx, "begin")], "transaction is already begun"),
    "started twice": ([asks(Tx, "start"), asks(Tx, "start")], "transaction is already started"),
    "empty": ([asks(Tx, "begin"), Tx()], "invalid request specified: REQUEST_NOT_SET"),
    "of the future": (
        [asks(Tx, "begin"), Tx.FromString(b"\xa2\x06\x00")],
        "invalid request specified: REQUEST_NOT_SET",
    ),
}


@pytest.mark.parametrize("what", OUT_OF_ORDER)
def test_requests_out_of_order_end_the_stream(client: Client, what: str) -> None:
    (*before, last), text = OUT_OF_ORDER[what]
    talk = client.stream(TRANSACTION)
    for request in before:
        talk.ask(request)
    talk.send(last)
    assert talk.end() == (INVALID, text)
    assert not [name for name, _ in talk.trailers() if name != "grpc-status"]


def test_a_conflict_is_answered_within_the_stream_and_ends_it(client: Client, pk: int) -> None:
    talk = client.stream(TRANSACTION)
    name = talk.ask(asks(Tx, "begin")).begin_response.transaction_id
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    committed(client, put(pk, v=2))
    answer = talk.ask(asks(Tx, "commit"))
    text = f"CORE-20013: The record being prepared already exists. Transaction ID: {name}"
    assert error_of(answer) == ("TRANSACTION_CONFLICT", text)
    assert talk.end() == OK


def test_a_record_that_changed_since_it_was_read_is_the_same_conflict(
    client: Client, pk: int
) -> None:
    committed(client, put(pk, v=1))
    talk = begun(client)
    talk.ask(asks(Tx, "get", get=get(pk)))
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=5)]))
    committed(client, put(pk, pre_read=True, v=2))
    code, text = error_of(talk.ask(asks(Tx, "commit")))
    assert code == "TRANSACTION_CONFLICT"
    assert text.startswith("CORE-20013: The record being prepared already exists. Transaction ID: ")
    assert talk.end() == OK


def refused(client: Client, name: str, **fields: Any) -> tuple[str, str]:
    """What an operation is answered that leaves its transaction as it was."""
    talk = begun(client)
    answer = error_of(talk.ask(asks(Tx, name, **fields)))
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK
    return answer


BAD_KEY = rpc.Get(
    namespace="shop", table="things", partition_key=key(v=1), clustering_key=key(ck=1)
)
NO_CLUSTERING = rpc.Get(namespace="shop", table="things", partition_key=key(pk=1))
TOO_LITTLE = rpc.Mutation(namespace="shop", table="things", partition_key=key(pk=1))
ABSENT: dict[str, Any] = {"namespace": "shop", "table": "absent"}
PLAIN: dict[str, Any] = {"namespace": "shop", "table": "plain"}
REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "get, no table": ("get", {"get": get(1, of=ABSENT)}, "The specified table is not found"),
    "get of nothing": ("get", {}, "The specified table is not found"),
    "scan, no table": ("scan", {"scan": scan(1, of=ABSENT)}, "The specified table is not found"),
    "scan of nothing": ("scan", {}, "The specified table is not found"),
    "put, no table": (
        "mutate",
        {"mutations": [put(1, of=ABSENT)]},
        "The specified table is not found",
    ),
    "the coordinator's table": (
        "get",
        {"get": rpc.Get(namespace="coordinator", table="state")},
        "The specified table is not found",
    ),
    "get, bad key": ("get", {"get": BAD_KEY}, "CORE-10020: The partition key is not properly "),
    "get, half a key": (
        "get",
        {"get": NO_CLUSTERING},
        "CORE-10021: The clustering key is not properly ",
    ),
    "put, half a key": ("mutate", {"mutations": [TOO_LITTLE]}, "CORE-10021: The clustering key "),
    "scan, empty key": (
        "scan",
        {"scan": rpc.Scan(namespace="shop", table="things", partition_key=rpc.Key())},
        "CORE-10020: The partition key is not properly specified. Operation: Scan of shop.things",
    ),
    "scan, negative limit": (
        "scan",
        {"scan": scan(1, limit=-1)},
        "CORE-10005: The limit cannot be negative. Operation: Scan of shop.things",
    ),
    "nothing to write": ("mutate", {}, "CORE-10018: The mutations are empty"),
    "get, not transactional": (
        "get",
        {"get": get(1, of=PLAIN)},
        "CORE-10030: The column tx_state does not exist",
    ),
    "scan, not transactional": (
        "scan",
        {"scan": scan(1, of=PLAIN)},
        "CORE-10030: The column tx_state does not exist",
    ),
    "put, not transactional": (
        "mutate",
        {"mutations": [put(1, of=PLAIN, v=1)]},
        "shop.plain has no",
    ),
    "put, a column for transactions": (
        "mutate",
        {"mutations": [put(1, tx_id="x")]},
        (
            "CORE-10097: Mutating transaction metadata columns is not allowed. "
            "Table: shop.things; Column: tx_id"
        ),
    ),
    "put, no column": ("mutate", {"mutations": [put(1, gone=1)]}, "shop.things has no column"),
    "put, wrong type": ("mutate", {"mutations": [put(1, v="x")]}, "shop.things.v is INT"),
    "put with a condition, unread": (
        "mutate",
        {"mutations": [put(1, condition=condition("PUT_IF_EXISTS"), v=1)]},
        "CORE-10103: Put cannot have a condition when the target record is unread",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_request_that_can_not_be_is_refused_within_the_stream(client: Client, what: str) -> None:
    name, fields, begins = REFUSED[what]
    code, text = refused(client, name, **fields)
    assert code == "INVALID_ARGUMENT"
    assert text.startswith(begins)


UNSATISFIED: dict[str, tuple[bool, rpc.MutateCondition, str]] = {
    "not exists": (
        True,
        condition("PUT_IF_NOT_EXISTS"),
        "CORE-20019: The record exists, so the PutIfNotExists condition is not satisfied",
    ),
    "exists": (
        False,
        condition("PUT_IF_EXISTS"),
        "CORE-20018: The record does not exist, so the PutIfExists condition is not satisfied",
    ),
    "put if, of nothing": (
        False,
        condition("PUT_IF", v=("EQ", 1)),
        "CORE-20018: The record does not exist, so the PutIf condition is not satisfied",
    ),
    "put if": (
        True,
        condition("PUT_IF", w=("EQ", "a"), v=("NE", 1)),
        "CORE-20020: The condition on the column 'v' is not satisfied",
    ),
    "delete if": (
        True,
        condition("DELETE_IF", v=("GT", 1)),
        "CORE-20020: The condition on the column 'v' is not satisfied",
    ),
    "delete if exists": (
        False,
        condition("DELETE_IF_EXISTS"),
        "CORE-20018: The record does not exist, so the DeleteIfExists condition is not satisfied",
    ),
}


@pytest.mark.parametrize("what", UNSATISFIED)
def test_a_condition_not_met_leaves_the_transaction_usable(
    client: Client, server: Served, what: str, pk: int
) -> None:
    there, where, text = UNSATISFIED[what]
    if there:
        committed(client, put(pk, v=1, w="a"))
    talk = client.stream(TRANSACTION)
    name = talk.ask(asks(Tx, "begin")).begin_response.transaction_id
    kind = rpc.MutateCondition.Type.Name(where.type)
    mutation = (
        put(pk, condition=where, pre_read=True, v=9)
        if kind.startswith("PUT")
        else delete(pk, condition=where)
    )
    answer = talk.ask(asks(Tx, "mutate", mutations=[mutation]))
    assert error_of(answer) == ("UNSATISFIED_CONDITION", f"{text}. Transaction ID: {name}")
    assert talk.ask(asks(Tx, "mutate", mutations=[put(pk, 2, v=2)])) == EMPTY
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK
    assert server.read("shop.things", pk=pk, ck=2)["v"] == 2
    found = server.read("shop.things", pk=pk, ck=1)
    assert (found and found["v"]) == (1 if there else None)


@pytest.mark.parametrize(
    "where, met",
    [
        (condition("PUT_IF", v=("NE", 5)), True),  # NULL <> 5 is true to ScalarDB
        (condition("PUT_IF", v=("NE", 5), w=("NE", "a")), False),
        (condition("PUT_IF", v=("IS_NULL", None)), True),
        (condition("PUT_IF", v=("LT", 5)), False),
        (condition("PUT_IF", w=("IS_NOT_NULL", None), v=("IS_NULL", None)), True),
    ],
)
def test_conditions_on_null(
    client: Client, server: Served, where: rpc.MutateCondition, met: bool, pk: int
) -> None:
    committed(client, put(pk, v=None, w="a"))
    talk = begun(client)
    answer = talk.ask(asks(Tx, "mutate", mutations=[put(pk, condition=where, pre_read=True, v=7)]))
    assert (answer == EMPTY) == met
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK
    assert server.read("shop.things", pk=pk, ck=1)["v"] == (7 if met else None)


def test_of_a_list_with_a_condition_not_met_nothing_is_kept(
    client: Client, server: Served, pk: int
) -> None:
    committed(client, put(pk, 2, v=1))
    talk = begun(client)
    several = [
        put(pk, 1, condition=condition("PUT_IF_NOT_EXISTS"), pre_read=True, v=1),
        put(pk, 2, condition=condition("PUT_IF", v=("EQ", 2)), pre_read=True, v=2),
    ]
    code, text = error_of(talk.ask(asks(Tx, "mutate", mutations=several)))
    assert code == "UNSATISFIED_CONDITION"
    assert text.startswith("CORE-20020: The condition on the column 'v' is not satisfied")
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK
    assert server.read("shop.things", pk=pk, ck=1) is None


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
