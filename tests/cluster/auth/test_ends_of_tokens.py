"""When is a token good no more?"""

from __future__ import annotations

import asyncio

import pytest

from scalar_tx.cluster.auth.refusals import NotAuthenticatedError
from scalar_tx.cluster.auth.tables import TOKENS
from scalar_tx.cluster.auth.token_store import MOST_OF_A_LOG_IN
from tests.cluster.auth.world import PASSWORD, World, code_of, world

NO_GOOD = "STX-5201"


async def dead(here: World, *tokens: str) -> bool:
    """Does a worker that never saw them refuse all of these?"""
    fresh = here.another_worker()
    codes = {await code_of(fresh.authenticate(token)) for token in tokens}
    return codes == {NO_GOOD}


async def test_how_long_tokens_are_good(target: str) -> None:
    async with world(target) as here:
        await here.user("ada")
        pair = await here.authenticator.log_in("ada", PASSWORD)
        here.clock.move(30 * 60 - 1)
        await here.authenticator.authenticate(pair.access)
        here.clock.move(1)
        assert await code_of(here.authenticator.authenticate(pair.access)) == NO_GOOD  # remembered
        assert await dead(here, pair.access)
        pair = await here.authenticator.refresh(pair.refresh)
        for _ in range(23):  # of 12 hours half an hour is gone
            here.clock.move(30 * 60 - 60)
            pair = await here.authenticator.refresh(pair.refresh)
        here.clock.move(21 * 60)  # two minutes are left
        last = await here.authenticator.refresh(pair.refresh)
        assert last.access_expires_at == last.refresh_expires_at
        here.clock.move(60)
        await here.authenticator.authenticate(last.access)
        here.clock.move(60)
        assert await dead(here, last.access)
        assert await code_of(here.authenticator.refresh(last.refresh)) == NO_GOOD


async def test_a_refresh_goes_on(target: str) -> None:
    async with world(target) as here:
        await here.user("ada")
        first = await here.authenticator.log_in("ada", PASSWORD)
        second = await here.authenticator.refresh(first.refresh)
        assert len({first.access, first.refresh, second.access, second.refresh}) == 4
        for token in (first.access, second.access):  # calls under way go on with the former
            await here.authenticator.authenticate(token)
        assert second.refresh_expires_at == first.refresh_expires_at
        assert await code_of(here.authenticator.refresh(second.access)) == NO_GOOD
        await here.authenticator.refresh(second.refresh)  # that ended nothing


async def test_a_refresh_token_used_twice_ends_the_log_in(target: str) -> None:
    async with world(target) as here:
        await here.user("ada")
        other = await here.authenticator.log_in("ada", PASSWORD)
        first = await here.authenticator.log_in("ada", PASSWORD)
        second = await here.authenticator.refresh(first.refresh)
        third = await here.authenticator.refresh(second.refresh)
        await here.authenticator.authenticate(third.access)
        assert await code_of(here.authenticator.refresh(first.refresh)) == NO_GOOD
        for pair in (first, second, third):
            assert await code_of(here.authenticator.authenticate(pair.access)) == NO_GOOD
            assert await code_of(here.authenticator.refresh(pair.refresh)) == NO_GOOD
            assert await dead(here, pair.access)
        await here.authenticator.authenticate(other.access)
        assert len(await here.db.scan(TOKENS.by_owner, {"owner": "ada"})) == 4


async def test_two_refreshes_at_once_get_one_pair_at_most(target: str) -> None:
    async with world(target) as here:
        await here.user("ada")
        got = []
        for _ in range(5):
            pair = await here.authenticator.log_in("ada", PASSWORD)
            ended = await asyncio.gather(
                *(here.authenticator.refresh(pair.refresh) for _ in range(3)),
                return_exceptions=True,
            )
            got.append([one for one in ended if not isinstance(one, BaseException)])
            refused = [one for one in ended if isinstance(one, NotAuthenticatedError)]
            assert len(got[-1]) + len(refused) == 3
            assert await dead(here, pair.access, *(one.access for one in got[-1]))
        assert max(len(pairs) for pairs in got) == 1


@pytest.mark.slow
async def test_a_log_in_has_no_end_of_tokens() -> None:
    async with world("memory://") as here:
        await here.user("ada")
        pair = await here.authenticator.log_in("ada", PASSWORD)
        refreshed = 0
        for _ in range(MOST_OF_A_LOG_IN):
            try:
                pair = await here.authenticator.refresh(pair.refresh)
            except NotAuthenticatedError:
                break
            refreshed += 1
        assert refreshed == MOST_OF_A_LOG_IN / 2 - 1
        assert await dead(here, pair.access)


@pytest.mark.parametrize("how", ["drop", "disable", "password", "own password", "end", "log out"])
async def test_what_ends_tokens_is_seen_within_five_seconds(target: str, how: str) -> None:
    async with world(target) as here:
        token = await here.user("ada")
        other = here.another_worker()
        await here.authenticator.authenticate(token)
        await other.authenticate(token)
        users = here.principals.users
        match how:
            case "drop":
                await users.drop("ada")
            case "disable":
                await users.disable("ada")
            case "password":
                await users.set_password("ada", "quite another password")
            case "own password":
                await here.authenticator.change_password("ada", PASSWORD, "another password")
            case "end":
                await users.end_tokens("ada")
            case "log out":
                await here.authenticator.log_out(token)
        await other.authenticate(token)  # what was just asked is not asked again
        here.clock.move(4)
        assert await code_of(other.authenticate(token)) == NO_GOOD
        assert await code_of(here.authenticator.authenticate(token)) == NO_GOOD
        if how == "drop":  # a namesake has none of it
            await users.create("ada", PASSWORD)
            assert await dead(here, token)
        if how == "disable":
            await users.enable("ada")
            assert await dead(here, token)
        assert await here.db.scan(TOKENS.by_owner, {"owner": "ada"}) == []


@pytest.mark.parametrize("ends_tokens", [True, False])
async def test_tokens_are_dead_before_they_are_removed(target: str, ends_tokens: bool) -> None:
    async with world(target) as here:
        await here.user("ada")
        pair = await here.authenticator.log_in("ada", PASSWORD)
        users = here.principals.users
        await users._set("ada", {"disabled": not ends_tokens}, ends_tokens=ends_tokens)
        assert len(await here.db.scan(TOKENS.by_owner, {"owner": "ada"})) == 4
        assert await dead(here, pair.access)
        assert await code_of(here.authenticator.refresh(pair.refresh)) == NO_GOOD


async def test_dead_tokens_are_removed(target: str) -> None:
    async with world(target) as here:
        await here.user("ada")
        for _ in range(30):
            await here.authenticator.log_in("ada", PASSWORD)
        here.clock.move(13 * 60 * 60)
        alive = await here.authenticator.log_in("ada", PASSWORD)
        assert len(await here.db.scan(TOKENS.by_owner, {"owner": "ada"})) == 64
        await here.principals.forget_dead_tokens()
        assert len(await here.db.scan(TOKENS.by_owner, {"owner": "ada"})) == 2
        assert len(await here.db.scan(TOKENS.by_hash, whole_table=True)) == 2
        await here.authenticator.authenticate(alive.access)
        await here.authenticator.refresh(alive.refresh)
