"""Why reads by index and of whole tables are refused at SERIALIZABLE, and how one gets round it."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.consensus_commit import isolation
from scalar_tx.errors import InvalidOperationError
from scalar_tx.storage.dynamo.storage import DynamoStorage
from scalar_tx.storage.interface import ReadKind, StorageInfo
from tests.storage.dynamo.older_answers import OlderAnswers, before_each_page
from tests.storage.dynamo.on_local import own_properties, properties_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.servers import Cluster

TABLE = "bank.account"


@pytest.fixture(scope="module")
def properties(dynamodb_server: Cluster) -> dict[str, str]:
    known = own_properties(dynamodb_server)
    with scalar_tx.connect(known) as db:
        db.admin.create_coordinator_tables()
        db.admin.create_table(
            TABLE,
            columns={"id": "INT", "owner": "TEXT"},
            partition_key=["id"],
            secondary_index=["owner"],
        )
        db.admin.create_table(
            "bank.token", columns={"place": "INT", "n": "INT"}, partition_key=["place"]
        )
    return known


@pytest.fixture
def believed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take every read for linearizable: nothing is refused, and all is validated."""
    real = DynamoStorage.info

    def info(storage: DynamoStorage, table: str) -> StorageInfo:
        return replace(real(storage, table), linearizable=frozenset(ReadKind))

    monkeypatch.setattr(DynamoStorage, "info", info)


REFUSED: dict[str, dict[str, Any]] = {
    "an index": {"index": {"owner": "ann"}},
    "a whole table": {"whole_table": True},
}


@pytest.mark.parametrize("read", REFUSED)
def test_refused_for_threads(properties: dict[str, str], read: str) -> None:
    how = REFUSED[read]
    with scalar_tx.connect(properties) as db:
        calls = [lambda tx: tx.scan(TABLE, **how), lambda tx: list(tx.scanner(TABLE, **how))]
        if "index" in how:
            calls.append(lambda tx: tx.get(TABLE, **how))
        for call in calls:
            with pytest.raises(InvalidOperationError) as caught:
                db.run(call)
            judge(caught.value)
        for level in ("SNAPSHOT", "READ_COMMITTED"):
            db.run(lambda tx: tx.scan(TABLE, **how), isolation=level)
        db.run(lambda tx: tx.scan(TABLE, weak=True, **how))


@pytest.mark.parametrize("read", REFUSED)
def test_refused_for_tasks(properties: dict[str, str], read: str) -> None:
    how = REFUSED[read]

    async def both() -> None:
        async with scalar_tx.connect_async(properties) as db:

            async def scan(tx: Any, **more: Any) -> None:
                await tx.scan(TABLE, **how, **more)

            with pytest.raises(InvalidOperationError) as caught:
                await db.run(scan)
            judge(caught.value)
            await db.run(scan, isolation="SNAPSHOT")
            await db.run(scan, weak=True)

    asyncio.run(both())


def judge(error: InvalidOperationError) -> None:
    assert error.code == "STX-3031"
    for way_out in ("lookup table", "SNAPSHOT", "weak=True"):
        assert way_out in error.advice


def test_a_file_that_names_the_level_is_obeyed_with_one_warning(
    tmp_path: Path,
    properties: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(isolation, "_warned", set())
    level = {"scalar.db.consensus_commit.isolation_level": "SERIALIZABLE"}
    file = properties_file(tmp_path, {**properties, **level})
    with caplog.at_level(logging.WARNING, "scalar_tx.isolation"), scalar_tx.connect(file) as db:
        for _ in range(2):
            db.run(lambda tx: tx.scan(TABLE, index={"owner": "nobody"}))
    assert [record.name for record in caplog.records] == ["scalar_tx.isolation"]
    assert "not linearizable" in caplog.text


def claim(tx: Any, number: int, owner: str, **how: Any) -> bool:
    """Nobody may have two accounts: whoever finds none opens one."""
    if tx.scan(TABLE, index={"owner": owner}, **how):
        return False
    tx.insert(TABLE, {"id": number, "owner": owner})
    return True


def claimed_twice(properties: dict[str, str], owner: str, first: int, **how: Any) -> list[bool]:
    with scalar_tx.connect(properties) as db:
        return [db.run(claim, first + i, owner, **how) for i in range(2)]


@pytest.mark.usefixtures("believed")
def test_an_index_that_keeps_up_could_be_believed(
    properties: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    OlderAnswers(monkeypatch)
    assert claimed_twice(properties, "bob", 10) == [True, False]


@pytest.mark.usefixtures("believed")
def test_an_index_that_lags_breaks_a_validated_transaction(
    properties: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    index = OlderAnswers(monkeypatch)
    index.behind = True
    # In every serial order one of the two finds the other's account.
    assert claimed_twice(properties, "eve", 20) == [True, True]
    assert index.older > 0


def test_what_weak_means(properties: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    index = OlderAnswers(monkeypatch)
    index.behind = True
    assert claimed_twice(properties, "joe", 30, weak=True) == [True, True]
    with pytest.raises(InvalidOperationError):
        claimed_twice(properties, "may", 40)


def token_at(tx: Any, there: int, here: int) -> None:
    """Move the token, of which there is always one."""
    if tx.get("bank.token", {"place": there}) is not None:
        tx.delete("bank.token", {"place": there})
        tx.insert("bank.token", {"place": here, "n": 1})


def seen_places(tx: Any, **how: Any) -> set[int]:
    return {row["place"] for row in tx.scan("bank.token", whole_table=True, **how)}


def places_in_order(properties: dict[str, str]) -> tuple[int, int, int]:
    """Three records, the last one the token, as a scan meets them; the first place is free."""
    with scalar_tx.connect(properties) as db:
        for place in (1, 2, 3):
            db.upsert("bank.token", {"place": place, "n": 0})
        rows = db.run(lambda tx: tx.scan("bank.token", whole_table=True, weak=True))
        first, middle, last = (row["place"] for row in rows)
        db.delete("bank.token", {"place": first})
    return first, middle, last


@pytest.mark.usefixtures("believed")
def test_a_scan_of_a_whole_table_is_no_snapshot_even_when_validated(
    properties: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, middle, last = places_in_order(properties)
    pages = {**properties, "scalar.db.scan_fetch_size": "1"}
    with scalar_tx.connect(properties) as other, scalar_tx.connect(pages) as db:
        assert db.run(seen_places) == {middle, last}

        def move(is_first_page: bool) -> None:
            # It always goes where the scan does not look any more, or has not looked yet.
            there, here = (first, last) if is_first_page else (last, first)
            other.run(token_at, there, here)

        with monkeypatch.context() as patched:
            before_each_page(patched, "bank.token", move)
            # The scan of the validation meets the same: no serial order has a moment without it.
            assert db.run(seen_places, retry=0) == {middle}
        assert db.run(seen_places) == {first, middle}


def test_a_scan_of_a_whole_table_is_refused(properties: dict[str, str]) -> None:
    with scalar_tx.connect(properties) as db:
        with pytest.raises(InvalidOperationError):
            db.run(seen_places)
        db.run(seen_places, weak=True)
