"""How is DynamoDB Local started, and when does it serve?"""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

from tests.servers import places
from tests.servers.artifacts import fetched, java, quick_start
from tests.servers.node import Cluster, Node, serving

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

DYNAMODB = "com.amazonaws:DynamoDBLocal:2.6.1"
MAIN = "com.amazonaws.services.dynamodbv2.local.main.ServerRunner"


def dynamodb(
    *, durable: bool = True, heap: str = "512M", disk: int | None = None
) -> AbstractContextManager[Cluster]:
    """DynamoDB Local; ``durable`` keeps tables in a file, so that they outlive the process.

    It listens on all addresses and has no option not to. Any key and any region will do.
    """
    jars = fetched(DYNAMODB)
    port = places.free_port("")
    home = places.new_run("dynamodb") / "node1"
    command = [
        java(),
        *quick_start(),
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",
        f"-Djava.io.tmpdir={home}",
        f"-Duser.home={home}",
        f"-Dsqlite4java.library.path={jars}",
        "-cp",
        f"{jars}/*",
        MAIN,
        "-port",
        str(port),
        "-disableTelemetry",
        "-sharedDb",  # one store, whatever key and region a client names
        *(["-dbPath", str(home)] if durable else ["-inMemory"]),
    ]
    settings = {
        "scalar.db.storage": "dynamo",
        "scalar.db.contact_points": "us-west-2",
        "scalar.db.username": "fakeMyKeyId",
        "scalar.db.password": "fakeSecretAccessKey",
        "scalar.db.dynamo.endpoint_override": f"http://127.0.0.1:{port}",
    }
    node = Node("dynamodb", "127.0.0.1", port, home, command, _wants_signature, disk=disk)
    return serving(Cluster("dynamodb", [node], settings))


def _wants_signature(node: Node) -> bool:
    """Is an unsigned request refused for that? Then signed ones are served."""
    connection = http.client.HTTPConnection(node.host, node.port, timeout=5)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status == http.client.BAD_REQUEST
    except http.client.HTTPException:
        return False
    finally:
        connection.close()
