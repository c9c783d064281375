"""Which writers are held between two storage calls until they are killed, on a server?

The work is that of unfinished.py, each writer's on a partition of its own in two tables. Where a
storage takes everything in one batch it prepares in one call, else in two.
"""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import scalar_tx
from tests.compatibility.bank import COLUMNS, account
from tests.compatibility.conftest import started
from tests.compatibility.java_peer import Expression, Write
from tests.compatibility.our_transfers import ROOT
from tests.compatibility.ours import EVERY_STEP, watch
from tests.compatibility.unfinished import after_work, committed_rows, work, work_unread

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.compatibility.java_cells import Row
    from tests.compatibility.places import Place
    from tests.compatibility.unfinished import Rows, Values

# One batch after the other, so that a test knows how much was done.
IN_TURN = {
    f"scalar.db.consensus_commit.parallel_{step}.enabled": "false"
    for step in ("preparation", "commit", "rollback")
} | {EVERY_STEP: "false"}
NUMBERS = range(1, 7)
HOLD_SECONDS = 120


@dataclass(frozen=True)
class Hold:
    """Before or after the first call of a step."""

    name: str
    when: Literal["before", "after"]
    step: Literal["prepare", "commit-state", "commit"]
    decided: bool

    def __str__(self) -> str:
        return self.name


HOLDS = (
    Hold("preparing", "after", "prepare", decided=False),
    Hold("prepared", "before", "commit-state", decided=False),
    Hold("decided", "after", "commit-state", decided=True),
    Hold("finishing", "after", "commit", decided=True),
)


@dataclass(frozen=True)
class Held:
    """What a writer left, in the partition ``id`` of two tables."""

    place: Place
    tables: tuple[str, str]
    id: int
    hold: Hold
    writer: str
    before: Rows

    def key(self, number: int) -> Row:
        """The key of one of its records."""
        return {"id": self.id, "kind": number}

    @property
    def keys(self) -> list[tuple[str, int]]:
        """Table and number of each of its records."""
        return [(table, number) for table in self.tables for number in NUMBERS]

    def rows(self) -> Rows:
        """The stored rows of its partition."""
        return stored(self.place, self.tables, self.id)

    def uncommitted(self) -> list[tuple[str, int]]:
        """The records that are neither committed nor gone."""
        return [name for name, row in self.rows().items() if row["tx_state"] in (1, 2)]

    def values(self, *, after: bool) -> Values:
        """What a reader should find: the values before or after the writer's work."""
        found: Values = {
            name: {column: row[column] for column in COLUMNS} for name, row in self.before.items()
        }
        return after_work(found, self.tables, self.key) if after else found

    def expected(self) -> Rows:
        """The stored rows once the writer is settled."""
        if not self.hold.decided:
            return self.before
        _, decided = self.place.decisions()[self.writer]
        [prepared] = {
            r["tx_prepared_at"] for r in self.rows().values() if r["tx_id"] == self.writer
        }
        after = self.values(after=True)
        return committed_rows(self.before, after, self.writer, prepared, decided)

    def age(self, seconds: float) -> None:
        """Make its records seem so many seconds old, those of this writer only."""
        at = int((time.time() - seconds) * 1000)
        mine = [Expression("tx_id", "EQ", self.writer)]
        for (table, number), row in self.rows().items():
            if row["tx_id"] == self.writer:
                values = {**self.key(number), "tx_prepared_at": at}
                self.place.java.storage_put(table, values, where=mine)


def stored(place: Place, tables: Sequence[str], id: int) -> Rows:  # noqa: A002  the column's name
    """The rows of a partition as Java's storage layer has them, by table and number."""
    found: Rows = {}
    for table in tables:
        for row in place.java.storage_scan(table, {"id": id}):
            number = row["kind"]
            assert isinstance(number, int)
            found[table, number] = row
    return found


def prepare_partitions(
    place: Place, tables: Sequence[str], ids: Sequence[int], *, index: Sequence[str] = ("balance",)
) -> None:
    """Records 2 and 3 committed, records 5 and 6 as imported, in each partition."""
    for table in tables:
        place.create_table(table, COLUMNS, ["id"], ["kind"], list(index))
    place.create_coordinator()
    for id_ in ids:  # one after the other: a small server gives up on too many at once
        with place.ours.transaction() as tx:
            for table in tables:
                tx.insert(table, account(2) | {"id": id_, "kind": 2})
                tx.insert(table, account(3, 0, "") | {"id": id_, "kind": 3})
    for id_, table in itertools.product(ids, tables):
        imported = (account(5, 70, "z"), account(6, 75, "y") | {"balance": None})
        rows = [row | {"id": id_, "kind": kind} for kind, row in zip((5, 6), imported, strict=True)]
        place.java.storage_mutate([Write("put", table, row) for row in rows])


def held_in_java(place: Place, tables: tuple[str, str], holds: Mapping[int, Hold]) -> list[Held]:
    """A Java writer for each id, held there; then the whole JVM is killed."""
    befores = {id_: stored(place, tables, id_) for id_ in holds}
    found = []
    with started() as doomed:
        session = place.session(doomed, watched=True, further=IN_TURN)
        for id_, hold in holds.items():
            pause = session.watch.pause(hold.when, step=hold.step)
            writer = session.begin()
            held = Held(place, tables, id_, hold, writer.id, befores[id_])
            work(writer, tables, held.key)
            writer.commit_later()
            pause.wait_paused()
            found.append(held)
        doomed.kill()
    return found


def held_in_ours(
    place: Place, tables: tuple[str, str], holds: Mapping[int, Hold], *, unread: bool = False
) -> list[Held]:
    """The same with writers of ours in one process, which is killed.

    ``unread``: they don't read what they write over, as far as the storage lets them.
    """
    befores = {id_: stored(place, tables, id_) for id_ in holds}
    where = [[id_, hold.when, hold.step] for id_, hold in holds.items()]
    properties = {**place.properties, **IN_TURN, EVERY_STEP: str(unread).lower()}
    orders = json.dumps([properties, tables, where, unread])
    with subprocess.Popen(
        [sys.executable, "-m", "tests.compatibility.held_writers", orders],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            writers = json.loads(process.stdout.readline())
        finally:
            process.kill()
    return [
        Held(place, tables, id_, hold, writer, befores[id_])
        for (id_, hold), writer in zip(holds.items(), writers, strict=True)
    ]


def main() -> None:
    """Hold a writer for each id, say theirs, and wait for the end."""
    properties, tables, where, unread = json.loads(sys.argv[1])
    db = scalar_tx.connect(properties)
    calls = watch(db)
    writers: list[str] = []
    nobody = threading.Event()
    for id_, when, step in where:
        reached = threading.Event()

        def stay(reached: threading.Event = reached) -> None:
            reached.set()
            nobody.wait()

        calls.at(when, "finish" if step == "commit" else step, stay)

        def write(id_: int = id_) -> None:
            tx = db.begin(isolation="SERIALIZABLE" if unread else "SNAPSHOT")
            writers.append(tx.id)
            do = work_unread if unread else work
            do(tx, tables, lambda kind: {"id": id_, "kind": kind})
            assert tx.explain().unread == (5 * len(tables) if unread else 0)
            tx.commit()

        threading.Thread(target=write, daemon=True).start()
        assert reached.wait(HOLD_SECONDS), f"{when} {step} was never reached"
    print(json.dumps(writers), flush=True)
    nobody.wait()


if __name__ == "__main__":
    main()
