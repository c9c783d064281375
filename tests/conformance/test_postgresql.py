"""PostgreSQL, on a real server, also in a database that sorts texts as a dictionary does."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from scalar_tx.settings import load
from scalar_tx.storage.conformance import BlockingRunner, Place, StorageConformance, Subject
from scalar_tx.storage.postgresql.opening import from_settings

if TYPE_CHECKING:
    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster

_DICTIONARY = "dictionary"


class _Server:
    """Where the class's server is; known once its fixture has run."""

    properties: ClassVar[dict[str, str]] = {}


@pytest.fixture(scope="module", autouse=True)
def _server(postgresql_server: Cluster) -> None:
    _Server.properties = postgresql_server.properties()
    storage = _open()
    storage.pool.read("SELECT 1")  # it serves
    if not storage.pool.read("SELECT 1 FROM pg_database WHERE datname=%s", (_DICTIONARY,)):
        storage.pool.write(
            f"CREATE DATABASE {_DICTIONARY} TEMPLATE template0 LOCALE_PROVIDER icu "
            "ICU_LOCALE 'en-US' LOCALE 'C'"
        )
    storage.pool.close()


def _open(place: Place | None = None) -> ServerStorage:
    return from_settings(load(_Server.properties).storage)


def _open_dictionary(place: Place) -> ServerStorage:
    known = dict(_Server.properties)
    url = known["scalar.db.contact_points"].rpartition("/")[0]
    known["scalar.db.contact_points"] = f"{url}/{_DICTIONARY}"
    return from_settings(load(known).storage)


class TestPostgresql(StorageConformance):
    subject = Subject(open=_open, reopen=_open)


class TestPostgresqlOfDictionaryOrder(StorageConformance):
    subject = Subject(open=_open_dictionary, reopen=_open_dictionary, runners=(BlockingRunner,))
