"""Does the Java client work against a whole node, whichever of its workers it is connected to?"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.cluster.node.running import Node
from tests.compatibility.java_process import JavaError, JavaProcess
from tests.compatibility.over_grpc.java_client import (
    DESCRIBED,
    TABLE,
    JavaClient,
    begun,
    committed,
    ints,
    of,
    refused,
    row,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

CLIENTS = 6  # each with connections of its own, which the kernel gives to any worker


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Node]:
    options = ("--workers", "2", "--scalardb-server-port", "0")
    with Node(tmp_path_factory.mktemp("node"), *options) as made:
        yield made


@pytest.fixture(scope="module")
def clients(process: JavaProcess, node: Node) -> Iterator[list[JavaClient]]:
    port = node.told["scalardb_server_port"]
    made = [JavaClient(process, port, name=f"client {n}") for n in range(CLIENTS)]
    made[0].admin("create_coordinator", lenient=True)
    made[0].admin("create_namespace", "shop", lenient=True)
    made[0].admin("create_table", TABLE, **DESCRIBED)
    yield made
    for one in made:
        one.close()


def test_what_one_client_writes_every_other_reads(clients: list[JavaClient]) -> None:
    for pk, client in enumerate(clients):
        tx = committed(client, pk, v={"INT": pk})
        for other in clients:
            assert other.do("manager.state", tx=tx) == "COMMITTED"
            assert row(other.do("manager.get", **of(pk, projections=["v"]))) == {"v": pk}


def test_parts_of_one_transaction_may_be_at_any_worker(clients: list[JavaClient]) -> None:
    tx = clients[0].do("manager.begin_part")
    for client in clients[1:]:
        client.do("manager.join", tx=tx)
    for ck, client in enumerate(clients):
        client.do("part.put", tx=tx, **of(50, ck, values=ints(v=1)))
    for step in ("prepare", "validate", "commit"):
        for client in clients:
            client.do(f"part.{step}", tx=tx)
    reading = begun(clients[1])
    found = clients[1].do("tx.scan", tx=reading, **of(50, None))
    clients[1].do("tx.commit", tx=reading)
    assert len(found) == CLIENTS


def test_an_abort_by_id_reaches_a_transaction_of_any_worker(clients: list[JavaClient]) -> None:
    for pk, client in enumerate(clients[1:], 60):
        tx = begun(client)
        client.do("tx.put", tx=tx, **of(pk, values=ints(v=1)))
        assert clients[0].do("manager.rollback", tx=tx) == "ABORTED"
        assert refused(client, "tx.commit", tx=tx)[0] == "CommitConflictException"


def test_a_pause_is_one_of_all_workers(clients: list[JavaClient]) -> None:
    client = clients[0]
    txs = [begun(one) for one in clients]
    kind, text = refused(client, "pauses.pause", wait=True, longest=100)
    assert kind == "AdminException"
    assert text.endswith("pause failed.")
    for one, tx in zip(clients, txs, strict=True):
        one.do("tx.put", tx=tx, **of(70, 1, values=ints(v=1), pre_read=True))
        one.do("tx.rollback", tx=tx)
    client.do("pauses.pause", wait=True)
    assert "true" in client.do("pauses.paused")[0].lower()
    waiting = [one.begin("manager.begin", lane="paused") for one in clients]
    assert not any(one.done for one in waiting)
    client.do("pauses.unpause")
    for one, pending in zip(clients, waiting, strict=True):
        one.do("tx.commit", tx=pending.result())


def test_a_text_of_an_error_is_the_java_servers(clients: list[JavaClient]) -> None:
    with pytest.raises(JavaError, match="CORE-10052: The table already exists"):
        clients[0].admin("create_table", TABLE, **DESCRIBED)
