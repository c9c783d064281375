"""Is every change of what is stored found, each time anew, that is made without the key?"""

from __future__ import annotations

import dataclasses
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from scalar_auditor.verification.model import HistoryEntry, ItemStatus
from tests.services.stage import Refused
from tests.services.verification.attacks import (
    ATTACKS,
    COPIES,
    HISTORY,
    STATUS,
    VERSIONS,
    Item,
    remove_entries,
)
from tests.services.verification.scene import OWNER_OF_ITEMS, monitored, reasons, sha1

if TYPE_CHECKING:
    from tests.services.stage import Stage


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
