"""How are Redis nodes started, and when do they serve?"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from tests.servers import places
from tests.servers.artifacts import fetched, keep_only
from tests.servers.node import Cluster, Node, serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

REDIS = "com.github.codemonstur:embedded-redis:1.4.4"


def redis(
    nodes: int = 3, *, settings: Mapping[str, str] | None = None, disk: int | None = None
) -> AbstractContextManager[Cluster]:
    """Redis nodes that know nothing of each other; a write is on disk before its answer."""
    program = fetched(REDIS, _unpack) / "redis-server"
    run = places.new_run("redis")
    cluster = Cluster("redis")
    for i in range(nodes):
        home = run / f"node{i + 1}"
        port = places.free_port("127.0.0.1")
        options = {
            "port": str(port),
            "bind": "127.0.0.1",
            "dir": str(home),
            "save": "",
            "appendonly": "yes",
            "appendfsync": "always",
            "maxmemory-policy": "noeviction",
            **(settings or {}),
        }
        words = [word for name, value in options.items() for word in (f"--{name}", value)]
        command = [str(program), *words]
        node = Node(f"redis-{home.name}", "127.0.0.1", port, home, command, _plays, disk=disk)
        cluster.nodes.append(node)
    cluster.settings = {"scalar.db.contact_points": ",".join(cluster.endpoints)}
    return serving(cluster)


def _unpack(jars: Path) -> None:
    keep_only(jars, "embedded-redis-*.jar", "redis-server-")
    [program] = jars.glob("*-linux-amd64")
    program.rename(jars / "redis-server")
    for other_machine in jars.glob("*-*-*"):
        other_machine.unlink()


def _plays(node: Node) -> bool:
    """Does it answer a ping? While it reads its file it says so instead."""
    with socket.create_connection((node.host, node.port), timeout=5) as connection:
        connection.sendall(b"PING\r\n")
        return connection.recv(5) == b"+PONG"
