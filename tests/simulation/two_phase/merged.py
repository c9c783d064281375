"""How does the checker see a transaction that has several parts?

As one: what any part did, in the order in which it was done. A part does not see what the others
have written, though; so whatever it has read of their records comes before all writes. Below
SERIALIZABLE nobody sees to it that the reads of the parts go together: there each part is judged
as a transaction of its own.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from scalar_tx.model.isolation import Isolation
from tests.simulation.two_phase.routed import NotedByPart

if TYPE_CHECKING:
    from collections.abc import Hashable

    from tests.simulation.history import Attempt

NUMBERS_APART = 100_000  # of one attempt's parts; far more than there are attempts


def contested(attempt: Attempt) -> set[Hashable]:
    """The lists to which more than one part has appended: that can't be committed."""
    return {key for key, parts in _writers(attempt).items() if len(parts) > 1}


def as_checked(attempt: Attempt) -> list[Attempt]:
    """The attempts that the checker is told instead of one; itself, if it has one part."""
    noted = attempt.operations
    if not isinstance(noted, NotedByPart):
        return [attempt]
    if attempt.isolation is Isolation.SERIALIZABLE:
        return [replace(attempt, operations=_merged(noted, _writers(attempt)))]
    return [_one_part(attempt, noted, part) for part in sorted(set(noted.parts))]


def _writers(attempt: Attempt) -> dict[Hashable, dict[int, None]]:
    """By list, the parts that have appended to it, the first one first."""
    writers: dict[Hashable, dict[int, None]] = {}
    noted = attempt.operations
    if isinstance(noted, NotedByPart):
        for (kind, key, _), part in zip(noted, noted.parts, strict=True):
            if kind == "append":
                writers.setdefault(key, {})[part] = None
    return writers


def _merged(
    noted: NotedByPart, writers: dict[Hashable, dict[int, None]]
) -> list[tuple[str, Hashable, Any]]:
    before: list[tuple[str, Hashable, Any]] = []
    after: list[tuple[str, Hashable, Any]] = []
    appended: set[tuple[int, Hashable]] = set()
    for operation, part in zip(noted, noted.parts, strict=True):
        kind, key, _ = operation
        if kind == "append":
            appended.add((part, key))
        if (part, key) not in appended:
            before.append(operation)
        elif next(iter(writers[key])) == part:  # of a second writer's nothing can stay
            after.append(operation)
    return before + after


def _one_part(attempt: Attempt, noted: NotedByPart, part: int) -> Attempt:
    own = [one for one, by in zip(noted, noted.parts, strict=True) if by == part]
    return replace(
        attempt,
        number=attempt.number + part * NUMBERS_APART,
        process=f"{attempt.process}, part {part}",
        operations=own,
        appends=[pair for pair in attempt.appends if ("append", *pair) in own],
    )
