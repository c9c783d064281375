"""Do the storages of one transaction work at once, on the right threads, whatever way they wait?"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import connection
from scalar_tx.connection import parts_of
from scalar_tx.runtime.aio import AsyncioRuntime
from scalar_tx.runtime.blocking import BlockingRuntime
from scalar_tx.settings import load
from scalar_tx.storage import registry
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.routing import RoutedStorage
from scalar_tx.storage.sqlite import open_sqlite
from tests.storage.routing.meetings import (
    BlockingMemory,
    FuturesMemory,
    Meeting,
    Met,
    MetByFutures,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scalar_tx.storage.interface import Storage

HERE, THERE = "here.t", "there.t"
COLUMNS = {"id": "INT", "v": "INT"}
FACES = ("threads", "asyncio")

EVERY_STEP: dict[str, Any] = {"consensus_commit_one_phase_commit_enabled": False}


def sqlite(folder: Path, name: str) -> Storage:
    return open_sqlite(f"jdbc:sqlite:{folder}/{name}.db?journal_mode=MEMORY&synchronous=OFF")


KINDS: dict[str, Callable[[Path, str], Storage]] = {
    "blocks": lambda folder, name: BlockingMemory(),
    "sqlite": sqlite,
    "futures": lambda folder, name: FuturesMemory(),
    "memory": lambda folder, name: MemoryStorage(),
}
# Two kinds; under asyncio: does the whole call run in a worker thread?
PAIRS = [
    ("futures", "futures", False),
    ("futures", "memory", False),
    ("futures", "blocks", True),
    ("futures", "sqlite", True),
    ("blocks", "blocks", True),
    ("sqlite", "sqlite", True),
    ("sqlite", "memory", True),
]
TOGETHER = [pair for pair in PAIRS if "memory" not in pair]


class Parts:
    """Both storages of a manager, and where their calls meet."""

    def __init__(self, folder: Path, kinds: tuple[str, str], patch: pytest.MonkeyPatch) -> None:
        self.meeting = Meeting()
        self.met = {
            name: (MetByFutures if kind == "futures" else Met)(
                KINDS[kind](folder, name), self.meeting
            )
            for name, kind in zip(("first", "second"), kinds, strict=True)
        }
        storage = RoutedStorage(self.met, default="first", namespaces={"there": "second"})
        patch.setattr(registry, "open_storage", lambda settings: storage)

    def forget(self) -> None:
        for one in self.met.values():
            one.threads.clear()
            one.calls.clear()

    @property
    def threads(self) -> set[str]:
        return {name for one in self.met.values() for name in one.threads}


@pytest.fixture
def parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Parts:
    first, second, *_ = request.param
    return Parts(tmp_path, (first, second), monkeypatch)


def both(tx: Any) -> None:
    for table in (HERE, THERE):
        tx.upsert(table, {"id": 1, "v": 1})


async def both_awaited(tx: Any) -> None:
    for table in (HERE, THERE):
        await tx.upsert(table, {"id": 1, "v": 1})


async def in_asyncio(work: Callable[[Any], Any]) -> None:
    async with scalar_tx.connect_async("memory://", **EVERY_STEP) as db:
        await work(db)


@pytest.mark.parametrize("parts", TOGETHER, indirect=True, ids=lambda pair: f"{pair[0]}, {pair[1]}")
@pytest.mark.parametrize("face", FACES)
def test_prepares_and_finishes_of_both_are_on_their_way_at_once(parts: Parts, face: str) -> None:
    def watched() -> None:
        assert parts.meeting.missed == []
        assert parts.meeting.met == ["prepare", "finish"]
        for name, one in parts.met.items():
            decides = ["decide"] if name == "first" else []
            assert [c for c in one.calls if c != "read"] == ["prepare", *decides, "finish"]

    if face == "threads":
        with scalar_tx.connect("memory://", **EVERY_STEP) as db:
            for table in (HERE, THERE):
                db.admin.create_table(table, columns=COLUMNS, partition_key=["id"])
            parts.meeting.expect(2)
            db.run(both)
        watched()
        return

    async def work(db: Any) -> None:
        for table in (HERE, THERE):
            await db.admin.create_table(table, columns=COLUMNS, partition_key=["id"])
        parts.meeting.expect(2)
        await db.run(both_awaited)

    asyncio.run(in_asyncio(work))
    watched()


@pytest.mark.parametrize("parts,in_thread", [(p, p[2]) for p in PAIRS], indirect=["parts"], ids=str)
def test_under_asyncio_one_that_blocks_takes_the_whole_call_off_the_loop(
    parts: Parts, in_thread: bool
) -> None:
    loops_own = threading.current_thread().name

    async def work(db: Any) -> None:
        for table in (HERE, THERE):
            await db.admin.create_table(table, columns=COLUMNS, partition_key=["id"])
        await db.upsert(THERE, {"id": 2, "v": 7})
        parts.forget()
        await db.run(both_awaited)
        assert (await db.get(THERE, {"id": 2}))["v"] == 7
        async with db.transaction() as tx:
            assert len(await tx.scan(HERE, whole_table=True)) == 1
            assert len(await tx.scan(THERE, whole_table=True)) == 2
            async with await tx.scanner(THERE, whole_table=True) as found:
                assert [one["v"] async for one in found]

    asyncio.run(in_asyncio(work), debug=True)
    assert parts.threads
    if in_thread:
        assert all(name.startswith("scalar_tx") for name in parts.threads), parts.threads
    else:
        assert parts.threads == {loops_own}


@pytest.mark.parametrize("parts", PAIRS, indirect=True, ids=lambda pair: f"{pair[0]}, {pair[1]}")
def test_futures_are_waited_for_by_the_runtime_that_runs_the_call(parts: Parts) -> None:
    async def work(db: Any) -> None:
        runtime = parts_of(db).runtime
        blocks = any(isinstance(one.inner, BlockingMemory) for one in parts.met.values())
        blocks = blocks or any("Sqlite" in type(one.inner).__name__ for one in parts.met.values())
        assert isinstance(runtime, BlockingRuntime if blocks else AsyncioRuntime)
        for one in parts.met.values():
            if isinstance(one.inner, FuturesMemory):
                assert one.inner.waiter is runtime

    asyncio.run(in_asyncio(work))


def test_how_many_threads_there_are_for_parallel_steps(tmp_path: Path) -> None:
    settings = load("memory://", {"consensus_commit_parallel_executor_count": 7})
    one_after_another = load(
        "memory://",
        {
            f"consensus_commit_parallel_{step}_enabled": False
            for step in ("preparation", "commit", "rollback")
        },
    )

    def workers(*kinds: str) -> int:
        storages = {str(i): KINDS[kind](tmp_path, str(i)) for i, kind in enumerate(kinds)}
        several = RoutedStorage(storages, default="0")
        assert connection.workers_for(one_after_another, several) == 0
        return connection.workers_for(settings, several)

    # Memory answers at once, and one SQLite file has one writer; two files have two.
    assert workers("memory", "memory") == 0
    assert workers("memory", "sqlite") == 0
    assert workers("sqlite", "sqlite") == 7
    assert workers("memory", "futures", "sqlite") == 7
