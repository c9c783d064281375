"""Mistakes in remembering what was decided, and in settling records together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.decided_states import DecidedStates
from scalar_tx.consensus_commit.decisions import Decision
from scalar_tx.consensus_commit.recover import Recovery
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.storage.interface import StorageMutation
    from tests.simulation.bugs.bug import Bug, Patches


def _group(tx_id: str) -> str:
    """What the ids of one process begin with, as those of a group's members do."""
    return tx_id.rpartition("-")[0]


def _under_a_shared_name() -> Patches:
    """As if each id were a group's: whoever shares the beginning shares the decision."""
    right_get, right_keep = DecidedStates.get, DecidedStates.keep

    def get(self: DecidedStates, tx_id: str) -> Decision | None:
        return right_get(self, _group(tx_id))

    def keep(self: DecidedStates, tx_id: str, decision: Decision) -> None:
        right_keep(self, _group(tx_id), decision)

    return [(DecidedStates, "get", get), (DecidedStates, "keep", keep)]


def _nothing_kept_as_an_abort() -> Patches:
    right = Recovery._read_decision

    async def read(self: Recovery, writer: str) -> Decision | None:
        decision = await right(self, writer)
        if decision is None:
            self._decided.keep(writer, Decision(TransactionState.ABORTED, self._runtime.now_ms()))
        return decision

    return [(Recovery, "_read_decision", read)]


def _kept_before_it_was_made() -> Patches:
    """An abort counts from when it is asked for; what stands in its way is not heard of."""
    right = Recovery._abort

    async def abort(self: Recovery, writer: str) -> Decision | None:
        self._decided.keep(writer, Decision(TransactionState.ABORTED, self._runtime.now_ms()))
        decision = await right(self, writer)
        if decision is not None and decision.state is TransactionState.COMMITTED:
            return None
        return decision

    right_keep = DecidedStates.keep

    def keep(self: DecidedStates, tx_id: str, decision: Decision) -> None:
        if self.get(tx_id) is None:
            right_keep(self, tx_id, decision)

    return [(Recovery, "_abort", abort), (DecidedStates, "keep", keep)]


def _refused_together_and_forced_singly() -> Patches:
    """Where others were first with one record of several, each is written without asking."""

    async def apply_together(self: Recovery, group: Sequence[StorageMutation]) -> None:
        if not await self._apply(*group):
            for mutation in group:
                await self._apply(replace(mutation, condition=None))  # type: ignore[arg-type]  # of any

    return [(Recovery, "_apply_together", apply_together)]


BUGS: Final[Mapping[str, Bug]] = {
    "decision remembered under a part of the id": _under_a_shared_name,
    "no decision remembered as an abort": _nothing_kept_as_an_abort,
    "abort remembered before it stands": _kept_before_it_was_made,
    "rolled together in vain, then one by one by force": _refused_together_and_forced_singly,
}
