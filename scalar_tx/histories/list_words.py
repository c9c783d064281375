"""Why does one transaction come before another, by a list that both touched?"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.histories.levels import RW, WW
from scalar_tx.histories.words import shown

if TYPE_CHECKING:
    from collections.abc import Hashable

    from scalar_tx.histories.graph import Edge
    from scalar_tx.histories.lists import Lists


class ListWords:
    """The reason of an edge."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def __call__(self, edge: Edge) -> str:
        """The reason in a sentence."""
        before, after, kind, key = edge
        one, other = self._lists.transactions[before], self._lists.transactions[after]
        order, owners, following = self._lists.neighbours[key]
        if kind == WW:
            for at in range(len(owners)):
                if owners[at] == before and following[at] == after:
                    ahead, behind = shown(order[at - 1]), shown(order[at])
                    return f"in {shown(key)}, {other}'s {behind} comes next after {one}'s {ahead}"
            return (
                f"nobody saw {other}'s append to {shown(key)}, so it came after all that was seen, "
                f"the last of it {one}'s {shown(order[-1])}"
            )
        if kind == RW:
            return self._rw(edge, before, after, key)
        element = self._last_read(after, key, before)
        return f"{other} read {shown(key)} when it ended with {shown(element)}, appended by {one}"

    def _rw(self, edge: Edge, before: int, after: int, key: Hashable) -> str:
        lists = self._lists
        one, other = lists.transactions[before], lists.transactions[after]
        order, _, following = lists.neighbours[key]
        for kind, name, value in one.operations:
            if kind != "r" or name != key:
                continue
            length = lists.place(key, value[-1]) if value else 0
            if length >= 0 and following[length] == after:
                return (
                    f"{one} read {shown(key)} as {shown(value or [])}, "
                    f"without {other}'s {shown(order[length])}, which comes next"
                )
        mine = next(
            element
            for element, owner in lists.writers[key].items()
            if owner == after
            if lists.place(key, element) < 0
        )
        return (
            f"{one} read {shown(key)} as {shown(order)}, which is all that anybody saw of it, "
            f"without {other}'s {shown(mine)}"
        )

    def _last_read(self, reader: int, key: Hashable, writer: int) -> object:
        lists = self._lists
        for kind, name, value in lists.transactions[reader].operations:
            if kind == "r" and name == key and value:
                length = lists.place(key, value[-1])
                if (
                    lists.neighbours[key][1][length]
                    if length >= 0
                    else lists.writers[key].get(value[-1])
                ) == writer:
                    return value[-1]
        return None
