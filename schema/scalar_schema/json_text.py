"""Where in its file does each value of a JSON text stand?

The standard library's parser forgets positions, and a message without a line is no help in a file
of twenty tables. Strict JSON: no comments, no trailing commas, each key of an object once.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_right
from dataclasses import dataclass, field, replace
from typing import Final, TypeAlias

from scalar_tx.errors import SchemaError

NOT_READABLE: Final = "STX-3060"  # the file is no JSON text, or can't be read
DEEPEST: Final = 20  # a schema file needs four levels

_BLANKS = re.compile(r"[ \t\r\n]*")
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_WORD = re.compile(r"[^\s,:\[\]{}\"]+")
_DECODER: Final = json.JSONDecoder()
_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}


@dataclass(frozen=True, slots=True)
class Place:
    """A line and a column of a file, counted from 1, and the keys that lead there."""

    file: str
    line: int
    column: int
    keys: tuple[str, ...] = ()

    def __str__(self) -> str:
        where = f"{self.file}:{self.line}:{self.column}"
        # A key may hold anything, a line break or a terminal's commands for one.
        keys = [key if key.isprintable() else ascii(key) for key in self.keys]
        return f"{where}: {' > '.join(keys)}" if keys else where

    def error(self, what: str, *, advice: str, code: str) -> SchemaError:
        """A SchemaError that begins with this place."""
        return SchemaError(f"{self}: {what}", advice=advice, code=code)


@dataclass(frozen=True, slots=True)
class Number:
    """A number as it is written: ``50`` and ``50.0`` are two texts."""

    text: str


@dataclass(frozen=True, slots=True)
class Member:
    """One key of an object with its value."""

    place: Place  # of the key
    value: Node


@dataclass(frozen=True, slots=True)
class Node:
    """A value with its place."""

    place: Place
    value: Json = field(repr=False)

    @property
    def kind(self) -> str:
        """What a message calls the value."""
        match self.value:
            case dict():
                return "an object"
            case list():
                return "an array"
            case str():
                return "a text"
            case Number():
                return "a number"
            case None:
                return "null"
        return str(self.value).lower()


Json: TypeAlias = dict[str, Member] | list[Node] | str | Number | bool | None


def parse(text: str, file: str) -> Node:
    """The one value of a text. SchemaError names the line and column of what is wrong."""
    reader = _Reader(text.removeprefix("\ufeff"), file)
    node = reader.value((), 0)
    reader.skip_blanks()
    if reader.position < len(reader.text):
        raise reader.error("there is more after the end", "Keep one object in a file")
    return node


class _Reader:
    def __init__(self, text: str, file: str) -> None:
        self.text = text
        self.file = file
        self.position = 0
        self._lines = [0, *(found.end() for found in re.finditer(r"\r\n|\r|\n", text))]

    def place(self, keys: tuple[str, ...] = (), at: int | None = None) -> Place:
        at = self.position if at is None else at
        line = bisect_right(self._lines, at)
        return Place(self.file, line, at - self._lines[line - 1] + 1, keys)

    def error(
        self, what: str, advice: str, keys: tuple[str, ...] = (), at: int | None = None
    ) -> SchemaError:
        return self.place(keys, at).error(what, advice=advice, code=NOT_READABLE)

    def skip_blanks(self) -> None:
        found = _BLANKS.match(self.text, self.position)
        if found is not None:
            self.position = found.end()

    def next(self) -> str:
        """The next sign that is no blank, not yet taken; empty at the end."""
        self.skip_blanks()
        return self.text[self.position : self.position + 1]

    def value(self, keys: tuple[str, ...], depth: int) -> Node:
        sign = self.next()
        place = self.place(keys)
        if depth > DEEPEST:
            raise self.error(
                f"values lie more than {DEEPEST} deep in one another",
                "Write {'namespace.table': {'columns': {…}, …}}",
                keys,
            )
        if sign == "{":
            return Node(place, self._object(keys, depth))
        if sign == "[":
            return Node(place, self._array(keys, depth))
        if sign == '"':
            return Node(place, self._string(keys))
        number = _NUMBER.match(self.text, self.position)
        word = _WORD.match(self.text, self.position)
        whole = word is not None and number is not None and number.end() == word.end()
        if number is not None and whole:
            self.position = number.end()
            return Node(place, Number(number[0]))
        if word is not None and word[0] in _CONSTANTS:
            self.position = word.end()
            return Node(place, _CONSTANTS[word[0]])
        raise self.unexpected("a value", keys)

    def _object(self, keys: tuple[str, ...], depth: int) -> dict[str, Member]:
        opened = self.position
        members: dict[str, Member] = {}
        self.position += 1
        if self.next() == "}":
            self.position += 1
            return members
        while True:
            if self.next() != '"':
                raise self.unexpected("a key in double quotes", keys, opened, "{")
            place = self.place()
            key = self._string(keys)
            inner = (*keys, key)
            place = replace(place, keys=inner)
            if key in members:
                raise place.error(
                    f"the key stands on line {members[key].place.line} already",
                    advice="Keep one of the two",
                    code=NOT_READABLE,
                )
            if self.next() != ":":
                raise self.unexpected("a colon after the key", inner, opened, "{")
            self.position += 1
            members[key] = Member(place, self.value(inner, depth + 1))
            if not self._another("}", keys, opened):
                return members

    def _array(self, keys: tuple[str, ...], depth: int) -> list[Node]:
        opened = self.position
        nodes: list[Node] = []
        self.position += 1
        if self.next() == "]":
            self.position += 1
            return nodes
        while True:
            nodes.append(self.value(keys, depth + 1))
            if not self._another("]", keys, opened):
                return nodes

    def _another(self, end: str, keys: tuple[str, ...], opened: int) -> bool:
        """Take a comma and say True, or the end of the object or array and say False."""
        sign = self.next()
        if sign == end:
            self.position += 1
            return False
        if sign != ",":
            raise self.unexpected(f"a comma or {end}", keys, opened, self.text[opened])
        comma = self.position
        self.position += 1
        if self.next() == end:
            raise self.error(f"a comma stands before {end}", "Remove the comma", keys, comma)
        return True

    def _string(self, keys: tuple[str, ...]) -> str:
        begin = self.position
        string: str
        try:
            string, self.position = _DECODER.raw_decode(self.text, begin)
        except json.JSONDecodeError as error:
            raise self.error(
                error.msg.removesuffix(" at").lower(),
                'End a text with "; in it, write \\\\ for a backslash and \\n for a line break',
                keys,
                error.pos,
            ) from None
        try:
            string.encode()
        except UnicodeEncodeError:
            raise self.error(
                "\\u names one half of a character", "Write both halves", keys, begin
            ) from None
        return string

    def unexpected(
        self, wanted: str, keys: tuple[str, ...], opened: int | None = None, sign: str = ""
    ) -> SchemaError:
        self.skip_blanks()
        since = (
            "" if opened is None else f"; {sign} was opened on line {self.place(at=opened).line}"
        )
        word = _WORD.match(self.text, self.position)
        if self.position >= len(self.text):
            found = "the text ends"
        elif word is None:
            found = f"there is {self.text[self.position]!r}"
        else:
            found = f"there is {word[0][:40]!r}"
        advice = "Write strict JSON: texts and keys in double quotes, no comments"
        return self.error(f"{found} where {wanted} is needed{since}", advice, keys)
