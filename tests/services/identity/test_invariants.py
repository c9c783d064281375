"""Is what does not agree found, and nothing else?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.identity import leaving
from scalar_auditor.identity.invariants import findings
from tests.services.identity.test_leaving import full_life
from tests.services.identity.world import ADA, ADMIN, World

if TYPE_CHECKING:
    from collections.abc import Callable


def found(world: World) -> list[str]:
    async def collected() -> list[str]:
        return [text async for text in findings(world.stage.manager)]

    texts: list[str] = world.stage.run(collected())
    return texts


def put(world: World, table: str, **values: Any) -> None:
    world.stage.put(f"identity.{table}", **values)


def delete(world: World, table: str, **key: Any) -> None:
    world.stage.run(world.stage.manager.delete(f"identity.{table}", key))


def test_what_the_methods_leave_agrees(world: World) -> None:
    assert found(world) == []
    full_life(world)
    world.admin.CreateServiceToken(name="importer")
    assert found(world) == []
    world.stage.run(world.stage.manager.run(leaving.begin, ADA, 1))
    assert found(world) == []
    world.admin.DeleteUser(user_email=ADA)
    assert found(world) == []


WRONG: dict[str, tuple[Callable[[World], None], str]] = {
    "not listed": (
        lambda world: delete(world, "users_by_org", org_id="org", user_email=ADA),
        f"user {ADA}: is not listed in the organisation org",
    ),
    "listed otherwise": (
        lambda world: put(world, "users_by_org", org_id="org", user_email=ADA, name="x"),
        f"user {ADA}: the organisation org lists them as something else",
    ),
    "listed elsewhere": (
        lambda world: put(world, "user", user_email=ADA, org_id=""),
        f"UserOfOrganization org, {ADA}: the user is in no organisation",
    ),
    "a role of nobody": (
        lambda world: put(
            world,
            "role_user",
            role_name="GENERAL_USER",
            user_email="x@y.z",
            user_id="u",
            assigned_by="u",
            assigned_at=1,
        ),
        "RoleOfUser GENERAL_USER, x@y.z: it names a user who does not exist",
    ),
    "a role of another": (
        lambda world: put(
            world, "role_user", role_name="GENERAL_USER", user_email=ADA, user_id="another"
        ),
        f"RoleOfUser GENERAL_USER, {ADA}: it has another user id",
    ),
    "no admin": (
        lambda world: put(world, "user", user_email=ADMIN, status="DISABLED"),
        "nobody with the role AUDIT_ADMIN can log in",
    ),
    "an organisation's admin is gone": (
        lambda world: put(world, "organization", org_id="org", admin_email="x@y.z"),
        "Organization org: it names a user who does not exist",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_does_not_agree_is_found(world: World, wrong: str) -> None:
    full_life(world)
    make, text = WRONG[wrong]
    make(world)
    assert found(world) == [text]


def test_who_is_gone_is_missed_by_all_that_names_them(world: World) -> None:
    full_life(world, sets=0, groups=1)
    delete(world, "user", user_email=ADA)
    kinds = {text.split(" ")[0] for text in found(world)}
    assert kinds == {
        "UserOfOrganization",
        "RoleOfUser",
        "Token",
        "OneTimeCode",
        "GroupOfUser",
        "Organization",
    }
