"""Do our clients do the work of each workload, and does TPC-C stay consistent?"""

from __future__ import annotations

import random
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from bench.beside import (
    agreement,
    floors,
    our_clients,
    our_side,
    places,
    profile,
    tpcc,
    ycsb,
)
from bench.beside.places import SQLITE, load, opened
from bench.beside.tally import Client, report
from bench.beside.tpcc_tables import (
    CUSTOMER,
    DISTRICT,
    DISTRICTS,
    HISTORY,
    ITEM,
    NEW_ORDER,
    ORDER_LINE,
    ORDERS,
    STOCK,
    WAREHOUSE,
    Scale,
    W,
)
from scalar_tx.storage.sqlite.settings import sqlite_settings
from tests.bench.small import SMALL, orders

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx import TransactionManager


pytestmark = pytest.mark.slow


@pytest.fixture
def shop() -> Iterator[TransactionManager]:
    """TPC-C in memory."""
    with scalar_tx.connect("memory://") as db:
        places._load_tpcc(db, SMALL, seed=1)
        yield db


def done(db: TransactionManager, what: tpcc.Drawn, *, gathered: bool = False) -> None:
    db.run(lambda tx: what.run(tx, gathered=gathered), read_only=what.read_only)


def stands(db: TransactionManager) -> list[str]:
    lines = agreement._seen_of_tpcc(db)
    agreement.check_tpcc(lines)
    return lines


@pytest.mark.parametrize("gathered", [False, True])
def test_an_order_takes_stock_and_has_its_lines(shop: TransactionManager, gathered: bool) -> None:
    for number, quantity in ((7, 14), (8, 10)):
        shop.update(STOCK, {"s_w_id": W, "s_i_id": number}, {"s_quantity": quantity})
    done(shop, tpcc.NewOrder(3, 5, ((7, 4), (8, 1))), gathered=gathered)
    stocks: list[Any] = [shop.get(STOCK, {"s_w_id": W, "s_i_id": number}) for number in (7, 8)]
    assert [one["s_quantity"] for one in stocks] == [10, 100]  # never fewer than ten
    assert (stocks[0]["s_ytd"], stocks[0]["s_order_cnt"]) == (4, 1)
    item: Any = shop.get(ITEM, {"i_id": 7})
    order = SMALL.customers + 1
    lines = shop.scan(ORDER_LINE, {"ol_w_id": W, "ol_d_id": 3, "ol_o_id": order})
    assert [(one["ol_i_id"], one["ol_quantity"]) for one in lines] == [(7, 4), (8, 1)]
    assert lines[0]["ol_amount"] == 4 * item["i_price"]
    stands(shop)


@pytest.mark.parametrize("gathered", [False, True])
def test_an_unused_item_rolls_the_order_back(shop: TransactionManager, gathered: bool) -> None:
    before = stands(shop)
    with pytest.raises(tpcc.UnusedItem):
        done(shop, tpcc.NewOrder(3, 5, ((7, 4), (SMALL.items + 8, 1))), gathered=gathered)
    assert stands(shop) == before


def test_a_payment_reaches_all_three_and_history(shop: TransactionManager) -> None:
    owed: Any = shop.get(CUSTOMER, {"c_w_id": W, "c_d_id": 2, "c_id": 9})
    done(shop, tpcc.Payment(tpcc.Person(2, 9, None), 12_34, "one"))
    paid: Any = shop.get(CUSTOMER, {"c_w_id": W, "c_d_id": 2, "c_id": 9})
    warehouse: Any = shop.get(WAREHOUSE, {"w_id": W})
    district: Any = shop.get(DISTRICT, {"d_w_id": W, "d_id": 2})
    assert owed["c_balance"] - paid["c_balance"] == 12_34
    assert (warehouse["w_ytd"], district["d_ytd"]) == (300_012_34, 30_012_34)
    history: Any = shop.get(HISTORY, {"h_id": "one"})
    assert (history["h_amount"], history["h_c_id"]) == (12_34, 9)
    stands(shop)


def test_a_named_customer_is_the_middle_one(shop: TransactionManager) -> None:
    name: Any = shop.get(CUSTOMER, {"c_w_id": W, "c_d_id": 1, "c_id": 4})
    person = tpcc.Person(1, 0, name["c_last"])
    key, _ = shop.run(person.found, read_only=True)
    assert key == {"c_w_id": W, "c_d_id": 1, "c_id": 4}  # so few have different names


@pytest.mark.parametrize("gathered", [False, True])
def test_a_delivery_takes_the_oldest_of_each_district(
    shop: TransactionManager, gathered: bool
) -> None:
    places_ = [{"no_w_id": W, "no_d_id": district} for district in DISTRICTS]
    waiting = [shop.scan(NEW_ORDER, place) for place in places_]
    done(shop, tpcc.Delivery(6), gathered=gathered)
    left = [shop.scan(NEW_ORDER, place) for place in places_]
    assert left == [orders_[1:] for orders_ in waiting]
    key = {"o_w_id": W, "o_d_id": 1, "o_id": waiting[0][0]["no_o_id"]}
    order: Any = shop.get(ORDERS, key)
    assert order["o_carrier_id"] == 6
    place = {"ol_w_id": W, "ol_d_id": 1, "ol_o_id": key["o_id"]}
    assert all(line["ol_delivery_d"] is not None for line in shop.scan(ORDER_LINE, place))
    stands(shop)


@pytest.mark.parametrize("gathered", [False, True])
def test_what_only_reads_finds_what_it_looks_for(shop: TransactionManager, gathered: bool) -> None:
    dice = random.Random(2)
    before = stands(shop)
    for _ in range(5):
        done(shop, tpcc.OrderStatus.drawn(dice, SMALL), gathered=gathered)
        done(shop, tpcc.StockLevel.drawn(dice, SMALL), gathered=gathered)
    assert stands(shop) == before


def test_a_wrong_sum_is_noticed(shop: TransactionManager) -> None:
    shop.update(DISTRICT, {"d_w_id": W, "d_id": 2}, {"d_ytd": 1})
    with pytest.raises(agreement.DisagreementError, match="received"):
        stands(shop)


def test_a_missing_line_is_noticed(shop: TransactionManager) -> None:
    last = SMALL.customers
    shop.delete(ORDER_LINE, {"ol_w_id": W, "ol_d_id": 4, "ol_o_id": last, "ol_number": 1})
    with pytest.raises(agreement.DisagreementError, match="district 4"):
        stands(shop)


def test_loading_makes_as_much_as_the_scale_says(shop: TransactionManager) -> None:
    for table, key, count in ((ITEM, "i_id", SMALL.items), (STOCK, "s_i_id", SMALL.items)):
        more = {"s_w_id": W} if table == STOCK else {}
        assert shop.get(table, {**more, key: count}) is not None
        assert shop.get(table, {**more, key: count + 1}) is None
    assert len(shop.scan(NEW_ORDER, {"no_w_id": W, "no_d_id": 1})) == 0.3 * SMALL.customers


def test_only_what_is_done_in_time_counts() -> None:
    now = time.monotonic_ns()
    second = 10**9
    early, late = (
        Client(random.Random(1), *times) for times in ((now + second, now + 2 * second), (0, 1))
    )
    timely = Client(random.Random(1), 0, now + 60 * second, attempts=4, unknown=1)
    for client in (early, late, timely):
        client.finish(now)
    tally = report([early, late, timely], 0.5)
    assert (tally.done, tally.all_done, tally.latencies.total()) == (1, 3, 1)
    assert tally.conflicts == 0
    assert report([timely], 0.5).conflicts == 2
    assert (late.over, timely.over) == (True, False)


def test_clients_are_shared_among_processes() -> None:
    assert our_side.shares(16, 2) == [8, 8]
    assert our_side.shares(5, 3) == [2, 2, 1]


@pytest.mark.parametrize("processes", [1, 2])
def test_processes_share_clients_and_every_transaction_is_stored(processes: int) -> None:
    with opened(SQLITE) as place:
        load(place, "multi-f-1", Scale())
        tally = our_side.turn(orders(place.ours, "multi-f-1", clients=3), processes)
        assert 0 < tally.done <= tally.all_done
        assert tally.latencies.total() == tally.done
        written = agreement.versions(place.ours) - 2 * ycsb.RECORDS
        assert written == 2 * tally.all_done
        lines = agreement.seen(place.ours, "multi-f-1")
        assert agreement.writers(lines) == {"ours", "loaded"}


@pytest.fixture(scope="module")
def ground() -> Iterator[places.Place]:
    """A file with the records."""
    with opened(SQLITE) as place:
        load(place, "ycsb-f-1", Scale())
        yield place


@pytest.mark.parametrize(
    "way, bare",
    [
        *((way, False) for way in floors.WAYS),
        *((way, True) for way in floors.WAYS if way != "full"),
    ],
)
def test_a_floor_writes_what_its_way_says(ground: places.Place, way: str, bare: bool) -> None:
    versions, decisions = agreement.versions(ground.ours), _decisions(ground.ours)
    wanted = orders(ground.ours, "ycsb-c-2" if way == "reads" else "ycsb-f-1", clients=1)
    tally = our_side.turn(replace(wanted, floor=way, bare=bare), 1)
    assert tally.done > 0
    written = agreement.versions(ground.ours) - versions
    assert written == (0 if way == "reads" else tally.all_done)
    decided = _decisions(ground.ours) - decisions
    assert decided == (tally.all_done if way in {"full", "fused"} else 0)


def _decisions(properties: dict[str, str]) -> int:
    file = sqlite_settings(properties["scalar.db.contact_points"]).path
    with closing(sqlite3.connect(file)) as connection:
        [(count,)] = connection.execute('SELECT count(*) FROM "coordinator$state"').fetchall()
    return int(count)


def test_a_client_that_fails_ends_the_turn() -> None:
    broken = Client(random.Random(1), until=time.monotonic_ns() + 10**9)

    def work(_: object) -> None:
        raise LookupError("no such record")

    with pytest.raises(LookupError):
        our_clients.run_threads(work, [broken], lambda: 0.0)


def test_a_profile_names_our_functions(capsys: pytest.CaptureFixture[str]) -> None:
    assert profile.main(["ycsb-c-2_sqlite_1_defaults", "--seconds", "0.3"]) == 0
    head, _, *functions = capsys.readouterr().out.splitlines()
    assert int(head.split()[1]) > 0
    assert any("scalar_tx/storage/sqlite/" in one for one in functions)
    with pytest.raises(SystemExit):
        profile.main(["cost_fdatasync"])
    assert "is no contest" in capsys.readouterr().err
