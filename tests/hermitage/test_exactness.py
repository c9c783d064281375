"""Does the search find what one finds by trying each interleaving from its beginning?"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final, cast

import pytest

from scalar_tx.errors import ConflictError
from scalar_tx.model.isolation import Isolation
from tests.hermitage.all_interleavings import search
from tests.hermitage.levels import BY_NAME
from tests.hermitage.one_interleaving import Choice, in_this_order, play_through
from tests.hermitage.operations import TABLE, get, update
from tests.hermitage.places import MEMORY
from tests.hermitage.programs import NO_LEVEL, Ending, Program

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.storage.interface import MomentStorage, Reads
    from tests.hermitage.operations import Session
    from tests.hermitage.places import Place

# One transaction works on both records at once, the other leaves recoveries in the background.
BOTH_AT_ONCE: Final = Program(
    "both at once",
    "parallel steps against a reader",
    {"T1": [update(1, 11), update(2, 21)], "T2": [get(1)]},
    lambda _: False,
    NO_LEVEL,
)


async def _look(session: Session) -> None:
    async def look_back(_: Reads) -> None:
        if session.reads:
            raise ConflictError("what comes later was there already")

    storage = cast("MomentStorage", session.tx._context.storage)
    await storage.at_one_moment(TABLE, look_back)
    session.reads.append(None)


LOOKS_BACK: Final = Program(
    "looks back",
    "a call that looks at the transaction it belongs to, as a validation does",
    {"T1": [_look], "T2": [update(1, 11)]},
    lambda end: not end.committed("T1"),
    NO_LEVEL,
)


def each_from_its_beginning(
    place: Place, program: Program, level: Isolation
) -> tuple[Counter[Ending], int]:
    """Every interleaving played once, depth first by replaying prefixes of choices."""
    endings: Counter[Ending] = Counter()
    longest = 0
    prefix: list[Choice] = []
    while True:
        open_choices: list[Sequence[Choice]] = []
        wanted = iter(prefix)

        def choose(
            ready: Sequence[Choice],
            open_choices: list[Sequence[Choice]] = open_choices,
            wanted: object = wanted,
        ) -> Choice:
            open_choices.append(ready)
            return next(wanted, ready[0])  # type: ignore[call-overload,no-any-return]  # an iterator

        played = play_through(place, program, level, choose)
        endings[played.ending] += 1
        longest = max(longest, len(played.choices))
        for at in reversed(range(len(played.choices))):
            rest = open_choices[at][open_choices[at].index(played.choices[at]) + 1 :]
            if rest:
                prefix = [*played.choices[:at], rest[0]]
                break
        else:
            return endings, longest


QUICK = [
    ("G1a", Isolation.READ_COMMITTED, "together"),
    ("G1b", Isolation.READ_COMMITTED, "together"),
    ("PMP", Isolation.SERIALIZABLE, "apart"),
    ("PMP-write", Isolation.SERIALIZABLE, "together"),
    ("P4", Isolation.SNAPSHOT, "together"),
    ("G2-item", Isolation.SNAPSHOT, "apart"),
    ("G2", Isolation.SERIALIZABLE, "together"),
]
LONG = [
    ("G1c", Isolation.READ_COMMITTED, "apart"),
    ("PMP-write", Isolation.SNAPSHOT, "apart"),
    ("G-single", Isolation.READ_COMMITTED, "apart"),
]


@pytest.mark.parametrize(
    "name, level, place",
    [*QUICK, *(pytest.param(*case, marks=pytest.mark.slow) for case in LONG)],
)
def test_the_same_endings_equally_often(name: str, level: Isolation, place: str) -> None:
    check(BY_NAME[name], level, place)


@pytest.mark.parametrize("level", [Isolation.READ_COMMITTED, Isolation.SERIALIZABLE])
def test_the_same_with_parallel_steps(level: Isolation) -> None:
    check(BOTH_AT_ONCE, level, "apart")


def test_a_call_may_look_at_its_transaction() -> None:
    found = search(MEMORY["together"](), LOOKS_BACK, Isolation.SNAPSHOT)
    assert found.total > 1
    assert not found.showing(LOOKS_BACK.anomaly)


def check(program: Program, level: Isolation, place: str) -> None:
    found = search(MEMORY[place](), program, level)
    endings, longest = each_from_its_beginning(MEMORY[place](), program, level)
    assert found.interleavings == endings
    assert found.calls == longest


@pytest.mark.parametrize("place", MEMORY)
def test_an_example_leads_where_it_says(place: str) -> None:
    program, level = BY_NAME["OTV"], Isolation.READ_COMMITTED
    found = search(MEMORY[place](), program, level)
    for ending, choices in found.examples.items():
        played = play_through(MEMORY[place](), program, level, in_this_order(choices))
        assert played.ending == ending
