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

    None is an answer too; so many of these are kept apart, so that whoever asks what nobody knows
    pushes out nothing that somebody does know.
    An answer's age counts from when its question was asked, and a question that takes longer than
    that is joined by nobody: whoever asks now hears nothing that was true ``seconds`` ago only.
    """

    def __init__(self, seconds: float, most: int, elapsed: Callable[[], float]) -> None:
        self._seconds = seconds
        self._most = most
        self._elapsed = elapsed
        self._answers: OrderedDict[str, tuple[float, T | None]] = OrderedDict()
        self._nothing: OrderedDict[str, tuple[float, T | None]] = OrderedDict()
        self._asked: dict[str, _Question[T | None]] = {}

    async def get(self, key: str, ask: Callable[[], Awaitable[T | None]]) -> T | None:
        """The answer, asked for if it is not known; errors are handed on and not kept."""
        now = self._elapsed()
        for answers in (self._answers, self._nothing):
            known = answers.get(key)
            if known is not None and now - known[0] < self._seconds:
                answers.move_to_end(key)
                return known[1]
        question = self._asked.get(key)
        if question is None or now - question.asked_at >= self._seconds:
            question = _Question(now, asyncio.ensure_future(self._answered(key, now, ask)))
            self._asked[key] = question
            question.answer.add_done_callback(_taken_note_of)
        return await asyncio.shield(question.answer)

    async def _answered(
        self, key: str, asked_at: float, ask: Callable[[], Awaitable[T | None]]
    ) -> T | None:
        try:
            answer = await ask()
            self._keep(key, asked_at, answer)
            return answer
        finally:
            question = self._asked.get(key)
            if question is not None and question.asked_at == asked_at:
                del self._asked[key]

    def _keep(self, key: str, asked_at: float, answer: T | None) -> None:
        known = self._answers.get(key) or self._nothing.get(key)
        if known is not None and known[0] > asked_at:
            return  # a later question was answered sooner
        self._answers.pop(key, None)
        self._nothing.pop(key, None)
        answers = self._nothing if answer is None else self._answers
        answers[key] = (asked_at, answer)
        while len(answers) > self._most:
            answers.popitem(last=False)

    def forget(self, is_meant: Callable[[T], bool]) -> None:
        """Ask anew about what has such an answer."""
        for key, (_, answer) in list(self._answers.items()):
            if answer is not None and is_meant(answer):
                del self._answers[key]

    def __len__(self) -> int:
        return len(self._answers) + len(self._nothing)

    async def close(self) -> None:
        """Wait for the questions that are still asked."""
        await asyncio.gather(
            *(question.answer for question in self._asked.values()), return_exceptions=True
        )


def _taken_note_of(task: asyncio.Task[T]) -> None:
    # All who asked may have gone: then nobody else hears of its error.
    if not task.cancelled():
        task.exception()
