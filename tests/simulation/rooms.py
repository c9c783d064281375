"""Guests who change rooms, found by their own key and by an index on the room.

A guest's record is always there, only its indexed column changes. Who reads one room's index and
all guests by key must find the same guests in that room both ways. At any level, who reads a room's
index must find those guests who are in it before and after, and whose records nobody touches
meanwhile, prepared by somebody else or not.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from tests.simulation.history import Program
from tests.simulation.judgement import MISSED, TOLD, TORN, VERSIONS, Wrong
from tests.simulation.workload import make_table, transactional, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row
    from tests.simulation.history import Attempt, WatchedTransaction
    from tests.simulation.parts.dice import Dice
    from tests.simulation.world import World

GUESTS: Final = transactional("rooms.guests", (("id", "INT"), ("room", "INT")), "id", index="room")


class MisplacedError(Exception):
    """The index and the records do not agree."""


class Rooms:
    """The rooms as a workload."""

    name = "rooms"

    def __init__(self, dice: Dice) -> None:
        self._guests = dice.between(2, 4)
        self._rooms = dice.between(2, 3)
        self._numbers = itertools.count(1)
        self._lagging = False
        self._unread = False  # are guests moved that nobody has looked for?
        self._step: Callable[[], int] = lambda: 0

    def tables(self) -> Sequence[Table]:
        """One table."""
        return (GUESTS,)

    def load(self, world: World) -> None:
        """Everybody has a room."""
        self._lagging = world.plan.index_lag_s > 0
        self._unread = world.plan.overwrites
        self._step = lambda: world.scheduler.steps
        rows: list[Row] = [{"id": n, "room": n % self._rooms} for n in range(self._guests)]
        make_table(world, GUESTS, rows)

    def program(self, dice: Dice) -> Program:
        """A move, an exchange, everybody out of a room, or a comparison."""
        kind = dice.weighted({"compare": 40, "move": 25, "exchange": 20, "clear": 15})
        number = next(self._numbers)
        goal = dice.below(self._rooms)
        if self._unread and dice.chance(0.5):
            return self._scatter(number, dice)
        if kind == "clear":
            return self._clear(number, dice.below(self._rooms), goal)
        if kind == "compare":
            return self._compare(goal, index_first=dice.chance(0.5))
        one, other = dice.two_of(self._guests)

        async def move(tx: WatchedTransaction) -> None:
            await tx.upsert(GUESTS.name, id=one, room=goal)
            tx.attempt.notes["moved"] = {one: goal}

        async def exchange(tx: WatchedTransaction) -> None:
            rooms = await self._by_key(tx)
            await tx.update(GUESTS.name, {"id": one}, {"room": rooms[other]})
            await tx.update(GUESTS.name, {"id": other}, {"room": rooms[one]})
            tx.attempt.notes["moved"] = {one: rooms[other], other: rooms[one]}

        return Program(f"{kind} {number}", move if kind == "move" else exchange)

    def _scatter(self, number: int, dice: Dice) -> Program:
        """Guests go to rooms, wherever they are; perhaps another one is looked for."""
        looked_for = dice.below(self._guests) if dice.chance(0.5) else None
        goals = {
            guest: dice.below(self._rooms) for guest in range(self._guests) if guest != looked_for
        }

        async def scatter(tx: WatchedTransaction) -> None:
            if looked_for is not None:
                assert await tx.get(GUESTS.name, id=looked_for) is not None
            for guest, goal in goals.items():
                await tx.upsert(GUESTS.name, id=guest, room=goal)
            tx.attempt.notes["moved"] = goals

        return Program(f"scatter {number}", scatter)

    def _clear(self, number: int, room: int, goal: int) -> Program:
        async def clear(tx: WatchedTransaction) -> None:
            found = await self._by_index(tx, room)
            for guest in found:
                await tx.update(GUESTS.name, {"id": guest}, {"room": goal})
            tx.attempt.notes["moved"] = dict.fromkeys(found, goal)

        return Program(f"clear {number}: {room} to {goal}", clear)

    def _compare(self, room: int, *, index_first: bool) -> Program:
        async def compare(tx: WatchedTransaction) -> None:
            if index_first:
                by_index = await self._by_index(tx, room)
                by_key = await self._by_key(tx)
            else:
                by_key = await self._by_key(tx)
                by_index = await self._by_index(tx, room)
            if by_index != {guest for guest, where in by_key.items() if where == room}:
                raise MisplacedError(f"in room {room} are {by_index}, but the guests say {by_key}")

        return Program("compare", compare, read_only=True)

    def lone_program(self, number: int) -> Program:
        """Everybody goes to one room."""

        async def gather(tx: WatchedTransaction) -> None:
            for guest in range(self._guests):
                await tx.update(GUESTS.name, {"id": guest}, {"room": 0})
            tx.attempt.notes["moved"] = dict.fromkeys(range(self._guests), 0)

        return Program(f"gather {number}", gather)

    async def look(self, tx: WatchedTransaction) -> object:
        """Everybody, both ways; an index that lags may not have caught up with the last message."""
        if self._lagging:
            return await self._by_key(tx)
        return await self._by_key(tx), [await self._by_index(tx, n) for n in range(self._rooms)]

    async def _by_key(self, tx: WatchedTransaction) -> dict[int, int]:
        found = {}
        for guest in range(self._guests):
            record = await tx.get(GUESTS.name, id=guest)
            assert record is not None
            found[guest] = whole(record, "room")
        return found

    async def _by_index(self, tx: WatchedTransaction, room: int) -> set[int]:
        begin = self._step()
        found = {whole(record, "id") for record in await tx.scan_index(GUESTS.name, room=room)}
        tx.attempt.notes.setdefault("looks", []).append((room, found, begin, self._step()))
        return found

    def judge(self, world: World, history: Sequence[Attempt]) -> list[Wrong]:
        """Versions by the committed writers, answers by the decisions, and no torn comparison."""
        wrong: list[Wrong] = []
        writers = dict.fromkeys(range(self._guests), 1)
        for attempt in history:
            decided = world.decided(attempt.id)
            moved = attempt.notes.get("moved", {})
            if decided:
                for guest in moved:
                    writers[guest] += 1
            if attempt.told is TransactionState.ABORTED and decided:
                wrong.append(Wrong(TOLD, f"reported failed, but committed: {attempt}"))
            if attempt.told is TransactionState.COMMITTED and moved and not decided:
                wrong.append(Wrong(TOLD, f"acknowledged, but not decided: {attempt}"))
            serializable = attempt.isolation is Isolation.SERIALIZABLE
            if serializable and isinstance(attempt.error, MisplacedError):
                text = f"a torn comparison handed on: {attempt}: {attempt.error}"
                wrong.append(Wrong(TORN, text))
        if not self._lagging:
            wrong += self._missed(world, history)
        versions = {key[0]: row["tx_version"] for key, row in world.rows(GUESTS).items()}
        if versions != writers:
            text = f"the versions are {versions}, by the committed writers {writers}"
            wrong.append(Wrong(VERSIONS, text))
        return wrong

    def _missed(self, world: World, history: Sequence[Attempt]) -> list[Wrong]:
        """Guests whom an index read did not find although they were there all the time."""
        truth = world.truth
        moves: dict[int, list[tuple[int, int]]] = {
            guest: [(0, guest % self._rooms)] for guest in range(self._guests)
        }
        for attempt in history:
            step = truth.committed_at(attempt.id)
            if step is not None:
                for guest, room in attempt.notes.get("moved", {}).items():
                    moves[guest].append((step, room))
        wrong = []
        for attempt in history:
            for room, found, begin, end in attempt.notes.get("looks", []):
                for guest in set(moves) - found:
                    since, where = max(move for move in moves[guest] if move[0] <= begin)
                    moving = any(begin <= step <= end for step, _ in moves[guest])
                    touched = truth.touched(GUESTS.name, (guest,), begin, end)
                    # READ_COMMITTED may show a record as it was before a writer that has not
                    # finished it yet (specification 5.3).
                    weak = attempt.isolation is Isolation.READ_COMMITTED and since > 0
                    finished = not weak or truth.touched(GUESTS.name, (guest,), since + 1, begin)
                    if where == room and finished and not moving and not touched:
                        text = f"{attempt} did not find {guest} in room {room}, only {found}"
                        wrong.append(Wrong(MISSED, text))
        return wrong
