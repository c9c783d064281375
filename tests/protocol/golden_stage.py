"""How is a scenario of the golden behaviour file replayed, and what is compared?

The file holds what the Java library did: what the caller saw, which storage calls were made, the
rows afterwards. A ``Stage`` is a fresh database with the rows of one scenario in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from scalar_tx.errors import (
    ConditionNotMetError,
    ConflictError,
    InvalidOperationError,
    ScalarTxError,
    StorageUnavailableError,
    UnknownOutcomeError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.table import TableSchema
from tests.protocol.watched_storage import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from scalar_tx.model.types import Value
    from tests.protocol.world import Tx, World

ACCOUNT = "behaviour.account"
SCHEMA = TableSchema(
    columns={"id": "INT", "kind": "INT", "balance": "INT", "name": "TEXT"},
    partition_key=["id"],
    clustering_key=["kind"],
    secondary_index=["name"],
)
# What a caller of ours sees where Java's sees that.
OURS: dict[str, type[ScalarTxError]] = {
    "CommitConflictException": ConflictError,
    "CrudConflictException": ConflictError,
    "UncommittedRecordException": ConflictError,
    "UnsatisfiedConditionException": ConditionNotMetError,
    "UnknownTransactionStatusException": UnknownOutcomeError,
    "IllegalArgumentException": InvalidOperationError,
    "IllegalStateException": InvalidOperationError,
    "TransactionException": InvalidOperationError,
    "CommitException": StorageUnavailableError,
    "CrudException": StorageUnavailableError,
}
_TIMES = ("tx_prepared_at", "tx_committed_at")


@dataclass
class Replayed:
    """What a replay showed, in the file's forms."""

    seen: Any = None
    calls: list[str] = field(default_factory=list)
    rows: list[Any] = field(default_factory=list)
    state: str | None = None
    rollback: Any = None


class Stage:
    """A database with the rows that a scenario starts with: balance 100, name a."""

    def __init__(self, world: World, ids: list[int]) -> None:
        self.world = world
        self.ids = ids
        world.create_table(ACCOUNT, SCHEMA)
        world.coordinator_table()

    def load(self, *numbers: int) -> None:
        """Rows as they are before."""
        rows: list[Mapping[str, Value]] = [
            {"id": n, "kind": 1, "balance": 100, "name": "a"} for n in numbers
        ]
        self.world.load(ACCOUNT, *rows)

    def begin(self, level: Isolation = Isolation.SNAPSHOT, *, read_only: bool = False) -> Tx:
        """A transaction at Java's default level."""
        return self.world.begin(isolation=level, read_only=read_only)

    def fault(
        self, step: str, error: type[Exception], *, applied: bool = False, times: int | None = 1
    ) -> None:
        """A failure between the library and its storage."""
        self.world.storage.faults.append(
            Fault(step, lambda: error(f"injected at {step}"), None, applied, times)
        )

    def calls_from_here(self) -> None:
        """What was called until now is not part of the scenario's list."""
        self.world.storage.calls.clear()

    def prepared(self, *numbers: int) -> Tx:
        """A writer that has prepared its records and not decided yet."""
        tx = self.begin()
        for number in numbers:
            tx.get(ACCOUNT, key(number))
            tx.update(ACCOUNT, key(number), {"balance": 200})
        assert tx.commit_until("commit-state")
        self.calls_from_here()
        return tx

    def result(
        self, tx_id: str | None, seen: Any, tx: Tx | None = None, *, ids: list[int] | None = None
    ) -> Replayed:
        """Gather what is compared; ``tx`` is rolled back afterwards, as those of the file were."""
        calls = self.world.storage.reached()
        self.world.storage.faults.clear()
        return Replayed(
            seen=seen,
            calls=calls,
            rows=[self._row(n) for n in (self.ids if ids is None else ids)],
            state=None if tx_id is None else self.world.state(tx_id).replace("none", "UNKNOWN"),
            rollback=None if tx is None else told(tx.rollback),
        )

    def _row(self, number: int) -> dict[str, Value] | None:
        row = self.world.row(ACCOUNT, number, 1)
        if row is None:
            return None
        times = {*_TIMES, *(f"before_{name}" for name in _TIMES)}
        return {n: v for n, v in row.items() if v is not None and n not in times}


def key(number: int) -> dict[str, Value]:
    """The primary key of an account."""
    return {"id": number, "kind": 1}


def told(action: Callable[[], Any]) -> Any:
    """What an action returned, or the class of its error."""
    try:
        found = action()
    except ScalarTxError as error:
        return type(error).__name__
    return {"ok": plain(found)}


def plain(found: Any) -> Any:
    """Records as mappings."""
    if isinstance(found, list):
        return [plain(one) for one in found]
    return dict(found) if hasattr(found, "keys") else found


def expected_of(java: Any) -> Any:
    """What ours should see where Java saw that."""
    if not isinstance(java, dict):
        return java
    if "steps" in java:
        return [expected_of(step) for step in java["steps"]]
    if "error" in java:
        return OURS[java["error"]].__name__
    return {"ok": _cells(java["ok"])}


def _cells(value: Any) -> Any:
    """One scenario prints its cells with their types."""
    if isinstance(value, dict):
        return {n: v[1] if isinstance(v, list) else v for n, v in value.items()}
    return value


def with_ids_numbered(rows: list[Any]) -> list[Any]:
    """Transaction ids differ from run to run: number them by first sight."""
    numbers: dict[Any, int] = {}
    return [
        None
        if row is None
        else {
            n: f"#{numbers.setdefault(v, len(numbers))}" if n.endswith("tx_id") else v
            for n, v in sorted(row.items())
        }
        for row in rows
    ]
