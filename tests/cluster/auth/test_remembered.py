"""What does a worker remember, and for how long?"""

from __future__ import annotations

import asyncio
import time

import pytest

from scalar_tx import StorageUnavailableError
from scalar_tx.cluster.auth.authenticator import Authenticator
from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.cluster.auth.subjects import user_subject
from scalar_tx.cluster.auth.tokens import new_token
from scalar_tx.connection import parts_of
from tests.cluster.auth.world import ORDERS, Clock, code_of, world

NO_GOOD = "STX-5201"


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


@pytest.mark.slow
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
        setattr(parts_of(here.db).storage, "get", None)  # noqa: B010  # of another type
        await here.authenticator.authenticate(token)


async def test_nobody_gets_in_while_the_database_is_away(target: str) -> None:
    async with world(target) as here:
        token = await here.user("ada")
        await here.authenticator.authenticate(token)
        storage = parts_of(here.db).storage
        get = storage.get
        failed = 0
        again = asyncio.Event()

        async def away(*_: object) -> None:
            nonlocal failed
            failed += 1
            if failed > 1:
                again.set()
            raise StorageUnavailableError("away")

        setattr(storage, "get", away)  # noqa: B010  # of another type
        here.clock.move(4)
        waiting = asyncio.create_task(here.authenticator.authenticate(token))
        async with asyncio.timeout(10):
            await again.wait()  # it is tried again
        assert not waiting.done()
        setattr(storage, "get", get)  # noqa: B010  # as it was
        await waiting


@pytest.mark.slow
async def test_a_database_that_is_away_is_not_waited_for_long() -> None:
    async with world("memory://") as here:
        token = await here.user("ada")

        async def away(*_: object) -> None:
            raise StorageUnavailableError("away")

        setattr(parts_of(here.db).storage, "get", away)  # noqa: B010  # of another type
        began = time.monotonic()
        with pytest.raises(StorageUnavailableError):
            await here.authenticator.authenticate(token)
        assert time.monotonic() - began < 5
        assert len(here.authenticator._recent) == 0
