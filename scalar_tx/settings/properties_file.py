"""How is a Java properties file read?

The whole syntax of ``java.util.Properties``: comments, continued lines, three separators, escapes.
The text is UTF-8; a file that isn't is read as ISO-8859-1, as older Java wrote it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from scalar_tx.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LARGEST_FILE = 1 << 20  # bytes; far beyond any settings, far below what hurts

_BLANK = " \t\f"
_LINE = re.compile(r"\r\n|\r|\n")
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_SQLITE_HEADER = b"SQLite format 3\x00"


@dataclass(frozen=True, slots=True)
class Property:
    """One property as it was given: value not yet substituted, place for messages.

    A tuple is a list that is split already, and taken as it stands.
    """

    name: str
    value: str | tuple[str, ...] = field(repr=False)  # may be a password
    place: str


def read_file(path: Path) -> list[Property]:
    """The properties of a file, in its order. SettingsError says why it can't be read."""
    return parse(_decoded(path), str(path))


def parse(text: str, name: str) -> list[Property]:
    """The properties of a text; ``name`` is what places in it are called by."""
    found = []
    for line, number in _logical_lines(text.removeprefix("\ufeff")):
        place = f"{name}:{number}"
        key, value = _split(line)
        found.append(Property(_unescaped(key, place), _unescaped(value, place), place))
    return found


def _decoded(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise SettingsError(
            f"the settings file {path} can't be read: {error.strerror or type(error).__name__}",
            advice="Name a readable properties file, or a URL such as sqlite:///shop.db",
        ) from error
    if data.startswith(_SQLITE_HEADER):
        raise SettingsError(
            f"{path} is a SQLite database, not a settings file",
            advice=f"Open it as sqlite:///{path}",
        )
    if len(data) > LARGEST_FILE or b"\x00" in data:
        raise SettingsError(
            f"{path} is not a settings file", advice="Name a properties file (a text)"
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _logical_lines(text: str) -> Iterator[tuple[str, int]]:
    """Each line that holds a property, continued lines joined, with the number of its first."""
    begun: str | None = None
    first = 0
    for number, natural in enumerate(_LINE.split(text), start=1):
        line = natural.lstrip(_BLANK)
        if begun is None:
            if not line or line[0] in "#!":
                continue
            begun, first = "", number
        # An even number of backslashes is so many escaped ones, and the line ends here.
        continued = (len(line) - len(line.rstrip("\\"))) % 2 == 1
        begun += line[:-1] if continued else line
        if not continued:
            yield begun, first
            begun = None
    if begun is not None:
        yield begun, first


def _split(line: str) -> tuple[str, str]:
    end = 0
    while end < len(line) and line[end] not in "=:" + _BLANK:
        end += 2 if line[end] == "\\" else 1
    rest = line[end:].lstrip(_BLANK)
    if rest[:1] in {"=", ":"}:
        rest = rest[1:].lstrip(_BLANK)
    return line[:end], rest


def _unescaped(text: str, place: str) -> str:
    if "\\" not in text:
        return text
    parts = []
    position = 0
    while position < len(text):
        character = text[position]
        position += 1
        if character != "\\":
            parts.append(character)
            continue
        escape = text[position : position + 1]
        position += 1
        if escape == "u":
            digits = text[position : position + 4]
            position += 4
            if not re.fullmatch(r"[0-9a-fA-F]{4}", digits):
                raise SettingsError(
                    f"{place}: \\u is not followed by four hexadecimal digits",
                    advice="Write \\u0041 for a character, \\\\u for a backslash before a u",
                )
            parts.append(chr(int(digits, 16)))
        else:
            parts.append(_ESCAPES.get(escape, escape))
    # Java's \u names halves of characters beyond the first 65,536.
    joined = "".join(parts).encode("utf-16", "surrogatepass")
    try:
        return joined.decode("utf-16")
    except UnicodeDecodeError as error:
        raise SettingsError(
            f"{place}: \\u names one half of a character",
            advice="Write both halves, or the character itself in UTF-8",
        ) from error
