"""Which records does TPC-C begin with? (Its clause 4.3.3.)"""

from __future__ import annotations

import random
import string
from typing import TYPE_CHECKING

from bench.beside.tpcc_tables import (
    CUSTOMER,
    CUSTOMER_BY_NAME,
    DISTRICT,
    DISTRICTS,
    ITEM,
    NEW_ORDER,
    ORDER_BY_CUSTOMER,
    ORDER_LINE,
    ORDERS,
    STOCK,
    WAREHOUSE,
    Scale,
    W,
    last_name,
    now_ms,
    uneven,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from scalar_tx.model.types import Row


class Population:
    """The records, drawn from one seed."""

    def __init__(self, scale: Scale, seed: int = 1) -> None:
        self.scale = scale
        self.dice = random.Random(seed)
        self._letters = "".join(self.dice.choices(string.ascii_letters + string.digits, k=10_000))

    def tables(self) -> dict[str, Callable[[], Iterator[Row]]]:
        """What makes the rows of each table, in the order in which they are to be made."""
        return {
            WAREHOUSE: self._warehouses,
            DISTRICT: self._districts,
            ITEM: self._items,
            STOCK: self._stocks,
            CUSTOMER: self._customers,
            CUSTOMER_BY_NAME: self._names,
            ORDERS: self._orders,
            ORDER_BY_CUSTOMER: self._customers_orders,
            NEW_ORDER: self._new_orders,
            ORDER_LINE: self._lines,
        }

    def _text(self, low: int, high: int) -> str:
        size = self.dice.randint(low, high)
        start = self.dice.randrange(len(self._letters) - size)
        return self._letters[start : start + size]

    def _data(self) -> str:
        text = self._text(26, 50)
        return "ORIGINAL" + text[8:] if self.dice.random() < 0.1 else text

    def _place(self, prefix: str) -> Row:
        return {
            f"{prefix}_street_1": self._text(10, 20),
            f"{prefix}_street_2": self._text(10, 20),
            f"{prefix}_city": self._text(10, 20),
            f"{prefix}_state": self._text(2, 2),
            f"{prefix}_zip": f"{self.dice.randrange(10_000):04}11111",
        }

    def _warehouses(self) -> Iterator[Row]:
        yield {
            "w_id": W,
            "w_name": self._text(6, 10),
            **self._place("w"),
            "w_tax": self.dice.randint(0, 2000),
            "w_ytd": 30_000_00 * len(DISTRICTS),
        }

    def _districts(self) -> Iterator[Row]:
        for district in DISTRICTS:
            yield {
                "d_w_id": W,
                "d_id": district,
                "d_name": self._text(6, 10),
                **self._place("d"),
                "d_tax": self.dice.randint(0, 2000),
                "d_ytd": 30_000_00,
                "d_next_o_id": self.scale.customers + 1,
            }

    def _items(self) -> Iterator[Row]:
        for item in range(1, self.scale.items + 1):
            yield {
                "i_id": item,
                "i_im_id": self.dice.randint(1, 10_000),
                "i_name": self._text(14, 24),
                "i_price": self.dice.randint(1_00, 100_00),
                "i_data": self._data(),
            }

    def _stocks(self) -> Iterator[Row]:
        for item in range(1, self.scale.items + 1):
            yield {
                "s_w_id": W,
                "s_i_id": item,
                "s_quantity": self.dice.randint(10, 100),
                **{f"s_dist_{district:02}": self._text(24, 24) for district in DISTRICTS},
                "s_ytd": 0,
                "s_order_cnt": 0,
                "s_remote_cnt": 0,
                "s_data": self._data(),
            }

    def _person(self, district: int, customer: int) -> tuple[str, str]:
        """First and last name, the same whenever they are asked for."""
        own = random.Random(1_000_000 * district + customer)
        number = customer - 1
        if number >= self.scale.names:
            number = uneven(own, self.scale.name_a, 0, self.scale.names - 1)
        start = own.randrange(len(self._letters) - 16)
        return self._letters[start : start + own.randint(8, 16)], last_name(number)

    def _each_customer(self) -> Iterator[tuple[int, int]]:
        for district in DISTRICTS:
            for customer in range(1, self.scale.customers + 1):
                yield district, customer

    def _customers(self) -> Iterator[Row]:
        for district, customer in self._each_customer():
            first, last = self._person(district, customer)
            yield {
                "c_w_id": W,
                "c_d_id": district,
                "c_id": customer,
                "c_first": first,
                "c_middle": "OE",
                "c_last": last,
                **self._place("c"),
                "c_phone": f"{self.dice.randrange(10**16):016}",
                "c_since": now_ms(),
                "c_credit": "BC" if self.dice.random() < 0.1 else "GC",
                "c_credit_lim": 50_000_00,
                "c_discount": self.dice.randint(0, 5000),
                "c_balance": -10_00,
                "c_ytd_payment": 10_00,
                "c_payment_cnt": 1,
                "c_delivery_cnt": 0,
                "c_data": self._text(300, 500),
            }

    def _names(self) -> Iterator[Row]:
        for district, customer in self._each_customer():
            first, last = self._person(district, customer)
            yield {
                "c_w_id": W, "c_d_id": district, "c_last": last, "c_first": first, "c_id": customer,
            }  # fmt: skip

    def _each_order(self) -> Iterator[tuple[int, int, int, bool, int]]:
        """District, order, its customer, whether it is delivered, how many lines it has."""
        for district in DISTRICTS:
            own = random.Random(district)
            customers = own.sample(range(1, self.scale.customers + 1), self.scale.customers)
            for order, customer in enumerate(customers, 1):
                delivered = order <= 0.7 * self.scale.customers
                yield district, order, customer, delivered, own.randint(5, 15)

    def _orders(self) -> Iterator[Row]:
        for district, order, customer, delivered, lines in self._each_order():
            yield {
                "o_w_id": W,
                "o_d_id": district,
                "o_id": order,
                "o_c_id": customer,
                "o_entry_d": now_ms(),
                "o_carrier_id": self.dice.randint(1, 10) if delivered else None,
                "o_ol_cnt": lines,
                "o_all_local": 1,
            }

    def _customers_orders(self) -> Iterator[Row]:
        for district, order, customer, *_ in self._each_order():
            yield {"o_w_id": W, "o_d_id": district, "o_c_id": customer, "o_id": order}

    def _new_orders(self) -> Iterator[Row]:
        for district, order, _, delivered, _ in self._each_order():
            if not delivered:
                yield {"no_w_id": W, "no_d_id": district, "no_o_id": order}

    def _lines(self) -> Iterator[Row]:
        for district, order, _, delivered, lines in self._each_order():
            for number in range(1, lines + 1):
                yield {
                    "ol_w_id": W,
                    "ol_d_id": district,
                    "ol_o_id": order,
                    "ol_number": number,
                    "ol_i_id": self.dice.randint(1, self.scale.items),
                    "ol_supply_w_id": W,
                    "ol_delivery_d": now_ms() if delivered else None,
                    "ol_quantity": 5,
                    "ol_amount": 0 if delivered else self.dice.randint(1, 9_999_99),
                    "ol_dist_info": self._text(24, 24),
                }
