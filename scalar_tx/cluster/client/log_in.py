"""How does a client prove who it is? By a token, which it gets for its password and renews."""

from __future__ import annotations

import asyncio
import random
import time
from typing import TYPE_CHECKING, Final

import grpc

from scalar_tx.cluster.auth.refusals import TooManyAttemptsError
from scalar_tx.cluster.client.node_calls import NoAnswerError, failure_of
from scalar_tx.cluster.rpc.v1 import security_pb2 as rpc
from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from scalar_tx.cluster.client.channels import Channel
    from scalar_tx.cluster.client.target import Target
    from scalar_tx.errors import ScalarTxError

    Metadata = tuple[tuple[str, str], ...]

_LOG_IN: Final = "/scalar_tx.v1.Security/LogIn"
_REFRESH: Final = "/scalar_tx.v1.Security/Refresh"
_SECONDS: Final = 10.0  # for a log-in, with what a node wants waited for
_LEAST_SECONDS: Final = 1.0
_SPREAD_SECONDS: Final = 0.2
_LONGEST_STREAM: Final = 120.0  # seconds, and more: a transaction keeps the token it began with


class LogIn:
    """The tokens of one manager; the same for all nodes, which share one table of them."""

    def __init__(self, target: Target) -> None:
        self._user = target.user
        self._password = target.password
        self._tokens: rpc.Tokens | None = None
        self._renew_at = 0.0
        self._renewing: asyncio.Task[Metadata | None] | None = None

    async def metadata(self, channel: Channel) -> Metadata:
        """What to send along with a call."""
        if not channel.asks_for_token:
            return ()
        if self._tokens is None:
            return await self.renewed(channel, ()) or ()
        if time.monotonic() >= self._renew_at:
            return await self.renewed(channel, self._sent()) or ()
        return self._sent()

    def _got(self, tokens: rpc.Tokens) -> Metadata:
        early = min(_LONGEST_STREAM, tokens.expires_in / 2)
        self._renew_at = time.monotonic() + tokens.expires_in - early
        self._tokens = tokens
        return self._sent()

    def _sent(self) -> Metadata:
        assert self._tokens is not None  # noqa: S101  # asked for behind a log-in only
        return (("authorization", f"Bearer {self._tokens.access_token}"),)

    async def renewed(self, channel: Channel, refused: Metadata) -> Metadata | None:
        """Another token than the one that was refused; None: there is none to be had."""
        if self._tokens is not None and refused != self._sent():
            return self._sent()  # somebody else has got one meanwhile
        loop = asyncio.get_running_loop()
        waits = self._renewing
        if waits is None or waits.done() or waits.get_loop() is not loop:
            self._renewing = asyncio.ensure_future(self._renew(channel))
        assert self._renewing is not None  # noqa: S101  # set above, or waited for
        return await asyncio.shield(self._renewing)

    async def _renew(self, channel: Channel) -> Metadata | None:
        old, self._tokens = self._tokens, None
        if old is not None:
            refresh = rpc.RefreshRequest(refresh_token=old.refresh_token)
            try:
                tokens = await channel.unary(_REFRESH, rpc.Tokens)(refresh, timeout=_SECONDS)
            except grpc.aio.AioRpcError:
                self._tokens = None  # it may be too old: the password is good for longer
            else:
                return self._got(tokens)
        if self._user is None or self._password is None:
            raise InvalidOperationError(
                "the node asks who calls, and no user and password were given",
                advice="Set scalar.db.username and scalar.db.password, or connect(…, "
                "username=…, password=…)",
                code="STX-5064",
            )
        return await self._logged_in(channel, self._user, self._password)

    async def _logged_in(self, channel: Channel, user: str, password: str) -> Metadata | None:
        ask = rpc.LogInRequest(user=user, password=password)
        ends_at = time.monotonic() + _SECONDS
        while True:
            seconds = max(_LEAST_SECONDS, ends_at - time.monotonic())
            try:
                tokens = await channel.unary(_LOG_IN, rpc.Tokens)(ask, timeout=seconds)
            except grpc.aio.AioRpcError as error:
                failure = failure_of(error)
            else:
                return self._got(tokens)
            if isinstance(failure, NoAnswerError):
                if failure.refusal is None:
                    return None
                raise failure.refusal
            pause = _pause_of(failure)
            if pause is None or time.monotonic() + pause > ends_at:
                raise failure
            await asyncio.sleep(pause)


def _pause_of(failure: ScalarTxError) -> float | None:
    """How long to wait where a node says that it looks at no password now; None: in vain."""
    if not isinstance(failure, TooManyAttemptsError) or failure.retry_after is None:
        return None
    # Others were told the same, and wait for the same moment.
    return failure.retry_after + random.random() * _SPREAD_SECONDS  # noqa: S311  # no secret
