"""What did clients see, and can it be explained by registers that are in one place?"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from scalar_tx.histories import Found, Outcome, SingleOperation, check_linearizable
from tests.simulation.parts.report import Wrong

if TYPE_CHECKING:
    from collections import Counter

LINEARIZABLE: Final = "linearizable"  # the history can be put in an order that real time allows
UNDECIDED: Final = "undecided"  # the judge gave up
LIVENESS: Final = "liveness"  # once everything is well, every register answers


class History:
    """Operations in the order of their calls. Each has an unknown outcome until it ends."""

    def __init__(self) -> None:
        self.operations: list[SingleOperation] = []
        self._moments = itertools.count(1)

    def begin(self, client: str, kind: str, register: int, value: int | None) -> SingleOperation:
        """An operation is called: ``"r"``, or ``"w"`` with the value."""
        number = len(self.operations) + 1
        operation = SingleOperation(
            number, kind, register, value, next(self._moments), None, Outcome.INFO, client
        )
        self.operations.append(operation)
        return operation

    def end(self, operation: SingleOperation, outcome: Outcome) -> None:
        """It has ended, as far as its client knows."""
        operation.outcome = outcome
        if outcome is not Outcome.INFO:
            operation.completed = next(self._moments)

    def judge(self) -> list[Wrong]:
        """What no order explains."""
        verdict = check_linearizable(self.operations, "register")
        checks = {Found.VIOLATED: LINEARIZABLE, Found.UNKNOWN: UNDECIDED}
        return [
            Wrong(checks[one.found], f"r{one.key}: {one.text}")
            for one in verdict.keys
            if one.found in checks
        ]

    def count(self, counts: Counter[str]) -> None:
        """What there was of everything."""
        writers = {one.value: one.process for one in self.operations if one.kind == "w"}
        for one in self.operations:
            counts["operations"] += 1
            counts[f"{'reads' if one.kind == 'r' else 'writes'} {one.outcome.value}"] += 1
            if one.kind == "r" and one.outcome is Outcome.OK:
                counts["reads of nothing" if one.value is None else "reads with a value"] += 1
                counts["reads of another's value"] += writers.get(one.value) not in {
                    None,
                    one.process,
                }
        read = {one.value for one in self.operations if one.kind == "r"}
        counts["unknown writes seen"] += sum(
            one.kind == "w" and one.outcome is Outcome.INFO and one.value in read
            for one in self.operations
        )

    def lines(self) -> list[str]:
        """Operations for a reader."""
        return [
            f"O{one.number} {one.process} [{one.invoked:g}, "
            f"{'…' if one.completed is None else f'{one.completed:g}'}] "
            f"{'read' if one.kind == 'r' else 'write'} r{one.key} {one.value}: {one.outcome.value}"
            for one in self.operations
        ]
