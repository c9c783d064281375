"""Which account is meant, and how what is wrong is told."""

from __future__ import annotations

import pytest

from scalar_tx.errors import SettingsError
from scalar_tx.model.storage_settings import ConnectionPoolSettings, StorageSettings
from scalar_tx.storage.dynamo.settings import PROPERTIES, dynamo_settings
from scalar_tx.storage.registry import adapter_properties


def test_a_properties_file_of_scalardb() -> None:
    found = dynamo_settings(
        StorageSettings(
            "dynamo",
            ("eu-central-1",),
            username="id",
            password="secret",
            connection_pool=ConnectionPoolSettings(max_total=7),
            properties={
                "scalar.db.dynamo.endpoint-override": "http://localhost:8000",
                "scalar.db.dynamo.namespace.prefix": "dev_",
                "scalar.db.dynamo.table_metadata.namespace": "meta",
                "scalar.db.dynamo.request_timeout_millis": "2500",
            },
        )
    )
    assert (found.region, found.endpoint) == ("eu-central-1", "http://localhost:8000")
    assert (found.prefix, found.metadata_namespace) == ("dev_", "meta")
    assert (found.access_key, found.secret_key, found.connections) == ("id", "secret", 7)
    assert found.request_timeout == 2.5
    assert "secret" not in repr(found)


def test_a_url() -> None:
    url = "dynamodb://us-west-2?endpoint=http://localhost:8000&prefix=x_&profile=work"
    found = dynamo_settings(StorageSettings("dynamo", (url,)))
    assert (found.region, found.endpoint) == ("us-west-2", "http://localhost:8000")
    assert (found.prefix, found.profile) == ("x_", "work")
    assert found.access_key is None


@pytest.mark.parametrize(
    "settings",
    [
        StorageSettings("dynamo"),
        StorageSettings("dynamo", ("http://localhost:8000",)),
        StorageSettings("dynamo", ("EU Central",)),
        StorageSettings("dynamo", ("eu-central-1",), username="id"),
        StorageSettings("dynamo", ("dynamodb://us-west-2/table",)),
        StorageSettings("dynamo", ("dynamodb://us-west-2?endpoint=localhost",)),
        StorageSettings("dynamo", ("dynamodb://us-west-2?colour=red",)),
        StorageSettings("dynamo", ("dynamodb://[us-west-2",)),
        StorageSettings(
            "dynamo", ("us-west-2",), properties={"scalar.db.dynamo.endpoint_override": "local"}
        ),
        StorageSettings(
            "dynamo",
            ("us-west-2",),
            properties={"scalar.db.dynamo.connect_timeout_millis": "soon"},
        ),
        StorageSettings(
            "dynamo", ("us-west-2",), properties={"scalar.db.dynamo.transport": "pigeon"}
        ),
    ],
)
def test_what_is_wrong_is_told(settings: StorageSettings) -> None:
    with pytest.raises(SettingsError):
        dynamo_settings(settings)


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://localhost:8000x",
        "http://localhost:80000",
        "http://localhost:0",
        "http://[::1",
        "http://local host:8000",
        "http://localhost:8000 ",
        "http://:8000",
        "http://",
        "local",
    ],
)
def test_an_endpoint_that_is_no_address(endpoint: str) -> None:
    properties = {"scalar.db.dynamo.endpoint_override": endpoint}
    url = f"dynamodb://us-west-2?endpoint={endpoint}"
    for settings in (
        StorageSettings("dynamo", ("us-west-2",), properties=properties),
        StorageSettings("dynamo", (url,)),
    ):
        with pytest.raises(SettingsError, match="no address"):
            dynamo_settings(settings)


@pytest.mark.parametrize(
    "endpoint",
    ["http://localhost:8000", "https://10.0.0.1", "http://[::1]:8000", "https://vpce-0a.aws.com./"],
)
def test_endpoints(endpoint: str) -> None:
    properties = {"scalar.db.dynamo.endpoint_override": endpoint}
    settings = StorageSettings("dynamo", ("us-west-2",), properties=properties)
    assert dynamo_settings(settings).endpoint == endpoint


@pytest.mark.parametrize("given, found", [("", "fast"), ("fast", "fast"), ("boto3", "boto3")])
def test_who_sends(given: str, found: str) -> None:
    properties = {"scalar.db.dynamo.transport": given}
    settings = StorageSettings("dynamo", ("us-west-2",), properties=properties)
    assert dynamo_settings(settings).transport == found


def test_the_registry_lists_the_adapters_properties() -> None:
    assert set(PROPERTIES) <= adapter_properties()
