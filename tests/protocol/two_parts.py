"""What is a transaction of two parts, for tests to drive?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scalar_tx.consensus_commit.two_phase import TwoPhaseSteps
from scalar_tx.errors import StorageUnavailableError
from scalar_tx.model.isolation import Isolation
from scalar_tx.model.state import TransactionState
from scalar_tx.model.table import TableSchema
from scalar_tx.storage.interface import AtomicityUnit
from scalar_tx.storage.memory import MemoryStorage
from tests.protocol.world import Tx, World

ACCOUNT = "bank.account"
ITEM = "shop.item"
SER, SI = Isolation.SERIALIZABLE, Isolation.SNAPSHOT
COMMITTED, ABORTED = TransactionState.COMMITTED, TransactionState.ABORTED


def two_part_world() -> World:
    """Two accounts in two partitions, and a shop."""
    made = World(MemoryStorage(unit=AtomicityUnit.PARTITION))
    made.create_table(ACCOUNT, TableSchema({"id": "INT", "balance": "INT"}, ["id"]))
    made.create_table(
        ITEM, TableSchema({"shop": "INT", "no": "INT", "price": "INT"}, ["shop"], ["no"])
    )
    made.load(ACCOUNT, {"id": 1, "balance": 10}, {"id": 2, "balance": 10})
    return made


class Part(Tx):
    """One part, with the face's method names."""

    steps: TwoPhaseSteps

    def prepare(self) -> None:
        self._run(self.steps.prepare())

    def validate(self) -> None:
        self._run(self.steps.validate())

    def commit(self, parts: int | None = None) -> None:
        self._run(self.steps.commit(parts))

    @property
    def outcome(self) -> TransactionState | None:
        return self.steps.outcome


def part(world: World, name: str, level: Isolation = SER, **how: Any) -> Part:
    """The part that begins a transaction."""
    world.runtime.next_id = name
    steps = TwoPhaseSteps(world.parts.context, level, **how)
    return Part(world, steps, steps.id)


def joined(world: World, name: str, level: Isolation = SER, **how: Any) -> Part:
    """A part that joins."""
    steps = TwoPhaseSteps(world.parts.context, level, caller_id=name, joined=True, **how)
    return Part(world, steps, name)


def transfer(world: World, level: Isolation = SER) -> tuple[Part, Part]:
    """One part takes from the first account, the other gives to the second."""
    payer, payee = part(world, "T", level), joined(world, "T", level)
    add(payer, 1, -3)
    add(payee, 2, 3)
    return payer, payee


def add(tx: Tx, number: int, amount: int) -> None:
    found = tx.get(ACCOUNT, {"id": number})
    assert found is not None
    balance = found["balance"]
    assert isinstance(balance, int)
    tx.update(ACCOUNT, {"id": number}, {"balance": balance + amount})


def pass_time(world: World, seconds: float) -> None:
    world.runtime.ms += int(seconds * 1000)


def unavailable() -> Exception:
    return StorageUnavailableError("out of order")


def balances(world: World) -> tuple[Any, Any]:
    reader = world.begin("reader")
    found = [reader.get(ACCOUNT, {"id": number}) for number in (1, 2)]
    reader.commit()
    assert found[0] is not None
    assert found[1] is not None
    return found[0]["balance"], found[1]["balance"]


def prepare_it(each: Part) -> None:
    each.prepare()


def validate_it(each: Part) -> None:
    each.validate()


def commit_it(each: Part) -> None:
    each.commit()


def rollback_it(each: Part) -> None:
    each.rollback()


def read_it(each: Part) -> None:
    each.get(ACCOUNT, {"id": 2})


def write_it(each: Part) -> None:
    each.insert(ACCOUNT, {"id": 9, "balance": 1})


Step = Callable[[Part], None]
