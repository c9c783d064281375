"""What do clients ask of nodes that are killed under them, and what are they told?

They live: each of their transactions is told of, once it has ended. Some are threads, some run on
an event loop; each uses transactions of its own, ``run`` and scripts.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Self

import scalar_tx
from tests.chaos import node_work
from tests.chaos.bank import Work, do
from tests.chaos.journal import Entry

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.chaos.lists import Operations

    Drawn = Callable[[random.Random], Work]

LONGEST_RUN_S: Final = 60.0  # longer than the dead are waited for, and a node to come back
PAUSE_S: Final = 0.01
PAUSED: Final = "STX-5055"
WIDE: Final = 1_000_000


@dataclass
class Told:
    """What clients were told, all together; ``entries`` in the order of their ends."""

    entries: list[Entry] = field(default_factory=list)
    left_run: list[str] = field(default_factory=list)  # errors that run() or execute() raised
    in_doubt: list[tuple[str, int]] = field(default_factory=list)  # whom nobody told of, and when
    scripts: int = 0
    scripts_settled: int = 0  # committed, and only another node could say so
    refused_in_pause: int = 0
    faults: list[str] = field(default_factory=list)  # of the clients themselves
    _numbers: Any = field(default_factory=itertools.count)

    def element(self, name: str) -> str:
        """A name that no other transaction has."""
        return f"{name}-{next(self._numbers)}"

    def error(self, entry: Entry, error: scalar_tx.ScalarTxError, *, last: bool) -> None:
        """A transaction ended by an error; ``last``: nothing runs it again."""
        unknown = isinstance(error, scalar_tx.UnknownOutcomeError)
        self.ended(entry, "unknown" if unknown else "aborted", f"{error.code} {error}")
        self.refused_in_pause += error.code == PAUSED
        if unknown:
            assert error.transaction_id is not None, "nobody could settle it"
            self.in_doubt.append((error.transaction_id, time.monotonic_ns()))
        if last:
            self.left_run.append(f"{error.code} {error}")

    def ended(self, entry: Entry, outcome: str, why: str = "") -> None:
        """The end of a transaction."""
        entry.ended = time.monotonic_ns()
        entry.outcome, entry.why = outcome, why
        self.entries.append(entry)

    def committed(self, entry: Entry, done: Operations) -> None:
        """It is committed."""
        entry.done = done
        self.ended(entry, "committed")

    def commits_since(self, moment: int) -> list[int]:
        """When each commit was told of after a moment, in nanoseconds."""
        return [
            one.ended
            for one in self.entries
            if one.outcome == "committed" and one.ended is not None and one.ended > moment
        ]


def anywhere(dice: random.Random) -> Work:
    """Some note among very many: whoever dies is in nobody's way."""
    return Work("note", number=dice.randrange(WIDE))


def _begun(tx_id: str, work: Work, element: str, *, rerun: bool = False) -> Entry:
    return Entry(tx_id, work, element, rerun, time.monotonic_ns())


class Client:
    """What both kinds of clients have: dice, and how a script's end is told."""

    def __init__(self, told: Told, name: str, seed: str, work: Drawn = Work.drawn) -> None:
        self.told = told
        self._work = work
        self.name = name
        self.dice = random.Random(seed)
        self.policy = scalar_tx.RetryPolicy(deadline=LONGEST_RUN_S)

    def draw(self) -> tuple[str, Work]:
        """In which form, and what."""
        work = self._work(self.dice)
        forms = ("run", "own", "script") if work.kind != "note" else ("run", "own")
        return self.dice.choice(forms), work

    def script_done(self, entry: Entry, found: scalar_tx.ScriptResult) -> None:
        """A script is committed."""
        entry.tx_id = found.transaction_id
        self.told.scripts += 1
        self.told.scripts_settled += not found.complete
        self.told.committed(entry, node_work.done_by(entry.work, entry.element, found))

    def script_failed(self, entry: Entry, error: scalar_tx.ScalarTxError) -> None:
        """It is not, or nobody knows."""
        entry.tx_id = error.transaction_id or entry.tx_id
        self.told.error(entry, error, last=True)

    def attempted(self, attempts: list[Entry], tx_id: str, work: Work) -> Entry:
        """One more attempt of ``run``; the one before is not committed, or it would be the last."""
        if attempts:
            self.told.ended(attempts[-1], "aborted", "rerun by the library")
        element = self.told.element(self.name)
        attempts.append(_begun(tx_id, work, element, rerun=bool(attempts)))
        return attempts[-1]


class ThreadClient(Client):
    """A thread's work."""

    def work(self, db: scalar_tx.TransactionManager) -> None:
        """One piece of it."""
        form, work = self.draw()
        {"run": self._run, "own": self._own, "script": self._script}[form](db, work)

    def _own(self, db: scalar_tx.TransactionManager, work: Work) -> None:
        tx_id = self.told.element(self.name)
        entry = _begun(tx_id, work, tx_id)
        try:
            with db.transaction(id=tx_id) as tx:
                done = do(tx, work, tx_id)
        except scalar_tx.ScalarTxError as error:
            self.told.error(entry, error, last=False)
        else:
            self.told.committed(entry, done)

    def _run(self, db: scalar_tx.TransactionManager, work: Work) -> None:
        attempts: list[Entry] = []

        def attempt(tx: scalar_tx.Transaction) -> Operations:
            return do(tx, work, self.attempted(attempts, tx.id, work).element)

        try:
            done = db.run(attempt, retry=self.policy)
        except scalar_tx.ScalarTxError as error:
            self.told.error(attempts[-1], error, last=True)
        else:
            self.told.committed(attempts[-1], done)

    def _script(self, db: scalar_tx.TransactionManager, work: Work) -> None:
        element = self.told.element(self.name)
        entry = _begun(element, work, element)
        try:
            found = db.execute(node_work.script_of(work, element), retry=self.policy)
        except scalar_tx.ScalarTxError as error:
            self.script_failed(entry, error)
        else:
            self.script_done(entry, found)


class LoopClient(Client):
    """A task's work on an event loop."""

    async def work(self, db: scalar_tx.AsyncTransactionManager) -> None:
        """One piece of it."""
        form, work = self.draw()
        await {"run": self._run, "own": self._own, "script": self._script}[form](db, work)

    async def _own(self, db: scalar_tx.AsyncTransactionManager, work: Work) -> None:
        tx_id = self.told.element(self.name)
        entry = _begun(tx_id, work, tx_id)
        try:
            async with db.transaction(id=tx_id) as tx:
                done = await node_work.do(tx, work, tx_id)
        except scalar_tx.ScalarTxError as error:
            self.told.error(entry, error, last=False)
        else:
            self.told.committed(entry, done)

    async def _run(self, db: scalar_tx.AsyncTransactionManager, work: Work) -> None:
        attempts: list[Entry] = []

        async def attempt(tx: scalar_tx.AsyncTransaction) -> Operations:
            return await node_work.do(tx, work, self.attempted(attempts, tx.id, work).element)

        try:
            done = await db.run(attempt, retry=self.policy)
        except scalar_tx.ScalarTxError as error:
            self.told.error(attempts[-1], error, last=True)
        else:
            self.told.committed(attempts[-1], done)

    async def _script(self, db: scalar_tx.AsyncTransactionManager, work: Work) -> None:
        element = self.told.element(self.name)
        entry = _begun(element, work, element)
        try:
            script = node_work.script_of(work, element)
            found = await db.execute(script, retry=self.policy)
        except scalar_tx.ScalarTxError as error:
            self.script_failed(entry, error)
        else:
            self.script_done(entry, found)


class Load:
    """A context in which clients work: so many threads, and as many tasks on a loop."""

    def __init__(
        self, url: str, told: Told, seed: str, *, each: int = 4, work: Drawn = Work.drawn
    ) -> None:
        self._url, self._told, self._seed, self._each = url, told, seed, each
        self._work = work
        self._over = threading.Event()
        self._threads: list[threading.Thread] = []
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        db = self._stack.enter_context(scalar_tx.connect(self._url))
        self._threads = [threading.Thread(target=self._guarded, args=(self._loop,))]
        for number in range(self._each):
            name = f"t{number}{self._seed}"
            client = ThreadClient(self._told, name, f"{self._seed} t{number}", self._work)
            self._threads.append(
                threading.Thread(target=self._guarded, args=(self._thread, client, db))
            )
        for thread in self._threads:
            thread.start()
        return self

    def _guarded(self, work: Any, *arguments: Any) -> None:
        try:
            work(*arguments)
        except BaseException as error:  # noqa: BLE001  # of a thread: the campaign tells of it
            self._told.faults.append(repr(error))

    def _thread(self, client: ThreadClient, db: scalar_tx.TransactionManager) -> None:
        while not self._over.is_set():
            client.work(db)
            time.sleep(client.dice.uniform(0, PAUSE_S))

    def _loop(self) -> None:
        async def one(client: LoopClient, db: scalar_tx.AsyncTransactionManager) -> None:
            while not self._over.is_set():
                await client.work(db)
                await asyncio.sleep(client.dice.uniform(0, PAUSE_S))

        async def all_of_them() -> None:
            async with scalar_tx.connect_async(self._url) as db, asyncio.TaskGroup() as group:
                for number in range(self._each):
                    name = f"a{number}{self._seed}"
                    client = LoopClient(self._told, name, name, self._work)
                    group.create_task(one(client, db))

        asyncio.run(all_of_them())

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()
        self._stack.close()
