"""On servers: Java and we move money at once, are killed in the middle, and every coin is there."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from tests.compatibility.conftest import started
from tests.compatibility.java_peer import JavaHaltedError
from tests.compatibility.our_transfers import Load, Orders, another_process, logged
from tests.compatibility.ours import HALTED
from tests.compatibility.places import PLACES, at
from tests.compatibility.shared_bank import Bank

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.compatibility.java_session import Isolation
    from tests.compatibility.places import Place

ACCOUNTS = 6
ENOUGH = 25  # commits of each thread or side, or the run shows nothing
LONGEST_SECONDS = 90.0
LEVELS: tuple[Isolation, ...] = ("SERIALIZABLE", "SNAPSHOT", "READ_COMMITTED")


def wait_until(reached: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + LONGEST_SECONDS
    while not reached():
        assert time.monotonic() < give_up, what
        time.sleep(0.05)


@at(*PLACES)
def test_transfers_of_java_and_ours_at_once_add_up(place: Place) -> None:
    """Five threads at three isolation levels, until each side has done enough."""
    bank = Bank(place, "busy", ACCOUNTS)
    load = Load(place.ours, ACCOUNTS, ["SERIALIZABLE", "READ_COMMITTED"], tables=bank.tables)
    pending = [
        place.java.transfer_load_later(
            bank.first,
            second_table=bank.second,
            accounts=ACCOUNTS,
            threads=1,
            seconds=LONGEST_SECONDS,
            commits=ENOUGH,
            seed=7 + number,
            isolation=level,
        )
        for number, level in enumerate(LEVELS)
    ]
    with load.running():
        reports = [place.java.report(each) for each in pending]
        alone = len(load.acknowledged)
        wait_until(lambda: len(load.acknowledged) >= ENOUGH, "too few commits of ours")
    bank.check([*load.acknowledged, *(each for report in reports for each in report.acknowledged)])
    assert load.unknown == []
    assert [report.unknown for report in reports] == [()] * len(LEVELS)

    assert min(report.committed for report in reports) >= ENOUGH
    assert alone >= 5, "both were at it at the same time"
    assert sum(report.conflicts for report in reports) >= 3
    assert load.conflicts >= 3


@at(*PLACES)
def test_nothing_is_lost_or_made_when_writers_of_both_sides_are_killed(
    place: Place, tmp_path: Path
) -> None:
    """A JVM and a process of ours end between prepare and decision; the others go on."""
    bank = Bank(place, "killed", ACCOUNTS)
    java_log, our_log = tmp_path / "java.log", tmp_path / "ours.log"
    orders = Orders(
        dict(place.properties), str(our_log), ACCOUNTS, ["SERIALIZABLE"], 5, bank.tables, die_at=4
    )
    load = Load(place.ours, ACCOUNTS, ["SNAPSHOT"], seed=50, tables=bank.tables)
    with started() as doomed, load.running():
        survivor = place.java.transfer_load_later(
            bank.first,
            second_table=bank.second,
            accounts=ACCOUNTS,
            threads=1,
            seconds=LONGEST_SECONDS,
            commits=ENOUGH,
            isolation="SERIALIZABLE",
        )
        session = place.session(doomed, watched=True)
        session.watch.halt("before", step="commit-state", nth=4)
        pending = session.transfer_load_later(
            bank.first,
            second_table=bank.second,
            accounts=ACCOUNTS,
            threads=1,
            seed=3,
            isolation="SERIALIZABLE",
            log=java_log,
        )
        with pytest.raises(JavaHaltedError):
            pending.result(LONGEST_SECONDS)
        living = {each.id for each in load.attempts}
        of_java = [writer for writer in bank.prepared_by().values() if writer not in living]
        with another_process(orders) as second:
            assert second.wait(LONGEST_SECONDS) == HALTED
        last = logged(our_log, "begun")[-1].id
        of_ours = [writer for writer in bank.prepared_by().values() if writer == last]
        # The other JVM's writers have ended by now, one way or the other.
        bank.expire({last, *of_java})
        so_far = len(load.acknowledged)
        report = place.java.report(survivor)
        wait_until(lambda: len(load.acknowledged) >= so_far + ENOUGH, "the others did not go on")
    of_killed = [*logged(java_log, "committed"), *logged(our_log, "committed")]
    bank.check([*load.acknowledged, *report.acknowledged, *of_killed])
    assert load.unknown == []
    assert report.unknown == ()
    assert last not in bank.committed_ids()

    undecided = [writer for writer in of_java if writer not in bank.committed_ids()]
    assert max(Counter(undecided).values()) == 2, "Java's writer had prepared both records"
    assert len(of_ours) == 2, "and so had ours"
    assert len(logged(java_log, "committed")) == len(logged(our_log, "committed")) == 3
    assert report.committed >= ENOUGH
