"""Who plays a script whose storage calls are let go one at a time? The words are in script.py."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_tx.consensus_commit.context import Context, Options
from scalar_tx.consensus_commit.coordinator_state import CoordinatorTable
from scalar_tx.consensus_commit.decided_states import DecidedStates
from scalar_tx.consensus_commit.decision_row import coordinator_table
from scalar_tx.consensus_commit.metadata import Catalog, with_transaction_columns
from scalar_tx.consensus_commit.recover import Recovery
from scalar_tx.consensus_commit.settle import settle
from scalar_tx.consensus_commit.transaction import TransactionSteps
from scalar_tx.model.isolation import Isolation
from scalar_tx.runtime.blocking import run_blocking
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from scalar_tx.storage.routing import RoutedStorage
from tests.protocol.watched_storage import COORDINATOR
from tests.protocol.world import World
from tests.scenarios.operations import OPERATIONS, perform
from tests.scenarios.player import Player
from tests.scenarios.script import ScriptError
from tests.scenarios.stage import FAULTS, Actor, Clock, SteppedStorage
from tests.scenarios.tables import SECOND, SEED, TABLES, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from scalar_tx.storage.interface import Storage
    from tests.scenarios.stage import Branch

T = TypeVar("T")

RUNNING: Final = "…"
NOTHING: Final = "nothing waits"
_NAME: Final = re.compile(r"[^.~]+")


@dataclass(frozen=True)
class WorldWords:
    """What a ``world`` line asks for."""

    unit: AtomicityUnit = AtomicityUnit.STORAGE
    page: int = 100
    storages: int = 1
    moments: bool = False
    lagging: bool = False
    knowing: bool = False

    @classmethod
    def read(cls, words: Sequence[str]) -> WorldWords:
        """From the words behind ``world``; ScriptError names one that is none of these."""
        found: dict[str, Any] = {}
        for word in words:
            name, _, value = word.partition("=")
            try:
                match name:
                    case "unit":
                        found[name] = AtomicityUnit[value]
                    case "page" | "storages":
                        found[name] = int(value)
                    case "moments" | "lagging" | "knowing" if not value:
                        found[name] = True
                    case _:
                        raise KeyError(word)
            except (KeyError, ValueError) as error:
                raise ScriptError(f"a world is not made by {word!r}") from error
        return cls(**found)

    def __str__(self) -> str:
        words = ["world"]
        words += [] if self.unit is AtomicityUnit.STORAGE else [f"unit={self.unit.name}"]
        words += [] if self.page == 100 else [f"page={self.page}"]
        words += [] if self.storages == 1 else [f"storages={self.storages}"]
        words += [name for name in ("moments", "lagging", "knowing") if getattr(self, name)]
        return " ".join(words)


@dataclass
class _Transaction:
    """A transaction of an actor."""

    steps: TransactionSteps


class SteppedPlayer(Player):
    """Plays one case in a world of its own, call by call where the script says so."""

    def __init__(self, world: Sequence[str], level: Isolation) -> None:
        words = WorldWords.read(world)
        self.words = words
        self.clock = Clock()
        self.actors: dict[str, Actor] = {}
        self._stepped: dict[str, _Transaction] = {}
        names = [str(number) for number in range(words.storages)]
        self.memories = {name: MemoryStorage(unit=words.unit) for name in names}
        self._ways = {
            name: SteppedStorage(memory, f"memory {name}", moments=words.moments)
            for name, memory in self.memories.items()
        }
        self._decided = DecidedStates()
        self._begun = False
        run_blocking(self.memories["0"].admin.create_table(coordinator_table("coordinator")))
        for table in TABLES.values():
            stored = with_transaction_columns(table.name, table.schema)
            run_blocking(self.memories[self.place(table.name)].admin.create_table(stored))
        super().__init__(
            World(self._joined(self.memories), scan_fetch_size=words.page), level, empty=True
        )
        # One clock for all, also for what the script does by hand.
        self.world.runtime.ms = self.clock.ms

    def place(self, table: str) -> str:
        """The storage that holds a table."""
        return "1" if self.words.storages > 1 and table in SECOND else "0"

    def _joined(self, storages: dict[str, Any]) -> Storage:
        if len(storages) == 1:
            only: Storage = storages["0"]
            return only
        return RoutedStorage(storages, default="0", tables=dict.fromkeys(SECOND, "1"))

    # Commands of a transaction are coroutines that answer.

    def answer(self, command: str) -> tuple[str, bool]:
        """What a command answers, and whether it failed."""
        verb = command.split(maxsplit=1)[0]
        if verb in _STARTABLE:
            return super().answer(f"at_once {command}")
        if verb in _NOT_HERE:
            raise ScriptError(f"{verb!r} is no command in a case with a line 'world'")
        return super().answer(command)

    def _at_once(self, *words: str) -> str:
        return self._complete(self._started(*words))

    def _start(self, *words: str) -> str:
        branch = self._started(*words)
        return _answer(branch) if branch.ended else RUNNING

    def _started(self, verb: str, name: str, *words: str) -> Branch:
        actor = self._actor(name)
        self._let_finish(actor)
        return actor.start(self._coroutine(verb, name, words))

    def _coroutine(self, verb: str, name: str, words: tuple[str, ...]) -> Coroutine[Any, Any, str]:
        if verb in OPERATIONS:
            return perform(self._steps(name), OPERATIONS[verb](*words))
        if verb not in _STARTABLE:
            raise ScriptError(f"{verb!r} can't be started")
        if verb == "settle":
            return _settled(self._context(self._actor(name)), name)
        return _ENDINGS[verb](self._steps(name))

    def _steps(self, name: str) -> TransactionSteps:
        if name not in self._stepped:
            raise ScriptError(f"{name} has not begun, or is dead")
        return self._stepped[name].steps

    def _let_finish(self, actor: Actor) -> None:
        if actor.main is not None:
            while (waiting := actor.main.next()) is not None:
                waiting.step()

    def _complete(self, main: Branch) -> str:
        while (waiting := main.next()) is not None:
            waiting.step()
        return _answer(main)

    def _run(self, name: str, steps: Coroutine[Any, Any, T]) -> T:
        """Scanners: their commands are finished at once."""
        actor = self._actor(name)
        self._let_finish(actor)
        main = actor.start(steps)
        self._complete(main)
        value: T = main.value
        return value

    def _tx(self, name: str) -> Any:
        self._steps(name)
        return self._stepped[name]

    # Whose turn it is.

    def branch(self, name: str) -> Branch | None:
        """Who makes the next call under a name: a transaction, or a branch of it."""
        actor = self._actor(_actors_name(name))
        found = actor.branches.get(name) if name != actor.name else actor.main
        return None if found is None else found.next()

    def _step(self, name: str, *how: str) -> str:
        times = 1
        words = list(how)
        if words and (counted := re.fullmatch(r"x(\d+)", words[-1])):
            times = int(counted[1])
            words.pop()
        if words and (len(words) > 1 or words[0] not in FAULTS):
            raise ScriptError(f"{how} is no fault of a call, only one of {', '.join(FAULTS)}")
        answer = NOTHING
        for _ in range(times):
            waiting = self.branch(name)
            if waiting is None:
                return answer
            main = waiting.actor.main
            was_running = main is not None and not main.ended
            waiting.step(words[0] if words else None)
            answer = RUNNING
            if main is not None and was_running and main.ended:
                answer = _answer(main)
        return answer

    def _finish(self, name: str) -> str:
        main = self._actor(name).main
        if main is None or main.ended:
            return NOTHING
        return self._complete(main)

    def is_at_work(self, name: str) -> bool:
        """Is a transaction open, or does something in the background go on for it?"""
        if name not in self._stepped:
            return False
        background = self._actor(name).background
        return self._steps(name).outcome is None or not all(one.ended for one in background)

    def _arrive(self, name: str, number: str = "1") -> str:
        actor = self._actor(name)
        if len(actor.late) < int(number):
            return NOTHING
        actor.arrive(int(number))
        return ""

    def _background(self, how: str) -> str:
        if how != "runs":
            raise ScriptError("what runs in the background waits anyway")
        for actor in self.actors.values():
            for branch in list(actor.background):
                while (waiting := branch.next()) is not None:
                    waiting.step()
        return ""

    def _crash(self, name: str) -> str:
        self._actor(name).crash()
        self._stepped.pop(name, None)
        return ""

    # The world.

    def _begin(self, name: str, *how: str) -> str:
        self._everything_is_given()
        level = next((Isolation[word] for word in how if word != "read-only"), self.level)
        if name in self._stepped:
            raise ScriptError(f"{name} has begun already")
        self._stepped[name] = _Transaction(
            TransactionSteps(self._context(self._actor(name)), level, read_only="read-only" in how)
        )
        return ""

    def _everything_is_given(self) -> None:
        if not self._begun:
            self._begun = True
            if self.words.lagging:
                for way in self._ways.values():
                    way.let_index_lag()

    def _actor(self, name: str) -> Actor:
        if name not in self.actors:
            self.actors[name] = Actor(name, self.clock)
        return self.actors[name]

    def _context(self, actor: Actor) -> Context:
        storage = self._joined(self._ways)
        decisions = CoordinatorTable(storage, actor, COORDINATOR.partition(".")[0])
        recovery = Recovery(storage, actor, decisions)
        if self.words.knowing:
            recovery._decided = self._decided
        return Context(
            storage=storage,
            runtime=actor,
            catalog=Catalog(
                storage, actor, expiry=-1, coordinator_namespace=COORDINATOR.partition(".")[0]
            ),
            decisions=decisions,
            recovery=recovery,
            options=Options(scan_fetch_size=self.words.page, one_phase_commit=False),
        )

    def _given(self, place: str, *values: str) -> str:
        if self._begun:
            raise ScriptError(f"{place} is given too late: something has begun")
        first = table_of(place).first
        columns = (word if "=" in word else f"{first}={word}" for word in values)
        technical = "tx_state=3 tx_version=1 tx_prepared_at=now tx_committed_at=now"
        return self._write(place, *columns, *technical.split(), f"tx_id={SEED}")

    def _clock(self, *words: str) -> str:
        by = round(float(words[-1].rstrip("s")) * 1000)
        if len(words) == 2:
            self._actor(words[0]).shift_ms += by
        else:
            self.clock.ms += by
            self.world.runtime.ms = self.clock.ms
        return ""

    def _index(self, place: str) -> str:
        if not self.words.lagging:
            raise ScriptError("no index lags in this world: write lagging behind its 'world'")
        self._everything_is_given()
        table = table_of(place)
        self._ways[self.place(table.name)].learn(table.name, tuple(table.key(place).values()))
        return ""


def _answer(branch: Branch) -> str:
    if branch.error is not None:
        raise branch.error
    return str(branch.value or "")


def _actors_name(name: str) -> str:
    found = _NAME.match(name)
    if found is None:
        raise ScriptError(f"{name!r} is nobody's name")
    return found[0]


async def _committed(steps: TransactionSteps) -> str:
    await steps.commit()
    return "committed"


async def _rolled_back(steps: TransactionSteps) -> str:
    await steps.rollback()
    return "rolled back"


async def _confirmed(steps: TransactionSteps) -> str:
    await steps.confirm_reads()
    return "holds"


async def _settled(context: Context, name: str) -> str:
    return (await settle(context.decisions, name)).state.value


# The commands of a transaction beside its operations, and settle, which needs none.
_ENDINGS: Final[dict[str, Callable[[TransactionSteps], Coroutine[Any, Any, str]]]] = {
    "commit": _committed,
    "rollback": _rolled_back,
    "confirm": _confirmed,
}
_STARTABLE: Final = {*OPERATIONS, *_ENDINGS, "settle"}
_NOT_HERE: Final = frozenset(
    {"prepare", "decide", "until", "fail", "busy", "lose", "down", "heal", "calls"}
    | {"coordinator_columns"}
)
