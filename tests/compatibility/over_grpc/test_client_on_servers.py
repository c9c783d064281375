"""Does the Java client work through a node on each of the database servers?

What it does there is what it does on the storages that need no server.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.cluster.node.running import Node
from tests.compatibility.over_grpc import (
    test_client_ids_and_parts,
    test_client_tables,
    test_client_transactions,
)
from tests.compatibility.over_grpc.java_client import DESCRIBED, RAW, TABLE, JavaClient
from tests.compatibility.places import EACH_SERVER
from tests.servers.fixtures import shelf_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.compatibility.java_process import JavaProcess

pytestmark = pytest.mark.nodes
COORDINATOR = "over_grpc_coordinator"

transactions, tables = test_client_transactions, test_client_tables
DONE: dict[str, Callable[..., None]] = {
    "values": transactions.all_types_come_back,
    "every operation": transactions.test_a_transaction_of_every_operation,
    "begin, start and their ends": transactions.test_begin_start_and_their_ends,
    "conditions": transactions.test_conditions,
    "conflicts": transactions.test_conflicts_and_what_can_be_done_after_them,
    "mistakes": transactions.test_mistakes_are_illegal_arguments,
    "storage": tables.test_storage_without_transactions,
    "administration": partial(tables.test_administration, stored=False),
    "administration of storage": partial(tables.test_administration, stored=True),
    "abort by id": partial(
        test_client_ids_and_parts.test_a_commit_after_an_abort_by_id, way="abort"
    ),
}
# What a server can't hold, and what is done there instead.
OTHERWISE = {("values", "dynamodb"): {"shortest": "."}}  # no empty text in an index


@dataclass(frozen=True)
class Place:
    """A client of a node over a server of that name, and where another client finds it."""

    name: str
    client: JavaClient
    port: int


@pytest.fixture(scope="module")
def place(
    request: pytest.FixtureRequest,
    process: JavaProcess,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Place]:
    cluster = request.config.stash[shelf_key].take(request.param)
    settings = {
        **cluster.settings,
        "scalar.db.consensus_commit.isolation_level": "SERIALIZABLE",
        "scalar.db.consensus_commit.coordinator.namespace": COORDINATOR,
    }
    properties = "".join(f"{name}={value}\n" for name, value in settings.items())
    options = ("--workers", "1", "--scalardb-server-port", "0", "--decommission", "0")
    with Node(tmp_path_factory.mktemp("node"), *options, properties=properties) as node:
        port = node.told["scalardb_server_port"]
        client = JavaClient(process, port)
        client.admin("create_coordinator", lenient=True)
        client.admin("create_namespace", "shop", lenient=True)
        for name in (TABLE, RAW):
            client.admin("drop_table", name, lenient=True)
        client.admin("create_table", TABLE, **DESCRIBED)
        client.admin("create_table", RAW, stored=True, **DESCRIBED)
        yield Place(request.param, client, port)
        client.close()


def at_each_server() -> pytest.MarkDecorator:
    cases = [pytest.param(name, id=name, marks=pytest.mark.servers(name)) for name in EACH_SERVER]
    return pytest.mark.parametrize("place", cases, indirect=True, scope="module")


@at_each_server()
@pytest.mark.parametrize("what", DONE)
def test_the_client_does_there_what_it_does_elsewhere(place: Place, what: str) -> None:
    DONE[what](client=place.client, **OTHERWISE.get((what, place.name), {}))


@at_each_server()
def test_two_phases(place: Place, process: JavaProcess) -> None:
    server: Any = place
    test_client_ids_and_parts.test_two_phases(place.client, process, server)
