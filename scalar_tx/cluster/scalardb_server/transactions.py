"""How is a transaction of one stream served? (8)

Begin is answered in the kind in which it was asked, and its errors are statuses: a client does not
look for another kind there. Every later error is answered within the stream, which goes on; commit,
rollback and abort are its end, with an error too.
"""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.reads_and_writes import ReadsAndWrites
from scalar_tx.cluster.scalardb_server.refusals import (
    Kind,
    RefusedError,
    aborted_by_somebody,
    already_exists,
    cut,
    invalid,
    refusal_of,
)
from scalar_tx.cluster.scalardb_server.statuses import code_in_stream
from scalar_tx.cluster.scalardb_server.streams import Stream
from scalar_tx.consensus_commit.in_the_log import kind_of
from scalar_tx.errors import ConflictError, InvalidOperationError, ScalarTxError
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Callable, Mapping
    from contextlib import AbstractContextManager

    from scalar_tx.cluster.scalardb_server.host import Host
    from scalar_tx.cluster.scalardb_server.statuses import Context
    from scalar_tx.transaction_async import AsyncTransaction

_log = logging.getLogger("scalar_tx.scalardb_server")

_OPEN_ALREADY: Final = "STX-3043"
_USED_BEFORE: Final = "STX-3036"

Answers: TypeAlias = rpc.TransactionResponse | rpc.TwoPhaseCommitTransactionResponse


class TransactionStream(Stream[Any, Answers]):
    """One transaction that its client begins, uses and ends on one stream."""

    answers: type[Answers] = rpc.TransactionResponse
    service = "distributed_transaction"  # as ScalarDB Server's counts name it (15)

    def __init__(self, host: Host, context: Context, active: Counter[str]) -> None:
        super().__init__(host, context)
        self._active = active  # ids that are open on streams of this service, each so many times
        self._work = ReadsAndWrites(host.database)
        self._tx: AsyncTransaction | None = None
        self._counted = False
        self._began_at = 0.0
        self._given_up = False  # by its client, and not for a conflict
        self._first: Mapping[str, Callable[[Any], AsyncTransaction]] = self.first_steps()
        self._steps: Mapping[str, Callable[[Any], Awaitable[Answers]]] = self.steps()
        self._last: Mapping[str, Callable[[Any], Awaitable[Answers]]] = self.last_steps()

    def first_steps(self) -> Mapping[str, Callable[[Any], AsyncTransaction]]:
        """What opens a transaction, by the name of the request."""
        return {"begin_request": self._begun, "start_request": self._begun}

    def steps(self) -> Mapping[str, Callable[[Any], Awaitable[Answers]]]:
        """What is done within one."""
        return {
            "get_request": self._get,
            "scan_request": self._scan,
            "mutate_request": self._mutate,
        }

    def last_steps(self) -> Mapping[str, Callable[[Any], Awaitable[Answers]]]:
        """What ends it."""
        return {
            "commit_request": self.commit,
            "rollback_request": self._rollback,
            "abort_request": self._rollback,
        }

    @property
    def is_begun(self) -> bool:
        """Has the stream a transaction, open or ended?"""
        return self._tx is not None

    @property
    def tx(self) -> AsyncTransaction:
        """The transaction, once it is begun."""
        if self._tx is None:
            raise invalid("transaction is not started")
        return self._tx

    async def answer(self, request: Any) -> tuple[Answers, bool]:
        """The answer to one request, and whether it was the last."""
        name = request.WhichOneof("request") or ""
        given = getattr(request, name) if name else None
        if name in self._first:
            with self.counted(name):
                return self._begin(name, given), False
        tx = self.tx
        step = self._steps.get(name) or self._last.get(name)
        if step is None:
            raise invalid("invalid request specified: REQUEST_NOT_SET")
        with self.session.busy():
            try:
                with self.counted(name):
                    response = await step(given)
                    self._insist_on_size(response)
            except Exception as error:  # noqa: BLE001  # it is the answer
                response = self._error(refusal_of(await self._seen(error, tx)))
        return response, name in self._last

    def counted(self, request: str) -> AbstractContextManager[None]:
        """Count what a request of that name causes."""
        step = request.removesuffix("_request")
        return self.host.counted(self.service, f"transaction_{step}")

    # The beginning.

    def _begin(self, name: str, given: Any) -> Answers:
        if self._tx is not None:
            done = "started" if name == "start_request" else "begun"
            raise invalid(f"transaction is already {done}")
        wanted = given.transaction_id if given.HasField("transaction_id") else None
        if wanted == "":
            raise invalid("")
        if wanted is not None and wanted in self._active:
            raise already_exists(wanted)
        try:
            tx = self._first[name](wanted)
        except InvalidOperationError as error:
            if error.code == _OPEN_ALREADY and wanted is not None:
                raise already_exists(wanted) from error
            raise
        self.open(tx)
        response = self.answers()
        getattr(response, name.replace("request", "response")).transaction_id = tx.id
        return response

    def _begun(self, wanted: str | None) -> AsyncTransaction:
        return self.host.database.manager.begin(id=wanted)

    def open(self, tx: AsyncTransaction) -> None:
        """From now on the stream has this transaction."""
        self._tx = tx
        self.opened(tx.id)
        self._active[tx.id] += 1
        self._counted = True
        self._began_at = time.monotonic()

    # What is done within it.

    async def _get(self, given: Any) -> Answers:
        result = await self._work.get(self.tx, given.get)
        response = self.answers()
        response.get_response.SetInParent()
        if result is not None:
            response.get_response.result.CopyFrom(result)
        return response

    async def _scan(self, given: Any) -> Answers:
        results = await self._work.scan(self.tx, given.scan)
        response = self.answers()
        response.scan_response.SetInParent()
        response.scan_response.results.extend(results)
        return response

    async def _mutate(self, given: Any) -> Answers:
        await self._work.mutate(self.tx, given.mutations)
        return self.answers()

    # The end.

    async def commit(self, _given: Any) -> Answers:
        """Commit; cancelled or not, it runs to its end."""
        try:
            await self.tx.commit()
        except ConflictError:
            await self._put_on_record()
            raise
        return self.answers()

    async def _put_on_record(self) -> None:
        """Of what failed, Java clients are told ABORTED when they ask for its state (20.1).

        The library writes no decision where nothing was prepared.
        """
        try:
            await self.host.database.manager.settle(self.tx.id)
        except ScalarTxError as error:
            _log.info("that %s has failed is not on record: %s", self.tx.id, kind_of(error))

    async def _rollback(self, _given: Any) -> Answers:
        self._given_up = self.tx.outcome is None
        await self.tx.rollback()
        return self.answers()

    async def leave(self) -> None:
        """Roll back what is still open; what is committed stays so."""
        tx = self._tx
        if tx is None:
            return
        try:
            if tx.outcome is None:
                await tx.rollback()
        except ScalarTxError as error:
            _log.info("the transaction %s of a stream that ended: %s", tx.id, kind_of(error))
        finally:
            if self._counted:
                self.count(tx)
                self._active.subtract([tx.id])
                if not self._active[tx.id]:
                    del self._active[tx.id]

    def count(self, tx: AsyncTransaction) -> None:
        """Tell of its end whoever counts."""
        if self.host.ended is not None:
            seconds = time.monotonic() - self._began_at
            self.host.ended(tx.outcome, seconds, own_rollback=self._given_up)

    # Errors.

    async def _seen(self, error: Exception, tx: AsyncTransaction) -> Exception:
        """Of an id that was decided before, what a client is told."""
        if isinstance(error, InvalidOperationError) and error.code == _USED_BEFORE:
            try:
                standing = await self.host.database.manager.state(tx.id)
            except ScalarTxError:
                return error  # what it says will do
            if standing is TransactionState.ABORTED:
                return aborted_by_somebody(tx.id)
        return error

    def _error(self, refusal: RefusedError) -> Answers:
        response = self.answers()
        response.error.SetInParent()  # illegal arguments have the code 0, which is not sent
        response.error.error_code = code_in_stream(refusal)
        response.error.message = cut(refusal.text)
        return response

    def _insist_on_size(self, response: Answers) -> None:
        size, largest = response.ByteSize(), self.host.largest_answer
        if size > largest:
            raise RefusedError(
                Kind.OTHER,
                f"the answer has {size} bytes, and a message to a client at most {largest}. Read "
                "less at once: by a limit, a range of the clustering key, or fewer columns",
            )
