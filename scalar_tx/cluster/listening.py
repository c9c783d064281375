"""Where may a node listen, and how do several processes come to one port?

The supervisor takes the number and does not listen; each worker listens on it with SO_REUSEPORT,
and the kernel gives every new connection to one of them.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from typing import Self

    from scalar_tx.settings import NodeSettings

_INSECURE: Final = "--insecure"


def address(host: str, port: int) -> str:
    """Host and port as gRPC takes them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def resolved(host: str) -> str:
    """The numeric address that a name of this machine means. SettingsError: it means none."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise SettingsError(
            f"a node can't listen on {host!r}, which has no address here",
            advice="Name an address of this machine, 127.0.0.1, or 0.0.0.0 for all of them",
            code="STX-5003",
        ) from error
    addresses = [str(one[4][0]) for one in found]
    if host.lower() == "localhost" and "127.0.0.1" in addresses:
        return "127.0.0.1"  # as clients take that name
    return addresses[0]


def is_loopback(host: str) -> bool:
    """Do only programs of this machine reach that numeric address?"""
    return ipaddress.ip_address(host.partition("%")[0]).is_loopback


def refuse_exposure(node: NodeSettings) -> None:
    """Insist on TLS beyond this machine, and on log-ins at every port where they are asked for.

    SettingsError names the listener and the ways out.

    Metrics and probes are plain HTTP wherever they are bound, unless ``http_tls``: there is nothing
    in them; the console decides for each connection (``console.exposure``).
    """
    if node.tls_enabled and node.tls is None:
        raise SettingsError(
            "TLS is on, and the node has no certificate",
            advice="Set scalar.db.cluster.node.tls.cert_chain_path and private_key_path",
            code="STX-5004",
        )
    if node.http_tls and node.tls is None:
        raise SettingsError(
            "HTTP is to show the node's certificate, and there is none",
            advice="Set scalar.db.cluster.tls.enabled=true and its files, or leave "
            "scalar.db.node.http_tls out",
            code="STX-5004",
        )
    plain = [] if node.tls else [("node", node.host), ("admin", node.admin_host)]
    if node.scalardb_server_port is not None:
        # The Java clients of that protocol know no TLS (ScalarDB Server's protocol 2).
        plain.append(("scalardb_server", node.scalardb_server_host))
    for listener, host in plain:
        if not node.insecure and not is_loopback(resolved(host)):
            what = "host" if listener == "node" else f"{listener}_host"
            raise SettingsError(
                f"scalar.db.node.{what} is {host}, where other machines could read and change "
                "everything: there is no TLS",
                advice=f"Set scalar.db.cluster.tls.*, listen on 127.0.0.1, or say {_INSECURE}",
                code="STX-5002",
            )
    if node.scalardb_server_port is not None and node.asks_who_calls and not node.insecure:
        raise SettingsError(
            "callers have to log in, and scalar.db.node.scalardb_server_port opens a protocol "
            "that asks nobody: whoever reaches that port could make themselves a superuser",
            advice=f"Leave that port out, or say {_INSECURE}; a node that asks nobody to log "
            "in has scalar.db.cluster.auth.enabled=false",
            code="STX-5255",
        )


class SharedPort:
    """A number that is taken for workers to listen on, as long as it is not closed."""

    def __init__(self, taken: socket.socket) -> None:
        self._taken = taken
        self.host: str = taken.getsockname()[0]
        self.number: int = taken.getsockname()[1]

    @classmethod
    def taken(cls, host: str, port: int) -> Self:
        """Take a number, or one that is free for 0. SettingsError: somebody has it."""
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with _Bound(family, host, port) as alone:
            port = alone.getsockname()[1]
        shared = socket.socket(family, socket.SOCK_STREAM)
        try:
            shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
            shared.bind((host, port))
        except OSError as error:
            shared.close()
            raise cannot_listen(host, port, error) from error
        return cls(shared)

    def close(self) -> None:
        """Let go of the number."""
        self._taken.close()


def insist_on_free(host: str, port: int) -> None:
    """SettingsError: nobody can listen there, or somebody does. gRPC would not say which."""
    with _Bound(socket.AF_INET6 if ":" in host else socket.AF_INET, host, port):
        return


class _Bound:
    """A socket bound to a port that nobody shares: another node would otherwise go unnoticed."""

    def __init__(self, family: int, host: str, port: int) -> None:
        self._socket = socket.socket(family, socket.SOCK_STREAM)
        try:
            # Connections of a former node that the kernel still remembers are nobody's.
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self._socket.bind((host, port))
        except OSError as error:
            self._socket.close()
            raise cannot_listen(host, port, error) from error

    def __enter__(self) -> socket.socket:
        return self._socket

    def __exit__(self, *_: object) -> None:
        self._socket.close()


def cannot_listen(host: str, port: int, error: OSError) -> SettingsError:
    """What is said where a port can't be opened."""
    taken = error.errno == errno.EADDRINUSE
    why = os.strerror(error.errno) if error.errno else error
    return SettingsError(
        f"the node can't listen on {address(host, port)}: {why}",
        advice="Another program listens there: end it, or name another port"
        if taken
        else "Name an address and a port that this user may listen on",
        code="STX-5000",
    )
