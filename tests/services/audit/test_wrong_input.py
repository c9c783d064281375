"""Is a field that can't be right refused by its name, with nothing changed?"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.rpc.v1 import audit_pb2
from tests.services.audit.world import email, everything
from tests.services.stage import Refused

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.audit.world import Scene, World

BAD_IDS = ("a b", "x" * 129, "tab\there", "\x00", "\u200b")
NEEDED_IDS = ("", *BAD_IDS)
BAD_NAMES = ("", "  ", "x" * 256, "two\nlines", "\x1b[2J")
BAD_TEXTS = ("x" * 4001, "a\x00b")
BAD_EMAILS = ("", "ada", "@x.org", "a b@x.org", "a@", "a@x..org", "x" * 250 + "@x.org", "a@x\n")
BAD_ROLES = ("", "OWNER", "owner", "co_owner", "ADMIN", "MEMBER ")
BAD_PRIVILEGES = ("", "owner", "CO_OWNER", "REVIEWER")
BAD_SIZES = (-1, 1001, 2**31 - 1)
BAD_TOKENS = ("x", "AAAA", "é", "x" * 5000)
BAD_FORMATS = (0, 3, 77)

_SET, _GROUP = {"audit_set_id": NEEDED_IDS}, {"audit_group_id": NEEDED_IDS}
_PAGE = {"page.page_size": BAD_SIZES, "page.page_token": BAD_TOKENS}
_PERSON = {"user_email": BAD_EMAILS}
# added_at of a GroupMember is ignored: the one field that can't be wrong.
FIELDS: dict[str, dict[str, tuple[Any, ...]]] = {
    "CreateAuditSet": {"audit_set_id": BAD_IDS, "name": BAD_NAMES, "description": BAD_TEXTS},
    "GetAuditSet": _SET,
    "ListMyAuditSets": _PAGE,
    "UpdateAuditSet": {**_SET, "name": BAD_NAMES, "description": BAD_TEXTS},
    "DeleteAuditSet": _SET,
    "AddCollaborators": {
        **_SET,
        "collaborators.user_email": BAD_EMAILS,
        "collaborators.role": BAD_ROLES,
    },
    "RemoveCollaborator": {**_SET, **_PERSON},
    "ChangeCollaboratorRole": {**_SET, **_PERSON, "role": BAD_ROLES},
    "TransferOwnership": {**_SET, **_PERSON},
    "ListCollaborators": {**_SET, **_PAGE},
    "AddItems": {**_SET, "item_ids": NEEDED_IDS},
    "RemoveItem": {**_SET, "item_id": NEEDED_IDS},
    "ListItems": {**_SET, **_PAGE},
    "CreateAuditGroup": {"audit_group_id": BAD_IDS, "name": BAD_NAMES, "description": BAD_TEXTS},
    "UpdateAuditGroup": {**_GROUP, "name": BAD_NAMES, "description": BAD_TEXTS},
    "DeleteAuditGroup": _GROUP,
    "ListAuditGroups": _PAGE,
    "AddGroupMember": {**_GROUP, **_PERSON, "privilege": BAD_PRIVILEGES, "added_at": ()},
    "RemoveGroupMember": {**_GROUP, **_PERSON},
    "ListGroupMembers": {**_GROUP, **_PAGE},
    "LinkAuditSet": {**_GROUP, **_SET},
    "UnlinkAuditSet": {**_GROUP, **_SET},
    "ListAuditorLogs": {**_SET, **_PAGE},
    "ExportReport": {**_SET, "format": BAD_FORMATS},
}
STREAMS = {"ExportReport"}


@pytest.fixture(scope="module")
def scene(world: World) -> Scene:
    return world.scene()


def right(method: str, scene: Scene) -> dict[str, Any]:
    """A request that the field under test makes wrong."""
    described = audit_pb2.DESCRIPTOR.services_by_name["AuditService"].methods_by_name[method]
    values = {
        "audit_set_id": scene.audit_set,
        "audit_group_id": scene.group,
        "name": "another name",
        "description": "other words",
        "user_email": email("target"),
        "role": "REVIEWER",
        "privilege": "MEMBER",
        "collaborators": [{"user_email": email("newcomer"), "role": "MEMBER"}],
        "item_ids": [scene.item],
        "item_id": scene.item,
        "page": {"page_size": 10},
        "format": 1,
    }
    names = [field.name for field in described.input_type.fields]
    return {name: copy.deepcopy(values[name]) for name in names if name in values}


def leaves(described: Any, prefix: str = "") -> Iterator[str]:
    for field in described.fields:
        if field.message_type is None:
            yield prefix + field.name
        else:
            yield from leaves(field.message_type, f"{prefix}{field.name}.")


def called(world: World, method: str, request: dict[str, Any]) -> None:
    answer = getattr(world.calls("admin"), method)(**request)
    if method in STREAMS:
        assert list(answer)


def refused(world: World, method: str, request: dict[str, Any]) -> Refused:
    with pytest.raises(Refused) as caught:
        called(world, method, request)
    return caught.value


@pytest.mark.parametrize("method", FIELDS)
def test_each_field_has_its_row(method: str) -> None:
    service = audit_pb2.DESCRIPTOR.services_by_name["AuditService"]
    assert FIELDS.keys() == {one.name for one in service.methods}
    assert FIELDS[method].keys() == set(leaves(service.methods_by_name[method].input_type))


@pytest.mark.parametrize("method", FIELDS)
def test_the_request_is_right_without(world: World, method: str) -> None:
    request = right(method, world.scene())
    if method.startswith("Create"):
        request = {"name": request["name"]}
    called(world, method, request)


@pytest.mark.parametrize("method", FIELDS)
def test_a_wrong_value_is_refused(world: World, scene: Scene, method: str) -> None:
    before = everything(world.stage)
    for field, values in FIELDS[method].items():
        outer, _, inner = field.partition(".")
        for value in values:
            request, named = right(method, scene), field
            if outer == "page":
                request["page"][inner] = value
            elif outer == "collaborators":
                request[outer][0][inner], named = value, f"collaborators[0].{inner}"
            elif outer == "item_ids":
                request[outer].append(value)
                named = "item_ids[1]"
            else:
                request[outer] = value
            found = refused(world, method, request)
            assert (found.code, found.field) == ("INVALID_ARGUMENT", named), value
            assert found.reason == "INVALID_FIELD"
    assert everything(world.stage) == before


@pytest.mark.parametrize(
    "method, field, values",
    [
        ("AddItems", "item_ids", []),
        ("AddItems", "item_ids", [f"i{n}" for n in range(501)]),
        ("AddCollaborators", "collaborators", []),
        (
            "AddCollaborators",
            "collaborators",
            [{"user_email": f"p{n}@x.org", "role": "MEMBER"} for n in range(101)],
        ),
    ],
)
def test_a_list_has_not_too_few_nor_too_many(
    world: World, scene: Scene, method: str, field: str, values: list[Any]
) -> None:
    found = refused(world, method, {"audit_set_id": scene.audit_set, field: values})
    assert (found.code, found.field) == ("INVALID_ARGUMENT", field)


def test_nothing_is_named_twice(world: World, scene: Scene) -> None:
    of_set = {"audit_set_id": scene.audit_set}
    found = refused(world, "AddItems", {**of_set, "item_ids": ["i1", "i2", "i1"]})
    assert found.field == "item_ids[2]"
    twice = [{"user_email": one, "role": "MEMBER"} for one in ("a@x.org", "A@x.org")]
    found = refused(world, "AddCollaborators", {**of_set, "collaborators": twice})
    assert found.field == "collaborators[1].user_email"


def test_a_page_token_is_of_its_list_only(world: World) -> None:
    scene, other, calls = world.scene(), world.scene(), world.calls("admin")
    page = {"page_size": 1}
    token = calls.ListCollaborators(audit_set_id=scene.audit_set, page=page).next_page_token
    behind = {"page": {"page_token": token}}
    assert calls.ListCollaborators(audit_set_id=scene.audit_set, **behind).collaborators
    for method, asked in (
        ("ListCollaborators", {"audit_set_id": other.audit_set}),
        ("ListItems", {"audit_set_id": scene.audit_set}),
        ("ListMyAuditSets", {}),
        ("ListGroupMembers", {"audit_group_id": scene.group}),
    ):
        assert refused(world, method, {**asked, **behind}).field == "page.page_token"


@pytest.mark.parametrize("method", ["ListMyAuditSets", "ListAuditGroups"])
def test_a_page_token_is_of_its_person_only(world: World, method: str) -> None:
    for _ in range(2):
        world.scene()
    token = getattr(world.calls("co-owner"), method)(page={"page_size": 1}).next_page_token
    assert token
    with pytest.raises(Refused) as caught:
        getattr(world.calls("group-member"), method)(page={"page_token": token})
    assert caught.value.field == "page.page_token"
