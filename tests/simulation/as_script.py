"""How is a simulated run told in the language of the scenarios?

The script is played while it is written, so it is known to lead where the run led: each call of the
run is let go in the same order, and in the end the same rows are stored. What need not be seen call
by call is put together again.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import ScalarTxError
from scalar_tx.model.operations import Delete, Insert, Update, Upsert
from tests.scenarios.operations import in_words, place_of
from tests.scenarios.script import ScriptError
from tests.scenarios.stage import LATE
from tests.scenarios.stepped_player import RUNNING, SteppedPlayer, WorldWords
from tests.scenarios.tables import SEED, table_named
from tests.scenarios.words import as_row, error_words
from tests.simulation.logged import (
    Answered,
    Asked,
    Began,
    Ended,
    Healed,
    Learned,
    Made,
    Settles,
)
from tests.simulation.parts.log import Called, Kind
from tests.simulation.parts.network import Fault
from tests.simulation.script_lines import Item, Role, lines_of
from tests.simulation.workload import INITIAL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.consensus_commit.transaction import TransactionSteps
    from scalar_tx.model.types import Row, Value
    from tests.scenarios.stage import Branch
    from tests.simulation.logged import Rows
    from tests.simulation.parts.log import Event, Log
    from tests.simulation.parts.processes import Process
    from tests.simulation.parts.scheduler import Task

_FAULTS: Final = {
    Fault.LOST_BEFORE: "fail",
    Fault.LOST_AFTER: "lose",
    Fault.LATE: LATE,
    Fault.BUSY: "busy",
    Fault.UNAVAILABLE: "down",
}
_CALL: Final = re.compile(r"(get|write|erase|page of) ([^\s;]+)(?: (PREPARED|DELETED|COMMITTED|ABORTED))?")
# How far a clock may be behind before the script moves it, in seconds; the second one is tried if
# the first did not lead where the run led.
_TOLERANCES: Final = (1.0, 0.001)
_DAY_S: Final = 86_400.0
DECISIONS: Final = "coordinator.state/"


class DivergedError(Exception):
    """The script does not do what the run did."""


@dataclass(frozen=True)
class Script:
    """A run as a script."""

    text: str
    lines: int  # without comments and empty ones


def written(log: Log, remarks: list[str]) -> Script:
    """A run as a script, with remarks at its head; DivergedError if it can't be told.

    The bug that the run had has to be planted at this moment too.
    """
    problem: Exception | None = None
    for tolerance in _TOLERANCES:
        try:
            return _Writer(log, tolerance).script(remarks)
        except (DivergedError, ScriptError) as error:
            problem = problem or error
    raise DivergedError(str(problem)) from problem


@dataclass
class _Teller:
    """A transaction of the run and what the script has to say about it."""

    name: str
    process: Process
    began: str
    program: str
    pending: list[str] = field(default_factory=list)  # commands that no call was made for yet
    calls_left: int = 0
    doomed: bool = False  # its process has crashed
    has_begun: bool = False
    late: list[object] = field(default_factory=list)  # calls whose effect waits


class _Writer:
    def __init__(self, log: Log, tolerance: float) -> None:
        self._events = log.events
        self._tolerance = tolerance
        made = next(event.what for event in log.events if isinstance(event.what, Made))
        self._made: Made = made
        plan = made.plan
        self._words = WorldWords(
            plan.unit,
            plan.fetch_size,
            plan.storages,
            plan.moments,
            plan.index_lag_s > 0,
        )
        began = [e.what for e in log.events if isinstance(e.what, Began)]
        levels = [one.steps.isolation for one in began]
        self._level = Counter(levels).most_common(1)[0][0] if levels else plan.levels[0]
        self._player = SteppedPlayer(str(self._words).split()[1:], self._level)
        self._items: list[Item] = []
        self._tellers: dict[TransactionSteps, _Teller] = {}
        self._ids: dict[str, str] = {INITIAL: SEED}
        self._skews_ms: Counter[Process] = Counter()
        self._now_ms = 0.0
        self._owners = _owners(log.events)
        self._branches: dict[Task, Branch] = {}
        self._lineage: dict[Task, tuple[Task, int]] = {}
        self._spawned: Counter[Task] = Counter()
        self._places: dict[str, None] = {}

    def script(self, remarks: list[str]) -> Script:
        for table, rows in self._made.rows.items():
            for key, row in rows.items():
                self._say(Role.GIVEN, None, _given(table, key, row))
        for at, event in enumerate(self._events):
            self._tell(at, event)
        for teller in self._tellers.values():
            if teller.doomed and teller.has_begun:
                self._crash(teller)
        self._look_at_rows()
        head = [f"# {line}" for remark in remarks for line in _wrapped(remark)]
        head += [f"levels {self._level.name}", str(self._words)]
        lines = lines_of(self._items)
        return Script("\n".join([*head, *lines, ""]), len(lines) + 2)

    # What happened.

    def _tell(self, at: int, event: Event) -> None:
        what = event.what
        match event.kind:
            case Kind.STARTED:
                self._skews_ms[event.who] = what
            case Kind.JUMPED:
                self._skews_ms[event.who] += what
            case Kind.CRASHED:
                for teller in self._tellers.values():
                    if teller.process is event.who:
                        teller.doomed = True
                        if not teller.calls_left:
                            self._crash(teller)
            case Kind.SPAWNED if event.who is not None:
                self._lineage[what] = (event.who, self._spawned[event.who])
                self._spawned[event.who] += 1
            case Kind.CALLED | Kind.ARRIVED:
                self._call(at, event)
            case Kind.OTHER:
                self._other(event)

    def _other(self, event: Event) -> None:
        what = event.what
        match what:
            case Began() if self._matters(what.steps):
                self._begin(what)
            case Asked() if self._matters(what.steps):
                command = (
                    f"{what.what} {self._teller(what.steps).name}"
                    if isinstance(what.what, str)
                    else in_words(what.what, self._teller(what.steps).name)
                )
                self._note_places(what.what)
                self._asked(event, what.steps, command)
            case Settles() if self._owners.matters((what.steps, "settle")):
                self._asked(event, what.steps, f"settle {self._teller(what.steps).name}")
            case Answered() if self._matters(what.steps):
                self._answered(what)
            case Learned():
                table = table_named(what.table)
                key = dict(zip(table.schema.primary_key, what.key, strict=True))
                self._say(Role.OTHER, None, f"index {place_of(what.table, key)}")

    def _matters(self, steps: TransactionSteps) -> bool:
        return self._owners.matters(steps)

    def _teller(self, steps: TransactionSteps) -> _Teller:
        return self._tellers[steps]

    def _begin(self, what: Began) -> None:
        name = _letters(len(self._tellers))
        words = [f"begin {name}"]
        if what.steps.isolation is not self._level:
            words.append(what.steps.isolation.name)
        if what.steps.read_only:
            words.append("read-only")
        teller = _Teller(name, what.process, " ".join(words), what.program)
        teller.calls_left = self._owners.calls[what.steps]
        self._tellers[what.steps] = teller
        if what.steps.id_if_known is not None:
            self._ids[what.steps.id_if_known] = name

    def _note_places(self, what: Any) -> None:
        for operation in what if isinstance(what, list) else [what]:
            if isinstance(operation, (Insert, Upsert)):
                self._places[place_of(operation.table, operation.values)] = None
            elif isinstance(operation, (Update, Delete)):
                self._places[place_of(operation.table, operation.key)] = None

    def _asked(self, event: Event, steps: TransactionSteps, command: str) -> None:
        self._bind()
        self._branches.pop(event.who, None)
        self._spawned[event.who] = 0
        self._pass_time(event.now)
        self._teller(steps).pending.append(command)

    def _answered(self, what: Answered) -> None:
        teller = self._teller(what.steps)
        if teller.pending:
            if self._owners.calls[what.steps] or not what.steps.read_only:
                # Nothing was called for it: it is said together with what comes next.
                if teller.pending[-1].split()[0] in {"commit", "rollback"} or what.error:
                    self._flush(teller)
            return
        main = self._player.actors[teller.name].main
        if main is None or not main.ended:
            raise DivergedError(f"{teller.name} goes on, although it was answered")
        expected = what.error
        if (main.error is None) != (expected is None):
            raise DivergedError(f"{teller.name} was answered {expected!r}, not {main.error!r}")
        if isinstance(expected, ScalarTxError) and isinstance(main.error, ScalarTxError):
            if error_words(expected) != error_words(main.error):
                raise DivergedError(f"{teller.name} was answered {expected!r}, not {main.error!r}")

    def _flush(self, teller: _Teller, *, start: bool = False) -> None:
        """Say what a transaction was asked before its next call, which the last one may make."""
        if not teller.has_begun and teller.pending:
            teller.has_begun = True
            self._say(Role.BEGIN, teller, teller.began, teller.program)
            self._set_clock(teller, self._now_ms)
        commands, teller.pending = teller.pending, []
        for number, command in enumerate(commands, 1):
            if start and number == len(commands):
                self._say(Role.START, teller, f"start {command}")
            else:
                self._say(Role.PLAIN, teller, command)

    # Calls.

    def _call(self, at: int, event: Event) -> None:
        called: Called = event.what
        task: Task = event.who
        if task.process is not None and task.process.name == "cleaner":
            self._clean(called, event.kind)
            return
        owner = self._owners.of_call.get(at)
        if owner is None or not self._owners.matters(owner):
            return
        steps = owner[0] if isinstance(owner, tuple) else owner
        teller = self._teller(steps)
        if event.kind is Kind.ARRIVED:
            number = teller.late.index(called.call) + 1
            del teller.late[number - 1]
            suffix = "" if number == 1 else f" {number}"
            words = _call_in_words(str(called.call))
            self._say(Role.OTHER, teller, f"arrive {teller.name}{suffix}", words)
            return
        self._pass_time(event.now)
        if teller.pending:
            self._flush(teller, start=True)
            worker = self._root(task)
            main = self._player.actors[teller.name].main
            assert main is not None
            self._branches[worker] = main
        self._bind()
        self._set_clock(teller, self._resumes_ms(at, owner, event.now))
        self._step(teller, task, called)
        teller.calls_left -= 1
        if teller.doomed and not teller.calls_left:
            self._crash(teller)

    def _step(self, teller: _Teller, task: Task, called: Called) -> None:
        branch = self._branches.get(task)
        text = str(called.call)
        if branch is None or branch.call is None:
            raise DivergedError(f"{teller.name} makes no call, but made {text}")
        if _shape(branch.call.what, {}) != _shape(text, self._ids):
            raise DivergedError(f"{teller.name} is at {branch.call.what}, not {text}")
        name = teller.name
        if self._player.branch(name) is not branch:
            name = branch.name
            if self._player.branch(name) is not branch:
                raise DivergedError(f"{name} is another one by now")
        if called.fault is not None:
            name += f" {_FAULTS[called.fault]}"
            if called.fault is Fault.LATE:
                teller.late.append(called.call)
        self._say(Role.STEP, teller, f"step {name}", _call_in_words(text))

    def _root(self, task: Task) -> Task:
        while task in self._lineage and task not in self._owners.workers:
            task = self._lineage[task][0]
        return task

    def _bind(self) -> None:
        """Find the branches of tasks that were begun."""
        for task, (parent, number) in list(self._lineage.items()):
            branch = self._branches.get(parent)
            if branch is not None and len(branch.children) > number:
                self._branches[task] = branch.children[number]
                if task not in self._owners.workers:
                    del self._lineage[task]
                    self._roots[task] = parent

    def _clean(self, called: Called, kind: Kind) -> None:
        lost = {None, Fault.LOST_AFTER} if kind is Kind.CALLED else {Fault.LATE}
        if called.fault not in lost or called.refused is not None:
            return
        for verb, place, _ in _CALL.findall(str(called.call)):
            if verb == "erase" and place.startswith(DECISIONS):
                tx_id = place.removeprefix(DECISIONS)
                if tx_id in self._ids:
                    self._say(Role.OTHER, None, f"erase coordinator {self._ids[tx_id]}")
            elif verb in {"write", "erase"}:
                self._say(Role.OTHER, None, f"recover {_short(place)}")

    def _crash(self, teller: _Teller) -> None:
        teller.doomed = False
        teller.pending.clear()
        if teller.has_begun and self._alive(teller):
            self._say(Role.OTHER, teller, f"crash {teller.name}")

    def _alive(self, teller: _Teller) -> bool:
        actor = self._player.actors.get(teller.name)
        if actor is None:
            return False
        steps = self._player._stepped.get(teller.name)
        return bool(
            (steps is not None and steps.steps.outcome is None)
            or any(not branch.ended for branch in actor.background)
        )

    # Time.

    def _pass_time(self, now: float) -> None:
        behind = now - self._now_ms / 1000
        if behind >= self._tolerance:
            for teller in self._tellers.values():
                if not teller.doomed:
                    self._flush(teller, start=True)
            self._now_ms += round(behind * 1000)
            self._say(Role.OTHER, None, f"clock +{round(behind, 3):g}s")

    def _set_clock(self, teller: _Teller, wanted_ms: float) -> None:
        actor = self._player.actors[teller.name]
        wanted = wanted_ms + self._skews_ms[teller.process] - self._now_ms
        difference = wanted - actor.shift_ms
        if abs(difference) >= self._tolerance * 1000:
            self._say(Role.OTHER, teller, f"clock {teller.name} {round(difference / 1000, 3):+g}s")

    def _resumes_ms(self, at: int, owner: object, now: float) -> float:
        """When a caller goes on after a call; later than it is answered if he stands still."""
        later = self._owners.goes_on_after(at, owner)
        return (now if later is None else later) * 1000

    # The end.

    def _look_at_rows(self) -> None:
        ended = next(e.what for e in reversed(self._events) if isinstance(e.what, Ended))
        for teller in self._tellers.values():
            teller.pending.clear()
        rows: Rows = ended.rows
        for table, found in rows.items():
            schema = table_named(table).schema
            for key, row in {**self._made.rows[table], **found}.items():
                if row["tx_id"] != INITIAL or key not in found:
                    place = place_of(table, dict(zip(schema.primary_key, key, strict=True)))
                    self._places[place] = None
            self._compare(table, found)
        for place in sorted(self._places):
            self._say(Role.RECORD, None, f"record {place}")

    def _compare(self, table: str, rows: Any) -> None:
        memory = self._player.memories[self._player._place(table)]
        played = memory.admin.contents(table).rows
        mine = {key: self._comparable(row) for key, row in played.items()}
        theirs = {key: self._comparable(row) for key, row in rows.items()}
        if mine != theirs:
            raise DivergedError(f"{table} holds {mine}, not {theirs}")

    def _comparable(self, row: Row) -> dict[str, Value]:
        return {
            name: self._ids.get(str(value), value) if name.endswith("tx_id") else value
            for name, value in row.items()
            if value is not None and not name.endswith("_at")
        }

    def _say(self, role: Role, teller: _Teller | None, command: str, remark: str = "") -> None:
        name = "" if teller is None else teller.name
        answer, failed = self._player.answer(command)
        ended = answer != RUNNING
        self._items.append(Item(role, name, command, answer, failed=failed, ended=ended, remark=remark))
        self._bind()
