"""Which functions can be run in a transaction, and where does the transaction go?"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, Final

from scalar_tx.errors import InvalidOperationError

if TYPE_CHECKING:
    from collections.abc import Callable

_NOT_PLAIN: Final = inspect.CO_GENERATOR | inspect.CO_COROUTINE | inspect.CO_ASYNC_GENERATOR


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
    parameters = list(inspect.signature(fn).parameters)
    return 1 if parameters[:1] in (["self"], ["cls"]) else 0
