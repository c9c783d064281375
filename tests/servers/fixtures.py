"""Which servers do the tests share? One of a kind a test process, started when first wanted.

A test gets its server by a fixture's name; ``@pytest.mark.servers("cassandra")`` says the kind of a
test that starts one by itself. Both carry the marker, and all tests of a kind run in one process.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.servers import ServerMissingError
from tests.servers.kinds import KINDS, kinds_of

if TYPE_CHECKING:
    from tests.servers import Cluster


class Shelf:
    """The running servers."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._running: dict[str, Cluster] = {}

    def take(self, kind: str) -> Cluster:
        """A server; where its programs can't be had the test is left out, or fails under strict."""
        if kind not in self._running:
            try:
                self._running[kind] = self._stack.enter_context(KINDS[kind]())
            except ServerMissingError as missing:
                if os.environ.get("SCALAR_TX_STRICT") == "1":
                    pytest.fail(f"SCALAR_TX_STRICT=1, but {missing}")
                pytest.skip(str(missing))
        return self._running[kind]

    def mend(self, kinds: list[str]) -> None:
        """Start what a test before this one left dead or frozen."""
        for kind in kinds:
            if kind in self._running:
                self._running[kind].mend()

    def close(self) -> None:
        """Stop them all."""
        self._stack.close()


shelf_key = pytest.StashKey[Shelf]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[shelf_key] = Shelf()


def pytest_unconfigure(config: pytest.Config) -> None:
    config.stash[shelf_key].close()


def pytest_itemcollected(item: pytest.Item) -> None:
    """A test that takes a server needs no marker besides."""
    if kinds_of(item) and item.get_closest_marker("servers") is None:
        item.add_marker(pytest.mark.servers)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    item.config.stash[shelf_key].mend(kinds_of(item))


@pytest.fixture(scope="session")
def cassandra_server(pytestconfig: pytest.Config) -> Cluster:
    """One node. A test may kill, pause and start it; it may not wipe it."""
    return pytestconfig.stash[shelf_key].take("cassandra")


@pytest.fixture(scope="session")
def dynamodb_server(pytestconfig: pytest.Config) -> Cluster:
    """DynamoDB Local on a file."""
    return pytestconfig.stash[shelf_key].take("dynamodb")


@pytest.fixture(scope="session")
def postgresql_server(pytestconfig: pytest.Config) -> Cluster:
    """PostgreSQL with its own settings."""
    return pytestconfig.stash[shelf_key].take("postgresql")


@pytest.fixture(scope="session")
def mysql_server(pytestconfig: pytest.Config) -> Cluster:
    """MariaDB with its own settings."""
    return pytestconfig.stash[shelf_key].take("mysql")


@pytest.fixture(scope="session")
def redis_server(pytestconfig: pytest.Config) -> Cluster:
    """Three nodes."""
    return pytestconfig.stash[shelf_key].take("redis")
