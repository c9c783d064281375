"""A process of the tour: makes transfers until it is told to end, or halts in mid-commit."""

from __future__ import annotations

import random
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import scalar_tx
from scalar_tx.cli.demo.job import Event, Job, LogWriter
from scalar_tx.cli.opening import opened
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.errors import ConflictError, ScalarTxError
from scalar_tx.open_transactions import OpenTransactions
from scalar_tx.transaction import Transaction

if TYPE_CHECKING:
    from scalar_tx.cli.demo.bank import Order
    from scalar_tx.consensus_commit.commit_hook import CommitEvent
    from scalar_tx.manager import TransactionManager

_LONGEST_HALT_S: Final = 60.0


class Worker:
    """Makes transfers and reports each."""

    def __init__(self, job: Job, db: TransactionManager, log: LogWriter) -> None:
        self._job = job
        self._bank = job.bank
        self._patience = scalar_tx.RetryPolicy(deadline=self._bank.patience_s)
        self._db = db
        self._log = log
        self._dice = random.Random()  # noqa: S311  # which accounts, no secret
        self._number = 0

    def work(self) -> None:
        """Go on until the end, or until the moment to halt has come."""
        end = Path(self._job.end)
        halts_at = None
        if self._job.dies_after is not None:
            halts_at = time.monotonic() + self._job.dies_after
        while not end.exists():
            if halts_at is not None and time.monotonic() >= halts_at:
                self._halt_in_mid_commit()
            self._transfer()

    def _draw(self) -> Order:
        self._number += 1
        source, target = self._bank.draw(self._dice)
        return f"{self._job.name}-{self._number:05}", source, target, self._dice.randint(1, 20)

    def _transfer(self) -> None:
        order = self._draw()
        reference = order[0]
        attempts = 0

        def counted(tx: Transaction) -> None:
            nonlocal attempts
            attempts += 1
            self._bank.pay(tx, order)

        self._log.write(Event.BEGUN, reference)
        try:
            self._db.run(counted, retry=self._patience)
        except ConflictError:
            self._log.write(Event.GIVEN_UP, reference, attempts=attempts)
        except ScalarTxError as error:
            self._log.write(Event.FAILED, reference, attempts=attempts, error=str(error))
        else:
            self._log.write(Event.COMMITTED, reference, attempts=attempts)

    def _await_death(self) -> None:
        time.sleep(_LONGEST_HALT_S)
        sys.exit("nobody killed this process, although it waited for it")

    def _halt_in_mid_commit(self) -> None:
        """Prepare a transfer's records and stop there, before anything is decided."""
        with opened(self._job.target) as parts:
            # A commit in one write has no middle in which it could stop.
            parts.context.options = replace(parts.context.options, one_phase_commit=False)
            level = parts.context.options.isolation
            while True:
                order = self._draw()

                async def halt(event: CommitEvent, order: Any = order) -> None:
                    self._log.write(
                        Event.PREPARED,
                        order[0],
                        transaction=event.transaction_id,
                        source=order[1],
                        target=order[2],
                        amount=order[3],
                    )
                    self._await_death()

                parts.context.commit_hooks[:] = [halt]
                self._log.write(Event.BEGUN, order[0])
                steps = TransactionSteps(parts.context, level)
                tx = Transaction(steps, OpenTransactions(parts.runtime.elapsed))
                try:
                    self._bank.pay(tx, order)
                    tx.commit()
                except ConflictError:
                    self._log.write(Event.GIVEN_UP, order[0], attempts=1)


def main() -> None:
    """Do the job in the argument."""
    job = Job.from_text(sys.argv[1])
    with LogWriter(job.log) as log, scalar_tx.connect(job.target) as db:
        Worker(job, db, log).work()


if __name__ == "__main__":
    main()
