"""Java and we move money at once, in several threads and processes, and no coin is lost or made."""

from __future__ import annotations

import itertools
import os
import signal
import sqlite3
import threading
import time
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import pytest

from scalar_tx import ConflictError
from tests.compatibility.bank import COMMITTED, PREPARED, expire, look
from tests.compatibility.java_peer import JavaError, JavaGoneError
from tests.compatibility.our_transfers import MONEY, Load, Orders, another_process, logged
from tests.compatibility.ours import COORDINATOR, ours, quick_java
from tests.compatibility.unfinished import decisions

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from scalar_tx import TransactionManager
    from tests.compatibility.java_peer import JavaPeer, JavaSession, Transfer
    from tests.compatibility.java_session import Isolation

OPENING = 1000
ACCOUNTS = 12
FEWEST = 100  # commits of each side, or the run shows nothing
CONFLICTS = ("UncommittedRecordException", "CrudConflictException", "CommitConflictException")
LEVELS: tuple[Isolation, ...] = ("SERIALIZABLE", "SNAPSHOT", "READ_COMMITTED")


@pytest.fixture
def started_ids(java: JavaPeer, file: Path) -> set[str]:
    """The accounts, and the ids of the transactions that made them."""
    session = java.open_sqlite(file)
    session.create_table(MONEY, {"id": "INT", "balance": "BIGINT"}, ["id"])
    session.create_coordinator()
    with session.transaction() as tx:
        for number in range(ACCOUNTS):
            tx.insert(MONEY, {"id": number, "balance": OPENING})
    session.close()
    return set(decisions(file))


def balances(transfers: Iterable[Transfer]) -> list[int]:
    found = [OPENING] * ACCOUNTS
    for transfer in transfers:
        found[transfer.source] -= transfer.amount
        found[transfer.target] += transfer.amount
    return found


def committed_ids(file: Path) -> set[str]:
    return {tx_id for tx_id, (state, _) in decisions(file).items() if state == COMMITTED}


def stored(file: Path) -> list[int]:
    """The balances, once no record is uncommitted any more."""
    rows = look(file, MONEY, "id")
    assert {row["tx_state"] for row in rows} == {COMMITTED}
    assert all(row["before_tx_id"] is None for row in rows)
    return [row["balance"] for row in rows]


def orders(file: Path, log: Path, *levels: str, seed: int = 100) -> Orders:
    return Orders(str(file), str(log), ACCOUNTS, list(levels), seed)


class Totals:
    """Reads all balances again and again, and compares their sum."""

    def __init__(self, read: Callable[[], list[int] | None]) -> None:
        self._read = read
        self._over = threading.Event()
        self.seen = 0
        self.wrong: list[list[int]] = []
        self.error: BaseException | None = None

    def _run(self) -> None:
        try:
            while not self._over.is_set():
                found = self._read()
                if found is None:
                    continue
                self.seen += 1
                if sum(found) != ACCOUNTS * OPENING:
                    self.wrong.append(found)
        except BaseException as error:  # noqa: BLE001  raised again at the end
            self.error = error

    @contextmanager
    def watched(self) -> Iterator[None]:
        thread = threading.Thread(target=self._run)
        thread.start()
        try:
            yield
        finally:
            self._over.set()
            thread.join(60)
        if self.error is not None:
            raise self.error


def totals_of(session: JavaSession) -> list[int] | None:
    try:
        with session.transaction(isolation="SERIALIZABLE", read_only=True) as tx:
            found = tx.scan(MONEY)
    except JavaError as error:
        if error.kind not in CONFLICTS:
            raise
        time.sleep(0.01)
        return None
    return [int(str(record["balance"])) for record in found]


def our_totals(db: TransactionManager) -> list[int] | None:
    try:
        with db.transaction(isolation="SERIALIZABLE", read_only=True) as tx:
            found = tx.scan(MONEY, whole_table=True)
    except ConflictError:
        time.sleep(0.01)
        return None
    return [int(str(record["balance"])) for record in found]


def turns(file: Path, ours_: set[str]) -> int:
    """How often the two sides took turns, by the time of their decisions."""
    ordered = sorted(look(file, COORDINATOR), key=lambda row: (row["tx_created_at"], row["tx_id"]))
    sides = [row["tx_id"] in ours_ for row in ordered]
    return sum(one != next_one for one, next_one in itertools.pairwise(sides))


def test_transfers_of_java_and_ours_at_once_add_up(
    java: JavaPeer, file: Path, tmp_path: Path, started_ids: set[str]
) -> None:
    """Three processes, seven threads, three isolation levels, and readers that add up meanwhile."""
    log = tmp_path / "second.log"
    session = java.open_sqlite(file, properties=quick_java(file))
    with ours(file, quick=True) as db:
        load = Load(db, ACCOUNTS, ["SERIALIZABLE", "READ_COMMITTED"])
        totals = Totals(lambda: our_totals(db))
        java_totals = Totals(lambda: totals_of(session))
        with another_process(orders(file, log, "SNAPSHOT", "SERIALIZABLE")) as second:
            pending = [
                session.transfer_load_later(
                    MONEY, accounts=ACCOUNTS, threads=1, seconds=10, seed=7 + n, isolation=level
                )
                for n, level in enumerate(LEVELS)
            ]
            with load.running(), totals.watched(), java_totals.watched():
                reports = [session.report(each) for each in pending]
            said, _ = second.communicate("", timeout=60)
    session.close()
    of_second = logged(log, "committed")
    own = [*load.acknowledged, *of_second]
    acknowledged = [*own, *(each for report in reports for each in report.acknowledged)]
    unknown = [*load.unknown, *logged(log, "unknown")]
    assert [*unknown, *(each for report in reports for each in report.unknown)] == []

    assert len(acknowledged) == len({transfer.id for transfer in acknowledged})
    assert committed_ids(file) - started_ids == {transfer.id for transfer in acknowledged}
    assert stored(file) == balances(acknowledged)
    assert totals.wrong == java_totals.wrong == []

    # None of this counts unless there was a crowd.
    assert len(acknowledged) >= 800
    assert min(report.committed for report in reports) >= 80
    assert min(len(load.acknowledged), len(of_second)) >= FEWEST
    assert sum(report.conflicts for report in reports) >= 20
    assert load.conflicts >= 20
    assert int(said) >= 20
    assert totals.seen >= 20
    assert java_totals.seen >= 1  # few of its scans survive their validation in such a crowd
    assert turns(file, {transfer.id for transfer in own}) >= 100


def preparing(file: Path) -> set[str]:
    """The transactions that have prepared records at this moment."""
    try:
        rows = look(file, MONEY)
    except sqlite3.OperationalError as error:
        if "locking protocol" not in str(error):
            raise
        return set()  # whoever is stopped holds a lock of the file, and lets nobody begin to read
    return {row["tx_id"] for row in rows if row["tx_state"] == PREPARED}


def preparing_of(file: Path, log: Path) -> set[str]:
    """Those of them that the process with this log has begun."""
    return preparing(file) & {each.id for each in logged(log, "begun")}


def stop_in_a_commit(pid: int, prepared: Callable[[], set[str]]) -> set[str]:
    """Stop a process while it has prepared records, so that it can be killed just there."""
    for _ in range(500):
        os.kill(pid, signal.SIGSTOP)
        found = prepared()
        if found:
            return found
        os.kill(pid, signal.SIGCONT)
        time.sleep(0.005)
    raise AssertionError("the process was never found in the middle of a commit")


def test_nothing_is_lost_or_made_when_our_processes_are_killed(
    java: JavaPeer, file: Path, tmp_path: Path, started_ids: set[str]
) -> None:
    session = java.open_sqlite(file, properties=quick_java(file))
    logs = [tmp_path / f"killed {number}.log" for number in range(6)]
    left = 0
    with ours(file, quick=True) as db:
        load = Load(db, ACCOUNTS, ["SNAPSHOT"])
        pending = session.transfer_load_later(
            MONEY, accounts=ACCOUNTS, threads=2, seconds=8, isolation="SERIALIZABLE"
        )
        with load.running():
            for number, log in enumerate(logs):
                ordered = orders(file, log, *LEVELS, seed=100 * number)
                with another_process(replace(ordered, every_step=True)) as killed:
                    wait_for_commits(log, FEWEST // len(logs) + 1)
                    left += len(stop_in_a_commit(killed.pid, partial(preparing_of, file, log)))
                    killed.kill()
                    killed.wait(10)
                expire(file, MONEY)
            report = session.report(pending)
        totals = Totals(lambda: our_totals(db))
        with totals.watched():
            time.sleep(0.5)
    session.close()

    survivors = [*load.acknowledged, *report.acknowledged]
    acknowledged = [*survivors, *(each for log in logs for each in logged(log, "committed"))]
    begun_by_killed = {each.id: each for log in logs for each in logged(log, "begun")}
    decided = committed_ids(file) - started_ids
    assert {transfer.id for transfer in acknowledged} <= decided
    unsaid = decided - {transfer.id for transfer in acknowledged}
    assert unsaid <= begun_by_killed.keys(), "whatever was refused to a survivor isn't there"
    assert len(unsaid) <= len(logs) * len(LEVELS), "one for each thread that was killed"
    assert stored(file) == balances([*acknowledged, *(begun_by_killed[each] for each in unsaid)])
    assert load.unknown == []
    assert report.unknown == ()
    assert totals.seen > 0
    assert totals.wrong == []

    assert left >= len(logs), "each was killed in the middle of a commit"
    assert min(len(load.acknowledged), report.committed) >= FEWEST
    assert len(acknowledged) - len(survivors) >= FEWEST


def wait_for_commits(log: Path, least: int) -> None:
    """Until a process has committed so many, however busy the machine is."""
    give_up = time.monotonic() + 60
    while not log.exists() or len(logged(log, "committed")) < least:
        assert time.monotonic() < give_up, f"not {least} commits in a minute: {log}"
        time.sleep(0.05)


def test_nothing_is_lost_or_made_when_java_is_killed(
    java: JavaPeer,
    new_java: Callable[..., JavaPeer],
    file: Path,
    tmp_path: Path,
    started_ids: set[str],
) -> None:
    log, threads, kills = tmp_path / "second.log", 4, 4
    logs = [tmp_path / f"killed {number}.log" for number in range(kills)]
    left = 0
    with ours(file, quick=True) as db:
        load = Load(db, ACCOUNTS, LEVELS)

        def of_nobody_known() -> set[str]:
            found = preparing(file)  # before the list of those that the living have begun
            return found - {each.id for each in [*load.attempts, *logged(log, "begun")]}

        with load.running(), another_process(orders(file, log, "SERIALIZABLE")) as second:
            for number, killed_log in enumerate(logs):
                doomed = new_java()
                session = doomed.open_sqlite(file, properties=quick_java(file))
                pending = session.transfer_load_later(
                    MONEY,
                    accounts=ACCOUNTS,
                    threads=threads,
                    seed=100 * number,
                    isolation=LEVELS[number % 3],
                    log=killed_log,
                )
                wait_for_commits(killed_log, FEWEST // kills + 1)
                left += len(stop_in_a_commit(doomed.pid, of_nobody_known))
                doomed.kill()
                with pytest.raises(JavaGoneError):
                    pending.result()
                expire(file, MONEY)
            second.communicate("", timeout=60)
            assert second.returncode == 0
        totals = Totals(lambda: our_totals(db))
        with totals.watched():
            time.sleep(0.5)

    of_killed = [each for each_log in logs for each in logged(each_log, "committed")]
    survivors = [*load.acknowledged, *logged(log, "committed")]
    acknowledged = [*survivors, *of_killed]
    decided = committed_ids(file) - started_ids
    assert {transfer.id for transfer in acknowledged} <= decided
    unsaid = decided - {transfer.id for transfer in acknowledged}
    assert len(unsaid) <= kills * threads, "one for each thread that was killed"
    assert not unsaid & {each.id for each in [*load.attempts, *logged(log, "begun")]}
    differences = [
        found - expected
        for found, expected in zip(stored(file), balances(acknowledged), strict=True)
    ]
    assert sum(differences) == 0
    assert sum(difference != 0 for difference in differences) <= 2 * len(unsaid)
    assert load.unknown == logged(log, "unknown") == []
    assert totals.seen > 0
    assert totals.wrong == []

    assert left >= kills, "each was killed in the middle of a commit"
    assert min(len(load.acknowledged), len(of_killed), len(logged(log, "committed"))) >= FEWEST
