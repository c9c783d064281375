"""Records that the Java library left, in every state, read by ours: the same values, the same rows.

The rows are put into a file as they were stored; a transaction of a new process reads each one more
than 15 s after its writer prepared it.
"""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pytest

import scalar_tx
from scalar_tx import Isolation, TransactionState
from tests.golden.cells import golden, logical_row, sqlite_cell

GOLDEN = golden("sqlite")
TIMES = {"tx_prepared_at", "tx_committed_at", "before_tx_prepared_at", "before_tx_committed_at"}
STATES = {3: TransactionState.COMMITTED, 4: TransactionState.ABORTED}


def physical(table: str) -> str:
    return '"' + table.replace(".", "$") + '"'


def fill(connection: sqlite3.Connection, table: str, rows: list[dict[str, Any]]) -> None:
    for row in rows:
        names = ", ".join(f'"{name}"' for name in row)
        marks = ", ".join("?" * len(row))
        connection.execute(
            f"INSERT INTO {physical(table)} ({names}) VALUES ({marks})",
            [sqlite_cell(cell) for cell in row.values()],
        )


@pytest.fixture(scope="module")
def master(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with the definitions, the metadata and all rows as Java wrote them."""
    path = tmp_path_factory.mktemp("golden") / "golden.db"
    connection = sqlite3.connect(path)
    for name, text in GOLDEN["ddl"].items():
        if not name.startswith("view") and "decoupled" not in name:
            connection.execute(text)
    fill(connection, "scalardb.metadata", GOLDEN["metadata"]["scalardb$metadata"])
    for table in ("golden.account", "golden.grouped"):
        fill(connection, table, [row["stored"] for row in GOLDEN["tables"][table]["rows"]])
    for namespace, content in GOLDEN["coordinators"].items():
        fill(connection, f"{namespace}.state", [row["stored"] for row in content["rows"]])
    connection.commit()
    connection.close()
    return path


@pytest.fixture
def file(tmp_path: Path, master: Path) -> Path:
    """A copy of it for one test."""
    return Path(shutil.copy(master, tmp_path / "golden.db"))


def connect(file: Path, **settings: object) -> scalar_tx.TransactionManager:
    return scalar_tx.connect(f"sqlite:///{file}", **settings)


def key_of(table: str, row: dict[str, Any]) -> dict[str, Any]:
    spec = GOLDEN["tables"][table]["spec"]
    names = [*spec["partition_key"], *(name for name, _ in spec["clustering_key"])]
    return {name: row["logical"][name][1] for name in names}


def stored(file: Path, table: str, key: dict[str, Any]) -> dict[str, Any] | None:
    connection = sqlite3.connect(file)
    connection.row_factory = sqlite3.Row
    where = " AND ".join(f'"{name}" = ?' for name in key)
    found = connection.execute(
        f"SELECT * FROM {physical(table)} WHERE {where}", list(key.values())
    ).fetchone()
    connection.close()
    return None if found is None else dict(found)


def without_times(row: dict[str, Any] | None) -> dict[str, Any] | None:
    """Times as "set or not": they differ from run to run."""
    if row is None:
        return None
    return {name: value is not None if name in TIMES else value for name, value in row.items()}


@pytest.mark.parametrize(
    "table, number, coordinator",
    [
        ("golden.account", number, "coordinator")
        for number in range(len(GOLDEN["tables"]["golden.account"]["rows"]))
    ]
    + [
        ("golden.grouped", number, "coordinator_group")
        for number in range(len(GOLDEN["tables"]["golden.grouped"]["rows"]))
    ],
)
@pytest.mark.parametrize("isolation", [Isolation.SNAPSHOT, Isolation.SERIALIZABLE])
def test_a_record_is_read_and_settled_as_java_does(
    file: Path, table: str, number: int, coordinator: str, isolation: Isolation
) -> None:
    row = GOLDEN["tables"][table]["rows"][number]
    key = key_of(table, row)
    with connect(file, consensus_commit_coordinator_namespace=coordinator) as db:
        with db.transaction(isolation=isolation) as tx:
            found = tx.get(table, key)
        expected = row["read"] and logical_row(row["read"])
        assert (found and dict(found)) == expected, row["what"]
    after = row["after_read"]
    expected_after = after and {name: sqlite_cell(cell) for name, cell in after["stored"].items()}
    assert without_times(stored(file, table, key)) == without_times(expected_after), row["what"]


def test_one_scan_settles_everything(file: Path) -> None:
    rows = GOLDEN["tables"]["golden.account"]["rows"]
    expected = [logical_row(row["read"]) for row in rows if row["read"] is not None]  # by id
    with connect(file) as db:
        found = db.scan("golden.account", whole_table=True, order_by=["id"])
        assert [dict(record) for record in found] == expected
    for row in rows:
        after = row["after_read"]
        left = stored(file, "golden.account", key_of("golden.account", row))
        wanted = after and {name: sqlite_cell(cell) for name, cell in after["stored"].items()}
        assert without_times(left) == without_times(wanted), row["what"]


def test_undecided_writers_are_aborted_and_decided_ones_are_left(file: Path) -> None:
    content = GOLDEN["coordinators"]["coordinator"]
    with connect(file) as db:
        db.scan("golden.account", whole_table=True)
    connection = sqlite3.connect(file)
    now = dict(connection.execute('SELECT tx_id, tx_state FROM "coordinator$state"').fetchall())
    connection.close()
    before = {row["logical"]["tx_id"][1]: row["logical"]["tx_state"][1] for row in content["rows"]}
    writers = {
        row["logical"]["tx_id"][1]
        for row in GOLDEN["tables"]["golden.account"]["rows"]
        if row["logical"]["tx_state"][1] in (1, 2)
    }
    assert {name: state for name, state in now.items() if name in before} == before
    assert {name: now[name] for name in now if name not in before} == dict.fromkeys(
        writers - set(before), 4
    )


@pytest.mark.parametrize("coordinator", sorted(GOLDEN["coordinators"]))
def test_decisions_are_read_in_every_form(file: Path, coordinator: str) -> None:
    content = GOLDEN["coordinators"][coordinator]
    with connect(file, consensus_commit_coordinator_namespace=coordinator) as db:
        plain = 0
        for row in content["rows"]:
            cells = row["logical"]
            tx_id, state = cells["tx_id"][1], STATES[cells["tx_state"][1]]
            members = (cells.get("tx_child_ids") or [None, None])[1]
            for member in members.split(",") if members else []:
                assert db.state(f"{tx_id}${member}") is state
            if not members:
                plain += 1
                assert db.state(tx_id) is state
        assert plain or coordinator == "coordinator_both"
        assert db.state("never-begun") is TransactionState.UNKNOWN
        parent = "0" * 24
        assert db.state(f"{parent}$member") is TransactionState.UNKNOWN
        for child, full_id in content.get("ids", {}).items():
            assert db.state(full_id) is not TransactionState.UNKNOWN, child
