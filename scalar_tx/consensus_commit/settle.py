"""What became of a transaction whose decision got lost on the way?

Read the decision; where there is none, force ABORTED unless one appears. If our own COMMITTED may
have landed and have been removed since, neither its absence nor an ABORTED in its place proves
anything: then our own records are the witness (Consensus Commit specification 5.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.decisions import Decision, UndecidedError
from scalar_tx.consensus_commit.guarded_reads import guarded
from scalar_tx.consensus_commit.meter import Meter, tell
from scalar_tx.consensus_commit.record_only import what_records_tell
from scalar_tx.consensus_commit.transaction_id import leaves_a_decision
from scalar_tx.consensus_commit.witness import Witness
from scalar_tx.errors import StorageUnavailableError, UnknownOutcomeError
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.decisions import DecisionMaker
    from scalar_tx.model.types import Value


async def state_of(decisions: DecisionMaker, tx_id: str) -> TransactionState:
    """What is on record about a transaction; UNKNOWN: nothing is.

    StorageUnavailableError if the coordinator can't be reached.
    """
    try:
        standing = await decisions.read(tx_id)
    except UndecidedError as error:
        raise StorageUnavailableError(
            "the decision could not be read",
            advice="Ask again once the coordinator's storage answers",
            transaction_id=tx_id,
            code="STX-4002",
        ) from error
    return TransactionState.UNKNOWN if standing is None else standing.state


async def settle(decisions: DecisionMaker, tx_id: str) -> Decision:
    """The decision about a transaction, made to be ABORTED if there is none.

    UnknownOutcomeError if the coordinator can't be reached, or the transaction leaves no decision;
    nothing is guessed.
    """
    if not leaves_a_decision(tx_id):
        raise UnknownOutcomeError(
            f"{tx_id} has left no decision: it was committed by its records alone, or not at all",
            advice=what_records_tell(tx_id),
            transaction_id=tx_id,
        )
    try:
        standing = await decisions.read(tx_id)
        return standing if standing is not None else await decisions.force_abort(tx_id)
    except UndecidedError as error:
        raise _unknown(tx_id) from error


async def settle_own(
    decisions: DecisionMaker,
    tx_id: str,
    *,
    committed_may_stand: bool,
    look: Callable[[], Awaitable[Witness]],
) -> Decision:
    """Settle a commit of ours; ``look`` reads our own records when an absence must be believed."""
    tell(Meter.outcome_unknown)
    found = TransactionState.UNKNOWN
    try:
        settled = await _settled_own(decisions, tx_id, committed_may_stand, look)
        found = settled.state
    finally:
        tell(Meter.outcome_settled, found)
    return settled


def tell_unsettled() -> None:
    """A commit did not hear of its decision, and there is no way to find out."""
    tell(Meter.outcome_unknown)
    tell(Meter.outcome_settled, TransactionState.UNKNOWN)


async def _settled_own(
    decisions: DecisionMaker,
    tx_id: str,
    committed_may_stand: bool,  # noqa: FBT001  # handed on
    look: Callable[[], Awaitable[Witness]],
) -> Decision:
    try:
        standing = await decisions.read(tx_id)
        if standing is None:
            standing = await decisions.force_abort(tx_id)
        if standing.state is TransactionState.ABORTED and committed_may_stand:
            return await believe(standing, tx_id, look)
    except UndecidedError as error:
        raise _unknown(tx_id) from error
    return standing


async def believe(
    aborted: Decision, tx_id: str, look: Callable[[], Awaitable[Witness]]
) -> Decision:
    """An ABORTED that stands, or the COMMITTED that stood before.

    UnknownOutcomeError: the records don't tell. UndecidedError: they could not be read.
    """
    # An ABORTED row stands now, so a COMMITTED of ours can't land any more. It may have landed
    # earlier and have been removed; whoever removed it had finished all our records before.
    match await look():
        case Witness.UNSETTLED | Witness.UNDONE:
            return aborted
        case Witness.COMMITTED:
            return Decision(TransactionState.COMMITTED, aborted.decided_at)
        case Witness.UNREAD:
            raise UndecidedError("the records could not be read", may_stand=True)
        case Witness.SILENT:
            raise UnknownOutcomeError(
                "the transaction stands as aborted, and none of its records here can tell whether "
                "it stood as committed before",
                transaction_id=tx_id,
            )


def _unknown(tx_id: str) -> UnknownOutcomeError:
    return UnknownOutcomeError(
        "the transaction's decision could not be reached, it may be committed or not",
        transaction_id=tx_id,
    )


async def settle_record(
    context: Context, name: str, key: Mapping[str, Value]
) -> TransactionState | None:
    """Settle one record left by another transaction (specification 5.8); None: nothing to do."""
    table = await guarded(context.catalog.table(name), None)
    values = table.checks.key(key, table.key_columns, "key")
    return await guarded(context.recovery.settle_record(table, values), None)
