"""What if machines lose each other? Programs that reach one another over lines that can be cut.

    with network(["a", "b"]) as net:
        subprocess.Popen(net.command("b", [...]))    # listens at net.host("b")
        net.at("b", 7000, seen_from="a")             # where a's program finds it
        net.cut("a", "b")                            # nothing of a's reaches b; b still reaches a
        net.heal()

Where the kernel and the user's rights allow it each name is a network namespace with an address of
its own, and lost packets are lost as in a network. Else all share the host, with a proxy on each
line, where what goes a way that is cut waits.
"""

from __future__ import annotations

import os
import subprocess
from contextlib import ExitStack, contextmanager
from itertools import permutations
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from tests.servers.faults import Way
from tests.servers.places import free_port
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PREFIX = "stx"  # a device's name has at most 15 characters
_NAMESPACES = Path("/run/netns")


class Network(Protocol):
    """Names and the lines between them."""

    def command(self, name: str, arguments: Sequence[str]) -> list[str]:
        """How a program is started there."""
        ...

    def host(self, name: str) -> str:
        """The address at which programs there listen."""
        ...

    def at(self, name: str, port: int, *, seen_from: str) -> tuple[str, int]:
        """Where a program at one name finds the port of another."""
        ...

    def cut(self, one: str, other: str) -> None:
        """Nothing that ``one`` sends reaches ``other``."""
        ...

    def heal(self) -> None:
        """Everything passes again."""
        ...


@contextmanager
def network(names: Sequence[str], *, namespaces: bool | None = None) -> Iterator[Network]:
    """Lines between all names; ``namespaces`` None: where they can be had."""
    if namespaces is None:
        namespaces = can_have_namespaces()
    with Namespaces.made(names) if namespaces else Proxies.made(names) as made:
        yield made


def can_have_namespaces() -> bool:
    """May this user make network namespaces, and does the kernel have what they need?"""
    _remove_forsaken()
    try:
        with Namespaces.made(["a", "b"]) as made:
            made.cut("a", "b")
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


class Namespaces:
    """A namespace for each name, on one bridge of the host."""

    def __init__(self, names: Sequence[str]) -> None:
        self._mark = f"{_PREFIX}{os.getpid()}"
        self._net = f"10.231.{os.getpid() % 250}"
        self._spaces = {name: f"{self._mark}-{number}" for number, name in enumerate(names)}
        self._hosts = {name: f"{self._net}.{number + 10}" for number, name in enumerate(names)}
        self._cut: set[tuple[str, str]] = set()

    @classmethod
    @contextmanager
    def made(cls, names: Sequence[str]) -> Iterator[Namespaces]:
        """Made, and removed at the end."""
        found = cls(names)
        try:
            found._make()
            yield found
        finally:
            _remove(found._mark)

    def _make(self) -> None:
        _ip("link", "add", self._mark, "type", "bridge")
        _ip("addr", "add", f"{self._net}.1/24", "dev", self._mark)
        _ip("link", "set", self._mark, "up")
        for name, space in self._spaces.items():
            _ip("netns", "add", space)
            _ip("link", "add", space, "type", "veth", "peer", "name", "eth0", "netns", space)
            _ip("link", "set", space, "master", self._mark, "up")
            _ip("-n", space, "addr", "add", f"{self._hosts[name]}/24", "dev", "eth0")
            _ip("-n", space, "link", "set", "eth0", "up")
            _ip("-n", space, "link", "set", "lo", "up")
            # The rule that takes in what is sent here makes room for those that drop it.
            _ip("-n", space, "rule", "add", "pref", "100", "lookup", "local")
            _ip("-n", space, "rule", "del", "pref", "0")

    def command(self, name: str, arguments: Sequence[str]) -> list[str]:
        return ["ip", "netns", "exec", self._spaces[name], *arguments]

    def host(self, name: str) -> str:
        return self._hosts[name]

    def at(self, name: str, port: int, *, seen_from: str) -> tuple[str, int]:
        del seen_from
        return self._hosts[name], port

    def cut(self, one: str, other: str) -> None:
        if (one, other) not in self._cut:
            self._rule("add", one, other)
            self._cut.add((one, other))

    def heal(self) -> None:
        while self._cut:
            self._rule("del", *self._cut.pop())

    def _rule(self, word: str, one: str, other: str) -> None:
        # At the receiver: a sender would be told of a route that it lacks.
        source = ("from", self._hosts[one], "iif", "eth0")
        _ip("-n", self._spaces[other], "rule", word, "pref", "50", *source, "blackhole")


class Proxies:
    """All names on the host, each line through a proxy, made when it is first asked for."""

    def __init__(self, names: Sequence[str], open_: ExitStack) -> None:
        self._lines = set(permutations(names, 2))
        self._open = open_
        self._proxies: dict[tuple[str, str, int], Proxy] = {}

    @classmethod
    @contextmanager
    def made(cls, names: Sequence[str]) -> Iterator[Proxies]:
        """Made, and closed at the end."""
        with ExitStack() as open_:
            yield cls(names, open_)

    def command(self, name: str, arguments: Sequence[str]) -> list[str]:
        del name
        return list(arguments)

    def host(self, name: str) -> str:
        del name
        return "127.0.0.1"

    def at(self, name: str, port: int, *, seen_from: str) -> tuple[str, int]:
        assert (seen_from, name) in self._lines
        proxy = self._proxies.get((seen_from, name, port))
        if proxy is None:
            here = ("127.0.0.1", free_port("127.0.0.1"))
            proxy = self._open.enter_context(Proxy("127.0.0.1", port, at=here))
            self._proxies[seen_from, name, port] = proxy
        return proxy.host, proxy.port

    def cut(self, one: str, other: str) -> None:
        for (client, server, _), proxy in self._proxies.items():
            if (client, server) == (one, other):
                proxy.cut(Way.TO_SERVER)
            elif (client, server) == (other, one):
                proxy.cut(Way.TO_CLIENT)

    def heal(self) -> None:
        for proxy in self._proxies.values():
            proxy.heal()


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


def _remove(mark: str) -> None:
    """Remove a bridge and its namespaces; what is not there needs no removal."""
    for space in sorted(_NAMESPACES.glob(f"{mark}-*")):
        subprocess.run(["ip", "netns", "del", space.name], check=False, capture_output=True)
    subprocess.run(["ip", "link", "del", mark], check=False, capture_output=True)


def _remove_forsaken() -> None:
    """Remove what processes left that were killed."""
    for space in _NAMESPACES.glob(f"{_PREFIX}*-*"):
        mark = space.name.partition("-")[0]
        owner = mark.removeprefix(_PREFIX)
        if owner.isdigit() and not Path("/proc", owner).exists():
            _remove(mark)
