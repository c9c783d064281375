"""When is a write's condition true to ScalarDB, and what is said where it is not?

In a transaction Java judges a condition in memory, and there ``NULL <> 5`` is true (Consensus
Commit specification 3.9); to this library it is unknown, as in SQL. So a transaction's ``NE`` of a
Java client becomes "not equal, or NULL".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scalar_tx.cluster.scalardb_server.refusals import Kind, RefusedError, with_id
from scalar_tx.model.conditions import And, Comparison, Existence, Operator, Or, matches
from scalar_tx.model.operations import Delete, Put
from scalar_tx.model.record import Record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx.errors import ConditionNotMetError
    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.types import Value


def as_java_means_it(where: Condition | Existence | None) -> Condition | Existence | None:
    """The condition with every ``NE`` true of NULL as well."""
    if isinstance(where, And):
        return And(tuple(_term(term) for term in where.terms))
    return _term(where) if isinstance(where, Comparison) else where


def _term(term: Condition) -> Condition:
    if isinstance(term, Comparison) and term.operator is Operator.NE:
        return Or((term, Comparison(term.column, Operator.IS_NULL)))
    return term


def unsatisfied(
    error: ConditionNotMetError, mutations: Sequence[Put | Delete], transaction_id: str
) -> RefusedError:
    """The Java server's words for a condition of one of these writes that was not met."""
    text = next((found for one in mutations if (found := _why(one, error))), str(error))
    return RefusedError(Kind.UNSATISFIED, with_id(text, transaction_id))


def _why(mutation: Put | Delete, error: ConditionNotMetError) -> str | None:
    """Why this write's condition is not met by the record of the error; None: it is not this."""
    where, record = mutation.where, error.record
    write = "Put" if isinstance(mutation, Put) else "Delete"
    if where is None:
        return None
    if record is None:
        name = f"{write}IfExists" if isinstance(where, Existence) else f"{write}If"
        missing = f"CORE-20018: The record does not exist, so the {name} condition is not satisfied"
        return None if where is Existence.IF_NOT_EXISTS else missing
    if not _is_of(mutation, record):
        return None
    if isinstance(where, Existence):
        exists = "CORE-20019: The record exists, so the PutIfNotExists condition is not satisfied"
        return exists if where is Existence.IF_NOT_EXISTS else None
    for term in where.terms if isinstance(where, And) else (where,):
        if not matches(term, record):
            return f"CORE-20020: The condition on the column '{_column(term)}' is not satisfied"
    return None


def _is_of(mutation: Put | Delete, record: Mapping[str, Value]) -> bool:
    """Is that the record which the write is about?"""
    key = mutation.values if isinstance(mutation, Put) else mutation.key
    if isinstance(record, Record):
        return record.table == mutation.table and record.key.items() <= dict(key).items()
    return True


def _column(term: Condition) -> str:
    while not isinstance(term, Comparison):
        term = term.terms[0]
    return term.column
