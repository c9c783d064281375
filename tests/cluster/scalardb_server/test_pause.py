"""Is a server paused, and found healthy, as by ScalarDB's own tools (12, 13)?"""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import (
    reflection_pb2,
    reflection_pb2_grpc,
)

from scalar_tx.cluster.health import OVERALL
from scalar_tx.cluster.rpc import scalar_admin_pb2 as admin_rpc
from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.cluster.scalardb_server.messages import (
    PLAIN,
    TRANSACTION,
    TWO_PHASE,
    Two,
    Tx,
    asks,
    get,
    put,
    scan,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.scalardb_server.served import Client, Served

PAUSED = (grpc.StatusCode.UNAVAILABLE, "the server is paused")
NOT_IN_TIME = (
    grpc.StatusCode.FAILED_PRECONDITION,
    "failed to finish processing outstanding requests within the time limit.",
)
SCAN = "DistributedStorage/Scan"


@pytest.fixture(autouse=True)
def goes_on(server: Served) -> Iterator[None]:
    yield
    server.gate.open()


def pause(client: Client, **fields: Any) -> None:
    client.call("Admin/Pause", admin_rpc.PauseRequest(**fields))


def is_paused(client: Client) -> bool:
    return bool(client.call("Admin/CheckPaused").paused)


def test_pausing_and_going_on_may_be_repeated(client: Client) -> None:
    assert not is_paused(client)
    for _ in range(2):
        pause(client)
        assert is_paused(client)
    for _ in range(2):
        client.call("Admin/Unpause")
        assert not is_paused(client)
    pause(client, wait_outstanding=True)
    assert is_paused(client)


STREAMS = {TRANSACTION: asks(Tx, "begin"), TWO_PHASE: asks(Two, "begin")}
STREAMS[SCAN] = rpc.ScanRequest(scan=scan(1, of=PLAIN))
CALLS = [
    "DistributedStorage/Get",
    "DistributedStorage/Mutate",
    *[
        f"{service}/{call}"
        for service in ("DistributedTransaction", "TwoPhaseCommitTransaction")
        for call in ("GetState", "Rollback", "Abort")
    ],
]


@pytest.mark.parametrize("name", STREAMS)
def test_a_paused_server_refuses_streams(client: Client, server: Served, name: str) -> None:
    pause(client)
    talk = client.stream(name)
    talk.send(STREAMS[name])
    assert talk.end() == PAUSED
    assert server.gate.outstanding == 0
    client.call("Admin/Unpause")
    talk = client.stream(name)
    talk.ask(STREAMS[name])
    talk.cancel()


@pytest.mark.parametrize("name", CALLS)
def test_a_paused_server_refuses_calls(client: Client, server: Served, name: str) -> None:
    pause(client)
    assert client.refused(name) == PAUSED
    assert server.gate.outstanding == 0


def test_refusals_and_cancellations_never_put_the_count_out(
    client: Client, server: Served, pk: int
) -> None:
    """What makes every later pause fail at the Java server (17)."""
    for _ in range(25):
        pause(client)
        for name, first in STREAMS.items():
            talk = client.stream(name)
            talk.send(first)
            talk.half_close()
            assert talk.end() == PAUSED
            other = client.stream(name)
            other.send(first)
            other.cancel()
        client.call("Admin/Unpause")
    assert server.drained()
    assert server.gate.outstanding == 0
    pause(client, wait_outstanding=True, max_pause_wait_time=5000)


def test_what_is_open_goes_on_and_is_waited_for(client: Client, server: Served, pk: int) -> None:
    talk = client.stream(TRANSACTION)
    talk.ask(asks(Tx, "begin"))
    paused = threading.Event()

    def wait() -> None:
        pause(client, wait_outstanding=True)
        paused.set()

    thread = threading.Thread(target=wait)
    thread.start()
    while not is_paused(client):
        time.sleep(0.005)
    for ck in range(3):
        answer = talk.ask(asks(Tx, "mutate", mutations=[put(pk, ck, v=1)]))
        assert answer == rpc.TransactionResponse()
    assert not paused.is_set()
    assert talk.ask(asks(Tx, "commit")) == rpc.TransactionResponse()
    thread.join(10)
    assert paused.is_set()
    assert is_paused(client)
    client.call("Admin/Unpause")
    assert server.read("shop.things", pk=pk, ck=2)["v"] == 1


def test_a_pause_that_takes_too_long_is_undone(client: Client) -> None:
    talk = client.stream(TRANSACTION)
    talk.ask(asks(Tx, "begin"))
    waiting = admin_rpc.PauseRequest(wait_outstanding=True, max_pause_wait_time=30)
    assert client.refused("Admin/Pause", waiting) == NOT_IN_TIME
    assert not is_paused(client)
    talk.ask(asks(Tx, "commit"))


def test_a_pause_that_takes_too_long_does_not_undo_another(client: Client) -> None:
    talk = client.stream(TRANSACTION)
    talk.ask(asks(Tx, "begin"))
    waiting = admin_rpc.PauseRequest(wait_outstanding=True, max_pause_wait_time=200)
    ended = list[Any]()
    thread = threading.Thread(target=lambda: ended.append(client.refused("Admin/Pause", waiting)))
    thread.start()
    while not is_paused(client):
        time.sleep(0.005)
    pause(client)
    thread.join(10)
    assert ended == [NOT_IN_TIME]
    assert is_paused(client)
    talk.ask(asks(Tx, "commit"))


def test_a_pause_that_was_ended_while_it_waited_does_not_claim_to_be_one(client: Client) -> None:
    talk = client.stream(TRANSACTION)
    talk.ask(asks(Tx, "begin"))
    waiting = admin_rpc.PauseRequest(wait_outstanding=True)
    ended = list[Any]()
    thread = threading.Thread(target=lambda: ended.append(client.refused("Admin/Pause", waiting)))
    thread.start()
    while not is_paused(client):
        time.sleep(0.005)
    client.call("Admin/Unpause")
    talk.ask(asks(Tx, "commit"))
    thread.join(10)
    assert ended[0][0] is grpc.StatusCode.FAILED_PRECONDITION


def test_a_pause_whose_caller_goes_while_it_waits_is_undone(client: Client, server: Served) -> None:
    talk = client.stream(TRANSACTION)
    talk.ask(asks(Tx, "begin"))
    waiting = client._callable("Admin/Pause").future(admin_rpc.PauseRequest(wait_outstanding=True))
    while not is_paused(client):
        time.sleep(0.005)
    waiting.cancel()
    for _ in range(1000):
        if not is_paused(client):
            break
        time.sleep(0.005)
    assert not is_paused(client)
    talk.ask(asks(Tx, "commit"))


def test_a_negative_time_is_refused(client: Client) -> None:
    request = admin_rpc.PauseRequest(wait_outstanding=True, max_pause_wait_time=-1)
    assert client.refused("Admin/Pause", request)[0] is grpc.StatusCode.INVALID_ARGUMENT
    assert not is_paused(client)


# Health and reflection.


@pytest.mark.parametrize("name", ["", "liveness", "rpc.DistributedTransaction", "no such"])
def test_any_name_gets_the_one_answer_also_while_paused(
    client: Client, server: Served, name: str
) -> None:
    health = health_pb2_grpc.HealthStub(client.channel)
    request, kind = health_pb2.HealthCheckRequest(service=name), health_pb2.HealthCheckResponse
    pause(client)
    assert health.Check(request, timeout=5).status == kind.SERVING
    server.health.set(OVERALL, serving=False)
    assert health.Check(request, timeout=5).status == kind.NOT_SERVING
    server.health.set(OVERALL, serving=True)


def test_who_watches_is_told_of_every_change(client: Client, server: Served) -> None:
    health = health_pb2_grpc.HealthStub(client.channel)
    kind = health_pb2.HealthCheckResponse

    async def turn(serving: bool) -> None:
        server.health.set(OVERALL, serving=serving)

    answers = health.Watch(health_pb2.HealthCheckRequest(), timeout=10)
    assert next(answers).status == kind.SERVING
    for serving in (False, True):
        server.run(turn(serving))
        server.run(turn(serving))  # no change, and not told
        assert next(answers).status == (kind.SERVING if serving else kind.NOT_SERVING)
    answers.cancel()


def test_the_services_tell_of_themselves(client: Client) -> None:
    reflection = reflection_pb2_grpc.ServerReflectionStub(client.channel)
    request = reflection_pb2.ServerReflectionRequest
    asked = [
        request(list_services=""),
        request(file_containing_symbol="rpc.TwoPhaseCommitTransaction"),
        request(file_containing_symbol="rpc.Admin"),
    ]
    listed, *files = reflection.ServerReflectionInfo(iter(asked), timeout=10)
    names = {one.name for one in listed.list_services_response.service}
    assert names == {
        "rpc.DistributedStorage",
        "rpc.DistributedStorageAdmin",
        "rpc.DistributedTransaction",
        "rpc.DistributedTransactionAdmin",
        "rpc.TwoPhaseCommitTransaction",
        "rpc.Admin",
        "grpc.health.v1.Health",
        "grpc.reflection.v1alpha.ServerReflection",
    }
    assert all(one.file_descriptor_response.file_descriptor_proto for one in files)


def test_a_call_is_counted_while_it_runs(client: Client, server: Served, pk: int) -> None:
    held = server.holding("mutate")
    request = rpc.MutateRequest(mutations=[put(pk, of=PLAIN, v=1)])
    call = client._callable("DistributedStorage/Mutate").future(request)
    assert held.reached.wait(10)
    waiting = admin_rpc.PauseRequest(wait_outstanding=True, max_pause_wait_time=30)
    assert client.refused("Admin/Pause", waiting) == NOT_IN_TIME
    held.let_go()
    call.result(10)
    pause(client, wait_outstanding=True, max_pause_wait_time=5000)
    client.call("Admin/Unpause")
    read = rpc.GetRequest(get=get(pk, of=PLAIN))
    assert client.call("DistributedStorage/Get", read).HasField("result")
