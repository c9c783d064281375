"""Do users take turns at what is large, and do others get on behind each piece of it?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from scalar_tx.cluster import turns as module
from scalar_tx.cluster.turns import Turns, at_once

if TYPE_CHECKING:
    from collections.abc import Generator


def three_pieces(done: list[str], name: str) -> Generator[None, None, str]:
    for number in range(3):
        done.append(f"{name}{number}")
        yield
    return name


def test_others_get_on_behind_each_piece() -> None:
    async def steps() -> list[str]:
        done: list[str] = []

        async def other() -> None:
            for _ in range(3):
                done.append("other")
                await asyncio.sleep(0)

        found, _ = await asyncio.gather(
            Turns(lambda: 0.0).in_pieces(three_pieces(done, "a")), other()
        )
        assert found == "a"
        return done

    assert asyncio.run(steps()) == ["a0", "other", "a1", "other", "a2", "other"]


def test_behind_each_piece_is_a_rest_as_long_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []

    async def sleep(seconds: float) -> None:
        rests.append(seconds)

    times = iter([0.0, 0.003, 1.0, 1.5, 2.0, 2.0, 3.0])
    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(Turns(lambda: next(times)).in_pieces(three_pieces([], "a")))
    assert rests == [0.003, module.LONGEST_REST, 0.0]


def in_turn(*wanted: tuple[str, str]) -> tuple[list[str], Turns]:
    """The order in which work is done that is wanted at once, by owner and name."""

    async def steps() -> tuple[list[str], Turns]:
        turns, done = Turns(), list[str]()

        async def one(owner: str, name: str) -> None:
            async with turns.turn(owner, 10):
                await turns.in_pieces(three_pieces([], name))
                done.append(name)

        await asyncio.gather(*(one(*each) for each in wanted))
        return done, turns

    return asyncio.run(steps())


def test_one_who_has_much_to_do_holds_up_nobody_who_has_little() -> None:
    done, turns = in_turn(*(("ada", f"a{n}") for n in range(5)), ("bob", "b0"), ("cy", "c0"))
    assert done == ["a0", "a1", "b0", "c0", "a2", "a3", "a4"]
    assert turns.waiting_bytes == 0
    assert not turns._taken


def test_where_much_waits_nobody_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    rests: list[float] = []
    sleep = asyncio.sleep

    async def told(seconds: float) -> None:
        rests.append(seconds)
        await sleep(0)

    async def steps() -> None:
        times = iter(range(1000))
        turns = Turns(lambda: float(next(times)))

        async def one() -> None:
            async with turns.turn("ada", module.MOST_WAITING):
                await turns.in_pieces(three_pieces([], "a"))

        await asyncio.gather(one(), one(), one())

    monkeypatch.setattr(asyncio, "sleep", told)
    asyncio.run(steps())
    # Nobody waits yet behind the first piece; then two do, then one, which is not too much.
    assert rests == [module.LONGEST_REST] + [0.0] * 2 + [module.LONGEST_REST] * 6


@pytest.mark.parametrize("given", [False, True])
def test_a_turn_is_passed_on_by_one_who_is_gone(given: bool) -> None:
    async def steps() -> None:
        turns = Turns()

        async def one() -> None:
            async with turns.turn("ada", 10):
                await asyncio.sleep(0)

        async with turns.turn("ada", 10):
            gone, there = asyncio.ensure_future(one()), asyncio.ensure_future(one())
            await asyncio.sleep(0)
            if not given:
                gone.cancel()
        if given:  # the turn is theirs by now, and they do not know it yet
            gone.cancel()
        await asyncio.wait_for(there, 5)
        assert gone.cancelled()
        async with asyncio.timeout(5), turns.turn("bob", 10):
            assert turns.waiting_bytes == 0

    asyncio.run(steps())


def test_one_that_fails_leaves_its_turn() -> None:
    async def steps() -> None:
        turns = Turns()
        with pytest.raises(ValueError, match="it"):
            async with turns.turn("ada", 10):
                raise ValueError("it")
        async with asyncio.timeout(5), turns.turn("bob", 10):
            assert at_once(three_pieces([], "a")) == "a"

    asyncio.run(steps())
