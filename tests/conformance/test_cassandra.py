"""Cassandra, on a real server of one node."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from scalar_tx.model.types import DataType
from scalar_tx.settings import load
from scalar_tx.storage.cassandra import open_cassandra
from scalar_tx.storage.conformance import Change, Place, Role, StorageConformance, Subject

if TYPE_CHECKING:
    from scalar_tx.storage.cassandra.storage import CassandraStorage
    from tests.servers import Cluster

pytestmark = pytest.mark.servers

_properties: Final[dict[str, str]] = {}


@pytest.fixture(scope="module", autouse=True)
def _server(cassandra_server: Cluster) -> None:
    _properties.update(cassandra_server.properties())


def _open(place: Place) -> CassandraStorage:
    return open_cassandra(load(_properties).storage, place.runner.runtime)


class TestCassandra(StorageConformance):
    subject = Subject(
        open=_open,
        reopen=_open,
        unsupported=frozenset((DataType.TIMESTAMP, role) for role in Role),
        keeps_tables=True,
        refuses=frozenset({Change.RENAME, Change.TYPES, Change.RENAME_TABLE}),
    )
