"""Who may have and lose a role, and is there always an admin?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from tests.services.identity.world import ADA, ADMIN, BOB, World, refusal
from tests.services.stage import Refused

if TYPE_CHECKING:
    from collections.abc import Callable


def active_admins(world: World) -> list[str]:
    admins = {
        row["user_email"]
        for row in world.stage.rows("identity.role_user")
        if row["role_name"] == "AUDIT_ADMIN"
    }
    return [
        row["user_email"]
        for row in world.stage.rows("identity.user")
        if row["status"] == "ACTIVE" and row["user_email"] in admins
    ]


def test_a_role_is_given_and_taken(world: World) -> None:
    world.register(ADA)
    given = world.admin.AssignRole(user_email=ADA, role="EXTERNAL_AUDITOR")
    assert list(given.roles) == ["EXTERNAL_AUDITOR", "GENERAL_USER"]
    before = world.contents()
    assert world.admin.AssignRole(user_email=ADA, role="EXTERNAL_AUDITOR") == given
    assert world.contents() == before
    for _ in range(2):
        left = world.admin.RevokeRole(user_email=ADA, role="GENERAL_USER")
        assert list(left.roles) == ["EXTERNAL_AUDITOR"]


def test_nobody_gets_a_role_who_is_not_there_or_leaving(world: World) -> None:
    world.admin.GetUser(user_email=ADMIN)
    world.register(ADA)
    world.stage.put("identity.user", user_email=ADA, status="DELETING")
    reasons = [
        refusal(lambda email=email: world.admin.AssignRole(user_email=email, role="AUDIT_ADMIN"))  # type: ignore[misc]
        for email in (ADA, BOB)
    ]
    assert [one.reason for one in reasons] == ["USER_IS_LEAVING", "USER_NOT_FOUND"]


WAYS: dict[str, Callable[[Any, str], Any]] = {
    "revoked": lambda admin, email: admin.RevokeRole(user_email=email, role="AUDIT_ADMIN"),
    "disabled": lambda admin, email: admin.UpdateUser(user_email=email, status="DISABLED"),
    "deleted": lambda admin, email: admin.DeleteUser(user_email=email),
}


@pytest.mark.parametrize("way", WAYS)
def test_the_last_admin_stays(world: World, way: str) -> None:
    admin = world.admin
    world.register(ADA)
    before = world.contents()
    refused = refusal(lambda: WAYS[way](admin, ADMIN))
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "LAST_ADMIN")
    assert world.contents() == before
    # One who can't log in is none who could help.
    world.admin.AssignRole(user_email=ADA, role="AUDIT_ADMIN")
    world.admin.UpdateUser(user_email=ADA, status="DISABLED")
    assert refusal(lambda: WAYS[way](admin, ADMIN)).reason == "LAST_ADMIN"
    world.admin.UpdateUser(user_email=ADA, status="ACTIVE")
    WAYS[way](admin, ADMIN)
    assert active_admins(world) == [ADA]


@pytest.mark.parametrize("ways", ["revoked revoked", "disabled deleted", "deleted revoked"])
def test_two_admins_who_remove_each_other_at_once_are_not_both_gone(
    world: World, ways: str
) -> None:
    one, two = ways.split()
    calls = {ADMIN: world.admin, ADA: world.register(ADA, "AUDIT_ADMIN")}
    ends: list[str] = []

    def remove(way: str, by: str, other: str) -> None:
        try:
            WAYS[way](calls[by], other)
            ends.append("done")
        except Refused as refused:
            ends.append(refused.reason)

    threads = [
        threading.Thread(target=remove, args=(one, ADMIN, ADA)),
        threading.Thread(target=remove, args=(two, ADA, ADMIN)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(active_admins(world)) == 1
    assert ends.count("done") == 1
