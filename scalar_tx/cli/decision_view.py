"""How is a decision shown, to people and to programs?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cli.output import console, print_json, shown_time
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.decisions import Decision

_UNKNOWN: Final = "UNKNOWN"
_WHAT_UNKNOWN_MEANS: Final = (
    "No decision is on record: the transaction is running, or died before it was decided, or left "
    "no row because it only read, or its row was cleaned up.\n"
    "If it must not be left open: scalar-tx settle ID writes ABORTED unless a decision appears."
)


def check_id(transaction_id: str) -> None:
    """InvalidOperationError if this can't be an id."""
    if not transaction_id.strip() or not transaction_id.isprintable():
        raise InvalidOperationError(
            f"{transaction_id!r} is no transaction id",
            advice="Give the id that an error, a log line or scalar-tx inspect names",
        )


def print_decision(transaction_id: str, decision: Decision | None, *, json: bool) -> None:
    """Print the decision, or that there is none."""
    if json:
        print_json(
            {
                "transaction_id": transaction_id,
                "state": _UNKNOWN if decision is None else decision.state.value,
                "decided_at_ms": None if decision is None else decision.decided_at,
            }
        )
    elif decision is None:
        console().print(f"{_UNKNOWN}\n{_WHAT_UNKNOWN_MEANS}", markup=False, soft_wrap=True)
    else:
        console().print(f"{decision.state.value}  {shown_time(decision.decided_at)}", markup=False)
