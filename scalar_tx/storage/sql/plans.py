"""What is kept of a statement once it was made?

The text of a statement depends on the operation's shape (which columns, which comparisons), not on
its values.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Sequence

    from scalar_tx.storage.sql.conditions import Encoder

T = TypeVar("T")

# Conditions come from users, so there is no end of shapes; what is used often returns at once.
_MOST_SHAPES: Final = 512


@dataclass(frozen=True, slots=True)
class Plan:
    """A statement's text and the encoders of those parameters that need one, by position."""

    text: str
    encoders: tuple[tuple[int, Encoder], ...]
    conditional: bool = False  # is a count of 0 a refusal?

    def bind(self, values: list[object]) -> list[object]:
        """The parameters as the driver takes them; changes the list that is handed in."""
        for position, encode in self.encoders:
            value = values[position]
            if value is not None:
                values[position] = encode(value)
        return values


def plan(text: str, encoders: Sequence[Encoder | None], *, conditional: bool = False) -> Plan:
    """A plan for a text whose parameters have these encoders, None for none."""
    needed = tuple((i, encode) for i, encode in enumerate(encoders) if encode is not None)
    return Plan(text, needed, conditional)


class ByShape(Generic[T]):
    """What was made, by shape."""

    def __init__(self) -> None:
        self._kept: dict[Hashable, T] = {}

    def get(self, shape: Hashable, make: Callable[[], T]) -> T:
        """What was made for that shape before, or is made now."""
        made = self._kept.get(shape)
        if made is None:
            made = make()
            if len(self._kept) >= _MOST_SHAPES:
                self._kept.clear()
            self._kept[shape] = made
        return made
