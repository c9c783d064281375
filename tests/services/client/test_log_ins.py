"""Whose token goes along, and what becomes of one that is refused?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest

from scalar_auditor.client import AuditorError, OutcomeUnknownError, connect
from scalar_auditor.rpc.v1 import audit_pb2, event_pb2, identity_pb2
from scalar_tx.errors import SettingsError
from tests.services.client.scripted import Refusal, Scripted

if TYPE_CHECKING:
    from collections.abc import Iterator

Code = grpc.StatusCode
REFUSED = Refusal(Code.UNAUTHENTICATED, "UNAUTHENTICATED")


class Issuer:
    """Hands out tokens, and takes the newest access token alone."""

    def __init__(self, server: Scripted) -> None:
        self.number = 0
        self.good: set[str] = set()
        self.server = server
        server.says["Login"] = [lambda request, token: self.issue()]
        server.says["Refresh"] = [self.refreshed]
        server.says["GetAuditSet"] = [self.guarded]
        server.says["TransferOwnership"] = [self.guarded]

    def issue(self) -> identity_pb2.Tokens:
        self.number += 1
        self.good = {f"access {self.number}"}
        return identity_pb2.Tokens(
            access_token=f"access {self.number}", refresh_token=f"refresh {self.number}"
        )

    def refreshed(self, request: Any, token: str) -> Any:
        newest = f"refresh {self.number}"
        return self.issue() if request.refresh_token == newest else REFUSED

    def guarded(self, request: Any, token: str) -> Any:
        return audit_pb2.AuditSet(name="seen") if token in self.good else REFUSED


@pytest.fixture
def server() -> Iterator[Scripted]:
    with Scripted() as made:
        yield made


@pytest.fixture
def issuer(server: Scripted) -> Issuer:
    return Issuer(server)


LOGGED_IN: dict[str, Any] = {"email": "ada@example.org", "password": "a secret of hers"}


def names(server: Scripted) -> list[str]:
    return [one.method for one in server.asked]


def test_it_logs_in_once_and_refreshes_once(server: Scripted, issuer: Issuer) -> None:
    with connect(server.target, **LOGGED_IN) as client:
        for _ in range(2):
            assert client.audit.get_audit_set(audit_set_id="1").name == "seen"
        issuer.good = set()  # it is too old
        assert client.audit.transfer_ownership(audit_set_id="1", user_email="b").name == "seen"
    assert names(server) == [
        *("Login", "GetAuditSet", "GetAuditSet"),
        *("TransferOwnership", "Refresh", "TransferOwnership"),
    ]


def test_a_refresh_that_is_refused_is_a_log_in(server: Scripted, issuer: Issuer) -> None:
    with connect(server.target, **LOGGED_IN) as client:
        client.audit.get_audit_set(audit_set_id="1")
        issuer.number += 1  # somebody else was given newer ones
        issuer.good = set()
        client.audit.get_audit_set(audit_set_id="1")
    assert names(server)[-3:] == ["Refresh", "Login", "GetAuditSet"]


@pytest.mark.parametrize("lost", [Refusal(Code.UNAVAILABLE), Refusal(Code.DEADLINE_EXCEEDED)])
def test_a_refresh_token_is_never_sent_twice(
    server: Scripted, issuer: Issuer, lost: Refusal
) -> None:
    """One that is used twice ends its log-in."""
    with connect(server.target, **LOGGED_IN) as client:
        client.audit.get_audit_set(audit_set_id="1")
        issuer.good = set()
        server.says["Refresh"] = [lost]
        client.audit.get_audit_set(audit_set_id="1")
    sent = [one.request.refresh_token for one in server.asked_for("Refresh")]
    assert sent == ["refresh 1"]


def test_many_threads_refresh_once(server: Scripted, issuer: Issuer) -> None:
    with connect(server.target, **LOGGED_IN) as client, ThreadPoolExecutor(8) as threads:
        client.audit.get_audit_set(audit_set_id="1")
        issuer.good = set()
        found = list(
            threads.map(lambda _: client.audit.get_audit_set(audit_set_id="1").name, range(40))
        )
    assert found == ["seen"] * 40
    assert names(server).count("Refresh") == 1
    assert names(server).count("Login") == 1


def test_a_stream_refreshes_too(server: Scripted, issuer: Issuer) -> None:
    def watched(request: Any, token: str) -> Any:
        return [event_pb2.Event(event_id="1") if token in issuer.good else REFUSED]

    server.says["Watch"] = [watched]
    with connect(server.target, **LOGGED_IN) as client:
        client.audit.get_audit_set(audit_set_id="1")
        issuer.good = set()
        assert [one.event_id for one in client.event.watch()] == ["1"]


def test_a_given_token_is_all_there_is(server: Scripted, issuer: Issuer) -> None:
    issuer.good = {"of a service"}
    with connect(server.target, token="of a service") as client:
        assert client.audit.get_audit_set(audit_set_id="1").name == "seen"
        issuer.good = set()
        with pytest.raises(AuditorError) as error:
            client.audit.get_audit_set(audit_set_id="1")
    assert error.value.code == "UNAUTHENTICATED"
    assert set(names(server)) == {"GetAuditSet"}


def test_a_wrong_password_is_told(server: Scripted, issuer: Issuer) -> None:
    server.says["Login"] = [REFUSED]
    with connect(server.target, **LOGGED_IN) as client, pytest.raises(AuditorError) as error:
        client.audit.transfer_ownership(audit_set_id="1", user_email="b")
    assert error.value.code == "UNAUTHENTICATED"
    assert not isinstance(error.value, OutcomeUnknownError)
    assert names(server) == ["Login"]


def test_nothing_shows_a_secret(server: Scripted) -> None:
    with connect(server.target, **LOGGED_IN) as client:
        shown = repr(client) + repr(vars(client._connection))
    assert LOGGED_IN["password"] not in shown


@pytest.mark.parametrize(
    "target, options, code",
    [
        ("sqlite:///shop.db", {}, "STX-5310"),
        ("grpc://localhost", {"email": "ada@example.org"}, "STX-5311"),
        ("grpc://localhost", {"password": "x"}, "STX-5311"),
    ],
)
def test_what_can_not_be_connected_to(target: str, options: dict[str, Any], code: str) -> None:
    with pytest.raises(SettingsError) as error:
        connect(target, **options)
    assert error.value.code == code
    assert error.value.advice


def test_the_url_may_say_who(server: Scripted, issuer: Issuer) -> None:
    target = f"grpc://ada%40example.org:a%20secret@127.0.0.1:{server.port}"
    with connect(target) as client:
        client.audit.get_audit_set(audit_set_id="1")
    [asked] = server.asked_for("Login")
    assert asked.request == identity_pb2.LoginRequest(
        user_email="ada@example.org", password="a secret"
    )
