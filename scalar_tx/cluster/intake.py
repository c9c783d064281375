"""How do bytes become a request, and which do not?

What comes may be anything. A request that can't be one is handed on as the error that its caller is
told, since gRPC itself would log a trace for each and answer UNKNOWN.

Four million bytes hold two million empty elements, and each of them costs more than its bytes: so
all elements of a message are counted, whatever they are in, before anything is made of them.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

from scalar_tx.cluster.empties import too_many
from scalar_tx.cluster.messages.values import MalformedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from google.protobuf.descriptor import Descriptor

_A_MESSAGE: Final = 10  # an operation has columns, values, conditions: so many elements each


def reader(kind: Any, elements: int) -> Callable[[bytes], Any]:
    """What makes a request of bytes: a message of that kind, or the MalformedError it is told by.

    ``elements``: how many operations a message may have; of all elements together ten times as
    many.
    """
    most = elements * _A_MESSAGE

    def read(body: bytes) -> Any:
        # An element takes a byte at least.
        if len(body) > most and too_many(kind.DESCRIPTOR, body, most):
            return MalformedError(f"it has more than {most} elements in all")
        try:
            message = kind.FromString(body)
        except DecodeError:
            return MalformedError(f"its bytes are no {kind.DESCRIPTOR.name}")
        if len(body) > most and _count(message, most) < 0:
            return MalformedError(f"it has more than {most} elements in all")
        return message

    return read


def taken(request: Any) -> Any:
    """The request that was read. MalformedError: it was none."""
    if isinstance(request, MalformedError):
        raise request
    return request


def _count(message: Any, left: int) -> int:
    """How many more elements there may be behind those of a message; negative: there are too many.

    It looks no further once there are, and never at what can't have any.
    """
    for name, repeated, inner in _where(message.DESCRIPTOR):
        if not repeated:
            if message.HasField(name):
                left = _count(getattr(message, name), left)
        else:
            among = getattr(message, name)
            left -= len(among)
            for one in among if inner and left >= 0 else ():
                left = _count(one, left)
                if left < 0:
                    break
        if left < 0:
            break
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
