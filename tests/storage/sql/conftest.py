"""A storage of each kind of server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.storage.sql.stage import opened

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.storage.sql.server_storage import ServerStorage
    from tests.servers import Cluster


@pytest.fixture
def postgresql(postgresql_server: Cluster) -> Iterator[ServerStorage]:
    storage = opened("postgresql", postgresql_server.properties())
    yield storage
    storage.pool.close()


@pytest.fixture
def mysql(mysql_server: Cluster) -> Iterator[ServerStorage]:
    storage = opened("mysql", mysql_server.properties())
    yield storage
    storage.pool.close()
