"""What can be done with a transaction that a node runs?

Its steps are those of ``TransactionSteps``, and what they promise is the same. A node that is lost
before the commit was asked for has done nothing: that is a conflict, and whoever reruns it takes
another node. Behind it the decision is asked of another node, and made to stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.client.answers import explanation_of
from scalar_tx.cluster.client.node_calls import NoAnswerError
from scalar_tx.cluster.client.remote_cursor import RemoteCursor
from scalar_tx.cluster.client.requests import NOTHING, Requests
from scalar_tx.cluster.messages.errors import error_of
from scalar_tx.cluster.messages.isolation import state_of
from scalar_tx.cluster.messages.operations import operation_message, scan_message
from scalar_tx.cluster.messages.records import records_of
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.errors import (
    InvalidOperationError,
    ScalarTxError,
    UnknownOutcomeError,
)
from scalar_tx.model.operations import Get, Scan
from scalar_tx.model.state import TransactionState
from scalar_tx.runtime.blocking import run_blocking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.explanation import Explanation
    from scalar_tx.model.operations import Mutation, Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.table import TableSchema

_RERUN: Final = (
    "Do the same again with the same key: it is done once, whatever became of this attempt"
)


class RemoteSteps(Requests):
    """One transaction of a node, from its first operation to its end."""

    def explain(self) -> Explanation:
        """What its commit would cost as it stands; asked of the node, so the caller waits."""
        if not self._calls.wire.blocking:
            raise InvalidOperationError(
                "explain() asks the node, and does not wait on the asyncio face",
                advice="Use scalar_tx.connect for it, or the database itself",
                transaction_id=self._own_id,
                code="STX-5052",
            )
        return run_blocking(self._explain())

    async def _explain(self) -> Explanation:
        reply = await self._say(rpc.Request(explain=NOTHING))
        return explanation_of(reply.explanation, self.isolation)

    async def table(self, name: str) -> TableSchema:
        """What a table is like; asked of a node once a minute (``kept_back``)."""
        self._require_open()
        return await self._backend.table(name)

    # Reads.

    async def get(self, get: Get) -> Record | None:
        """Read one record by key or by an index value."""
        found = await self._one(get)
        return found[0] if found else None

    async def scan(self, scan: Scan) -> list[Record]:
        """Read many records, own writes among them."""
        self._require_open()
        cursor = await self._cursor(scan, whole=True)
        found: list[Record] = []
        while (page := await cursor.next_page()) is not None:
            found += page
        return found

    async def open_cursor(self, scan: Scan) -> RemoteCursor:
        """Begin a scan that is read page by page."""
        self._require_open()
        cursor = await self._cursor(scan, whole=False)
        self._cursors.add(cursor)
        return cursor

    async def _cursor(self, scan: Scan, *, whole: bool) -> RemoteCursor:
        self._numbers += 1
        number = self._numbers
        opening = rpc.OpenScanner(number=number, scan=scan_message(scan), whole=whole)
        reply = await self._say(rpc.Request(open_scanner=opening))
        return RemoteCursor(self, number, scan, reply.page)

    async def page(self, number: int) -> rpc.Page:
        """The next page of a scanner."""
        return (await self._say(rpc.Request(next_page=number))).page

    def leave(self, cursor: RemoteCursor, *, tell: bool) -> None:
        """A scanner is read no further; ``tell``: the node has to hear of it."""
        self._cursors.discard(cursor)
        if tell and not self.finished:
            self._closing.append(cursor.number)

    # Writes.

    async def mutate(self, mutation: Mutation) -> None:
        """Record one write."""
        await self._one(mutation)

    async def _one(self, operation: Operation) -> list[Record]:
        self._require_open()
        message = operation_message(operation)
        writes = message.HasField("write")
        if writes and not self.read_only:
            self._require_sound()
            await self._backend.learn(operation.table)
            if self._kept_back.keep(operation, message):
                return []
        reply = await self._say(rpc.Request(one=message), writes=writes)
        records = records_of(reply.one.records)
        if writes:
            self._kept_back.told(operation)
        else:
            self._kept_back.note(operation, records)
        return records

    async def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """Run operations in order; none of their writes is recorded where one of them fails."""
        self._require_open()
        if len(operations) == 1:
            return [await self._alone(operations[0])]
        messages = [operation_message(one) for one in operations]
        reply = await self._say(
            rpc.Request(batch=rpc.Batch(operations=messages)),
            writes=any(one.HasField("write") for one in messages),
        )
        for one in operations:
            self._kept_back.told(one)
        return [
            result_of(one, result)
            for one, result in zip(operations, reply.batched.results, strict=True)
        ]

    async def _alone(self, operation: Operation) -> Record | list[Record] | None:
        if isinstance(operation, Get):
            return await self.get(operation)
        if isinstance(operation, Scan):
            return await self.scan(operation)
        await self._one(operation)
        return None

    def written(self) -> int:
        """A mark of the writes until now, for ``take_back``."""
        self._kept_back.stop()
        self._marks += 1
        self._next["mark"] = self._marks
        return self._marks

    def take_back(self, written: int) -> None:
        """Forget the writes since then."""
        if self.finished:
            return
        if self._next.get("mark") == written:
            return  # nothing was sent since
        self._next = {"take_back": written}

    # The end.

    async def commit(self) -> None:
        """Make the writes durable and visible, all of them, or raise why not."""
        self._require_open()
        await self._commit(rpc.Request(end=rpc.Request.COMMIT, rerun_is_safe=self.rerun_is_safe))

    async def _commit(self, request: rpc.Request) -> None:
        nothing = not self._begun and not self._next and not self._kept_back.messages
        if nothing and self.two_phase == rpc.Begin.ALONE:
            self._end(TransactionState.COMMITTED)  # it has neither read nor written
            return
        self._require_sound()
        self._complete(request)
        outcome = TransactionState.UNKNOWN
        try:
            reply = await self._calls.runtime.wait(
                self._calls.wire.begin(self._stream.say(request))
            )
            if reply.HasField("error") and reply.outcome == rpc.STATE_UNSPECIFIED:
                # What was kept back was refused, so that the commit did not begin.
                await self._give_up()
                self._expect_known(reply)
                outcome = TransactionState.ABORTED
                self._raise(reply)
            outcome = state_of(reply.outcome) or TransactionState.UNKNOWN
            if outcome is not TransactionState.COMMITTED or reply.HasField("error"):
                self._raise(reply)
        except NoAnswerError as lost:
            outcome = await self._settled()
            if outcome is not TransactionState.COMMITTED:
                raise self._nothing_done(lost) from lost
        except ScalarTxError as error:
            if outcome is TransactionState.UNKNOWN and not isinstance(error, UnknownOutcomeError):
                outcome = TransactionState.ABORTED  # the stream was ended before the commit began
            if isinstance(error, UnknownOutcomeError) and self.rerun_is_safe:
                error.retryable, error.advice = True, _RERUN
            raise
        finally:
            self._end(outcome)

    def _expect_known(self, reply: rpc.Reply) -> None:
        error = error_of(reply.error)
        if error is None or type(error) is ScalarTxError:  # it may as well have met the commit
            raise NoAnswerError("a failure of the node", error)

    def _raise(self, reply: rpc.Reply) -> None:
        error = error_of(reply.error) if reply.HasField("error") else None
        error = error or UnknownOutcomeError("the node did not say what became of the commit")
        error.transaction_id = error.transaction_id or self._own_id
        raise error

    async def _settled(self) -> TransactionState:
        """The commit was sent, and no node told of it: the decision, made to stand by any."""
        if not self._has_written:
            return TransactionState.ABORTED
        try:
            return await self._backend.settle(self.id)
        except ScalarTxError as error:  # also where nobody lets this client in any more
            unknown = UnknownOutcomeError(
                "the node was lost while it committed, and no other one tells what became of it",
                transaction_id=self.id,
            )
            if self.rerun_is_safe:
                unknown.retryable, unknown.advice = True, _RERUN
            raise unknown from error

    async def rollback(self) -> None:
        """Forget everything; nothing has been written yet."""
        if self.finished:
            if self.outcome is TransactionState.COMMITTED:
                raise InvalidOperationError(
                    "can't roll back: this transaction is committed",
                    advice="Undo it by another transaction",
                    transaction_id=self._own_id,
                    code="STX-3038",
                )
            return
        begun, in_doubt = self._begun, self._in_doubt
        self._end(TransactionState.ABORTED)
        if not begun:
            return
        if in_doubt:
            await self._calls.runtime.wait(self._calls.wire.begin(self._stream.break_off()))
            return
        await self._give_up()

    async def _give_up(self) -> None:
        request = rpc.Request(end=rpc.Request.ROLLBACK)
        try:
            await self._calls.runtime.wait(self._calls.wire.begin(self._stream.say(request)))
        except (NoAnswerError, ScalarTxError):
            return  # it is rolled back by the loss itself

    async def confirm_reads(self) -> None:
        """ConflictError if what was read so far does not hold any more."""
        if self.finished or not self._begun or self._in_doubt:
            return
        await self._say(rpc.Request(confirm_reads=NOTHING), all_of_it=False)

    # Calls with a key.

    async def say(self, request: rpc.Request, *, writes: bool = False) -> rpc.Reply:
        """Another step of the protocol."""
        self._require_open()
        return await self._say(request, writes=writes)


def result_of(operation: object, result: Any) -> Record | list[Record] | None:
    """What came of one operation of several."""
    if isinstance(operation, Scan):
        return records_of(result.records)
    if isinstance(operation, Get):
        found = records_of(result.records)
        return found[0] if found else None
    return None
