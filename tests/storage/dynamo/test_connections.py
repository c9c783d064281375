"""Which connection carries a request, how many are there, and what is told of one that ends?"""

from __future__ import annotations

import socket
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import (  # type: ignore[import-untyped]
    ConnectionClosedError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from scalar_tx.errors import ReplyLostError, StorageUnavailableError
from scalar_tx.storage.dynamo import connections as connections_module
from scalar_tx.storage.dynamo.connections import Connections
from tests.storage.dynamo.peer import (
    ITEM,
    REQUEST,
    WHOLE,
    always,
    client_of,
    connections_to,
    once,
    serving,
    silent,
)

if TYPE_CHECKING:
    from tests.storage.dynamo.peer import Peer


def at_once(count: int, work: Any, apart: float = 0.02) -> Counter[str]:
    """Let threads do it together, one beginning after the other; how they ended."""
    ends: list[str] = []

    def run() -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001  # told by its name
            ends.append(type(error).__name__)
        else:
            ends.append("done")

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
        time.sleep(apart)
    for thread in threads:
        thread.join()
    return Counter(ends)


def test_one_connection_carries_all_requests_of_a_thread() -> None:
    with serving(always(WHOLE)) as peer, connections_to(peer) as connections:
        for _ in range(20):
            assert connections.exchange(REQUEST).content == b"{  }"
        assert (peer.opened, len(peer.requests)) == (1, 20)
        connections.close()
        peer.await_open(0)


def test_one_that_was_closed_while_idle_is_not_used() -> None:
    with serving(once(WHOLE)) as peer, connections_to(peer) as connections:
        for number in range(1, 6):
            connections.exchange(REQUEST)
            peer.await_open(0)
            assert (peer.opened, len(peer.requests)) == (number, number)


def test_all_that_were_closed_while_idle_are_let_go() -> None:
    gate = threading.Barrier(4, timeout=10)

    def script(peer: Peer, connection: socket.socket) -> None:
        while peer.request(connection):
            if peer.opened <= 4:
                gate.wait()
            connection.sendall(WHOLE)
            if peer.opened <= 4:
                return

    with serving(script) as peer, connections_to(peer) as connections:
        assert at_once(4, lambda: connections.exchange(REQUEST)) == {"done": 4}
        peer.await_open(0)
        connections.exchange(REQUEST)
        assert peer.opened == 5
        assert connections._open == len(connections._idle) == 1


def test_one_that_was_idle_for_long_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(always(WHOLE)) as peer, connections_to(peer) as connections:
        connections.exchange(REQUEST)
        monkeypatch.setattr(connections_module, "IDLE_SECONDS", 0.05)
        time.sleep(0.1)
        connections.exchange(REQUEST)
        assert peer.opened == 2
        peer.await_open(1)


def test_those_that_are_not_needed_any_more_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    gate = threading.Barrier(3, timeout=10)

    def script(peer: Peer, connection: socket.socket) -> None:
        while peer.request(connection):
            if len(peer.requests) <= 3:
                gate.wait()
            connection.sendall(WHOLE)

    with serving(script) as peer, connections_to(peer) as connections:
        assert at_once(3, lambda: connections.exchange(REQUEST)) == {"done": 3}
        monkeypatch.setattr(connections_module, "IDLE_SECONDS", 0.3)
        until = time.monotonic() + 10
        while peer.open > 1 and time.monotonic() < until:
            connections.exchange(REQUEST)
            time.sleep(0.02)
        assert (peer.open, peer.opened) == (1, 3)
        assert connections._open == len(connections._idle) == 1


@pytest.mark.parametrize(
    "answer",
    [
        WHOLE.replace(b"x-amz-crc32: 1", b"Connection: close"),
        WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"),
        WHOLE + WHOLE.replace(b"{  }", b"{oh}"),
    ],
)
def test_one_that_must_not_be_kept_is_not(answer: bytes) -> None:
    with serving(always(answer)) as peer, connections_to(peer) as connections:
        for number in range(1, 5):
            assert connections.exchange(REQUEST).content == b"{  }"
            assert peer.opened == number
            peer.await_open(0)


def test_what_comes_late_answers_no_other_request() -> None:
    late = WHOLE.replace(b"{  }", b"{oh}")

    def script(peer: Peer, connection: socket.socket) -> None:
        while peer.request(connection):
            connection.sendall(WHOLE)
            time.sleep(0.05)
            connection.sendall(late)

    with serving(script) as peer, connections_to(peer) as connections:
        for number in range(1, 4):
            assert connections.exchange(REQUEST).content == b"{  }"
            assert peer.opened == number
            time.sleep(0.15)


@pytest.mark.parametrize("after", [0, 5, 30, len(WHOLE) - 1])
def test_one_that_ends_within_an_answer(after: int) -> None:
    with serving(once(WHOLE[:after])) as peer, connections_to(peer) as connections:
        for number in range(1, 7):
            with pytest.raises(ConnectionClosedError):
                connections.exchange(REQUEST)
            # Never sent again, and no leave to connect is lost: there are four.
            assert (peer.opened, len(peer.requests)) == (number, number)


def test_one_that_is_reset() -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        peer.request(connection)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")

    with serving(script) as peer, connections_to(peer) as connections:
        with pytest.raises(ConnectionClosedError):
            connections.exchange(REQUEST)
        assert len(peer.requests) == 1


def test_the_time_is_of_the_whole_answer() -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        peer.request(connection)
        for at in range(len(WHOLE)):
            connection.sendall(WHOLE[at : at + 1])
            time.sleep(0.05)

    with serving(script) as peer, connections_to(peer, patience=0.4) as connections:
        began = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            connections.exchange(REQUEST)
        assert 0.35 < time.monotonic() - began < 3
        peer.await_open(0)


def test_a_beginning_does_not_buy_more_time() -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        peer.request(connection)
        time.sleep(1.4)
        connection.sendall(WHOLE[:20])
        peer.over.wait(10)

    with serving(script) as peer, connections_to(peer, patience=2.0) as connections:
        began = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            connections.exchange(REQUEST)
        assert 1.9 < time.monotonic() - began < 3.3


def test_a_time_that_is_over_when_it_is_looked_at() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        connection = connections_module._Connection(ours, 1.0)
        connection._deadline = time.monotonic() - 1
        theirs.sendall(WHOLE)
        with pytest.raises(TimeoutError):
            connection._more()


def test_a_slow_answer_leaves_the_next_one_its_time() -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        while peer.request(connection):
            pause = 1.6 if len(peer.requests) == 1 else 1.0
            connection.sendall(WHOLE[:20])
            time.sleep(pause)
            connection.sendall(WHOLE[20:])

    with serving(script) as peer, connections_to(peer, patience=2.4) as connections:
        connections.exchange(REQUEST)
        for connection in connections._idle:
            assert connection._socket.gettimeout() == 2.4
        connections.exchange(REQUEST)
        assert peer.opened == 1


def test_a_server_that_does_not_read_is_not_waited_for() -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        peer.over.wait(10)

    large = REQUEST.replace(b"length: 2", b"length: 8000000") + b" " * 8_000_000
    with serving(script) as peer, connections_to(peer, patience=0.4) as connections:
        began = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            connections.exchange(large)
        assert time.monotonic() - began < 8


def test_a_refusal_that_comes_before_the_request_is_read() -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(WHOLE.replace(b"200 OK", b"413 Large"))
        connection.shutdown(socket.SHUT_WR)
        time.sleep(0.2)

    large = REQUEST.replace(b"length: 2", b"length: 8000000") + b" " * 8_000_000
    with serving(script) as peer, connections_to(peer) as connections:
        for number in range(1, 4):
            assert connections.exchange(large).status == 413
            assert peer.opened == number


def test_large_requests_and_answers() -> None:
    content = b"x" * 3_000_000
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + content
    body = b"y" * 3_999_998
    large = REQUEST.replace(b"length: 2", b"length: 4000000") + body
    with serving(always(answer)) as peer, connections_to(peer, patience=30) as connections:
        for _ in range(3):
            assert connections.exchange(large).content == content
        assert peer.opened == 1
        assert set(peer.requests) == {large}


def test_threads_share_a_bounded_number() -> None:
    def work() -> None:
        for _ in range(10):
            connections.exchange(REQUEST)

    with serving(always(WHOLE)) as peer, connections_to(peer, most=3) as connections:
        assert at_once(16, work) == {"done": 16}
        assert len(peer.requests) == 160
        assert peer.opened <= 3
        assert connections._open == len(connections._idle) <= 3
        assert not connections._line


def test_a_bounded_number_even_where_none_is_kept() -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        if peer.request(connection):
            time.sleep(0.01)
            connection.sendall(WHOLE)

    def work() -> None:
        for _ in range(5):
            connections.exchange(REQUEST)

    with serving(script) as peer, connections_to(peer, most=3) as connections:
        # Told by us as closed before the server has seen it: one more may be open over there.
        ends = at_once(9, work)
        assert sum(ends.values()) == 9
        assert connections._open == len(connections._idle)
        assert connections._open <= 3


@pytest.mark.slow
def test_who_waits_too_long_for_a_free_one_has_sent_nothing() -> None:
    with serving(silent) as peer, connections_to(peer, most=1, patience=1.0) as connections:
        ends = at_once(3, lambda: connections.exchange(REQUEST), apart=0.2)
        assert ends == {"ReadTimeoutError": 2, "NoFreeConnectionError": 1}
        assert len(peer.requests) == 2
        assert connections._open == 0
    with serving(silent) as peer:
        client = client_of(peer, connections=1, request_timeout=1.0)
        client.place()  # what a first call makes is made
        ends = at_once(3, lambda: client.write("update_item", ITEM), apart=0.2)
        assert ends == {"ReplyLostError": 2, "StorageBusyError": 1}
        client.close()


def test_who_comes_first_is_served_first() -> None:
    order: list[int] = []

    def script(peer: Peer, connection: socket.socket) -> None:
        while request := peer.request(connection):
            time.sleep(0.1 if len(peer.requests) == 1 else 0)
            order.append(request[-1])
            connection.sendall(WHOLE)

    numbers = iter(range(8))
    with serving(script) as peer, connections_to(peer, most=1) as connections:
        at_once(8, lambda: connections.exchange(REQUEST[:-1] + bytes([next(numbers)])))
    assert order == list(range(8))


def test_nobody_there() -> None:
    with serving(always(WHOLE)) as peer:
        pass
    with connections_to(peer, most=1) as connections:
        for _ in range(3):
            with pytest.raises(EndpointConnectionError):
                connections.exchange(REQUEST)
    for host in ("nobody.invalid", "x" * 70):
        unknown = Connections(f"http://{host}:1", 1, 1.0, 1.0, "")
        with pytest.raises(EndpointConnectionError):
            unknown.exchange(REQUEST)


def test_a_request_that_is_under_way_at_the_end_is_finished() -> None:
    def script(peer: Peer, connection: socket.socket) -> None:
        while peer.request(connection):
            time.sleep(0.2)
            connection.sendall(WHOLE)

    with serving(script) as peer, connections_to(peer) as connections:
        timer = threading.Timer(0.1, connections.close)
        timer.start()
        assert connections.exchange(REQUEST).status == 200
        timer.join()
        peer.await_open(0)


@pytest.mark.parametrize(
    "content, checksum",
    [(b"{}", b"1"), (b"[]", b"223132457"), (b"{", b""), (b'{"Item":{"k":{"B":"x"}}}', b"")],
)
def test_a_content_that_is_not_what_was_sent(content: bytes, checksum: bytes) -> None:
    crc = b"x-amz-crc32: " + checksum + b"\r\n" if checksum else b""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(content), crc)
    with serving(always(head + content)) as peer:
        client = client_of(peer)
        with pytest.raises(ReplyLostError):
            client.write("update_item", ITEM)
        assert len(peer.requests) == 1
        with pytest.raises(StorageUnavailableError):
            client.read("get_item", ITEM)
        client.close()
