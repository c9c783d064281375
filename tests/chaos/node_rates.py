"""Do clients get on as fast as before, once one of three nodes has been killed?

On a machine that serves others too, commits a second say more of the others than of the nodes. So
they are counted for each second that nodes and clients were not kept waiting by others: the more
their threads wait for a processor, for each second that they get one, the shorter a second is. Who
waits for a dead node waits for no processor, and is found out.
"""

from __future__ import annotations

import itertools
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.chaos.node_clients import Told

SECOND: Final = 10**9
FULL: Final = 0.9  # of the rate before: the best of several scatters less downwards than up


@dataclass(frozen=True)
class Rate:
    """Commits a second: before a kill and afterwards, as others leave it, and plainly."""

    before: float
    after: float
    plain: tuple[float, float] = (0.0, 0.0)

    @property
    def full(self) -> bool:
        """Is it as high as before?"""
        return self.share >= FULL

    @property
    def share(self) -> float:
        """How much of the rate before there is."""
        return self.after / self.before if self.before else 0.0


@dataclass(frozen=True)
class Measured:
    """The commits of some seconds; ``stretched``: how much longer work took for want of a turn."""

    a_second: float
    stretched: float


def measured(told: Told, processes: Sequence[int], seconds: float) -> Measured:
    """What is committed from now on, in so many seconds; the processes are those of the nodes."""
    began, (ran, waited) = time.monotonic_ns(), _turns(processes)
    time.sleep(seconds)
    commits, passed = len(told.commits_since(began)), (time.monotonic_ns() - began) / SECOND
    ran_since, waited_since = _turns(processes)
    ran, waited = ran_since - ran, waited_since - waited
    return Measured(commits / passed, (ran + waited) / max(ran, 1))


def measured_each_second(told: Told, processes: Sequence[int], seconds: int) -> list[Measured]:
    """The same for so many seconds, one by one."""
    return [measured(told, processes, 1.0) for _ in range(seconds)]


def rate(before: Measured, after: Sequence[Measured]) -> Rate:
    """The one against the best two seconds, in a row, of the others."""
    pairs = list(itertools.pairwise(after)) or [(one, one) for one in after]
    best = max(pairs, key=lambda pair: _unhindered(*pair))
    plain = before.a_second, sum(one.a_second for one in best) / len(best)
    return Rate(_unhindered(before), _unhindered(*best), plain)


def _unhindered(*several: Measured) -> float:
    return sum(one.a_second * one.stretched for one in several) / len(several)


def longest_gap(commits: Sequence[int], struck: int, seconds: float) -> float:
    """How many seconds there were without a commit, of so many behind a kill."""
    moments = [struck, *sorted(commits), struck + round(seconds * SECOND)]
    return max(b - a for a, b in itertools.pairwise(moments)) / SECOND


def _turns(processes: Sequence[int]) -> tuple[int, int]:
    """How long threads of these processes and of this one ran, and waited for a turn to."""
    ran = waited = 0
    for process in (*processes, os.getpid()):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with suppress(FileNotFoundError, ProcessLookupError):  # it has just ended
                running, waiting, _ = (thread / "schedstat").read_text().split()
                ran += int(running)
                waited += int(waiting)
    return ran, waited
