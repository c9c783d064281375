"""What becomes of an item that is told of, moved and deleted?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.item import invariants, tree
from tests.services.event.scene import NOW, findings, folder, item, refused

if TYPE_CHECKING:
    from tests.services.stage import Stage


def names(path: Any) -> list[str]:
    return [one.item_id for one in path.items]


def children(stage: Stage, item_id: str) -> list[str]:
    return [one.item_id for one in stage.as_service().ListChildren(item_id=item_id).children]


def tell(stage: Stage, *told: dict[str, Any]) -> None:
    for one in told:
        stage.as_service().UpsertItem(**one)


def test_an_item_is_kept_as_it_was_told(stage: Stage) -> None:
    told = item(
        "f",
        sha1_hash="AB" * 20,
        size=7,
        owner_id="u",
        owner_email="Ada@Example.org",
        version_id="v",
        created_at=5,
    )
    answer = stage.as_service().UpsertItem(**told)
    assert answer.sha1_hash == "ab" * 20
    assert answer.owner_email == "ada@example.org"
    assert (answer.size, answer.created_at, answer.modified_at) == (7, 5, NOW)
    found = stage.as_service().GetItem(item_id="f")
    assert found.item == answer
    assert (found.tampering_status, found.last_verified_at) == ("NOT_MONITORED", 0)


def test_the_status_is_what_was_registered_and_altered_by_nobody(stage: Stage) -> None:
    tell(stage, item("f"))
    stage.as_service().RegisterItem(item_id="f", sha1_hash="a" * 40, version_id="v")
    found = stage.as_service().GetItem(item_id="f")
    assert (found.tampering_status, found.last_verified_at) == ("NOT_TAMPERED", 0)
    row = stage.get("verification.item_status", item_id="f")
    assert row is not None
    stage.put("verification.item_status", **{**row, "last_verified_at": 9})
    found = stage.as_service().GetItem(item_id="f")
    assert (found.tampering_status, found.last_verified_at) == ("TAMPERED", 9)


def test_the_same_again_changes_nothing(stage: Stage) -> None:
    tell(stage, folder("d"), item("f", "d"))
    before = stage.rows("item.item"), stage.rows("item.item_children")
    tell(stage, item("f", "d"))
    assert (stage.rows("item.item"), stage.rows("item.item_children")) == before


def test_what_is_told_later_without_a_time_of_creation_keeps_it(stage: Stage) -> None:
    tell(stage, item("f", created_at=5), item("f", modified_at=NOW + 1))
    assert stage.as_service().GetItem(item_id="f").item.created_at == 5


def test_a_folder_lists_what_is_told_to_lie_in_it(stage: Stage) -> None:
    tell(stage, folder("d"), folder("e"), item("f", "d"), item("g", "d"))
    assert children(stage, "d") == ["f", "g"]
    tell(stage, item("f", "e", name="renamed"))
    assert children(stage, "d") == ["g"]
    (moved,) = stage.as_service().ListChildren(item_id="e").children
    assert (moved.item_id, moved.item_type, moved.name) == ("f", "FILE", "renamed")
    tell(stage, item("f"))
    assert children(stage, "e") == []
    assert findings(stage, invariants) == []


def test_older_news_is_refused(stage: Stage) -> None:
    tell(stage, folder("d"), item("f"))
    service = stage.as_service()
    older = NOW - 1
    for call, fields in (
        (service.UpsertItem, item("f", modified_at=older)),
        (service.MoveItem, {"item_id": "f", "parent_id": "d", "modified_at": older}),
        (service.DeleteItem, {"item_id": "f", "modified_at": older}),
    ):
        error = refused(call, **fields)
        assert (error.code, error.reason) == ("FAILED_PRECONDITION", "NEWER_STATE")
        assert error.metadata["modified_at"] == str(NOW)
    assert stage.rows("item.item_children") == []


def test_an_item_stays_a_file_or_a_folder(stage: Stage) -> None:
    tell(stage, item("f"))
    error = refused(stage.as_service().UpsertItem, **folder("f"))
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "ITEM_TYPE_FIXED")


@pytest.mark.parametrize(
    "parent_id, reason",
    [
        ("nowhere", "PARENT_NOT_FOUND"),
        ("file", "PARENT_NOT_A_FOLDER"),
        ("gone", "PARENT_DELETED"),
        ("below", "CIRCLE"),
    ],
)
def test_where_an_item_can_not_lie(stage: Stage, parent_id: str, reason: str) -> None:
    tell(stage, item("file"), folder("gone", deleted=True), folder("d"), folder("below", "d"))
    before = stage.rows("item.item"), stage.rows("item.item_children")
    service = stage.as_service()
    for call, fields in (
        (service.UpsertItem, folder("d", parent_id)),
        (service.MoveItem, {"item_id": "d", "parent_id": parent_id, "modified_at": NOW}),
    ):
        error = refused(call, **fields)
        assert (error.code, error.reason) == ("FAILED_PRECONDITION", reason)
    assert (stage.rows("item.item"), stage.rows("item.item_children")) == before


def test_an_item_of_a_deleted_folder_can_still_change(stage: Stage) -> None:
    tell(stage, folder("d"), item("f", "d"))
    stage.as_service().DeleteItem(item_id="d", modified_at=NOW)
    tell(stage, item("f", "d", name="renamed"))
    (child,) = stage.as_service().ListChildren(item_id="d").children
    assert child.name == "renamed"


def test_an_item_is_moved_with_all_that_lies_in_it(stage: Stage) -> None:
    tell(stage, folder("a"), folder("b"), folder("c", "a"), item("f", "c"))
    answer = stage.as_service().MoveItem(item_id="c", parent_id="b", modified_at=NOW + 1)
    assert (answer.parent_id, answer.modified_at) == ("b", NOW + 1)
    assert names(stage.as_service().GetPath(item_id="f")) == ["b", "c", "f"]
    assert (children(stage, "a"), children(stage, "b")) == ([], ["c"])
    # Sent again, it does no harm.
    assert stage.as_service().MoveItem(item_id="c", parent_id="b", modified_at=NOW + 1) == answer
    stage.as_service().MoveItem(item_id="c", parent_id="", modified_at=NOW + 2)
    assert names(stage.as_service().GetPath(item_id="f")) == ["c", "f"]
    assert children(stage, "b") == []
    assert findings(stage, invariants) == []


def test_what_is_not_there_is_neither_moved_nor_deleted(stage: Stage) -> None:
    service = stage.as_service()
    for call in (service.MoveItem, service.DeleteItem):
        error = refused(call, item_id="x", modified_at=NOW)
        assert (error.code, error.reason) == ("NOT_FOUND", "ITEM_NOT_FOUND")


def test_a_deleted_item_stays_listed_as_deleted(stage: Stage) -> None:
    tell(stage, folder("d"), item("f", "d"))
    for _ in range(2):
        assert stage.as_service().DeleteItem(item_id="f", modified_at=NOW).deleted
    assert stage.as_service().GetItem(item_id="f").item.deleted
    (child,) = stage.as_service().ListChildren(item_id="d").children
    assert (child.item_id, child.deleted) == ("f", True)
    assert findings(stage, invariants) == []


def test_a_path_begins_where_nothing_is_known_further_up(stage: Stage) -> None:
    stage.as_service().IngestEvents(
        user_id="u",
        to_position="1",
        events=[
            {
                "event_type": "UPLOAD",
                "item_id": "f",
                "source_id": "1",
                "created_at": NOW,
                "item": item("f", "never-told-of"),
            }
        ],
    )
    assert names(stage.as_service().GetPath(item_id="f")) == ["f"]


def test_a_list_is_paged(stage: Stage) -> None:
    tell(stage, folder("d"), *(item(f"f{number}", "d") for number in range(5)))
    found, token = [], ""
    for expected in (2, 2, 1):
        page = {"page_size": 2, "page_token": token}
        answer = stage.as_service().ListChildren(item_id="d", page=page)
        assert len(answer.children) == expected
        found += [one.item_id for one in answer.children]
        token = answer.next_page_token
    assert token == ""
    assert found == [f"f{number}" for number in range(5)]


def test_nothing_lies_in_a_file(stage: Stage) -> None:
    """Also where a stream says so: files that name each other are no circle."""
    tell(stage, item("e"))
    assert children(stage, "e") == []
    told = [
        {"event_type": "X", "item_id": name, "source_id": name, "created_at": NOW, "item": one}
        for name, one in (("f", item("f", "g")), ("g", item("g", "f")), ("d", folder("d", "f")))
    ]
    stage.as_service().IngestEvents(user_id="u", to_position="1", events=told)
    assert children(stage, "f") == []
    assert names(stage.as_service().GetPath(item_id="f")) == ["f"]
    assert names(stage.as_service().GetPath(item_id="d")) == ["d"]
    assert findings(stage, invariants) == []
    error = refused(stage.as_service().MoveItem, item_id="e", parent_id="f", modified_at=NOW)
    assert error.reason == "PARENT_NOT_A_FOLDER"


def test_a_tree_has_so_many_levels_and_no_more(stage: Stage, monkeypatch: Any) -> None:
    monkeypatch.setattr(tree, "MOST_LEVELS", 5)
    tell(stage, folder("1"), *(folder(str(level), str(level - 1)) for level in range(2, 6)))
    assert names(stage.as_service().GetPath(item_id="5")) == ["1", "2", "3", "4", "5"]
    error = refused(stage.as_service().UpsertItem, **folder("6", "5"))
    assert (error.code, error.reason) == ("FAILED_PRECONDITION", "TOO_DEEP")
    # A folder may still get deeper with the one that it lies in; then its path ends early.
    tell(stage, folder("0"))
    stage.as_service().MoveItem(item_id="1", parent_id="0", modified_at=NOW)
    assert names(stage.as_service().GetPath(item_id="5")) == ["1", "2", "3", "4", "5"]


def test_the_limit_of_levels_is_that_of_the_specification() -> None:
    assert tree.MOST_LEVELS == 1000
