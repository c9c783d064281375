"""Which sets and groups does somebody find listed, and is what an outside auditor sees logged?"""

from __future__ import annotations

import itertools
import random
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.audit import reach
from scalar_auditor.permissions import THROUGH_A_GROUP, Privilege, Role, SetRole, highest
from tests.services.audit.world import all_of, email, new_user
from tests.services.stage import Refused

if TYPE_CHECKING:
    from tests.services.audit.world import World


@pytest.fixture(scope="module")
def reached(world: World) -> dict[str, SetRole]:
    """Sets that "reacher" is in directly, through groups, in both ways, and in none."""
    dice = random.Random(7)
    new_user(world.stage, "reacher")
    new_user(world.stage, "maker")
    maker, reacher = world.calls("maker"), {"user_email": email("reacher")}
    sets = [maker.CreateAuditSet(audit_set_id=f"reach-{n:02}", name="n") for n in range(30)]
    expected: dict[str, SetRole | None] = {}
    for one in sets:
        role = dice.choice([None, None, SetRole.MEMBER, SetRole.REVIEWER, SetRole.CO_OWNER])
        expected[one.audit_set_id] = role
        if role is not None:
            wanted = [{**reacher, "role": role}]
            maker.AddCollaborators(audit_set_id=one.audit_set_id, collaborators=wanted)
    for privilege in (*Privilege, Privilege.MEMBER, None):
        group = maker.CreateAuditGroup(name="g").audit_group_id
        if privilege is not None:
            maker.AddGroupMember(audit_group_id=group, **reacher, privilege=privilege)
        for one in dice.sample(sets, 8):
            maker.LinkAuditSet(audit_group_id=group, audit_set_id=one.audit_set_id)
            if privilege is not None:
                through = THROUGH_A_GROUP[privilege]
                expected[one.audit_set_id] = highest(expected[one.audit_set_id], through)
    return {one: role for one, role in expected.items() if role is not None}


@pytest.mark.parametrize("size", [1, 2, 3, 5, 29, 30, 1000])
def test_each_set_is_listed_once_with_the_highest_role(
    world: World, reached: dict[str, SetRole], size: int
) -> None:
    found = all_of(world.calls("reacher"), "ListMyAuditSets", "audit_sets", size)
    assert [one.audit_set_id for one in found] == sorted(reached)
    assert {one.audit_set_id: one.role for one in found} == reached
    for one in found:
        asked = {"audit_set_id": one.audit_set_id}
        assert world.calls("reacher").GetAuditSet(**asked) == one


def test_who_is_in_many_groups_finds_all(
    world: World, reached: dict[str, SetRole], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scalar_auditor.audit.reach._GROUPS", 1)
    found = all_of(world.calls("reacher"), "ListMyAuditSets", "audit_sets", 4)
    assert {one.audit_set_id: one.role for one in found} == reached


def test_a_page_keeps_no_more_than_it_needs(world: World, reached: dict[str, SetRole]) -> None:
    caller, run = world.caller("reacher"), world.stage.manager.run
    for limit in (1, 3, len(reached)):
        found = world.stage.run(run(reach.page, caller, None, limit))
        assert [audit_set_id for audit_set_id, _, _ in found] == sorted(reached)[:limit]


def test_a_page_goes_on_although_sets_come_and_go(
    world: World, reached: dict[str, SetRole]
) -> None:
    first = world.calls("reacher").ListMyAuditSets(page={"page_size": 3})
    ids = sorted(reached)
    gone = ids[4]
    world.calls("maker").DeleteAuditSet(audit_set_id=gone)
    token = {"page_size": 1000, "page_token": first.next_page_token}
    rest = world.calls("reacher").ListMyAuditSets(page=token)
    found = [one.audit_set_id for one in (*first.audit_sets, *rest.audit_sets)]
    assert found == [one for one in ids if one != gone]
    del reached[gone]


def test_whoever_is_in_nothing_finds_nothing(world: World) -> None:
    for name in ("stranger", "outside-stranger", "admin"):
        calls = world.calls(name)
        assert not calls.ListMyAuditSets().audit_sets
        assert not calls.ListAuditGroups().audit_groups


@pytest.mark.parametrize("size", [1, 2, 1000])
def test_groups_are_listed_by_their_members(world: World, size: int) -> None:
    scene = world.scene()
    for name, privilege in (("group-owner", "OWNER"), ("group-member", "MEMBER")):
        found = all_of(world.calls(name), "ListAuditGroups", "audit_groups", size)
        told = {one.audit_group_id: one.privilege for one in found}
        assert len(told) == len(found)
        assert told[scene.group] == told[scene.unlinked] == privilege


# What an outside auditor looks at.

LOOKS = ("GetAuditSet", "ListCollaborators", "ListItems", "ExportReport")


def log_of(world: World, audit_set_id: str) -> list[dict[str, Any]]:
    rows = world.stage.rows("event.auditor_logs")
    return [row for row in rows if row["audit_set_id"] == audit_set_id]


def look(world: World, name: str, method: str, **asked: Any) -> None:
    answer = getattr(world.calls(name), method)(**asked)
    if method == "ExportReport":
        assert list(answer)


@pytest.mark.parametrize("name", ["outside", "outside-in-group"])
@pytest.mark.parametrize("method", LOOKS)
def test_a_view_by_an_outside_auditor_is_logged(world: World, method: str, name: str) -> None:
    scene = world.scene()
    asked = {"format": 1} if method == "ExportReport" else {}
    look(world, name, method, audit_set_id=scene.audit_set, **asked)
    rows = log_of(world, scene.audit_set)
    assert rows
    # A report is read in several transactions, and each is a view.
    assert len(rows) == (2 if method == "ExportReport" else 1)
    for row in rows:
        assert (row["action_type"], row["item_id"]) == (method, "")
        assert (row["user_email"], row["user_id"]) == (email(name), world.caller(name).user_id)


def test_one_who_may_read_the_log_is_in_it(world: World) -> None:
    scene = world.scene()
    world.calls("owner").ChangeCollaboratorRole(
        audit_set_id=scene.audit_set, user_email=email("outside"), role="CO_OWNER"
    )
    calls = world.calls("outside")
    assert not calls.ListAuditorLogs(audit_set_id=scene.audit_set).logs, "not seen by itself"
    (row,) = log_of(world, scene.audit_set)
    assert row["action_type"] == "ListAuditorLogs"
    assert len(calls.ListAuditorLogs(audit_set_id=scene.audit_set).logs) == 1


CHANGES: dict[str, dict[str, Any]] = {
    "UpdateAuditSet": {"name": "n"},
    "AddItems": {},
    "AddCollaborators": {"collaborators": [{"user_email": email("member"), "role": "MEMBER"}]},
    "ChangeCollaboratorRole": {"user_email": email("member"), "role": "MEMBER"},
    "TransferOwnership": {"user_email": email("outside")},
}


@pytest.mark.parametrize("method", CHANGES)
def test_a_change_that_answers_with_what_is_there_is_logged_too(world: World, method: str) -> None:
    scene = world.scene()
    of_set = {"audit_set_id": scene.audit_set}
    asked = {**of_set, **CHANGES[method]}
    if method == "AddItems":
        asked["item_ids"] = [scene.item]  # it is there, and is told as it stands
    world.calls("owner").TransferOwnership(**of_set, user_email=email("outside"))
    getattr(world.calls("admin"), method)(**asked)
    assert log_of(world, scene.audit_set) == []
    getattr(world.calls("outside"), method)(**asked)
    (row,) = log_of(world, scene.audit_set)
    assert (row["action_type"], row["user_email"]) == (method, email("outside"))


def test_each_set_that_is_listed_is_logged(world: World) -> None:
    new_user(world.stage, "visitor")
    calls = world.stage.as_person(email("visitor"), Role.EXTERNAL_AUDITOR)
    owner = world.calls("owner")
    ids = []
    for _ in range(5):
        ids.append(owner.CreateAuditSet(name="n").audit_set_id)
        wanted = [{"user_email": email("visitor"), "role": "REVIEWER"}]
        owner.AddCollaborators(audit_set_id=ids[-1], collaborators=wanted)
    page = calls.ListMyAuditSets(page={"page_size": 2})
    seen = {one.audit_set_id for one in page.audit_sets}
    assert len(seen) == 2
    for one in ids:
        assert len(log_of(world, one)) == (1 if one in seen else 0)
    assert len(all_of(calls, "ListMyAuditSets", "audit_sets", 2)) == 5
    assert {len(log_of(world, one)) for one in ids} == {1, 2}


def test_a_page_for_an_outside_auditor_is_short(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scalar_auditor.audit.api._MOST_SEEN", 2)
    for _ in range(3):
        world.scene()
    page = world.calls("outside").ListMyAuditSets(page={"page_size": 1000})
    assert len(page.audit_sets) == 2
    assert page.next_page_token


@pytest.mark.parametrize("name", ["reviewer", "owner", "admin", "group-member"])
def test_nobody_elses_view_is_logged_nor_one_that_was_refused(world: World, name: str) -> None:
    scene = world.scene()
    for method in LOOKS:
        asked = {"format": 2} if method == "ExportReport" else {}
        look(world, name, method, audit_set_id=scene.audit_set, **asked)
        with pytest.raises(Refused):
            look(world, "outside-stranger", method, audit_set_id=scene.audit_set, **asked)
    with pytest.raises(Refused):
        world.calls("outside").ListAuditorLogs(audit_set_id=scene.audit_set)
    assert log_of(world, scene.audit_set) == []


@pytest.mark.parametrize("size", [1, 2, 4, 1000])
def test_the_log_is_listed_newest_first(world: World, size: int) -> None:
    scene = world.scene()
    for number in range(5):
        world.stage.put(
            "event.auditor_logs",
            audit_set_id=scene.audit_set,
            log_id=f"{number:013d}-x",
            action_type="GetItem",
            item_id=f"i{number}",
            user_id="8",
            user_email=email("outside"),
            created_at=number,
        )
    found = all_of(
        world.calls("owner"), "ListAuditorLogs", "logs", size, audit_set_id=scene.audit_set
    )
    assert [one.created_at for one in found] == [4, 3, 2, 1, 0]
    assert found[0].item_id == "i4"
    for one, two in itertools.pairwise(found):
        assert one.log_id > two.log_id
