"""Small histories of databases that are weak in all sorts of ways, from a seed.

Only ``random()`` is drawn from, whose numbers are the same in every version of Python. A database
keeps all versions of its keys; how bad it is, is drawn anew for each history: whether reads are old
or dirty, writes overwrite what they have not seen, failures leave something behind, and so on.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

from scalar_tx.histories import Outcome, Transaction

KEYS = "xyzuv"


class Dice:
    """What is drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed).random

    def chance(self, probability: float) -> bool:
        return self._random() < probability

    def below(self, limit: int) -> int:
        return int(self._random() * limit)

    def pick(self, choices: Any) -> Any:
        return choices[self.below(len(choices))]


@dataclass
class Weakness:
    """How probable each misbehaviour is."""

    snapshot: float = 0.0  # a transaction reads as of its beginning
    old: float = 0.0  # a read returns some earlier version
    dirty: float = 0.0  # a read sees what is not committed
    blind: float = 0.0  # a read does not see the own writes
    checks: float = 1.0  # a commit fails if what was read or written has changed
    checks_reads: float = 1.0
    overwrites: float = 0.0  # a write goes on top of what was read, not of what is there
    slips_in: float = 0.0  # an append goes before what is there
    twice: float = 0.0  # an append is there twice
    survives: float = 0.0  # writes of a failed transaction stay
    aborts: float = 0.05
    unknown: float = 0.1
    behind: float = 0.0  # a transaction begins in the past
    halves: float = 0.0  # a commit leaves out some of its writes

    @classmethod
    def drawn(cls, dice: Dice) -> Weakness:
        kind = dice.below(9)
        one = cls()
        if kind == 0:  # as it should be
            return one
        if kind == 1:  # snapshot isolation
            return cls(snapshot=1.0, checks_reads=0.0)
        if kind == 2:  # read committed
            return cls(checks_reads=0.0, checks=dice.pick((0.0, 0.5)))
        if kind == 3:  # out of date
            return cls(old=0.3, checks_reads=0.0, checks=dice.pick((0.0, 0.8)))
        if kind == 4:  # dirty
            return cls(dirty=0.5, checks_reads=0.0, checks=0.0, aborts=0.35, survives=0.3)
        if kind == 5:  # nearly right
            return cls(snapshot=1.0, checks_reads=0.7, checks=0.9)
        if kind == 6:  # loses updates
            return cls(snapshot=0.7, checks=0.3, checks_reads=0.2, overwrites=0.5, blind=0.1)
        if kind == 7:  # a replica
            return cls(snapshot=1.0, behind=0.6, checks_reads=0.0)
        for name in ("old", "dirty", "blind", "overwrites", "slips_in", "twice", "survives"):
            if dice.chance(0.3):
                setattr(one, name, 0.25)
        one.halves = 0.2 if dice.chance(0.2) else 0.0
        one.aborts = dice.pick((0.05, 0.4))
        one.checks = one.checks_reads = dice.pick((0.0, 0.0, 0.5))
        return one


@dataclass
class Running:
    """A transaction under way."""

    transaction: Transaction
    plan: list[tuple[str, str, Any]]
    begun_at: int  # how many commits there were
    snapshot: bool
    done: list[tuple[str, str, Any]] = field(default_factory=list)
    own: dict[str, list[Any]] = field(default_factory=dict)
    read: dict[str, tuple[Any, ...]] = field(default_factory=dict)


class Database:
    """Lists, of which a register is the last element."""

    def __init__(self, dice: Dice, weakness: Weakness) -> None:
        self.dice = dice
        self.weakness = weakness
        self.commits = 0
        self.versions: dict[str, list[tuple[int, tuple[Any, ...]]]] = {}
        self.running: list[Running] = []

    def latest(self, key: str) -> tuple[Any, ...]:
        return self.versions.get(key, [(0, ())])[-1][1]

    def as_of(self, key: str, commits: int) -> tuple[Any, ...]:
        found: tuple[Any, ...] = ()
        for when, version in self.versions.get(key, ()):
            if when <= commits:
                found = version
        return found

    def read(self, one: Running, key: str) -> tuple[Any, ...]:
        dice, weakness = self.dice, self.weakness
        if dice.chance(weakness.old):
            found = self.as_of(key, dice.below(self.commits + 1))
        elif one.snapshot:
            found = self.as_of(key, one.begun_at)
        else:
            found = self.latest(key)
        if dice.chance(weakness.dirty):
            others = [other for other in self.running if other is not one and key in other.own]
            if others:
                other = dice.pick(others)
                found += tuple(other.own[key][: 1 + dice.below(len(other.own[key]))])
        one.read.setdefault(key, found)
        return found if dice.chance(weakness.blind) else found + tuple(one.own.get(key, ()))

    def has_changed(self, one: Running, key: str) -> bool:
        return self.as_of(key, one.begun_at) != self.latest(key)

    def may_commit(self, one: Running) -> bool:
        dice, weakness = self.dice, self.weakness
        if dice.chance(weakness.checks) and any(self.has_changed(one, key) for key in one.own):
            return False
        return not (
            dice.chance(weakness.checks_reads)
            and any(self.latest(key) != found for key, found in one.read.items())
        )

    def install(self, one: Running) -> None:
        dice, weakness = self.dice, self.weakness
        self.commits += 1
        for key, elements in one.own.items():
            if dice.chance(weakness.halves):
                continue
            there = self.latest(key)
            if key in one.read and dice.chance(weakness.overwrites):
                there = one.read[key]
            own = tuple(elements)
            if dice.chance(weakness.twice):
                own += own[-1:]
            if there and dice.chance(weakness.slips_in):
                there, own = there[:-1], own + there[-1:]
            self.versions.setdefault(key, []).append((self.commits, there + own))


class Play:
    """Clients that run transactions on a database, a step at a time."""

    def __init__(self, seed: int, *, registers: bool) -> None:
        self.dice = Dice(seed)
        self.database = Database(self.dice, Weakness.drawn(self.dice))
        self.registers = registers
        self.keys = KEYS[: 2 + self.dice.below(3)]
        self.count = 5 + self.dice.below(12)
        self.idle: list[Any] = list(range(2 + self.dice.below(4)))
        self.processes = len(self.idle)
        self.history: list[Transaction] = []
        self.late: list[Running] = []
        self.clock = self.element = 0

    def run(self) -> list[Transaction]:
        """All of it; the transactions by the order in which they began."""
        dice, running = self.dice, self.database.running
        while len(self.history) < self.count or running:
            self.clock += 1
            if self.late and dice.chance(0.3):
                self.database.install(self.late.pop())
            if self.idle and len(self.history) < self.count and dice.chance(0.4):
                self.begin()
            elif running:
                one = dice.pick(running)
                if len(one.done) < len(one.plan):
                    self.step(one)
                else:
                    self.end(one)
        return self.history

    def begin(self) -> None:
        dice, weakness = self.dice, self.database.weakness
        plan: list[tuple[str, str, Any]] = []
        for _ in range(1 + dice.below(4)):
            if dice.chance(0.5):
                plan.append(("r", dice.pick(self.keys), None))
            else:
                self.element += 1
                kind = "w" if self.registers else "append"
                plan.append((kind, dice.pick(self.keys), self.element))
        process = self.idle.pop(dice.below(len(self.idle)))
        transaction = Transaction(self.clock, plan, Outcome.INFO, process, self.clock)
        self.history.append(transaction)
        snapshot = dice.chance(weakness.snapshot)
        begun_at = self.database.commits
        if dice.chance(weakness.behind):
            begun_at = max(0, begun_at - 1 - dice.below(3))
        self.database.running.append(Running(transaction, plan, begun_at, snapshot))

    def step(self, one: Running) -> None:
        kind, key, value = one.plan[len(one.done)]
        if kind == "r":
            found = self.database.read(one, key)
            value = (found[-1] if found else None) if self.registers else found
        else:
            one.own.setdefault(key, []).append(value)
        one.done.append((kind, key, value))

    def end(self, one: Running) -> None:
        dice, database, transaction = self.dice, self.database, one.transaction
        database.running.remove(one)
        transaction.completed = transaction.number = self.clock
        commits = not dice.chance(database.weakness.aborts) and database.may_commit(one)
        if dice.chance(database.weakness.unknown):
            self.idle.append(self.processes)  # an unknown outcome ends its process
            self.processes += 1
            if commits:
                self.late.append(one)
            return
        self.idle.append(transaction.process)
        transaction.outcome = Outcome.OK if commits else Outcome.FAIL
        if commits:
            transaction.operations = one.done
        if commits or dice.chance(database.weakness.survives):
            database.install(one)


def drawn_history(seed: int, *, registers: bool) -> list[Transaction]:
    """The history of a seed."""
    return Play(seed, registers=registers).run()
