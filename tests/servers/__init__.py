"""Real database servers for the tests: plain processes on loopback, without root and docker.

    with cassandra(nodes=3) as cluster:
        cluster.endpoints              # 127.0.0.1, .2 and .3, one port
        cluster.nodes[2].kill()        # kill -9
        cluster.nodes[2].start()       # on its data; returns when it serves
        cluster.nodes[1].pause()       # connections stay open, nothing answers

Programs come from Maven, once; data lie in a temporary folder, and go when the servers do. Nothing
outlives the process that started it, not even its own ``kill -9``. Needs Linux on x86-64.
"""

from __future__ import annotations

from tests.servers.artifacts import ServerMissingError
from tests.servers.cassandra_server import cassandra
from tests.servers.dynamodb_server import dynamodb
from tests.servers.mysql_server import mysql
from tests.servers.node import Cluster, Node
from tests.servers.postgresql_server import postgresql
from tests.servers.redis_server import redis

__all__ = [
    "Cluster",
    "Node",
    "ServerMissingError",
    "cassandra",
    "dynamodb",
    "mysql",
    "postgresql",
    "redis",
]
