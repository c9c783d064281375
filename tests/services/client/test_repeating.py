"""When is a call sent again, and what is its caller told where that is of no use?"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from scalar_auditor.client import AuditorClient, AuditorError, OutcomeUnknownError, connect
from scalar_auditor.rpc.v1 import audit_pb2, common_pb2, event_pb2, verification_pb2
from tests.services.client.scripted import Refusal, Scripted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Code = grpc.StatusCode
PAUSED = Refusal(Code.UNAVAILABLE, "PAUSED")  # nothing was done
CONFLICT = Refusal(Code.ABORTED, "CONFLICT")
UNKNOWN = Refusal(Code.DEADLINE_EXCEEDED, "OUTCOME_UNKNOWN")
LOST = Refusal(Code.UNAVAILABLE)  # of no service: the connection broke off
NOT_FOUND = Refusal(Code.NOT_FOUND, "AUDIT_SET_NOT_FOUND", {"audit_set_id": "1"})


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as made:
        yield made


@pytest.fixture
def client(server: Scripted) -> Iterator[AuditorClient]:
    with connect(server.target, token="ours", timeout=1.0) as made:
        yield made


def reads(client: AuditorClient) -> Any:
    return client.audit.get_audit_set(audit_set_id="1")


def creates(client: AuditorClient) -> Any:
    return client.audit.create_audit_set(name="a set")


def hands_over(client: AuditorClient) -> Any:
    return client.audit.transfer_ownership(audit_set_id="1", user_email="ada@example.org")


CALLS = {
    "GetAuditSet": reads,
    "CreateAuditSet": creates,
    "TransferOwnership": hands_over,
}


@pytest.mark.parametrize("name", CALLS)
@pytest.mark.parametrize("refusal", [PAUSED, CONFLICT])
def test_what_was_not_done_is_sent_again(
    server: Scripted, client: AuditorClient, name: str, refusal: Refusal
) -> None:
    server.says[name] = [refusal, refusal, audit_pb2.AuditSet(audit_set_id="1")]
    assert CALLS[name](client).audit_set_id == "1"
    sent = [one.request for one in server.asked_for(name)]
    assert len(sent) == 3
    assert sent[0] == sent[1] == sent[2]


@pytest.mark.parametrize("refusal", [UNKNOWN, LOST])
def test_a_creation_keeps_the_id_that_it_chose(
    server: Scripted, client: AuditorClient, refusal: Refusal
) -> None:
    server.says["CreateAuditSet"] = [refusal, audit_pb2.AuditSet(name="a set")]
    assert creates(client).name == "a set"
    first, second = server.asked_for("CreateAuditSet")
    assert first.request.audit_set_id == second.request.audit_set_id != ""
    server.says["CreateAuditSet"] = [audit_pb2.AuditSet()]
    creates(client)
    assert server.asked[-1].request.audit_set_id != first.request.audit_set_id


@pytest.mark.parametrize(
    "refusal", [UNKNOWN, LOST, *map(Refusal, (Code.CANCELLED, Code.UNKNOWN, Code.INTERNAL))]
)
def test_what_may_have_been_done_is_never_a_failure(
    server: Scripted, client: AuditorClient, refusal: Refusal
) -> None:
    server.says["TransferOwnership"] = [refusal, audit_pb2.AuditSet()]
    with pytest.raises(OutcomeUnknownError) as error:
        hands_over(client)
    assert error.value.reason == "OUTCOME_UNKNOWN"
    assert len(server.asked_for("TransferOwnership")) == 1


def test_a_repeatable_call_ends_as_unknown_when_its_time_is_over(
    server: Scripted, client: AuditorClient
) -> None:
    server.says["CreateAuditSet"] = [UNKNOWN]
    with pytest.raises(OutcomeUnknownError):
        creates(client)
    assert len(server.asked_for("CreateAuditSet")) > 2


@pytest.mark.parametrize(
    "last",
    [
        PAUSED,
        NOT_FOUND,
        Refusal(Code.FAILED_PRECONDITION, "POSITION_MISMATCH"),
        Refusal(Code.ALREADY_EXISTS, "AUDIT_SET_EXISTS"),
    ],
)
def test_what_may_have_been_done_before_is_no_failure_either(
    server: Scripted, client: AuditorClient, last: Refusal
) -> None:
    """An earlier attempt of the same call may have been done, whatever the last one heard."""
    server.says["CreateAuditSet"] = [LOST, last]
    with pytest.raises(OutcomeUnknownError) as error:
        creates(client)
    assert error.value.code == last.code.name


def test_what_can_never_have_been_done_is_a_failure(
    server: Scripted, client: AuditorClient
) -> None:
    server.says["CreateAuditSet"] = [LOST, Refusal(Code.INVALID_ARGUMENT, "INVALID_FIELD")]
    with pytest.raises(AuditorError) as error:
        creates(client)
    assert not isinstance(error.value, OutcomeUnknownError)


def test_a_call_without_an_answer_may_have_been_done(server: Scripted) -> None:
    def slow(request: Any, token: str) -> Any:
        time.sleep(0.6)
        return audit_pb2.AuditSet()

    server.says["TransferOwnership"] = server.says["GetAuditSet"] = [slow]
    with connect(server.target, token="ours", timeout=0.2) as client:
        with pytest.raises(OutcomeUnknownError):
            hands_over(client)
        with pytest.raises(AuditorError) as error:
            reads(client)
    assert type(error.value) is AuditorError  # a read has no outcome
    assert error.value.code == "DEADLINE_EXCEEDED"


def test_what_a_service_refuses_is_told_at_once(server: Scripted, client: AuditorClient) -> None:
    wrong = Refusal(Code.INVALID_ARGUMENT, "INVALID_FIELD", {"field": "name"}, field="name")
    server.says["CreateAuditSet"] = [wrong]
    with pytest.raises(AuditorError) as error:
        creates(client)
    found = error.value
    assert (found.code, found.reason, found.field) == ("INVALID_ARGUMENT", "INVALID_FIELD", "name")
    assert found.metadata == {"field": "name"}
    assert found.advice
    assert not isinstance(found, OutcomeUnknownError)
    assert len(server.asked_for("CreateAuditSet")) == 1


def deletes(client: AuditorClient) -> None:
    client.audit.delete_audit_set(audit_set_id="1")


def removes(client: AuditorClient) -> None:
    client.audit.remove_item(audit_set_id="1", item_id="2")


@pytest.mark.parametrize("call, name", [(deletes, "DeleteAuditSet"), (removes, "RemoveItem")])
def test_what_is_gone_after_a_lost_answer_was_done(
    server: Scripted, client: AuditorClient, call: Callable[[AuditorClient], None], name: str
) -> None:
    server.says[name] = [LOST, NOT_FOUND]
    call(client)
    server.says[name] = [PAUSED, NOT_FOUND]  # nothing was done: it never was there
    with pytest.raises(AuditorError) as error:
        call(client)
    assert error.value.code == "NOT_FOUND"


def test_a_deletion_goes_on_until_nothing_is_left(server: Scripted, client: AuditorClient) -> None:
    more, last = common_pb2.Steps(finished=False), common_pb2.Steps(finished=True)
    server.says["DeleteAuditSet"] = [more, more, last]
    deletes(client)
    assert len(server.asked_for("DeleteAuditSet")) == 3


@pytest.mark.parametrize("hindrance", [PAUSED, CONFLICT])
def test_a_deletion_that_stops_on_its_way_is_not_told_as_failed(
    server: Scripted, client: AuditorClient, hindrance: Refusal
) -> None:
    server.says["DeleteAuditSet"] = [common_pb2.Steps(finished=False), hindrance]
    with pytest.raises(OutcomeUnknownError):
        deletes(client)
    server.says["DeleteAuditSet"] = [hindrance]  # nothing at all was done
    with pytest.raises(AuditorError) as error:
        deletes(client)
    assert not isinstance(error.value, OutcomeUnknownError)


def test_what_somebody_else_has_finished_is_finished(
    server: Scripted, client: AuditorClient
) -> None:
    server.says["DeleteAuditSet"] = [common_pb2.Steps(finished=False), NOT_FOUND]
    deletes(client)


def test_a_list_is_read_page_by_page(server: Scripted, client: AuditorClient) -> None:
    pages = [
        audit_pb2.AuditSets(
            audit_sets=[audit_pb2.AuditSet(audit_set_id=str(number))],
            next_page_token=token,
        )
        for number, token in enumerate(["a", "b", ""])
    ]
    pages.insert(1, audit_pb2.AuditSets(next_page_token="c"))  # an empty one in between
    server.says["ListMyAuditSets"] = [pages[0], PAUSED, *pages[1:]]
    found = client.audit.list_my_audit_sets(page_size=1)
    assert [one.audit_set_id for one in found] == ["0", "1", "2"]
    tokens = [one.request.page.page_token for one in server.asked_for("ListMyAuditSets")]
    assert tokens == ["", "a", "a", "c", "b"]


def test_a_stream_that_breaks_off_is_told(server: Scripted, client: AuditorClient) -> None:
    events = [event_pb2.Event(event_id="1"), event_pb2.Event(event_id="2")]
    server.says["Watch"] = [[*events, LOST]]
    seen: list[event_pb2.Event] = []
    with pytest.raises(AuditorError) as error:
        seen.extend(client.event.watch())
    assert error.value.code == "UNAVAILABLE"
    server.says["VerifyAuditSet"] = [[verification_pb2.VerifyAuditSetProgress(finished=True)]]
    [one] = client.verification.verify_audit_set(audit_set_id="1")
    assert one.finished


def test_a_node_that_is_away_is_passed_over(server: Scripted) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = nobody.getsockname()[1]
        target = f"grpc://127.0.0.1:{away},127.0.0.1:{server.port}"
        with connect(target, token="ours") as client:
            assert hands_over(client) == audit_pb2.AuditSet()  # it was never sent to the other


def test_a_stream_passes_over_a_node_that_is_away(server: Scripted) -> None:
    server.says["Watch"] = [[event_pb2.Event(event_id="1")]]
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        away = nobody.getsockname()[1]
        target = f"grpc://127.0.0.1:{away},127.0.0.1:{server.port}"
        with connect(target, token="ours") as client:
            assert [one.event_id for one in client.event.watch()] == ["1"]


def test_a_stream_that_broke_off_goes_on_at_the_next_node(server: Scripted) -> None:
    server.says["Watch"] = [[event_pb2.Event(event_id="1"), LOST]]
    with Scripted() as other:
        other.says["Watch"] = [[event_pb2.Event(event_id="2")]]
        target = f"grpc://127.0.0.1:{server.port},127.0.0.1:{other.port}"
        with connect(target, token="ours") as client:
            with pytest.raises(AuditorError):
                list(client.event.watch())
            assert [one.event_id for one in client.event.watch()] == ["2"]


def test_no_node_has_a_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalar_auditor.client.connection._CONNECT_SECONDS", 0.2)
    with connect("grpc://127.0.0.1:1", token="ours") as client:
        with pytest.raises(AuditorError) as error:
            list(client.event.watch())
        assert error.value.reason == "NOBODY_ANSWERS"
        assert "nobody listens there" in error.value.message


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalar_auditor.client.connection._CONNECT_SECONDS", 0.2)
    with connect("grpc://127.0.0.1:1", token="ours") as client:
        with pytest.raises(AuditorError) as error:
            hands_over(client)
        assert error.value.reason == "NOBODY_ANSWERS"
        assert "nobody listens there" in error.value.message


def test_a_closed_client_says_so(server: Scripted) -> None:
    client = connect(server.target, token="ours")
    client.close()
    with pytest.raises(AuditorError, match="closed"):
        reads(client)
    with pytest.raises(AuditorError, match="closed"):
        list(client.event.watch())


def test_a_reader_may_leave(server: Scripted, client: AuditorClient) -> None:
    events = [event_pb2.Event(event_id=str(number)) for number in range(100)]
    server.says["Watch"] = [events]
    stream = client.event.watch()
    assert next(stream).event_id == "0"
    stream.close()  # type: ignore[attr-defined]  # an iterator that is a generator
    assert list(client.event.watch())[-1].event_id == "99"
