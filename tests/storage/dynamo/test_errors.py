"""What becomes of each error that DynamoDB or its driver may raise, by table, and of others?"""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING, Any

import botocore.exceptions  # type: ignore[import-untyped]
import botocore.session  # type: ignore[import-untyped]
import pytest
import urllib3

from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SettingsError,
    StorageBusyError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.storage.dynamo import connections
from scalar_tx.storage.dynamo.client import Client
from scalar_tx.storage.dynamo.errors import (
    ANSWERS,
    DRIVER,
    GroupRefusedError,
    Meaning,
    answer_case,
    cancelled_case,
    driver_case,
    storage_error,
)
from scalar_tx.storage.dynamo.settings import DynamoSettings

if TYPE_CHECKING:
    from collections.abc import Mapping

OF_A_WRITE = {
    Meaning.REFUSED: WriteRefusedError,
    Meaning.BUSY: StorageBusyError,
    Meaning.UNAVAILABLE: StorageUnavailableError,
    Meaning.LOST: ReplyLostError,
    Meaning.MISSING: InvalidOperationError,
    Meaning.WRONG: InvalidOperationError,
    Meaning.SETTINGS: SettingsError,
}
# Errors of the requests that are sent here, as the service's own model lists them.
OPERATIONS = (
    "GetItem", "Query", "Scan", "UpdateItem", "DeleteItem", "PutItem", "TransactWriteItems",
    "BatchWriteItem", "CreateTable", "UpdateTable", "DeleteTable", "DescribeTable", "ListTables",
)  # fmt: skip
ELSEWHERE = {"TransactionCanceledException"}  # judged by its reasons


@pytest.mark.parametrize("code", ANSWERS)
def test_what_the_service_answers(code: str) -> None:
    case = answer_case(code, 400)
    assert case is ANSWERS[code]
    assert type(storage_error(code, case, write=True)) is OF_A_WRITE[case.meaning]
    of_a_read = storage_error(code, case, write=False)
    assert not isinstance(of_a_read, ReplyLostError)


def test_every_error_of_the_services_model_is_listed() -> None:
    model = botocore.session.get_session().get_service_model("dynamodb")
    named = {
        shape.name
        for operation in OPERATIONS
        for shape in model.operation_model(operation).error_shapes
    }
    assert len(named) > 10
    missing = {name for name in named if name not in ANSWERS} - ELSEWHERE
    # The model names some errors by their shape, others by what is answered.
    assert {one for one in missing if one + "Exception" not in ANSWERS} == set()


def test_what_is_not_listed_may_have_taken_effect() -> None:
    for status in (0, 400, 500, 503):
        case = answer_case("SomethingNew", status)
        assert case.meaning is Meaning.LOST
        assert type(storage_error("x", case, write=False)) is StorageUnavailableError
    assert driver_case(["SomethingNew", "BotoCoreError", "Exception"]).meaning is Meaning.LOST


@pytest.mark.parametrize(
    "reasons, meaning",
    [
        (["ConditionalCheckFailed", "None"], Meaning.REFUSED),
        (["TransactionConflict", "ConditionalCheckFailed"], Meaning.REFUSED),
        (["TransactionConflict", "None"], Meaning.BUSY),
        (["ThrottlingError"], Meaning.BUSY),
        (["ProvisionedThroughputExceeded", "None"], Meaning.BUSY),
        (["ValidationError", "None"], Meaning.WRONG),
        (["AccessDenied"], Meaning.UNAVAILABLE),
        (["SomethingNew"], Meaning.WRONG),
        ([], Meaning.BUSY),
    ],
)
def test_a_cancelled_transaction_changed_nothing(reasons: list[str], meaning: Meaning) -> None:
    assert cancelled_case(reasons).meaning is meaning


def test_every_error_of_the_driver_exists() -> None:
    known = {
        *vars(botocore.exceptions),
        *vars(urllib3.exceptions),
        *vars(connections),
        "SSLCertVerificationError",
    }
    assert set(DRIVER) <= known


class Answering(Client):
    """A client whose requests end as the test says; what is under test is what becomes of that."""

    def __init__(self, *endings: Any) -> None:
        super().__init__(DynamoSettings("us-west-2", patience=0.3))
        self.endings = list(endings)
        self.sent: list[dict[str, Any]] = []

    def _send(self, service: str, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        self.sent.append(dict(request))
        ending = self.endings.pop(0) if len(self.endings) > 1 else self.endings[0]
        if isinstance(ending, Exception):
            raise ending
        return {}


def answered(code: str, *reasons: str, status: int = 400) -> Exception:
    response = {
        "Error": {"Code": code, "Message": "m"},
        "ResponseMetadata": {"HTTPStatusCode": status},
        "CancellationReasons": [{"Code": reason} for reason in reasons],
    }
    error: Exception = botocore.exceptions.ClientError(response, "operation")
    return error


LOST = botocore.exceptions.ReadTimeoutError(endpoint_url="http://x", error=None)
THROTTLED = answered("ThrottlingException")


def test_a_lost_single_write_is_sent_once() -> None:
    client = Answering(LOST)
    with pytest.raises(ReplyLostError):
        client.write("update_item", {})
    assert len(client.sent) == 1


def test_what_was_throttled_is_sent_again_and_given_up() -> None:
    client = Answering(THROTTLED, THROTTLED, None)
    client.write("update_item", {})
    assert len(client.sent) == 3
    client = Answering(THROTTLED)
    with pytest.raises(StorageBusyError):
        client.write("update_item", {})
    assert len(client.sent) > 1


def test_an_atomic_write_that_was_throttled_is_sent_again() -> None:
    client = Answering(answered("TransactionCanceledException", "None", "ThrottlingError"), None)
    client.transact([{}, {}])
    assert len(client.sent) == 2
    client = Answering(answered("TransactionCanceledException", "None", "TransactionConflict"))
    with pytest.raises(StorageBusyError):
        client.transact([{}, {}])
    assert len(client.sent) == 1


def test_a_read_is_sent_again_where_the_service_failed() -> None:
    client = Answering(answered("InternalFailure", status=500), None)
    client.read("get_item", {})
    assert len(client.sent) == 2
    client = Answering(answered("InternalFailure", status=500), None)
    with pytest.raises(ReplyLostError):
        client.write("update_item", {})
    assert len(client.sent) == 1


def test_a_lost_atomic_write_is_sent_again_under_its_token() -> None:
    client = Answering(LOST, answered("TransactionInProgressException"), None)
    client.transact([{}])
    tokens = {request["ClientRequestToken"] for request in client.sent}
    assert (len(client.sent), len(tokens)) == (3, 1)


@pytest.mark.parametrize("reason", ["ConditionalCheckFailed", "TransactionConflict"])
def test_after_a_lost_reply_a_refusal_is_no_proof(reason: str) -> None:
    client = Answering(LOST, answered("TransactionCanceledException", reason, "None"))
    with pytest.raises(ReplyLostError):
        client.transact([{}, {}])
    assert len(client.sent) == 2


def test_a_refused_atomic_write_names_its_entries() -> None:
    client = Answering(answered("TransactionCanceledException", "None", "ConditionalCheckFailed"))
    with pytest.raises(GroupRefusedError) as caught:
        client.transact([{}, {}])
    assert caught.value.positions == (1,)


def test_a_certificates_refusal_comes_before_the_request() -> None:
    cause = ssl.SSLCertVerificationError("no trust")
    refused = botocore.exceptions.SSLError(endpoint_url="https://x", error=cause)
    with pytest.raises(StorageUnavailableError) as caught:
        Answering(refused).write("update_item", {})
    assert caught.value.code == "STX-4606"
    broken = botocore.exceptions.SSLError(endpoint_url="https://x", error=ssl.SSLError("cut"))
    with pytest.raises(ReplyLostError):
        Answering(broken).write("update_item", {})


def test_nobody_there_and_no_credentials_are_unavailability() -> None:
    nobody = Client(
        DynamoSettings("us-west-2", "http://127.0.0.1:1", access_key="k", secret_key="s")
    )
    with pytest.raises(StorageUnavailableError) as caught:
        nobody.write("update_item", {"TableName": "abc", "Key": {"k": {"S": "x"}}})
    assert caught.value.code == "STX-4605"
    nobody.close()
    with pytest.raises(InvalidOperationError, match="closed"):
        nobody.read("list_tables", {})


@pytest.mark.parametrize(
    "code", ["AccessDeniedException", "UnrecognizedClientException", "InvalidSignatureException"]
)
def test_what_does_not_pass_is_not_tried_again(code: str) -> None:
    with pytest.raises(StorageUnavailableError) as caught:
        Answering(answered(code)).write("update_item", {})
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "name, retryable",
    [
        ("SSLCertVerificationError", False),
        ("NoCredentialsError", False),
        ("PartialCredentialsError", False),
        ("CredentialRetrievalError", True),
        ("MetadataRetrievalError", True),
        ("EndpointConnectionError", True),
    ],
)
def test_what_may_pass_is_tried_again(name: str, retryable: bool) -> None:
    error = storage_error("x", driver_case([name]), write=True)
    assert isinstance(error, StorageUnavailableError)
    assert error.retryable is retryable


def test_an_unknown_profile_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError) as caught:
        Client(DynamoSettings("us-west-2", profile="nobody-has-this")).read("list_tables", {})
    assert caught.value.code == "STX-3609"
