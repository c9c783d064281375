"""What do the tests of the services over Cassandra and DynamoDB share? The tables, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.services.multi.places import make_tables, settings, written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Cluster


@pytest.fixture(scope="session")
def both(
    cassandra_server: Cluster, dynamodb_server: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A properties file: events on DynamoDB, all else on Cassandra, and all tables are there."""
    storages = {"cassandra": cassandra_server.properties(), "dynamo": dynamodb_server.properties()}
    file = written(tmp_path_factory.mktemp("both") / "both.properties", settings(storages))
    make_tables(str(file))
    return file
