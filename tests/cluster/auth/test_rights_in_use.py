"""After any sequence of grants, are a user's rights what a simple model of them says?"""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scalar_tx.cluster.auth.privileges import Privilege
from scalar_tx.errors import InvalidOperationError
from tests.cluster.auth.world import world

USERS = ["user:ada", "user:bob"]
ROLES = ["role:r1", "role:r2", "role:r3"]
PLACES = ["shop", "shop.orders", "shop.items", "bank.orders"]
PRIVILEGES = [Privilege.SELECT, Privilege.UPDATE, Privilege.GRANT]

steps = st.lists(
    st.one_of(
        st.tuples(
            st.sampled_from(["grant", "revoke"]),
            st.sampled_from(USERS + ROLES),
            st.sets(st.sampled_from(PRIVILEGES), min_size=1),
            st.sampled_from(PLACES),
        ),
        st.tuples(
            st.sampled_from(["give", "take"]),
            st.sampled_from(ROLES),
            st.sampled_from(USERS + ROLES),
        ),
        st.tuples(st.just("renew"), st.sampled_from(ROLES)),
        st.tuples(st.just("forget"), st.sampled_from(PLACES)),
    ),
    max_size=14,
)


class Model:
    """Facts in two sets."""

    def __init__(self) -> None:
        self.granted: set[tuple[str, Privilege, str]] = set()
        self.has: set[tuple[str, str]] = set()

    def reached(self, subject: str) -> set[str]:
        found = {subject}
        while more := {role for who, role in self.has if who in found} - found:
            found |= more
        return found

    def allows(self, user: str, privilege: Privilege, table: str) -> bool:
        places = (table, table.split(".", maxsplit=1)[0])
        return any(
            (who, privilege, place) in self.granted
            for who in self.reached(user)
            for place in places
        )


async def done(here: Any, model: Model, step: Any) -> None:
    grants, roles = here.principals.grants, here.principals.roles
    match step:
        case ("grant", who, what, where):
            await grants.grant(who, what, where)
            model.granted |= {(who, one, where) for one in what}
        case ("revoke", who, what, where):
            await grants.revoke(who, what, where)
            model.granted -= {(who, one, where) for one in what}
        case ("give", role, member):
            circle = member in model.reached(role)
            try:
                await roles.grant(role.removeprefix("role:"), member)
            except InvalidOperationError as error:
                assert (error.code, circle) == ("STX-5213", True)  # noqa: PT017  # or none at all
            else:
                assert not circle
                model.has.add((member, role))
        case ("take", role, member):
            await roles.revoke(role.removeprefix("role:"), member)
            model.has.discard((member, role))
        case ("renew", role):
            await roles.drop(role.removeprefix("role:"))
            await roles.create(role.removeprefix("role:"))
            model.granted = {one for one in model.granted if one[0] != role}
            model.has = {one for one in model.has if role not in one}
        case ("forget", place):
            await grants.forget_place(place)
            model.granted = {
                one
                for one in model.granted
                if one[2] != place and not one[2].startswith(f"{place}.")
            }


async def compared(sequence: list[Any]) -> None:
    async with world("memory://") as here:
        tokens = {}
        for user in USERS:
            tokens[user] = await here.user(user.removeprefix("user:"))
        for role in ROLES:
            await here.principals.roles.create(role.removeprefix("role:"))
        model = Model()
        for step in sequence:
            await done(here, model, step)
        here.clock.move(5)
        for user, token in tokens.items():
            held = await here.authenticator.authenticate(token)
            assert held.roles == {
                one.removeprefix("role:") for one in model.reached(user) if one != user
            }
            for table in ("shop.orders", "shop.items", "bank.orders", "bank.items"):
                for privilege in PRIVILEGES:
                    assert held.rights.allows(privilege, table) is model.allows(
                        user, privilege, table
                    )


@pytest.mark.slow
@settings(max_examples=15)
@given(steps)
def test_rights_after_any_sequence(sequence: list[Any]) -> None:
    asyncio.run(compared(sequence))
