"""How did the parts of each transaction end, and is that true of all of them?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.consensus_commit.two_phase import Phase
from scalar_tx.model.state import TransactionState
from tests.simulation.history import outcome_told
from tests.simulation.judgement import HALF, TOLD, Wrong
from tests.simulation.parts.network import Fault
from tests.simulation.two_phase.merged import contested
from tests.simulation.two_phase.words import Step

if TYPE_CHECKING:
    from collections import Counter

    from scalar_tx.consensus_commit.snapshot import PendingWrite
    from scalar_tx.consensus_commit.two_phase import TwoPhaseSteps
    from scalar_tx.errors import ScalarTxError
    from tests.simulation.history import Attempt
    from tests.simulation.parts.processes import Process
    from tests.simulation.two_phase.words import What
    from tests.simulation.world import World

# After these a part may not know. A part that pressed on without cause, and left no record that
# could tell, knows only that ABORTED stands, and not what stood before.
_FAULTS: Final = (
    *(fault.name.lower() for fault in Fault),
    "crash",
    "pause",
    "jump",
    "decision removed",
    "pressed on",
)


class Ends:
    """All parts of all transactions of a run that have several."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._attempts: dict[str, Attempt] = {}
        self._parts: dict[str, list[tuple[TwoPhaseSteps, Process]]] = {}
        self._wrong: list[Wrong] = []
        self._could_not_know: set[TwoPhaseSteps] = set()
        # A decision that keeps a transaction from being committed is needed as long as a part may
        # still ask for the other one.
        world.truth.may_still_commit = self._may_still_commit

    def began(self, attempt: Attempt, steps: TwoPhaseSteps, process: Process) -> None:
        """A transaction, and with it its first part."""
        self._attempts[steps.id] = attempt
        self.joined(steps, process)

    def joined(self, steps: TwoPhaseSteps, process: Process) -> None:
        """One more part."""
        self._parts.setdefault(steps.id, []).append((steps, process))

    def ended(self, steps: TwoPhaseSteps, what: What, error: ScalarTxError | None) -> None:
        """A part has ended, and whoever told it what to do was answered like this."""
        if steps.outcome is not _told(what, error):
            text = f"{steps.id}: {what} told {error!r}, but its outcome is {steps.outcome}"
            self._wrong.append(Wrong(TOLD, text))
        if (
            what is Step.ROLLBACK
            and steps.id in self._world.truth.forgotten
            and not any(self._bears_the_id(steps, one) for one in steps._snapshot.writes.values())
        ):
            # A rollback after the decision was removed writes ABORTED (specification 11.4, 12),
            # and where no record of its part bears the id, nothing tells that it was COMMITTED.
            self._could_not_know.add(steps)
        if what is Step.ROLLBACK and error is None and steps.phase is not Phase.ACTIVE:
            self._world.counts["rolled back after a prepare"] += 1

    def _bears_the_id(self, steps: TwoPhaseSteps, write: PendingWrite) -> bool:
        row = self._world.rows(write.table.stored).get(write.key)
        return row is not None and row["tx_id"] == steps.id

    def judge(self, *, trouble: bool) -> list[Wrong]:
        """Whoever was told how it ended was told the truth, and so all were told the same."""
        wrong = self._wrong.copy()
        wrong_clocks = any(self._world.plan.skews_ms)  # by which others find a part expired
        faults = trouble or wrong_clocks or any(self._world.counts[name] for name in _FAULTS)
        for tx_id, parts in self._parts.items():
            truth = self._world.decided(tx_id)
            for steps, process in parts:
                text = f"{steps.outcome} of {tx_id} in {process.name}"
                if steps.outcome is TransactionState.COMMITTED and not truth:
                    wrong.append(Wrong(TOLD, f"a part was told {text}, which was not decided"))
                believed = steps.outcome is TransactionState.ABORTED
                if believed and truth and steps not in self._could_not_know:
                    wrong.append(Wrong(TOLD, f"a part was told {text}, but it is committed"))
                if steps.outcome is TransactionState.UNKNOWN and not faults:
                    wrong.append(Wrong(TOLD, f"a part was told {text}, and nothing was lost"))
            attempt = self._attempts[tx_id]
            if truth and contested(attempt):
                text = f"two parts have changed the same record: {attempt}: {attempt.appends}"
                wrong.append(Wrong(HALF, text))
        return wrong

    def count(self, counts: Counter[str]) -> None:
        """What such transactions came to."""
        truth = self._world.truth
        counts["in parts"] += len(self._parts)
        for tx_id, parts in self._parts.items():
            prepared = [steps for steps, _ in parts if steps.phase is not Phase.ACTIVE]
            writing = [steps for steps in prepared if steps._snapshot.writes]
            dead = any(s.phase is not Phase.ACTIVE and not p.alive for s, p in parts)
            aborted = any(s.outcome is TransactionState.ABORTED for s in prepared)
            if truth.decided(tx_id):
                counts["in parts: committed"] += len(writing) > 1
                counts["in parts: committed, a process of it dead"] += dead
            elif prepared:
                counts["in parts: aborted after a prepare"] += aborted
                counts["in parts: aborted by others"] += tx_id in truth.forced
                counts["in parts: died prepared"] += dead

    def _may_still_commit(self, tx_id: str) -> bool:
        parts = self._parts.get(tx_id, ())
        return any(process.alive and not steps.finished for steps, process in parts)


def _told(what: What, error: ScalarTxError | None) -> TransactionState:
    """What whoever has given the order concludes, of a part that has ended with it."""
    if what is Step.ROLLBACK:
        if error is None:
            return TransactionState.ABORTED
        committed = error.code == "STX-3054"
        return TransactionState.COMMITTED if committed else TransactionState.UNKNOWN
    return outcome_told(error)
