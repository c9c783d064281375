"""What do pydantic models do as records, on both faces and over a node?"""

from __future__ import annotations

import datetime as dt
import decimal
import uuid
from enum import Enum
from typing import Annotated, Any, Literal

import pydantic
import pytest

import scalar_tx
from scalar_tx import InvalidOperationError, SchemaError
from tests.faces.either import now

ORDER = "shop.order"


class State(Enum):
    OPEN = "open"
    PAID = "paid"


@scalar_tx.table(ORDER)
class Order(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(frozen=True)

    number: uuid.UUID
    customer: Annotated[str, pydantic.StringConstraints(min_length=2)] = pydantic.Field(alias="who")
    pieces: int = pydantic.Field(gt=0)
    price: decimal.Decimal
    state: State = State.OPEN
    kind: Literal["gift", "sale"] | None = None
    remark: Annotated[str, pydantic.StringConstraints(max_length=5)] | None = None
    ordered_at: pydantic.AwareDatetime
    site: pydantic.HttpUrl | None = None


COLUMNS = {
    "number": "TEXT",
    "customer": "TEXT",
    "pieces": "INT",
    "price": "TEXT",
    "state": "TEXT",
    "kind": "TEXT",
    "ordered_at": "TIMESTAMPTZ",
    "site": "TEXT",
    "remark": "TEXT",
    "note": "BLOB",
}
NUMBER = uuid.UUID(int=7)
FULL = Order(
    number=NUMBER,
    who="me",
    pieces=3,
    price=decimal.Decimal("1.50"),
    state=State.PAID,
    kind="gift",
    remark="soon",
    ordered_at=dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
    site=pydantic.HttpUrl("https://example.org/a"),
)


async def make_orders(db: Any) -> None:
    await now(
        db.admin.create_table(
            ORDER, columns=COLUMNS, partition_key=["number"], secondary_index=["state"]
        )
    )


async def test_there_and_back(db: Any) -> None:
    await make_orders(db)
    await now(db.insert(FULL))
    stored = await now(db.get(ORDER, {"number": str(NUMBER)}))
    assert stored == {
        "number": str(NUMBER),
        "customer": "me",
        "pieces": 3,
        "price": "1.50",
        "state": "paid",
        "kind": "gift",
        "remark": "soon",
        "ordered_at": dt.datetime(2024, 1, 2, 3, 4, 5, tzinfo=dt.UTC),
        "site": "https://example.org/a",
        "note": None,
    }
    tx = db.begin()
    found = await now(tx.get(Order, {"number": NUMBER}))
    assert found == FULL
    less = found.model_copy(update={"pieces": 2, "kind": None, "site": None})
    await now(tx.update(less))
    assert await now(tx.scan(Order, {"number": NUMBER})) == [less]
    assert await now(tx.scan(Order, index={"state": State.PAID})) == [less]
    assert await now(tx.get(Order, index={"state": State.PAID})) == less
    await now(tx.commit())
    await now(db.update(Order, {"number": NUMBER}, {"state": State.OPEN}))
    assert await now(db.scan(Order, whole_table=True)) == [
        less.model_copy(update={"state": State.OPEN})
    ]
    await now(db.delete(less))
    assert await now(db.get(Order, {"number": NUMBER})) is None


@pytest.mark.parametrize(
    "column,value,says",
    [
        ("pieces", 0, "makes no Order: pieces: Input should be greater than 0"),
        ("customer", "x", "at least 2 characters"),
        ("price", "much", "valid decimal"),
        ("state", "lost", "'open' or 'paid'"),
        ("remark", "much later", "at most 5 characters"),
        ("kind", "loan", "'gift' or 'sale'"),
    ],
)
async def test_what_is_read_is_validated(db: Any, column: str, value: object, says: str) -> None:
    await make_orders(db)
    await now(db.insert(FULL))
    await now(db.update(ORDER, {"number": str(NUMBER)}, {column: value}))
    with pytest.raises(SchemaError, match=says) as caught:
        await now(db.get(Order, {"number": NUMBER}))
    assert caught.value.code == "STX-3096"
    assert f"the record {{'number': '{NUMBER}'}} of shop.order" in caught.value.message
    assert isinstance(caught.value.__cause__, pydantic.ValidationError)


async def test_null_where_a_field_is_not_optional(db: Any) -> None:
    await make_orders(db)
    await now(db.insert(FULL))
    await now(db.update(ORDER, {"number": str(NUMBER)}, {"pieces": None}))
    with pytest.raises(SchemaError, match=r"holds NULL in 'pieces', and Order\.pieces is int"):
        await now(db.get(Order, {"number": NUMBER}))


async def test_a_value_that_the_field_does_not_hold(db: Any) -> None:
    await make_orders(db)
    unchecked = FULL.model_copy(update={"number": "7"})
    with pytest.raises(
        InvalidOperationError, match=r"Order\.number is UUID, not str '7'"
    ) as caught:
        await now(db.insert(unchecked))
    assert caught.value.code == "STX-3010"


class StrictOrder(Order):
    model_config = pydantic.ConfigDict(strict=True)


async def test_a_strict_model(db: Any) -> None:
    await make_orders(db)
    strict = StrictOrder(**FULL.model_dump(exclude={"customer"}), who="me")
    await now(db.insert(strict))
    found = await now(db.get(StrictOrder, {"number": NUMBER}))
    assert found == strict
    assert found.state is State.PAID
    await now(db.update(ORDER, {"number": str(NUMBER)}, {"price": "much"}))
    with pytest.raises(SchemaError, match="holds 'much' in 'price', which is no Decimal"):
        await now(db.get(StrictOrder, {"number": NUMBER}))
