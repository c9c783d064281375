"""Several storages as one: two namespaces of the suite, each in another storage."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from scalar_tx.settings import load
from scalar_tx.storage.conformance import BlockingRunner, Change, Place, StorageConformance, Subject
from scalar_tx.storage.conformance.lab import NAMESPACE, OTHER_NAMESPACE
from scalar_tx.storage.postgresql.opening import from_settings
from scalar_tx.storage.routing import RoutedStorage
from scalar_tx.storage.sqlite import open_sqlite

if TYPE_CHECKING:
    from scalar_tx.storage.interface import Storage
    from tests.servers import Cluster


class _Server:
    """Where the class's server is; known once its fixture has run."""

    properties: ClassVar[dict[str, str]] = {}


def _routed(first: Storage, second: Storage) -> RoutedStorage:
    return RoutedStorage(
        {"first": first, "second": second},
        default="first",
        namespaces={NAMESPACE: "first", OTHER_NAMESPACE: "second"},
    )


def _file(place: Place, name: str) -> Storage:
    return open_sqlite(f"jdbc:sqlite:{place.folder}/{name}.db?synchronous=OFF&journal_mode=WAL")


def _files(place: Place) -> RoutedStorage:
    return _routed(_file(place, "first"), _file(place, "second"))


def _server_and_file(place: Place) -> RoutedStorage:
    return _routed(from_settings(load(_Server.properties).storage), _file(place, "second"))


class TestTwoFiles(StorageConformance):
    subject = Subject(
        open=_files,
        reopen=_files,
        runners=(BlockingRunner,),
        remembers_empty_namespaces=False,
        refuses=frozenset({Change.TYPES}),
    )


class TestPostgresqlAndSqlite(StorageConformance):
    subject = Subject(
        open=_server_and_file,
        reopen=_server_and_file,
        runners=(BlockingRunner,),
        remembers_empty_namespaces=False,
    )

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def server(cls, postgresql_server: Cluster) -> None:
        _Server.properties = postgresql_server.properties()
