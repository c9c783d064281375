"""How is Apache Cassandra started, and when does it serve?"""

from __future__ import annotations

import json
import socket
import struct
from typing import TYPE_CHECKING, Any

from tests.servers import places
from tests.servers.artifacts import fetched, java, quick_start
from tests.servers.node import Cluster, Node, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

CASSANDRA = "org.apache.cassandra:cassandra-all:5.0.9"
MAIN = "org.apache.cassandra.service.CassandraDaemon"
MOST_NODES = 3

# What Cassandra reaches into on Java 17: its own conf/jvm17-server.options names them, but for
# java.nio and java.util.concurrent with its atomic.
_EXPORTS = (
    "java.base/java.lang.ref",
    "java.base/jdk.internal.misc",
    "java.management.rmi/com.sun.jmx.remote.internal.rmi",
    "java.rmi/sun.rmi.registry",
    "java.rmi/sun.rmi.server",
    "java.sql/java.sql",
    "jdk.attach/sun.tools.attach",
    "jdk.compiler/com.sun.tools.javac.file",
    "jdk.unsupported/sun.misc",
)
_OPENS = (
    *(f"java.base/java.{name}" for name in ("io", "lang", "nio", "util")),
    "java.base/java.lang.module",
    "java.base/java.lang.reflect",
    "java.base/java.util.concurrent",
    "java.base/java.util.concurrent.atomic",
    *(f"java.base/jdk.internal.{name}" for name in ("loader", "math", "module", "ref", "reflect")),
    "java.base/jdk.internal.util.jar",
    "java.base/sun.nio.ch",
    "jdk.compiler/com.sun.tools.javac",
    "jdk.management/com.sun.management.internal",
)
_LOGBACK = """\
<configuration>
  <appender name="log" class="ch.qos.logback.core.ConsoleAppender">
    <encoder><pattern>%d{ISO8601} %-5level %logger{0} - %msg%n</pattern></encoder>
  </appender>
  <root level="INFO"><appender-ref ref="log"/></root>
</configuration>
"""


def cassandra(
    nodes: int = 1,
    *,
    heap: str = "512M",
    config: Mapping[str, Any] | None = None,
    jvm: Sequence[str] = (),
    behind_proxies: bool = False,
    disk: int | None = None,
) -> AbstractContextManager[Cluster]:
    """One to three nodes on 127.0.0.1, .2 and .3, all on one port.

    ``config`` goes before our cassandra.yaml, ``jvm`` are further options of Java. With
    ``behind_proxies`` the nodes tell clients to reach them at 127.0.1.1, .2 and .3, where
    proxy.before_all listens: a client that finds the nodes by itself passes there too.
    """
    if not 1 <= nodes <= MOST_NODES:
        raise ValueError(f"a cluster has 1 to {MOST_NODES} nodes, not {nodes}")
    jars = fetched(CASSANDRA)
    hosts = [f"127.0.0.{i + 1}" for i in range(nodes)]
    native, internode = places.free_port(*hosts), places.free_port(*hosts)
    run = places.new_run("cassandra")
    cluster = Cluster("cassandra")
    for i, host in enumerate(hosts):
        home = run / f"node{i + 1}"
        settings: dict[str, Any] = {
            "cluster_name": "scalar_tx",
            "partitioner": "org.apache.cassandra.dht.Murmur3Partitioner",
            # Fixed tokens and everybody a seed: all may start at once, none waits for another.
            "num_tokens": 1,
            "initial_token": str(-(2**63) + i * (2**64 // nodes)),
            "auto_bootstrap": False,
            "seed_provider": [
                {
                    "class_name": "org.apache.cassandra.locator.SimpleSeedProvider",
                    "parameters": [{"seeds": ",".join(f"{one}:{internode}" for one in hosts)}],
                }
            ],
            "endpoint_snitch": "SimpleSnitch",
            "listen_address": host,
            "rpc_address": host,
            "storage_port": internode,
            "native_transport_port": native,
            "data_file_directories": [f"{home}/data"],
            "commitlog_directory": f"{home}/commitlog",
            "saved_caches_directory": f"{home}/saved_caches",
            "hints_directory": f"{home}/hints",
            "cdc_raw_directory": f"{home}/cdc_raw",
            # The default, periodic, forgets acknowledged writes at kill -9.
            "commitlog_sync": "batch",
            "auto_snapshot": False,
        }
        if behind_proxies:
            settings["broadcast_rpc_address"] = told_host(host)
        settings |= config or {}
        cluster.nodes.append(
            Node(
                f"cassandra-{home.name}",
                host,
                native,
                home,
                _command(home, jars, heap, jvm),
                lambda node: _sees_all(cluster, node),
                _prepare(settings),
                disk,
            )
        )
    cluster.settings = {
        "scalar.db.storage": "cassandra",
        "scalar.db.contact_points": ",".join(hosts),
        "scalar.db.contact_port": str(native),
        # Taken by the default authenticator as by the one that looks at passwords.
        "scalar.db.username": "cassandra",
        "scalar.db.password": "cassandra",
    }
    return serving(cluster)


def told_host(host: str) -> str:
    """Where a node behind a proxy tells clients to reach it, on its own port."""
    return host.replace("127.0.0.", "127.0.1.")


def _prepare(settings: dict[str, Any]) -> Callable[[Path], None]:
    def prepare(home: Path) -> None:
        (home / "cassandra.yaml").write_text(json.dumps(settings, indent=2))  # JSON is YAML
        (home / "logback.xml").write_text(_LOGBACK)

    return prepare


def _command(home: Path, jars: Path, heap: str, further: Sequence[str]) -> list[str]:
    [jamm] = jars.glob("jamm-*.jar")
    return [
        java(),
        *quick_start(),
        f"-Xms{heap}",
        f"-Xmx{heap}",
        "-XX:+UseSerialGC",  # starts soonest on a small heap
        "-XX:+ExitOnOutOfMemoryError",
        f"-javaagent:{jamm}",
        *(f"--add-exports={package}=ALL-UNNAMED" for package in _EXPORTS),
        *(f"--add-opens={package}=ALL-UNNAMED" for package in _OPENS),
        f"-Djava.io.tmpdir={home}",
        f"-Duser.home={home}",
        "-Djava.net.preferIPv4Stack=true",
        "-Djdk.attach.allowAttachSelf=true",
        "-Dio.netty.tryReflectionSetAccessible=true",
        f"-Dlogback.configurationFile={home}/logback.xml",
        f"-Dcassandra.config=file://{home}/cassandra.yaml",
        f"-Dcassandra.storagedir={home}",
        # Nobody waits for a ring that isn't there.
        "-Dcassandra.skip_wait_for_gossip_to_settle=0",
        "-Dcassandra.ring_delay_ms=0",
        "-Dcassandra.superuser_setup_delay_ms=0",
        "-Dcassandra-foreground=yes",
        *further,
        "-cp",
        f"{jars}/*",
        MAIN,
    ]


_VERSION = 4
_STARTUP, _QUERY, _AUTH_RESPONSE = 0x01, 0x07, 0x0F
_READY, _AUTHENTICATE, _RESULT, _AUTH_SUCCESS = 0x02, 0x03, 0x08, 0x10
# A table that every cluster keeps three times: as many replicas answer as nodes are seen.
_REPLICATED = (
    b"SELECT * FROM system_distributed.view_build_status WHERE keyspace_name='' AND view_name=''"
)


def _sees_all(cluster: Cluster, node: Node) -> bool:
    """Does each living node find all living ones? Then this one serves, and they know of it."""
    living = [one for one in cluster.nodes if one.alive and not one.paused]
    return node in living and all(_finds_replicas(one, len(living)) for one in living)


def _finds_replicas(node: Node, count: int) -> bool:
    with (
        socket.create_connection((node.host, node.port), timeout=5) as connection,
        connection.makefile("rb") as answers,
    ):

        def ask(opcode: int, body: bytes) -> int:
            connection.sendall(struct.pack(">BBhBi", _VERSION, 0, 0, opcode, len(body)) + body)
            header = answers.read(9)
            if len(header) < 9:
                raise ConnectionResetError
            *_, answer, length = struct.unpack(">BBhBi", header)
            answers.read(length)
            return int(answer)

        options = struct.pack(">HH11sH5s", 1, 11, b"CQL_VERSION", 5, b"3.0.0")
        begun = ask(_STARTUP, options)
        if begun == _AUTHENTICATE:
            secret = b"\0cassandra\0cassandra"
            begun = ask(_AUTH_RESPONSE, struct.pack(">i", len(secret)) + secret)
        if begun not in {_READY, _AUTH_SUCCESS}:
            return False
        # On the wire the consistency levels ONE, TWO and THREE are these numbers.
        query = struct.pack(">i", len(_REPLICATED)) + _REPLICATED + struct.pack(">HB", count, 0)
        return ask(_QUERY, query) == _RESULT
