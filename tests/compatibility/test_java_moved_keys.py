"""Java's batch over two tables puts DESC keys in the wrong place on DynamoDB, and ours does not."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, cast

import pytest

from scalar_tx import ConflictError, SchemaError
from scalar_tx.connection import parts_of
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.dynamo.misplaced import look_at_keys
from tests.compatibility.java_peer import NEWEST, JavaError
from tests.compatibility.places import at
from tests.compatibility.stored_shapes import cells
from tests.servers.fixtures import shelf_key

if TYPE_CHECKING:
    from scalar_tx.model.misplaced import MisplacedRecord
    from scalar_tx.storage.dynamo.storage import DynamoStorage
    from tests.compatibility.places import Place
    from tests.servers import Cluster

COLUMNS = {"p": "INT", "c": "INT", "n": "INT"}
# Consensus Commit sends its writes in the order of a hash: some of these tables come second.
DOWNS = tuple(f"down{number}" for number in range(4))
ASCENDING, DESCENDING = "80000005", "7ffffffa"


@pytest.fixture(scope="module")
def tables(place: Place) -> list[str]:
    place.create_coordinator()
    names = [f"{place.first}.{name}" for name in ("up", *DOWNS)]
    for name in names:
        order = "c" if name.endswith("up") else "c DESC"
        place.create_table(name, COLUMNS, ["p"], [order])
    return names


@pytest.fixture
def cluster(place: Place, request: pytest.FixtureRequest) -> Cluster:
    return request.config.stash[shelf_key].take("dynamodb")


def places_of(cluster: Cluster, table: str) -> dict[int, str]:
    """Where the record of each partition stands, as bytes."""
    return {
        int(item["p"]["N"]): item["concatenatedClusteringKey"]["B"].hex()
        for item in cells(cluster, table)
    }


def own_place(table: str) -> str:
    return ASCENDING if table.endswith("up") else DESCENDING


def misplaced(place: Place, table: str) -> list[MisplacedRecord]:
    storage = cast("DynamoStorage", parts_of(place.ours).storage)
    stored = run_blocking(storage.admin.table(table))
    assert stored is not None
    return [record for part in look_at_keys(storage, stored) for record in part.misplaced]


@at("dynamodb")
def test_we_put_each_key_where_its_own_table_wants_it(
    place: Place, cluster: Cluster, tables: list[str]
) -> None:
    key = {"p": 1, "c": 5}
    with place.ours.transaction() as tx:
        for table in tables:
            tx.insert(table, {**key, "n": 1})
    for table in tables:
        assert places_of(cluster, table)[1] == own_place(table)
        with place.java.transaction() as java_tx:
            assert java_tx.get(table, key) == {**key, "n": 1}
            assert java_tx.scan(table, {"p": 1}) == [{**key, "n": 1}]


@at("dynamodb")
def test_what_java_misplaces_is_noticed_found_and_put_right(
    place: Place, cluster: Cluster, tables: list[str]
) -> None:
    key = {"p": 2, "c": 5}
    with place.java.transaction() as java_tx:
        for table in tables:
            java_tx.insert(table, {**key, "n": 2})
    moved = [table for table in tables if places_of(cluster, table)[2] != own_place(table)]
    assert moved, "this release of the Java library has the defect no more"

    for table in moved:
        with place.java.transaction() as java_tx:
            assert java_tx.scan(table, {"p": 2}) == [{**key, "n": 2}]
            assert java_tx.get(table, key) is None, "found by scan, never by get"
        assert place.ours.get(table, key) is None
        with pytest.raises(SchemaError) as noticed:
            place.ours.scan(table, {"p": 2})
        assert noticed.value.code == "STX-3607"

        [record] = misplaced(place, table)
        assert (record.key, record.taken) == (key, False)
        assert record.put_right()
        assert misplaced(place, table) == []
        assert places_of(cluster, table)[2] == own_place(table)

    with place.ours.transaction() as tx:
        for table in tables:
            found = tx.get(table, key)
            assert found == {**key, "n": 2}
            assert tx.scan(table, {"p": 2}) == [found]
            tx.update(table, key, {"n": 3})
    for table in tables:
        with place.java.transaction() as java_tx:
            assert java_tx.get(table, key) == {**key, "n": 3}


@at("dynamodb")
def test_java_can_not_change_two_tables_but_we_can(
    place: Place, cluster: Cluster, tables: list[str]
) -> None:
    """Each in its right place, written in transactions of one table."""
    key = {"p": 3, "c": 5}
    for table in tables:
        with place.java.transaction() as java_tx:
            java_tx.insert(table, {**key, "n": 1})
    refused = place.java.begin()
    for table in tables:
        assert refused.get(table, key) is not None
        refused.update(table, key, {"n": 2})
    with pytest.raises(JavaError) as conflict:
        refused.commit()
    assert conflict.value.kind == "CommitConflictException"
    with place.ours.transaction() as tx:
        for table in tables:
            assert tx.get(table, key) == {**key, "n": 1}
            tx.update(table, key, {"n": 3})
    for table in tables:
        with place.java.transaction() as java_tx:
            assert java_tx.get(table, key) == {**key, "n": 3}


@at("dynamodb")
def test_we_settle_a_java_writer_in_a_table_of_descending_keys(
    place: Place, tables: list[str]
) -> None:
    """Its prepared record stands right where the batch has that table alone."""
    down = tables[1]
    session = place.session(place.shelf.peer(NEWEST), watched=True)
    key = {"p": 4, "c": 5}
    with session.transaction() as java_tx:
        java_tx.insert(down, {**key, "n": 1})
    pause = session.watch.pause("before", step="commit-state")
    writer = session.begin()
    assert writer.get(down, key) == {**key, "n": 1}
    writer.update(down, key, {"n": 2})
    committing = writer.commit_later()
    pause.wait_paused()
    place.java.storage_put(down, {**key, "tx_prepared_at": int(time.time() * 1000)})
    with pytest.raises(ConflictError) as alive, place.ours.transaction() as tx:
        tx.get(down, key)
    assert alive.value.other_transaction == writer.id
    place.java.storage_put(down, {**key, "tx_prepared_at": 1})
    assert place.ours.get(down, key) == {**key, "n": 1}
    place.ours.update(down, key, {"n": 3})
    pause.release()
    with pytest.raises(JavaError):
        committing.result()
    session.close()
    assert place.ours.get(down, key) == {**key, "n": 3}
