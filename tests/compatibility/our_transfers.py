"""How do threads of ours move money beside Java's, in this process or in one that may be killed?"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import scalar_tx
from scalar_tx import ConflictError, RetryPolicy, UnknownOutcomeError
from tests.compatibility.java_transfers import Transfer
from tests.compatibility.ours import STEPS_LEFT_OUT, die, ours, watch

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scalar_tx import Transaction, TransactionManager

MONEY = "bank.money"
ROOT = Path(__file__).parents[2]
# SQLite's lock has no queue: who never pauses keeps it.
_LONGEST_BREATH_S = 0.004
_WAITS_S = 0.02


@dataclass
class Load:
    """Threads that move money between the accounts 0 to ``accounts`` - 1 until they are stopped.

    One thread for each of ``levels``, an isolation level. Every attempt is kept as "begun" before
    its commit, and its transfer as "committed" or "unknown" after it; what stays "begun" was
    refused. With ``log`` each is a line of that file at once. Two different ``tables`` mean that
    every transfer is between an account of the first and one of the second, either way. No transfer
    begins while ``ahead``, which is given the number of those acknowledged, is true.
    """

    db: TransactionManager
    accounts: int
    levels: Sequence[str]
    seed: int = 1
    log: TextIO | None = None
    tables: tuple[str, str] = (MONEY, MONEY)
    ahead: Callable[[int], bool] = lambda _: False
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
                    if self.ahead(len(self.acknowledged)):
                        self.over.wait(_WAITS_S)
                        continue
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
        first, second = self.tables
        if first != second and dice.random() < 0.5:
            amount = -amount
        tried: list[str] = []

        def move(tx: Transaction) -> None:
            tried.append(tx.id)
            payer, payee = tx.get(first, {"id": source}), tx.get(second, {"id": target})
            assert payer is not None
            assert payee is not None
            tx.update(first, {"id": source}, {"balance": int(str(payer["balance"])) - amount})
            tx.update(second, {"id": target}, {"balance": int(str(payee["balance"])) + amount})
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


@dataclass(frozen=True)
class Orders:
    """What a process of transfers is to do.

    ``target`` is a SQLite file or properties; with ``die_at`` it ends like a crash before it has
    written that many decisions, its last transfer prepared. ``every_step``: commits leave none out.
    """

    target: str | dict[str, str]
    log: str
    accounts: int
    levels: list[str]
    seed: int = 100
    tables: tuple[str, str] = (MONEY, MONEY)
    die_at: int = 0
    every_step: bool = False


@contextmanager
def another_process(orders: Orders) -> Iterator[subprocess.Popen[str]]:
    """The process, when it has begun. It ends at the end of its input, and says its conflicts."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.compatibility.our_transfers", json.dumps(vars(orders))],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        try:
            yield process
        finally:
            if process.poll() is None and sys.exc_info()[0] is not None:
                process.kill()


def main() -> None:
    """The other process."""
    orders = Orders(**json.loads(sys.argv[1]))
    target = orders.target
    # Who is to die between prepare and decision takes them all.
    settings: dict[str, Any] = {STEPS_LEFT_OUT: not (orders.every_step or orders.die_at)}
    opened = (
        ours(Path(target), quick=True, **settings)
        if isinstance(target, str)
        else scalar_tx.connect(target, **settings)
    )
    with opened as db, Path(orders.log).open("w") as lines:
        first, second = orders.tables
        load = Load(db, orders.accounts, orders.levels, orders.seed, lines, (first, second))
        if orders.die_at:
            watch(db).at("before", "commit-state", die, nth=orders.die_at)
        with load.running():
            print("ready", flush=True)
            while sys.stdin.read(1):
                time.sleep(0.01)
        print(load.conflicts, flush=True)


if __name__ == "__main__":
    main()
