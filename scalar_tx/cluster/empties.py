"""Are there too many elements among the bytes of a message, seen before it is made of them?

Elements that hold nothing are quick to send and slow to make. In bytes they stand one like the
other, and a row of a million is looked at once. Fields that are no elements may be as many: who has
several for each element that is allowed has sent them for nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor import FieldDescriptor

from scalar_tx.cluster.turns import at_once

if TYPE_CHECKING:
    from collections.abc import Generator

    from google.protobuf.descriptor import Descriptor

_DEEPEST: Final = 100  # messages in each other: as many as protobuf reads
_ROWS: Final = (1024, 32)  # equal elements looked at in one step
_FIELDS: Final = 8  # of a message for each element it may have; an operation's have four at most
_PIECE: Final = 1000  # fields looked at in one
_FIXED: Final = {1: 8, 5: 4}  # bytes by wire type


def too_many(kind: Descriptor, body: bytes, most: int) -> bool:
    """Are there certainly more elements than that? False also where the bytes are no message."""
    return at_once(looking_for_too_many(kind, body, most))


def looking_for_too_many(kind: Descriptor, body: bytes, most: int) -> Generator[None, None, bool]:
    """The same in pieces."""
    # Each empty element has a zero. To find that there is none is ten times quicker than to count.
    if b"\0" not in body or body.count(b"\0") <= most:
        return False
    try:
        left = yield from _Look(body, most).left(kind, 0, len(body), most, _DEEPEST)
    except IndexError:
        return False
    return left < 0


class _Look:
    """One look at the bytes of a message."""

    def __init__(self, body: bytes, most: int) -> None:
        self._body = body
        self._fields = 0
        self._most = most * _FIELDS

    def left(
        self, kind: Descriptor, at: int, end: int, left: int, levels: int
    ) -> Generator[None, None, int]:
        """How many more elements there may be behind those of a part; negative: too many."""
        body = self._body
        while at < end and left >= 0:
            self._fields += 1
            if self._fields > self._most:
                return -1
            if self._fields % _PIECE == 0:
                yield
            began = at
            tag, at = _number(body, at)
            field = kind.fields_by_number.get(tag >> 3)
            if tag & 7 != 2:
                if tag & 7 == 0:
                    _, at = _number(body, at)
                elif tag & 7 in _FIXED:
                    at += _FIXED[tag & 7]
                else:
                    return left
                continue
            size, at = _number(body, at)
            if field is None:
                at += size
                continue
            if field.label == FieldDescriptor.LABEL_REPEATED:
                left -= 1
                if not size:
                    at, left = self._row(body[began:at], at, end, left)
                    continue
            if field.message_type is not None and levels:
                inside = min(at + size, end)
                left = yield from self.left(field.message_type, at, inside, left, levels - 1)
            at += size
        return left

    def _row(self, element: bytes, at: int, end: int, left: int) -> tuple[int, int]:
        """Behind elements like this one: where, and how many more there may be."""
        for length in _ROWS:
            row = element * length
            while left >= 0 and self._body.startswith(row, at, end):
                left -= length
                at += len(row)
        return at, left


def _number(body: bytes, at: int) -> tuple[int, int]:
    found = shift = 0
    while True:
        byte = body[at]
        at += 1
        found |= (byte & 127) << shift
        if byte < 128:
            return found, at
        shift += 7
        if shift > 63:
            raise IndexError
