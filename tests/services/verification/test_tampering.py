"""Is every change of what is stored found, each time anew, that is made without the key?"""

from __future__ import annotations

import dataclasses
from contextlib import suppress

import pytest

from scalar_auditor.verification.model import HistoryEntry, ItemStatus
from tests.services.stage import Refused, Stage
from tests.services.verification.attacks import (
    ATTACKS,
    COPIES,
    HISTORY,
    KEYS,
    STATUS,
    VERSIONS,
    Item,
    remove_entries,
)
from tests.services.verification.scene import OWNER_OF_ITEMS, monitored, new_item, reasons, sha1


@pytest.mark.parametrize("name", ATTACKS)
def test_what_was_altered_is_found_each_time(stage: Stage, name: str) -> None:
    item = Item(stage)
    assert item.verify().tampering_status == "NOT_TAMPERED"
    ATTACKS[name](item)
    # The file may be the right one, and a verification before has stored its verdict.
    for fields in ({}, {}, {"sha1_hash": item.newest_sha1}, {}):
        verdict = item.verify(**fields)
        assert verdict.tampering_status == "TAMPERED", fields
        found = reasons(verdict) - {"FILE_DIFFERS", "EARLIER_VERDICT"}
        # The verdict itself may be what was altered, and is there again once it was verified.
        assert found or "tampering_status" in name, verdict
    owner = stage.as_person(OWNER_OF_ITEMS)
    if item.status():
        assert owner.GetStatus(item_id=item.id).tampering_status == "TAMPERED"
    # Another version neither hides it nor, where the head is concerned, is taken at all.
    with suppress(Refused):
        stage.as_service().RegisterItem(item_id=item.id, sha1_hash="d" * 40, version_id="v9")
    if item.status():
        assert owner.GetStatus(item_id=item.id).tampering_status == "TAMPERED"
        assert item.verify().tampering_status == "TAMPERED"


def test_each_column_is_among_the_attacks() -> None:
    """A column that is added to a table is altered too."""
    for kind, shown in ((ItemStatus, "status."), (HistoryEntry, "entry 2.")):
        for column in dataclasses.fields(kind):
            if column.name not in ("item_id", "asset_version") or shown == "status.asset":
                assert f"{shown}{column.name} value 0" in ATTACKS


HEADS = [
    *[
        name
        for name in ATTACKS
        if name.startswith(("status.", f"entry {VERSIONS}.", "copy.")) and name.endswith(" 1")
    ],
    "status removed",
    f"entries ({VERSIONS},) removed",
    "copy removed",
    "all but the copy removed",
    f"version {VERSIONS} signed anew, chain and status, key test",
]


@pytest.mark.parametrize("name", HEADS)
def test_an_altered_head_is_not_continued(stage: Stage, name: str) -> None:
    item = Item(stage)
    ATTACKS[name](item)
    with pytest.raises(Refused) as caught:
        stage.as_service().RegisterItem(item_id=item.id, sha1_hash="d" * 40, version_id="v9")
    assert (caught.value.code, caught.value.reason) == ("FAILED_PRECONDITION", "TAMPERED")
    assert caught.value.metadata["item_id"] == item.id
    assert caught.value.metadata["findings"]


@pytest.mark.parametrize("name", [one for one in HEADS if "copy" not in one])
def test_an_altered_head_shows_before_anybody_verifies(stage: Stage, name: str) -> None:
    item = Item(stage)
    owner = stage.as_person(OWNER_OF_ITEMS)
    assert owner.GetStatus(item_id=item.id).tampering_status == "NOT_TAMPERED"
    ATTACKS[name](item)
    assert owner.GetStatus(item_id=item.id).tampering_status == "TAMPERED"


def test_what_is_no_digest_is_looked_for_nowhere(stage: Stage) -> None:
    """A storage might refuse it as a key, and the verification would fail instead of finding."""
    item = Item(stage)
    long = "x" * 70_000
    copy = item.copy(item.newest_sha1)
    item.put(COPIES, copy, sha1_hash="x")
    item.remove(COPIES, copy)
    item.put(STATUS, item.status(), last_sha1_hash="x")
    item.put(HISTORY, item.entry(2), sha1_hash=long)
    for _ in range(2):
        verdict = item.verify(sha1_hash=item.newest_sha1)
        assert reasons(verdict) == {
            "ROW_MAC",
            "DIGEST",
            "HEAD_DIFFERS",
            "COPY_LIST",
            "FILE_DIFFERS",
        }
        assert sum(len(one.detail) for one in verdict.findings) < 1000
    item.put(STATUS, item.status(), last_sha1_hash=long)
    verdict = item.verify(sha1_hash=item.newest_sha1)
    assert sum(len(one.detail) for one in verdict.findings) < 1000


def test_a_status_that_was_altered_keeps_what_shows_it(stage: Stage) -> None:
    item = Item(stage)
    item.put(STATUS, item.status(), version_id="v3")
    altered = item.status()
    for _ in range(3):
        assert "ROW_MAC" in reasons(item.verify())
        now = item.status()
        assert now.pop("last_verified_at") >= altered["last_verified_at"]
        assert now.pop("tampering_status") == "TAMPERED"
        assert now == {name: altered[name] for name in now}


def test_a_roll_back_of_all_rows_is_found_by_an_anchor_alone(stage: Stage) -> None:
    item = Item(stage)
    head = item.entry(VERSIONS)
    anchor = {"item_id": item.id, "asset_version": VERSIONS, "head_digest": head["digest"]}
    assert item.verify(anchor=anchor).tampering_status == "NOT_TAMPERED"
    remove_entries((3, 4))(item)
    item.put(STATUS, item.past[2][0])
    item.remove(COPIES, item.copy(item.newest_sha1))
    item.put(COPIES, item.past[2][2])
    assert item.verify().tampering_status == "NOT_TAMPERED"  # as the documentation says
    for _ in range(2):
        verdict = item.verify(anchor=anchor)
        assert (verdict.tampering_status, reasons(verdict)) == ("TAMPERED", {"BEHIND_ANCHOR"})
    assert item.verify().tampering_status == "TAMPERED"


def test_an_entry_of_a_branch_that_was_cut_off_does_not_fit_another(stage: Stage) -> None:
    """It is signed, for its item and its place: only the link to its neighbours gives it away."""
    item = Item(stage)
    cut_off = item.entry(3)
    remove_entries((3, 4))(item)
    item.put(STATUS, item.past[2][0])
    item.remove(COPIES, item.copy(item.newest_sha1))
    item.put(COPIES, item.past[2][2])
    for number in (3, 4):
        stage.as_service().RegisterItem(
            item_id=item.id, sha1_hash=sha1(f"other {number}"), version_id=f"w{number}"
        )
    assert item.verify().tampering_status == "NOT_TAMPERED"
    item.put(HISTORY, cut_off)
    for _ in range(2):
        verdict = item.verify()
        assert (verdict.tampering_status, reasons(verdict)) == ("TAMPERED", {"CHAIN_BROKEN"})


def test_an_entry_that_says_the_same_is_not_the_head_all_the_same() -> None:
    """Signed by the service, for the same version, file and time: told by another caller."""
    with Stage(names=("verification",), now_ms=lambda: 1_764_000_000_000) as stage:
        item = new_item(stage)
        asked = {"item_id": item, "sha1_hash": "a" * 40, "version_id": "v1"}
        stage.as_service("one").RegisterItem(**asked)
        entry = stage.get(HISTORY, item_id=item, asset_version=1)
        assert entry is not None
        for table in (HISTORY, STATUS, COPIES):
            (row,) = stage.rows(table)
            key = {name: row[name] for name in KEYS[table]}
            stage.run(stage.manager.delete(table, key))
        stage.as_service("two").RegisterItem(**asked)
        owner = stage.as_person(OWNER_OF_ITEMS)
        assert owner.VerifyItem(item_id=item).tampering_status == "NOT_TAMPERED"
        stage.put(HISTORY, **entry)
        assert reasons(owner.VerifyItem(item_id=item)) == {"HEAD_DIFFERS"}


def found_in(item: Item) -> list[tuple[str, int, str]]:
    return [(one.reason, one.asset_version, one.detail) for one in item.verify().findings]


def test_what_is_missing_is_told_where_it_is(stage: Stage) -> None:
    item = Item(stage)
    remove_entries((4,))(item)
    cut = ("HISTORY_CUT", 4, "it ends at version 3, the status is of 4")
    assert found_in(item) == [cut]
    remove_entries((2,))(item)
    assert found_in(item) == [cut, ("HISTORY_CUT", 2, "version 2 is missing: 3 follows")]
    remove_entries((1, 3))(item)
    assert found_in(item) == [("HISTORY_CUT", 1, "it ends at version 0, the status is of 4")]
    item = Item(stage)
    item.put(STATUS, item.past[2][0])
    assert found_in(item)[0] == (
        "HEAD_DIFFERS",
        4,
        "the newest entry is version 4, the status is of 2",
    )


def test_a_history_that_was_made_anew_is_not_the_anchored_one(stage: Stage) -> None:
    """By somebody with the key, even."""
    item = Item(stage)
    head = item.entry(2)
    anchor = {"item_id": item.id, "asset_version": 2, "head_digest": head["digest"]}
    remove_entries((1, 2, 3, 4))(item)
    item.remove(COPIES, item.copy(item.newest_sha1))
    item.remove(STATUS, item.status())
    assert item.verify().tampering_status == "NOT_MONITORED"
    verdict = item.verify(anchor=anchor)
    assert (verdict.tampering_status, reasons(verdict)) == ("TAMPERED", {"BEHIND_ANCHOR"})
    for number in (1, 2, 3):
        stage.as_service().RegisterItem(
            item_id=item.id, sha1_hash=sha1(f"other {number}"), version_id=f"w{number}"
        )
    assert item.verify().tampering_status == "NOT_TAMPERED"
    verdict = item.verify(anchor=anchor)
    assert (verdict.tampering_status, reasons(verdict)) == ("TAMPERED", {"BEHIND_ANCHOR"})


def test_what_a_copy_is_called_is_not_signed(stage: Stage) -> None:
    """The one column that can be altered unseen, which the documentation says."""
    item = Item(stage)
    item.put(COPIES, item.copy(item.newest_sha1), item_name="other")
    assert item.verify().tampering_status == "NOT_TAMPERED"


def test_a_finding_is_counted(stage: Stage) -> None:
    item_id = monitored(stage)
    before = _counted(stage)
    owner = stage.as_person(OWNER_OF_ITEMS)
    owner.VerifyItem(item_id=item_id)
    assert _counted(stage) == before
    owner.VerifyItem(item_id=item_id, sha1_hash="c" * 40)
    assert _counted(stage) == before + 1


def _counted(stage: Stage) -> float:
    found = stage.auditor.metrics.registry.get_sample_value(
        "scalar_auditor_items_found_tampered_total"
    )
    assert found is not None
    return found
