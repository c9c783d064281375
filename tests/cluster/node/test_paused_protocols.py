"""Does a pause through one connection keep writes out of all the others, in both protocols?"""

from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import scalar_tx
from scalar_tx.cluster.rpc import scalardb_pb2
from tests.cluster.node.running import Admin, Node, until
from tests.cluster.scalardb_server.messages import Tx, asks, column, key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

pytestmark = pytest.mark.nodes

TABLE = "shop.counts"
CONNECTIONS = 64
TRANSACTION = "/rpc.DistributedTransaction/Transaction"


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    """A node of four workers with the port of either protocol."""
    folder = tmp_path_factory.mktemp("both")
    with Node(folder, "--workers", "4", "--scalardb-server-port", "0") as node:
        with scalar_tx.connect(f"grpc://{node.where}") as db:
            db.admin.create_coordinator_tables(if_not_exists=True)
            db.admin.create_table(
                TABLE, columns={"id": "INT", "n": "INT"}, partition_key=["id"], if_not_exists=True
            )
        yield node


def by_ours(node: Node, number: int) -> bool:
    """Is a write admitted, over connections of its own?"""
    with scalar_tx.connect(f"grpc://{node.where}") as db:
        try:
            with db.transaction() as tx:
                tx.upsert(TABLE, {"id": number, "n": 1})
        except scalar_tx.StorageUnavailableError as error:
            if error.code != "STX-5055":
                raise
            return False
        return True


def by_script(node: Node, number: int) -> bool:
    """The same by a script."""
    script = scalar_tx.Script()
    script.upsert(TABLE, {"id": number, "n": 1})
    with scalar_tx.connect(f"grpc://{node.where}") as db:
        try:
            db.execute(script, retry=0)
        except scalar_tx.StorageUnavailableError as error:
            if error.code != "STX-5055":
                raise
            return False
        return True


def by_scalardb(node: Node, number: int) -> bool:
    """The same in the protocol of ScalarDB Server."""
    write = scalardb_pb2.Mutation(
        namespace="shop",
        table="counts",
        type=scalardb_pb2.Mutation.PUT,
        partition_key=key(id=number),
        columns=[column("n", 1)],
    )
    requests = [asks(Tx, "begin"), asks(Tx, "mutate", mutations=[write]), asks(Tx, "commit")]
    where = f"127.0.0.1:{node.told['scalardb_server_port']}"
    options = [("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(where, options=options) as channel:
        method: Any = channel.stream_stream(
            TRANSACTION,
            Tx.SerializeToString,
            scalardb_pb2.TransactionResponse.FromString,
        )
        try:
            answers = list(method(iter(requests), timeout=20, wait_for_ready=True))
        except grpc.RpcError as error:
            if "paused" not in str(error):
                raise
            return False
    return len(answers) == len(requests) and not any(one.HasField("error") for one in answers)


WAYS = {"ours": by_ours, "script": by_script, "ScalarDB Server": by_scalardb}


def there(node: Node) -> set[int]:
    with scalar_tx.connect(f"grpc://{node.where}") as db:
        return {int(str(row["id"])) for row in db.run(lambda tx: tx.scan(TABLE, whole_table=True))}


@pytest.mark.parametrize("way", WAYS)
def test_no_write_is_admitted_on_any_connection(both: Node, way: str) -> None:
    write: Callable[[Node, int], bool] = WAYS[way]
    first = 1000 * list(WAYS).index(way)
    numbers = range(first, first + CONNECTIONS)
    with ThreadPoolExecutor(16) as threads, Admin(both.admin) as admin:
        admin.pause()
        try:
            admitted = list(threads.map(lambda number: write(both, number), numbers))
            assert not any(admitted)
        finally:
            admin.unpause()
        assert not there(both) & set(numbers)
        assert all(threads.map(lambda number: write(both, number), numbers))
    assert there(both) >= set(numbers)


def test_workers_that_are_killed_come_back_paused_in_both(both: Node) -> None:
    before = both.workers()
    admitted: list[object] = []
    over = threading.Event()

    def knock(way: str, number: int) -> None:
        """A port that opens before its gate is closed shows."""
        while not over.is_set():
            try:
                if WAYS[way](both, number):
                    admitted.append(way)
            except (grpc.RpcError, scalar_tx.ScalarTxError):
                continue

    with Admin(both.admin) as admin:
        admin.pause()
        knocking = [
            threading.Thread(target=knock, args=(way, 5000 + at)) for at, way in enumerate(WAYS)
        ]
        for thread in knocking:
            thread.start()
        try:
            for process in before:
                os.kill(process, signal.SIGKILL)
            until(lambda: len(set(both.workers()) - set(before)) == 4, "four others serve", 30)
            assert admin.paused()
        finally:
            over.set()
            for thread in knocking:
                thread.join()
        assert admitted == []
        assert not any(by_scalardb(both, 6000 + number) for number in range(16))
        assert not any(by_ours(both, 7000 + number) for number in range(16))
        admin.unpause()
    assert not {number for number in there(both) if 5000 <= number < 8000}
