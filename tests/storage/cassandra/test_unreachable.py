"""What is said when no node can be reached, and how soon?"""

from __future__ import annotations

import asyncio
import socket
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import pytest
from cassandra.cluster import Cluster

from scalar_tx.errors import SettingsError, StorageUnavailableError
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.aio import AsyncioRuntime
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.settings import load
from scalar_tx.storage.cassandra import connecting, open_cassandra
from tests.storage.cassandra.connections import sockets, until_only

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scalar_tx.storage.cassandra.storage import CassandraStorage
    from scalar_tx.storage.interface import Waiter

TABLE: Final = Table("cassandra_nowhere.t", TableSchema({"p": "INT"}, ["p"]))
# Longer than any of these takes, shorter than anybody's patience.
SOON: Final = 15.0


def opened(waiter: Waiter | None = None, **settings: str) -> CassandraStorage:
    named = {f"scalar.db.{name.replace('__', '.')}": value for name, value in settings.items()}
    return open_cassandra(load({"scalar.db.storage": "cassandra", **named}).storage, waiter)


def failure(storage: CassandraStorage) -> StorageUnavailableError:
    """What the first use raises, soon, and nothing of it stays open."""
    before = sockets()
    begun = time.monotonic()
    with pytest.raises(StorageUnavailableError) as caught:
        run_blocking(storage.get(TABLE, (1,)))
    run_blocking(storage.close())
    assert time.monotonic() - begun < SOON
    until_only(before)
    return caught.value


@contextmanager
def listening() -> Iterator[str]:
    """The port of somebody who takes connections and says nothing."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(16)
        yield str(silent.getsockname()[1])


def test_a_host_without_an_address() -> None:
    error = failure(opened(contact_points="no-such-host.invalid"))
    assert error.code == "STX-4212"
    assert "no-such-host.invalid" in error.message
    assert "scalar.db.contact_points" in error.advice


def test_a_closed_port() -> None:
    error = failure(opened(contact_points="127.0.0.1", contact_port="1"))
    assert error.code == "STX-4214"
    assert "127.0.0.1:1" in error.message
    assert "contact points" in error.advice
    assert error.retryable


def test_somebody_who_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "CONNECT_SECONDS", 1.0)
    with listening() as port:
        error = failure(opened(contact_points="127.0.0.1", contact_port=port))
        assert error.code == "STX-4214"
        assert "Timed out creating connection (1.0 seconds)" in error.message


def test_a_loop_goes_on_while_nobody_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "CONNECT_SECONDS", 1.0)

    async def steps(port: str) -> int:
        storage = opened(AsyncioRuntime(), contact_points="127.0.0.1", contact_port=port)
        asking = asyncio.ensure_future(storage.get(TABLE, (1,)))
        turns = 0
        while not asking.done():
            await asyncio.sleep(0.02)
            turns += 1
        with pytest.raises(StorageUnavailableError):
            await asking
        await storage.close()
        return turns

    with listening() as port:
        assert asyncio.run(steps(port)) > 10


def test_attempts_to_connect_become_rarer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connecting, "CONNECT_SECONDS", 0.1)
    attempts = []

    def counted(**options: object) -> object:
        attempts.append(time.monotonic())
        return Cluster(**options)

    monkeypatch.setattr(connecting, "Cluster", counted)
    storage = opened(contact_points="127.0.0.1:1")
    begun = time.monotonic()
    asked = 0
    while time.monotonic() - begun < 1:
        with pytest.raises(StorageUnavailableError, match=r"127\.0\.0\.1:1"):
            run_blocking(storage.get(TABLE, (1,)))
        asked += 1
        time.sleep(0.01)
    run_blocking(storage.close())
    assert asked > 10
    # At once, then after 0.25 seconds, then after 0.5 more.
    assert 2 <= len(attempts) <= 3


def test_authorities_that_can_t_be_read(tmp_path: Path) -> None:
    garbled = tmp_path / "ca.pem"
    garbled.write_text("no certificate\n")
    for path in (tmp_path / "missing.pem", garbled):
        with pytest.raises(SettingsError) as caught:
            opened(
                contact_points="127.0.0.1",
                cassandra__tls__enabled="true",
                cassandra__tls__ca_root_cert_path=str(path),
            )
        assert str(path) in caught.value.message
        assert "scalar.db.cassandra.tls.ca_root_cert_path" in caught.value.advice
