"""What values does a property take, and which Python value does a text mean?

Booleans, integers and lists are read as ScalarDB reads them (Storage specification 9.1).
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from scalar_tx.errors import InvalidOperationError
from scalar_tx.model.isolation import Isolation

if TYPE_CHECKING:
    from collections.abc import Callable

_COMMA = re.compile(r"\s*(?<!\\),\s*")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: what it takes, in words, and the reading, which raises ValueError."""

    expects: str
    read: Callable[[str], object]


def split_list(text: str) -> tuple[str, ...]:
    r"""Split at commas that no backslash precedes, then drop all backslashes.

    >>> split_list(r"a, b\\,c")
    ('a', 'b,c')
    """
    # Java's split drops empty parts at the end, and so do we wherever they stand.
    parts = (part.strip().replace("\\", "") for part in _COMMA.split(text))
    return tuple(part for part in parts if part)


def integer(least: int, most: int = 2**63 - 1) -> Kind:
    """A whole number in decimal digits."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[+-]?[0-9]{1,19}", text):
            raise ValueError(text)
        number = int(text)
        if not least <= number <= most:
            raise ValueError(text)
        return number

    bound = f"of at least {least}" if most > 2**31 else f"from {least} to {most}"
    return Kind(f"a whole number {bound}", read)


def number(least: float) -> Kind:
    """A decimal number."""

    def read(text: str) -> float:
        value = float(text)
        if not math.isfinite(value) or value < least:
            raise ValueError(text)
        return value

    return Kind(f"a number of at least {least}", read)


def choice(*options: str) -> Kind:
    """One of several words, in any case; the word as listed is what is meant."""
    meant = {option.upper(): option for option in options}

    def read(text: str) -> str:
        if text.upper() not in meant:
            raise ValueError(text)
        return meant[text.upper()]

    return Kind(" or ".join(options), read)


def _flag(text: str) -> bool:
    if text.lower() not in {"true", "false"}:
        raise ValueError(text)
    return text.lower() == "true"


def _isolation(text: str) -> Isolation:
    try:
        return Isolation.parse(text)
    except InvalidOperationError as error:
        raise ValueError(text) from error


TEXT = Kind("a text", str)
LOWER_CASE = Kind("a word", str.lower)
ISOLATION = Kind(" or ".join(Isolation.__members__), _isolation)
FLAG = Kind("true or false", _flag)
LIST = Kind("a list, separated by commas", split_list)
COUNT = integer(0)
POSITIVE = integer(1)
# Where -1 stands for "never" or "no limit".
COUNT_OR_NEVER = integer(-1)
ANY_INTEGER = integer(-(2**31))
