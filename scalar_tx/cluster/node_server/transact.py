"""How does one transaction run on one stream?

Each request is answered by one reply. What ends the stream otherwise rolls the transaction back: a
client that breaks off, half-closes, rests too long. A commit that was begun runs to its end, and
nobody hears of it: its client asks ``Settle``.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, ClassVar, Final

import grpc

from scalar_tx.cluster.auth.permissions import check_operation, check_table, needed
from scalar_tx.cluster.intake import Large, taken
from scalar_tx.cluster.messages.errors import status_message
from scalar_tx.cluster.messages.isolation import isolation_of, state_message
from scalar_tx.cluster.messages.operations import operation_of, scan_of
from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.cluster.node_server.calls import known_error, serialized
from scalar_tx.cluster.node_server.expiring import Expiring
from scalar_tx.cluster.node_server.replies import (
    explanation_message,
    known_message,
    put_result,
)
from scalar_tx.cluster.node_server.scanners import Scanners
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.consensus_commit.transaction_id import check_callers_id
from scalar_tx.errors import InvalidOperationError
from scalar_tx.keyed_calls import Call

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping, Sequence

    from scalar_tx.cluster.auth.privileges import Privilege
    from scalar_tx.cluster.node_server.access import Caller
    from scalar_tx.cluster.node_server.worker_parts import WorkerParts
    from scalar_tx.cluster.sessions import Session
    from scalar_tx.model.operations import Operation
    from scalar_tx.outcome_table import Known

    Context = grpc.aio.ServicerContext[Any, Any]

_PIECE: Final = 200  # operations of a batch that are looked at in one


class Stream:
    """One transaction of one client."""

    def __init__(self, worker: WorkerParts, caller: Caller, begin: rpc.Begin) -> None:
        self._worker = worker
        self.caller = caller
        self._run = worker.database.run
        self.two_phase = begin.two_phase != rpc.Begin.ALONE
        self.steps = begun(worker, begin)
        self.given_up = False  # by its client
        self.large = False  # the reply
        self.error: Exception | None = None  # what its client was told last
        self._scanners = Scanners(self.steps, worker, caller.counted_as)
        self._marks: dict[int, Any] = {}
        self._known: dict[tuple[str, str], Known] = {}
        self._used: set[tuple[Privilege, str]] = set()  # what the caller was allowed so far

    def go_on_with(self, caller: Caller) -> None:
        """Go on with the caller as they are by now.

        NotPermittedError: they may not do any more what this transaction has done.
        """
        if caller.principal is not self.caller.principal:
            for privilege, table in self._used:
                check_table(caller.principal, privilege, table, peer=caller.peer)
        self.caller = caller

    async def answer(self, request: rpc.Request) -> rpc.Reply:
        """What is to be said to a request; afterwards the transaction may have ended."""
        reply = rpc.Reply()
        try:
            await self._before(request)
            step = request.WhichOneof("step")
            if step is not None:
                reply = await self._SERVE[step](self, request)
            await self._end(request)
        except Exception as error:  # noqa: BLE001  # it is told to the client
            self.error = error
            reply.error.CopyFrom(status_message(known_error(error)))
        if self.steps.outcome is not None:
            reply.outcome = state_message(self.steps.outcome)
        return reply

    async def _before(self, request: rpc.Request) -> None:
        for number in request.close_scanners:
            await self._scanners.close(number)
        if request.before:
            await self._batch_of(request.before)
        if request.HasField("take_back"):
            mark = request.take_back
            if mark not in self._marks:
                raise MalformedError(f"no writes were remembered under {mark}")
            self.steps.take_back(self._marks[mark])
        if request.HasField("mark"):
            if len(self._marks) >= self._worker.limits.marks:
                raise MalformedError(f"more than {self._worker.limits.marks} marks")
            self._marks[request.mark] = self.steps.written()

    async def _end(self, request: rpc.Request) -> None:
        if request.end == rpc.Request.COMMIT:
            self.steps.rerun_is_safe = request.rerun_is_safe
            if self.two_phase:
                parts = request.parts if request.HasField("parts") else None
                steps = self.steps.commit(parts)
            else:
                steps = self.steps.commit()
            await self._run(steps, whole=True)
        elif request.end == rpc.Request.ROLLBACK:
            self.given_up = True
            await self.roll_back()
        elif request.end != rpc.Request.GO_ON:
            raise MalformedError(f"{request.end} is no end")

    async def roll_back(self) -> None:
        """Give the transaction up, if it has not ended."""
        await self._run(self.steps.rollback(), whole=True)

    def let_go(self) -> None:
        """It has ended: what its scanners held is not counted any more."""
        self._scanners.let_go()

    # Steps.

    def _checked(self, message: Any) -> Operation:
        operation = operation_of(message)
        self._check(operation)
        return operation

    def _check(self, operation: Operation) -> None:
        check_operation(self.caller.principal, operation, peer=self.caller.peer)
        self._used.update((privilege, operation.table) for privilege in needed(operation))

    async def _one(self, request: rpc.Request) -> rpc.Reply:
        found = await self._run(self.steps.batch([self._checked(request.one)]))
        reply = rpc.Reply()
        reply.one.SetInParent()
        put_result(reply.one, found[0])
        return reply

    async def _batch(self, request: rpc.Request) -> rpc.Reply:
        found = await self._batch_of(request.batch.operations)
        reply = rpc.Reply()
        reply.batched.SetInParent()
        for one in found:
            put_result(reply.batched.results.add(), one)
        return reply

    async def _batch_of(self, messages: Sequence[Any]) -> list[Any]:
        if not 0 < len(messages) <= self._worker.limits.elements:
            raise MalformedError(f"a batch has 1 to {self._worker.limits.elements} operations")
        if len(messages) > _PIECE:
            operations = await self._worker.turns.in_pieces(self._checking(messages))
        else:
            operations = [self._checked(one) for one in messages]
        found: list[Any] = await self._run(self.steps.batch(operations))
        return found

    def _checking(self, messages: Sequence[Any]) -> Generator[None, None, list[Operation]]:
        operations = []
        for number, one in enumerate(messages, 1):
            operations.append(self._checked(one))
            if number % _PIECE == 0:
                yield
        return operations

    async def _open_scanner(self, request: rpc.Request) -> rpc.Reply:
        scan = scan_of(request.open_scanner.scan)
        self._check(scan)
        number, whole = request.open_scanner.number, request.open_scanner.whole
        reply = rpc.Reply()
        self.large = await self._scanners.open(reply.page, number, scan, whole=whole)
        return reply

    async def _next_page(self, request: rpc.Request) -> rpc.Reply:
        reply = rpc.Reply()
        self.large = await self._scanners.next_page(reply.page, request.next_page)
        return reply

    async def _confirm_reads(self, request: rpc.Request) -> rpc.Reply:
        await self._run(self.steps.confirm_reads())
        return rpc.Reply()

    async def _explain(self, request: rpc.Request) -> rpc.Reply:
        return rpc.Reply(explanation=explanation_message(self.steps.explain()))

    # Calls with a key.

    def _call(self, message: rpc.Look) -> Call:
        # Each user's calls are their own, whatever scope they count under: no name has a colon.
        scope = f"{self.caller.name}:{message.scope}" if self.caller.name else message.scope
        if not message.key or not message.scope:
            raise MalformedError("a call has a scope and a key")
        return Call(scope, message.key, message.digest, message.what)

    async def _look(self, request: rpc.Request) -> rpc.Reply:
        call = self._call(request.look)
        known = await self._run(self._worker.database.parts.outcomes.look(self.steps, call))
        self._known[call.scope, call.key] = known
        return rpc.Reply(known=known_message(known))

    async def _remember(self, request: rpc.Request) -> rpc.Reply:
        call = self._call(request.remember.call)
        known = self._known.get((call.scope, call.key))
        if known is None or known.done:
            raise MalformedError("a call is remembered after it was looked for, and not found")
        outcomes = self._worker.database.parts.outcomes
        await self._run(outcomes.remember_text(self.steps, call, known, request.remember.result))
        return rpc.Reply()

    # Two-phase parts.

    async def _prepare(self, request: rpc.Request) -> rpc.Reply:
        self._expect_part()
        await self._run(self.steps.prepare(), whole=True)
        return rpc.Reply()

    async def _validate(self, request: rpc.Request) -> rpc.Reply:
        self._expect_part()
        await self._run(self.steps.validate(), whole=True)
        return rpc.Reply()

    def _expect_part(self) -> None:
        if not self.two_phase:
            raise MalformedError("only a part of a two-phase transaction prepares and validates")

    # Of the class, not of each stream, which would refer to itself and be freed late.
    _SERVE: ClassVar[Mapping[str, Callable[[Stream, rpc.Request], Awaitable[rpc.Reply]]]] = {
        "one": _one,
        "batch": _batch,
        "open_scanner": _open_scanner,
        "next_page": _next_page,
        "confirm_reads": _confirm_reads,
        "explain": _explain,
        "look": _look,
        "remember": _remember,
        "prepare": _prepare,
        "validate": _validate,
    }


def begun(worker: WorkerParts, begin: rpc.Begin, *, fresh: bool = True) -> Any:
    """The steps of a transaction that a message begins; ``fresh``: may its id count as unused?"""
    isolation = isolation_of(begin.isolation)
    tx_id = check_callers_id(begin.transaction_id)
    timeout = begin.timeout if begin.HasField("timeout") else None
    if begin.two_phase not in rpc.Begin.TwoPhase.values():
        raise MalformedError(f"{begin.two_phase} is no kind of part of a two-phase transaction")
    if begin.two_phase == rpc.Begin.ALONE:
        return worker.database.parts.transaction(
            isolation,
            read_only=begin.read_only,
            caller_id=tx_id,
            fresh_id=begin.fresh_id and fresh,
            timeout=timeout,
        )
    return worker.database.parts.part(
        isolation,
        read_only=begin.read_only,
        caller_id=tx_id,
        joined=begin.two_phase == rpc.Begin.JOIN or begin.fresh_id,
        timeout=timeout,
    )


def check_alone(begin: rpc.Begin) -> None:
    """MalformedError: a part of a two-phase transaction, where one call is the whole of it."""
    if begin.two_phase != rpc.Begin.ALONE:
        raise MalformedError("a part of a two-phase transaction has a stream of its own: Transact")


class Transact:
    """Serves ``Transactions.Transact``."""

    def __init__(self, worker: WorkerParts) -> None:
        self._worker = worker

    async def serve(self, first: Any, caller: Caller, context: Context) -> None:
        """One stream, from its first request to its end."""
        if not first.HasField("begin"):
            raise MalformedError("the first request of a stream begins its transaction")
        tx_id = check_callers_id(first.begin.transaction_id)
        client, joined = Expiring(tx_id), first.begin.two_phase == rpc.Begin.JOIN
        with self._worker.opened(tx_id, caller, client.expire, joined=joined) as session:
            stream = Stream(self._worker, caller, first.begin)
            began = time.monotonic()
            try:
                await self._to_its_end(stream, first, client, session, context)
            finally:
                stream.let_go()
                try:
                    if not stream.steps.finished:
                        await stream.roll_back()
                finally:
                    self._worker.count(
                        stream.steps,
                        began,
                        own_rollback=stream.given_up,
                        joined=joined,
                        error=stream.error,
                    )

    async def _to_its_end(
        self, stream: Stream, request: Any, client: Expiring, session: Session, context: Context
    ) -> None:
        for _ in range(self._worker.limits.stream_messages):
            with session.busy():
                reply: Any = await stream.answer(request)
                if stream.large:
                    stream.large = False
                    reply = await serialized(self._worker, stream.caller, reply)
            if stream.steps.finished:
                # Its time may have run out meanwhile: what became of it is told all the same.
                await context.write(reply)
                return
            await client.wait(context.write(reply))
            del reply  # nothing of what was said is held while the client rests
            request = await client.wait(context.read())
            if isinstance(request, Large):
                with session.busy():  # it waits for others, not for its client
                    request = await request.read(stream.caller.counted_as)
            taken(request)
            if request is grpc.aio.EOF:
                raise InvalidOperationError(
                    "the stream was closed before its transaction had ended; it was rolled back",
                    advice="Ask for the end in the last request: COMMIT or ROLLBACK",
                    code="STX-5059",
                )
            if request.HasField("begin"):
                raise MalformedError("a stream is one transaction, and it was begun already")
            stream.go_on_with(await self._worker.access.again(stream.caller))
        raise MalformedError(f"a stream has {self._worker.limits.stream_messages} requests at most")
