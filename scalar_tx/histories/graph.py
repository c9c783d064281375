"""Is there a cycle, and whom does it entangle?

An edge is ``(before, after, kind, key)``. Nodes are numbers. Nodes from a certain number on are
moments, not transactions: real time runs through them, so that a history needs a few edges a
transaction and not one for each pair.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scalar_tx.histories.levels import RW

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Edge = tuple[int, int, int, Any]


def entangled(count: int, edges: Iterable[Edge]) -> list[int]:
    """The nodes that lie on a cycle or behind one; none: there is an order of all."""
    following: list[list[int]] = [[] for _ in range(count)]
    waiting = [0] * count
    for before, after, _, _ in edges:
        following[before].append(after)
        waiting[after] += 1
    ready = [node for node in range(count) if not waiting[node]]
    for node in ready:  # grows on the way
        for after in following[node]:
            waiting[after] -= 1
            if not waiting[after]:
                ready.append(after)
    return [] if len(ready) == count else [node for node in range(count) if waiting[node]]


def components(nodes: Iterable[int], edges: Iterable[Edge]) -> list[list[int]]:
    """The groups of two and more nodes each of which can reach each other (Tarjan's algorithm)."""
    following: dict[int, list[int]] = {node: [] for node in nodes}
    for before, after, _, _ in edges:
        following[before].append(after)
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    open_nodes: list[int] = []
    is_open: set[int] = set()
    found = []
    for root in list(following):
        if root in index:
            continue
        path = [(root, iter(following[root]))]
        index[root] = low[root] = len(index)
        open_nodes.append(root)
        is_open.add(root)
        while path:
            node, rest = path[-1]
            for after in rest:
                if after not in index:
                    index[after] = low[after] = len(index)
                    open_nodes.append(after)
                    is_open.add(after)
                    path.append((after, iter(following[after])))
                    break
                if after in is_open:
                    low[node] = min(low[node], index[after])
            else:
                path.pop()
                if path:
                    parent = path[-1][0]
                    low[parent] = min(low[parent], low[node])
                if low[node] == index[node]:
                    at = len(open_nodes) - 1
                    while open_nodes[at] != node:
                        at -= 1
                    group = open_nodes[at:]
                    del open_nodes[at:]
                    is_open.difference_update(group)
                    if len(group) > 1:
                        found.append(group)
    return found


def apart(edges: Iterable[Edge]) -> list[Edge]:
    """The same graph, in which no path has two ``rw`` edges in a row.

    Every node becomes two: reached by ``rw`` (odd) and otherwise (even).
    """
    found: list[Edge] = []
    for before, after, kind, key in edges:
        if kind == RW:
            found.append((2 * before, 2 * after + 1, kind, key))
        else:
            found.append((2 * before, 2 * after, kind, key))
            found.append((2 * before + 1, 2 * after, kind, key))
    return found


def walk_round(edges: Sequence[Edge]) -> list[Edge]:
    """Some cycle, in a graph where every node has a way on."""
    following: dict[int, Edge] = {edge[0]: edge for edge in edges}
    node = edges[0][0]
    visited: dict[int, int] = {}
    path: list[Edge] = []
    while node not in visited:
        visited[node] = len(path)
        path.append(following[node])
        node = path[-1][1]
    return path[visited[node] :]
