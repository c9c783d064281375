"""What does each kind of transaction ask of a server? Statements, and round trips on the wire.

The protocol's own operations are those of the Consensus Commit specification 12.2: reads, prepare,
validate, decide, finish. An operation on one record is one round trip, in autocommit, and so are
several reads by key. A group of records is one on PostgreSQL, being one statement; on MySQL it is
two, since all its statements travel with BEGIN, and COMMIT goes by itself.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from scalar_tx.storage.mysql.connections import MysqlDriver
from scalar_tx.storage.postgresql.connections import PostgresqlDriver
from tests.servers.proxy import Proxy
from tests.storage.sql.stage import KINDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from scalar_tx.storage.sql.connections import Cells, Statement
    from scalar_tx.storage.sql.driver import Wire
    from tests.servers import Cluster

pytestmark = [pytest.mark.parametrize("kind", KINDS), pytest.mark.servers(*KINDS)]

TABLE = "requests.accounts"
MORE = "requests.lines"
# What the steps ask for; which of them are left out is counted for docs/protocol-costs.md.
EVERY_STEP = {"consensus_commit_one_phase_commit_enabled": False}
DRIVERS = {"postgresql": PostgresqlDriver, "mysql": MysqlDriver}


@dataclass
class Said:
    """What was handed to the driver, a word each."""

    words: list[str] = field(default_factory=list)


class Overheard:
    """A connection that notes what it is told, and passes it on."""

    def __init__(self, wire: Wire, said: Said) -> None:
        self._wire = wire
        self._words = said.words

    def rows(self, text: str, parameters: Sequence[object] = ()) -> list[Cells]:
        self._words.append(text.split(maxsplit=1)[0])
        return self._wire.rows(text, parameters)

    def count(self, text: str, parameters: Sequence[object] = ()) -> int:
        self._words.append(text.split(maxsplit=1)[0])
        return self._wire.count(text, parameters)

    def counts(self, statements: Sequence[Statement]) -> list[int]:
        self._words += [text.split()[0] for text, _ in statements]
        return self._wire.counts(statements)

    def begin(self) -> None:
        self._words.append("BEGIN")
        self._wire.begin()

    def begin_moment(self) -> None:
        self._words.append("BEGIN")
        self._wire.begin_moment()

    def commit(self) -> None:
        self._words.append("COMMIT")
        self._wire.commit()

    def rollback(self) -> None:
        self._words.append("ROLLBACK")
        self._wire.rollback()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._wire, name)


@dataclass
class Stage:
    """A manager whose requests are counted."""

    db: scalar_tx.TransactionManager
    proxy: Proxy
    said: Said

    def asks(self, work: Callable[[], object]) -> tuple[list[str], int]:
        """What work said to the driver, and in how many round trips."""
        self.said.words.clear()
        before = self.proxy.requests
        work()
        return list(self.said.words), self.proxy.requests - before


@contextmanager
def counted(kind: str, server: Cluster) -> Iterator[Stage]:
    said = Said()
    driver: Any = DRIVERS[kind]
    opens = driver.open
    with (
        pytest.MonkeyPatch.context() as patch,
        Proxy.before(server) as proxy,
        scalar_tx.connect(proxy.properties(server), **EVERY_STEP) as db,
    ):
        patch.setattr(driver, "open", lambda self: Overheard(opens(self), said))
        db.admin.create_coordinator_tables(if_not_exists=True)
        columns = {"id": "INT", "n": "INT"}
        db.admin.drop_table(TABLE, if_exists=True)
        db.admin.drop_table(MORE, if_exists=True)
        db.admin.create_table(TABLE, columns=columns, partition_key=["id"])
        db.admin.create_table(MORE, columns=columns, partition_key=["id"], clustering_key=["n"])
        with db.transaction() as tx:
            for i in range(4):
                tx.insert(TABLE, {"id": i, "n": 0})
                tx.insert(MORE, {"id": 1, "n": i})
        yield Stage(db, proxy, said)
        db.admin.drop_table(TABLE)
        db.admin.drop_table(MORE)


def insert(tx: scalar_tx.Transaction) -> None:
    tx.insert(TABLE, {"id": 10, "n": 1})


def delete(tx: scalar_tx.Transaction) -> None:
    tx.delete(TABLE, {"id": 10})


def read_two(tx: scalar_tx.Transaction) -> None:
    for key in (1, 2):
        tx.get(TABLE, {"id": key})


def change_one(tx: scalar_tx.Transaction) -> None:
    change(tx, 1)


def change_two(tx: scalar_tx.Transaction) -> None:
    change(tx, 1)
    change(tx, 2)


def change(tx: scalar_tx.Transaction, key: int) -> None:
    assert tx.get(TABLE, {"id": key}) is not None
    tx.update(TABLE, {"id": key}, {"n": 1})


def read_at_once(tx: scalar_tx.Transaction) -> None:
    found = tx.batch([scalar_tx.Get(TABLE, {"id": key}) for key in range(4)])
    assert None not in found


def upsert_three(tx: scalar_tx.Transaction) -> None:
    for key in (1, 2, 3):
        tx.upsert(TABLE, {"id": key, "n": 1})


def scan(tx: scalar_tx.Transaction) -> None:
    assert len(list(tx.scan(MORE, {"id": 1}))) == 4


def scan_and_change(tx: scalar_tx.Transaction) -> None:
    rows = list(tx.scan(TABLE, whole_table=True))
    tx.update(TABLE, {"id": rows[0]["id"]}, {"n": 2})


READ, PREPARE, DECIDE, FINISH = ["SELECT"], ["UPDATE"], ["INSERT"], ["UPDATE"]
MOMENT = ["BEGIN", "SELECT", "ROLLBACK"]


def wanted(kind: str) -> list[tuple[Callable[[scalar_tx.Transaction], None], list[str], int]]:
    """What is said, and round trips: with the numbers of the specification's table."""
    two, three = (["BEGIN", *["UPDATE"] * n, "COMMIT"] for n in (2, 3))
    trips = 2
    if kind == "postgresql":
        two = three = ["WITH"]
        trips = 1
    return [
        (change_one, READ + PREPARE + DECIDE + FINISH, 4),  # 1, 2
        (change_two, READ + READ + two + DECIDE + two, 2 + trips + 1 + trips),  # 5
        (insert, ["INSERT", *DECIDE, *FINISH], 3),  # 7
        (delete, [*READ, *PREPARE, *DECIDE, "DELETE"], 4),  # 9
        (upsert_three, READ + three + DECIDE + three, 1 + trips + 1 + trips),  # 11
        (scan_and_change, READ + PREPARE + MOMENT + DECIDE + FINISH, 1 + 1 + 2 + 1 + 1),  # 15
        (scan, READ + MOMENT, 1 + 2),  # 19
        (read_two, READ + READ + READ, 2 + 1),  # 19
        (read_at_once, READ + READ, 2),
    ]


def test_each_kind_of_transaction_asks_for_no_more_than_it_must(
    kind: str, request: pytest.FixtureRequest
) -> None:
    with counted(kind, request.getfixturevalue(f"{kind}_server")) as stage:
        db = stage.db
        with db.transaction() as tx:
            change_one(tx)  # tables are looked at once
        for turn in range(4):  # statements are prepared on the way, without a round trip more
            for work, words, round_trips in wanted(kind):
                found = stage.asks(lambda work=work: db.run(work))  # type: ignore[misc]
                assert found == (words, round_trips), (work.__name__, turn)
        # 20: one operation; its read is validated by itself.
        assert stage.asks(lambda: db.get(TABLE, {"id": 1})) == (READ + READ, 2)


def test_a_group_that_is_refused_in_its_second_record_changes_nothing(
    kind: str, request: pytest.FixtureRequest
) -> None:
    with counted(kind, request.getfixturevalue(f"{kind}_server")) as stage:
        db = stage.db
        for _ in range(7):
            tx = db.begin()
            change_two(tx)
            with db.transaction() as other:
                change(other, 2)
            before = db.get(TABLE, {"id": 1})
            with pytest.raises(scalar_tx.ConflictError):
                tx.commit()
            assert db.get(TABLE, {"id": 1}) == before
