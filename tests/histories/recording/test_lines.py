"""Which lines does a transaction become? Exactly these."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scalar_tx.errors import ConditionNotMetError, ConflictError
from scalar_tx.model.conditions import column
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.operations import Insert, Scan, Update
from scalar_tx.model.table import TableSchema
from tests.histories.recording.reading import ACCOUNT, completions, record, timeless, told

if TYPE_CHECKING:
    from pathlib import Path

    from tests.protocol.world import World

ONE, TWO, THREE = (f"{ACCOUNT}/{n}" for n in (1, 2, 3))


def test_a_small_program(world: World, path: Path) -> None:
    with record(world, path) as recording:
        transfer = world.begin("transfer")
        transfer.get(ACCOUNT, {"id": 1})
        transfer.update(ACCOUNT, {"id": 1}, {"balance": 90})
        transfer.upsert(ACCOUNT, {"id": 3, "balance": 10})
        transfer.commit()
        reader = world.begin("reader", Isolation.SNAPSHOT, read_only=True)
        reader.get(ACCOUNT, {"id": 1})
        reader.get(ACCOUNT, {"id": 9})
        reader.commit()
        removal = world.begin("removal", Isolation.READ_COMMITTED)
        removal.delete(ACCOUNT, {"id": 3})
        removal.commit()
        given_up = world.begin("given up")
        given_up.get(ACCOUNT, {"id": 3})
        given_up.rollback()
        assert recording.transactions == 4
        assert recording.path == path
    assert (
        timeless(path)
        == """\
{"index":0,"type":"invoke","process":0,"f":"txn","time":0,"value":[]}
{"index":1,"type":"ok","process":0,"f":"txn","time":0,"value":[["r","bank.account/1","load-1"],\
["r","bank.account/3",null],["w","bank.account/1","transfer"],["w","bank.account/3","transfer"]],\
"id":"transfer","level":"SERIALIZABLE"}
{"index":2,"type":"invoke","process":0,"f":"txn","time":0,"value":[]}
{"index":3,"type":"ok","process":0,"f":"txn","time":0,"value":[["r","bank.account/1","transfer"],\
["r","bank.account/9",null]],"id":"reader","level":"SNAPSHOT"}
{"index":4,"type":"invoke","process":0,"f":"txn","time":0,"value":[]}
{"index":5,"type":"ok","process":0,"f":"txn","time":0,"value":[["r","bank.account/3","transfer"],\
["w","bank.account/3",null]],"id":"removal","level":"READ_COMMITTED"}
{"index":6,"type":"invoke","process":0,"f":"txn","time":0,"value":[]}
{"index":7,"type":"fail","process":0,"f":"txn","time":0,"value":[["r","bank.account/3",null]],\
"id":"given up","level":"SERIALIZABLE"}
"""
    )


def test_a_write_stands_behind_what_it_replaced(world: World, path: Path) -> None:
    """Also where the program did not read it."""
    with record(world, path):
        tx = world.begin("T")
        tx.upsert(ACCOUNT, {"id": 1, "balance": 1})
        tx.insert(ACCOUNT, {"id": 3, "balance": 1})
        tx.delete(ACCOUNT, {"id": 2})
        tx.commit()
    ((kind, value),) = told(path)
    assert kind == "ok"
    assert sorted(value[:3]) == [["r", ONE, "load-1"], ["r", TWO, "load-1"], ["r", THREE, None]]
    assert value[3:] == [["w", ONE, "T"], ["w", THREE, "T"], ["w", TWO, None]]


def test_an_insert_has_compared_that_there_is_none(world: World, path: Path) -> None:
    """Whatever was read of the record before; at SNAPSHOT nothing looks at that again."""
    with record(world, path):
        tx = world.begin("T", Isolation.SNAPSHOT)
        tx.get(ACCOUNT, {"id": 1})
        removal = world.begin("removal")
        removal.delete(ACCOUNT, {"id": 1})
        removal.commit()
        tx.insert(ACCOUNT, {"id": 1, "balance": 1})
        tx.commit()
    assert told(path)[1] == ("ok", [["r", ONE, "load-1"], ["r", ONE, None], ["w", ONE, "T"]])


def test_own_writes_read_back_are_no_reads_of_others(world: World, path: Path) -> None:
    with record(world, path):
        tx = world.begin("T")
        tx.insert(ACCOUNT, {"id": 3, "owner": "ann", "balance": 1})
        assert tx.get(ACCOUNT, {"id": 3}) is not None
        tx.update(ACCOUNT, {"id": 1}, {"balance": 5})
        assert len(tx.scan(ACCOUNT, whole_table=True)) == 3
        tx.get(ACCOUNT, {"id": 1})
        tx.commit()
    assert told(path) == [
        (
            "ok",
            [
                ["r", ONE, "load-1"],
                ["r", TWO, "load-1"],
                ["r", THREE, None],  # prepare found none
                ["w", THREE, "T"],
                ["w", ONE, "T"],
            ],
        )
    ]


def test_of_a_scan_counts_what_the_caller_got(world: World, path: Path) -> None:
    for number in range(3, 9):
        world.load(ACCOUNT, {"id": number, "owner": "bob", "balance": 0})
    with record(world, path):
        for how in (
            {"whole_table": True, "order_by": ["id"], "limit": 1},
            {"index": {"owner": "ann"}},
            {"whole_table": True, "where": column("id") == 5},
        ):
            tx = world.begin("T", Isolation.SNAPSHOT)
            tx.scan(ACCOUNT, **how)
            tx.commit()
        tx = world.begin("T")
        cursor = world.run(tx.steps.open_cursor(Scan(ACCOUNT, whole_table=True, limit=6)))
        world.run(cursor.next_page())
        tx.commit()
    assert [[register for _, register, _ in value] for _, value in told(path)] == [
        [ONE],
        [ONE, TWO],
        [f"{ACCOUNT}/5"],
        [f"{ACCOUNT}/{n}" for n in range(1, 7)],
    ]


def test_a_version_read_anew_stands_again(world: World, path: Path) -> None:
    """READ_COMMITTED reads a record again; the others repeat what they have read."""
    with record(world, path):
        readers = [world.begin(level.value, level) for level in Isolation]
        for tx in readers:
            tx.get(ACCOUNT, {"id": 1})
        writer = world.begin("W")
        writer.update(ACCOUNT, {"id": 1}, {"balance": 0})
        writer.commit()
        for tx in readers:
            tx.get(ACCOUNT, {"id": 1})
            tx.get(ACCOUNT, {"id": 1})
            if tx.steps.isolation is Isolation.SERIALIZABLE:
                with pytest.raises(ConflictError):
                    tx.commit()
            else:
                tx.commit()
    found = {line["id"]: (line["type"], line["value"]) for line in completions(path)}
    once = [["r", ONE, "load-1"]]
    assert found["SERIALIZABLE"] == ("fail", once)
    assert found["SNAPSHOT"] == ("ok", once)
    assert found["READ_COMMITTED"] == ("ok", [*once, ["r", ONE, "W"]])


def test_a_failed_transaction_tells_what_is_known(world: World, path: Path) -> None:
    with record(world, path):
        for name in ("first", "second"):
            world.begin(name).insert(ACCOUNT, {"id": 3, "balance": 0})
        loser, winner = world.begin("loser"), world.begin("winner")
        for tx in (loser, winner):
            tx.get(ACCOUNT, {"id": 1})
            tx.upsert(ACCOUNT, {"id": 1, "balance": 5})
            tx.insert(ACCOUNT, {"id": 3, "balance": 5})
        winner.commit()
        with pytest.raises(ConflictError):
            loser.commit()
    found = {
        line["id"]: (line["type"], line["value"]) for line in completions(path) if "id" in line
    }
    writes = ["w", ONE], ["w", THREE]
    # Of record 3 the loser has read nothing, and its insert was never compared.
    assert found["loser"] == (
        "fail",
        [["r", ONE, "load-1"], *([*write, "loser"] for write in writes)],
    )
    assert found["winner"] == (
        "ok",
        [["r", ONE, "load-1"], ["r", THREE, None], *([*write, "winner"] for write in writes)],
    )


def test_without_an_id_nobody_saw_a_write(world: World, path: Path) -> None:
    with record(world, path):
        tx = world.begin()
        tx.steps._own_id.known = None
        tx.upsert(ACCOUNT, {"id": 1, "balance": 5})
        tx.rollback()
    (line,) = completions(path)
    assert (line["type"], line["value"], "id" in line) == ("fail", [], False)


def test_a_judged_condition_has_read(world: World, path: Path) -> None:
    with record(world, path):
        tx = world.begin("T")
        with pytest.raises(ConditionNotMetError):
            tx.update(ACCOUNT, {"id": 1}, {"balance": 5}, where=column("balance") > 100)
        tx.commit()
    assert told(path) == [("ok", [["r", ONE, "load-1"]])]


def test_a_batch_that_fails_writes_nothing(world: World, path: Path) -> None:
    with record(world, path):
        tx = world.begin("T")
        with pytest.raises(ConditionNotMetError):
            world.run(
                tx.steps.batch(
                    [
                        Insert(ACCOUNT, {"id": 3}),
                        Update(ACCOUNT, {"id": 1}, {"balance": 0}, where=column("balance") < 0),
                    ]
                )
            )
        tx.commit()
    assert told(path) == [("ok", [["r", ONE, "load-1"]])]


def test_imported_records_have_a_version_too(world: World, path: Path) -> None:
    world.write(ACCOUNT, (7,), balance=7)
    with record(world, path):
        tx = world.begin("T")
        tx.update(ACCOUNT, {"id": 7}, {"balance": 8})
        tx.commit()
    seven = f"{ACCOUNT}/7"
    assert told(path) == [("ok", [["r", seven, "imported"], ["w", seven, "T"]])]


def test_reads_that_are_promised_nothing_are_left_out(world: World, path: Path) -> None:
    with record(world, path):
        for level in (Isolation.SERIALIZABLE, Isolation.SNAPSHOT):
            tx = world.begin("T", level)
            assert tx.get(ACCOUNT, index={"owner": "nobody"}, weak=True) is None
            assert len(tx.scan(ACCOUNT, index={"owner": "ann"}, weak=True)) == 2
            tx.commit()
    assert told(path) == [("ok", []), ("ok", [["r", ONE, "load-1"], ["r", TWO, "load-1"]])]


def test_a_write_over_a_weak_read_has_compared_it(world: World, path: Path) -> None:
    with record(world, path):
        tx = world.begin("T")
        tx.scan(ACCOUNT, index={"owner": "ann"}, weak=True)
        tx.put(ACCOUNT, {"id": 1, "balance": 5})
        tx.commit()
    assert told(path) == [("ok", [["r", ONE, "load-1"], ["w", ONE, "T"]])]


def test_an_unfinished_write_of_another_is_not_the_version_read(world: World, path: Path) -> None:
    writer = world.begin("W")
    writer.update(ACCOUNT, {"id": 1}, {"balance": 0})
    assert writer.commit_until("commit-state")
    with record(world, path):
        tx = world.begin("T", Isolation.READ_COMMITTED)
        tx.get(ACCOUNT, {"id": 1})
        tx.commit()
        writer.commit()  # it began before the recording
    assert told(path) == [("ok", [["r", ONE, "load-1"]])]


KEYS = [("a/b", "c"), ("a", "b/c"), ("a%2Fb", "c"), ("a", "b%2Fc"), ("%", "/"), ("/", "é\n")]


def test_no_two_records_have_one_name(world: World, path: Path) -> None:
    schema = TableSchema(
        columns={"p": "TEXT", "c": "TEXT", "b": "BLOB", "n": "INT"},
        partition_key=["p"],
        clustering_key=["c", "b"],
    )
    world.create_table("odd.keys", schema)
    with record(world, path):
        for first, second in KEYS:
            for third in (b"/", b"2f"):
                tx = world.begin("T")
                tx.insert("odd.keys", {"p": first, "c": second, "b": third})
                tx.commit()
    registers = [value[-1][1] for _, value in told(path)]
    assert len(set(registers)) == len(KEYS) * 2
    assert registers[:2] == [f"odd.keys/a%2Fb/c/{text}" for text in ("2f", "3266")]
