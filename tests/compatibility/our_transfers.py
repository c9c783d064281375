"""How do threads of ours move money beside Java's, in this process or in one that may be killed?"""

from __future__ import annotations

import json
import random
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from scalar_tx import ConflictError, RetryPolicy, UnknownOutcomeError
from tests.compatibility.java_transfers import Transfer
from tests.compatibility.ours import ours

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from scalar_tx import Transaction, TransactionManager

MONEY = "bank.money"
# SQLite's lock has no queue: who never pauses keeps it.
_LONGEST_BREATH_S = 0.004


@dataclass
class Load:
    """Threads that move money between the accounts 0 to ``accounts`` - 1 until they are stopped.

    One thread for each of ``levels``, an isolation level. Every attempt is kept as "begun" before
    its commit, and its transfer as "committed" or "unknown" after it; what stays "begun" was
    refused. With ``log`` each is a line of that file at once.
    """

    db: TransactionManager
    accounts: int
    levels: Sequence[str]
    seed: int = 1
    log: TextIO | None = None
    attempts: list[Transfer] = field(default_factory=list)
    acknowledged: list[Transfer] = field(default_factory=list)
    unknown: list[Transfer] = field(default_factory=list)
    conflicts: int = 0
    over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @contextmanager
    def running(self) -> Iterator[None]:
        """The threads run until the end of the block; an error of theirs is raised there."""
        errors: list[BaseException] = []

        def work(level: str, dice: random.Random) -> None:
            try:
                while not self.over.is_set():
                    self._transfer(level, dice)
                    time.sleep(dice.random() * _LONGEST_BREATH_S)
            except BaseException as error:  # noqa: BLE001  raised again at the end
                errors.append(error)

        threads = [
            threading.Thread(target=work, args=(level, random.Random(self.seed + number)))
            for number, level in enumerate(self.levels)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join(60)
                assert not thread.is_alive()
        if errors:
            raise errors[0]

    def _transfer(self, level: str, dice: random.Random) -> None:
        source, target = dice.sample(range(self.accounts), 2)
        amount = dice.randint(1, 20)
        tried: list[str] = []

        def move(tx: Transaction) -> None:
            tried.append(tx.id)
            payer, payee = tx.get(MONEY, {"id": source}), tx.get(MONEY, {"id": target})
            assert payer is not None
            assert payee is not None
            tx.update(MONEY, {"id": source}, {"balance": int(str(payer["balance"])) - amount})
            tx.update(MONEY, {"id": target}, {"balance": int(str(payee["balance"])) + amount})
            self._keep(self.attempts, Transfer(tx.id, source, target, amount, "begun"))

        refused = 0
        try:
            self.db.run(move, isolation=level, retry=RetryPolicy(longest_pause=0.05))
        except ConflictError:
            refused = 1
        except UnknownOutcomeError:
            self._keep(self.unknown, Transfer(tried[-1], source, target, amount, "unknown"))
        else:
            self._keep(self.acknowledged, Transfer(tried[-1], source, target, amount, "committed"))
        with self._lock:
            self.conflicts += len(tried) - 1 + refused

    def _keep(self, kept: list[Transfer], transfer: Transfer) -> None:
        with self._lock:
            kept.append(transfer)
            if self.log is not None:
                self.log.write(json.dumps(vars(transfer)) + "\n")
                self.log.flush()


def logged(log: Path, outcome: str) -> list[Transfer]:
    """The transfers of that outcome in a log; a last line cut short by a kill is no transfer."""
    lines = log.read_text().splitlines(keepends=True)
    found: list[dict[str, Any]] = [json.loads(line) for line in lines if line.endswith("\n")]
    return [Transfer(**each) for each in found if each["outcome"] == outcome]


def main() -> None:
    """A process of transfers: file, log, number of accounts, seed, isolation levels.

    It says "ready" when it begins, ends at the end of its input, and says its conflicts.
    """
    file, log, accounts, seed, *levels = sys.argv[1:]
    with ours(Path(file), quick=True) as db, Path(log).open("w") as lines:
        load = Load(db, int(accounts), levels, seed=int(seed), log=lines)
        with load.running():
            print("ready", flush=True)
            while sys.stdin.read(1):
                time.sleep(0.01)
        print(load.conflicts, flush=True)


if __name__ == "__main__":
    main()
