"""Are the workloads what their names say, on both sides?"""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest

from bench.beside import tpcc, ycsb
from bench.beside.java_side import SOURCES
from bench.beside.tpcc_tables import Scale, last_name, uneven

JAVA = {path.stem: path.read_text(encoding="utf-8") for path in SOURCES.rglob("*.java")}


def test_both_sides_have_the_same_workloads() -> None:
    known = {
        word for text in JAVA.values() for word in re.findall(r'"([a-z]+(?:-\w+)+|tpcc)"', text)
    }
    assert known == {*ycsb.KINDS, *tpcc.MIXES}


@pytest.mark.parametrize(
    "file, constant, value",
    [
        ("Records", "RECORDS", ycsb.RECORDS),
        ("Records", "SIZE", ycsb.SIZE),
        ("Ycsb", "THETA", ycsb.THETA),
        ("Records", "MARK", f'"{ycsb.MARKS["java"]}"'),
        ("Load", "FIRST_PAUSE_MILLIS", 5),
        ("Load", "LONGEST_PAUSE_MILLIS", 500),
        ("Tables", "NAMESPACE", '"tpcc"'),
    ],
)
def test_both_sides_have_the_same_constants(file: str, constant: str, value: object) -> None:
    found = re.search(rf"\b{constant} = ([^;]+);", JAVA[file])
    assert found is not None
    assert found[1] == str(value)


@pytest.mark.parametrize("name", ycsb.KINDS)
def test_a_transaction_has_the_records_of_its_kind(name: str) -> None:
    kind = ycsb.KINDS[name]
    steps = ycsb.draws(name)(random.Random(1))
    assert [step.table for step in steps] == [
        ycsb.TABLES[i % kind.tables] for i in range(kind.keys)
    ]
    assert all((step.text is not None) is kind.writes for step in steps)
    texts = [step.text for step in steps if step.text is not None]
    assert all(len(text) == ycsb.SIZE and text[0] == "o" and text.isalnum() for text in texts)


def test_keys_are_even_and_zipf_keys_are_not() -> None:
    dice = random.Random(5)
    counts = {}
    for name in ("ycsb-f-1", "ycsb-f-1-zipf"):
        drawn = ycsb.draws(name)
        counts[name] = Counter(drawn(dice)[0].key for _ in range(20_000))
        assert counts[name].keys() <= set(range(ycsb.RECORDS))
    assert max(counts["ycsb-f-1"].values()) < 60
    zipf = counts["ycsb-f-1-zipf"]
    weights = [(number + 1) ** -ycsb.THETA for number in range(ycsb.RECORDS)]
    assert zipf[0] / 20_000 == pytest.approx(weights[0] / sum(weights), rel=0.1)
    assert zipf[0] / zipf[9] == pytest.approx(10**ycsb.THETA, rel=0.2)


def test_the_full_mix_is_of_a_hundred() -> None:
    assert {kind.__name__: share for kind, share in tpcc.MIXES["tpcc-full"].items()} == {
        "NewOrder": 45,
        "Payment": 43,
        "OrderStatus": 4,
        "Delivery": 4,
        "StockLevel": 4,
    }
    bounds = re.findall(r"hundred < (?:\(allFive \? )?(\d+)", JAVA["Tpcc"])
    assert list(map(int, bounds)) == [45, 88, 92, 96]


def test_last_names_are_those_of_the_benchmark() -> None:
    assert [last_name(number) for number in (0, 371, 999)] == [
        "BARBARBAR",
        "PRICALLYOUGHT",
        "EINGEINGEING",
    ]


def test_an_order_has_different_items_and_one_in_a_hundred_an_unused_one() -> None:
    dice, scale = random.Random(7), Scale()
    orders = [tpcc.NewOrder.drawn(dice, scale) for _ in range(3000)]
    assert {len(order.lines) for order in orders} == set(range(5, 16))
    assert all(len(dict(order.lines)) == len(order.lines) for order in orders)
    unused = sum(any(item > scale.items for item, _ in order.lines) for order in orders)
    assert 10 <= unused <= 60


def test_uneven_draws_stay_within_their_range() -> None:
    dice = random.Random(9)
    drawn = Counter(uneven(dice, 127, 1, 300) for _ in range(20_000))
    assert set(drawn) <= set(range(1, 301))
    assert len(drawn) > 250
    assert max(drawn.values()) > 10 * min(drawn.values())
