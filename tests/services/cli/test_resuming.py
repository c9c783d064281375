"""Do long commands go on where a stream broke off, and end where that is of no use?"""

from __future__ import annotations

import time
from itertools import islice
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from scalar_auditor.cli import events, verify_set
from scalar_auditor.cli.verify_set import Seen, resumed
from scalar_auditor.client import AuditorClient, AuditorError, connect
from scalar_auditor.event.rules import milliseconds_of
from scalar_auditor.rpc.v1 import event_pb2, verification_pb2
from tests.services.client.scripted import Refusal, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator

LOST = Refusal(grpc.StatusCode.UNAVAILABLE)
DENIED = Refusal(grpc.StatusCode.NOT_FOUND, "AUDIT_SET_NOT_FOUND")


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as made:
        yield made


@pytest.fixture
def client(server: Scripted) -> Iterator[AuditorClient]:
    with connect(server.target, token="ours") as made:
        yield made


def progress(verified: int, total: int, last: str, **more: Any) -> Any:
    return verification_pb2.VerifyAuditSetProgress(
        verified=verified, total=total, last_item_id=last, **more
    )


def verdict(item_id: str, status: str) -> Any:
    return verification_pb2.Verdict(item_id=item_id, tampering_status=status)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (events, verify_set):
        monkeypatch.setattr(module, "_PAUSE", 0.0)


def test_a_verification_goes_on_behind_the_last_item_and_counts_all(
    server: Scripted, client: AuditorClient
) -> None:
    bad = [verdict("b", "TAMPERED"), verdict("c", "NOT_MONITORED")]
    server.says["VerifyAuditSet"] = [
        [progress(1, 5, "a"), progress(3, 5, "c", tampered=1, not_monitored=1, verdicts=bad), LOST],
        [LOST],
        [progress(2, 2, "e", tampered=1, verdicts=[verdict("e", "TAMPERED")], finished=True)],
    ]
    seen = Seen("")
    assert len(list(resumed(client, "1", seen))) == 3
    assert (seen.verified, seen.total, seen.tampered, seen.not_monitored) == (5, 5, 2, 1)
    assert [one["item_id"] for one in seen.verdicts] == ["b", "e"]
    asked = [one.request.after_item_id for one in server.asked_for("VerifyAuditSet")]
    assert asked == ["", "c", "c"]


def test_a_verification_that_gets_nowhere_says_where_to_go_on(
    server: Scripted, client: AuditorClient
) -> None:
    server.says["VerifyAuditSet"] = [[progress(1, 9, "a"), LOST], [LOST]]
    with pytest.raises(AuditorError) as error:
        list(resumed(client, "1", Seen("")))
    assert "--after a" in error.value.advice
    assert len(server.asked_for("VerifyAuditSet")) < 9


def test_a_refusal_is_no_broken_stream(server: Scripted, client: AuditorClient) -> None:
    server.says["VerifyAuditSet"] = server.says["Watch"] = [[DENIED]]
    with pytest.raises(AuditorError):
        list(resumed(client, "1", Seen("")))
    with pytest.raises(AuditorError):
        list(events.watched(client, "1", ""))
    assert len(server.asked) == 2


def test_a_verification_that_only_begins_gets_nowhere_either(
    server: Scripted, client: AuditorClient
) -> None:
    server.says["VerifyAuditSet"] = [*[[progress(0, 9, ""), LOST]] * 20, []]
    with pytest.raises(AuditorError):
        list(resumed(client, "1", Seen("")))
    assert len(server.asked_for("VerifyAuditSet")) == 5


def test_a_watch_that_broke_off_before_an_event_misses_none(
    server: Scripted, client: AuditorClient
) -> None:
    before = time.time_ns() // 1_000_000
    server.says["Watch"] = [[LOST], [], [event_pb2.Event(event_id="9")]]
    assert next(events.watched(client, "s", "")).event_id == "9"
    first, *others = [one.request.after_event_id for one in server.asked_for("Watch")]
    assert first == ""  # from now on, by the server's clock
    assert before <= milliseconds_of(others[0]) <= time.time_ns() // 1_000_000
    assert others[0] == others[1]


def test_a_watch_goes_on_behind_the_newest_event(server: Scripted, client: AuditorClient) -> None:
    first = [event_pb2.Event(event_id="2"), event_pb2.Event(event_id="1")]
    server.says["Watch"] = [[*first, LOST], [LOST], [event_pb2.Event(event_id="3")]]
    seen = [one.event_id for one in islice(events.watched(client, "s", "0"), 3)]
    assert seen == ["2", "1", "3"]
    asked = [one.request.after_event_id for one in server.asked_for("Watch")]
    assert asked == ["0", "2", "2"]
