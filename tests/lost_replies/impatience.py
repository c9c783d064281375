"""How does a client of each kind give up soon, and which of its requests are its work?

A request that only opens a connection, keeps it alive or prepares a statement is no work: a fault
is never put on it, so the n-th request of a call is the same in every run.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.servers import Cluster
    from tests.servers.proxy import Proxy


@dataclass(frozen=True)
class Speech:
    """A kind of client. ``patience``: seconds after which a silent server is given up.

    ``writes``: which sendings of a write one request is; a sending that is repeated under one name
    takes effect once.
    """

    patience: float
    properties: dict[str, str]
    is_work: Callable[[bytes], bool]
    writes: Callable[[bytes], str | None]
    parameters: str = ""  # of the URL


_EXECUTE, _BATCH = 0x0A, 0x0D
_COM_QUERY = 3
_WRITES = re.compile(rb"(?:INSERT|UPDATE|DELETE)[ \n]")


def _cql_work(request: bytes) -> bool:
    return request[4] in {_EXECUTE, _BATCH}


def _cql_write(request: bytes) -> str | None:
    return repr(request) if _cql_work(request) else None


def _dynamo_work(request: bytes) -> bool:
    return request.startswith(b"POST")


def _dynamo_write(request: bytes) -> str | None:
    if token := re.search(rb'"ClientRequestToken": ?"([^"]+)"', request):
        return token[1].decode()
    written = re.search(rb"(?i)x-amz-target: \S+\.(?:Update|Delete|Put)Item", request)
    return repr(request) if written else None


def _postgresql_work(request: bytes) -> bool:
    return request[:1] in {b"P", b"Q", b"B"} and b"set_config" not in request


def _sql_write(request: bytes) -> str | None:
    return repr(request) if _WRITES.search(request) else None


def _mysql_work(request: bytes) -> bool:
    query = request[3:5] == bytes((0, _COM_QUERY))
    return query and not request[5:].startswith((b"SET", b"SELECT VERSION"))


SPEECH = {
    "cassandra": Speech(
        1.0, {"scalar.db.cassandra.request_timeout_millis": "1000"}, _cql_work, _cql_write
    ),
    "dynamodb": Speech(
        1.2, {"scalar.db.dynamo.request_timeout_millis": "1200"}, _dynamo_work, _dynamo_write
    ),
    # Prepared statements would make the number of requests depend on what ran before.
    "postgresql": Speech(
        0.5, {}, _postgresql_work, _sql_write, "reply_timeout=0.5&prepareThreshold=0"
    ),
    "mysql": Speech(1.0, {}, _mysql_work, _sql_write, "reply_timeout=1"),
}
KINDS = tuple(SPEECH)
# Nobody else's decisions are in the way, and ours in nobody's.
OWN_COORDINATOR = {
    "scalar.db.consensus_commit.coordinator.namespace": "lost_replies_coordinator",
}


def impatient(proxy: Proxy, cluster: Cluster) -> dict[str, str]:
    """The properties of a client that goes through the proxy and gives up soon."""
    speech = SPEECH[cluster.kind]
    known = proxy.properties(cluster, **OWN_COORDINATOR, **speech.properties)
    if speech.parameters:
        known["scalar.db.contact_points"] += f"?{speech.parameters}"
    return known
