"""How does somebody guess passwords and one-time codes of the services' people?

At a pace of its own, several at once, since a refusal takes its time. Counted is what each guess
was answered, apart for the one person who exists and for those who do not.
"""

from __future__ import annotations

import asyncio
import itertools
from typing import TYPE_CHECKING, Any, Final

import grpc
from google.rpc import error_details_pb2, status_pb2

from scalar_auditor.rpc.v1 import identity_pb2

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.cluster.abuse.calls import Abuse

SERVICE: Final = "/scalar_auditor.v1.IdentityService/"
VICTIM: Final = "victim@example.org"
PEOPLE: Final = 50  # who do not exist
AT_ONCE: Final = 16
PAUSE: Final = 0.05  # seconds, of each: some 250 guesses a second of all

Guess = tuple[str, Any]  # the method, and its request


def logging_in(who: str, number: int) -> Guess:
    """A password that is long enough to be one."""
    password = f"a guess that is no password {number}"
    return "Login", identity_pb2.LoginRequest(user_email=who, password=password)


def by_a_code(who: str, number: int) -> Guess:
    """Now and then a code is asked for, and then guessed at."""
    if number % 10 < 2:
        return "RequestPasswordReset", identity_pb2.RequestPasswordResetRequest(user_email=who)
    code = f"{number * 7919 % 10**8:08}"
    password = "a password that nobody gets"  # it opens nothing
    return "ResetPassword", identity_pb2.ResetPasswordRequest(
        user_email=who, code=code, new_password=password
    )


async def identity_login_flood(abuse: Abuse) -> None:
    """Passwords, of one who exists and of fifty who do not."""
    await _flood(abuse, logging_in, itertools.count(), PAUSE)


async def identity_code_flood(abuse: Abuse) -> None:
    """Codes, asked for and guessed at, of one who exists and of fifty who do not."""
    await _flood(abuse, by_a_code, itertools.count(), PAUSE)


async def a_thousand_passwords(abuse: Abuse) -> None:
    """A thousand guesses, as quickly as they are answered; nothing stops them before."""
    await _flood(abuse, logging_in, iter(range(1000)), 0.0)


async def a_thousand_codes(abuse: Abuse) -> None:
    """The same of one-time codes."""
    await _flood(abuse, by_a_code, iter(range(1000)), 0.0)


async def _flood(
    abuse: Abuse, made: Callable[[str, int], Guess], numbers: Iterator[int], pause: float
) -> None:
    channel = abuse.channel()

    async def guess() -> None:
        for number in numbers:
            known = number % 2 == 0
            who = VICTIM if known else f"nobody{number % PEOPLE}@example.org"
            method, request = made(who, number)
            answer = await _answer(channel, method, request)
            abuse.counts["sent"] += 1
            abuse.counts[f"{'known' if known else 'unknown'} {method} {answer}"] += 1
            if pause and not await abuse.pause(pause):
                return

    await asyncio.gather(*(guess() for _ in range(AT_ONCE)))


async def _answer(channel: grpc.aio.Channel, method: str, request: Any) -> str:
    """The status, its reason and its words."""
    call: Any = channel.unary_unary(SERVICE + method)
    try:
        await call(request.SerializeToString(), timeout=20)
    except grpc.aio.AioRpcError as error:
        return f"{error.code().name} {_reason(error)} {error.details()}"
    return "OK"


def _reason(error: grpc.aio.AioRpcError) -> str:
    packed = dict(error.trailing_metadata() or ()).get("grpc-status-details-bin", b"")
    info = error_details_pb2.ErrorInfo()
    for detail in status_pb2.Status.FromString(packed).details:
        if detail.Unpack(info):
            return str(info.reason)
    return ""
