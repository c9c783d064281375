"""Does what is expired go, and nothing else, by steps that a restart may fall between?"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from scalar_auditor.identity import purging
from scalar_tx.errors import StorageUnavailableError
from scalar_tx.model.isolation import Isolation
from tests.services.identity.world import ADA, BOB, MINUTE, World

if TYPE_CHECKING:
    import pytest

HOUR = 60 * 60.0


def purge(world: World) -> None:
    stage = world.stage
    stage.run(purging.purge(stage.manager, stage.gate, world.clock.now_ms))


def tokens(world: World) -> list[dict[str, Any]]:
    return world.stage.rows("identity.user_token")


def test_expired_tokens_go_and_others_stay(world: World) -> None:
    world.register(ADA)
    world.admin.CreateServiceToken(name="importer", lifetime_seconds=13 * 60 * 60)
    world.later(11 * HOUR)
    late = world.tokens(ADA)
    purge(world)
    now = world.clock.now_ms()
    assert all(row["expires_at"] > now for row in tokens(world))
    world.later(1 * HOUR)
    purge(world)
    kinds = sorted((row["user_email"], row["token_type"]) for row in tokens(world))
    assert kinds == [(ADA, "REFRESH"), ("service:importer", "SERVICE")]
    world.nobody.Refresh(refresh_token=late.refresh_token)
    world.later(20 * HOUR)
    purge(world)
    assert tokens(world) == []


def test_a_code_goes_when_its_hour_is_over(world: World) -> None:
    world.register(ADA)
    for _ in range(3):
        world.code_for(ADA)
    world.later(HOUR - 1)
    purge(world)
    assert [row["sent_count"] for row in world.stage.rows("identity.user_otp")] == [3]
    world.later(1)
    purge(world)
    assert world.stage.rows("identity.user_otp") == []


def test_a_code_stays_as_long_as_the_last_of_it_counts(world: World) -> None:
    world.register(ADA)
    for wait in (0, 30 * MINUTE, 20 * MINUTE):
        world.later(wait)
        world.code_for(ADA)
    world.later(15 * MINUTE)  # the first is an hour old, and no code is good any more
    purge(world)
    assert len(world.stage.rows("identity.user_otp")) == 1
    world.later(45 * MINUTE)
    purge(world)
    assert world.stage.rows("identity.user_otp") == []


def test_it_goes_by_steps_that_see_every_row_once(world: World) -> None:
    for number in range(2 * purging.TOGETHER + 7):
        world.stage.put(
            "identity.user_token",
            user_email=f"user{number % 9}@example.org",
            token_id=f"{number:032x}",
            token_hash="x",
            token_type="ACCESS",
            family_id="f",
            parent_token_id="",
            used_at=0,
            expires_at=1 if number % 2 else 10**13,
            created_at=1,
        )
    manager = world.stage.manager
    steps, position = 0, purging.BEGINNING
    while position is not None:
        before = len(tokens(world))
        work = manager.run(purging.step, position, 10, isolation=Isolation.SNAPSHOT)
        position = world.stage.run(work)
        assert before - len(tokens(world)) <= purging.TOGETHER
        steps += 1
    assert steps == 4  # three over the tokens, one over the codes
    assert len(tokens(world)) == purging.TOGETHER + 4
    assert all(row["expires_at"] > 10 for row in tokens(world))


def test_a_pause_holds_it_up(world: World) -> None:
    world.register(BOB)
    world.later(20 * HOUR)

    async def paused() -> None:
        world.stage.gate.close()
        running = asyncio.ensure_future(
            purging.purge(world.stage.manager, world.stage.gate, world.clock.now_ms)
        )
        await asyncio.sleep(0.2)
        assert not running.done()
        assert len(await world.stage.manager.scan("identity.user_token", whole_table=True)) == 2
        world.stage.gate.open()
        await running

    world.stage.run(paused())
    assert tokens(world) == []


def test_it_is_done_again_and_again(
    world: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also behind a round that failed."""
    monkeypatch.setattr(purging, "HOUR", 0.02)
    world.register(ADA)
    rounds, third = 0, asyncio.Event()
    purge = purging.purge

    async def failing_first(*args: Any) -> None:
        nonlocal rounds
        rounds += 1
        if rounds == 1:
            raise StorageUnavailableError("away: canary-of-the-database")
        await purge(*args)
        if rounds == 3:
            third.set()

    monkeypatch.setattr(purging, "purge", failing_first)

    async def for_a_while() -> None:
        stage = world.stage
        running = asyncio.ensure_future(
            purging.keep_purged(stage.manager, stage.gate, world.clock.now_ms)
        )
        world.later(20 * HOUR)
        await asyncio.wait_for(third.wait(), 30)
        running.cancel()

    world.stage.run(for_a_while())
    assert tokens(world) == []
    assert "kept for another hour: StorageUnavailableError" in caplog.text
    assert "canary" not in caplog.text
