"""What do our clients cost, where no Java stands beside them?

CPU is that of the client's process alone. Where two ways are compared they take turns, on the same
server and the same item.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import scalar_tx
from bench.import_time import ROOT
from scalar_tx.connection import parts_of
from scalar_tx.model.storage_settings import ConnectionPoolSettings, StorageSettings
from scalar_tx.storage.dynamo.client import Client
from scalar_tx.storage.dynamo.settings import BY_BOTO3, BY_US, dynamo_settings
from tests.servers.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from bench.beside.turns import Effort
    from tests.servers.node import Cluster

    Running = Mapping[str, Cluster] | None

_TABLE: Final = "cost.record"
_PAYLOAD: Final = "x" * 1000
IN_FLIGHT: Final = 64
OPEN: Final = 10_000
_SYNCS: Final = 50  # a pair
_RECORDS_OF_ONE: Final = 4
_SIZE: Final = 100


def fdatasync(effort: Effort, _: Running = None) -> dict[str, Any]:
    """How long the disk takes to make one page durable."""
    found = []
    with tempfile.NamedTemporaryFile(dir=effort.folder) as file:
        for number in range(_SYNCS * effort.pairs):
            os.pwrite(file.fileno(), bytes(4096), 4096 * (number % 100))
            begun = time.perf_counter_ns()
            os.fdatasync(file.fileno())
            found.append((time.perf_counter_ns() - begun) / 1000)
    return {"values": found, "value": statistics.median(found)}


def dynamodb_request(effort: Effort, running: Running = None) -> dict[str, Any]:
    """Reads and conditional writes of one item, by both transports in turns."""
    with _server("dynamodb", running) as server:
        clients = {
            name: Client(
                dynamo_settings(
                    _storage_settings(server.properties(**{"scalar.db.dynamo.transport": name}))
                )
            )
            for name in (BY_US, BY_BOTO3)
        }
        table = _dynamodb_table(clients[BY_BOTO3])
        key = {"id": {"S": "1"}}
        item = {**key, "payload": {"S": _PAYLOAD}}

        def requests(client: Client) -> None:
            client.read("get_item", {"TableName": table, "Key": key, "ConsistentRead": True})
            condition = {"ConditionExpression": "attribute_exists(id)"}
            client.write("put_item", {"TableName": table, "Item": item, **condition})

        try:
            clients[BY_US].write("put_item", {"TableName": table, "Item": item})
            return _compared(
                effort,
                lambda: _cpu_of(lambda: requests(clients[BY_US]), effort.seconds) / 2,
                lambda: _cpu_of(lambda: requests(clients[BY_BOTO3]), effort.seconds) / 2,
            )
        finally:
            clients[BY_BOTO3].write("delete_table", {"TableName": table})
            for client in clients.values():
                client.close()


def _dynamodb_table(client: Client) -> str:
    name = f"{_TABLE}_{time.time_ns()}"
    client.write(
        "create_table",
        {
            "TableName": name,
            "AttributeDefinitions": [{"AttributeName": "id", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}],
            "BillingMode": "PAY_PER_REQUEST",
        },
    )
    return name


def _storage_settings(properties: Mapping[str, str]) -> StorageSettings:
    return StorageSettings(
        "dynamo",
        (properties["scalar.db.contact_points"],),
        username=properties["scalar.db.username"],
        password=properties["scalar.db.password"],
        connection_pool=ConnectionPoolSettings(),
        properties=dict(properties),
    )


def cassandra_request(effort: Effort, running: Running = None) -> dict[str, Any]:
    """Reads of a record: ours with asyncio, 64 in flight; the driver's, one after the other.

    Each in flight reads a record of its own: several serial reads of one would hold each other up.
    """
    with _server("cassandra", running) as server:
        properties = server.properties()
        with scalar_tx.connect(properties) as db:
            db.admin.create_coordinator_tables(if_not_exists=True)
            db.admin.create_table(
                _TABLE,
                columns={"id": "INT", "payload": "TEXT"},
                partition_key=["id"],
                if_not_exists=True,
            )
            for number in range(IN_FLIGHT):
                db.upsert(_TABLE, {"id": number, "payload": _PAYLOAD})
        with _driver(properties) as (execute, statement):
            return _compared(
                effort,
                lambda: asyncio.run(_cpu_of_asyncio(properties, effort.seconds)),
                lambda: _cpu_of(lambda: execute(statement, (1,)).one(), effort.seconds),
            )


@contextmanager
def _driver(properties: Mapping[str, str]) -> Iterator[tuple[Callable[..., Any], Any]]:
    """The driver's own call and a prepared read, with nothing of ours."""
    from cassandra import ConsistencyLevel
    from cassandra.auth import PlainTextAuthProvider
    from cassandra.cluster import Cluster as Driver

    cluster = Driver(
        properties["scalar.db.contact_points"].split(","),
        port=int(properties["scalar.db.contact_port"]),
        auth_provider=PlainTextAuthProvider(
            properties["scalar.db.username"], properties["scalar.db.password"]
        ),
        protocol_version=4,
    )
    try:
        session = cluster.connect()
        statement = session.prepare(f'SELECT * FROM {_TABLE} WHERE "id"=?')  # noqa: S608
        statement.consistency_level = ConsistencyLevel.SERIAL
        yield session.execute, statement
    finally:
        cluster.shutdown()


async def _cpu_of_asyncio(properties: Mapping[str, str], seconds: float) -> float:
    """CPU seconds of one storage read."""
    async with scalar_tx.connect_async(dict(properties)) as db:
        parts = parts_of(db)
        table = await parts.context.catalog.table(_TABLE)
        assert await parts.storage.get(table.stored, (1,)) is not None
        until = time.monotonic() + seconds
        count = 0

        async def reading(number: int) -> None:
            nonlocal count
            while time.monotonic() < until:
                await parts.storage.get(table.stored, (number,))
                count += 1

        spent = time.process_time()
        await asyncio.gather(*map(reading, range(IN_FLIGHT)))
        return (time.process_time() - spent) / count


def _cpu_of(step: Callable[[], object], seconds: float) -> float:
    """CPU seconds of one step, called again and again for so long."""
    step()
    until = time.monotonic() + seconds
    count = 0
    spent = time.process_time()
    while time.monotonic() < until:
        step()
        count += 1
    return (time.process_time() - spent) / max(count, 1)


def _compared(
    effort: Effort, ours: Callable[[], float], others: Callable[[], float]
) -> dict[str, Any]:
    """Both in turns: microseconds of each, and the ratio pair by pair."""
    ours()
    others()
    pairs = []
    for number in range(effort.pairs):
        if number % 2:
            other, one = others(), ours()
        else:
            one, other = ours(), others()
        pairs.append((1e6 * one, 1e6 * other))
    ratios = [one / other for one, other in pairs]
    return {"pairs_us": pairs, "values": ratios, "value": statistics.median(ratios)}


def open_transactions(effort: Effort, _: Running = None) -> dict[str, Any]:
    """MiB that open transactions take, in a process of their own."""
    with tempfile.TemporaryDirectory(dir=effort.folder) as folder:
        found = subprocess.run(  # noqa: S603  # our own module
            [sys.executable, "-m", "bench.beside.costs", str(Path(folder, "open.db")), str(OPEN)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
    value = float(json.loads(found.stdout))
    return {"values": [value], "value": value}


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _open_many(file: str, count: int) -> float:
    """Each has read its own four records and means to write them anew."""
    records = _RECORDS_OF_ONE * count
    with scalar_tx.connect(f"sqlite:///{file}") as db:
        db.admin.create_table(
            _TABLE, columns={"id": "INT", "payload": "TEXT"}, partition_key=["id"]
        )
        text = "x" * _SIZE
        db.load(_TABLE, ({"id": number, "payload": text} for number in range(records)), batch=1000)
        before = _resident_mib()
        transactions = []
        for first in range(0, records, _RECORDS_OF_ONE):
            tx = db.begin()
            for number in range(first, first + _RECORDS_OF_ONE):
                assert tx.get(_TABLE, {"id": number}) is not None
                tx.update(_TABLE, {"id": number}, {"payload": f"{number:0{_SIZE}}"})
            transactions.append(tx)
        last = tx.get(_TABLE, {"id": records - 1})
        assert last is not None
        assert last["payload"] == f"{records - 1:0{_SIZE}}"
        after = _resident_mib()
        for tx in transactions:
            tx.rollback()
    return after - before


def _server(kind: str, running: Running) -> AbstractContextManager[Cluster]:
    """A running server, or one of its own."""
    given = (running or {}).get(kind)
    return KINDS[kind]() if given is None else nullcontext(given)


MEASURES: Final[dict[str, Callable[[Effort, Running], dict[str, Any]]]] = {
    "fdatasync": fdatasync,
    "dynamodb-request": dynamodb_request,
    "cassandra-request": cassandra_request,
    "open-transactions": open_transactions,
}


if __name__ == "__main__":
    print(json.dumps(_open_many(sys.argv[1], int(sys.argv[2]))))
