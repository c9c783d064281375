"""Which classes stand for the tables of the tests of typed records?"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

import scalar_tx
from tests.faces.either import now
from tests.faces.tables import ACCOUNT, ENTRY


@scalar_tx.table(ACCOUNT)
@dataclass(frozen=True, slots=True)
class Account:
    id: int
    owner: str | None
    balance: int


@scalar_tx.table(ENTRY)
@dataclass(kw_only=True)
class Entry:
    part: str
    day: str
    seq: int
    amount: int | None = None


class Size(StrEnum):
    SMALL = "s"
    LARGE = "l"


@scalar_tx.table("shop.every_type")
@dataclass(frozen=True)
class EveryType:
    id: int
    a_boolean: bool | None = None
    an_int: int | None = None
    a_bigint: int | None = None
    a_float: float | None = None
    a_double: float | None = None
    a_text: str | None = None
    a_blob: bytes | None = None
    a_date: dt.date | None = None
    a_time: dt.time | None = None
    a_timestamp: dt.datetime | None = None
    a_timestamptz: dt.datetime | None = None


@scalar_tx.table("shop.shirt")
@dataclass
class Shirt:
    id: int
    size: Size
    state: Literal["new", "sold"] = "new"


async def make_shirts(db: Any) -> None:
    await now(
        db.admin.create_table(
            "shop.shirt",
            columns={"id": "INT", "size": "TEXT", "state": "TEXT"},
            partition_key=["size"],
            clustering_key=["id"],
        )
    )


ONE = Account(1, "owner 1", 100)
