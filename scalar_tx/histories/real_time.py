"""Who ended before whom began?

Real time runs through moments, nodes of their own: a transaction that ends leads to the next
moment, a moment to the next one, and to every transaction that begins after it. So the whole order
needs about three edges a transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.histories.history import Outcome
from scalar_tx.histories.levels import PROCESS, REALTIME

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from scalar_tx.histories.graph import Edge
    from scalar_tx.histories.history import Transaction


def add_real_time(
    transactions: Sequence[Transaction],
    present: Sequence[bool],
    strong: Sequence[bool] | None,
    edges: list[Edge],
) -> int:
    """Add the order of real time; the number of nodes there are then.

    ``present`` says who is known to have committed. ``strong`` says who ran at SERIALIZABLE; None:
    everybody. In a mixed history real time counts between two transactions if at least one of them
    is SERIALIZABLE: an edge is an obligation towards one of its ends (Adya 1999, 5.5, on mixed
    systems), and the weaker levels promise nothing about real time to each other. A SERIALIZABLE
    transaction is promised both that it sees what had ended before it began, and that nobody slips
    in behind its back afterwards, of whatever level. The out-of-date reads of the weaker ones do no
    harm here, because the edge that would say so (``rw`` out of a weak transaction) does not count.

    One whose outcome is unknown took effect after it began, and nobody knows when.
    """
    events: list[tuple[float, int, int]] = []
    for index, transaction in enumerate(transactions):
        if present[index]:
            if transaction.invoked is not None:
                events.append((transaction.invoked, 0, index))
            if transaction.completed is not None and transaction.outcome is Outcome.OK:
                events.append((transaction.completed, 1, index))
    events.sort()
    nodes = len(transactions)
    if strong is None or all(strong):
        return _chain(events, None, None, nodes, edges)
    if not any(strong):
        return nodes
    nodes = _chain(events, strong, None, nodes, edges)
    return _chain(events, None, strong, nodes, edges)


def _chain(
    events: Sequence[tuple[float, int, int]],
    before: Sequence[bool] | None,
    after: Sequence[bool] | None,
    nodes: int,
    edges: list[Edge],
) -> int:
    """One chain of moments, from the ends of some transactions to the beginnings of some."""
    moment = -1
    ended: list[int] = []
    for _, is_end, index in events:
        if is_end:
            if before is None or before[index]:
                ended.append(index)
        elif after is None or after[index]:
            if ended:
                if moment >= 0:
                    edges.append((moment, nodes, REALTIME, None))
                moment = nodes
                nodes += 1
                for other in ended:
                    edges.append((other, moment, REALTIME, None))  # noqa: PERF401 - hot
                ended.clear()
            if moment >= 0:
                edges.append((moment, index, REALTIME, None))
    return nodes


def add_processes(
    transactions: Sequence[Transaction], present: Sequence[bool], edges: list[Edge]
) -> None:
    """Add what each process committed after what; without times the given order counts."""
    order = [
        (transaction.completed if transaction.completed is not None else 0, index)
        for index, transaction in enumerate(transactions)
        if present[index] and transaction.outcome is Outcome.OK and transaction.process is not None
    ]
    last: dict[Hashable, int] = {}
    for _, index in sorted(order):
        process = transactions[index].process
        before = last.get(process)
        if before is not None:
            edges.append((before, index, PROCESS, None))
        last[process] = index
