"""Are records read by their index, where one statement asks for several keys or two indexes?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.interface import IndexSource, ScanRequest, Write
from scalar_tx.storage.sql.statements import MOST_TOGETHER
from scalar_tx.storage.sqlite import open_sqlite
from tests.storage.sql.stage import run

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from scalar_tx.storage.sql.storage import SqlStorage

ROWS = 3000
ONE = Table(
    "index_use.one", TableSchema({"k": "INT", "a": "INT", "b": "INT"}, ["k"], [], ["a", "b"])
)
TWO = Table(
    "index_use.two",
    TableSchema({"p": "INT", "c": "TEXT", "a": "INT", "b": "INT"}, ["p"], ["c"], ["a", "b"]),
)
KINDS = [
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.servers("postgresql")),
    pytest.param("mysql", marks=pytest.mark.servers("mysql")),
]
ANALYZE = {"postgresql": "ANALYZE {}", "mysql": "ANALYZE TABLE {}", "sqlite": "ANALYZE {}"}


def opened(kind: str, request: pytest.FixtureRequest, folder: Path) -> Any:
    if kind == "sqlite":
        return open_sqlite(f"jdbc:sqlite:{folder / 'index.db'}?synchronous=OFF")
    return request.getfixturevalue(kind)


def filled(storage: SqlStorage, kind: str) -> None:
    for table in (ONE, TWO):
        run(storage.admin.drop_table(table.name, if_exists=True))
        run(storage.admin.create_table(table))
        writes = [
            Write(
                table,
                (n,) if table is ONE else (n // 10, str(n % 10)),
                {"a": n // 5, "b": (n + 50) // 5 if n % 10 == 0 else None},
            )
            for n in range(ROWS)
        ]
        for start in range(0, ROWS, 500):
            run(storage.mutate(writes[start : start + 500]))
        reference = storage._known(table).records._names.reference
        storage._connections.read(ANALYZE[kind].format(reference))


def plan_of(storage: SqlStorage, kind: str, text: str, parameters: Sequence[object]) -> str:
    word = "EXPLAIN QUERY PLAN" if kind == "sqlite" else "EXPLAIN"
    return "\n".join(map(str, storage._connections.read(f"{word} {text}", parameters)))


def reads_everything(kind: str, plan: str) -> bool:
    """Does a plan look at every row of its table?"""
    match kind:
        case "postgresql":
            return "Seq Scan" in plan
        case "mysql":
            return "'ALL'" in plan or "'index'" in plan
    return any(line.strip("(')").split("'")[-1].startswith("SCAN") for line in plan.split("\n"))


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_batch_is_looked_up(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    storage = opened(kind, request, tmp_path)
    filled(storage, kind)
    for table in (ONE, TWO):
        records = storage._known(table).records
        for number in (2, 3, MOST_TOGETHER):
            keys = [(7 * n,) if table is ONE else (7 * n, "3") for n in range(number)]
            plan = plan_of(storage, kind, *records.get_many(keys))
            assert not reads_everything(kind, plan), plan
            found = run(storage.get_many([(table, key) for key in keys]))
            assert [table.key_of(row) for row in found if row] == [
                key for key in keys if key[0] < ROWS // (1 if table is ONE else 10)
            ]


@pytest.mark.parametrize("kind", KINDS)
def test_both_indexes_serve_one_read(
    kind: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    storage = opened(kind, request, tmp_path)
    filled(storage, kind)
    for table in (ONE, TWO):
        scans = storage._known(table).scans
        wanted = ScanRequest(table, IndexSource("a", 20, also="b"))
        for after in (None, [7] if table is ONE else [0, "7"]):
            plan = plan_of(storage, kind, *scans.page(wanted, after, 100))
            assert not reads_everything(kind, plan), plan
        pages = storage.scan(wanted)
        rows = run(pages.next_page())
        assert {(row["a"], row["b"]) for row in rows} == {(20, 30), (20, None), (10, 20)}
        assert run(pages.next_page()) is None
