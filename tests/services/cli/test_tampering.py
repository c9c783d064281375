"""Do commands find what was altered behind the services, and say so by their exit code?"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.services.cli.conftest import SAMPLE
from tests.services.cli.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

SETS = list(SAMPLE.sets())
FIRST = SETS[0].audit_set_id
ITEM = SETS[0].items[0]


@pytest.fixture
def altered(world: World) -> Iterator[str]:
    """An item whose history somebody altered who has no key."""
    key = {"item_id": ITEM, "asset_version": 1}
    row = world.stage.get("verification.asset_history", **key)
    status = world.stage.get("verification.item_status", item_id=ITEM)
    assert row is not None
    assert status is not None
    world.stage.put("verification.asset_history", **{**row, "recorded_by": "somebody else"})
    yield ITEM
    world.stage.put("verification.asset_history", **row)
    world.stage.put("verification.item_status", **status)


def test_nothing_is_found_where_nothing_was_altered(world: World, tmp_path: Path) -> None:
    assert "NOT_TAMPERED" in world.ok("verify", ITEM, "--set", FIRST)
    data = json.loads(world.ok("verify-set", FIRST, "--json"))
    assert data == {
        "verified": len(SETS[0].items),
        "tampered": 0,
        "not_monitored": 0,
        "verdicts": [],
    }
    heads = str(tmp_path / "heads.json")
    world.ok("anchor", heads, "--config", world.config)
    report = json.loads(world.ok("check", "--config", world.config, "--anchor", heads, "--json"))
    assert {name: one["count"] for name, one in report.items()} == dict.fromkeys(report, 0)
    assert len(report) == 5


def test_what_was_altered_is_found(world: World, altered: str) -> None:
    for _ in range(2):
        found = world.command("verify", altered, "--set", FIRST)
        assert found.code == 1
        assert f"{altered}  TAMPERED" in found.out
        assert "DIGEST (version 1)" in found.out
    data = world.command("verify", altered, "--json")
    assert data.code == 1
    assert data.data["tampering_status"] == "TAMPERED"


def test_it_is_found_among_a_set(world: World, altered: str) -> None:
    found = world.command("verify-set", FIRST, "--json")
    assert found.code == 1
    assert found.data["tampered"] == 1
    assert [one["item_id"] for one in found.data["verdicts"]] == [altered]
    text = world.command("verify-set", FIRST)
    assert text.code == 1
    assert f"{len(SETS[0].items)} verified, 1 tampered with, 0 not monitored" in text.out


def test_a_verification_goes_on_behind_an_item(world: World) -> None:
    items = sorted(SETS[0].items)
    data = json.loads(world.ok("verify-set", FIRST, "--after", items[4], "--json"))
    assert data["verified"] == len(items) - 5


def test_it_is_found_in_the_database_itself(world: World, altered: str, tmp_path: Path) -> None:
    found = world.command("check", "--config", world.config)
    assert found.code == 1
    assert altered in found.out
    assert "audit: as it has to be" in found.out
    left_out = world.command("anchor", str(tmp_path / "a"), "--config", world.config, "--json")
    assert left_out.code == 1
    assert left_out.data["left_out"] == [altered]


def test_a_file_that_differs_is_found(world: World, tmp_path: Path) -> None:
    file = tmp_path / "a file"
    file.write_bytes(b"another content")
    found = world.command("verify", ITEM, "--file", str(file))
    assert found.code == 1
    assert "FILE_DIFFERS" in found.out
    assert "NOT_TAMPERED" in world.ok("verify", ITEM, "--sha1", SAMPLE.digest(ITEM))
    both = world.command("verify", ITEM, "--file", str(file), "--sha1", SAMPLE.digest(ITEM))
    assert both.code == 2
    missing = world.command("verify", ITEM, "--file", str(tmp_path / "nothing"))
    assert missing.code == 2
