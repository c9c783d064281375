"""Is every figure of a node named once, is it what was asked for, and are messages as long?"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest

import scalar_tx
from bench.beside import ycsb
from bench.beside.agreement import DisagreementError
from bench.beside.places import SQLITE, opened
from bench.beside.tally import Tally
from bench.node import grounds
from bench.node.echo import answer_to, request
from bench.node.figures import (
    AGAINST_EMBEDDED,
    ECHO_CALL,
    ECHO_CALLS,
    ECHO_ONE_SHOT,
    ECHO_STREAM,
    ECHOES,
    FIGURES,
    FLOORS,
    GOALS,
    LIMITS,
    MANY,
    MEMORY,
    ONE_BY_FOUR,
    POSTGRESQL,
    SERVERS,
    STARTS,
)
from bench.node.messages import COUNTER_COLUMNS, COUNTER_KEY, COUNTERS, changing, counting, sizes
from scalar_tx.cluster.node_server.execute import Execute
from scalar_tx.cluster.node_server.transact import Stream
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.node.figures import Figure


def test_names_are_different_and_fit_files() -> None:
    every: tuple[Figure, ...] = (
        *STARTS,
        *FLOORS,
        *ONE_BY_FOUR,
        *SERVERS,
        *GOALS,
        *AGAINST_EMBEDDED,
    )
    names = [one.name for one in every]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert [name for name in names if not re.fullmatch(r"node_[a-z0-9_-]+", name)] == []
    assert set(names) == set(FIGURES)


def test_what_must_be_reached() -> None:
    limits = {one.measure: (one.must, one.stretch) for one in LIMITS}
    assert limits == {
        "rate": (1000, 2500),
        "p99": (100, None),
        "committed": (0.999, None),
        "aborted": (0.001, None),
    }
    assert MANY == 1_000_000
    assert {(one.place, one.clients.count) for one in GOALS} == {(SQLITE, 32), (POSTGRESQL, 32)}
    musts = {(one.place, one.ours.way): [b.must for b in one.bounds] for one in AGAINST_EMBEDDED}
    assert musts == {(SQLITE, "one-shot"): [0.3], (SQLITE, "stream"): [0.2]}
    apart = {(one.place, tuple(b.must for b in one.bounds)) for one in ONE_BY_FOUR if one.bounds}
    assert apart == {(MEMORY, (3,)), (SQLITE, (2,))}
    assert {(one.place, one.clients, one.bounds[0].must) for one in SERVERS} == {
        (SQLITE, 16, 0.7),
        (POSTGRESQL, 16, 0.7),
    }
    assert [(one.workers, one.must) for one in STARTS] == [(2, 3.0)]


@pytest.mark.parametrize(
    "measure, value, good",
    [
        ("rate", 1000, True), ("rate", 999, False), ("p99", 99, True), ("p99", 100, False),
        ("committed", 1, True), ("committed", 0.999, False), ("aborted", 0, True),
        ("aborted", 0.001, False),
    ],
)  # fmt: skip
def test_a_limit_is_reached_from_its_side(measure: str, value: float, good: bool) -> None:
    [limit] = [one for one in LIMITS if one.measure == measure]
    assert limit.reached(value, limit.must) is good


STEP = ycsb.Step(ycsb.TABLES[0], 500_000, "o" * ycsb.SIZE)


@pytest.fixture
def exchanged(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, int]]:
    """Bytes of what a node is asked, and of what it answers, from now on."""
    lengths: list[tuple[int, int]] = []
    served: list[tuple[type[Any], str]] = [(Stream, "answer"), (Execute, "serve")]
    for kind, name in served:
        real = getattr(kind, name)

        async def measured(self: Any, asked: Any, *more: Any, real: Any = real) -> Any:
            reply = await real(self, asked, *more)
            lengths.append((asked.ByteSize(), reply.ByteSize()))
            return reply

        monkeypatch.setattr(kind, name, measured)
    return lengths


@pytest.fixture
def db(exchanged: object) -> Iterator[scalar_tx.TransactionManager]:
    """A node over memory that holds what the messages are about."""
    served = Served("memory://")
    with scalar_tx.connect(served.url) as made:
        made.admin.create_table(STEP.table, columns=ycsb.COLUMNS, partition_key=[ycsb.KEY])
        made.admin.create_table(COUNTERS, columns=COUNTER_COLUMNS, partition_key=[COUNTER_KEY])
        made.insert(STEP.table, {ycsb.KEY: STEP.key, ycsb.PAYLOAD: STEP.text})
        made.insert(COUNTERS, {COUNTER_KEY: 5000, "n": 1000})
        yield made
    served.close()


def test_messages_of_the_echo_are_as_long_as_those_of_a_node(
    db: scalar_tx.TransactionManager, exchanged: list[tuple[int, int]]
) -> None:
    exchanged.clear()
    db.run(lambda tx: ycsb.change(tx, [STEP], reads=True))
    assert exchanged == sizes(ECHO_STREAM)
    exchanged.clear()
    db.execute(changing([STEP]))
    assert exchanged == sizes(ECHO_ONE_SHOT)
    exchanged.clear()
    db.execute(counting(5000))
    assert exchanged == sizes(ECHO_CALL)
    counter = db.get(COUNTERS, {COUNTER_KEY: 5000})
    assert counter is not None
    assert counter["n"] == 1001
    assert len(sizes(ECHO_CALLS)) == 4


@pytest.mark.parametrize("way", ECHOES)
def test_an_echo_is_asked_and_answers_in_these_lengths(way: str) -> None:
    for asked, answer in sizes(way):
        sent = request(asked, answer)
        assert len(sent) == asked
        assert len(answer_to(sent)) == answer


def tally(done: int, unknown: int = 0) -> Tally:
    return Tally(done, done, 0, 0, unknown, 0.0, latencies=Counter())


def test_loaded_records_are_those_of_transactions_and_every_write_counts() -> None:
    with opened(SQLITE) as place:
        ground = grounds.Ground(place, 300)
        ground.load()
        before = ground.versions()
        assert before == 300
        with scalar_tx.connect(ground.properties) as db:
            for key in (0, 299):
                step = ycsb.Step(STEP.table, key, STEP.text)
                db.run(lambda tx, step=step: ycsb.change(tx, [step], reads=True))
            assert db.get(STEP.table, {ycsb.KEY: 300}) is None
        grounds.check_written(ground, before, [tally(1), tally(1)])
        grounds.check_written(ground, before, [tally(1, unknown=1)])
        with pytest.raises(DisagreementError, match="2 writes of 3 acknowledged"):
            grounds.check_written(ground, before, [tally(3)])
        with pytest.raises(DisagreementError, match="2 writes of 1 acknowledged"):
            grounds.check_written(ground, before, [tally(1)])
        ground.records = 301
        with pytest.raises(DisagreementError, match="300 records of 301"):
            ground.versions()
