"""Who sends a call, what crosses, and is half an answer taken for none?"""

from __future__ import annotations

import asyncio
import base64
import os
import socket
import threading
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest

import scalar_tx
from scalar_tx.errors import ReplyLostError, StorageUnavailableError
from scalar_tx.storage.dynamo import client as client_module
from scalar_tx.storage.dynamo import wire as wire_module
from scalar_tx.storage.dynamo.client import Client
from scalar_tx.storage.dynamo.settings import DynamoSettings
from scalar_tx.storage.dynamo.wire import Driven, Wire
from tests.storage.dynamo.on_local import own_properties
from tests.storage.dynamo.service import Reply, serving

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.servers import Cluster

WRITE = {"TableName": "abc", "Key": {"k": {"B": b"\x00\xff"}}}


def made(endpoint: str) -> Wire:
    session = boto3.session.Session("AKIDEXAMPLE", "wJalrXUtnFEMI", None, "eu-central-1")
    driver = session.client("dynamodb", endpoint_url=endpoint)
    return Wire(driver, session, DynamoSettings("eu-central-1", endpoint))


def test_binary_values_cross_as_base64() -> None:
    with serving() as service:
        service.replies = [Reply(200, {"Item": {"B": {"B": "AP8="}, "s": {"S": "AP8="}}})]
        wire = made(service.endpoint)
        found = wire.call("get_item", WRITE)
        wire.close()
        assert found == {"Item": {"B": {"B": b"\x00\xff"}, "s": {"S": "AP8="}}}
        assert service.sent == [("GetItem", {"TableName": "abc", "Key": {"k": {"B": "AP8="}}})]


ANSWERS: dict[str, Any] = {
    "query": {
        "Items": [{"k": {"B": "AP8="}, "n": {"N": "1"}}, {"k": {"B": ""}}],
        "LastEvaluatedKey": {"k": {"B": "AP8="}},
    },
    "update_item": {"Attributes": {"k": {"B": "AP8="}}},
    "batch_write_item": {
        "UnprocessedItems": {
            "t": [
                {"DeleteRequest": {"Key": {"k": {"B": "AP8="}}}},
                {"PutRequest": {"Item": {"k": {"B": "AP8="}, "s": {"S": "B"}}}},
            ]
        }
    },
}
FORMS: dict[str, Any] = {
    # Others' values that are never read here: what came is sent again as it came.
    "L": {"L": [{"B": "AP8="}]},
    "M": {"M": {"B": {"B": "AP8="}}},
    "BS": {"BS": ["AP8="]},
}


def with_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [with_bytes(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {k: base64.b64decode(v) if k == "B" else with_bytes(v) for k, v in value.items()}


@pytest.mark.parametrize("operation", ANSWERS)
def test_binary_values_anywhere_in_an_answer(operation: str) -> None:
    with serving() as service:
        service.replies = [Reply(200, ANSWERS[operation])]
        wire = made(service.endpoint)
        found = wire.call(operation, {"TableName": "t"})
        assert found == with_bytes(ANSWERS[operation])
        wire.call(operation, found)
        assert service.sent[1][1] == ANSWERS[operation]
        service.replies = [Reply(200, {"Item": FORMS})]
        found = wire.call("get_item", WRITE)
        wire.call("put_item", found)
        wire.close()
        assert service.sent[3][1] == {"Item": FORMS}


WHOLE = (
    b"HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nx-amz-crc32: 2745614147\r\n"
    b"Content-Length: 2\r\n\r\n{}"
)


@contextmanager
def answering(text: bytes) -> Iterator[str]:
    """A server that says this to every request, and no more."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return  # the test is over
            with connection:
                connection.recv(65536)
                connection.sendall(text)
                connection.shutdown(socket.SHUT_WR)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()


def of_no_patience(endpoint: str) -> Client:
    return Client(
        DynamoSettings("us-west-2", endpoint, access_key="k", secret_key="s", patience=0.0)
    )


@pytest.mark.parametrize("after", [*range(0, len(WHOLE), 9), len(WHOLE) - 1])
def test_half_an_answer_is_none(after: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver takes one that ends among its headers for an empty answer: no such record."""
    monkeypatch.setattr(client_module, "_FIRST_PAUSE", 0.001)
    with answering(WHOLE[:after]) as endpoint:
        client = of_no_patience(endpoint)
        with pytest.raises(StorageUnavailableError):
            client.read("get_item", WRITE)
        with pytest.raises(ReplyLostError):
            client.write("update_item", WRITE)
        client.close()


def test_a_whole_answer_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(WHOLE) as endpoint:
        client = of_no_patience(endpoint)
        assert client.read("get_item", WRITE) == {}
        client.close()
    with answering(WHOLE.replace(b"2745614147", b"2745614148")) as endpoint:
        client = of_no_patience(endpoint)
        with pytest.raises(StorageUnavailableError):
            client.read("get_item", WRITE)
        client.close()


def test_behind_a_proxy_the_driver_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    with answering(WHOLE[:40]) as proxy:
        monkeypatch.setenv("http_proxy", proxy)
        monkeypatch.setenv("no_proxy", "")
        client = of_no_patience("http://dynamodb.invalid")
        assert isinstance(client._client(client_module._WIRE), Driven)
        with pytest.raises(StorageUnavailableError):
            client.read("get_item", WRITE)
        client.close()


def test_where_it_is_asked_to_the_driver_sends(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with serving() as service:
        service.replies = [Reply(200, {"Item": {"k": {"B": "AP8="}}})]
        settings = DynamoSettings("us-west-2", service.endpoint, access_key="k", secret_key="s")
        for transport, kind in (("fast", Wire), ("boto3", Driven)):
            client = Client(replace(settings, transport=transport))
            assert client.read("get_item", WRITE)["Item"] == {"k": {"B": b"\x00\xff"}}
            assert type(client._client(client_module._WIRE)) is kind
            client.close()
        assert service.sent[0] == service.sent[1]


def test_another_process_has_connections_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    client = of_no_patience("http://127.0.0.1:1")
    mine = client._client(client_module._WIRE)
    assert client._client(client_module._WIRE) is mine
    monkeypatch.setattr(os, "getpid", lambda: -1)
    assert client._client(client_module._WIRE) is not mine
    mine.close()
    client.close()


def test_no_call_blocks_the_loop(dynamodb_server: Cluster, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Wire.call
    threads: set[int] = set()
    meeting = threading.Barrier(2, timeout=60)

    def call(wire: Wire, operation: str, request: Mapping[str, Any]) -> dict[str, Any]:
        threads.add(threading.get_ident())
        if operation == "query" and not meeting.broken:
            meeting.wait()  # two are at work at once, or this fails
        return real(wire, operation, request)

    monkeypatch.setattr(wire_module.Wire, "call", call)

    async def work() -> None:
        loop_thread = threading.get_ident()
        async with scalar_tx.connect_async(own_properties(dynamodb_server)) as db:
            await db.admin.create_coordinator_tables()
            await db.admin.create_table(
                "bank.account", columns={"id": "INT", "n": "INT"}, partition_key=["id"]
            )
            await asyncio.gather(
                *(db.upsert("bank.account", {"id": number, "n": 0}) for number in range(4))
            )

            async def scan(tx: Any, number: int) -> None:
                assert len(await tx.scan("bank.account", {"id": number})) == 1
                await tx.upsert("bank.account", {"id": number, "n": 1})

            await asyncio.gather(
                *(db.run(scan, number, isolation="SNAPSHOT") for number in range(4))
            )
        assert loop_thread not in threads
        assert len(threads) > 1

    asyncio.run(work(), debug=True)
