"""Does the proxy do to a request what the test asked for, and nothing else?"""

from __future__ import annotations

import socket
import socketserver
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.servers.faults import Way
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers.faults import Fault

SHORT = 0.3


class Parrot(socketserver.StreamRequestHandler):
    """Answers ``[bulk, bulk]`` in Redis's protocol by the second bulk, and remembers it."""

    def handle(self) -> None:
        while self.rfile.readline():
            self.rfile.readline(), self.rfile.readline()
            length = self.rfile.readline()
            word = self.rfile.readline()
            if word == b"bye\r\n":
                return
            self.server.heard.append(word.strip())  # type: ignore[attr-defined]  # ours, below
            self.wfile.write(length + word)


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Parrot)
        self.heard: list[bytes] = []

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was reset is what these tests are about."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(params=["resp", "tcp"])
def proxy(server: Server, request: pytest.FixtureRequest) -> Iterator[Proxy]:
    host, port = server.server_address[:2]
    with Proxy(str(host), port, request.param) as proxy:
        yield proxy


class Client:
    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def say(self, word: str) -> None:
        self.connection.sendall(f"*2\r\n$3\r\nSAY\r\n${len(word)}\r\n{word}\r\n".encode())

    def hear(self) -> bytes:
        """The next reply's word; nothing, when the connection has ended."""
        try:
            with self.connection.makefile("rb", buffering=0) as replies:
                replies.readline()
                return replies.readline().strip()
        except ConnectionResetError:
            return b""


@contextmanager
def client(proxy: Proxy, seconds: float = 5.0) -> Iterator[Client]:
    with socket.create_connection((proxy.host, proxy.port), seconds) as connection:
        yield Client(connection)


def test_without_faults_everything_passes(proxy: Proxy, server: Server) -> None:
    with client(proxy) as one, client(proxy) as other:
        one.say("a")
        other.say("b" * 50)
        assert (one.hear(), other.hear()) == (b"a", b"b" * 50)
        assert len(proxy.connections) == 2
    assert sorted(server.heard) == [b"a", b"b" * 50]
    deadline = time.monotonic() + 5
    while proxy.connections:
        assert time.monotonic() < deadline, "a connection outlives its client"
        time.sleep(0.01)


@pytest.mark.parametrize("way, times", [(None, 2), (Way.TO_SERVER, 1), (Way.TO_CLIENT, 1)])
def test_a_delay_is_added_to_each_way(proxy: Proxy, way: Way | None, times: int) -> None:
    proxy.delay(0.1, way)
    with client(proxy) as one:
        began = time.monotonic()
        one.say("a")
        assert one.hear() == b"a"
        assert times * 0.1 <= time.monotonic() - began < times * 0.1 + 1


def test_a_delay_does_not_add_up_over_requests_in_flight(proxy: Proxy, server: Server) -> None:
    proxy.delay(0.1, Way.TO_SERVER)
    with client(proxy) as one:
        began = time.monotonic()
        for _ in range(20):
            one.say("a")
        for _ in range(20):
            assert one.connection.recv(7, socket.MSG_WAITALL) == b"$1\r\na\r\n"
        assert time.monotonic() - began < 1.9


def test_bandwidth_is_what_it_says(proxy: Proxy) -> None:
    proxy.bandwidth(10_000, Way.TO_SERVER)
    with client(proxy) as one:
        began = time.monotonic()
        one.say("a" * 2000)
        assert one.hear() == b"a" * 2000
        assert 0.2 <= time.monotonic() - began < 2


def test_a_cut_line_refuses_until_it_is_healed(proxy: Proxy, server: Server) -> None:
    with client(proxy) as one:
        proxy.cut()
        assert one.hear() == b""
    with client(proxy) as two:
        assert two.hear() == b""
    proxy.heal()
    with client(proxy) as three:
        three.say("a")
        assert three.hear() == b"a"
    assert server.heard == [b"a"]


@pytest.mark.parametrize("way, heard", [(Way.TO_SERVER, []), (Way.TO_CLIENT, [b"a"])])
def test_a_line_cut_one_way_delivers_when_it_is_healed(
    proxy: Proxy, server: Server, way: Way, heard: list[bytes]
) -> None:
    proxy.cut(way)
    with client(proxy, SHORT) as one:
        one.say("a")
        with pytest.raises(TimeoutError):
            one.hear()
        assert server.heard == heard
        proxy.heal()
        assert one.hear() == b"a"


def test_in_a_quiet_moment_what_was_asked_is_answered_and_nothing_else_is_heard(
    proxy: Proxy, server: Server
) -> None:
    with client(proxy, SHORT) as one, client(proxy, SHORT) as two:
        one.say("a")
        assert one.hear() == b"a"
        with proxy.quiet():
            two.say("b")
            with pytest.raises(TimeoutError):
                two.hear()
            assert server.heard == [b"a"]
        assert two.hear() == b"b"


def test_a_held_request_arrives_after_its_client_has_gone(proxy: Proxy, server: Server) -> None:
    held = proxy.hold("late")
    with client(proxy, SHORT) as one:
        one.say("late")
        assert b"late" in held.wait()
        with pytest.raises(TimeoutError):
            one.hear()
    with client(proxy) as other:
        other.say("early")
        assert other.hear() == b"early"
    assert server.heard == [b"early"]
    assert held.deliver() == b"$4\r\nlate\r\n"
    assert server.heard == [b"early", b"late"]


def test_a_held_request_is_answered_if_its_client_waits(proxy: Proxy, server: Server) -> None:
    held = proxy.hold("late")
    with client(proxy) as one:
        one.say("late")
        held.wait()
        one.say("next")
        held.deliver()
        assert one.hear() == b"late"
    assert server.heard[0] == b"late"


@pytest.mark.parametrize("closes", [False, True])
@pytest.mark.parametrize("what", ["request", "reply"])
def test_what_is_lost_is_not_heard(proxy: Proxy, server: Server, what: str, closes: bool) -> None:
    lose = proxy.lose_request if what == "request" else proxy.lose_reply
    lost: Fault = lose("a", closes=closes)
    with client(proxy, SHORT) as one:
        one.say("a")
        lost.wait()
        assert server.heard == ([] if what == "request" else [b"a"])
        if closes:
            assert one.hear() == b""
        else:
            with pytest.raises(TimeoutError):
                one.hear()
    with client(proxy) as other:
        other.say("a")
        assert other.hear() == b"a"  # once is once


def test_a_reply_is_lost_also_if_its_client_does_not_wait(proxy: Proxy, server: Server) -> None:
    proxy.delay(SHORT, Way.TO_SERVER)
    lost = proxy.lose_reply("a")
    with client(proxy) as one:
        one.say("a")
    lost.wait()
    assert server.heard == [b"a"]


def test_a_torn_request_has_no_effect(proxy: Proxy, server: Server) -> None:
    torn = proxy.tear_request("word", after=18)
    with client(proxy) as one:
        one.say("word")
        torn.wait()
        assert one.hear() == b""
    assert b"word" not in server.heard


def test_a_torn_reply_ends_after_so_many_bytes(proxy: Proxy, server: Server) -> None:
    torn = proxy.tear_reply("word", after=6)
    with client(proxy) as one:
        one.say("word")
        torn.wait()
        assert one.connection.recv(100) == b"$4\r\nwo"
        assert one.connection.recv(100) == b""
    assert server.heard == [b"word"]


def test_a_fault_skips_as_many_requests_as_it_is_told(proxy: Proxy) -> None:
    lost = proxy.lose_request("a", skip=2)
    with client(proxy, SHORT) as one:
        for _ in range(2):
            one.say("a")
            assert one.hear() == b"a"
        one.say("a")
        lost.wait()


def test_a_connection_that_the_server_ends_has_ended(proxy: Proxy) -> None:
    with client(proxy) as one:
        one.say("a")
        one.say("bye")
        assert one.hear() == b"a"
        assert one.hear() == b""


def test_a_server_that_is_not_there_ends_the_clients_connection() -> None:
    with Proxy("127.0.0.1", 1) as proxy, client(proxy) as one:
        assert one.hear() == b""


def test_a_function_that_fails_is_told_at_the_end(server: Server) -> None:
    host, port = server.server_address[:2]

    def ask() -> None:
        with Proxy(str(host), port) as proxy, client(proxy) as one:
            proxy.hold(lambda request: 1 // (len(request) - len(request)) == 1)
            one.say("a")
            assert one.hear() == b""

    with pytest.raises(ZeroDivisionError):
        ask()


def test_a_loss_that_lasts_ends_when_it_is_forgotten(proxy: Proxy, server: Server) -> None:
    proxy.lose_request("a", lasting=True)
    with client(proxy, SHORT) as one:
        for word in ("a1", "a2"):
            one.say(word)
        with pytest.raises(TimeoutError):
            one.hear()
    proxy.forget_faults()
    with client(proxy) as one:
        one.say("a3")
        assert one.hear() == b"a3"
    assert server.heard == [b"a3"]


def test_a_held_request_whose_server_went_away_can_not_be_delivered(proxy: Proxy) -> None:
    held = proxy.hold("late")
    with client(proxy) as one:
        one.say("early")
        assert one.hear() == b"early"
        one.say("late")
        held.wait()
        proxy.cut()
        assert one.hear() == b""
    with pytest.raises(ConnectionResetError):
        held.deliver()
