"""Does exactly one of several writers win, and is none of their acknowledged writes lost?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from scalar_tx.errors import ReplyLostError, StorageBusyError, WriteRefusedError
from scalar_tx.model.conditions import column, if_not_exists
from scalar_tx.model.table import Table, TableSchema
from scalar_tx.storage.conformance.topic import Topic
from scalar_tx.storage.interface import (
    AtomicityUnit,
    Erase,
    PartitionSource,
    ScanRequest,
    Write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from typing import Any

    from scalar_tx.storage.conformance.lab import Lab
    from scalar_tx.storage.interface import Storage, StorageMutation

SCHEMA: Final = TableSchema(
    columns={"p": "INT", "c": "INT", "n": "INT", "owner": "INT"},
    partition_key=["p"],
    clustering_key=["c"],
)
MOST_ATTEMPTS: Final = 3_000
PAUSE: Final = 0.002  # seconds, after a refusal


@dataclass
class Tally:
    """What one writer was told: applied for certain, or perhaps."""

    applied: int = 0
    unknown: int = 0


async def attempt(storage: Storage, *mutations: StorageMutation) -> bool | None:
    """True: applied; False: not applied; None: nobody knows."""
    try:
        await storage.mutate(mutations)
    except (WriteRefusedError, StorageBusyError):
        return False
    except ReplyLostError:
        return None
    return True


def incrementer(
    lab: Lab, storage: Storage, table: Table, rounds: int
) -> Callable[[], Coroutine[Any, Any, Tally]]:
    """A writer that adds 1 to record (1, 1) so many times, by compare-and-set."""

    async def work() -> Tally:
        tally = Tally()
        for _ in range(MOST_ATTEMPTS):
            row = await storage.get(table, (1, 1))
            assert row is not None
            n = row["n"]
            assert isinstance(n, int)
            await lab.runner.pause(0)
            answer = await attempt(storage, Write(table, (1, 1), {"n": n + 1}, column("n") == n))
            tally.applied += answer is True
            tally.unknown += answer is None
            if tally.applied + tally.unknown == rounds:
                return tally
            if not answer:
                await lab.runner.pause(PAUSE)
        raise AssertionError(f"{tally} after {MOST_ATTEMPTS} attempts: somebody starves")

    return work


async def judge_increments(lab: Lab, table: Table, tallies: list[Tally]) -> None:
    """The final value counts what was acknowledged, and nothing else."""
    row = await lab.get(table, 1, 1)
    assert row is not None
    applied = sum(tally.applied for tally in tallies)
    unknown = sum(tally.unknown for tally in tallies)
    n = row["n"]
    assert isinstance(n, int)
    assert applied <= n <= applied + unknown, f"{n} after {applied} acknowledged increments"


class Races(Topic):
    """Several threads or tasks at once."""

    async def test_no_increment_is_lost(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        await lab.load(table, [{"p": 1, "c": 1, "n": 0}])
        work = incrementer(lab, lab.storage, table, lab.subject.race_rounds)
        tallies = await lab.runner.together([work] * lab.subject.racers)
        await judge_increments(lab, table, tallies)
        assert sum(tally.applied for tally in tallies) >= 1

    async def test_one_insert_wins(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)

        def insert(owner: int, c: int) -> Callable[[], Coroutine[Any, Any, bool | None]]:
            write = Write(table, (1, c), {"owner": owner}, if_not_exists)
            return lambda: attempt_until_answered(lab, write)

        for c in range(lab.subject.race_rounds):
            answers = await lab.runner.together(
                [insert(owner, c) for owner in range(lab.subject.racers)]
            )
            row = await lab.get(table, 1, c)
            assert row is not None, "nobody's insert is there"
            assert isinstance(row["owner"], int)
            winners = [owner for owner, answer in enumerate(answers) if answer]
            assert len(winners) <= 1, f"{winners} were all told that they made the record"
            assert answers[row["owner"]] is not False, "the record is of one who was refused"
            assert winners in ([row["owner"]], [])
            assert winners or None in answers

    async def test_one_erase_wins(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        for c in range(lab.subject.race_rounds):
            await lab.load(table, [{"p": 1, "c": c, "n": 5}])
            erase = Erase(table, (1, c), column("n") == 5)
            answers = await lab.runner.together(
                [lambda erase=erase: attempt_until_answered(lab, erase)] * lab.subject.racers  # type: ignore[misc]
            )
            assert await lab.get(table, 1, c) is None
            assert answers.count(True) <= 1
            assert True in answers or None in answers

    async def test_groups_race_as_a_whole(self, lab: Lab) -> None:
        table = await lab.table(SCHEMA)
        info = lab.info(table.name)
        if info.atomicity_unit < AtomicityUnit.PARTITION or info.max_mutations < 2:
            return
        await lab.load(table, [{"p": 1, "c": c, "n": 100} for c in range(3)])

        def mover(start: int) -> Callable[[], Coroutine[Any, Any, int]]:
            async def work() -> int:
                unknown = 0
                for turn in range(lab.subject.race_rounds):
                    source, target = (start + turn) % 3, (start + turn + 1) % 3
                    answer = await move(lab, table, source, target)
                    unknown += answer is None
                return unknown

            return work

        await lab.runner.together([mover(start) for start in range(lab.subject.racers)])
        rows = await lab.rows(ScanRequest(table, PartitionSource((1,))))
        total = sum(row["n"] for row in rows if isinstance(row["n"], int))
        assert total == 300, f"a group was applied in part: {rows}"

    async def test_readers_see_no_state_that_never_was(self, lab: Lab) -> None:
        """Both columns of a record are always written together."""
        table = await lab.table(SCHEMA)
        await lab.load(table, [{"p": 1, "c": 1, "n": 0, "owner": 0}])
        rounds = lab.subject.race_rounds

        async def write() -> None:
            for n in range(1, rounds + 1):
                while not await attempt(lab.storage, Write(table, (1, 1), {"n": n, "owner": n})):
                    await lab.runner.pause(PAUSE)
                await lab.runner.pause(0)

        async def read() -> None:
            newest = 0
            request = ScanRequest(table, PartitionSource((1,)))
            for _ in range(rounds):
                (scanned,) = await lab.rows(request)
                for row in (await lab.get(table, 1, 1), scanned):
                    assert row is not None
                    assert row["n"] == row["owner"], f"half of a write: {row}"
                (row,) = [await lab.get(table, 1, 1)]
                assert row is not None
                assert isinstance(row["n"], int)
                assert row["n"] >= newest, "a get went back in time"
                newest = row["n"]
                await lab.runner.pause(0)

        await lab.runner.together([write, *[read] * (lab.subject.racers - 1)])


async def attempt_until_answered(lab: Lab, mutation: StorageMutation) -> bool | None:
    """Try once; again only while the storage says that it was busy."""
    for _ in range(MOST_ATTEMPTS):
        await lab.runner.pause(0)
        try:
            await lab.storage.mutate([mutation])
        except StorageBusyError:
            await lab.runner.pause(PAUSE)
        except WriteRefusedError:
            return False
        except ReplyLostError:
            return None
        else:
            return True
    raise AssertionError(f"busy {MOST_ATTEMPTS} times: somebody starves")


async def move(lab: Lab, table: Table, source: int, target: int) -> bool | None:
    """Move 1 from one record to another, by one conditional group."""
    for _ in range(MOST_ATTEMPTS):
        giver, taker = await lab.get(table, 1, source), await lab.get(table, 1, target)
        assert giver is not None
        assert taker is not None
        given, taken = giver["n"], taker["n"]
        assert isinstance(given, int)
        assert isinstance(taken, int)
        await lab.runner.pause(0)
        answer = await attempt(
            lab.storage,
            Write(table, (1, source), {"n": given - 1}, column("n") == given),
            Write(table, (1, target), {"n": taken + 1}, column("n") == taken),
        )
        if answer is not False:
            return answer
        await lab.runner.pause(PAUSE)
    raise AssertionError(f"refused {MOST_ATTEMPTS} times: somebody starves")
