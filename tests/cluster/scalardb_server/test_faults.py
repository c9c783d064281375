"""What is a client told where the storage fails, and does it ever hear of a wrong outcome?

The faults are put into the real storages, and each test asserts that they were met.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc
import pytest

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.errors import ReplyLostError, StorageBusyError, StorageUnavailableError
from tests.cluster.scalardb_server.messages import PLAIN, TRANSACTION, Tx, asks, get, put, scan
from tests.cluster.scalardb_server.talks import EMPTY, OK, begun, committed, error_of
from tests.cluster.storage_fault import Fault

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.cluster.scalardb_server.served import Client, Served

UNAVAILABLE = StorageUnavailableError("the storage is away")


@pytest.fixture
def fault(server: Served) -> Iterator[Fault]:
    made = Fault(server.parts.storage)
    yield made
    made.take_out()
    assert made.met, "no fault happened"


def state(client: Client, name: str, call: str = "GetState") -> Any:
    method = f"DistributedTransaction/{call}"
    return client.call(method, client.request(method, transaction_id=name)).state


@pytest.mark.parametrize("call", ["GetState", "Rollback", "Abort"])
def test_a_state_that_can_not_be_read_is_unknown(client: Client, fault: Fault, call: str) -> None:
    fault.put_in("get", UNAVAILABLE)
    assert state(client, "somebody", call) == rpc.TRANSACTION_STATE_UNKNOWN


@pytest.mark.parametrize(
    "error, applied",
    [(StorageBusyError("busy"), False), (UNAVAILABLE, False), (ReplyLostError("lost"), True)],
    ids=["busy", "unavailable", "reply lost"],
)
def test_a_write_that_failed_is_never_said_to_be_worth_repeating(
    client: Client, fault: Fault, error: Exception, applied: bool, pk: int
) -> None:
    """Java repeats a call that ended in UNAVAILABLE by itself, and so may apply it twice."""
    fault.put_in("mutate", error, after=applied)
    request = rpc.MutateRequest(mutations=[put(pk, of=PLAIN, v=1)])
    code, _ = client.refused("DistributedStorage/Mutate", request)
    assert code is grpc.StatusCode.INTERNAL
    fault.take_out()
    found = client.call("DistributedStorage/Get", rpc.GetRequest(get=get(pk, of=PLAIN)))
    assert found.HasField("result") == applied


def test_a_read_that_failed_leaves_the_transaction_open(
    client: Client, fault: Fault, pk: int
) -> None:
    talk = begun(client)
    fault.put_in("get", UNAVAILABLE)
    code, text = error_of(talk.ask(asks(Tx, "get", get=get(pk))))
    assert code == "OTHER"
    assert "the storage is away" in text
    fault.take_out()
    assert talk.ask(asks(Tx, "get", get=get(pk))).WhichOneof("response") == "get_response"
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK


def test_that_an_id_was_used_before_is_told_in_the_stream_whatever_else_fails(
    client: Client, fault: Fault, server: Served, pk: int
) -> None:
    committed_id = f"used {pk}"
    for last in (False, True):
        talk = client.stream(TRANSACTION)
        talk.ask(asks(Tx, "begin", transaction_id=committed_id))
        talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=int(last), pre_read=False)]))
        if last:  # the decision is found, and can't be read again
            fault.put_in("get", UNAVAILABLE, but=1)
        answer = talk.ask(asks(Tx, "commit"))
        assert last or answer == EMPTY
        assert talk.end() == OK
    fault.take_out()
    code, text = error_of(answer)
    assert code == "INVALID_ARGUMENT"
    assert "STX-3036" in text
    assert server.read("shop.things", pk=pk, ck=1)["v"] == 0


def test_a_commit_of_unknown_outcome_is_told_so_and_its_state_tells_later(
    client: Client, fault: Fault, server: Served, pk: int
) -> None:
    talk = begun(client)
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    (session,) = server.sessions._open
    fault.put_in("mutate", ReplyLostError("the answer is lost"), after=True)
    fault.put_in("get", UNAVAILABLE)
    code, text = error_of(talk.ask(asks(Tx, "commit")))
    assert code == "UNKNOWN_TRANSACTION_STATUS"
    assert session.transaction_id in text
    assert talk.end() == OK
    fault.take_out()
    assert state(client, session.transaction_id) == rpc.TRANSACTION_STATE_COMMITTED
    assert server.read("shop.things", pk=pk, ck=1)["v"] == 1


def test_a_commit_whose_answer_is_lost_is_found_out(
    client: Client, fault: Fault, server: Served, pk: int
) -> None:
    talk = begun(client)
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    fault.put_in("mutate", ReplyLostError("the answer is lost"), after=True)
    assert talk.ask(asks(Tx, "commit")) == EMPTY
    assert talk.end() == OK
    fault.take_out()
    assert server.read("shop.things", pk=pk, ck=1)["v"] == 1


def test_a_commit_that_failed_ends_the_stream(
    client: Client, fault: Fault, server: Served, pk: int
) -> None:
    talk = begun(client)
    talk.ask(asks(Tx, "mutate", mutations=[put(pk, v=1)]))
    fault.put_in("mutate", UNAVAILABLE)
    code, _ = error_of(talk.ask(asks(Tx, "commit")))
    assert code == "OTHER"
    assert talk.end() == OK
    fault.take_out()
    assert server.read("shop.things", pk=pk, ck=1) is None


def test_a_scan_that_fails_ends_by_a_status(
    client: Client, server: Served, pk: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    writes = [put(pk, ck, of=PLAIN, v=ck) for ck in range(5)]
    client.call("DistributedStorage/Mutate", rpc.MutateRequest(mutations=writes))
    talk = client.stream("DistributedStorage/Scan")
    assert talk.ask(rpc.ScanRequest(scan=scan(pk, of=PLAIN), fetch_count=2)).has_more_results
    met, begin = list[str](), server.parts.storage.scan

    class Failing:
        """A scan of the storage that breaks off at its first page."""

        def __init__(self, request: Any) -> None:
            self._pages = begin(request)

        async def next_page(self) -> Any:
            await self._pages.next_page()
            met.append("page")
            raise UNAVAILABLE

        async def close(self) -> None:
            await self._pages.close()
            met.append("close")

    monkeypatch.setattr(server.parts.storage, "scan", Failing)
    other = client.stream("DistributedStorage/Scan")
    other.send(rpc.ScanRequest(scan=scan(pk, of=PLAIN)))
    assert other.end()[0] is grpc.StatusCode.INTERNAL
    assert met == ["page", "close"]
    talk.cancel()


def test_a_mistake_of_ours_is_an_error_without_details(
    client: Client, server: Served, pk: int, caplog: pytest.LogCaptureFixture
) -> None:
    """It is logged, and the client is told that it was ours."""
    fault = Fault(server.parts.storage)
    committed(client, put(pk, v=1))
    talk = begun(client)
    fault.put_in("get", ZeroDivisionError("a secret of the inside"))
    try:
        answer = talk.ask(asks(Tx, "get", get=get(pk)))
        request = rpc.GetRequest(get=get(pk, of=PLAIN))
        refused = client.refused("DistributedStorage/Get", request)
    finally:
        fault.take_out()
    assert fault.met == 2
    text = "an error inside the node: ZeroDivisionError"
    assert error_of(answer) == ("OTHER", text)
    assert refused == (grpc.StatusCode.INTERNAL, text)
    assert talk.ask(asks(Tx, "rollback")) == EMPTY
    assert talk.end() == OK
    assert [one.getMessage() for one in caplog.records if one.levelname == "ERROR"] == [
        "a call ended in ZeroDivisionError('a secret of the inside')"
    ] * 2
    caplog.clear()
