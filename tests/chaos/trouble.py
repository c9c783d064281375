"""What is done to servers while writers are at work, and was anybody at work then?

One node after the other is killed and started again, at once or after a while, or frozen for a
while. When is drawn by a seed. There is never more than one in trouble, and on a slow machine too
some work is done between two troubles.
"""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from contextlib import AbstractContextManager
    from types import TracebackType

    from tests.chaos.journal import Entry
    from tests.servers import Node

    Killing = Callable[[], AbstractContextManager[None]]

KILL: Final = "killed and started after a while"
RESTART: Final = "killed and started at once"
PAUSE: Final = "frozen for a while"
KINDS: Final = (KILL, PAUSE, KILL, RESTART)
AWAY_S: Final = (2.0, 6.0)  # the least and the most: longer than anybody asks for a decision again
CALM_S: Final = (3.0, 8.0)  # the least and the most between two troubles
CALM_COMMITS: Final = 15  # the least


@dataclass(frozen=True)
class Hit:
    """One trouble of one node, from its blow until it served again; in nanoseconds as journals."""

    node: str
    kind: str
    struck: int
    over: int

    def in_flight(self, entries: Iterable[Entry]) -> int:
        """How many transactions were running when it came."""
        return sum(
            one.begun < self.struck and (one.ended is None or one.ended > self.struck)
            for one in entries
        )

    def committed_meanwhile(self, entries: Iterable[Entry]) -> int:
        """How many transactions began and were committed before it was over."""
        return sum(
            one.outcome == "committed"
            and one.begun > self.struck
            and one.ended is not None
            and one.ended < self.over
            for one in entries
        )


class Trouble:
    """A context in which servers have trouble; when it is left all of them serve again.

    ``killing`` is what has to be around the kill of a node, by its name.
    """

    def __init__(
        self,
        nodes: Sequence[Node],
        dice: random.Random,
        killing: Mapping[str, Killing] | None = None,
    ) -> None:
        self._nodes = nodes
        self._killing = killing or {}
        self._dice = dice
        self.commits: Callable[[], int] = lambda: 0  # how many there are; who knows sets it
        self._over = threading.Event()
        self._failure: BaseException | None = None
        self._thread: threading.Thread | None = None
        self.hits: list[Hit] = []

    def __enter__(self) -> Self:
        """Begin; the first trouble comes after a while of calm."""
        self._over.clear()
        self._thread = threading.Thread(target=self._run, name="trouble")
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End; wait until the last node serves."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()
        if self._failure is not None and error is None:
            raise self._failure

    def check(self) -> None:
        """Raise what stopped the troubles, if anything did: a node that does not start again."""
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while self._calm():
                number = len(self.hits)
                # Every kind meets every node in time, whatever their numbers.
                node = self._nodes[number % len(self._nodes)]
                self._strike(node, KINDS[(number + number // len(KINDS)) % len(KINDS)])
        except BaseException as failure:  # noqa: BLE001  # of a thread: the campaign raises it
            self._failure = failure

    def _calm(self) -> bool:
        """Let time pass and work be done; False: it is over."""
        before = self.commits()
        while not self._over.wait(self._dice.uniform(*CALM_S)):
            if self.commits() - before >= CALM_COMMITS:
                return True
        return False

    def _strike(self, node: Node, kind: str) -> None:
        struck = time.monotonic_ns()
        away = self._dice.uniform(*AWAY_S)
        if kind == PAUSE:
            node.pause()
            time.sleep(away)
            node.resume()
        else:
            with self._killing.get(node.name, nullcontext)():
                node.kill()
            if kind == KILL:
                time.sleep(away)
            node.start()
        node.await_answer()
        self.hits.append(Hit(node.name, kind, struck, time.monotonic_ns()))
