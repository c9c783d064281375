"""Is a part of a transaction of several processes served in its order (9, 20.1)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.conftest import make_tables
from tests.cluster.scalardb_server.messages import TRANSACTION, TWO_PHASE, Two, Tx, asks, get, put
from tests.cluster.scalardb_server.messages import record as as_mapping
from tests.cluster.scalardb_server.served import Client, Served

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.cluster.scalardb_server.served import Talk

OK = (grpc.StatusCode.OK, "")
EMPTY = rpc.TwoPhaseCommitTransactionResponse()
Error = rpc.TwoPhaseCommitTransactionResponse.Error


def begun(client: Client) -> tuple[Talk, str]:
    talk = client.stream(TWO_PHASE)
    return talk, talk.ask(asks(Two, "begin")).begin_response.transaction_id


def joined(client: Client, transaction_id: str) -> Talk:
    talk = client.stream(TWO_PHASE)
    assert talk.ask(asks(Two, "join", transaction_id=transaction_id)) == EMPTY
    return talk


def done(talk: Talk, *names: str) -> None:
    for name in names:
        assert talk.ask(asks(Two, name)) == EMPTY, name


def error_of(answer: rpc.TwoPhaseCommitTransactionResponse) -> tuple[str, str]:
    assert answer.WhichOneof("response") == "error"
    return Error.ErrorCode.Name(answer.error.error_code), answer.error.message


def committed(client: Client, mutation: rpc.Mutation) -> None:
    talk = client.stream(TRANSACTION)
    for request in (asks(Tx, "begin"), asks(Tx, "mutate", mutations=[mutation])):
        talk.ask(request)
    assert talk.ask(asks(Tx, "commit")) == rpc.TransactionResponse()
    talk.end()


def test_two_parts_of_one_server_commit_together(client: Client, server: Served, pk: int) -> None:
    """Each stream has its own part: the Java server lets both share one, and one prepare fail."""
    first, name = begun(client)
    second = joined(client, name)
    assert first.ask(asks(Two, "mutate", mutations=[put(pk, 1, v=1)])) == EMPTY
    assert second.ask(asks(Two, "mutate", mutations=[put(pk, 2, v=2)])) == EMPTY
    absent = second.ask(asks(Two, "get", get=get(pk, 1)))
    assert absent.SerializeToString().hex() == "1200"
    for step in ("prepare", "validate", "commit"):
        for talk in (first, second):
            done(talk, step)
    assert first.end() == second.end() == OK
    assert [server.read("shop.things", pk=pk, ck=ck)["v"] for ck in (1, 2)] == [1, 2]


def test_one_part_rolls_back_what_both_have_prepared(
    client: Client, server: Served, pk: int
) -> None:
    first, name = begun(client)
    second = joined(client, name)
    for ck, talk in enumerate((first, second)):
        talk.ask(asks(Two, "mutate", mutations=[put(pk, ck, v=1)]))
        done(talk, "prepare", "validate")
    done(second, "abort")
    assert second.end() == OK
    code, text = error_of(first.ask(asks(Two, "commit")))
    assert code == "TRANSACTION_CONFLICT"
    assert text == (
        "CORE-20015: The committing state in the coordinator failed. The transaction has been "
        f"aborted. Transaction ID: {name}"
    )
    assert first.end() == OK
    assert server.read("shop.things", pk=pk, ck=0) is None


def test_parts_of_two_servers_commit_together(tmp_path: Path, pk: int) -> None:
    one, other = (Served(f"sqlite:///{tmp_path}/shared.db") for _ in range(2))
    make_tables(one)
    clients = [Client(one.port), Client(other.port)]
    first, name = begun(clients[0])
    second = joined(clients[1], name)
    first.ask(asks(Two, "mutate", mutations=[put(pk, 1, v=1)]))
    second.ask(asks(Two, "mutate", mutations=[put(pk, 2, v=2)]))
    for step in ("prepare", "validate", "commit"):
        for talk in (first, second):
            done(talk, step)
    assert first.end() == second.end() == OK
    assert [one.read("shop.things", pk=pk, ck=ck)["v"] for ck in (1, 2)] == [1, 2]
    for client in clients:
        client.close()
    for served in (one, other):
        served.close()


def test_reads_and_writes_are_those_of_every_transaction(client: Client, pk: int) -> None:
    committed(client, put(pk, v=1, w="a"))
    talk, _ = begun(client)
    found = talk.ask(asks(Two, "get", get=get(pk))).get_response.result
    assert as_mapping(found)["w"] == "a"
    scan = rpc.Scan(namespace="shop", table="things", partition_key=get(pk).partition_key)
    assert len(talk.ask(asks(Two, "scan", scan=scan)).scan_response.results) == 1
    done(talk, "rollback")
    assert talk.end() == OK


ACTIVE = "CORE-10043: The transaction is not active. Status: "
PREPARED = "CORE-10045: The transaction has not been prepared. Status: "
AGREED = "CORE-10046: The transaction has not been prepared or validated. Status: "
OUT_OF_TURN: list[tuple[Sequence[str], str, str]] = [
    ((), "validate", f"{PREPARED}ACTIVE"),
    ((), "commit", f"{AGREED}ACTIVE"),
    (("prepare",), "prepare", f"{ACTIVE}PREPARED"),
    (("prepare",), "get", f"{ACTIVE}PREPARED"),
    (("prepare",), "scan", f"{ACTIVE}PREPARED"),
    (("prepare",), "mutate", f"{ACTIVE}PREPARED"),
    (("prepare", "validate"), "get", f"{ACTIVE}VALIDATED"),
    (("prepare", "validate"), "prepare", f"{ACTIVE}VALIDATED"),
    (("prepare", "validate"), "validate", f"{PREPARED}VALIDATED"),
]


@pytest.mark.parametrize("before, step, text", OUT_OF_TURN)
def test_a_step_out_of_its_turn(
    client: Client, before: Sequence[str], step: str, text: str
) -> None:
    talk, _ = begun(client)
    done(talk, *before)
    assert error_of(talk.ask(asks(Two, step))) == ("INVALID_ARGUMENT", text)
    if step != "commit":  # which ends the stream, with an error too
        done(talk, "rollback")
    assert talk.end() == OK


def test_a_commit_without_validation_is_refused_where_it_is_needed(
    client: Client, server: Served, pk: int
) -> None:
    talk, _ = begun(client)
    talk.ask(asks(Two, "mutate", mutations=[put(pk, v=1)]))
    done(talk, "prepare")
    code, _ = error_of(talk.ask(asks(Two, "commit")))
    assert code == "INVALID_ARGUMENT"
    assert talk.end() == OK
    assert server.drained()
    assert server.read("shop.things", pk=pk, ck=1) is None


@pytest.mark.parametrize("last", ["rollback", "abort", "commit"])
def test_a_conflict_at_prepare_leaves_the_stream_open(client: Client, last: str, pk: int) -> None:
    talk, name = begun(client)
    talk.ask(asks(Two, "mutate", mutations=[put(pk, v=1)]))
    committed(client, put(pk, v=2))
    text = f"CORE-20013: The record being prepared already exists. Transaction ID: {name}"
    assert error_of(talk.ask(asks(Two, "prepare"))) == ("TRANSACTION_CONFLICT", text)
    failed = ("INVALID_ARGUMENT", f"{ACTIVE}PREPARE_FAILED")
    assert error_of(talk.ask(asks(Two, "get", get=get(pk)))) == failed
    answer = talk.ask(asks(Two, last))
    if last == "commit":
        assert error_of(answer) == ("INVALID_ARGUMENT", f"{AGREED}PREPARE_FAILED")
    else:
        assert answer == EMPTY
    assert talk.end() == OK


def test_a_conflict_at_validation(client: Client, pk: int) -> None:
    committed(client, put(pk, v=1))
    talk, _ = begun(client)
    talk.ask(asks(Two, "get", get=get(pk)))
    talk.ask(asks(Two, "mutate", mutations=[put(pk, 2, v=1)]))
    done(talk, "prepare")
    committed(client, put(pk, pre_read=True, v=2))
    code, _ = error_of(talk.ask(asks(Two, "validate")))
    assert code == "TRANSACTION_CONFLICT"
    failed = ("INVALID_ARGUMENT", f"{AGREED}VALIDATION_FAILED")
    assert error_of(talk.ask(asks(Two, "commit"))) == failed
    assert talk.end() == OK


@pytest.mark.parametrize("kind", ["begin", "start"])
def test_begin_is_answered_in_its_kind(client: Client, kind: str, pk: int) -> None:
    talk = client.stream(TWO_PHASE)
    name = f"{kind}-{pk}"
    answer = talk.ask(asks(Two, kind, transaction_id=name))
    assert answer.WhichOneof("response") == f"{kind}_response"
    assert getattr(answer, f"{kind}_response").transaction_id == name
    text = f"CORE-10047: The transaction already exists. Transaction ID: {name}"
    for _ in range(2):
        other = client.stream(TWO_PHASE)
        other.send(asks(Two, kind, transaction_id=name))
        assert other.end() == (grpc.StatusCode.INTERNAL, text)
        part = joined(client, name)
        done(part, "rollback")
        assert part.end() == OK
    done(talk, "rollback")
    assert talk.end() == OK


FIRST: dict[str, tuple[list[Any], str]] = {
    "join of an empty id": ([asks(Two, "join")], ""),
    "begin of an empty id": ([asks(Two, "begin", transaction_id="")], ""),
    "empty": ([Two()], "transaction is not started"),
    "a read": ([asks(Two, "get")], "transaction is not started"),
    "a prepare": ([asks(Two, "prepare")], "transaction is not started"),
    "joined twice": (
        [asks(Two, "join", transaction_id="j")] * 2,
        "transaction is already started",
    ),
    "begun and joined": (
        [asks(Two, "begin"), asks(Two, "join", transaction_id="j")],
        "transaction is already started",
    ),
    "joined and begun": (
        [asks(Two, "join", transaction_id="j"), asks(Two, "begin")],
        "transaction is already begun",
    ),
    "nothing": ([asks(Two, "begin"), Two()], "invalid request specified: REQUEST_NOT_SET"),
}


@pytest.mark.parametrize("what", FIRST)
def test_requests_out_of_order_end_the_stream(client: Client, what: str) -> None:
    (*before, last), text = FIRST[what]
    talk = client.stream(TWO_PHASE)
    for request in before:
        talk.ask(request)
    talk.send(last)
    assert talk.end() == (grpc.StatusCode.INVALID_ARGUMENT, text)


def test_an_id_nobody_began_may_be_joined(client: Client, server: Served, pk: int) -> None:
    talk = joined(client, f"of-nobody-{pk}")
    talk.ask(asks(Two, "mutate", mutations=[put(pk, v=1)]))
    done(talk, "prepare", "validate", "commit")
    assert talk.end() == OK
    assert server.read("shop.things", pk=pk, ck=1)["v"] == 1


def test_group_commit_and_two_phases_do_not_go_together() -> None:
    served = Served("memory://", consensus_commit_coordinator_group_commit_enabled=True)
    client = Client(served.port)
    for request in (asks(Two, "begin"), asks(Two, "join", transaction_id="x")):
        talk = client.stream(TWO_PHASE)
        talk.send(request)
        code, text = talk.end()
        assert code is grpc.StatusCode.INVALID_ARGUMENT
        assert "STX-3055" in text
    client.close()
    served.close()
