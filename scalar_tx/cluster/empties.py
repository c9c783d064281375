"""Are there too many elements among the bytes of a message, seen before it is made of them?

Elements that hold nothing are quick to send and slow to make. In bytes they stand one like the
other, and a row of a million is looked at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from google.protobuf.descriptor import FieldDescriptor

if TYPE_CHECKING:
    from google.protobuf.descriptor import Descriptor

_DEEPEST: Final = 100  # messages in each other: as many as protobuf reads
_ROWS: Final = (1024, 32)  # equal elements looked at in one step
_FIXED: Final = {1: 8, 5: 4}  # bytes by wire type


def too_many(kind: Descriptor, body: bytes, most: int) -> bool:
    """Are there certainly more elements than that? False also where the bytes are no message."""
    if body.count(b"\0") <= most:
        return False  # each empty element has one
    try:
        return _left(kind, body, (0, len(body)), most, _DEEPEST) < 0
    except IndexError:
        return False


def _left(kind: Descriptor, body: bytes, part: tuple[int, int], left: int, levels: int) -> int:
    at, end = part
    while at < end and left >= 0:
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
            if not size:
                element = body[began:at]
                left -= 1
                for length in _ROWS:
                    row = element * length
                    while left >= 0 and body.startswith(row, at, end):
                        left -= length
                        at += len(row)
                continue
            left -= 1
        if field.message_type is not None and levels:
            inside = (at, min(at + size, end))
            left = _left(field.message_type, body, inside, left, levels - 1)
        at += size
    return left


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
