"""The whole campaigns, as ``make chaos`` runs them.

python -m tests.chaos file --kills 200 --seed 7               five minutes
python -m tests.chaos servers --transactions 20000 --seed 7   twenty minutes
python -m tests.chaos servers --part cassandra --transactions 1000
python -m tests.chaos node --kills 300 --pauses 1000 --seed 7 twenty minutes
python -m tests.chaos node --storage postgresql --kills 100 --pauses 100
python -m tests.chaos services --kills 100 --seed 7           ten minutes
python -m tests.chaos services --storage multi --kills 30
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from tests.chaos import services_places
from tests.chaos.campaign import Campaign, Result
from tests.chaos.figures import floors_of_kills
from tests.chaos.fleet import draw_moment
from tests.chaos.histories import LIST_HISTORY, RECORD_HISTORY
from tests.chaos.node_campaign import NodeCampaign
from tests.chaos.node_figures import floors_of
from tests.chaos.node_places import CALMLY, FILE, STORAGES, TOGETHER, nodes_on
from tests.chaos.parts import PARTS, WHOLE
from tests.chaos.places import FilePlace, ServerPlace
from tests.chaos.services_campaign import ServicesCampaign
from tests.chaos.services_campaign import floors_of as floors_of_services
from tests.chaos.trouble import Trouble
from tests.servers import ServerMissingError

if TYPE_CHECKING:
    from collections.abc import Mapping

LATER = 15  # on a server a writer lives longer, and has several threads
TITLE = "kill -9 of writers"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    where = parser.add_subparsers(dest="where", required=True)
    file = where.add_parser("file", help="writers on one SQLite file are killed")
    file.add_argument("--kills", type=int, default=200)
    file.add_argument("--batch", type=int, default=20, help="kills before each check")
    servers = where.add_parser("servers", help="servers are killed, and writers too")
    servers.add_argument("--transactions", type=int, default=WHOLE, help="committed, in all parts")
    servers.add_argument("--batches", type=int, default=2, help="of each part, each judged")
    servers.add_argument("--part", choices=PARTS, action="append", help="default: all of them")
    node = where.add_parser("node", help="processes of nodes are killed under living clients")
    node.add_argument("--kills", type=int, default=300)
    node.add_argument("--pauses", type=int, default=1000)
    node.add_argument("--storage", choices=STORAGES, default=STORAGES[0], help="they stand on")
    services = where.add_parser("services", help="the node of the five services is killed")
    services.add_argument("--kills", type=int, default=100)
    services.add_argument("--storage", choices=services_places.STORAGES, default=FILE)
    for each in (file, servers, node, services):
        each.add_argument("--seed", type=int, default=None, help="default: another one each time")
        each.add_argument("--keep", type=Path, default=None, help="a folder for all histories")
    wanted = parser.parse_args()
    seed = random.randrange(10**6) if wanted.seed is None else wanted.seed
    screen = Console()
    with ExitStack() as stack:
        keep: Path | None = wanted.keep
        folder = keep or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        if wanted.where == "file":
            right = on_a_file(screen, folder, seed, wanted.kills, wanted.batch)
        elif wanted.where == "node":
            stand = {"pauses": wanted.pauses, "storage": wanted.storage}
            right = on_nodes(screen, folder, seed, wanted.kills, **stand)
        elif wanted.where == "services":
            right = on_services(screen, folder, seed, wanted.kills, wanted.storage)
        else:
            parts = wanted.part or list(PARTS)
            sizes = {"transactions": wanted.transactions, "batches": wanted.batches}
            right = on_servers(screen, folder, seed, parts, **sizes)
    sys.exit(0 if right else 1)


def on_a_file(screen: Console, folder: Path, seed: int, kills: int, batch: int) -> bool:
    """Three writers on one SQLite file."""
    screen.print(f"{TITLE} on one SQLite file, seed {seed}")
    folder = fresh(folder / f"file-{seed}")
    campaign = Campaign(folder, FilePlace(folder / "chaos.db"), seed, say=screen.print)
    return show(screen, campaign.kill(kills, batch), floors_of_kills(kills))


def on_servers(
    screen: Console, folder: Path, seed: int, names: list[str], *, transactions: int, batches: int
) -> bool:
    """The parts, one after the other; a part that was wrong does not keep the others from running.

    Of several parts each has its share of the transactions, a single one has them all.
    """
    whole = sum(PARTS[name].share for name in names)
    right = True
    for name in names:
        part = PARTS[name]
        commits = round(transactions * part.share / whole)
        screen.print(f"{TITLE} and of servers: {part.title}, {commits} commits, seed {seed}")
        kept = fresh(folder / f"{name}-{seed}")
        try:
            with part.servers() as servers:
                place = ServerPlace(kept / "scalardb.properties", servers.properties, part.options)
                trouble = Trouble(servers.nodes, random.Random(f"{seed} {name}"), servers.killing)
                campaign = Campaign(
                    kept,
                    place,
                    seed,
                    crew=part.crew,
                    trouble=trouble,
                    draw=partial(draw_moment, times=LATER),
                    say=screen.print,
                )
                result = campaign.commit(commits, part.hits_for(commits), batches)
        except ServerMissingError as missing:
            sys.exit(str(missing))
        right &= show(screen, result, part.floors_for(commits))
        screen.print(f"histories: {kept / LIST_HISTORY}, {kept / RECORD_HISTORY}", soft_wrap=True)
    return right


def on_nodes(
    screen: Console, folder: Path, seed: int, kills: int, *, pauses: int, storage: str
) -> bool:
    """Of ten kills nine are of a node's workers or of all of it, one is of one of three nodes."""
    screen.print(f"kill -9 of nodes and of their workers, on {storage}, seed {seed}")
    try:
        with nodes_on(storage) as where:
            folder = fresh(folder / f"node-{storage}-{seed}")
            pace = CALMLY if storage == TOGETHER else 1.0
            campaign = NodeCampaign(folder, seed, screen.print, where=where, pace=pace)
            result = campaign.run(kills, pauses)
    except ServerMissingError as missing:
        sys.exit(str(missing))
    table = Table(show_header=False)
    for name, value in result.figures.table(result.verdict):
        table.add_row(name, value)
    screen.print(table)
    floors = floors_of(kills, pauses, slow=storage == TOGETHER)
    wrong = (*result.verdict.lines(), *result.figures.too_little(floors))
    for line in wrong:
        screen.print(line, style="bold red", markup=False)
    return not wrong


def on_services(screen: Console, folder: Path, seed: int, kills: int, storage: str) -> bool:
    """A node with the five services, and clients of each kind."""
    screen.print(f"kill -9 of the node of the five services, on {storage}, seed {seed}")
    try:
        with services_places.standing_on(storage) as where:
            folder = fresh(folder / f"services-{storage}-{seed}")
            pace = CALMLY if storage == TOGETHER else 1.0
            campaign = ServicesCampaign(folder, seed, screen.print, where=where, pace=pace)
            outcome = campaign.run(kills)
    except ServerMissingError as missing:
        sys.exit(str(missing))
    for title, counts in (
        ("happened", outcome.counts),
        ("refused", outcome.refusals),
        ("died at", outcome.steps),
    ):
        table = Table(title, "times")
        for name, times in sorted(counts.items()):
            table.add_row(name, str(times))
        screen.print(table)
    wrong = (*outcome.wrong, *outcome.too_little(floors_of_services(kills)))
    for line in wrong:
        screen.print(line, style="bold red", markup=False)
    return not wrong


def fresh(folder: Path) -> Path:
    """A new folder; what an earlier campaign left under its name would be taken for ours."""
    if folder.exists():
        sys.exit(f"{folder} is there already: remove it, name another seed or another --keep")
    folder.mkdir(parents=True)
    return folder


def show(screen: Console, result: Result, floors: Mapping[str, int]) -> bool:
    """What happened, and at which moments writers died; was it right, and enough?"""
    table = Table(show_header=False)
    for name, value in result.figures.table(result.verdict):
        table.add_row(name, value)
    screen.print(table)
    moments = Table("killed", "times", title="moments")
    for moment, times in result.figures.moments().most_common():
        moments.add_row(moment, str(times))
    for trouble, times in sorted(result.figures.troubles().items()):
        moments.add_row(trouble, str(times))
    screen.print(moments)
    wrong = (*result.verdict.lines(), *result.figures.too_little(floors))
    for line in wrong:
        screen.print(line, style="bold red", markup=False)
    return not wrong


if __name__ == "__main__":
    main()
