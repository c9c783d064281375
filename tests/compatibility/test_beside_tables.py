"""On servers: tables that one side made are the other's, and each reads what the other wrote."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.errors import InvalidOperationError
from tests.compatibility.java_cells import decode
from tests.compatibility.java_peer import JavaError
from tests.compatibility.places import EACH_SERVER, OPTIONS, at
from tests.compatibility.stored_shapes import cells, shape
from tests.compatibility.type_limits import LIMITS
from tests.servers.fixtures import shelf_key

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scalar_tx import Transaction
    from tests.compatibility.java_cells import Row, Value
    from tests.compatibility.java_peer import JavaTransaction
    from tests.compatibility.places import Place
    from tests.servers import Cluster

# Cassandra has no type for it.
LACKING = {"cassandra": {"TIMESTAMP"}}
INFINITIES = (float("inf"), float("-inf"))
# What a server refuses, and Java and we with it.
REFUSED: dict[str, tuple[float, ...]] = {
    "dynamodb": (*INFINITIES, -1.7976931348623157e308, 5e-324),
    "mysql": INFINITIES,
}
# Java 17 prints other digits of the same numbers.
LONG_WINDED = {"c_float": "1.401298464324817e-45", "c_double": "1e+23"}
NEVER_THE_SAME = {"tx_id", "tx_prepared_at", "tx_committed_at"}
MAKERS = ("java", "ours")
SETTLE_SECONDS = 3.0  # a driver of Cassandra learns of new tables about a second later


def typed(place: Place) -> dict[str, str]:
    lacking = LACKING.get(place.name, set())
    return {f"c_{name.lower()}": name for name in LIMITS if name not in lacking}


def definitions(place: Place) -> dict[str, dict[str, Any]]:
    columns = {name: kind for name, kind in typed(place).items() if kind != "BLOB"}
    return {
        "types": {
            "columns": {"id": "INT", "tag": "TEXT", **typed(place)},
            "partition_key": ["id"],
            "secondary_index": ["tag", "c_int", "c_date", "c_timestamptz"],
        },
        "keys": {
            "columns": {"v": "INT", "blob": "BLOB", **columns},
            "partition_key": ["c_text", "c_int"],
            "clustering_key": [
                "c_bigint DESC",
                "c_date",
                "c_double DESC",
                "c_boolean ASC",
                "c_time DESC",
                "c_timestamptz",
                "c_float DESC",
            ],
            "secondary_index": ["v"],
        },
        "Mixed": {
            "columns": {"Id": "BIGINT", "before_Id": "INT", "order": "TEXT"},
            "partition_key": ["Id"],
            "clustering_key": ["order DESC"],
        },
    }


def table(place: Place, name: str, maker: str) -> str:
    return f"{place.first}.{name}_{maker}"


@pytest.fixture(scope="module")
def made(place: Place) -> Place:
    """Each table twice, made by Java and by us; the coordinator by Java."""
    place.java.admin("create_coordinator", if_not_exists=True, options=OPTIONS)
    place.java.admin("create_namespace", namespace=place.first, options=OPTIONS)
    for name, definition in definitions(place).items():
        place.java.create_table(
            table(place, name, "java"), **definition, if_not_exists=True, options=OPTIONS
        )
        place.ours.admin.create_table(table(place, name, "ours"), **definition, if_not_exists=True)
    give_up = time.monotonic() + SETTLE_SECONDS
    for name in definitions(place):
        while place.java.describe(table(place, name, "ours")) is None:
            assert time.monotonic() < give_up
            time.sleep(0.1)
    return place


@pytest.fixture
def cluster(place: Place, request: pytest.FixtureRequest) -> Cluster:
    return request.config.stash[shelf_key].take(place.name)


@at(*EACH_SERVER)
def test_a_table_is_made_alike_by_both(made: Place, cluster: Cluster) -> None:
    for name in definitions(made):
        theirs, own = (table(made, name, maker) for maker in MAKERS)
        assert shape(cluster, own) == shape(cluster, theirs)
        for metadata_columns in (False, True):
            described = made.java.describe(theirs, metadata_columns=metadata_columns)
            assert described is not None
            assert made.java.describe(own, metadata_columns=metadata_columns) == described
        assert made.ours.admin.table(own) == made.ours.admin.table(theirs)
        assert made.ours.admin.stored_table(own) == made.ours.admin.stored_table(theirs)


def plain(record: Mapping[str, Value] | None) -> Row | None:
    return None if record is None else dict(record)


def cases(place: Place) -> list[tuple[str, Value]]:
    lacking, refused = LACKING.get(place.name, set()), REFUSED.get(place.name, ())
    limits = [
        (name, value)
        for name, found in LIMITS.items()
        for value, _ in found
        if name not in lacking and not (isinstance(value, float) and value in refused)
    ]
    return [*limits, *((name, None) for name in LIMITS if name not in lacking)]


def comparable(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Stored cells without what differs between transactions, from id 1000 as from id 0."""
    return [
        {
            name: value
            for name, value in row.items()
            if name.removeprefix("before_") not in NEVER_THE_SAME
        }
        for row in rows
    ]


@at(*EACH_SERVER)
@pytest.mark.parametrize("maker", MAKERS)
def test_each_reads_every_value_that_the_other_wrote(
    made: Place, cluster: Cluster, maker: str
) -> None:
    """Rows 0.. and rows 1000.. hold the same; each side writes both halves, one after the other."""
    name = table(made, "types", maker)
    found = cases(made)
    base = dict.fromkeys(typed(made))

    def row(number: int, kind: str, value: Value) -> Row:
        return {"id": number, "tag": kind, **base, f"c_{kind.lower()}": value}

    theirs = [row(number, *case) for number, case in enumerate(found)]
    own = [{**each, "id": 1000 + number} for number, each in enumerate(theirs)]
    moved = [{**each, "id": number} for number, each in enumerate([*theirs[1:], theirs[0]])]
    own_moved = [{**each, "id": 1000 + number} for number, each in enumerate(moved)]

    def write(first: list[Row], second: list[Row]) -> None:
        """The first rows by Java, the second by us."""
        with made.java.transaction() as tx:
            for each in first:
                tx.upsert(name, each)
        with made.ours.transaction() as tx_of_ours:
            for each in second:
                tx_of_ours.upsert(name, each)

    write(theirs, own)
    write(own_moved, moved)  # over what the other wrote: before images hold them all
    with made.ours.transaction(read_only=True) as reader:
        for each in (*own_moved, *moved):
            assert plain(reader.get(name, {"id": each["id"]})) == each
    with made.java.transaction(read_only=True) as java_reader:
        for each in (*own_moved, *moved):
            assert java_reader.get(name, {"id": each["id"]}) == each

    if made.name == "dynamodb":
        check_items(cells(cluster, name))
    halves: list[dict[int, Any]] = [{}, {}]
    stored = made.rows(name)
    for each in comparable(cells(cluster, name) if made.name != "dynamodb" else stored):
        half, number = divmod(int(str(each["id"])), 1000)
        halves[half][number] = {**each, "id": 0, "before_id": 0}
    assert len(halves[0]) == len(found)
    assert halves[0] == halves[1], "both store the same cells"
    assert {each["tx_version"] for each in stored} == {2}


def check_items(items: Sequence[Mapping[str, Any]]) -> None:
    """Both sides write the same attributes with the same texts, but for two numbers."""
    halves: list[dict[int, Any]] = [{}, {}]
    for item in comparable(items):
        half, number = divmod(int(item.pop("id")["N"]), 1000)
        del item["concatenatedPartitionKey"]
        halves[half][number] = item
    theirs, own = halves
    assert theirs.keys() == own.keys()
    for number in theirs:
        assert theirs[number].keys() == own[number].keys()
        for name, attribute in theirs[number].items():
            if attribute != own[number][name]:
                same = {
                    decode([kind(name), one[name]["N"]]) for one in (theirs[number], own[number])
                }
                assert [repr(value) for value in same] == [
                    LONG_WINDED[name.removeprefix("before_")]
                ]


def kind(column: str) -> str:
    """The type of a column of the table of types."""
    return column.removeprefix("before_").removeprefix("c_").upper()


def in_any_order(rows: Sequence[Mapping[str, Value]]) -> list[Row]:
    return sorted((dict(sorted(row.items())) for row in rows), key=repr)


def keyed(place: Place) -> list[Row]:
    """Records of one partition, in any order."""
    zones = [value for value, _ in LIMITS["TIMESTAMPTZ"]]
    times = [value for value, _ in LIMITS["TIME"]]
    base: Row = dict.fromkeys(name for name, kind in typed(place).items() if kind != "BLOB")
    return [
        base
        | {
            "c_text": "p%_'",
            "c_int": -7,
            "c_bigint": (-(2**53), -1, 0, 5)[number % 4],
            "c_date": (date(1969, 12, 31), date(2024, 2, 29))[number % 2],
            "c_double": (-1.5, 0.25, 1e9)[number % 3],
            "c_boolean": number % 2 == 0,
            "c_time": times[number % 3],
            "c_timestamptz": zones[number % len(zones)],
            "c_float": (-2.5, 1.100000023841858)[number % 2],
            "v": number % 5,
            "blob": bytes([number]),
        }
        for number in range(12)
    ]


@at(*EACH_SERVER)
@pytest.mark.parametrize("maker", MAKERS)
def test_keys_orders_ranges_and_indexes_are_found_alike(made: Place, maker: str) -> None:
    name = table(made, "keys", maker)
    rows = keyed(made)
    with made.java.transaction() as tx:
        for row in rows[::2]:
            tx.insert(name, row)
    with made.ours.transaction() as tx_of_ours:
        for row in rows[1::2]:
            tx_of_ours.insert(name, row)
    partition: Row = {"c_text": "p%_'", "c_int": -7}
    expected = sorted(rows, key=lambda row: (-int(str(row["c_bigint"])), row["c_date"]))

    def both(**wanted: Any) -> list[Row]:
        with made.ours.transaction() as reader, made.java.transaction() as java_reader:
            found = [dict(record) for record in reader.scan(name, partition, **wanted)]
            assert java_reader.scan(name, partition, **wanted) == found
        return found

    found = both()
    assert [(row["c_bigint"], row["c_date"]) for row in found] == [
        (row["c_bigint"], row["c_date"]) for row in expected
    ]
    assert in_any_order(found) == in_any_order(rows)
    assert both(order_by=["c_bigint", "-c_date"])[0] == found[-1]
    assert both(start={"c_bigint": -1}, end={"c_bigint": 5}, end_inclusive=False) == [
        row for row in found if int(str(row["c_bigint"])) in (-1, 0)
    ]
    day = {"c_bigint": 5, "c_date": date(2024, 2, 29)}
    assert both(start=day) == [row for row in found if row["c_bigint"] == 5]
    assert both(limit=3) == found[:3]

    def by_value(tx: Transaction | JavaTransaction) -> list[Row]:
        return in_any_order(tx.scan(name, index={"v": 3}))

    with (
        made.ours.transaction(isolation="SNAPSHOT") as reader,
        made.java.transaction(isolation="SNAPSHOT") as java_reader,
    ):
        of_three = [row for row in rows if row["v"] == 3]
        assert by_value(reader) == by_value(java_reader) == in_any_order(of_three)
        for row in rows:
            key = {k: v for k, v in row.items() if k in made.ours.admin.table(name).primary_key}
            assert plain(reader.get(name, key)) == java_reader.get(name, key) == row


@at(*REFUSED)
def test_what_java_can_not_store_there_we_refuse(made: Place) -> None:
    name = table(made, "types", "ours")
    for value in REFUSED[made.name]:
        with pytest.raises(InvalidOperationError):
            made.ours.upsert(name, {"id": -1, "c_double": value})
        with pytest.raises(JavaError), made.java.transaction() as tx:
            tx.upsert(name, {"id": -1, "c_double": value})
