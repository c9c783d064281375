"""What does an attempt cost that conflicts? (Consensus Commit specification 12.2, shapes 22, 23)"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx import ConflictError
from tests.costs import counters, shapes
from tests.costs.page import Way

if TYPE_CHECKING:
    from pathlib import Path

    from scalar_tx import Transaction

FIRST, SECOND = {"p": 1, "c": 1}, {"p": 2, "c": 1}
# What is updated after another transaction has changed SECOND -> calls from the commit on. The
# library for Java reads every record again before it undoes: two more, and one more.
CASES = {
    "a prepare that is refused": ((FIRST, SECOND), 2),  # P, ABORTED
    "a validation that fails": ((FIRST,), 4),  # P, V, ABORTED, undone
}


@pytest.mark.parametrize("place", ["memory", "sqlite"])
@pytest.mark.parametrize("case", CASES)
def test_nothing_is_read_again_to_be_undone(place: str, case: str, tmp_path: Path) -> None:
    written, calls = CASES[case]

    def begun() -> Transaction:
        tx = db.begin(isolation="SERIALIZABLE")
        shapes.read(tx, FIRST, SECOND)
        for key in written:
            tx.update(shapes.TABLE, key, {"n": 1})
        db.update(shapes.TABLE, SECOND, {"n": 2})
        return tx

    with counters.in_calls(place, tmp_path, Way.EVERY_STEP) as (db, count):
        shapes.prepare(db)
        tx = begun()

        def commit() -> None:
            with pytest.raises(ConflictError):
                tx.commit()

        assert count(commit).operations == calls
        record = db.get(shapes.TABLE, FIRST)
        assert record is not None
        assert record["n"] == 0
