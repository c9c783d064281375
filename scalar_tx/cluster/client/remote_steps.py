"""What can be done with a transaction that a node runs?

Its steps are those of ``TransactionSteps``, and what they promise is the same. A node that is lost
before the commit was asked for has done nothing: that is a conflict, and whoever reruns it takes
another node. Behind it the decision is asked of another node, and made to stand.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.client.answers import explanation_of
from scalar_tx.cluster.client.kept_back import KeptBack
from scalar_tx.cluster.client.node_calls import NoAnswerError
from scalar_tx.cluster.client.remote_cursor import RemoteCursor
from scalar_tx.cluster.client.stream import Stream
from scalar_tx.cluster.messages.errors import error_of
from scalar_tx.cluster.messages.isolation import isolation_message, state_of
from scalar_tx.cluster.messages.operations import operation_message, scan_message
from scalar_tx.cluster.messages.records import records_of
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ScalarTxError,
    StorageUnavailableError,
    UnknownOutcomeError,
)
from scalar_tx.model.arguments import check_flags, check_timeout
from scalar_tx.model.operations import Get, Scan
from scalar_tx.model.state import TransactionState
from scalar_tx.runtime.blocking import run_blocking

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.cluster.client.backend import RemoteBackend
    from scalar_tx.model.explanation import Explanation
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.operations import Mutation, Operation
    from scalar_tx.model.record import Record

LARGEST_REQUEST: Final = 4 * 1024 * 1024 - 1024  # bytes; a node takes no larger message
_RERUN: Final = (
    "Do the same again with the same key: it is done once, whatever became of this attempt"
)
NOTHING: Final = rpc.Nothing()


class RemoteSteps:
    """One transaction of a node, from its first operation to its end."""

    two_phase = rpc.Begin.ALONE

    def __init__(
        self,
        backend: RemoteBackend,
        isolation: Isolation | None,
        *,
        read_only: bool,
        caller_id: str | None,
        timeout: float | None,
    ) -> None:
        check_flags(read_only=read_only)
        check_timeout(timeout)
        self._backend = backend
        self._calls = backend.calls
        self._isolation = isolation
        self.isolation = isolation or backend.isolation
        self.read_only = read_only
        self.outcome: TransactionState | None = None
        self.finished = False
        self.rerun_is_safe = False
        self._fresh_id = caller_id is None
        self._own_id = caller_id
        self._timeout = timeout
        self._stream = Stream(backend.calls)
        self._begun = False
        self._has_written = False
        self._in_doubt = False  # a request was broken off, and its reply may still come
        self._marks = 0
        self._next: dict[str, Any] = {}  # what goes with the next request
        self._closing: list[int] = []
        self._cursors: set[RemoteCursor] = set()
        self._numbers = 0
        self._kept_back = KeptBack(backend.schemas)

    @property
    def id(self) -> str:
        """The id; made when somebody asks for it, at the latest by the first request."""
        if self._own_id is None:
            self._own_id = self._calls.runtime.new_id()
        return self._own_id

    @property
    def id_if_known(self) -> str | None:
        """The id if one was handed out already."""
        return self._own_id

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

    # Requests.

    async def _say(
        self, request: rpc.Request, *, writes: bool = False, all_of_it: bool = True
    ) -> rpc.Reply:
        """The reply to a step; raises what the node says went wrong.

        ``all_of_it``: what was kept back goes with it.
        """
        self._require_sound()
        if request.ByteSize() > LARGEST_REQUEST:
            raise InvalidOperationError(
                f"one request takes {request.ByteSize()} bytes, and a node takes {LARGEST_REQUEST}",
                advice="Write less at once, in several operations or transactions",
                transaction_id=self._own_id,
                code="STX-5054",
            )
        self._complete(request, all_of_it=all_of_it)
        self._has_written = self._has_written or writes
        try:
            self._in_doubt = True
            reply: rpc.Reply = await self._calls.runtime.wait(
                self._calls.wire.begin(self._stream.say(request))
            )
            self._in_doubt = False
        except NoAnswerError as lost:
            self._end(TransactionState.ABORTED)
            raise self._node_lost(str(lost)) from lost
        except ScalarTxError as error:
            # The node has ended the stream, and rolled the transaction back.
            self._in_doubt = False
            self._end(TransactionState.ABORTED)
            error.transaction_id = error.transaction_id or self._own_id
            raise
        return self._checked(reply)

    def _complete(self, request: rpc.Request, *, all_of_it: bool = True) -> None:
        if all_of_it and self._kept_back.messages:
            request.before.extend(self._kept_back.taken())
            self._has_written = True
        if not self._begun:
            self._begun = True
            request.begin.CopyFrom(self._begin())
        for name, value in self._next.items():
            setattr(request, name, value)
        self._next = {}
        if self._closing:
            request.close_scanners.extend(self._closing)
            self._closing = []

    def _begin(self) -> rpc.Begin:
        return rpc.Begin(
            transaction_id=self.id,
            fresh_id=self._fresh_id,
            isolation=isolation_message(self._isolation),
            read_only=self.read_only,
            timeout=self._timeout,
            two_phase=self.two_phase,
        )

    def _checked(self, reply: rpc.Reply) -> rpc.Reply:
        outcome = state_of(reply.outcome)
        if outcome is not None:
            self._end(outcome)
        if reply.HasField("error"):
            error = error_of(reply.error) or ScalarTxError(reply.error.message)
            if error.transaction_id is None:
                error.transaction_id = self._own_id
            raise error
        return reply

    def _node_lost(self, why: str) -> ConflictError:
        return ConflictError(
            f"the node that ran this transaction was lost ({why}); nothing of it took effect",
            transaction_id=self._own_id,
            code="STX-5065",
        )

    def _end(self, outcome: TransactionState) -> None:
        self.outcome = outcome
        self.finished = True
        for cursor in self._cursors:
            cursor.closed = True
        self._cursors.clear()

    def _require_open(self) -> None:
        if self.finished:
            state = "ended" if self.outcome is None else self.outcome.value
            raise InvalidOperationError(
                f"this transaction has ended: it is {state}",
                advice="Begin another one",
                transaction_id=self._own_id,
                code="STX-3038",
            )

    def _require_sound(self) -> None:
        if self._in_doubt:
            raise InvalidOperationError(
                "a call of this transaction was broken off before its node had answered",
                advice="Roll it back and begin again",
                transaction_id=self._own_id,
                code="STX-5066",
            )

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
                outcome = TransactionState.ABORTED
                self._raise(reply)
            outcome = state_of(reply.outcome) or TransactionState.UNKNOWN
            if outcome is not TransactionState.COMMITTED or reply.HasField("error"):
                self._raise(reply)
        except NoAnswerError as lost:
            outcome = await self._settled()
            if outcome is not TransactionState.COMMITTED:
                raise self._node_lost(str(lost)) from lost
        except ScalarTxError as error:
            if outcome is TransactionState.UNKNOWN and not isinstance(error, UnknownOutcomeError):
                outcome = TransactionState.ABORTED  # the stream was ended before the commit began
            if isinstance(error, UnknownOutcomeError) and self.rerun_is_safe:
                error.retryable, error.advice = True, _RERUN
            raise
        finally:
            self._end(outcome)

    def _raise(self, reply: rpc.Reply) -> None:
        error = error_of(reply.error) if reply.HasField("error") else None
        error = error or UnknownOutcomeError("the node did not say what became of the commit")
        error.transaction_id = error.transaction_id or self._own_id
        raise error

    async def _settled(self) -> TransactionState:
        """The commit was sent, and no answer came: the decision, made to stand by another node."""
        if not self._has_written:
            return TransactionState.ABORTED
        try:
            return await self._backend.settle(self.id)
        except (StorageUnavailableError, UnknownOutcomeError) as error:
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
