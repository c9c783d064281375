"""How does a Python program reach a node over TLS, and what keeps it out?"""

from __future__ import annotations

import asyncio
import json
import time
from typing import TYPE_CHECKING, Any

import pytest
import trustme

import scalar_tx
from scalar_tx import ScalarTxError, SettingsError, StorageUnavailableError
from tests.cluster.node.running import Node
from tests.cluster.node.test_certificates import Files

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.nodes

TABLE = "shop.orders"


class Secured:
    """A node with TLS over two workers, and its first user."""

    def __init__(self, folder: Path, *options: str, mutual: bool = False, more: str = "") -> None:
        self.files = Files(folder / "files")
        self.ca = folder / "ca.crt"
        self.files.ca.cert_pem.write_to_path(self.ca)
        if mutual:
            more += f"scalar.db.node.tls.client_ca_path={self.files.client_ca}\n"
        database = folder / "node" / "node.db"
        database.parent.mkdir()
        with scalar_tx.connect(f"sqlite:///{database}") as db:
            db.admin.create_coordinator_tables()
        self.node = Node(
            folder / "node",
            "--workers",
            "2",
            *options,
            properties=self.files.properties + more,
            environment={"SCALAR_DB_LOG_LEVEL": "DEBUG"},
        ).begun()
        assert self.node.process.stdout is not None
        self.first = json.loads(self.node.process.stdout.readline())
        assert self.first.pop("event") == "first user"

    @property
    def url(self) -> str:
        return f"grpcs://{self.node.where}"

    @property
    def log_in(self) -> dict[str, Any]:
        return {"username": self.first["user"], "password": self.first["password"]}

    @property
    def trust(self) -> dict[str, Any]:
        return {"cluster_tls_ca_root_cert_path": str(self.ca)}

    def certificate(self, folder: Path, ca: trustme.CA) -> dict[str, Any]:
        """A client's own."""
        made = ca.issue_cert("client.test")
        made.cert_chain_pems[0].write_to_path(folder / "client.crt")
        made.private_key_pem.write_to_path(folder / "client.key")
        return {
            "node_tls_client_cert_path": str(folder / "client.crt"),
            "node_tls_client_key_path": str(folder / "client.key"),
        }


@pytest.fixture(scope="module")
def one_sided(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    made = Secured(tmp_path_factory.mktemp("tls"))
    yield made
    made.node.__exit__()


@pytest.fixture(scope="module")
def mutual(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    made = Secured(tmp_path_factory.mktemp("mutual"), mutual=True)
    yield made
    made.node.__exit__()


def _work(url: str, **how: Any) -> None:
    with scalar_tx.connect(url, **how) as db:
        db.admin.create_table(
            TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"], if_not_exists=True
        )
        for number in range(10):
            db.upsert(TABLE, {"id": number, "n": number})
        assert {one["n"] for one in db.scan(TABLE, whole_table=True)} == set(range(10))

    async def again() -> None:
        async with scalar_tx.connect_async(url, **how) as db:
            assert await db.get(TABLE, {"id": 1}) is not None

    asyncio.run(again())


def test_both_faces_work_over_tls(one_sided: Secured) -> None:
    _work(one_sided.url, **one_sided.trust, **one_sided.log_in)


def test_a_file_of_properties_says_it_all(one_sided: Secured, tmp_path: Path) -> None:
    path = tmp_path / "client.properties"
    path.write_text(
        f"scalar.db.storage=grpcs\nscalar.db.contact_points={one_sided.node.where}\n"
        f"scalar.db.cluster.tls.ca_root_cert_path={one_sided.ca}\n"
        f"scalar.db.username={one_sided.first['user']}\n"
        f"scalar.db.password={one_sided.first['password']}\n"
    )
    _work(str(path))


def _refused(url: str, error: type[ScalarTxError], **how: Any) -> str:
    """What a transaction is told, which nothing tries again."""
    with (
        scalar_tx.connect(url, **how) as db,
        pytest.raises(error) as caught,
        db.transaction() as tx,
    ):
        tx.get(TABLE, {"id": 1})
    found = f"{caught.value!r} {caught.value}"
    assert how["password"] not in found
    return found


def test_another_ca_is_not_trusted(one_sided: Secured, tmp_path: Path) -> None:
    other = tmp_path / "other.crt"
    trustme.CA().cert_pem.write_to_path(other)
    how = {"cluster_tls_ca_root_cert_path": str(other), **one_sided.log_in}
    for found in (
        _refused(one_sided.url, SettingsError, **how),
        _refused(one_sided.url, SettingsError, **one_sided.log_in),  # the machine's own
    ):
        assert "STX-5254" in found
        assert "not signed by a CA that is trusted here" in found
        assert "cluster.tls.ca_root_cert_path" in found


def test_nothing_is_tried_again_that_can_t_be_helped(one_sided: Secured) -> None:
    began = time.monotonic()
    with (
        scalar_tx.connect(one_sided.url, **one_sided.log_in) as db,
        pytest.raises(SettingsError),
    ):
        db.get(TABLE, {"id": 1})
    assert time.monotonic() - began < 20


def test_another_name_is_not_trusted(one_sided: Secured) -> None:
    how = {**one_sided.trust, **one_sided.log_in}
    _work(one_sided.url, cluster_tls_override_authority="localhost", **how)
    found = _refused(
        one_sided.url, SettingsError, cluster_tls_override_authority="other.test", **how
    )
    assert "bears another name" in found


def test_plain_clients_are_told_of_tls(one_sided: Secured) -> None:
    url = f"grpc://{one_sided.node.where}"
    assert "grpcs://" in _refused(url, StorageUnavailableError, **one_sided.log_in)


def test_clients_show_who_they_are(mutual: Secured, tmp_path: Path) -> None:
    how = {**mutual.trust, **mutual.log_in}
    own = mutual.certificate(tmp_path, mutual.files.clients)
    _work(mutual.url, **own, **how)
    assert "client_cert_path" in _refused(mutual.url, StorageUnavailableError, **how)
    stranger = mutual.certificate(tmp_path, trustme.CA())
    assert "STX-5061" in _refused(mutual.url, StorageUnavailableError, **stranger, **how)


def test_a_certificate_is_no_log_in(mutual: Secured, tmp_path: Path) -> None:
    own = mutual.certificate(tmp_path, mutual.files.clients)
    with (
        scalar_tx.connect(mutual.url, **own, **mutual.trust) as db,
        pytest.raises(scalar_tx.InvalidOperationError) as caught,
    ):
        db.get(TABLE, {"id": 1})
    assert caught.value.code == "STX-5064"
