"""Where do the services of a measurement stand: on real Cassandra and DynamoDB Local, in a node?

What is asked of the two is counted where it is sent: statements to Cassandra, requests to DynamoDB.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scalar_auditor.client import connect
from scalar_auditor.identity.first_admin import make_first_admin
from scalar_auditor.keys import KeyRing
from scalar_auditor.parts import KEYS_FILE
from scalar_auditor.services import NAMES
from scalar_tx.connection_async import open_async
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.settings import load
from scalar_tx.storage.cassandra.session import Session
from scalar_tx.storage.dynamo.client import Client
from tests.cluster.node.running import Node
from tests.servers import cassandra, dynamodb
from tests.services.multi.places import make_tables, settings, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ADMIN: Final = "root@bench.example"
_AS_DEPLOYED: Final = {"paxos_variant": "v2"}  # as k8s/components/cassandra sets it
_BEGIN_SECONDS: Final = 120.0  # tables are looked up one after the other, on a busy machine
_STATEMENTS: Final = "statements to Cassandra"
_REQUESTS: Final = "requests to DynamoDB"


@contextmanager
def on_servers() -> Iterator[Path]:
    """Cassandra and DynamoDB Local with all tables; a properties file that names them."""
    with (
        cassandra(config=_AS_DEPLOYED) as one,
        dynamodb() as other,
        tempfile.TemporaryDirectory() as folder,
    ):
        storages = {"cassandra": one.properties(), "dynamo": other.properties()}
        file = written(Path(folder) / "bench.properties", settings(storages))
        make_tables(str(file))
        yield file


@contextmanager
def node_on(properties: Path, workers: int) -> Iterator[tuple[str, str]]:
    """A node with the five services on such a place: its target, and a service's token."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys_file = folder / "keys.json"
        keys_file.write_text(KeyRing.made("bench").as_text())
        password = asyncio.run(_first_admin(properties))
        node = Node(
            folder / "node",
            *("--services", ",".join(NAMES), "--workers", str(workers)),
            properties=properties.read_text(),
            environment={KEYS_FILE: str(keys_file)},
        )
        try:
            node.begun(_BEGIN_SECONDS)
            with connect(f"grpc://{node.where}", email=ADMIN, password=password) as admin:
                token = admin.identity.create_service_token(name="bench").token
            yield f"grpc://{node.where}", token
        finally:
            node.end()


async def _first_admin(properties: Path) -> str:
    manager = AsyncTransactionManager(load(str(properties)), open_async)
    try:
        return await make_first_admin(manager, ADMIN)
    finally:
        await manager.close()


@contextmanager
def requests_counted() -> Iterator[Counter[str]]:
    """What this process sends to the two databases meanwhile."""
    counts: Counter[str] = Counter()
    kept = [(Session, "_sent", _STATEMENTS), (Client, "_once", _REQUESTS)]
    before = [(place, name, getattr(place, name)) for place, name, _ in kept]
    for place, name, what in kept:
        setattr(place, name, _noted(getattr(place, name), counts, what))
    try:
        yield counts
    finally:
        for place, name, sent in before:
            setattr(place, name, sent)


def _noted(sent: Callable[..., Any], counts: Counter[str], what: str) -> Callable[..., Any]:
    def send(*arguments: Any, **more: Any) -> Any:
        counts[what] += 1
        return sent(*arguments, **more)

    return send


def told(counts: Counter[str], times: int = 1) -> str:
    """How many of each kind a call sent, of so many calls."""
    parts = [f"{counts[what] / times:,.1f} {what}" for what in (_STATEMENTS, _REQUESTS)]
    return ", ".join(parts)
