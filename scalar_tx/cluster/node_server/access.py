"""Who calls? Found out for each call, and for each message of a stream, by the token it bears."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from scalar_tx.cluster.auth.permissions import Principal
from scalar_tx.cluster.auth.privileges import Rights, closed_namespaces

if TYPE_CHECKING:
    from scalar_tx.cluster.auth.authenticator import Authenticator
    from scalar_tx.settings import Settings

_SCHEME = "bearer "


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who calls: who they are, and where the call came from."""

    principal: Principal
    peer: str = ""
    token: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        """The user's name; empty where nobody logs in."""
        return self.principal.name

    @property
    def counted_as(self) -> str:
        """Under whom open transactions are counted: a user, or else whoever holds a connection.

        No name of a user has a colon.
        """
        return self.name or self.peer


class Access(Protocol):
    """Finds out who calls."""

    @property
    def asks(self) -> bool:
        """Has a call to bear a token?"""
        ...

    async def caller(self, authorization: str, peer: str) -> Caller:
        """Who sent a call with that header? NotAuthenticatedError: nobody that is known."""
        ...

    async def again(self, caller: Caller) -> Caller:
        """The same caller, with what they may do by now. NotAuthenticatedError."""
        ...


class OpenAccess:
    """The access to a node that asks nobody to log in; its own namespaces are closed all the same.

    It is for one machine, or a network of its own.
    """

    asks = False

    def __init__(self, settings: Settings) -> None:
        rights = Rights(superuser=True, closed=closed_namespaces(settings))
        self._anybody = Principal("", superuser=True, rights=rights)

    async def caller(self, authorization: str, peer: str) -> Caller:
        """Anybody."""
        return Caller(self._anybody, peer)

    async def again(self, caller: Caller) -> Caller:
        """Anybody still."""
        return caller


class TokenAccess:
    """The access to a node whose callers log in."""

    asks = True

    def __init__(self, authenticator: Authenticator) -> None:
        self._authenticator = authenticator

    async def caller(self, authorization: str, peer: str) -> Caller:
        """The holder of the token that the header bears."""
        token = None
        if authorization[: len(_SCHEME)].lower() == _SCHEME:
            token = authorization[len(_SCHEME) :].strip()
        principal = await self._authenticator.authenticate(token, peer=peer)
        return Caller(principal, peer, token)

    async def again(self, caller: Caller) -> Caller:
        """The holder of the same token, as it is now."""
        principal = await self._authenticator.authenticate(caller.token, peer=caller.peer)
        return Caller(principal, caller.peer, caller.token)
