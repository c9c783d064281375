"""Which cycles does a level forbid, and what are they called?

The names are Adya's: G0 has ``ww`` edges only, G1c has ``wr`` too, G-single exactly one ``rw``,
G-nonadjacent several but no two in a row, G2 two in a row. ``-process`` and ``-realtime`` say that
the order of a process, or real time, is part of it.
"""

from __future__ import annotations

from collections import defaultdict, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.histories.graph import apart, components, entangled, walk_round
from scalar_tx.histories.levels import PROCESS, REALTIME, RW, WR, WW

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.histories.graph import Edge

# Where everything depends on everything, a search for the worst cycle could take hours: after so
# many steps a cycle is reported under its own name, which may be a milder one.
_STEPS: Final = 400_000
_ENOUGH: Final = 20  # cycles of one name in one group, of which the shortest is reported

_SUFFIXES: Final = {0: "", PROCESS: "-process", REALTIME: "-realtime"}


# What a path has met so far, as bits. Higher ones are kinds of edges, moved up by _OTHERS.
_ONE_RW: Final = 1
_MORE_RW: Final = 2
_LAST_RW: Final = 4
_ADJACENT: Final = 8
_WR: Final = 16
_OTHERS: Final = 5


def tally(met: int, kind: int) -> int:
    """What a path has met after one more edge."""
    if kind == RW:
        adjacent = _ADJACENT if met & _LAST_RW else 0
        count = _MORE_RW if met & (_ONE_RW | _MORE_RW) else _ONE_RW
        return (met & ~_ONE_RW) | count | _LAST_RW | adjacent
    met &= ~_LAST_RW
    return met | (_WR if kind == WR else kind << _OTHERS)


@dataclass(frozen=True, slots=True)
class Shape:
    """What a kind of cycle is made of: how many ``rw`` edges (2: two or more), and which others."""

    name: str
    rw: int
    adjacent: bool
    wr: bool  # must have one

    def may_become(self, met: int) -> bool:
        """Can a path that has met this still be part of such a cycle?"""
        if self.rw == 1:
            return not met & _MORE_RW
        return self.adjacent or not met & _ADJACENT

    def accepts(self, met: int, first_kind: int, extra: int) -> bool:
        """Is it such a cycle, with an edge of the extra kind if one is asked for?"""
        count = 2 if met & _MORE_RW else met & _ONE_RW
        around = first_kind == RW and count > 1 and bool(met & _LAST_RW)
        return (
            count == self.rw
            and (bool(met & _ADJACENT) or around) == self.adjacent
            and (not self.wr or bool(met & _WR))
            and (not extra or bool(met & extra << _OTHERS))
        )


_SHAPES: Final = (
    Shape("G0", 0, adjacent=False, wr=False),
    Shape("G1c", 0, adjacent=False, wr=True),
    Shape("G-single", 1, adjacent=False, wr=False),
    Shape("G-nonadjacent", 2, adjacent=False, wr=False),
    Shape("G2", 2, adjacent=True, wr=False),
)


@dataclass(frozen=True, slots=True)
class Cycle:
    """A cycle with its name. Edges through moments are joined into one of real time."""

    name: str
    edges: tuple[Edge, ...]


def find_cycles(
    transactions: int, nodes: int, edges: Sequence[Edge], *, adjacent: bool = True
) -> list[Cycle]:
    """The worst cycles of each group of entangled transactions; none: they have an order.

    Nodes from ``transactions`` on are moments. ``adjacent``: whether a cycle counts in which two
    ``rw`` edges follow each other.
    """
    behind = entangled(nodes, edges)
    if not behind:
        return []
    inner = set(behind)
    edges = [edge for edge in edges if edge[0] in inner and edge[1] in inner]
    if not adjacent:
        edges = apart(edges)
        inner = {end for edge in edges for end in edge[:2]}
    groups = components(inner, edges)
    group_of = {node: number for number, group in enumerate(groups) for node in group}
    parts: dict[int, dict[Edge, None]] = defaultdict(dict)
    for edge in edges:
        number = group_of.get(edge[0])
        if number is not None and group_of.get(edge[1]) == number:
            before, after, kind, key = edge
            parts[number][edge if adjacent else (before // 2, after // 2, kind, key)] = None
    found = []
    for number in range(len(groups)):
        found += _worst(list(parts[number]), transactions, adjacent=adjacent)
    return found


def _worst(edges: Sequence[Edge], moments_from: int, *, adjacent: bool) -> list[Cycle]:
    """The cycles of one group: the worst of those without ``rw``, the worst of those with."""
    search = _Search(edges, moments_from)
    found: list[Cycle] = []
    kinds = 0
    for edge in edges:
        kinds |= edge[2]
    for extra, suffix in _SUFFIXES.items():
        if extra and not kinds & extra:
            continue
        with_rw = without_rw = False
        for shape in _SHAPES:
            if shape.adjacent and (not adjacent or with_rw):
                continue  # implied by what was found
            if (with_rw if shape.rw else without_rw) or (shape.rw and not kinds & RW):
                continue
            cycle = search.cycle(shape, extra)
            if cycle is not None:
                found.append(Cycle(shape.name + suffix, tuple(joined(cycle, moments_from))))
                with_rw = with_rw or shape.rw > 0
                without_rw = without_rw or not shape.rw
        if found:
            return found
    cycle = search.any_cycle(adjacent=adjacent)
    return [Cycle(named(cycle), tuple(joined(cycle, moments_from)))]


class _Search:
    """The search for cycles in one group of entangled transactions."""

    def __init__(self, edges: Sequence[Edge], moments_from: int) -> None:
        self._edges = edges
        self._moments_from = moments_from
        self._following: dict[int, list[Edge]] = defaultdict(list)
        for edge in edges:
            self._following[edge[0]].append(edge)

    def cycle(self, shape: Shape, extra: int) -> list[Edge] | None:
        """A short cycle of that shape, with an edge of the extra kind, or None."""
        kinds = WW | extra | (WR | RW if shape.rw else WR if shape.wr else 0)
        first_kind = RW if shape.rw else WR if shape.wr else extra or WW
        following = {
            node: [edge for edge in edges if edge[2] & kinds]
            for node, edges in self._following.items()
        }
        budget = [_STEPS]
        best: list[Edge] | None = None
        count = 0
        for edge in self._edges:
            if edge[2] != first_kind or edge[0] >= self._moments_from:
                continue
            found = self._shortest_back(edge, following, shape, extra, budget)
            if found is not None:
                count += 1
                if best is None or len(found) < len(best):
                    best = found
            if budget[0] < 0 or count == _ENOUGH or (best is not None and len(best) == 2):
                break
        return best

    def any_cycle(self, *, adjacent: bool) -> list[Edge]:
        """Some cycle; on demand one in which no two ``rw`` edges follow each other."""
        if adjacent:
            return walk_round(self._edges)
        doubled = apart(self._edges)
        group = set(components({end for edge in doubled for end in edge[:2]}, doubled)[0])
        path = walk_round([edge for edge in doubled if edge[0] in group and edge[1] in group])
        return [(before // 2, after // 2, kind, key) for before, after, kind, key in path]

    def _shortest_back(
        self,
        first: Edge,
        following: Mapping[int, Sequence[Edge]],
        shape: Shape,
        extra: int,
        budget: list[int],
    ) -> list[Edge] | None:
        """The shortest way round that begins with that edge; None also when the budget is spent."""
        begun = (first[1], tally(0, first[2]))
        came: dict[tuple[int, int], tuple[Edge, tuple[int, int] | None]] = {begun: (first, None)}
        queue = deque([begun])
        while queue:
            place = queue.popleft()
            node, met = place
            if node == first[0]:
                if shape.accepts(met, first[2], extra):
                    return _walked(came, place)
                continue
            for edge in following.get(node, ()):
                budget[0] -= 1
                if budget[0] < 0:
                    return None
                reached = (edge[1], tally(met, edge[2]))
                if reached in came or not shape.may_become(reached[1]):
                    continue
                came[reached] = (edge, place)
                if node >= self._moments_from:
                    queue.appendleft(reached)  # a step out of a moment costs nothing
                else:
                    queue.append(reached)
        return None


def _walked(
    came: Mapping[tuple[int, int], tuple[Edge, tuple[int, int] | None]], last: tuple[int, int]
) -> list[Edge]:
    path = []
    place: tuple[int, int] | None = last
    while place is not None:
        edge, place = came[place]
        path.append(edge)
    return path[::-1]


def named(edges: Sequence[Edge]) -> str:
    """The name of a cycle."""
    met = 0
    for edge in edges:
        met = tally(met, edge[2])
    others = met >> _OTHERS
    extra = REALTIME if others & REALTIME else PROCESS if others & PROCESS else 0
    shape = next(one for one in _SHAPES[::-1] if one.accepts(met, edges[0][2], extra))
    return shape.name + _SUFFIXES[extra]


def joined(edges: Sequence[Edge], moments_from: int) -> list[Edge]:
    """The cycle without the moments it runs through."""
    start = next(at for at, edge in enumerate(edges) if edge[0] < moments_from)
    found: list[Edge] = []
    left: Edge | None = None
    for edge in (*edges[start:], *edges[:start]):
        if edge[1] >= moments_from:
            left = left or edge
        elif left is not None:
            found.append((left[0], edge[1], REALTIME, None))
            left = None
        else:
            found.append(edge)
    return found
