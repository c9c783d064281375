"""In which order are versions if each key, by itself, follows real time or its processes?

Whatever a transaction left of a key comes before what a later one met of it first.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from scalar_tx.histories.history import Outcome

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from scalar_tx.histories.history import Transaction
    from scalar_tx.histories.registers import Externals

# Key, earlier version, later version.
Versions = list[tuple["Hashable", Any, Any]]


def real_time_versions(
    transactions: Sequence[Transaction], present: Sequence[bool], externals: Sequence[Externals]
) -> Versions:
    """By what had ended before what began. An unknown outcome is later than what ended before it.

    For each key only those count that are not behind a later one already.
    """
    found: Versions = []
    for key, indexes in _touching(present, externals).items():
        events = []
        for index in indexes:
            one = transactions[index]
            if one.invoked is not None:
                events.append((one.invoked, 0, index))
            if one.completed is not None and one.outcome is Outcome.OK:
                events.append((one.completed, 1, index))
        latest: list[int] = []
        behind: dict[int, list[int]] = {}
        for _, is_end, index in sorted(events):
            if is_end:
                passed = behind.pop(index, [])
                latest = [one for one in latest if one not in passed]
                latest.append(index)
            else:
                behind[index] = list(latest)
                first = externals[index].first(key)
                found += [(key, externals[one].last(key), first) for one in latest]
    return found


def process_versions(
    transactions: Sequence[Transaction], present: Sequence[bool], externals: Sequence[Externals]
) -> Versions:
    """By what each process committed after what."""
    found: Versions = []
    for key, indexes in _touching(present, externals).items():
        last: dict[Hashable, int] = {}
        for index in sorted(indexes, key=lambda one: (transactions[one].completed or 0, one)):
            one = transactions[index]
            if one.process is None or one.outcome is not Outcome.OK:
                continue
            before = last.get(one.process)
            if before is not None:
                found.append((key, externals[before].last(key), externals[index].first(key)))
            last[one.process] = index
    return found


def _touching(present: Sequence[bool], externals: Sequence[Externals]) -> dict[Hashable, list[int]]:
    touching: dict[Hashable, list[int]] = defaultdict(list)
    for index, external in enumerate(externals):
        if present[index]:
            for key in external.reads | external.writes:
                touching[key].append(index)
    return touching
