"""Does the check find every way in which what is kept of items can disagree?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.item import invariants
from tests.services.event.scene import findings, folder, item

if TYPE_CHECKING:
    from tests.services.stage import Stage

CHILD = {"parent_id": "d", "item_id": "f", "item_type": "FILE", "name": "f.txt", "deleted": False}

FAULTS: dict[str, tuple[str, dict[str, Any], tuple[str, ...]]] = {
    "another name": (
        "item.item_children",
        {**CHILD, "name": "other"},
        ("item f: its parent d lists it as something else",),
    ),
    "deleted in one of them": (
        "item.item_children",
        {**CHILD, "deleted": True},
        ("item f: its parent d lists it as something else",),
    ),
    "listed twice": (
        "item.item_children",
        {**CHILD, "parent_id": "e"},
        ("item e: it lists f, which lies in d",),
    ),
    "listed, and a root": (
        "item.item_children",
        {**CHILD, "item_id": "d", "parent_id": "e"},
        ("item e: it lists d, which lies in no folder",),
    ),
    "listed, and not there": (
        "item.item_children",
        {**CHILD, "item_id": "x"},
        ("item d: it lists x, which does not exist",),
    ),
    "moved in one of them": (
        "item.item",
        {"item_id": "f", "parent_id": "e"},
        ("item f: it is not listed in its parent e", "item d: it lists f, which lies in e"),
    ),
}


@pytest.fixture(autouse=True)
def _told(stage: Stage) -> None:
    for one in (folder("d"), folder("e"), item("f", "d"), item("g", "d")):
        stage.as_service().UpsertItem(**one)
    assert findings(stage, invariants) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(stage: Stage, fault: str) -> None:
    table, row, expected = FAULTS[fault]
    stage.put(table, **row)
    assert findings(stage, invariants) == list(expected)


def test_an_item_that_its_parent_does_not_list_is_found(stage: Stage) -> None:
    stage.run(stage.manager.delete("item.item_children", {"parent_id": "d", "item_id": "f"}))
    assert findings(stage, invariants) == ["item f: it is not listed in its parent d"]


@pytest.mark.parametrize("length", [1, 2, 5])
def test_each_circle_is_found_once(stage: Stage, length: int) -> None:
    for circle in "pq":
        names = [f"{circle}{number}" for number in range(length)]
        for name, parent_id in zip(names, names[1:] + names[:1], strict=True):
            lies = {"item_type": "FOLDER", "name": name, "deleted": False}
            stage.put("item.item", item_id=name, parent_id=parent_id, **lies, **REST)
            stage.put("item.item_children", parent_id=parent_id, item_id=name, **lies)
    # What hangs below a circle is not in it.
    stage.as_service().UpsertItem(**item("h"))
    stage.put("item.item", item_id="h", parent_id="p0")
    below = {"item_type": "FILE", "name": "h.txt", "deleted": False}
    stage.put("item.item_children", parent_id="p0", item_id="h", **below)
    assert findings(stage, invariants) == [f"item {one}0: it lies inside itself" for one in "pq"]


REST: dict[str, Any] = {
    "sha1_hash": "",
    "size": 0,
    "owner_id": "",
    "owner_email": "",
    "version_id": "",
    "created_at": 0,
    "modified_at": 1,
}
