"""Where is a transaction's decision written, and how is it found again?

One row a decision in ``<coordinator namespace>.state``, inserted if absent and never changed
(Consensus Commit specification 2). The row of a group commit stands for all members it lists; a
member's own row stands for it alone, and a parent row without members only blocks the group (6.4).
A row that tells which records were written may be removed once they are finished (5.6).
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.decision_removal import can_land_twice, remove
from scalar_tx.consensus_commit.decision_row import (
    MEMBERS,
    STATES,
    WRITE_SET,
    NewRow,
    RowCounts,
    coordinator_table,
    decision_of,
    members,
    stored_decision,
)
from scalar_tx.consensus_commit.decisions import Decision, UndecidedError
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.consensus_commit.record import TxState
from scalar_tx.consensus_commit.transaction_id import marks
from scalar_tx.errors import (
    InvalidOperationError,
    ReplyLostError,
    SchemaError,
    StorageError,
    StorageUnavailableError,
    WriteRefusedError,
)
from scalar_tx.model.conditions import if_not_exists
from scalar_tx.model.state import TransactionState
from scalar_tx.model.types import DataType
from scalar_tx.storage.interface import AtomicityUnit, Write

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from scalar_tx.consensus_commit.decision_row import StoredDecision
    from scalar_tx.consensus_commit.snapshot import PendingWrite
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row
    from scalar_tx.runtime.interface import Runtime
    from scalar_tx.storage.interface import Storage, StorageInfo, StorageMutation

_log = logging.getLogger("scalar_tx.coordinator")

# Bytes; longer lists are left out, as some storages take no row that is much larger.
LONGEST_WRITE_SET: Final = 128 * 1024
# Five attempts, 50 ms doubling between them (specification 2.2).
PAUSES: Final = (0.0, 0.05, 0.1, 0.2, 0.4)


class CoordinatorTable:
    """Decisions as rows of a table.

    ``write_sets``: rows of own decisions tell what was written, if the table has a column for it.
    """

    def __init__(
        self,
        storage: Storage,
        runtime: Runtime,
        namespace: str,
        *,
        create_missing: bool = False,
        group_commit: bool = False,
        write_sets: bool = False,
    ) -> None:
        self._storage = storage
        self._runtime = runtime
        self._name = f"{namespace}.state"
        self._table: Table | None = None
        self._create_missing = create_missing
        self._group_commit = group_commit  # is a table that is made here to list members?
        self._write_sets = write_sets
        self.rows = RowCounts(runtime.lock())

    @property
    def name(self) -> str:
        """The table's full name."""
        return self._name

    async def table(self) -> Table:
        """The table as it is: columns beyond the basic three may be there or not."""
        if self._table is None:
            found = await self._storage.admin.table(self._name)
            if found is None and self._create_missing:
                namespace = self._name.partition(".")[0]
                wanted = coordinator_table(
                    namespace, group_commit=self._group_commit, write_sets=self._write_sets
                )
                await self._storage.admin.create_table(wanted, if_not_exists=True)
                found = await self._storage.admin.table(self._name)
            if found is None:
                raise InvalidOperationError(
                    f"there is no coordinator table {self._name} in the storage "
                    f"{self._storage.info(self._name).name!r}",
                    advice="Create it with db.admin.create_coordinator_tables() or "
                    "scalar-schema --coordinator",
                    code="STX-3040",
                )
            missing = {"tx_id", "tx_state", "tx_created_at"} - set(found.schema.columns)
            if missing:
                raise SchemaError(
                    f"the coordinator table {self._name} lacks {', '.join(sorted(missing))}",
                    advice="Repair it with db.admin.repair_coordinator_tables()",
                )
            if self._write_sets and WRITE_SET not in found.schema.columns:
                _log.warning(
                    "%s has no column %s: decisions don't tell what was written. Repair it with "
                    "repair_coordinator_tables() or scalar-schema --repair-all --coordinator",
                    self._name,
                    WRITE_SET,
                )
            self._table = found
        return self._table

    async def ready(self) -> None:
        """Look the table up before anything is prepared."""
        await self.table()

    async def ready_for_groups(self) -> None:
        """InvalidOperationError if the table can't list the members of a group."""
        await self.table()
        self._forget_unless_it_has(MEMBERS)
        if MEMBERS not in (await self.table()).schema.columns:
            raise InvalidOperationError(
                f"group commit is on, and the coordinator table {self._name} has no column "
                f"{MEMBERS}",
                advice="Add it with db.admin.repair_coordinator_tables(), or switch "
                "scalar.db.consensus_commit.coordinator.group_commit.enabled off",
                code="STX-3040",
            )

    def forget_table(self) -> None:
        """Look the table up anew at its next use."""
        self._table = None

    def home(self) -> StorageInfo | None:
        """The storage that holds the table, if it writes records of several tables at once."""
        info = self._storage.info(self._name)
        shares = info.atomicity_unit is AtomicityUnit.STORAGE and info.max_mutations > 1
        return info if shares else None

    async def decide(
        self,
        tx_id: str,
        at: int,
        also: Sequence[StorageMutation] = (),
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        """Insert COMMITTED unless a row stands; return what stands."""
        group = marks(tx_id).group
        if group is not None:
            raise InvalidOperationError(
                f"{tx_id} is a member of the group commit {group}; its group decides",
                advice="Let the group's leader commit it",
                code="STX-3049",
            )
        return await self._decide(NewRow(tx_id, TxState.COMMITTED, at, written), also)

    async def decide_alone(
        self,
        tx_id: str,
        at: int,
        also: Sequence[StorageMutation] = (),
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        """Decide about a member whose group does not, nor ever will (specification 6.4)."""
        return await self._decide(NewRow(tx_id, TxState.COMMITTED, at, written), also)

    async def abort_alone(
        self, tx_id: str, written: Collection[PendingWrite] | None = None
    ) -> Decision:
        """Insert ABORTED for a member whose group does not commit it, nor ever will."""
        return await self._decide(NewRow(tx_id, TxState.ABORTED, self._runtime.now_ms(), written))

    async def decide_together(
        self,
        group: str,
        written: Mapping[str, Collection[PendingWrite] | None],
        at: int,
        also: Sequence[StorageMutation] = (),
    ) -> Decision | None:
        """Insert COMMITTED for a group's members, each with what it has written.

        None: refused, it decides about none of them. UndecidedError: it may have, or may yet.
        """
        row = NewRow(group, TxState.COMMITTED, at, members=written)
        ours, standing, may_stand = await self._insert(row, also)
        if ours:
            return Decision(TransactionState.COMMITTED, at)
        if standing is not None and next(iter(written)) in members(standing):
            return decision_of(group, standing)
        if may_stand:
            raise UndecidedError(
                f"the group {group} does not stand, but may have stood", may_stand=True
            )
        return None

    async def decide_with(
        self,
        tx_id: str,
        at: int,
        records: Sequence[StorageMutation],
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        """Insert COMMITTED and write records, all or nothing.

        Sent again only after a reply was lost: the row that the first sending may have left, or may
        yet leave, lets no second one through. Unless it can be removed: then the records must not
        let it through, and where all of them are new they would, once they are removed in turn.
        """
        row = NewRow(tx_id, TxState.COMMITTED, at, written)
        again = all(map(can_land_twice, records))
        once = again and self._told(await self.table(), row) is not None
        lost: Exception | None = None
        for pause in PAUSES:
            if pause:
                await self._runtime.sleep(pause)
            try:
                await self._write(row, records)
            except WriteRefusedError as error:
                if lost is None:
                    raise
                return await self._own(tx_id, error)
            except ReplyLostError as error:
                lost = error
                if once:
                    break
            except (StorageError, StorageUnavailableError):
                if lost is None:
                    raise
            else:
                return Decision(TransactionState.COMMITTED, at)
        raise UndecidedError(
            f"could not write the decision about {tx_id}", may_stand=True
        ) from lost

    async def _own(self, tx_id: str, refusal: WriteRefusedError) -> Decision:
        """The COMMITTED of an earlier sending, which a later one has met."""
        try:
            row = await self._row(tx_id)
        except UndecidedError as error:
            raise UndecidedError(str(error), may_stand=True) from error
        if row is not None:
            decision = decision_of(tx_id, row)
            if decision.state is TransactionState.COMMITTED:
                return decision
        # The earlier sending may arrive yet, or have been obeyed and removed before an ABORTED.
        raise UndecidedError(f"{tx_id}: {refusal}", may_stand=True) from refusal

    async def force_abort(
        self, tx_id: str, written: Collection[PendingWrite] | None = None
    ) -> Decision:
        """Insert ABORTED unless COMMITTED stands; for a group's member on both of its keys.

        The group would commit under the parent's key, a delayed member under its own: whoever
        aborts must win on both (specification 6.5).
        """
        at = self._runtime.now_ms()
        of = marks(tx_id)
        if of.group is not None:
            self._forget_unless_it_has(MEMBERS)
            _, parent, _ = await self._insert(NewRow(of.group, TxState.ABORTED, at))
            # Another parent row lists other members, or blocks the group already: go on.
            if parent is not None and of.member in members(parent):
                return decision_of(of.group, parent)
        return await self._decide(NewRow(tx_id, TxState.ABORTED, at, written))

    async def read(self, tx_id: str) -> Decision | None:
        """Look a decision up, in the group's row first."""
        row = await self._standing(tx_id)
        return None if row is None else decision_of(tx_id, row)

    async def find(self, tx_id: str) -> StoredDecision | None:
        """A decision and what its row tells of the records; None: there is none on record."""
        self._forget_unless_it_has(WRITE_SET)
        row = await self._standing(tx_id)
        return None if row is None else stored_decision(row)

    async def remove(self, found: Sequence[StoredDecision]) -> None:
        """Remove rows, each if it still is the one that was found.

        Whoever found them has finished their records. StorageError: some may be left.
        """
        removed = await remove(self._storage, self._runtime, await self.table(), found)
        self.rows.note_removed(removed)

    async def _standing(self, tx_id: str) -> Row | None:
        """The row that stands for a transaction: its group's if that lists it, else its own."""
        of = marks(tx_id)
        if of.group is not None:
            self._forget_unless_it_has(MEMBERS)
            parent = await self._row(of.group)
            if parent is not None and of.member in members(parent):
                return parent
        return await self._row(tx_id)

    async def _decide(self, row: NewRow, also: Sequence[StorageMutation] = ()) -> Decision:
        tx_id = row.key
        ours, standing, may_stand = await self._insert(row, also)
        if ours:
            return Decision(STATES[int(row.state)], row.at)
        if standing is None:
            raise UndecidedError(
                f"a decision about {tx_id} was there and is not any more", may_stand=may_stand
            )
        decision = decision_of(tx_id, standing)
        aborted = decision.state is TransactionState.ABORTED
        if may_stand and aborted and row.state is TxState.COMMITTED:
            # An earlier try of ours may have landed, been obeyed and been removed, before somebody
            # who had still met it undecided put this ABORTED in its place.
            raise UndecidedError(
                f"{tx_id} is aborted, or was committed before that", may_stand=True
            )
        return decision

    async def _insert(
        self, row: NewRow, also: Sequence[StorageMutation] = ()
    ) -> tuple[bool, Row | None, bool]:
        """Insert a row if absent: (ours stands, what stands instead, an earlier try may have)."""
        may_stand = False
        cause: Exception | None = None
        for pause in PAUSES:
            if pause:
                await self._runtime.sleep(pause)
            try:
                await self._write(row, also)
            except WriteRefusedError:
                # A row is there: somebody else's, or our own whose reply was lost.
                try:
                    return False, await self._row(row.key), may_stand
                except UndecidedError as error:
                    raise UndecidedError(str(error), may_stand=may_stand) from error
            except ReplyLostError as error:
                may_stand = True
                cause = error
            except (StorageError, StorageUnavailableError) as error:
                cause = error  # nothing changed: ask again
            else:
                return True, None, False
        raise UndecidedError(
            f"could not write the decision about {row.key}", may_stand=may_stand
        ) from cause

    async def _write(self, row: NewRow, also: Sequence[StorageMutation] = ()) -> None:
        table = await self.table()
        values = row.columns()
        told = self._told(table, row)
        if told is not None:
            telling = Write(table, (row.key,), {**values, WRITE_SET: told}, if_not_exists)
            try:
                await self._storage.mutate([telling, *also])
            except (InvalidOperationError, SchemaError) as error:
                # Too much for the storage, or the column is gone. No commit fails because of it.
                _log.info("decided %s without saying what it wrote: %s", row.key, kind_of(error))
            else:
                self.rows.note_written(STATES[int(row.state)])
                return
        await self._storage.mutate([Write(table, (row.key,), values, if_not_exists), *also])
        self.rows.note_written(STATES[int(row.state)])

    def _told(self, table: Table, row: NewRow) -> bytes | None:
        """What is stored of the records written; None: nothing is told of them."""
        if not self._write_sets or table.schema.columns.get(WRITE_SET) is not DataType.BLOB:
            return None
        told = row.told()
        return told if told is not None and len(told) <= LONGEST_WRITE_SET else None

    def _forget_unless_it_has(self, column: str) -> None:
        """Look a table without that column up anew.

        Another program may have turned on what the column is for, and made it, since we looked.
        """
        if self._table is not None and column not in self._table.schema.columns:
            self.forget_table()

    async def _row(self, tx_id: str) -> Row | None:
        cause: Exception | None = None
        for pause in PAUSES:
            if pause:
                await self._runtime.sleep(pause)
            try:
                return await self._storage.get(await self.table(), (tx_id,))
            except (StorageError, StorageUnavailableError) as error:
                cause = error
        raise UndecidedError(
            f"could not read the decision about {tx_id}", may_stand=False
        ) from cause
