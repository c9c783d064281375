"""Users and roles: made, changed and dropped, with all that names them."""

from __future__ import annotations

import asyncio

import argon2

from scalar_tx import InvalidOperationError
from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.cluster.auth.subjects import role_subject, user_subject
from scalar_tx.cluster.auth.tables import GRANT, MEMBERSHIP, REALM, TOKENS, USER
from tests.cluster.auth.world import ORDERS, PASSWORD, Clock, code_of, world

ADA, BOB, CLERKS, CHIEFS = (
    user_subject("ada"),
    user_subject("bob"),
    role_subject("clerks"),
    role_subject("chiefs"),
)
SELECT = Privilege.SELECT


async def test_users_come_and_go(target: str) -> None:
    async with world(target) as here:
        users = here.principals.users
        await users.create("ada", PASSWORD, superuser=True)
        await users.create("bob", PASSWORD)
        assert await code_of(users.create("bob", PASSWORD)) == "STX-5210"
        await users.create("bob", "another password", if_not_exists=True)  # changes nothing
        assert [(one.name, one.superuser, one.disabled) for one in await users.all()] == [
            ("ada", True, False),
            ("bob", False, False),
        ]
        bob = await users.find("bob")
        assert bob is not None
        assert (await here.hashing.verify(bob.password, PASSWORD)).right
        assert bob.created_at == here.principals.tables.now()
        await users.drop("bob")
        assert await users.find("bob") is None
        assert await code_of(users.drop("bob")) == "STX-5211"
        await users.drop("bob", if_exists=True)
        for change in (users.disable, users.enable, users.promote, users.demote, users.end_tokens):
            assert await code_of(change("bob")) == "STX-5211"
        assert await code_of(users.set_password("bob", PASSWORD)) == "STX-5211"


async def test_what_can_be_no_name(target: str) -> None:
    async with world(target) as here:
        for name in ("", "a b", "a\nb", "é", "-a", "a" * 65, "a:b", None, "a\n"):
            assert await code_of(here.principals.users.create(name, PASSWORD)) == "STX-5208"  # type: ignore[arg-type]
            assert await code_of(here.principals.roles.create(name)) == "STX-5208"  # type: ignore[arg-type]
        await here.principals.users.create("Ada.L+1@example.org_-", PASSWORD)
        assert here.hashing.hashes == 1


async def test_the_last_superuser_stays(target: str) -> None:
    async with world(target) as here:
        users = here.principals.users
        for name in ("ada", "bob"):
            await users.create(name, PASSWORD, superuser=True)
        await users.create("cyd", PASSWORD)
        await users.disable("bob")
        for leave in (users.drop, users.disable, users.demote):
            assert await code_of(leave("ada")) == "STX-5212"
        await users.enable("bob")
        await users.demote("ada")
        assert await code_of(users.drop("bob")) == "STX-5212"
        await users.promote("cyd")
        await users.drop("bob")
        assert [one.name for one in await users.all() if one.superuser] == ["cyd"]


async def test_two_superusers_who_drop_each_other(target: str) -> None:
    async with world(target) as here:
        users = here.principals.users
        for name in ("ada", "bob"):
            await users.create(name, PASSWORD, superuser=True)
        ended = await asyncio.gather(users.drop("ada"), users.drop("bob"), return_exceptions=True)
        assert [one for one in ended if one is None] == [None]
        refused = next(one for one in ended if one is not None)
        assert isinstance(refused, InvalidOperationError)
        assert refused.code == "STX-5212"
        assert len(await users.all()) == 1


async def test_nothing_is_left_for_a_later_user_of_the_name(target: str) -> None:
    async with world(target) as here:
        principals = here.principals
        await here.user("ada", "SELECT")
        await principals.roles.create("clerks")
        await principals.roles.grant("clerks", ADA)
        await principals.grants.grant(CLERKS, ["UPDATE"], "shop")
        await principals.users.drop("ada")
        for table, partition in (
            (GRANT, {"subject": ADA}),
            (GRANT, {"subject": f"on:{ORDERS}"}),
            (MEMBERSHIP, {"subject": ADA}),
            (MEMBERSHIP, {"subject": CLERKS}),
            (TOKENS.by_owner, {"owner": "ada"}),
        ):
            assert await here.db.scan(table, partition) == []
        token = await here.user("ada")
        held = (await here.authenticator.authenticate(token)).rights
        assert not held.granted


async def test_nor_for_a_later_role(target: str) -> None:
    async with world(target) as here:
        roles, grants = here.principals.roles, here.principals.grants
        token = await here.user("ada")
        for name in ("clerks", "chiefs"):
            await roles.create(name)
        await roles.grant("clerks", ADA)
        await roles.grant("clerks", CHIEFS)
        await grants.grant(CLERKS, ["SELECT"], "shop")
        await roles.drop("clerks")
        assert await code_of(roles.drop("clerks")) == "STX-5211"
        await roles.drop("clerks", if_exists=True)
        await roles.create("clerks")
        assert await grants.of(CLERKS) == await grants.on("shop") == []
        await grants.grant(CLERKS, ["SELECT"], "shop")
        assert await roles.all() == ["chiefs", "clerks"]
        assert await roles.of(ADA) == await roles.of(CHIEFS) == await roles.members("clerks") == []
        assert not (await here.authenticator.authenticate(token)).rights.allows(SELECT, ORDERS)


async def test_roles_of_roles(target: str) -> None:
    async with world(target) as here:
        roles = here.principals.roles
        await here.principals.users.create("ada", PASSWORD)
        for name in ("clerks", "chiefs", "all"):
            await roles.create(name)
        assert await code_of(roles.create("all")) == "STX-5210"
        await roles.create("all", if_not_exists=True)
        await roles.grant("all", CLERKS)
        await roles.grant("clerks", CHIEFS)
        await roles.grant("clerks", CHIEFS)  # again
        await roles.grant("chiefs", ADA)
        assert await roles.of(CHIEFS) == ["clerks"]
        assert await roles.members("clerks") == [CHIEFS]
        assert await roles.members("chiefs") == [ADA]
        for role, member in (("chiefs", role_subject("all")), ("all", role_subject("all"))):
            assert await code_of(roles.grant(role, member)) == "STX-5213"
        for role, member in (("nobody", ADA), ("all", BOB), ("all", role_subject("nobody"))):
            assert await code_of(roles.grant(role, member)) == "STX-5211"
        token = (await here.authenticator.log_in("ada", PASSWORD)).access
        found = await here.authenticator.authenticate(token)
        assert found.roles == {"chiefs", "clerks", "all"}
        await roles.revoke("clerks", CHIEFS)
        await roles.revoke("clerks", CHIEFS)
        here.clock.move(5)
        assert (await here.authenticator.authenticate(token)).roles == {"chiefs"}


async def test_two_grants_that_make_a_circle(target: str) -> None:
    async with world(target) as here:
        roles = here.principals.roles
        for name in ("a", "b"):
            await roles.create(name)
        ended = await asyncio.gather(
            roles.grant("a", role_subject("b")),
            roles.grant("b", role_subject("a")),
            return_exceptions=True,
        )
        assert [one.code for one in ended if isinstance(one, InvalidOperationError)] == ["STX-5213"]
        assert len(await roles.of(role_subject("a")) + await roles.of(role_subject("b"))) == 1


async def test_grants(target: str) -> None:
    async with world(target) as here:
        grants = here.principals.grants
        await here.principals.users.create("ada", PASSWORD)
        await here.principals.roles.create("clerks")
        await grants.grant(ADA, ["select", Privilege.UPDATE], ORDERS)
        await grants.grant(ADA, "GRANT", ORDERS)
        await grants.grant(ADA, ["SELECT"], "shop")
        await grants.grant(CLERKS, ["SELECT"], ORDERS)
        assert [(one.place, len(one.privileges)) for one in await grants.of(ADA)] == [
            ("shop", 1),
            (ORDERS, 3),
        ]
        assert [one.subject for one in await grants.on(ORDERS)] == [CLERKS, ADA]
        await grants.revoke(ADA, ["GRANT", "DELETE"], ORDERS)
        assert (await grants.of(ADA))[1].privileges == {SELECT, Privilege.UPDATE}
        await grants.revoke(ADA, ["SELECT", "UPDATE"], ORDERS)
        await grants.revoke(ADA, ["SELECT"], "nowhere")
        assert [one.place for one in await grants.of(ADA)] == ["shop"]
        await grants.forget_place(ORDERS)
        assert await grants.on(ORDERS) == await grants.of(CLERKS) == []
        assert await code_of(grants.grant(BOB, ["SELECT"], ORDERS)) == "STX-5211"
        assert await code_of(grants.grant(ADA, ["ALL"], ORDERS)) == "STX-5215"
        for nobody in ("ada", "on:shop", "", "user:", "group:ada", None, 1):
            assert await code_of(grants.grant(nobody, ["SELECT"], ORDERS)) == "STX-5208"  # type: ignore[arg-type]
            assert await code_of(grants.revoke(nobody, ["SELECT"], ORDERS)) == "STX-5208"  # type: ignore[arg-type]
            assert await code_of(grants.of(nobody)) == "STX-5208"  # type: ignore[arg-type]
            assert await code_of(here.principals.roles.of(nobody)) == "STX-5208"  # type: ignore[arg-type]
        for place in ("coordinator", "scalar_tx.node_user", "a.b.c", "*", "*.orders", "shop.*"):
            assert await code_of(grants.grant(ADA, ["SELECT"], place)) == "STX-5214"


async def test_nothing_is_left_of_what_was_granted_in_a_namespace_that_is_gone(
    target: str,
) -> None:
    """A later table of the same name is not for those who had the former."""
    async with world(target) as here:
        grants = here.principals.grants
        await here.principals.users.create("ada", PASSWORD)
        await here.principals.roles.create("clerks")
        await grants.grant(ADA, ["SELECT"], ORDERS)
        await grants.grant(CLERKS, ["SELECT", "GRANT"], "shop.never_made")
        await grants.grant(CLERKS, ["SELECT"], "shop")
        await grants.grant(ADA, ["SELECT"], "shopping.orders")
        await grants.grant(ADA, ["SELECT"], "shop_2")
        await grants.forget_place("shop")
        assert await grants.of(CLERKS) == []
        assert [one.place for one in await grants.of(ADA)] == ["shop_2", "shopping.orders"]
        for place in (ORDERS, "shop.never_made", "shop"):
            assert await grants.on(place) == []
        await grants.grant(ADA, ["SELECT"], "shopping")
        await grants.forget_place("shopping.orders")  # of a table nothing but itself
        assert [one.place for one in await grants.of(ADA)] == ["shop_2", "shopping"]


async def test_a_password_kept_at_other_costs_is_kept_anew(target: str) -> None:
    async with world(target) as here:
        await here.principals.users.create("ada", PASSWORD)
        cheap = argon2.PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1).hash(PASSWORD)
        await here.db.update(USER, {"realm": REALM, "name": "ada"}, {"password": cheap})
        pair = await here.authenticator.log_in("ada", PASSWORD)
        ada = await here.principals.users.find("ada")
        assert ada is not None
        assert ada.password.startswith("$argon2id$v=19$m=19456,t=2,p=1$")
        assert (await here.authenticator.authenticate(pair.access)).name == "ada"
        await here.authenticator.log_in("ada", PASSWORD)


async def test_an_old_hash_does_not_come_back(target: str) -> None:
    """A log-in that saw the old password keeps nothing, if it was changed meanwhile."""
    async with world(target) as here:
        users = here.principals.users
        await users.create("ada", PASSWORD)
        seen = await users.find("ada")
        assert seen is not None
        await users.set_password("ada", "quite another password")
        await users.keep_newer_hash(seen, await here.hashing.hashed(PASSWORD))
        assert await code_of(here.authenticator.log_in("ada", PASSWORD)) == "STX-5203"


async def test_a_conflict_with_somebody_else_is_met_again(target: str, clock: Clock) -> None:
    async with world(target, clock) as here, world(target, clock) as there:
        if target == "memory://":
            there.principals = here.principals
        await here.principals.roles.create("clerks")
        members = [f"user{n}" for n in range(6)]
        for name in members:
            await here.principals.users.create(name, PASSWORD)
        await asyncio.gather(
            *(
                each.principals.grants.grant(CLERKS, [privilege], ORDERS)
                for each, privilege in zip([here, there] * 4, list(Privilege)[:8], strict=True)
            )
        )
        assert len((await here.principals.grants.of(CLERKS))[0].privileges) == 8


async def test_tables_are_made_once_where_asked(target: str) -> None:
    async with world(target) as here:
        await here.principals.create_tables()
        await here.principals.create_tables()
        assert len(await here.db.admin.tables("scalar_tx")) >= 6
