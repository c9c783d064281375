"""What is left when the processes of nodes are killed under living clients, and is it right?

Each run is on a new database: workers and whole nodes killed and started again, with commits that
leave steps out and with commits that do not; three nodes of which one after the other dies; pauses.
Behind each the clients end, whoever is in doubt is settled, what the dead left expires, a fresh
process reads everything, and all that the clients were told is held against it.
"""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
import threading
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import scalar_tx
from scalar_tx.cluster.client import backend
from scalar_tx.histories import check_lists
from tests.chaos.bank import MARKER
from tests.chaos.campaign import EXPIRY_S, LONGEST_READING_S, UNDECIDED
from tests.chaos.fleet import ROOT
from tests.chaos.histories import LEVEL, list_history
from tests.chaos.judge import ANOMALY, UNSETTLED, judge
from tests.chaos.lists import LISTS, contents, parts_of
from tests.chaos.node_clients import Load, Told
from tests.chaos.node_figures import NodeResult
from tests.chaos.node_fleet import NodeFleet
from tests.chaos.node_pauses import pause_often
from tests.chaos.places import FilePlace, ServerPlace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from tests.chaos.journal import Entry
    from tests.chaos.judge import Verdict
    from tests.chaos.places import Place

LONGEST_DOUBT_S: Final = 20.0  # a writer's fifteen seconds, and five
LONGEST_GAP_S: Final = 4.0  # without a commit, where two of three nodes go on
SETTLING_S: Final = 0.5  # how long clients ask what became of a commit: less than a node is away
WORKERS_KILLED: Final = 8  # before the whole node: pauses before a restart grow with each
ODD: Final = "what a client must not see"
SECOND: Final = 10**9


class Doubts:
    """A context: whoever is in doubt is settled as soon as a node answers. ``took``: seconds."""

    def __init__(self, url: str, told: Told) -> None:
        self._url, self._told = url, told
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
        with scalar_tx.connect(self._url) as db:
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
                        self.took[tx_id] = (time.monotonic_ns() - since) / SECOND
                if last:
                    return


def _silent(_: str) -> None:
    return None


def on_a_file(folder: Path) -> tuple[Place, str]:
    """An SQLite file there, and the properties of a node on it."""
    file = folder / "chaos.db"
    return FilePlace(file), f"scalar.db.contact_points={file}\n"


def on_a_server(folder: Path, properties: Mapping[str, str]) -> tuple[Place, str]:
    """The same on a server that runs already."""
    lines = "".join(f"{name}={value}\n" for name, value in properties.items())
    return ServerPlace(folder / "scalardb.properties", properties, {}), lines


class NodeCampaign:
    """Runs, and what came of them; the seed draws the plan, the machine deals the timing."""

    def __init__(
        self,
        folder: Path,
        seed: int,
        say: Callable[[str], None] = _silent,
        *,
        where: Callable[[Path], tuple[Place, str]] = on_a_file,
    ) -> None:
        self._folder, self._seed, self._say, self._where = folder, seed, say, where
        self._dice = random.Random(seed)
        self.result = NodeResult()

    def run(self, kills: int, pauses: int) -> NodeResult:
        """All of it; it goes on to the end whatever was wrong."""
        of_three = -(-kills // 10)
        cycles = -(-(kills - of_three) // (2 * (WORKERS_KILLED + 1)))
        self.one_node(cycles, WORKERS_KILLED, every_step=True)
        self.one_node(cycles, WORKERS_KILLED, every_step=False)
        self.three_nodes(of_three)
        self.pauses(pauses)
        return self.result

    def one_node(self, cycles: int, workers_killed: int, *, every_step: bool) -> None:
        """Some workers of a node die, then all of it at once; so many times."""
        name = "every-step" if every_step else "short"

        def kills(fleet: NodeFleet, _: Told) -> None:
            for cycle in range(cycles):
                for _each in range(workers_killed):
                    time.sleep(self._dice.uniform(0.1, 0.7))
                    fleet.kill_worker()
                time.sleep(self._dice.uniform(0.1, 0.7))
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

    def three_nodes(self, kills: int) -> None:
        """One of three dies, the others go on; it comes back, and another one dies."""
        figures = self.result.figures

        def killed(fleet: NodeFleet, told: Told) -> None:
            time.sleep(3.0)
            for number in range(kills):
                now = time.monotonic_ns()
                before = len(told.commits_since(now - 3 * SECOND)) / 3
                struck = fleet.kill_node(number % 3)
                time.sleep(5.0)
                after = told.commits_since(struck)
                figures.rates.append((before, _rate_regained(after, struck)))
                figures.gaps.append(_longest_gap(after, struck))
                if figures.gaps[-1] > LONGEST_GAP_S:
                    self.result.verdict.add(ODD, f"{figures.gaps[-1]:.1f} s without a commit")
                fleet.start(number % 3)
                time.sleep(3.0)
                self._say(f"three nodes: {len(fleet.hits)} kills, {figures.rates[-1]} commits/s")

        told = self._run("three", killed, nodes=3, workers=1)
        for one in told.left_run:
            self.result.verdict.add(ODD, one)

    def pauses(self, number: int) -> None:
        """A node is paused and unpaused so many times; nobody dies."""
        figures = self.result.figures

        def paused(fleet: NodeFleet, told: Told) -> None:
            time.sleep(0.5)
            pause_often(fleet, told, number, self._dice, self.result)
            self._say(f"{figures.pauses} pauses, {figures.longest_drain:.2f} s the longest drain")

        for one in self._run("pauses", paused, workers=4).left_run:
            self.result.verdict.add(ODD, one)

    def _run(self, name: str, kill: Callable[[NodeFleet, Told], None], **how: Any) -> Told:
        folder = self._folder / name
        folder.mkdir(parents=True)
        (place, properties), told = self._where(folder), Told()
        with NodeFleet(folder, properties, self._dice, **how) as fleet:
            doubts = Doubts(fleet.url, told)
            with doubts, Load(fleet.url, told, f"{name}{self._seed}"):
                kill(fleet, told)
            time.sleep(EXPIRY_S)
            judge_run(self.result.verdict, place, told, doubts)
        self.result.figures.add(told, fleet, doubts.took, doubts.states)
        for log in fleet.tracebacks():
            self.result.verdict.add(ODD, f"a traceback in {log}")
        return told


def judge_run(verdict: Verdict, place: Place, told: Told, doubts: Doubts) -> None:
    """Hold what is stored against what was told."""
    for fault in told.faults:
        verdict.add(ODD, fault)
    for tx_id, seconds in doubts.took.items():
        if seconds > LONGEST_DOUBT_S:
            verdict.add(UNSETTLED, f"{tx_id} was in doubt for {seconds:.1f} s")
    entries = {entry.tx_id: entry for entry in told.entries}
    if len(entries) != len(told.entries):
        verdict.add(ODD, "an id was used twice")
    seen, states = _read(place.target, entries)
    for tx_id, state in doubts.states.items():
        if states.get(tx_id) != state:
            verdict.add(UNSETTLED, f"{tx_id} was settled {state}, and is {states.get(tx_id)}")
    # The marker of a script bears its element.
    names = {entry.element: entry.tx_id for entry in told.entries}
    stored = place.stored()
    markers = _renamed(stored.rows[MARKER], names)
    found = judge(
        replace(stored, rows={**stored.rows, MARKER: markers}),
        entries,
        {**seen, MARKER: _renamed(seen[MARKER], names)},
        states,
    )
    history = list_history(entries.values())
    final = contents(row for table in LISTS for row in seen[table])
    checked = check_lists(history, LEVEL, final=final)
    if checked.proves_nothing:
        found.add(ANOMALY, f"lists prove nothing: {checked.proves_nothing}")
    for anomaly in checked.anomalies:
        found.add(ANOMALY, anomaly)
    for kind, whats in found.findings.items():
        for what in whats:
            verdict.add(kind, what)


def _renamed(markers: list[dict[str, Any]], names: dict[str, str]) -> list[dict[str, Any]]:
    return [{**row, "id": names.get(row["id"], row["id"])} for row in markers]


def _read(
    target: str, entries: dict[str, Entry]
) -> tuple[dict[str, list[dict[str, Any]]], dict[str, str]]:
    asked = {
        "ids": sorted(entries),
        "new": sorted(entries),
        "undecided": [tx_id for tx_id, one in entries.items() if one.outcome in UNDECIDED],
        "parts": sorted({part for one in entries.values() for part in parts_of(one.work.deeds)}),
    }
    answer = subprocess.run(
        [sys.executable, "-m", "tests.chaos.settler", target],
        check=True,
        cwd=ROOT,
        input=json.dumps(asked),
        stdout=subprocess.PIPE,
        text=True,
        timeout=LONGEST_READING_S,
    )
    given = json.loads(answer.stdout)
    return given["rows"], given["states"]


def _rate_regained(commits: list[int], struck: int) -> float:
    """Commits a second, from the third to the fifth second behind a kill."""
    return sum(3 * SECOND <= one - struck < 5 * SECOND for one in commits) / 2


def _longest_gap(commits: list[int], struck: int) -> float:
    moments = [struck, *sorted(commits), struck + 5 * SECOND]
    return max(b - a for a, b in itertools.pairwise(moments)) / SECOND
