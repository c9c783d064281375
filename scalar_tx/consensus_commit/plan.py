"""What exactly does a scan ask for, and where does a later page go on?

A scan is checked against its table and turned into a plan; a page token is the position of a row in
that plan's order, as opaque text.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING

from scalar_tx.consensus_commit.isolation import check_linearizable
from scalar_tx.consensus_commit.scan import ScanPlan
from scalar_tx.errors import InvalidOperationError, SchemaError
from scalar_tx.model.conditions import bound
from scalar_tx.model.encoding import value_bytes, values_from_bytes
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Scan
from scalar_tx.model.table import Order
from scalar_tx.storage.interface import (
    IndexSource,
    KeyRange,
    OrderBy,
    PartitionSource,
    ReadKind,
    WholeTableSource,
)
from scalar_tx.storage.ordering import scan_order

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.context import Context
    from scalar_tx.consensus_commit.metadata import TransactionalTable
    from scalar_tx.model.checks import Checks
    from scalar_tx.model.operations import Get
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.storage.interface import ScanSource


def by_index(get: Get) -> Scan:
    """The scan that finds what a get by an index value reads."""
    return Scan(get.table, index=get.index, where=get.where, weak=get.weak)


def as_scan(read: Get | Scan) -> Scan | None:
    """What a read scans; None: it is a get by key."""
    if isinstance(read, Scan):
        return read
    return None if read.index is None else by_index(read)


def plan_scan(
    scan: Scan,
    table: TransactionalTable,
    checks: Checks,
    context: Context,
    isolation: Isolation,
) -> ScanPlan:
    """Check a scan; InvalidOperationError says what can't be, and what can."""
    info = context.storage.info(table.name)
    source: ScanSource
    if scan.index is not None:
        kind = ReadKind.INDEX
        source = _index_source(scan, table, checks, context, isolation)
    elif scan.whole_table:
        kind = ReadKind.WHOLE_TABLE
        source = _whole_table_source(scan, checks, context, orders=info.orders_whole_table)
    else:
        kind = ReadKind.PARTITION
        source = _partition_source(scan, checks)
    check_linearizable(context, kind, table.name, isolation=isolation, weak=scan.weak)
    where = None if scan.where is None else bound(scan.where, checks.schema, table.name)
    after = None
    if scan.after is not None:
        if isinstance(source, IndexSource):
            raise InvalidOperationError(
                "after= is for partition and whole-table reads",
                advice="Read an index in one go, or keep a table in the order you need",
                code="STX-3033",
            )
        after = read_page_token(scan.after, source, table)
    joins = info.joins_indexes and context.options.before_index_check
    return ScanPlan(table, table.name, source, where, after, joins)


def _index_source(
    scan: Scan, table: TransactionalTable, checks: Checks, context: Context, isolation: Isolation
) -> IndexSource:
    _only(scan, checks.table, "an index read", allowed=())
    name, value = checks.indexed(scan.index)
    if (
        isolation is Isolation.SERIALIZABLE
        and not scan.weak
        and context.options.before_index_check
        and not table.has_before_index(name)
    ):
        raise InvalidOperationError(
            f"an index read of {table.name}.{name} can't be serializable: the table was made by an "
            "older release and lacks the index on the previous value",
            advice="Add it with db.admin.upgrade, or read at Isolation.SNAPSHOT",
            code="STX-3031",
        )
    return IndexSource(name, value)


def _whole_table_source(
    scan: Scan, checks: Checks, context: Context, *, orders: bool
) -> WholeTableSource:
    _only(scan, checks.table, "a whole-table read", allowed=("order_by",))
    options = context.options
    for wanted, allowed, switch in (
        (True, options.whole_table_scan, "enabled"),
        (scan.where is not None, options.whole_table_filter, "filtering.enabled"),
        (bool(scan.order_by), options.whole_table_order, "ordering.enabled"),
    ):
        if wanted and not allowed:
            raise InvalidOperationError(
                f"this read of all of {checks.table} is switched off in the settings",
                advice=f"Set scalar.db.cross_partition_scan.{switch}=true",
                code="STX-3034",
            )
    if scan.order_by and not orders:
        raise InvalidOperationError(
            f"the storage of {checks.table} can't order a whole table",
            advice="Leave order_by out and sort what is returned",
            code="STX-3034",
        )
    order = _order(scan.order_by or (), checks)
    if orders:  # then its order is known, and own writes can be merged into it
        named = {item.column for item in order}
        order += [OrderBy(n, Order.ASC) for n in checks.schema.primary_key if n not in named]
    return WholeTableSource(tuple(order))


def _partition_source(scan: Scan, checks: Checks) -> PartitionSource:
    schema = checks.schema
    partition = checks.key(scan.partition, schema.partition_key, "partition key")
    start = checks.bound(scan.start, "start")
    end = checks.bound(scan.end, "end")
    if start and end and (len(start) != len(end) or start[:-1] != end[:-1]):
        raise InvalidOperationError(
            f"start and end of a scan of {checks.table} must name the same columns and differ "
            "in the last one only",
            advice="Give both with the same leading values, or only one of them",
            code="STX-3032",
        )
    order = _order(scan.order_by or (), checks)
    reverse = _is_reversed(order, checks)
    key_range = KeyRange(start, scan.start_inclusive, end, scan.end_inclusive)
    return PartitionSource(partition, key_range, reverse)


def _order(names: Sequence[str], checks: Checks) -> list[OrderBy]:
    found: list[OrderBy] = []
    for name in names:
        if not isinstance(name, str):
            raise checks.no_column(name)
        descending = name not in checks.schema.columns
        column = name[1:] if descending and name.startswith("-") else name
        if column not in checks.schema.columns:
            raise checks.no_column(column)
        if any(item.column == column for item in found):
            raise InvalidOperationError(f"order_by names {column!r} twice", code="STX-3032")
        found.append(OrderBy(column, Order.DESC if descending else Order.ASC))
    return found


def _is_reversed(order: list[OrderBy], checks: Checks) -> bool:
    """A prefix of the clustering key, all as declared or all reversed (specification 2.4)."""
    orders = checks.schema.clustering_orders
    clustering = list(orders)
    if [item.column for item in order] != clustering[: len(order)]:
        raise InvalidOperationError(
            f"a partition of {checks.table} is ordered by its clustering key",
            advice=f"order_by may name, in this order: {', '.join(clustering) or 'nothing'}",
            code="STX-3032",
        )
    flips = {item.order is not orders[item.column] for item in order}
    if len(flips) > 1:
        raise InvalidOperationError(
            f"order_by mixes the clustering order of {checks.table} with its reverse",
            advice="Name all columns as declared, or all the other way round",
            code="STX-3032",
        )
    return flips == {True}


def _only(scan: Scan, table: str, what: str, *, allowed: tuple[str, ...]) -> None:
    for name in ("start", "end", "order_by"):
        if getattr(scan, name) is not None and name not in allowed:
            raise InvalidOperationError(
                f"{name}= has no meaning for {what} of {table}",
                advice="Scan a partition for ranges and clustering order",
                code="STX-3032",
            )


def _token_columns(source: ScanSource, table: TransactionalTable) -> list[tuple[str, DataType]]:
    names = [item.column for item in scan_order(source, table.user)]
    names += [name for name in table.key_columns if name not in names]
    return [(name, table.user.columns[name]) for name in names]


def page_token(row: Row, plan: ScanPlan) -> str:
    """The position of a row, to be handed to ``after=``."""
    columns = _token_columns(plan.source, plan.table)
    data = value_bytes([(data_type, row[name]) for name, data_type in columns])
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def read_page_token(
    token: object, source: ScanSource, table: TransactionalTable
) -> tuple[tuple[str, Value], ...]:
    """The position a token stands for; InvalidOperationError if it is of another scan."""
    columns = _token_columns(source, table)
    try:
        if not isinstance(token, str):
            raise SchemaError("not text")
        data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
        values = values_from_bytes(data)
        if [data_type for data_type, _ in values] != [data_type for _, data_type in columns]:
            raise SchemaError("other columns")
    except (SchemaError, binascii.Error, ValueError) as error:
        raise InvalidOperationError(
            f"after={token!r:.60} is no page token of this scan of {table.name}",
            advice="Pass a scanner's .page_token unchanged, with the same arguments",
            code="STX-3033",
        ) from error
    position = tuple((name, value) for (name, _), (_, value) in zip(columns, values, strict=True))
    partition = getattr(source, "partition", None)
    if partition is not None:
        given = dict(position)
        if tuple(given[name] for name in table.user.partition_key) != partition:
            raise InvalidOperationError(
                f"this page token is of another partition of {table.name}",
                advice="Pass a scanner's .page_token unchanged, with the same arguments",
                code="STX-3033",
            )
    return position
