"""Where do both sides run: which servers or files, and with which properties on either side?

On SQLite "sqlite" is one file for both, in WAL mode with ``synchronous=FULL``; at "sqlite as found"
each has a file of its own and names nothing but its path.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import scalar_tx
from bench.beside import ycsb
from bench.beside.tpcc import MIXES
from bench.beside.tpcc_population import Population
from bench.beside.tpcc_tables import NAMESPACE, TABLES, Scale
from bench.beside.turns import SERVER, cpu_seconds
from bench.import_time import ROOT
from tests.compatibility.places import several
from tests.servers.kinds import KINDS
from tests.servers.node import Cluster
from tests.servers.processes import family

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from scalar_tx import TransactionManager

SQLITE: Final = "sqlite"
AS_FOUND: Final = "sqlite as found"
# The first of several holds the coordinator and what is in no namespace of the second.
PLACES: Final[dict[str, tuple[str, ...]]] = {
    SQLITE: ("sqlite",),
    AS_FOUND: ("sqlite",),
    "postgresql": ("postgresql",),
    "cassandra": ("cassandra",),
    "dynamodb": ("dynamodb",),
    "cassandra+dynamodb": ("cassandra", "dynamodb"),
    "postgresql+sqlite": ("postgresql", "sqlite"),
}
COORDINATOR: Final = "coordinator"
GROUP_COMMIT: Final = "scalar.db.consensus_commit.coordinator.group_commit.enabled"
FULL_SYNC: Final = "journal_mode=WAL&synchronous=FULL&busy_timeout=10000"
LOADED_AT_ONCE: Final = 50


@dataclass
class Place:
    """Running servers with the tables, and what each side connects with."""

    name: str
    java: dict[str, str]
    ours: dict[str, str]
    servers: list[Cluster] = field(default_factory=list)

    @property
    def shared(self) -> bool:
        """Do both have the same records?"""
        return self.java == self.ours

    def spent(self) -> dict[str, float]:
        """CPU seconds that the servers' processes have taken so far; a file has none."""
        nodes = [node for server in self.servers for node in server.nodes]
        return {SERVER: cpu_seconds(pid for node in nodes for pid in family(node.pid))}


def default_folder() -> Path:
    """Where SQLite files lie: on the checkout's disk, since a temporary folder may have none."""
    folder = ROOT / "build" / "bench"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def opened(
    name: str,
    folder: Path | None = None,
    running: Mapping[str, Cluster] | None = None,
) -> Iterator[Place]:
    """The place, without tables. ``running`` servers are used; others are started and ended."""
    with ExitStack() as open_:
        files = Path(open_.enter_context(tempfile.TemporaryDirectory(dir=folder)))
        servers: dict[str, Cluster] = {}
        for kind in PLACES[name]:
            if kind == "sqlite":
                url = f"jdbc:sqlite:{files / 'both.db'}?{FULL_SYNC}"
                servers[kind] = Cluster(kind, [], _of_jdbc(url))
            else:
                servers[kind] = (running or {}).get(kind) or open_.enter_context(KINDS[kind]())
        clusters = [one for one in servers.values() if one.nodes]
        if name == AS_FOUND:
            ours = {
                "scalar.db.storage": "sqlite",
                "scalar.db.contact_points": f"sqlite:///{files / 'ours.db'}",
            }
            yield Place(name, _of_jdbc(f"jdbc:sqlite:{files / 'java.db'}"), ours)
        elif len(servers) == 1:
            [only] = servers.values()
            yield Place(name, only.properties(), only.properties(), clusters)
        else:
            first, second = ycsb.NAMESPACES
            where = {first: 0, second: 1, COORDINATOR: 0, NAMESPACE: 0}
            both = several(servers, where)
            yield Place(name, both, dict(both), clusters)


def _of_jdbc(url: str) -> dict[str, str]:
    return {"scalar.db.storage": "jdbc", "scalar.db.contact_points": url}


def load(place: Place, workload: str, scale: Scale, seed: int = 2) -> None:
    """Make tables and records anew, by us, for both sides."""
    for properties in [place.ours] if place.shared else [place.ours, place.java]:
        # With group commit's column: whoever does without it does not mind.
        with scalar_tx.connect({**properties, GROUP_COMMIT: "true"}) as db:
            db.admin.create_coordinator_tables(if_not_exists=True)
        with scalar_tx.connect(properties) as db:
            if workload in MIXES:
                _load_tpcc(db, scale, seed)
            else:
                _load_ycsb(db, seed)


def _load_ycsb(db: TransactionManager, seed: int) -> None:
    from random import Random

    for table in ycsb.TABLES:
        db.admin.drop_table(table, if_exists=True)
        db.admin.create_table(table, columns=ycsb.COLUMNS, partition_key=[ycsb.KEY])
        db.load(table, ycsb.rows(Random(seed)), batch=LOADED_AT_ONCE)


def _load_tpcc(db: TransactionManager, scale: Scale, seed: int) -> None:
    rows: dict[str, Callable[[], Iterator[Mapping[str, object]]]] = {
        **Population(scale, seed).tables()
    }
    for table, definition in TABLES.items():
        db.admin.drop_table(table, if_exists=True)
        db.admin.create_table(
            table,
            columns=definition.columns,
            partition_key=definition.partition,
            clustering_key=definition.clustering,
        )
        if table in rows:
            db.load(table, rows[table](), batch=LOADED_AT_ONCE)  # type: ignore[arg-type]  # values
