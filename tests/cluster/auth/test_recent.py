"""How old may an answer be that is given again?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from scalar_tx.cluster.auth.recent import Recent

if TYPE_CHECKING:
    from tests.cluster.auth.world import Clock


class Source:
    """Answers with what is true at the moment at which it is asked, when it is let."""

    def __init__(self) -> None:
        self.truth = 0
        self.asked = 0
        self.go = asyncio.Event()
        self.go.set()

    async def ask(self) -> int:
        self.asked += 1
        found = self.truth
        await self.go.wait()
        return found


async def test_an_answer_is_given_again_for_a_while(clock: Clock) -> None:
    recent: Recent[int] = Recent(4, 10, clock.elapsed)
    source = Source()
    assert await recent.get("a", source.ask) == 0
    source.truth = 1
    clock.move(3.9)
    assert await recent.get("a", source.ask) == 0
    clock.move(0.1)
    assert await recent.get("a", source.ask) == 1
    assert source.asked == 2


async def test_the_age_counts_from_the_question(clock: Clock) -> None:
    recent: Recent[int] = Recent(4, 10, clock.elapsed)
    source = Source()
    source.go.clear()
    first = asyncio.create_task(recent.get("a", source.ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.truth = 1
    clock.move(3)
    joined = asyncio.create_task(recent.get("a", source.ask))
    await asyncio.sleep(0)
    clock.move(1)  # the question is four seconds old
    late = asyncio.create_task(recent.get("a", source.ask))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.go.set()
    assert [await first, await joined, await late] == [0, 0, 1]
    assert source.asked == 2
    assert await recent.get("a", source.ask) == 1  # the newer one is kept
    assert source.asked == 2


async def test_a_slow_answer_does_not_replace_a_newer_one(clock: Clock) -> None:
    recent: Recent[int] = Recent(4, 10, clock.elapsed)
    slow, quick = Source(), Source()
    slow.go.clear()
    quick.truth = 1
    first = asyncio.create_task(recent.get("a", slow.ask))
    await asyncio.sleep(0)
    clock.move(4)
    assert await recent.get("a", quick.ask) == 1
    slow.go.set()
    assert await first == 0
    assert await recent.get("a", slow.ask) == 1
    assert (slow.asked, quick.asked) == (1, 1)


async def test_at_most_so_many(clock: Clock) -> None:
    recent: Recent[int] = Recent(4, 10, clock.elapsed)
    source = Source()

    async def nothing() -> None:
        return None

    for n in range(100):
        await recent.get(str(n), source.ask)
        await recent.get("often", source.ask)
    assert len(recent) == 10
    assert source.asked == 101
    for n in range(100):
        assert await recent.get(f"no {n}", nothing) is None
    assert len(recent) == 20
    assert await recent.get("often", source.ask) == 0  # nothing pushed it out
    assert source.asked == 101
    recent.forget(lambda answer: answer == 0)
    assert len(recent) == 10
    assert not recent._asked


async def test_errors_are_not_kept(clock: Clock) -> None:
    recent: Recent[int] = Recent(4, 10, clock.elapsed)

    async def fail() -> int:
        await asyncio.sleep(0)
        raise ValueError

    calls = [asyncio.create_task(recent.get("a", fail)) for _ in range(3)]
    for call in calls:
        with pytest.raises(ValueError):
            await call
    assert (len(recent), len(recent._asked)) == (0, 0)
    assert await recent.get("a", Source().ask) == 0


async def test_who_asks_first_may_go(clock: Clock) -> None:
    recent: Recent[int] = Recent(4, 10, clock.elapsed)
    source = Source()
    source.go.clear()
    first = asyncio.create_task(recent.get("a", source.ask))
    await asyncio.sleep(0)
    second = asyncio.create_task(recent.get("a", source.ask))
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    source.go.set()
    assert await second == 0
    assert source.asked == 1
    await recent.close()
