"""Does ``check-data`` find what no writer leaves behind, and nothing else?"""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.cli.opening import run
from scalar_tx.cli.raw_rows import transactional_tables
from scalar_tx.cli.table_check import TableCheck
from scalar_tx.connection import build
from scalar_tx.runtime.blocking import BlockingRuntime
from scalar_tx.settings import load
from scalar_tx.storage.interface import IndexSource
from scalar_tx.storage.memory import MemoryStorage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.types import Row
    from scalar_tx.storage.interface import Pages, ScanRequest
    from tests.cli.stage import Stage

ACCOUNT = "bank.account"


def spoil(stage: Stage, assignments: str, number: int = 1) -> None:
    """Change a row behind everybody's back."""
    connection = sqlite3.connect(stage.path)
    with connection:
        connection.execute(f'UPDATE "bank$account" SET {assignments} WHERE id = {number}')
    connection.close()


def checked(stage: Stage, code: int) -> Any:
    answer = stage.command("check-data", "--json")
    assert answer.code == code, answer.out
    (account,) = [one for one in answer.data["tables"] if one["table"] == ACCOUNT]
    return account


def test_good_data(stage: Stage) -> None:
    with scalar_tx.connect(stage.target) as db:
        db.update(ACCOUNT, {"id": 1}, {"balance": 90})
        db.delete(ACCOUNT, {"id": 3})
    account = checked(stage, 0)
    assert (account["rows"], account["problems"]) == (2, [])
    assert "All data are good." in stage.command("check-data").out


def test_rows_of_java_releases_before_3_16_and_imported_ones_are_good(stage: Stage) -> None:
    spoil(
        stage,
        "tx_version = 2, before_tx_id = 'old', before_tx_state = 3, before_tx_version = 1, "
        "before_balance = 5",
    )
    spoil(
        stage,
        "tx_id = NULL, tx_state = NULL, tx_version = NULL, tx_prepared_at = NULL, "
        "tx_committed_at = NULL",
        number=2,
    )
    assert checked(stage, 0)["problems"] == []


def test_unsettled_records_of_each_kind(stage: Stage) -> None:
    stage.prepare((1,), {"balance": 70}, "dead")
    stage.prepare((2,), None, "late")
    stage.decide("late", committed=True)
    stage.prepare((9,), {"balance": 70}, "busy", age_ms=0)
    account = checked(stage, 1)
    assert account["unsettled"] == account["problem_count"] == 3
    one, two, three = sorted(account["problems"])
    assert one.startswith("id=1: PREPARED by dead for 60.")
    assert one.endswith("undecided")
    assert two.startswith("id=2: DELETED by late")
    assert two.endswith("committed")
    assert three.endswith("undecided, may be alive")
    assert "scalar-tx recover --all" in stage.command("check-data").out


# what is done to a row -> what is said of it
BROKEN = {
    "tx_state = 7": "tx_state is 7",
    "tx_state = NULL": "has no tx_state",
    "tx_version = 0": "tx_version of a committed record is 0",
    "tx_version = NULL": "tx_version of a committed record is None",
    "tx_committed_at = NULL": "no tx_committed_at",
    "tx_id = NULL": "it names no writer, but has tx_state, tx_version, tx_committed_at",
    "tx_id = 'undone'": "committed by undone, which is aborted",
    "before_tx_state = 1": "before_tx_state is 1",
    "tx_state = 1, tx_id = NULL": "names no writer",
    "tx_state = 1, tx_prepared_at = NULL": "never expire",
    "tx_state = 1, tx_version = 5": "tx_version is 5, and what it replaces makes it 1",
    "tx_state = 1, before_tx_id = 'x', before_tx_version = 3": "makes it 4",
    "tx_state = 2, before_balance = 3": "replaces nothing, but has before_balance",
}


@pytest.mark.parametrize("assignments", BROKEN)
def test_broken_rules(stage: Stage, assignments: str) -> None:
    stage.decide("undone", committed=False)
    spoil(stage, assignments)
    account = checked(stage, 1)
    assert any(BROKEN[assignments] in problem for problem in account["problems"])
    assert all(problem.startswith("id=1: ") for problem in account["problems"])
    assert "restore them from a backup" in stage.command("check-data").out


def test_a_row_that_does_not_decode(stage: Stage) -> None:
    spoil(stage, "balance = 'a text'", number=2)
    account = checked(stage, 1)
    assert "does not decode" in account["problems"][0]
    assert "later rows were not checked" in account["notes"][0]


def test_a_damaged_decision(stage: Stage) -> None:
    connection = sqlite3.connect(stage.path)
    with connection:
        connection.execute('INSERT INTO "coordinator$state" VALUES (?, ?, ?)', ("odd", 9, 1))
        connection.execute('INSERT INTO "coordinator$state" VALUES (?, ?, ?)', ("new", 3, None))
    connection.close()
    answer = stage.command("check-data", "--json")
    assert answer.code == 1
    assert len(answer.data["coordinator"]) == 2
    assert "'odd' has the state 9" in " ".join(answer.data["coordinator"])


def test_an_index_without_its_twin(stage: Stage) -> None:
    connection = sqlite3.connect(stage.path)
    with connection:
        connection.execute(
            """UPDATE "scalardb$metadata" SET indexed = 0
               WHERE full_table_name = 'bank.account' AND column_name = 'before_owner'"""
        )
    connection.close()
    assert "before_owner is not" in checked(stage, 1)["problems"][0]


def test_only_the_tables_that_are_named(stage: Stage) -> None:
    with scalar_tx.connect(stage.target) as db:
        db.admin.create_table("shop.item", columns={"id": "TEXT"}, partition_key=["id"])
    spoil(stage, "tx_state = 7")
    assert stage.command("check-data", "shop.item").code == 0
    assert stage.command("check-data", "shop.itme").code == 2
    assert stage.command("check-data", "shop.item", ACCOUNT).code == 1


class _ForgetfulPages:
    """Leaves the first row out of each page."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def next_page(self) -> Sequence[Row] | None:
        page = await self._pages.next_page()
        return page if page is None else page[1:]

    async def close(self) -> None:
        await self._pages.close()


class _ForgetfulIndex(MemoryStorage):
    """A storage whose indexes have lost a row."""

    def scan(self, request: ScanRequest) -> Any:
        pages = super().scan(request)
        return _ForgetfulPages(pages) if isinstance(request.source, IndexSource) else pages


@pytest.mark.parametrize("kind", [MemoryStorage, _ForgetfulIndex])
def test_an_index_that_lost_a_row(kind: type[MemoryStorage]) -> None:
    parts = build(load("memory://"), kind(), BlockingRuntime())
    with scalar_tx.connect("memory://") as db:
        db.admin.create_table(
            ACCOUNT,
            columns={"id": "INT", "owner": "TEXT"},
            partition_key=["id"],
            secondary_index=["owner"],
        )
        schema = db.admin.table(ACCOUNT)
    admin = parts.administration
    run(admin.create_table(ACCOUNT, schema, if_not_exists=False, transaction=True, options={}))
    (table,) = run(transactional_tables(parts))
    from scalar_tx.storage.interface import Write

    for number in (1, 2):
        values: Row = {"owner": "ann", "tx_id": "t", "tx_state": 3, "tx_version": 1}
        write = Write(table.stored, (number,), {**values, "tx_committed_at": 1})
        run(parts.storage.mutate([write]))
    report = run(TableCheck(parts, table, set(), lambda rows: None).run())
    if kind is MemoryStorage:
        assert report.good
    else:
        assert report.problems == ["id=1: the index on owner does not find it by 'ann'"]
