"""What does a transaction do to lists that only grow, and what did it see of them?

A list grows by elements that no other transaction appends, so whoever reads it tells which of them
came before, and in which order: that is what a checker of histories needs most. Lists lie in
partitions, a few in each, and a scan that finds one of them missing has read it as empty. Every few
seconds other partitions are written to, so that no list grows long.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final, TypeAlias

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable

    import scalar_tx

LISTS: Final = ("chaos.list_a", "chaos_beside.list_b")
IDS: Final = range(3)  # the lists of a partition
GROUPS: Final = 4  # of partitions written to at the same time; every other one is of LISTS[0]
PERIOD_S: Final = 10.0
MOST_DEEDS: Final = 4

# ("append", list, element) or ("r", list, elements): what a checker takes in.
Operations: TypeAlias = "list[tuple[str, str, Any]]"


def table_of(part: int) -> str:
    """The table that a partition lies in."""
    return LISTS[part % len(LISTS)]


def drawn(dice: random.Random) -> str:
    """Some deeds or other: ``a12.1 r13.0 s14`` appends, reads one list, reads a partition."""
    now = int(time.time() / PERIOD_S) % 10**6
    deeds: list[str] = []
    for _ in range(dice.randint(1, MOST_DEEDS)):
        part = now * GROUPS + dice.randrange(GROUPS)
        kind = dice.choices("ars", (5, 3, 2))[0]
        deed = f"s{part}" if kind == "s" else f"{kind}{part}.{dice.choice(IDS)}"
        if deed not in deeds:
            deeds.append(deed)
    return " ".join(deeds)


def parts_of(deeds: str) -> set[int]:
    """The partitions that deeds concern."""
    return {int(deed[1:].partition(".")[0]) for deed in deeds.split()}


def appended_to(deeds: str) -> list[str]:
    """The lists that deeds append to."""
    return [deed[1:] for deed in deeds.split() if deed[0] == "a"]


def do(tx: scalar_tx.Transaction, deeds: str, element: str) -> Operations:
    """Do the deeds; return what was done and seen, an append behind the reading it rests on."""
    done: Operations = []
    for deed in deeds.split():
        part, _, number = deed[1:].partition(".")
        if deed[0] == "s":
            found = {row["id"]: row for row in tx.scan(table_of(int(part)), {"part": int(part)})}
            done += [("r", f"{part}.{one}", elements_of(found.get(one))) for one in IDS]
            continue
        key = {"part": int(part), "id": int(number)}
        before = elements_of(tx.get(table_of(int(part)), key))
        done.append(("r", deed[1:], before))
        if deed[0] == "a":
            tx.upsert(table_of(int(part)), {**key, "elements": " ".join((*before, element))})
            done.append(("append", deed[1:], element))
    return done


def elements_of(row: Any) -> list[str]:
    """What a list holds; a list that is not there holds nothing."""
    return [] if row is None else str(row["elements"]).split()


def contents(rows: Iterable[Any]) -> dict[str, list[str]]:
    """All lists by their names, from the rows of their tables."""
    return {f"{row['part']}.{row['id']}": elements_of(row) for row in rows}
