"""Which tables does TPC-C have here, and with how many records?

The nine tables of the benchmark's clause 1.2 with their keys, and two more in the place of its
indexes: customers by last name, and orders by customer. Money is in cents and rates are in
ten-thousandths, so that sums are exact; moments are epoch milliseconds.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import random

NAMESPACE: Final = "tpcc"
WAREHOUSE = f"{NAMESPACE}.warehouse"
DISTRICT = f"{NAMESPACE}.district"
CUSTOMER = f"{NAMESPACE}.customer"
CUSTOMER_BY_NAME = f"{NAMESPACE}.customer_by_name"
HISTORY = f"{NAMESPACE}.history"
ORDERS = f"{NAMESPACE}.orders"
ORDER_BY_CUSTOMER = f"{NAMESPACE}.order_by_customer"
NEW_ORDER = f"{NAMESPACE}.new_order"
ORDER_LINE = f"{NAMESPACE}.order_line"
ITEM = f"{NAMESPACE}.item"
STOCK = f"{NAMESPACE}.stock"

W: Final = 1  # the one warehouse
DISTRICTS: Final = range(1, 11)


@dataclass(frozen=True)
class Scale:
    """How many items, and how many customers and first orders a district, there are.

    The benchmark has 100,000 and 3,000; a tenth keeps loading short and leaves what transactions
    meet each other at as it is: one warehouse and its ten districts. ``item_a``, ``customer_a`` and
    ``name_a`` are its clause 2.1.6's constants (8191, 1023 and 255) scaled down alike.
    """

    items: int = 10_000
    customers: int = 300
    item_a: int = 1023
    customer_a: int = 127
    name_a: int = 31

    @property
    def names(self) -> int:
        """How many different last names there are."""
        return min(1000, self.customers)


@dataclass(frozen=True)
class Definition:
    """A table's columns, and which of them are its key."""

    columns: dict[str, str]
    partition: tuple[str, ...]
    clustering: tuple[str, ...] = ()  # "name", or "name DESC"


def _columns(words: str) -> dict[str, str]:
    """``name:TYPE`` words; a name alone is an INT."""
    pairs = (word.partition(":") for word in words.split())
    return {name: kind or "INT" for name, _, kind in pairs}


def _address(prefix: str) -> str:
    parts = ("street_1", "street_2", "city", "state", "zip")
    return " ".join(f"{prefix}_{part}:TEXT" for part in parts)


TABLES: Final = {
    WAREHOUSE: Definition(
        _columns(f"w_id w_name:TEXT {_address('w')} w_tax w_ytd:BIGINT"), ("w_id",)
    ),
    DISTRICT: Definition(
        _columns(
            f"d_w_id d_id d_name:TEXT {_address('d')} d_tax d_ytd:BIGINT d_next_o_id",
        ),
        ("d_w_id", "d_id"),
    ),
    CUSTOMER: Definition(
        _columns(
            "c_w_id c_d_id c_id c_first:TEXT c_middle:TEXT c_last:TEXT "
            f"{_address('c')} c_phone:TEXT c_since:BIGINT c_credit:TEXT c_credit_lim:BIGINT "
            "c_discount c_balance:BIGINT c_ytd_payment:BIGINT c_payment_cnt c_delivery_cnt "
            "c_data:TEXT"
        ),
        ("c_w_id", "c_d_id", "c_id"),
    ),
    CUSTOMER_BY_NAME: Definition(
        _columns("c_w_id c_d_id c_last:TEXT c_first:TEXT c_id"),
        ("c_w_id", "c_d_id", "c_last"),
        ("c_first", "c_id"),
    ),
    HISTORY: Definition(
        _columns(
            "h_id:TEXT h_c_id h_c_d_id h_c_w_id h_d_id h_w_id h_date:BIGINT h_amount:BIGINT "
            "h_data:TEXT"
        ),
        ("h_id",),
    ),
    ORDERS: Definition(
        _columns("o_w_id o_d_id o_id o_c_id o_entry_d:BIGINT o_carrier_id o_ol_cnt o_all_local"),
        ("o_w_id", "o_d_id", "o_id"),
    ),
    ORDER_BY_CUSTOMER: Definition(
        _columns("o_w_id o_d_id o_c_id o_id"), ("o_w_id", "o_d_id", "o_c_id"), ("o_id DESC",)
    ),
    NEW_ORDER: Definition(
        _columns("no_w_id no_d_id no_o_id"), ("no_w_id", "no_d_id"), ("no_o_id",)
    ),
    ORDER_LINE: Definition(
        _columns(
            "ol_w_id ol_d_id ol_o_id ol_number ol_i_id ol_supply_w_id ol_delivery_d:BIGINT "
            "ol_quantity ol_amount:BIGINT ol_dist_info:TEXT"
        ),
        ("ol_w_id", "ol_d_id", "ol_o_id"),
        ("ol_number",),
    ),
    ITEM: Definition(_columns("i_id i_im_id i_name:TEXT i_price:BIGINT i_data:TEXT"), ("i_id",)),
    STOCK: Definition(
        _columns(
            "s_w_id s_i_id s_quantity "
            + " ".join(f"s_dist_{district:02}:TEXT" for district in DISTRICTS)
            + " s_ytd s_order_cnt s_remote_cnt s_data:TEXT"
        ),
        ("s_w_id", "s_i_id"),
    ),
}

_SYLLABLES: Final = (
    "BAR", "OUGHT", "ABLE", "PRI", "PRES", "ESE", "ANTI", "CALLY", "ATION", "EING",
)  # fmt: skip
_C: Final = 42  # the constant C of clause 2.1.6, for all three


def last_name(number: int) -> str:
    """Clause 4.3.2.3."""
    return "".join(_SYLLABLES[int(digit)] for digit in f"{number:03}")


def uneven(dice: random.Random, a: int, low: int, high: int) -> int:
    """Clause 2.1.6: some are drawn more often than others."""
    return ((dice.randint(0, a) | dice.randint(low, high)) + _C) % (high - low + 1) + low


def now_ms() -> int:
    """The moment that records say."""
    return time.time_ns() // 1_000_000
