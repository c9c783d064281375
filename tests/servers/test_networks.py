"""Lines that are cut one way or both, with namespaces and without."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from tests.servers.networks import can_have_namespaces, network
from tests.servers.places import free_port

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.networks import Network

pytestmark = pytest.mark.slow

# Answers each line of each connection with its number.
ECHO = """
import socketserver, sys
class Echo(socketserver.StreamRequestHandler):
    def handle(self):
        for number, line in enumerate(self.rfile):
            print(line.decode().strip(), flush=True)
            self.wfile.write(f"{number} {line.decode()}".encode())
server = socketserver.ThreadingTCPServer((sys.argv[1], int(sys.argv[2])), Echo)
print("ready", flush=True)
server.serve_forever()
"""
# Says a line and prints what is answered, or what went wrong.
SAY = """
import socket, sys
try:
    with socket.create_connection((sys.argv[1], int(sys.argv[2])), 2) as line:
        line.sendall(sys.argv[3].encode() + b"\\n")
        print(line.makefile().readline().strip())
except OSError as error:
    print(type(error).__name__)
"""


@contextmanager
def echo(net: Network, name: str, port: int) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        net.command(name, [sys.executable, "-c", ECHO, net.host(name), str(port)]),
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        assert server.stdout is not None
        assert server.stdout.readline() == "ready\n"
        try:
            yield server
        finally:
            server.kill()


def say(net: Network, name: str, to: str, port: int, text: str) -> str:
    host, at = net.at(to, port, seen_from=name)
    arguments = [sys.executable, "-c", SAY, host, str(at), text]
    return subprocess.run(
        net.command(name, arguments), capture_output=True, text=True, check=True, timeout=20
    ).stdout.strip()


@pytest.fixture(params=["namespaces", "proxies"])
def net(request: pytest.FixtureRequest) -> Iterator[Network]:
    wanted = request.param == "namespaces"
    if wanted and not can_have_namespaces():
        wanted = False  # what everybody gets here
    with network(["a", "b", "c"], namespaces=wanted) as made:
        yield made


def test_a_line_is_cut_one_way_and_healed(net: Network) -> None:
    port = free_port("127.0.0.1")
    with echo(net, "b", port) as server:
        assert server.stdout is not None
        assert say(net, "a", "b", port, "first") == "0 first"
        assert server.stdout.readline() == "first\n"
        net.cut("a", "b")
        assert say(net, "a", "b", port, "second") == "TimeoutError"
        assert say(net, "c", "b", port, "third") == "0 third"
        assert server.stdout.readline() == "third\n", "nothing of a's came through"
        net.heal()
        assert say(net, "a", "b", port, "fourth") == "0 fourth"


def test_replies_are_lost_where_the_way_back_is_cut(net: Network) -> None:
    """The request of a connection that stands is heard; its answer is not."""
    port = free_port("127.0.0.1")
    with echo(net, "b", port) as server:
        assert server.stdout is not None
        assert say(net, "a", "b", port, "first") == "0 first"
        assert server.stdout.readline() == "first\n"
        net.cut("b", "a")
        assert say(net, "a", "b", port, "second") == "TimeoutError"
        net.heal()
        assert say(net, "a", "b", port, "third") == "0 third"


def test_nothing_is_left_behind() -> None:
    if not can_have_namespaces():
        return
    with network(["a", "b"], namespaces=True):
        assert len(list(ours())) == 3
    assert list(ours()) == []


def ours() -> Iterator[str]:
    """The devices and namespaces of this process."""
    for words in (["link", "show", "type", "bridge"], ["netns"]):
        said = subprocess.run(["ip", *words], capture_output=True, text=True, check=True).stdout
        yield from re.findall(rf"\bstx{os.getpid()}(?:-\d)?\b", said)
