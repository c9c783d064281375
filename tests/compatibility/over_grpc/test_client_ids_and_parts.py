"""Do ids, two phases and many transactions at once work with the Java client?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from scalar_tx.cluster.sessions import Expiry
from tests.compatibility.java_process import ANSWER_SECONDS, JavaError, JavaProcess
from tests.compatibility.over_grpc.java_client import (
    JavaClient,
    begun,
    client_command,
    committed,
    ints,
    of,
    refused,
    row,
)

if TYPE_CHECKING:
    from tests.cluster.scalardb_server.served import Served


@pytest.mark.parametrize("way", ["rollback", "abort"])
def test_a_commit_after_an_abort_by_id(client: JavaClient, way: str) -> None:
    tx = begun(client)
    client.do("tx.put", tx=tx, **of(6, values=ints(v=1), pre_read=True))
    assert client.do(f"manager.{way}", tx=tx) == "ABORTED"
    assert client.do("tx.get", tx=tx, **of(6, 9)) is None
    kind, text = refused(client, "tx.commit", tx=tx)
    assert kind == "CommitConflictException"
    assert text.startswith("CORE-20015: The committing state in the coordinator failed.")
    assert client.do("manager.state", tx=tx) == "ABORTED"


def test_an_id_that_is_open_elsewhere(
    client: JavaClient, process: JavaProcess, server: Served
) -> None:
    tx = client.do("manager.begin", tx="twice")
    other = JavaClient(process, server.port, name="other")
    kind, text = refused(other, "manager.begin", tx="twice")
    assert (kind, text) == ("TransactionException", "Failed to begin")
    client.do("tx.commit", tx=tx)
    other.close()


def test_two_phases(client: JavaClient, process: JavaProcess, server: Served) -> None:
    other = JavaClient(process, server.port, name="participant")
    tx = client.do("manager.begin_part")
    assert other.do("manager.join", tx=tx) == tx
    assert client.do("part.get", tx=tx, **of(7)) is None
    client.do("part.put", tx=tx, **of(7, 1, values=ints(v=1)))
    other.do("part.put", tx=tx, **of(7, 2, values=ints(v=2)))
    for step in ("prepare", "validate", "commit"):
        for one in (client, other):
            one.do(f"part.{step}", tx=tx)
    assert client.do("manager.state_of_part", tx=tx) == "COMMITTED"
    reading = begun(client)
    found = client.do("tx.scan", tx=reading, **of(7, None, projections=["ck", "v"]))
    assert [row(one) for one in found] == [{"ck": 2, "v": 2}, {"ck": 1, "v": 1}]
    client.do("tx.commit", tx=reading)
    other.close()


def test_two_phases_that_fail(client: JavaClient, process: JavaProcess, server: Served) -> None:
    other = JavaClient(process, server.port, name="participant")
    tx = client.do("manager.begin_part")
    other.do("manager.join", tx=tx)
    for ck, one in enumerate((client, other)):
        one.do("part.put", tx=tx, **of(8, ck, values=ints(v=1)))
    committed(client, 8, 1, v={"INT": 5})
    client.do("part.prepare", tx=tx)
    kind, text = refused(other, "part.prepare", tx=tx)
    assert kind == "PreparationConflictException"
    assert text.startswith("CORE-20013: The record being prepared already exists.")
    for one in (other, client):
        one.do("part.rollback", tx=tx)
    assert client.do("manager.state_of_part", tx=tx) == "ABORTED"
    reading = begun(client)
    found = client.do("tx.scan", tx=reading, **of(8, None, projections=["ck", "v"]))
    assert [row(one) for one in found] == [{"ck": 1, "v": 5}]
    client.do("tx.commit", tx=reading)
    other.close()


def test_many_transactions_of_many_threads(client: JavaClient) -> None:
    """Transfers on lanes of their own: what they sum up to is unchanged."""
    for ck in range(4):
        committed(client, 12, ck, v={"INT": 100})
    done = 0
    for turn in range(60):
        if turn >= 15 and done >= 15:  # in a turn all four may have been in each other's way
            break
        begins = [client.begin("manager.begin", lane=f"lane {n}") for n in range(4)]
        txs = [one.result() for one in begins]
        gets = [
            client.begin("tx.scan", lane=f"lane {n}", tx=tx, **of(12, None))
            for n, tx in enumerate(txs)
        ]
        for n, (tx, read) in enumerate(zip(txs, gets, strict=True)):
            held = {row(one)["ck"]: row(one)["v"] for one in read.result()}
            source, target = (turn + n) % 4, (turn + 2 * n + 1) % 4
            if source == target:
                target = (target + 1) % 4
            for ck, change in ((source, -1), (target, 1)):
                values = ints(v=held[ck] + change)
                client.do("tx.put", lane=f"lane {n}", tx=tx, **of(12, ck, values=values))
        ends = [client.begin("tx.commit", lane=f"lane {n}", tx=tx) for n, tx in enumerate(txs)]
        outcomes = [end.future.exception(ANSWER_SECONDS) for end in ends]
        done += outcomes.count(None)
        kinds = {one.kind for one in outcomes if isinstance(one, JavaError)}
        assert kinds <= {"CommitConflictException"}
    assert done >= 15
    tx = begun(client)
    left = client.do("tx.scan", tx=tx, **of(12, None))
    assert sum(row(one)["v"] for one in left) == 400
    client.do("tx.commit", tx=tx)


def test_an_expired_transaction_fails_and_rolls_back_in_silence(
    client: JavaClient, server: Served
) -> None:
    tx = begun(client)
    client.do("tx.put", tx=tx, **of(10, values=ints(v=1)))

    async def expire() -> None:
        server.sessions.expire_all(Expiry.IDLE)

    server.run(expire())
    time.sleep(0.2)
    kind, text = refused(client, "tx.get", tx=tx, **of(10))
    assert kind == "CrudException"
    assert text.startswith("Failed to execute crud")
    client.do("tx.rollback", tx=tx)
    reading = begun(client)
    assert client.do("tx.get", tx=reading, **of(10)) is None
    client.do("tx.commit", tx=reading)


def test_a_client_that_is_killed_leaves_nothing_open(server: Served, client: JavaClient) -> None:
    mortal = JavaProcess(command=client_command())
    other = JavaClient(mortal, server.port)
    tx = begun(other)
    other.do("tx.put", tx=tx, **of(11, values=ints(v=1)))
    assert server.gate.outstanding == 1
    mortal.kill()
    assert server.drained()
    mortal.close()
