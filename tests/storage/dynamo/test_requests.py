"""How many requests does a transaction send? Counted at a proxy, exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from tests.servers.proxy import Proxy
from tests.storage.dynamo.on_local import ENDPOINT, own_properties
from tests.storage.dynamo.test_faults import Ear

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx import TransactionManager
    from tests.servers import Cluster

TABLE = "bank.account"
GET, QUERY, UPDATE, DELETE = "GetItem", "Query", "UpdateItem", "DeleteItem"
GROUP = "TransactWriteItems"


@pytest.fixture(scope="module")
def heard(dynamodb_server: Cluster) -> Iterator[tuple[TransactionManager, Ear]]:
    with Proxy.before(dynamodb_server) as proxy:
        known = own_properties(dynamodb_server)
        known[ENDPOINT] = f"http://{proxy.host}:{proxy.port}"
        # What the steps ask for; which of them are left out is counted for docs/protocol-costs.md.
        known["scalar.db.consensus_commit.one_phase_commit.enabled"] = "false"
        with scalar_tx.connect(known) as db:
            db.admin.create_coordinator_tables()
            db.admin.create_table(
                TABLE,
                columns={"id": "INT", "c": "INT", "n": "INT"},
                partition_key=["id"],
                clustering_key=["c"],
            )
            for number in range(8):
                db.upsert(TABLE, {"id": number, "c": 0, "n": 0})
            yield db, Ear(proxy)


def key(number: int) -> dict[str, int]:
    return {"id": number, "c": 0}


def read(tx: Any) -> None:
    assert tx.get(TABLE, key(0))["n"] is not None


def read_and_update(tx: Any, *numbers: int) -> None:
    for number in numbers:
        found = tx.get(TABLE, key(number))
        tx.update(TABLE, key(number), {"n": found["n"] + 1})


def insert(tx: Any) -> None:
    tx.insert(TABLE, {"id": 100, "c": 0, "n": 0})


def upsert(tx: Any) -> None:
    tx.upsert(TABLE, {"id": 101, "c": 0, "n": 0})


def delete(tx: Any) -> None:
    tx.delete(TABLE, key(7))


def scan(tx: Any) -> None:
    assert len(tx.scan(TABLE, {"id": 0})) == 1


def scan_and_update(tx: Any) -> None:
    scan(tx)
    tx.update(TABLE, key(0), {"n": 5})


# What runs -> at which isolation -> the requests it sends, by the protocol's own table
# (Consensus Commit specification 12.2, the row's number first; column "Default ops").
S, SI = "SERIALIZABLE", "SNAPSHOT"
COUNTS: dict[str, tuple[Any, str, int, dict[str, int]]] = {
    "row 18: get": (read, SI, 1, {GET: 1}),
    "row 19: get": (read, S, 2, {GET: 2}),
    "row 1: get and update": (lambda tx: read_and_update(tx, 1), SI, 4, {GET: 1, UPDATE: 3}),
    "row 2: get and update": (lambda tx: read_and_update(tx, 1), S, 4, {GET: 1, UPDATE: 3}),
    "row 5: get and update two": (
        lambda tx: read_and_update(tx, 1, 2),
        S,
        5,
        {GET: 2, UPDATE: 1, GROUP: 2},
    ),
    "row 7: insert": (insert, S, 3, {UPDATE: 3}),
    "row 9: upsert": (upsert, S, 4, {GET: 1, UPDATE: 3}),
    "row 9: delete": (delete, S, 4, {GET: 1, UPDATE: 2, DELETE: 1}),
    "row 18: scan": (scan, SI, 1, {QUERY: 1}),
    "row 19: scan": (scan, S, 2, {QUERY: 2}),
    "row 14: scan and update": (scan_and_update, SI, 4, {QUERY: 1, UPDATE: 3}),
    "row 15: scan and update": (scan_and_update, S, 5, {QUERY: 2, UPDATE: 3}),
}


@pytest.mark.parametrize("case", COUNTS)
def test_requests_of_a_transaction(heard: tuple[TransactionManager, Ear], case: str) -> None:
    db, ear = heard
    steps, isolation, listed, wanted = COUNTS[case]
    ear.heard.clear()
    db.run(steps, isolation=isolation, retry=0)
    counted = dict(ear.count())
    assert sum(counted.values()) <= listed
    assert counted == wanted
