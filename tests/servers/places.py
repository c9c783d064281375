"""Where do servers live: their programs, their data, their ports, their user?"""

from __future__ import annotations

import os
import pwd
import random
import shutil
import socket
import sys
import tempfile
from contextlib import ExitStack, suppress
from pathlib import Path

CACHE = "SCALAR_TX_SERVERS_CACHE"
RUNS = "SCALAR_TX_SERVERS_RUN"
# Below the ports that the kernel gives to clients, so that none of them takes a dead node's place.
PORTS = range(20000, 32000)
ATTEMPTS = 1000


# Popen's own ``user=`` forks, which gRPC's threads in our process do not stand: now and then the
# child ended by SIGSEGV. A program that gives up its rights itself is started without a fork.
_BECOME = """
import os, sys
user, group, *command = sys.argv[1:]
os.setgroups([])
os.setgid(int(group))
os.setuid(int(user))
os.execv(command[0], command)
"""


def cache() -> Path:
    """Where fetched programs stay. The user below can't enter root's home: hence /var/cache."""
    if chosen := os.environ.get(CACHE):
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/cache/scalar-tx-servers")
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache", "scalar-tx-servers")


def server_user() -> pwd.struct_passwd | None:
    """Who the servers run as, if not as we: root becomes nobody, as PostgreSQL refuses root."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def as_server_user(command: list[str]) -> list[str]:
    """The command that does the same as the servers' user."""
    if (user := server_user()) is None:
        return command
    become = [sys.executable, "-I", "-S", "-c", _BECOME]
    program = shutil.which(command[0]) or command[0]
    return [*become, str(user.pw_uid), str(user.pw_gid), program, *command[1:]]


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
