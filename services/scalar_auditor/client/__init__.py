"""How does a program call the five services?

>>> from scalar_auditor.client import connect
>>> with connect("grpc://node:60053", email="ada@example.org", password="…") as auditor:
...     for audit_set in auditor.audit.list_my_audit_sets():
...         print(audit_set.name)  # doctest: +SKIP

Each service is an attribute with a method for each of its calls: keyword arguments in, messages
out; a list is an iterator over all of its pages, a stream one over its messages. A call whose
repetition does no harm is sent again where its answer was lost.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from scalar_auditor.client.audit import AuditCalls
from scalar_auditor.client.connection import Connection, LogInCalls, Tokens
from scalar_auditor.client.errors import AuditorError, OutcomeUnknownError
from scalar_auditor.client.event import EventCalls
from scalar_auditor.client.identity import IdentityCalls
from scalar_auditor.client.item import ItemCalls
from scalar_auditor.client.tokens import GivenToken, PasswordLogIn
from scalar_auditor.client.verification import VerificationCalls
from scalar_tx.cluster.client.target import target_of
from scalar_tx.errors import SettingsError
from scalar_tx.settings import load

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

__all__ = [
    "AuditorClient",
    "AuditorError",
    "LogInCalls",
    "OutcomeUnknownError",
    "Tokens",
    "connect",
]

SECONDS = 30.0


class AuditorClient:
    """The services of a node, or of several, for any number of threads."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.audit = AuditCalls(connection)
        self.verification = VerificationCalls(connection)
        self.event = EventCalls(connection)
        self.item = ItemCalls(connection)
        self.identity = IdentityCalls(connection)

    def close(self) -> None:
        """End all connections, and the streams on them."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def connect(
    target: str | os.PathLike[str] | Mapping[str, object],
    *,
    token: str | None = None,
    email: str | None = None,
    password: str | None = None,
    tokens: Tokens | None = None,
    timeout: float = SECONDS,
    **settings: object,
) -> AuditorClient:
    """A client of the node, or nodes, of a target; nothing is sent yet.

    ``target`` and ``settings`` are those of ``scalar_tx.connect``: ``grpc://host:60053``, several
    hosts with commas, ``grpcs://`` with the options of TLS, or a properties file. Who calls is
    told by a ``token``, by ``email`` and ``password``, or by what gives ``tokens``; by none of
    them only what needs no token can be called. ``timeout``: seconds for a call with all its
    repetitions. SettingsError: the target names no node, or a file that is not there.
    """
    known = load(target, settings)
    if not known.is_node:
        raise SettingsError(
            f"{known.storage.place} names a database, and the services are offered by nodes",
            advice="Name the node: grpc://host:60053, or grpcs:// where it has TLS",
            code="STX-5310",
        )
    found = target_of(known)
    if tokens is None:
        tokens = _tokens(token, email or found.user, password or found.password)
    return AuditorClient(Connection(found, tokens, timeout))


def _tokens(token: str | None, email: str | None, password: str | None) -> Tokens:
    if token is not None:
        return GivenToken(token)
    if email is not None and password is not None:
        return PasswordLogIn(email, password)
    if email is not None or password is not None:
        raise SettingsError(
            "an e-mail address goes with a password, and one of them is missing",
            advice="Give both, or a token",
            code="STX-5311",
        )
    return GivenToken()
