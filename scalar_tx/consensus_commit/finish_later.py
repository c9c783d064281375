"""Who finishes the records of transactions that have returned already?

With asynchronous commits a transaction returns once its decision stands. To finish its records is
handed over here and done in the background; those of several transactions are one write where a
storage takes them (Consensus Commit specification 4.5, 13.11). Their decisions are known here, so
whoever in this process meets such a record asks nobody; before it writes over one, it waits for the
finish or does it. A process that dies loses the queue and nothing else: the decisions stand.

Threads use this at once. It leans on single steps of dictionaries and deques, which nothing comes
between.
"""

from __future__ import annotations

import logging
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.atomic_groups import atomic_groups
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import StorageUnavailableError, WriteRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
    from typing import Any

    from scalar_tx.consensus_commit.decisions import Decision
    from scalar_tx.consensus_commit.snapshot import RecordId
    from scalar_tx.runtime.interface import Later, Runtime
    from scalar_tx.storage.interface import Storage, StorageMutation

MOST: Final = 1000  # records that may wait; beyond, a commit finishes its own before it returns
TOGETHER: Final = 100  # records finished at a time
_A_MOMENT: Final = 0.001  # seconds: another thread is between two lines

_log = logging.getLogger("scalar_tx.commit")


class Unfinished:
    """The records of one transaction that are still to be finished; a ``Later``.

    ``decision`` is what stands about it.
    """

    def __init__(
        self,
        runtime: Runtime,
        tx_id: str,
        decision: Decision,
        records: Collection[RecordId],
        *,
        mutations: Sequence[StorageMutation] = (),
        undo: Callable[[], Coroutine[Any, Any, None]] | None = None,
    ) -> None:
        self._runtime = runtime
        self.tx_id = tx_id
        self.decision = decision
        self.records = records
        self.mutations = mutations
        self.undo = undo
        self.is_undo = undo is not None
        self.later: Later | None = None  # what does it, unless another one takes it along
        self._taker: dict[None, Unfinished] = {}
        self.ended = False
        self.error: Exception | None = None

    @property
    def is_finished(self) -> bool:
        """Is none of its records left as it was?"""
        return self.ended and self.error is None and not self.is_undo

    def taken_by(self, taker: Unfinished) -> bool:
        """Take it for whoever asks first; False: somebody else has it."""
        return self._taker.setdefault(None, taker) is taker

    async def done(self) -> None:
        """Wait until the records are finished, or do it; raises what came in between."""
        while not self.ended:
            doing = self._taker.get(None, self).later
            if doing is None:
                await self._runtime.sleep(_A_MOMENT)
            else:
                await doing.done()
        if self.error is not None:
            raise self.error


class FinishLater:
    """The queue of one manager."""

    def __init__(self, storage: Storage, runtime: Runtime, *, most: int = MOST) -> None:
        self._storage = storage
        self._runtime = runtime
        self._most = most
        self._of_record: dict[RecordId, Unfinished] = {}
        self._waiting: deque[Unfinished] = deque()
        # The last that have ended: a row that was read before may be looked at only now.
        self._ended_lately: dict[str, Unfinished] = {}
        self._in_order: deque[str] = deque()

    def finish(self, tx_id: str, decision: Decision, mutations: Sequence[StorageMutation]) -> bool:
        """Take over the finish of a committed transaction's records; False: there is no room."""
        records = [_record_of(mutation) for mutation in mutations]
        return self._take(Unfinished(self._runtime, tx_id, decision, records, mutations=mutations))

    def undo(
        self,
        tx_id: str,
        decision: Decision,
        records: Collection[RecordId],
        steps: Callable[[], Coroutine[Any, Any, None]],
    ) -> bool:
        """Take over the roll-back of an aborted transaction's records; False: there is no room."""
        return self._take(Unfinished(self._runtime, tx_id, decision, records, undo=steps))

    def _take(self, one: Unfinished) -> bool:
        if len(self._of_record) + len(one.records) > self._most:
            return False
        for record_id in one.records:
            self._of_record[record_id] = one
        if one.undo is None:
            self._waiting.append(one)
        one.later = self._runtime.run_later(lambda: self._finish(one))
        return True

    def of(self, record_id: RecordId, writer: str) -> Unfinished | None:
        """What is known of a record that this writer left unfinished, or had until just now."""
        found = self._of_record.get(record_id)
        if found is not None and found.tx_id == writer:
            return found
        return self._ended_lately.get(writer)

    async def wait_for(self, records: Iterable[RecordId]) -> None:
        """Wait until none of these records is unfinished, or was given up."""
        if self._of_record:
            await self._wait(self._of_record.get(record_id) for record_id in records)

    async def wait_for_tables(self, names: Collection[str]) -> None:
        """Wait until no record of these tables is unfinished, or was given up."""
        if self._of_record:
            known = self._of_record.copy()
            await self._wait(one for (name, _), one in known.items() if name in names)

    async def flush(self) -> None:
        """Wait until nothing that was handed over is unfinished, or was given up."""
        await self._wait(self._of_record.copy().values())

    async def _wait(self, several: Iterable[Unfinished | None]) -> None:
        for one in dict.fromkeys(several):
            if one is not None:
                with suppress(Exception):  # whoever reads the record meets it again
                    await one.done()

    async def _finish(self, one: Unfinished) -> None:
        if not one.taken_by(one):
            return
        taken = [one]
        try:
            if one.undo is not None:
                await one.undo()
            else:
                taken += self._more(one)
                await self._write(taken)
        except BaseException as killed:
            for each in taken:
                each.error = StorageUnavailableError(f"a record was not finished: {killed!r}")
            raise
        finally:
            for each in taken:
                self._end(each)

    def _more(self, first: Unfinished) -> list[Unfinished]:
        """Others that wait, to go along; no record twice."""
        more: list[Unfinished] = []
        records = set(first.records)
        while len(records) < TOGETHER:
            try:
                other = self._waiting.popleft()
            except IndexError:
                break
            if other is first:
                continue
            if not records.isdisjoint(other.records):
                self._waiting.appendleft(other)
                break
            if other.taken_by(first):
                more.append(other)
                records.update(other.records)
        return more

    async def _write(self, taken: Sequence[Unfinished]) -> None:
        whose = {record_id: one for one in taken for record_id in one.records}
        mutations = [mutation for one in taken for mutation in one.mutations]
        groups = atomic_groups(self._storage, mutations)
        steps: list[Callable[[], Coroutine[Any, Any, None]]] = [
            lambda group=group: self._write_group(group, whose)  # type: ignore[misc]  # bound now
            for group in groups
        ]
        outcomes = await self._runtime.run_all(steps)
        for group, outcome in zip(groups, outcomes, strict=True):
            if outcome.error is not None:
                _give_up(group, whose, outcome.error)

    async def _write_group(
        self, group: Sequence[StorageMutation], whose: dict[RecordId, Unfinished]
    ) -> None:
        try:
            await self._storage.mutate(group)
        except WriteRefusedError:
            # Somebody has settled one of them already; each of the others is tried by itself.
            for mutation in group if len(group) > 1 else ():
                await self._write_one(mutation, whose)

    async def _write_one(
        self, mutation: StorageMutation, whose: dict[RecordId, Unfinished]
    ) -> None:
        try:
            await self._storage.mutate([mutation])
        except WriteRefusedError:
            _log.debug("a record of %s was settled by somebody else", mutation.table.name)
        except Exception as error:  # noqa: BLE001  # the decision stands, whatever it is
            _give_up([mutation], whose, error)

    def _end(self, one: Unfinished) -> None:
        one.mutations, one.undo = (), None
        other = self._ended_lately.get(one.tx_id)  # another part of the same transaction
        if other is None or other.is_finished:
            self._ended_lately[one.tx_id] = one
        self._in_order.append(one.tx_id)
        if len(self._in_order) > self._most:
            self._ended_lately.pop(self._in_order.popleft(), None)
        for record_id in one.records:
            if self._of_record.get(record_id) is one:
                self._of_record.pop(record_id, None)
        one.ended = True


def _record_of(mutation: StorageMutation) -> RecordId:
    return mutation.table.name, mutation.key


def _give_up(
    group: Sequence[StorageMutation], whose: dict[RecordId, Unfinished], error: Exception
) -> None:
    """Leave records to lazy recovery, and let those know who wait for them."""
    _log.info("left %d records to lazy recovery: %s", len(group), kind_of(error))
    for mutation in group:
        whose[_record_of(mutation)].error = error
