"""How do the protocol's reads and writes become requests to DynamoDB?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.errors import InvalidOperationError, StorageBusyError, WriteRefusedError
from scalar_tx.model.conditions import Existence, matches
from scalar_tx.storage.dynamo.admin import DynamoAdmin
from scalar_tx.storage.dynamo.batches import MOST_ITEMS, BatchRead
from scalar_tx.storage.dynamo.client import Client
from scalar_tx.storage.dynamo.codec import number_fits
from scalar_tx.storage.dynamo.conditions import needs_judging, pinned
from scalar_tx.storage.dynamo.errors import GroupRefusedError
from scalar_tx.storage.dynamo.keys import MOST_PARTITION_BYTES
from scalar_tx.storage.dynamo.names import Names
from scalar_tx.storage.dynamo.scans import ScanPlan
from scalar_tx.storage.dynamo.settings import dynamo_settings
from scalar_tx.storage.dynamo.statements import TableStatements, transact_entry
from scalar_tx.storage.interface import AtomicityUnit, Erase, ReadKind, StorageInfo, Waits

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.dynamo.codec import Item
    from scalar_tx.storage.dynamo.settings import DynamoSettings
    from scalar_tx.storage.interface import Answer, ScanRequest, StorageMutation

NAME: Final = "dynamo"
MOST_MUTATIONS: Final = 100  # of one TransactWriteItems
_MOST_ITEM_BYTES: Final = 400 * 1024
_JUDGEMENTS: Final = 10  # of a condition that DynamoDB can't do, while others change the record


class DynamoStorage:
    """Tables of one account in one region.

    A single write is one UpdateItem or DeleteItem, several are one TransactWriteItems. The methods
    block and never suspend. Errors: see ``storage.dynamo.errors``.
    """

    def __init__(self, settings: DynamoSettings) -> None:
        self.client = Client(settings)
        self.names = Names(settings.prefix, settings.metadata_namespace)
        self._statements: dict[str, TableStatements] = {}
        self._admin = DynamoAdmin(self.client, self.names)
        self._info = StorageInfo(
            name=NAME,
            atomicity_unit=AtomicityUnit.STORAGE,
            max_mutations=MOST_MUTATIONS,
            # An index follows its table later; a scan of a whole table is no snapshot.
            linearizable=frozenset({ReadKind.GET, ReadKind.PARTITION}),
            waits=Waits.BLOCKS,
            orders_whole_table=False,
            connections=settings.connections,
            charges_groups=True,
            batches=MOST_ITEMS,
            overwrites=True,
            keeps_in_indexes=False,
        )

    @property
    def admin(self) -> DynamoAdmin:
        """Tables and indexes."""
        return self._admin

    def info(self, table: str) -> StorageInfo:
        """The same for every table."""
        return self._info

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """DynamoDB's numbers are narrower than floats; keys end at U+0000; items are 400 KB."""
        if isinstance(value, float):
            if not number_fits(value):
                return "DynamoDB's numbers are finite, of magnitude 1E-130 to 9.99E+125, or 0"
            if in_key and value == 0 and str(value).startswith("-"):
                return "DynamoDB reads the key -0.0 back as 0"
            return None
        if isinstance(value, str | bytes):
            if in_key and not value:
                return "DynamoDB holds no empty key and no empty value in an index"
            size = len(value) if isinstance(value, bytes) else len(value.encode())
            if size > _MOST_ITEM_BYTES:
                return "DynamoDB holds at most 400 KB in a record"
            if in_key and size > MOST_PARTITION_BYTES:
                # Of a whole key, and of a clustering key, which is shorter, its own bytes decide.
                return f"a key of {size:,} bytes is too long for DynamoDB"
            if in_key and isinstance(value, str) and "\x00" in value:
                return "the character U+0000 ends a key's bytes in DynamoDB"
        return None

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record, consistently."""
        return self._read(self.statements(table), key)

    def _read(self, statements: TableStatements, key: tuple[Value, ...]) -> Row | None:
        item = self.client.read("get_item", statements.get(key)).get("Item")
        return None if item is None else statements.decode(item)

    async def get_many(self, wanted: Sequence[tuple[Table, tuple[Value, ...]]]) -> list[Answer]:
        """Read several records, consistently each."""
        batch = [(self.statements(table), key) for table, key in wanted]
        return BatchRead(self.client).run(batch)

    def scan(self, request: ScanRequest) -> DynamoPages:
        """Begin a scan."""
        plan = ScanPlan(self.statements(request.table), request)
        return DynamoPages(self.client, plan)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Apply all, or none."""
        if not mutations:
            raise InvalidOperationError("mutate needs at least one mutation", code="STX-3016")
        if len({(m.table.name, m.key) for m in mutations}) < len(mutations):
            raise InvalidOperationError(
                "one atomic write names a record twice", advice="Merge the two", code="STX-3016"
            )
        if len(mutations) > MOST_MUTATIONS:
            raise InvalidOperationError(
                f"one atomic write of DynamoDB holds {MOST_MUTATIONS} records, not "
                f"{len(mutations)}",
                advice="Split the mutations",
                code="STX-3016",
            )
        judged = [m for m in mutations if _judged_here(m) is not None]
        if not judged:
            self._apply(mutations, {})
            return
        for _ in range(_JUDGEMENTS):
            try:
                self._apply(mutations, {id(m): self._judge(m) for m in judged})
            except _ChangedMeanwhileError as error:
                changed = error
            else:
                return
        raise StorageBusyError(f"{changed}; the records change faster than they are judged")

    def _judge(self, mutation: StorageMutation) -> Condition:
        """That the record still is what it is now, and its condition true."""
        condition = _judged_here(mutation)
        row = self._read(self.statements(mutation.table), mutation.key)
        if condition is None or row is None or not matches(condition, row):
            raise _refused(mutation)
        return pinned(condition, row)

    def _apply(self, mutations: Sequence[StorageMutation], judged: dict[int, Condition]) -> None:
        requests = [
            self.statements(m.table).mutation(m, judged[id(m)])
            if id(m) in judged
            else self.statements(m.table).mutation(m)
            for m in mutations
        ]
        try:
            if len(mutations) == 1:
                operation = "delete_item" if isinstance(mutations[0], Erase) else "update_item"
                self.client.write(operation, requests[0])
            else:
                entries = [transact_entry(m, r) for m, r in zip(mutations, requests, strict=True)]
                self.client.transact(entries)
        except WriteRefusedError as error:
            positions = error.positions if isinstance(error, GroupRefusedError) else (0,)
            unmet = [mutations[i] for i in positions]
            if all(id(mutation) in judged for mutation in unmet):
                raise _ChangedMeanwhileError(str(error)) from error
            raise _refused(*unmet) from error

    async def clock_ahead_ms(self) -> float | None:
        """How far the service's clock is ahead of this machine's, to a second."""
        return self.client.clock_ahead_ms()

    async def close(self) -> None:
        """Let go of all connections."""
        self.client.close()

    def statements(self, table: Table) -> TableStatements:
        """The requests that concern a table."""
        known = self._statements.get(table.name)
        if known is None or (known.table is not table and known.table != table):
            known = self._statements[table.name] = TableStatements(table, self.names)
        return known


class DynamoPages:
    """A running scan: each page is one request that begins where the last one ended."""

    __slots__ = ("_behind", "_client", "_ended", "_plan")

    def __init__(self, client: Client, plan: ScanPlan) -> None:
        self._client = client
        self._plan = plan
        self._behind: Item | None = None
        self._ended = False

    async def next_page(self) -> Sequence[Row] | None:
        """The next rows, or None at the end."""
        while not self._ended:
            request = self._plan.request(self._behind)
            if request is None:
                self._ended = True
                break
            answer = self._client.read("query" if self._plan.is_query else "scan", request)
            rows = [self._plan.row_of(item) for item in answer["Items"]]
            self._behind = answer.get("LastEvaluatedKey")
            self._ended = self._behind is None
            found = [row for row in rows if row is not None]
            if found:
                return found
        return None

    async def close(self) -> None:
        """Nothing is held between pages."""
        self._ended = True


class _ChangedMeanwhileError(Exception):
    """A record is no longer what it was when its condition was judged; nothing was applied."""


def _judged_here(mutation: StorageMutation) -> Condition | None:
    condition = mutation.condition
    if condition is None or isinstance(condition, Existence) or not needs_judging(condition):
        return None
    return condition


def _refused(*mutations: StorageMutation) -> WriteRefusedError:
    named = (f"{one.table.name} {one.key!r}: {one.condition!r}" for one in mutations)
    return WriteRefusedError(f"conditions that were not met: {'; '.join(named)}")


def from_settings(settings: StorageSettings) -> DynamoStorage:
    """The storage that settings describe; nothing is asked of the server yet."""
    return DynamoStorage(dynamo_settings(settings))
