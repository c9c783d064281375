"""What does a remote transaction say to its node, and what does it know of itself?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.client.kept_back import KeptBack
from scalar_tx.cluster.client.node_calls import NoAnswerError
from scalar_tx.cluster.client.stream import Stream
from scalar_tx.cluster.messages.errors import error_of
from scalar_tx.cluster.messages.isolation import isolation_message, state_of
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.errors import (
    ConflictError,
    InvalidOperationError,
    ScalarTxError,
)
from scalar_tx.model.arguments import check_flags, check_timeout
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from scalar_tx.cluster.client.backend import RemoteBackend
    from scalar_tx.cluster.client.remote_cursor import RemoteCursor
    from scalar_tx.model.isolation import Isolation

NOTHING: Final = rpc.Nothing()


class Requests:
    """What a transaction and its node say to each other, and what is known of it here."""

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
        self._largest = backend.largest_request

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

    async def _say(
        self, request: rpc.Request, *, writes: bool = False, all_of_it: bool = True
    ) -> rpc.Reply:
        """The reply to a step; raises what the node says went wrong.

        ``all_of_it``: what was kept back goes with it.
        """
        self._require_sound()
        self._refuse_too_large(request)
        if all_of_it and self._kept_back.size + request.ByteSize() > self._largest:
            await self._say(rpc.Request())  # what was kept back goes ahead by itself
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
            raise self._nothing_done(lost) from lost
        except ScalarTxError as error:
            # The node has ended the stream, and rolled the transaction back.
            self._in_doubt = False
            self._end(TransactionState.ABORTED)
            error.transaction_id = error.transaction_id or self._own_id
            raise
        return self._checked(reply)

    def _refuse_too_large(self, request: rpc.Request) -> None:
        size = request.ByteSize()
        if size > self._largest:
            raise InvalidOperationError(
                f"one request takes {size} bytes, and a node takes {self._largest}",
                advice="Write less at once, in several operations or transactions; a node that "
                "takes more says so to its clients too, by scalar.db.node.max_message_bytes",
                transaction_id=self._own_id,
                code="STX-5054",
            )

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

    def _nothing_done(self, lost: NoAnswerError) -> ScalarTxError:
        error = lost.refusal or ConflictError(
            f"the node that ran this transaction was lost ({lost}); nothing of it took effect",
            code="STX-5065",
        )
        error.transaction_id = error.transaction_id or self._own_id
        return error

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
