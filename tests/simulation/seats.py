"""Guests who change seats: records are deleted, made anew, and read while they are absent.

Each guest sits on exactly one seat at any time; moving is deleting one record and inserting another
in one transaction. A count that finds a guest nowhere, or twice, saw a state that never was.

Where a storage can't be read as it was at one moment, one such state can't be told from a true one:
absence leaves nothing behind to compare, so two seats that are looked at one after the other may
each be found free, and found free again, by guests who come and go in step with the reader. There a
guest who is found nowhere is held against the protocol only if all seats were seen at one glance.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Final

from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from tests.simulation.history import Program
from tests.simulation.judgement import TOLD, TORN, TOTALS, Wrong
from tests.simulation.workload import make_table, transactional, whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from scalar_tx.model.record import Record
    from scalar_tx.model.table import Table
    from scalar_tx.model.types import Row
    from tests.simulation.history import Attempt, WatchedTransaction
    from tests.simulation.parts.dice import Dice
    from tests.simulation.world import World

SEATS: Final = transactional(
    "seats.seats", (("room", "TEXT"), ("seat", "INT"), ("guest", "INT")), "room", "seat"
)
ROOM: Final = "r"


class LostGuestError(Exception):
    """A count did not find everybody."""


class GuestTwiceError(LostGuestError):
    """A count found somebody on two seats."""


class Seats:
    """The seats as a workload."""

    name = "seats"

    def __init__(self, dice: Dice) -> None:
        self._seats = dice.between(2, 4)
        self._guests = dice.between(1, self._seats - 1)
        self._numbers = itertools.count(1)
        self._one_page = False
        self._unread = False  # is everybody given a seat without a look at who sits where?

    def tables(self) -> Sequence[Table]:
        """One table, one partition."""
        return (SEATS,)

    def load(self, world: World) -> None:
        """Everybody has a seat."""
        self._one_page = world.plan.fetch_size > self._seats
        self._unread = world.plan.overwrites
        rows: list[Row] = [
            {"room": ROOM, "seat": number, "guest": number} for number in range(self._guests)
        ]
        make_table(world, SEATS, rows)

    def program(self, dice: Dice) -> Program:
        """A move or a count."""
        if self._unread and dice.chance(0.4):
            return self._seat_everybody(next(self._numbers), dice.between(0, self._seats - 1))
        if dice.chance(0.55):
            return self._move(dice)
        way = dice.pick((self._by_key, self._by_key, self._by_scan))

        async def count(tx: WatchedTransaction) -> None:
            taken = await way(tx)
            tx.attempt.notes["at one glance"] = self._one_page and way == self._by_scan
            if len(set(taken.values())) < len(taken):
                raise GuestTwiceError(f"the seats are taken like this: {taken}")
            if sorted(taken.values()) != list(range(self._guests)):
                raise LostGuestError(f"the seats are taken like this: {taken}")

        return Program("count", count, read_only=True)

    def _seat_everybody(self, number: int, shift: int) -> Program:
        taken = {(guest + shift) % self._seats: guest for guest in range(self._guests)}

        async def seat_everybody(tx: WatchedTransaction) -> None:
            for seat in range(self._seats):
                if seat in taken:
                    await tx.upsert(SEATS.name, room=ROOM, seat=seat, guest=taken[seat])
                else:
                    await tx.delete(SEATS.name, room=ROOM, seat=seat)
            tx.attempt.notes["moved"] = taken

        return Program(f"seat everybody {number}, from {shift} on", seat_everybody)

    def _move(self, dice: Dice) -> Program:
        start, goal = dice.two_of(self._seats)
        blindly = dice.chance(0.5)
        if self._unread and dice.chance(0.5):
            return self._move_by_scan(start, goal)

        async def move(tx: WatchedTransaction) -> None:
            found = await tx.get(SEATS.name, room=ROOM, seat=start)
            if found is None:
                return
            if not blindly and await tx.get(SEATS.name, room=ROOM, seat=goal) is not None:
                return
            await tx.delete(SEATS.name, room=ROOM, seat=start)
            await tx.insert(SEATS.name, room=ROOM, seat=goal, guest=found["guest"])
            tx.attempt.notes["moved"] = (found["guest"], start, goal)

        return Program(f"move {next(self._numbers)}: {start} to {goal}", move)

    def _move_by_scan(self, start: int, goal: int) -> Program:
        # Only SERIALIZABLE keeps what a scan did not find from coming after it.
        async def move(tx: WatchedTransaction) -> None:
            seat = {"seat": goal}
            if await tx.scan(SEATS.name, {"room": ROOM}, start=seat, end=seat):
                return
            found = await tx.get(SEATS.name, room=ROOM, seat=start)
            if found is None:
                return
            protected = tx.attempt.isolation is Isolation.SERIALIZABLE
            sit = tx.upsert if protected else tx.insert
            await tx.delete(SEATS.name, room=ROOM, seat=start)
            await sit(SEATS.name, room=ROOM, seat=goal, guest=found["guest"])
            tx.attempt.notes["moved"] = (found["guest"], start, goal)

        return Program(f"move {next(self._numbers)}: {start} to {goal}, free by a scan", move)

    def lone_program(self, number: int) -> Program:
        """The first guest takes a free seat."""
        if self._unread and number:
            return self._seat_everybody(number, 0)

        async def take_a_free_seat(tx: WatchedTransaction) -> None:
            taken = await self._by_key(tx)
            starts = [seat for seat, guest in taken.items() if guest == 0]
            if not starts:
                raise LostGuestError(f"the first guest is nowhere: {taken}")
            start = starts[0]
            free = [seat for seat in range(self._seats) if seat not in taken]
            if not free:
                raise GuestTwiceError(f"there are fewer guests than seats, yet: {taken}")
            await tx.delete(SEATS.name, room=ROOM, seat=start)
            await tx.insert(SEATS.name, room=ROOM, seat=free[0], guest=0)

        return Program(f"lone move {number}", take_a_free_seat)

    async def look(self, tx: WatchedTransaction) -> object:
        """All seats."""
        return await self._by_scan(tx)

    async def _by_key(self, tx: WatchedTransaction) -> dict[int, int]:
        taken = {}
        for seat in range(self._seats):
            record: Record | None = await tx.get(SEATS.name, room=ROOM, seat=seat)
            if record is not None:
                taken[seat] = whole(record, "guest")
        return taken

    async def _by_scan(self, tx: WatchedTransaction) -> dict[int, int]:
        return {
            whole(r, "seat"): whole(r, "guest") for r in await tx.scan(SEATS.name, {"room": ROOM})
        }

    def judge(self, world: World, history: Sequence[Attempt]) -> list[Wrong]:
        """Nobody is lost, and who sits where was put there by a transaction that committed."""
        wrong: list[Wrong] = []
        taken = {key[1]: row["guest"] for key, row in world.rows(SEATS).items()}
        if sorted(map(str, taken.values())) != sorted(map(str, range(self._guests))):
            wrong.append(Wrong(TOTALS, f"in the end the seats are taken like this: {taken}"))
        for attempt in history:
            serializable = attempt.isolation is Isolation.SERIALIZABLE
            if serializable and isinstance(attempt.error, LostGuestError):
                # Each part looks at its own moment, too.
                at_one = world.plan.moments and not attempt.notes.get("in parts")
                certain = at_one or isinstance(attempt.error, GuestTwiceError)
                if certain or attempt.notes.get("at one glance"):
                    text = f"a count that never was, handed on: {attempt}: {attempt.error}"
                    wrong.append(Wrong(TORN, text))
            moved = "moved" in attempt.notes
            if attempt.told is TransactionState.ABORTED and world.decided(attempt.id):
                wrong.append(Wrong(TOLD, f"reported failed, but committed: {attempt}"))
            acknowledged = moved and attempt.told is TransactionState.COMMITTED
            if acknowledged and not world.decided(attempt.id):
                wrong.append(Wrong(TOLD, f"acknowledged, but not decided: {attempt}"))
        return wrong
