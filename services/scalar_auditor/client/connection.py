"""How is a call sent: to which node, with whose token, and when is it sent again?"""

from __future__ import annotations

import threading
import time
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, Protocol, Self, TypeVar

import grpc
from google.protobuf.message_factory import GetMessageClass
from tenacity import RetryCallState, Retrying, retry_if_exception, wait_random_exponential

from scalar_auditor.client.errors import (
    AuditorError,
    OutcomeUnknownError,
    error_of,
    unclear_before,
    was_never_sent,
)
from scalar_auditor.rpc.v1 import (
    audit_pb2,
    common_pb2,
    event_pb2,
    identity_pb2,
    item_pb2,
    verification_pb2,
)
from scalar_tx.cluster.client.no_answer import no_answer
from scalar_tx.cluster.client.tls_trouble import tls_error

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from google.protobuf.descriptor import MethodDescriptor
    from google.protobuf.message import Message

    from scalar_tx.cluster.client.target import Target

A = TypeVar("A")

_METHODS: Final = {
    method.full_name.removeprefix("scalar_auditor.v1."): method
    for module in (audit_pb2, verification_pb2, event_pb2, item_pb2, identity_pb2)
    for service in module.DESCRIPTOR.services_by_name.values()
    for method in service.methods
}
_OPTIONS: Final = (
    ("grpc.use_local_subchannel_pool", 1),  # a connection of its own
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.max_receive_message_length", -1),
    ("grpc.max_send_message_length", -1),
    ("grpc.enable_retries", 0),  # what is sent twice is decided here
)
NOBODY_ANSWERS: Final = "NOBODY_ANSWERS"  # the reason of an error that no service sent
_CONNECT_SECONDS: Final = 5.0  # in which nodes are looked for that do not answer
_FIRST_PAUSE: Final = 0.05  # seconds, the ceiling of the first
_LONGEST_PAUSE: Final = 2.0


class Repeat(Enum):
    """What does it do to send a call again whose answer was lost?"""

    READS = "nothing: it changes nothing"
    SAME = "nothing: it is the same again"
    ONCE = "it may be done twice: it is sent again only where nothing was done"


class Tokens(Protocol):
    """Where the tokens come from that prove who calls."""

    def current(self, log_in: LogInCalls) -> str:
        """A token to send along, empty for none. AuditorError: the log-in was refused."""
        ...

    def renewed(self, refused: str, log_in: LogInCalls) -> str | None:
        """Another one than the one that was refused; None: there is none to be had."""
        ...


class LogInCalls(Protocol):
    """The calls that need no token."""

    def log_in(self, email: str, password: str) -> identity_pb2.Tokens:
        """Tokens for a password."""
        ...

    def refresh(self, refresh_token: str) -> identity_pb2.Tokens:
        """Tokens for a refresh token, which is spent by that, also where the answer is lost."""
        ...


class Connection:
    """The connections to the nodes of a target, for any number of threads.

    ``timeout``: seconds for a call with all its repetitions; a stream has no end.
    """

    def __init__(self, target: Target, tokens: Tokens, timeout: float) -> None:
        self._target = target
        self._tokens = tokens
        self._timeout = timeout
        self._lock = threading.Lock()
        self._channels: dict[str, grpc.Channel] = {}
        self._turn = 0
        self._closed = False

    # Calls

    def call(
        self, name: str, request: Message, answer: type[A], repeat: Repeat, done: A | None = None
    ) -> A:
        """The answer to ``Service.Method``. AuditorError, OutcomeUnknownError.

        ``done``: the answer where an attempt whose outcome is not known is followed by one that
        finds nothing left to do.
        """
        del answer  # it tells the type checker what comes back
        ends_at = time.monotonic() + self._timeout
        unclear = False

        def attempt() -> A:
            nonlocal unclear
            try:
                found: A = self._with_token(name, request, repeat, ends_at)
            except OutcomeUnknownError:
                unclear = True
                raise
            except AuditorError as error:
                if unclear and done is not None and error.code == "NOT_FOUND":
                    return done
                if unclear and error.code != "INVALID_ARGUMENT":
                    raise unclear_before(error) from error  # this one was refused, or never sent
                raise
            return found

        return self._repeated(attempt, repeat, ends_at)

    def finish(self, name: str, request: Message) -> None:
        """Call ``Service.Method``, which does its work by steps, until nothing is left of it.

        OutcomeUnknownError also where some was done and the rest was not: call it again.
        """
        begun, last = False, common_pb2.Steps(finished=True)
        while True:
            try:
                if self.call(name, request, common_pb2.Steps, Repeat.SAME, last).finished:
                    return
            except OutcomeUnknownError:
                raise
            except AuditorError as error:
                if begun and error.code == "NOT_FOUND":
                    return  # somebody else has finished it
                if begun:
                    raise unclear_before(error) from error
                raise
            begun = True

    def stream(self, name: str, request: Message, answer: type[A]) -> Iterator[A]:
        """The answers of ``Service.Method``. A stream that breaks off raises AuditorError.

        Who asks again then, asks the next node. While none was reached yet, others are tried here.
        """
        del answer
        token, renewed = self._tokens.current(_Unauthenticated(self)), False
        began = time.monotonic()
        while True:
            channel, address = self._channel()
            call = channel.unary_stream(*_shape(_METHODS[name]))(request, metadata=_sent(token))
            try:
                yield from call
            except grpc.RpcError as failed:
                error = error_of(failed, writes=False)
                if not error.reason:
                    self._leave(address)
                if was_never_sent(error):
                    nobody = self._nobody(address, error)
                    if time.monotonic() - began >= _CONNECT_SECONDS:
                        raise nobody from failed
                    time.sleep(_FIRST_PAUSE)
                    continue
                if error.code == "UNAUTHENTICATED" and not renewed:
                    renewed = True  # nothing came yet: the token is looked at first
                    other = self._tokens.renewed(token, _Unauthenticated(self))
                    if other is not None:
                        token = other
                        continue
                raise error from failed
            finally:
                call.cancel()  # the reader may have left
            return

    def without_token(self, name: str, request: Message, answer: type[A], repeat: Repeat) -> A:
        """As ``call``, for a method that needs no token."""
        del answer
        ends_at = time.monotonic() + self._timeout
        found: A = self._repeated(
            lambda: self._once(name, request, repeat, "", ends_at), repeat, ends_at
        )
        return found

    def _with_token(self, name: str, request: Message, repeat: Repeat, ends_at: float) -> Any:
        log_in = _Unauthenticated(self)
        token = self._tokens.current(log_in)
        try:
            return self._once(name, request, repeat, token, ends_at)
        except AuditorError as error:
            if error.code != "UNAUTHENTICATED":
                raise
            other = self._tokens.renewed(token, log_in)
            if other is None:
                raise
        return self._once(name, request, repeat, other, ends_at)

    def _once(self, name: str, request: Message, repeat: Repeat, token: str, ends_at: float) -> Any:
        channel, address = self._channel()
        left = max(0.001, ends_at - time.monotonic())
        call = channel.unary_unary(*_shape(_METHODS[name]))
        try:
            return call(request, metadata=_sent(token), timeout=left)
        except grpc.RpcError as failed:
            error = error_of(failed, writes=repeat is not Repeat.READS)
            if not error.reason or isinstance(error, OutcomeUnknownError):
                self._leave(address)
            if was_never_sent(error):
                raise self._nobody(address, error) from failed
            raise error from failed

    def _nobody(self, address: str, error: AuditorError) -> AuditorError:
        """What to tell where no node was reached. SettingsError: one that is not trusted."""
        troubles = {address: error.message}
        untrusted = tls_error(troubles)
        if untrusted is not None:
            raise untrusted
        said = no_answer(self._target.addresses, troubles, [])
        return AuditorError(
            said.message, code=error.code, reason=NOBODY_ANSWERS, advice=said.advice
        )

    def _repeated(self, attempt: Callable[[], A], repeat: Repeat, ends_at: float) -> A:
        began = time.monotonic()

        def again(error: BaseException) -> bool:
            if isinstance(error, OutcomeUnknownError) and isinstance(error.__cause__, AuditorError):
                error = error.__cause__  # of several attempts the last tells whether to go on
            if not isinstance(error, AuditorError) or not _may_be_repeated(error, repeat):
                return False
            waited = time.monotonic() - began
            return error.reason != NOBODY_ANSWERS or waited < _CONNECT_SECONDS

        def over(state: RetryCallState) -> bool:
            return time.monotonic() + state.upcoming_sleep >= ends_at

        return Retrying(
            retry=retry_if_exception(again),
            wait=wait_random_exponential(multiplier=_FIRST_PAUSE, max=_LONGEST_PAUSE),
            stop=over,
            reraise=True,
        )(attempt)

    # Channels

    def _channel(self) -> tuple[grpc.Channel, str]:
        addresses = self._target.addresses
        with self._lock:
            if self._closed:
                raise AuditorError(
                    "this client was closed", code="CANCELLED", advice="Make another one"
                )
            address = addresses[self._turn % len(addresses)]
            found = self._channels.get(address)
            if found is None:
                found = self._channels[address] = self._opened(address)
            return found, address

    def _leave(self, address: str) -> None:
        """The next call goes to the next node; of one node the connection mends itself."""
        addresses = self._target.addresses
        with self._lock:
            if address == addresses[self._turn % len(addresses)]:
                self._turn += 1

    def _opened(self, address: str) -> grpc.Channel:
        options: tuple[tuple[str, Any], ...] = _OPTIONS
        if self._target.credentials is None:
            return grpc.insecure_channel(address, options=options)
        if self._target.authority is not None:
            options += (("grpc.ssl_target_name_override", self._target.authority),)
        return grpc.secure_channel(address, self._target.credentials, options=options)

    def close(self) -> None:
        """End all connections, and the streams on them."""
        with self._lock:
            self._closed = True
            channels = list(self._channels.values())
            self._channels.clear()
        for one in channels:
            one.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Unauthenticated:
    """What a log-in may call."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def log_in(self, email: str, password: str) -> identity_pb2.Tokens:
        return self._connection.without_token(
            "IdentityService.Login",
            identity_pb2.LoginRequest(user_email=email, password=password),
            identity_pb2.Tokens,
            Repeat.SAME,
        )

    def refresh(self, refresh_token: str) -> identity_pb2.Tokens:
        return self._connection.without_token(
            "IdentityService.Refresh",
            identity_pb2.RefreshRequest(refresh_token=refresh_token),
            identity_pb2.Tokens,
            Repeat.ONCE,
        )


def _may_be_repeated(error: AuditorError, repeat: Repeat) -> bool:
    if isinstance(error, OutcomeUnknownError) or error.reason == "OUTCOME_UNKNOWN":
        return repeat is not Repeat.ONCE
    if error.reason == "TOO_MANY_ATTEMPTS":
        return True  # of log-ins, for a moment
    return error.code in {"UNAVAILABLE", "ABORTED"}


def _shape(method: MethodDescriptor) -> tuple[str, Any, Any]:
    """Path, serializer and deserializer, as channels want them."""
    takes, gives = GetMessageClass(method.input_type), GetMessageClass(method.output_type)
    path = f"/{method.containing_service.full_name}/{method.name}"
    return path, takes.SerializeToString, gives.FromString


def _sent(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),) if token else ()
