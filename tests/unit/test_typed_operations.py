"""Is everything that an operation on a class says also said of its table?"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx import Delete, Get, Insert, Put, Scan, TableSchema, Update, Upsert, column, if_exists
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.typed_operations import batch, get, mutate, open_cursor, scan

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = "shop.shirt"


class Size(Enum):  # a StrEnum's members are equal to what is to be stored of them
    SMALL = "s"
    LARGE = "l"


@scalar_tx.table(NAME)
@dataclass
class Shirt:
    day: str
    size: Size
    number: int


class Told:
    """Steps that note what they are told to do, of a table that has one more column."""

    closed = False

    def __init__(self) -> None:
        self.operations: list[Any] = []

    async def table(self, name: str) -> TableSchema:
        assert name == NAME
        columns = {"day": "TEXT", "size": "TEXT", "number": "INT", "note": "TEXT"}
        return TableSchema(columns, ["day"], ["size"], ["number"])

    async def get(self, operation: Any) -> None:
        self.operations.append(operation)

    mutate = get

    async def scan(self, operation: Any) -> list[Any]:
        self.operations.append(operation)
        return []

    async def open_cursor(self, operation: Any) -> Told:
        self.operations.append(operation)
        return self

    async def batch(self, operations: Sequence[Any]) -> list[Any]:
        self.operations += operations
        return [None] * len(operations)

    def written(self) -> None:
        return None


FIELDS = ("day", "size", "number")
WHERE = column("number") > 1
LARGE, KEY = {"size": Size.LARGE}, {"day": "mon", "size": Size.LARGE}
PLAIN = {"day": "mon", "size": "l"}
SHIRT = Shirt("mon", Size.LARGE, 5)
PAIRS: list[tuple[Any, Any]] = [
    (
        Get(Shirt, KEY, where=WHERE, weak=True),
        Get(NAME, PLAIN, where=WHERE, weak=True, columns=FIELDS),
    ),
    (Get(Shirt, index=LARGE), Get(NAME, index={"size": "l"}, columns=FIELDS)),
    (
        Scan(
            Shirt,
            {"day": "mon"},
            start={"size": Size.LARGE},
            end={"size": Size.SMALL},
            start_inclusive=False,
            end_inclusive=False,
            order_by=["-size"],
            limit=3,
            after="token",
            where=WHERE,
            weak=True,
        ),
        Scan(
            NAME,
            {"day": "mon"},
            start={"size": "l"},
            end={"size": "s"},
            start_inclusive=False,
            end_inclusive=False,
            order_by=["-size"],
            limit=3,
            after="token",
            where=WHERE,
            weak=True,
            columns=FIELDS,
        ),
    ),
    (Scan(Shirt, index=LARGE), Scan(NAME, index={"size": "l"}, columns=FIELDS)),
    (Scan(Shirt, LARGE), Scan(NAME, {"size": "l"}, columns=FIELDS)),
    (Scan(Shirt, whole_table=True), Scan(NAME, whole_table=True, columns=FIELDS)),
    (Insert(SHIRT), Insert(NAME, {**PLAIN, "number": 5})),
    (Insert(Shirt, KEY), Insert(NAME, PLAIN)),
    (Upsert(SHIRT), Upsert(NAME, {**PLAIN, "number": 5})),
    (
        Update(SHIRT, where=WHERE, missing="ignore"),
        Update(NAME, PLAIN, {"number": 5}, where=WHERE, missing="ignore"),
    ),
    (
        Update(Shirt, KEY, {"note": "x"}, where=WHERE, missing="ignore"),
        Update(NAME, PLAIN, {"note": "x"}, where=WHERE, missing="ignore"),
    ),
    (Delete(SHIRT, where=if_exists), Delete(NAME, PLAIN, where=if_exists)),
    (Delete(Shirt, KEY, where=if_exists), Delete(NAME, PLAIN, where=if_exists)),
    (
        Put(SHIRT, where=WHERE, implicit_pre_read=True, insert_mode=True),
        Put(
            NAME,
            {**PLAIN, "number": 5},
            where=WHERE,
            implicit_pre_read=True,
            insert_mode=True,
        ),
    ),
]


@pytest.mark.parametrize("typed,plain", PAIRS)
def test_all_is_handed_on(typed: Any, plain: Any) -> None:
    steps: Any = Told()
    if isinstance(typed, Get):
        run_blocking(get(steps, typed))
    elif isinstance(typed, Scan):
        run_blocking(scan(steps, typed))
        run_blocking(open_cursor(steps, typed))
    else:
        run_blocking(mutate(steps, typed))
    run_blocking(batch(steps, [typed]))
    assert steps.operations == [plain] * len(steps.operations)
    assert len(steps.operations) >= 2


def test_every_argument_is_in_one_of_them() -> None:
    for kind in (Get, Scan, Insert, Upsert, Update, Delete, Put):
        for one in dataclasses.fields(kind):
            given = [getattr(plain, one.name) for _, plain in PAIRS if isinstance(plain, kind)]
            assert any(value != one.default for value in given), (kind, one.name)


@pytest.mark.parametrize("plain", [plain for _, plain in PAIRS])
def test_what_names_a_table_is_handed_on_as_it_is(plain: Any) -> None:
    steps: Any = Told()
    call = get if isinstance(plain, Get) else scan if isinstance(plain, Scan) else mutate
    run_blocking(call(steps, plain))
    run_blocking(batch(steps, [plain]))
    assert all(one is plain for one in steps.operations)
