"""How soon is an open stream refused whose user may not go on?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import grpc
import pytest

from scalar_tx.cluster.messages.operations import operation_message, scan_message
from scalar_tx.cluster.node_server.worker_parts import CallLimits
from scalar_tx.cluster.rpc.v1 import transactions_pb2 as rpc
from scalar_tx.cluster.rpc.v1 import values_pb2
from scalar_tx.model.operations import Get, Scan, Upsert
from tests.cluster.auth.world import Clock
from tests.cluster.node.test_streams import Talk
from tests.cluster.node.test_whole_calls import EXECUTE, SCAN
from tests.cluster.security.people import PASSWORD
from tests.cluster.served import Served, Users

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator

    from scalar_tx.cluster.auth.principals import Principals

    End = Callable[[Principals, str], Coroutine[Any, Any, None]]

SOON = 4.5  # seconds; it has to be seen within five
TABLE = "own.t"
RECORDS = 100  # of 20 kB each
PRIVILEGES = ("SELECT", "INSERT", "UPDATE")


class Ada:
    """A worker with one user, who is logged in."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.users = Users(now_ms=self.clock.now_ms, elapsed=self.clock.elapsed)
        limits = CallLimits(page_records=2)
        self.served = Served("memory://", users=self.users, limits=limits)
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self.served.port}", options=[("grpc.http2.bdp_probe", 0)]
        )
        self.token = self.served.run(self._made())

    async def _made(self) -> str:
        admin = self.served.manager.admin
        await admin.create_coordinator_tables()
        await admin.create_table(
            TABLE, columns={"id": "INT", "n": "INT", "text": "TEXT"}, partition_key=["id"]
        )
        await self.served.manager.run(self._load)
        principals = self.users.principals
        await principals.create_tables()
        await principals.users.create("ada", PASSWORD)
        await principals.roles.create("clerks")
        await principals.roles.grant("clerks", "user:ada")
        await principals.grants.grant("role:clerks", PRIVILEGES, TABLE)
        return (await self.users.authenticator.log_in("ada", PASSWORD)).access

    @staticmethod
    async def _load(tx: Any) -> None:
        for number in range(RECORDS):
            await tx.upsert(TABLE, {"id": number, "n": 0, "text": "x" * 20_000})

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {self.token}"),)

    def end(self, how: End) -> None:
        """Do something to the user as another worker would."""
        self.served.run(how(self.users.principals, self.token))

    def value(self) -> object:
        async def read(tx: Any) -> object:
            return (await tx.get(TABLE, {"id": 1}))["n"]

        return self.served.run(self.served.manager.run(read))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        self.served.close()


@pytest.fixture
def ada() -> Iterator[Ada]:
    with Ada() as made:
        yield made


async def _end_tokens(principals: Principals, _: str) -> None:
    await principals.users.end_tokens("ada")


async def _drop(principals: Principals, _: str) -> None:
    await principals.users.drop("ada")


async def _set_password(principals: Principals, _: str) -> None:
    await principals.users.set_password("ada", "another long password")


async def _revoke(principals: Principals, _: str) -> None:
    await principals.grants.revoke("role:clerks", PRIVILEGES, TABLE)


async def _take_role(principals: Principals, _: str) -> None:
    await principals.roles.revoke("clerks", "user:ada")


async def _drop_role(principals: Principals, _: str) -> None:
    await principals.roles.drop("clerks")


ENDS: dict[End, grpc.StatusCode] = {
    _end_tokens: grpc.StatusCode.UNAUTHENTICATED,
    _drop: grpc.StatusCode.UNAUTHENTICATED,
    _set_password: grpc.StatusCode.UNAUTHENTICATED,
    _revoke: grpc.StatusCode.PERMISSION_DENIED,
    _take_role: grpc.StatusCode.PERMISSION_DENIED,
    _drop_role: grpc.StatusCode.PERMISSION_DENIED,
}
WAYS = pytest.mark.parametrize("how", ENDS, ids=lambda how: how.__name__.strip("_"))


def _write(value: int) -> Any:
    return operation_message(Upsert(TABLE, {"id": 1, "n": value}))


REQUESTS: dict[str, dict[str, Any]] = {
    "read": {"one": operation_message(Get(TABLE, {"id": 2}))},
    "next page": {"next_page": 1},
    "commit": {"end": rpc.Request.COMMIT},
    "nothing": {},
}


@WAYS
@pytest.mark.parametrize("request_", REQUESTS.values(), ids=REQUESTS)
def test_a_stream_is_refused(ada: Ada, how: End, request_: dict[str, Any]) -> None:
    talk = Talk(ada.channel, ada.metadata)
    begin = rpc.Begin(transaction_id="one", fresh_id=True)
    assert not talk.say(begin=begin, one=_write(7)).HasField("error")
    opened = rpc.OpenScanner(number=1, scan=scan_message(Scan(TABLE, whole_table=True)))
    assert len(talk.say(open_scanner=opened).page.records.rows) == 2
    ada.end(how)
    ada.clock.move(SOON)
    with pytest.raises(grpc.RpcError) as caught:
        talk.say(**request_)
    assert caught.value.code() is ENDS[how]
    assert ada.value() == 0
    assert ada.served.worker.sessions.count == 0


def test_a_stream_goes_on_whose_user_may(ada: Ada) -> None:
    talk = Talk(ada.channel, ada.metadata)
    assert not talk.say(begin=rpc.Begin(transaction_id="one"), one=_write(7)).HasField("error")
    ada.end(lambda principals, _: principals.grants.revoke("role:clerks", ["DELETE"], TABLE))
    ada.clock.move(SOON)
    assert talk.say(end=rpc.Request.COMMIT).outcome == rpc.STATE_COMMITTED
    assert ada.value() == 7


def test_a_log_out_by_another_worker_ends_a_stream(ada: Ada) -> None:
    talk = Talk(ada.channel, ada.metadata)
    assert not talk.say(begin=rpc.Begin(transaction_id="one"), one=_write(7)).HasField("error")

    async def log_out(principals: Principals, token: str) -> None:
        from scalar_tx.cluster.auth.authenticator import Authenticator
        from scalar_tx.cluster.auth.passwords import PasswordHashing

        await Authenticator(principals, PasswordHashing()).log_out(token)

    ada.end(log_out)
    ada.clock.move(SOON)
    with pytest.raises(grpc.RpcError) as caught:
        talk.say(end=rpc.Request.COMMIT)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert ada.value() == 0


@WAYS
def test_a_long_scan_is_refused_between_pages(ada: Ada, how: End) -> None:
    method = ada.channel.unary_stream(
        SCAN, rpc.ScanPagesRequest.SerializeToString, values_pb2.Records.FromString
    )
    begin = rpc.Begin(transaction_id="scan", fresh_id=True)
    ask = rpc.ScanPagesRequest(begin=begin, scan=scan_message(Scan(TABLE, whole_table=True)))
    pages: Any = method(ask, timeout=20, metadata=ada.metadata)
    next(pages)  # the node waits: what is not read fills the connection's window
    ada.end(how)
    ada.clock.move(SOON)
    with pytest.raises(grpc.RpcError) as caught:
        list(pages)
    assert caught.value.code() is ENDS[how]
    assert ada.served.worker.sessions.count == 0


@WAYS
def test_a_script_is_not_run_again(ada: Ada, how: End) -> None:
    """Its record is in the way of it, and what its user may is taken meanwhile."""
    talk = Talk(ada.channel, ada.metadata)
    begin = rpc.Begin(transaction_id="in the way", two_phase=rpc.Begin.BEGIN)
    assert not talk.say(begin=begin, one=_write(7)).HasField("error")
    assert not talk.say(prepare=rpc.Nothing()).HasField("error")
    ask = rpc.ExecuteRequest(begin=rpc.Begin(transaction_id="script", fresh_id=True))
    ask.script.steps.add().operation.CopyFrom(operation_message(Get(TABLE, {"id": 1})))
    method: Any = ada.channel.unary_unary(
        EXECUTE, rpc.ExecuteRequest.SerializeToString, rpc.ExecuteReply.FromString
    )
    running = method.future(ask, timeout=20, metadata=ada.metadata)
    with pytest.raises(grpc.FutureTimeoutError):
        running.result(timeout=0.5)  # it is run again and again
    ada.end(how)
    ada.clock.move(SOON)
    assert running.exception(timeout=10).code() is ENDS[how]
