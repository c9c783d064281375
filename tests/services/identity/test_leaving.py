"""Does nothing name somebody who has left, whatever was in the way, and who may not leave?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from scalar_auditor.identity import leaving
from scalar_auditor.identity.rules import joined_group
from scalar_auditor.permissions import Privilege
from scalar_tx.errors import StorageUnavailableError
from tests.services.identity.world import ADA, ADMIN, BOB, World, refusal
from tests.services.stage import Refused

if TYPE_CHECKING:
    import pytest

NAMING = (
    "identity.user",
    "identity.users_by_org",
    "identity.role_user",
    "identity.user_token",
    "identity.user_otp",
    "identity.user_audit_group",
    "identity.organization",
    "audit.audit_set_collaborators",
    "audit.collaborators_by_audit_set",
    "audit.audit_group_members",
)


def rows_that_name(world: World, email: str = ADA) -> dict[str, int]:
    counts = {
        table: sum(email in row.values() for row in world.stage.rows(table)) for table in NAMING
    }
    return {table: count for table, count in counts.items() if count}


def collaborator(world: World, number: int, email: str = ADA, role: str = "MEMBER") -> None:
    common: dict[str, Any] = {
        "user_email": email,
        "audit_set_id": f"set{number:03}",
        "user_id": "u",
        "role": role,
        "added_at": 1,
    }
    world.stage.put("audit.collaborators_by_audit_set", **common)
    world.stage.put("audit.audit_set_collaborators", **common, added_by="x")


def member(world: World, number: int, email: str = ADA) -> None:
    group = f"group{number:03}"
    world.stage.put(
        "audit.audit_group_members",
        audit_group_id=group,
        user_email=email,
        privilege="MEMBER",
        added_at=1,
    )
    world.stage.run(world.stage.manager.run(joined_group, email, group, Privilege.MEMBER, 1))


def full_life(world: World, email: str = ADA, sets: int = 3, groups: int = 3) -> None:
    """Somebody whom every table names that can."""
    if world.stage.get("identity.organization", org_id="org") is None:
        world.admin.CreateOrganization(org_id="org", name="One")
    world.register(email, "GENERAL_USER", "EXTERNAL_AUDITOR", org_id="org")
    world.admin.UpdateOrganization(org_id="org", admin_email=email)
    world.code_for(email)
    for number in range(sets):
        collaborator(world, number, email)
    for number in range(groups):
        member(world, number, email)


def test_nothing_names_who_has_left(world: World) -> None:
    full_life(world)
    full_life(world, BOB)
    world.admin.UpdateOrganization(org_id="org", admin_email=ADA)
    assert set(rows_that_name(world)) == set(NAMING)
    of_bob = rows_that_name(world, BOB)
    assert world.admin.DeleteUser(user_email=ADA).finished
    assert rows_that_name(world) == {}
    assert rows_that_name(world, BOB) == of_bob
    assert refusal(lambda: world.admin.DeleteUser(user_email=ADA)).reason == "USER_NOT_FOUND"


def test_who_leaves_is_out_at_once_and_can_not_come_back(world: World) -> None:
    full_life(world)
    ada = world.log_in(ADA)
    world.stage.run(world.stage.manager.run(leaving.begin, ADA, world.clock.now_ms()))
    world.later(5)
    assert refusal(lambda: ada.GetUser(user_email=ADA)).reason == "BAD_TOKEN"
    assert refusal(lambda: world.tokens(ADA)).reason == "BAD_LOG_IN"
    for status in ("ACTIVE", "DISABLED"):
        refused = refusal(
            lambda status=status: world.admin.UpdateUser(user_email=ADA, status=status)  # type: ignore[misc]
        )
        assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "USER_IS_LEAVING")
    assert world.admin.GetUser(user_email=ADA).status == "DELETING"
    assert [one.status for one in world.admin.ListUsers(org_id="org").users] == ["DELETING"]
    assert (
        refusal(
            lambda: world.admin.RegisterUser(user_email=ADA, name="Ada", password="x" * 12)
        ).code
        == "ALREADY_EXISTS"
    )
    assert world.admin.DeleteUser(user_email=ADA).finished
    assert rows_that_name(world) == {}


def test_a_deletion_goes_on_wherever_it_was_broken_off(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After each of its transactions: what is left is what the next call takes up."""
    monkeypatch.setattr(leaving, "TOGETHER", 2)
    run = world.stage.auditor.transactions.run
    done = 0

    async def breaking_off(*args: Any, **how: Any) -> Any:
        nonlocal done
        if done == allowed:
            raise RuntimeError("broken off")
        done += 1
        return await run(*args, **how)

    full_life(world, sets=5, groups=5)
    monkeypatch.setattr(world.stage.auditor.transactions, "run", breaking_off)
    allowed, calls = 1, 0
    while True:
        done, calls = 0, calls + 1
        try:
            if world.admin.DeleteUser(user_email=ADA).finished:
                break
        except Refused as refused:
            assert refused.code == "INTERNAL"  # noqa: PT017
            assert world.stage.get("identity.user", user_email=ADA) is not None
        allowed += 1
    assert calls > 4
    assert rows_that_name(world) == {}


def test_a_long_life_is_left_by_several_calls(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "TOGETHER", 1)
    monkeypatch.setattr(leaving, "MOST_STEPS", 4)
    full_life(world, sets=6, groups=2)
    answers: list[bool] = []
    while not answers or not answers[-1]:
        answers.append(world.admin.DeleteUser(user_email=ADA).finished)
    assert answers == [False, False, True]
    assert rows_that_name(world) == {}


def test_a_step_is_of_bounded_size(world: World) -> None:
    full_life(world, sets=2 * leaving.TOGETHER + 1, groups=0)
    manager = world.stage.manager
    world.stage.run(manager.run(leaving.begin, ADA, 1))
    before = rows_that_name(world)["audit.audit_set_collaborators"]
    world.stage.run(manager.run(leaving._step, ADA))
    left = rows_that_name(world)
    assert before - left["audit.audit_set_collaborators"] == leaving.TOGETHER
    assert left["audit.audit_set_collaborators"] == left["audit.collaborators_by_audit_set"]


def test_who_owns_a_set_stays(world: World) -> None:
    full_life(world)
    for number in range(3, 8):
        collaborator(world, number)
    collaborator(world, 8, role="OWNER")
    before = world.contents()
    refused = refusal(lambda: world.admin.DeleteUser(user_email=ADA))
    assert (refused.code, refused.reason) == ("FAILED_PRECONDITION", "OWNS_AUDIT_SETS")
    assert world.contents() == before
    collaborator(world, 8, role="CO_OWNER")
    assert world.admin.DeleteUser(user_email=ADA).finished
    assert rows_that_name(world) == {}


def test_one_who_is_disabled_may_be_deleted(world: World) -> None:
    full_life(world)
    world.admin.UpdateUser(user_email=ADA, status="DISABLED")
    assert world.admin.DeleteUser(user_email=ADA).finished
    assert rows_that_name(world) == {}


def test_what_comes_in_between_leaves_nothing_behind(world: World) -> None:
    """Log-ins, codes, roles and organisations, all the time while somebody leaves."""
    full_life(world)
    admin, ending = world.admin, threading.Event()
    nobody = world.stage.as_nobody()

    def go_on(call: Any) -> None:
        while not ending.is_set():
            try:
                call()
            except Refused:
                continue

    calls = [
        lambda: nobody.RequestPasswordReset(user_email=ADA),
        lambda: admin.AssignRole(user_email=ADA, role="AUDIT_ADMIN"),
        lambda: admin.UpdateOrganization(org_id="org", admin_email=ADA),
        lambda: admin.UpdateUser(user_email=ADA, org_id="org"),
        lambda: world.tokens(ADA),
    ]
    threads = [threading.Thread(target=go_on, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    while not _left(world):
        pass
    ending.set()
    for thread in threads:
        thread.join(60)
    world.settled()
    assert rows_that_name(world) == {}


def _left(world: World) -> bool:
    try:
        return bool(world.admin.DeleteUser(user_email=ADA).finished)
    except Refused as refused:
        return refused.reason == "USER_NOT_FOUND"


def test_who_is_no_admin_deletes_nobody(world: World) -> None:
    ada = world.register(ADA)
    world.register(BOB)
    assert refusal(lambda: ada.DeleteUser(user_email=ADA)).code == "PERMISSION_DENIED"
    for email in (BOB, ADMIN, "nobody@example.org"):
        refused = refusal(lambda email=email: ada.DeleteUser(user_email=email))  # type: ignore[misc]
        assert (refused.code, refused.reason) == ("NOT_FOUND", "USER_NOT_FOUND")


def test_many_organisations_are_all_looked_at(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leaving, "_PAGE", 2)
    world.register(ADA)
    for number in range(7):
        world.admin.CreateOrganization(org_id=f"o{number}", name="One", admin_email=ADA)
    assert world.admin.DeleteUser(user_email=ADA).finished
    assert rows_that_name(world) == {}


def test_a_step_that_comes_late_harms_nobody_who_has_the_address_since(world: World) -> None:
    full_life(world)
    before = world.contents()
    assert world.stage.run(world.stage.manager.run(leaving._step, ADA))
    assert world.contents() == before
    assert rows_that_name(world)["audit.audit_set_collaborators"] == 3


def test_a_group_belongs_to_another_owner_or_to_nobody(world: World) -> None:
    full_life(world, groups=2)
    world.register(BOB, "GENERAL_USER")
    for number in range(2):
        world.stage.put(
            "audit.audit_group",
            audit_group_id=f"group{number:03}",
            name="a group",
            description="",
            owner_user_id="id of ada",
            owner_email=ADA,
            created_at=1,
            updated_at=1,
        )
    world.stage.put(
        "audit.audit_group_members",
        audit_group_id="group000",
        user_email=BOB,
        privilege="OWNER",
        added_at=1,
    )
    assert world.admin.DeleteUser(user_email=ADA).finished
    groups = [world.stage.get("audit.audit_group", audit_group_id=f"group00{n}") for n in (0, 1)]
    bob = world.admin.GetUser(user_email=BOB)
    assert [(one["owner_email"], one["owner_user_id"]) for one in groups if one] == [
        (BOB, bob.user_id),
        ("", "id of ada"),
    ]


def test_a_database_that_goes_away_on_the_way_is_no_failure_of_what_was_done(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    full_life(world)
    transactions = world.stage.auditor.transactions
    run, allowed = transactions.run, 1

    async def going_away(*args: Any, **how: Any) -> Any:
        nonlocal allowed
        if not allowed:
            raise StorageUnavailableError("the database is away")
        allowed -= 1
        return await run(*args, **how)

    monkeypatch.setattr(transactions, "run", going_away)
    assert not world.admin.DeleteUser(user_email=ADA).finished
    assert refusal(lambda: world.admin.DeleteUser(user_email=ADA)).code == "UNAVAILABLE"
    monkeypatch.setattr(transactions, "run", run)
    assert world.admin.DeleteUser(user_email=ADA).finished
    assert rows_that_name(world) == {}
