"""What is kept of the calls that were done, and for how long?

One record a call in ``scalar_tx.outcome``, a table like any other, written by the transaction that
did the work: the record is there if and only if the work is. Its transaction columns tell by which
transaction. Two transactions that do the same call both make the record, so at most one of them
commits.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.consensus_commit.guarded_reads import guarded
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.errors import ConflictError, InvalidOperationError, SchemaError
from scalar_tx.model.conditions import Comparison, Operator
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Delete, Get, Insert, Update
from scalar_tx.model.table import TableSchema
from scalar_tx.model.tagged_json import decoded, encoded
from scalar_tx.storage.interface import ScanRequest, WholeTableSource

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.consensus_commit.administration import Administration
    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.keyed_calls import Call
    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Row

OUTCOME: Final = "scalar_tx.outcome"
OUTCOME_SCHEMA: Final = TableSchema(
    columns={
        "scope": "TEXT",
        "key": "TEXT",
        "arguments_digest": "BLOB",
        "result": "TEXT",
        "completed_at": "TIMESTAMPTZ",
    },
    partition_key=["scope", "key"],
)
KEPT: Final = dt.timedelta(days=30)
LARGEST_RESULT: Final = 64 * 1024  # bytes of its text
_TOGETHER: Final = 50  # outcomes removed by one transaction
_EPOCH: Final = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Known:
    """What a transaction has found out about a call.

    ``done``: it was done, with ``result``. ``forgotten``: it was, too long ago to count.
    """

    done: bool
    result: Any = None
    forgotten: bool = False


class OutcomeTable:
    """The outcomes of calls, for transactions of one manager.

    ``create_missing``: the table is made on first use.
    """

    def __init__(
        self, context: Context, administration: Administration, *, create_missing: bool
    ) -> None:
        self._context = context
        self._administration = administration
        self._create_missing = create_missing

    async def look(self, steps: TransactionSteps, call: Call) -> Known:
        """Was the call done? InvalidOperationError: with other arguments."""
        if self._context.catalog.known(OUTCOME) is None:
            await guarded(self._look_for_table(), None)
        found = await steps.get(Get(OUTCOME, _key(call)))
        if found is None:
            return Known(done=False)
        if self._is_old(found):
            return Known(done=False, forgotten=True)
        if found["arguments_digest"] != call.digest:
            raise InvalidOperationError(
                f"{call.what} was done with other arguments",
                advice="Give each piece of work a key of its own, and repeat it unchanged",
                code="STX-3071",
            )
        return Known(done=True, result=decoded(str(found["result"])))

    async def remember(
        self, steps: TransactionSteps, call: Call, known: Known, result: object
    ) -> None:
        """Write down that the call is done, with the transaction's other writes.

        InvalidOperationError: its result is nothing that can be kept.
        """
        await self.remember_text(steps, call, known, _text(result, call))

    async def remember_text(
        self, steps: TransactionSteps, call: Call, known: Known, result: str
    ) -> None:
        """The same for a result that is a text already, made by ``tagged_json.encoded``."""
        values: Row = {
            "arguments_digest": call.digest,
            "result": _checked(result, call),
            "completed_at": self._now(),
        }
        key = _key(call)
        again = known.forgotten
        await steps.mutate(
            Update(OUTCOME, key, values) if again else Insert(OUTCOME, {**key, **values})
        )

    async def forget_old(self, go_on: Callable[[], bool]) -> int:
        """Remove what is kept no longer, a few at a time; return how many that were.

        ``go_on`` is asked before each step whether there is to be one.
        """
        table = await guarded(self._context.catalog.table(OUTCOME), None)
        pages = self._context.storage.scan(
            ScanRequest(
                table.stored,
                WholeTableSource(),
                where=Comparison("completed_at", Operator.LT, self._now() - KEPT),
                page_size=_TOGETHER,
            )
        )
        removed = 0
        try:
            while (page := await guarded(pages.next_page(), None)) is not None:
                for first in range(0, len(page), _TOGETHER):
                    if not go_on():
                        return removed
                    removed += await self._forget(page[first : first + _TOGETHER])
        finally:
            await pages.close()
        return removed

    async def _forget(self, page: Sequence[Row]) -> int:
        """Remove what of these is old; none of it where somebody uses them at this moment."""
        steps = TransactionSteps(self._context, Isolation.SNAPSHOT)
        removed = 0
        try:
            for row in page:
                key = {"scope": row["scope"], "key": row["key"]}
                found = await steps.get(Get(OUTCOME, key))
                if found is not None and self._is_old(found):
                    await steps.mutate(Delete(OUTCOME, key))
                    removed += 1
            await steps.commit()
        except ConflictError:
            await steps.rollback()
            return 0
        return removed

    async def _look_for_table(self) -> None:
        if await self._context.storage.admin.table(OUTCOME) is not None:
            return
        if not self._create_missing:
            raise SchemaError(
                f"there is no table {OUTCOME} in the storage "
                f"{self._context.storage.info(OUTCOME).name!r}; key= keeps its results there",
                advice="Create it once, with db.outcomes.create_table() or "
                "scalar-schema apply --outcome",
                code="STX-3073",
            )
        await self._administration.create_table(
            OUTCOME, OUTCOME_SCHEMA, if_not_exists=True, transaction=True, options={}
        )

    def _is_old(self, found: Record) -> bool:
        at = found["completed_at"]
        return isinstance(at, dt.datetime) and at < self._now() - KEPT

    def _now(self) -> dt.datetime:
        return _EPOCH + dt.timedelta(milliseconds=self._context.runtime.now_ms())


def _key(call: Call) -> dict[str, str]:
    return {"scope": call.scope, "key": call.key}


def _text(result: object, call: Call) -> str:
    return encoded(result, f"the result of {call.what}")


def _checked(text: str, call: Call) -> str:
    size = len(text.encode())
    if size > LARGEST_RESULT:
        raise InvalidOperationError(
            f"the result of {call.what} takes {size} bytes, more than {LARGEST_RESULT}",
            advice="Store the data in a table of your own and return its key",
            code="STX-3072",
        )
    return text
