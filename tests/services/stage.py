"""The services over one database, in this process, behind a real gRPC server.

A call names its caller itself (``stage.as_person("ada@example.org")``): tests that are not about
log-ins need none. Those that are give ``access`` what identity makes.
"""

from __future__ import annotations

import asyncio
import functools
import json
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import grpc
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from scalar_auditor import services
from scalar_auditor.errors import UnauthenticatedError
from scalar_auditor.keys import KeyRing
from scalar_auditor.metrics import ServiceMetrics
from scalar_auditor.paging import Pages
from scalar_auditor.parts import Auditor, wall_clock_ms
from scalar_auditor.permissions import Caller, Kind, Role
from scalar_auditor.rpc.v1 import audit_pb2, event_pb2, identity_pb2, item_pb2, verification_pb2
from scalar_schema import read_files
from scalar_tx.cluster.gate import Gate
from scalar_tx.cluster.service_transactions import ServiceTransactions
from scalar_tx.cluster.sessions import Sessions
from scalar_tx.connection_async import open_async
from scalar_tx.manager_async import AsyncTransactionManager
from scalar_tx.model.isolation import Isolation
from scalar_tx.observe.metrics import Metrics
from scalar_tx.settings import load

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator, Sequence

    from scalar_auditor.parts import Access
    from scalar_tx.transaction_async import AsyncTransaction

NAMESPACES = Path(__file__).resolve().parents[2] / "namespaces"
MODULES = (audit_pb2, verification_pb2, event_pb2, item_pb2, identity_pb2)
METHODS = {
    method.name: method
    for module in MODULES
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}


class ClaimedCallers:
    """Believes what the header says of the caller."""

    async def caller(self, authorization: str, peer: str) -> Caller:
        if not authorization:
            return Caller(peer=peer)
        if not authorization.startswith("Claim "):
            raise UnauthenticatedError("no claim")
        claim = json.loads(authorization.removeprefix("Claim "))
        return Caller(
            Kind(claim["kind"]),
            email=claim["email"],
            user_id=claim["user_id"],
            name=claim["name"],
            roles=frozenset(map(Role, claim["roles"])),
            peer=peer,
        )


def claim(caller: Caller) -> str:
    return "Claim " + json.dumps(
        {
            "kind": caller.kind.value,
            "email": caller.email,
            "user_id": caller.user_id,
            "name": caller.name,
            "roles": sorted(caller.roles),
        }
    )


class Refused(Exception):
    """A call ended by another status than OK."""

    def __init__(self, error: Any) -> None:
        self.code: str = error.code().name
        self.reason = ""
        self.metadata: dict[str, str] = {}
        self.field = ""
        details = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin")
        for detail in status_pb2.Status.FromString(details).details if details else ():
            info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
            if detail.Unpack(info):
                self.reason, self.metadata = info.reason, dict(info.metadata)
            if detail.Unpack(bad):
                self.field = bad.field_violations[0].field
        super().__init__(f"{self.code} {self.reason} {error.details()}")


class Calls:
    """Calls of one caller: ``calls.GetItem(item_id="1")`` returns the answer, or raises Refused.

    Of a method with a stream of answers it is an iterator over them.
    """

    def __init__(self, channel: grpc.Channel, authorization: str | None) -> None:
        self._channel = channel
        self._metadata = () if authorization is None else (("authorization", authorization),)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = METHODS[name]
        path = f"/{method.containing_service.full_name}/{name}"
        takes = GetMessageClass(method.input_type)
        gives = GetMessageClass(method.output_type).FromString

        def unary(**fields: Any) -> Any:
            call: Any = self._channel.unary_unary(
                path, request_serializer=takes.SerializeToString, response_deserializer=gives
            )
            try:
                return call(takes(**fields), metadata=self._metadata, timeout=60)
            except grpc.RpcError as error:
                raise Refused(error) from None

        def streaming(**fields: Any) -> Iterator[Any]:
            call: Any = self._channel.unary_stream(
                path, request_serializer=takes.SerializeToString, response_deserializer=gives
            )
            try:
                yield from call(takes(**fields), metadata=self._metadata, timeout=60)
            except grpc.RpcError as error:
                raise Refused(error) from None

        return streaming if method.server_streaming else unary


async def _all_of(tx: AsyncTransaction, table: str) -> list[dict[str, Any]]:
    return [dict(row) for row in await tx.scan(table, whole_table=True)]


class Stage:
    """Serves ``names`` of the services on a loop of its own. ``now_ms`` may be a test's clock.

    ``opening`` opens another storage than that of ``target``.
    """

    def __init__(
        self,
        target: str = "memory://",
        *,
        names: Sequence[str] = services.NAMES,
        access: Callable[[AsyncTransactionManager, KeyRing], Access] | None = None,
        more: Callable[[str], Sequence[Any]] = lambda name: (),
        now_ms: Callable[[], int] = wall_clock_ms,
        keys: KeyRing | None = None,
        settings: dict[str, object] | None = None,
        opening: Callable[..., Any] | None = None,
    ) -> None:
        self._names = names
        self._opening = opening or functools.partial(open_async, leaves_decisions=True)
        self._access = access
        self._more = more
        self._now_ms = now_ms
        self.keys = keys or KeyRing.made("test")
        self._target = target
        self._settings = settings or {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.run(self._start())
        self._channel = grpc.insecure_channel(f"127.0.0.1:{self.port}")

    def run(self, steps: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(steps, self._loop).result(120)

    async def _start(self) -> None:
        self.manager = AsyncTransactionManager(load(self._target, self._settings), self._opening)
        for one in read_files(sorted(NAMESPACES.glob("*.json"))):
            await self.manager.admin.create_table(one.name, one.schema, if_not_exists=True)
        access = self._access
        self.gate = Gate()
        self.auditor = Auditor(
            transactions=ServiceTransactions(
                self.manager, Sessions(10_000, 10_000, 60, 60), Metrics(ServiceMetrics().registry)
            ),
            gate=self.gate,
            keys=self.keys,
            pages=Pages(self.keys),
            metrics=ServiceMetrics(),
            access=ClaimedCallers() if access is None else access(self.manager, self.keys),
            now_ms=self._now_ms,
        )
        self._server = grpc.aio.server()
        self._server.add_generic_rpc_handlers(
            tuple(services.served(name, self.auditor, *self._more(name)) for name in self._names)
        )
        self.port = self._server.add_insecure_port("127.0.0.1:0")
        await self._server.start()

    def as_caller(self, caller: Caller) -> Calls:
        return Calls(self._channel, claim(caller))

    def as_person(self, email: str, *roles: Role) -> Calls:
        person = Caller(
            Kind.PERSON,
            email=email,
            user_id=f"id of {email}",
            roles=frozenset(roles or (Role.GENERAL_USER,)),
        )
        return self.as_caller(person)

    def as_service(self, name: str = "importer") -> Calls:
        return self.as_caller(Caller(Kind.SERVICE, name=name))

    def as_nobody(self) -> Calls:
        return Calls(self._channel, None)

    def with_token(self, token: str) -> Calls:
        return Calls(self._channel, f"Bearer {token}")

    # What lies in the tables.

    def get(self, table: str, **key: Any) -> dict[str, Any] | None:
        found = self.run(self.manager.get(table, key))
        return None if found is None else dict(found)

    def rows(self, table: str) -> list[dict[str, Any]]:
        # Not every storage can show a whole table at SERIALIZABLE.
        scanning = self.manager.run(_all_of, table, isolation=Isolation.SNAPSHOT)
        found: list[dict[str, Any]] = self.run(scanning)
        return found

    def put(self, table: str, **values: Any) -> None:
        self.run(self.manager.upsert(table, values))

    def close(self) -> None:
        self._channel.close()
        self.run(self._server.stop(0.2))
        self.run(self.manager.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
