"""Which functions are called after a commit, and what if one of them fails?"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.arguments import wrong

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

_log = logging.getLogger("scalar_tx.transaction")
_FAILED = "a function given to on_commit failed; the transaction is committed"


class AfterCommit:
    """The functions given to ``on_commit``, in order."""

    def __init__(self) -> None:
        self._calls: list[tuple[Callable[..., object], tuple[object, ...]]] = []

    def add(
        self, function: Callable[..., object], args: tuple[object, ...], *, ended: bool
    ) -> None:
        """Remember a function; InvalidOperationError if it could never be called."""
        if not callable(function):
            raise wrong(
                f"on_commit was given {function!r:.60}",
                "Give a function, and its arguments behind it",
            )
        if ended:
            raise InvalidOperationError(
                "on_commit on a transaction that has ended",
                advice="Register functions before the commit",
                code="STX-3038",
            )
        self._calls.append((function, args))

    def run(self) -> None:
        """Call them all, once; the commit stands, so an error can only be logged."""
        for function, args in self._taken():
            _call(function, args)

    async def run_and_await(self) -> None:
        """Call them all, once, one after the other, and await what can be awaited."""
        for function, args in self._taken():
            awaited = _call(function, args)
            if hasattr(awaited, "__await__"):
                await _finish(awaited)

    def _taken(self) -> list[tuple[Callable[..., object], tuple[object, ...]]]:
        calls, self._calls = self._calls, []
        return calls


def _call(function: Callable[..., object], args: tuple[object, ...]) -> object:
    try:
        return function(*args)
    except Exception:  # noqa: BLE001  # the commit stands, whatever it was
        _log.exception(_FAILED)
        return None


async def _finish(awaited: Awaitable[object]) -> None:
    try:
        await awaited
    except Exception:  # noqa: BLE001  # the commit stands, whatever it was
        _log.exception(_FAILED)
