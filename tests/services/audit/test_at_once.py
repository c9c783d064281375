"""Do several callers at once leave sets and groups as they have to be?

What each call hears is checked too: done, or refused for what another one did before.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.audit.rules import forget_person
from tests.services.audit.world import World, email, new_item, new_user, wrong
from tests.services.stage import Refused, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = pytest.mark.parametrize("number", range(2))  # each more than once


@pytest.fixture(params=["memory", "sqlite"], scope="module")
def stage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    path: Path = tmp_path_factory.mktemp("at-once") / "audit.db"
    target = "memory://" if request.param == "memory" else f"sqlite:///{path}"
    with Stage(target, names=("audit",)) as one:
        yield one


def at_once(*works: Callable[[], Any]) -> list[str]:
    """What each of them came to: OK, or the code of the refusal."""
    start, found = threading.Barrier(len(works)), ["no answer"] * len(works)

    def work(number: int) -> None:
        start.wait(10)
        try:
            works[number]()
            found[number] = "OK"
        except Refused as refused:
            found[number] = refused.code

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return found


def until_done(call: Callable[[], Any]) -> None:
    while not call().finished:
        pass


def test_two_hand_the_ownership_over(world: World, number: int) -> None:
    of_set = {"audit_set_id": world.scene().audit_set}
    calls, heirs = world.calls("owner"), ["target", "newcomer", "co-owner", "stranger"]
    found = at_once(
        *(
            lambda heir=heir: calls.TransferOwnership(**of_set, user_email=email(heir))
            for heir in heirs
        )
    )
    # Whoever comes second does not own it any more.
    assert sorted(found) == ["OK", *["PERMISSION_DENIED"] * (len(heirs) - 1)]
    winner = heirs[found.index("OK")]
    told = world.calls("admin").GetAuditSet(**of_set)
    assert told.owner_email == email(winner)
    assert wrong(world.stage) == []


def test_some_add_while_the_set_is_deleted(world: World, number: int) -> None:
    scene = world.scene()
    of_set = {"audit_set_id": scene.audit_set}
    items = [new_item(world.stage) for _ in range(3)]
    wanted = [{"user_email": email("newcomer"), "role": "MEMBER"}]
    found = at_once(
        lambda: until_done(lambda: world.calls("owner").DeleteAuditSet(**of_set)),
        lambda: world.calls("member").AddItems(**of_set, item_ids=items),
        lambda: world.calls("co-owner").AddCollaborators(**of_set, collaborators=wanted),
        lambda: world.calls("co-owner").LinkAuditSet(**of_set, audit_group_id=scene.unlinked),
        lambda: world.calls("outside").ListItems(**of_set),
    )
    assert found[0] == "OK"
    assert set(found[1:]) <= {"OK", "NOT_FOUND"}
    for table in (
        "audit.audit_set",
        "audit.audit_set_collaborators",
        "audit.collaborators_by_audit_set",
        "audit.audit_set_item",
        "audit.sets_of_item",
        "audit.audit_grp_audit_set_mapping",
        "audit.audit_groups_by_set",
    ):
        left = [row for row in world.stage.rows(table) if row["audit_set_id"] == scene.audit_set]
        assert left == [], table
    assert wrong(world.stage) == []


def test_several_add_the_same_item(world: World, number: int) -> None:
    of_set = {"audit_set_id": world.scene().audit_set}
    items = [new_item(world.stage) for _ in range(3)]
    orders = (items, items[::-1], items[1:], items)
    found = at_once(
        *(
            lambda ids=ids, name=name: world.calls(name).AddItems(**of_set, item_ids=ids)
            for name, ids in zip(("owner", "co-owner", "member", "target"), orders, strict=True)
        )
    )
    assert found == ["OK"] * 4
    listed = world.calls("owner").ListItems(**of_set).items
    assert set(items) < {one.item_id for one in listed}
    assert len(listed) == len(items) + 1
    assert wrong(world.stage) == []


def test_one_is_removed_from_a_group_while_others_add_and_remove(world: World, number: int) -> None:
    of_group = {"audit_group_id": world.scene().group}
    calls, person = world.calls("group-owner"), {"user_email": email("group-member")}
    found = at_once(
        lambda: calls.RemoveGroupMember(**of_group, **person),
        lambda: calls.AddGroupMember(**of_group, **person, privilege="OWNER"),
        lambda: world.calls("admin").RemoveGroupMember(**of_group, **person),
        lambda: world.calls("admin").AddGroupMember(**of_group, **person, privilege="MEMBER"),
    )
    assert set(found) <= {"OK", "NOT_FOUND"}
    assert (found[1], found[3]) == ("OK", "OK")
    assert wrong(world.stage) == []


def test_two_owners_leave_a_group_and_one_stays(world: World, number: int) -> None:
    of_group = {"audit_group_id": world.scene().group}
    one, two = email("group-owner"), email("newcomer")
    calls = world.calls("admin")
    calls.AddGroupMember(**of_group, user_email=two, privilege="OWNER")
    found = at_once(
        lambda: calls.RemoveGroupMember(**of_group, user_email=one),
        lambda: calls.RemoveGroupMember(**of_group, user_email=two),
        lambda: calls.AddGroupMember(**of_group, user_email=two, privilege="MEMBER"),
    )
    members = calls.ListGroupMembers(**of_group).members
    owners = [member.user_email for member in members if member.privilege == "OWNER"]
    assert owners, found
    group = world.stage.get("audit.audit_group", **of_group)
    assert group is not None
    assert group["owner_email"] in owners
    assert wrong(world.stage) == []


def test_some_join_while_the_group_is_deleted(world: World, number: int) -> None:
    scene = world.scene()
    of_group = {"audit_group_id": scene.group}
    found = at_once(
        lambda: until_done(lambda: world.calls("group-owner").DeleteAuditGroup(**of_group)),
        lambda: world.calls("admin").AddGroupMember(
            **of_group, user_email=email("newcomer"), privilege="MEMBER"
        ),
        lambda: world.calls("admin").LinkAuditSet(
            **of_group, audit_set_id=world.scene("stranger", alone=True).audit_set
        ),
    )
    assert found[0] == "OK"
    for table in ("audit.audit_group_members", "identity.user_audit_group"):
        assert scene.group not in {row["audit_group_id"] for row in world.stage.rows(table)}
    assert wrong(world.stage) == []


def test_one_set_is_made_of_one_id(world: World, number: int) -> None:
    asked = {"audit_set_id": f"same-{number}", "name": "n"}
    found = at_once(
        *[lambda: world.calls("owner").CreateAuditSet(**asked)] * 3,
        lambda: world.calls("stranger").CreateAuditSet(**asked),
    )
    mine = found[:3]
    assert (mine, found[3]) in (
        (["OK"] * 3, "ALREADY_EXISTS"),
        (["ALREADY_EXISTS"] * 3, "OK"),
    )
    assert wrong(world.stage) == []


def test_nothing_names_somebody_who_was_deleted_meanwhile(world: World, number: int) -> None:
    scene = world.scene()
    name = f"leaver-{number}"
    user = new_user(world.stage, name)
    of_set, of_group = {"audit_set_id": scene.audit_set}, {"audit_group_id": scene.group}
    wanted = [{"user_email": user, "role": "MEMBER"}]
    other = world.calls("owner").CreateAuditSet(name="n").audit_set_id
    world.calls("owner").AddCollaborators(audit_set_id=other, collaborators=wanted)

    def leave() -> None:
        new_user(world.stage, name, "DELETING")
        while not world.stage.run(world.stage.manager.run(forget_person, user, 10)):
            pass

    found = at_once(
        leave,
        lambda: world.calls("owner").AddCollaborators(**of_set, collaborators=wanted),
        lambda: world.calls("owner").ChangeCollaboratorRole(
            audit_set_id=other, user_email=user, role="REVIEWER"
        ),
        lambda: world.calls("group-owner").AddGroupMember(
            **of_group, user_email=user, privilege="OWNER"
        ),
    )
    assert found[0] == "OK"
    assert set(found[1:]) <= {"OK", "NOT_FOUND"}
    assert wrong(world.stage) == []
    for table in (
        "audit.audit_set_collaborators",
        "audit.collaborators_by_audit_set",
        "audit.audit_group_members",
        "identity.user_audit_group",
    ):
        assert user not in {row["user_email"] for row in world.stage.rows(table)}, found
