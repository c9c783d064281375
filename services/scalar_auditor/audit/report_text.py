"""How is a report written: as a table for spreadsheets, or as JSON, one object a line?"""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

from scalar_auditor.audit.report import COLUMNS

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping

    Line: TypeAlias = Mapping[str, str | int | bool]

LARGEST_CHUNK: Final = 64 * 1024  # bytes
# What a spreadsheet takes for the beginning of a formula, in narrow letters and in wide ones.
_FORMULA: Final = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_BLANKS: Final = frozenset("\t\r\n")  # some skip them, and look behind


class Writing(Protocol):
    """Makes bytes of lines."""

    def begin(self) -> bytes:
        """What stands before the first line."""
        ...

    def text(self, lines: Iterable[Line]) -> bytes:
        """Some lines."""
        ...


class CsvTable:
    """CSV as of RFC 4180, in UTF-8; what a line doesn't tell of is an empty cell."""

    def begin(self) -> bytes:
        """The names of the columns."""
        return _rows([COLUMNS])

    def text(self, lines: Iterable[Line]) -> bytes:
        """Some rows."""
        return _rows([_cell(line, name) for name in COLUMNS] for line in lines)


def _rows(rows: Iterable[Iterable[object]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def _cell(line: Line, name: str) -> str | int:
    """The value, so that no spreadsheet calculates with it: names of files are anybody's choice."""
    value = line.get(name, "")
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and (value.lstrip()[:1] in _FORMULA or value[:1] in _BLANKS):
        return "'" + value
    return value


class JsonLines:
    """One JSON object a line, in UTF-8, with what the line tells of."""

    def begin(self) -> bytes:
        """Nothing."""
        return b""

    def text(self, lines: Iterable[Line]) -> bytes:
        """Some objects."""
        return b"".join(json.dumps(line, ensure_ascii=False).encode() + b"\n" for line in lines)


class Chunks:
    """Sends bytes in chunks of at most 64 KiB, as full as they can be."""

    def __init__(self, send: Callable[[bytes], Awaitable[None]]) -> None:
        self._send = send
        self._kept = bytearray()

    async def add(self, data: bytes) -> None:
        """Send what fills chunks, and keep the rest."""
        self._kept += data
        while len(self._kept) >= LARGEST_CHUNK:
            await self._take()

    async def end(self) -> None:
        """Send the rest."""
        if self._kept:
            await self._take()

    async def _take(self) -> None:
        chunk = bytes(self._kept[:LARGEST_CHUNK])
        del self._kept[:LARGEST_CHUNK]
        await self._send(chunk)
