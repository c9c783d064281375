"""Which servers are killed in a campaign, and how much must happen to them?"""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.chaos.fleet import Crew
from tests.servers import cassandra, dynamodb, postgresql
from tests.servers.proxy import Proxy

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from contextlib import AbstractContextManager

    from tests.chaos.trouble import Killing
    from tests.servers import Cluster, Node

WHOLE: Final = 20_000  # commits of all parts together
FEWEST_HITS: Final = 3
THREE_REPLICAS: Final = {"replication-factor": "3"}


@dataclass(frozen=True)
class Servers:
    """Running servers: how they are reached together, and the nodes there are.

    ``killing`` is what has to be around the kill of a node, by its name, if anything.
    """

    properties: Mapping[str, str]
    nodes: list[Node]
    killing: Mapping[str, Killing] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One part of the campaign.

    ``share`` of all commits are made in it. In a whole campaign, of ``WHOLE`` commits, its servers
    have at least ``hits`` troubles; in a smaller one fewer.
    """

    title: str
    share: float
    hits: int
    servers: Callable[[], AbstractContextManager[Servers]]
    crew: Crew
    floors: Mapping[str, int]
    options: Mapping[str, str] = field(default_factory=dict)

    def hits_for(self, commits: int) -> int:
        """How many troubles belong to so many commits."""
        return max(FEWEST_HITS, round(self.hits * min(1.0, commits / (WHOLE * self.share))))

    def floors_for(self, commits: int) -> dict[str, int]:
        """What must have happened with so many commits."""
        hits = self.hits_for(commits)
        return {
            **self.floors,
            "commits": commits,
            "conflicts": commits // 50,
            "dependencies between transactions": commits,
            "servers killed": hits // 2,
            # A node that died while nobody was at work shows nothing; one in four may.
            "servers hit with transactions in flight": hits * 3 // 4,
        }


@contextmanager
def _alone(start: Callable[[], AbstractContextManager[Cluster]]) -> Iterator[Servers]:
    with start() as cluster:
        yield Servers(cluster.properties(), cluster.nodes)


@contextmanager
def _dynamodb_local() -> Iterator[Servers]:
    """Behind a proxy, since it keeps what it has acknowledged only a moment later."""
    with dynamodb() as cluster, Proxy.before(cluster) as proxy:
        yield Servers(proxy.properties(cluster), cluster.nodes, {"dynamodb": proxy.quiet})


@contextmanager
def _together() -> Iterator[Servers]:
    """Accounts, notes, decisions and half of the lists in Cassandra, markers in DynamoDB.

    So every transaction that does anything writes to both.
    """
    with ExitStack() as running:
        first = running.enter_context(_alone(cassandra))
        second = running.enter_context(_dynamodb_local())
        storages = {"cassandra": first, "dynamo": second}
        properties = {
            "scalar.db.storage": "multi-storage",
            "scalar.db.multi_storage.storages": ",".join(storages),
            "scalar.db.multi_storage.default_storage": "cassandra",
            "scalar.db.multi_storage.namespace_mapping": "chaos_beside:dynamo",
        }
        for name, servers in storages.items():
            for key, value in servers.properties.items():
                own = key.removeprefix("scalar.db.")
                properties[f"scalar.db.multi_storage.storages.{name}.{own}"] = value
        yield Servers(properties, [*first.nodes, *second.nodes], second.killing)


_SLOW: Final = Crew(writers=3, threads=4, at_moment=15.0, at_random=15.0, aftermath=5.0)

# How much is always wanted; the rest is in proportion to the commits of a part.
_ALWAYS: Final = {
    "kills": 4,
    "recovered records": 1,
    "totals added up by readers": 20,
    "replies lost": 1,
    "unknown outcomes and deaths before the end": 4,
}

PARTS: Final = {
    "cassandra": Part(
        "three nodes of Cassandra, every record three times",
        share=0.2,
        hits=9,
        servers=lambda: _alone(lambda: cassandra(nodes=3)),
        crew=_SLOW,
        options=THREE_REPLICAS,
        floors={**_ALWAYS, "commits while a server was away": 5},
    ),
    "dynamodb": Part(
        "DynamoDB Local on its file",
        share=0.15,
        hits=8,
        servers=_dynamodb_local,
        crew=_SLOW,
        # It is killed where nothing is under way, so an outcome is hardly ever unknown.
        floors=_ALWAYS,
    ),
    "postgresql": Part(
        "PostgreSQL",
        share=0.5,
        hits=12,
        servers=lambda: _alone(postgresql),
        crew=Crew(writers=3, threads=4, at_moment=8.0, at_random=8.0, aftermath=3.0),
        floors={**_ALWAYS, "unknown outcomes": 1},
    ),
    "multi": Part(
        "Cassandra and DynamoDB Local in one transaction",
        share=0.15,
        hits=8,
        servers=_together,
        crew=_SLOW,
        floors={**_ALWAYS, "unknown outcomes": 1},
    ),
}
