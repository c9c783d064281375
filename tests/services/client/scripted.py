"""A server of the five services that answers as it is told, and remembers what it was asked."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import grpc
from google.protobuf.message_factory import GetMessageClass
from google.rpc import error_details_pb2, status_pb2

from tests.services.stage import METHODS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True)
class Refusal:
    """A status in place of an answer; with a reason it is a service's own."""

    code: grpc.StatusCode
    reason: str = ""
    metadata: dict[str, str] = field(default_factory=dict)
    field: str = ""

    def end(self, context: Any) -> None:
        status = status_pb2.Status(code=self.code.value[0], message="as it was told")
        if self.reason:
            info = error_details_pb2.ErrorInfo(
                reason=self.reason, domain="scalar-auditor", metadata=self.metadata
            )
            status.details.add().Pack(info)
        if self.field:
            bad = error_details_pb2.BadRequest()
            bad.field_violations.add(field=self.field)
            status.details.add().Pack(bad)
        if status.details:
            details = ("grpc-status-details-bin", status.SerializeToString())
            context.set_trailing_metadata((details,))
        context.abort(self.code, "as it was told")


@dataclass(frozen=True)
class Asked:
    """One request, as it came."""

    method: str
    request: Any
    token: str


class Scripted:
    """``says`` of a method: refusals, answers and functions of the request, one after the other.

    The last one is said again and again; what nothing is said of answers an empty message.
    """

    def __init__(self, credentials: grpc.ServerCredentials | None = None) -> None:
        self.asked: list[Asked] = []
        self.says: dict[str, list[Any]] = {}
        self._lock = threading.Lock()
        self._server = grpc.server(ThreadPoolExecutor(16))
        services: dict[str, dict[str, Any]] = {}
        for method in METHODS.values():
            handlers = services.setdefault(method.containing_service.full_name, {})
            handlers[method.name] = self._handler(method)
        self._server.add_generic_rpc_handlers(
            tuple(
                grpc.method_handlers_generic_handler(name, handlers)
                for name, handlers in services.items()
            )
        )
        if credentials is None:
            self.port = self._server.add_insecure_port("127.0.0.1:0")
        else:
            self.port = self._server.add_secure_port("127.0.0.1:0", credentials)
        self._server.start()

    @property
    def target(self) -> str:
        return f"grpc://127.0.0.1:{self.port}"

    def asked_for(self, method: str) -> list[Asked]:
        return [one for one in self.asked if one.method == method]

    def _handler(self, method: Any) -> Any:
        takes, gives = GetMessageClass(method.input_type), GetMessageClass(method.output_type)

        def answered(request: Any, context: Any) -> Any:
            metadata = dict(context.invocation_metadata())
            token = str(metadata.get("authorization", "")).removeprefix("Bearer ")
            with self._lock:
                self.asked.append(Asked(method.name, request, token))
                left = self.says.get(method.name, [gives()])
                said = left.pop(0) if len(left) > 1 else left[0]
            while callable(said):
                said = said(request, token)
            if isinstance(said, Refusal):
                said.end(context)
            return said

        def streaming(request: Any, context: Any) -> Iterator[Any]:
            said = answered(request, context)
            for one in said if isinstance(said, list) else [said]:
                if isinstance(one, Refusal):
                    one.end(context)
                yield one

        make: Callable[..., Any] = (
            grpc.unary_stream_rpc_method_handler
            if method.server_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return make(
            streaming if method.server_streaming else answered,
            takes.FromString,
            gives.SerializeToString,
        )

    def close(self) -> None:
        self._server.stop(0).wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
