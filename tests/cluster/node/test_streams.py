"""What one stream is, seen from a client that sends what it likes."""

from __future__ import annotations

import queue
from typing import TYPE_CHECKING, Any

import grpc
import pytest

import scalar_tx
from scalar_tx.cluster.messages.errors import error_of
from scalar_tx.cluster.messages.operations import operation_message
from scalar_tx.cluster.node_server.transact import Stream
from scalar_tx.cluster.node_server.worker_parts import CallLimits
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.cluster.sessions import Expiry, Sessions
from scalar_tx.connection import parts_of
from scalar_tx.model.operations import Get, Scan, Upsert
from tests.cluster.served import Served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from scalar_tx.consensus_commit.commit_hook import CommitEvent

    Metadata = tuple[tuple[str, str], ...]

TRANSACT = "/scalar_tx.v1.Transactions/Transact"
TABLE = "bank.account"


@pytest.fixture(scope="module")
def node() -> Iterator[Served]:
    limits = CallLimits(
        elements=10, marks=2, scanners=2, stream_messages=20, page_records=3, page_bytes=200
    )
    served = Served("memory://", limits=limits, sessions=Sessions(3, 3, 0.6, 60))
    with scalar_tx.connect(served.url) as db:
        db.admin.create_table(TABLE, columns={"id": "INT", "n": "TEXT"}, partition_key=["id"])
        db.load(TABLE, [{"id": n, "n": "x" * 50} for n in range(10)], batch=5)
    yield served
    served.close()


@pytest.fixture
def channel(node: Served) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(node.url.removeprefix("grpc://")) as made:
        yield made


class Talk:
    """One stream, request by request."""

    def __init__(self, channel: grpc.Channel, metadata: Metadata = ()) -> None:
        self._queue: queue.Queue[Any] = queue.Queue()
        method = channel.stream_stream(
            TRANSACT, rpc.Request.SerializeToString, rpc.Reply.FromString
        )
        self.call: Any = method(iter(self._queue.get, None), timeout=20, metadata=metadata)

    def say(self, **request: Any) -> rpc.Reply:
        self._queue.put(rpc.Request(**request))
        reply: rpc.Reply = next(self.call)
        return reply

    def half_close(self) -> None:
        self._queue.put(None)

    def error(self) -> grpc.RpcError:
        with pytest.raises(grpc.RpcError) as caught:
            next(self.call)
        return caught.value


def begin(name: str, **how: Any) -> rpc.Begin:
    return rpc.Begin(transaction_id=name, **how)


def get(number: int = 1) -> Any:
    return operation_message(Get(TABLE, {"id": number}))


def write(number: int, text: str = "new") -> Any:
    return operation_message(Upsert(TABLE, {"id": number, "n": text}))


def told(reply: rpc.Reply) -> Any:
    return error_of(reply.error)


def code(error: grpc.RpcError) -> str:
    found: str = error.code().name
    return found


def test_begin_step_and_end_in_one_request(channel: grpc.Channel, node: Served) -> None:
    talk = Talk(channel)
    reply = talk.say(begin=begin("one"), one=write(11), end=rpc.Request.COMMIT)
    assert not reply.HasField("error")
    assert reply.outcome == rpc.STATE_COMMITTED
    with pytest.raises(StopIteration):
        next(talk.call)
    assert node.at_rest()


def test_an_error_leaves_the_stream_open(channel: grpc.Channel) -> None:
    talk = Talk(channel)
    reply = talk.say(begin=begin("two"), one=operation_message(Get("bank.none", {"id": 1})))
    assert told(reply).code == "STX-3017"
    assert reply.outcome == rpc.STATE_UNSPECIFIED
    assert talk.say(one=get()).one.records.rows
    assert talk.say(end=rpc.Request.ROLLBACK).outcome == rpc.STATE_ABORTED


def test_a_step_that_fails_is_not_followed_by_the_commit(channel: grpc.Channel) -> None:
    talk = Talk(channel)
    talk.say(begin=begin("three"), one=write(12))
    reply = talk.say(one=operation_message(Get("bank.none", {"id": 1})), end=rpc.Request.COMMIT)
    assert told(reply).code == "STX-3017"
    assert reply.outcome == rpc.STATE_UNSPECIFIED
    talk.say(end=rpc.Request.ROLLBACK)


MALFORMED: dict[str, dict[str, Any]] = {
    "a kind of write": {"one": {"write": {"table": TABLE, "kind": 77}}},
    "no operation": {"one": {}},
    "an empty batch": {"batch": {}},
    "a large batch": {"batch": {"operations": [get()] * 11}},
    "an unknown mark": {"take_back": 9},
    "an end": {"end": 9},
    "a scanner": {"open_scanner": {"number": 1, "scan": {"table": "nowhere"}}},
    "remembered unasked": {"remember": {"call": {"scope": "s", "key": "k"}, "result": "1"}},
    "no key": {"look": {"scope": "s"}},
    "prepare alone": {"prepare": {}},
}


@pytest.mark.parametrize("wrong", MALFORMED.values(), ids=MALFORMED)
def test_malformed_requests_are_told_of_and_the_stream_goes_on(
    channel: grpc.Channel, wrong: dict[str, Any]
) -> None:
    talk = Talk(channel)
    reply = talk.say(begin=begin("malformed"), **wrong)
    assert told(reply).code in ("STX-5056", "STX-3011", "STX-3013")
    assert talk.say(one=get()).one.records.rows
    talk.say(end=rpc.Request.ROLLBACK)


def test_what_ends_a_stream(channel: grpc.Channel, node: Served) -> None:
    talk = Talk(channel)
    talk._queue.put(rpc.Request(one=get()))
    assert code(talk.error()) == "INVALID_ARGUMENT"
    for wrong in ("", "a,b", "x" * 65):
        talk = Talk(channel)
        talk._queue.put(rpc.Request(begin=begin(wrong)))
        assert code(talk.error()) == "INVALID_ARGUMENT"
    talk = Talk(channel)
    talk.say(begin=begin("twice"))
    talk._queue.put(rpc.Request(begin=begin("again")))
    assert code(talk.error()) == "INVALID_ARGUMENT"
    talk = Talk(channel)
    talk.say(begin=begin("long"))
    for _ in range(19):
        talk.say(one=get())
    talk._queue.put(rpc.Request(one=get()))
    assert code(talk.error()) == "INVALID_ARGUMENT"
    assert node.at_rest()


def test_half_closing_rolls_back(channel: grpc.Channel, node: Served) -> None:
    talk = Talk(channel)
    talk.say(begin=begin("half"), one=write(13))
    talk.half_close()
    error = talk.error()
    assert code(error) == "INVALID_ARGUMENT"
    assert node.at_rest()


def test_cancelling_rolls_back(channel: grpc.Channel, node: Served) -> None:
    talk = Talk(channel)
    talk.say(begin=begin("cancelled"), one=write(14))
    talk.call.cancel()
    assert node.at_rest()
    with scalar_tx.connect(node.url) as db:
        assert db.get(TABLE, {"id": 14}) is None


def test_an_id_that_is_open(channel: grpc.Channel) -> None:
    talk = Talk(channel)
    talk.say(begin=begin("mine"), one=write(15))
    other = Talk(channel)
    other._queue.put(rpc.Request(begin=begin("mine")))
    error = other.error()
    assert "STX-3043" in str(error.trailing_metadata())
    assert talk.say(end=rpc.Request.COMMIT).outcome == rpc.STATE_COMMITTED


def test_an_id_that_is_decided(channel: grpc.Channel, node: Served) -> None:
    talk = Talk(channel)
    assert talk.say(begin=begin("used"), one=write(16), end=rpc.Request.COMMIT).outcome
    talk = Talk(channel)
    reply = talk.say(begin=begin("used"), one=write(16, "b"), end=rpc.Request.COMMIT)
    assert told(reply).code == "STX-3036"
    with scalar_tx.connect(node.url) as db:
        record = db.get(TABLE, {"id": 16})
    assert record is not None
    assert record["n"] == "new"


def test_resting_too_long(channel: grpc.Channel, node: Served) -> None:
    talk = Talk(channel)
    talk.say(begin=begin("resting"), one=write(17))
    error = talk.error()
    assert code(error) == "UNAVAILABLE"
    assert "STX-5058" in str(error.trailing_metadata())
    assert node.at_rest()


def test_too_many(channel: grpc.Channel) -> None:
    talks = [Talk(channel) for _ in range(3)]
    for number, talk in enumerate(talks):
        talk.say(begin=begin(f"many {number}"))
    another = Talk(channel)
    another._queue.put(rpc.Request(begin=begin("many more")))
    assert code(another.error()) == "UNAVAILABLE"
    for talk in talks:
        talk.say(end=rpc.Request.ROLLBACK)
    talk = Talk(channel)
    assert talk.say(begin=begin("many more"), end=rpc.Request.COMMIT).outcome


def test_marks_and_taking_back(channel: grpc.Channel) -> None:
    talk = Talk(channel)
    talk.say(begin=begin("marks"), one=write(18, "a"))
    talk.say(mark=1, one=write(18, "b"))
    talk.say(take_back=1, one=get(18))
    found = talk.say(one=get(18)).one.records
    assert "a" in [value.text for value in found.rows[0].values]
    talk.say(mark=2)
    assert told(talk.say(mark=3)).code == "STX-5056"
    talk.say(end=rpc.Request.ROLLBACK)


def test_pages_of_a_scanner(channel: grpc.Channel) -> None:
    talk = Talk(channel)
    scan = Scan(TABLE, whole_table=True, order_by=["id"], where=scalar_tx.column("id") < 10)
    opening = rpc.OpenScanner(number=1, scan=operation_message(scan).scan, whole=True)
    page = talk.say(begin=begin("pages"), open_scanner=opening).page
    found = []
    while True:
        assert len(page.records.rows) <= 3
        found += [row.values[0].integer for row in page.records.rows]
        if page.last:
            break
        page = talk.say(next_page=1).page
    assert found == list(range(10))
    assert told(talk.say(next_page=1)).code == "STX-3046"
    for number in (2, 3):
        opening.number = number
        talk.say(open_scanner=opening)
    opening.number = 4
    assert told(talk.say(open_scanner=opening)).code == "STX-5060"
    assert talk.say(close_scanners=[2], open_scanner=opening).page.records.rows
    talk.say(end=rpc.Request.ROLLBACK)


def test_the_node_s_own_tables_are_closed(channel: grpc.Channel) -> None:
    talk = Talk(channel)
    for number, table in enumerate(("coordinator.state", "scalar_tx.outcome", "scalardb.metadata")):
        how: dict[str, Any] = {} if number else {"begin": begin("closed")}
        reply = talk.say(one=operation_message(Scan(table, whole_table=True)), **how)
        assert told(reply).code == "STX-5202"
        assert reply.error.code == grpc.StatusCode.PERMISSION_DENIED.value[0]
    talk.say(end=rpc.Request.ROLLBACK)


def test_writes_are_taken_back_to_one_mark_as_often_as_is_asked_for(
    channel: grpc.Channel, node: Served
) -> None:
    talk = Talk(channel)
    talk.say(begin=begin("again"), one=write(22, "a"))
    talk.say(mark=1)
    for text in ("b", "c"):
        talk.say(one=write(22, text))
        talk.say(one=write(23, text))
        assert not talk.say(take_back=1).HasField("error")
    assert talk.say(end=rpc.Request.COMMIT).outcome == rpc.STATE_COMMITTED
    with scalar_tx.connect(node.url) as db:
        assert db.get(TABLE, {"id": 22}) == {"id": 22, "n": "a"}
        assert db.get(TABLE, {"id": 23}) is None


def test_what_is_prepared_can_t_be_hidden_from_those_who_watch_commits(
    channel: grpc.Channel, node: Served
) -> None:
    """Taken back behind its prepare, a write would be committed and no hook would be told."""
    seen: list[Any] = []

    async def watch(event: CommitEvent) -> None:
        seen.extend(one.key for one in event.writes)

    hooks = parts_of(node.manager).context.commit_hooks
    hooks.append(watch)
    try:
        talk = Talk(channel)
        talk.say(begin=begin("hidden", two_phase=rpc.Begin.BEGIN), mark=1)
        talk.say(one=write(24))
        assert not talk.say(prepare=rpc.Nothing()).HasField("error")
        assert told(talk.say(take_back=1)).code == "STX-3053"
        assert not talk.say(validate=rpc.Nothing()).HasField("error")
        assert talk.say(end=rpc.Request.COMMIT).outcome == rpc.STATE_COMMITTED
    finally:
        hooks.remove(watch)
    assert seen == [{"id": 24}]


def test_what_is_no_kind_of_part_is_refused(channel: grpc.Channel, node: Served) -> None:
    talk = Talk(channel)
    talk._queue.put(rpc.Request(begin=begin("part", two_phase=7), one=get()))
    assert code(error := talk.error()) == "INVALID_ARGUMENT"
    assert "7 is no kind of part" in str(error.details())
    assert node.at_rest()


def test_a_paused_node_refuses_what_is_new(channel: grpc.Channel, node: Served) -> None:
    talk = Talk(channel)
    talk.say(begin=begin("before"), one=write(19))
    node.worker.gate.close()
    try:
        late = Talk(channel)
        late._queue.put(rpc.Request(begin=begin("late")))
        assert code(late.error()) == "UNAVAILABLE"
        assert talk.say(end=rpc.Request.COMMIT).outcome == rpc.STATE_COMMITTED
        assert node.at_rest()
    finally:
        node.worker.gate.open()


def test_a_commit_that_outlasts_its_transaction_s_time_is_told_truthfully(
    channel: grpc.Channel, node: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = Stream.answer

    async def too_late(self: Stream, request: Any) -> Any:
        reply = await answer(self, request)
        node.worker.sessions.expire_all(Expiry.LIFETIME)
        return reply

    monkeypatch.setattr(Stream, "answer", too_late)
    talk = Talk(channel)
    reply = talk.say(begin=begin("outlasts"), one=write(21), end=rpc.Request.COMMIT)
    assert reply.outcome == rpc.STATE_COMMITTED
    with pytest.raises(StopIteration):  # and no status says that it was rolled back
        next(talk.call)


def test_where_nobody_logs_in_each_connection_is_counted_by_itself() -> None:
    served = Served("memory://", sessions=Sessions(9, 1, 60, 60))
    apart = [("grpc.use_local_subchannel_pool", 1)]
    where = served.url.removeprefix("grpc://")
    with (
        grpc.insecure_channel(where, options=apart) as one,
        grpc.insecure_channel(where, options=apart) as other,
    ):
        held = [Talk(one), Talk(other)]
        for n, open_one in enumerate(held):
            open_one.say(begin=rpc.Begin(transaction_id=f"held{n}", fresh_id=True))
        talk = Talk(one)
        with pytest.raises(grpc.RpcError) as caught:
            talk.say(begin=rpc.Begin(transaction_id="more", fresh_id=True))
        assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
        assert "of this user or connection" in str(caught.value.details())
    assert served.at_rest()
    served.close()
