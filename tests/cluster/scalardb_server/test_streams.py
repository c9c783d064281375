"""Does a stream end well, however it ends (8.4, 8.5, 17 of the protocol's description)?"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING

import grpc
import pytest

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.sessions import Expiry
from scalar_tx.model.state import TransactionState
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
from tests.cluster.scalardb_server.served import Client, Served

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from tests.cluster.scalardb_server.served import Talk

OK = (grpc.StatusCode.OK, "")
SCAN = "DistributedStorage/Scan"


def begun(client: Client, name: str = TRANSACTION) -> tuple[Talk, str]:
    talk = client.stream(name)
    answer = talk.ask(asks(Tx if name == TRANSACTION else Two, "begin"))
    return talk, answer.begin_response.transaction_id


def state(client: Client, transaction_id: str) -> str:
    request = rpc.GetTransactionStateRequest(transaction_id=transaction_id)
    found = client.call("DistributedTransaction/GetState", request).state
    return str(rpc.TransactionState.Name(found)).removeprefix("TRANSACTION_STATE_")


def until(true: Callable[[], bool]) -> None:
    for _ in range(2000):
        if true():
            return
        time.sleep(0.005)
    raise AssertionError("it did not come about")


@pytest.mark.parametrize("how", ["cancel", "half_close"])
def test_a_client_that_goes_has_its_transaction_rolled_back(
    server: Served, client: Client, how: str, pk: int
) -> None:
    talk, name = begun(client)
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    assert server.gate.outstanding == 1
    tx = server.manager.resume(name)
    getattr(talk, how)()
    assert talk.end()[0] is grpc.StatusCode.CANCELLED
    assert server.drained()
    assert tx.outcome is TransactionState.ABORTED
    assert server.read("shop.things", pk=pk, ck=1) is None


def test_a_lost_connection_is_the_same(server: Served, pk: int) -> None:
    other = Client(server.port)
    talk, name = begun(other)
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    tx = server.manager.resume(name)
    other.close()
    assert server.drained()
    assert tx.outcome is TransactionState.ABORTED
    talk.half_close()


def test_a_prepared_part_is_rolled_back_for_every_part(
    server: Served, client: Client, pk: int
) -> None:
    talk, name = begun(client, TWO_PHASE)
    talk.ask(asks(Two, "mutate", mutations=[put(pk, v=1)]))
    assert talk.ask(asks(Two, "prepare")).WhichOneof("response") is None
    talk.cancel()
    assert server.drained()
    assert state(client, name) == "ABORTED"
    assert server.read("shop.things", pk=pk, ck=1) is None


def test_nothing_is_rolled_back_twice(
    server: Served, client: Client, pk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk, name = begun(client, TRANSACTION)
    tx, calls = server.manager.resume(name), list[str]()
    roll_back = tx._rollback

    async def counted() -> None:
        calls.append(name)
        await roll_back()

    monkeypatch.setattr(tx, "_rollback", counted)
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    talk.cancel()
    talk.cancel()
    assert server.drained()
    assert calls == [name]


def test_a_commit_that_runs_is_let_run_when_its_client_goes(
    server: Served, client: Client, pk: int
) -> None:
    talk, name = begun(client)
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    held = server.holding("mutate")
    talk.send(asks(Tx, "commit"))
    assert held.reached.wait(10)
    talk.cancel()
    assert talk.end()[0] is grpc.StatusCode.CANCELLED
    time.sleep(0.05)  # were it not waited for, the gate would be free by now
    assert server.gate.outstanding == 1
    held.let_go()
    assert server.drained()
    assert state(client, name) == "COMMITTED"
    assert server.read("shop.things", pk=pk, ck=1)["v"] == 1


def test_a_write_without_transaction_is_let_run_as_well(
    server: Served, client: Client, pk: int
) -> None:
    held = server.holding("mutate")
    request = rpc.MutateRequest(mutations=[put(pk, of=PLAIN, v=1)])
    call = client._callable("DistributedStorage/Mutate").future(request)
    assert held.reached.wait(10)
    call.cancel()
    time.sleep(0.05)
    assert server.gate.outstanding == 1
    held.let_go()
    assert server.drained()
    found = client.call("DistributedStorage/Get", rpc.GetRequest(get=get(pk, of=PLAIN)))
    assert found.HasField("result")


def test_an_abort_by_id_is_let_run_as_well(server: Served, client: Client, pk: int) -> None:
    held, name = server.holding("mutate"), f"given-up-{pk}"
    request = rpc.AbortRequest(transaction_id=name)
    call = client._callable("DistributedTransaction/Abort").future(request)
    assert held.reached.wait(10)
    call.cancel()
    time.sleep(0.05)
    assert server.gate.outstanding == 1
    held.let_go()
    assert server.drained()
    assert state(client, name) == "ABORTED"


@pytest.mark.parametrize("name", [TRANSACTION, TWO_PHASE, SCAN])
def test_a_stream_without_a_word_is_not_admitted(server: Served, client: Client, name: str) -> None:
    talk = client.stream(name)
    time.sleep(0.02)
    assert server.gate.outstanding == 0
    talk.half_close()
    assert talk.end() == OK


@pytest.mark.parametrize("reason", [Expiry.IDLE, Expiry.LIFETIME, Expiry.SHUTDOWN])
def test_an_expired_transaction_ends_by_a_status(
    server: Served, client: Client, reason: Expiry, pk: int
) -> None:
    talk, name = begun(client)
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    tx = server.manager.resume(name)

    async def expire() -> None:
        server.sessions.expire_all(reason)

    server.run(expire())
    code, text = talk.end()
    assert code is grpc.StatusCode.ABORTED
    assert "rolled back" in text
    assert server.drained()
    assert tx.outcome is TransactionState.ABORTED


def test_an_expired_scan_ends_by_a_status(server: Served, client: Client, pk: int) -> None:
    writes = [put(pk, ck, of=PLAIN, v=ck) for ck in range(3)]
    client.call("DistributedStorage/Mutate", rpc.MutateRequest(mutations=writes))
    talk = client.stream(SCAN)
    first = talk.ask(rpc.ScanRequest(scan=scan(pk, of=PLAIN), fetch_count=1))
    assert first.has_more_results
    assert server.sessions.count == 1

    async def expire() -> None:
        server.sessions.expire_all(Expiry.IDLE)

    server.run(expire())
    assert talk.end()[0] is grpc.StatusCode.ABORTED


def test_an_expiry_in_the_middle_of_a_commit_leaves_it_alone(
    server: Served, client: Client, pk: int
) -> None:
    talk, _ = begun(client)
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    held = server.holding("mutate")
    talk.send(asks(Tx, "commit"))
    assert held.reached.wait(10)

    async def expire() -> None:
        server.sessions.expire_all(Expiry.LIFETIME)

    server.run(expire())
    held.let_go()
    assert talk.answer() == rpc.TransactionResponse()
    assert talk.end() == OK
    assert server.read("shop.things", pk=pk, ck=1)["v"] == 1


def test_who_is_silent_is_expired_by_the_watch(tmp_path: Any) -> None:
    from tests.cluster.scalardb_server.conftest import make_tables

    served = Served("memory://", idle=0.05)
    make_tables(served)
    client = Client(served.port)
    watch = served.soon(served.sessions.watch())
    talk, _ = begun(client)
    assert talk.end()[0] is grpc.StatusCode.ABORTED
    watch.cancel()
    client.close()
    served.close()


def test_more_than_the_limit_is_refused_and_nothing_is_left(pk: int) -> None:
    served = Served("memory://", most=2)
    client = Client(served.port)
    open_ones = [begun(client)[0] for _ in range(2)]
    for name, kind in ((TRANSACTION, Tx), (TWO_PHASE, Two)):
        talk = client.stream(name)
        talk.send(asks(kind, "begin"))
        code, text = talk.end()
        assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "STX-5100" in text
    open_ones[0].ask(asks(Tx, "rollback"))
    assert open_ones[0].end() == OK
    until(lambda: served.sessions.count == 1)
    talk, _ = begun(client)
    talk.ask(asks(Tx, "rollback"))
    open_ones[1].cancel()
    client.close()
    served.close()


@pytest.mark.slow
def test_a_thousand_transactions_are_open_on_one_connection(
    server: Served, client: Client, pk: int
) -> None:
    talks = [begun(client)[0] for _ in range(1000)]
    assert server.gate.outstanding == server.sessions.count == 1000
    found = client.call("DistributedStorage/Get", rpc.GetRequest(get=get(pk, of=PLAIN)))
    assert not found.HasField("result")
    for talk in talks:
        talk.send(asks(Tx, "commit"))
    for talk in talks:
        assert talk.answer() == rpc.TransactionResponse()
        assert talk.end() == OK


def test_a_server_that_stops_rolls_back_what_is_open(caplog: pytest.LogCaptureFixture) -> None:
    from tests.cluster.scalardb_server.conftest import make_tables

    served = Served("memory://")
    make_tables(served)
    client = Client(served.port)
    talk, name = begun(client)
    talk.ask(asks(Tx, "mutate", mutations=[put(1, v=1)]))
    tx = served.manager.resume(name)
    with caplog.at_level(logging.INFO):
        served.close()
    assert tx.outcome is TransactionState.ABORTED
    assert talk.end()[0] in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)
    client.close()
    assert [one.getMessage() for one in caplog.records if one.levelno >= logging.ERROR] == []


def test_an_answer_larger_than_a_message_is_an_error_within_the_stream(pk: int) -> None:
    from tests.cluster.scalardb_server.conftest import make_tables

    served = Served("memory://", largest_answer=10_000)
    make_tables(served)
    client = Client(served.port)
    talk, _ = begun(client)
    for ck in range(3):
        talk.ask(asks(Tx, "mutate", mutations=[put(pk, ck, big=bytes(4000))]))
    talk.ask(asks(Tx, "commit"))
    talk.end()
    talk, _ = begun(client)
    answer = talk.ask(asks(Tx, "scan", scan=scan(pk)))
    assert answer.error.error_code == rpc.TransactionResponse.Error.OTHER
    assert "at most 10000" in answer.error.message
    answer = talk.ask(asks(Tx, "scan", scan=scan(pk, limit=2)))
    assert len(answer.scan_response.results) == 2
    talk.ask(asks(Tx, "commit"))
    assert talk.end() == OK
    client.close()
    served.close()


@pytest.mark.parametrize("letter", ["x", "é", "字", "𠮷", "%"])
def test_a_long_description_fits_into_the_trailers(client: Client, letter: str) -> None:
    table = letter * 20_000
    create = rpc.DropTableRequest(namespace="shop", table=table)
    try:
        client.call("DistributedStorageAdmin/DropTable", create)
    except grpc.RpcError as error:
        found: Any = error
    assert found.code() is grpc.StatusCode.INVALID_ARGUMENT
    text = found.details()
    assert text.startswith("CORE-10016: The table does not exist. Table: shop.")
    assert text.endswith(letter)
    sent = sum(1 if " " <= c < "\x7f" and c != "%" else 3 * len(c.encode()) for c in text)
    assert sent < 6100
    assert len(text.encode()) <= 4000


def test_each_connection_is_counted_by_itself() -> None:
    served = Served("memory://", most_of_one=2)
    one, other = Client(served.port), Client(served.port)
    try:
        talks = [begun(one)[0] for _ in range(2)]
        refused = one.stream(TRANSACTION)
        refused.send(asks(Tx, "begin"))
        status, text = refused.end()
        assert status is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "STX-5100" in text
        talks += [begun(other)[0] for _ in range(2)]
        assert len(served.sessions.counts_of_users) == 2
        for talk in talks:
            talk.ask(asks(Tx, "commit"))
            assert talk.end() == OK
        until(lambda: not served.sessions.count)
        begun(one)[0].cancel()
    finally:
        one.close()
        other.close()
        served.close()
