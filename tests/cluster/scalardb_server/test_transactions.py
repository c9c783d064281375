"""Is a transaction of one stream served as ScalarDB Server serves it (8 of its description)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from scalar_tx.model.state import TransactionState
from tests.cluster.scalardb_server.messages import (
    TRANSACTION,
    TWO_PHASE,
    Two,
    Tx,
    asks,
    delete,
    get,
    put,
    record,
    scan,
)
from tests.cluster.scalardb_server.talks import EMPTY, INVALID, OK, begun, committed, error_of

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Client, Served


def test_a_record_is_written_read_changed_and_removed(client: Client, pk: int) -> None:
    committed(client, put(pk, v=1, w="a"))
    talk = begun(client)
    found = talk.ask(asks(Tx, "get", get=get(pk))).get_response.result
    assert record(found) == {"pk": pk, "ck": 1, "v": 1, "w": "a", "big": None}
    assert talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=2), put(pk, 2, v=3)])) == EMPTY
    found = talk.ask(asks(Tx, "get", get=get(pk, projections=["v"]))).get_response.result
    assert record(found) == {"v": 2}
    assert talk.ask(asks(Tx, "mutate", mutations=[delete(pk)])) == EMPTY
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK
    talk = begun(client)
    answer = talk.ask(asks(Tx, "get", get=get(pk)))
    assert answer.WhichOneof("response") == "get_response"
    assert not answer.get_response.HasField("result")
    answer = talk.ask(asks(Tx, "scan", scan=scan(pk, projections=["ck", "v"])))
    assert [record(one) for one in answer.scan_response.results] == [{"ck": 2, "v": 3}]
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


def test_each_end_is_told_once_and_as_whose_it_was(client: Client, server: Served, pk: int) -> None:
    done, aborted = TransactionState.COMMITTED, TransactionState.ABORTED
    assert server.drained()
    server.ends.clear()
    lost = begun(client)
    lost.ask(asks(Tx, "mutate", mutations=[put(pk, v=2)]))
    committed(client, put(pk, v=1))
    lost.ask(asks(Tx, "commit"))  # a conflict
    assert lost.end() == OK
    for last in ("rollback", "abort"):
        talk = begun(client)
        talk.ask(asks(Tx, last))
        assert talk.end() == OK
    begun(client).cancel()
    client.stream(TRANSACTION).half_close()
    refused = client.stream(TRANSACTION)
    refused.send(asks(Tx, "begin", transaction_id=""))
    refused.end()
    first, second = client.stream(TWO_PHASE), client.stream(TWO_PHASE)
    name = first.ask(asks(Two, "begin")).begin_response.transaction_id
    second.ask(asks(Two, "join", transaction_id=name))
    for step in ("prepare", "validate", "commit"):
        for part in (first, second):
            part.ask(asks(Two, step))
    assert first.end() == second.end() == OK
    assert server.drained()
    expected = [(done, False)] * 2 + [(aborted, True)] * 2 + [(aborted, False)] * 2
    assert sorted(server.ends, key=str) == sorted(expected, key=str)


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
