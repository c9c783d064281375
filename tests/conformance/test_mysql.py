"""MariaDB, on a real server whose own texts ignore case."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import pytest

from scalar_tx.settings import load
from scalar_tx.storage.conformance import Place, StorageConformance, Subject
from scalar_tx.storage.mysql.opening import from_settings

if TYPE_CHECKING:
    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster


class _Server:
    """Where the class's server is; known once its fixture has run."""

    properties: ClassVar[dict[str, str]] = {}


@pytest.fixture(scope="module", autouse=True)
def _server(mysql_server: Cluster) -> None:
    _Server.properties = mysql_server.properties()


def _open(place: Place) -> ServerStorage:
    return from_settings(load(_Server.properties).storage)


class TestMysql(StorageConformance):
    subject = Subject(open=_open, reopen=_open)
