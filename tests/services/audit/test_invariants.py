"""Does the check find what is wrong in the tables, each thing once, and nothing in right ones?"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.permissions import SetRole
from tests.services.audit.world import World, email, new_item, new_user, wrong
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.services.audit.world import Scene


@pytest.fixture
def stage() -> Iterator[Stage]:
    with Stage(names=("audit",)) as one:
        yield one


@pytest.fixture
def world(stage: Stage) -> World:
    return World(stage)


def remove(world: World, table: str, **key: str) -> None:
    assert world.stage.get(table, **key) is not None
    world.stage.run(world.stage.manager.delete(table, key))


def change(world: World, table: str, key: dict[str, str], **values: Any) -> None:
    row = world.stage.get(table, **key)
    assert row is not None
    world.stage.put(table, **{**row, **values})


def _person(scene: Scene) -> dict[str, str]:
    return {"user_email": email("target"), "audit_set_id": scene.audit_set}


def _item(scene: Scene) -> dict[str, str]:
    return {"item_id": scene.item, "audit_set_id": scene.audit_set}


def _link(scene: Scene) -> dict[str, str]:
    return {"audit_group_id": scene.group, "audit_set_id": scene.audit_set}


def _member(scene: Scene) -> dict[str, str]:
    return {"user_email": email("target"), "audit_group_id": scene.group}


TWINS: list[tuple[str, Callable[[Scene], dict[str, str]]]] = [
    ("audit.audit_set_collaborators", _person),
    ("audit.collaborators_by_audit_set", _person),
    ("audit.audit_set_item", _item),
    ("audit.sets_of_item", _item),
    ("audit.audit_grp_audit_set_mapping", _link),
    ("audit.audit_groups_by_set", _link),
    ("audit.audit_group_members", _member),
    ("identity.user_audit_group", _member),
]
DIFFERING = [
    ("audit.audit_set_collaborators", _person, {"role": "REVIEWER"}),
    ("audit.audit_set_collaborators", _person, {"user_id": "another"}),
    ("audit.collaborators_by_audit_set", _person, {"role": "CO_OWNER"}),
    ("audit.collaborators_by_audit_set", _person, {"added_at": 77}),
    ("audit.audit_set_item", _item, {"added_at": 77}),
    ("audit.sets_of_item", _item, {"added_at": 77}),
    ("audit.audit_grp_audit_set_mapping", _link, {"linked_at": 77}),
    ("audit.audit_groups_by_set", _link, {"linked_at": 77}),
    ("audit.audit_group_members", _member, {"privilege": "OWNER"}),
    ("identity.user_audit_group", _member, {"privilege": "OWNER"}),
]


@pytest.mark.parametrize("table, key_of", TWINS)
def test_a_row_that_is_missing_is_found(
    world: World, table: str, key_of: Callable[[Scene], dict[str, str]]
) -> None:
    scene = world.scene()
    world.scene()
    assert wrong(world.stage) == []
    remove(world, table, **key_of(scene))
    (found,) = wrong(world.stage)
    for value in key_of(scene).values():
        assert value in found


@pytest.mark.parametrize("table, key_of, values", DIFFERING)
def test_a_row_that_differs_is_found(
    world: World,
    table: str,
    key_of: Callable[[Scene], dict[str, str]],
    values: dict[str, Any],
) -> None:
    scene = world.scene()
    world.scene()
    change(world, table, key_of(scene), **values)
    (found,) = wrong(world.stage)
    for value in key_of(scene).values():
        assert value in found


def both(world: World, key: dict[str, str], role: SetRole) -> None:
    for table in ("audit.audit_set_collaborators", "audit.collaborators_by_audit_set"):
        change(world, table, key, role=role.value)


def test_a_set_without_an_owner_with_two_and_with_another_is_found(world: World) -> None:
    scene = world.scene()
    of_set = {"audit_set_id": scene.audit_set}
    target, owner = _person(scene), {**_person(scene), "user_email": email("owner")}
    both(world, target, SetRole.OWNER)
    (found,) = wrong(world.stage)
    assert email("target") in found
    assert email("owner") in found
    both(world, owner, SetRole.CO_OWNER)
    (found,) = wrong(world.stage)
    assert found.endswith(f"OWNER is {email('target')}")
    both(world, target, SetRole.MEMBER)
    (found,) = wrong(world.stage)
    assert found.endswith("OWNER is nobody")
    both(world, owner, SetRole.OWNER)
    assert wrong(world.stage) == []
    change(world, "audit.audit_set", of_set, owner_user_id="another")
    assert len(wrong(world.stage)) == 1
    change(world, "audit.audit_set", of_set, owner_user_id=f"id of {email('owner')}")
    change(world, "audit.audit_set", of_set, status="GONE")
    (found,) = wrong(world.stage)
    assert "GONE" in found


@pytest.mark.parametrize(
    "table, key, naming",
    [
        ("audit.audit_set", "audit_set_id", {"PersonOfSet", "SetItem", "SetOfGroup"}),
        ("audit.audit_group", "audit_group_id", {"SetOfGroup", "GroupMember"}),
    ],
)
def test_what_names_nothing_is_found(world: World, table: str, key: str, naming: set[str]) -> None:
    scene = world.scene()
    gone = {"audit_set_id": scene.audit_set, "audit_group_id": scene.group}[key]
    remove(world, table, **{key: gone})
    found = wrong(world.stage)
    assert {text.partition("there is a ")[2].split()[0] for text in found} == naming
    for text in found:
        assert gone in text
        assert text.endswith("no AuditSet" if key == "audit_set_id" else "no AuditGroup")


def test_whoever_is_on_a_set_and_is_no_user_is_found(world: World) -> None:
    """As after a deletion of a user that left something of them behind."""
    scene = world.scene()
    world.scene(alone=True)
    owner = {"user_email": email("owner")}
    account = world.stage.get("identity.user", **owner)
    assert account is not None
    remove(world, "identity.user", user_email=email("target"))
    (found,) = wrong(world.stage)
    assert scene.audit_set in found
    assert email("target") in found
    new_user(world.stage, "target")
    change(world, "identity.user", owner, user_id="of another account")
    assert len(wrong(world.stage)) == 2  # their two sets
    world.stage.put("identity.user", **account)
    assert wrong(world.stage) == []


def test_what_is_being_deleted_is_right(world: World) -> None:
    world.deleting(world.scene())
    assert wrong(world.stage) == []


def test_more_than_a_page_is_looked_at(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scalar_auditor.audit.invariants._PAGE", 3)
    scenes = [world.scene() for _ in range(4)]
    assert wrong(world.stage) == []
    for scene in scenes:
        for table, key_of in TWINS[::2]:
            remove(world, table, **key_of(scene))
    assert len(wrong(world.stage)) == len(scenes) * len(TWINS[::2])


def test_nothing_is_wrong_while_calls_go_on(world: World) -> None:
    stop, errors = threading.Event(), []
    ids = [new_item(world.stage) for _ in range(20)]

    def work() -> None:
        try:
            while not stop.is_set():
                scene = world.scene()
                of_set = {"audit_set_id": scene.audit_set}
                owner = world.calls("owner")
                owner.AddItems(**of_set, item_ids=ids)
                owner.TransferOwnership(**of_set, user_email=email("target"))
                world.calls("group-owner").DeleteAuditGroup(audit_group_id=scene.group)
                world.calls("target").DeleteAuditSet(**of_set)
        except BaseException as error:
            errors.append(error)
            raise

    thread = threading.Thread(target=work)
    thread.start()
    try:
        found = [text for _ in range(8) for text in wrong(world.stage)]
    finally:
        stop.set()
        thread.join(60)
    assert found == []
    assert errors == []
