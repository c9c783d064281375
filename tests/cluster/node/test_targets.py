"""Which nodes do settings name, and what can't they be?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import trustme

import scalar_tx
from scalar_tx import SettingsError
from scalar_tx.cluster.client.target import target_of
from scalar_tx.settings import load

if TYPE_CHECKING:
    from pathlib import Path


LISTED = {
    "scalar.db.storage": "grpc",
    "scalar.db.contact_points": "a,b",
    "scalar.db.contact_port": 9,
}


@pytest.mark.parametrize(
    "target,addresses",
    [
        ("grpc://one", ["one:60053"]),
        ("grpc://one:1,two", ["one:1", "two:60053"]),
        ("grpc://127.0.0.1:7/", ["127.0.0.1:7"]),
        ("grpc://[::1]:7,[fe80::2]", ["[::1]:7", "[fe80::2]:60053"]),
        (
            {
                "scalar.db.storage": "grpc",
                "scalar.db.contact_points": "a,b",
                "scalar.db.contact_port": 9,
            },
            ["a:9", "b:9"],
        ),
    ],
)
def test_addresses(target: Any, addresses: list[str]) -> None:
    found = target_of(load(target))
    assert list(found.addresses) == addresses
    assert found.credentials is None


@pytest.mark.parametrize(
    "target", ["grpc://", "grpc://a:b", "grpc://a:70000", "grpc://a b", "grpc://a,,b"]
)
def test_what_is_no_address(target: str) -> None:
    with pytest.raises(SettingsError) as caught:
        scalar_tx.connect(target)
    assert "host:port" in caught.value.advice or "grpc://" in caught.value.advice


def test_credentials_never_show() -> None:
    found = target_of(load("grpc://ada:hush%40@one:7", {"password": "unused"}))
    assert (found.user, found.password) == ("ada", "hush@")
    assert "hush" not in repr(found)
    with scalar_tx.connect("grpc://ada:hush@one:7") as db:
        assert "hush" not in repr(db)
        assert "hush" not in repr(db.settings)
    assert target_of(load("grpc://one", {"username": "u", "password": "p"})).password == "p"


def test_tls(tmp_path: Path) -> None:
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    how = {"cluster_tls_ca_root_cert_path": str(path), "cluster_tls_override_authority": "node"}
    found = target_of(load("grpcs://one", how))
    assert found.credentials is not None
    assert found.authority == "node"
    assert (
        target_of(load("grpc://one", {**how, "cluster_tls_enabled": True})).credentials is not None
    )
    with pytest.raises(SettingsError) as caught:
        target_of(load("grpcs://one", {"cluster_tls_ca_root_cert_path": str(tmp_path / "no.pem")}))
    assert "no.pem" in caught.value.message
