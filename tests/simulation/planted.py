"""Which bugs must the simulator notice?

Variants of the protocol with one mistake each, switched on by name. Each is a mistake that somebody
could make, or has made.
"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Final
from unittest.mock import patch

from tests.simulation.bugs import (
    clean_up,
    decide,
    decided,
    finish,
    finish_later,
    group_commit,
    one_phase,
    prepare,
    read,
    reads_together,
    recover,
    two_phase,
    unread,
    validate,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from tests.simulation.bugs.bug import Bug

PLANTED: Final[Mapping[str, Bug]] = {
    **prepare.BUGS,
    **validate.BUGS,
    **decide.BUGS,
    **finish.BUGS,
    **read.BUGS,
    **recover.BUGS,
    **decided.BUGS,
    **two_phase.BUGS,
    **one_phase.BUGS,
    **group_commit.BUGS,
    **finish_later.BUGS,
    **clean_up.BUGS,
    **reads_together.OF_BATCHES,
    **reads_together.OF_INDEXES,
    **reads_together.OF_LIMITS,
    **unread.BUGS,
}
# Where a bug is met, if not in any workload.
MET_IN: Final[Mapping[str | None, str]] = dict.fromkeys(two_phase.BUGS, "two-phase")


@contextmanager
def plant(name: str | None) -> Iterator[None]:
    """Put a bug into the protocol for a while; None: none."""
    with ExitStack() as stack:
        for place, attribute, wrong in PLANTED[name]() if name is not None else ():
            stack.enter_context(patch.object(place, attribute, wrong))
        yield
