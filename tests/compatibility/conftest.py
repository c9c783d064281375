"""The JVMs of the compatibility tests: shared where a test leaves them alive."""

from __future__ import annotations

import os
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.compatibility.java_build import NEWEST, OLDER, JavaMissingError
from tests.compatibility.java_peer import JavaPeer
from tests.compatibility.places import PLACES, Place, place_on
from tests.servers.fixtures import shelf_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent


def pytest_itemcollected(item: pytest.Item) -> None:
    """Everything here needs Java."""
    item.add_marker(pytest.mark.java)


class JavaShelf:
    """One JVM a release, started when first wanted, and again if a test has ended it."""

    def __init__(self) -> None:
        self._stack = ExitStack()
        self._peers: dict[str, JavaPeer] = {}

    def peer(self, release: str) -> JavaPeer:
        """A living JVM with this release."""
        peer = self._peers.get(release)
        if peer is None or not peer.alive:
            peer = self._peers[release] = self._stack.enter_context(started(release))
        return peer

    def close(self) -> None:
        """End them all."""
        self._stack.close()


def started(release: str = NEWEST) -> JavaPeer:
    """A JVM; without Java the test is left out, or fails where nothing may be left out."""
    try:
        return JavaPeer(release)
    except JavaMissingError as missing:
        if os.environ.get("SCALAR_TX_STRICT") == "1":
            pytest.fail(f"SCALAR_TX_STRICT=1, but {missing}")
        pytest.skip(str(missing))


@pytest.fixture(scope="session")
def java_shelf() -> Iterator[JavaShelf]:
    shelf = JavaShelf()
    yield shelf
    shelf.close()


@pytest.fixture
def java(java_shelf: JavaShelf) -> JavaPeer:
    """The newest release. One JVM a test run: don't halt it."""
    return java_shelf.peer(NEWEST)


@pytest.fixture
def older_java(java_shelf: JavaShelf) -> JavaPeer:
    """A release that keeps stale before images and compares versions. Don't halt it."""
    return java_shelf.peer(OLDER)


@pytest.fixture
def new_java() -> Iterator[Callable[..., JavaPeer]]:
    """Starts JVMs that a test may halt or kill."""
    with ExitStack() as stack:
        yield lambda release=NEWEST: stack.enter_context(started(release))


@pytest.fixture(scope="module")
def place(request: pytest.FixtureRequest, java_shelf: JavaShelf) -> Iterator[Place]:
    """Servers that both sides have open, as places.at names them."""
    servers = request.config.stash[shelf_key]
    clusters = {kind: servers.take(kind) for kind in PLACES[request.param]}
    place = place_on(request.param, clusters, java_shelf)
    yield place
    place.close()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A database file that several programs may share."""
    return tmp_path / "shared.db"
