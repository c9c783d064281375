"""``python -m bench profile CONTEST``: where does our time go in one contest?

One client runs its workload at its place, alone, under Python's profiler, which makes small
functions look dearer than they are. Printed are the costliest functions by their own time.
"""

from __future__ import annotations

import argparse
import cProfile
import random
import time
from typing import TYPE_CHECKING, Any, Final

import scalar_tx
from bench.beside.figures import CONTESTS, Contest, Profile
from bench.beside.modes import ISOLATION, MODES
from bench.beside.our_clients import Orders, work_of
from bench.beside.places import default_folder, load, opened
from bench.beside.tally import Client
from bench.beside.turns import Effort
from bench.costliest import costliest

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.servers.node import Cluster

FUNCTIONS: Final = 12  # on the page


def main(arguments: Sequence[str]) -> int:
    """Profile and print."""
    contests = {one.name: one for one in CONTESTS}
    parser = argparse.ArgumentParser(prog="python -m bench profile", description=__doc__)
    parser.add_argument("figure", help="its name, as python -m bench figures --list has it")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--functions", type=int, default=25)
    wanted = parser.parse_args(arguments)
    if wanted.figure not in contests:
        parser.error(f"{wanted.figure} is no contest: see python -m bench figures --list")
    contest = contests[wanted.figure]
    effort = Effort(seconds=wanted.seconds, folder=default_folder())
    profile, client = profiled(contest, effort)
    print(f"{contest.name}: {client.all_done} transactions, {client.attempts} attempts")
    print(f"{'own µs':>9} {'calls':>8}  of one transaction")
    for one in costliest(profile, client.all_done, wanted.functions):
        print(f"{one.micros:9.1f} {one.calls:8.1f}  {one.name}")
    return 0


def measured_profile(
    figure: Profile, effort: Effort, running: Mapping[str, Cluster] | None
) -> dict[str, Any]:
    """The costliest functions; microseconds and calls are of one transaction."""
    profile, client = profiled(Contest(figure.workload, figure.place, 1), effort, running)
    every = costliest(profile, client.all_done, None)
    return {
        "transactions": client.all_done,
        "micros": sum(one.micros for one in every),
        "functions": [one._asdict() for one in every[:FUNCTIONS]],
    }


def profiled(
    contest: Contest, effort: Effort, running: Mapping[str, Cluster] | None = None
) -> tuple[cProfile.Profile, Client]:
    """Run one client of ours under the profiler."""
    profile = cProfile.Profile()
    client = Client(random.Random(1))
    with opened(contest.place, effort.folder, running) as place:
        load(place, contest.workload, effort.scale)
        mode = MODES[contest.mode].ours
        orders = Orders(
            properties={**place.ours, ISOLATION: effort.isolation, **mode},
            workload=contest.workload,
            clients=1,
            seed=1,
            warm_up=0.0,
            seconds=effort.seconds,
            gathered=contest.gathered,
            scale=vars(effort.scale),
        )
        with scalar_tx.connect(orders.properties) as db:
            work = work_of(orders, db)
            work(client)  # tables are known, connections are open
            client.all_done = client.attempts = 0
            client.until = time.monotonic_ns() + int(1e9 * effort.seconds)
            profile.enable()
            while not client.over:
                work(client)
            profile.disable()
    return profile, client
