"""Does a request that is sent again, since its answer was lost, do any harm?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.rpc.v1 import audit_pb2
from tests.services.audit.world import email, everything, wrong
from tests.services.stage import Refused

if TYPE_CHECKING:
    from tests.services.audit.world import Scene, World

OK = "OK"
# What the second one hears. None: it only reads, or the server chose the id.
METHODS = {
    "CreateAuditSet": OK,
    "GetAuditSet": None,
    "ListMyAuditSets": None,
    "UpdateAuditSet": OK,
    "DeleteAuditSet": "AUDIT_SET_NOT_FOUND",
    "AddCollaborators": OK,
    "RemoveCollaborator": "COLLABORATOR_NOT_FOUND",
    "ChangeCollaboratorRole": OK,
    "TransferOwnership": "PERMISSION_DENIED",  # it is owned by another already
    "ListCollaborators": None,
    "AddItems": OK,
    "RemoveItem": "ITEM_NOT_FOUND",
    "ListItems": None,
    "CreateAuditGroup": OK,
    "UpdateAuditGroup": OK,
    "DeleteAuditGroup": "AUDIT_GROUP_NOT_FOUND",
    "ListAuditGroups": None,
    "AddGroupMember": OK,
    "RemoveGroupMember": "GROUP_MEMBER_NOT_FOUND",
    "ListGroupMembers": None,
    "LinkAuditSet": OK,
    "UnlinkAuditSet": "AUDIT_GROUP_NOT_FOUND",
    "ListAuditorLogs": None,
    "ExportReport": None,
}
CHANGING = [method for method, again in METHODS.items() if again is not None]


def request(world: World, method: str, scene: Scene) -> tuple[str, dict[str, Any]]:
    """By whom, and what: something that was not so before."""
    of_set, of_group = {"audit_set_id": scene.audit_set}, {"audit_group_id": scene.group}
    target, newcomer = {"user_email": email("target")}, {"user_email": email("newcomer")}
    requests: dict[str, dict[str, Any]] = {
        "CreateAuditSet": {"audit_set_id": f"{scene.audit_set}-new", "name": "n"},
        "UpdateAuditSet": {**of_set, "name": "new"},
        "DeleteAuditSet": of_set,
        "AddCollaborators": {**of_set, "collaborators": [{**newcomer, "role": "MEMBER"}]},
        "RemoveCollaborator": {**of_set, **target},
        "ChangeCollaboratorRole": {**of_set, **target, "role": "REVIEWER"},
        "TransferOwnership": {**of_set, **target},
        "AddItems": {**of_set, "item_ids": [world.items[1]]},
        "RemoveItem": {**of_set, "item_id": scene.item},
        "CreateAuditGroup": {"audit_group_id": f"{scene.group}-new", "name": "n"},
        "UpdateAuditGroup": {**of_group, "name": "new"},
        "DeleteAuditGroup": of_group,
        "AddGroupMember": {**of_group, **newcomer, "privilege": "MEMBER"},
        "RemoveGroupMember": {**of_group, **target},
        "LinkAuditSet": {**of_set, "audit_group_id": scene.unlinked},
        "UnlinkAuditSet": {**of_set, **of_group},
    }
    name = "group-owner" if "Group" in method or "Link" in method else "owner"
    return name, requests[method]


def test_each_method_has_its_row() -> None:
    service = audit_pb2.DESCRIPTOR.services_by_name["AuditService"]
    assert METHODS.keys() == {method.name for method in service.methods}


@pytest.mark.parametrize("method", CHANGING)
def test_the_second_time_changes_nothing(world: World, method: str) -> None:
    name, asked = request(world, method, world.scene())
    before = everything(world.stage)
    first = getattr(world.calls(name), method)(**asked)
    after = everything(world.stage)
    assert after != before
    try:
        assert getattr(world.calls(name), method)(**asked) == first
        again = OK
    except Refused as refused:
        again = refused.reason
    assert again == METHODS[method]
    assert everything(world.stage) == after
    assert wrong(world.stage) == []
