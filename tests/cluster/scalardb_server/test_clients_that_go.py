"""Does money stay what it is where clients go at any time, in any way, and pauses come between?

Transfers between a few accounts from many threads. A client leaves by a half-close or a
cancellation at a moment drawn by chance, also in the middle of its commit.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from contextlib import suppress
from typing import Any

import grpc

from scalar_tx.cluster.rpc import scalar_admin_pb2 as admin_rpc
from tests.cluster.scalardb_server.messages import TRANSACTION, Tx, asks, get, put, record, scan
from tests.cluster.scalardb_server.served import Client, Served
from tests.cluster.scalardb_server.talks import begun, committed

ACCOUNTS, EACH, THREADS, ROUNDS = 6, 100, 6, 40


def transfer(client: Client, pk: int, chance: random.Random) -> str:
    """What became of it, as far as the client knows."""
    talk = client.stream(TRANSACTION)
    leaves = chance.choice(["no", "no", "half_close", "cancel"])
    steps = chance.randrange(5)
    source, target = chance.sample(range(ACCOUNTS), 2)
    try:
        talk.ask(asks(Tx, "begin"))
        held = {}
        for number, ck in enumerate((source, target)):
            if leaves != "no" and steps == number:
                getattr(talk, leaves)()
                return leaves
            answer = talk.ask(asks(Tx, "get", get=get(pk, ck)))
            if answer.WhichOneof("response") == "error":
                talk.cancel()
                return "conflict"
            held[ck] = record(answer.get_response.result)["v"]
        writes = [put(pk, source, v=held[source] - 1), put(pk, target, v=held[target] + 1)]
        talk.ask(asks(Tx, "mutate", mutations=writes))
        talk.send(asks(Tx, "commit"))
        if leaves == "cancel":
            time.sleep(chance.random() * 0.004)
            talk.cancel()
            return "cancelled in commit"
        failed = talk.answer().WhichOneof("response") == "error"
        assert talk.end()[0] is grpc.StatusCode.OK
    except grpc.RpcError as error:
        found: Any = error
        talk.half_close()
        return str(found.code().name)
    return "conflict" if failed else "committed"


def test_nothing_is_lost_and_nothing_left_open(server: Served, client: Client, pk: int) -> None:
    committed(client, *[put(pk, ck, v=EACH) for ck in range(ACCOUNTS)])
    seen, going = Counter[str](), threading.Event()

    def work(number: int) -> None:
        chance, own = random.Random(number), Client(server.port)
        for _ in range(ROUNDS):
            seen[transfer(own, pk, chance)] += 1
        own.close()

    def pausing() -> None:
        waits = admin_rpc.PauseRequest(wait_outstanding=True, max_pause_wait_time=200)
        while not going.wait(0.01):
            with suppress(grpc.RpcError):
                client.call("Admin/Pause", waits)
                assert server.gate.outstanding == 0
                seen["paused"] += 1
            client.call("Admin/Unpause")

    threads = [threading.Thread(target=work, args=(number,)) for number in range(THREADS)]
    pauses = threading.Thread(target=pausing)
    for thread in (*threads, pauses):
        thread.start()
    for thread in threads:
        thread.join(60)
    going.set()
    pauses.join(60)
    for what in ("committed", "half_close", "cancel", "cancelled in commit", "paused"):
        assert seen[what], seen
    assert server.drained()
    assert server.sessions.count == 0
    talk = begun(client)
    found = talk.ask(asks(Tx, "scan", scan=scan(pk))).scan_response.results
    talk.ask(asks(Tx, "commit"))
    assert sum(record(one)["v"] for one in found) == ACCOUNTS * EACH
    waits = admin_rpc.PauseRequest(wait_outstanding=True, max_pause_wait_time=2000)
    client.call("Admin/Pause", waits)  # can be had at once
    client.call("Admin/Unpause")
