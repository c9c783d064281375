"""A process that transfers, writes and erases until it is killed, and keeps a journal of it.

python -m tests.chaos.writer FILE JOURNAL --name w7 --seed 7 [--seconds 2 | --works 50]
"""

from __future__ import annotations

import argparse
import os
import random
import time
from pathlib import Path
from typing import TYPE_CHECKING

import scalar_tx
from scalar_tx.storage import registry
from tests.chaos import planted
from tests.chaos.bank import Work, do, url
from tests.chaos.journal import Journal
from tests.chaos.moments import Moment, WatchedStorage, say

if TYPE_CHECKING:
    from scalar_tx.model.storage_settings import StorageSettings
    from scalar_tx.storage.interface import Storage

MOST_ATTEMPTS = 4
LONGEST_PAUSE_S = 0.004  # between two works: enough load, and not too many markers to check


class Writer:
    """One writer: its database, its journal, its dice."""

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

    def _by_hand(self, work: Work) -> None:
        """With ids of our own, and our own loop."""
        for attempt in range(MOST_ATTEMPTS):
            self._count += 1
            tx_id = f"{self._name}-{self._count}"
            self._journal.begin(tx_id, work, rerun=attempt > 0)
            try:
                if self._dice.random() < 0.5:
                    with self._db.transaction(id=tx_id) as tx:
                        do(tx, work)
                else:
                    tx = self._db.begin(id=tx_id)
                    do(tx, work)
                    tx.commit()
            except scalar_tx.ScalarTxError as error:
                self._failed(tx_id, error)
                if not error.retryable:
                    return
            else:
                self._journal.ended("committed", tx_id)
                return

    def _by_run(self, work: Work) -> None:
        """With ids of the library, and its loop."""
        tried: list[str] = []

        def attempt(tx: scalar_tx.Transaction) -> None:
            if tried:  # it is run again only if it is not committed
                self._journal.ended("aborted", tried[-1], "rerun by the library")
            self._journal.begin(tx.id, work, rerun=bool(tried))
            tried.append(tx.id)
            do(tx, work)

        try:
            policy = scalar_tx.RetryPolicy(retries=MOST_ATTEMPTS - 1, deadline=1.0)
            self._db.run(attempt, retry=policy)
        except scalar_tx.ScalarTxError as error:
            self._failed(tried[-1], error)
        else:
            self._journal.ended("committed", tried[-1])

    def _failed(self, tx_id: str, error: scalar_tx.ScalarTxError) -> None:
        unknown = isinstance(error, scalar_tx.UnknownOutcomeError)
        self._journal.ended("unknown" if unknown else "aborted", tx_id, f"{error.code} {error}")


def connect(file: Path, *, one_by_one: bool) -> scalar_tx.TransactionManager:
    """The library over the watched storage."""
    opened = registry.open_storage
    moment = Moment.from_environment()

    def watched(settings: StorageSettings) -> Storage:
        return WatchedStorage(opened(settings), moment, one_by_one=one_by_one)

    registry.open_storage = watched
    return scalar_tx.connect(url(file))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("journal", type=Path)
    parser.add_argument("--name", required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--works", type=int, default=10**9)
    parser.add_argument("--one-by-one", action="store_true")
    parser.add_argument("--fault", choices=[*planted.FAULTS, "none"], default="none")
    wanted = parser.parse_args()
    planted.plant(wanted.fault)
    parent = os.getppid()
    journal = Journal(wanted.journal)
    until = time.monotonic() + wanted.seconds
    with connect(wanted.file, one_by_one=wanted.one_by_one) as db:
        dice = random.Random(wanted.seed)
        writer = Writer(db, journal, wanted.name, dice)
        say("ready")
        for _ in range(wanted.works):
            if time.monotonic() > until or os.getppid() != parent:
                break
            writer.work()
            time.sleep(dice.uniform(0, LONGEST_PAUSE_S))
    journal.close()


if __name__ == "__main__":
    main()
