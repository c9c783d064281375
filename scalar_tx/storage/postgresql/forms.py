"""In which form do a statement and its parameters travel to PostgreSQL?"""

from __future__ import annotations

import datetime as dt
import re
from functools import lru_cache
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import psycopg
from psycopg import pq

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _text(value: str) -> bytes:
    if "\x00" in value:  # libpq would cut it short there
        raise psycopg.DataError("PostgreSQL holds no U+0000 in a text")
    return value.encode()


def _iso(value: dt.date | dt.time) -> bytes:
    return value.isoformat().encode()


_TEXT, _BINARY = pq.Format.TEXT, pq.Format.BINARY
# How a value is sent: as which type (0: the server infers it), in which form. Numbers are sent as
# the widest of their kind, so that a comparison with a narrower column is one of numbers.
_FORMS: Final[dict[type, tuple[int, pq.Format, Callable[[Any], bytes | None]]]] = {
    type(None): (0, _TEXT, lambda _: None),
    bool: (16, _TEXT, lambda value: b"t" if value else b"f"),
    int: (20, _TEXT, lambda value: b"%d" % value),
    float: (701, _TEXT, lambda value: float.__repr__(value).encode()),
    str: (0, _TEXT, _text),
    bytes: (17, _BINARY, bytes),
    dt.date: (0, _TEXT, _iso),
    dt.time: (0, _TEXT, _iso),
    dt.datetime: (0, _TEXT, _iso),
}


@lru_cache(maxsize=1024)
def _form_of(kind: type) -> tuple[int, pq.Format, Callable[[Any], bytes | None]]:
    """How values of a type are sent; those of a subclass (an enumeration's member) as its own."""
    for known in kind.__mro__:
        if known in _FORMS:
            return _FORMS[known]
    raise psycopg.ProgrammingError(f"a parameter of the type {kind.__name__} can't be sent")


_SIGN: Final = re.compile("%([s%])")


@lru_cache(maxsize=4096)
def _numbered(text: str) -> bytes:
    """A text with the placeholders that PostgreSQL itself knows."""
    numbers = count(1)
    return _SIGN.sub(lambda sign: f"${next(numbers)}" if sign[1] == "s" else "%", text).encode()


class Form:
    """A statement with parameters of certain types."""

    __slots__ = ("dump", "formats", "name", "query", "types", "uses")

    def __init__(self, text: str, kinds: Sequence[type]) -> None:
        forms = [_form_of(kind) for kind in kinds]
        self.query = _numbered(text)
        self.types = tuple(oid for oid, _, _ in forms)
        self.formats = [form for _, form, _ in forms]
        self.dump = tuple(dump for _, _, dump in forms)
        self.name = b""  # empty: not prepared
        self.uses = 0

    def values(self, parameters: Sequence[object]) -> list[bytes | None]:
        """The parameters as they are sent; psycopg.DataError: one can't be."""
        return [dump(value) for dump, value in zip(self.dump, parameters, strict=True)]
