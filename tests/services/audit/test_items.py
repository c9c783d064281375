"""Which items does a set hold, and what is told of each?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.services.audit.world import World, all_of, everything, new_item, wrong
from tests.services.stage import Refused, Stage

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Stage(names=("audit", "verification")) as one:
        yield one


def refusal(calls: Any, method: str, **asked: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        getattr(calls, method)(**asked)
    return caught.value


def registered(stage: Stage, item_id: str) -> None:
    stage.as_service().RegisterItem(item_id=item_id, sha1_hash="cd" * 20, version_id="v1")


def items_of(world: World, audit_set_id: str, size: int = 100) -> dict[str, Any]:
    calls = world.calls("reviewer")
    listed = all_of(calls, "ListItems", "items", size, audit_set_id=audit_set_id)
    assert [one.item_id for one in listed] == sorted({one.item_id for one in listed})
    return {one.item_id: one for one in listed}


def test_an_item_is_kept_as_it_was_in_both_tables(world: World) -> None:
    scene = world.scene()
    item = new_item(world.stage, name="a.txt", parent_id="p", item_type="FOLDER")
    answer = world.calls("member").AddItems(audit_set_id=scene.audit_set, item_ids=[item])
    (added,) = answer.items
    assert (added.item_name, added.parent_id, added.item_type) == ("a.txt", "p", "FOLDER")
    assert (added.sha1_hash, added.deleted) == ("ab" * 20, False)
    assert added.added_by == world.caller("member").user_id
    new_item(world.stage, item, name="b.txt", sha1_hash="cd" * 20)
    assert items_of(world, scene.audit_set)[item] == added
    key = {"audit_set_id": scene.audit_set, "item_id": item}
    other = world.stage.get("audit.sets_of_item", **key)
    assert other == {**key, "added_at": added.added_at}
    assert wrong(world.stage) == []


def test_items_are_added_all_or_none(world: World) -> None:
    calls, of_set = world.calls("owner"), {"audit_set_id": world.scene().audit_set}
    good, gone = new_item(world.stage), new_item(world.stage, deleted=True)
    before = everything(world.stage)
    found = refusal(calls, "AddItems", **of_set, item_ids=[good, "unknown"])
    assert (found.code, found.reason) == ("NOT_FOUND", "ITEM_NOT_FOUND")
    assert found.metadata["item_id"] == "unknown"
    found = refusal(calls, "AddItems", **of_set, item_ids=[good, gone])
    assert (found.code, found.reason) == ("FAILED_PRECONDITION", "ITEM_DELETED")
    assert found.metadata["item_id"] == gone
    assert everything(world.stage) == before


def test_one_that_is_there_stays_as_it_is(world: World) -> None:
    calls, of_set = world.calls("owner"), {"audit_set_id": world.scene().audit_set}
    one, two = new_item(world.stage), new_item(world.stage)
    first = calls.AddItems(**of_set, item_ids=[one])
    new_item(world.stage, one, name="renamed", deleted=True)
    both = calls.AddItems(**of_set, item_ids=[two, one]).items
    assert [item.item_id for item in both] == [two, one]
    first.items[0].deleted = True
    assert both[1] == first.items[0]
    before = everything(world.stage)
    calls.AddItems(**of_set, item_ids=[one, two])
    assert everything(world.stage) == before


def test_a_deleted_item_stays_listed_as_deleted(world: World) -> None:
    scene = world.scene()
    item = new_item(world.stage)
    world.calls("owner").AddItems(audit_set_id=scene.audit_set, item_ids=[item])
    assert not items_of(world, scene.audit_set)[item].deleted
    new_item(world.stage, item, deleted=True)
    assert items_of(world, scene.audit_set)[item].deleted


def test_what_is_known_of_its_digest_is_told_as_it_is_now(world: World) -> None:
    scene = world.scene()
    before, after, never = (new_item(world.stage) for _ in range(3))
    registered(world.stage, before)
    calls = world.calls("owner")
    calls.AddItems(audit_set_id=scene.audit_set, item_ids=[before, after, never])
    registered(world.stage, after)
    found = items_of(world, scene.audit_set)
    assert found[before].monitoring_status == found[after].monitoring_status == "MONITORED"
    assert found[before].tampering_status == found[after].tampering_status == "NOT_TAMPERED"
    assert found[never].monitoring_status == found[never].tampering_status == "NOT_MONITORED"
    kept = {
        item: (
            world.stage.get("audit.audit_set_item", audit_set_id=scene.audit_set, item_id=item)
            or {}
        )
        for item in (before, after)
    }
    assert kept[before]["monitoring_status"] == "MONITORED"
    assert kept[after]["monitoring_status"] == "NOT_MONITORED", "as it was when it was added"


def test_a_status_that_was_altered_is_not_believed(world: World) -> None:
    scene = world.scene()
    item = new_item(world.stage)
    registered(world.stage, item)
    world.calls("owner").AddItems(audit_set_id=scene.audit_set, item_ids=[item])
    row = world.stage.get("verification.item_status", item_id=item)
    assert row is not None
    world.stage.put("verification.item_status", **{**row, "last_sha1_hash": "ef" * 20})
    assert items_of(world, scene.audit_set)[item].tampering_status == "TAMPERED"
    world.stage.put("verification.item_status", **row)
    assert items_of(world, scene.audit_set)[item].tampering_status == "NOT_TAMPERED"


def test_an_item_is_taken_out_of_both_tables(world: World) -> None:
    scene = world.scene()
    asked = {"audit_set_id": scene.audit_set, "item_id": scene.item}
    world.calls("member").RemoveItem(**asked)
    assert items_of(world, scene.audit_set) == {}
    assert world.stage.get("audit.sets_of_item", **asked) is None
    found = refusal(world.calls("member"), "RemoveItem", **asked)
    assert (found.code, found.reason) == ("NOT_FOUND", "ITEM_NOT_FOUND")
    assert wrong(world.stage) == []


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_pages_hold_each_item_once(world: World, size: int) -> None:
    scene = world.scene()
    ids = {scene.item, *(new_item(world.stage) for _ in range(6))}
    world.calls("owner").AddItems(audit_set_id=scene.audit_set, item_ids=sorted(ids))
    assert items_of(world, scene.audit_set, size).keys() == ids


def test_500_items_are_added_at_once(world: World) -> None:
    scene = world.scene()
    ids = [new_item(world.stage) for _ in range(500)]
    answer = world.calls("owner").AddItems(audit_set_id=scene.audit_set, item_ids=ids)
    assert [item.item_id for item in answer.items] == ids
    assert items_of(world, scene.audit_set).keys() == {*ids, scene.item}
