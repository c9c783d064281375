"""Who gets in, who does not, and what does it cost to try?"""

from __future__ import annotations

import asyncio

import pytest

from scalar_tx.cluster.auth.authenticator import Authenticator
from scalar_tx.cluster.auth.log_in_limits import LogInLimits
from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.cluster.auth.refusals import NotAuthenticatedError
from scalar_tx.cluster.auth.tables import TOKENS
from scalar_tx.cluster.auth.tokens import new_token
from tests.cluster.auth.world import ORDERS, PASSWORD, code_of, world

NO_GOOD = "STX-5201"
REFUSED = "STX-5203"
TOO_MANY = "STX-5204"


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
