"""What is said of a transaction by its id, and what does an abort by id do (9.1, 20.1)?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.conftest import make_tables
from tests.cluster.scalardb_server.messages import TRANSACTION, TWO_PHASE, Two, Tx, asks, get, put
from tests.cluster.scalardb_server.served import Client, Served

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Talk

SERVICES = {
    "DistributedTransaction": (TRANSACTION, Tx),
    "TwoPhaseCommitTransaction": (TWO_PHASE, Two),
}
COMMITTED, ABORTED, UNKNOWN = "", "0801", "0802"  # 20.2

pytestmark = pytest.mark.parametrize("service", SERVICES)


def asked(client: Client, service: str, call: str, transaction_id: str) -> str:
    name = f"{service}/{call}"
    answer = client.call(name, client.request(name, transaction_id=transaction_id))
    return str(answer.SerializeToString().hex())


def begun(client: Client, service: str, **fields: Any) -> tuple[Talk, str]:
    stream, kind = SERVICES[service]
    talk = client.stream(stream)
    return talk, talk.ask(asks(kind, "begin", **fields)).begin_response.transaction_id


def test_of_a_transaction_at_each_of_its_times(client: Client, service: str, pk: int) -> None:
    kind = SERVICES[service][1]
    assert asked(client, service, "GetState", f"nobody-{pk}") == UNKNOWN
    talk, name = begun(client, service)
    assert asked(client, service, "GetState", name) == UNKNOWN
    talk.ask(asks(kind, "mutate", mutations=[put(pk, v=1)]))
    for step in ("prepare", "validate") if kind is Two else ():
        talk.ask(asks(kind, step))
    assert not talk.ask(asks(kind, "commit")).WhichOneof("response")
    talk.end()
    assert asked(client, service, "GetState", name) == COMMITTED
    assert asked(client, service, "Rollback", name) == COMMITTED
    assert asked(client, service, "Abort", name) == COMMITTED


def test_what_was_rolled_back_on_its_stream_is_unknown(
    client: Client, service: str, pk: int
) -> None:
    talk, name = begun(client, service)
    talk.ask(asks(SERVICES[service][1], "rollback"))
    talk.end()
    assert asked(client, service, "GetState", name) == UNKNOWN


@pytest.mark.parametrize("call", ["Rollback", "Abort"])
def test_an_unknown_id_is_aborted(client: Client, service: str, call: str, pk: int) -> None:
    name = f"never-{service[:3]}-{call}-{pk}"
    assert asked(client, service, call, name) == ABORTED
    assert asked(client, service, "GetState", name) == ABORTED


@pytest.mark.parametrize("call", ["GetState", "Rollback", "Abort"])
def test_an_empty_id_is_refused_without_words(client: Client, service: str, call: str) -> None:
    assert client.refused(f"{service}/{call}") == (grpc.StatusCode.INVALID_ARGUMENT, "")


@pytest.mark.parametrize(
    "how",
    [("Rollback", False), ("Rollback", True), ("Abort", False)],
    ids=["rollback", "rollback of a client's id", "abort"],
)
def test_a_commit_after_an_abort_by_id_is_a_conflict(
    client: Client, server: Served, service: str, how: tuple[str, bool], pk: int
) -> None:
    """The sequence of the Java integration tests; the stream itself goes on."""
    kind, (call, own_id) = SERVICES[service][1], how
    fields = {"transaction_id": f"mine-{service[:3]}{call}{pk}"} if own_id else {}
    talk, name = begun(client, service, **fields)
    talk.ask(asks(kind, "mutate", mutations=[put(pk, v=1)]))
    if kind is Two and not own_id:
        for step in ("prepare", "validate"):
            assert not talk.ask(asks(kind, step)).WhichOneof("response")
    else:
        found = talk.ask(asks(kind, "get", get=get(pk, 2)))
        assert found.WhichOneof("response") == "get_response"
    assert asked(client, service, call, name) == ABORTED
    if kind is Two and own_id:  # which is looked up before it is prepared
        answer = talk.ask(asks(kind, "prepare"))
    else:
        answer = talk.ask(asks(kind, "commit"))
    assert answer.error.error_code == rpc.TransactionResponse.Error.TRANSACTION_CONFLICT
    assert answer.error.message == (
        "CORE-20015: The committing state in the coordinator failed. The transaction has been "
        f"aborted. Transaction ID: {name}"
    )
    if kind is Two and own_id:
        talk.ask(asks(kind, "rollback"))
    assert talk.end() == (grpc.StatusCode.OK, "")
    assert server.read("shop.things", pk=pk, ck=1) is None


def test_what_only_read_is_committed_where_the_settings_want_it_on_record(service: str) -> None:
    """As the Java server has it always; else it leaves no decision, and is unknown."""
    kind = SERVICES[service][1]
    for omitted, expected in ((False, COMMITTED), (True, UNKNOWN)):
        setting: dict[str, Any] = {
            "consensus_commit_coordinator_write_omission_on_read_only_enabled": omitted
        }
        served = Served("memory://", **setting)
        make_tables(served)
        client = Client(served.port)
        talk, name = begun(client, service)
        talk.ask(asks(kind, "get", get=get(1)))
        for step in ("prepare", "validate") if kind is Two else ():
            talk.ask(asks(kind, step))
        assert not talk.ask(asks(kind, "commit")).WhichOneof("response")
        talk.end()
        # A two-phase commit always decides.
        found = asked(client, service, "GetState", name)
        assert found == (COMMITTED if kind is Two else expected)
        client.close()
        served.close()
