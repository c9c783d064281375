"""Where do servers live: their programs, their data, their ports, their user?"""

from __future__ import annotations

import os
import pwd
import random
import socket
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypedDict

CACHE = "SCALAR_TX_SERVERS_CACHE"
RUNS = "SCALAR_TX_SERVERS_RUN"
# Below the ports that the kernel gives to clients, so that none of them takes a dead node's place.
PORTS = range(20000, 32000)
ATTEMPTS = 1000


class User(TypedDict, total=False):
    """Arguments of Popen that say as whom a program runs."""

    user: int
    group: int
    extra_groups: list[int]


def cache() -> Path:
    """Where fetched programs stay. The user below can't enter root's home: hence /var/cache."""
    if chosen := os.environ.get(CACHE):
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/cache/scalar-tx-servers")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "scalar-tx-servers")


def server_user() -> User:
    """Who the servers run as: root becomes nobody, since PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def new_run(kind: str) -> Path:
    """A new folder for the nodes of one server; the servers' user may pass through it."""
    runs = Path(os.environ.get(RUNS) or Path(tempfile.gettempdir(), "scalar-tx-servers"))
    runs.mkdir(parents=True, exist_ok=True)
    run = Path(tempfile.mkdtemp(prefix=f"{kind}-", dir=runs))
    run.chmod(0o755)
    return run


def free_port(*hosts: str) -> int:
    """A port that is free on each of these addresses.

    RuntimeError: none was found.
    """
    chance = random.SystemRandom()
    for _ in range(ATTEMPTS):
        port = chance.choice(PORTS)
        with suppress(OSError), ExitStack() as taken:
            for host in hosts:
                taken.enter_context(socket.socket()).bind((host, port))
            return port
    raise RuntimeError(f"no port between {PORTS[0]} and {PORTS[-1]} is free on {', '.join(hosts)}")
