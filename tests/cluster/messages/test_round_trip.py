"""Is what one side writes what the other side reads?"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import pytest
from google.rpc import error_details_pb2
from hypothesis import given, settings
from hypothesis import strategies as st

import scalar_tx
from scalar_tx import column, if_exists, if_not_exists
from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.cluster.messages.conditions import condition_message, write_condition_of
from scalar_tx.cluster.messages.errors import code_of, error_of, status_message
from scalar_tx.cluster.messages.operations import operation_message, operation_of
from scalar_tx.cluster.messages.records import records_message, records_of
from scalar_tx.cluster.messages.schemas import schema_message, schema_of
from scalar_tx.cluster.messages.scripts import script_message, script_of
from scalar_tx.cluster.messages.values import MalformedError, value_message, value_of
from scalar_tx.cluster.rpc.v1 import operations_pb2, scripts_pb2, values_pb2
from scalar_tx.errors import ConditionNotMetError, ConflictError, InvalidOperationError
from scalar_tx.model.conditions import And, Or
from scalar_tx.model.operations import Delete, Get, Insert, Put, Scan, Update, Upsert
from scalar_tx.model.record import Record
from scalar_tx.model.script import Script
from scalar_tx.model.table import TableSchema
from scalar_tx.model.types import INT64_MAX, INT64_MIN

if TYPE_CHECKING:
    from scalar_tx.model.operations import Operation

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
NAMES = st.text("abcdefgh_é", min_size=1, max_size=5)
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(INT64_MIN, INT64_MAX),
    st.floats(allow_nan=False),
    TEXTS,
    st.binary(max_size=8),
    st.dates(),
    st.times(),
    st.datetimes(),
    st.datetimes(timezones=st.just(dt.UTC)),
)
SOMETHING = VALUES.filter(lambda value: value is not None)
MAPPINGS = st.dictionaries(NAMES, VALUES, min_size=1, max_size=3)
COMPARISONS = st.one_of(
    st.builds(
        lambda name, value: column(name) == value, NAMES, VALUES.filter(lambda v: v is not None)
    ),
    st.builds(lambda name, value: column(name) >= value, NAMES, st.integers(0, 9)),
    st.builds(lambda name: column(name).is_null(), NAMES),
    st.builds(lambda name: column(name).is_not_null(), NAMES),
    st.builds(
        lambda name, escape: column(name).like("a%", escape=escape), NAMES, st.sampled_from("\\!")
    ),
    st.builds(lambda name: column(name).not_like("a_", escape=""), NAMES),
)
CONDITIONS = st.recursive(
    COMPARISONS,
    lambda inner: st.one_of(
        st.builds(lambda terms: And(tuple(terms)), st.lists(inner, min_size=1, max_size=3)),
        st.builds(lambda terms: Or(tuple(terms)), st.lists(inner, min_size=1, max_size=3)),
    ),
    max_leaves=6,
)
OPTIONAL = st.none() | CONDITIONS
WRITE_CONDITIONS = OPTIONAL | st.just(if_exists)
COLUMNS = st.none() | st.lists(NAMES, max_size=3)
TABLE = st.just("shop.item")
OPERATIONS: st.SearchStrategy[Operation] = st.one_of(
    st.builds(Get, TABLE, MAPPINGS, columns=COLUMNS, where=OPTIONAL, weak=st.booleans()),
    st.builds(lambda index: Get("shop.item", index=index), MAPPINGS),
    st.builds(
        Scan,
        TABLE,
        MAPPINGS,
        start=st.none() | MAPPINGS,
        end=st.none() | MAPPINGS,
        start_inclusive=st.booleans(),
        end_inclusive=st.booleans(),
        order_by=st.none() | st.just(["-at", "kind"]),
        limit=st.none() | st.integers(0, 2**62),
        after=st.none() | st.just("token"),
        columns=COLUMNS,
        where=OPTIONAL,
    ),
    st.builds(lambda where: Scan("shop.item", whole_table=True, where=where), OPTIONAL),
    st.builds(Insert, TABLE, MAPPINGS),
    st.builds(Upsert, TABLE, MAPPINGS),
    st.builds(
        Update,
        TABLE,
        MAPPINGS,
        MAPPINGS,
        where=WRITE_CONDITIONS,
        missing=st.sampled_from(["error", "ignore"]),
    ),
    st.builds(Delete, TABLE, MAPPINGS, where=WRITE_CONDITIONS),
    st.builds(
        Put,
        TABLE,
        MAPPINGS,
        where=WRITE_CONDITIONS | st.just(if_not_exists),
        implicit_pre_read=st.booleans(),
        insert_mode=st.booleans(),
    ),
)


@given(VALUES)
def test_values(value: Any) -> None:
    found = value_of(values_pb2.Value.FromString(value_message(value, "it").SerializeToString()))
    assert found == value
    assert type(found) is type(value)


@given(OPERATIONS)
@settings(max_examples=300)
def test_operations(operation: Operation) -> None:
    data = operation_message(operation).SerializeToString()
    assert operation_of(operations_pb2.Operation.FromString(data)) == operation


@given(WRITE_CONDITIONS.filter(lambda one: one is not None))
def test_conditions(condition: Any) -> None:
    data = condition_message(condition, "shop.item").SerializeToString()
    assert write_condition_of(values_pb2.Condition.FromString(data)) == condition


@pytest.mark.parametrize(
    "value",
    [2**63, -(2**63) - 1, "\ud800", {1}, 1j, dt.time(1, tzinfo=dt.UTC)],
    ids=["large", "small", "surrogate", "set", "complex", "time with a zone"],
)
def test_what_no_column_holds(value: Any) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        operation_message(Insert("shop.item", {"id": value}))
    assert caught.value.code == "STX-3010"
    assert "shop.item.id" in caught.value.message


def test_the_deepest_condition_is_read_and_a_deeper_one_refused() -> None:
    condition: Any = column("a") == 1
    for level in range(40):
        condition = And((condition,)) if level % 2 else Or((condition,))
    data = operation_message(Get("shop.item", {"id": 1}, where=condition)).SerializeToString()
    operation_of(operations_pb2.Operation.FromString(data))
    with pytest.raises(InvalidOperationError):
        condition_message(And((condition,)), "shop.item")


def test_records() -> None:
    records = [
        Record("shop.item", {"id": n, "part": "p"}, {"note": None, "id": n}) for n in range(3)
    ]
    data = records_message(records).SerializeToString()
    found = records_of(values_pb2.Records.FromString(data))
    assert found == records
    assert [list(one) for one in found] == [["note", "id"]] * 3
    assert found[0].key == {"id": 0, "part": "p"}
    assert records_of(values_pb2.Records()) == []


def test_records_that_do_not_fit_their_names() -> None:
    message = records_message([Record("a.b", {"id": 1}, {"id": 1})])
    message.rows[0].values.add()
    with pytest.raises(MalformedError):
        records_of(message)


@pytest.mark.parametrize(
    "error",
    [
        ConflictError(
            "x",
            records=[("a.b", {"id": 1})],
            other_transaction="t",
            retry_after=2.5,
            code="STX-1021",
        ),
        ConflictError("x", transaction_id="mine", retryable=False),
        ConditionNotMetError("x", record=Record("a.b", {"id": 1}, {"n": 2})),
        scalar_tx.RecordNotFoundError("x"),
        scalar_tx.UnknownOutcomeError("x", transaction_id="t", retryable=True, advice="again"),
        scalar_tx.TransactionNotFoundError("x"),
        scalar_tx.InvalidOperationError("x", code="STX-3012"),
        scalar_tx.SettingsError("x"),
        scalar_tx.SchemaError("x"),
        scalar_tx.StorageUnavailableError("x", retryable=False),
        scalar_tx.StorageUnavailableError("x", retry_after=0),
        TooManyAttemptsError("x", retry_after=61.25, advice="later", code="STX-5205"),
        scalar_tx.ScalarTxError("x"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_errors(error: Any) -> None:
    found = error_of(status_message(error))
    assert type(found) is type(error)
    assert str(found) == str(error)
    assert vars(found) == vars(error)


def test_each_kind_of_error_has_a_code_of_its_own_sort() -> None:
    assert code_of(ConflictError("x")).name == "ABORTED"
    assert code_of(scalar_tx.StorageUnavailableError("x")).name == "UNAVAILABLE"
    assert code_of(scalar_tx.UnknownOutcomeError("x")).name == "UNKNOWN"


def test_clients_of_any_language_are_told_when_to_come_back() -> None:
    status = status_message(TooManyAttemptsError("x", retry_after=1.5))
    found = error_details_pb2.RetryInfo()
    assert any(one.Unpack(found) for one in status.details)
    assert found.retry_delay.ToMilliseconds() == 1500
    # When its writer may be settled is no time to wait for: most have decided long before.
    status = status_message(ConflictError("x", retry_after=14))
    assert not any(one.Is(error_details_pb2.RetryInfo.DESCRIPTOR) for one in status.details)


def test_an_error_fits_into_a_trailer() -> None:
    many = [("a.b", {"id": n, "text": "é" * 300}) for n in range(1000)]
    status = status_message(ConflictError("ü" * 9000, records=many, advice="ä" * 9000))
    assert status.ByteSize() < 8192
    found = error_of(status)
    assert isinstance(found, ConflictError)
    assert 0 < len(found.records) < 20


def test_schemas() -> None:
    schema = TableSchema(
        {"id": "INT", "at": "TIMESTAMP", "kind": "TEXT", "note": "TEXT"},
        ["id"],
        ["at DESC", "kind"],
        ["note"],
    )
    assert schema_of(schema_message(schema)) == schema


def test_scripts() -> None:
    script = Script()
    payer = script.get("a.b", {"id": 1}, columns=["n"])
    script.require((payer["n"] >= 10) & payer.found & ~payer["n"].is_null(), "too little")
    script.update("a.b", {"id": payer["n"]}, {"n": payer["n"] - 10, "t": payer["t"].concat("x")})
    script.insert("a.b", {"id": 1 + payer["n"], "n": payer["n"].coalesce(1, 2.5)})
    script.scan("a.b", {"id": payer["n"]}, start={"k": payer["n"]}, limit=1)
    script.delete("a.b", {"id": 2})
    data = script_message(script).SerializeToString()
    found = script_of(scripts_pb2.Script.FromString(data))
    assert script_message(found).SerializeToString() == data
    assert repr(found) == repr(script)


MALFORMED: dict[str, Any] = {
    "no kind": scripts_pb2.Step(),
    "no operation": scripts_pb2.Step(operation=operations_pb2.Operation()),
    "no function": scripts_pb2.Step(
        require=scripts_pb2.Requirement(condition=scripts_pb2.Expression(call=scripts_pb2.Call()))
    ),
    "nothing": scripts_pb2.Step(require=scripts_pb2.Requirement()),
    "a requirement with a value to make": scripts_pb2.Step(
        require=scripts_pb2.Requirement(
            condition=scripts_pb2.Expression(literal=values_pb2.Value(boolean=True))
        ),
        computed=[
            scripts_pb2.Computed(
                place=scripts_pb2.Computed.VALUES,
                column="n",
                value=scripts_pb2.Expression(literal=values_pb2.Value(integer=1)),
            )
        ],
    ),
    "too few": scripts_pb2.Step(
        require=scripts_pb2.Requirement(
            condition=scripts_pb2.Expression(call=scripts_pb2.Call(function=scripts_pb2.ADD))
        )
    ),
}


@pytest.mark.parametrize("step", MALFORMED.values(), ids=MALFORMED)
def test_malformed_scripts(step: Any) -> None:
    with pytest.raises(MalformedError):
        script_of(scripts_pb2.Script(steps=[step]))


@pytest.mark.parametrize(
    "value",
    [
        scripts_pb2.Expression(found=0),
        scripts_pb2.Expression(column=scripts_pb2.Earlier(step=0, name="n")),
        scripts_pb2.Expression(
            call=scripts_pb2.Call(
                function=scripts_pb2.COALESCE,
                arguments=[scripts_pb2.Expression(column=scripts_pb2.Earlier(step=1, name="n"))],
            )
        ),
    ],
    ids=["found", "column", "within a call"],
)
def test_no_value_of_a_script_is_made_of_a_step_that_reads_nothing(value: Any) -> None:
    """It would be taken for a read that has found no record."""
    script = Script()
    script.upsert("a.b", {"id": 1, "n": 2})
    read = script.get("a.b", {"id": 1})
    script.require(read.found)
    script.upsert("a.b", {"id": 2, "n": read["n"]})
    message = script_message(script)
    script_of(message)
    message.steps[3].computed[0].value.CopyFrom(value)
    if value.WhichOneof("kind") == "call":  # of a requirement, too
        message.steps[3].computed[0].value.call.arguments[0].column.step = 2
    with pytest.raises(MalformedError, match="reads nothing"):
        script_of(message)


_OF_ONE = values_pb2.Condition(
    comparison=values_pb2.Comparison(
        column="n", operator=values_pb2.OPERATOR_EQ, value=values_pb2.Value(integer=1)
    )
)
_COLUMNS = values_pb2.Columns(names=["id"], values=[values_pb2.Value(integer=1)])


@pytest.mark.parametrize(
    "kind, stray",
    [
        *((kind, "where") for kind in ("INSERT", "UPSERT")),
        *((kind, "key") for kind in ("INSERT", "UPSERT", "PUT")),
        ("DELETE", "values"),
        *((kind, "ignore_missing") for kind in ("INSERT", "UPSERT", "DELETE", "PUT")),
        *((kind, "insert_mode") for kind in ("INSERT", "UPSERT", "UPDATE", "DELETE")),
        *((kind, "implicit_pre_read") for kind in ("INSERT", "UPSERT", "UPDATE", "DELETE")),
    ],
)
def test_a_write_is_refused_that_asks_for_what_its_kind_does_not_do(kind: str, stray: str) -> None:
    """Left out, a condition would be a write that was not meant."""
    has: dict[str, Any] = {"key": _COLUMNS, "values": _COLUMNS, "where": _OF_ONE}
    wanted = {"UPDATE": ("key", "values"), "DELETE": ("key",)}.get(kind, ("values",))
    write = operations_pb2.Write(
        kind=kind,
        table="a.b",
        **{name: has[name] for name in wanted},
    )
    operation_of(operations_pb2.Operation(write=write))
    if stray in has:
        getattr(write, stray).CopyFrom(has[stray])
    else:
        setattr(write, stray, True)
    with pytest.raises(MalformedError, match=f"of the kind {kind} has no {stray}"):
        operation_of(operations_pb2.Operation(write=write))


def test_the_deepest_value_of_a_script_is_read_and_a_deeper_one_refused() -> None:
    deepest = scripts_pb2.Expression(found=0)
    for _ in range(39):
        inner = scripts_pb2.Call(function=scripts_pb2.NOT, arguments=[deepest])
        deepest = scripts_pb2.Expression(call=inner)
    script = scripts_pb2.Script(
        steps=[
            scripts_pb2.Step(operation=operation_message(Get("a.b", {"id": 1}))),
            scripts_pb2.Step(require=scripts_pb2.Requirement(condition=deepest)),
        ]
    )
    script_of(scripts_pb2.Script.FromString(script.SerializeToString()))
    again = scripts_pb2.Call(function=scripts_pb2.NOT, arguments=[deepest])
    script.steps[1].require.condition.CopyFrom(scripts_pb2.Expression(call=again))
    with pytest.raises(MalformedError, match="deeper than 40 levels"):
        script_of(scripts_pb2.Script.FromString(script.SerializeToString()))


def test_a_script_of_no_steps_and_one_of_too_many() -> None:
    with pytest.raises(MalformedError):
        script_of(scripts_pb2.Script())
    step = script_message(_one_get()).steps[0]
    with pytest.raises(MalformedError):
        script_of(scripts_pb2.Script(steps=[step] * 1001))
    script = _one_get()
    for _ in range(999):
        script.get("a.b", {"id": 1})
    with pytest.raises(InvalidOperationError):
        script.get("a.b", {"id": 1})


def _one_get() -> Script:
    script = Script()
    script.get("a.b", {"id": 1})
    return script
