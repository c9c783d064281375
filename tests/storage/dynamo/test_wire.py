"""Is a request signed as the driver signs it, and is half an answer taken for none?"""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3  # type: ignore[import-untyped]
import pytest
from botocore.auth import SigV4Auth  # type: ignore[import-untyped]
from botocore.awsrequest import AWSRequest  # type: ignore[import-untyped]
from botocore.credentials import Credentials  # type: ignore[import-untyped]

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


def made(endpoint: str, token: str | None = None) -> Wire:
    session = boto3.session.Session("AKIDEXAMPLE", "wJalrXUtnFEMI", token, "eu-central-1")
    driver = session.client("dynamodb", endpoint_url=endpoint)
    return Wire(driver, session, DynamoSettings("eu-central-1", endpoint))


@pytest.mark.parametrize("token", [None, "a-session-token=="])
@pytest.mark.parametrize(
    "endpoint", ["http://127.0.0.1:8000", "https://dynamodb.eu-central-1.amazonaws.com"]
)
def test_requests_are_signed_as_the_driver_signs_them(endpoint: str, token: str | None) -> None:
    body = b'{"TableName": "abc"}'
    wire = made(endpoint, token)
    sent = wire._headers("DynamoDB_20120810.GetItem", body)
    wire.close()
    headers = {name.lower(): value for name, value in sent.items()}
    plain = {
        name: value
        for name, value in headers.items()
        if name not in ("authorization", "host", "x-amz-security-token")
    }
    request = AWSRequest("POST", endpoint + "/", headers=plain, data=body)
    request.context["timestamp"] = headers["x-amz-date"]
    theirs = SigV4Auth(
        Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI", token), "dynamodb", "eu-central-1"
    )
    if token:
        request.headers["X-Amz-Security-Token"] = token
    canonical = theirs.canonical_request(request)
    signature = theirs.signature(theirs.string_to_sign(request, canonical), request)
    assert headers["authorization"].endswith(f"Signature={signature}")
    names = theirs.signed_headers(theirs.headers_to_sign(request))
    assert f"SignedHeaders={names}," in headers["authorization"]
    assert theirs.credential_scope(request) in headers["authorization"]
    assert headers.get("x-amz-security-token") == token
    assert headers["host"] == endpoint.partition("//")[2]


def test_binary_values_cross_as_base64() -> None:
    with serving() as service:
        service.replies = [Reply(200, {"Item": {"B": {"B": "AP8="}, "s": {"S": "AP8="}}})]
        wire = made(service.endpoint)
        found = wire.call("get_item", WRITE)
        wire.close()
        assert found == {"Item": {"B": {"B": b"\x00\xff"}, "s": {"S": "AP8="}}}
        assert service.sent == [("GetItem", {"TableName": "abc", "Key": {"k": {"B": "AP8="}}})]


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
