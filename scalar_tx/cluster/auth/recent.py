"""What was found out a moment ago, and need not be asked again?"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


@dataclass(slots=True)
class _Question(Generic[T]):
    asked_at: float
    answer: asyncio.Task[T]


class Recent(Generic[T]):
    """Answers by key, none older than ``seconds``, at most ``most`` of them.

    An answer's age counts from when its question was asked, and a question that takes longer than
    that is joined by nobody: whoever asks now hears nothing that was true ``seconds`` ago only.
    """

    def __init__(self, seconds: float, most: int, elapsed: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = most
        self._elapsed = elapsed
        self._answers: OrderedDict[str, tuple[float, T]] = OrderedDict()
        self._asked: dict[str, _Question[T]] = {}

    async def get(self, key: str, ask: Callable[[], Awaitable[T]]) -> T:
        """The answer, asked for if it is not known; errors are handed on and not kept."""
        now = self._elapsed()
        known = self._answers.get(key)
        if known is not None and now - known[0] < self._seconds:
            self._answers.move_to_end(key)
            return known[1]
        question = self._asked.get(key)
        if question is None or now - question.asked_at >= self._seconds:
            question = _Question(now, asyncio.ensure_future(self._answered(key, now, ask)))
            self._asked[key] = question
            question.answer.add_done_callback(_taken_note_of)
        return await asyncio.shield(question.answer)

    async def _answered(self, key: str, asked_at: float, ask: Callable[[], Awaitable[T]]) -> T:
        try:
            answer = await ask()
            known = self._answers.get(key)
            if known is None or known[0] < asked_at:
                self._answers[key] = (asked_at, answer)
                self._answers.move_to_end(key)
                while len(self._answers) > self._most:
                    self._answers.popitem(last=False)
            return answer
        finally:
            question = self._asked.get(key)
            if question is not None and question.asked_at == asked_at:
                del self._asked[key]

    def forget(self, key: str) -> None:
        """Ask anew next time."""
        self._answers.pop(key, None)
        self._asked.pop(key, None)

    def forget_all(self) -> None:
        """Ask anew about everything."""
        self._answers.clear()
        self._asked.clear()

    def __len__(self) -> int:
        return len(self._answers)

    async def close(self) -> None:
        """Wait for the questions that are still asked."""
        await asyncio.gather(
            *(question.answer for question in self._asked.values()), return_exceptions=True
        )


def _taken_note_of(task: asyncio.Task[T]) -> None:
    # All who asked may have gone: then nobody else hears of its error.
    if not task.cancelled():
        task.exception()
