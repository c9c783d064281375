"""What can a transaction of a program do? Each step stands for one SQL statement of Hermitage."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, TypeAlias

from scalar_tx.errors import ConflictError
from scalar_tx.model.operations import Delete, Get, Insert, Scan, Update
from scalar_tx.model.state import TransactionState

if TYPE_CHECKING:
    from scalar_tx.consensus_commit.transaction import TransactionSteps
    from scalar_tx.model.conditions import Condition
    from scalar_tx.model.types import Value

TABLE: Final = "hermitage.test"
# Where records lie apart: the odd ones in the first table, the even ones in the second.
TWO_TABLES: Final = (TABLE, "hermitage.elsewhere")
_PART: Final = {"part": 1}

# What a step read: the value of one record, or the ids and values that a predicate chose.
Rows: TypeAlias = tuple[tuple[int, int], ...]
Read: TypeAlias = int | Rows | None


class GivenUp(Exception):  # nothing went wrong
    """A transaction ends on purpose after its records were prepared."""


@dataclass(frozen=True, slots=True)
class Result:
    """How a transaction ended and what its reads returned, in their order."""

    committed: bool
    reads: tuple[Read, ...]


@dataclass(slots=True)
class Session:
    """A running transaction. ``whole_table``: how predicates are looked for."""

    tx: TransactionSteps
    whole_table: bool
    giving_up: set[str]
    tables: tuple[str, ...] = (TABLE,)
    reads: list[Read] = field(default_factory=list)

    def table_of(self, number: int) -> str:
        """Where a record lies."""
        return self.tables[(number - 1) % len(self.tables)]

    async def matching(self, where: Condition | None) -> Rows:
        """The ids and values of the records that meet a condition, by id."""
        found: list[tuple[int, int]] = []
        for table in self.tables:
            scan = (
                Scan(table, whole_table=True, where=where, order_by=["id"])
                if self.whole_table
                else Scan(table, _PART, where=where)
            )
            found += [(_int(one["id"]), _int(one["value"])) for one in await self.tx.scan(scan)]
        return tuple(sorted(found))

    async def set(self, number: int, value: int) -> None:
        """Change a record if it is there, as SQL does."""
        await self.tx.mutate(
            Update(self.table_of(number), _key(number), {"value": value}, missing="ignore")
        )


Step: TypeAlias = Callable[[Session], Awaitable[None]]
Script: TypeAlias = Sequence[Step]


def get(number: int) -> Step:
    """``select * from test where id = …``"""

    async def step(session: Session) -> None:
        found = await session.tx.get(Get(session.table_of(number), _key(number)))
        session.reads.append(None if found is None else _int(found["value"]))

    return step


def scan(where: Condition | None = None) -> Step:
    """``select * from test where …``"""

    async def step(session: Session) -> None:
        session.reads.append(await session.matching(where))

    return step


def update(number: int, value: int) -> Step:
    """``update test set value = … where id = …``"""

    async def step(session: Session) -> None:
        await session.set(number, value)

    return step


def update_where(where: Condition | None, change: Callable[[int], int]) -> Step:
    """``update test set value = … where …``; the records found count as read."""

    async def step(session: Session) -> None:
        rows = await session.matching(where)
        session.reads.append(rows)
        for number, value in rows:
            await session.set(number, change(value))

    return step


def delete_where(where: Condition) -> Step:
    """``delete from test where …``; the records found count as read."""

    async def step(session: Session) -> None:
        rows = await session.matching(where)
        session.reads.append(rows)
        for number, _ in rows:
            await session.tx.mutate(Delete(session.table_of(number), _key(number)))

    return step


def insert(number: int, value: int) -> Step:
    """``insert into test (id, value) values (…)``"""

    async def step(session: Session) -> None:
        values = {**_key(number), "value": value}
        await session.tx.mutate(Insert(session.table_of(number), values))

    return step


def abort() -> Step:
    """``abort``, at the last moment.

    A rollback before the commit would touch no storage, so nobody could read anything aborted. This
    one comes when the records are prepared and the decision is all that lacks.
    """

    async def step(session: Session) -> None:
        session.giving_up.add(session.tx.id)

    return step


async def play(session: Session, script: Script) -> Result:
    """All steps, then the commit; a conflict ends the transaction."""
    try:
        for step in script:
            await step(session)
        await session.tx.commit()
    except (ConflictError, GivenUp):
        await session.tx.rollback()
    return Result(session.tx.outcome is TransactionState.COMMITTED, tuple(session.reads))


def _key(number: int) -> dict[str, Value]:
    return {**_PART, "id": number}


def _int(value: Value) -> int:
    assert isinstance(value, int)
    return value
