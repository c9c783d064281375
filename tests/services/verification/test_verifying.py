"""What does a verification answer, and what does it store?"""

from __future__ import annotations

import dataclasses
import functools
import time
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.keys import KeyRing
from scalar_auditor.permissions import Caller, Kind, SetRole
from scalar_auditor.verification import chain, rules
from scalar_auditor.verification.evidence import Walk
from scalar_auditor.verification.model import HistoryEntry
from scalar_auditor.verification.verifying import Question, verified
from tests.services.stage import Refused, Stage
from tests.services.verification.scene import (
    OWNER_OF_ITEMS,
    auditor,
    everything,
    monitored,
    new_item,
    new_set,
    reasons,
    sha1,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def verify(stage: Stage, item: str, **fields: Any) -> Any:
    return stage.as_person(OWNER_OF_ITEMS).VerifyItem(item_id=item, **fields)


def status(stage: Stage, item: str) -> Any:
    return stage.as_person(OWNER_OF_ITEMS).GetStatus(item_id=item)


def test_what_nobody_registered_is_not_monitored(stage: Stage) -> None:
    item = new_item(stage)
    before = everything(stage)
    for fields in ({}, {"sha1_hash": "a" * 40}):
        verdict = verify(stage, item, **fields)
        assert (verdict.tampering_status, list(verdict.findings)) == ("NOT_MONITORED", [])
    assert status(stage, item).tampering_status == "NOT_MONITORED"
    assert everything(stage) == before


def test_a_verdict_is_stored_with_its_time() -> None:
    now = [1_764_000_000_000]
    with Stage(names=("verification",), now_ms=lambda: now[0]) as stage:
        item = monitored(stage, 2)
        assert status(stage, item).last_verified_at == 0
        now[0] += 5
        verdict = verify(stage, item)
        assert (verdict.verified_at, verdict.asset_version) == (now[0], 2)
        assert verdict.versions_checked == 2
        shown = status(stage, item)
        assert (shown.last_verified_at, shown.tampering_status) == (now[0], "NOT_TAMPERED")
        assert shown.registered_at == now[0] - 5


def test_a_file_is_compared_with_the_newest_version(stage: Stage) -> None:
    item = monitored(stage, 2)
    assert verify(stage, item, sha1_hash=sha1(f"{item} 2")).tampering_status == "NOT_TAMPERED"
    verdict = verify(stage, item, sha1_hash=sha1(f"{item} 1"))
    assert (verdict.tampering_status, reasons(verdict)) == ("TAMPERED", {"FILE_DIFFERS"})
    assert verdict.findings[0].asset_version == 2
    assert status(stage, item).tampering_status == "TAMPERED"


def test_only_a_file_that_is_right_lifts_the_verdict(stage: Stage) -> None:
    item = monitored(stage, 2)
    verify(stage, item, sha1_hash="a" * 40)
    for _ in range(2):
        verdict = verify(stage, item)
        assert (verdict.tampering_status, reasons(verdict)) == ("TAMPERED", {"EARLIER_VERDICT"})
    assert verify(stage, item, sha1_hash=sha1(f"{item} 2")).tampering_status == "NOT_TAMPERED"
    assert verify(stage, item).tampering_status == "NOT_TAMPERED"


def test_the_history_is_listed_newest_first_page_by_page(stage: Stage) -> None:
    item = monitored(stage, 7)
    owner, found, token = stage.as_person(OWNER_OF_ITEMS), [], ""
    while True:
        page = owner.ListHistory(item_id=item, page={"page_size": 3, "page_token": token})
        found.append([one.asset_version for one in page.entries])
        token = page.next_page_token
        if not token:
            break
    assert found == [[7, 6, 5], [4, 3, 2], [1]]
    entry = owner.ListHistory(item_id=item).entries[0]
    row = stage.get("verification.asset_history", item_id=item, asset_version=7)
    assert {name: getattr(entry, name) for name in row or {} if name != "item_id"} == {
        name: value for name, value in (row or {}).items() if name != "item_id"
    }


def test_the_right_to_see_is_asked_at_each_page(stage: Stage) -> None:
    item = monitored(stage, 4)
    audit_set = new_set(stage, {"r@x.org": SetRole.REVIEWER}, [item])
    calls = stage.as_person("r@x.org")
    of_set = {"item_id": item, "audit_set_id": audit_set}
    token = calls.ListHistory(**of_set, page={"page_size": 2}).next_page_token
    key = {"audit_set_id": audit_set, "item_id": item}
    stage.run(stage.manager.delete("audit.audit_set_item", key))
    with pytest.raises(Refused, match="ITEM_NOT_FOUND"):
        calls.ListHistory(**of_set, page={"page_token": token})


def test_copies_are_listed_page_by_page(stage: Stage) -> None:
    same = sha1("the same")
    items = sorted(new_item(stage) for _ in range(7))
    for item in items:
        stage.as_service().RegisterItem(item_id=item, sha1_hash=same, version_id="1")
    hidden = new_item(stage, items[3] + "-hidden", owner_email="else@x.org")
    stage.as_service().RegisterItem(item_id=hidden, sha1_hash=same, version_id="1")
    owner, found, token = stage.as_person(OWNER_OF_ITEMS), [], ""
    for _ in range(10):
        page = owner.FindCopies(sha1_hash=same, page={"page_size": 2, "page_token": token})
        found += [one.item_id for one in page.copies]
        token = page.next_page_token
        if not token:
            break
    assert found == items


# Keys that come and go.


def rotated(stage: Stage, keys: KeyRing) -> None:
    object.__setattr__(stage.auditor, "keys", keys)


@pytest.fixture
def first() -> Iterator[tuple[Stage, str]]:
    with Stage(names=("verification",)) as stage:
        yield stage, monitored(stage, 2)


def test_what_an_older_key_signed_stays_good(first: tuple[Stage, str]) -> None:
    stage, item = first
    rotated(stage, stage.keys.with_new("new"))
    assert verify(stage, item).tampering_status == "NOT_TAMPERED"
    assert status(stage, item).key_id == "new"  # its MAC is made anew with each verdict
    stage.as_service().RegisterItem(item_id=item, sha1_hash="d" * 40, version_id="v3")
    entries = stage.as_person(OWNER_OF_ITEMS).ListHistory(item_id=item).entries
    assert [one.key_id for one in entries] == ["new", "test", "test"]
    assert verify(stage, item).tampering_status == "NOT_TAMPERED"


def test_without_its_key_nothing_is_vouched_for(first: tuple[Stage, str]) -> None:
    stage, item = first
    old = stage.keys
    rotated(stage, KeyRing.made("other"))
    for _ in range(2):
        verdict = verify(stage, item)
        assert (verdict.tampering_status, reasons(verdict)) == ("TAMPERED", {"UNKNOWN_KEY"})
        assert {one.asset_version for one in verdict.findings} == {0, 1, 2}
    assert status(stage, item).tampering_status == "TAMPERED"
    with pytest.raises(Refused, match="TAMPERED"):
        stage.as_service().RegisterItem(item_id=item, sha1_hash="d" * 40, version_id="v3")
    # With the key again it is as it was, but for the verdict: that row was not signed.
    rotated(stage, old)
    assert reasons(verify(stage, item)) == {"ROW_MAC"}


# Histories that no transaction could hold.


def grown(stage: Stage, item: str, count: int) -> None:
    """Put a history of so many versions where it was of one, as registering would have made it."""
    row = stage.get("verification.asset_history", item_id=item, asset_version=1)
    assert row is not None
    entry = HistoryEntry(**row)
    for first_ in range(2, count + 1, 500):
        rows = []
        for version in range(first_, min(first_ + 500, count + 1)):
            entry = chain.signed_entry(
                stage.keys,
                dataclasses.replace(
                    entry,
                    asset_version=version,
                    version_id=f"v{version}",
                    sha1_hash=sha1(f"{item} {version % 50}"),
                    previous_digest=entry.digest,
                ),
            )
            rows.append(entry)

        async def write(tx: Any, rows: list[HistoryEntry] = rows) -> None:
            for one in rows:
                await tx.insert(one)

        stage.run(stage.manager.run(write))
    known = stage.run(stage.manager.run(rules.status_of, item))
    signed = chain.signed_status(
        stage.keys,
        dataclasses.replace(
            known,
            asset_version=count,
            version_id=entry.version_id,
            last_sha1_hash=entry.sha1_hash,
            head_digest=entry.digest,
        ),
    )
    stage.put("verification.item_status", **dataclasses.asdict(signed))
    copy = stage.rows("verification.items_by_sha1")
    (old,) = [one for one in copy if one["item_id"] == item]
    key: dict[str, Any] = {"sha1_hash": old["sha1_hash"], "item_id": item}
    stage.run(stage.manager.delete("verification.items_by_sha1", key))
    changes = {"sha1_hash": entry.sha1_hash, "version_id": entry.version_id}
    stage.put("verification.items_by_sha1", **(old | changes))


@pytest.mark.parametrize("step", [1, 2, 3, 7])
def test_a_long_history_is_read_by_steps(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(rules, "STEP", step)
    item = monitored(stage, 7)
    verdict = verify(stage, item, sha1_hash=sha1(f"{item} 7"))
    assert (verdict.tampering_status, verdict.versions_checked) == ("NOT_TAMPERED", 7)
    row = stage.get("verification.asset_history", item_id=item, asset_version=2)
    assert row is not None
    stage.put("verification.asset_history", **(row | {"recorded_by": "else"}))
    verdict = verify(stage, item)
    assert [(one.reason, one.asset_version) for one in verdict.findings] == [("DIGEST", 2)]
    key: dict[str, Any] = {"item_id": item, "asset_version": 2}
    stage.run(stage.manager.delete("verification.asset_history", key))
    verdict = verify(stage, item)
    assert [(one.reason, one.asset_version) for one in verdict.findings] == [("HISTORY_CUT", 2)]


def test_a_transaction_that_runs_again_reads_on_from_where_it_began(stage: Stage) -> None:
    """Its first attempt leaves nothing in what was read before."""
    item = monitored(stage, 4)
    row = stage.get("verification.asset_history", item_id=item, asset_version=4)
    stage.put("verification.asset_history", **((row or {}) | {"recorded_by": "else"}))
    entries = stage.run(stage.manager.run(functools.partial(rules.history_up, limit=9), item))
    walk = Walk(stage.keys)
    walk.take(entries[:2])
    for _ in range(2):
        further = walk.copy()
        further.take(entries[2:])
        assert (further.checked, len(further.findings), further.after) == (4, 1, 4)
        assert (walk.checked, walk.findings, walk.after) == (2, [], 2)
        assert walk.recent == [sha1(f"{item} 1"), sha1(f"{item} 2")]


def test_a_long_one_is_one_view(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "STEP", 2)
    item = monitored(stage, 7)
    audit_set = new_set(stage, {"outside@example.org": SetRole.REVIEWER}, [item])
    found = auditor(stage).VerifyItem(item_id=item, audit_set_id=audit_set)
    assert found.versions_checked == 7
    logged = [r for r in stage.rows("event.auditor_logs") if r["audit_set_id"] == audit_set]
    assert [(row["action_type"], row["item_id"]) for row in logged] == [("VerifyItem", item)]


def test_not_all_that_is_wrong_is_told(stage: Stage) -> None:
    item = monitored(stage)
    grown(stage, item, 300)
    rows = [one for one in stage.rows("verification.asset_history") if one["item_id"] == item]
    for row in rows:
        stage.put("verification.asset_history", **(row | {"recorded_by": "else"}))
    verdict = verify(stage, item)
    assert (len(verdict.findings), verdict.versions_checked) == (100, 300)


@pytest.mark.slow
def test_a_history_of_20000_versions(tmp_path: Path) -> None:
    """It is read by steps: what is held at once is a fraction of it."""
    with Stage(f"sqlite:///{tmp_path}/one.db", names=("verification",)) as stage:
        item = monitored(stage)
        grown(stage, item, 20_000)
        tracemalloc.start()
        began = time.monotonic()
        found = stage.run(_verified(stage, item))
        seconds = time.monotonic() - began
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    print(f"20000 versions in {seconds:.1f} s, {peak / 2**20:.1f} MiB at the peak")
    assert (found.tampering_status, found.versions_checked) == ("NOT_TAMPERED", 20_000)
    assert peak < 100 * 2**20  # most of it is what the collector has not come to yet


async def _verified(stage: Stage, item: str) -> Any:
    one = stage.auditor
    asked = Question(Caller(Kind.SERVICE, name="nightly"), item, "")
    return await verified(one.change, one.read, one.keys, asked, one.now_ms())
