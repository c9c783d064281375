"""Is one transaction over four databases all or nothing, whichever of them decides?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from scalar_tx import TransactionState
from scalar_tx.connection import parts_of
from scalar_tx.errors import (
    ConflictError,
    ScalarTxError,
    StorageUnavailableError,
    UnknownOutcomeError,
)
from tests.storage.routing.meetings import Dead
from tests.storage.routing.several import (
    EVERY_STEP,
    NAMES,
    SERVERS,
    TABLES,
    Several,
    everywhere,
    properties,
    until_served,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.servers import Cluster

pytestmark = pytest.mark.servers("cassandra", "dynamodb", "postgresql")

EXPIRED_MS = 20_000


@pytest.fixture(scope="module")
def servers(
    cassandra_server: Cluster, dynamodb_server: Cluster, postgresql_server: Cluster
) -> dict[str, Cluster]:
    return {
        "cassandra": cassandra_server,
        "dynamodb": dynamodb_server,
        "postgresql": postgresql_server,
    }


@pytest.fixture(scope="module", params=NAMES, ids="decided in {}".format)
def several(
    servers: dict[str, Cluster],
    tmp_path_factory: pytest.TempPathFactory,
    request: pytest.FixtureRequest,
) -> Iterator[Several]:
    folder = tmp_path_factory.getbasetemp()
    found = Several(properties(servers, folder, request.param) | EVERY_STEP, request.param)
    found.make_tables()
    yield found
    found.close()


def all_of(value: int) -> dict[str, int]:
    return dict.fromkeys(NAMES, value)


def test_a_commit_is_one_request_a_step_to_each_and_all_at_once(several: Several) -> None:
    number = several.new_account()
    several.meeting.expect(len(NAMES))
    several.db.run(everywhere, number, 1)
    assert several.meeting.missed == []
    assert several.meeting.met == ["prepare", "finish"]
    for name, one in several.met.items():
        decides = ["decide"] if name == several.decider else []
        assert one.calls == ["read", "prepare", *decides, "finish"]
    assert several.values(number) == all_of(1)
    assert several.states(number) == all_of(3)


def test_the_storage_of_the_decision_is_asked_once(several: Several) -> None:
    """By default its records are written with the decision; Cassandra has no such write."""
    number = several.new_account()
    shorter = Several({**several.given, **dict.fromkeys(EVERY_STEP, "true")}, several.decider)
    try:
        shorter.db.run(everywhere, number, 1)
    finally:
        shorter.close()
    prepared = ["read", "prepare", "finish"]
    along = (
        ["read", "prepare", "decide", "finish"]
        if several.decider == "cassandra"
        else ["read", "decide"]
    )
    calls = {name: one.calls for name, one in shorter.met.items()}
    assert calls == dict.fromkeys(NAMES, prepared) | {several.decider: along}
    assert several.values(number) == all_of(1)
    assert several.states(number) == all_of(3)


def test_a_conflict_in_one_storage_undoes_the_others(several: Several) -> None:
    number = several.new_account()
    for name, table in TABLES.items():
        tx = several.db.begin()
        everywhere(tx, number, 5)
        several.other.upsert(table, {"id": number, "v": 1})
        with pytest.raises(ConflictError):
            tx.commit()
        assert several.values(number) == {**all_of(0), name: 1}
        assert several.states(number) == all_of(3)
        several.other.upsert(table, {"id": number, "v": 0})


def test_a_read_in_one_storage_guards_a_write_in_another(several: Several) -> None:
    number = several.new_account()
    for read, written in zip(NAMES, (*NAMES[1:], NAMES[0]), strict=True):
        tx = several.db.begin()
        tx.get(TABLES[read], {"id": number})
        tx.upsert(TABLES[written], {"id": number, "v": 9})
        several.other.upsert(TABLES[read], {"id": number, "v": 0})
        with pytest.raises(ConflictError):
            tx.commit()
    assert several.values(number) == all_of(0)


def test_a_rollback_asks_nothing_of_anybody(several: Several) -> None:
    number = several.new_account()

    def fail() -> None:
        with several.db.transaction() as tx:
            everywhere(tx, number, 5)
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert {step for one in several.met.values() for step in one.calls} == {"read"}
    assert several.values(number) == all_of(0)


def dying(several: Several, number: int, value: int) -> str:
    """A transaction whose process ends on the way; its id."""
    tx = several.db.begin()
    everywhere(tx, number, value)
    with pytest.raises(Dead):
        tx.commit()
    return tx.id


def test_dead_before_the_decision(several: Several, monkeypatch: pytest.MonkeyPatch) -> None:
    number = several.new_account()
    several.met[several.decider].before["decide"] = several.meeting.die
    with monkeypatch.context() as patch:
        # Its time is over as soon as it is dead.
        early = time.time_ns() // 1_000_000 - EXPIRED_MS
        patch.setattr(parts_of(several.db).runtime, "now_ms", lambda: early)
        dead = dying(several, number, 5)
    assert several.states(number) == all_of(1)
    assert several.values(number) == all_of(0)
    assert several.other.state(dead) is TransactionState.ABORTED
    for table in TABLES.values():
        several.other.recover(table, {"id": number})
    assert several.states(number) == all_of(3)


def test_dead_behind_the_decision(several: Several) -> None:
    number = several.new_account()
    several.met[several.decider].after["decide"] = several.meeting.die
    dead = dying(several, number, 5)
    assert several.states(number) == all_of(1)
    assert several.values(number) == all_of(5)
    assert several.other.state(dead) is TransactionState.COMMITTED
    for table in TABLES.values():
        several.other.recover(table, {"id": number})
    assert several.states(number) == all_of(3)


def test_dead_with_some_prepared(several: Several) -> None:
    number = several.new_account()
    # Where it lies is prepared, elsewhere it is not certain: all are on their way at once.
    several.met["sqlite"].after["prepare"] = several.meeting.die
    dead = dying(several, number, 5)
    assert several.rows(number)["sqlite"]["tx_state"] == 1  # type: ignore[index]  # it is there
    assert several.other.settle(dead) is TransactionState.ABORTED
    assert several.values(number) == all_of(0)


@pytest.mark.parametrize("several", ["sqlite"], indirect=True, ids="decided in {}".format)
@pytest.mark.parametrize("victim", SERVERS)
class TestOneIsDown:
    def test_before_the_prepares(
        self, several: Several, servers: dict[str, Cluster], victim: str
    ) -> None:
        number = several.new_account()
        tx = several.db.begin()
        everywhere(tx, number, 5)
        servers[victim].nodes[0].kill()
        with pytest.raises(ScalarTxError) as refused:
            tx.commit()
        assert isinstance(refused.value, StorageUnavailableError)
        assert f"storage '{victim}'" in refused.value.message
        # The others are as they were at once, not only after the dead one's return.
        for name in set(NAMES) - {victim}:
            assert several.other.get(TABLES[name], {"id": number})["v"] == 0  # type: ignore[index]
        with pytest.raises(StorageUnavailableError, match=f"storage '{victim}'"):
            # By default it is tried for 30 seconds.
            several.db.run(lambda tx: tx.get(TABLES[victim], {"id": number}), retry=1)
        servers[victim].nodes[0].start()
        assert several.values(number) == all_of(0)
        until_served(lambda: several.db.run(everywhere, number, 6))
        assert several.values(number) == all_of(6)

    def test_behind_the_decision(
        self, several: Several, servers: dict[str, Cluster], victim: str
    ) -> None:
        number = several.new_account()
        several.met[several.decider].after["decide"] = servers[victim].nodes[0].kill
        several.db.run(everywhere, number, 5)
        for name in set(NAMES) - {victim}:
            assert several.other.get(TABLES[name], {"id": number})["v"] == 5  # type: ignore[index]
        servers[victim].nodes[0].start()
        assert several.states(number) == {**all_of(3), victim: 1}
        assert several.values(number) == all_of(5)


@pytest.mark.parametrize("several", ["sqlite"], indirect=True, ids="decided in {}".format)
def test_one_is_silent_behind_the_decision(several: Several, servers: dict[str, Cluster]) -> None:
    number = several.new_account()
    several.met[several.decider].after["decide"] = servers["postgresql"].nodes[0].pause
    several.db.run(everywhere, number, 5)
    servers["postgresql"].nodes[0].resume()
    assert several.values(number) == all_of(5)


@pytest.mark.parametrize("several", SERVERS, indirect=True, ids="decided in {}".format)
def test_the_deciding_one_is_down(several: Several, servers: dict[str, Cluster]) -> None:
    """Nobody can tell, until it is back: then everybody tells the same."""
    number = several.new_account()
    node = servers[several.decider].nodes[0]
    several.met[several.decider].before["decide"] = node.kill
    tx = several.db.begin()
    everywhere(tx, number, 5)
    with pytest.raises((UnknownOutcomeError, StorageUnavailableError, ConflictError)) as told:
        tx.commit()
    assert told.value.transaction_id == tx.id
    node.start()
    stands = until_served(lambda: several.other.settle(tx.id))
    # A decision that was never received can't stand.
    assert stands is TransactionState.ABORTED
    assert several.values(number) == all_of(0)
