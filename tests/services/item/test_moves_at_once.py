"""Do moves that would only together make a circle end with none?"""

from __future__ import annotations

import random
import threading
from functools import partial
from typing import TYPE_CHECKING

import pytest

from scalar_auditor.item import invariants
from tests.services.event.scene import NOW, event, findings, folder, item
from tests.services.stage import Refused, Stage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


pytestmark = pytest.mark.slow


@pytest.fixture(params=["memory", "sqlite"])
def stage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Stage]:
    target = "memory://" if request.param == "memory" else f"sqlite:///{tmp_path / 'items.db'}"
    with Stage(target, names=("event", "item"), now_ms=lambda: NOW) as one:
        yield one


def at_once(*work: Callable[[], object]) -> list[Refused | None]:
    """Do all of it from threads that begin together; how each was refused."""
    start = threading.Barrier(len(work))
    ends: list[Refused | None] = [None] * len(work)

    def do(number: int) -> None:
        start.wait()
        try:
            work[number]()
        except Refused as error:
            ends[number] = error

    threads = [threading.Thread(target=do, args=(number,)) for number in range(len(work))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return ends


def test_two_folders_are_moved_into_each_other(stage: Stage) -> None:
    service = stage.as_service()
    for turn in range(10):
        for name in "ab":
            service.UpsertItem(**folder(name, modified_at=NOW + turn))
        move = partial(service.MoveItem, modified_at=NOW + turn)
        ends = at_once(
            partial(move, item_id="a", parent_id="b"), partial(move, item_id="b", parent_id="a")
        )
        refusals = [end for end in ends if end is not None]
        assert [(one.code, one.reason) for one in refusals] == [("FAILED_PRECONDITION", "CIRCLE")]
        assert findings(stage, invariants) == []


def test_moves_of_all_kinds_at_once(stage: Stage) -> None:
    dice = random.Random(11)
    names = [f"d{number}" for number in range(6)]
    service = stage.as_service()
    for name in names:
        service.UpsertItem(**folder(name))

    def moves(seed: int) -> Callable[[], object]:
        own = random.Random(seed)

        def do() -> None:
            for turn in range(8):
                one, other = own.sample(names, 2)
                try:
                    if own.random() < 0.5:
                        service.MoveItem(item_id=one, parent_id=other, modified_at=NOW)
                    else:
                        told = event(f"{seed}-{turn}", one, item=folder(one, other))
                        user_id = f"stream-{seed}"
                        at = service.GetPosition(user_id=user_id).stream_position
                        service.IngestEvents(
                            user_id=user_id,
                            from_position=at,
                            to_position=f"{turn}-",
                            events=[told],
                        )
                except Refused as error:
                    assert error.reason == "CIRCLE", error  # noqa: PT017  # most are not refused

        return do

    assert at_once(*(moves(dice.randrange(1000)) for _ in range(4))) == [None] * 4
    assert findings(stage, invariants) == []


def test_an_item_is_told_of_by_many_at_once(stage: Stage) -> None:
    service = stage.as_service()
    for name in ("d", "e"):
        service.UpsertItem(**folder(name))
    works = [
        partial(service.UpsertItem, **item("f", "de"[number % 2], modified_at=NOW + number))
        for number in range(6)
    ]
    ends = at_once(*works)
    assert {end.reason for end in ends if end is not None} <= {"NEWER_STATE"}
    row = stage.get("item.item", item_id="f")
    assert row is not None
    assert row["modified_at"] == NOW + 5
    assert findings(stage, invariants) == []
