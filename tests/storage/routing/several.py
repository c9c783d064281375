"""One manager over Cassandra, DynamoDB, PostgreSQL and SQLite, the deciding one of them chosen."""

from __future__ import annotations

import time
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import pytest

import scalar_tx
from scalar_tx.connection import parts_of
from scalar_tx.errors import ConflictError, StorageUnavailableError, UnknownOutcomeError
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.settings import load
from scalar_tx.storage import registry
from scalar_tx.storage.routing import RoutedStorage
from tests.storage.routing.meetings import Meeting, Met, MetByFutures

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from scalar_tx import TransactionManager
    from scalar_tx.model.types import Row
    from tests.servers import Cluster

T = TypeVar("T")

NAMES = ("cassandra", "dynamodb", "postgresql", "sqlite")
SERVERS = NAMES[:-1]
TABLES = {name: f"in_{name}.account" for name in NAMES}
COLUMNS = {"id": "INT", "v": "INT"}
WAIT_SECONDS = 60.0
# A crowded machine's servers are slow; where one is silent on purpose it is PostgreSQL.
PATIENCE = {
    "cassandra": {"scalar.db.cassandra.request_timeout_millis": "30000"},
    "dynamodb": {"scalar.db.dynamo.request_timeout_millis": "30000"},
    "postgresql": {},
}
_MULTI = "scalar.db.multi_storage."


EVERY_STEP = {"scalar.db.consensus_commit.one_phase_commit.enabled": "false"}


def properties(servers: Mapping[str, Cluster], folder: Path, decider: str) -> dict[str, str]:
    """The settings of all four; the coordinator's table lies in ``decider``."""
    own = {name: {**server.properties(), **PATIENCE[name]} for name, server in servers.items()}
    url = own["postgresql"]["scalar.db.contact_points"]
    own["postgresql"]["scalar.db.contact_points"] = (
        f"{url}?connect_timeout=8&statement_timeout=7&socketTimeout=8"
    )
    own["sqlite"] = {
        "scalar.db.storage": "sqlite",
        "scalar.db.contact_points": str(folder / "several.db"),
    }
    mapping = {f"in_{name}": name for name in NAMES} | {f"deciding_{decider}": decider}
    found = {
        "scalar.db.storage": "multi-storage",
        "scalar.db.consensus_commit.coordinator.namespace": f"deciding_{decider}",
        f"{_MULTI}storages": ",".join(NAMES),
        f"{_MULTI}default_storage": "sqlite",
        f"{_MULTI}namespace_mapping": ",".join(f"{n}:{name}" for n, name in mapping.items()),
    }
    for name, given in own.items():
        for key, text in given.items():
            found[key.replace("scalar.db.", f"{_MULTI}storages.{name}.")] = text
    return found


class Several:
    """The manager under test, whose calls are watched, and another one that looks on."""

    def __init__(self, given: dict[str, str], decider: str) -> None:
        self.given = given
        self.decider = decider
        self.meeting = Meeting()
        self.met: dict[str, Met] = {}
        with self.watching():
            self.db = scalar_tx.connect(given)
        self.other: TransactionManager = scalar_tx.connect(given)
        self._number = 0

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Managers that are opened meanwhile get storages that are watched."""
        inner = registry.open_storage(load(self.given).storage)
        assert isinstance(inner, RoutedStorage)
        for name, one in inner.storages.items():
            kind = MetByFutures if name == "cassandra" else Met
            self.met[name] = kind(one, self.meeting)
        storage = RoutedStorage(self.met, default=inner.default, namespaces=inner.namespaces)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(registry, "open_storage", lambda settings: storage)
            yield

    def make_tables(self) -> None:
        admin = self.db.admin
        until_served(lambda: admin.create_coordinator_tables(if_not_exists=True))
        make = partial(
            admin.create_table, columns=COLUMNS, partition_key=["id"], if_not_exists=True
        )
        for table in TABLES.values():
            until_served(partial(make, table))

    def new_account(self) -> int:
        """An account in each storage, of one number and with 0 in it."""
        self._number += 1
        number = NAMES.index(self.decider) * 1000 + self._number
        until_served(lambda: self.other.run(everywhere, number, 0))
        self.forget()
        return number

    def forget(self) -> None:
        self.meeting.expect(0)
        self.meeting.dead = False
        for one in self.met.values():
            one.calls.clear()
            one.threads.clear()
            one.before.clear()
            one.after.clear()

    def values(self, number: int) -> dict[str, int]:
        """What a transaction of the other manager reads."""

        def read(tx: Any) -> dict[str, int]:
            return {name: tx.get(table, {"id": number})["v"] for name, table in TABLES.items()}

        return until_served(lambda: self.other.run(read))

    def rows(self, number: int) -> dict[str, Row | None]:
        """The rows as they lie there."""
        parts = parts_of(self.other)

        def row(name: str) -> Row | None:
            table = run_blocking(parts.context.catalog.table(TABLES[name]))
            return run_blocking(parts.storage.get(table.stored, (number,)))

        return {name: until_served(partial(row, name)) for name in NAMES}

    def states(self, number: int) -> dict[str, object]:
        """The state of each row: 1 prepared, 3 committed."""
        return {name: row and row["tx_state"] for name, row in self.rows(number).items()}

    def close(self) -> None:
        self.meeting.dead = False
        self.db.close()
        self.other.close()


def everywhere(tx: Any, number: int, value: int) -> None:
    """Read the account in all storages, and set it."""
    for table in TABLES.values():
        tx.get(table, {"id": number})
        tx.upsert(table, {"id": number, "v": value})


def until_served(work: Callable[[], T]) -> T:
    """What work gives once the servers answer again."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        try:
            return work()
        except (StorageUnavailableError, ConflictError, UnknownOutcomeError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
