"""How do many cases run at once without meeting each other's faults?

Each runs in a lane: a client of its own behind a proxy of its own. Most of a case is waiting for a
time-out, so a few lanes make the difference.
"""

from __future__ import annotations

import gc
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from typing import TYPE_CHECKING, Generic, TypeVar

from tests.lost_replies.impatience import impatient
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.servers import Cluster

C = TypeVar("C")
K = TypeVar("K")
R = TypeVar("R")

LANES = 6
CLOSING_SECONDS = 60.0


@dataclass
class Lane(Generic[C]):
    """One client and its proxy."""

    proxy: Proxy
    client: C


class Lanes(Generic[C]):
    """Some lanes, each taken by one case at a time."""

    def __init__(self, lanes: Sequence[Lane[C]]) -> None:
        self._free: SimpleQueue[Lane[C]] = SimpleQueue()
        self.lanes = lanes
        for lane in lanes:
            self._free.put(lane)

    def play(self, cases: Sequence[K], one: Callable[[Lane[C], K], R]) -> list[R | Exception]:
        """What became of each case, in their order; a failure is a result like others."""

        def in_a_lane(case: K) -> R | Exception:
            lane = self._free.get()
            try:
                return one(lane, case)
            except (Exception, AssertionError) as failure:  # noqa: BLE001  told by the test
                return failure
            finally:
                self._free.put(lane)

        with ThreadPoolExecutor(len(self.lanes), "lane") as pool:
            return list(pool.map(in_a_lane, cases))


@contextmanager
def lanes(
    cluster: Cluster,
    connect: Callable[[dict[str, str]], C],
    close: Callable[[Lane[C]], None],
    count: int = LANES,
) -> Iterator[Lanes[C]]:
    """Open lanes; at the end their clients leave no connection behind.

    ``close`` closes a lane's client once it serves again: drivers mend a cut line in threads of
    their own, and what those are just opening is closed by nobody.
    """
    opened: list[Lane[C]] = []
    try:
        for _ in range(count):
            proxy = Proxy.before(cluster).__enter__()
            opened.append(Lane(proxy, connect(impatient(proxy, cluster))))
        yield Lanes(opened)
        for lane in opened:
            lane.proxy.forget_faults()
            close(lane)
        for lane in opened:
            await_no_connection(lane.proxy)
    finally:
        for lane in opened:
            lane.proxy.__exit__(None, None, None)


def await_no_connection(proxy: Proxy) -> None:
    """AssertionError: a closed client left connections."""
    gc.collect()  # an error that botocore raised keeps its pool alive, in a cycle
    deadline = time.monotonic() + CLOSING_SECONDS
    while proxy.connections:
        assert time.monotonic() < deadline, f"{len(proxy.connections)} connections were left open"
        time.sleep(0.02)
