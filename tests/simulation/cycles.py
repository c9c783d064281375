"""Is there an order in which the transactions could have run one after the other?

Edges say who comes before whom: ww (its element is later in the same list), wr (it read the other's
element), rw (it did not see the other's element), rt (it began after the other had ended). Reads
below SERIALIZABLE may be out of date, so they give no rw edges. A cycle means that there is no such
order.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.simulation.history import Attempt

Edges = dict[int, dict[int, str]]


def edges(committed: Sequence[Attempt], final: Mapping[str, tuple[int, ...]]) -> Edges:
    """Who must come before whom, with the reason."""
    found: Edges = {attempt.number: {} for attempt in committed}
    writer = {
        (name, element): attempt.number
        for attempt in committed
        for name, element in attempt.appends
    }

    def add(before: int | None, after: int | None, why: str) -> None:
        if before is not None and after is not None and before != after:
            found[before].setdefault(after, why)

    for name, elements in final.items():
        owners = [writer.get((name, element)) for element in elements]
        for before, after in pairwise(owners):
            add(before, after, f"ww {name}")
    for attempt in committed:
        for name, seen in attempt.reads:
            if seen:
                add(writer.get((name, seen[-1])), attempt.number, f"wr {name}")
            if attempt.isolation is Isolation.SERIALIZABLE:
                unseen = (writer.get((name, e)) for e in final.get(name, ())[len(seen) :])
                add(
                    attempt.number,
                    next((w for w in unseen if w != attempt.number), None),
                    f"rw {name}",
                )
    _add_real_time(found, committed)
    return found


def _add_real_time(found: Edges, committed: Sequence[Attempt]) -> None:
    for before in committed:
        for after in committed:
            if before.ended is not None and after.began > before.ended:
                found[before.number].setdefault(after.number, "rt")


def find_cycle(graph: Edges) -> str | None:
    """A cycle in words, or None."""
    done: set[int] = set()
    for start in graph:
        path: dict[int, None] = {}
        stack: list[tuple[int, Iterator[int]]] = []
        if start in done:
            continue
        path[start] = None
        stack.append((start, iter(graph[start])))
        while stack:
            node, following = stack[-1]
            step = next(following, None)
            if step is None:
                stack.pop()
                del path[node]
                done.add(node)
            elif step in path:
                members = list(path)
                return _in_words(graph, members[members.index(step) :])
            elif step not in done:
                path[step] = None
                stack.append((step, iter(graph[step])))
    return None


def _in_words(graph: Edges, members: Sequence[int]) -> str:
    around = [*members, members[0]]
    parts = [f"#{around[0]}"]
    for before, after in pairwise(around):
        parts.append(f"-{graph[before][after]}-> #{after}")
    return " ".join(parts)
