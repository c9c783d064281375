"""How is an anomaly said to a person?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from scalar_tx.histories.levels import KIND_NAMES, PROCESS, REALTIME

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.histories.cycles import Cycle
    from scalar_tx.histories.graph import Edge
    from scalar_tx.histories.history import Transaction

_LONGEST: Final = 80
_STEPS: Final = 30  # of a cycle that is written out

MEANINGS: Final = {
    "G0": "dirty write",
    "G1c": "circular information flow",
    "G-single": "read skew",
    "G-nonadjacent": "a longer kind of read skew",
    "G2": "write skew",
}


def shown(value: Any) -> str:
    """A key or value, on one line and not long; of a long list the end, where the news is."""
    text = repr(list(value)) if isinstance(value, tuple | list) else repr(value)
    if len(text) <= _LONGEST:
        return text
    if isinstance(value, tuple | list):
        return f"[… {len(value) - 4} more, {repr(list(value[-4:]))[1:_LONGEST]}"
    return f"{text[: _LONGEST - 1]}…"


def cycle_in_words(
    cycle: Cycle, transactions: Sequence[Transaction], why: Callable[[Edge], str]
) -> str:
    """A cycle as a heading, and a line for each step with its reason."""
    edges = cycle.edges
    base = cycle.name.removesuffix("-realtime").removesuffix("-process")
    around = [transactions[edge[0]] for edge in edges[:_STEPS]]
    path = " → ".join(map(str, [*around, around[0]]))
    lines = [f"{MEANINGS[base]}: {path}"]
    for one in dict.fromkeys(map(id, around)):
        transaction = next(each for each in around if id(each) == one)
        lines.append(f"    {described(transaction)}")
    for edge in edges[:_STEPS]:
        before, after = transactions[edge[0]], transactions[edge[1]]
        if edge[2] == REALTIME:
            reason = f"{before} had ended before {after} began"
        elif edge[2] == PROCESS:
            reason = f"process {shown(before.process)} committed {before} before {after}"
        else:
            reason = why(edge)
        lines.append(f"  {before} → {after} ({KIND_NAMES[edge[2]]}): {reason}")
    if len(edges) > _STEPS:
        lines.append(f"  and {len(edges) - _STEPS} more steps back to {around[0]}")
    return "\n".join(lines)


def described(transaction: Transaction) -> str:
    """What a transaction did, on one line."""
    about = [transaction.name] if transaction.name else []
    if transaction.level is not None:
        about.append(transaction.level.value)
    if transaction.process is not None:
        about.append(f"process {transaction.process}")
    said = f" ({', '.join(about)})" if about else ""
    done = ", ".join(
        f"{kind} {shown(key)} {shown(value)}" for kind, key, value in transaction.operations
    )
    return f"{transaction}{said}: {done}"
