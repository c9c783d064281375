"""How does a transaction stop before each of its storage calls?

The protocol runs here over a storage that does nothing by itself: a call is handed to whoever
drives the transaction, who performs it when its turn has come and hands the reply back. What the
protocol runs at once, or in the background, are tasks of their own. Time stands still.
"""

from __future__ import annotations

from collections import deque
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, TypeVar

from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.runtime.interface import Outcome
from scalar_tx.storage.interface import Waits
from tests.hermitage.words import mutations_in_words, page_in_words, place, reply_in_words

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine, Generator, Hashable, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import DataType, Row, Value
    from scalar_tx.runtime.interface import Signal
    from scalar_tx.storage.admin import StorageAdmin
    from scalar_tx.storage.interface import (
        Reads,
        ScanRequest,
        Storage,
        StorageInfo,
        StorageMutation,
    )

T = TypeVar("T")

NOW_MS = 1_700_000_000_000
# On a server others may use the usual one; this one is emptied.
COORDINATOR_NAMESPACE = "hermitage_decisions"
COORDINATOR = f"{COORDINATOR_NAMESPACE}.state"


class Call(NamedTuple):
    """A storage call that waits for its turn."""

    words: Callable[[], str]
    effect: Callable[[Any], Coroutine[Any, Any, Any]]  # of a storage of the kind it is performed on
    looks_back: bool = False  # does the effect depend on the transaction it belongs to?

    def __await__(self) -> Generator[Call, Any, Any]:
        return (yield self)


class Join(NamedTuple):
    """Waiting for tasks of the same transaction."""

    tasks: Sequence[Task]

    def __await__(self) -> Generator[Join, Any, Any]:
        return (yield self)


@dataclass(frozen=True, slots=True)
class Reply:
    """What a storage answered. Replies with equal keys are the same to the protocol."""

    value: Any
    error: Exception | None
    key: Hashable

    def __str__(self) -> str:
        return reply_in_words(self.value, self.error)


def perform(call: Call, storage: Storage) -> Reply:
    """Do a call now, on a storage whose methods never suspend."""
    try:
        value = run_blocking(call.effect(storage))
    except Exception as error:  # noqa: BLE001  # it is the reply
        return Reply(None, error, (type(error).__name__, str(error)))
    return Reply(value, None, _key_of(value))


def _key_of(value: Any) -> Hashable:
    if isinstance(value, dict):
        return tuple(value.items())
    if isinstance(value, list | tuple):
        return tuple(_key_of(item) for item in value)
    return value  # type: ignore[no-any-return]  # None


# The main task is (); the second task that it began is (2,); and so on.
TaskName: TypeAlias = tuple[int, ...]


class Task:
    """One line of a transaction's work: its own, a parallel step of it, or background work."""

    __slots__ = ("awaited", "call", "children", "coroutine", "ended", "name", "replies", "value")

    def __init__(self, name: TaskName, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.name = name
        self.coroutine = coroutine
        self.children = 0
        self.replies: list[Hashable] = []
        self.call: Call | None = None
        self.awaited: Sequence[Task] = ()
        self.ended = False
        self.value: Any = None


class Process:
    """A transaction with all its tasks, each stopped before a storage call or ended."""

    def __init__(self, name: str, runtime: SteppedRuntime) -> None:
        self.name = name
        self._runtime = runtime
        self._tasks: dict[TaskName, Task] = {}
        self._to_run: deque[tuple[Task, Reply | None]] = deque()
        self._running: Task | None = None
        self._closed = False

    def start(self, main: Coroutine[Any, Any, Any]) -> None:
        """Run to the first call."""
        self.spawn(main)
        self._run_all()

    def spawn(self, coroutine: Coroutine[Any, Any, Any]) -> Task:
        """One more task; it begins when the running one has stopped."""
        name: TaskName = ()
        if (parent := self._running) is not None:
            parent.children += 1
            name = (*parent.name, parent.children)
        if self._closed:  # what a task begins that is let go of does not begin
            coroutine.close()
            return Task(name, coroutine)
        task = self._tasks[name] = Task(name, coroutine)
        self._to_run.append((task, None))
        return task

    def calls(self) -> list[tuple[TaskName, Call]]:
        """The calls that could be performed next, by the names of their tasks."""
        return [(name, task.call) for name, task in sorted(self._tasks.items()) if task.call]

    @property
    def result(self) -> Any:
        """What the transaction's own task returned."""
        main = self._tasks[()]
        assert main.ended, f"{self.name} waits for something that never comes"
        return main.value

    def memory(self) -> Hashable:
        """What the transaction goes on from. Equal memories go on alike.

        That is what each task was told; of one that has ended and began no others, how it ended.
        In which order the tasks were told is left out: what they share of the transaction does not
        depend on it, and they wait for each other's ends only.
        """
        tasks = self._tasks.values()
        if all(task.ended for task in tasks):
            return repr(self.result)
        over = self._tasks[()].ended
        return tuple(
            [
                (task.name, *([repr(task.value)] if _is_leaf(task) else task.replies))
                for task in sorted(tasks, key=lambda task: task.name)
                if not (over and _is_leaf(task))
            ]
        )

    def feed(self, name: TaskName, reply: Reply) -> None:
        """Hand a reply in and run to the next calls."""
        task = self._tasks[name]
        task.replies.append(reply.key)
        self._to_run.append((task, reply))
        self._run_all()

    def _run_all(self) -> None:
        self._runtime.process = self
        while self._to_run:
            task, reply = self._to_run.popleft()
            self._running = task
            self._run(task, reply)
            for other in self._tasks.values():
                if other.awaited and all(one.ended for one in other.awaited):
                    other.awaited = ()
                    self._to_run.append((other, None))
        self._running = None

    def _run(self, task: Task, reply: Reply | None) -> None:
        task.call = None
        try:
            if reply is not None and reply.error is not None:
                request = task.coroutine.throw(reply.error.with_traceback(None))
            else:
                request = task.coroutine.send(None if reply is None else _unshared(reply.value))
        except StopIteration as done:
            task.ended = True
            task.value = done.value
            return
        if isinstance(request, Call):
            task.call = request
        elif all(one.ended for one in request.tasks):
            self._to_run.append((task, None))
        else:
            task.awaited = request.tasks

    def close(self) -> None:
        """Let go of what will not go on."""
        self._closed = True
        self._runtime.process = self
        for task in self._tasks.values():
            task.coroutine.close()


def _is_leaf(task: Task) -> bool:
    return task.ended and not task.children and bool(task.name)


def _unshared(value: Any) -> Any:
    # Rows belong to whoever asked for them; a reply may be handed out many times.
    if isinstance(value, dict):
        return value.copy()
    return [row.copy() for row in value] if isinstance(value, list) else value


class _Later:
    def __init__(self, task: Task) -> None:
        self._task = task

    async def done(self) -> None:
        await Join([self._task])
        outcome: Outcome[None] = self._task.value
        outcome.result()


async def _attempt(step: Callable[[], Coroutine[Any, Any, T]]) -> Outcome[T]:
    try:
        return Outcome(value=await step())
    except Exception as error:  # noqa: BLE001  # it is the outcome
        return Outcome(error=error)


class SteppedRuntime:
    """Steps become tasks of the process that runs; no time passes."""

    def __init__(self) -> None:
        self.process: Process

    async def wait(self, request: Any) -> Any:
        """No storage here has futures."""
        raise AssertionError(f"awaited a future: {request!r}")

    async def run_all(
        self, steps: Sequence[Callable[[], Coroutine[Any, Any, T]]]
    ) -> list[Outcome[T]]:
        """Steps as tasks; all have ended when this returns."""
        if len(steps) < 2:
            return [await _attempt(step) for step in steps]
        tasks = [self.process.spawn(_attempt(step)) for step in steps]
        await Join(tasks)
        return [task.value for task in tasks]

    def run_later(self, step: Callable[[], Coroutine[Any, Any, None]]) -> _Later:
        """A step as one more task."""
        return _Later(self.process.spawn(_attempt(step)))

    def signal(self) -> Signal:
        """Nobody waits for anybody of the same process here."""
        raise AssertionError("waited for another transaction")

    def lock(self) -> nullcontext[None]:
        """Nobody shares anything within a process here."""
        return nullcontext()

    async def sleep(self, seconds: float) -> None:
        """Nothing fails here, so nobody has a reason to wait."""
        raise AssertionError(f"slept for {seconds} s")

    def now_ms(self) -> int:
        """Always the same."""
        return NOW_MS

    def elapsed(self) -> float:
        """Always the same."""
        return 0.0

    def chance(self) -> float:
        """No chance."""
        return 0.5

    def new_id(self) -> str:
        """The name of the transaction."""
        return self.process.name


class SteppedStorage:
    """What the protocol takes for the storage. Tables are looked up at once."""

    def __init__(self, inner: Storage) -> None:
        self._inner = inner
        self._infos: dict[str, StorageInfo] = {}

    def info(self, table: str) -> StorageInfo:
        """The storage's; nothing blocks before its turn, nor wants to wait for a future.

        Each record is read by a call of its own: others may go on between any two.
        """
        info = self._infos.get(table)
        if info is None:
            info = self._inner.info(table or COORDINATOR)
            info = replace(info, waits=Waits.NEVER, batches=0)
            self._infos[table] = info
        return info

    def objection(
        self, table: str, data_type: DataType, value: Value, *, in_key: bool
    ) -> str | None:
        """The storage's."""
        return self._inner.objection(table, data_type, value, in_key=in_key)

    @property
    def admin(self) -> StorageAdmin:
        """The storage's, at once."""
        return self._inner.admin

    async def get(self, table: Table, key: tuple[Value, ...]) -> Row | None:
        """One call."""
        row: Row | None = await Call(
            lambda: f"get {place(table, key)}", lambda storage: storage.get(table, key)
        )
        return row

    def scan(self, request: ScanRequest) -> SteppedPages:
        """A call for each page."""
        return SteppedPages(request)

    async def at_one_moment(self, table: str, steps: Callable[[Reads], Awaitable[None]]) -> None:
        """One call, whatever is read in it."""
        await Call(
            lambda: f"read {table} again at one moment",
            lambda storage: storage.at_one_moment(table, steps),
            looks_back=True,
        )

    async def mutate(self, mutations: Sequence[StorageMutation]) -> None:
        """One call."""
        await Call(lambda: mutations_in_words(mutations), lambda storage: storage.mutate(mutations))

    async def close(self) -> None:
        """The storage belongs to the place it stands in."""


class SteppedPages:
    """A running scan. Each page is a scan of its own that begins behind the last row seen."""

    def __init__(self, request: ScanRequest) -> None:
        self._request = request
        self._ended = False

    async def next_page(self) -> Sequence[Row] | None:
        """One call, unless the page before was the last one."""
        if self._ended:
            return None
        request = self._request
        page: Sequence[Row] | None = await Call(
            lambda: page_in_words(request), lambda storage: _one_page(storage, request)
        )
        if page is None or len(page) < request.page_size:
            self._ended = True
        if page:
            self._request = replace(request, after=page[-1])
        return page

    async def close(self) -> None:
        """Nothing is held between pages."""
        self._ended = True


async def _one_page(storage: Storage, request: ScanRequest) -> list[Row] | None:
    pages = storage.scan(request)
    try:
        page = await pages.next_page()
        return None if page is None else list(page)
    finally:
        await pages.close()
