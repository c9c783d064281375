"""How do bytes become a request, and which do not?

What comes may be anything. A request that can't be one is handed on as the error that its caller is
told, since gRPC itself would log a trace for each and answer UNKNOWN.

Four million bytes hold two million empty elements, and each of them costs more than its bytes: so
all elements of a message are counted, whatever they are in, before anything is made of them.

gRPC has a request read in one go. Where that would take milliseconds it is given a ``Large`` in its
place, which is read in pieces while others get on.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from scalar_tx.cluster.empties import looking_for_too_many
from scalar_tx.cluster.messages.values import MalformedError
from scalar_tx.cluster.turns import at_once

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator

    from google.protobuf.descriptor import Descriptor

    from scalar_tx.cluster.turns import Turns

_A_MESSAGE: Final = 10  # an operation has columns, values, conditions: so many elements each
LARGE: Final = 2**16  # bytes; what has more is read in pieces
_PIECE: Final = 1000  # messages looked at in one


class Large:
    """A request that is still to be read."""

    __slots__ = ("_body", "_reading", "_turns")

    def __init__(
        self, body: bytes, reading: Callable[[bytes], Generator[None, None, Any]], turns: Turns
    ) -> None:
        self._body = body
        self._reading = reading
        self._turns = turns

    async def read(self, owner: str) -> Any:
        """The request, as a reader makes it of a small one, when it is its owner's turn; once."""
        async with self._turns.turn(owner, len(self._body)):
            reading, self._body = self._reading(self._body), b""
            return await self._turns.in_pieces(reading)


def reader(
    kind: Any, elements: int, turns: Turns | None = None, *, most_bytes: int | None = None
) -> Callable[[bytes], Any]:
    """What makes a request of bytes: a message of that kind, or the MalformedError it is told by.

    ``elements``: how many operations a message may have; of all elements together ten times as
    many. ``turns``: in which large ones are read; a ``Large`` is made of them. ``most_bytes``: what
    has more is refused unread.
    """
    most = elements * _A_MESSAGE

    def parsed(body: bytes) -> Any:
        try:
            return kind.FromString(body)
        except DecodeError:
            return MalformedError(f"its bytes are no {kind.DESCRIPTOR.name}")

    def reading(body: bytes) -> Generator[None, None, Any]:
        # An element takes a byte at least.
        if len(body) > most and (yield from looking_for_too_many(kind.DESCRIPTOR, body, most)):
            return MalformedError(f"it has more than {most} elements in all")
        yield
        message = parsed(body)
        if isinstance(message, MalformedError) or len(body) <= most:
            return message
        del body
        yield
        if (yield from _counting(message, most)) < 0:
            return MalformedError(f"it has more than {most} elements in all")
        return message

    def read(body: bytes) -> Any:
        size = len(body)
        if most_bytes is not None and size > most_bytes:
            return MalformedError(f"it has {size} bytes, and may have {most_bytes}")
        if turns is not None and size > LARGE:
            return Large(body, reading, turns)
        return parsed(body) if size <= most else at_once(reading(body))

    return read


def taken(request: Any) -> Any:
    """The request that was read. MalformedError: it was none."""
    if isinstance(request, MalformedError):
        raise request
    return request


def _counting(message: Any, left: int) -> Generator[None, None, int]:
    """How many more elements there may be behind those of a message; negative: there are too many.

    It looks no further once there are, and never at what can't have any.
    """
    inside: list[Iterator[Any]] = [iter((message,))]
    looked = 0
    while inside:
        one = next(inside[-1], None)
        if one is None:
            inside.pop()
            continue
        looked += 1
        if looked % _PIECE == 0:
            yield
        for name, repeated, inner in _where(one.DESCRIPTOR):
            if not repeated:
                if one.HasField(name):
                    inside.append(iter((getattr(one, name),)))
                continue
            among = getattr(one, name)
            left -= len(among)
            if left < 0:
                return left
            if inner:
                inside.append(iter(among))
    return left


@cache
def _where(kind: Descriptor) -> tuple[tuple[str, bool, bool], ...]:
    """The fields of a message that have elements, or may hold what has: name, repeated, the latter.

    A map's entries hold none.
    """
    found = []
    for field in kind.fields:
        repeated = field.label == FieldDescriptor.LABEL_REPEATED
        of = field.message_type
        inner = of is not None and not of.GetOptions().map_entry and _has_elements(of)
        if repeated or inner:
            found.append((field.name, repeated, inner))
    return tuple(found)


def _has_elements(kind: Descriptor) -> bool:
    seen, left = {kind.full_name}, [kind]
    while left:
        for field in left.pop().fields:
            if field.label == FieldDescriptor.LABEL_REPEATED:
                return True
            inner = field.message_type
            if inner is not None and inner.full_name not in seen:
                seen.add(inner.full_name)
                left.append(inner)
    return False
