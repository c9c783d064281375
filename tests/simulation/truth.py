"""What was truly decided? Seen where the decision rows are, not asked of anybody.

A row that was removed after its work was done still counts; one that comes late, after a removal,
does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.transaction_id import (
    GROUP_LENGTH,
    leaves_a_decision,
    of_member,
)
from scalar_tx.consensus_commit.write_set import read_write_set
from scalar_tx.storage.interface import Erase
from tests.simulation.judgement import DECISION, Wrong
from tests.simulation.plan import COORDINATOR_NAME

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from scalar_tx.model.types import Value
    from scalar_tx.storage.interface import Overwrite, StorageMutation, Write

COMMITTED: Final = 3
_UNCOMMITTED: Final = (1, 2)

Place = tuple[str, tuple["Value", ...]]


class Truth:
    """Listens to everything that is applied to any storage.

    ``on_decision`` is called with the id of each decision row that was just written; ``step`` says
    what number the present step has.
    """

    def __init__(self, on_decision: Callable[[str], None], step: Callable[[], int]) -> None:
        self.forgotten: set[str] = set()  # whose row was removed
        self.asked: set[str] = set()  # whose owner has sent a COMMITTED
        self.alone: set[str] = set()  # committed by their records alone
        self.forced: set[str] = set()  # whom somebody else, or a settling, wanted aborted
        # Whether somebody may still ask for a COMMITTED; of most, only their owner does, once.
        self.may_still_commit: Callable[[str], bool] = lambda _: False
        self.wrong: list[Wrong] = []
        self._on_decision = on_decision
        self._step = step
        self._touched: dict[Place, list[int]] = {}
        self._committed_at: dict[str, int] = {}
        self._first: dict[str, object] = {}
        self._stands: dict[str, object] = {}  # by the row's id, as the next one
        self._members: dict[str, list[str]] = {}
        self._prepared: dict[str, dict[Place, None]] = {}
        self._left: dict[Place, Value] = {}  # who has prepared what is not settled yet

    def decided(self, tx_id: str | None) -> bool:
        """Was COMMITTED the first decision about a transaction?"""
        return tx_id is not None and self._first.get(tx_id) == COMMITTED

    def committed_at(self, tx_id: str | None) -> int | None:
        """The step at which a transaction was decided to be COMMITTED; None: it was not."""
        return self._committed_at.get(tx_id) if tx_id is not None else None

    def touched(self, table: str, key: tuple[Value, ...], begin: int, end: int) -> bool:
        """Was a record's row written or erased, by whomever, within these steps?"""
        return any(begin <= step <= end for step in self._touched.get((table, key), ()))

    def places(self, tx_id: str) -> Iterable[Place]:
        """What a transaction has prepared so far."""
        return self._prepared.get(tx_id, ())

    def is_left(self, tx_id: str) -> bool:
        """Is a record of it prepared, as far as it has prepared them?"""
        return any(self._left.get(place) == tx_id for place in self.places(tx_id))

    def may_be_removed(self, row_id: str) -> bool:
        """May the decision row go, by ScalarDB's rules (specification 5.6)?

        Its writer is the owner's own commit call and no COMMITTED of it is on its way behind it.
        """
        state = self._stands.get(row_id)
        if state is None or not self.members(row_id):
            return False
        if state == COMMITTED:
            return True
        return row_id not in self.asked | self.forced and not self.may_still_commit(row_id)

    def sent(self, mutations: Sequence[StorageMutation]) -> None:
        """A request is on its way."""
        for one in mutations:
            if one.table.name != COORDINATOR_NAME or isinstance(one, Erase):
                continue
            if one.values["tx_state"] == COMMITTED:
                self.asked.update(_decides_about(one))

    def applied(self, mutations: Sequence[StorageMutation]) -> None:
        """A request took effect."""
        for one in mutations:
            if isinstance(one, Erase):
                self._left.pop((one.table.name, one.key), None)
            elif "tx_state" in one.values:
                self._left[one.table.name, one.key] = (
                    one.values.get("tx_id") if one.values["tx_state"] in _UNCOMMITTED else None
                )
            self._touched.setdefault((one.table.name, one.key), []).append(self._step())
            if one.table.name == COORDINATOR_NAME:
                self._decision(one)
            elif not isinstance(one, Erase) and one.values.get("tx_id") is not None:
                # Prepared, or written together with its decision. A roll back brings back the id
                # of whoever wrote the record before, here, too.
                writer = str(one.values["tx_id"])
                if not leaves_a_decision(writer) and one.values.get("before_tx_id") is not None:
                    self._committed_by_its_records(writer)
                self._prepared.setdefault(writer, {})[one.table.name, one.key] = None
        self._check_what_is_told(mutations)

    def _check_what_is_told(self, mutations: Sequence[StorageMutation]) -> None:
        """Whoever tells what he has written tells all of it."""
        first = mutations[0]
        if first.table.name != COORDINATOR_NAME or isinstance(first, Erase):
            return
        groups = read_write_set(first.values.get("tx_write_set"))
        if groups is None:
            return
        told = {
            (
                f"{entry.namespace}.{entry.table}",
                tuple(value for *_, value in (*entry.partition_key, *(entry.clustering_key or ()))),
            )
            for group in groups
            for entry in group.entries
        }
        about = _decides_about(first)
        written = {(one.table.name, one.key) for one in mutations[1:]}
        written |= {place for tx_id in about for place in self.places(tx_id)}
        committed = first.values["tx_state"] == COMMITTED
        if written - told or (committed and told - written):
            self.wrong.append(
                Wrong(DECISION, f"about {about} tells {told}, but it has written {written}")
            )

    def _committed_by_its_records(self, tx_id: str) -> None:
        if tx_id not in self._first:
            self._first[tx_id] = COMMITTED
            self._committed_at[tx_id] = self._step()
            self.alone.add(tx_id)

    def _decision(self, mutation: StorageMutation) -> None:
        row_id = str(mutation.key[0])
        if isinstance(mutation, Erase):
            self.forgotten.update(self.members(row_id))
            self._stands.pop(row_id, None)
            return
        state = mutation.values["tx_state"]
        standing = self._stands.get(row_id)
        if standing not in {None, state}:
            self.wrong.append(
                Wrong(DECISION, f"of {row_id} was changed from state {standing!r} to {state!r}")
            )
        self._stands[row_id] = state
        self._members[row_id] = _decides_about(mutation)
        for tx_id in self._members[row_id]:
            if tx_id not in self._first:
                self._first[tx_id] = state
                if state == COMMITTED:
                    self._committed_at[tx_id] = self._step()
        self._on_decision(row_id)

    def members(self, row_id: str) -> list[str]:
        """The transactions that a decision row is, or was, about."""
        return self._members.get(row_id, [])


def _decides_about(row: Write | Overwrite) -> list[str]:
    """One transaction; the members of a group; nobody, where a row only blocks a group."""
    row_id = str(row.key[0])
    listed = row.values.get("tx_child_ids")
    if isinstance(listed, str):
        return [of_member(row_id, member) for member in listed.split(",")]
    blocks_a_group = len(row_id) == GROUP_LENGTH and row_id.isalnum()
    return [] if blocks_a_group else [row_id]
