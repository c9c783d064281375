"""Contact points, URLs, credentials and the adapter's own properties."""

from __future__ import annotations

from typing import Any

import pytest

from scalar_tx.errors import SettingsError
from scalar_tx.model.storage_settings import StorageSettings
from scalar_tx.storage import registry
from scalar_tx.storage.cassandra.settings import PREFIX, PROPERTIES, cassandra_settings


def settings(*points: str, **others: Any) -> StorageSettings:
    return StorageSettings("cassandra", points, **others)


@pytest.mark.parametrize(
    "given, nodes",
    [
        (settings("a", "b"), (("a", 9042), ("b", 9042))),
        (settings("a", contact_port=9043), (("a", 9043),)),
        (settings("a:1", "b"), (("a", 1), ("b", 9042))),
        (settings("::1"), (("::1", 9042),)),
        (settings("[::1]:77"), (("::1", 77),)),
        (settings("cassandra://a:1,b"), (("a", 1), ("b", 9042))),
    ],
)
def test_nodes(given: StorageSettings, nodes: tuple[tuple[str, int], ...]) -> None:
    assert cassandra_settings(given).nodes == nodes


def test_credentials_count_only_together() -> None:
    both = cassandra_settings(settings("a", username="u", password="p"))
    assert (both.username, both.password) == ("u", "p")
    assert "'p'" not in repr(both)
    assert cassandra_settings(settings("a", username="u")).username is None
    by_url = cassandra_settings(settings("cassandra://u:p%40x@a"))
    assert (by_url.username, by_url.password) == ("u", "p@x")


def test_properties() -> None:
    found = cassandra_settings(
        settings(
            "a",
            properties={
                "scalar.db.cassandra.local_data_center": "west",
                "scalar.db.cassandra.request_timeout_millis": "2500",
                "scalar.db.cassandra.tls.enabled": "true",
                "scalar.db.cassandra.tls.ca_root_cert_path": "ca.pem",
            },
        )
    )
    assert (found.local_data_center, found.request_timeout) == ("west", 2.5)
    assert (found.tls, found.tls_ca) == (True, "ca.pem")
    usual = cassandra_settings(settings("a"))
    assert (usual.local_data_center, usual.request_timeout, usual.tls) == (None, 12.0, False)


def test_the_registry_knows_the_properties() -> None:
    assert set(PROPERTIES) <= registry.adapter_properties()


@pytest.mark.parametrize(
    "given",
    [
        settings(),
        settings(""),
        settings("a b"),
        settings("a:0"),
        settings("a:x"),
        settings("a/b"),
        settings("cassandra:a"),
        settings("cassandra://a/keyspace"),
        settings("a", properties={f"{PREFIX}cassandra.request_timeout_millis": "soon"}),
        settings("a", properties={f"{PREFIX}cassandra.request_timeout_millis": "1"}),
        settings("a", properties={f"{PREFIX}cassandra.tls.enabled": "perhaps"}),
    ],
    ids=str,
)
def test_what_is_wrong_is_named(given: StorageSettings) -> None:
    with pytest.raises(SettingsError) as caught:
        cassandra_settings(given)
    assert "the call" in caught.value.message
