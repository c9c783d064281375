"""Does a check of the whole database find what does not agree, and an anchor what is older?"""

from __future__ import annotations

from contextlib import aclosing
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor import check as checking
from scalar_auditor.check import check
from scalar_auditor.verification import anchor, rules
from scalar_auditor.verification.model import ItemStatus
from scalar_auditor.whole_tables import pages_of
from scalar_tx.errors import SettingsError
from tests.services.stage import Stage
from tests.services.verification.scene import everything, monitored, sha1

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(params=["memory", "sqlite"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    target = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/one.db"
    with Stage(target, names=("verification",)) as one:
        for item, versions in (("a", 1), ("b", 3), ("c", 2)):
            monitored(one, versions, item)
        yield one


def found(stage: Stage, **more: Any) -> list[str]:
    before = everything(stage)
    report = stage.run(check(stage.manager, stage.keys, **more))
    assert everything(stage) == before
    assert report["verification"].count == len(report["verification"].texts)
    return list(report["verification"].texts)


def remove(stage: Stage, table: str, **key: Any) -> None:
    stage.run(stage.manager.delete(f"verification.{table}", key))


def test_what_is_sound_has_no_findings(stage: Stage) -> None:
    told: list[tuple[str, int]] = []
    assert found(stage, progress=lambda name, count: told.append((name, count))) == []
    assert [name for name, _ in told] == ["audit", "verification", "event", "item", "identity"]


def test_every_service_is_asked(stage: Stage) -> None:
    """One disagreement for each, which nothing but its own invariants can know of."""
    of_set = {"audit_set_id": "s", "item_id": "a", "added_at": 1}
    stage.put("audit.sets_of_item", **of_set)
    stage.put(
        "item.item_children", parent_id="p", item_id="a", item_type="file", name="", deleted=False
    )
    stage.put(
        "identity.users_by_org", org_id="o", user_email="u@x.org", user_id="", name="", status=""
    )
    stage.put(
        "event.item_events",
        item_id="a",
        event_id="1764000000000-1",
        event_type="UPLOAD",
        user_id="",
        user_email="",
        created_at=1_764_000_000_000,
    )
    remove(stage, "item_status", item_id="a")
    report = stage.run(check(stage.manager, stage.keys))
    assert {name: bool(one.count) for name, one in report.items()} == {
        "audit": True,
        "verification": True,
        "event": True,
        "item": True,
        "identity": True,
    }


def test_a_row_that_no_service_can_read_is_a_finding_and_hides_nothing_else(stage: Stage) -> None:
    row = stage.get("item.item", item_id="b") or {}
    stage.put("item.item", **(row | {"size": None}))
    remove(stage, "items_by_sha1", sha1_hash=sha1("c 2"), item_id="c")
    report = stage.run(check(stage.manager, stage.keys))
    (text,) = report["item"].texts
    assert "holds NULL in 'size'" in text
    assert report["item"].count == 1
    assert len(report["verification"].texts) == 1


def test_an_anchor_that_can_not_be_used_is_told_before_anything_is_read(
    stage: Stage, tmp_path: Path
) -> None:
    told: list[str] = []
    with pytest.raises(SettingsError, match="can't be read"):
        found(stage, anchor=str(tmp_path / "none"), progress=lambda name, _: told.append(name))
    assert told == []


def test_each_kind_of_disagreement_is_named(stage: Stage) -> None:
    row = stage.get("verification.asset_history", item_id="b", asset_version=2) or {}
    stage.put("verification.asset_history", **(row | {"version_id": "x"}))
    remove(stage, "item_status", item_id="a")
    stage.put(
        "verification.items_by_sha1",
        sha1_hash="f" * 40,
        item_id="c",
        item_name="",
        version_id="v1",
        created_at=1,
    )
    texts = sorted(found(stage))
    assert texts == sorted(
        [
            "item a: there is a history, and no status",
            f"item a: it is listed under {sha1('a 1')}, and has no status",
            "item b, version 2: the entry is not as it was signed (DIGEST)",
            f"item c: it is listed under {'f' * 40}, which is not its newest digest",
        ]
    )


def test_an_item_that_is_listed_under_no_digest_is_named(stage: Stage) -> None:
    """Rows that no service writes: what stands where the digest has to be is none."""
    for where in ("no digest", sha1("a 1").upper()):
        values = {"item_name": "", "version_id": "v1", "created_at": 1}
        stage.put("verification.items_by_sha1", sha1_hash=where, item_id="a", **values)
    assert sorted(found(stage)) == sorted(
        f"item a: it is listed under {where}, which is not its newest digest"
        for where in ("no digest", sha1("a 1").upper())
    )


def test_a_copy_that_is_missing_is_named(stage: Stage) -> None:
    remove(stage, "items_by_sha1", sha1_hash=sha1("c 2"), item_id="c")
    assert found(stage) == ["item c: the item is not listed under its digest (COPY_LIST)"]


def test_long_histories_are_read_by_steps(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "STEP", 1)
    assert found(stage) == []
    remove(stage, "asset_history", item_id="b", asset_version=1)
    (text,) = found(stage)
    assert text == "item b, version 1: version 1 is missing: 2 follows (HISTORY_CUT)"


def test_only_an_anchor_knows_what_was_before(stage: Stage, tmp_path: Path) -> None:
    path = str(tmp_path / "anchor")
    old = {
        name: stage.rows(f"verification.{name}")
        for name in ("item_status", "asset_history", "items_by_sha1")
    }
    stage.as_service().RegisterItem(item_id="c", sha1_hash="d" * 40, version_id="v3")
    monitored(stage, 1, "d")
    stage.run(anchor.write(stage.manager, stage.keys, path, 1))
    assert found(stage, anchor=path) == []
    # The whole database as it was before.
    remove(stage, "asset_history", item_id="c", asset_version=3)
    remove(stage, "items_by_sha1", sha1_hash="d" * 40, item_id="c")
    remove(stage, "items_by_sha1", sha1_hash=sha1("d 1"), item_id="d")
    remove(stage, "asset_history", item_id="d", asset_version=1)
    remove(stage, "item_status", item_id="d")
    for name, rows in old.items():
        for row in rows:
            stage.put(f"verification.{name}", **row)
    assert found(stage) == []
    assert sorted(found(stage, anchor=path)) == [
        "item c, version 3: version 3 was anchored, and is not there (BEHIND_ANCHOR)",
        "item d, version 1: version 1 was anchored, and is not there (BEHIND_ANCHOR)",
    ]
    # What is newer than an anchor is no finding.
    stage.as_service().RegisterItem(item_id="a", sha1_hash="e" * 40, version_id="v2")
    assert len(found(stage, anchor=path)) == 2


def test_an_anchor_that_is_no_good_is_no_check(stage: Stage, tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="can't be read"):
        found(stage, anchor=str(tmp_path / "none"))


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_a_table_is_read_page_by_page(stage: Stage, size: int) -> None:
    async def read() -> list[list[str]]:
        pages: list[list[str]] = []
        async with aclosing(pages_of(stage.manager, ItemStatus, size=size)) as found:
            async for page in found:
                pages.append([one.item_id for one in page])
                if len(pages) > 3:
                    break
        return pages

    pages = stage.run(read())
    assert all(len(page) <= size for page in pages)
    assert sorted(item for page in pages for item in page) == ["a", "b", "c"]


def test_what_is_too_much_to_tell_is_counted(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "MOST_TEXTS", 2)
    for item in "abc":
        remove(stage, "item_status", item_id=item)
    report = stage.run(check(stage.manager, stage.keys))["verification"]
    assert (report.count, len(report.texts)) == (6, 2)
