"""Does a write of a Java client mean what it means to ScalarDB Server?

From the protocol's description: mutations (6.4), clients before 3.6 (6.6).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalar_tx.cluster.rpc import scalardb_pb2 as rpc
from scalar_tx.cluster.scalardb_server.operations import get_of, mutation_of
from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.conditions import And, Comparison, Operator, if_exists, if_not_exists
from scalar_tx.model.operations import Delete, Get, Put
from tests.cluster.shop import NAME, SCHEMA, TABLE, VALUES, key, old_key

if TYPE_CHECKING:
    from scalar_tx.model.types import Value

KEY: dict[str, Value] = {"owner": "me", "at": 3, "kind": 1}


def mutation(**more: Any) -> rpc.Mutation:
    message = rpc.Mutation(
        partition_key=key(owner="me"),
        clustering_key=key(at=3, kind=1),
        **NAME,
        **more,
    )
    return rpc.Mutation.FromString(message.SerializeToString())


def conditional(
    kind: rpc.MutateCondition.Type, *expressions: rpc.ConditionalExpression
) -> rpc.MutateCondition:
    return rpc.MutateCondition(type=kind, expressions=expressions)


@pytest.mark.parametrize("pre_read", [False, True])
def test_a_put_keeps_columns_and_pre_read(pre_read: bool) -> None:
    columns = key(size=0, note=None).columns
    put = mutation(columns=columns, implicit_pre_read_enabled=pre_read)
    expected = Put(TABLE, KEY | {"size": 0, "note": None}, implicit_pre_read=pre_read)
    assert mutation_of(put, SCHEMA) == expected


def test_what_is_not_a_put_is_a_delete() -> None:
    for number in (rpc.Mutation.DELETE, 2, 99):
        assert mutation_of(mutation(type=number), SCHEMA) == Delete(TABLE, KEY)


def test_a_key_column_among_the_columns_is_refused() -> None:
    with pytest.raises(InvalidOperationError, match="primary key"):
        mutation_of(mutation(columns=key(kind=2).columns), SCHEMA)


@pytest.mark.parametrize(
    "kind, expected",
    [
        (rpc.MutateCondition.PUT_IF_EXISTS, if_exists),
        (rpc.MutateCondition.PUT_IF_NOT_EXISTS, if_not_exists),
    ],
)
def test_existence_conditions_of_a_put(kind: rpc.MutateCondition.Type, expected: object) -> None:
    found = mutation_of(mutation(condition=conditional(kind)), SCHEMA)
    assert found.where is expected


def test_the_existence_condition_of_a_delete() -> None:
    kind = rpc.MutateCondition.DELETE_IF_EXISTS
    delete = mutation(type=rpc.Mutation.DELETE, condition=conditional(kind))
    assert mutation_of(delete, SCHEMA) == Delete(TABLE, KEY, where=if_exists)


OPERATORS = {
    rpc.ConditionalExpression.EQ: Operator.EQ,
    rpc.ConditionalExpression.NE: Operator.NE,
    rpc.ConditionalExpression.GT: Operator.GT,
    rpc.ConditionalExpression.GTE: Operator.GE,
    rpc.ConditionalExpression.LT: Operator.LT,
    rpc.ConditionalExpression.LTE: Operator.LE,
}


def expression(
    operator: rpc.ConditionalExpression.Operator, **column: Value
) -> rpc.ConditionalExpression:
    return rpc.ConditionalExpression(operator=operator, column=key(**column).columns[0])


@pytest.mark.parametrize("is_put", [True, False], ids=["put", "delete"])
@pytest.mark.parametrize("sign", OPERATORS)
def test_a_condition_compares_a_column(
    sign: rpc.ConditionalExpression.Operator, is_put: bool
) -> None:
    kind = rpc.MutateCondition.PUT_IF if is_put else rpc.MutateCondition.DELETE_IF
    message = mutation(
        type=rpc.Mutation.PUT if is_put else rpc.Mutation.DELETE,
        condition=conditional(kind, expression(sign, size=7)),
    )
    assert mutation_of(message, SCHEMA).where == Comparison("size", OPERATORS[sign], 7)


def test_expressions_must_all_be_true() -> None:
    condition = conditional(
        rpc.MutateCondition.PUT_IF,
        expression(rpc.ConditionalExpression.IS_NULL, note=None),
        expression(rpc.ConditionalExpression.IS_NOT_NULL, size=None),
        expression(rpc.ConditionalExpression.EQ, paid=False),
    )
    assert mutation_of(mutation(condition=condition), SCHEMA).where == And(
        (
            Comparison("note", Operator.IS_NULL),
            Comparison("size", Operator.IS_NOT_NULL),
            Comparison("paid", Operator.EQ, False),
        )
    )


BAD_CONDITIONS = {
    "a delete's, on a put": (rpc.Mutation.PUT, conditional(rpc.MutateCondition.DELETE_IF_EXISTS)),
    "a put's, on a delete": (rpc.Mutation.DELETE, conditional(rpc.MutateCondition.PUT_IF_EXISTS)),
    "unknown": (rpc.Mutation.PUT, rpc.MutateCondition.FromString(b"\x08\x63")),
    "empty": (rpc.Mutation.PUT, conditional(rpc.MutateCondition.PUT_IF)),
    "compared with NULL": (
        rpc.Mutation.PUT,
        conditional(
            rpc.MutateCondition.PUT_IF, expression(rpc.ConditionalExpression.EQ, size=None)
        ),
    ),
    "of an unknown operator": (
        rpc.Mutation.PUT,
        conditional(
            rpc.MutateCondition.PUT_IF,
            rpc.ConditionalExpression.FromString(b"\x18\x63\x22\x06\x0a\x04size"),
        ),
    ),
}


@pytest.mark.parametrize("what", BAD_CONDITIONS)
def test_a_condition_that_can_not_be_is_refused(what: str) -> None:
    kind, condition = BAD_CONDITIONS[what]
    with pytest.raises(InvalidOperationError) as caught:
        mutation_of(mutation(type=kind, condition=condition), SCHEMA)
    assert caught.value.code == "STX-3020"


@given(
    st.fixed_dictionaries({n: VALUES[SCHEMA.columns[n]] for n in KEY}),
    st.fixed_dictionaries(
        {}, optional={n: VALUES[SCHEMA.columns[n]] | st.none() for n in SCHEMA.other_columns}
    ),
)
def test_a_put_arrives_as_it_is(primary: dict[str, Value], others: dict[str, Value]) -> None:
    sent = rpc.Mutation(
        partition_key=key(owner=primary["owner"]),
        clustering_key=key(at=primary["at"], kind=primary["kind"]),
        columns=key(**others).columns,
        **NAME,
    )
    received = rpc.Mutation.FromString(sent.SerializeToString())
    assert mutation_of(received, SCHEMA) == Put(TABLE, primary | others)


def test_operations_of_an_old_client_mean_the_same() -> None:
    partition, clustering = old_key(owner="me"), old_key(at=3, kind=1)
    get = rpc.Get(partition_key=partition, clustering_key=clustering, **NAME)
    assert get_of(get, SCHEMA) == Get(TABLE, {"owner": "me", "at": 3, "kind": 1})
    value = [rpc.Value(name="note", text_value=rpc.Value.TextValue()), *old_key(size=1).value]
    expression = rpc.ConditionalExpression(
        name="size", value=rpc.Value(int_value=7), operator=rpc.ConditionalExpression.GT
    )
    put = rpc.Mutation(
        partition_key=partition,
        clustering_key=clustering,
        value=value,
        condition=rpc.MutateCondition(expressions=[expression]),
        **NAME,
    )
    assert mutation_of(put, SCHEMA) == Put(
        TABLE,
        {"owner": "me", "at": 3, "kind": 1, "note": None, "size": 1},
        where=Comparison("size", Operator.GT, 7),
    )
