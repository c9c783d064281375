"""Java and we move money beside each other for long, and writers of both sides are killed.

python -m tests.compatibility.long_transfers sqlite --transfers 100000
python -m tests.compatibility.long_transfers cassandra --transfers 10000

A round ends with a check of every account; the last check also compares the decisions with what the
writers were told. Rounds differ in how both sides commit: see ``WAYS``. It fails, too, if a side
did less than its part.
"""

from __future__ import annotations

import argparse
import os
import random
import tempfile
import threading
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

import scalar_tx
from tests.compatibility.conftest import JavaShelf, started
from tests.compatibility.java_peer import NEWEST, JavaHaltedError
from tests.compatibility.our_transfers import Load, Orders, another_process, logged
from tests.compatibility.ours import HALTED
from tests.compatibility.places import PLACES, place_on
from tests.compatibility.shared_bank import Bank
from tests.servers.kinds import KINDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.compatibility.java_peer import JavaPeer, Transfer
    from tests.compatibility.java_session import Isolation
    from tests.compatibility.places import Place, Served

ACCOUNTS: Final = 40
ROUNDS: Final = 10
LONGEST_SECONDS: Final = 3600.0  # a round
LEVELS: Final[tuple[Isolation, ...]] = ("SERIALIZABLE", "SNAPSHOT", "READ_COMMITTED")
_AHEAD: Final = 20  # transfers, of a share
_MOMENT_S: Final = 2.0  # longer than a living writer leaves records prepared
_CC: Final = "scalar.db.consensus_commit"
_GROUPS: Final = f"{_CC}.coordinator.group_commit.enabled"
_ONE_PHASE: Final = f"{_CC}.one_phase_commit.enabled"
_LATER: Final = f"{_CC}.async_commit.enabled"


@dataclass(frozen=True)
class Way:
    """How do those that live commit, in a round? Properties of either side."""

    ours: Mapping[str, str] = field(default_factory=dict)
    java: Mapping[str, str] = field(default_factory=dict)


WAYS: Final = (
    Way(),
    Way(ours={_GROUPS: "true", _ONE_PHASE: "false"}, java={_GROUPS: "true"}),
    Way(java={_ONE_PHASE: "true"}),
    Way(ours={_LATER: "true", _ONE_PHASE: "false"}, java={_LATER: "true"}),
    Way(ours={_GROUPS: "true", _LATER: "true"}, java={_GROUPS: "true", _LATER: "true"}),
)


@dataclass
class Done:
    """What was committed by whom, and what went on beside it."""

    transfers: list[Transfer] = field(default_factory=list)
    by: Counter[str] = field(default_factory=Counter)
    left: Counter[str] = field(default_factory=Counter)  # records prepared by writers that died
    conflicts: Counter[str] = field(default_factory=Counter)
    of_groups: Counter[str] = field(default_factory=Counter)
    without_decision: set[str] = field(default_factory=set)  # Java's, in one phase

    def too_little(self, transfers: int, rounds: int) -> list[str]:
        """What did not happen often enough for the run to count."""
        found = [
            f"{side} committed {self.by[side]}"
            for side in ("java", "ours")
            if self.by[side] < transfers // 5
        ]
        found += [
            f"{self.left[side]} records were left by {side}"
            for side in ("java", "ours")
            if self.left[side] < rounds
        ]
        found += [
            f"{side} committed {self.of_groups[side]} in groups"
            for side in ("java", "ours")
            if self.of_groups[side] < transfers // 50
        ]
        return found + [
            f"no conflict of {side}" for side in ("java", "ours") if not self.conflicts[side]
        ]

    def __str__(self) -> str:
        return (
            f"{len(self.transfers):,} transfers, {self.by['java']:,} by Java, "
            f"{self.by['ours']:,} by ours; conflicts {self.conflicts['java']:,} and "
            f"{self.conflicts['ours']:,}; records left prepared {self.left['java']} and "
            f"{self.left['ours']}; in groups {self.of_groups['java']:,} and "
            f"{self.of_groups['ours']:,}"
        )


@dataclass(frozen=True)
class File:
    """A SQLite file, as a server of its own kind."""

    path: Path

    @property
    def settings(self) -> Mapping[str, str]:
        """Its properties, on both sides."""
        return {
            "scalar.db.storage": "jdbc",
            "scalar.db.contact_points": (
                f"jdbc:sqlite:{self.path}?busy_timeout=20000&journal_mode=WAL"
            ),
            "scalar.db.username": "",
            "scalar.db.password": "",
        }


@dataclass
class Pace:
    """How far is Java, by its log? Ours are much quicker, and go on no further than a few ahead."""

    log: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _lines: int = 0
    _read: int = 0

    def is_before(self, done: int) -> bool:
        """Have we done more than Java, and some?"""
        with self._lock:
            if done <= self._lines + _AHEAD:
                return False
            if self.log.exists():
                with self.log.open("rb") as log:
                    log.seek(self._read)
                    text = log.read()
                self._read += len(text)
                self._lines += text.count(b'"committed"')
            return done > self._lines + _AHEAD


def a_round(bank: Bank, number: int, share: int, done: Done, folder: Path) -> None:
    """Four writers do ``share`` transfers each or more; two of them die in a commit."""
    place = bank.place
    level = LEVELS[number % len(LEVELS)]
    way = WAYS[number % len(WAYS)]
    dice = random.Random(number)
    java_log, our_log = folder / f"java {number}.log", folder / f"ours {number}.log"
    pace = Pace(folder / f"pace {number}.log")
    orders = Orders(
        dict(place.properties),
        str(our_log),
        ACCOUNTS,
        [level],
        1000 * number + 500,
        bank.tables,
        die_at=dice.randint(max(2, share // 4), max(3, share // 2)),
    )
    living = place.session(place.shelf.peer(NEWEST), further=way.java)
    with (
        scalar_tx.connect({**place.properties, **way.ours}, bigint_range=64) as db,
        started() as doomed,
    ):
        load = Load(
            db, ACCOUNTS, LEVELS, seed=1000 * number, tables=bank.tables, ahead=pace.is_before
        )
        with load.running():
            survivor = living.transfer_load_later(
                bank.first,
                second_table=bank.second,
                accounts=ACCOUNTS,
                threads=3,
                seconds=LONGEST_SECONDS,
                commits=share,
                seed=number,
                isolation="SERIALIZABLE",
                log=pace.log,
            )
            with another_process(orders) as second:
                of_java = _halted(bank, doomed, dice.randint(2, max(3, share // 3)), java_log, load)
                assert second.wait(LONGEST_SECONDS) == HALTED
            last = logged(our_log, "begun")[-1].id
            of_ours = {last} & set(bank.prepared_by().values())
            done.left["ours"] += list(bank.prepared_by().values()).count(last)
            bank.expire(of_ours)
            done.left["java"] += of_java
            report = living.report(survivor, LONGEST_SECONDS)
            give_up = time.monotonic() + LONGEST_SECONDS
            while len(load.acknowledged) < share:
                assert time.monotonic() < give_up, "ours did not go on"
                time.sleep(0.05)
    living.close()
    assert load.unknown == logged(our_log, "unknown") == logged(java_log, "unknown") == []
    assert report.unknown == ()
    by_java = [*report.acknowledged, *logged(java_log, "committed")]
    by_ours = [*load.acknowledged, *logged(our_log, "committed")]
    done.transfers += by_java + by_ours
    done.by.update(java=len(by_java), ours=len(by_ours))
    done.conflicts.update(java=report.conflicts, ours=load.conflicts)
    done.of_groups.update(java=_members(by_java), ours=_members(by_ours))
    if way.java.get(_ONE_PHASE) == "true":
        done.without_decision |= {each.id for each in report.acknowledged}


def _members(transfers: Sequence[Transfer]) -> int:
    """How many have an id that begins with a group's?"""
    return sum("$" in each.id for each in transfers)


def _halted(bank: Bank, doomed: JavaPeer, nth: int, log: Path, load: Load) -> int:
    """Let a JVM end before its n-th decision; how many records did it leave prepared?"""
    session = bank.place.session(doomed, watched=True)
    session.watch.halt("before", step="commit-state", nth=nth)
    pending = session.transfer_load_later(
        bank.first,
        second_table=bank.second,
        accounts=ACCOUNTS,
        threads=1,
        seconds=LONGEST_SECONDS,
        seed=nth,
        isolation="SERIALIZABLE",
        log=log,
    )
    with pytest.raises(JavaHaltedError):
        pending.result(LONGEST_SECONDS)
    # Whoever has the same records prepared for long, and is nobody that is alive.
    before = bank.prepared_by()
    time.sleep(_MOMENT_S)
    begun = {each.id for each in load.attempts}
    left = {
        record: writer
        for record, writer in bank.prepared_by().items()
        if before.get(record) == writer and writer not in begun
    }
    bank.expire(set(left.values()))
    return len(left)


def campaign(place: Place, transfers: int, folder: Path) -> Iterator[Done]:
    """Rounds until so many transfers are committed; each is checked."""
    with scalar_tx.connect({**place.properties, _GROUPS: "true"}) as db:
        db.admin.create_coordinator_tables()  # with the column of a group's members
    bank = Bank(place, "long", ACCOUNTS)
    done = Done()
    number = 0
    while len(done.transfers) < transfers:
        a_round(bank, number, max(8, transfers // ROUNDS // 2), done, folder)
        bank.check_balances(done.transfers)
        number += 1
        yield done
    bank.check(done.transfers, without_decision=done.without_decision)
    too_little = done.too_little(transfers, number)
    assert too_little == [], too_little


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(prog="python -m tests.compatibility.long_transfers")
    parser.add_argument("place", choices=["sqlite", *PLACES])
    parser.add_argument("--transfers", type=int, default=10_000, help="committed, by both sides")
    wanted = parser.parse_args()
    os.environ["SCALAR_TX_STRICT"] = "1"  # without Java it fails
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        shelf = JavaShelf()
        stack.callback(shelf.close)
        clusters: dict[str, Served] = (
            {"sqlite": File(folder / "long.db")}
            if wanted.place == "sqlite"
            else {kind: stack.enter_context(KINDS[kind]()) for kind in PLACES[wanted.place]}
        )
        place = place_on(wanted.place, clusters, shelf)
        stack.callback(place.close)
        began = time.monotonic()
        for done in campaign(place, wanted.transfers, folder):
            print(f"{time.monotonic() - began:6.0f} s  {done}", flush=True)
        print("every coin is there, and every decision is that of somebody who was told so")


if __name__ == "__main__":
    main()
