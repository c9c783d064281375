"""Which classes can stand for a table's records, and what is said of those that can't?"""

from __future__ import annotations

import copy
import dataclasses
import datetime as dt
import decimal
import pickle
from dataclasses import InitVar, dataclass, field, replace
from enum import Enum, IntEnum, IntFlag, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, NewType, Optional

import pydantic
import pytest

import scalar_tx
from scalar_tx import InvalidOperationError, Record, SchemaError, TableSchema
from scalar_tx.model.record_class import record_class
from scalar_tx.model.typed_table import typed_table
from scalar_tx.model.types import DataType

if TYPE_CHECKING:
    from scalar_tx.model.typed_table import TypedTable

    OnlyWhenChecked = int

SCHEMA = TableSchema({"id": "INT", "owner": "TEXT", "balance": "BIGINT"}, ["id"])
Cents = NewType("Cents", int)


class Role(StrEnum):
    ADMIN = "admin"
    USER = "user"


class Level(IntEnum):
    LOW = 1


class Mixed(Enum):
    TEXT = "a"
    NUMBER = 1


class Flags(IntFlag):
    A = 1


@scalar_tx.table("bank.account")
@dataclass(frozen=True, slots=True, order=True)
class Account:
    id: int
    owner: str
    balance: int = 0


class Named(Account):
    """A class derived from one that has a table."""

    __slots__ = ()

    @property
    def title(self) -> str:
        return f"account of {self.owner}"


@dataclass(frozen=True, slots=True)
class Noted(Account):
    note: str | None = None


@scalar_tx.table("bank.account")
class Model(pydantic.BaseModel):
    id: int
    owner: str


def fit(kind: type[Any], schema: TableSchema = SCHEMA) -> TypedTable:
    found = record_class(kind)
    assert found is not None
    return typed_table(found, schema)


def record(**values: Any) -> Record:
    return Record("bank.account", {"id": values["id"]}, values)


def test_a_class_stays_what_it_was() -> None:
    account = Account(1, "me", 5)
    assert dataclasses.astuple(account) == (1, "me", 5)
    assert replace(account, balance=6) == Account(1, "me", 6) > account
    assert pickle.loads(pickle.dumps(account)) == copy.deepcopy(account) == account
    assert not hasattr(account, "__dict__")
    assert [one.name for one in dataclasses.fields(Account)] == ["id", "owner", "balance"]
    with pytest.raises(dataclasses.FrozenInstanceError):
        account.balance = 7  # type: ignore[misc]
    model = Model(id=1, owner="me")
    assert pickle.loads(pickle.dumps(model)) == model
    assert model.model_dump() == {"id": 1, "owner": "me"}
    assert list(Model.model_fields) == ["id", "owner"]


@pytest.mark.parametrize(
    "operation",
    [
        scalar_tx.Get(Account, {"id": 1}),
        scalar_tx.Scan(Account, whole_table=True, limit=3),
        scalar_tx.Insert(Account(1, "me")),
        scalar_tx.Update(Account(1, "me"), missing="ignore"),
        scalar_tx.Update(Account, {"id": 1}, {"owner": "you"}),
        scalar_tx.Delete(Account(1, "me")),
    ],
    ids=repr,
)
def test_operations_on_classes_are_values(operation: Any) -> None:
    assert pickle.loads(pickle.dumps(operation)) == operation == copy.copy(operation)
    assert replace(operation) == operation
    assert "Account" in repr(operation)


def test_a_derived_class_has_the_table_of_its_base() -> None:
    stored = record(id=1, owner="me", balance=5)
    found = fit(Named).object_of(stored)
    assert type(found) is Named
    assert found.title == "account of me"
    assert type(fit(Account).object_of(stored)) is Account
    assert fit(Named).values_of(Named(1, "me", 5)) == dict(stored)
    with pytest.raises(SchemaError, match=r"Noted\.note is no column"):
        fit(Noted)
    wider = TableSchema({**SCHEMA.columns, "note": DataType.TEXT}, ["id"])
    assert fit(Noted, wider).object_of(record(id=1, owner="me", balance=5, note=None)) == Noted(
        1, "me", 5
    )


def test_a_class_is_compared_with_its_table_once() -> None:
    first = fit(Account)
    assert fit(Account) is first
    same = TableSchema({**SCHEMA.columns}, ["id"])
    assert fit(Account, same) is first
    other = TableSchema({**SCHEMA.columns}, ["owner", "id"])
    assert fit(Account, other) is not first
    assert fit(Account, other).key_of(Account(1, "me")) == {"owner": "me", "id": 1}
    for number in range(40):  # as many databases; what is kept of them does not grow
        fit(Account, TableSchema({**SCHEMA.columns, f"c{number}": DataType.INT}, ["id"]))
    found = record_class(Account)
    assert found is not None
    assert len(found.fitted) <= 16


TYPES = {
    bool: {DataType.BOOLEAN},
    int: {DataType.INT, DataType.BIGINT},
    float: {DataType.FLOAT, DataType.DOUBLE},
    str: {DataType.TEXT},
    bytes: {DataType.BLOB},
    dt.date: {DataType.DATE},
    dt.time: {DataType.TIME},
    dt.datetime: {DataType.TIMESTAMP, DataType.TIMESTAMPTZ},
    Role: {DataType.TEXT},
    Level: {DataType.INT, DataType.BIGINT},
    Literal["a", "b"]: {DataType.TEXT},
    Literal[1, 2] | None: {DataType.INT, DataType.BIGINT},
    Cents: {DataType.INT, DataType.BIGINT},
    Annotated[int, "of the smallest coin"]: {DataType.INT, DataType.BIGINT},
    Optional[bytes]: {DataType.BLOB},  # noqa: UP045  # both forms are in use
    bytes | None: {DataType.BLOB},
    Cents | None: {DataType.INT, DataType.BIGINT},
}


@pytest.mark.parametrize("model", [False, True], ids=["dataclass", "pydantic"])
@pytest.mark.parametrize("declared", TYPES, ids=str)
def test_which_columns_a_type_fits(declared: Any, model: bool) -> None:
    if model:
        kind: Any = pydantic.create_model("Kind", id=(int, ...), value=(declared, ...))
    else:
        kind = dataclasses.make_dataclass("Kind", [("id", int), ("value", declared)])
    scalar_tx.table("bank.account")(kind)
    for data_type in DataType:
        schema = TableSchema({"id": "INT", "value": data_type}, ["id"])
        if data_type in TYPES[declared]:
            fit(kind, schema)
        else:
            with pytest.raises(SchemaError, match=f"and its column is {data_type.value},"):
                fit(kind, schema)


@pytest.mark.parametrize(
    "declared",
    [
        *(decimal.Decimal, Any, list[int], dict, int | str, int | str | None, Mixed, Flags),
        *(Literal[1, "a"], None, object, dt.timedelta),
    ],
    ids=str,
)
def test_types_that_no_column_holds(declared: Any) -> None:
    kind = dataclasses.make_dataclass("Kind", [("id", int), ("value", declared)])
    scalar_tx.table("bank.account")(kind)
    with pytest.raises(InvalidOperationError, match=r"Kind\.value is .* no column holds") as caught:
        fit(kind)
    assert caught.value.code == "STX-3094"
    assert "datetime.date" in caught.value.advice


@pytest.mark.parametrize("declared", [pydantic.SecretStr, list[int], Model, dict[str, int], Any])
def test_types_of_models_that_no_column_holds(declared: Any) -> None:
    kind = pydantic.create_model("Kind", id=(int, ...), value=(declared, ...))
    scalar_tx.table("bank.account")(kind)
    with pytest.raises(InvalidOperationError, match=r"Kind\.value is .* no column holds"):
        fit(kind)


def test_fields_that_are_no_columns() -> None:
    @scalar_tx.table("bank.account")
    @dataclass
    class WithMore:
        table_name: ClassVar[str] = "x"
        id: int
        owner: str
        doubled: int = field(init=False, default=0)
        unused: InitVar[int] = 0

        def __post_init__(self, unused: int) -> None:
            self.doubled = self.id * 2

    found = fit(WithMore).object_of(record(id=2, owner="me", balance=5))
    assert (found.id, found.owner, found.doubled) == (2, "me", 4)
    assert fit(WithMore).values_of(found) == {"id": 2, "owner": "me"}
    assert fit(WithMore).columns == ("id", "owner")
    assert fit(Account).columns is None  # all there are


def test_a_column_that_is_gone_meanwhile() -> None:
    with pytest.raises(SchemaError, match="read without 'balance'") as caught:
        fit(Account).object_of(record(id=1, owner="me"))
    assert caught.value.code == "STX-3095"


def test_what_a_constructor_refuses() -> None:
    @scalar_tx.table("bank.account")
    @dataclass
    class Positive:
        id: int
        balance: int

        def __post_init__(self) -> None:
            if self.balance < 0:
                raise ValueError("below zero")

    with pytest.raises(SchemaError, match=r"\{'id': 1\} of bank\.account makes no Positive: below"):
        fit(Positive).object_of(record(id=1, owner="me", balance=-5))


def test_only_the_key_columns_are_fields() -> None:
    @scalar_tx.table("bank.account")
    @dataclass
    class Key:
        id: int

    assert fit(Key).object_of(record(id=3)) == Key(3)
    assert fit(Key).key_and_values_of(Key(3)) == ({"id": 3}, {})


class NotYet:
    id: int


@dataclass
class Begun:
    id: int
    start: InitVar[int]


@dataclass(init=False)
class MadeOtherwise:
    id: int

    def __init__(self, text: str) -> None:
        self.id = int(text)


@pytest.mark.parametrize(
    "decorated,says",
    [
        (NotYet, "above @dataclass, not below it"),
        (5, "for classes, not for 5"),
        (Account(1, "me"), "for classes"),
        (Begun, "it also takes start"),
        (MadeOtherwise, "it also takes text"),
        (str, "no dataclass"),
        (Record, "no dataclass"),
    ],
)
def test_what_can_be_no_record(decorated: Any, says: str) -> None:
    with pytest.raises(InvalidOperationError, match=says) as caught:
        scalar_tx.table("bank.account")(decorated)
    assert caught.value.code == "STX-3094"


@pytest.mark.parametrize(
    "name,code",
    [(Account, "STX-3094"), (None, "STX-3094"), ("account", "STX-3011"), ("a.b.c", "STX-3011")],
)
def test_names_of_tables(name: Any, code: str) -> None:
    with pytest.raises(InvalidOperationError) as caught:
        scalar_tx.table(name)
    assert caught.value.code == code


def test_a_type_that_is_not_there_when_the_program_runs() -> None:
    @scalar_tx.table("bank.account")
    @dataclass
    class Guarded:
        id: OnlyWhenChecked

    with pytest.raises(InvalidOperationError, match="OnlyWhenChecked") as caught:
        fit(Guarded)
    assert caught.value.code == "STX-3094"
    assert "TYPE_CHECKING" in caught.value.advice


@scalar_tx.table("bank.account")
@dataclass
class Forward:
    id: int
    owner: DeclaredBehind


class DeclaredBehind(StrEnum):
    ME = "me"


def test_a_type_that_is_declared_behind_the_class() -> None:
    assert fit(Forward).object_of(record(id=1, owner="me")) == Forward(1, DeclaredBehind.ME)
