"""Who has the turn to write, and who is woken by whom, one step at a time."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from scalar_tx.storage.sqlite.combining import Call, Line
from tests.storage.sqlite.callers import LONG_S, until

if TYPE_CHECKING:
    from collections.abc import Callable


def call() -> Call[str]:
    return Call(lambda _: "alone", lambda _: "along", several=False)


class Stopped:
    """A call's lock, with something to be done right after it is released."""

    def __init__(self, inner: Any, then: Callable[[], object]) -> None:
        self._inner = inner
        self._then = then

    def acquire(self, *how: Any, **more: Any) -> bool:
        taken: bool = self._inner.acquire(*how, **more)
        return taken

    def release(self) -> None:
        self._inner.release()
        self._then()


def test_who_hands_the_turn_over_wakes_nobody_that_the_next_one_writes_for() -> None:
    """The next one may be at work already while the last one wakes those it wrote for."""
    line = Line("a file", LONG_S)
    following, along = call(), call()
    has_taken, may_end = threading.Event(), threading.Event()
    seen: list[tuple[str, bool]] = []

    def next_one() -> None:
        following.thread = threading.get_ident()
        assert line.join(following)
        assert line.next() is along
        has_taken.set()
        may_end.wait(LONG_S)
        line.answer()
        line.end()

    def one_along() -> None:
        assert not line.join(along)
        seen.append(("woken", along.answered))

    waits: Any = following
    waits.woken = Stopped(following.woken, lambda: has_taken.wait(LONG_S))
    threads = [threading.Thread(target=next_one), threading.Thread(target=one_along)]
    assert line.begin()
    for number, thread in enumerate(threads, 1):
        thread.start()
        until(lambda number=number: len(line._waiting) == number)  # type: ignore[misc]
    line.end()
    threads[1].join(0.2)
    assert seen == [], "it is not written yet"
    may_end.set()
    for thread in threads:
        thread.join(LONG_S)
    assert seen == [("woken", True)]
