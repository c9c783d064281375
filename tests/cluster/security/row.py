"""What is one row of the matrix: a request, and what it asks of whoever sends it?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.cluster.security.people import NINE

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.security.people import Somebody

OPEN: Final = "open"  # for those, too, who have not logged in
OPEN_TO_A_SECRET: Final = "whoever holds the secret that the request holds"
ANYBODY: Final = "anybody who has logged in"
SUPERUSER: Final = "superuser"
NAMESPACES: Final = "superuser, and not of the node's own namespaces"
SEES: Final = "any privilege"
WRITES: Final = "INSERT, UPDATE or DELETE, anywhere"

Needs = str | frozenset[str]


@dataclass(frozen=True)
class Row:
    """``requests`` makes them of a namespace, a table's name and an unused id."""

    method: str
    needs: Needs
    requests: Callable[[str, str, str], list[Any]]
    kind: str = ""

    def lets(self, who: Somebody, namespace: str) -> bool:
        """May they, known as they are?"""
        if self.needs in (OPEN, ANYBODY):
            return True
        if self.needs == SUPERUSER:
            return who.superuser
        if self.needs == NAMESPACES:
            return who.superuser and who.holds(namespace, frozenset())
        if self.needs == SEES:
            return any(who.holds(namespace, frozenset({one})) for one in NINE)
        if self.needs == WRITES:
            held = frozenset[str]().union(*who.held.values())
            return who.superuser or not held.isdisjoint({"INSERT", "UPDATE", "DELETE"})
        assert isinstance(self.needs, frozenset)
        return who.holds(namespace, self.needs)


def all_of(*privileges: str) -> frozenset[str]:
    """All of these are needed."""
    return frozenset(privileges)
