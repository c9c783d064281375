"""Where do credentials come from, and what if they do not come, or not yet, or spent?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from botocore.credentials import (  # type: ignore[import-untyped]
    Credentials,
    RefreshableCredentials,
)
from botocore.exceptions import ClientError, ReadTimeoutError  # type: ignore[import-untyped]
from botocore.session import Session  # type: ignore[import-untyped]

from scalar_tx.errors import SettingsError, StorageUnavailableError
from scalar_tx.storage.dynamo.client import Client
from scalar_tx.storage.dynamo.settings import DynamoSettings
from tests.storage.dynamo.service import Reply, Service, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

WRITE = {"TableName": "abc", "Key": {"k": {"S": "x"}}}
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@pytest.fixture
def service() -> Iterator[Service]:
    with serving() as service:
        service.replies = [Reply(200, {"TableNames": []})]
        yield service


def by_environment(service: Service) -> Client:
    return Client(DynamoSettings("us-west-2", service.endpoint, patience=0.2))


@pytest.fixture
def nothing_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_ROLE_ARN"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "BOTO_CONFIG"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


@pytest.mark.usefixtures("nothing_given")
def test_those_that_come_later_are_found(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    client = by_environment(service)
    for operation in ("get_item", "list_tables"):
        with pytest.raises(StorageUnavailableError) as caught:
            client.read(operation, WRITE if operation == "get_item" else {})
        assert caught.value.code == "STX-4602"
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wJalrXUtnFEMI")
    client.read("get_item", WRITE)
    client.read("list_tables", {})
    client.close()
    assert service.operations == ["GetItem", "ListTables"]


def still_expired() -> dict[str, str]:
    return {"access_key": "k", "secret_key": "s", "token": "t", "expiry_time": LONG_AGO.isoformat()}


def failing(code: str) -> Callable[[], dict[str, str]]:
    def refresh() -> dict[str, str]:
        response = {"Error": {"Code": code, "Message": "of the token service"}}
        raise ClientError(response, "AssumeRole")

    return refresh


def silent() -> dict[str, str]:
    raise ReadTimeoutError(endpoint_url="https://sts.amazonaws.com")


@pytest.mark.parametrize("operation", ["update_item", "delete_table"])
@pytest.mark.parametrize(
    "refresh",
    [
        still_expired,
        silent,
        failing("InternalFailure"),
        failing("ResourceNotFoundException"),
        failing("ConditionalCheckFailedException"),
        failing("Throttling"),
    ],
)
def test_those_that_can_t_be_renewed(
    service: Service,
    monkeypatch: pytest.MonkeyPatch,
    refresh: Callable[[], dict[str, str]],
    operation: str,
) -> None:
    """What whoever hands them out says is no answer of DynamoDB to the write."""
    given: Any = [Credentials("k", "s")]
    monkeypatch.setattr(Session, "get_credentials", lambda _: given[0])
    client = by_environment(service)
    client.read("list_tables", {})
    client.read("get_item", WRITE)
    given[0] = RefreshableCredentials("k", "s", "t", LONG_AGO, refresh, "assume-role")
    with pytest.raises(StorageUnavailableError) as caught:
        client.write(operation, WRITE)
    assert caught.value.code == "STX-4602"
    assert caught.value.retryable
    assert service.operations == ["ListTables", "GetItem"]
    client.close()


def test_an_endpoint_that_the_driver_does_not_take() -> None:
    client = Client(DynamoSettings("us-west-2", "http://a_b:80", access_key="k", secret_key="s"))
    with pytest.raises(SettingsError, match="a_b"):
        client.read("list_tables", {})
