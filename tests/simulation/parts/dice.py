"""Where does all that is left to chance come from, and how is it made simpler?

A run draws its numbers from several streams, one for each concern (which world, which programs, who
goes on, which faults), so that a change in one does not shift the others. Every number lies in
[0, 1), and 0 always means the simplest thing: no fault, the first of several, whoever ran last goes
on. A tape holds the numbers of a run, so that it can be run again with some of them made 0.
"""

from __future__ import annotations

import random
import zlib
from typing import TYPE_CHECKING, Final, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

T = TypeVar("T")

WANTED: Final = 1.0  # on a tape; numbers that are drawn are less


class Dice:
    """Draws from one stream. ``random`` is the stream itself, for those who are in a hurry."""

    __slots__ = ("random",)

    def __init__(self, stream: Callable[[], float]) -> None:
        self.random = stream

    def chance(self, probability: float) -> bool:
        """True that often; the simplest is False."""
        return self.random() >= 1.0 - probability

    def below(self, bound: int) -> int:
        """A whole number from 0 on, less than ``bound``."""
        return int(self.random() * bound)

    def between(self, least: int, most: int) -> int:
        """A whole number, both ends included; the simplest is ``least``."""
        return least + int(self.random() * (most - least + 1))

    def uniform(self, least: float, most: float) -> float:
        """A number in between."""
        return least + self.random() * (most - least)

    def pick(self, things: Sequence[T]) -> T:
        """One of them; the simplest is the first."""
        return things[int(self.random() * len(things))]

    def weighted(self, things: Mapping[T, float]) -> T:
        """One of the keys, by weight; the simplest is the first."""
        drawn = self.random() * sum(things.values())
        for thing, weight in things.items():
            if drawn < weight:
                return thing
            drawn -= weight
        return list(things)[-1]  # rounding

    def two_of(self, count: int) -> tuple[int, int]:
        """Two different numbers from 0 on, less than ``count``."""
        first, step = self.below(count), 1 + self.below(count - 1)
        return first, (first + step) % count


class Chance:
    """The streams of one run, by seed."""

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def dice(self, concern: str) -> Dice:
        """The stream of a concern; asked for once."""
        return Dice(self._stream(concern))

    def wanted(self, concern: str) -> Callable[[], bool]:
        """Asked before each piece of work that a run can do without; asked for once.

        It is done, unless a tape leaves it out: nothing to do is simpler than anything.
        """
        del concern
        return lambda: True

    def _stream(self, concern: str) -> Callable[[], float]:
        # Neither cryptography nor hash(): the same numbers in every process and every release.
        return random.Random((self._seed << 32) + zlib.crc32(concern.encode())).random


class Recorded(Chance):
    """The same streams, kept on a tape."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.tape: dict[str, list[float]] = {}

    def wanted(self, concern: str) -> Callable[[], bool]:
        """As of any run; kept too."""
        kept = self.tape.setdefault(concern, [])

        def is_wanted() -> bool:
            kept.append(WANTED)
            return True

        return is_wanted

    def _stream(self, concern: str) -> Callable[[], float]:
        stream = super()._stream(concern)
        kept = self.tape.setdefault(concern, [])

        def draw() -> float:
            number = stream()
            kept.append(number)
            return number

        return draw


class Replayed(Chance):
    """The numbers of a tape; where it ends, the simplest. ``used`` is how far each stream came."""

    def __init__(self, tape: Mapping[str, Sequence[float]]) -> None:
        super().__init__(0)
        self._tape = tape
        self.used: dict[str, int] = {}

    def wanted(self, concern: str) -> Callable[[], bool]:
        """What the tape says; behind its end nothing is wanted."""
        draw = self._stream(concern)
        return lambda: draw() == WANTED

    def _stream(self, concern: str) -> Callable[[], float]:
        numbers = self._tape.get(concern, ())
        used = self.used
        used[concern] = 0

        def draw() -> float:
            at = used[concern]
            used[concern] = at + 1
            return numbers[at] if at < len(numbers) else 0.0

        return draw
