"""Is a node that clients are at work on paused when it says so, whoever dies meanwhile?

It is paused and unpaused many times. In some of the pauses a worker is killed, or all of the node:
while it is being paused, while it is paused, or while it is being unpaused. A worker that comes
back must do as the others do, which is asked of it; a node that was started anew is not paused.
"""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import grpc

from tests.chaos.node_figures import IN_IT, MOMENTS, PAUSING, UNPAUSING
from tests.chaos.node_fleet import WHOLE, WORKER
from tests.cluster.node.running import Admin, until, work

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator

    from tests.chaos.node_clients import Told
    from tests.chaos.node_figures import NodeResult
    from tests.chaos.node_fleet import NodeFleet

DRAIN_S: Final = 15.0  # the limit that each pause is given; a disk may hold a commit up
LONGEST_PAUSE_S: Final = 0.06
LONGEST_WORK_S: Final = 0.1
PAUSING_TAKES_S: Final = 0.03
UNPAUSING_TAKES_S: Final = 0.002
COMES_BACK_S: Final = 60.0
LONGEST_ASKING_S: Final = 60.0  # new connections go to any worker, so each is met after a while
ADMITTED: Final = "admitted in a pause"
DRAIN: Final = "a pause did not drain"
STUCK: Final = "refused although not paused"

A_NODE_OF: Final = 4  # kills one is of a whole node: pauses before a restart grow with each


@dataclass
class Strike:
    """Who is killed in a pause, and when; ``struck`` once it has come, in nanoseconds."""

    who: str
    moment: str
    struck: int = 0


class Pauses:
    """One node, paused and unpaused; what came of it is in ``result``."""

    def __init__(
        self, fleet: NodeFleet, told: Told, dice: random.Random, result: NodeResult
    ) -> None:
        self._fleet, self._told, self._dice = fleet, told, dice
        self._verdict, self._figures = result.verdict, result.figures
        self._windows: list[tuple[int, int]] = []
        self._admin = Admin(fleet.node().admin)

    def run(self, pauses: int, kills: int) -> None:
        """So many pauses, so many of them with a kill; all that began and ended inside is wrong."""
        with_kills = set(self._dice.sample(range(pauses), kills))
        strikes = iter(
            Strike(WHOLE if not (one + 1) % A_NODE_OF else WORKER, MOMENTS[one // 2 % len(MOMENTS)])
            for one in range(kills)
        )
        try:
            for number in range(pauses):
                if number in with_kills:
                    self._pause_and_kill(next(strikes))
                else:
                    self._pause()
                time.sleep(self._dice.uniform(0, LONGEST_WORK_S))
        finally:
            self._admin.__exit__()
        self._judge()

    def _pause(self) -> None:
        began = time.monotonic()
        try:
            self._admin.pause(milliseconds=round(DRAIN_S * 1000))
        except grpc.RpcError as error:
            self._verdict.add(DRAIN, error)
            self._admin.unpause()
            return
        seconds = time.monotonic() - began
        self._figures.longest_drain = max(self._figures.longest_drain, seconds)
        if seconds > DRAIN_S:
            self._verdict.add(DRAIN, f"{seconds:.2f} s")
        answered = time.monotonic_ns()
        time.sleep(self._dice.uniform(0, LONGEST_PAUSE_S))
        if not self._admin.paused():
            self._verdict.add(ADMITTED, "it says that it is not paused")
        self._windows.append((answered, time.monotonic_ns()))
        self._admin.unpause()
        self._figures.pauses += 1

    def _pause_and_kill(self, strike: Strike) -> None:
        """A pause that fails has to say so; one that does not has to hold until it is ended."""
        kill = self._aimed(strike)
        answered = None
        try:
            with self._killing(strike, PAUSING, kill):
                self._admin.pause(milliseconds=round(DRAIN_S * 1000))
                answered = time.monotonic_ns()
        except grpc.RpcError as error:
            if strike.moment != PAUSING:
                self._verdict.add(DRAIN, error)
            self._figures.pauses_that_failed += 1
        if strike.moment == PAUSING:
            late = answered is not None and strike.struck > answered
            self._figures.killed_in_pauses[strike.who, IN_IT if late else PAUSING] += 1
        if answered is not None:
            self._hold_and_end(strike, kill, answered)
        if not strike.struck:
            kill()
        self._goes_on(strike)

    def _hold_and_end(self, strike: Strike, kill: Callable[[], None], answered: int) -> None:
        self._figures.pauses += 1
        time.sleep(self._dice.uniform(0, LONGEST_PAUSE_S))
        if strike.moment == IN_IT:
            kill()
            self._figures.killed_in_pauses[strike.who, IN_IT] += 1
        if strike.struck and strike.who == WHOLE:
            self._windows.append((answered, strike.struck))
            return
        if strike.struck:
            self._comes_back()
            if not self._admin.paused():
                self._verdict.add(ADMITTED, f"a worker was killed {strike.moment}: not paused")
            if self._admitted():
                self._verdict.add(ADMITTED, f"a worker was killed {strike.moment}")
            else:
                self._figures.came_back_paused += 1
        over = time.monotonic_ns()
        self._windows.append((answered, over))
        try:
            with self._killing(strike, UNPAUSING, kill):
                self._admin.unpause()
                ended = time.monotonic_ns()
        except grpc.RpcError:
            if strike.moment != UNPAUSING:
                raise
            ended = time.monotonic_ns()
        if strike.moment == UNPAUSING and strike.struck <= ended:
            self._figures.killed_in_pauses[strike.who, UNPAUSING] += 1

    def _goes_on(self, strike: Strike) -> None:
        """Behind it nobody is refused any more, by whichever worker."""
        if strike.who == WHOLE:
            self._fleet.start(0)
            self._admin.__exit__()
            self._admin = Admin(self._fleet.node().admin)
        self._comes_back()
        if self._admin.paused():
            self._verdict.add(STUCK, f"{strike.who} killed {strike.moment}: paused")
        refused = set(range(self._fleet.workers)) - self._admitted()
        if refused:
            self._verdict.add(STUCK, f"{strike.who} killed {strike.moment}: by {refused}")

    def _comes_back(self) -> None:
        node, workers = self._fleet.node(), self._fleet.workers
        until(lambda: len(node.workers()) == workers, "all workers serve", COMES_BACK_S)

    def _admitted(self) -> set[int]:
        """The workers that let work begin now; each of them is asked."""
        asked: set[int] = set()
        admitted: set[int] = set()
        ends = time.monotonic() + LONGEST_ASKING_S
        options = [("grpc.use_local_subchannel_pool", 1)]
        while len(asked) < self._fleet.workers:
            assert time.monotonic() < ends, f"only {asked} are ever met"
            with grpc.insecure_channel(self._fleet.node().where, options=options) as channel:
                slot = work(channel, "Look")["slot"]
                if slot in asked:
                    continue
                try:
                    work(channel, "Do")
                except grpc.RpcError as error:
                    if "paused" not in str(error):
                        raise
                else:
                    admitted.add(slot)
                asked.add(slot)
        return admitted

    def _aimed(self, strike: Strike) -> Callable[[], None]:
        """A blow that hits at once: who is to be killed is known before."""
        fleet = self._fleet
        worker, processes = fleet.worker_that_serves(), fleet.processes_of(0)

        def kill() -> None:
            if strike.who == WHOLE:
                strike.struck = fleet.kill_node(0, processes)
            else:
                strike.struck = fleet.kill_worker(worker)

        return kill

    @contextmanager
    def _killing(self, strike: Strike, moment: str, kill: Callable[[], None]) -> Iterator[None]:
        """Kill in the middle of what is done meanwhile, if this is the moment for it."""
        if strike.moment != moment:
            yield
            return
        longest = PAUSING_TAKES_S if moment == PAUSING else UNPAUSING_TAKES_S
        seconds = self._dice.uniform(0, longest)
        begun = threading.Event()

        def later() -> None:
            begun.set()
            time.sleep(seconds)
            kill()

        with ThreadPoolExecutor(1) as thread:
            killing = thread.submit(later)
            begun.wait()
            try:
                yield
            finally:
                killing.result()

    def _judge(self) -> None:
        for entry in self._told.entries:
            if entry.outcome != "committed" or entry.ended is None:
                continue
            for answered, over in self._windows:
                if answered < entry.begun and entry.ended < over:
                    self._verdict.add(ADMITTED, entry)
