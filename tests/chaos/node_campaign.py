"""What is left when the processes of nodes are killed under living clients, and is it right?

Each run is on a new database: workers and whole nodes killed and started again, with commits that
leave steps out and with commits that do not; three nodes of which one after the other dies; pauses.
Behind each the clients end, whoever is in doubt is settled, what the dead left expires, a fresh
process reads everything, and all that the clients were told is held against it.
"""

from __future__ import annotations

import random
import threading
import time
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

import scalar_tx
from scalar_tx.cluster.client import backend
from tests.chaos.campaign import EXPIRY_S
from tests.chaos.node_clients import Load, Told, anywhere
from tests.chaos.node_figures import (
    EXPIRED,
    HOT,
    MIXED,
    WIDE,
    NodeResult,
    hot_kills,
    pauses_with_kills,
)
from tests.chaos.node_fleet import NodeFleet
from tests.chaos.node_judge import ODD, judge_run
from tests.chaos.node_pauses import Pauses
from tests.chaos.node_places import on_a_file
from tests.chaos.node_rates import SECOND, longest_gap, measured, measured_each_second, rate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.chaos.node_places import Where

LONGEST_GAP_S: Final = 4.0  # without a commit, where two of three nodes go on
SETTLING_S: Final = 0.5  # how long clients ask what became of a commit: less than a node is away
WORKERS_KILLED: Final = 8  # before the whole node: pauses before a restart grow with each
WARMING_S: Final = 2.0
CALM_S: Final = 2.0  # a node that has just been started still takes its share of the processors
BEFORE_S: Final = 4
FULL_AGAIN_S: Final = 5
RERUN_S: Final = 2.0  # in which whoever has waited for the dead begins again


class Doubts:
    """A context: whoever is in doubt is settled as soon as a node answers.

    ``took``: in how many seconds, those not counted in which there was no node to ask.
    """

    def __init__(self, fleet: NodeFleet, told: Told) -> None:
        self._fleet, self._told = fleet, told
        self.took: dict[str, float] = {}
        self.states: dict[str, str] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        with scalar_tx.connect(self._fleet.url) as db:
            while True:
                last = self._over.wait(0.1)
                for tx_id, since in list(self._told.in_doubt):
                    if tx_id in self.took:
                        continue
                    try:
                        self.states[tx_id] = db.settle(tx_id).value
                    except (scalar_tx.StorageUnavailableError, scalar_tx.UnknownOutcomeError):
                        last = False
                    else:
                        now = time.monotonic_ns()
                        nobody = self._fleet.seconds_without(since, now)
                        self.took[tx_id] = (now - since) / SECOND - nobody
                if last:
                    return


def _silent(_: str) -> None:
    return None


class NodeCampaign:
    """Runs, and what came of them; the seed draws the plan, the machine deals the timing.

    ``pace``: how many times longer than usual it is from one kill to the next.
    """

    def __init__(
        self,
        folder: Path,
        seed: int,
        say: Callable[[str], None] = _silent,
        *,
        where: Where = on_a_file,
        pace: float = 1.0,
    ) -> None:
        self._pace = pace
        self._folder, self._seed, self._say, self._where = folder, seed, say, where
        self._dice = random.Random(seed)
        self.result = NodeResult()

    def run(self, kills: int, pauses: int) -> NodeResult:
        """All of it; it goes on to the end whatever was wrong."""
        of_three = max(1, kills // 20)  # each way
        cycles = -(-(kills - 2 * of_three) // (2 * (WORKERS_KILLED + 1)))
        self.one_node(cycles, WORKERS_KILLED, every_step=True)
        self.one_node(cycles, WORKERS_KILLED, every_step=False)
        self.three_nodes(of_three)
        self.three_nodes(of_three, WIDE)
        self.three_nodes(hot_kills(kills), HOT)
        self.pauses(pauses)
        self.pauses(*pauses_with_kills(pauses))
        return self.result

    def one_node(self, cycles: int, workers_killed: int, *, every_step: bool) -> None:
        """Some workers of a node die, then all of it at once; so many times."""
        name = "every-step" if every_step else "short"

        def kills(fleet: NodeFleet, _: Told) -> None:
            for cycle in range(cycles):
                for _each in range(workers_killed):
                    time.sleep(self._pace * self._dice.uniform(0.1, 0.7))
                    fleet.kill_worker()
                time.sleep(self._pace * self._dice.uniform(0.1, 0.7))
                fleet.kill_node(0)
                fleet.start(0)
                self._say(f"{name}: {cycle + 1} of {cycles}, {len(fleet.hits)} kills")
            time.sleep(1.0)

        before, backend._SETTLING_SECONDS = backend._SETTLING_SECONDS, SETTLING_S
        try:
            told = self._run(name, kills, workers=4, every_step=every_step)
        finally:
            backend._SETTLING_SECONDS = before
        # Nobody but who is in doubt is told of an error by what runs again.
        odd = [one for one in told.left_run if not one.startswith("STX-2001")]
        for one in odd:
            self.result.verdict.add(ODD, one)

    def three_nodes(self, kills: int, keys: str = MIXED) -> None:
        """One of three dies, the others go on; it comes back, and another one dies.

        ``MIXED``: work as ever. ``WIDE``: commits leave no step out, so that the dead leave records
        prepared, but among so many that nobody meets them. ``HOT``: the same on few records, where
        who meets one waits until its writer may be recovered.
        """
        figures = self.result.figures

        def killed(fleet: NodeFleet, told: Told) -> None:
            time.sleep(WARMING_S)
            for number in range(kills):
                time.sleep(CALM_S)
                before = measured(told, fleet.processes(), BEFORE_S)
                struck = fleet.kill_node(number % 3)
                behind = measured_each_second(told, fleet.processes(), FULL_AGAIN_S)
                after = rate(before, behind)
                figures.rates[keys].append(after)
                figures.gaps.append(longest_gap(told.commits_since(struck), struck, FULL_AGAIN_S))
                if keys == HOT:
                    time.sleep(EXPIRY_S + RERUN_S - FULL_AGAIN_S)
                    then = rate(before, measured_each_second(told, fleet.processes(), BEFORE_S))
                    figures.rates[EXPIRED].append(then)
                elif figures.gaps[-1] > LONGEST_GAP_S:
                    self.result.verdict.add(ODD, f"{figures.gaps[-1]:.1f} s without a commit")
                fleet.start(number % 3)
                self._say(f"three nodes, {keys}: {len(fleet.hits)} kills, {after.share:.0%}")

        how = {"work": anywhere} if keys == WIDE else {}
        name = f"three-{keys}"
        told = self._run(name, killed, nodes=3, workers=1, every_step=keys != MIXED, load=how)
        for one in told.left_run:
            self.result.verdict.add(ODD, one)

    def pauses(self, number: int, kills: int = 0) -> None:
        """A node is paused and unpaused so many times; in so many of them somebody is killed."""
        figures = self.result.figures

        def paused(fleet: NodeFleet, told: Told) -> None:
            time.sleep(0.5)
            Pauses(fleet, told, self._dice, self.result).run(number, kills)
            self._say(f"{figures.pauses} pauses, {figures.longest_drain:.2f} s the longest drain")

        for one in self._run(f"pauses-{kills}", paused, workers=4, every_step=kills > 0).left_run:
            self.result.verdict.add(ODD, one)

    def _run(
        self,
        name: str,
        kill: Callable[[NodeFleet, Told], None],
        *,
        load: Mapping[str, Any] = MappingProxyType({}),
        **how: Any,
    ) -> Told:
        folder = self._folder / name
        folder.mkdir(parents=True)
        (place, properties), told = self._where(folder), Told()
        with NodeFleet(folder, properties, self._dice, **how) as fleet:
            doubts = Doubts(fleet, told)
            with doubts, Load(fleet.url, told, f"{name}{self._seed}", **load):
                kill(fleet, told)
            time.sleep(EXPIRY_S)
            judge_run(self.result.verdict, place, told, doubts)
        self.result.figures.add(told, fleet, doubts.took, doubts.states)
        for log in fleet.tracebacks():
            self.result.verdict.add(ODD, f"a traceback in {log}")
        wrong = sum(map(len, self.result.verdict.findings.values()))
        self._say(f"{name}: {len(fleet.hits)} kills judged; {wrong} things wrong until now")
        return told
