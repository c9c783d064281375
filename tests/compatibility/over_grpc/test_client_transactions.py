"""Does a transaction of the unmodified Java client work against our server?"""

from __future__ import annotations

from typing import Any

from tests.compatibility.over_grpc.java_client import (
    RAW,
    TABLE,
    Columns,
    JavaClient,
    begun,
    committed,
    ints,
    of,
    refused,
    row,
)


def test_records_of_all_types_come_back(client: JavaClient) -> None:
    all_types_come_back(client)


def all_types_come_back(client: JavaClient, shortest: str = "") -> None:
    """``shortest``: a text that the indexed column can hold."""
    values: Columns = {
        "v": {"INT": -(2**31)},
        "w": {"TEXT": "Größe 字 𠮷"},
        "b": {"BOOLEAN": False},
        "l": {"BIGINT": str(2**53)},
        "f": {"FLOAT": 0.10000000149011612},
        "d": {"DOUBLE": -1.5e-100},
        "x": {"BLOB": "00ff"},
    }
    nulls: Columns = {name: dict.fromkeys(typed) for name, typed in values.items()}
    zeroes: Columns = {
        "v": {"INT": 0},
        "w": {"TEXT": shortest},
        "b": {"BOOLEAN": False},
        "l": {"BIGINT": "0"},
        "f": {"FLOAT": 0.0},
        "d": {"DOUBLE": 0.0},
        "x": {"BLOB": ""},
    }
    for ck, written in enumerate((values, nulls, zeroes)):
        tx = begun(client)
        client.do("tx.put", tx=tx, **of(1, ck, values=written))
        client.do("tx.commit", tx=tx)
        client.do("storage.put", **of(1, ck, RAW, values=written))
        expected = {**ints(pk=1, ck=ck), **written}
        tx = begun(client)
        assert client.do("tx.get", tx=tx, **of(1, ck)) == expected
        client.do("tx.commit", tx=tx)
        assert client.do("storage.get", **of(1, ck, RAW)) == expected


def test_a_transaction_of_every_operation(client: JavaClient) -> None:
    for ck in range(4):
        committed(client, 2, ck, v={"INT": ck}, w={"TEXT": f"two-{ck % 2}"})
    tx = begun(client)
    scanned = client.do("tx.scan", tx=tx, **of(2, None))
    assert [row(one)["ck"] for one in scanned] == [3, 2, 1, 0]
    ranged = of(2, None, start=ints(ck=1), end=ints(ck=3), end_exclusive=True, projections=["ck"])
    assert client.do("tx.scan", tx=tx, **ranged) == [ints(ck=2), ints(ck=1)]
    assert len(client.do("tx.scan", tx=tx, **of(2, None, limit=3))) == 3
    by_index = client.do("tx.scan", tx=tx, table=TABLE, index={"w": {"TEXT": "two-1"}})
    assert sorted(row(one)["ck"] for one in by_index) == [1, 3]
    everything = client.do("tx.scan", tx=tx, table=TABLE)
    assert {(row(one)["pk"], row(one)["ck"]) for one in everything} >= {(2, ck) for ck in range(4)}
    client.do("tx.delete", tx=tx, **of(2, 0))
    client.do("tx.put", tx=tx, **of(2, 1, values=ints(v=11)))
    several = [of(2, 2), of(2, 9, values=ints(v=9))]
    client.do("tx.mutate", tx=tx, mutations=several)
    assert client.do("tx.get", tx=tx, **of(2, 0)) is None
    assert row(client.do("tx.get", tx=tx, **of(2, 1, projections=["v"]))) == {"v": 11}
    client.do("tx.commit", tx=tx)
    assert client.do("manager.state", tx=tx) == "COMMITTED"
    tx = begun(client)
    left = client.do("tx.scan", tx=tx, **of(2, None, projections=["ck", "v"]))
    assert [row(one) for one in left] == [
        {"ck": 9, "v": 9},
        {"ck": 3, "v": 3},
        {"ck": 1, "v": 11},
    ]
    client.do("tx.rollback", tx=tx)


def test_begin_start_and_their_ends(client: JavaClient) -> None:
    for way in ("begin", "start"):
        for last in ("commit", "rollback", "abort"):
            tx = client.do(f"manager.{way}", tx=f"{way}-{last}")
            assert tx == f"{way}-{last}"
            client.do("tx.put", tx=tx, **of(3, 1, values=ints(v=1), pre_read=True))
            client.do(f"tx.{last}", tx=tx)
            state = "COMMITTED" if last == "commit" else "UNKNOWN"
            assert client.do("manager.state", tx=tx) == state
    assert row(client.do("manager.get", **of(3, projections=["v"]))) == {"v": 1}
    client.do("manager.put", **of(3, 2, values=ints(v=5)))
    assert row(client.do("manager.get", **of(3, 2, projections=["v"]))) == {"v": 5}


def test_conditions(client: JavaClient) -> None:
    committed(client, 4, v={"INT": 1})
    tx = begun(client)

    def put(kind: str, expressions: dict[str, Any] | None = None, ck: int = 1) -> dict[str, Any]:
        condition = {"kind": kind, "expressions": expressions or {}}
        return of(4, ck, values=ints(v=2), condition=condition, pre_read=True)

    unsatisfied = "UnsatisfiedConditionException"
    assert refused(client, "tx.put", tx=tx, **put("PutIfNotExists")) == (
        unsatisfied,
        (
            "CORE-20019: The record exists, so the PutIfNotExists condition is not satisfied. "
            f"Transaction ID: {tx}"
        ),
    )
    assert refused(client, "tx.put", tx=tx, **put("PutIf", {"EQ": ints(v=9)})) == (
        unsatisfied,
        f"CORE-20020: The condition on the column 'v' is not satisfied. Transaction ID: {tx}",
    )
    assert refused(client, "tx.put", tx=tx, **put("PutIfExists", ck=7))[0] == unsatisfied
    unmet = {"kind": "DeleteIf", "expressions": {"GT": ints(v=1)}}
    assert refused(client, "tx.delete", tx=tx, **of(4, condition=unmet))[0] == unsatisfied
    client.do("tx.put", tx=tx, **put("PutIf", {"EQ": ints(v=1), "IS_NULL": {"w": {"TEXT": None}}}))
    client.do("tx.put", tx=tx, **put("PutIfNotExists", ck=2))
    met = {"kind": "DeleteIf", "expressions": {"NE": {"w": {"TEXT": "x"}}}}  # of a NULL
    client.do("tx.delete", tx=tx, **of(4, condition=met))
    client.do("tx.commit", tx=tx)
    tx = begun(client)
    left = client.do("tx.scan", tx=tx, **of(4, None, projections=["ck", "v"]))
    assert [row(one) for one in left] == [{"ck": 2, "v": 2}]
    unread = of(4, 2, values=ints(v=3), condition={"kind": "PutIfExists"})
    client.do("tx.commit", tx=tx)
    tx = begun(client)
    kind, text = refused(client, "tx.put", tx=tx, **unread)
    assert kind == "IllegalArgumentException"
    assert text.startswith("CORE-10103: Put cannot have a condition")
    client.do("tx.rollback", tx=tx)


def test_conflicts_and_what_can_be_done_after_them(client: JavaClient) -> None:
    first, second = begun(client), begun(client)
    for tx in (first, second):
        client.do("tx.put", tx=tx, **of(5, values=ints(v=1)))
    client.do("tx.commit", tx=first)
    assert refused(client, "tx.commit", tx=second) == (
        "CommitConflictException",
        f"CORE-20013: The record being prepared already exists. Transaction ID: {second}",
    )
    client.do("tx.rollback", tx=second)  # sends nothing
    assert client.do("manager.state", tx=second) in ("ABORTED", "UNKNOWN")


def test_mistakes_are_illegal_arguments(client: JavaClient) -> None:
    tx = begun(client)
    illegal = "IllegalArgumentException"
    absent = {**of(1), "table": "shop.absent"}
    assert refused(client, "tx.get", tx=tx, **absent)[0] == illegal
    wrong = {"table": TABLE, "partition": ints(v=1), "clustering": ints(ck=1)}
    kind, text = refused(client, "tx.get", tx=tx, **wrong)
    assert kind == illegal
    assert text.startswith("CORE-10020: The partition key is not properly specified.")
    kind, text = refused(client, "tx.scan", tx=tx, **of(1, None, limit=-1))
    assert kind == illegal
    assert text.startswith("CORE-10005: The limit cannot be negative.")
    kind, text = refused(client, "tx.get", tx=tx, **of(1, table=RAW))
    assert (kind, text) == (illegal, "CORE-10030: The column tx_state does not exist")
    client.do("tx.rollback", tx=tx)
    kind, text = refused(client, "storage.get", **wrong)
    assert text.startswith("INVALID_ARGUMENT: CORE-10020: The partition key")
    assert refused(client, "storage.scan", **of(1, None, limit=-1))[0] == illegal
    # gRPC for Python sends an empty description where the Java server sends none.
    assert refused(client, "manager.begin", tx="") == (illegal, "INVALID_ARGUMENT: ")
    assert refused(client, "manager.state", tx="") == (illegal, "INVALID_ARGUMENT: ")
