"""How is a simulated run told in the language of the scenarios?

The script is played while it is written, so it is known to lead where the run led: each call of the
run is let go in the same order, and in the end the same rows are stored. What need not be seen call
by call is put together again.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from tests.scenarios.operations import in_words, place_of
from tests.scenarios.script import ScriptError
from tests.scenarios.stepped_player import RUNNING, SteppedPlayer, WorldWords
from tests.scenarios.tables import SEED, table_named
from tests.simulation.judgement import LIVENESS
from tests.simulation.logged import Answered, Asked, Began, Ended, Learned, Made, Settles
from tests.simulation.owners import Owners
from tests.simulation.parts.log import Called, Kind
from tests.simulation.parts.network import Fault
from tests.simulation.plan import COORDINATOR_NAME
from tests.simulation.script_branches import Branches
from tests.simulation.script_lines import Item, Role, lines_of
from tests.simulation.script_needs import needed
from tests.simulation.script_replayed import changed_rows, comparable, new_names, played, renamed
from tests.simulation.script_words import (
    FAULT_WORDS,
    NUMBER,
    a_few,
    by_a_cleaner,
    call_in_words,
    given,
    is_a_write,
    letters,
    places_written,
    shape,
    told_as,
    with_names,
    wrapped,
)
from tests.simulation.teller import Teller
from tests.simulation.workload import INITIAL

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.consensus_commit.transaction import TransactionSteps
    from tests.scenarios.stage import Branch
    from tests.simulation.logged import Rows
    from tests.simulation.owners import Owner
    from tests.simulation.parts.log import Event, Log
    from tests.simulation.parts.processes import Process
    from tests.simulation.parts.report import Wrong
    from tests.simulation.parts.scheduler import Task

# How far a clock may be behind before the script moves it, in seconds; the second one is tried if
# the first did not lead where the run led.
_DECISION_READ: Final = f"get {COORDINATOR_NAME}/"
_TOLERANCES: Final = (1.0, 0.001)


class DivergedError(Exception):
    """The script does not do what the run did."""


@dataclass(frozen=True)
class Script:
    """A run as a script."""

    text: str
    lines: int  # without comments and empty ones


def written(log: Log, title: str, wrong: Sequence[Wrong], *, whole: bool = False) -> Script:
    """A run as a script, with what is wrong in its head; DivergedError if it can't be told.

    ``whole``: also what is not needed to tell the same.

    The bug that the run had has to be planted at this moment too.
    """
    problem: Exception | None = None
    # At first as if nobody shared what he knows of decisions, which is the simpler script.
    for knowing, tolerance in product((False, True), _TOLERANCES):
        try:
            return _Writer(log, tolerance, knowing=knowing).script(title, wrong, whole=whole)
        except (DivergedError, ScriptError) as error:
            problem = problem or error
    raise DivergedError(str(problem)) from problem


class _Writer:
    def __init__(self, log: Log, tolerance: float, *, knowing: bool) -> None:
        self._events = log.events
        self._tolerance = tolerance
        made = next(event.what for event in log.events if isinstance(event.what, Made))
        self._made: Made = made
        plan = made.plan
        if plan.later:
            raise DivergedError("there are no words for records finished behind their commits")
        self._words = WorldWords(
            plan.unit,
            plan.fetch_size,
            plan.storages,
            plan.moments,
            plan.index_lag_s > 0,
            knowing=knowing,
        )
        began = [e.what for e in log.events if isinstance(e.what, Began)]
        levels = [one.steps.isolation for one in began]
        self._level = Counter(levels).most_common(1)[0][0] if levels else plan.levels[0]
        self._player = SteppedPlayer(str(self._words).split()[1:], self._level)
        self._items: list[Item] = []
        self._tellers: dict[TransactionSteps, Teller] = {}
        self._ids: dict[str, str] = {INITIAL: SEED}
        self._by_number: dict[int, str] = {}  # names of attempts as the run counts them
        self._in_vain: dict[str, None] = {}  # who failed although everything was healed
        self._skews_ms: Counter[Process] = Counter()
        self._now_ms = 0.0
        self._owners = Owners(log.events)
        self._branches = Branches()
        self._places: dict[str, None] = {}

    def script(self, title: str, wrong: Sequence[Wrong], *, whole: bool) -> Script:
        """Go through the events, then leave out what is not needed."""
        for table, rows in self._made.rows.items():
            for key, row in rows.items():
                self._say(Role.GIVEN, None, given(table, key, row))
        for at, event in enumerate(self._events):
            self._tell(at, event)
        self._look_at_rows()
        witnesses = self._witnesses(wrong)
        writers = {item.of for item in self._items if is_a_write(item.command)}
        for name in witnesses:
            if name in writers:
                self._say(Role.RECORD, None, f"coordinator {name}")
        items = self._items
        if not whole:
            items = needed(items, self._again, witnesses)
            new = new_names(items)
            items = renamed(items, new)
            self._ids = {tx_id: new.get(name, name) for tx_id, name in self._ids.items()}
            numbers = self._by_number.items()
            self._by_number = {number: new[name] for number, name in numbers if name in new}
        remarks = [
            title,
            *(f"WRONG: {with_names(str(one), self._by_number, self._ids)}" for one in a_few(wrong)),
        ]
        head = [f"# {line}" for remark in remarks for line in wrapped(remark)]
        head += ["", f"levels {self._level.name}", str(self._words)]
        lines = lines_of(items)
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
                self._branches.spawned(event.who, what)
            case Kind.CALLED | Kind.ARRIVED:
                self._call(at, event)
            case Kind.OTHER:
                self._other(at, event)

    def _other(self, at: int, event: Event) -> None:
        what = event.what
        match what:
            case Began() if self._matters(what.steps):
                self._begin(what)
            case Asked() if self._matters(what.steps) and not self._tellers[what.steps].doomed:
                command = (
                    f"{what.what} {self._tellers[what.steps].name}"
                    if isinstance(what.what, str)
                    else in_words(what.what, self._tellers[what.steps].name)
                )
                self._places.update(dict.fromkeys(places_written(what.what)))
                self._asked(event, what.steps, command)
            case Settles() if self._owners.matters((what.steps, at)):
                self._asked(event, what.steps, f"settle {self._tellers[what.steps].name}")
            case Answered() if self._matters(what.steps) and not self._tellers[what.steps].doomed:
                self._answered(what)
            case Learned() if any(one.has_begun for one in self._tellers.values()):
                table = table_named(what.table)
                key = dict(zip(table.schema.primary_key, what.key, strict=True))
                self._say(Role.OTHER, None, f"index {place_of(what.table, key)}")

    def _matters(self, steps: TransactionSteps) -> bool:
        return self._owners.matters((steps, 0))

    def _begin(self, what: Began) -> None:
        name = letters(len(self._tellers))
        words = [f"begin {name}"]
        if what.steps.isolation is not self._level:
            words.append(what.steps.isolation.name)
        if what.steps.read_only:
            words.append("read-only")
        teller = Teller(name, what.process, " ".join(words), what.program)
        teller.calls_left = self._owners.own_calls[what.steps]
        self._tellers[what.steps] = teller
        if what.program != "look":
            self._by_number[len(self._by_number) + 1] = name
        if what.steps.id_if_known is not None:
            self._ids[what.steps.id_if_known] = name

    def _asked(self, event: Event, steps: TransactionSteps, command: str) -> None:
        self._branches.serves(event.who, self._tellers[steps].name)
        self._pass_time(event.now)
        self._tellers[steps].pending.append(command)

    def _answered(self, what: Answered) -> None:
        teller = self._tellers[what.steps]
        if what.error is not None and teller.process.name == "doctor":
            self._in_vain[teller.name] = None
        if teller.pending:
            # No call was made for it: it is said together with what comes next, if anything does.
            if teller.pending[-1].split()[0] in {"commit", "rollback"} or what.error is not None:
                self._flush(teller)
            return
        main = self._player.actors[teller.name].main
        if main is None or not main.ended:
            raise DivergedError(f"{teller.name} goes on, although it was answered")
        expected = what.error
        if told_as(expected) != told_as(main.error):
            raise DivergedError(f"{teller.name} was answered {expected!r}, not {main.error!r}")

    def _flush(self, teller: Teller, *, start: bool = False) -> None:
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
        owner = self._owners.of_event.get(at)
        if owner is None or not self._owners.matters(owner):
            return
        teller = self._tellers[owner[0]]
        if event.kind is Kind.ARRIVED:
            number = teller.late.index(called.call) + 1
            del teller.late[number - 1]
            suffix = "" if number == 1 else f" {number}"
            words = call_in_words(str(called.call))
            self._say(Role.OTHER, teller, f"arrive {teller.name}{suffix}", words)
            return
        self._pass_time(event.now)
        if teller.pending:
            self._flush(teller, start=True)
        main = self._player.actors[teller.name].main
        worker = self._owners.workers[at]
        self._branches.started(worker, teller.name, main)
        self._set_clock(teller, self._resumes_ms(at, owner, event.now))
        self._step(teller, task, called)
        teller.calls_left -= task.process is teller.process
        if teller.doomed and not teller.calls_left:
            self._crash(teller)

    def _step(self, teller: Teller, task: Task, called: Called) -> None:
        branch = self._branches.of(task)
        text = str(called.call)
        wanted = shape(text, self._ids)
        asks = text.startswith(_DECISION_READ)
        if self._words.knowing and asks and (branch is None or not _is_at(branch, wanted)):
            return  # in a script all know what one has read of decisions
        if branch is None or branch.call is None:
            raise DivergedError(f"{teller.name} makes no call, but made {text}")
        if not _is_at(branch, wanted):
            swapped = self._branches.swapped(task, branch, wanted)
            if swapped is None:
                raise DivergedError(f"{branch.name} is at {branch.call.what}, not at {text}")
            branch = swapped
        name = teller.name
        if self._player.branch(name) is not branch:
            name = branch.name
            if self._player.branch(name) is not branch:
                raise DivergedError(f"{name} is another one by now")
        if called.fault is not None:
            name += f" {FAULT_WORDS[called.fault]}"
            if called.fault is Fault.LATE:
                teller.late.append(called.call)
        self._say(Role.STEP, teller, f"step {name}", call_in_words(text))

    def _clean(self, called: Called, kind: Kind) -> None:
        lost = {None, Fault.LOST_AFTER} if kind is Kind.CALLED else {Fault.LATE}
        if called.fault in lost and called.refused is None:
            for command in by_a_cleaner(str(called.call), self._ids):
                self._say(Role.OTHER, None, command)

    def _crash(self, teller: Teller) -> None:
        teller.pending.clear()
        if teller.has_begun and self._player.is_at_work(teller.name):
            self._say(Role.OTHER, teller, f"crash {teller.name}")

    # Time.

    def _pass_time(self, now: float) -> None:
        behind = now - self._now_ms / 1000
        if behind >= self._tolerance:
            for teller in self._tellers.values():
                if not teller.doomed:
                    self._flush(teller, start=True)
            self._now_ms += round(behind * 1000)
            self._say(Role.OTHER, None, f"clock +{round(behind, 3):g}s")

    def _set_clock(self, teller: Teller, wanted_ms: float) -> None:
        actor = self._player.actors[teller.name]
        wanted = wanted_ms + self._skews_ms[teller.process] - self._now_ms
        difference = wanted - actor.shift_ms
        if abs(difference) >= self._tolerance * 1000:
            self._say(Role.OTHER, teller, f"clock {teller.name} {round(difference / 1000, 3):+g}s")

    def _resumes_ms(self, at: int, owner: Owner, now: float) -> float:
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

    def _witnesses(self, wrong: Sequence[Wrong]) -> list[str]:
        """The transactions that the findings name."""
        texts = " ".join(one.text for one in a_few(wrong))
        found = {
            self._by_number[int(n)] for n in NUMBER.findall(texts) if int(n) in self._by_number
        }
        if any(one.check == LIVENESS for one in wrong):
            # Once may be somebody else's fault; whoever fails again and again shows what is wrong.
            found |= set(list(self._in_vain)[-2:])
        found |= {name for tx_id, name in self._ids.items() if tx_id in texts and name != SEED}
        return sorted(found)

    def _again(self, items: list[Item]) -> list[Item] | None:
        """The answers of other commands; None if they lead elsewhere."""
        again = played(items, self._words, self._level)
        if again is None:
            return None
        answered, player = again
        tables = list(self._made.rows)
        same = changed_rows(player, tables) == changed_rows(self._player, tables)
        return answered if same else None

    def _compare(self, table: str, rows: Any) -> None:
        memory = self._player.memories[self._player.place(table)]
        played = memory.admin.contents(table).rows
        mine = {key: comparable(row, self._ids) for key, row in played.items()}
        theirs = {key: comparable(row, self._ids) for key, row in rows.items()}
        if mine != theirs:
            raise DivergedError(f"{table} holds {mine}, not {theirs}")

    def _say(self, role: Role, teller: Teller | None, command: str, remark: str = "") -> None:
        name = "" if teller is None else teller.name
        answer, failed = self._player.answer(command)
        ended = answer != RUNNING
        item = Item(role, name, command, answer, failed=failed, ended=ended, remark=remark)
        self._items.append(item)
        self._branches.bind()


def _is_at(branch: Branch, wanted: object) -> bool:
    return branch.call is not None and shape(branch.call.what, {}) == wanted
