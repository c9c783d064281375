"""Short notations for histories made by hand."""

from __future__ import annotations

from typing import Any

from scalar_tx.histories import LEVELS, Outcome, Transaction

OWN = frozenset({"READ_COMMITTED", "SNAPSHOT", "SERIALIZABLE"})
UNCOMMITTED = frozenset(
    {"read-uncommitted", "strong-session-read-uncommitted", "strong-read-uncommitted"}
)
COMMITTED = frozenset({"read-committed", "strong-session-read-committed", "strong-read-committed"})
SNAPSHOT_ISOLATION = frozenset(
    {
        "snapshot-isolation",
        "strong-session-snapshot-isolation",
        "strong-snapshot-isolation",
    }
)
SERIALIZABLE = frozenset({"serializable", "strong-session-serializable", "strict-serializable"})
REPEATABLE = frozenset({"repeatable-read"})

EVERY = frozenset(LEVELS)
FROM_COMMITTED = EVERY - UNCOMMITTED
FROM_REPEATABLE = FROM_COMMITTED - COMMITTED
FROM_ATOMIC = FROM_REPEATABLE - REPEATABLE
READ_SKEW = FROM_REPEATABLE - {"READ_COMMITTED", "SNAPSHOT"}
WRITE_SKEW = READ_SKEW - SNAPSHOT_ISOLATION
STRICT = frozenset({"SERIALIZABLE", "strict-serializable"})
STRONG_SI = STRICT | {"strong-snapshot-isolation"}
STRONG_COMMITTED = STRONG_SI | {"strong-read-committed"}
STRONG = STRONG_COMMITTED | {"strong-read-uncommitted"}
SESSION = frozenset(name for name in LEVELS if name.startswith("strong-session"))


def tx(
    number: int, script: str, *, at: tuple[float, float] | None = None, **more: Any
) -> Transaction:
    """A transaction by a script: ``x+1`` appends, ``x=1`` writes, ``x:12`` reads a list of digits,
    ``x?1`` reads a register, ``x?`` and ``x:`` find nothing.
    """
    operations: list[tuple[str, str, Any]] = []
    for word in script.split():
        key, sign, value = word[0], word[1], word[2:]
        if sign == "+":
            operations.append(("append", key, int(value)))
        elif sign == ":":
            operations.append(("r", key, tuple(map(int, value))))
        else:
            kind = {"=": "w", "?": "r"}[sign]
            operations.append((kind, key, int(value) if value else None))
    begin, end = at or (None, None)
    return Transaction(number, operations, invoked=begin, completed=end, **more)


def failed(number: int, script: str, **more: Any) -> Transaction:
    return tx(number, script, outcome=Outcome.FAIL, **more)


def unknown(number: int, script: str, **more: Any) -> Transaction:
    return tx(number, script, outcome=Outcome.INFO, **more)
