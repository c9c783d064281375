"""Who may call which method of items and events, on what?

One row a method; the table is the specification's (section 2).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.permissions import Role, SetRole
from scalar_auditor.rpc.v1 import event_pb2, item_pb2
from tests.services.event.scene import (
    NOW,
    OWNER_OF_ITEMS,
    TODAY,
    event,
    folder,
    id_of,
    ingest,
    item,
    link_group,
    new_set,
)
from tests.services.stage import METHODS as DESCRIBED
from tests.services.stage import Calls, Refused, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

OK, HIDDEN, NO_KIND, NOBODY = "OK", "NOT_FOUND", "PERMISSION_DENIED", "UNAUTHENTICATED"
WRONG = "INVALID_ARGUMENT"

PEOPLE: dict[str, tuple[Role, ...]] = {
    "admin": (Role.AUDIT_ADMIN,),
    "admin, outside too": (Role.AUDIT_ADMIN, Role.EXTERNAL_AUDITOR),
    "owner of the item": (Role.GENERAL_USER,),
    "owner of the item, outside": (Role.EXTERNAL_AUDITOR,),
    "owner": (Role.GENERAL_USER,),
    "co-owner": (Role.GENERAL_USER,),
    "member": (Role.GENERAL_USER,),
    "reviewer": (Role.GENERAL_USER,),
    "outside reviewer": (Role.EXTERNAL_AUDITOR,),
    "group owner": (Role.GENERAL_USER,),
    "group member": (Role.GENERAL_USER,),
    "outside group member": (Role.EXTERNAL_AUDITOR,),
    "of another set": (Role.GENERAL_USER,),
    "stranger": (Role.GENERAL_USER,),
    "outside stranger": (Role.EXTERNAL_AUDITOR,),
}
CALLERS = ("nobody", "service", *PEOPLE)
ADMINS = {"admin", "admin, outside too"}
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
OUTSIDE = {name for name, roles in PEOPLE.items() if Role.EXTERNAL_AUDITOR in roles}
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
        return OK if caller in ADMINS | IN_THE_SET else HIDDEN
    if place == "no set":
        return OK if caller in ("admin", "service", "owner of the item") else HIDDEN
    return HIDDEN


def of_many(caller: str, place: str) -> str:
    """A list without an item: it has what the caller may see, which may be nothing."""
    if caller == "nobody":
        return NOBODY
    if place == "no set":
        return WRONG if caller in OUTSIDE else OK
    if place == "in another set":
        return OK if caller in ADMINS | {"of another set"} else HIDDEN
    if place == "no such item":
        place = "in the set"
    return of_an_item(caller, place)


def of_people(caller: str, place: str) -> str:
    if caller == "service":
        return NO_KIND
    if place == "no set" and caller != "nobody":
        return WRONG
    return of_an_item(caller, place)


def of_services(caller: str, place: str) -> str:
    if caller == "nobody":
        return NOBODY
    return OK if caller == "service" else NO_KIND


def of_services_on_an_item(caller: str, place: str) -> str:
    found = of_services(caller, place)
    return HIDDEN if found == OK and place == "no such item" else found


METHODS = {
    "UpsertItem": of_services,
    "GetItem": of_an_item,
    "ListChildren": of_an_item,
    "GetPath": of_an_item,
    "MoveItem": of_services_on_an_item,
    "DeleteItem": of_services_on_an_item,
    "IngestEvents": of_services,
    "GetPosition": of_services,
    "QueryEvents": of_many,
    "ListItemEvents": of_an_item,
    "RecordAuditorLog": of_people,
    "Watch": of_many,
}
OF_AN_ITEM = [name for name, rule in METHODS.items() if rule is of_an_item]


class World:
    """One item in a set, and sets that it is not in."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        service = stage.as_service()
        for one in (folder("d"), item("f", "d"), item("other", owner_email="else@example.org")):
            service.UpsertItem(**one)
        ingest(stage, [event("1", "f"), event("2", "other", NOW + 1)])
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
        self.set = new_set(stage, direct, ["f"])
        self.other = new_set(stage, {"of-another-set@x.org": SetRole.OWNER}, ["other"])
        self.deleted = new_set(stage, direct, ["f"], status="DELETING")
        for one_set in (self.set, self.deleted):
            link_group(stage, one_set, groups)
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
        if name.startswith("owner of the item"):
            return self.stage.as_person(OWNER_OF_ITEMS, *PEOPLE[name])
        return self.stage.as_person(
            f"{name.replace(', ', '-').replace(' ', '-')}@x.org", *PEOPLE[name]
        )

    def request(self, method: str, place: str) -> dict[str, Any]:
        item_id = "never-told-of" if place == "no such item" else "f"
        of_set = {"audit_set_id": self.sets[place]}
        of_item = {"item_id": item_id, **of_set}
        return {
            "UpsertItem": item("f", "d"),
            "GetItem": of_item,
            "ListChildren": of_item,
            "GetPath": of_item,
            "MoveItem": {"item_id": item_id, "parent_id": "d", "modified_at": NOW},
            "DeleteItem": {"item_id": item_id, "modified_at": NOW},
            "IngestEvents": {
                "user_id": "once",
                "to_position": "1",
                "events": [event("1", "f")],
            },
            "GetPosition": {"user_id": "stream"},
            "QueryEvents": {"from_day": TODAY, "to_day": TODAY, **of_set},
            "ListItemEvents": of_item,
            "RecordAuditorLog": {**of_item, "action_type": "OPEN", "request_id": "r"},
            "Watch": {"after_event_id": id_of(event("0", created_at=NOW - 1000)), **of_set},
        }[method]


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Stage(names=("event", "item"), now_ms=lambda: NOW) as stage:
        yield World(stage)


def test_each_method_has_its_row() -> None:
    modules = (event_pb2, item_pb2)
    services = [one for module in modules for one in module.DESCRIPTOR.services_by_name.values()]
    assert METHODS.keys() == {method.name for one in services for method in one.methods}


def outcome(calls: Calls, method: str, request: dict[str, Any]) -> tuple[str, Any]:
    try:
        found = getattr(calls, method)(**request)
        if DESCRIBED[method].server_streaming:
            found = next(found, None)
    except Refused as refused:
        return refused.code, refused
    return OK, found


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("method", [name for name in METHODS if name != "Watch"])
def test_who_may_call_it(world: World, method: str, place: str) -> None:
    wrong = []
    for name in CALLERS:
        found, _ = outcome(world.caller(name), method, world.request(method, place))
        expected = METHODS[method](name, place)
        if found != expected:
            wrong.append(f"{name}: {found}, not {expected}")
    assert wrong == []


@pytest.mark.parametrize("place", PLACES)
def test_who_may_watch(world: World, place: str) -> None:
    """Whoever sees nothing is told nothing, so a watch of such a caller is not waited for."""
    wrong = []
    for name in CALLERS:
        expected = of_many(name, place)
        sees = name in ("admin", "service", "owner of the item") or place != "no set"
        if expected != OK or sees:
            found, _ = outcome(world.caller(name), "Watch", world.request("Watch", place))
            if found != expected:
                wrong.append(f"{name}: {found}, not {expected}")
    assert wrong == []


@pytest.mark.parametrize("method", [*OF_AN_ITEM, "RecordAuditorLog", "QueryEvents"])
def test_what_is_hidden_answers_as_what_is_not_there(world: World, method: str) -> None:
    def answer(caller: str, item_id: str, audit_set_id: str) -> tuple[str, str, str]:
        request = {**world.request(method, "in the set"), "audit_set_id": audit_set_id}
        _, refused = outcome(world.caller(caller), method, {**request, "item_id": item_id})
        text = str(refused).replace(repr(item_id), "ITEM").replace(repr(audit_set_id), "SET")
        return refused.code, refused.reason, text

    for caller in ("stranger", "outside stranger"):
        if method not in ("RecordAuditorLog", "QueryEvents"):
            assert answer(caller, "f", "") == answer(caller, "never-told-of", "")
        for hidden in (world.set, world.deleted, world.other):
            assert answer(caller, "f", hidden) == answer(caller, "f", "nowhere")
    # To somebody who sees the set: an item that is in no set of theirs.
    assert answer("of another set", "f", world.other) == answer(
        "of another set", "never-told-of", world.other
    )


VIEWS = [*OF_AN_ITEM, "QueryEvents", "Watch"]


@pytest.mark.parametrize("name", ["outside reviewer", "outside group member", "admin, outside too"])
@pytest.mark.parametrize("method", VIEWS)
def test_a_view_by_an_outside_auditor_is_logged(world: World, method: str, name: str) -> None:
    def rows() -> list[dict[str, Any]]:
        return world.stage.rows("event.auditor_logs")

    before = rows()
    code, _ = outcome(world.caller(name), method, world.request(method, "in the set"))
    assert code == OK
    (row,) = [row for row in rows() if row not in before]
    assert row["item_id"] == ("f" if method in OF_AN_ITEM else "")
    assert (row["audit_set_id"], row["action_type"]) == (world.set, method)
    assert row["user_email"].startswith(name.partition(",")[0].replace(" ", "-"))
    assert row["log_id"].startswith(f"{NOW}-")


@pytest.mark.parametrize("name", ["reviewer", "admin", "outside stranger"])
def test_nobody_elses_is_nor_one_that_was_refused(world: World, name: str) -> None:
    before = len(world.stage.rows("event.auditor_logs"))
    for method in VIEWS:
        outcome(world.caller(name), method, world.request(method, "in the set"))
    assert len(world.stage.rows("event.auditor_logs")) == before


def test_who_sees_an_item_sees_its_folders_and_children_by_name(world: World) -> None:
    """And nothing else of them."""
    reviewer = world.caller("reviewer")
    asked = {"item_id": "f", "audit_set_id": world.set}
    assert [one.item_id for one in reviewer.GetPath(**asked).items] == ["d", "f"]
    of_folder = {"item_id": "d", "audit_set_id": world.set}
    for method in OF_AN_ITEM:
        assert outcome(reviewer, method, of_folder)[0] == HIDDEN
