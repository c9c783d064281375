"""A process that transfers, writes, erases and appends until it is killed, and keeps journals.

python -m tests.chaos.writer TARGET FOLDER --slot 0 --name w7 --seed 7 [--seconds 2 | --works 50]

Each thread of it keeps a journal of its own.
"""

from __future__ import annotations

import argparse
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import scalar_tx
from scalar_tx.storage import registry
from tests.chaos import planted
from tests.chaos.bank import Work, do
from tests.chaos.journal import Journal
from tests.chaos.moments import Moment, say, watched
from tests.chaos.recordings import recorded

if TYPE_CHECKING:
    from collections.abc import Callable

    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.storage.interface import Storage
    from tests.chaos.lists import Operations

MOST_ATTEMPTS = 4
LONGEST_PAUSE_S = 0.004  # between two works: enough load, and not too many markers to check
OUTAGE_PAUSE_S = 0.2  # once nothing could be done: a refused connection is refused at once


class Writer:
    """One thread's work: the database, its journal, its dice."""

    def __init__(
        self, db: scalar_tx.TransactionManager, journal: Journal, name: str, dice: random.Random
    ) -> None:
        self._db = db
        self._journal = journal
        self._name = name
        self._dice = dice
        self._count = 0

    def work(self) -> None:
        """One piece of work, in one of the forms that a caller may use."""
        work = Work.drawn(self._dice)
        if self._dice.random() < 0.5:
            self._by_run(work)
        else:
            self._by_hand(work)
        time.sleep(self._dice.uniform(0, LONGEST_PAUSE_S))

    def _by_hand(self, work: Work) -> None:
        """With ids of our own, and our own loop."""
        for attempt in range(MOST_ATTEMPTS):
            tx_id = self._next()
            self._journal.begin(tx_id, work, tx_id, rerun=attempt > 0)
            try:
                if self._dice.random() < 0.5:
                    with self._db.transaction(id=tx_id) as tx:
                        done = do(tx, work, tx_id)
                else:
                    tx = self._db.begin(id=tx_id)
                    done = do(tx, work, tx_id)
                    tx.commit()
            except scalar_tx.ScalarTxError as error:
                self._failed(tx_id, error)
                if not error.retryable:
                    return
            else:
                self._journal.committed(tx_id, done)
                return

    def _by_run(self, work: Work) -> None:
        """With ids of the library, and its loop."""
        tried: list[str] = []

        def attempt(tx: scalar_tx.Transaction) -> Operations:
            if tried:  # it is run again only if it is not committed
                self._journal.ended("aborted", tried[-1], "rerun by the library")
            element = self._next()
            self._journal.begin(tx.id, work, element, rerun=bool(tried))
            tried.append(tx.id)
            return do(tx, work, element)

        try:
            policy = scalar_tx.RetryPolicy(retries=MOST_ATTEMPTS - 1, deadline=1.0)
            done = self._db.run(attempt, retry=policy)
        except scalar_tx.ScalarTxError as error:
            self._failed(tried[-1], error)
        else:
            self._journal.committed(tried[-1], done)

    def _next(self) -> str:
        self._count += 1
        return f"{self._name}-{self._count}"

    def _failed(self, tx_id: str, error: scalar_tx.ScalarTxError) -> None:
        unknown = isinstance(error, scalar_tx.UnknownOutcomeError)
        self._journal.ended("unknown" if unknown else "aborted", tx_id, f"{error.code} {error}")
        if isinstance(error, scalar_tx.StorageUnavailableError):
            time.sleep(OUTAGE_PAUSE_S)


def connect(
    target: str, *, one_by_one: bool, lost: Callable[[str], None]
) -> scalar_tx.TransactionManager:
    """The library over the watched storage."""
    opened = registry.open_storage
    moment = Moment.from_environment()

    def open_watched(settings: StorageSettings) -> Storage:
        return watched(opened(settings), moment, one_by_one=one_by_one, lost=lost)

    registry.open_storage = open_watched
    return scalar_tx.connect(target)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--slot", type=int, default=0)
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=10**6)
    parser.add_argument("--works", type=int, default=10**9)
    parser.add_argument("--one-by-one", action="store_true")
    parser.add_argument("--fault", choices=[*planted.FAULTS, "none"], default="none")
    wanted = parser.parse_args()
    planted.plant(wanted.fault)
    parent = os.getppid()
    until = time.monotonic() + wanted.seconds
    lost = os.open(wanted.folder / "lost", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)

    def note_loss(step: str) -> None:
        os.write(lost, f"{step}\n".encode())

    with (
        connect(wanted.target, one_by_one=wanted.one_by_one, lost=note_loss) as db,
        recorded(db, wanted.folder, wanted.name),
        ThreadPoolExecutor(wanted.threads) as pool,
    ):
        say("ready")

        def work(thread: int) -> None:
            name = f"{wanted.name}t{thread}"
            journal = Journal(wanted.folder / f"writer-{wanted.slot}-{thread}")
            writer = Writer(db, journal, name, random.Random(f"{wanted.seed} {thread}"))
            for _ in range(wanted.works):
                if time.monotonic() > until or os.getppid() != parent:
                    break
                writer.work()
            journal.close()

        for each in [pool.submit(work, thread) for thread in range(wanted.threads)]:
            each.result()


if __name__ == "__main__":
    main()
