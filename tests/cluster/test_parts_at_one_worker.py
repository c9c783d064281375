"""May several parts of one transaction be at one worker, and do they count as one?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.errors import InvalidOperationError
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

TABLE = "shop.things"


@pytest.fixture
def served() -> Iterator[Served]:
    made = Served("memory://")
    with scalar_tx.connect(made.url) as db:
        db.admin.create_coordinator_tables(if_not_exists=True)
        db.admin.create_table(TABLE, columns={"id": "INT", "v": "INT"}, partition_key=["id"])
    yield made
    made.close()


def test_they_write_together_and_count_once(served: Served) -> None:
    ends: list[Any] = []
    with scalar_tx.connect(served.url) as db, scalar_tx.connect(served.url) as elsewhere:
        served.worker.ended = lambda outcome, *_given, **_more: ends.append(outcome)
        part = db.two_phase.begin()
        part.insert(TABLE, {"id": 1, "v": 1})
        other = elsewhere.two_phase.join(part.id)
        other.insert(TABLE, {"id": 2, "v": 2})
        for step in ("prepare", "validate", "commit"):
            for one in (part, other):
                getattr(one, step)()
        assert served.at_rest()
        assert [end.name for end in ends] == ["COMMITTED"]
        assert len(db.scan(TABLE, whole_table=True)) == 2


def test_nobody_begins_what_is_open(served: Served) -> None:
    with scalar_tx.connect(served.url) as db, scalar_tx.connect(served.url) as elsewhere:
        part = db.two_phase.begin()
        part.insert(TABLE, {"id": 3, "v": 3})
        assert part.get(TABLE, {"id": 3}) is not None
        again = elsewhere.two_phase.begin(id=part.id)
        with pytest.raises(InvalidOperationError) as caught:
            again.get(TABLE, {"id": 3})
        assert caught.value.code == "STX-3043"
        part.rollback()
    assert served.at_rest()
