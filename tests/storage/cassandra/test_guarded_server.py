"""A server with passwords, permissions and TLS, and with settings that lose data."""

from __future__ import annotations

import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import pytest

from scalar_tx.errors import StorageUnavailableError
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.model.finding import Verdict
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking as run
from scalar_tx.settings import load
from scalar_tx.storage.cassandra import open_cassandra, session
from scalar_tx.storage.cassandra.doctor import examine
from scalar_tx.storage.interface import Write
from tests.servers import Cluster, cassandra, places
from tests.servers.artifacts import java
from tests.servers.proxy import Proxy
from tests.storage.cassandra.connections import sockets, until_only

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.cassandra.storage import CassandraStorage

pytestmark = pytest.mark.servers("cassandra")

TABLE: Final = Table("guarded.t", TableSchema({"p": "INT", "n": "INT"}, ["p"]))
STORE_WORD: Final = "keystore"
SOON: Final = 15.0
# A server takes a password that it has just seen, for 2 seconds, and changes one once in 5.
PASSWORD_SECONDS: Final = 3.0


class Guarded(NamedTuple):
    """The server, its port for TLS, and the certificate that it shows there."""

    cluster: Cluster
    tls_port: int
    certificate: Path

    def opened(self, **settings: str) -> CassandraStorage:
        named = {f"scalar.db.{name.replace('__', '.')}": value for name, value in settings.items()}
        return open_cassandra(load(self.cluster.properties(**named)).storage)

    def opened_by_tls(self, **settings: str) -> CassandraStorage:
        return self.opened(
            contact_port=str(self.tls_port),
            cassandra__tls__enabled="true",
            cassandra__tls__ca_root_cert_path=str(self.certificate),
            **settings,
        )


def keytool(*arguments: str) -> None:
    program = Path(java()).with_name("keytool")
    protected = ("-storepass", STORE_WORD, "-alias", "node")
    subprocess.run([program, *arguments, *protected], check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="module")
def guarded() -> Iterator[Guarded]:
    folder = places.new_run("cassandra-keys")
    store, certificate = str(folder / "node.p12"), str(folder / "node.pem")
    keytool(
        *("-genkeypair", "-keyalg", "RSA", "-dname", "CN=localhost", "-storetype", "PKCS12"),
        *("-keystore", store),
    )
    Path(store).chmod(0o644)  # for the servers' user
    keytool("-exportcert", "-rfc", "-keystore", store, "-file", certificate)
    tls_port = places.free_port("127.0.0.1")
    config = {
        "authenticator": "PasswordAuthenticator",
        "authorizer": "CassandraAuthorizer",
        "native_transport_port_ssl": tls_port,
        "client_encryption_options": {
            "enabled": True,
            "optional": False,
            "keystore": store,
            "keystore_password": STORE_WORD,
            "store_type": "PKCS12",
        },
        "commitlog_sync": "periodic",
        "commitlog_sync_period": "10s",
        "paxos_variant": "v2",
    }
    try:
        with cassandra(config=config) as cluster:
            yield Guarded(cluster, tls_port, Path(certificate))
    finally:
        shutil.rmtree(folder)


def works(storage: CassandraStorage) -> None:
    run(storage.admin.create_table(TABLE, if_not_exists=True))
    run(storage.admin.truncate_table(TABLE.name))
    run(storage.mutate([Write(TABLE, (1,), {"n": 1}, if_not_exists)]))
    assert run(storage.get(TABLE, (1,))) == {"p": 1, "n": 1}
    run(storage.close())


def failure(storage: CassandraStorage) -> StorageUnavailableError:
    """What the first use raises, soon, and nothing of it stays open."""
    before = sockets()
    begun = time.monotonic()
    with pytest.raises(StorageUnavailableError) as caught:
        run(storage.get(TABLE, (1,)))
    run(storage.close())
    assert time.monotonic() - begun < SOON
    until_only(before)
    return caught.value


def test_the_right_password(guarded: Guarded) -> None:
    works(guarded.opened())


@pytest.mark.parametrize("settings", [{"password": "wrong"}, {"username": "nobody"}])
def test_a_wrong_password(guarded: Guarded, settings: dict[str, str]) -> None:
    error = failure(guarded.opened(**settings))
    assert error.code == "STX-4211"
    assert "scalar.db.password" in error.advice
    assert not error.retryable
    assert "cassandra'" not in error.message


def test_no_password(guarded: Guarded) -> None:
    error = failure(guarded.opened(username="", password=""))
    assert error.code == "STX-4211"
    assert not error.retryable


def test_a_user_who_may_not(guarded: Guarded) -> None:
    admin = guarded.opened()
    works(guarded.opened())
    text = "CREATE ROLE IF NOT EXISTS reader WITH PASSWORD = 'r' AND LOGIN = true"
    run(admin._session.define(text, "roles"))
    run(admin._session.define("GRANT SELECT ON KEYSPACE guarded TO reader", "roles"))
    run(admin.close())
    storage = guarded.opened(username="reader", password="r")
    assert run(storage.get(TABLE, (1,))) is not None
    with pytest.raises(StorageUnavailableError) as caught:
        run(storage.mutate([Write(TABLE, (2,), {"n": 1}, if_not_exists)]))
    assert caught.value.code == "STX-4210"
    assert "MODIFY" in caught.value.advice
    assert not caught.value.retryable
    assert run(storage.get(TABLE, (2,))) is None
    run(storage.close())


def test_a_node_that_once_refused_the_password(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one does that can't reach its table of passwords; the driver never asks it again."""
    monkeypatch.setattr(session, "_HOPELESS_SECONDS", 1.0)
    admin = guarded.opened()
    works(guarded.opened())

    def set_password(word: str) -> None:
        time.sleep(PASSWORD_SECONDS)
        run(admin._session.define(f"ALTER ROLE comer WITH PASSWORD = '{word}'", "roles"))
        time.sleep(PASSWORD_SECONDS)

    text = "CREATE ROLE IF NOT EXISTS comer WITH PASSWORD = 'r' AND LOGIN = true"
    run(admin._session.define(text, "roles"))
    run(admin._session.define("GRANT SELECT ON KEYSPACE guarded TO comer", "roles"))
    with Proxy.before(guarded.cluster) as proxy:
        own = {"scalar.db.username": "comer", "scalar.db.password": "r"}
        storage = open_cassandra(load({**proxy.properties(guarded.cluster), **own}).storage)
        assert run(storage.get(TABLE, (1,))) is not None
        time.sleep(PASSWORD_SECONDS)
        proxy.cut()
        set_password("other")
        proxy.heal()
        begun = time.monotonic()
        while time.monotonic() - begun < 6:  # the driver comes back within 5, and is refused
            with pytest.raises(StorageUnavailableError):
                run(storage.get(TABLE, (1,)))
            time.sleep(0.1)
        set_password("r")
        until = time.monotonic() + SOON
        row = None
        while row is None:
            with suppress(StorageUnavailableError):
                row = run(storage.get(TABLE, (1,)))
            assert time.monotonic() < until
            time.sleep(0.1)
        run(storage.close())
    run(admin.close())


def test_tls(guarded: Guarded) -> None:
    works(guarded.opened_by_tls())


def test_tls_to_a_port_without_it(guarded: Guarded) -> None:
    plain = str(guarded.cluster.nodes[0].port)
    error = failure(guarded.opened(contact_port=plain, cassandra__tls__enabled="true"))
    assert error.code == "STX-4217"
    assert "or neither" in error.advice
    assert not error.retryable


def test_a_port_of_tls_without_it(guarded: Guarded) -> None:
    error = failure(guarded.opened(contact_port=str(guarded.tls_port)))
    assert error.code == "STX-4220"
    assert "scalar.db.cassandra.tls.enabled=true" in error.advice


def test_tls_whose_authority_is_not_known(guarded: Guarded) -> None:
    port = str(guarded.tls_port)
    error = failure(guarded.opened(contact_port=port, cassandra__tls__enabled="true"))
    assert error.code == "STX-4217"
    assert "scalar.db.cassandra.tls.ca_root_cert_path" in error.advice
    assert not error.retryable


def test_a_data_center_that_is_not_there(guarded: Guarded) -> None:
    error = failure(guarded.opened(cassandra__local_data_center="mars"))
    assert error.code == "STX-4219"
    assert "mars" in error.message
    assert "datacenter1" in error.message
    assert not error.retryable


def test_what_loses_data_is_said(guarded: Guarded) -> None:
    works(guarded.opened())
    found = examine(load(guarded.cluster.properties()).storage)
    by_subject = {one.subject: one for one in found.findings}
    durability = by_subject["durability"]
    assert durability.verdict is Verdict.BAD
    assert "periodic" in durability.text
    assert "lose" in durability.text
    assert "commitlog_sync: batch" in (durability.advice or "")
    assert by_subject["conditional writes"].verdict is Verdict.GOOD
    assert "v2" in by_subject["conditional writes"].text
    for keyspace in ("guarded", "scalardb"):
        one = by_subject[f"replication of {keyspace}"]
        assert one.verdict is Verdict.WARNING
        assert "1 replica" in one.text
        assert f"ALTER KEYSPACE {keyspace} " in (one.advice or "")
        assert "nodetool repair" in (one.advice or "")
