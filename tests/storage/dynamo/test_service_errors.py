"""What a caller is told when the service says no, says nothing, or can't be reached."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.cli.examination import clock_findings
from scalar_tx.errors import (
    ReplyLostError,
    ScalarTxError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.model.finding import Verdict
from scalar_tx.model.storage_settings import StorageSettings
from scalar_tx.storage.dynamo import storage
from scalar_tx.storage.dynamo.client import Client
from scalar_tx.storage.dynamo.doctor import examine
from scalar_tx.storage.dynamo.settings import DynamoSettings, dynamo_settings
from tests.storage.dynamo.service import CUT, Reply, Service, refusal, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

WRITE = {"TableName": "abc", "Key": {"k": {"S": "x"}}}
THROTTLED = refusal("ProvisionedThroughputExceededException", "too fast")
CANCELLED = refusal(
    "TransactionCanceledException",
    "Transaction cancelled",
    CancellationReasons=[{"Code": "None"}, {"Code": "ThrottlingError", "Message": "too fast"}],
)


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        yield service


def settings_of(service: Service, **more: Any) -> DynamoSettings:
    known = {"access_key": "k", "secret_key": "s", "request_timeout": 0.4, "patience": 1.0}
    return DynamoSettings("us-west-2", service.endpoint, **{**known, **more})


@pytest.fixture
def client(service: Service) -> Iterator[Client]:
    client = Client(settings_of(service))
    yield client
    client.close()


def properties(endpoint: str, **more: str) -> dict[str, str]:
    return {
        "scalar.db.storage": "dynamo",
        "scalar.db.contact_points": "us-west-2",
        "scalar.db.username": "AKIDEXAMPLE",
        "scalar.db.password": "wJalrXUtnFEMI-hush",
        "scalar.db.dynamo.endpoint_override": endpoint,
        "scalar.db.dynamo.request_timeout_millis": "400",
        "scalar.db.dynamo.connect_timeout_millis": "400",
        **more,
    }


# What the service answers -> the code of the error, and a word of the advice.
TOLD = {
    "expired credentials": (
        refusal("ExpiredTokenException", "The security token included in the request is expired"),
        "STX-4602",
        "expired",
    ),
    "unknown key": (
        refusal("UnrecognizedClientException", "The security token is invalid"),
        "STX-4602",
        "credentials",
    ),
    "another region's signature": (
        refusal("InvalidSignatureException", "Credential should be scoped to a valid region"),
        "STX-4604",
        "region",
    ),
    "a clock that is wrong": (
        refusal("InvalidSignatureException", "Signature expired: 20260101T000000Z is now earlier"),
        "STX-4604",
        "clock",
    ),
    "no rights": (refusal("AccessDeniedException", "is not authorized"), "STX-4603", "table"),
    "failing inside": (refusal("InternalServerError", status=500), "STX-4607", "health"),
    "unavailable": (refusal("ServiceUnavailable", status=503), "STX-4607", "health"),
    "cut": (CUT, "STX-4605", "endpoint"),
}


@pytest.mark.parametrize("case", TOLD)
def test_what_a_user_is_told(service: Service, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    reply, code, word = TOLD[case]
    service.replies = [reply]
    monkeypatch.setattr(
        storage,
        "dynamo_settings",
        lambda settings: replace(dynamo_settings(settings), patience=0.2),
    )
    began = time.monotonic()
    with (
        scalar_tx.connect(properties(service.endpoint)) as db,
        pytest.raises(StorageUnavailableError) as caught,
    ):
        db.run(lambda tx: tx.get("bank.account", {"id": 1}), retry=0)
    assert caught.value.code == code
    assert word in caught.value.advice
    assert "hush" not in str(caught.value)
    assert time.monotonic() - began < 10


def test_no_credentials(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, service: Service) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    client = Client(settings_of(service, access_key=None, secret_key=None))
    for call in (client.read, client.write):
        with pytest.raises(StorageUnavailableError) as caught:
            call("get_item", WRITE)
        assert caught.value.code == "STX-4602"
        assert "profile" in caught.value.advice
    assert service.sent == []
    client.close()


def test_throttling_passes(service: Service, client: Client) -> None:
    service.replies = [THROTTLED, THROTTLED, Reply()]
    client.write("update_item", WRITE)
    assert service.operations == ["UpdateItem"] * 3
    service.replies = [CANCELLED, CANCELLED, Reply()]
    client.transact([{"Delete": WRITE}, {"Delete": WRITE}])
    tokens = {body["ClientRequestToken"] for name, body in service.sent if "Transact" in name}
    assert len(tokens) == 1


def test_throttling_that_does_not_pass(service: Service, client: Client) -> None:
    service.replies = [THROTTLED]
    began = time.monotonic()
    with pytest.raises(StorageBusyError):
        client.write("update_item", WRITE)
    took = time.monotonic() - began
    assert 1.0 <= took < 30.0
    # Pauses grow: few requests go to a service that has too many.
    assert 3 <= len(service.sent) <= 25


def test_pauses_are_drawn_anew(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    service.replies = [*[THROTTLED] * 8, Reply()]
    client = Client(settings_of(service, patience=60))
    client.write("update_item", WRITE)
    client.close()
    assert len(pauses) == 8
    assert len(set(pauses)) == 8
    for number, pause in enumerate(pauses):
        assert 0 <= pause <= min(0.05 * 2**number, 1.0)


@pytest.mark.parametrize("operation", ["get_item", "query", "scan"])
def test_a_read_of_a_silent_server(service: Service, client: Client, operation: str) -> None:
    service.silent = True
    began = time.monotonic()
    with pytest.raises(StorageUnavailableError) as caught:
        client.read(operation, WRITE if operation == "get_item" else {"TableName": "abc"})
    assert caught.value.code == "STX-4605"
    assert time.monotonic() - began < 4
    assert len(service.sent) == 1


@pytest.mark.slow
def test_a_write_to_a_silent_server(service: Service, client: Client) -> None:
    service.silent = True
    began = time.monotonic()
    with pytest.raises(ReplyLostError):
        client.write("update_item", WRITE)
    assert service.operations == ["UpdateItem"]
    with pytest.raises(ReplyLostError):
        client.transact([{"Delete": WRITE}, {"Delete": WRITE}])
    assert service.operations[1:] == ["TransactWriteItems"] * 3
    assert time.monotonic() - began < 15


def test_a_cut_read_is_sent_again_on_another_connection(service: Service, client: Client) -> None:
    service.replies = [CUT, CUT, Reply()]
    client.read("get_item", WRITE)
    assert service.operations == ["GetItem"] * 3


def test_a_tls_client_at_a_plain_port(service: Service) -> None:
    endpoint = service.endpoint.replace("http:", "https:")
    client = Client(
        DynamoSettings("us-west-2", endpoint, access_key="k", secret_key="s", request_timeout=1.0)
    )
    with pytest.raises(StorageUnavailableError) as caught:
        client.read("get_item", WRITE)
    assert caught.value.code == "STX-4606"
    assert "scheme" in caught.value.advice
    with pytest.raises(StorageUnavailableError):  # nothing was sent
        client.write("update_item", WRITE)
    assert service.sent == []
    client.close()


def test_no_connection_is_leaked(service: Service) -> None:
    client = Client(settings_of(service, connections=3, request_timeout=0.2, patience=0.0))
    for reply in (THROTTLED, refusal("InternalServerError", status=500), CUT, Reply()):
        service.replies = [reply]
        for _ in range(5):
            try:
                client.write("update_item", WRITE)
            except (StorageBusyError, ReplyLostError):
                continue
    assert service.open_connections <= 3
    client.close()
    until = time.monotonic() + 5
    while service.open_connections and time.monotonic() < until:
        time.sleep(0.01)
    assert service.open_connections == 0


@pytest.mark.parametrize("ahead", [6.0, -7.5])
def test_a_clock_that_goes_wrong_is_told(service: Service, ahead: float) -> None:
    service.ahead = ahead
    service.replies = [
        Reply(200, {"TableNames": []}),
        refusal("ResourceNotFoundException", "no such table"),
        Reply(200, {"TableNames": []}),
    ]
    known = properties(service.endpoint)
    found = examine(
        StorageSettings("dynamo", ("us-west-2",), username="k", password="s", properties=known)
    )
    assert found.clock_ahead_ms is not None
    assert abs(found.clock_ahead_ms - ahead * 1000) < 2000
    (finding,) = clock_findings(found.clock_ahead_ms)
    assert finding.verdict is Verdict.BAD


def test_every_error_here_is_the_librarys(service: Service) -> None:
    """Answers of which nobody knows what they mean."""
    for reply in (Reply(418, {}), Reply(301, {})):
        service.replies = [reply]
        with scalar_tx.connect(properties(service.endpoint)) as db, pytest.raises(ScalarTxError):
            db.run(lambda tx: tx.get("bank.account", {"id": 1}), retry=0)
