"""Which writes does the Java server refuse with a number of its own?

Where a transaction's client names a column that is not there, the Java server finds out at commit;
the words are the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.refusals import invalid
from scalar_tx.cluster.scalardb_server.request_checks import (
    check_keys,
    fits,
    names_of,
    sent,
    shown_as,
)
from scalar_tx.model.types import SAFE_BIGINT

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from scalar_tx.model.table import TableSchema

_CONDITIONS: Final[Mapping[int, str]] = {
    rpc.MutateCondition.PUT_IF: "PutIf",
    rpc.MutateCondition.PUT_IF_EXISTS: "PutIfExists",
    rpc.MutateCondition.PUT_IF_NOT_EXISTS: "PutIfNotExists",
    rpc.MutateCondition.DELETE_IF: "DeleteIf",
    rpc.MutateCondition.DELETE_IF_EXISTS: "DeleteIfExists",
}
_COMPARING: Final = (rpc.MutateCondition.PUT_IF, rpc.MutateCondition.DELETE_IF)
_OF_NULLS: Final = (rpc.ConditionalExpression.IS_NULL, rpc.ConditionalExpression.IS_NOT_NULL)


def check_mutations(messages: Sequence[rpc.Mutation]) -> None:
    """RefusedError if there is nothing to do."""
    if not messages:
        raise invalid("CORE-10018: The mutations are empty")


def check_one_partition(messages: Sequence[rpc.Mutation]) -> None:
    """RefusedError if writes without transaction are about several partitions."""
    first = messages[0]
    for one in messages:
        if (one.namespace, one.table, one.partition_key) != (
            first.namespace,
            first.table,
            first.partition_key,
        ):
            raise invalid(
                "CORE-10019: Mutations that span multiple partitions are not supported. "
                f"Mutations: {shown_as(first, _what(first))} and {shown_as(one, _what(one))}"
            )


def check_mutation(message: rpc.Mutation, schema: TableSchema) -> None:
    """RefusedError if keys or columns can't be right."""
    shown = shown_as(message, _what(message))
    check_keys(message, schema, shown)
    if message.type != rpc.Mutation.PUT:
        return
    written: list[rpc.Column | rpc.Value] = [*message.columns, *message.value]
    for column in written:
        member = column.WhichOneof("value")
        known = column.name in schema.columns and column.name not in schema.primary_key
        if not known or not (member is None or fits(column, schema)):
            raise invalid(
                "CORE-10017: The column value is not properly specified. Column: "
                f"{column.name}, Operation: {shown}"
            )


def check_bigints(message: rpc.Mutation) -> None:
    """RefusedError if a BIGINT is beyond what ScalarDB holds."""
    keys = (*sent(message.partition_key), *sent(message.clustering_key))
    for one in (*keys, *message.columns, *message.value):
        if abs(one.bigint_value) > SAFE_BIGINT:
            raise invalid(
                "CORE-10063: This column value is out of range for BigInt. Value: "
                f"{one.bigint_value}"
            )


def check_condition(message: rpc.Mutation, schema: TableSchema) -> None:
    """RefusedError if a condition of a write without transaction can't be right."""
    condition = message.condition
    if not message.HasField("condition"):
        return
    right = _is_for(message) and (bool(condition.expressions) == (condition.type in _COMPARING))
    if not right or not all(_compares(one, schema) for one in condition.expressions):
        raise _condition_not_proper(message)


def check_condition_in_transaction(message: rpc.Mutation, technical: Collection[str]) -> None:
    """The same of a write in a transaction."""
    if not message.HasField("condition"):
        return
    what = _what(message)
    if not _is_for(message):
        number = "10098" if what == "Put" else "10099"
        name = _CONDITIONS.get(message.condition.type, "unknown")
        raise invalid(f"CORE-{number}: A {name} condition is not allowed on {what} operations")
    for one in message.condition.expressions:
        if _name(one) in technical:
            raise invalid(
                "CORE-10100: The condition is not allowed to target transaction metadata columns. "
                f"Column: {message.namespace}.{message.table}.{_name(one)}"
            )


def check_written_columns(message: rpc.Mutation, technical: Collection[str]) -> None:
    """RefusedError if a put in a transaction names a column that is kept for transactions."""
    for name in (*names_of(message.columns), *names_of(message.value)):
        if name in technical:
            raise invalid(
                "CORE-10097: Mutating transaction metadata columns is not allowed. Table: "
                f"{message.namespace}.{message.table}; Column: {name}"
            )


def _compares(one: rpc.ConditionalExpression, schema: TableSchema) -> bool:
    if _name(one) not in schema.columns or _name(one) in schema.primary_key:
        return False
    if not one.HasField("column"):  # of an old client, whose value bears no name
        return True
    if one.operator in _OF_NULLS:
        return one.column.WhichOneof("value") is None
    return fits(one.column, schema)


def _name(one: rpc.ConditionalExpression) -> str:
    return one.column.name if one.HasField("column") else one.name


def _is_for(message: rpc.Mutation) -> bool:
    return _CONDITIONS.get(message.condition.type, "").startswith(_what(message))


def _condition_not_proper(message: rpc.Mutation) -> Exception:
    return invalid(
        "CORE-10015: The condition is not properly specified. Operation: "
        f"{shown_as(message, _what(message))}"
    )


def _what(message: rpc.Mutation) -> str:
    return "Put" if message.type == rpc.Mutation.PUT else "Delete"
