"""Who is in a group, and what does a link to it give them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.audit.sets import PAIRS_A_STEP
from tests.services.audit.world import all_of, email, everything, new_user, wrong
from tests.services.event.test_costs import counted
from tests.services.stage import Refused

if TYPE_CHECKING:
    from tests.services.audit.world import World

GONE = ("NOT_FOUND", "AUDIT_GROUP_NOT_FOUND")
LAST = ("FAILED_PRECONDITION", "LAST_GROUP_OWNER")


def refusal(calls: Any, method: str, **asked: Any) -> tuple[str, str]:
    with pytest.raises(Refused) as caught:
        getattr(calls, method)(**asked)
    return caught.value.code, caught.value.reason


def members(world: World, group: str) -> dict[str, str]:
    listed = all_of(world.calls("admin"), "ListGroupMembers", "members", 2, audit_group_id=group)
    assert [one.user_email for one in listed] == sorted(one.user_email for one in listed)
    return {one.user_email.partition("@")[0]: one.privilege for one in listed}


def group_of(world: World, group: str) -> dict[str, Any]:
    return world.stage.get("audit.audit_group", audit_group_id=group) or {}


def test_a_group_comes_with_its_owner_by_group_and_by_person(world: World) -> None:
    made = world.calls("owner").CreateAuditGroup(name="g", description="d")
    assert (made.privilege, made.owner_email) == ("OWNER", email("owner"))
    assert members(world, made.audit_group_id) == {"owner": "OWNER"}
    key = {"user_email": email("owner"), "audit_group_id": made.audit_group_id}
    assert world.stage.get("identity.user_audit_group", **key) == world.stage.get(
        "audit.audit_group_members", **key
    )
    listed = all_of(world.calls("owner"), "ListAuditGroups", "audit_groups", 1)
    assert made in listed


def test_made_twice_with_the_same_id_it_is_made_once(world: World) -> None:
    asked = {"audit_group_id": "chosen", "name": "n", "description": "d"}
    made = world.calls("owner").CreateAuditGroup(**asked)
    before = everything(world.stage)
    assert world.calls("owner").CreateAuditGroup(**asked) == made
    taken = ("ALREADY_EXISTS", "AUDIT_GROUP_EXISTS")
    assert refusal(world.calls("owner"), "CreateAuditGroup", **{**asked, "name": "m"}) == taken
    assert refusal(world.calls("member"), "CreateAuditGroup", **asked) == taken
    assert everything(world.stage) == before


def test_what_is_not_given_stays(world: World) -> None:
    calls, of_group = world.calls("group-owner"), {"audit_group_id": world.scene().group}
    named = calls.UpdateAuditGroup(**of_group, name="new")
    assert (named.name, named.description, named.privilege) == ("new", "words", "OWNER")
    described = calls.UpdateAuditGroup(**of_group, description="")
    assert (described.name, described.description) == ("new", "")
    assert calls.UpdateAuditGroup(**of_group) == described


def test_members_come_and_go_in_both_services(world: World) -> None:
    calls, of_group = world.calls("group-owner"), {"audit_group_id": world.scene().group}
    asked = {**of_group, "user_email": email("newcomer")}
    joined = calls.AddGroupMember(**asked, privilege="MEMBER", added_at=77)
    assert joined.added_at > 77, "the server's time"
    before = everything(world.stage)
    assert calls.AddGroupMember(**asked, privilege="MEMBER") == joined
    assert everything(world.stage) == before
    raised = calls.AddGroupMember(**asked, privilege="OWNER")
    assert (raised.privilege, raised.added_at) == ("OWNER", joined.added_at)
    assert members(world, of_group["audit_group_id"])["newcomer"] == "OWNER"
    assert wrong(world.stage) == []
    calls.RemoveGroupMember(**asked)
    assert "newcomer" not in members(world, of_group["audit_group_id"])
    assert world.stage.get("identity.user_audit_group", **asked) is None
    assert refusal(calls, "RemoveGroupMember", **asked)[1] == "GROUP_MEMBER_NOT_FOUND"
    assert wrong(world.stage) == []


@pytest.mark.parametrize("status", ["DISABLED", "DELETING"])
def test_nobody_joins_who_is_not_active(world: World, status: str) -> None:
    new_user(world.stage, "leaving", status)
    asked = {"audit_group_id": world.scene().group, "privilege": "MEMBER"}
    for name in ("leaving", "unheard-of"):
        found = refusal(
            world.calls("group-owner"), "AddGroupMember", **asked, user_email=email(name)
        )
        assert found == ("NOT_FOUND", "USER_NOT_FOUND")


def test_the_last_owner_stays(world: World) -> None:
    calls, group = world.calls("group-owner"), world.scene().group
    asked = {"audit_group_id": group, "user_email": email("group-owner")}
    assert refusal(calls, "RemoveGroupMember", **asked) == LAST
    assert refusal(calls, "AddGroupMember", **asked, privilege="MEMBER") == LAST
    assert refusal(world.calls("admin"), "RemoveGroupMember", **asked) == LAST
    assert members(world, group)["group-owner"] == "OWNER"


def test_who_is_being_deleted_is_no_other_owner(world: World) -> None:
    calls, group = world.calls("group-owner"), world.scene().group
    new_user(world.stage, "leaving")
    of_group = {"audit_group_id": group}
    calls.AddGroupMember(**of_group, user_email=email("leaving"), privilege="OWNER")
    new_user(world.stage, "leaving", "DELETING")
    own = {**of_group, "user_email": email("group-owner")}
    assert refusal(calls, "RemoveGroupMember", **own) == LAST


@pytest.mark.parametrize("leaves", [True, False])
def test_the_group_belongs_to_an_owner_who_stays(world: World, leaves: bool) -> None:
    calls, group = world.calls("group-owner"), world.scene().group
    of_group = {"audit_group_id": group}
    assert group_of(world, group)["owner_email"] == email("group-owner")
    calls.AddGroupMember(**of_group, user_email=email("newcomer"), privilege="OWNER")
    own = {**of_group, "user_email": email("group-owner")}
    if leaves:
        calls.RemoveGroupMember(**own)
    else:
        calls.AddGroupMember(**own, privilege="MEMBER")
    kept = group_of(world, group)
    assert (kept["owner_email"], kept["owner_user_id"]) == (
        email("newcomer"),
        f"id of {email('newcomer')}",
    )
    assert members(world, group).get("group-owner") == (None if leaves else "MEMBER")


def test_the_group_belongs_to_who_it_does_while_other_owners_go(world: World) -> None:
    calls, group = world.calls("group-owner"), world.scene().group
    other = {"audit_group_id": group, "user_email": email("newcomer")}
    calls.AddGroupMember(**other, privilege="OWNER")
    calls.RemoveGroupMember(**other)
    assert group_of(world, group)["owner_email"] == email("group-owner")
    calls.AddGroupMember(**other, privilege="OWNER")
    calls.AddGroupMember(**other, privilege="MEMBER")
    assert group_of(world, group)["owner_email"] == email("group-owner")
    # Nobody is left to whom it could belong, once that one is being deleted.
    calls.AddGroupMember(**other, privilege="OWNER")
    new_user(world.stage, "group-owner", "DELETING")
    try:
        assert refusal(world.calls("admin"), "RemoveGroupMember", **other) == LAST
    finally:
        new_user(world.stage, "group-owner")


def test_who_leaves_a_large_group_is_not_looked_for_among_all(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, group = world.calls("group-owner"), world.scene().group
    other = {"audit_group_id": group, "user_email": email("newcomer")}
    calls.AddGroupMember(**other, privilege="OWNER")
    with counted(monkeypatch) as cost:
        calls.RemoveGroupMember(**other)
    assert cost["scan"] == 0


# What a link gives.


def test_the_highest_role_wins(world: World) -> None:
    scene = world.scene()
    of_set = {"audit_set_id": scene.audit_set}

    def role(name: str) -> str:
        told: str = world.calls(name).GetAuditSet(**of_set).role
        listed = all_of(world.calls(name), "ListMyAuditSets", "audit_sets", 1000)
        assert [one.role for one in listed if one.audit_set_id == scene.audit_set] == [told]
        return told

    assert role("group-owner") == "CO_OWNER"
    assert role("group-member") == "REVIEWER"
    assert role("target") == "MEMBER", "more than a group's MEMBER is"
    assert role("co-owner") == "CO_OWNER"
    leader = world.calls("group-owner")
    for name in ("target", "reviewer"):
        leader.AddGroupMember(audit_group_id=scene.group, user_email=email(name), privilege="OWNER")
        assert role(name) == "CO_OWNER", "more than they are directly"
    other = {"audit_group_id": scene.unlinked}
    leader.AddGroupMember(**other, user_email=email("group-member"), privilege="OWNER")
    assert role("group-member") == "REVIEWER"
    leader.LinkAuditSet(**other, **of_set)
    assert role("group-member") == "CO_OWNER"
    leader.UnlinkAuditSet(**other, **of_set)
    assert role("group-member") == "REVIEWER"
    assert wrong(world.stage) == []


def test_what_a_group_gave_ends_with_link_and_membership(world: World) -> None:
    scene = world.scene()
    of_set, of_group = {"audit_set_id": scene.audit_set}, {"audit_group_id": scene.group}
    hidden = ("NOT_FOUND", "AUDIT_SET_NOT_FOUND")
    world.calls("group-owner").RemoveGroupMember(**of_group, user_email=email("group-member"))
    assert refusal(world.calls("group-member"), "GetAuditSet", **of_set) == hidden
    assert world.calls("group-owner").GetAuditSet(**of_set)
    world.calls("owner").UnlinkAuditSet(**of_set, **of_group)
    assert refusal(world.calls("group-owner"), "GetAuditSet", **of_set) == hidden


def test_linked_twice_it_is_linked_once(world: World) -> None:
    scene = world.scene()
    asked = {"audit_set_id": scene.audit_set, "audit_group_id": scene.group}
    before = everything(world.stage)
    world.calls("co-owner").LinkAuditSet(**asked)
    assert everything(world.stage) == before
    world.calls("co-owner").UnlinkAuditSet(**asked)
    assert refusal(world.calls("co-owner"), "UnlinkAuditSet", **asked) == GONE
    assert wrong(world.stage) == []


def test_a_set_has_not_groups_without_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalar_auditor.audit.groups.MOST_OF_A_SET", 1)
    scene, calls = world.scene(), world.calls("co-owner")
    of_set = {"audit_set_id": scene.audit_set}
    found = refusal(calls, "LinkAuditSet", **of_set, audit_group_id=scene.unlinked)
    assert found == ("FAILED_PRECONDITION", "TOO_MANY_GROUPS")
    calls.LinkAuditSet(**of_set, audit_group_id=scene.group)
    calls.UnlinkAuditSet(**of_set, audit_group_id=scene.group)
    calls.LinkAuditSet(**of_set, audit_group_id=scene.unlinked)


# Deleted.


def test_a_group_goes_step_by_step_and_gives_nothing_from_the_first(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scalar_auditor.audit.requests.STEPS_A_CALL", 1)
    scene, leader = world.scene(), world.calls("group-owner")
    of_set, of_group = {"audit_set_id": scene.audit_set}, {"audit_group_id": scene.group}
    crowd = [f"person-{number}" for number in range(PAIRS_A_STEP + 5)]
    for name in crowd:
        new_user(world.stage, name)
        leader.AddGroupMember(**of_group, user_email=email(name), privilege="MEMBER")
    calls = 0
    while not leader.DeleteAuditGroup(**of_group).finished:
        calls += 1
        assert refusal(leader, "UpdateAuditGroup", **of_group, name="n") == GONE
        assert refusal(leader, "LinkAuditSet", **of_group, **of_set)[0] == "NOT_FOUND"
        asked = {**of_group, "user_email": email("newcomer"), "privilege": "MEMBER"}
        assert refusal(leader, "AddGroupMember", **asked) == GONE
        assert refusal(world.calls("group-member"), "DeleteAuditGroup", **of_group) == GONE
        for name in ("group-owner", "group-member", crowd[0], crowd[-1]):
            assert refusal(world.calls(name), "GetAuditSet", **of_set)[0] == "NOT_FOUND"
            groups = all_of(world.calls(name), "ListAuditGroups", "audit_groups", 1000)
            assert scene.group not in {one.audit_group_id for one in groups}
            sets = all_of(world.calls(name), "ListMyAuditSets", "audit_sets", 1000)
            assert scene.audit_set not in {one.audit_set_id for one in sets}
        assert wrong(world.stage) == []
    assert calls >= 4
    for table in ("audit.audit_group", "audit.audit_group_members", "identity.user_audit_group"):
        assert scene.group not in {row["audit_group_id"] for row in world.stage.rows(table)}
    assert world.calls("owner").GetAuditSet(**of_set)
    assert wrong(world.stage) == []
    assert refusal(leader, "DeleteAuditGroup", **of_group) == GONE
