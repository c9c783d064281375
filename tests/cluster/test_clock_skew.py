"""Is the skew of each storage's clock told, beside transactions, and only where there is one?"""

from __future__ import annotations

import asyncio
import math
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.cluster import clock_skew
from scalar_tx.cluster.clock_skew import clocks_of, keep_measured
from scalar_tx.connection import parts_of
from scalar_tx.errors import StorageUnavailableError
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.routing import RoutedStorage

if TYPE_CHECKING:
    from tests.servers import Cluster

ENOUGH_S = 3.0  # one machine, and DynamoDB tells whole seconds


class Clocked(MemoryStorage):
    """A storage whose clock is half a second ahead, but not always to be asked."""

    def __init__(self) -> None:
        super().__init__()
        self.answers: list[float | Exception | None] = []

    async def clock_ahead_ms(self) -> float | None:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


async def told(manager: Any, times: int) -> list[tuple[str, float]]:
    """What is told first."""
    found: list[tuple[str, float]] = []
    enough = asyncio.Event()

    def tell(storage: str, seconds: float) -> None:
        found.append((storage, seconds))
        if len(found) == times:
            enough.set()

    keeping = asyncio.ensure_future(keep_measured(manager, tell))
    await asyncio.wait_for(enough.wait(), 30)
    keeping.cancel()
    return found


def test_storages_without_a_clock_have_none() -> None:
    clocked = Clocked()
    assert clocks_of(MemoryStorage()) == {}
    assert clocks_of(clocked) == {"memory": clocked}
    several = RoutedStorage({"one": MemoryStorage(), "two": clocked}, default="one")
    assert clocks_of(several) == {"two": clocked}


def test_what_is_told_of_a_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    away = StorageUnavailableError("planted")
    clocked = Clocked()
    clocked.answers = [away, None, 500.0, away, -2000.0]
    monkeypatch.setattr(clock_skew, "SECONDS", 0.0)

    async def look() -> list[tuple[str, float]]:
        async with scalar_tx.connect_async("memory://") as db:
            monkeypatch.setattr(parts_of(db), "storage", clocked)
            return await told(db, 3)

    first, second, third = asyncio.run(look())
    assert first == ("memory", -0.5)  # ours is behind
    assert math.isnan(second[1])
    assert third == ("memory", 2.0)


@pytest.mark.parametrize("kind", ["postgresql", "mysql", "cassandra", "dynamodb"])
@pytest.mark.servers("postgresql", "mysql", "cassandra", "dynamodb")
def test_servers_on_this_machine(kind: str, request: pytest.FixtureRequest) -> None:
    server: Cluster = request.getfixturevalue(f"{kind}_server")

    async def look() -> list[tuple[str, float]]:
        async with scalar_tx.connect_async(server.properties()) as db:
            return await told(db, 1)

    [(_, seconds)] = asyncio.run(look())
    assert abs(seconds) < ENOUGH_S
