"""How often is a storage asked, and for how many rows, however much it holds?"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from scalar_auditor.event import rules
from scalar_auditor.permissions import SetRole
from scalar_tx.storage.memory import MemoryStorage
from tests.services.event.scene import (
    NOW,
    TODAY,
    admin,
    event,
    folder,
    id_of,
    ingest,
    item,
    new_set,
)
from tests.services.stage import Stage

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.services.stage import Calls

CALLS = ("get", "get_many", "scan", "mutate")
MOST_READS = 50


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[Counter[str]]:
    """The calls of the storage meanwhile, by name, and how many rows scans were asked for."""
    calls: Counter[str] = Counter()
    with monkeypatch.context() as patch:
        for name in CALLS:
            patch.setattr(MemoryStorage, name, noted(getattr(MemoryStorage, name), name, calls))
        yield calls


def noted(asked: Any, name: str, calls: Counter[str]) -> Any:
    def ask(self: Any, *arguments: Any) -> Any:
        calls[name] += 1
        calls["reads"] += name != "mutate"
        if name == "scan":
            calls["rows"] += arguments[0].page_size
        return asked(self, *arguments)

    return ask


def fill(stage: Stage, count: int) -> None:
    """So many events of today, one a second, of a thousand items, straight into their table."""

    async def put_all() -> None:
        for start in range(0, count, 1000):
            async with stage.manager.transaction() as tx:
                for number in range(start, min(start + 1000, count)):
                    one = event(f"s{number}", f"f{number % 1000}", NOW - 1000 * number)
                    key = {"yyyy_mm_dd": TODAY, "shard": rules.shard_of(id_of(one))}
                    row = {**one, **key, "event_id": id_of(one), "item_type": "", "item_name": ""}
                    await tx.insert("event.events", {**row, "additional_details": ""})

    stage.run(put_all())


@pytest.fixture(scope="module", params=[300, 4000])
def day(request: pytest.FixtureRequest) -> Iterator[tuple[Stage, int]]:
    """A day with so many events."""
    count: int = request.param
    with Stage(names=("event", "item"), now_ms=lambda: NOW) as one:
        fill(one, count)
        yield one, count


@pytest.mark.parametrize("size", [1, 100, 1000])
def test_the_first_page_of_a_day_costs_the_same_whatever_the_day_holds(
    day: tuple[Stage, int], monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    stage, count = day
    audit_set_id = new_set(stage, {"r@example.org": SetRole.REVIEWER}, ["f7", "f8"])
    asked: dict[str, Any] = {"from_day": TODAY, "to_day": TODAY, "page": {"page_size": size}}
    callers: list[tuple[Calls, dict[str, str], int]] = [
        (admin(stage), {}, size),
        (admin(stage), {"event_type": "NEVER"}, 0),
        (stage.as_person("r@example.org"), {"audit_set_id": audit_set_id}, 2),
        (stage.as_person("stranger@example.org"), {}, 0),
    ]
    for calls, more, least in callers:
        with counted(monkeypatch) as cost:
            found = calls.QueryEvents(**asked, **more)
        assert len(found.events) >= min(least, count, size)
        assert cost["reads"] <= MOST_READS, (more, cost)
        assert cost["rows"] <= 6_000, (more, cost)
        assert cost["mutate"] == 0


def test_a_page_reads_little_more_than_it_shows(
    day: tuple[Stage, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    with counted(monkeypatch) as cost:
        admin(day[0]).QueryEvents(from_day=TODAY, to_day=TODAY, page={"page_size": 100})
    assert cost["scan"] <= 20
    assert cost["rows"] <= 400


def told(number: int) -> list[dict[str, Any]]:
    return [
        event(
            f"{number}-{one}",
            f"f{number}-{one}",
            item_type="FILE",
            item=item(f"f{number}-{one}", "d"),
        )
        for one in range(100)
    ]


def test_a_batch_of_a_hundred_files_is_two_reads_and_a_write(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The position; the items, together; and all of it."""
    service = stage.as_service()
    service.UpsertItem(**folder("d"))
    for number in range(3):
        position = "" if number == 0 else str(number)
        batch = {"user_id": "u", "from_position": position, "to_position": str(number + 1)}
        with counted(monkeypatch) as cost:
            service.IngestEvents(**batch, events=told(number))
        assert (cost["reads"], cost["mutate"]) == (2, 1)
        # The same batch again reads where the stream is and its events, and writes nothing.
        with counted(monkeypatch) as cost:
            assert service.IngestEvents(**batch, events=told(number)).repeated_batch
        assert cost["mutate"] == 0
        assert cost["reads"] <= 3, cost


def test_a_batch_of_folders_looks_at_what_they_lie_in(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A read for each level, all of what is only read once more, and a second write."""
    service = stage.as_service()
    for name, parent_id in (("d", ""), ("e", "d"), ("f", "e")):
        service.UpsertItem(**folder(name, parent_id))
    folders = [event(f"s{one}", f"g{one}", item=folder(f"g{one}", "f")) for one in range(100)]
    with counted(monkeypatch) as cost:
        service.IngestEvents(user_id="u", to_position="1", events=folders)
    assert (cost["reads"], cost["mutate"]) == (6, 2)


def test_the_list_of_an_item_is_one_scan(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.as_service().UpsertItem(**item("f"))
    ingest(stage, [event(f"s{number}", "f", NOW - number) for number in range(300)])
    for method, more in (
        ("ListItemEvents", {}),
        ("QueryEvents", {"from_day": TODAY, "to_day": TODAY}),
    ):
        call = getattr(admin(stage), method)
        with counted(monkeypatch) as cost:
            assert len(call(item_id="f", page={"page_size": 100}, **more).events) == 100
        assert cost["scan"] == 1
        assert cost["reads"] <= 3
