"""Which operations are refused within a stream, in which words, and does it go on (8.2, 20.1)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import (
    TRANSACTION,
    Tx,
    asks,
    condition,
    delete,
    get,
    key,
    put,
    scan,
)
from tests.cluster.scalardb_server.talks import EMPTY, OK, begun, committed, error_of

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Client, Served


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
    "put, no column": (
        "mutate",
        {"mutations": [put(1, gone=1)]},
        "CORE-10017: The column value is ",
    ),
    "put, wrong type": (
        "mutate",
        {"mutations": [put(1, v="x")]},
        "CORE-10017: The column value is ",
    ),
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
