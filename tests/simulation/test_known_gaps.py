"""What is known not to hold on a storage that can't be read as it was at one moment.

Both gaps are in ScalarDB's protocol itself, and both ask for others who come and go in step. Where
a storage has moments, validation reads in one, and there is no gap. A test here that passes without
is a gap closed: then it loses its mark.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.consensus_commit.two_phase import TwoPhaseSteps
from scalar_tx.errors import ConflictError
from scalar_tx.model.isolation import Isolation
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import Write
from tests.simulation.by_hand import TABLE, Database, Steps

if TYPE_CHECKING:
    from scalar_tx.model.types import Row


ABSENCES = pytest.mark.xfail(
    strict=True,
    raises=pytest.fail.Exception,
    reason="absence bears no id: two absences can't be told to have held at one time",
)
INDEXES = pytest.mark.xfail(
    strict=True,
    raises=pytest.fail.Exception,
    reason="an index and the index of previous values are read one after the other: a writer that "
    "gives up between the two hides a record from both",
)


@pytest.mark.parametrize("moments", [True, pytest.param(False, marks=ABSENCES)])
def test_two_absences_that_never_held_together_are_a_conflict(*, moments: bool) -> None:
    """Found by the seats: one guest moves between two seats, and a reader finds both free."""
    database = Database(moments=moments)
    database.elsewhere(put={2: 0})

    def to_1() -> None:
        database.elsewhere(put={1: 0}, remove=[2])

    def to_2() -> None:
        database.elsewhere(put={2: 0}, remove=[1])

    tx = database.begin()
    # After each look at a seat the guest takes it, and is away again before the next look.
    database.storage.after_read = {1: [to_1, to_1], 2: [to_2]}
    assert tx.get(1) is None
    assert tx.get(2) is None
    with pytest.raises(ConflictError):
        tx.commit()


@ABSENCES
def test_two_absences_in_two_parts_of_a_transaction_are_a_conflict() -> None:
    """Each part validates at a moment of its own, whatever its storage can do."""
    database = Database(moments=True)
    database.elsewhere(put={2: 0})
    one, other = (
        TwoPhaseSteps(database.context, Isolation.SERIALIZABLE, caller_id="T", joined=True)
        for _ in range(2)
    )
    assert Steps(one).get(1) is None
    database.elsewhere(put={1: 0}, remove=[2])
    assert Steps(other).get(2) is None
    run_blocking(one.prepare())
    run_blocking(other.prepare())
    database.elsewhere(put={2: 0}, remove=[1])
    run_blocking(one.validate())
    database.elsewhere(put={1: 0}, remove=[2])
    with pytest.raises(ConflictError):
        run_blocking(other.validate())


@pytest.mark.parametrize(
    "moments,joins_indexes",
    [(True, False), (False, True), pytest.param(False, False, marks=INDEXES)],
)
def test_a_record_hidden_from_an_index_by_a_writer_that_gives_up_is_a_conflict(
    *, moments: bool, joins_indexes: bool
) -> None:
    """Found by the rooms, about once in ten thousand schedules: first with
    ``--replay 400167 --workload rooms``.

    The index showed nobody in room 7, the guest's own record says 7. Validation would find the
    guest in the index too, were it not for somebody who is about to move him and then does not.
    """
    database = Database(moments=moments, joins_indexes=joins_indexes)
    database.elsewhere(put={1: 5})
    tx = database.begin()
    assert tx.index(7) == []
    database.elsewhere(put={1: 7})
    assert tx.get(1) == 7

    settled = database.storage.admin.contents(TABLE.name).rows[(1, 1)].copy()
    previous = {f"before_{name}": settled[name] for name in settled if f"before_{name}" in settled}
    prepared = {**settled, **previous, "v": 8, "tx_id": "other", "tx_state": 1}

    def put(row: Row) -> None:
        values = {name: value for name, value in row.items() if name not in "pk"}
        run_blocking(database.storage.mutate([Write(TABLE, (1, 1), values)]))

    database.storage.before_index_read = {
        "v": lambda: put(prepared),
        "before_v": lambda: put(settled),
    }
    with pytest.raises(ConflictError):
        tx.commit()
