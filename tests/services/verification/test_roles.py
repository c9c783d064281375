"""Who may call which method, on what? One row a method; the table is the specification's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.permissions import Role, SetRole
from scalar_auditor.rpc.v1 import verification_pb2
from tests.services.stage import Calls, Refused
from tests.services.verification.scene import (
    OWNER_OF_ITEMS,
    link_group,
    monitored,
    new_item,
    new_set,
    sha1,
)

if TYPE_CHECKING:
    from tests.services.stage import Stage

OK, HIDDEN, NO_KIND, NOBODY = "OK", "NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED"

# Callers, and what they are.
PEOPLE = {
    "admin": Role.AUDIT_ADMIN,
    "admin, outside": Role.AUDIT_ADMIN,  # and EXTERNAL_AUDITOR too
    "owner of the item": Role.GENERAL_USER,
    "owner of the item, outside": Role.EXTERNAL_AUDITOR,
    "owner": Role.GENERAL_USER,
    "co-owner": Role.GENERAL_USER,
    "member": Role.GENERAL_USER,
    "reviewer": Role.GENERAL_USER,
    "outside reviewer": Role.EXTERNAL_AUDITOR,
    "group owner": Role.GENERAL_USER,
    "group member": Role.GENERAL_USER,
    "outside group member": Role.EXTERNAL_AUDITOR,
    "of another set": Role.GENERAL_USER,
    "stranger": Role.GENERAL_USER,
    "outside stranger": Role.EXTERNAL_AUDITOR,
}
ADMINS = ("admin", "admin, outside")
CALLERS = ("nobody", "service", *PEOPLE)
IN_THE_SET = {
    "owner",
    "co-owner",
    "member",
    "reviewer",
    "outside reviewer",
    "group owner",
    "group member",
    "outside group member",
}
# Whom a call about an item may be about, and as what it is asked.
PLACES = (
    "in the set",
    "no set",
    "in another set",
    "set being deleted",
    "no such set",
    "no such item",
)


def of_an_item(caller: str, place: str) -> str:
    """Any method that shows an item."""
    if caller == "nobody":
        return NOBODY
    if place == "in the set":
        return OK if caller in ADMINS or caller in IN_THE_SET else HIDDEN
    if place == "no set":
        return OK if caller in ("admin", "service", "owner of the item") else HIDDEN
    return HIDDEN


def of_copies(caller: str, place: str) -> str:
    """A list: without a set it has what the caller may see, which may be nothing."""
    if caller == "nobody":
        return NOBODY
    if place == "no set":
        return OK
    if place in ("in another set", "no such item") and caller in ADMINS:
        return OK
    if place == "in another set" and caller == "of another set":
        return OK
    if place == "no such item" and caller in IN_THE_SET:
        return OK
    return of_an_item(caller, place)


def of_a_set(caller: str, place: str) -> str:
    if caller == "nobody":
        return NOBODY
    if caller == "service":
        return NO_KIND
    if place == "no set":
        return "INVALID_ARGUMENT"
    return of_copies(caller, place)


def registering(caller: str, place: str) -> str:
    if caller == "nobody":
        return NOBODY
    if caller != "service":
        return NO_KIND
    return HIDDEN if place == "no such item" else OK


METHODS = {
    "RegisterItem": registering,
    "VerifyItem": of_an_item,
    "GetStatus": of_an_item,
    "ListHistory": of_an_item,
    "FindCopies": of_copies,
    "VerifyAuditSet": of_a_set,
}


class World:
    """One item in a set, and sets that it is not in."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.item = monitored(stage)
        direct = {
            "owner@x.org": SetRole.OWNER,
            "co-owner@x.org": SetRole.CO_OWNER,
            "member@x.org": SetRole.MEMBER,
            "reviewer@x.org": SetRole.REVIEWER,
            "outside-reviewer@x.org": SetRole.REVIEWER,
        }
        groups = {
            "group-owner@x.org": "OWNER",
            "group-member@x.org": "MEMBER",
            "outside-group-member@x.org": "MEMBER",
        }
        self.set = new_set(stage, direct, [self.item])
        self.other = new_set(stage, {"of-another-set@x.org": SetRole.OWNER}, [new_item(stage)])
        self.deleted = new_set(stage, direct, [self.item], status="DELETING")
        for one in (self.set, self.deleted):
            link_group(stage, one, groups)
        self.sets = {
            "in the set": self.set,
            "no set": "",
            "in another set": self.other,
            "set being deleted": self.deleted,
            "no such set": "nowhere",
            "no such item": self.set,
        }

    def caller(self, name: str) -> Calls:
        if name == "nobody":
            return self.stage.as_nobody()
        if name == "service":
            return self.stage.as_service()
        if name == "admin, outside":
            return self.stage.as_person(
                "admin-outside@x.org", Role.AUDIT_ADMIN, Role.EXTERNAL_AUDITOR
            )
        if name.startswith("owner of the item"):
            return self.stage.as_person(OWNER_OF_ITEMS, PEOPLE[name])
        return self.stage.as_person(f"{name.replace(' ', '-')}@x.org", PEOPLE[name])

    def request(self, method: str, place: str) -> dict[str, Any]:
        item = "no-such-item" if place == "no such item" else self.item
        digest = sha1("nothing") if place == "no such item" else sha1(f"{self.item} 1")
        of_set = {"audit_set_id": self.sets[place]}
        return {
            "RegisterItem": {"item_id": item, "sha1_hash": digest, "version_id": "v1"},
            "VerifyItem": {"item_id": item, **of_set},
            "GetStatus": {"item_id": item, **of_set},
            "ListHistory": {"item_id": item, **of_set},
            "FindCopies": {"sha1_hash": digest, **of_set},
            "VerifyAuditSet": of_set,
        }[method]


@pytest.fixture(scope="module")
def world(stage: Stage) -> World:
    return World(stage)


def test_each_method_has_its_row() -> None:
    service = verification_pb2.DESCRIPTOR.services_by_name["VerificationService"]
    assert METHODS.keys() == {method.name for method in service.methods}


def outcome(calls: Calls, method: str, request: dict[str, Any]) -> tuple[str, Any]:
    try:
        found = getattr(calls, method)(**request)
        return OK, list(found) if method == "VerifyAuditSet" else found
    except Refused as refused:
        return refused.code, refused


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", METHODS)
def test_who_may_call_it(world: World, method: str, place: str) -> None:
    wrong = []
    for name in CALLERS:
        found, _ = outcome(world.caller(name), method, world.request(method, place))
        expected = METHODS[method](name, place)
        if found != expected:
            wrong.append(f"{name}: {found}, not {expected}")
    assert wrong == []


@pytest.mark.parametrize("method", ["VerifyItem", "GetStatus", "ListHistory"])
def test_what_is_hidden_answers_as_what_is_not_there(world: World, method: str) -> None:
    stranger = world.caller("stranger")

    def answer(item_id: str, audit_set_id: str) -> tuple[str, str, str]:
        request = {"item_id": item_id, "audit_set_id": audit_set_id}
        _, refused = outcome(stranger, method, request)
        text = str(refused).replace(item_id, "ITEM").replace(audit_set_id or "-", "SET")
        return refused.code, refused.reason, text

    assert answer(world.item, "") == answer("no-such-item", "")
    assert answer(world.item, world.set) == answer(world.item, "nowhere")
    assert answer(world.item, world.set) == answer(world.item, world.deleted)
    # To somebody who sees the set: an item that is in no set of theirs.
    other = world.caller("of another set")
    codes = [
        outcome(other, method, {"item_id": item, "audit_set_id": world.other})[1].reason
        for item in (world.item, "no-such-item")
    ]
    assert codes == ["ITEM_NOT_FOUND", "ITEM_NOT_FOUND"]


def test_copies_are_those_that_the_caller_may_see(world: World) -> None:
    same = sha1(f"{world.item} 1")
    elsewhere = new_item(world.stage, owner_email="else@x.org")
    world.stage.as_service().RegisterItem(item_id=elsewhere, sha1_hash=same, version_id="v1")

    def seen(name: str, **more: str) -> set[str]:
        return {c.item_id for c in world.caller(name).FindCopies(sha1_hash=same, **more).copies}

    both = {world.item, elsewhere}
    expected = {"admin": both, "service": both, "owner of the item": {world.item}}
    for name in CALLERS[1:]:
        assert seen(name) == expected.get(name, set()), name
    for name in (*ADMINS, *IN_THE_SET):
        assert seen(name, audit_set_id=world.set) == {world.item}
    assert seen("admin", audit_set_id=world.other) == set()


# What an outside auditor looks at.


@pytest.mark.parametrize("name", ["outside reviewer", "outside group member", "admin, outside"])
@pytest.mark.parametrize(
    "method", ["VerifyItem", "GetStatus", "ListHistory", "FindCopies", "VerifyAuditSet"]
)
def test_a_view_by_an_outside_auditor_is_logged(world: World, method: str, name: str) -> None:
    def rows() -> list[dict[str, Any]]:
        return world.stage.rows("event.auditor_logs")

    before = rows()
    code, _ = outcome(world.caller(name), method, world.request(method, "in the set"))
    assert code == OK
    new = [row for row in rows() if row not in before]
    of_set, of_item = ("", world.item)
    expected = {
        "FindCopies": [of_set],
        "VerifyAuditSet": [of_set, of_item],  # the set that was counted, and each item
    }.get(method, [of_item])
    assert sorted(row["item_id"] for row in new) == expected
    for row in new:
        assert row["audit_set_id"] == world.set
        assert row["action_type"] == method
        assert row["user_email"] == f"{name.replace(',', '').replace(' ', '-')}@x.org"


@pytest.mark.parametrize("name", ["reviewer", "admin", "outside stranger"])
def test_nobody_elses_is_nor_one_that_was_refused(world: World, name: str) -> None:
    before = len(world.stage.rows("event.auditor_logs"))
    for method in METHODS:
        if method != "RegisterItem":
            outcome(world.caller(name), method, world.request(method, "in the set"))
    assert len(world.stage.rows("event.auditor_logs")) == before
