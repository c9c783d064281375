"""Where do Java and we meet: which server, with which properties and tables on either side?"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol

import pytest

import scalar_tx
from tests.compatibility.java_peer import NEWEST

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx import TransactionManager
    from tests.compatibility.conftest import JavaShelf
    from tests.compatibility.java_cells import Row
    from tests.compatibility.java_peer import JavaPeer
    from tests.compatibility.java_session import JavaSession

# The kinds of servers, in the order in which a test run assigns its processes.
PLACES = {
    "cassandra": ("cassandra",),
    "dynamodb": ("dynamodb",),
    "postgresql": ("postgresql",),
    "mysql": ("mysql",),
    "cassandra+dynamodb": ("cassandra", "dynamodb"),
}
_LATE_SECONDS: Final = 30.0
EACH_SERVER = tuple(name for name, kinds in PLACES.items() if len(kinds) == 1)
# DynamoDB Local has neither; the Java library asks for both unless told not to.
OPTIONS = {"no-scaling": "true", "no-backup": "true"}
SMALL_POOLS = {
    f"scalar.db.jdbc.{pool}connection_pool.min_idle": "0"
    for pool in ("", "table_metadata.", "admin.")
}


def at(*names: str) -> pytest.MarkDecorator:
    """Run a test, which takes ``place``, at each of these."""
    cases = [
        pytest.param(name, id=name, marks=pytest.mark.servers(*PLACES[name])) for name in names
    ]
    return pytest.mark.parametrize("place", cases, indirect=True, scope="module")


@dataclass
class Place:
    """Servers with the tables of a module's tests, open on both sides.

    ``first`` and ``second`` are two namespaces: in different storages where there are two.
    """

    name: str
    properties: Mapping[str, str]
    shelf: JavaShelf
    first: str
    second: str
    _java: list[JavaSession] = field(default_factory=list)
    _ours: list[TransactionManager] = field(default_factory=list)

    @property
    def coordinator(self) -> str:
        """The coordinator table."""
        namespace = self.properties["scalar.db.consensus_commit.coordinator.namespace"]
        return f"{namespace}.state"

    @property
    def java(self) -> JavaSession:
        """A session of the shared JVM; don't halt it."""
        if not self._java:
            self._java.append(self.session(self.shelf.peer(NEWEST)))
        return self._java[0]

    def session(
        self,
        peer: JavaPeer,
        *,
        watched: bool = False,
        further: Mapping[str, str] = MappingProxyType({}),
    ) -> JavaSession:
        """Another session, perhaps of a JVM that is to end, with further properties."""
        return peer.open({**self.properties, **SMALL_POOLS, **further}, watched=watched)

    @property
    def ours(self) -> TransactionManager:
        """A manager of this library."""
        if not self._ours:
            self._ours.append(scalar_tx.connect(self.properties, bigint_range=64))
        return self._ours[0]

    def create_coordinator(self) -> None:
        """Make the coordinator table, by us, unless it is there."""
        self.ours.admin.create_coordinator_tables(if_not_exists=True)

    def create_table(
        self,
        table: str,
        columns: Mapping[str, str],
        partition_key: Sequence[str],
        clustering_key: Sequence[str] = (),
        secondary_index: Sequence[str] = (),
    ) -> None:
        """Make an empty table, by us: Java waits for seconds where it makes one on DynamoDB."""
        self.ours.admin.create_table(
            table,
            columns=columns,
            partition_key=partition_key,
            clustering_key=clustering_key,
            secondary_index=secondary_index,
            if_not_exists=True,
        )
        # Cassandra tells Java's driver of it by an event, which may come late.
        give_up = time.monotonic() + _LATE_SECONDS
        while self.java.describe(table) is None:
            assert time.monotonic() < give_up, f"the Java library knows no table {table}"
            time.sleep(0.1)

    def rows(self, table: str) -> list[Row]:
        """The rows as Java's storage layer has them, transaction columns included."""
        return self.java.storage_scan(table)

    def decisions(self) -> dict[str, tuple[Any, Any]]:
        """State and time of each decision."""
        return {
            str(row["tx_id"]): (row["tx_state"], row["tx_created_at"])
            for row in self.rows(self.coordinator)
        }

    def close(self) -> None:
        """Close both sides."""
        for manager in self._ours:
            manager.close()
        for session in self._java:
            if session.peer.alive:
                session.close()


class Served(Protocol):
    """Where a storage's data lie."""

    @property
    def settings(self) -> Mapping[str, str]:
        """The properties that lead there."""
        ...


def place_on(name: str, clusters: Mapping[str, Served], shelf: JavaShelf) -> Place:
    """The place of that name on running servers; its tables share nothing with other tests'."""
    prefix = f"beside_{name.replace('+', '_')}"
    first, second, coordinator = f"{prefix}_one", f"{prefix}_two", f"{prefix}_coordinator"
    properties = {"scalar.db.consensus_commit.coordinator.namespace": coordinator}
    if len(clusters) == 1:
        [cluster] = clusters.values()
        properties |= cluster.settings
    else:
        properties |= several(clusters, {first: 0, second: 1, coordinator: 0})
    return Place(name, properties, shelf, first, second)


def several(clusters: Mapping[str, Served], namespaces: Mapping[str, int]) -> dict[str, str]:
    """Properties of several storages as one, the first of them for all that isn't mapped."""
    multi = "scalar.db.multi_storage"
    kinds = list(clusters)
    found = {
        "scalar.db.storage": "multi-storage",
        f"{multi}.storages": ",".join(kinds),
        f"{multi}.default_storage": kinds[0],
        f"{multi}.namespace_mapping": ",".join(
            f"{namespace}:{kinds[number]}" for namespace, number in namespaces.items()
        ),
    }
    for kind, cluster in clusters.items():
        for key, value in cluster.settings.items():
            found[f"{multi}.storages.{kind}.{key.removeprefix('scalar.db.')}"] = value
    return found
