"""Which values can an argument never have, by what it stands for?

``bank.account`` (id INT | owner TEXT with an index, balance BIGINT) and ``bank.entry`` (day TEXT |
seq INT DESC, part TEXT | what TEXT with an index, amount INT) are the tables they are wrong for.
"""

from __future__ import annotations

import datetime as dt
import decimal
import enum
import uuid
from typing import Any, Final

from scalar_tx import Get, Insert, column, if_exists, if_not_exists


class Colour(enum.Enum):
    RED = 1


def each(column_name: str, *values: object) -> list[dict[str, object]]:
    """A mapping of one column for each value."""
    return [{column_name: value} for value in values]


SCALARS: Final[tuple[Any, ...]] = (5, 1.5, True, "text", b"bytes", object())
NAMES: Final[tuple[Any, ...]] = (None, 5, True, b"bank.account", [], ["bank.account"], {}, object())

TABLE: Final[tuple[Any, ...]] = (
    *NAMES,
    *("", ".", "account", "bank.", ".account", "bank.account.x", "bank.nothing", "nowhere.account"),
    *("coordinator.state", "bank.account\x00", "BANK.ACCOUNT"),
)
KEY: Final[tuple[Any, ...]] = (
    *SCALARS,
    *([1], ("id", 1), {1}, [("id", 1)], {}),
    *each("id", None, "1", b"1", 1.0, True, [], {}, 2**31, -(2**31) - 1),
    *each("id", decimal.Decimal(1), uuid.UUID(int=1), Colour.RED, object()),
    *({"nope": 1}, {"id": 1, "nope": 1}, {"id": 1, "owner": "x"}, {1: 1}, {None: 1}, {"ID": 1}),
)
VALUES: Final[tuple[Any, ...]] = (
    None,
    *SCALARS,
    *([1], [("id", 1), ("balance", 2)], {1, 2}),
    *({"nope": 1}, {"balance": 1, "nope": 1}, {5: 5}, {None: 1}, {"BALANCE": 1}),
    *each("balance", "1", 1.0, True, [], 2**53 + 1, -(2**53) - 1, 2**63),
    *each("balance", decimal.Decimal(1), Colour.RED, object()),
    {"balance": dt.date(2024, 1, 1)},
    *each("owner", 1, b"x", ["x"], uuid.UUID(int=1), "\ud800", object()),
    *({"tx_id": "x"}, {"before_balance": 1}, {"tx_state": 3}),
)
WHERE: Final[tuple[Any, ...]] = (
    *SCALARS,
    *([], {}, {"balance": 1}, [column("balance") == 1], (lambda row: True), column("balance")),
    *(column("nope") == 1, column("tx_id") == "x", column("balance") == "1"),
    *(column("balance") > 1.5, column("balance") == []),
    column("balance") == column("id"),  # type: ignore[operator]
    *(column("balance").like("x"), (column("balance") == 1) & (column("nope") == 1)),
    column("owner") == "\ud800",
)
EXISTENCE: Final[tuple[Any, ...]] = (if_exists, if_not_exists)
COLUMNS: Final[tuple[Any, ...]] = (
    *SCALARS,
    *("balance", {"balance"}, {"balance": 1}, (name for name in ("id",))),
    *(["nope"], ["balance", "nope"], [None], [5], [[]], ["tx_id"], ["before_balance"]),
)
ACCOUNT_INDEX: Final[tuple[Any, ...]] = (
    *SCALARS,
    *([], ["owner"], {}, {"balance": 1}, {"nope": 1}, {"id": 1}, {"owner": "x", "balance": 1}),
    *each("owner", None, 1, b"x", []),
    *({1: 1}, {None: None}),
)
FLAG: Final[tuple[Any, ...]] = (None, 0, 1, "", "yes", [], object())
ORDER: Final[tuple[Any, ...]] = (
    *SCALARS,
    *("seq", {"seq": 1}, ["nope"], ["-nope"], [None], [5], [[]], ["--seq"], [""], ["-"], ["+seq"]),
    ["tx_id"],
)
PARTITION_ORDER: Final[tuple[Any, ...]] = (
    *ORDER,
    ["amount"],
    ["part"],
    ["seq", "seq"],
    ["seq", "-part", "what"],
)
LIMIT: Final[tuple[Any, ...]] = (-1, True, 1.0, "1", [], object())
BOUND: Final[tuple[Any, ...]] = (
    *SCALARS,
    *([], ["seq"], {}, {"part": "x"}, {"nope": 1}, {"day": "mon"}, {"seq": "1"}, {"seq": None}),
    *({"seq": 2**31}, {"seq": 1, "part": 5}, {"seq": 1, "what": "x"}, {1: 1}),
)
TOKEN: Final[tuple[Any, ...]] = (
    5,
    True,
    b"AAAA",
    [],
    {},
    "",
    "x",
    "AAAA",
    "\u00e9",
    "====",
    "A" * 5000,
    object(),
)
MISSING: Final[tuple[Any, ...]] = (None, True, "", "ERROR", "create", [], object())
MUTATIONS: Final[tuple[Any, ...]] = (
    None,
    *SCALARS,
    *([], (), {}, [None], ["x"], [5], [[]], [Get("bank.account", {"id": 1})]),
    *(Insert("bank.account", {"id": 9}), [Insert], iter(())),
)
OPERATIONS: Final[tuple[Any, ...]] = (
    None,
    *SCALARS,
    *([], (), {}, [None], ["x"], [5], [[]], Get("bank.account", {"id": 1}), [Get], iter(())),
    [Get("bank.account", {"id": 1}), None],
)
ID: Final[tuple[Any, ...]] = (
    *(5, True, b"id", [], {}, "", "a,b", "x" * 24 + "$y", "x" * 65, "a\x00b", "\n", object()),
)
KNOWN_ID: Final[tuple[Any, ...]] = (None, 5, True, b"id", [], {}, "", object())
TIMEOUT: Final[tuple[Any, ...]] = ("1", True, b"1", [], float("nan"), 0, -1, -0.5, object())
ISOLATION: Final[tuple[Any, ...]] = ("", "serial", 5, True, b"SNAPSHOT", [], {}, object())
RETRY: Final[tuple[Any, ...]] = (-1, True, 1.5, "1", [], {}, object())
FUNCTION: Final[tuple[Any, ...]] = (None, *SCALARS, [], {})
ROWS: Final[tuple[Any, ...]] = (
    None,
    5,
    True,
    1.5,
    "text",
    b"x",
    object(),
    [5],
    [None],
    ["x"],
    {"id": 1},
    [{}],
)
COUNT: Final[tuple[Any, ...]] = (None, 0, -1, True, 1.5, "1", [], object())
SKIP: Final[tuple[Any, ...]] = (None, -1, True, 1.5, "1", [], object())
NAMESPACE: Final[tuple[Any, ...]] = (*NAMES, "", ".", "a.b", "coordinator")
COLUMN_TYPES: Final[tuple[Any, ...]] = (
    *SCALARS,
    *([], ["id"], {}, [("id", "INT")], {"id"}, {"id": None}, {"id": 5}, {"id": "NUMBER"}),
    *({"id": []}, {5: "INT"}, {None: "INT"}, {"": "INT"}, {"id": "INT", "tx_id": "TEXT"}),
    *({"id": "INT", "a": "INT", "before_a": "INT"}, {"id": "INT", "x\x00": "INT"}),
)
KEY_COLUMNS: Final[tuple[Any, ...]] = (
    *SCALARS,
    *("id", [], {}, [None], [5], [[]], ["nope"], ["id", "id"], {"id": 1}, [""]),
)
MORE_COLUMNS: Final[tuple[Any, ...]] = (
    None,
    *SCALARS,
    *("owner", [None], [5], [[]], ["nope"], {"owner": 1}, [""]),
)
CLUSTERING: Final[tuple[Any, ...]] = (
    *MORE_COLUMNS,
    *(["owner", "owner"], ["owner UP"], ["id"], ["owner  "], [" DESC"]),
)
SCHEMA: Final[tuple[Any, ...]] = (*SCALARS, [], {}, {"id": "INT"})
OPTIONS: Final[tuple[Any, ...]] = (None, *SCALARS, [], [("a", 1)])
COLUMN_NAME: Final[tuple[Any, ...]] = (None, *SCALARS, [], {}, "", "nope", "tx_id", "a\x00", "ID")
COLUMN_TYPE: Final[tuple[Any, ...]] = (None, 5, True, [], {}, "", "NUMBER", "INT(5)", object())
