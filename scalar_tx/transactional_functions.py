"""Which functions can be run in a transaction, where does it go, and what may they raise?"""

from __future__ import annotations

import inspect
from types import CoroutineType
from typing import TYPE_CHECKING, Any, Final, TypeVar

from scalar_tx.errors import InvalidOperationError, ScalarTxError, UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")

_NOT_PLAIN: Final = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


class AnyTransaction:
    """What a function may be called with to join it; its register tells whose it is."""

    _register: Any


def check_function(fn: Callable[..., Any], *, asynchronous: bool) -> None:
    """Refuse what would run outside its transaction: generators, and the other face's functions."""
    code = getattr(fn, "__code__", None)
    if code is not None and not asynchronous and not code.co_flags & _NOT_PLAIN:
        return
    name = getattr(fn, "__qualname__", repr(fn))
    if inspect.isgeneratorfunction(fn) or inspect.isasyncgenfunction(fn):
        raise InvalidOperationError(
            f"{name} is a generator: its body would run after its transaction has ended",
            advice="Return a list",
            code="STX-3045",
        )
    is_coroutine = inspect.iscoroutinefunction(fn)
    if is_coroutine and not asynchronous:
        raise InvalidOperationError(
            f"{name} is an async def on the blocking face",
            advice="Use scalar_tx.connect_async, or a plain def",
            code="STX-3045",
        )
    if not callable(fn):
        raise InvalidOperationError(
            f"{fn!r} can't be called", advice="Give a function", code="STX-3045"
        )


def transaction_place(fn: Callable[..., Any]) -> int:
    """The position of the transaction among the arguments: first, or second after ``self``."""
    try:
        parameters = list(inspect.signature(fn).parameters)
    except ValueError:  # a builtin that does not say
        return 0
    return 1 if parameters[:1] in (["self"], ["cls"]) else 0


def check_joined(joined: AnyTransaction, register: object) -> None:
    """Refuse to join a transaction of another manager or of the other face."""
    if joined._register is not register:  # noqa: SLF001  # the same layer
        raise InvalidOperationError(
            f"{joined!r} is of another manager than this function",
            advice="Call the function without a transaction, or with one of its own manager",
            code="STX-3047",
        )


def refuse_coroutine(result: object) -> None:
    """Refuse what an async function gave to the blocking face: nobody would run it."""
    if isinstance(result, CoroutineType):
        result.close()
        raise InvalidOperationError(
            f"{result.__qualname__} is an async def on the blocking face",
            advice="Use scalar_tx.connect_async, or a plain def",
            code="STX-3045",
        )


def awaitable(result: Awaitable[T], fn: object) -> Awaitable[T]:
    """What the asyncio face awaits; a plain function gives nothing to await."""
    if inspect.isawaitable(result):
        return result
    raise InvalidOperationError(
        f"{getattr(fn, '__qualname__', repr(fn))} is a plain function on the asyncio face",
        advice="Write async def, or use scalar_tx.connect",
        code="STX-3045",
    )


def may_rest_on_reads(error: BaseException) -> bool:
    """Must the reads hold before an exception may leave the caller's code?

    Not where it makes the caller begin again anyway, nor where it tells of another transaction that
    nobody knows the outcome of: that must reach the caller whatever was read.
    """
    if isinstance(error, UnknownOutcomeError):
        return False
    return isinstance(error, Exception) and not (
        isinstance(error, ScalarTxError) and error.retryable
    )
