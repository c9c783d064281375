"""Who plays a script? Each command is a method; the words are explained in script.py."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from scalar_tx.consensus_commit.decision_row import coordinator_table
from scalar_tx.errors import (
    ReplyLostError,
    ScalarTxError,
    StorageBusyError,
    StorageUnavailableError,
)
from scalar_tx.model.isolation import Isolation
from scalar_tx.storage.interface import Erase
from tests.protocol.watched_storage import COORDINATOR, Fault
from tests.scenarios.operations import OPERATIONS, perform, scan
from tests.scenarios.script import Case, Line, ScriptError
from tests.scenarios.tables import SEED, seed, table_of
from tests.scenarios.words import (
    as_row,
    column_value,
    decision_words,
    error_words,
    listed,
    shown,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence

    from scalar_tx.consensus_commit.cursor import ScanCursor
    from scalar_tx.model.operations import Operation
    from scalar_tx.model.record import Record
    from scalar_tx.model.types import Row, Value
    from tests.protocol.world import Tx, World

T = TypeVar("T")

_FAULTS: dict[str, tuple[type[Exception], bool]] = {
    "fail": (ReplyLostError, False),
    "busy": (StorageBusyError, False),
    "down": (StorageUnavailableError, False),
    "lose": (ReplyLostError, True),
}


class Player:
    """Plays one case in one world at one isolation level."""

    def __init__(self, world: World, level: Isolation, *, empty: bool = False) -> None:
        self.world = world
        self.level = level
        self.transactions: dict[str, Tx] = {}
        self.cursors: dict[str, tuple[ScanCursor, list[Record]]] = {}
        self.remembered: dict[str, Row | None] = {}
        self.answers: dict[int, str] = {}
        if not empty:
            seed(world)

    def play(self, case: Case, *, check: bool = True) -> None:
        """All lines; ScriptError names the first that answers otherwise."""
        for line in case.lines:
            if self.level in line.levels:
                self._play_line(case, line, check)

    def _play_line(self, case: Case, line: Line, check: bool) -> None:
        *before, last = line.commands
        for command in before:
            answer, failed = self.answer(command)
            if failed:
                raise ScriptError(f"{case.title}, line {line.number}: {command} -> {answer}")
        answer, failed = self.answer(last)
        self.answers[line.number] = answer
        if not check:
            return
        if line.expected is None:
            if failed:
                raise ScriptError(f"{case.title}, line {line.number}: {last} -> {answer}")
        elif answer != line.expected:
            raise ScriptError(
                f"{case.title}, line {line.number} at {self.level.name}: {last}\n"
                f"  expected  {line.expected}\n  answered  {answer}"
            )

    def answer(self, command: str) -> tuple[str, bool]:
        """What a command answers, and whether it failed."""
        verb, *words = command.split()
        try:
            if verb in OPERATIONS:
                name, *rest = words
                return self._operation(name, OPERATIONS[verb](*rest)), False
            action: Callable[..., str] | None = getattr(self, "_" + verb.replace("-", "_"), None)
            if action is None:
                raise ScriptError(f"{verb!r} is no command")
            return action(*words), False
        except ScalarTxError as error:
            return error_words(error), True

    # Transactions.

    def _begin(self, name: str, *how: str) -> str:
        level = next((Isolation[word] for word in how if word != "read-only"), self.level)
        self.transactions[name] = self.world.begin(name, level, read_only="read-only" in how)
        return ""

    def _operation(self, name: str, operation: Operation | Sequence[Operation]) -> str:
        return self._run(name, perform(self._tx(name).steps, operation))

    def _run(self, name: str, steps: Coroutine[Any, Any, T]) -> T:
        return self._tx(name)._run(steps)

    def _open(self, name: str, place: str, *how: str) -> str:
        opened = self._run(name, self._tx(name).steps.open_cursor(scan(place, *how)))
        self.cursors[name] = (opened, [])
        return ""

    def _next(self, name: str, count: str = "1") -> str:
        cursor, left = self.cursors[name]
        while len(left) < int(count):
            page = self._run(name, cursor.next_page())
            if page is None:
                break
            left.extend(page)
        taken = left[: int(count)]
        del left[: int(count)]
        return listed(taken)

    def _close(self, name: str) -> str:
        self._run(name, self.cursors.pop(name)[0].close())
        return ""

    def _prepare(self, name: str) -> str:
        return self._until("commit-state", name)

    def _decide(self, name: str) -> str:
        return self._until("commit", name)

    def _until(self, step: str, name: str) -> str:
        return "" if self._tx(name).commit_until(step) else "ended"

    def _confirm(self, name: str) -> str:
        self._run(name, self._tx(name).steps.confirm_reads())
        return "holds"

    def _commit(self, name: str) -> str:
        self._tx(name).commit()
        return "committed"

    def _rollback(self, name: str) -> str:
        self._tx(name).rollback()
        return "rolled back"

    def _crash(self, name: str) -> str:
        self.transactions.pop(name).crash()
        return ""

    def _tx(self, name: str) -> Tx:
        return self.transactions[name]

    # What was left behind.

    def _settle(self, name: str) -> str:
        return self.world.settle(name).value

    def _state(self, name: str) -> str:
        return self.world.state(name)

    def _recover(self, place: str) -> str:
        table = table_of(place)
        settled = self.world.recover(table.name, table.key(place))
        return "nothing to do" if settled is None else settled.value

    def _record(self, place: str) -> str:
        return as_row(self._row(place), table_of(place), SEED)

    def _cells(self, place: str) -> str:
        row = self._row(place)
        if row is None:
            return "none"
        key = table_of(place).key(place)
        return " ".join(f"{n}={shown(v)}" for n, v in row.items() if v is not None and n not in key)

    def _remember(self, *places: str) -> str:
        for place in places:
            self.remembered[place] = self._row(place)
        return ""

    def _changed(self, place: str) -> str:
        return "no" if self._row(place) == self.remembered[place] else "yes"

    def _row(self, place: str) -> Row | None:
        table = table_of(place)
        return self.world.row(table.name, *table.key(place).values())

    def _coordinator(self, key: str) -> str:
        return decision_words(self.world.decision_row(key))

    def _write(self, place: str, *values: str) -> str:
        if place == "coordinator":
            key, *rest = values
            columns = self._columns(COORDINATOR, tuple(rest))
            columns.setdefault("tx_created_at", self.world.runtime.ms)
            self.world.write(COORDINATOR, (key,), **columns)
        else:
            table = table_of(place)
            self.world.write(
                table.name, tuple(table.key(place).values()), **self._columns(table.name, values)
            )
        return ""

    def _columns(self, table: str, values: tuple[str, ...]) -> dict[str, Value]:
        if table == COORDINATOR:
            self.world.coordinator_table()
        types = self.world.stored(table).schema.columns
        found: dict[str, Value] = {}
        for word in values:
            name, _, text = word.partition("=")
            if name not in types:
                raise ScriptError(f"{table} has no column {name!r}")
            found[name] = column_value(types[name], text, self.world.runtime.ms)
        return found

    def _erase(self, place: str, *key: str) -> str:
        if place == "coordinator":
            erase = Erase(self.world.coordinator_table(), (key[0],))
        else:
            table = table_of(place)
            erase = Erase(self.world.stored(table.name), tuple(table.key(place).values()))
        self.world.run(self.world.storage.inner.mutate([erase]))
        return ""

    def _coordinator_columns(self, *names: str) -> str:
        """Another coordinator table than the usual three columns; before its first use."""
        admin = self.world.storage.inner.admin
        self.world.run(admin.drop_table(COORDINATOR))
        wanted = coordinator_table(
            COORDINATOR.partition(".")[0],
            group_commit="tx_child_ids" in names,
            write_sets="tx_write_set" in names,
        )
        self.world.run(admin.create_table(wanted))
        self.world.parts.coordinator.forget_table()
        return ""

    # The world.

    def _clock(self, by: str) -> str:
        self.world.runtime.ms += round(float(by.strip("+s")) * 1000)
        return ""

    def _background(self, how: str) -> str:
        self.world.runtime.hold_background = how == "held"
        if how == "runs":
            self.world.runtime.run_background()
        return ""

    def _fault(self, kind: str, words: tuple[str, ...]) -> str:
        error, applied = _FAULTS[kind]
        times: int | None = 1
        rest = list(words)
        if rest[0] == "all":
            times = None
            rest.pop(0)
        elif rest[0].isdecimal():
            times = int(rest.pop(0))
        step = rest.pop(0)
        actor = rest[1] if rest[:1] == ["of"] else None
        self.world.storage.faults.append(
            Fault(step, lambda: error(f"made to fail: {step}"), actor, applied, times)
        )
        return ""

    def _fail(self, *words: str) -> str:
        return self._fault("fail", words)

    def _busy(self, *words: str) -> str:
        return self._fault("busy", words)

    def _down(self, *words: str) -> str:
        return self._fault("down", words)

    def _lose(self, *words: str) -> str:
        return self._fault("lose", words)

    def _heal(self) -> str:
        self.world.storage.faults.clear()
        return ""

    def _calls(self, name: str) -> str:
        storage = self.world.storage
        mine = [str(call) for call in storage.calls if call.actor == name]
        storage.calls[:] = [call for call in storage.calls if call.actor != name]
        return ", ".join(mine) or "none"
