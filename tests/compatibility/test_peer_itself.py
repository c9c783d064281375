"""The Java program works by itself, on a SQLite file; Python's sqlite3 looks at what it wrote."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.compatibility import java_build
from tests.compatibility.bank import ACCOUNT, COMMITTED, account, bank, key, look
from tests.compatibility.java_peer import (
    Cell,
    Expression,
    JavaError,
    JavaGoneError,
    JavaHaltedError,
    JavaMissingError,
    JavaPeer,
    Write,
)
from tests.compatibility.type_limits import AT, LIMITS

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.compatibility.java_cells import Value


# Schema


def test_a_table_is_made_with_its_transaction_columns(java: JavaPeer, file: Path) -> None:
    session = java.open_sqlite(file)
    session.create_table(
        "shop.orders",
        {"customer": "TEXT", "at": "TIMESTAMPTZ", "item": "INT", "note": "TEXT"},
        ["customer"],
        ["at DESC", "item"],
        ["note"],
    )
    plain = session.describe("shop.orders")
    whole = session.describe("shop.orders", metadata_columns=True)

    assert plain is not None
    assert plain.columns == {
        "customer": "TEXT",
        "at": "TIMESTAMPTZ",
        "item": "INT",
        "note": "TEXT",
    }
    assert plain.partition_key == ("customer",)
    assert plain.clustering_key == (("at", "DESC"), ("item", "ASC"))
    assert plain.indexes == ("note",)
    assert whole is not None
    assert whole.indexes == ("before_note", "note")
    assert set(whole.columns) - set(plain.columns) == {
        *("tx_id", "tx_state", "tx_version", "tx_prepared_at", "tx_committed_at"),
        *("before_tx_id", "before_tx_state", "before_tx_version"),
        *("before_tx_prepared_at", "before_tx_committed_at", "before_note"),
    }
    described = look(file, "scalardb.metadata", "ordinal_position")
    assert [row["column_name"] for row in described][:3] == ["customer", "at", "item"]
    assert described[1]["clustering_order"] == "DESC"
    session.close()


def test_a_raw_table_has_none_and_the_transactions_do_not_see_it(
    java: JavaPeer, file: Path
) -> None:
    session = java.open_sqlite(file)
    session.create_table("shop.raw", {"id": "INT", "v": "TEXT"}, ["id"], transaction=False)
    session.storage_put("shop.raw", {"id": 1, "v": "x"})

    assert session.table("shop.raw").columns == {"id": "INT", "v": "TEXT"}
    assert session.describe("shop.raw") is None
    assert look(file, "shop.raw") == [{"id": 1, "v": "x"}]
    with pytest.raises(LookupError, match=r"shop\.nothing"):
        session.table("shop.nothing")
    session.close()


def test_the_coordinator_is_repaired_to_what_the_properties_ask(java: JavaPeer, file: Path) -> None:
    bank(java, file).close()
    session = java.open_sqlite(
        file,
        properties={
            "scalar.db.consensus_commit.coordinator.group_commit.enabled": "true",
            "scalar.db.consensus_commit.coordinator.write_set_logging.enabled": "true",
        },
    )
    assert set(session.table("coordinator.state").columns) == {
        *("tx_id", "tx_state", "tx_created_at")
    }
    session.repair_coordinator()
    assert set(session.table("coordinator.state").columns) == {
        *("tx_id", "tx_state", "tx_created_at", "tx_child_ids", "tx_write_set")
    }
    session.close()


def test_what_is_made_can_be_changed_and_removed(java: JavaPeer, file: Path) -> None:
    session = bank(java, file)
    session.admin("add_column", table=ACCOUNT, column="note", type="TEXT")
    session.admin("create_index", table=ACCOUNT, column="name")
    session.admin("rename_column", table=ACCOUNT, column="note", to="remark")
    description = session.table(ACCOUNT)
    assert description.columns["before_remark"] == "TEXT"
    assert description.indexes == ("balance", "before_balance", "before_name", "name")
    session.admin("drop_index", table=ACCOUNT, column="name")
    session.admin("drop_column", table=ACCOUNT, column="remark")
    assert session.admin("tables", namespace="bank") == ["account"]
    session.admin("drop_table", table=ACCOUNT)
    assert session.admin("tables", namespace="bank") == []
    session.close()


# Reading and writing


def test_records_are_written_read_and_removed(java: JavaPeer, file: Path) -> None:
    session = bank(java, file)
    with session.transaction() as tx:
        for number in range(1, 5):
            tx.insert(ACCOUNT, account(number, number * 100))
    with session.transaction() as tx:
        tx.upsert(ACCOUNT, account(5, 500))
        tx.update(ACCOUNT, key(1), {"balance": 101}, where=[Expression("balance", "EQ", 100)])
        tx.put(ACCOUNT, {**key(2), "name": None}, implicit_pre_read=True)
        tx.delete(ACCOUNT, key(3), where="if_exists")
        tx.mutate([Write("delete", ACCOUNT, key(4)), Write("insert", ACCOUNT, account(6, 600))])

    with session.transaction(read_only=True) as tx:
        assert tx.get(ACCOUNT, key(1)) == account(1, 101)
        assert tx.get(ACCOUNT, key(2)) == {**account(2, 200), "name": None}
        assert tx.get(ACCOUNT, key(3)) is None
        assert tx.get(ACCOUNT, index={"balance": 500}, columns=["id"]) == {"id": 5}
        assert tx.get(ACCOUNT, key(6), where=[[Expression("name", "LIKE", "b%")]]) is None
        assert [row["id"] for row in tx.scan(ACCOUNT, order_by=["-id"])] == [6, 5, 2, 1]
    assert len(look(file, "coordinator.state")) == 2
    session.close()


def test_a_partition_is_scanned_in_ranges(java: JavaPeer, file: Path) -> None:
    session = bank(java, file)
    with session.transaction() as tx:
        for kind in range(1, 8):
            tx.insert(ACCOUNT, {"id": 1, "kind": kind, "balance": kind % 2, "name": "a"})

    def kinds(**wanted: Any) -> list[Value]:
        with session.transaction(read_only=True) as tx:
            return [row["kind"] for row in tx.scan(ACCOUNT, {"id": 1}, **wanted)]

    assert kinds(start={"kind": 3}, end={"kind": 5}) == [3, 4, 5]
    assert kinds(start={"kind": 3}, start_inclusive=False, end={"kind": 5}) == [4, 5]
    assert kinds(end={"kind": 3}, end_inclusive=False, order_by=["-kind"]) == [2, 1]
    assert kinds(limit=2) == [1, 2]
    odd_or_last = [[Expression("balance", "EQ", 1)], [Expression("kind", "GT", 6)]]
    assert kinds(where=odd_or_last) == [1, 3, 5, 7]
    with session.transaction(read_only=True) as tx:
        found = tx.scan(ACCOUNT, index={"balance": 0})
    assert sorted(str(row["kind"]) for row in found) == ["2", "4", "6"]
    session.close()


def test_errors_keep_class_code_cause_and_transaction(java: JavaPeer, file: Path) -> None:
    session = bank(java, file)
    with session.transaction() as tx:
        tx.insert(ACCOUNT, account(1))
    second = session.begin("tx-of-a-caller")
    second.insert(ACCOUNT, account(1))
    with pytest.raises(JavaError) as conflict:
        second.commit()
    assert conflict.value.kind == "CommitConflictException"
    assert conflict.value.code == "20013"
    assert conflict.value.transaction_id == second.id == "tx-of-a-caller"
    assert conflict.value.causes[-1][:2] == ("NoMutationException", "20000")
    assert session.state(second.id) == "ABORTED"

    tx = session.begin()
    with pytest.raises(JavaError) as unmet:
        tx.update(ACCOUNT, key(1), {"balance": 0}, where=[Expression("balance", "GT", 100)])
    assert unmet.value.kind == "UnsatisfiedConditionException"
    tx.update(ACCOUNT, key(1), {"balance": Cell("TEXT", "0")})
    with pytest.raises(JavaError) as wrong:
        tx.commit()
    assert (wrong.value.kind, wrong.value.code) == ("IllegalArgumentException", "10017")
    reader = session.begin(read_only=True, isolation="SERIALIZABLE")
    with pytest.raises(JavaError) as refused:
        reader.insert(ACCOUNT, account(2))
    assert refused.value.kind == "IllegalStateException"
    reader.rollback()
    session.close()


def test_the_storage_layer_is_there_too(java: JavaPeer, file: Path) -> None:
    session = bank(java, file)
    imported = account(1, 70, "z")
    session.storage_put(ACCOUNT, imported, where="if_not_exists")
    with pytest.raises(JavaError) as exists:
        session.storage_put(ACCOUNT, imported, where="if_not_exists")
    assert (exists.value.kind, exists.value.code) == ("NoMutationException", "20000")
    row = session.storage_get(ACCOUNT, key(1))
    assert row is not None
    assert row["tx_id"] is None
    session.storage_mutate(
        [
            Write("put", ACCOUNT, {**key(1), "balance": 71}, [Expression("balance", "EQ", 70)]),
            Write("put", ACCOUNT, {**key(2), "tx_id": "T", "tx_state": COMMITTED}),
        ]
    )
    assert [each["balance"] for each in session.storage_scan(ACCOUNT, {"id": 1})] == [71]
    session.storage_delete(ACCOUNT, key(2), where=[Expression("tx_id", "EQ", "T")])
    assert session.storage_get(ACCOUNT, key(2)) is None
    session.close()


# Types


def test_every_type_at_its_limits_comes_back_as_it_went(java: JavaPeer, file: Path) -> None:
    session = java.open_sqlite(file)
    session.create_coordinator()
    cases = [(name, *case) for name, cases in LIMITS.items() for case in [*cases, (None, None)]]
    columns = {"id": "INT", **{f"c_{name.lower()}": name for name in LIMITS}}
    session.create_table("shop.types", columns, ["id"])
    with session.transaction() as tx:
        for number, (name, value, _) in enumerate(cases):
            tx.insert("shop.types", {"id": number, f"c_{name.lower()}": value})

    stored = look(file, "shop.types", "id")
    with session.transaction(read_only=True) as tx:
        for number, (name, value, code) in enumerate(cases):
            column = f"c_{name.lower()}"
            row = tx.get("shop.types", {"id": number})
            assert row is not None
            assert row == {**dict.fromkeys(columns), "id": number, column: value}
            assert type(row[column]) is type(value)
            assert stored[number][column] == code, (name, value)
    session.close()


def test_every_type_is_a_key(java: JavaPeer, file: Path) -> None:
    session = java.open_sqlite(file)
    session.create_coordinator()
    for name, cases in LIMITS.items():
        table = f"shop.key_{name.lower()}"
        session.create_table(table, {"k": name, "v": "INT"}, ["k"])
        values = [value for value, _ in cases if value not in ("", b"")]
        with session.transaction() as tx:
            for number, value in enumerate(values):
                tx.insert(table, {"k": value, "v": number})
        with session.transaction(read_only=True) as tx:
            read = [tx.get(table, {"k": value}) for value in values]
        assert read == [{"k": value, "v": number} for number, value in enumerate(values)]
    session.close()


def test_a_zone_is_taken_into_account_and_asked_for(java: JavaPeer, file: Path) -> None:
    session = java.open_sqlite(file)
    session.create_table("shop.moment", {"at": "TIMESTAMPTZ"}, ["at"], transaction=False)
    session.storage_put("shop.moment", {"at": AT.replace(tzinfo=UTC)})
    assert look(file, "shop.moment") == [{"at": 1709210096789}]
    with pytest.raises(ValueError, match="zone"):
        session.storage_put("shop.moment", {"at": AT})
    session.close()


# The program and its build


def gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] == "Z"
    except FileNotFoundError:
        return True


def test_the_jvm_does_not_outlive_the_tests(java: JavaPeer) -> None:
    program = (
        "import time\n"
        "from tests.compatibility.java_peer import JavaPeer\n"
        "print(JavaPeer().pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "PYTHONPATH": "."},
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        assert not gone(pid)
        process.send_signal(signal.SIGKILL)
    deadline = time.monotonic() + 10
    while not gone(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert gone(pid)


def test_a_killed_jvm_is_not_taken_for_a_halted_one(new_java: Callable[..., JavaPeer]) -> None:
    doomed = new_java()
    doomed.kill()
    with pytest.raises(JavaGoneError, match="status -9") as ended:
        doomed.wait_halted()
    assert not isinstance(ended.value, JavaHaltedError)


def test_what_is_missing_is_named(
    java: JavaPeer, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    built = java_build.build()
    monkeypatch.setenv("JAVA_HOME", str(built.java.resolve().parents[1]))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert java_build.build().classes == built.classes, "what is built needs no Maven"
    monkeypatch.setattr(java_build, "CACHE", tmp_path / "cache")
    with pytest.raises(JavaMissingError, match="install Maven"):
        java_build.build()
    monkeypatch.delenv("JAVA_HOME")
    with pytest.raises(JavaMissingError, match="JDK 17"):
        java_build.build()
