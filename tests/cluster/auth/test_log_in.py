"""Logging in and out, tokens and their ends."""

from __future__ import annotations

import asyncio
import time

import pytest

from scalar_tx import StorageUnavailableError
from scalar_tx.cluster.auth.authenticator import Authenticator
from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.cluster.auth.refusals import NotAuthenticatedError
from scalar_tx.cluster.auth.subjects import user_subject
from scalar_tx.cluster.auth.tables import TOKENS
from scalar_tx.cluster.auth.token_store import MOST_OF_A_LOG_IN
from scalar_tx.cluster.auth.tokens import new_token
from tests.cluster.auth.world import ORDERS, PASSWORD, Clock, World, code_of, world

NO_GOOD = "STX-5201"
REFUSED = "STX-5203"
TOO_MANY = "STX-5204"


async def dead(here: World, *tokens: str) -> bool:
    """Does a worker that never saw them refuse all of these?"""
    fresh = here.another_worker()
    codes = {await code_of(fresh.authenticate(token)) for token in tokens}
    return codes == {NO_GOOD}


async def test_in_and_out(target: str) -> None:
    async with world(target) as here:
        await here.user("ada", "SELECT")
        pair = await here.authenticator.log_in("ada", PASSWORD, peer="somewhere")
        found = await here.authenticator.authenticate(pair.access)
        assert (found.name, found.superuser, found.roles) == ("ada", False, frozenset())
        assert found.rights.allows(Privilege.SELECT, ORDERS)
        assert not found.rights.allows(Privilege.INSERT, ORDERS)
        assert await code_of(here.authenticator.authenticate(pair.refresh)) == NO_GOOD
        await here.authenticator.log_out(pair.access)
        assert await code_of(here.authenticator.authenticate(pair.access)) == NO_GOOD
        assert await code_of(here.authenticator.refresh(pair.refresh)) == NO_GOOD
        await here.authenticator.log_out(pair.access)  # again, and with nonsense
        await here.authenticator.log_out("nonsense")


async def test_what_gets_nobody_in(target: str) -> None:
    async with world(target) as here:
        await here.user("ada")
        await here.principals.users.create("bob", PASSWORD)
        await here.principals.users.disable("bob")
        texts = set()
        for name, password in (
            ("ada", PASSWORD + "!"),
            ("ada", ""),
            ("ada", "x" * 2000),
            ("nobody", PASSWORD),
            ("bob", PASSWORD),
            ("", PASSWORD),
            ("a\nb", PASSWORD),
            ("a" * 10_000, PASSWORD),
            (None, PASSWORD),
            ("ada", None),
        ):
            with pytest.raises(NotAuthenticatedError) as caught:
                await here.authenticator.log_in(name, password)  # type: ignore[arg-type]
            texts.add(str(caught.value))
        assert len(texts) == 1  # one sentence for them all
        tokens = (None, "", "nonsense", new_token(), "stx_" + "a" * 43)
        again = set()
        for token in tokens:
            with pytest.raises(NotAuthenticatedError) as caught:
                await here.authenticator.authenticate(token)
            again.add(str(caught.value))
        assert len(again) == 1


async def test_nobody_costs_as_many_hashes_as_a_wrong_password(target: str) -> None:
    async with world(target) as here:
        await here.user("ada")
        await here.principals.users.create("bob", PASSWORD)
        await here.principals.users.disable("bob")
        costs = {}
        for name in ("ada", "nobody", "bob"):
            before = here.hashing.hashes
            assert await code_of(here.authenticator.log_in(name, "a wrong password")) == REFUSED
            costs[name] = here.hashing.hashes - before
        assert costs == {"ada": 1, "nobody": 1, "bob": 1}


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


async def test_who_is_disabled_changes_no_password(target: str) -> None:
    async with world(target) as here:
        users, door = here.principals.users, here.authenticator
        await users.create("ada", PASSWORD)
        await users.disable("ada")
        new = "quite another password"
        assert await code_of(door.change_password("ada", PASSWORD, new)) == REFUSED
        await users.enable("ada")
        assert await code_of(door.change_password("ada", new, PASSWORD)) == REFUSED
        assert await code_of(door.change_password("ada", PASSWORD, "short")) == "STX-5207"
        await door.change_password("ada", PASSWORD, new)
        await door.log_in("ada", new)


async def test_grants_are_seen_within_five_seconds(target: str) -> None:
    async with world(target) as here:
        token = await here.user("ada")
        other = here.another_worker()
        grants, ada = here.principals.grants, user_subject("ada")

        async def allowed() -> bool:
            held = await other.authenticate(token)
            return held.rights.allows(Privilege.SELECT, ORDERS)

        assert not await allowed()
        for place in (ORDERS, "shop"):
            await grants.grant(ada, ["SELECT"], place)
            assert not await allowed()
            here.clock.move(4)
            assert await allowed()
            await grants.revoke(ada, ["SELECT"], place)
            assert await allowed()
            here.clock.move(4)
            assert not await allowed()
        await here.principals.users.promote("ada")
        here.clock.move(4)
        assert await allowed()


async def test_what_is_not_known_is_asked_once_in_a_while(target: str) -> None:
    async with world(target) as here:
        await here.user("ada")
        token = new_token()
        asked = 0
        read = here.principals.tables.read

        async def counted(work: object) -> object:
            nonlocal asked
            asked += 1
            return await read(work)  # type: ignore[arg-type]

        setattr(here.principals.tables, "read", counted)  # noqa: B010  # of another type
        for _ in range(20):
            assert await code_of(here.authenticator.authenticate(token)) == NO_GOOD
        assert asked == 1
        for _ in range(20):
            assert await code_of(here.authenticator.authenticate("no token")) == NO_GOOD
        assert asked == 1
        here.clock.move(4)
        calls = [here.authenticator.authenticate(token) for _ in range(20)]
        assert all(await asyncio.gather(*(code_of(call) for call in calls)))
        assert asked == 2


async def test_a_worker_remembers_no_more_than_a_bound(target: str, clock: Clock) -> None:
    async with world(target, clock) as here:
        small = Authenticator(here.principals, here.hashing, remembered=5, elapsed=clock.elapsed)
        tokens = [await here.user(f"user{n}") for n in range(7)]
        for token in tokens:
            await code_of(small.authenticate(new_token()))
            await small.authenticate(token)
        assert len(small._recent) == 10


async def test_nobody_makes_a_worker_forget_others(target: str) -> None:
    async with world(target) as here:
        token, bobs = await here.user("ada"), await here.user("bob")
        for one in (token, bobs):
            await here.authenticator.authenticate(one)
        await here.authenticator.log_out(new_token())
        await here.authenticator.log_out(bobs)
        here.db._parts.context.storage.get = None  # type: ignore[method-assign,assignment]
        await here.authenticator.authenticate(token)


async def test_nobody_gets_in_while_the_database_is_away(target: str) -> None:
    async with world(target) as here:
        token = await here.user("ada")
        await here.authenticator.authenticate(token)
        storage = here.db._parts.context.storage
        get = storage.get
        failed = 0

        async def away(*_: object) -> None:
            nonlocal failed
            failed += 1
            raise StorageUnavailableError("away")

        setattr(storage, "get", away)  # noqa: B010  # of another type
        here.clock.move(4)
        waiting = asyncio.create_task(here.authenticator.authenticate(token))
        await asyncio.sleep(0.3)
        assert failed > 1  # it is tried again
        assert not waiting.done()
        setattr(storage, "get", get)  # noqa: B010  # as it was
        await waiting


async def test_a_database_that_is_away_is_not_waited_for_long() -> None:
    async with world("memory://") as here:
        token = await here.user("ada")

        async def away(*_: object) -> None:
            raise StorageUnavailableError("away")

        setattr(here.db._parts.context.storage, "get", away)  # noqa: B010  # of another type
        began = time.monotonic()
        with pytest.raises(StorageUnavailableError):
            await here.authenticator.authenticate(token)
        assert time.monotonic() - began < 5
        assert len(here.authenticator._recent) == 0


async def test_a_flood_of_log_ins_is_not_hashed(target: str) -> None:
    async with world(target, a_second=10, waiting=4) as here:
        await here.principals.users.create("ada", PASSWORD)
        before = here.hashing.hashes
        codes = await asyncio.gather(
            *(
                code_of(here.authenticator.log_in(f"user{n}", "a wrong password"))
                for n in range(200)
            )
        )
        hashed = here.hashing.hashes - before
        assert 0 < hashed <= 10
        assert codes.count(REFUSED) == hashed
        assert codes.count(TOO_MANY) == 190
        here.clock.move(1)
        await here.authenticator.log_in("ada", PASSWORD)


async def test_guessing_one_users_password_gets_slower(target: str) -> None:
    async with world(target, a_second=1000) as here:
        for name in ("ada", "bob"):
            await here.principals.users.create(name, PASSWORD)
        for name in ("ada", "nobody"):
            before = here.hashing.hashes
            for _ in range(600):  # a minute, ten tries a second
                await code_of(here.authenticator.log_in(name, "a wrong password"))
                here.clock.move(0.1)
            assert here.hashing.hashes - before == 3 + 6  # and after 1, 2, 4, 8, 16 seconds
        await here.authenticator.log_in("bob", PASSWORD)
        assert await code_of(here.authenticator.log_in("nobody", PASSWORD)) == TOO_MANY
        here.clock.move(60)
        await here.authenticator.log_in("ada", PASSWORD)


async def test_too_many_at_once_are_told_to_come_again(target: str) -> None:
    async with world(target, waiting=2) as here:
        await here.principals.users.create("ada", PASSWORD)
        limits = LogInLimits(a_second=1000, elapsed=here.clock.elapsed)
        door = Authenticator(here.principals, here.hashing, limits=limits)
        before = here.hashing.hashes
        ended = await asyncio.gather(
            *(door.log_in("ada", PASSWORD) for _ in range(30)), return_exceptions=True
        )
        refused = [one for one in ended if isinstance(one, BaseException)]
        assert {getattr(one, "code", one) for one in refused} == {"STX-5205"}
        assert here.hashing.hashes - before == 30 - len(refused) < 30
        assert limits.remembered == 0  # nobody failed


async def test_a_password_changed_while_it_is_looked_at(target: str) -> None:
    async with world(target) as here:
        await here.principals.users.create("ada", PASSWORD)
        verify = here.hashing.verify

        async def slow(kept: str | None, password: str) -> object:
            verdict = await verify(kept, password)
            await here.principals.users.set_password("ada", "quite another password")
            return verdict

        setattr(here.hashing, "verify", slow)  # noqa: B010  # of another type
        assert await code_of(here.authenticator.log_in("ada", PASSWORD)) == REFUSED
        assert await here.db.scan(TOKENS.by_owner, {"owner": "ada"}) == []


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
