"""How is a part of a transaction served that several processes make? (9)

Each stream has a part of its own, also where two of one process join the same transaction. The
steps come in their order: reads and writes, prepare, validate, commit.
"""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.refusals import invalid
from scalar_tx.cluster.scalardb_server.transactions import TransactionStream
from scalar_tx.errors import InvalidOperationError
from scalar_tx.two_phase_async import AsyncTwoPhaseTransaction

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Collection, Mapping

    from scalar_tx.cluster.scalardb_server.transactions import Answers
    from scalar_tx.transaction_async import AsyncTransaction


class Status(Enum):
    """How far the part is, in the words of the Java server."""

    ACTIVE = "ACTIVE"
    PREPARED = "PREPARED"
    PREPARE_FAILED = "PREPARE_FAILED"
    VALIDATED = "VALIDATED"
    VALIDATION_FAILED = "VALIDATION_FAILED"


# what a step needs -> what the Java server says where it is not so
_ACTIVE: Final = (Status.ACTIVE,)
_PREPARED: Final = (Status.PREPARED,)
_AGREED: Final = (Status.PREPARED, Status.VALIDATED)
_OUT_OF_TURN: Final = {
    _ACTIVE: "CORE-10043: The transaction is not active. Status: ",
    _PREPARED: "CORE-10045: The transaction has not been prepared. Status: ",
    _AGREED: "CORE-10046: The transaction has not been prepared or validated. Status: ",
}
_OUT_OF_ORDER: Final = "STX-3053"
_NOT_VALIDATED: Final = (
    "CORE-10107: The transaction is not validated. When using the EXTRA_READ serializable "
    "strategy, you need to call validate() before calling commit()"
)


class TwoPhaseStream(TransactionStream):
    """One part that its client begins or joins, uses and ends on one stream."""

    answers = rpc.TwoPhaseCommitTransactionResponse
    service = "two_phase_commit_transaction"
    _status = Status.ACTIVE
    _joined = False

    def steps(self) -> Mapping[str, Callable[[Any], Awaitable[Answers]]]:
        """What is done within it."""
        within = {name: self._only_active(step) for name, step in super().steps().items()}
        return {**within, "prepare_request": self._prepare, "validate_request": self._validate}

    async def answer(self, request: Any) -> tuple[Answers, bool]:
        """The answer to one request, and whether it was the last."""
        if request.WhichOneof("request") == "join_request":
            with self.counted("join_request"):
                return self._join(request.join_request.transaction_id), False
        return await super().answer(request)

    def _join(self, transaction_id: str) -> Answers:
        if self.is_begun:
            raise invalid("transaction is already started")
        if not transaction_id:
            raise invalid("")
        self._joined = True
        self.open(self.host.database.part(join_id=transaction_id))
        return self.answers()

    def _begun(self, wanted: str | None) -> AsyncTransaction:
        return self.host.database.part(begin_id=wanted)

    @property
    def _part(self) -> AsyncTwoPhaseTransaction:
        tx = self.tx
        if not isinstance(tx, AsyncTwoPhaseTransaction):
            raise TypeError(f"{tx!r} is no part")
        return tx

    def _only_active(
        self, step: Callable[[Any], Awaitable[Answers]]
    ) -> Callable[[Any], Awaitable[Answers]]:
        async def checked(given: Any) -> Answers:
            self._insist(_ACTIVE)
            return await step(given)

        return checked

    async def _prepare(self, _given: Any) -> Answers:
        self._insist(_ACTIVE)
        self._status = Status.PREPARE_FAILED
        await self._part.prepare()
        self._status = Status.PREPARED
        return self.answers()

    async def _validate(self, _given: Any) -> Answers:
        self._insist(_PREPARED)
        self._status = Status.VALIDATION_FAILED
        await self._part.validate()
        self._status = Status.VALIDATED
        return self.answers()

    async def commit(self, given: Any) -> Answers:
        """Commit; cancelled or not, it runs to its end."""
        self._insist(_AGREED)
        try:
            return await super().commit(given)
        except InvalidOperationError as error:
            if error.code == _OUT_OF_ORDER and self._status is Status.PREPARED:
                raise invalid(_NOT_VALIDATED) from error
            raise

    def count(self, tx: AsyncTransaction) -> None:
        """Tell of its end, once for all its parts: where it was begun."""
        if not self._joined:
            super().count(tx)

    def _insist(self, wanted: Collection[Status]) -> None:
        if self._status not in wanted:
            raise invalid(f"{_OUT_OF_TURN[tuple(wanted)]}{self._status.value}")
