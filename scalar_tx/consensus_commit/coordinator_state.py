"""Where is a transaction's decision written, and how is it found again?

One row a decision in ``<coordinator namespace>.state``, inserted if absent and never changed
(Consensus Commit specification 2). The row of a group commit stands for all members it lists; a
member's own row stands for it alone, and a parent row without members only blocks the group (6.4).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.decisions import Decision, UndecidedError
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
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.model.types import DataType
from scalar_tx.storage.interface import AtomicityUnit, Write

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.model.types import Row
    from scalar_tx.runtime.interface import Runtime
    from scalar_tx.storage.interface import Storage, StorageInfo, StorageMutation

# Five attempts, 50 ms doubling between them (specification 2.2).
PAUSES: Final = (0.0, 0.05, 0.1, 0.2, 0.4)
MEMBERS: Final = "tx_child_ids"
_STATES: Final = {
    int(TxState.COMMITTED): TransactionState.COMMITTED,
    int(TxState.ABORTED): TransactionState.ABORTED,
}


def coordinator_table(
    namespace: str, *, group_commit: bool = False, write_sets: bool = False
) -> Table:
    """The coordinator table as it is created (specification 2.1)."""
    columns = {"tx_id": DataType.TEXT}
    if group_commit:
        columns[MEMBERS] = DataType.TEXT
    columns["tx_state"] = DataType.INT
    columns["tx_created_at"] = DataType.BIGINT
    if write_sets:
        columns["tx_write_set"] = DataType.BLOB
    return Table(f"{namespace}.state", TableSchema(columns=columns, partition_key=["tx_id"]))


class CoordinatorTable:
    """Decisions as rows of a table."""

    def __init__(
        self,
        storage: Storage,
        runtime: Runtime,
        namespace: str,
        *,
        create_missing: bool = False,
        group_commit: bool = False,
    ) -> None:
        self._storage = storage
        self._runtime = runtime
        self._name = f"{namespace}.state"
        self._table: Table | None = None
        self._create_missing = create_missing
        self._group_commit = group_commit  # is a table that is made here to list members?

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
                wanted = coordinator_table(namespace, group_commit=self._group_commit)
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
            self._table = found
        return self._table

    async def ready(self) -> None:
        """Look the table up before anything is prepared."""
        await self.table()

    async def ready_for_groups(self) -> None:
        """InvalidOperationError if the table can't list the members of a group."""
        await self.table()
        self._forget_unless_it_has_members()
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

    async def decide(self, tx_id: str, at: int, also: Sequence[StorageMutation] = ()) -> Decision:
        """Insert COMMITTED unless a row stands; return what stands."""
        group = marks(tx_id).group
        if group is not None:
            raise InvalidOperationError(
                f"{tx_id} is a member of the group commit {group}; its group decides",
                advice="Let the group's leader commit it",
                code="STX-3049",
            )
        return await self._decide(tx_id, TxState.COMMITTED, at, also)

    async def decide_alone(
        self, tx_id: str, at: int, also: Sequence[StorageMutation] = ()
    ) -> Decision:
        """Decide about a member whose group does not, nor ever will (specification 6.4)."""
        return await self._decide(tx_id, TxState.COMMITTED, at, also)

    async def abort_alone(self, tx_id: str) -> Decision:
        """Insert ABORTED for a member whose group does not commit it, nor ever will."""
        return await self._decide(tx_id, TxState.ABORTED, self._runtime.now_ms())

    async def decide_together(
        self, group: str, members: Sequence[str], at: int, also: Sequence[StorageMutation] = ()
    ) -> Decision | None:
        """Insert COMMITTED for members of a group; None: refused, it decides about none of them.

        UndecidedError: it may have, or may yet.
        """
        ours, standing, may_stand = await self._insert(group, TxState.COMMITTED, at, also, members)
        if ours:
            return Decision(TransactionState.COMMITTED, at)
        if standing is not None and members[0] in _members(standing):
            return _decision(group, standing)
        if may_stand:
            raise UndecidedError(
                f"the group {group} does not stand, but may have stood", may_stand=True
            )
        return None

    async def decide_with(
        self, tx_id: str, at: int, records: Sequence[StorageMutation]
    ) -> Decision:
        """Insert COMMITTED and write records, all or nothing.

        Sent again only after a reply was lost: the row that the first sending may have left, or may
        yet leave, lets no second one through.
        """
        lost: Exception | None = None
        for pause in PAUSES:
            if pause:
                await self._runtime.sleep(pause)
            try:
                await self._write(tx_id, TxState.COMMITTED, at, records)
            except WriteRefusedError as error:
                if lost is None:
                    raise
                return await self._own(tx_id, error)
            except ReplyLostError as error:
                lost = error
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
            decision = _decision(tx_id, row)
            if decision.state is TransactionState.COMMITTED:
                return decision
        # The earlier sending may arrive yet, or have been obeyed and removed before an ABORTED.
        raise UndecidedError(f"{tx_id}: {refusal}", may_stand=True) from refusal

    async def force_abort(self, tx_id: str) -> Decision:
        """Insert ABORTED unless COMMITTED stands; for a group's member on both of its keys.

        The group would commit under the parent's key, a delayed member under its own: whoever
        aborts must win on both (specification 6.5).
        """
        at = self._runtime.now_ms()
        of = marks(tx_id)
        if of.group is not None:
            self._forget_unless_it_has_members()
            _, parent, _ = await self._insert(of.group, TxState.ABORTED, at)
            # Another parent row lists other members, or blocks the group already: go on.
            if parent is not None and of.member in _members(parent):
                return _decision(of.group, parent)
        return await self._decide(tx_id, TxState.ABORTED, at)

    async def read(self, tx_id: str) -> Decision | None:
        """Look a decision up, in the group's row first."""
        of = marks(tx_id)
        if of.group is not None:
            self._forget_unless_it_has_members()
            parent = await self._row(of.group)
            if parent is not None and of.member in _members(parent):
                return _decision(of.group, parent)
        row = await self._row(tx_id)
        return None if row is None else _decision(tx_id, row)

    async def _decide(
        self, tx_id: str, state: TxState, at: int, also: Sequence[StorageMutation] = ()
    ) -> Decision:
        ours, standing, may_stand = await self._insert(tx_id, state, at, also)
        if ours:
            return Decision(_STATES[int(state)], at)
        if standing is None:
            raise UndecidedError(
                f"a decision about {tx_id} was there and is not any more", may_stand=may_stand
            )
        decision = _decision(tx_id, standing)
        if may_stand and state is TxState.COMMITTED and decision.state is TransactionState.ABORTED:
            # An earlier try of ours may have landed, been obeyed and been removed, before somebody
            # who had still met it undecided put this ABORTED in its place.
            raise UndecidedError(
                f"{tx_id} is aborted, or was committed before that", may_stand=True
            )
        return decision

    async def _insert(
        self,
        tx_id: str,
        state: TxState,
        at: int,
        also: Sequence[StorageMutation] = (),
        members: Sequence[str] = (),
    ) -> tuple[bool, Row | None, bool]:
        """Insert a row if absent: (ours stands, what stands instead, an earlier try may have)."""
        may_stand = False
        cause: Exception | None = None
        for pause in PAUSES:
            if pause:
                await self._runtime.sleep(pause)
            try:
                await self._write(tx_id, state, at, also, members)
            except WriteRefusedError:
                # A row is there: somebody else's, or our own whose reply was lost.
                try:
                    return False, await self._row(tx_id), may_stand
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
            f"could not write the decision about {tx_id}", may_stand=may_stand
        ) from cause

    async def _write(
        self,
        tx_id: str,
        state: TxState,
        at: int,
        also: Sequence[StorageMutation] = (),
        members: Sequence[str] = (),
    ) -> None:
        table = await self.table()
        values: Row = {"tx_state": int(state), "tx_created_at": at}
        if members:
            values[MEMBERS] = ",".join(members)
        await self._storage.mutate([Write(table, (tx_id,), values, if_not_exists), *also])

    def _forget_unless_it_has_members(self) -> None:
        """Look a table without lists of members up anew: a member proves that they are kept now.

        Another program may have turned group commit on, and the column with it, since we looked.
        """
        if self._table is not None and MEMBERS not in self._table.schema.columns:
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


def _members(row: Mapping[str, object]) -> list[str]:
    listed = row.get(MEMBERS)
    return listed.split(",") if isinstance(listed, str) and listed else []


def _decision(tx_id: str, row: Row) -> Decision:
    state = _STATES.get(row["tx_state"])  # type: ignore[arg-type]  # an INT column or NULL
    at = row["tx_created_at"]
    if state is None or not isinstance(at, int) or not at:
        raise SchemaError(
            f"the decision row of {tx_id} is damaged: state {row['tx_state']!r}, at {at!r}",
            advice="Restore the row from a backup; do not edit it by guess",
        )
    return Decision(state, at)
