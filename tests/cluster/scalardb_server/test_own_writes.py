"""What of its own writes may a transaction's client not read or change by this protocol (20.1)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import (
    THINGS,
    TRANSACTION,
    Tx,
    asks,
    delete,
    get,
    key,
    put,
    record,
    scan,
)
from tests.cluster.scalardb_server.talks import EMPTY, OK, begun, committed, error_of

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Client

WRITTEN = ("INVALID_ARGUMENT", "CORE-10106: Reading already-written data is not allowed")
DELETED = ("INVALID_ARGUMENT", "CORE-10104: Writing already-deleted data is not allowed")


@pytest.mark.parametrize(
    "bounds, met",
    [
        ({}, True),
        ({"limit": 1}, True),
        ({"end_clustering_key": key(ck=5)}, False),
        ({"end_clustering_key": key(ck=5), "end_inclusive": True}, True),
        ({"start_clustering_key": key(ck=5)}, False),
        ({"start_clustering_key": key(ck=5), "start_inclusive": True}, True),
        ({"start_clustering_key": key(ck=1), "end_clustering_key": key(ck=9)}, True),
        ({"start_clustering_key": key(ck=6), "end_clustering_key": key(ck=9)}, False),
        ({"start_clustering_key": key(ck=1), "end_clustering_key": key(ck=4)}, False),
    ],
)
def test_a_scan_that_may_meet_an_own_put_is_refused(
    client: Client, bounds: dict[str, Any], met: bool, pk: int
) -> None:
    talk = begun(client)
    assert talk.ask(asks(Tx, "mutate", mutations=[put(pk, 5, v=1)])) == EMPTY
    answer = talk.ask(asks(Tx, "scan", scan=scan(pk, **bounds)))
    assert (error_of(answer) == WRITTEN) if met else answer.HasField("scan_response")
    assert talk.ask(asks(Tx, "scan", scan=scan(pk + 1_000_000))).HasField("scan_response")
    assert record(talk.ask(asks(Tx, "get", get=get(pk, 5))).get_response.result)["v"] == 1
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK


def test_scans_by_index_and_of_whole_tables(client: Client, pk: int) -> None:
    talk = begun(client)
    assert talk.ask(asks(Tx, "mutate", mutations=[put(pk, 5, w=f"own {pk}")])) == EMPTY
    for word, met in ((f"own {pk}", True), ("of nobody", False)):
        answer = talk.ask(asks(Tx, "scan", scan=rpc.Scan(partition_key=key(w=word), **THINGS)))
        assert (error_of(answer) == WRITTEN) if met else answer.HasField("scan_response")
    assert error_of(talk.ask(asks(Tx, "scan", scan=scan(None)))) == WRITTEN
    talk.ask(asks(Tx, "rollback"))
    assert talk.end() == OK


def test_a_put_over_an_own_delete_is_refused(client: Client, pk: int) -> None:
    committed(client, put(pk, 1, v=1), put(pk, 2, v=2))
    talk = begun(client)
    assert talk.ask(asks(Tx, "mutate", mutations=[put(pk, 1, v=3), delete(pk, 1)])) == EMPTY
    assert error_of(talk.ask(asks(Tx, "mutate", mutations=[put(pk, 1, v=4)]))) == DELETED
    several = [delete(pk, 2), put(pk, 2, v=5)]
    assert error_of(talk.ask(asks(Tx, "mutate", mutations=several))) == DELETED
    answer = talk.ask(asks(Tx, "scan", scan=scan(pk)))
    assert [record(one)["ck"] for one in answer.scan_response.results] == [2]
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK


def test_a_commit_that_failed_is_on_record_as_aborted(client: Client, pk: int) -> None:
    talk = client.stream(TRANSACTION)
    name = talk.ask(asks(Tx, "begin")).begin_response.transaction_id
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    committed(client, put(pk, v=2))
    code, text = error_of(talk.ask(asks(Tx, "commit")))
    assert (code, text[:10]) == ("TRANSACTION_CONFLICT", "CORE-20013")
    assert talk.end() == OK
    state = client.call(
        "DistributedTransaction/GetState", rpc.GetTransactionStateRequest(transaction_id=name)
    )
    assert state.state == rpc.TRANSACTION_STATE_ABORTED
