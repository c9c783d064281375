"""Does ``coordinator`` tell what is in the table of decisions, and clean only what is safe?"""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.cli import coordinator_clean
from scalar_tx.consensus_commit.clean import STEP, Cleaning
from tests.cli.stage import Answer, command

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNT = "bank.account"
HOUR_MS = 3_600_000
NOTHING = b"\x08\x01\x12\x00"
COMMITTED, ABORTED = 3, 4


class Shop:
    """A database whose decisions tell what was written."""

    def __init__(self, folder: Path, *, logging: bool = True) -> None:
        self.path = folder / "shop.db"
        self.file = folder / "shop.properties"
        flag = str(logging).lower()
        self.file.write_text(
            "scalar.db.storage=sqlite\n"
            f"scalar.db.contact_points={self.path}\n"
            f"scalar.db.consensus_commit.coordinator.write_set_logging.enabled={flag}\n",
            encoding="utf-8",
        )
        with self.db() as db:
            db.admin.create_table(
                ACCOUNT, columns={"id": "INT", "balance": "INT"}, partition_key=["id"]
            )
            for number in range(3):
                db.insert(ACCOUNT, {"id": number, "balance": 100})

    def db(self) -> scalar_tx.TransactionManager:
        return scalar_tx.connect(self.file)

    def command(self, *arguments: str) -> Answer:
        return command("coordinator", *arguments, "--config", str(self.file))

    def clean(self, *arguments: str) -> Answer:
        return self.command("clean", "--no-older-java", *arguments)

    def sql(self, text: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.path)) as connection, connection:
            return connection.execute(text, values).fetchall()

    def age(self, hours: float) -> None:
        """Let time go by for every decision and record."""
        by = int(hours * HOUR_MS)
        self.sql('UPDATE "coordinator$state" SET tx_created_at = tx_created_at - ?', by)
        self.sql(
            'UPDATE "bank$account" SET tx_committed_at = tx_committed_at - ?, '
            "tx_prepared_at = tx_prepared_at - ?",
            by,
            by,
        )

    def decide(self, tx_id: str, state: int, write_set: bytes | None, *, hours: float = 0) -> None:
        at = time.time_ns() // 1_000_000 - int(hours * HOUR_MS)
        self.sql(
            'INSERT INTO "coordinator$state" (tx_id, tx_state, tx_created_at, tx_write_set) '
            "VALUES (?, ?, ?, ?)",
            tx_id,
            state,
            at,
            write_set,
        )

    def ids(self) -> set[str]:
        return {tx_id for (tx_id,) in self.sql('SELECT tx_id FROM "coordinator$state"')}


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


# Status.


def test_status(shop: Shop) -> None:
    shop.age(30)
    shop.decide("a" * 24, COMMITTED, NOTHING)
    shop.sql('UPDATE "coordinator$state" SET tx_state = 3 WHERE tx_id = ?', "a" * 24)
    shop.decide("dead", ABORTED, None, hours=48)
    shop.decide("bad", 9, None)
    answer = shop.command("status", "--json")
    assert answer.code == 0
    found = answer.data
    assert found["table"] == "coordinator.state"
    assert (found["rows"], found["committed"], found["aborted"], found["damaged"]) == (6, 4, 1, 1)
    assert (found["with_write_set"], found["without_write_set"]) == (4, 2)
    assert (found["removable"], found["last_day"]) == (3, 1)
    assert found["keeps_write_sets"] is True
    assert found["older_release_at_work"] is False
    now = time.time_ns() / 1_000_000
    assert abs(now - 48 * HOUR_MS - found["oldest_ms"]) < HOUR_MS
    assert abs(now - found["newest_ms"]) < HOUR_MS
    assert found["bytes"] > 6 * 16
    text = shop.command("status").out
    assert "6 rows" in text
    assert "3 could be removed now" in text
    assert "1 are damaged" in text


def test_status_without_write_sets_says_how_to_have_them(tmp_path: Path) -> None:
    answer = Shop(tmp_path, logging=False).command("status")
    assert "3 do not and stay for ever" in answer.out
    assert "write_set_logging.enabled=true" in answer.out


def test_status_of_a_table_that_is_not_there_makes_none(tmp_path: Path) -> None:
    sqlite3.connect(tmp_path / "empty.db").close()
    target = f"sqlite:///{tmp_path / 'empty.db'}"
    for arguments in (("status",), ("clean", "--no-older-java")):
        assert command("coordinator", *arguments, "--config", target).code == 0
    with closing(sqlite3.connect(tmp_path / "empty.db")) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []


# Clean.


def test_old_decisions_go_and_young_ones_stay(shop: Shop) -> None:
    shop.age(25)
    shop.decide("untold", COMMITTED, None, hours=30)
    with shop.db() as db:
        db.update(ACCOUNT, {"id": 1}, {"balance": 50})
    (young,) = {one for (one,) in shop.sql('SELECT tx_id FROM "bank$account" WHERE balance = 50')}
    answer = shop.clean("--json")
    assert answer.code == 0
    assert answer.data == {
        "table": "coordinator.state",
        "dry_run": False,
        "older_than_ms": 24 * HOUR_MS,
        "looked_at": 4,
        "removed": 3,
        "without_write_set": 1,
        "failed": 0,
        "problems": [],
        "ended": True,
        "after": None,
    }
    assert shop.ids() == {"untold", young}
    with shop.db() as db:
        balances = {number: db.get(ACCOUNT, {"id": number})["balance"] for number in range(3)}  # type: ignore[index]
    assert balances == {0: 100, 1: 50, 2: 100}


def test_a_dead_writers_record_is_settled_first(shop: Shop) -> None:
    with shop.db() as db:
        db.update(ACCOUNT, {"id": 1}, {"balance": 50})
    # As if the writer had died after its decision.
    shop.sql(
        'UPDATE "bank$account" SET tx_state = 1, before_tx_id = "x", before_tx_version = 1, '
        "before_tx_state = 3, before_balance = 100 WHERE id = 1"
    )
    shop.age(25)
    answer = shop.clean()
    assert answer.code == 0
    assert "4 rows older than 24.0 h removed" in answer.out
    assert shop.ids() == set()
    assert shop.sql('SELECT tx_state, balance FROM "bank$account" WHERE id = 1') == [(3, 50)]


def test_a_dry_run_changes_nothing_and_needs_no_confirmation(shop: Shop) -> None:
    shop.age(25)
    before = shop.ids()
    answer = shop.command("clean", "--dry-run")
    assert answer.code == 0
    assert "3 rows older than 24.0 h would be removed" in answer.out
    assert shop.ids() == before


@pytest.mark.parametrize(
    "arguments,code",
    [
        (("--older-than", "23h", "--no-older-java"), "STX-3056"),
        ((), "STX-3056"),
        (("--older-than", "soon", "--no-older-java"), "STX-3013"),
        (("--older-than", "-1d", "--no-older-java"), "STX-3013"),
        (("--rate", "0", "--no-older-java"), "STX-3013"),
        (("--rate", "nan", "--no-older-java"), "STX-3013"),
    ],
)
def test_what_is_unsafe_or_makes_no_sense_is_refused(
    shop: Shop, arguments: tuple[str, ...], code: str
) -> None:
    shop.age(25)
    before = shop.ids()
    answer = shop.command("clean", *arguments)
    assert answer.code == 2
    assert f"[{code}]" in answer.err
    assert shop.ids() == before


def test_younger_ones_go_if_it_is_said_so(shop: Shop) -> None:
    shop.age(2)
    assert shop.clean("--older-than", "90m", "--allow-young").code == 0
    assert shop.ids() == set()


def test_an_age_of_days(shop: Shop) -> None:
    shop.age(7 * 24 - 1)
    assert shop.clean("--older-than", "7d", "--json").data["removed"] == 0
    shop.age(2)
    assert shop.clean("--older-than", "7d", "--json").data["removed"] == 3


@pytest.mark.parametrize("release", ["3.15", "3.18"])
def test_it_refuses_while_an_older_java_release_is_at_work(shop: Shop, release: str) -> None:
    shop.age(25)
    for number in range(3):
        with shop.db() as db:
            db.update(ACCOUNT, {"id": number}, {"balance": 1})
    if release == "3.18":  # records are finished at a time of their own
        shop.sql('UPDATE "bank$account" SET tx_committed_at = tx_committed_at + 3')
    else:  # and keep their previous image
        shop.sql('UPDATE "bank$account" SET before_tx_state = 3, before_tx_version = 1')
    before = shop.ids()
    answer = shop.clean()
    assert answer.code == 1
    assert "[STX-3057]" in answer.err
    assert shop.ids() == before
    assert shop.command("status", "--json").data["older_release_at_work"] is True
    assert "remove nothing while it is" in shop.command("status").out
    shop.age(25)  # a day without it
    assert shop.clean().code == 0
    assert shop.ids() == set()


def test_what_can_not_be_settled_is_named_and_stays(shop: Shop) -> None:
    with shop.db() as db:
        db.admin.create_table("bank.gone", columns={"id": "INT"}, partition_key=["id"])
        db.insert("bank.gone", {"id": 1})
        db.admin.drop_table("bank.gone")
    shop.age(25)
    answer = shop.clean()
    assert answer.code == 1
    assert "3 rows older than 24.0 h removed" in answer.out
    assert "there is no table bank.gone" in answer.out
    assert len(shop.ids()) == 1


def test_a_rate_is_kept(shop: Shop) -> None:
    shop.age(25)
    began = time.monotonic()
    assert shop.clean("--rate", "10").code == 0
    assert time.monotonic() - began >= 0.3
    assert shop.ids() == set()


def test_stopped_it_says_where_to_go_on(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(2 * STEP):
        shop.decide(f"t{number:04}", COMMITTED, NOTHING, hours=30)
    step = Cleaning.step

    async def interrupted(self: Cleaning) -> bool:
        if self.done.looked_at:
            raise KeyboardInterrupt
        return await step(self)

    monkeypatch.setattr(Cleaning, "step", interrupted)
    answer = shop.clean("--json")
    assert answer.code == 1
    assert (answer.data["removed"], answer.data["ended"]) == (STEP, False)
    place = answer.data["after"]
    text = shop.clean("--dry-run").out
    assert "Stopped. What to do next: run this again, with --after " in text
    monkeypatch.undo()
    assert shop.clean("--after", place, "--json").data["removed"] == STEP
    assert shop.ids() & {f"t{number:04}" for number in range(2 * STEP)} == set()


def test_the_youngest_age_is_a_day() -> None:
    assert coordinator_clean.YOUNGEST_MS == 24 * HOUR_MS
