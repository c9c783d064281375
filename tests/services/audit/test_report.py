"""What is in an exported report, and is it safe to open?"""

from __future__ import annotations

import csv
import gc
import io
import json
import tracemalloc
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.audit.report import COLUMNS, EVENTS_A_PAGE, ITEMS_A_PAGE, VIEWS_A_PAGE
from scalar_auditor.audit.report_text import LARGEST_CHUNK
from scalar_auditor.rpc.v1 import audit_pb2
from tests.services.audit.world import email, new_event, new_item
from tests.services.stage import Refused

if TYPE_CHECKING:
    from tests.services.audit.world import Scene, World

CSV, JSON = audit_pb2.REPORT_FORMAT_CSV, audit_pb2.REPORT_FORMAT_JSON


def chunks(world: World, name: str, scene: Scene, form: int) -> list[bytes]:
    asked = {"audit_set_id": scene.audit_set, "format": form}
    return [chunk.data for chunk in world.calls(name).ExportReport(**asked)]


def rows(world: World, name: str, scene: Scene) -> list[dict[str, str]]:
    text = b"".join(chunks(world, name, scene, CSV)).decode()
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def objects(world: World, name: str, scene: Scene) -> list[dict[str, Any]]:
    data = b"".join(chunks(world, name, scene, JSON))
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def log(world: World, scene: Scene, number: int) -> None:
    world.stage.put(
        "event.auditor_logs",
        audit_set_id=scene.audit_set,
        log_id=f"{number:013d}-x",
        action_type="GetItem",
        item_id=scene.item,
        user_id="8",
        user_email=email("outside"),
        created_at=number,
    )


def cell(line: dict[str, Any], name: str) -> str:
    value = line.get(name, "")
    return str(value).lower() if isinstance(value, bool) else str(value)


@pytest.fixture(scope="module")
def large(world: World) -> Scene:
    """More items, events of an item and views than a page of each has."""
    scene = world.scene()
    ids = [new_item(world.stage) for _ in range(ITEMS_A_PAGE + 3)]
    world.calls("owner").AddItems(audit_set_id=scene.audit_set, item_ids=ids)
    for number in range(2 * EVENTS_A_PAGE + 1):
        new_event(world.stage, ids[1], number)
    for number in range(EVENTS_A_PAGE):
        new_event(world.stage, ids[3], number)
    for number in range(VIEWS_A_PAGE + 1):
        log(world, scene, number)
    return scene


def test_both_formats_tell_the_same_of_all_there_is(world: World, large: Scene) -> None:
    told, table = objects(world, "owner", large), rows(world, "owner", large)
    assert tuple(table[0]) == COLUMNS
    for one in told:
        assert set(one) <= set(COLUMNS)
    told[0]["reported_at"], table[0]["reported_at"] = 0, "0"
    assert table == [{name: cell(one, name) for name in COLUMNS} for one in told]
    kinds = [one["record"] for one in told]
    assert kinds[0] == "SET"
    assert kinds.count("ITEM") == ITEMS_A_PAGE + 4
    assert kinds.count("EVENT") == 3 * EVENTS_A_PAGE + 1
    assert kinds.count("VIEW") == VIEWS_A_PAGE + 1


def test_events_stand_behind_their_item_newest_first(world: World, large: Scene) -> None:
    item, times = "", list[int]()
    for one in objects(world, "owner", large):
        if one["record"] == "ITEM":
            item, times = one["item_id"], []
        if one["record"] == "EVENT":
            assert one["item_id"] == item
            times.append(one["created_at"])
            assert times == sorted(times, reverse=True)
    views = [one["created_at"] for one in objects(world, "owner", large) if one["record"] == "VIEW"]
    assert views == list(range(VIEWS_A_PAGE, -1, -1))


@pytest.mark.parametrize(
    "name, included",
    [
        ("admin", True),
        ("owner", True),
        ("co-owner", True),
        ("group-owner", True),
        ("member", False),
        ("reviewer", False),
        ("outside", False),
    ],
)
def test_who_looked_is_told_to_those_who_may_read_the_log(
    world: World, name: str, included: bool
) -> None:
    scene = world.scene()
    log(world, scene, 1)
    told = objects(world, name, scene)
    assert told[0]["views_included"] is included
    assert [one["record"] for one in told] == ["SET", "ITEM", *(["VIEW"] if included else [])]


def test_a_set_without_items_has_a_report(world: World) -> None:
    scene = world.scene()
    world.calls("owner").RemoveItem(audit_set_id=scene.audit_set, item_id=scene.item)
    assert [one["record"] for one in rows(world, "owner", scene)] == ["SET"]


@pytest.mark.parametrize(
    "name",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "  =1+1",
        "\u00a0=1",
        "\uff1d1+1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
        '=HYPERLINK("http://x","y")',
    ],
)
def test_no_spreadsheet_calculates_with_a_name(world: World, name: str) -> None:
    scene = world.scene()
    item = new_item(world.stage, name=name)
    world.calls("owner").AddItems(audit_set_id=scene.audit_set, item_ids=[item])
    named = {one["item_id"]: one["item_name"] for one in rows(world, "owner", scene)}
    assert named[item] == "'" + name
    told = {one.get("item_id"): one.get("item_name") for one in objects(world, "owner", scene)}
    assert told[item] == name, "JSON is for programs"


@pytest.mark.parametrize(
    "words", ["\tplain", "\rplain", "\n=1", 'a "quoted", one', "a\r\n=b", "é", "a=1"]
)
def test_any_words_are_one_cell(world: World, words: str) -> None:
    scene = world.scene()
    world.calls("owner").UpdateAuditSet(audit_set_id=scene.audit_set, description=words)
    cell = rows(world, "owner", scene)[0]["description"]
    assert cell == ("'" + words if words[0] in "\t\r\n" else words)
    assert objects(world, "owner", scene)[0]["description"] == words


@pytest.mark.parametrize("form", [CSV, JSON])
def test_chunks_are_bounded_and_full(world: World, large: Scene, form: int) -> None:
    found = chunks(world, "owner", large, form)
    assert len(found) > 1
    assert {len(chunk) for chunk in found[:-1]} == {LARGEST_CHUNK}
    assert 0 < len(found[-1]) <= LARGEST_CHUNK


def test_each_page_asks_anew_what_the_caller_may_see(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is taken out of the set while their report is on its way."""
    scene = world.scene()
    ids = [new_item(world.stage) for _ in range(ITEMS_A_PAGE)]
    world.calls("owner").AddItems(audit_set_id=scene.audit_set, item_ids=ids)
    transactions, pages = world.stage.auditor.transactions, list[Any]()
    run = transactions.run

    async def after_the_second(*args: Any, **how: Any) -> Any:
        if len(pages) == 2:
            key = {"user_email": email("reviewer"), "audit_set_id": scene.audit_set}
            await world.stage.manager.delete("audit.audit_set_collaborators", key)
        pages.append(await run(*args, **how))
        return pages[-1]

    monkeypatch.setattr(transactions, "run", after_the_second)
    with pytest.raises(Refused) as caught:
        chunks(world, "reviewer", scene, JSON)
    assert caught.value.code == "NOT_FOUND"
    assert len(pages) == 2


@pytest.mark.slow
def test_a_long_report_needs_the_memory_of_a_page(world: World) -> None:
    def peak(items: int) -> int:
        scene = world.scene()
        ids = [new_item(world.stage) for _ in range(items)]
        for at in range(0, items, 500):
            world.calls("owner").AddItems(audit_set_id=scene.audit_set, item_ids=ids[at : at + 500])
        for item in ids:
            new_event(world.stage, item, 1, event_type="E" * 500)
        chunks(world, "owner", scene, JSON)
        size, asked = 0, {"audit_set_id": scene.audit_set, "format": JSON}
        tracemalloc.start()
        try:
            for chunk in world.calls("owner").ExportReport(**asked):
                size += len(chunk.data)
                gc.collect()  # what is held is asked, not when garbage goes
            assert size > items * 1000
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    few = peak(100)
    assert peak(1500) < 1.5 * few
