"""Who may call which method, on what? One row a method; the table is the specification's."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.permissions import ALLOWED, THROUGH_A_GROUP, Action, Privilege, Role, SetRole
from scalar_auditor.rpc.v1 import audit_pb2
from tests.services.audit.world import (
    IN_THE_GROUP,
    ON_THE_SET,
    PEOPLE,
    World,
    email,
    everything,
    new_user,
    wrong,
)
from tests.services.stage import Refused, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.services.audit.world import Scene

OK, HIDDEN, DENIED = "OK", "NOT_FOUND", "PERMISSION_DENIED"
NOBODY = "UNAUTHENTICATED"
CALLERS = ("nobody", "service", *PEOPLE)
PLACES = ("own", "another's", "deleting", "absent")


def role_of(name: str) -> SetRole | None:
    """What somebody is on the set of a scene."""
    if name == "owner":
        return SetRole.OWNER
    if name in ON_THE_SET:
        return ON_THE_SET[name]  # the target and the co-owner are more than through the group
    privilege = IN_THE_GROUP.get(name)
    return None if privilege is None else THROUGH_A_GROUP[Privilege(privilege)]


def on_a_set(action: Action) -> Callable[[str, str], str]:
    def expected(name: str, place: str) -> str:
        if place in {"deleting", "absent"}:
            return HIDDEN
        if name == "admin":
            return OK
        role = role_of(name) if place == "own" else None
        if role is None:
            return HIDDEN
        return OK if role in ALLOWED[action] else DENIED

    return expected


def deleting_a_set(name: str, place: str) -> str:
    if place == "deleting":
        return OK if name in {"admin", "owner"} else HIDDEN
    return on_a_set(Action.DISPOSE)(name, place)


def linking(name: str, place: str) -> str:
    found = on_a_set(Action.DESCRIBE)(name, place)
    sees_the_group = name == "admin" or name in IN_THE_GROUP
    return HIDDEN if found == OK and not sees_the_group else found


def in_a_group(*, owners_only: bool) -> Callable[[str, str], str]:
    def expected(name: str, place: str) -> str:
        if place in {"deleting", "absent"}:
            return HIDDEN
        if name == "admin":
            return OK
        if place != "own" or name not in IN_THE_GROUP:
            return HIDDEN
        return DENIED if owners_only and IN_THE_GROUP[name] != "OWNER" else OK

    return expected


def deleting_a_group(name: str, place: str) -> str:
    if place == "deleting":
        return OK if name in {"admin", "group-owner"} else HIDDEN
    return in_a_group(owners_only=True)(name, place)


def creating(name: str, place: str) -> str:
    return DENIED if PEOPLE[name] is Role.EXTERNAL_AUDITOR else OK


def anybody(name: str, place: str) -> str:
    return OK


@dataclass(frozen=True)
class Row:
    """What a person hears, and what is asked of a scene."""

    expected: Callable[[str, str], str]
    request: Callable[[Scene], dict[str, Any]]


def of_set(**more: Any) -> Callable[[Scene], dict[str, Any]]:
    return lambda scene: {"audit_set_id": scene.audit_set, **more}


def of_group(**more: Any) -> Callable[[Scene], dict[str, Any]]:
    return lambda scene: {"audit_group_id": scene.group, **more}


TARGET, NEWCOMER = {"user_email": email("target")}, {"user_email": email("newcomer")}
VIEW, DESCRIBE = on_a_set(Action.VIEW), on_a_set(Action.DESCRIBE)
PEOPLE_OF, ITEMS = on_a_set(Action.COLLABORATORS), on_a_set(Action.ITEMS)
OWNERS, MEMBERS = in_a_group(owners_only=True), in_a_group(owners_only=False)
METHODS = {
    "CreateAuditSet": Row(creating, lambda _: {"name": "n"}),
    "GetAuditSet": Row(VIEW, of_set()),
    "ListMyAuditSets": Row(anybody, lambda _: {}),
    "UpdateAuditSet": Row(DESCRIBE, of_set(name="other")),
    "DeleteAuditSet": Row(deleting_a_set, of_set()),
    "AddCollaborators": Row(PEOPLE_OF, of_set(collaborators=[{**NEWCOMER, "role": "MEMBER"}])),
    "RemoveCollaborator": Row(PEOPLE_OF, of_set(**TARGET)),
    "ChangeCollaboratorRole": Row(PEOPLE_OF, of_set(**TARGET, role="CO_OWNER")),
    "TransferOwnership": Row(on_a_set(Action.DISPOSE), of_set(**TARGET)),
    "ListCollaborators": Row(VIEW, of_set()),
    "AddItems": Row(ITEMS, lambda scene: {**of_set()(scene), "item_ids": [scene.item]}),
    "RemoveItem": Row(ITEMS, lambda scene: {**of_set()(scene), "item_id": scene.item}),
    "ListItems": Row(VIEW, of_set()),
    "CreateAuditGroup": Row(creating, lambda _: {"name": "n"}),
    "UpdateAuditGroup": Row(OWNERS, of_group(name="other")),
    "DeleteAuditGroup": Row(deleting_a_group, of_group()),
    "ListAuditGroups": Row(anybody, lambda _: {}),
    "AddGroupMember": Row(OWNERS, of_group(**NEWCOMER, privilege="MEMBER")),
    "RemoveGroupMember": Row(OWNERS, of_group(**TARGET)),
    "ListGroupMembers": Row(MEMBERS, of_group()),
    "LinkAuditSet": Row(
        linking,
        lambda scene: {"audit_set_id": scene.audit_set, "audit_group_id": scene.unlinked},
    ),
    "UnlinkAuditSet": Row(
        DESCRIBE, lambda scene: {"audit_set_id": scene.audit_set, "audit_group_id": scene.group}
    ),
    "ListAuditorLogs": Row(on_a_set(Action.READ_LOG), of_set()),
    "ExportReport": Row(VIEW, of_set(format=audit_pb2.REPORT_FORMAT_CSV)),
}
STREAMS = {"ExportReport"}


@pytest.fixture(scope="module")
def scenes(world: World) -> dict[str, Scene]:
    """One for each place; what is refused changes none of them."""
    own, gone = world.scene(), world.scene()
    for calls, method, asked in (
        (world.calls("owner"), "DeleteAuditSet", {"audit_set_id": gone.audit_set}),
        (world.calls("group-owner"), "DeleteAuditGroup", {"audit_group_id": gone.group}),
        (world.calls("group-owner"), "DeleteAuditGroup", {"audit_group_id": gone.unlinked}),
    ):
        assert getattr(calls, method)(**asked).finished
    new_user(world.stage, "owner-of-another")
    return {
        "own": own,
        "another's": world.scene("owner-of-another", alone=True),
        "deleting": world.deleting(world.scene()),
        "absent": gone,
    }


@pytest.fixture(scope="module")
def changing() -> Iterator[World]:
    """Where calls may change something: many scenes, at whose tables nobody looks as a whole."""
    with Stage(names=("audit",)) as one:
        yield World(one)


def test_each_method_has_its_row() -> None:
    service = audit_pb2.DESCRIPTOR.services_by_name["AuditService"]
    assert METHODS.keys() == {method.name for method in service.methods}


def outcome(world: World, name: str, method: str, scene: Scene) -> str:
    try:
        answer = getattr(world.calls(name), method)(**METHODS[method].request(scene))
        if method in STREAMS:
            assert list(answer)
    except Refused as refused:
        return refused.code
    return OK


def expected(method: str, name: str, place: str) -> str:
    if name == "nobody":
        return NOBODY
    return DENIED if name == "service" else METHODS[method].expected(name, place)


CASES = [
    (method, place)
    for method, row in METHODS.items()
    for place in PLACES
    if place == "own" or row.expected not in {creating, anybody}  # what is about no scene
]


@pytest.mark.parametrize("method, place", CASES)
def test_who_may_not_call_it_changes_nothing(
    world: World, scenes: dict[str, Scene], method: str, place: str
) -> None:
    refused = {name: wanted for name in CALLERS if (wanted := expected(method, name, place)) != OK}
    before = everything(world.stage)
    assert {name: outcome(world, name, method, scenes[place]) for name in refused} == refused
    assert everything(world.stage) == before


@pytest.mark.parametrize("method, place", CASES)
def test_who_may_call_it_can(changing: World, method: str, place: str) -> None:
    allowed = [name for name in CALLERS if expected(method, name, place) == OK]
    found = {}
    for name in allowed:
        scene = changing.scene()
        if place == "deleting":
            changing.deleting(scene)
        found[name] = outcome(changing, name, method, scene)
    assert found == dict.fromkeys(allowed, OK)


def test_all_agrees_after_all_that(changing: World) -> None:
    assert wrong(changing.stage) == []
