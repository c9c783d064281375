"""Is a conditional write ever sent twice, and does a storage come back when its server does?"""

from __future__ import annotations

import re
import threading
import time
from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.conditions import column
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Erase, Write
from tests.servers.proxy import Proxy
from tests.storage.dynamo.on_local import ENDPOINT, opened, own_properties

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from scalar_tx.storage.dynamo.storage import DynamoStorage
    from scalar_tx.storage.interface import StorageMutation
    from tests.servers import Cluster
    from tests.servers.faults import Fault

T = Table("own.t", TableSchema({"p": "INT", "n": "INT", "v": "TEXT"}, ["p"]))
OPERATION = re.compile(rb"x-amz-target: *DynamoDB_20120810\.(\w+)", re.IGNORECASE)
TOKEN = re.compile(rb'"ClientRequestToken": ?"([^"]+)"')
TRANSPORT = "scalar.db.dynamo.transport"
TRANSPORTS = ("fast", "boto3")
SHORT = {
    "scalar.db.dynamo.request_timeout_millis": "1500",
    "scalar.db.dynamo.connect_timeout_millis": "1500",
}


class Ear:
    """Hears every request that crosses a proxy."""

    def __init__(self, proxy: Proxy) -> None:
        self.heard: list[tuple[str, bytes]] = []
        proxy.hold(self._hear)

    def _hear(self, request: bytes) -> bool:
        found = OPERATION.search(request)
        if found is not None:
            self.heard.append((found[1].decode(), request))
        return False

    def count(self) -> Counter[str]:
        return Counter(name for name, _ in self.heard)


@contextmanager
def through(
    proxy: Proxy, properties: dict[str, str], patience: Mapping[str, str] = SHORT
) -> Iterator[DynamoStorage]:
    endpoint = {ENDPOINT: f"http://{proxy.host}:{proxy.port}"}
    with opened({**properties, **endpoint, **patience}) as storage:
        yield storage


@pytest.fixture(scope="module")
def properties(dynamodb_server: Cluster) -> dict[str, str]:
    found = own_properties(dynamodb_server)
    with opened(found) as storage:
        run_blocking(storage.admin.create_table(T))
    return found


@pytest.fixture
def proxy(dynamodb_server: Cluster) -> Iterator[Proxy]:
    with Proxy.before(dynamodb_server) as proxy:
        yield proxy


FAULTS = {
    "lost before, silence": lambda proxy, match: proxy.lose_request(match),
    "lost before, cut": lambda proxy, match: proxy.lose_request(match, closes=True),
    "reply lost, silence": lambda proxy, match: proxy.lose_reply(match),
    "reply lost, cut": lambda proxy, match: proxy.lose_reply(match, closes=True),
    "torn on its way": lambda proxy, match: proxy.tear_request(match, after=40),
    "torn on its way back": lambda proxy, match: proxy.tear_reply(match, after=40),
}
WRITES: dict[str, tuple[str, StorageMutation]] = {
    "update": ("UpdateItem", Write(T, (1,), {"n": 2}, column("n") == 1)),
    "insert-like": ("UpdateItem", Write(T, (1,), {"n": 2})),
    "delete": ("DeleteItem", Erase(T, (1,), column("n") == 1)),
}


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_single_write_is_sent_once(
    proxy: Proxy, properties: dict[str, str], fault: str, transport: str, write: str
) -> None:
    operation, mutation = WRITES[write]
    with (
        opened(properties) as direct,
        through(proxy, properties, SHORT | {TRANSPORT: transport}) as storage,
    ):
        run_blocking(direct.mutate([Write(T, (1,), {"n": 1})]))
        ear = Ear(proxy)
        done: Fault = FAULTS[fault](proxy, operation)
        with pytest.raises(ReplyLostError):
            run_blocking(storage.mutate([mutation]))
        done.wait()
        assert ear.count() == {operation: 1}
        # Told as unknown, whichever it was.
        row = run_blocking(direct.get(T, (1,)))
        applied = row is None or row["n"] == 2
        assert applied == ("reply" in fault or "back" in fault)


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_an_atomic_write_is_sent_again_under_its_token(
    proxy: Proxy, properties: dict[str, str], fault: str, transport: str
) -> None:
    group = [Write(T, (p,), {"n": 2}, column("n") == 1) for p in (1, 2)]
    with (
        opened(properties) as direct,
        through(proxy, properties, SHORT | {TRANSPORT: transport}) as storage,
    ):
        run_blocking(direct.mutate([Write(T, (p,), {"n": 1}) for p in (1, 2)]))
        ear = Ear(proxy)
        done: Fault = FAULTS[fault](proxy, "TransactWriteItems")
        run_blocking(storage.mutate(group))
        done.wait()
        assert ear.count() == {"TransactWriteItems": 2}
        tokens = {
            re.findall(rb'"ClientRequestToken": ?"([^"]+)"', text)[0] for _, text in ear.heard
        }
        assert len(tokens) == 1
        assert [run_blocking(direct.get(T, (p,))) for p in (1, 2)] == [
            {"p": p, "n": 2, "v": None} for p in (1, 2)
        ]


@pytest.mark.parametrize("transport", TRANSPORTS)
@pytest.mark.parametrize("fault", FAULTS)
def test_a_read_ends_and_is_never_wrong(
    proxy: Proxy, properties: dict[str, str], fault: str, transport: str
) -> None:
    with (
        opened(properties) as direct,
        through(proxy, properties, SHORT | {TRANSPORT: transport}) as storage,
    ):
        run_blocking(direct.mutate([Write(T, (1,), {"n": 1})]))
        ear = Ear(proxy)
        FAULTS[fault](proxy, "GetItem")
        began = time.monotonic()
        try:
            assert run_blocking(storage.get(T, (1,))) == {"p": 1, "n": 1, "v": None}
        except StorageUnavailableError as error:
            assert "silence" in fault
            assert error.code == "STX-4605"  # noqa: PT017
        assert ear.count()["GetItem"] == (1 if "silence" in fault else 2)
        assert time.monotonic() - began < 10


def test_a_server_that_goes_away_and_returns(proxy: Proxy, properties: dict[str, str]) -> None:
    with through(proxy, properties) as storage:
        run_blocking(storage.mutate([Write(T, (1,), {"n": 1})]))
        proxy.cut()
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(StorageUnavailableError):
                run_blocking(storage.get(T, (1,)))
            with pytest.raises((StorageUnavailableError, ReplyLostError)):
                run_blocking(storage.mutate([Write(T, (1,), {"n": 2}, column("n") == 1)]))
            assert time.monotonic() - began < 20
        proxy.heal()
        assert run_blocking(storage.get(T, (1,))) is not None
        run_blocking(storage.mutate([Write(T, (1,), {"n": 3})]))
        assert len(proxy.connections) <= 2


def test_threads_share_a_bounded_number_of_connections(
    proxy: Proxy, properties: dict[str, str]
) -> None:
    with through(proxy, properties, {}) as storage:
        run_blocking(storage.mutate([Write(T, (1,), {"n": 1})]))
        most = 0

        def work() -> None:
            nonlocal most
            for _ in range(5):
                assert run_blocking(storage.get(T, (1,))) is not None
                most = max(most, len(proxy.connections))

        threads = [threading.Thread(target=work) for _ in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert most <= 16  # the pool of these settings
    until = time.monotonic() + 5
    while proxy.connections and time.monotonic() < until:
        time.sleep(0.01)
    assert not proxy.connections


# Limits, as the server itself enforces them.


def test_a_record_that_is_too_large(properties: dict[str, str]) -> None:
    with opened(properties) as storage:
        run_blocking(storage.mutate([Write(T, (7,), {"n": 1})]))
        for writes in (
            [Write(T, (7,), {"v": "x" * 409_600})],
            [Write(T, (7,), {"v": "x" * 409_600}), Write(T, (8,), {"n": 1})],
            [Write(T, (p,), {"v": "x" * 300_000}) for p in range(100, 116)],
        ):
            with pytest.raises(InvalidOperationError) as caught:
                run_blocking(storage.mutate(writes))
            assert caught.value.code == "STX-3613"
            assert "400 KB" in caught.value.advice
        assert run_blocking(storage.get(T, (7,))) == {"p": 7, "n": 1, "v": None}
        assert run_blocking(storage.get(T, (8,))) is None


def test_too_many_records_at_once(properties: dict[str, str]) -> None:
    with opened(properties) as storage:
        writes = [Write(T, (p,), {"n": 1}) for p in range(1000, 1101)]
        with pytest.raises(InvalidOperationError) as caught:
            run_blocking(storage.mutate(writes))
        assert caught.value.code == "STX-3016"
        run_blocking(storage.mutate(writes[:100]))
        with pytest.raises(WriteRefusedError):
            run_blocking(storage.mutate([Write(T, (1000,), {"n": 2}, column("n") == 5)]))


def test_limits_in_a_transaction(dynamodb_server: Cluster) -> None:
    # A commit that leaves steps out writes one value of a record only.
    every_step = {"scalar.db.consensus_commit.one_phase_commit.enabled": "false"}
    with scalar_tx.connect(own_properties(dynamodb_server) | every_step) as db:
        db.admin.create_coordinator_tables()
        db.admin.create_table(
            "bank.account", columns={"id": "INT", "v": "TEXT"}, partition_key=["id"]
        )

        def write(tx: Any, count: int, size: int) -> None:
            for number in range(count):
                tx.upsert("bank.account", {"id": number, "v": "x" * size})

        db.run(write, 101, 10)  # as two atomic writes
        assert db.get("bank.account", {"id": 100}) == {"id": 100, "v": "x" * 10}
        # A record that is prepared holds both its values.
        db.run(write, 1, 300_000)
        for count, size in ((1, 300_000), (16, 290_000)):
            with pytest.raises(InvalidOperationError) as caught:
                db.run(write, count, size, retry=0)
            assert caught.value.code == "STX-3613"
        for number, size in ((0, 300_000), (5, 10)):  # nothing is left behind
            assert db.get("bank.account", {"id": number}) == {"id": number, "v": "x" * size}
