"""Does a node keep the interface's promises over each of the database servers?

The storages themselves are tried beside this, and the interface through nodes over SQLite; here is
that the two fit together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import ConditionNotMetError, ConflictError, column
from tests.cluster.node.running import Node
from tests.servers.fixtures import shelf_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx import TransactionManager

pytestmark = pytest.mark.nodes
SERVERS = ("cassandra", "dynamodb", "postgresql", "mysql")
THINGS, ACCOUNTS = "through_node.things", "through_node.accounts"
VALUES: dict[str, Any] = {
    "b": True,
    "i": -(2**31),
    "l": 2**53,
    "f": 0.5,
    "d": -1.5e-100,
    "t": "Größe 字 𠮷",
    "x": b"\x00\xff",
}
TYPES = {
    "b": "BOOLEAN",
    "i": "INT",
    "l": "BIGINT",
    "f": "FLOAT",
    "d": "DOUBLE",
    "t": "TEXT",
    "x": "BLOB",
}


@pytest.fixture(scope="module")
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    cluster = request.config.stash[shelf_key].take(request.param)
    settings = {
        **cluster.settings,
        "scalar.db.consensus_commit.isolation_level": "SERIALIZABLE",
        "scalar.db.consensus_commit.coordinator.namespace": "through_node_coordinator",
    }
    properties = "".join(f"{name}={value}\n" for name, value in settings.items())
    folder = tmp_path_factory.mktemp("node")
    options = ("--workers", "2", "--decommission", "0")
    with Node(folder, *options, properties=properties) as node:
        yield f"grpc://{node.where}"


@pytest.fixture(scope="module")
def db(url: str) -> Iterator[TransactionManager]:
    with scalar_tx.connect(url) as made:
        made.admin.create_coordinator_tables(if_not_exists=True)
        made.admin.create_table(
            THINGS,
            columns={"pk": "INT", "ck": "INT", **TYPES},
            partition_key=["pk"],
            clustering_key=["ck DESC"],
            secondary_index=["t"],
        )
        made.admin.create_table(
            ACCOUNTS, columns={"id": "INT", "balance": "BIGINT"}, partition_key=["id"]
        )
        yield made
        for table in (THINGS, ACCOUNTS):
            made.admin.drop_table(table)


at_each_server = pytest.mark.parametrize(
    "url",
    [pytest.param(name, id=name, marks=pytest.mark.servers(name)) for name in SERVERS],
    indirect=True,
    scope="module",
)


@at_each_server
def test_records_of_all_types_come_back(db: TransactionManager) -> None:
    nulls = dict.fromkeys(VALUES)
    for ck, values in enumerate((VALUES, nulls)):
        db.insert(THINGS, {"pk": 1, "ck": ck, **values})
        assert db.get(THINGS, {"pk": 1, "ck": ck}) == {"pk": 1, "ck": ck, **values}
    assert db.get(THINGS, {"pk": 1, "ck": 9}) is None
    db.delete(THINGS, {"pk": 1, "ck": 1})
    assert [one["ck"] for one in db.scan(THINGS, {"pk": 1})] == [0]


@at_each_server
def test_scans(db: TransactionManager) -> None:
    count = 250
    for first in range(0, count, 50):
        with db.transaction() as tx:
            for ck in range(first, first + 50):
                tx.insert(THINGS, {"pk": 2, "ck": ck, "i": ck % 7, "t": f"two {ck % 2}"})
    with db.transaction(read_only=True) as tx:
        assert [one["ck"] for one in tx.scan(THINGS, {"pk": 2})] == [*reversed(range(count))]
        found = tx.scan(THINGS, {"pk": 2}, start={"ck": 3}, end={"ck": 6}, order_by=["ck"])
        assert [one["ck"] for one in found] == [3, 4, 5, 6]
        assert [one["ck"] for one in tx.scan(THINGS, {"pk": 2}, limit=2)] == [249, 248]
        found = tx.scan(THINGS, {"pk": 2}, where=column("i") == 3, columns=["ck"])
        assert [one["ck"] for one in found] == [*reversed(range(3, count, 7))]
        assert len(tx.scan(THINGS, index={"t": "two 1"})) == count // 2
    with db.transaction(read_only=True) as tx, tx.scanner(THINGS, {"pk": 2}) as rows:
        assert [one["ck"] for one in rows] == [*reversed(range(count))]


@at_each_server
def test_conditions_and_conflicts(db: TransactionManager) -> None:
    key = {"pk": 3, "ck": 1}
    db.insert(THINGS, {**key, "i": 1})
    with db.transaction() as tx:
        with pytest.raises(ConditionNotMetError):
            tx.update(THINGS, key, {"i": 2}, where=column("i") == 9)
        with pytest.raises(ConditionNotMetError):
            tx.delete(THINGS, key, where=column("i") > 1)
        tx.update(THINGS, key, {"i": 2}, where=column("i") == 1)
    first, second = db.begin(), db.begin()
    for tx in (first, second):
        assert tx.get(THINGS, key, columns=["i"]) == {"i": 2}
        tx.update(THINGS, key, {"i": 3})
    first.commit()
    with pytest.raises(ConflictError):
        second.commit()
    assert db.state(first.id).name == "COMMITTED"
    assert db.scan(THINGS, {"pk": 3}, columns=["i"]) == [{"i": 3}]


@at_each_server
def test_ways_to_commit(db: TransactionManager, url: str) -> None:
    for number in (1, 2):
        db.upsert(ACCOUNTS, {"id": number, "balance": 100})

    @db.transactional
    def pay(tx: Any, amount: int) -> None:
        for number, change in ((1, -amount), (2, amount)):
            balance = tx.get(ACCOUNTS, {"id": number})["balance"]
            tx.update(ACCOUNTS, {"id": number}, {"balance": balance + change})

    pay(30)
    script = scalar_tx.Script()
    payer = script.get(ACCOUNTS, {"id": 1})
    script.require(payer["balance"] >= 20)
    script.update(ACCOUNTS, {"id": 1}, {"balance": payer["balance"] - 20})
    script.upsert(ACCOUNTS, {"id": 3, "balance": payer["balance"]})
    assert db.execute(script)[0]["balance"] == 70
    with scalar_tx.connect(url) as elsewhere, db.two_phase.begin() as part:
        part.upsert(ACCOUNTS, {"id": 2, "balance": 0})
        other = elsewhere.two_phase.join(part.id)
        other.upsert(ACCOUNTS, {"id": 4, "balance": 130})
        for step in ("prepare", "validate", "commit"):
            for one in (part, other):
                getattr(one, step)()
    found = {one["id"]: one["balance"] for one in db.scan(ACCOUNTS, whole_table=True)}
    assert found == {1: 50, 2: 0, 3: 70, 4: 130}
    given_up = db.begin()
    given_up.upsert(ACCOUNTS, {"id": 5, "balance": 1})
    assert db.settle(given_up.id).name == "ABORTED"
    with pytest.raises(ConflictError):
        given_up.commit()
    assert db.get(ACCOUNTS, {"id": 5}) is None
