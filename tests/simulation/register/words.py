"""What do clients and nodes say to one another?

A client asks every node for the newest it knows of a register, or gives it something to keep. Each
round of questions has a number of its own, which answers repeat: an answer may be late.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple


class Tag(NamedTuple):
    """The age of a value: newer ones are greater. No two writes may ever have the same."""

    counter: int
    client: int

    def __str__(self) -> str:
        return f"{self.counter}.{self.client}"


class Held(NamedTuple):
    """What a register holds, and since which write."""

    tag: Tag
    value: int | None  # None: nothing was written yet

    def __str__(self) -> str:
        return f"{self.value} ({self.tag})"


NOTHING: Final = Held(Tag(0, 0), None)


class Round(NamedTuple):
    """Which questions an answer belongs to: the client's number, and how many it asked before."""

    client: int
    number: int

    def __str__(self) -> str:
        return f"[{self.client}/{self.number}]"


@dataclass(frozen=True, slots=True)
class Look:
    """What is the newest that you know?"""

    round: Round
    register: int

    def __str__(self) -> str:
        return f"{self.round} what is in r{self.register}?"


@dataclass(frozen=True, slots=True)
class Found:
    """The newest that the node knows."""

    round: Round
    held: Held

    def __str__(self) -> str:
        return f"{self.round} {self.held}"


@dataclass(frozen=True, slots=True)
class Keep:
    """Keep this, unless you have something newer."""

    round: Round
    register: int
    held: Held

    def __str__(self) -> str:
        return f"{self.round} keep {self.held} in r{self.register}"


@dataclass(frozen=True, slots=True)
class Kept:
    """The node has this or something newer, and will have it after a power failure."""

    round: Round

    def __str__(self) -> str:
        return f"{self.round} kept"
