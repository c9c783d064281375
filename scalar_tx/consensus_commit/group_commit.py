"""How do transactions that commit at once share one decision row?

Each takes a place in a group before it prepares, since its id begins with the group's. Once a
member is ready to be decided about, its group takes in nobody else; and once all are ready that
are on their way, one of them writes the group's row, unless some other group is being written:
then it waits for that. So one alone waits for nobody, and many wait at most for each other's
prepare. Who has a place and is not on the way, or comes too late, decides for itself, under its own
id (Consensus Commit specification 6; timers decide there when a group is written).

A group's row that was refused decides about nobody: its members then decide each for itself. One
whose fate is unknown is looked for by each member, who aborts itself if it is not there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit import transaction_id
from scalar_tx.consensus_commit.decisions import UndecidedError
from scalar_tx.consensus_commit.transaction_id import marks

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Sequence
    from typing import Any

    from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
    from scalar_tx.consensus_commit.decisions import Decision
    from scalar_tx.consensus_commit.snapshot import PendingWrite
    from scalar_tx.runtime.interface import Runtime, Signal
    from scalar_tx.storage.interface import StorageMutation


@dataclass(slots=True)
class _Ready:
    """What is to be written about a member, and what became of it."""

    name: str
    group: _Group
    at: int
    also: Sequence[StorageMutation]
    written: Collection[PendingWrite] | None
    turn: Signal  # that its group is written, or that it is to write
    told: bool = False  # was the signal given?
    ended: bool = False  # was the write of its group, one way or another?
    decision: Decision | None = None  # None: the group was refused
    obstacle: Exception | None = None


@dataclass(slots=True)
class _Group:
    name: str
    places: int = 0  # that were taken
    idle: set[str] = field(default_factory=set)  # with a place, and not on the way
    coming: set[str] = field(default_factory=set)  # that prepare and validate
    ready: dict[str, _Ready] = field(default_factory=dict)
    waited: bool = False  # long enough for those that are coming

    @property
    def is_due(self) -> bool:
        return bool(self.ready) and (self.waited or not self.coming)

    @property
    def is_empty(self) -> bool:
        return not (self.idle or self.coming or self.ready)


class GroupCommit:
    """The groups of one process.

    ``capacity``: how many a group holds. ``patience``: how long, in seconds, who is ready waits for
    those of its group that are on their way.
    """

    def __init__(
        self,
        decisions: CoordinatorTable,
        runtime: Runtime,
        *,
        capacity: int,
        patience: float = 1.2,
    ) -> None:
        self._decisions = decisions
        self._runtime = runtime
        self._capacity = capacity
        self._patience = patience
        self._lock = runtime.lock()
        self._groups: dict[str, _Group] = {}  # that are not written yet
        self._open: _Group | None = None
        self._writer: _Ready | None = None
        self.written = 0  # groups, so far
        self.members = 0  # of those

    async def ready(self) -> None:
        """InvalidOperationError if the coordinator table can't list the members of a group."""
        await self._decisions.ready_for_groups()

    def reserve(self, *, comes: bool = False) -> str:
        """The id of a transaction that takes a place in a group; ``comes``: see ``come``."""
        member = transaction_id.make(self._runtime)
        with self._lock:
            group = self._open
            if group is None or group.places >= self._capacity:
                if group is not None and group.is_empty:
                    del self._groups[group.name]
                group = self._open = _Group(transaction_id.make_group(self._runtime))
                self._groups[group.name] = group
            group.places += 1
            (group.coming if comes else group.idle).add(member)
        return transaction_id.of_member(group.name, member)

    def come(self, tx_id: str) -> None:
        """The transaction is on its way to be decided about; the others of its group wait."""
        of = marks(tx_id)
        with self._lock:
            group = self._groups.get(of.group or "")
            if group is not None and of.member in group.idle:
                group.idle.discard(of.member)
                group.coming.add(of.member)

    def leave(self, tx_id: str) -> None:
        """The transaction will not ask to be decided about in its group."""
        of = marks(tx_id)
        name = of.member or ""
        with self._lock:
            group = self._groups.get(of.group or "")
            if group is None:
                return
            group.idle.discard(name)
            group.coming.discard(name)
            group.ready.pop(name, None)
            if group.is_empty and group is not self._open:
                del self._groups[group.name]
            following = self._next_writer() if self._writer is None else None
        _tell(following)

    async def decide(
        self,
        tx_id: str,
        at: int,
        also: Sequence[StorageMutation] = (),
        written: Collection[PendingWrite] | None = None,
    ) -> Decision:
        """Decide COMMITTED unless a decision stands; return the one that stands.

        In the row of its group if that is not written yet. UndecidedError as a ``DecisionMaker``.
        """
        member = self._join(tx_id, at, also, written) if self._has_room(also) else None
        if member is None:
            self.leave(tx_id)
            return await self._decisions.decide_alone(tx_id, at, also, written)
        try:
            await self._wait_for(member)
        except BaseException:
            self._abandon(tx_id, member)
            raise
        if member.obstacle is not None:
            may_stand = getattr(member.obstacle, "may_stand", True)
            raise UndecidedError(str(member.obstacle), may_stand=may_stand) from member.obstacle
        if member.decision is not None:
            return member.decision
        at = self._runtime.now_ms()
        return await self._decisions.decide_alone(tx_id, at, also, written)

    async def abort(self, tx_id: str, written: Collection[PendingWrite] | None = None) -> Decision:
        """Decide ABORTED for one that has not asked to be decided about, nor ever will.

        Its group can't list it any more, so its own row does, and dooms none of the others
        (specification 6.3).
        """
        self.leave(tx_id)
        return await self._decisions.abort_alone(tx_id, written)

    def _has_room(self, also: Sequence[StorageMutation]) -> bool:
        """Can what is written along with a decision be written with that of a whole group?"""
        if not also:
            return True
        home = self._decisions.home()
        return home is not None and len(also) == 1 and 2 * self._capacity < home.max_mutations

    def _join(
        self,
        tx_id: str,
        at: int,
        also: Sequence[StorageMutation],
        written: Collection[PendingWrite] | None,
    ) -> _Ready | None:
        """Become ready; None: the group is written already. The group takes in nobody else."""
        of = marks(tx_id)
        name = of.member or ""
        with self._lock:
            group = self._groups.get(of.group or "")
            if group is None or not {name} & (group.idle | group.coming):
                return None
            if group is self._open:
                self._open = None
            group.idle.clear()
            group.coming.discard(name)
            member = _Ready(name, group, at, also, written, self._runtime.signal())
            group.ready[name] = member
            if self._writer is None and group.is_due:
                self._writer = member
            return member

    async def _wait_for(self, member: _Ready) -> None:
        """Wait until the member's group is written, or write it."""
        while not member.ended:
            if self._writer is member:
                await self._write(member)
            elif not await member.turn.wait(None if member.group.waited else self._patience):
                with self._lock:
                    member.group.waited = True
                    if self._writer is None and not member.ended:
                        self._writer = member

    async def _write(self, writer: _Ready) -> None:
        """Write all groups that are due; then let the next one write, if another is due."""
        with self._lock:
            groups = [group for group in self._groups.values() if group.is_due]
            for group in groups:
                del self._groups[group.name]
        try:
            steps = [self._step(group) for group in groups]
            outcomes = await self._runtime.run_all(steps)
            for group, outcome in zip(groups, outcomes, strict=True):
                for member in group.ready.values():
                    member.decision, member.obstacle = outcome.value, outcome.error
                    member.ended = True
        finally:
            for group in groups:
                for member in group.ready.values():
                    _end(member, waits=member is not writer)
            self._let_the_next_write(writer)

    def _step(self, group: _Group) -> Callable[[], Coroutine[Any, Any, Decision | None]]:
        ready = list(group.ready.values())
        at = max(member.at for member in ready)
        also = [mutation for member in ready for mutation in member.also]
        self.written += 1
        self.members += len(ready)
        written = {member.name: member.written for member in ready}
        return lambda: self._decisions.decide_together(group.name, written, at, also)

    def _let_the_next_write(self, writer: _Ready) -> None:
        with self._lock:
            if self._writer is not writer:
                return
            self._writer = None
            following = self._next_writer()
        _tell(following)

    def _next_writer(self) -> _Ready | None:
        """Make a member of a group that is due the one to write; the caller tells it so."""
        due = (group for group in self._groups.values() if group.is_due)
        group = next(due, None)
        if group is None:
            return None
        self._writer = next(iter(group.ready.values()))
        return self._writer

    def _abandon(self, tx_id: str, member: _Ready) -> None:
        """The member was killed before its group was written; nobody must wait for it."""
        self.leave(tx_id)
        self._let_the_next_write(member)


def _tell(member: _Ready | None) -> None:
    if member is not None and not member.told:
        member.told = True
        member.turn.give()


def _end(member: _Ready, *, waits: bool) -> None:
    if not member.ended:
        member.ended = True
        member.obstacle = UndecidedError("the group's write was broken off", may_stand=True)
    if waits:
        _tell(member)
