"""Where are the nodes now? A name of a headless service stands for several, which come and go."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

FRESH_SECONDS: Final = 30.0  # how long an answer of the name service is used


class Directory(Protocol):
    """Tells the addresses of the nodes; another one may ask the nodes themselves."""

    async def addresses(self, *, anew: bool = False) -> Sequence[str]:
        """``host:port`` of each node that may be there; ``anew``: what was known did not help."""
        ...

    def host_of(self, address: str) -> str:
        """The host that such an address was found for: the one that its certificate bears."""
        ...

    @property
    def missing(self) -> Sequence[str]:
        """The names that stand for no address."""
        ...


class NamedNodes:
    """The nodes that a list of names and addresses stands for."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = tuple(names)
        self._known: tuple[str, ...] = ()
        self._hosts: dict[str, str] = {}
        self.missing: tuple[str, ...] = ()
        self._asked_at = -FRESH_SECONDS

    async def addresses(self, *, anew: bool = False) -> Sequence[str]:
        """Each address of each name, without repetitions; a name that is not found is left out."""
        now = time.monotonic()
        if self._known and not anew and now - self._asked_at < FRESH_SECONDS:
            return self._known
        found = await asyncio.gather(*(_resolved(name) for name in self._names))
        named = list(zip(self._names, found, strict=True))
        self.missing = tuple(_host(name) for name, several in named if not several)
        for name, several in reversed(named):
            self._hosts.update(dict.fromkeys(several, _host(name)))
        addresses = tuple(dict.fromkeys(one for several in found for one in several))
        if addresses or not self._known:
            self._known = addresses
            self._asked_at = now
        return self._known

    def host_of(self, address: str) -> str:
        """The host by whose name it was found."""
        return self._hosts.get(address) or _host(address)


def _host(address: str) -> str:
    return address.rpartition(":")[0].strip("[]")


async def _resolved(name: str) -> list[str]:
    host, port = _host(name), name.rpartition(":")[2]
    loop = asyncio.get_running_loop()
    try:
        found = await loop.getaddrinfo(host, int(port), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):  # the latter: no name at all
        return []
    addresses = [str(one[4][0]) for one in found]
    if host.lower() == "localhost" and "127.0.0.1" in addresses:
        addresses = ["127.0.0.1"]  # one node, which listens on one of the two
    return [f"[{one}]:{port}" if ":" in one else f"{one}:{port}" for one in addresses]
