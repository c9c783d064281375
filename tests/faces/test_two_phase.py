"""Several processes, one transaction: what a caller types, on both faces."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import (
    ConflictError,
    InvalidOperationError,
    TransactionNotFoundError,
    TransactionState,
)
from tests.faces.either import Face, close, entered, now

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ORDER, STOCK = "shop.order", "depot.stock"


@pytest.fixture
def services(face: Face, tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """Two managers, each with a database of its own; the coordinator's is common to both."""
    opened = [face.open(properties(tmp_path, name)) for name in ("shop", "depot")]
    with scalar_tx.connect(properties(tmp_path, "shop")) as db:
        db.admin.create_coordinator_tables()
        db.admin.create_table(ORDER, columns={"id": "INT", "item": "TEXT"}, partition_key=["id"])
    with scalar_tx.connect(properties(tmp_path, "depot")) as db:
        db.admin.create_table(
            STOCK, columns={"item": "TEXT", "left": "INT"}, partition_key=["item"]
        )
        db.upsert(STOCK, {"item": "tea", "left": 5})
    yield (opened[0], opened[1])
    for db in opened:
        close(db)


def properties(folder: Path, own: str) -> dict[str, str]:
    def url(name: str) -> str:
        return f"jdbc:sqlite:{folder / name}.db?synchronous=OFF"

    return {
        "scalar.db.storage": "multi-storage",
        "scalar.db.multi_storage.storages": "own,common",
        "scalar.db.multi_storage.storages.own.storage": "jdbc",
        "scalar.db.multi_storage.storages.own.contact_points": url(own),
        "scalar.db.multi_storage.storages.common.storage": "jdbc",
        "scalar.db.multi_storage.storages.common.contact_points": url("common"),
        "scalar.db.multi_storage.namespace_mapping": "coordinator:common",
        "scalar.db.multi_storage.default_storage": "own",
        "scalar.db.consensus_commit.isolation_level": "SERIALIZABLE",
    }


async def order(shop: Any, depot: Any, number: int) -> tuple[Any, Any]:
    """An order in one service takes from the stock of the other."""
    here = shop.two_phase.begin()
    there = depot.two_phase.join(here.id)
    await now(here.insert(ORDER, {"id": number, "item": "tea"}))
    stock = await now(there.get(STOCK, {"item": "tea"}))
    await now(there.update(STOCK, {"item": "tea"}, {"left": stock["left"] - 1}))
    return here, there


async def left(depot: Any) -> int:
    stock = await now(depot.get(STOCK, {"item": "tea"}))
    found: int = stock["left"]
    return found


async def test_two_services_commit_together(services: tuple[Any, Any]) -> None:
    shop, depot = services
    here, there = await order(shop, depot, 1)
    done: list[str] = []
    here.on_commit(done.append, "here")
    there.on_commit(done.append, "there")
    for part in (here, there):
        await now(part.prepare())
    for part in (here, there):
        await now(part.validate())
    assert (here.outcome, done) == (None, [])
    for part in (there, here):
        await now(part.commit(parts=2))
    assert here.outcome is there.outcome is TransactionState.COMMITTED
    assert done == ["there", "here"]
    assert await left(depot) == 4
    assert await now(shop.get(ORDER, {"id": 1})) is not None
    assert await now(shop.state(here.id)) is TransactionState.COMMITTED
    assert await now(depot.state(here.id)) is TransactionState.COMMITTED


async def test_what_fails_in_one_service_fails_in_the_other(services: tuple[Any, Any]) -> None:
    shop, depot = services
    here, there = await order(shop, depot, 1)
    await now(here.prepare())
    await now(depot.update(STOCK, {"item": "tea"}, {"left": 9}))
    with pytest.raises(ConflictError) as told:
        await now(there.prepare())
    assert told.value.transaction_id == here.id
    await now(here.rollback())
    assert here.outcome is there.outcome is TransactionState.ABORTED
    assert await left(depot) == 9
    assert await now(shop.get(ORDER, {"id": 1})) is None


async def test_a_later_request_goes_on_where_an_earlier_one_stopped(
    services: tuple[Any, Any],
) -> None:
    shop, depot = services
    async with entered(shop.two_phase.begin()) as here:
        await now(here.insert(ORDER, {"id": 1, "item": "tea"}))
    async with entered(depot.two_phase.join(here.id)) as there:
        await now(there.update(STOCK, {"item": "tea"}, {"left": 1}))
    for step in ("prepare", "validate", "commit"):
        for db in (shop, depot):
            async with entered(db.two_phase.resume(here.id)) as part:
                await now(getattr(part, step)())
    assert await left(depot) == 1
    for db in (shop, depot):
        with pytest.raises(TransactionNotFoundError):
            db.two_phase.resume(here.id)


@pytest.mark.parametrize("prepared", [False, True])
async def test_an_exception_leaves_the_block_and_rolls_back(
    services: tuple[Any, Any], prepared: bool
) -> None:
    shop, depot = services
    here, there = await order(shop, depot, 1)
    await now(there.prepare())

    async def sold_out() -> None:
        async with entered(here):
            if prepared:
                await now(here.prepare())
            raise RuntimeError("no more tea")

    with pytest.raises(RuntimeError, match="no more tea"):
        await sold_out()
    assert here.outcome is TransactionState.ABORTED
    if not prepared:  # nothing tells the other part, so it is told
        await now(there.rollback())
    else:
        await now(there.validate())
        with pytest.raises(ConflictError):
            await now(there.commit())
    assert await left(depot) == 5
    assert await now(shop.get(ORDER, {"id": 1})) is None


async def test_ids(services: tuple[Any, Any]) -> None:
    shop, depot = services
    here = shop.two_phase.begin(id="order-1")
    assert here.id == "order-1"
    there = depot.two_phase.join("order-1")
    assert there.id == "order-1"
    assert depot.two_phase.resume("order-1") is there
    for db, call in ((shop, "begin"), (depot, "join")):
        with pytest.raises(InvalidOperationError) as refused:
            getattr(db.two_phase, call)(
                **{"id" if call == "begin" else "transaction_id": "order-1"}
            )
        assert refused.value.code == "STX-3043"
    for wrong in ("", "a,b", "x" * 65, "g" * 24 + "$m", 7):
        with pytest.raises(InvalidOperationError) as refused:
            depot.two_phase.join(wrong)
        assert refused.value.code == "STX-3030"
    with pytest.raises(TransactionNotFoundError):  # an ordinary transaction is another thing
        shop.resume("order-1")


async def test_group_commit_and_several_processes_do_not_go_together(face: Face) -> None:
    name = "scalar.db.consensus_commit.coordinator.group_commit.enabled"
    db = face.open({"scalar.db.storage": "memory", name: "true"})
    for call in (db.two_phase.begin, lambda: db.two_phase.join("a")):
        with pytest.raises(InvalidOperationError) as refused:
            call()
        assert refused.value.code == "STX-3055"
    await now(db.close())


OTHER_PROCESS = """
import sys, scalar_tx
folder, transaction_id = sys.argv[1:]
from tests.faces.test_two_phase import properties, STOCK
from pathlib import Path
with scalar_tx.connect(properties(Path(folder), "depot")) as depot:
    part = depot.two_phase.join(transaction_id)
    part.update(STOCK, {"item": "tea"}, {"left": 2})
    for line in sys.stdin:
        getattr(part, line.strip())()
        print("done", line.strip(), flush=True)
"""


def test_across_processes(tmp_path: Path) -> None:
    with (
        scalar_tx.connect(properties(tmp_path, "shop")) as shop,
        scalar_tx.connect(properties(tmp_path, "depot")) as depot,
    ):
        shop.admin.create_coordinator_tables()
        shop.admin.create_table(ORDER, columns={"id": "INT", "item": "TEXT"}, partition_key=["id"])
        depot.admin.create_table(
            STOCK, columns={"item": "TEXT", "left": "INT"}, partition_key=["item"]
        )
        depot.upsert(STOCK, {"item": "tea", "left": 5})
        with shop.two_phase.begin() as here:
            here.insert(ORDER, {"id": 1, "item": "tea"})
            command = [sys.executable, "-c", OTHER_PROCESS, str(tmp_path), here.id]
            with subprocess.Popen(
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            ) as other:
                assert other.stdin is not None
                assert other.stdout is not None
                for step in ("prepare", "validate", "commit"):
                    other.stdin.write(step + "\n")
                    other.stdin.flush()
                    getattr(here, step)()
                    assert other.stdout.readline() == f"done {step}\n"
                other.stdin.close()
            assert other.returncode == 0
        found = depot.get(STOCK, {"item": "tea"})
        assert found is not None
        assert found["left"] == 2
        assert shop.get(ORDER, {"id": 1}) is not None
