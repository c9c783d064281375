"""Who goes on between two storage calls, where a script says who is next?

Every storage call waits until it is let go; then it takes effect, is answered, and whoever made it
goes on to just before his next one. Pauses of the protocol take no time: its clock is the script's.
"""

from __future__ import annotations

import types
from contextlib import nullcontext, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_tx.errors import ReplyLostError, StorageBusyError, StorageUnavailableError
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.runtime.interface import Outcome
from scalar_tx.storage.interface import Erase, IndexSource, ReadKind
from tests.protocol.virtual_time import START_MS
from tests.simulation.frozen import FrozenStorage, copied

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.runtime.interface import Signal
    from scalar_tx.storage.admin import StorageAdmin
    from scalar_tx.storage.interface import (
        Pages,
        Reads,
        ScanRequest,
        StorageInfo,
        StorageMutation,
    )
    from scalar_tx.storage.memory import MemoryStorage

T = TypeVar("T")

LATE: Final = "late"
# What a caller is told of a call that is not answered, and whether it takes effect all the same.
FAULTS: Final[dict[str, tuple[type[Exception], bool]]] = {
    "fail": (ReplyLostError, False),
    "busy": (StorageBusyError, False),
    "down": (StorageUnavailableError, False),
    "lose": (ReplyLostError, True),
    LATE: (ReplyLostError, False),
}


@dataclass(frozen=True)
class Call:
    """A storage call that waits. ``what`` says in words what it is about."""

    effect: Callable[[], Any]
    what: str


@types.coroutine
def _wait(reason: Call | list[Branch]) -> Generator[Any, Any, Any]:
    return (yield reason)


class Branch:
    """A coroutine of an actor: what it was told to do, one of several parallel calls, or what it
    does in the background. ``call`` is the storage call it stands before."""

    def __init__(self, actor: Actor, name: str, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.actor = actor
        self.name = name
        self.call: Call | None = None
        self.waits_for: list[Branch] = []
        self.children: list[Branch] = []
        self.ended = False
        self.value: Any = None
        self.error: Exception | None = None
        self._coroutine = coroutine
        self._waiting: list[Branch] = []
        actor.branches[name] = self

    def go_on(self, answer: Any = None, obstacle: Exception | None = None) -> None:
        """Run to just before the next storage call, until others have ended, or to the end."""
        self.call = None
        self.waits_for = []
        before, self.actor.current = self.actor.current, self
        try:
            reason = (
                self._coroutine.send(answer)
                if obstacle is None
                else self._coroutine.throw(obstacle)
            )
        except StopIteration as done:
            self.value = done.value
            self._end()
        except Exception as error:  # noqa: BLE001  # whoever asks for the answer meets it
            self.error = error
            self._end()
        else:
            if isinstance(reason, Call):
                self.call = reason
            else:
                self.waits_for = reason
                for one in reason:
                    one._waiting.append(self)
        finally:
            self.actor.current = before

    def _end(self) -> None:
        self.ended = True
        for one in self._waiting:
            if not one.ended and one.waits_for and all(other.ended for other in one.waits_for):
                one.go_on()

    def next(self) -> Branch | None:
        """Itself if it stands before a call, else the first of those it waits for that does."""
        if self.call is not None:
            return self
        found = (one.next() for one in self.waits_for)
        return next((one for one in found if one is not None), None)

    def step(self, fault: str | None = None) -> None:
        """The call arrives and is answered, or meets a fault."""
        call = self.call
        assert call is not None
        if fault is None:
            try:
                answer = call.effect()
            except Exception as error:  # noqa: BLE001  # it is the answer
                self.go_on(obstacle=error)
            else:
                self.go_on(answer)
            return
        error_type, applied = FAULTS[fault]
        if applied:
            _unseen(call)
        if fault == LATE:
            self.actor.late.append(call)
        self.go_on(obstacle=error_type(f"made to fail: {call.what}"))

    def drop(self) -> None:
        """Never go on."""
        if not self.ended:
            self._coroutine.close()
            self.ended = True
            self.call = None


def _unseen(call: Call) -> None:
    """The effect, if it is not refused; nobody hears of it."""
    with suppress(Exception):
        call.effect()


@dataclass
class Clock:
    """The time, in milliseconds, as far as everybody's clock is right."""

    ms: int = START_MS


class Actor:
    """Whoever makes storage calls: a transaction in a process of its own, with its own clock."""

    def __init__(self, name: str, clock: Clock) -> None:
        self.name = name
        self.shift_ms = 0
        self.branches: dict[str, Branch] = {}
        self.background: list[Branch] = []
        self.late: list[Call] = []
        self.main: Branch | None = None
        self.current: Branch | None = None
        self._clock = clock

    def start(self, coroutine: Coroutine[Any, Any, Any]) -> Branch:
        """Begin a command; it goes on to just before its first storage call."""
        self.main = Branch(self, self.name, coroutine)
        self.main.go_on()
        return self.main

    def arrive(self, number: int) -> None:
        """A late effect comes now."""
        _unseen(self.late.pop(number - 1))

    def crash(self) -> None:
        """Nothing of this goes on; what is late still comes."""
        for branch in self.branches.values():
            branch.drop()
        for branch in self.background:
            branch.drop()
        self.background.clear()
        self.main = None

    # The runtime of the protocol.

    async def wait(self, request: Any) -> Any:
        """No storage here has futures."""
        raise AssertionError(f"awaited a future: {request!r}")

    async def run_all(
        self, steps: Sequence[Callable[[], Coroutine[Any, Any, T]]]
    ) -> list[Outcome[T]]:
        """Each step is a branch: A.1, A.2 and so on; all have ended when this returns."""
        if len(steps) < 2:
            return [await _attempt(step) for step in steps]
        parent = self.current
        assert parent is not None
        branches = [
            Branch(self, f"{parent.name}.{number}", _attempt(step))
            for number, step in enumerate(steps, 1)
        ]
        parent.children += branches
        for branch in branches:
            branch.go_on()
        if not all(branch.ended for branch in branches):
            await _wait([branch for branch in branches if not branch.ended])
        return [branch.value for branch in branches]

    def run_later(self, step: Callable[[], Coroutine[Any, Any, None]]) -> Later:
        """A branch in the background: A~1, A~2 and so on."""
        parent = self.current
        assert parent is not None
        branch = Branch(self, f"{self.name}~{len(self.background) + 1}", _attempt(step))
        parent.children.append(branch)
        self.background.append(branch)
        branch.go_on()
        return Later(branch)

    def signal(self) -> Signal:
        """Nobody waits for anybody of the same process here."""
        raise AssertionError("waited for another transaction")

    def lock(self) -> nullcontext[None]:
        """Nobody shares anything within a process here."""
        return nullcontext()

    async def sleep(self, seconds: float) -> None:
        """Takes no time: others go on meanwhile if the script says so."""

    def now_ms(self) -> int:
        """The clock, as wrong as it is here."""
        return self._clock.ms + self.shift_ms

    def elapsed(self) -> float:
        """The right clock in seconds."""
        return self._clock.ms / 1000

    def chance(self) -> float:
        """No chance."""
        return 0.5

    def new_id(self) -> str:
        """A transaction's id is its name."""
        return self.name


class Later:
    """Work in the background."""

    def __init__(self, branch: Branch) -> None:
        self._branch = branch

    async def done(self) -> None:
        """Wait until it has ended; raises what it raised."""
        if not self._branch.ended:
            await _wait([self._branch])
        outcome: Outcome[None] = self._branch.value
        outcome.result()


async def _attempt(step: Callable[[], Coroutine[Any, Any, T]]) -> Outcome[T]:
    try:
        return Outcome(value=await step())
    except Exception as error:  # noqa: BLE001  # it is the outcome
        return Outcome(error=error)


@dataclass
class SteppedStorage:
    """A memory storage whose calls wait until they are let go."""

    memory: MemoryStorage
    name: str
    moments: bool = False
    index: MemoryStorage | None = None  # what an index that lags knows
    _info: StorageInfo = field(init=False)

    def __post_init__(self) -> None:
        self._info = replace(
            self.memory.info(""),
            name=self.name,
            moments=self.moments,
            batches=0,
            joins_indexes=False,
        )

    def let_index_lag(self) -> None:
        """From now on the index learns of a change when the script says so."""
        self.index = copied(self.memory)
        self._info = replace(self._info, linearizable=self._info.linearizable - {ReadKind.INDEX})

    def learn(self, table: str, key: tuple[Value, ...]) -> None:
        """The index learns how a record is now."""
        assert self.index is not None
        known = self.index.admin.contents(table)
        known.remove(key)
        row = self.memory.admin.contents(table).rows.get(key)
        if row is not None:
            known.put(key, row.copy())

    def info(self, table: str) -> StorageInfo:
        """The same for every table."""
        return self._info

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """The memory storage's."""
        return self.memory.objection(table, data_type, value, in_key=in_key)

    @property
    def admin(self) -> StorageAdmin:
        """Answers at once."""
        return self.memory.admin

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """Read one record."""
        effect = lambda: run_blocking(self.memory.get(table, key))  # noqa: E731
        row: Row | None = await _wait(Call(effect, f"get {_place(table, key)}"))
        return row

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        """Run steps over all of the storage as it is when the call arrives."""
        await steps(await _wait(Call(lambda: FrozenStorage(self.memory), "moment")))

    def scan(self, request: ScanRequest) -> SteppedPages:
        """Begin a scan; each page is a call."""
        source = self.memory
        if self.index is not None and isinstance(request.source, IndexSource):
            source = self.index
        return SteppedPages(source.scan(request), request.table.name)

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """Apply all mutations, or none."""
        what = "; ".join(
            f"{'erase' if isinstance(one, Erase) else 'write'} {_place(one.table, one.key)}"
            for one in mutations
        )
        await _wait(Call(lambda: run_blocking(self.memory.mutate(mutations)), what))

    async def close(self) -> None:
        """Nothing is held."""


class SteppedPages:
    """A running scan."""

    def __init__(self, pages: Pages, table: str) -> None:
        self._pages = pages
        self._table = table

    async def next_page(self) -> Sequence[Row] | None:
        """The next rows."""
        effect = lambda: run_blocking(self._pages.next_page())  # noqa: E731
        page: Sequence[Row] | None = await _wait(Call(effect, f"page of {self._table}"))
        return page

    async def close(self) -> None:
        """Let go."""
        await self._pages.close()


def _place(table: Table, key: tuple[Value, ...]) -> str:
    return "/".join((table.name, *map(str, key)))
