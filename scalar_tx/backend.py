"""What does a manager make its transactions on: databases that it opens itself, or a node?

Both faces use what stands here and nothing else. ``connection`` puts it together over storages,
``cluster.client`` over the connections to a node.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from scalar_tx.consensus_commit.observer import Observer
    from scalar_tx.keyed_calls import Call
    from scalar_tx.model.decision_counts import DecisionCounts
    from scalar_tx.model.explanation import Explanation
    from scalar_tx.model.isolation import Isolation
    from scalar_tx.model.operations import Get, Mutation, Operation, Scan
    from scalar_tx.model.record import Record
    from scalar_tx.model.script import Script, ScriptResult
    from scalar_tx.model.state import TransactionState
    from scalar_tx.model.table import TableSchema
    from scalar_tx.model.types import DataType, Value
    from scalar_tx.runtime.interface import Runtime

    Options = Mapping[str, object]


class Cursor(Protocol):
    """A scan that is read page by page."""

    closed: bool

    async def next_page(self) -> list[Record] | None:
        """The next records, at least one, or None at the end."""
        ...

    def page_token(self) -> str | None:
        """Where a later scan goes on with ``after=``: behind the last record handed out."""
        ...

    async def close(self) -> None:
        """Read no further."""
        ...


class Steps(Protocol):
    """One transaction, from its first operation to its end."""

    isolation: Isolation
    read_only: bool
    outcome: TransactionState | None
    finished: bool
    rerun_is_safe: bool  # does a rerun find out whether this one is committed?

    @property
    def id(self) -> str:
        """The id; made when somebody asks for it."""
        ...

    @property
    def id_if_known(self) -> str | None:
        """The id if one was handed out already."""
        ...

    def explain(self) -> Explanation:
        """What its commit would cost as it stands."""
        ...

    async def table(self, name: str) -> TableSchema:
        """What a table is like to its callers; InvalidOperationError: there is none."""
        ...

    async def get(self, get: Get) -> Record | None:
        """Read one record."""
        ...

    async def scan(self, scan: Scan) -> list[Record]:
        """Read many records."""
        ...

    async def open_cursor(self, scan: Scan) -> Cursor:
        """Begin a scan that is read page by page."""
        ...

    async def mutate(self, mutation: Mutation) -> None:
        """Record one write."""
        ...

    async def batch(self, operations: Sequence[Operation]) -> list[Record | list[Record] | None]:
        """Run operations in order; none of their writes is recorded where one of them fails."""
        ...

    def written(self) -> Any:
        """The writes until now, for ``take_back``."""
        ...

    def take_back(self, written: Any) -> None:
        """Forget the writes since then."""
        ...

    async def commit(self) -> None:
        """Make the writes durable and visible, all of them, or raise why not."""
        ...

    async def rollback(self) -> None:
        """Forget everything."""
        ...

    async def confirm_reads(self) -> None:
        """ConflictError if what was read so far does not hold any more."""
        ...


class PartSteps(Protocol):
    """What one part of a two-phase transaction can do besides ``Steps``, and in its own way."""

    async def prepare(self) -> None:
        """Write this part's records as prepared."""
        ...

    async def validate(self) -> None:
        """Look whether what this part has read still holds."""
        ...

    async def commit(self, parts: int | None = None) -> None:
        """Ask for the decision and finish this part's records by it."""
        ...


class TwoPhaseSteps(Steps, PartSteps, Protocol):
    """One part of a two-phase transaction."""

    async def commit(self, parts: int | None = None) -> None:
        """Ask for the decision and finish this part's records by it."""
        ...


class AdministrationSteps(Protocol):
    """Namespaces, tables, indexes and the coordinator's tables; see ``admin`` for each call."""

    async def create_namespace(
        self, namespace: str, *, if_not_exists: bool, options: Options
    ) -> None:
        """Make a namespace."""
        ...

    async def drop_namespace(self, namespace: str, *, if_exists: bool) -> None:
        """Remove an empty namespace."""
        ...

    async def namespaces(self) -> list[str]:
        """The namespaces there are."""
        ...

    async def create_table(
        self,
        name: str,
        schema: TableSchema,
        *,
        if_not_exists: bool,
        transaction: bool,
        options: Options,
    ) -> None:
        """Make a table."""
        ...

    async def drop_table(self, name: str, *, if_exists: bool) -> None:
        """Remove a table."""
        ...

    async def truncate_table(self, name: str) -> None:
        """Remove all records of a table."""
        ...

    async def tables(self, namespace: str) -> list[str]:
        """The transactional tables of a namespace."""
        ...

    async def table(self, name: str) -> TableSchema:
        """A table's schema."""
        ...

    async def stored_tables(self, namespace: str) -> list[str]:
        """All tables of a namespace."""
        ...

    async def stored_table(self, name: str) -> TableSchema | None:
        """A table's schema as it is stored."""
        ...

    async def add_column(
        self,
        name: str,
        column: str,
        data_type: str | DataType,
        *,
        if_not_exists: bool,
        transaction: bool,
    ) -> None:
        """Append a column."""
        ...

    async def drop_column(
        self, name: str, column: str, *, if_exists: bool, transaction: bool
    ) -> None:
        """Remove a column."""
        ...

    async def rename_column(
        self, name: str, column: str, new_name: str, *, transaction: bool
    ) -> None:
        """Give a column another name."""
        ...

    async def alter_column_type(
        self, name: str, column: str, data_type: str | DataType, *, transaction: bool
    ) -> None:
        """Widen a column."""
        ...

    async def rename_table(self, name: str, new_name: str, *, transaction: bool) -> None:
        """Give a table another name."""
        ...

    async def import_table(
        self,
        name: str,
        *,
        override_types: Mapping[str, str] | Mapping[str, DataType] | None,
        transaction: bool,
        options: Options,
    ) -> None:
        """Make a table of another program one of ours."""
        ...

    async def create_index(
        self, name: str, column: str, *, if_not_exists: bool, transaction: bool, options: Options
    ) -> None:
        """Index a column."""
        ...

    async def drop_index(
        self, name: str, column: str, *, if_exists: bool, transaction: bool
    ) -> None:
        """Remove a column's index."""
        ...

    async def repair_table(
        self, name: str, schema: TableSchema | None, *, transaction: bool, options: Options
    ) -> None:
        """Make whatever is missing of a table."""
        ...

    async def upgrade(self, *, options: Options, dry_run: bool) -> list[str]:
        """Make what tables of older releases lack."""
        ...

    async def create_coordinator_tables(self, *, if_not_exists: bool, options: Options) -> None:
        """Make the table of decisions."""
        ...

    async def drop_coordinator_tables(self, *, if_exists: bool) -> None:
        """Remove the table of decisions."""
        ...

    async def truncate_coordinator_tables(self) -> None:
        """Forget all decisions."""
        ...

    async def repair_coordinator_tables(self, options: Options) -> None:
        """Make whatever is missing of the table of decisions."""
        ...

    async def coordinator_tables_exist(self) -> bool:
        """Is the table of decisions there?"""
        ...


class KnownCall(Protocol):
    """What a transaction has found out about a call with a key."""

    @property
    def done(self) -> bool:
        """Was it done?"""
        ...

    @property
    def result(self) -> Any:
        """What it returned."""
        ...


class OutcomeSteps(Protocol):
    """What is kept of the calls with a key."""

    async def look(self, steps: Any, call: Call) -> KnownCall:
        """Was the call done?"""
        ...

    async def remember(self, steps: Any, call: Call, known: Any, result: object) -> None:
        """Write down that the call is done, with the transaction's other writes."""
        ...

    async def forget_old(self, go_on: Callable[[], bool]) -> int:
        """Remove what is kept no longer; return how many that were."""
        ...


class Backend(Protocol):
    """What transactions are made on. Nothing is asked of a database before the first step."""

    @property
    def runtime(self) -> Runtime:
        """How it waits."""
        ...

    @property
    def administration(self) -> AdministrationSteps:
        """Schema changes."""
        ...

    @property
    def outcomes(self) -> OutcomeSteps:
        """The results of calls with a key."""
        ...

    @property
    def observers(self) -> list[Observer]:
        """Whom transactions tell of their beginning and end; InvalidOperationError: not here."""
        ...

    def transaction(
        self,
        isolation: Isolation | None,
        *,
        read_only: bool,
        caller_id: str | None,
        timeout: float | None,
    ) -> Steps:
        """A new transaction."""
        ...

    def part(
        self,
        isolation: Isolation | None,
        *,
        read_only: bool,
        caller_id: str | None,
        joined: bool,
        timeout: float | None,
    ) -> TwoPhaseSteps:
        """A new part of a two-phase transaction; InvalidOperationError where there can be none."""
        ...

    async def execute(
        self, script: Script, isolation: Isolation | None, seconds: float | None
    ) -> ScriptResult:
        """Run a script as a transaction, once; it may take so many seconds."""
        ...

    async def state(self, transaction_id: str) -> TransactionState:
        """What is on record about a transaction."""
        ...

    async def settle(self, transaction_id: str) -> TransactionState:
        """The decision, made to be ABORTED if there is none."""
        ...

    async def recover(self, table: str, key: Mapping[str, Value]) -> TransactionState | None:
        """Settle one record."""
        ...

    async def finish(self, transaction_id: str) -> bool:
        """Settle what a decided transaction has written and remove its decision's row."""
        ...

    def decision_counts(self) -> DecisionCounts:
        """What was put on record here."""
        ...

    async def close(self) -> None:
        """Let go of all connections."""
        ...
