"""What is sent while a transaction runs, counted outside of the library where there is an outside?

On memory and SQLite the storage's calls; on servers what the driver is told, and what crosses a
proxy.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.connection import parts_of
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.cassandra.storage import CassandraStorage
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.sql.storage import SqlMoment
from scalar_tx.storage.sqlite.storage import SqliteStorage
from tests.costs.page import Cost, Way
from tests.servers.proxy import Proxy
from tests.storage.dynamo.on_local import ENDPOINT, own_properties
from tests.storage.dynamo.test_faults import Ear
from tests.storage.sql.test_requests import DRIVERS, Overheard, Said

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from scalar_tx import TransactionManager
    from tests.servers import Cluster

    Work = Callable[[], object]
    Counter = Callable[[Work], Cost]


def settings(way: Way) -> dict[str, Any]:
    """What is given to ``connect`` for a way."""
    return {"consensus_commit_one_phase_commit_enabled": way is Way.DEFAULT}


@contextmanager
def in_calls(kind: str, folder: Path, way: Way) -> Iterator[tuple[TransactionManager, Counter]]:
    """The calls of the storage; a scan is one, and a read within one moment counts like another."""
    target = "memory://" if kind == "memory" else f"sqlite:///{folder / 'costs.db'}"
    calls: list[str] = []
    with scalar_tx.connect(target, **settings(way)) as db, pytest.MonkeyPatch.context() as patch:
        for holder, names in CALLS[kind]:
            for name in names:
                patch.setattr(holder, name, _noted(getattr(holder, name), name, calls))

        def count(work: Work) -> Cost:
            calls.clear()
            work()
            return Cost(len(calls))

        yield db, count


CALLS: dict[str, list[tuple[type, tuple[str, ...]]]] = {
    "memory": [(MemoryStorage, ("get", "get_many", "scan", "mutate"))],
    "sqlite": [
        (SqliteStorage, ("get", "get_many", "scan", "mutate")),
        (SqlMoment, ("get", "get_many", "scan")),
    ],
}


def _noted(asked: Callable[..., Any], name: str, calls: list[str]) -> Callable[..., Any]:
    def ask(*arguments: Any) -> Any:
        calls.append(name)
        return asked(*arguments)

    return ask


@contextmanager
def in_statements(
    kind: str, server: Cluster, way: Way
) -> Iterator[tuple[TransactionManager, Counter]]:
    """The statements that the driver is told, a transaction as one, and round trips."""
    said = Said()
    driver: Any = DRIVERS[kind]
    opens = driver.open
    with (
        pytest.MonkeyPatch.context() as patch,
        Proxy.before(server) as proxy,
        scalar_tx.connect(proxy.properties(server), **settings(way)) as db,
    ):
        patch.setattr(driver, "open", lambda self: Overheard(opens(self), said))

        def count(work: Work) -> Cost:
            said.words.clear()
            before = proxy.requests
            work()
            return Cost(operations(said.words), proxy.requests - before)

        yield db, count


def operations(words: Sequence[str]) -> int:
    """How many of the protocol's operations statements are: a group of writes is one."""
    found, group = 0, False
    for word in words:
        match word:
            case "BEGIN":
                group = True
            case "COMMIT":
                found, group = found + 1, False
            case "ROLLBACK":
                group = False
            case "SELECT":
                found += 1
            case _:
                found += not group
    return found


@contextmanager
def in_requests(server: Cluster, way: Way) -> Iterator[tuple[TransactionManager, Counter]]:
    """The requests to DynamoDB that cross a proxy."""
    with Proxy.before(server) as proxy:
        known = own_properties(server)
        known[ENDPOINT] = f"http://{proxy.host}:{proxy.port}"
        with scalar_tx.connect(known, **settings(way)) as db:
            ear = Ear(proxy)

            def count(work: Work) -> Cost:
                ear.heard.clear()
                work()
                return Cost(ear.count().total())

            yield db, count


@contextmanager
def counted(db: TransactionManager) -> Iterator[list[str]]:
    """The requests of the driver's session meanwhile, by kind."""
    storage = parts_of(db).storage
    assert isinstance(storage, CassandraStorage)
    session = run_blocking(storage._session._connect())
    asked: list[str] = []

    def note(request: Any) -> None:
        asked.append(type(request.message).__name__)

    session.add_request_init_listener(note)
    try:
        yield asked
    finally:
        session.remove_request_init_listener(note)


@contextmanager
def in_messages(server: Cluster, way: Way) -> Iterator[tuple[TransactionManager, Counter]]:
    """The requests of the driver's session."""
    with scalar_tx.connect(server.properties(), **settings(way)) as db:

        def count(work: Work) -> Cost:
            with counted(db) as asked:
                work()
            return Cost(len(asked))

        yield db, count
