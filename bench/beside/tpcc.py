"""What do TPC-C's five transactions do? (Its clauses 2.4 to 2.8, one warehouse.)

What is drawn is drawn before the first attempt. Each is one database transaction: delivery for all
ten districts. The items of an order are all different. ``gathered``: reads that don't depend on
each other are asked for together, with ``tx.batch``.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from bench.beside.tpcc_tables import (
    CUSTOMER,
    CUSTOMER_BY_NAME,
    DISTRICT,
    DISTRICTS,
    HISTORY,
    ITEM,
    NEW_ORDER,
    ORDER_BY_CUSTOMER,
    ORDER_LINE,
    ORDERS,
    STOCK,
    WAREHOUSE,
    W,
    last_name,
    now_ms,
    uneven,
)
from scalar_tx import Get, Scan

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Sequence

    from bench.beside.tpcc_tables import Scale
    from scalar_tx import Transaction
    from scalar_tx.model.types import Row

_DATA: Final = 500  # characters that a customer's data keeps
_RECENT: Final = 20  # orders that stock-level looks at


class UnusedItem(Exception):
    """The customer's entry names an item that there is none of: the order is rolled back."""


class Drawn(Protocol):
    """A transaction whose values are drawn."""

    @property
    def read_only(self) -> bool:
        """Does it only read?"""

    def run(self, tx: Transaction, *, gathered: bool) -> None:
        """Do it, but for the commit."""


def _read(tx: Transaction, reads: Sequence[Get | Scan], *, gathered: bool) -> list[Any]:
    if gathered:
        return tx.batch(reads)
    return [
        tx.get(one.table, one.key)
        if isinstance(one, Get)
        else tx.scan(one.table, one.partition, limit=one.limit)
        for one in reads
    ]


@dataclass(frozen=True)
class Person:
    """A customer, by number, or by a last name that others may have too."""

    district: int
    number: int
    name: str | None

    @classmethod
    def drawn(cls, dice: random.Random, scale: Scale) -> Person:
        """Six of ten are named."""
        district = dice.choice(DISTRICTS)
        if dice.random() < 0.6:
            return cls(district, 0, last_name(uneven(dice, scale.name_a, 0, scale.names - 1)))
        return cls(district, uneven(dice, scale.customer_a, 1, scale.customers), None)

    def found(self, tx: Transaction) -> tuple[dict[str, int], Any]:
        """Key and record; of several with the name the middle one by first names."""
        number = self.number
        if self.name is not None:
            place: Row = {"c_w_id": W, "c_d_id": self.district, "c_last": self.name}
            named = tx.scan(CUSTOMER_BY_NAME, place)
            number = int(str(named[(len(named) - 1) // 2]["c_id"]))
        key = {"c_w_id": W, "c_d_id": self.district, "c_id": number}
        record = tx.get(CUSTOMER, key)
        assert record is not None
        return key, record


@dataclass(frozen=True)
class NewOrder:
    """Clause 2.4; one in a hundred names an unused item."""

    district: int
    customer: int
    lines: tuple[tuple[int, int], ...]  # item, quantity
    read_only = False

    @classmethod
    def drawn(cls, dice: random.Random, scale: Scale) -> NewOrder:
        """Five to fifteen lines."""
        items: dict[int, int] = {}
        count = dice.randint(5, 15)
        while len(items) < count:
            items.setdefault(uneven(dice, scale.item_a, 1, scale.items), dice.randint(1, 10))
        if dice.random() < 0.01:
            last, quantity = items.popitem()
            items[scale.items + last] = quantity
        customer = uneven(dice, scale.customer_a, 1, scale.customers)
        return cls(dice.choice(DISTRICTS), customer, tuple(items.items()))

    def run(self, tx: Transaction, *, gathered: bool) -> None:
        """Clause 2.4.2."""
        place = {"d_w_id": W, "d_id": self.district}
        customer = {"c_w_id": W, "c_d_id": self.district, "c_id": self.customer}
        heads = [Get(WAREHOUSE, {"w_id": W}), Get(DISTRICT, place), Get(CUSTOMER, customer)]
        _, district, _ = _read(tx, heads, gathered=gathered)
        order = district["d_next_o_id"]
        tx.update(DISTRICT, place, {"d_next_o_id": order + 1})
        here = {"o_w_id": W, "o_d_id": self.district}
        values = {
            "o_id": order,
            "o_c_id": self.customer,
            "o_entry_d": now_ms(),
            "o_ol_cnt": len(self.lines),
            "o_all_local": 1,
        }
        tx.insert(ORDERS, {**here, **values})
        tx.insert(ORDER_BY_CUSTOMER, {**here, "o_c_id": self.customer, "o_id": order})
        tx.insert(NEW_ORDER, {"no_w_id": W, "no_d_id": self.district, "no_o_id": order})
        wanted = [Get(ITEM, {"i_id": item}) for item, _ in self.lines]
        stocks = [{"s_w_id": W, "s_i_id": item} for item, _ in self.lines]
        if gathered:
            found = tx.batch([*wanted, *(Get(STOCK, key) for key in stocks)])
        for number, (item, quantity) in enumerate(self.lines, 1):
            key = stocks[number - 1]
            at: Any
            if gathered:
                there, at = found[number - 1], found[len(wanted) + number - 1]
            else:
                there = tx.get(ITEM, {"i_id": item})
            if there is None:
                raise UnusedItem
            if not gathered:
                at = tx.get(STOCK, key)
            self._take(tx, key, at, quantity)
            price: Any = there["i_price"]
            line: Row = {
                "ol_w_id": W,
                "ol_d_id": self.district,
                "ol_o_id": order,
                "ol_number": number,
                "ol_i_id": item,
                "ol_supply_w_id": W,
                "ol_quantity": quantity,
                "ol_amount": quantity * price,
                "ol_dist_info": at[f"s_dist_{self.district:02}"],
            }
            tx.insert(ORDER_LINE, line)

    @staticmethod
    def _take(tx: Transaction, key: dict[str, int], stock: Any, quantity: int) -> None:
        left = stock["s_quantity"] - quantity
        changed = {
            "s_quantity": left if left >= 10 else left + 91,
            "s_ytd": stock["s_ytd"] + quantity,
            "s_order_cnt": stock["s_order_cnt"] + 1,
        }
        tx.update(STOCK, key, changed)


@dataclass(frozen=True)
class Payment:
    """Clause 2.5."""

    person: Person
    amount: int
    history: str
    read_only = False

    @classmethod
    def drawn(cls, dice: random.Random, scale: Scale) -> Payment:
        """1 to 5,000 of money."""
        # Not from the dice: those of another turn may have the same seed.
        id_ = str(uuid.uuid4())
        return cls(Person.drawn(dice, scale), dice.randint(1_00, 5_000_00), id_)

    def run(self, tx: Transaction, *, gathered: bool) -> None:
        """Clause 2.5.2."""
        at = {"d_w_id": W, "d_id": self.person.district}
        heads = [Get(WAREHOUSE, {"w_id": W}), Get(DISTRICT, at)]
        warehouse, district = _read(tx, heads, gathered=gathered)
        tx.update(WAREHOUSE, {"w_id": W}, {"w_ytd": warehouse["w_ytd"] + self.amount})
        tx.update(DISTRICT, at, {"d_ytd": district["d_ytd"] + self.amount})
        key, customer = self.person.found(tx)
        changed = {
            "c_balance": customer["c_balance"] - self.amount,
            "c_ytd_payment": customer["c_ytd_payment"] + self.amount,
            "c_payment_cnt": customer["c_payment_cnt"] + 1,
        }
        if customer["c_credit"] == "BC":
            numbers = (key["c_id"], key["c_d_id"], W, at["d_id"], W, self.amount)
            news = " ".join(map(str, numbers))
            changed["c_data"] = f"{news} {customer['c_data']}"[:_DATA]
        tx.update(CUSTOMER, key, changed)
        row: Row = {
            "h_id": self.history,
            "h_c_id": key["c_id"],
            "h_c_d_id": key["c_d_id"],
            "h_c_w_id": W,
            "h_d_id": at["d_id"],
            "h_w_id": W,
            "h_date": now_ms(),
            "h_amount": self.amount,
            "h_data": f"{warehouse['w_name']}    {district['d_name']}",
        }
        tx.insert(HISTORY, row)


@dataclass(frozen=True)
class OrderStatus:
    """Clause 2.6."""

    person: Person
    read_only = True

    @classmethod
    def drawn(cls, dice: random.Random, scale: Scale) -> OrderStatus:
        """A customer."""
        return cls(Person.drawn(dice, scale))

    def run(self, tx: Transaction, *, gathered: bool) -> None:
        """Clause 2.6.2."""
        key, _ = self.person.found(tx)
        place = {"o_w_id": W, "o_d_id": key["c_d_id"], "o_c_id": key["c_id"]}
        last = tx.scan(ORDER_BY_CUSTOMER, place, limit=1)
        if not last:  # who has none yet has nothing to be shown
            return
        order: Any = last[0]["o_id"]
        district = key["c_d_id"]
        reads: list[Get | Scan] = [
            Get(ORDERS, {"o_w_id": W, "o_d_id": district, "o_id": order}),
            Scan(ORDER_LINE, {"ol_w_id": W, "ol_d_id": district, "ol_o_id": order}),
        ]
        head, lines = _read(tx, reads, gathered=gathered)
        assert len(lines) == head["o_ol_cnt"]


@dataclass(frozen=True)
class Delivery:
    """Clause 2.7: the oldest order of each district."""

    carrier: int
    read_only = False

    @classmethod
    def drawn(cls, dice: random.Random, _: Scale) -> Delivery:
        """One of ten carriers."""
        return cls(dice.randint(1, 10))

    def run(self, tx: Transaction, *, gathered: bool) -> None:
        """Clause 2.7.4."""
        queues = [Scan(NEW_ORDER, {"no_w_id": W, "no_d_id": one}, limit=1) for one in DISTRICTS]
        oldest = _read(tx, queues, gathered=gathered)
        for district, found in zip(DISTRICTS, oldest, strict=True):
            if found:
                self._deliver(tx, district, found[0]["no_o_id"], gathered=gathered)

    def _deliver(self, tx: Transaction, district: int, order: int, *, gathered: bool) -> None:
        tx.delete(NEW_ORDER, {"no_w_id": W, "no_d_id": district, "no_o_id": order})
        key = {"o_w_id": W, "o_d_id": district, "o_id": order}
        place = {"ol_w_id": W, "ol_d_id": district, "ol_o_id": order}
        head, lines = _read(tx, [Get(ORDERS, key), Scan(ORDER_LINE, place)], gathered=gathered)
        tx.update(ORDERS, key, {"o_carrier_id": self.carrier})
        at = now_ms()
        for line in lines:
            number = {**place, "ol_number": line["ol_number"]}
            tx.update(ORDER_LINE, number, {"ol_delivery_d": at})
        payer = {"c_w_id": W, "c_d_id": district, "c_id": head["o_c_id"]}
        customer: Any = tx.get(CUSTOMER, payer)
        changed = {
            "c_balance": customer["c_balance"] + sum(line["ol_amount"] for line in lines),
            "c_delivery_cnt": customer["c_delivery_cnt"] + 1,
        }
        tx.update(CUSTOMER, payer, changed)


@dataclass(frozen=True)
class StockLevel:
    """Clause 2.8: how many of the items that were ordered last are short?"""

    district: int
    threshold: int
    read_only = True

    @classmethod
    def drawn(cls, dice: random.Random, _: Scale) -> StockLevel:
        """10 to 20 pieces."""
        return cls(dice.choice(DISTRICTS), dice.randint(10, 20))

    def run(self, tx: Transaction, *, gathered: bool) -> None:
        """Clause 2.8.2."""
        district: Any = tx.get(DISTRICT, {"d_w_id": W, "d_id": self.district})
        after = district["d_next_o_id"]
        recent = [
            Scan(ORDER_LINE, {"ol_w_id": W, "ol_d_id": self.district, "ol_o_id": order})
            for order in range(max(1, after - _RECENT), after)
        ]
        orders = _read(tx, recent, gathered=gathered)
        items = sorted({line["ol_i_id"] for lines in orders for line in lines})
        gets = [Get(STOCK, {"s_w_id": W, "s_i_id": item}) for item in items]
        stocks = _read(tx, gets, gathered=gathered)
        assert sum(one["s_quantity"] < self.threshold for one in stocks) <= len(items)


# Of a hundred transactions. Payment has what the others leave (clause 5.2.3).
MIXES: Final[dict[str, dict[type[Any], int]]] = {
    "tpcc": {NewOrder: 50, Payment: 50},
    "tpcc-full": {NewOrder: 45, Payment: 43, OrderStatus: 4, Delivery: 4, StockLevel: 4},
}


def draws(name: str, scale: Scale) -> Callable[[random.Random], Drawn]:
    """What draws one transaction after the other."""
    mix = MIXES[name]
    kinds, weights = list(mix), list(mix.values())

    def drawn(dice: random.Random) -> Drawn:
        [kind] = dice.choices(kinds, weights)
        found: Drawn = kind.drawn(dice, scale)
        return found

    return drawn
