"""Who calls, and what may each of them do? Users of a served worker, with tokens of all kinds."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.protobuf.message_factory import GetMessageClass

from scalar_tx.cluster.auth.tokens import new_token
from scalar_tx.cluster.messages.errors import DETAILS
from scalar_tx.cluster.rpc.v1 import administration_pb2, security_pb2, transactions_pb2
from scalar_tx.model.table import TableSchema
from scalar_tx.outcome_table import OUTCOME, OUTCOME_SCHEMA
from tests.cluster.auth.world import Clock
from tests.cluster.served import Served, Users

if TYPE_CHECKING:
    from google.protobuf.descriptor import MethodDescriptor

PASSWORD: Final = "correct horse battery staple"
NINE: Final = frozenset(
    "SELECT INSERT UPDATE DELETE CREATE DROP TRUNCATE ALTER GRANT".split()  # noqa: SIM905
)
SCHEMA: Final = TableSchema(columns={"id": "INT", "n": "INT"}, partition_key=["id"])
SYSTEM: Final = ("coordinator", "scalardb", "scalar_tx", "COORDINATOR", "Scalar_Tx")
SERVICES: Final = tuple(
    next(iter(file.services_by_name.values()))
    for file in (
        transactions_pb2.DESCRIPTOR,
        administration_pb2.DESCRIPTOR,
        security_pb2.DESCRIPTOR,
    )
)
METHODS: Final[dict[str, MethodDescriptor]] = {
    f"{service.name}.{one.name}": one for service in SERVICES for one in service.methods
}


@dataclass(frozen=True)
class Somebody:
    """A credential, and what whoever holds it may do, as this test has given it to them."""

    name: str
    token: str | None = field(repr=False)
    known: bool = True
    superuser: bool = False
    held: dict[str, frozenset[str]] = field(default_factory=dict)  # by namespace

    def holds(self, namespace: str, privileges: frozenset[str]) -> bool:
        return namespace.casefold() not in {one.casefold() for one in SYSTEM} and (
            self.superuser or privileges <= self.held.get(namespace, frozenset())
        )


@dataclass(frozen=True)
class Answer:
    """How a call ended: the status, the stable code, and all that the caller sees of it."""

    status: grpc.StatusCode
    code: str
    seen: str

    @property
    def unknown(self) -> bool:
        return (self.status, self.code) == (grpc.StatusCode.UNAUTHENTICATED, "STX-5201")

    @property
    def refused(self) -> bool:
        return (self.status, self.code) == (grpc.StatusCode.PERMISSION_DENIED, "STX-5202")


class People:
    """A worker over memory, two namespaces with a table each, and everybody who calls."""

    def __init__(self) -> None:
        self.clock = Clock()
        users = Users(now_ms=self.clock.now_ms, elapsed=self.clock.elapsed)
        self.served = Served("memory://", users=users)
        self.users = users
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.served.port}")
        self._numbers = 0
        self.all: list[Somebody] = self.served.run(self._made())
        self.restore()

    def restore(self) -> None:
        """Make again what a permitted call has removed."""
        self.served.run(self._tables())

    async def _tables(self) -> None:
        admin = self.served.manager.admin
        await admin.create_coordinator_tables(if_not_exists=True)
        for namespace in ("own", "other"):
            await admin.create_table(f"{namespace}.t", SCHEMA, if_not_exists=True)
        await admin.create_table(OUTCOME, OUTCOME_SCHEMA, if_not_exists=True)

    async def _made(self) -> list[Somebody]:
        await self.served.manager.admin.create_coordinator_tables(if_not_exists=True)
        principals = self.users.principals
        await principals.create_tables()
        users, grants, roles = principals.users, principals.grants, principals.roles
        everything = [*NINE]
        names = ["ada", "bob", "carl", "victim", *(one.lower() for one in sorted(NINE))]
        await asyncio.gather(*(users.create(one, PASSWORD) for one in names))
        await users.create("root", PASSWORD, superuser=True)
        await roles.create("clerks")
        await roles.create("victims")
        await roles.grant("clerks", "user:carl")
        await grants.grant("user:ada", everything, "own")
        await grants.grant("role:clerks", everything, "own")
        await grants.grant("user:bob", everything, "other")
        for one in NINE:
            await grants.grant(f"user:{one.lower()}", [one], "own")
        log_in = self.users.authenticator.log_in
        expired = (await log_in("ada", PASSWORD)).access
        self.clock.move(31 * 60)
        ended = (await log_in("victim", PASSWORD)).access
        await users.end_tokens("victim")
        logged_out = (await log_in("ada", PASSWORD)).access
        await self.users.authenticator.log_out(logged_out)
        refresh = (await log_in("ada", PASSWORD)).refresh

        async def token(name: str) -> str:
            return (await log_in(name, PASSWORD)).access

        own = {"own": NINE}
        return [
            Somebody("nobody", None, known=False),
            Somebody("no token", "a password", known=False),
            Somebody("never issued", new_token(), known=False),
            Somebody("expired", expired, known=False),
            Somebody("ended", ended, known=False),
            Somebody("logged out", logged_out, known=False),
            Somebody("for refreshing", refresh, known=False),
            Somebody("ada", await token("ada"), held=own),
            Somebody("bob", await token("bob"), held={"other": NINE}),
            Somebody("carl", await token("carl"), held=own),
            *[
                Somebody(one.lower(), await token(one.lower()), held={"own": frozenset({one})})
                for one in sorted(NINE)
            ],
            Somebody("root", await token("root"), superuser=True),
        ]

    def unused_id(self) -> str:
        self._numbers += 1
        return f"tx-{self._numbers}"

    def call(self, who: Somebody, method: str, *requests: Any) -> Answer:
        """Send these; what the last of them is answered."""
        described = METHODS[method]
        assert described.containing_service is not None
        path = f"/{described.containing_service.full_name}/{described.name}"
        gives = GetMessageClass(described.output_type).FromString
        metadata = () if who.token is None else (("authorization", f"Bearer {who.token}"),)
        try:
            if described.client_streaming:
                return self._talk(path, gives, requests, metadata)
            if described.server_streaming:
                many: Any = self._channel.unary_stream(path, _bytes, gives)
                return _fine(list(many(requests[0], timeout=20, metadata=metadata)))
            one: Any = self._channel.unary_unary(path, _bytes, gives)
            return _fine(one(requests[0], timeout=20, metadata=metadata))
        except grpc.RpcError as error:
            return _answer(error)

    def _talk(self, path: str, gives: Any, requests: Any, metadata: Any) -> Answer:
        stream: Any = self._channel.stream_stream(path, _bytes, gives)
        call = stream(iter(requests), timeout=20, metadata=metadata)
        replies = []
        try:
            replies += list(call)
        except grpc.RpcError as error:
            if not replies:
                return _answer(error)
        for reply in replies:
            if reply.HasField("error"):
                return _told(reply.error, repr(reply))
        return _fine(replies)

    def close(self) -> None:
        self._channel.close()
        self.served.close()


def _bytes(message: Any) -> bytes:
    found: bytes = message.SerializeToString()
    return found


def _fine(found: Any) -> Answer:
    return Answer(grpc.StatusCode.OK, "", repr(found))


def _answer(error: Any) -> Answer:
    from google.rpc import status_pb2

    details = dict(error.trailing_metadata() or ()).get(DETAILS)
    if details is None:
        return Answer(error.code(), "", str(error.details()))
    return _told(status_pb2.Status.FromString(details), str(error.details()))


def _told(status: Any, seen: str) -> Answer:
    from google.rpc import error_details_pb2

    info = error_details_pb2.ErrorInfo()
    status.details[0].Unpack(info)
    codes = {one.value[0]: one for one in grpc.StatusCode}
    return Answer(codes[status.code], info.reason, f"{seen}\n{status}\n{info}")
