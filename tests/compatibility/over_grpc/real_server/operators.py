"""What do those ask who pause a server?"""

from __future__ import annotations

from typing import Any

from google.protobuf import empty_pb2

from scalar_tx.cluster.rpc import scalar_admin_pb2 as admin
from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from tests.compatibility.over_grpc.real_server.administrators import call
from tests.compatibility.over_grpc.real_server.requests import (
    RAW,
    Transaction,
    aborted,
    get,
    pages,
    partitions,
    put,
    rolled_back,
    scan,
    state,
    stored,
    stored_get,
)
from tests.compatibility.over_grpc.real_server.said import Call, Step


def pause(**how: Any) -> Step:
    return Call("Admin/Pause", admin.PauseRequest(**how))


def unpause() -> Step:
    return Call("Admin/Unpause", empty_pb2.Empty())


def paused() -> Step:
    return Call("Admin/CheckPaused", empty_pb2.Empty())


def of_everybody(name: str) -> list[Step]:
    """A call of each kind."""
    pk = next(partitions)
    request = rpc.GetTransactionStateRequest(transaction_id="x")
    return [
        stored_get(get(pk, 1, RAW)),
        stored(put(pk, 1, RAW, v=1)),
        pages(f"{name} scan", scan(pk, RAW)),
        Transaction(f"{name} begin").begin(),
        Transaction(f"{name} start").say("start"),
        Transaction(f"{name} late").say("commit"),
        Transaction(f"{name} part", two_phase=True).begin(),
        Transaction(f"{name} join", two_phase=True).say("join", transaction_id="x"),
        state("of nobody"),
        rolled_back(f"{name} rolled back"),
        aborted(f"{name} aborted"),
        Call("TwoPhaseCommitTransaction/GetState", request),
        call("DistributedStorageAdmin", "NamespaceExists", namespace="shop"),
        call("DistributedTransactionAdmin", "CoordinatorTablesExist"),
    ]


def with_something_open() -> list[Step]:
    """A pause waits for it, and in vain."""
    pk = next(partitions)
    tx, part = Transaction("open"), Transaction("open part", two_phase=True)
    return [
        tx.begin(),
        part.begin(),
        pause(wait_outstanding=True, max_pause_wait_time=200),
        paused(),
        pause(),
        tx.mutate(put(pk, 1, v=1)),
        part.mutate(put(pk, 2, v=1)),
        part.say("prepare"),
        *tx.last("commit"),
        part.say("validate"),
        *part.last("commit"),
        state(tx.name),
        pause(wait_outstanding=True, max_pause_wait_time=5000),
        paused(),
        pause(wait_outstanding=True),
        unpause(),
        state(tx.name),
    ]


def at_once() -> list[Step]:
    """A pause, and everybody while it lasts and after it."""
    return [
        paused(),
        pause(),
        paused(),
        *of_everybody("paused"),
        pause(),
        unpause(),
        paused(),
        unpause(),
        *of_everybody("unpaused"),
    ]
