"""Does the namespace event move from Cassandra to DynamoDB while importers send, without a loss?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.services.moved import moved_at_work, opened
from tests.services.multi.places import settings, written

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Cluster

BATCHES = 8
PATIENCE = 3.0  # seconds: a call asks two servers, on a busy machine
PREFIX = "moved_"  # what others have there is not in the way


def test_no_event_is_lost_or_doubled(
    cassandra_server: Cluster, dynamodb_server: Cluster, tmp_path: Path
) -> None:
    """Items and decisions stay where they are: on SQLite."""
    storages = {
        "sqlite": {
            "scalar.db.storage": "sqlite",
            "scalar.db.contact_points": str(tmp_path / "items.db"),
        },
        "cassandra": cassandra_server.properties(),
        "dynamo": dynamodb_server.properties(**{"scalar.db.dynamo.namespace.prefix": PREFIX}),
    }
    old, new = (
        written(tmp_path / f"{name}.properties", settings(storages, {"event": name}))
        for name in ("cassandra", "dynamo")
    )
    with opened(old) as before:
        moved_at_work(old, new, before, BATCHES, PATIENCE)
