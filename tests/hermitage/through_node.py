"""What comes of a program when a node runs its transactions, each on connections of its own?

Whole operations are what can be put in order from outside. An abort is a rollback by the client:
nobody stops a commit in a node half-way.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import TYPE_CHECKING, Any, Final, Self

import scalar_tx
from scalar_tx.errors import ConflictError
from scalar_tx.model.state import TransactionState
from scalar_tx.runtime.blocking import run_blocking
from tests.hermitage.operations import TABLE, GivenUp, Result, Session, play
from tests.hermitage.programs import PROGRAMS, Ending

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable

    from scalar_tx.model.isolation import Isolation
    from tests.hermitage.operations import Rows, Script
    from tests.hermitage.programs import Program

NAMES: Final = sorted({name for program in PROGRAMS for name in program.transactions})
ROWS: Final = ((1, 10), (2, 20))


class GivesUp(set[str]):
    """Whoever is added to it gives up at once."""

    def add(self, _: str) -> None:
        raise GivenUp


class Line:
    """A transaction whose operations are done one at a time."""

    def __init__(self, steps: Any, script: Script) -> None:
        self._steps = steps
        self._session = session(steps)
        self._left = list(script)
        self.over = False

    def go_on(self) -> None:
        """The next operation; behind the last one the commit. Who is refused is rolled back."""
        try:
            if self._left:
                run_blocking(_whole(self._left.pop(0)(self._session)))
                return
            run_blocking(self._steps.commit())
        except (ConflictError, GivenUp):
            run_blocking(self._steps.rollback())
        self.over = True

    @property
    def result(self) -> Result:
        """How it ended, and what it read."""
        committed = self._steps.outcome is TransactionState.COMMITTED
        return Result(committed, tuple(self._session.reads))


async def _whole(step: Awaitable[None]) -> None:
    await step


def session(steps: Any) -> Session:
    """A session of a node's transaction."""
    return Session(steps, False, GivesUp())


class NodePlace:
    """A node with the programs' table; ``workers`` are those that transactions ran on."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stack = ExitStack()
        self.workers: set[int] = set()

    def __enter__(self) -> Self:
        self._db = self._stack.enter_context(scalar_tx.connect(self._url))
        self._of = {name: self._stack.enter_context(scalar_tx.connect(self._url)) for name in NAMES}
        self._db.admin.create_coordinator_tables(if_not_exists=True)
        self._db.admin.create_table(
            TABLE,
            columns={"part": "INT", "id": "INT", "value": "INT"},
            partition_key=["part"],
            clustering_key=["id"],
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def rows(self) -> Rows:
        """The records, by id."""
        found = self._db.run(lambda tx: tx.scan(TABLE, {"part": 1}), read_only=True)
        return tuple((int(str(row["id"])), int(str(row["value"]))) for row in found)

    def reset(self) -> None:
        """As it was in the beginning."""

        def put_back(tx: scalar_tx.Transaction) -> None:
            for row in tx.scan(TABLE, {"part": 1}):
                if row["id"] not in dict(ROWS):
                    tx.delete(TABLE, {"part": 1, "id": row["id"]})
            for number, value in ROWS:
                tx.upsert(TABLE, {"part": 1, "id": number, "value": value})

        self._db.run(put_back)

    def _begun(self, name: str, level: Isolation) -> Any:
        return (
            self._of[name]._here().transaction(level, read_only=False, caller_id=None, timeout=None)
        )

    def play(self, program: Program, level: Isolation, dice: random.Random) -> Ending:
        """An operation at a time, in an order that dice draw."""
        self.reset()
        steps = {name: self._begun(name, level) for name in sorted(program.transactions)}
        lines = {name: Line(one, program.transactions[name]) for name, one in steps.items()}
        while ready := [line for line in lines.values() if not line.over]:
            dice.choice(ready).go_on()
        self._note(steps.values())
        return Ending(tuple((name, line.result) for name, line in lines.items()), self.rows())

    def play_in_threads(self, program: Program, level: Isolation) -> Ending:
        """All at once."""
        self.reset()
        together = Barrier(len(program.transactions))
        steps = {name: self._begun(name, level) for name in sorted(program.transactions)}

        def run(name: str) -> tuple[str, Result]:
            together.wait(timeout=30)
            return name, run_blocking(play(session(steps[name]), program.transactions[name]))

        with ThreadPoolExecutor(len(steps)) as pool:
            results = list(pool.map(run, steps))
        self._note(steps.values())
        return Ending(tuple(results), self.rows())

    def _note(self, steps: Any) -> None:
        channels = [one._stream._channel for one in steps]
        self.workers.update(one.worker for one in channels if one is not None)
